//! The rows of the registry, in the order of the footer and of help. What an action does is not said here: only how it
//! is called, and by the words of [`when`] where it applies.

use super::{Action, ActionId as Id, Motion, when};
use crate::app::screen::Screen;

const MIGRATE: &[Screen] = &[Screen::Migrate];
const DIVERGENCE: &[Screen] = &[Screen::Divergence];
const FAILURES: &[Screen] = &[Screen::Failures];
const DIFF: &[Screen] = &[Screen::Diff];
const VERIFY: &[Screen] = &[Screen::Verify];
const SEARCH: &[Screen] = &[Screen::Search];
const LISTS: &[Screen] = &[
    Screen::Divergence,
    Screen::Failures,
    Screen::Diff,
    Screen::Verify,
    Screen::Search,
];
const MARKED: &[Screen] = &[Screen::Divergence, Screen::Failures];
const LOG: &[Screen] = &[Screen::Log];

/// Every action there is, in the order of the footer and of help.
pub static ACTIONS: &[Action] = &[
    Action::new(
        Id::Start,
        "start",
        &["Enter"],
        "start",
        "Begin to move points, once you have read the plan.",
    )
    .on(MIGRATE)
    .in_footer()
    .when(when::is_ready),
    Action::new(
        Id::PauseOrResume,
        "pause-or-resume",
        &["p"],
        "pause/resume",
        "Pause: start nothing new, finish what is in flight. Again: go on, also after an outage stopped the run.",
    )
    .in_footer_while(when::on_migrate)
    .when(when::can_pause),
    Action::new(
        Id::TryNow,
        "try-now",
        &["n"],
        "try now",
        "Wait no longer for an outage or a limit: make the next try now.",
    )
    .on(MIGRATE)
    .in_footer()
    .when(when::waits),
    Action::new(
        Id::CatchUp,
        "catch-up",
        &["s"],
        "catch up",
        "Go over both stores once more, and bring over what was written to Qdrant since.",
    )
    .on(MIGRATE)
    .in_footer()
    .dangerous()
    .when(when::can_catch_up),
    Action::new(
        Id::Faster,
        "more-in-flight",
        &["+", "="],
        "faster",
        "Allow more embedding requests in flight.",
    )
    .on(MIGRATE)
    .in_footer()
    .when(when::has_embedder),
    Action::new(
        Id::Slower,
        "fewer-in-flight",
        &["-"],
        "slower",
        "Allow fewer embedding requests in flight.",
    )
    .on(MIGRATE)
    .in_footer()
    .when(when::has_embedder),
    Action::new(
        Id::BatchInputs,
        "batch-inputs",
        &["b"],
        "batch",
        "Set how many inputs a request carries at most.",
    )
    .on(MIGRATE)
    .in_footer()
    .when(when::has_embedder),
    Action::new(
        Id::Budget,
        "budget",
        &["$"],
        "budget",
        "Set what the whole job may cost, in US dollars.",
    )
    .on(MIGRATE)
    .in_footer()
    .when(when::has_embedder),
    Action::new(
        Id::RequestsPerMinute,
        "requests-per-minute",
        &["m"],
        "requests/min",
        "Cap the requests a minute, or take the cap away.",
    )
    .on(MIGRATE)
    .when(when::has_embedder),
    Action::new(
        Id::TokensPerMinute,
        "tokens-per-minute",
        &["t"],
        "tokens/min",
        "Cap the tokens a minute, or take the cap away.",
    )
    .on(MIGRATE)
    .when(when::has_embedder),
    Action::new(
        Id::Verify,
        "verify",
        &["v"],
        "verify",
        "Verify everything: hold every row and vector against its point. Both stores are only read.",
    )
    .on(VERIFY)
    .in_footer_while(when::in_no_check)
    .when(when::can_verify),
    Action::new(
        Id::VerifySample,
        "verify-sample",
        &["n"],
        "sample",
        "Verify, but only the payloads and vectors of a sample; says what that proves.",
    )
    .on(VERIFY)
    .in_footer_while(when::in_no_check)
    .when(when::can_verify),
    Action::new(
        Id::StopVerifying,
        "stop-verifying",
        &["x"],
        "stop",
        "Stop the verification that is under way; nothing is decided then.",
    )
    .on(VERIFY)
    .in_footer()
    .when(when::can_stop_verifying),
    Action::new(
        Id::Query,
        "query",
        &["/"],
        "query",
        "Search both stores for words, or for what resembles the picture or the sound in a file (@path).",
    )
    .on(SEARCH)
    .in_footer()
    .when(when::is_open),
    Action::new(Id::Open, "open", &["Enter"], "open", "Open what is selected.")
        .on(LISTS)
        .in_footer_while(when::can_be_opened)
        .when(when::can_open),
    Action::new(
        Id::MeasureAgreement,
        "measure-agreement",
        &["n"],
        "neighbours",
        "Compare the ten nearest neighbours of a sample in both stores.",
    )
    .on(DIVERGENCE)
    .in_footer_while(when::has_only_neighbours)
    .when(when::can_measure),
    Action::new(
        Id::Mark,
        "mark",
        &["Space"],
        "mark",
        "Mark the point, for doing the same to several.",
    )
    .on(MARKED)
    .in_footer_while(when::in_list)
    .when(when::has_selected),
    Action::new(
        Id::Retry,
        "retry",
        &["r"],
        "retry",
        "Try the marked points again, or the selected one.",
    )
    .on(FAILURES)
    .in_footer()
    .when(when::can_retry),
    Action::new(
        Id::RetryAll,
        "retry-all",
        &["R"],
        "retry all",
        "Try all failed points again that the filter shows.",
    )
    .on(FAILURES)
    .in_footer_while(when::in_list)
    .dangerous()
    .when(when::has_failures),
    Action::new(
        Id::Edit,
        "edit",
        &["e"],
        "edit",
        "Edit the content of the selected point and try it again; the point in Qdrant stays as it is.",
    )
    .on(FAILURES)
    .in_footer()
    .when(when::can_edit),
    Action::new(
        Id::Skip,
        "skip",
        &["s"],
        "skip",
        "Give the marked points up, or the selected one, with a reason.",
    )
    .on(FAILURES)
    .in_footer()
    .dangerous()
    .when(when::can_skip),
    Action::new(
        Id::Unskip,
        "unskip",
        &["u"],
        "undo skip",
        "Take the skip of the marked points back, or of the selected one.",
    )
    .on(FAILURES)
    .in_footer_while(when::is_skipped)
    .when(when::can_unskip),
    Action::new(
        Id::Sort,
        "sort",
        &["o"],
        "order",
        "List by id, by age, by cause, by attempts.",
    )
    .on(FAILURES),
    Action::new(
        Id::Export,
        "export",
        &["E"],
        "export",
        "Write the failures to a file, as JSON.",
    )
    .on(FAILURES)
    .when(when::is_open),
    Action::new(
        Id::Filter,
        "filter",
        &["/"],
        "filter",
        "Show only failures whose id, cause or error holds a text; cause:NAME narrows it. Going back shows all again.",
    )
    .on(FAILURES)
    .in_footer(),
    Action::new(
        Id::EmbedAgain,
        "embed-again",
        &["r"],
        "embed again",
        "Embed the marked points again, or the selected one. Asks first where several are paid for.",
    )
    .briefly("embed")
    .on(DIVERGENCE)
    .in_footer()
    .when(when::can_embed_again),
    Action::new(
        Id::Accept,
        "accept",
        &["a"],
        "accept",
        "Accept the new embedding as it is, with a note, for the marked points or the selected one.",
    )
    .on(DIVERGENCE)
    .in_footer()
    .when(when::has_divergent),
    Action::new(
        Id::ShowDiff,
        "show-diff",
        &["d"],
        "diff",
        "Show the point in both stores side by side.",
    )
    .on(MARKED)
    .in_footer()
    .when(when::has_selected),
    Action::new(
        Id::Threshold(-1),
        "threshold-down",
        &["<"],
        "lower",
        "Lower the threshold by 0.001.",
    )
    .on(DIVERGENCE)
    .in_footer_while(when::has_similarities),
    Action::new(
        Id::Threshold(1),
        "threshold-up",
        &[">"],
        "raise",
        "Raise the threshold by 0.001.",
    )
    .on(DIVERGENCE)
    .in_footer_while(when::has_similarities),
    Action::new(
        Id::Threshold(-10),
        "threshold-far-down",
        &["{"],
        "lower",
        "Lower the threshold by 0.01.",
    )
    .on(DIVERGENCE),
    Action::new(
        Id::Threshold(10),
        "threshold-far-up",
        &["}"],
        "raise",
        "Raise the threshold by 0.01.",
    )
    .on(DIVERGENCE),
    Action::new(
        Id::ZoomIn,
        "zoom-in",
        &["+", "="],
        "zoom",
        "Split the selected bin into finer ones.",
    )
    .on(DIVERGENCE)
    .in_footer_while(when::in_bins)
    .when(when::has_bin),
    Action::new(Id::ZoomOut, "zoom-out", &["-"], "zoom out", "Back to wider bins.")
        .briefly("out")
        .on(DIVERGENCE)
        .in_footer_while(when::in_bins)
        .when(when::is_zoomed),
    Action::new(Id::Scale, "scale", &["c"], "scale", "Linear or logarithmic counts.")
        .on(DIVERGENCE)
        .in_footer_while(when::in_bins),
    Action::new(
        Id::KeepSourceVector,
        "keep-source-vector",
        &["K"],
        "keep Qdrant's",
        "Put Qdrant's vector in the place of the new embedding, for the marked points or the selected one.",
    )
    .briefly("keep")
    .on(DIVERGENCE)
    .in_footer()
    .dangerous()
    .when(when::can_keep),
    Action::new(
        Id::Sample,
        "sample",
        &["n"],
        "sample",
        "Compare another random sample of both stores.",
    )
    .on(DIFF)
    .in_footer_while(when::in_no_pair)
    .when(when::is_open),
    Action::new(
        Id::PairById,
        "pair-by-id",
        &["i"],
        "by id",
        "Compare one point, by its id.",
    )
    .on(DIFF)
    .in_footer_while(when::in_no_pair)
    .when(when::is_open),
    Action::new(
        Id::NextDifference,
        "next-difference",
        &["]"],
        "next",
        "To the next field that differs.",
    )
    .on(DIFF)
    .in_footer()
    .when(when::has_difference),
    Action::new(
        Id::PreviousDifference,
        "previous-difference",
        &["["],
        "previous",
        "To the previous field that differs.",
    )
    .on(DIFF)
    .in_footer()
    .when(when::has_difference),
    Action::new(
        Id::Fold,
        "fold",
        &["f"],
        "fold",
        "Fold the fields that are equal, or show them.",
    )
    .on(DIFF)
    .in_footer_while(when::has_pair)
    .when(when::has_equal),
    Action::new(
        Id::Wrap,
        "wrap",
        &["w"],
        "wrap",
        "Wrap long texts, or scroll them with Left and Right.",
    )
    .on(DIFF)
    .in_footer_while(when::has_pair)
    .when(when::can_wrap),
    Action::new(
        Id::CopyField,
        "copy-field",
        &["Y"],
        "copy field",
        "Put the selected field into the clipboard.",
    )
    .on(DIFF)
    .when(when::has_record),
    Action::new(
        Id::CopyId,
        "copy-id",
        &["y"],
        "copy id",
        "Put the point's id into the terminal's clipboard.",
    )
    .on(LISTS)
    .when(when::has_selected),
    Action::new(
        Id::Find,
        "find",
        &["m"],
        "find",
        "Find anything, or only texts, pictures or sounds.",
    )
    .on(SEARCH)
    .in_footer(),
    Action::new(
        Id::SearchHow,
        "search-how",
        &["s"],
        "how",
        "Search LanceDB by vector, by keywords in the content, or by both with their ranks fused.",
    )
    .on(SEARCH)
    .in_footer()
    .when(when::can_choose_how),
    Action::new(
        Id::Condition,
        "condition",
        &["f"],
        "where",
        "Search only points whose payload meets a condition. Going back clears it.",
    )
    .on(SEARCH)
    .in_footer()
    .when(when::is_open),
    Action::new(
        Id::SearchExactly,
        "search-exactly",
        &["x"],
        "exact",
        "Compare with every vector, or ask the indexes: faster, and some may be missed.",
    )
    .on(SEARCH)
    .in_footer()
    .when(when::can_be_exact),
    Action::new(
        Id::Repair,
        "repair",
        &["R"],
        "repair",
        "Plan the repair of what the checks found, ask with count and price, then do it.",
    )
    .on(VERIFY)
    .in_footer()
    .dangerous()
    .when(when::can_repair),
    Action::new(
        Id::ExportOffenders,
        "export-offenders",
        &["E"],
        "export",
        "Write the points that the checks find fault with to a file, as JSON lines.",
    )
    .on(VERIFY)
    .in_footer()
    .when(when::has_offenders),
    Action::new(
        Id::LogLevel,
        "log-level",
        &["f"],
        "level",
        "Show all lines, warnings and errors, or errors only.",
    )
    .on(LOG)
    .in_footer(),
    Action::new(
        Id::Back,
        "back",
        &["Esc"],
        "back",
        "One step back: close what is open, clear the filter or the condition, give up a search, drop the marks.",
    )
    .in_footer_while(when::in_what_is_open)
    .when(when::can_go_back),
    Action::new(Id::Move(Motion::Down), "down", &["Down", "j"], "down", "One line down.").when(when::can_move),
    Action::new(Id::Move(Motion::Up), "up", &["Up", "k"], "up", "One line up.").when(when::can_move),
    Action::new(
        Id::Move(Motion::PageDown),
        "page-down",
        &["PgDn"],
        "page down",
        "A page down.",
    )
    .when(when::can_move),
    Action::new(Id::Move(Motion::PageUp), "page-up", &["PgUp"], "page up", "A page up.").when(when::can_move),
    Action::new(
        Id::Move(Motion::Top),
        "top",
        &["g", "Home"],
        "top",
        "To the first line.",
    )
    .when(when::can_move),
    Action::new(
        Id::Move(Motion::Bottom),
        "bottom",
        &["G", "End"],
        "bottom",
        "To the last line.",
    )
    .when(when::can_move),
    Action::new(Id::Move(Motion::Left), "left", &["Left", "h"], "left", "To the left.").when(when::can_move_sideways),
    Action::new(
        Id::Move(Motion::Right),
        "right",
        &["Right", "l"],
        "right",
        "To the right.",
    )
    .when(when::can_move_sideways),
    Action::new(
        Id::NextPane,
        "next-pane",
        &["Tab"],
        "pane",
        "To the next pane of the screen.",
    )
    .in_footer_while(when::has_panes)
    .when(when::can_change_panes),
    Action::new(
        Id::PreviousPane,
        "previous-pane",
        &["Shift-Tab"],
        "pane",
        "To the previous pane of the screen.",
    )
    .when(when::can_change_panes),
    Action::new(
        Id::Show(Screen::Migrate),
        "show-migrate",
        &["1"],
        "Migrate",
        "Progress of the migration.",
    ),
    Action::new(
        Id::Show(Screen::Divergence),
        "show-divergence",
        &["2"],
        "Divergence",
        "How far the new embeddings lie from Qdrant's vectors.",
    ),
    Action::new(
        Id::Show(Screen::Failures),
        "show-failures",
        &["3"],
        "Failures",
        "Points that could not be carried over.",
    ),
    Action::new(
        Id::Show(Screen::Diff),
        "show-diffs",
        &["4"],
        "Diff",
        "Points of both stores side by side.",
    ),
    Action::new(
        Id::Show(Screen::Verify),
        "show-verify",
        &["5"],
        "Verify",
        "Whether the new store may take over.",
    ),
    Action::new(
        Id::Show(Screen::Search),
        "show-search",
        &["6"],
        "Search",
        "Search in both stores.",
    ),
    Action::new(Id::Show(Screen::Log), "show-log", &["7"], "Log", "What happened."),
    Action::new(
        Id::Suspend,
        "suspend",
        &["Ctrl-Z"],
        "suspend",
        "Give the terminal back until `fg`; the work stands still meanwhile.",
    ),
    Action::new(
        Id::Palette,
        "palette",
        &[":", "Ctrl-P"],
        "commands",
        "Find any action by its name.",
    )
    .in_footer(),
    Action::new(Id::Help, "help", &["?"], "help", "The keys of this screen.").in_footer(),
    Action::new(
        Id::Quit,
        "quit",
        &["q"],
        "quit",
        "Leave. Asks while work is running; Ctrl-C stops cleanly without asking; a second Ctrl-C stops at once.",
    )
    .in_footer()
    .dangerous()
    .when(when::can_quit),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_has_its_name_and_texts() {
        let mut names = HashSet::new();
        for action in ACTIONS {
            let Action { name, .. } = action;
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            assert!(!action.keys.is_empty() && !action.short.is_empty(), "{name}");
            assert!(action.long.ends_with('.') && action.long.len() > 8, "{name}");
        }
    }

    #[test]
    fn every_screen_has_the_key_on_its_tab() {
        for (screen, digit) in Screen::ALL {
            let action = ACTIONS.iter().find(|action| action.id == Id::Show(screen));
            assert_eq!(action.map(|action| action.keys), Some(&[&*digit.to_string()][..]));
        }
    }
}
