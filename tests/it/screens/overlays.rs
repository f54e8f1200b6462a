//! What stands over the screens and around them: help, palette, prompts, questions, tabs, footer; and the screen that
//! is short: Log.

mod boxes;

use std::collections::BTreeSet;
use std::time::Duration;

use crossterm::event::KeyCode;
use qlance::app::actions::{self, ActionId, Motion};
use qlance::app::{App, Message, Screen};
use qlance::lance::index::Step;
use qlance::point::{Cause, Failure, PointId};
use qlance::tasks::meters::{Outage, Waiting};
use qlance::tasks::sync::Difference;
use qlance::tasks::{Level, Phase, Setting, TaskCommand, TaskEvent};
use qlance::ui;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::frame::{assert_says, find, style_of, text};
use super::migrate::{complete, half_way, plan, ready, running};
use super::{ASCII, COLORS, PLAIN, SIZES, Scene, diff, divergence, facts, failures, opened, search, verify};

/// A log with lines of every level.
pub(super) fn log() -> Scene {
    let seventeen = PointId::Num(17);
    Scene::open()
        .phase(Phase::Running)
        .event(TaskEvent::PointFailed(
            seventeen,
            Failure::new(Cause::NoContent, "no key `content`"),
        ))
        .event(TaskEvent::Committed {
            rows: 20_000,
            version: 2,
        })
        .note(Level::Warn, "the histogram lacks the rows of earlier runs")
        .event(TaskEvent::SettingConfirmed(Setting::InFlight(55)))
        .phase(Phase::Finishing(Step::Compact))
        .event(TaskEvent::StepStarted(Step::Compact))
        .event(TaskEvent::StepFinished(Step::Compact, "12 files became 1".into()))
        .event(TaskEvent::RetryStarted(vec![seventeen]))
        .event(TaskEvent::RetryFinished(seventeen, Ok(())))
        .event(TaskEvent::RetryEnded {
            recovered: 1,
            failed: 0,
            error: None,
            waiting: 0,
        })
        .note(Level::Error, "the embedder refused the key (401)")
        .later()
        .press("7")
}

impl Scene {
    /// Keys as the event loop gives them to the state of a terminal of this size.
    fn press_at(self, size: (u16, u16), keys: &str) -> Self {
        keys.chars().fold(self, |scene, key| {
            let reach = ui::reach::reach(&scene.app, Rect::new(0, 0, size.0, size.1));
            scene.take(Message::Reach(reach)).press(&key.to_string())
        })
    }
}

/// One scene of every kind: what a frame must survive.
pub(super) fn all() -> Vec<(&'static str, Scene)> {
    vec![
        ("connecting", Scene::of("messages")),
        ("plan", ready(plan())),
        ("running", running()),
        ("quit", running().press("q")),
        ("divergence", divergence::listed()),
        ("divergence opened", divergence::opened()),
        ("divergence zoomed", running().press("2j+").ranked(divergence::rows())),
        ("failures with help", failures::listed().press("?")),
        ("failure opened", failures::opened()),
        ("typing", failures::listed().press("/timeout")),
        ("failures that are old", failures::unreadable()),
        ("reading a failure", failures::listed().press("\n")),
        ("editor", failures::editing("one line")),
        ("editor of lines", failures::editing("two\nlines")),
        ("diff", diff::listed()),
        ("diff opened", diff::opened()),
        ("diff scrolled", diff::opened().press("wf").key(KeyCode::Right)),
        ("palette", failures::listed().press(":re")),
        ("prompt", running().press("$x\n")),
        ("verify", running().press("5")),
        ("verifying", verify::verifying()),
        ("not verified", verify::verifying().not_verified("no Qdrant")),
        ("verified", verify::decided(verify::no_go())),
        ("a check", verify::decided(verify::no_go()).press("\t")),
        ("offenders", verify::decided(verify::no_go()).press("\n")),
        ("reasons", verify::decided(verify::no_go()).press("\t\t\t")),
        ("search", running().press("6")),
        ("search answered", search::answered()),
        ("search without Qdrant", search::by_keywords()),
        ("search again", search::answered().press("m")),
        ("log", log()),
    ]
}

// --- snapshots

#[test]
fn the_log_by_levels() {
    log().assert_looks("log");
    log().press("f").assert_looks("log_warnings");
    log().press("ff").assert_looks("log_errors");
    let quiet = Scene::open().press("7f");
    quiet.assert_looks("log_without_warnings");
    log().press("kkkkkk").assert_looks("log_scrolled");
    let scene = Scene::of("messages").press("7");
    scene.assert_looks("log_empty");
}

/// A log whose newest line is longer than any screen is wide.
fn long_log() -> Scene {
    let long = format!("the embedder answered 400: {}END", "a word of it, ".repeat(20));
    log().note(Level::Error, &long).later()
}

#[test]
fn the_selected_line_of_the_log_is_opened_in_its_place() {
    let scene = long_log();
    scene.assert_looks("log_opened");
    for size in SIZES {
        assert_says(&scene.text(size), "END");
    }
    let above = long_log().press("k");
    assert!(!above.text((80, 24)).contains("END"), "another line is selected");
    let endless = log().note(Level::Warn, &"word ".repeat(5_000)).later();
    assert_says(&endless.text((80, 24)), "the embedder refused the key");
    let screen = scene.draw(PLAIN, (80, 24));
    let (_, first) = find(&screen, "error the embedder answered");
    let (_, last) = find(&screen, "END");
    assert!(last > first, "it takes several lines");
    for y in first - 1..=last {
        let reversed = |x: u16| screen[(x, y)].modifier.contains(Modifier::REVERSED);
        let all = (1..79).filter(|x| reversed(*x)).count();
        assert_eq!(
            all,
            if y < first { 0 } else { 78 },
            "line {y}: all of what is selected, and nothing else"
        );
    }
    let warned = style_of(&log().press("k").draw(COLORS, (80, 24)), "error the embedder refused");
    assert_eq!(
        warned,
        (Color::Red, Modifier::BOLD),
        "how much it matters is seen unselected too"
    );
}

#[test]
fn help_on_every_screen() {
    for (screen, digit) in Screen::ALL {
        let scene = failures::listed().press(&format!("{digit}?"));
        let name = format!("help_{}", screen.title().to_lowercase());
        scene.assert_looks(&name);
    }
}

#[test]
fn help_scrolled() {
    let scene = failures::listed().press("?jjjjjj");
    scene.assert_looks("help_scrolled");
}

#[test]
fn the_palette() {
    failures::listed().press(":").assert_looks("palette");
    failures::listed().press(":rtall").assert_looks("palette_searched");
    let scene = failures::listed().press(":zzzz");
    scene.assert_looks("palette_nothing");
    let scene = running().press(":").key(KeyCode::Down).key(KeyCode::Down);
    scene.assert_looks("palette_moved");
}

/// What keys open over the points of a bin. Which bins there are depends on the size: a list that was read for another one
/// would be read anew.
fn over_the_list(keys: &str, name: &str) {
    for size in SIZES {
        divergence::listed_at(size)
            .press(keys)
            .assert_looks_at(name, size, COLORS);
    }
}

#[test]
fn prompts() {
    running().press("$").assert_looks("prompt");
    running().press("$x\n").assert_looks("prompt_error");
    let scene = failures::listed().press("s\n");
    scene.assert_looks("prompt_skip");
    over_the_list("aright as it is", "prompt_accept");
    let scene = diff::listed().press("ino id\n");
    scene.assert_looks("prompt_pair");
    running().press("b").assert_looks("prompt_batch");
    running().press("m").assert_looks("prompt_requests");
    running().press("t").assert_looks("prompt_tokens");
    failures::listed().press("E").assert_looks("prompt_export");
}

#[test]
fn questions() {
    running().press("q").assert_looks("confirm_quit");
    let retry_all = failures::listed().press("R");
    retry_all.assert_looks("confirm_retry_all");
    // As many as the title says, and each of them once.
    assert_says(
        &retry_all.text((80, 24)),
        "Retry 8 of 10 failed points? The other 2 are",
    );
    over_the_list("K", "confirm_keep");
    over_the_list("  r", "confirm_embed_again");
}

/// What was written to Qdrant since the run of [`complete`].
fn differing() -> Difference {
    Difference {
        same: 199_981,
        new: 23,
        content: 5,
        payload: 2,
        gone: 0,
        waiting: 12,
        inputs: 28,
        tokens: 4_010,
        cost_usd: 0.0005,
        ..Difference::default()
    }
}

/// The same, and points are gone.
fn gone() -> Difference {
    Difference {
        same: 199_977,
        gone: 4,
        ..differing()
    }
}

#[test]
fn questions_before_catching_up() {
    let differing = differing();
    let gone = gone();
    let only_gone = Difference {
        same: 199_984,
        gone: 4,
        waiting: 12,
        ..Difference::default()
    };
    for (name, found) in [
        ("confirm_catch_up", differing),
        ("confirm_catch_up_and_remove", gone),
        ("confirm_catch_up_only_gone", only_gone),
    ] {
        let asked = complete().press("1").event(TaskEvent::Compared(Ok(found)));
        let table = &asked.app.snapshot;
        let met = found.same + found.content + found.payload + found.gone;
        assert_eq!(
            (met, found.waiting),
            (table.written, table.failed + table.skipped),
            "{name}"
        );
        asked.assert_looks(name);
    }
    let elsewhere = complete().press("7").event(TaskEvent::Compared(Ok(gone)));
    elsewhere.assert_looks("catch_up_waits_for_an_answer");
}

#[test]
fn a_warning_takes_the_place_of_the_keys_for_a_while() {
    let scene = running().note(Level::Warn, "the histogram lacks the rows of earlier runs");
    scene.assert_looks("flash");
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), "the histogram"), warn);
    assert!(!scene.later().text((80, 24)).contains("the histogram"));
}

// --- the footer and the header

/// The last line of a frame.
fn footer(scene: &Scene, size: (u16, u16)) -> String {
    scene.text(size).lines().last().unwrap_or_default().to_owned()
}

/// The first line of a frame.
fn header(scene: &Scene, width: u16) -> String {
    scene.text((width, 24)).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn over_a_screen_the_footer_names_only_the_keys_of_what_lies_there() {
    for (scene, wanted) in [
        (running().press("q"), " c s r choose  Enter carry out  Esc cancel"),
        (running().press("$"), " Enter take  Esc leave"),
        (failures::listed().press(":"), " Up Down choose  Enter do it  Esc close"),
        (
            failures::listed().press("/timeout"),
            " Enter keep the filter  Esc show all",
        ),
        (
            failures::editing("one line"),
            " Enter embed and retry  Alt-Enter begin a line  Esc leave",
        ),
        (failures::editing("two\nlines"), " Ctrl-S embed and retry  Esc leave"),
    ] {
        for size in [(60, 16), (80, 24), (200, 60)] {
            assert_eq!(footer(&scene, size), wanted, "{size:?}");
        }
    }
    let help = failures::listed().press("?");
    for (size, wanted) in [
        ((60, 16), " Up Down scroll  Esc close"),
        ((80, 24), " Up Down scroll  Esc close"),
        ((200, 60), " Esc close"),
    ] {
        assert_eq!(footer(&help, size), wanted, "{size:?}");
    }
}

#[test]
fn the_footer_names_the_keys_of_what_is_open() {
    for (name, scene, offered, not_offered) in [
        (
            "a point",
            divergence::opened(),
            &["r embed", "a accept", "d diff", "K keep", "Esc back"][..],
            &["Enter open", "Space mark", "Tab pane"][..],
        ),
        (
            "a pair",
            diff::opened(),
            &["] next", "[ previous", "f unfold", "w unwrap", "Esc back"],
            &["Enter open", "n sample", "i by id", "Tab pane"],
        ),
        (
            "a pair, unfolded and not wrapped",
            diff::opened().press("fw"),
            &["f fold", "w wrap"],
            &["unfold", "unwrap"],
        ),
        (
            "pairs",
            diff::listed(),
            &["Enter open", "n sample"],
            &["fold", "wrap", "Esc back"],
        ),
        (
            "no pair",
            Scene::of("messages").press("4"),
            &[": commands"],
            &["fold", "wrap", "n sample"],
        ),
        (
            "a failure",
            failures::opened(),
            &["r retry 2 marked", "Esc back", "Tab pane"],
            &["Enter open", "Space mark"],
        ),
        (
            "a check",
            verify::decided(verify::no_go()).press("\t"),
            &["Enter open", "R repair", "E export", "Esc back", "Tab pane"],
            &["v verify"],
        ),
        (
            "points to come",
            Scene::open().phase(Phase::Running).press("2"),
            &["Tab pane"],
            &["Enter open", "n neighbours", "< lower", "> raise", "c scale"],
        ),
        (
            "bins, one of them split",
            running().press("2j+j").ranked(divergence::rows()),
            &["< lower", "> raise", "+ zoom", "- out", "c scale", "Tab pane"],
            &["Enter open", "Space mark", "r embed", "a accept", "d diff", "K keep"],
        ),
        (
            "bins, none of them chosen",
            running().press("2").ranked(divergence::rows()),
            &["< lower", "> raise", "c scale"],
            &["Enter open", "Space mark", "+ zoom", "- ", "n neighbours"],
        ),
        (
            "a bin without points",
            running().press("2j\t").ranked(Vec::new()),
            &["< lower", "> raise"],
            &["Enter open", "n neighbours", "c scale"],
        ),
        (
            "points",
            divergence::listed(),
            &["Enter open", "Space mark", "r embed 2 marked"],
            &["n neighbours", "c scale"],
        ),
        (
            "points, none of them marked",
            running().press("2\t").ranked(divergence::rows()),
            &["Enter open", "Space mark", "r embed", "d diff"],
            &["n neighbours", "c scale", "marked"],
        ),
    ] {
        let footer = footer(&scene, (80, 24));
        for part in offered {
            assert!(footer.contains(part), "{name}: {part:?} is missing: {footer:?}");
        }
        for part in not_offered {
            assert!(!footer.contains(part), "{name}: {part:?} is there: {footer:?}");
        }
    }
    let wide = footer(&divergence::listed(), (200, 60));
    assert!(
        wide.contains("r embed again 2 marked  a accept 2 marked")
            && wide.contains("< lower  > raise  K keep Qdrant's of 2 marked  Tab pane"),
        "{wide:?}"
    );
}

#[test]
fn what_is_waited_for_stands_behind_the_keys_where_it_is_not_said_elsewhere() {
    let elsewhere = footer(&running().press("7"), (80, 24));
    assert!(
        elsewhere.ends_with("  your cap of 1,200,000 tokens/min, 1 s"),
        "{elsewhere:?}"
    );
    assert_eq!(elsewhere.len(), 80, "{elsewhere:?}");
    for size in [(60, 16), (80, 24), (200, 60)] {
        let here = footer(&running(), size);
        assert!(!here.contains("your cap"), "Progress says it: {here:?}");
        for digit in ["2", "3", "4", "5", "6", "7"] {
            let footer = footer(&running().press(digit), size);
            let before = footer.split("your cap").next().unwrap_or_default();
            assert!(
                before == footer || before.ends_with("q quit  ") || before.ends_with("   "),
                "{footer:?}"
            );
        }
    }
}

#[test]
fn beside_a_message_the_way_out_is_seen() {
    let long = "a word of it ".repeat(30);
    let scene = running().note(Level::Warn, &long);
    for size in [(60, 16), (80, 24), (200, 60)] {
        let footer = footer(&scene, size);
        assert!(footer.starts_with(" a word of it"), "{footer:?}");
        assert!(footer.ends_with("~  ? help  q quit"), "{footer:?}");
    }
    let typing = failures::editing("one line").press("x").press("\u{1b}");
    let footer = footer(&typing, (80, 24));
    assert!(footer.starts_with(" Esc again drops what was typed"), "{footer:?}");
    assert!(footer.ends_with(" Esc leave"), "{footer:?}");
}

#[test]
fn the_header_says_at_every_width_whether_the_servers_answer() {
    for (width, wanted) in [
        (60, "Q ok  E ok"),
        (80, "$0.31  Q ok  E ok"),
        (120, "$0.31 of $5.00  Qdrant ok  text-embedding-3-large@1536 ok"),
        (
            200,
            "$0.31 of $5.00  Qdrant 1.18.0 ok  openai/text-embedding-3-large@1536 ok",
        ),
    ] {
        let header = header(&running(), width);
        assert!(header.ends_with(wanted), "{header:?}");
    }
    for (of, wanted) in [("Qdrant", "Q down  E ok"), ("embedder", "Q ok  E down")] {
        let mut snapshot = half_way();
        snapshot.waiting = Some(Waiting {
            reason: format!("{of} outage: HTTP 503"),
            left: Some(Duration::from_secs(8)),
            outage: Some(Outage {
                of,
                lasted: Duration::from_secs(45),
                tries: 5,
                patience: Duration::from_secs(1_800),
            }),
            ..Waiting::default()
        });
        let scene = running().seeing(snapshot);
        for width in [60, 80] {
            let header = header(&scene, width);
            assert!(header.ends_with(wanted), "{header:?}");
        }
        let (color, _) = style_of(
            &scene.draw(COLORS, (80, 24)),
            if of == "Qdrant" { "Q down" } else { "E down" },
        );
        assert_eq!(color, Color::Red);
    }
}

#[test]
fn of_a_long_name_both_ends_are_seen_and_it_gives_way_to_the_money() {
    let name = "messages-of-every-thread-that-anybody-ever-began-in-all-of-the-rooms-there-are";
    let scene = Scene::of(name).event(opened(facts()));
    let scene = scene.seeing(half_way()).phase(Phase::Running);
    for width in [80, 120] {
        let header = header(&scene, width);
        for part in [
            " qlance  messages-of-",
            "~",
            "lance/messages   RUNNING",
            "$0.31",
            "Q ok  E ok",
        ] {
            assert!(header.contains(part), "{part:?} is not in {header:?}");
        }
    }
    let narrow = header(&scene, 60);
    assert!(
        narrow.ends_with("Q ok  E ok") && narrow.contains("messages   RUNNING"),
        "{narrow:?}"
    );
}

#[test]
fn nothing_is_left_of_the_screen_beside_what_lies_over_it_and_no_pane_of_it_has_the_keys() {
    for scene in [
        failures::listed().press("?"),
        failures::listed().press(":"),
        failures::listed().press("R"),
        failures::listed().press("s"),
        failures::editing("one line"),
    ] {
        let screen = scene.text((80, 24));
        assert_eq!(screen.matches(" > ").count(), 1, "one pane has the keys:\n{screen}");
        let box_top = screen.lines().find(|line| line.contains(" > ")).unwrap_or_default();
        assert!(box_top.starts_with("┌ > ") && box_top.ends_with('┐'), "{box_top:?}");
    }
}

#[test]
fn the_pane_that_has_the_keys_is_marked() {
    for (scene, wanted) in [
        (log(), "> Log: all"),
        (divergence::apart(), "> Shared neighbours of ten"),
        (divergence::apart().press("\t"), "> 0 points"),
        (diff::listed().press("\n"), "> Point "),
    ] {
        let screen = scene.text((80, 24));
        assert_says(&screen, wanted);
        assert_eq!(screen.matches("┌ > ").count(), 1, "{screen}");
    }
}

#[test]
fn why_an_action_does_not_apply_is_read_in_full() {
    for size in [(60, 16), (80, 24), (120, 40)] {
        let mut scene = Scene::of("messages").press("4?");
        let mut screens = String::new();
        for _ in 0..40 {
            let body = scene.text(size);
            screens.extend(body.lines().skip(2).flat_map(|line| [line, "\n"]));
            scene = scene.key(KeyCode::Down);
        }
        assert!(!screens.contains('~'), "{screens}");
        let words = screens.replace(['│', '\n'], " ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_says(&words, "To the next field that differs. (not now: no pair is open)");
        let palette = Scene::of("messages").press(":catch").text(size);
        assert_says(&palette, "not now: it is not complete yet. ");
    }
}

// --- what styles mean

#[test]
fn the_shown_screen_and_the_safe_answer_are_reversed() {
    for scene in [running().press("q"), failures::listed().press("1q")] {
        let screen = scene.draw(PLAIN, (80, 24));
        for (text, reversed) in [("1 Migrate", true), ("3 Failures", false)] {
            let (_, modifier) = style_of(&screen, text);
            assert_eq!(modifier.contains(Modifier::REVERSED), reversed, "{text}");
        }
    }
    let screen = running().press("q").draw(PLAIN, (80, 24));
    for (text, reversed) in [("Cancel", true), ("Stop cleanly", false), ("Keep running", false)] {
        let (_, modifier) = style_of(&screen, text);
        assert_eq!(modifier.contains(Modifier::REVERSED), reversed, "{text}");
    }
    let moved = running().press("q\t").draw(PLAIN, (80, 24));
    assert!(style_of(&moved, "Stop cleanly").1.contains(Modifier::REVERSED));
}

#[test]
fn letters_that_were_found_are_underlined() {
    let screen = failures::listed().press(":rtall").draw(COLORS, (120, 40));
    let (x, y) = find(&screen, "retry-all");
    let underlined = |place: u16| screen[(x + place, y)].modifier.contains(Modifier::UNDERLINED);
    assert!(underlined(0) && underlined(6) && underlined(8), "{}", text(&screen));
    assert!(!underlined(5), "{}", text(&screen));
    assert!(
        screen[(x, y)].modifier.contains(Modifier::REVERSED),
        "the best one is selected"
    );
}

#[test]
fn levels_are_told_by_word_and_colour() {
    let screen = log().draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "warn "), (Color::Yellow, Modifier::BOLD));
    // The newest line is the selected one.
    let selected = Modifier::BOLD | Modifier::REVERSED;
    assert_eq!(style_of(&screen, "error "), (Color::Red, selected));
    let screen = log().draw(PLAIN, (80, 24));
    assert_eq!(style_of(&screen, "warn "), (Color::Reset, Modifier::BOLD));
    assert_eq!(style_of(&screen, "error "), (Color::Reset, selected));
}

#[test]
fn an_answer_that_was_not_taken_says_why_in_red() {
    let screen = running().press("$x\n").draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "\"5.00x\" is no sum"), (Color::Red, Modifier::BOLD));
    let typed = running().press("$x\n0").text((80, 24));
    assert!(!typed.contains("is no sum"), "{typed}");
}

#[test]
fn what_is_wrong_with_an_answer_is_read_in_full() {
    let screen = search::answered().press("fthread_id = ").key(KeyCode::Enter);
    for size in [(60, 16), (80, 24)] {
        let screen = screen.text(size).replace(['│', '\n'], " ");
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_says(&words, "a number, TRUE or FALSE");
    }
}

#[test]
fn without_colour_there_is_none_and_ascii_is_ascii() {
    for (name, scene) in all() {
        let plain = scene.draw(PLAIN, (120, 40));
        for cell in plain.content() {
            let colors = [cell.fg, cell.bg, cell.underline_color];
            assert_eq!(colors, [Color::Reset; 3], "{name}");
        }
        assert_eq!(
            text(&plain),
            scene.text((120, 40)),
            "{name}: colour says nothing that words do not"
        );
        // The points' own texts are shown as they are; one of them has wide characters.
        let screen = text(&scene.draw(ASCII, (120, 40))).replace("日本語", "");
        assert!(screen.is_ascii(), "{name}:\n{screen}");
    }
}

// --- what is there to be read

#[test]
fn help_has_every_action_of_the_screen() {
    let mut missing = BTreeSet::new();
    for (_, digit) in Screen::ALL {
        let mut scene = failures::listed().press(&format!("{digit}?"));
        let (shown, mut screens) = (scene.app.screen, String::new());
        for _ in 0..40 {
            screens.push_str(&scene.text((80, 24)));
            scene = scene.key(KeyCode::Down);
        }
        for action in actions::on(shown) {
            let wanted = match action.id {
                // Ways through a list share a line, and so do the screens. Left and Right have no room there.
                ActionId::Move(Motion::Left | Motion::Right) => continue,
                ActionId::Move(_) | ActionId::Show(_) => action.keys[0].to_owned(),
                _ => action.sentence_on(shown).chars().take(30).collect(),
            };
            if !screens.contains(&wanted) {
                missing.insert(format!("{}: {wanted}", shown.title()));
            }
        }
        assert!(scene.press("?").app.help.is_none());
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn nothing_is_scrolled_past_its_end() {
    for size in SIZES {
        let texts: [(&str, fn(&App) -> Option<u16>, Scene); 4] = [
            ("what fits no other column", |app| Some(app.plan_scroll), ready(plan())),
            (
                "Leave. Asks while work is running",
                |app| app.help,
                failures::listed().press("?"),
            ),
            (
                "thread_id: \"t-204\"",
                |app| Some(app.failures.scroll),
                failures::opened().press("\t"),
            ),
            ("0.900 4712", |app| Some(app.divergence.scroll), divergence::opened()),
        ];
        for (end, scrolled, scene) in texts {
            let reach = ui::reach::reach(&scene.app, Rect::new(0, 0, size.0, size.1));
            let hidden = reach.plan.or(reach.help).or(reach.failure).or(reach.point);
            let scene = scene.press_at(size, &"j".repeat(60));
            assert_says(&scene.text(size), end);
            assert_eq!(scrolled(&scene.app), hidden, "{end:?} at {size:?}");
            let scene = scene.press_at(size, "k");
            let above = hidden.map(|hidden| hidden.saturating_sub(1));
            assert_eq!(scrolled(&scene.app), above, "one key back from {end:?} at {size:?}");
        }
    }
}

#[test]
fn commands_help_and_leaving_are_never_crowded_out() {
    for (_, digit) in Screen::ALL {
        for scene in [failures::listed(), divergence::listed(), diff::opened()] {
            let scene = scene.press(&digit.to_string());
            for size in [(60, 16), (80, 24), (200, 60)] {
                let screen = scene.text(size);
                let footer = screen.lines().last().unwrap_or_default();
                for part in [": commands", "? help", "q quit"] {
                    assert!(footer.contains(part), "{part:?} at {size:?}: {footer:?}");
                }
            }
        }
    }
}

#[test]
fn tabs_name_the_counts_while_there_is_room() {
    let tabs = |width| {
        running()
            .text((width, 24))
            .lines()
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    assert_says(&tabs(120), "2 Divergence 342  3 Failures 12  4 Diff");
    assert_says(&tabs(75), "2 Divergence  3 Failures  4 Diff");
    assert_says(&tabs(60), "1 Migr  2 Dive  3 Fail  4 Diff  5 Veri  6 Sear  7 Log");
    for (screen, digit) in Screen::ALL {
        let label: String = screen.title().chars().take(4).collect();
        for size in [(60, 16), (80, 24), (120, 40)] {
            let scene = running().press("3").click(size, &format!("{digit} {label}"));
            assert_eq!(scene.app.screen, screen, "{size:?}");
        }
    }
}

// --- what is asked for

#[test]
fn a_pasted_text_goes_where_the_keys_go() {
    let pasted = |scene: Scene| scene.take(Message::Paste("1042".into()));
    let scene = pasted(failures::listed().press("/"));
    assert_eq!(scene.app.failures.filter_text(), "1042");
    let sent = pasted(diff::listed().press("i")).press("\n").sent;
    assert!(matches!(sent.last(), Some(TaskCommand::SamplePairs(_))), "{sent:?}");
    let scene = pasted(running());
    assert_eq!(scene.app.failures.filter_text(), "");
}

// --- sizes

#[test]
fn any_size_draws_without_a_panic() {
    let scenes = all();
    let mut sizes: Vec<(u16, u16)> = (1..=210)
        .step_by(13)
        .flat_map(|width| (1..=70).step_by(5).map(move |height| (width, height)))
        .collect();
    sizes.extend([(59, 16), (60, 15), (60, 16), (1, 1), (210, 70), (500, 16), (60, 200)]);
    for (width, height) in sizes {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend opens");
        for (_, scene) in &scenes {
            terminal
                .draw(|frame| ui::draw(frame, &scene.app, &COLORS))
                .expect("a test backend draws");
        }
    }
}

#[test]
fn too_small_a_terminal_is_asked_for_more_room() {
    for (size, says) in [
        ((59, 16), Some("qlance needs 60 x 16; this is 59 x 16")),
        ((60, 15), Some("qlance needs 60 x 16; this is 60 x 15")),
        ((60, 16), None),
    ] {
        let screen = running().text(size);
        match says {
            Some(says) => assert_eq!(screen.trim(), says),
            None => assert!(
                screen.contains("1 Migr") && !screen.contains("qlance needs"),
                "{screen}"
            ),
        }
    }
}
