//! The same without a screen: which commands do what an action does. Every action must be named here.

use super::ActionId as Id;
use super::Screen;

/// The commands of an action, behind `qlance`, with the argument that it is about where there is one; none where it
/// only moves or shows something on the screen.
pub(super) const fn of(id: Id) -> &'static [&'static str] {
    match id {
        Id::Quit => &["live stop"],
        Id::Show(Screen::Migrate) => &["live status"],
        Id::Show(Screen::Divergence) => &["divergence histogram", "divergence list"],
        Id::Show(Screen::Failures) => &["failures list"],
        Id::Show(Screen::Diff) | Id::ShowDiff | Id::Sample | Id::PairById => &["diff"],
        Id::Show(Screen::Verify) | Id::Verify => &["verify"],
        Id::Show(Screen::Search) | Id::Query => &["search"],
        Id::Show(Screen::Log) | Id::LogLevel => &["log"],
        Id::Start => &["run"],
        Id::PauseOrResume => &["live pause", "live resume"],
        Id::TryNow => &["live try-now"],
        Id::CatchUp => &["sync"],
        Id::Faster | Id::Slower => &["live set --max-in-flight"],
        Id::BatchInputs => &["live set --max-batch-inputs"],
        Id::RequestsPerMinute => &["live set --requests-per-minute"],
        Id::TokensPerMinute => &["live set --tokens-per-minute"],
        Id::Budget => &["live set --budget-usd"],
        Id::Open => &["divergence show", "failures show", "diff"],
        Id::Filter => &["failures list --text", "failures list --cause"],
        Id::Sort => &["failures list --sort"],
        Id::Retry | Id::RetryAll => &["failures retry"],
        Id::Edit => &["failures edit"],
        Id::Skip => &["failures skip"],
        Id::Unskip => &["failures unskip"],
        Id::Export => &["failures export"],
        Id::Threshold(_) => &["divergence histogram --threshold"],
        Id::EmbedAgain => &["divergence embed-again"],
        Id::KeepSourceVector => &["divergence keep"],
        Id::Accept => &["divergence accept"],
        Id::MeasureAgreement => &["divergence neighbours"],
        Id::VerifySample => &["verify --sample"],
        Id::StopVerifying => &["live stop"],
        Id::Repair => &["verify --repair"],
        Id::ExportOffenders => &["verify --export"],
        Id::Find => &["search --modality"],
        Id::SearchHow => &["search --keyword", "search --hybrid"],
        Id::SearchExactly => &["search --exact"],
        Id::Condition => &["search --where"],
        Id::Help
        | Id::Palette
        | Id::Suspend
        | Id::NextPane
        | Id::PreviousPane
        | Id::Move(_)
        | Id::Back
        | Id::Mark
        | Id::CopyId
        | Id::CopyField
        | Id::Scale
        | Id::ZoomIn
        | Id::ZoomOut
        | Id::NextDifference
        | Id::PreviousDifference
        | Id::Fold
        | Id::Wrap => &[],
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use crate::app::actions::ACTIONS;
    use crate::cli::Cli;

    /// What of a console is only for eyes and hands: it moves, shows, marks or copies.
    const ONLY_ON_THE_SCREEN: &[&str] = &[
        "mark",
        "zoom-in",
        "zoom-out",
        "scale",
        "next-difference",
        "previous-difference",
        "fold",
        "wrap",
        "copy-field",
        "copy-id",
        "back",
        "down",
        "up",
        "page-down",
        "page-up",
        "top",
        "bottom",
        "left",
        "right",
        "next-pane",
        "previous-pane",
        "suspend",
        "palette",
        "help",
    ];

    /// The command that a line names, and whether it takes the arguments that are named with it.
    fn found<'a>(root: &'a Command, line: &str) -> Option<&'a Command> {
        let (words, arguments): (Vec<&str>, Vec<&str>) = line.split(' ').partition(|word| !word.starts_with("--"));
        let command = words
            .into_iter()
            .try_fold(root, |command, word| command.find_subcommand(word))?;
        arguments
            .into_iter()
            .all(|argument| takes(command, &argument[2..]))
            .then_some(command)
    }

    fn takes(command: &Command, long: &str) -> bool {
        command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(long))
    }

    #[test]
    fn every_action_is_a_command_that_can_print_json_or_only_moves_on_the_screen() {
        let root = Cli::command();
        for action in ACTIONS {
            let name = action.name;
            assert_eq!(
                action.commands.is_empty(),
                ONLY_ON_THE_SCREEN.contains(&name),
                "{name}: {:?}",
                action.commands
            );
            for line in action.commands {
                let command = found(&root, line).unwrap_or_else(|| panic!("{name}: there is no `qlance {line}`"));
                assert!(
                    !command.has_subcommands(),
                    "{name}: `qlance {line}` needs one more word"
                );
                assert!(takes(command, "json"), "{name}: `qlance {line}` has no --json");
            }
        }
        for name in ONLY_ON_THE_SCREEN {
            assert!(ACTIONS.iter().any(|action| action.name == *name), "{name} is no action");
        }
    }

    #[test]
    fn what_the_console_asks_before_there_is_a_job_is_a_command_too() {
        let root = Cli::command();
        let init = found(&root, "init").expect("qlance init");
        assert!(takes(init, "json"));
    }
}
