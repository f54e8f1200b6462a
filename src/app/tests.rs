//! Message tables: what the console makes of keys, events and time. Every instant is given.

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::config::{DivergenceConfig, EmbedConfig, EmbedConfigs, PipelineConfig, SourceConfig, TargetConfig};
use crate::journal::{FailureRow, Filter, State};
use crate::lance::index::Step;
use crate::point::{Cause, Payload};
use crate::tasks::FailureDetail;

/// A console and its clock.
struct Console {
    app: App,
    now: Instant,
}

impl Console {
    /// Nothing is known of the job yet.
    fn unopened() -> Self {
        let config = Config {
            source: SourceConfig::default(),
            target: TargetConfig::default(),
            embed: EmbedConfigs {
                text: EmbedConfig::openai(),
            },
            divergence: DivergenceConfig::default(),
            pipeline: PipelineConfig::default(),
            columns: std::collections::BTreeMap::new(),
            base_dir: ".".into(),
        };
        let now = Instant::now();
        Self {
            app: App::new(&config, now),
            now,
        }
    }

    /// The job is open and in a phase.
    fn open(phase: Phase) -> Self {
        let mut console = Self::unopened();
        console.event(opened());
        console.event(TaskEvent::PhaseChanged(phase));
        console
    }

    /// The Failures screen of a complete job, with the points 1, 2, ... in its list.
    fn listing(count: u64) -> Self {
        let mut console = Self::open(Phase::Complete);
        assert_eq!(console.key("3"), lists(&Filter::default(), 0));
        assert_eq!(console.list(&Filter::default(), 0, count, 1..=count), []);
        console
    }

    fn key(&mut self, name: &str) -> Vec<Effect> {
        self.app.update(Message::Key(key(name)), self.now)
    }

    /// Several keys; answers the effects of the last.
    fn keys(&mut self, names: &[&str]) -> Vec<Effect> {
        names.iter().fold(Vec::new(), |_, name| self.key(name))
    }

    /// A text, letter by letter; answers the effects of the last.
    fn types(&mut self, text: &str) -> Vec<Effect> {
        text.chars().fold(Vec::new(), |_, letter| self.key(&letter.to_string()))
    }

    fn event(&mut self, event: TaskEvent) -> Vec<Effect> {
        self.app.update(Message::Event(event), self.now)
    }

    fn list(&mut self, filter: &Filter, offset: u64, total: u64, ids: impl Iterator<Item = u64>) -> Vec<Effect> {
        self.event(TaskEvent::FailuresListed {
            filter: filter.clone(),
            offset,
            total,
            rows: ids.map(row).collect(),
        })
    }

    #[track_caller]
    fn assert_says(&self, text: &str) {
        let flash = self.app.flash.as_ref().map_or("", |flash| &flash.text);
        assert!(flash.contains(text), "{flash:?}");
    }

    /// The word on a row.
    fn word(&self, id: u64) -> String {
        self.app.failures.state_of(&row(id))
    }

    /// The point whose detail is open.
    fn detail(&self) -> Option<PointId> {
        self.app.failures.detail.as_ref().map(|detail| detail.row.id)
    }

    /// A question is open that names a number, and Enter would cancel.
    #[track_caller]
    fn assert_asks(&self, number: &str) {
        let confirm = self.app.confirm.as_ref().expect("a question is open");
        assert!(confirm.question.contains(number), "{}", confirm.question);
        assert_eq!(confirm.choices[confirm.selected].2, Choice::Cancel);
    }
}

fn key(name: &str) -> KeyEvent {
    let (control, name) = match name.strip_prefix("Ctrl-") {
        Some(letter) => (true, letter),
        None => (false, name),
    };
    let letter = name.chars().next().expect("a key has a name");
    let (code, modifiers) = match name {
        "Enter" => (KeyCode::Enter, KeyModifiers::NONE),
        "Esc" => (KeyCode::Esc, KeyModifiers::NONE),
        "Space" => (KeyCode::Char(' '), KeyModifiers::NONE),
        "Backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
        "Up" => (KeyCode::Up, KeyModifiers::NONE),
        "Down" => (KeyCode::Down, KeyModifiers::NONE),
        "PgUp" => (KeyCode::PageUp, KeyModifiers::NONE),
        "PgDn" => (KeyCode::PageDown, KeyModifiers::NONE),
        "Home" => (KeyCode::Home, KeyModifiers::NONE),
        "End" => (KeyCode::End, KeyModifiers::NONE),
        "Tab" => (KeyCode::Tab, KeyModifiers::NONE),
        "Shift-Tab" => (KeyCode::BackTab, KeyModifiers::SHIFT),
        _ if control => (KeyCode::Char(letter.to_ascii_lowercase()), KeyModifiers::CONTROL),
        _ if letter.is_uppercase() => (KeyCode::Char(letter), KeyModifiers::SHIFT),
        _ => (KeyCode::Char(letter), KeyModifiers::NONE),
    };
    KeyEvent::new(code, modifiers)
}

fn opened() -> TaskEvent {
    TaskEvent::Opened(Box::new(JobFacts {
        job: "job".into(),
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        table: "choir.lance/messages".into(),
        space: "openai/text-embedding-3-large@1536".into(),
        points: 20_000,
        resumed: false,
        state_dir: ".qlance/job".into(),
    }))
}

fn id(number: u64) -> PointId {
    PointId::Num(number)
}

fn failure() -> Failure {
    Failure::new(Cause::Rejected, "400: refused")
}

fn row(number: u64) -> FailureRow {
    FailureRow {
        id: id(number),
        state: State::Failed,
        cause: Cause::Rejected,
        error: "400: refused".into(),
        reason: None,
        attempts: 1,
        first_at: 0,
        last_at: 0,
    }
}

fn read(number: u64) -> TaskEvent {
    TaskEvent::FailureRead(Box::new(FailureDetail {
        row: row(number),
        attempts: Vec::new(),
        payload: Ok(Payload::new()),
    }))
}

fn text(text: &str) -> Filter {
    Filter {
        text: Some(text.into()),
        ..Filter::default()
    }
}

fn cause(cause: Cause) -> Filter {
    Filter {
        cause: Some(cause),
        ..Filter::default()
    }
}

fn sends(command: TaskCommand) -> Vec<Effect> {
    vec![Effect::Send(command)]
}

fn lists(filter: &Filter, offset: u64) -> Vec<Effect> {
    sends(TaskCommand::ListFailures {
        filter: filter.clone(),
        offset,
        limit: 200,
    })
}

fn leaves() -> Vec<Effect> {
    vec![Effect::Send(TaskCommand::Quit), Effect::Leave]
}

#[test]
fn a_pause_is_shown_only_when_the_work_has_confirmed_it() {
    let mut console = Console::open(Phase::Running);
    let snapshot = Snapshot {
        phase: Phase::Paused,
        ..Snapshot::default()
    };
    let confirmed = |phase| Message::Event(TaskEvent::PhaseChanged(phase));
    for (message, effects, shown) in [
        (Message::Key(key("p")), sends(TaskCommand::Pause), Phase::Running),
        (Message::Tick, vec![], Phase::Running),
        (Message::Snapshot(Box::new(snapshot)), vec![], Phase::Running),
        (confirmed(Phase::Pausing), vec![], Phase::Pausing),
        (confirmed(Phase::Paused), vec![], Phase::Paused),
        (Message::Key(key("p")), sends(TaskCommand::Resume), Phase::Paused),
        (confirmed(Phase::Running), vec![], Phase::Running),
    ] {
        assert_eq!(console.app.update(message.clone(), console.now), effects, "{message:?}");
        assert_eq!(console.app.phase, shown, "{message:?}");
    }
}

#[test]
fn p_does_what_the_phase_allows_or_says_why_not() {
    for (phase, command, why) in [
        (Phase::Running, Some(TaskCommand::Pause), ""),
        (Phase::Pausing, Some(TaskCommand::Resume), ""),
        (Phase::Paused, Some(TaskCommand::Resume), ""),
        (Phase::Stopped("outage".into()), Some(TaskCommand::Resume), ""),
        (Phase::Connecting, None, "not connected yet"),
        (Phase::Stopping, None, "it is stopping"),
        (Phase::Finishing(Step::Compact), None, "being finished"),
        (Phase::Complete, None, "it is complete"),
        (Phase::Failed("no Qdrant".into()), None, "it could not begin"),
    ] {
        let mut console = Console::open(phase.clone());
        let effects = console.key("p");
        assert_eq!(effects, command.map(Effect::Send).into_iter().collect::<Vec<_>>());
        console.assert_says(why);
        assert_eq!(console.app.flash.is_some(), !why.is_empty(), "{phase:?}");
        assert_eq!(console.app.phase, phase);
    }
}

#[test]
fn quick_presses_add_up_and_the_concurrency_shown_is_the_confirmed_one() {
    for (confirmed, name, asked) in [
        (50, "+", 55),
        (50, "-", 45),
        (100, "=", 110),
        (10, "+", 11),
        (9, "+", 10),
        (2, "-", 1),
        (1, "-", 1),
        (1, "+", 2),
    ] {
        let mut console = Console::open(Phase::Running);
        console.event(TaskEvent::ConcurrencySet(confirmed));
        let effects = console.key(name);
        assert_eq!(effects, sends(TaskCommand::SetConcurrency(asked)), "{confirmed} {name}");
        assert_eq!(console.app.concurrency, confirmed, "not confirmed yet");
        console.event(TaskEvent::ConcurrencySet(asked));
        assert_eq!(console.app.concurrency, asked);
    }
    let mut quick = Console::open(Phase::Running);
    quick.event(TaskEvent::ConcurrencySet(2));
    for asked in [3, 4, 5] {
        assert_eq!(quick.key("+"), sends(TaskCommand::SetConcurrency(asked)));
    }
    // The work answers one by one; the last answer is what was asked for.
    for confirmed in [3, 4, 5] {
        quick.event(TaskEvent::ConcurrencySet(confirmed));
    }
    assert_eq!(quick.key("-"), sends(TaskCommand::SetConcurrency(4)));
    let mut complete = Console::open(Phase::Complete);
    assert_eq!(complete.key("+"), []);
    complete.assert_says("nothing is running");
}

#[test]
fn q_leaves_at_once_where_nothing_is_at_work() {
    for phase in [
        Phase::Connecting,
        Phase::Complete,
        Phase::Stopped("outage".into()),
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
        (&["c"], vec![], false),
        (&["q"], vec![], false),
        (&["s"], leaves(), true),
        (&["k"], vec![Effect::Detach], false),
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
    for before in [&[][..], &["q"], &["?"], &["3", "/", "a"]] {
        for first in &interrupts {
            for second in &interrupts {
                let mut console = Console::open(Phase::Running);
                console.keys(before);
                let now = console.now;
                assert_eq!(console.app.update(first.clone(), now), leaves(), "{before:?} {first:?}");
                assert!(console.app.leaving);
                assert_eq!(console.app.update(second.clone(), now), [Effect::Abort], "{second:?}");
            }
        }
    }
}

#[test]
fn digits_and_tab_move_between_screens() {
    use Screen::{Failures, Log, Migrate};
    for (keys, shown) in [
        (&["3"][..], Failures),
        (&["7"], Log),
        (&["7", "1"], Migrate),
        (&["2"], Migrate),
        (&["Tab"], Failures),
        (&["Tab", "Tab"], Log),
        (&["Tab", "Tab", "Tab"], Migrate),
        (&["Shift-Tab"], Log),
        (&["Shift-Tab", "Shift-Tab"], Failures),
        (&["Shift-Tab", "Tab"], Migrate),
    ] {
        let mut console = Console::open(Phase::Running);
        console.keys(keys);
        assert_eq!(console.app.screen, shown, "{keys:?}");
    }
}

#[test]
fn the_failures_screen_asks_for_one_page_until_that_is_stale() {
    let all = Filter::default();
    let mut console = Console::unopened();
    assert_eq!(console.key("3"), [], "there is no journal yet");
    assert_eq!(console.event(opened()), lists(&all, 0));
    for name in ["3", "j", "1", "3", "Tab", "Shift-Tab"] {
        assert_eq!(console.key(name), [], "{name}: one question at a time");
    }
    assert_eq!(console.list(&all, 0, 12, 1..=12), []);
    assert_eq!(console.keys(&["j", "G", "1", "3"]), [], "the page is there and fresh");

    assert_eq!(console.event(TaskEvent::PointFailed(id(13), failure())), lists(&all, 0));
    assert_eq!(console.event(TaskEvent::PointFailed(id(14), failure())), []);
    // The answer may lack what failed after the question.
    assert_eq!(console.list(&all, 0, 13, 1..=13), lists(&all, 0));
    assert_eq!(console.list(&all, 0, 14, 1..=14), []);

    console.key("1");
    assert_eq!(console.event(TaskEvent::PointFailed(id(15), failure())), []);
    assert_eq!(console.key("3"), lists(&all, 0), "asked for when it is seen");
}

#[test]
fn what_makes_the_list_stale() {
    let ended = TaskEvent::RetryEnded {
        recovered: 1,
        failed: 0,
        error: None,
    };
    for (event, stale) in [
        (TaskEvent::PointFailed(id(4), failure()), true),
        (TaskEvent::RetryFinished(id(1), Ok(())), true),
        (TaskEvent::RetryFinished(id(1), Err(failure())), true),
        (ended, true),
        (TaskEvent::Skipped(1, true), true),
        (TaskEvent::Skipped(1, false), true),
        (opened(), true),
        (TaskEvent::RetryStarted(vec![id(1)]), false),
        (TaskEvent::ConcurrencySet(9), false),
        (TaskEvent::PhaseChanged(Phase::Running), false),
        (TaskEvent::Noted(Level::Warn, "note".into()), false),
        (TaskEvent::Committed { rows: 1, version: 2 }, false),
    ] {
        let mut console = Console::listing(3);
        let expected = if stale { lists(&Filter::default(), 0) } else { vec![] };
        assert_eq!(console.event(event.clone()), expected, "{event:?}");
    }
}

#[test]
fn the_cursor_stays_in_the_list() {
    for (keys, place) in [
        (&["Up"][..], 0),
        (&["k"], 0),
        (&["Down"], 1),
        (&["j", "j", "k"], 1),
        (&["PgDn"], 4),
        (&["PgDn", "PgDn", "PgDn"], 11),
        (&["G"], 11),
        (&["End", "Down"], 11),
        (&["G", "PgUp"], 7),
        (&["G", "g"], 0),
        (&["G", "Home", "Up"], 0),
    ] {
        let mut console = Console::listing(12);
        // Ten lines leave four rows of a page.
        assert_eq!(console.app.update(Message::Resized { rows: 10 }, console.now), []);
        assert_eq!(console.keys(keys), [], "{keys:?}");
        assert_eq!(console.app.failures.place(), place, "{keys:?}");
        assert_eq!(
            console.app.failures.selected().map(|row| row.id),
            Some(id(place + 1)),
            "{keys:?}"
        );
    }
    let mut shrinking = Console::listing(12);
    shrinking.key("G");
    shrinking.event(TaskEvent::Skipped(9, true));
    shrinking.list(&Filter::default(), 0, 3, 1..=3);
    assert_eq!(shrinking.app.failures.place(), 2);
    let mut empty = Console::listing(0);
    empty.keys(&["Down", "PgDn", "G"]);
    assert_eq!(empty.app.failures.place(), 0);
}

#[test]
fn a_long_list_is_read_around_the_cursor() {
    let all = Filter::default();
    let mut console = Console::open(Phase::Complete);
    console.key("3");
    assert_eq!(console.list(&all, 0, 1_000, 1..=200), []);
    assert_eq!(console.key("G"), lists(&all, 899));
    assert_eq!(console.key("r"), [], "the row under the cursor is not known yet");
    console.assert_says("no failed point is selected");
    assert_eq!(console.list(&all, 899, 1_000, 900..=1_000), []);
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(1_000)));
}

#[test]
fn one_answer_is_enough_however_tall_the_terminal() {
    for rows in [24, 60, 130, 400] {
        let mut console = Console::open(Phase::Complete);
        console.app.update(Message::Resized { rows }, console.now);
        let mut effects = console.keys(&["3"]);
        for next in ["G", "PgUp", "g"] {
            if let [Effect::Send(TaskCommand::ListFailures { filter, offset, limit })] = effects.as_slice() {
                let ids = offset + 1..=(offset + limit).min(1_000);
                assert_eq!(
                    console.list(filter, *offset, 1_000, ids),
                    [],
                    "{rows} rows before {next}"
                );
            }
            effects = console.key(next);
        }
    }
}

#[test]
fn marks_are_chosen_else_the_selected_row() {
    for (keys, marked, chosen) in [
        (&[][..], 0, vec![1]),
        (&["Down"], 0, vec![2]),
        (&["Space"], 1, vec![1]),
        (&["Space", "Space"], 2, vec![1, 2]),
        (&["Space", "Down", "Space", "g"], 2, vec![1, 3]),
        (&["Space", "Up", "Space"], 0, vec![2]),
        (&["Space", "Space", "Esc"], 0, vec![3]),
    ] {
        let mut console = Console::listing(4);
        assert_eq!(console.keys(keys), [], "{keys:?}");
        assert_eq!(console.app.failures.marked(), marked, "{keys:?}");
        let chosen: Vec<PointId> = chosen.into_iter().map(id).collect();
        assert_eq!(console.app.failures.chosen(), chosen, "{keys:?}");
    }
}

#[test]
fn a_retry_is_told_on_its_row() {
    let mut console = Console::listing(3);
    assert_eq!(console.word(1), "failed");
    assert_eq!(console.key("r"), sends(TaskCommand::Retry(Selection::Ids(vec![id(1)]))));
    for (event, word) in [
        (None, "queued"),
        (Some(TaskEvent::RetryStarted(vec![id(1)])), "attempt 2"),
        (Some(TaskEvent::RetryFinished(id(1), Err(failure()))), "failed again"),
        (Some(TaskEvent::RetryStarted(vec![id(1)])), "attempt 2"),
        (Some(TaskEvent::RetryFinished(id(1), Ok(()))), "done"),
    ] {
        if let Some(event) = event {
            console.event(event);
        }
        assert_eq!([console.word(1), console.word(2)], [word, "failed"]);
    }
}

#[test]
fn a_retry_of_marked_points_that_stops_leaves_them_failed() {
    let mut console = Console::listing(4);
    let effects = console.keys(&["Down", "Space", "Space", "g", "r"]);
    assert_eq!(effects, sends(TaskCommand::Retry(Selection::Ids(vec![id(2), id(3)]))));
    assert_eq!(console.app.failures.marked(), 0);
    assert_eq!([1, 2, 3].map(|id| console.word(id)), ["failed", "queued", "queued"]);
    console.event(TaskEvent::RetryStarted(vec![id(2)]));
    assert!(console.app.is_working());
    console.event(TaskEvent::RetryEnded {
        recovered: 0,
        failed: 0,
        error: Some("401: key refused".into()),
    });
    assert_eq!([1, 2, 3].map(|id| console.word(id)), ["failed"; 3]);
    assert!(!console.app.is_working());
    let flash = console.app.flash.as_ref().expect("it is said");
    assert_eq!(flash.level, Level::Error);
    assert!(flash.text.contains("401: key refused"), "{}", flash.text);
}

#[test]
fn a_point_given_up_after_a_retry_is_shown_as_skipped() {
    let mut console = Console::listing(2);
    console.key("r");
    console.event(TaskEvent::RetryFinished(id(1), Err(failure())));
    console.keys(&["s", "s"]);
    console.event(TaskEvent::Skipped(1, true));
    let skipped = FailureRow {
        state: State::Skipped,
        ..row(1)
    };
    assert_eq!(console.app.failures.state_of(&skipped), "skipped");
}

#[test]
fn retrying_all_asks_with_the_number_of_the_filter() {
    let too_long = cause(Cause::TooLong);
    let retries = sends(TaskCommand::Retry(Selection::Filter(too_long.clone())));
    for (answer, effects) in [
        (&["Enter"][..], vec![]),
        (&["Esc"], vec![]),
        (&["r"], retries.clone()),
        (&["Down", "Enter"], retries),
    ] {
        let mut console = Console::listing(12);
        console.key("/");
        console.types("too_long");
        console.key("Enter");
        console.list(&too_long, 0, 312, 1..=200);
        assert_eq!(console.key("R"), []);
        console.assert_asks("312");
        assert_eq!(console.keys(answer), effects, "{answer:?}");
        assert!(console.app.confirm.is_none());
    }
    let mut empty = Console::listing(0);
    assert_eq!(empty.key("R"), []);
    assert!(empty.app.confirm.is_none());
    empty.assert_says("there are no failures");
}

#[test]
fn retrying_all_never_names_the_number_of_another_filter() {
    let mut console = Console::listing(12);
    console.keys(&["/", "x", "Enter", "R"]);
    let question = console.app.confirm.as_ref().map(|confirm| confirm.question.as_str());
    assert!(question.is_none_or(|text| !text.contains("12")), "{question:?}");
}

#[test]
fn skipping_asks_and_carries_the_ids() {
    for (marks, ids, number) in [
        (&["Down"][..], vec![id(2)], "1 failed point?"),
        (&["Space", "Space"], vec![id(1), id(2)], "2 failed points?"),
    ] {
        let mut console = Console::listing(4);
        console.keys(marks);
        let marked = console.app.failures.marked();
        assert_eq!(console.key("s"), []);
        console.assert_asks(number);
        assert_eq!(console.key("Enter"), []);
        assert_eq!(console.app.failures.marked(), marked, "cancelling keeps the marks");
        match console.keys(&["s", "s"]).as_slice() {
            [Effect::Send(TaskCommand::Skip(sent, reason))] => {
                assert_eq!(sent, &ids);
                assert!(!reason.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(console.app.failures.marked(), 0);
    }
    let mut console = Console::listing(4);
    assert_eq!(console.keys(&["Down", "u"]), sends(TaskCommand::Unskip(vec![id(2)])));
}

#[test]
fn the_filter_follows_every_letter() {
    let mut console = Console::listing(12);
    console.key("G");
    for (name, effects, filter) in [
        ("/", vec![], Filter::default()),
        ("q", lists(&text("q"), 0), text("q")),
        ("3", lists(&text("q3"), 0), text("q3")),
        ("Backspace", lists(&text("q"), 0), text("q")),
        ("R", lists(&text("qR"), 0), text("qR")),
        ("?", lists(&text("qR?"), 0), text("qR?")),
        ("Space", vec![], text("qR?")),
        ("Enter", vec![], text("qR?")),
    ] {
        assert_eq!(console.key(name), effects, "{name}");
        assert_eq!(console.app.failures.filter(), filter, "{name}");
    }
    assert_eq!(console.app.failures.place(), 0, "another list begins at its top");
    assert_eq!(
        console.app.screen,
        Screen::Failures,
        "letters are text while the filter is typed"
    );
    assert!(console.app.confirm.is_none() && !console.app.help);
    assert!(console.app.failures.typing.is_none());
    assert_eq!(console.keys(&["/", "Esc"]), lists(&Filter::default(), 0));
    assert_eq!(console.app.failures.filter(), Filter::default());
}

#[test]
fn a_class_typed_in_full_filters_by_class() {
    let mut console = Console::listing(12);
    console.key("/");
    assert_eq!(console.types("no_conten"), lists(&text("no_conten"), 0));
    assert_eq!(console.key("t"), lists(&cause(Cause::NoContent), 0));
    assert_eq!(console.app.failures.filter(), cause(Cause::NoContent));
    assert_eq!(console.key("x"), lists(&text("no_contentx"), 0));
}

#[test]
fn a_pasted_text_filters_too() {
    let mut console = Console::listing(12);
    console.key("/");
    let effects = console
        .app
        .update(Message::Paste("time\u{1b}\nout".into()), console.now);
    assert_eq!(console.app.failures.filter(), text("timeout"));
    assert_eq!(effects, lists(&text("timeout"), 0));
}

#[test]
fn a_list_for_another_filter_is_ignored() {
    let mut console = Console::listing(12);
    console.keys(&["/", "4"]);
    assert_eq!(console.list(&text("other"), 0, 700, 100..=200), []);
    assert_eq!(console.app.failures.total(), 12);
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(1)));
    assert_eq!(console.list(&text("4"), 0, 1, 4..=4), []);
    assert_eq!(console.app.failures.total(), 1);
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(4)));
}

#[test]
fn only_the_detail_that_was_asked_for_is_shown() {
    let mut console = Console::listing(3);
    console.event(read(1));
    assert_eq!(console.detail(), None, "nobody asked");
    assert_eq!(console.key("Enter"), sends(TaskCommand::ReadFailure(id(1))));
    assert_eq!(console.detail(), None, "not read yet");
    console.event(read(2));
    assert_eq!(console.detail(), None, "not the one asked for");
    console.event(read(1));
    assert_eq!(console.detail(), Some(id(1)));
    assert_eq!(console.keys(&["Down", "Enter"]), sends(TaskCommand::ReadFailure(id(2))));
    console.event(read(2));
    assert_eq!(console.detail(), Some(id(2)));
    console.event(TaskEvent::RetryFinished(id(2), Ok(())));
    assert_eq!(console.detail(), None, "a retry makes it old");

    let mut empty = Console::listing(0);
    assert_eq!(empty.key("Enter"), []);
    empty.assert_says("nothing is selected");
}

#[test]
fn esc_takes_back_a_detail_that_was_not_read_yet() {
    for opened_before in [false, true] {
        let mut console = Console::listing(3);
        if opened_before {
            console.key("Enter");
            console.event(read(1));
        }
        console.keys(&["Down", "Enter", "Esc"]);
        console.event(read(2));
        assert_eq!(console.detail(), None, "another one was open: {opened_before}");
    }
}

#[test]
fn esc_goes_back_one_step_at_a_time() {
    let mut console = Console::listing(12);
    console.keys(&["Space", "Space", "/", "x", "Enter"]);
    console.list(&text("x"), 0, 12, 1..=12);
    console.key("Enter");
    console.event(read(1));
    let all = Filter::default();
    for (effects, filter, marked) in [
        (vec![], text("x"), 2),
        (lists(&all, 0), all.clone(), 2),
        (vec![], all.clone(), 0),
        (vec![], all.clone(), 0),
    ] {
        assert_eq!(console.key("Esc"), effects);
        assert_eq!(console.detail(), None);
        assert_eq!(console.app.failures.filter(), filter);
        assert_eq!(console.app.failures.marked(), marked);
    }
    assert_eq!(console.app.screen, Screen::Failures);
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
fn help_closes_with_any_key_and_the_closing_keys_do_nothing_else() {
    for name in ["Esc", "?", "q", "Enter"] {
        let mut console = Console::listing(3);
        assert_eq!(console.key("?"), []);
        assert!(console.app.help);
        assert_eq!(console.key(name), [], "{name}");
        assert!(!console.app.help && !console.app.leaving, "{name}");
    }
    let mut console = Console::listing(3);
    console.keys(&["?", "7"]);
    assert!(!console.app.help);
    assert_eq!(console.app.screen, Screen::Log, "other keys do what they say");
}

#[test]
fn y_copies_the_selected_id() {
    let uuid: PointId = "8f2c0a91-77aa-4c1e-9d3b-0242ac130091".parse().expect("a UUID");
    let mut console = Console::listing(3);
    assert_eq!(console.keys(&["Down", "y"]), [Effect::Copy("2".into())]);
    console.assert_says("copied 2");
    console.event(TaskEvent::FailuresListed {
        filter: Filter::default(),
        offset: 0,
        total: 1,
        rows: vec![FailureRow { id: uuid, ..row(1) }],
    });
    assert_eq!(console.key("y"), [Effect::Copy(uuid.to_string())]);
    let mut empty = Console::listing(0);
    assert_eq!(empty.key("y"), []);
    empty.assert_says("nothing is selected");
}

#[test]
fn a_released_key_does_nothing_and_a_held_one_repeats() {
    for name in ["q", "Ctrl-C", "p", "?", "3"] {
        let mut console = Console::open(Phase::Running);
        let mut released = key(name);
        released.kind = KeyEventKind::Release;
        assert_eq!(console.app.update(Message::Key(released), console.now), [], "{name}");
        assert!(console.app.confirm.is_none() && !console.app.help && !console.app.leaving);
        assert_eq!(console.app.screen, Screen::Migrate);
    }
    let mut console = Console::listing(3);
    let mut held = key("Down");
    held.kind = KeyEventKind::Repeat;
    console.app.update(Message::Key(held), console.now);
    assert_eq!(console.app.failures.place(), 1);
}

#[test]
fn the_latest_failures_are_the_newest_and_bounded() {
    let mut console = Console::open(Phase::Running);
    for number in 1..=1_000 {
        console.event(TaskEvent::PointFailed(id(number), failure()));
    }
    let latest: Vec<PointId> = console.app.latest.iter().map(|(id, _)| *id).collect();
    assert_eq!(latest, (969..=1_000).rev().map(id).collect::<Vec<_>>());
    assert_eq!(console.app.log.lines.len(), 1_000, "the log is bounded too");
}

#[test]
fn who_reads_further_up_in_the_log_stays_there() {
    let mut console = Console::open(Phase::Running);
    for number in 0..20 {
        console.event(TaskEvent::Noted(Level::Info, format!("note {number}")));
    }
    console.key("7");
    let lines = console.app.log.lines.len();
    for (name, back) in [("k", 1), ("PgUp", 11), ("PgDn", 1), ("g", lines - 1), ("j", lines - 2)] {
        console.key(name);
        assert_eq!(console.app.log.back, back, "{name}");
    }
    console.event(TaskEvent::Noted(Level::Info, "one more".into()));
    assert_eq!(console.app.log.back, lines - 1, "the same line is at the bottom");
    console.key("G");
    console.event(TaskEvent::Noted(Level::Info, "and one".into()));
    assert_eq!(
        console.app.log.back, 0,
        "who reads the newest goes on reading the newest"
    );
}

#[test]
fn ctrl_z_suspends_and_a_key_without_a_meaning_does_nothing() {
    let mut console = Console::open(Phase::Running);
    assert_eq!(console.key("Ctrl-Z"), [Effect::Suspend]);
    assert_eq!(console.key("x"), []);
    assert!(console.app.flash.is_none());
}
