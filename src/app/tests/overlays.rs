//! What lies over the screens and holds everywhere: questions, prompts, the palette, help, interrupts, keys, the mouse.

use super::failures::{lists, text};
use super::*;
use crate::app::actions::{ACTIONS, ActionId};
use crate::app::confirm::Choice;
use crate::journal::Filter;
use crate::lance::index::Step;
use crate::tasks::{Selection, Setting, StopReason};

impl Console {
    pub(super) fn mouse(&mut self, mouse: Mouse) -> Vec<Effect> {
        self.update(Message::Mouse(mouse))
    }

    /// A question is open that names a number, and Enter would cancel.
    #[track_caller]
    pub(super) fn assert_asks(&self, number: &str) {
        let confirm = self.app.confirm.as_ref().expect("a question is open");
        assert!(confirm.question.contains(number), "{}", confirm.question);
        assert_eq!(confirm.choices[confirm.selected].2, Choice::Cancel);
    }

    /// What stands in the prompt, and what is wrong with it.
    #[track_caller]
    pub(super) fn prompt(&self) -> (&str, &str) {
        let prompt = self.app.prompt.as_ref().expect("a prompt is open");
        (prompt.input.value(), prompt.error.as_deref().unwrap_or_default())
    }

    /// Whether something lies over the screen and takes the keys.
    fn is_covered(&self) -> bool {
        let app = &self.app;
        app.confirm.is_some() || app.prompt.is_some() || app.palette.is_some() || app.failures.editor.is_some()
    }

    /// Every overlay that takes the keys, each over a console of its own.
    fn covered() -> Vec<Self> {
        let over = |name: &str| {
            let mut console = Self::open(Phase::Running);
            assert_eq!(console.key(name), []);
            console
        };
        vec![over("q"), over("$"), over(":"), Self::editing("text")]
    }
}

fn leaves() -> Vec<Effect> {
    vec![Effect::Send(TaskCommand::Quit), Effect::Leave]
}

#[test]
fn q_leaves_at_once_where_nothing_is_at_work() {
    for phase in [
        Phase::Connecting,
        Phase::Ready,
        Phase::Complete,
        Phase::Stopped(StopReason::Trouble("outage".into())),
        Phase::Stopped(StopReason::Budget("used up".into())),
        Phase::Failed("no Qdrant".into()),
    ] {
        let mut console = Console::open(phase.clone());
        assert_eq!(console.key("q"), leaves(), "{phase:?}");
        assert!(console.app.leaving && console.app.confirm.is_none(), "{phase:?}");
    }
}

#[test]
fn q_asks_while_something_is_at_work_and_starts_on_cancel() {
    for phase in [
        Phase::Running,
        Phase::Pausing,
        Phase::Paused,
        Phase::Stopping,
        Phase::Finishing(Step::VectorIndex),
    ] {
        let mut console = Console::open(phase.clone());
        console.app.snapshot.in_hand = 417;
        assert_eq!(console.key("q"), [], "{phase:?}");
        console.assert_asks("417");
    }
    let mut retrying = Console::listing(3);
    retrying.key("r");
    assert_eq!(retrying.key("q"), [], "a retry is work too");
    assert!(retrying.app.confirm.is_some());
}

#[test]
fn the_answers_to_q() {
    for (answer, effects, leaving) in [
        (&["Enter"][..], vec![], false),
        (&["Esc"], vec![], false),
        (&["c", "Enter"], vec![], false),
        (&["q"], vec![], false),
        (&["s", "Enter"], leaves(), true),
        (&["r", "Enter"], vec![Effect::Detach], false),
        (&["s", "c", "Enter"], vec![], false),
        (&["j", "Enter"], leaves(), true),
        (&["k", "Enter"], vec![Effect::Detach], false),
        (&["Down", "Enter"], leaves(), true),
        (&["Tab", "l", "Enter"], vec![Effect::Detach], false),
        (&["Up", "Enter"], vec![Effect::Detach], false),
        (&["Down", "Down", "Down", "Enter"], vec![], false),
        (&["x", "p", "3", "Enter"], vec![], false),
    ] {
        let mut console = Console::open(Phase::Running);
        console.key("q");
        assert_eq!(console.keys(answer), effects, "{answer:?}");
        assert!(console.app.confirm.is_none(), "{answer:?}");
        assert_eq!(console.app.leaving, leaving, "{answer:?}");
        assert_eq!(console.app.screen, Screen::Migrate, "the question takes the keys");
    }
}

#[test]
fn a_letter_alone_answers_no_question() {
    for name in ["s", "r", "c", "k", "x"] {
        let mut console = Console::open(Phase::Running);
        assert_eq!(console.keys(&["q", name]), [], "{name}");
        assert!(console.app.confirm.is_some() && !console.app.leaving, "{name}");
    }
}

#[test]
fn a_letter_with_control_answers_no_question() {
    for name in ["Ctrl-S", "Ctrl-K"] {
        let mut console = Console::open(Phase::Running);
        assert_eq!(console.keys(&["q", name]), [], "{name}");
        assert!(console.app.confirm.is_some(), "{name}");
    }
}

#[test]
fn the_first_interrupt_leaves_cleanly_and_the_second_at_once() {
    let interrupts = [Message::Key(key("Ctrl-C")), Message::StopAsked];
    for before in [&[][..], &["q"], &["?"], &[":"], &["$"], &["3", "/", "a"]] {
        for first in &interrupts {
            for second in &interrupts {
                let mut console = Console::open(Phase::Running);
                console.keys(before);
                assert_eq!(console.update(first.clone()), leaves(), "{before:?} {first:?}");
                assert!(console.app.leaving);
                assert_eq!(console.update(second.clone()), [Effect::Abort], "{second:?}");
            }
        }
    }
    let mut left = Console::open(Phase::Running);
    left.key("Ctrl-C");
    assert_eq!(left.key("q"), [], "what stops is not asked whether it should go on");
    left.assert_says("quit: qlance is being left; Ctrl-C stops at once");
    let mut editing = Console::editing("text");
    assert_eq!(editing.key("Ctrl-C"), leaves());
    assert_eq!(editing.key("Ctrl-C"), [Effect::Abort]);
}

#[test]
fn ctrl_z_suspends_whatever_is_open() {
    for mut console in Console::covered() {
        assert_eq!(console.key("Ctrl-Z"), [Effect::Suspend]);
        assert!(console.is_covered(), "it is still there after fg");
    }
    let mut typing = Console::listing(3);
    assert_eq!(typing.keys(&["/", "Ctrl-Z"]), [Effect::Suspend]);
    let mut plain = Console::open(Phase::Running);
    assert_eq!(plain.keys(&["?", "Ctrl-Z"]), [Effect::Suspend]);
    assert_eq!(plain.key("Ctrl-Z"), [Effect::Suspend]);
}

#[test]
fn a_key_without_a_meaning_does_nothing() {
    let mut console = Console::open(Phase::Running);
    assert_eq!(console.key("x"), []);
    assert!(console.app.flash.is_none());
}

#[test]
fn ways_are_offered_where_they_lead_somewhere_and_elsewhere_they_say_nothing() {
    let running = || Console::open(Phase::Running);
    let on = |digit: &str, keys: &[&str]| {
        let mut console = running();
        console.key(digit);
        console.keys(keys);
        console
    };
    let mut found = Console::diverging();
    found.key("Enter");
    let mut marked = Console::listing(3);
    marked.key("Space");
    // Down, Left, Tab, Esc. On the heap: a console is large.
    let cases = vec![
        ("Migrate", running(), [false, false, false, false]),
        ("Log", on("7", &[]), [true, false, false, false]),
        ("Log, further up", on("7", &["k"]), [true, false, false, true]),
        ("Failures", Console::listing(3), [true, false, false, false]),
        ("Failures, one marked", marked, [true, false, false, true]),
        ("Divergence, bins", Console::diverging(), [true, true, true, false]),
        ("Divergence, points", found, [true, true, true, true]),
        ("Diff, no pairs", on("4", &[]), [false, false, false, false]),
        ("Verify, nothing verified", on("5", &[]), [false, false, false, false]),
        ("Search, no query", on("6", &[]), [false, false, false, false]),
    ];
    for (name, mut console, wanted) in cases {
        let ids = [
            ActionId::Move(Motion::Down),
            ActionId::Move(Motion::Left),
            ActionId::NextPane,
            ActionId::Back,
        ];
        let leads = ids.map(|id| {
            let action = ACTIONS.iter().find(|action| action.id == id).expect("it is registered");
            (action.available)(&console.app).is_ok()
        });
        assert_eq!(leads, wanted, "{name}");
        console.keys(&["h", "Tab", "Shift-Tab", "k", "Esc"]);
        assert!(console.app.flash.is_none(), "{name}: {:?}", console.app.flash);
    }
}

#[test]
fn a_sentence_says_once_that_it_asks() {
    for action in ACTIONS {
        let sentence = action.sentence();
        let asks = sentence.matches("Asks").count() + sentence.matches(", ask ").count();
        assert_eq!(
            asks,
            usize::from(action.dangerous || action.long.contains("Asks")),
            "{sentence}"
        );
    }
    let of = |id| ACTIONS.iter().find(|action| action.id == id).expect("it is registered");
    assert!(of(ActionId::CatchUp).sentence().ends_with("since. Asks first."));
    assert!(of(ActionId::Repair).sentence().ends_with("then do it."));
    let back = of(ActionId::Back);
    assert_eq!(back.sentence_on(Screen::Log), "Back to the newest line.");
    assert_eq!(back.sentence_on(Screen::Diff), back.long);
    let open = of(ActionId::Open);
    assert!(open.sentence_on(Screen::Search).ends_with("type a query."));
    assert!(open.sentence_on(Screen::Divergence).ends_with("go to the points."));
    assert_eq!(open.sentence_on(Screen::Failures), open.long);
}

#[test]
fn digits_move_between_screens_and_tab_does_not() {
    use Screen::{Diff, Divergence, Failures, Log, Migrate, Search, Verify};
    for (keys, shown) in [
        (&["1"][..], Migrate),
        (&["2"], Divergence),
        (&["3"], Failures),
        (&["4"], Diff),
        (&["5"], Verify),
        (&["6"], Search),
        (&["7"], Log),
        (&["7", "1"], Migrate),
        (&["8"], Migrate),
        (&["Tab"], Migrate),
        (&["3", "Tab"], Failures),
        (&["4", "Shift-Tab"], Diff),
    ] {
        let mut console = Console::open(Phase::Running);
        console.keys(keys);
        assert_eq!(console.app.screen, shown, "{keys:?}");
    }
}

#[test]
fn the_palette_finds_an_action_and_runs_it() {
    for opener in [":", "Ctrl-P"] {
        let mut console = Console::open(Phase::Running);
        assert_eq!(console.key(opener), [], "{opener}");
        assert_eq!(console.types("pauseq"), [], "letters are text");
        assert_eq!(console.key("Enter"), [], "nothing is called so");
        assert!(console.app.palette.is_some() && !console.app.leaving);
        assert_eq!(console.keys(&["Backspace", "Enter"]), sends(TaskCommand::Pause));
        assert!(console.app.palette.is_none());
    }
    let mut second = Console::open(Phase::Running);
    assert_eq!(
        second.keys(&[":", "Down", "Down", "Up", "Enter"]),
        sends(TaskCommand::Set(Setting::InFlight(55))),
        "the second that can be done"
    );
    let mut pasted = Console::listing(3);
    pasted.key(":");
    assert_eq!(pasted.update(Message::Paste("retry-all\n".into())), []);
    assert_eq!(pasted.key("Enter"), []);
    pasted.assert_asks("Retry all 3 failed points?");
    let mut given_up = Console::open(Phase::Running);
    assert_eq!(given_up.keys(&[":", "p", "Esc"]), []);
    assert!(given_up.app.palette.is_none());
    assert_eq!(given_up.app.screen, Screen::Migrate);
}

#[test]
fn an_action_of_the_palette_that_does_not_apply_says_why() {
    let mut console = Console::open(Phase::Complete);
    console.key(":");
    console.types("pause");
    assert_eq!(console.key("Enter"), []);
    assert!(console.app.palette.is_none());
    console.assert_says("pause/resume: it is complete");
    let mut nothing = Console::listing(0);
    nothing.key(":");
    nothing.types("unskip");
    assert_eq!(nothing.key("Enter"), []);
    nothing.assert_says("undo skip: no failed point is selected");
}

#[test]
fn an_action_of_another_screen_says_where_it_belongs() {
    for (typed, said) in [
        ("retry-all", "retry all: it belongs to Failures"),
        ("show-diff", "diff: it belongs to Divergence and Failures"),
        (
            "copy-id",
            "copy id: it belongs to Divergence, Failures, Diff, Verify and Search",
        ),
    ] {
        let mut console = Console::open(Phase::Running);
        console.key(":");
        // What is shown by a digit is found first: it can be done here.
        console.types(typed);
        let palette = console.app.palette.as_mut().expect("it is open");
        let place = palette.found.iter().position(|found| found.action.name == typed);
        palette.selected = place.expect("every action is found");
        assert_eq!(console.key("Enter"), [], "{typed}");
        console.assert_says(said);
        assert_eq!(console.app.screen, Screen::Migrate);
        assert!(console.app.confirm.is_none());
    }
    let mut shown = Console::open(Phase::Running);
    shown.key(":");
    shown.types("show-log");
    assert_eq!(shown.key("Enter"), []);
    assert_eq!(shown.app.screen, Screen::Log);
}

#[test]
fn help_is_scrolled_and_the_closing_keys_do_nothing_else() {
    let mut console = Console::listing(12);
    assert_eq!(console.key("?"), []);
    for (name, scroll) in [
        ("Down", 1),
        ("j", 2),
        ("PgDn", 12),
        ("k", 11),
        ("PgUp", 1),
        ("G", 20),
        ("g", 0),
        ("Up", 0),
    ] {
        let reach = Reach {
            help: Some(20),
            ..Reach::default()
        };
        console.update(Message::Reach(reach));
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.app.help, Some(scroll), "{name}");
    }
    assert_eq!(console.app.failures.place(), 0, "the list under it stays");
    for name in ["Esc", "?", "q", "x"] {
        let mut console = Console::open(Phase::Complete);
        assert_eq!(console.keys(&["?", name]), [], "{name}");
        assert!(console.app.help.is_none() && !console.app.leaving, "{name}");
    }
    let mut console = Console::listing(3);
    console.keys(&["?", "7"]);
    assert!(console.app.help.is_none());
    assert_eq!(console.app.screen, Screen::Log, "other keys do what they say");
}

#[test]
fn enter_closes_help_and_does_nothing_else() {
    for mut console in [Console::listing(3), Console::open(Phase::Ready)] {
        assert_eq!(console.keys(&["?", "Enter"]), []);
        assert!(console.app.help.is_none());
    }
}

#[test]
fn a_flash_goes_after_its_time() {
    for (milliseconds, shown) in [(0, true), (4_999, true), (5_000, false), (60_000, false)] {
        let mut console = Console::open(Phase::Running);
        console.event(TaskEvent::Noted(Level::Warn, "look here".into()));
        let later = console.now + Duration::from_millis(milliseconds);
        assert_eq!(console.app.update(Message::Tick, later), []);
        assert_eq!(console.app.flash.is_some(), shown, "after {milliseconds} ms");
    }
}

#[test]
fn a_released_key_does_nothing_and_a_held_one_repeats() {
    for name in ["q", "Ctrl-C", "p", "?", "3", ":", "$"] {
        let mut console = Console::open(Phase::Running);
        let mut released = key(name);
        released.kind = KeyEventKind::Release;
        assert_eq!(console.update(Message::Key(released)), [], "{name}");
        assert!(!console.is_covered() && console.app.help.is_none() && !console.app.leaving);
        assert_eq!(console.app.screen, Screen::Migrate);
    }
    let mut console = Console::listing(3);
    let mut held = key("Down");
    held.kind = KeyEventKind::Repeat;
    console.update(Message::Key(held));
    assert_eq!(console.app.failures.place(), 1);
}

#[test]
fn configured_keys_take_the_place_of_the_actions_own() {
    let mut console = Console::configured("pause-or-resume = \"z\"\nretry = [\"v\", \"Ctrl-R\"]\nsort = []");
    console.event(opened());
    console.event(TaskEvent::PhaseChanged(Phase::Running));
    assert_eq!(console.key("z"), sends(TaskCommand::Pause));
    assert_eq!(console.key("p"), []);
    assert!(console.app.flash.is_none());
    console.key("3");
    console.list(&Filter::default(), 0, 3, 1..=3);
    let retry = sends(TaskCommand::Retry(Selection::Ids(vec![id(1)])));
    assert_eq!(console.key("v"), retry);
    assert_eq!(console.key("Ctrl-R"), retry);
    assert_eq!((console.key("r"), console.key("o")), (vec![], vec![]));
    for (keys, wanted) in [
        ("retri = \"r\"", "did you mean `retry`"),
        ("retry = \"rr\"", "names no key"),
        ("quit = \"p\"", "both `pause-or-resume` and `quit`"),
    ] {
        let error = App::new(&config(keys), console.now).expect_err(keys).to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn the_mouse_turns_the_wheel_and_chooses_tabs_and_rows() {
    let all = Filter::default();
    let mut console = Console::open(Phase::Running);
    assert_eq!(console.mouse(Mouse::Row(3)), [], "there are no rows here");
    assert_eq!(console.mouse(Mouse::Tab(Screen::Failures)), lists(&all, 0));
    assert_eq!(console.app.screen, Screen::Failures);
    console.list(&all, 0, 12, 1..=12);
    for (mouse, place) in [
        (Mouse::Wheel(Motion::Down), 3),
        (Mouse::Wheel(Motion::Down), 6),
        (Mouse::Wheel(Motion::Up), 3),
        (Mouse::Row(7), 7),
        (Mouse::Row(99), 11),
        (Mouse::Wheel(Motion::Down), 11),
        (Mouse::Row(0), 0),
        (Mouse::Wheel(Motion::Up), 0),
    ] {
        assert_eq!(console.mouse(mouse), [], "{mouse:?}");
        assert_eq!(console.app.failures.place(), place, "{mouse:?}");
    }
    assert_eq!(console.mouse(Mouse::Tab(Screen::Migrate)), []);
    console.mouse(Mouse::Wheel(Motion::Down));
    assert_eq!((console.app.plan_scroll, console.app.failures.place()), (3, 0));
}

#[test]
fn the_mouse_reaches_nothing_under_a_question() {
    for mut console in Console::covered() {
        let (screen, place) = (console.app.screen, console.app.failures.place());
        for mouse in [
            Mouse::Tab(Screen::Log),
            Mouse::Row(2),
            Mouse::Wheel(Motion::Down),
            Mouse::Bin(1),
        ] {
            assert_eq!(console.mouse(mouse), []);
        }
        assert_eq!((console.app.screen, console.app.failures.place()), (screen, place));
        assert!(console.is_covered());
    }
}

#[test]
fn pasted_text_goes_to_what_is_open() {
    let paste = || Message::Paste("12\u{1b}\n".into());
    let mut prompt = Console::open(Phase::Running);
    prompt.keys(&["b", "Ctrl-U"]);
    assert_eq!(prompt.update(paste()), []);
    assert_eq!(prompt.prompt(), ("12", ""), "without control characters");
    let mut filter = Console::listing(3);
    filter.key("/");
    assert_eq!(filter.update(paste()), lists(&text("12"), 0));
    let mut nothing = Console::listing(3);
    assert_eq!(nothing.update(paste()), []);
    assert_eq!(nothing.app.failures.filter(), Filter::default());
}
