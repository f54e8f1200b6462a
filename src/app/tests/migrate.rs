//! The Migrate screen: the plan, pause and resume, the settings, what the budget stops.

use super::*;
use crate::journal::Sort;
use crate::lance::index::Step;
use crate::tasks::meters::{Cap, Waiting};
use crate::tasks::plan::{Basis, Estimate};
use crate::tasks::{Setting, StopReason};

fn phase(phase: Phase) -> Message {
    Message::Event(TaskEvent::PhaseChanged(phase))
}

fn trouble() -> Phase {
    Phase::Stopped(StopReason::Trouble("outage".into()))
}

fn sets(setting: Setting) -> Vec<Effect> {
    sends(TaskCommand::Set(setting))
}

fn plan() -> PlanReport {
    let unknown = || Estimate {
        value: None,
        basis: Basis::Unknown,
        how: "nobody knows".into(),
    };
    PlanReport {
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        points: 20_000,
        settled: 0,
        vectors: Vec::new(),
        fields: Vec::new(),
        sampled: 0,
        table: "choir.lance/messages".into(),
        columns: Vec::new(),
        space: "openai/text-embedding-3-large@1536".into(),
        ranges: 4,
        failures: unknown(),
        tokens: unknown(),
        cost_usd: unknown(),
        seconds: unknown(),
        disk_bytes: unknown(),
        warnings: vec!["it will cost".into()],
    }
}

#[test]
fn the_plan_is_read_and_then_started_with_enter() {
    let mut console = Console::unopened();
    assert_eq!(console.key("Enter"), []);
    console.assert_says("the plan is not worked out yet");
    console.event(opened());
    assert_eq!(console.event(TaskEvent::Planned(Box::new(plan()))), []);
    assert_eq!(console.app.plan.as_deref(), Some(&plan()));
    assert_eq!(console.update(phase(Phase::Ready)), []);
    for (name, scroll) in [
        ("Down", 1),
        ("PgDn", 11),
        ("Up", 10),
        ("G", 30),
        ("PgUp", 20),
        ("g", 0),
        ("j", 1),
        ("g", 0),
        ("k", 0),
    ] {
        let reach = Reach {
            plan: Some(30),
            ..Reach::default()
        };
        console.update(Message::Reach(reach));
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.app.plan_scroll, scroll, "{name}");
    }
    assert_eq!(console.key("Enter"), sends(TaskCommand::Start));
    assert_eq!(console.app.phase, Phase::Ready, "not confirmed yet");
    console.update(phase(Phase::Running));
    assert_eq!(console.app.phase, Phase::Running);
    assert_eq!(console.key("Enter"), []);
    console.assert_says("it has begun already");
}

#[test]
fn enter_starts_on_the_migrate_screen_only() {
    for name in ["2", "3", "4", "5", "6", "7"] {
        let mut console = Console::open(Phase::Ready);
        console.key(name);
        assert_eq!(console.key("Enter"), [], "{name}");
    }
}

#[test]
fn a_pause_is_shown_only_when_the_work_has_confirmed_it() {
    let mut console = Console::open(Phase::Running);
    let snapshot = Snapshot {
        phase: Phase::Paused,
        ..Snapshot::default()
    };
    for (message, effects, shown) in [
        (Message::Key(key("p")), sends(TaskCommand::Pause), Phase::Running),
        (Message::Tick, vec![], Phase::Running),
        (Message::Snapshot(Box::new(snapshot)), vec![], Phase::Running),
        (phase(Phase::Pausing), vec![], Phase::Pausing),
        (phase(Phase::Paused), vec![], Phase::Paused),
        (Message::Key(key("p")), sends(TaskCommand::Resume), Phase::Paused),
        (phase(Phase::Running), vec![], Phase::Running),
    ] {
        assert_eq!(console.update(message.clone()), effects, "{message:?}");
        assert_eq!(console.app.phase, shown, "{message:?}");
    }
}

#[test]
fn p_does_what_the_phase_allows_or_says_why_not() {
    let budget = StopReason::Budget("the budget is used up".into());
    for (phase, command, why) in [
        (Phase::Running, Some(TaskCommand::Pause), ""),
        (Phase::Pausing, Some(TaskCommand::Resume), ""),
        (Phase::Paused, Some(TaskCommand::Resume), ""),
        (trouble(), Some(TaskCommand::Resume), ""),
        (Phase::Stopped(budget), Some(TaskCommand::Resume), ""),
        (Phase::Stopped(StopReason::ByOperator), Some(TaskCommand::Resume), ""),
        (Phase::Connecting, None, "not connected yet"),
        (Phase::Ready, None, "it has not begun; it is started on Migrate"),
        (Phase::Stopping, None, "it is stopping"),
        (
            Phase::Finishing(Step::Compact),
            None,
            "no point is left to move; the table is being finished",
        ),
        (Phase::Complete, None, "it is complete"),
        (Phase::Failed("no Qdrant".into()), None, "it could not begin"),
    ] {
        let mut console = Console::open(phase.clone());
        let effects = console.key("p");
        assert_eq!(
            effects,
            command.map(Effect::Send).into_iter().collect::<Vec<_>>(),
            "{phase:?}"
        );
        console.assert_says(why);
        assert_eq!(console.app.flash.is_some(), !why.is_empty(), "{phase:?}");
        assert_eq!(console.app.phase, phase);
    }
}

#[test]
fn n_does_not_end_the_operators_own_cap_and_the_cap_can_be_moved() {
    for (cap, name) in [(Cap::Requests(60), "m"), (Cap::Tokens(600), "t")] {
        let mut console = Console::open(Phase::Running);
        console.snapshot(Snapshot {
            waiting: Some(Waiting {
                reason: format!("your cap of {cap}"),
                left: Some(Duration::from_secs(3)),
                cap: Some(cap),
                ..Waiting::default()
            }),
            ..embedding()
        });
        assert_eq!(console.key("n"), [], "{cap}");
        console.assert_says("try now: your own cap holds it back");
        assert_eq!(console.key(name), [], "{cap}");
        assert!(console.app.prompt.is_some(), "{cap}");
    }
}

#[test]
fn quick_presses_add_up_and_the_concurrency_shown_is_the_confirmed_one() {
    let confirm = |limit| TaskEvent::SettingConfirmed(Setting::InFlight(limit));
    for (confirmed, name, asked) in [
        (50, "+", 55),
        (50, "-", 45),
        (100, "=", 110),
        (10, "+", 11),
        (9, "+", 10),
        (2, "-", 1),
        (1, "-", 1),
        (1, "+", 2),
        (990, "+", 1_000),
        (1_000, "+", 1_000),
    ] {
        let mut console = Console::open(Phase::Running);
        console.event(confirm(confirmed));
        assert_eq!(console.key(name), sets(Setting::InFlight(asked)), "{confirmed} {name}");
        assert_eq!(console.app.snapshot.settings.in_flight, confirmed, "not confirmed yet");
        console.event(confirm(asked));
        assert_eq!(console.app.snapshot.settings.in_flight, asked);
        let requests = crate::point::counted(asked as u64, "request", "requests");
        console.assert_says(&format!("{requests} in flight at most"));
    }
    let mut least = Console::open(Phase::Running);
    least.event(confirm(1));
    least.assert_says("1 request in flight at most");
    let mut quick = Console::open(Phase::Running);
    quick.event(confirm(2));
    for asked in [3, 4, 5] {
        assert_eq!(quick.key("+"), sets(Setting::InFlight(asked)));
    }
    // The work answers one by one; the last answer is what was asked for.
    for confirmed in [3, 4, 5] {
        quick.event(confirm(confirmed));
    }
    assert_eq!(quick.key("-"), sets(Setting::InFlight(4)));
    // A press between the answers goes on from what was asked for last.
    quick.key("-");
    quick.event(confirm(4));
    assert_eq!(quick.key("-"), sets(Setting::InFlight(2)));
}

#[test]
fn a_setting_is_asked_for_and_shown_once_it_is_confirmed() {
    for (name, before, typed, setting, said, after) in [
        (
            "b",
            "100",
            "64",
            Setting::BatchInputs(64),
            "64 inputs a request at most",
            "64",
        ),
        (
            "$",
            "",
            "$5.50",
            Setting::BudgetUsd(Some(5.5)),
            "the budget is $5.50",
            "5.50",
        ),
        ("$", "", "", Setting::BudgetUsd(None), "no budget any more", ""),
        (
            "m",
            "3000",
            "1,200",
            Setting::RequestsPerMinute(Some(1_200)),
            "1,200 requests a minute at most",
            "1200",
        ),
        (
            "m",
            "3000",
            "",
            Setting::RequestsPerMinute(None),
            "no cap on requests a minute",
            "",
        ),
        (
            "t",
            "",
            "250000",
            Setting::TokensPerMinute(Some(250_000)),
            "250,000 tokens a minute at most",
            "250000",
        ),
        (
            "t",
            "",
            "",
            Setting::TokensPerMinute(None),
            "no cap on tokens a minute",
            "",
        ),
    ] {
        let mut console = Console::open(Phase::Running);
        console.app.snapshot.settings.requests_per_minute = Some(3_000);
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.prompt(), (before, ""), "{name} begins with the present value");
        console.key("Ctrl-U");
        assert_eq!(console.types(typed), [], "{typed}");
        let settings = console.app.snapshot.settings;
        assert_eq!(console.key("Enter"), sets(setting), "{name} {typed}");
        assert!(console.app.prompt.is_none() && console.app.flash.is_none());
        assert_eq!(console.app.snapshot.settings, settings, "not confirmed yet");
        assert_eq!(console.event(TaskEvent::SettingConfirmed(setting)), []);
        console.assert_says(said);
        console.key(name);
        assert_eq!(console.prompt(), (after, ""), "{name} after {typed:?}");
    }
}

#[test]
fn a_number_that_cannot_be_is_refused_in_the_prompt_and_esc_leaves_all_as_it_is() {
    for (name, typed, wanted) in [
        ("b", "2049", "1 to 2,048"),
        ("b", "", "1 to 2,048"),
        ("m", "0", "1 to 1,000,000,000"),
        ("t", "fast", "no number"),
        ("$", "0", "no sum of money"),
    ] {
        let mut console = Console::open(Phase::Running);
        console.keys(&[name, "Ctrl-U"]);
        console.types(typed);
        assert_eq!(console.key("Enter"), [], "{name} {typed:?}");
        let (value, error) = console.prompt();
        assert_eq!(value, typed);
        assert!(error.contains(wanted), "{error:?}");
        console.key("7");
        assert_eq!(
            console.prompt(),
            (&*format!("{typed}7"), ""),
            "typing on takes the complaint away"
        );
        assert_eq!(console.key("Esc"), []);
        assert!(console.app.prompt.is_none());
        assert_eq!(console.app.snapshot.settings, embedding().settings);
    }
}

#[test]
fn settings_need_an_embedder_that_is_there() {
    for name in ["+", "-", "b", "$", "m", "t"] {
        let mut console = Console::unopened();
        assert_eq!(console.key(name), [], "{name}");
        console.assert_says("the job is not open yet");
        let mut console = Console::open(Phase::Running);
        console.snapshot(Snapshot::default());
        assert_eq!(console.key(name), [], "{name}");
        console.assert_says("vectors are carried over; nothing is embedded");
    }
}

#[test]
fn all_settings_can_be_set_whatever_the_work_is_at() {
    for phase in [
        Phase::Ready,
        Phase::Running,
        Phase::Pausing,
        Phase::Paused,
        Phase::Stopping,
        Phase::Finishing(Step::Compact),
        Phase::Comparing,
        Phase::CatchingUp,
        Phase::Complete,
        trouble(),
    ] {
        for (name, limit) in [("+", 55), ("-", 45)] {
            let mut console = Console::open(phase.clone());
            let effects = console.key(name);
            assert_eq!(effects, sets(Setting::InFlight(limit)), "{phase:?} {name}");
        }
        for name in ["b", "$", "m", "t"] {
            let mut console = Console::open(phase.clone());
            assert_eq!(console.key(name), [], "{phase:?} {name}");
            assert!(
                console.app.prompt.is_some() && console.app.flash.is_none(),
                "{phase:?} {name}"
            );
        }
    }
}

#[test]
fn a_run_that_the_budget_stopped_goes_on_when_the_work_says_so() {
    let stopped = Phase::Stopped(StopReason::Budget("the budget of $5.00 is used up".into()));
    let mut console = Console::open(stopped.clone());
    assert!(!console.app.is_working());
    console.event(TaskEvent::SettingConfirmed(Setting::BudgetUsd(Some(5.0))));
    console.key("$");
    assert_eq!(console.prompt(), ("5.00", ""));
    console.key("Ctrl-U");
    console.types("10");
    assert_eq!(console.key("Enter"), sets(Setting::BudgetUsd(Some(10.0))));
    console.event(TaskEvent::SettingConfirmed(Setting::BudgetUsd(Some(10.0))));
    console.assert_says("the budget is $10.00");
    assert_eq!(console.app.phase, stopped, "a budget is no run");
    console.update(phase(Phase::Running));
    assert_eq!(console.app.phase, Phase::Running);
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
fn a_click_on_one_of_the_latest_failures_opens_and_selects_it_among_all() {
    let mut console = Console::open(Phase::Running);
    for number in [1, 11, 111] {
        console.event(TaskEvent::PointFailed(id(number), failure()));
    }
    let effects = console.update(Message::Mouse(Mouse::Row(1)));
    assert_eq!(console.app.screen, Screen::Failures);
    assert_eq!(effects.first(), Some(&Effect::Send(TaskCommand::ReadFailure(id(11)))));
    let filter = console.app.failures.filter();
    assert_eq!(filter.text.as_deref(), Some("11"));
    // The filter shows whatever holds the id: what is done next is done to the point itself.
    let rows = [111, 11].map(super::failures::row).into();
    let sort = console.app.failures.sort();
    console.event(super::failures::page((&filter, sort), 0, (2, 2), rows));
    assert_eq!(console.app.selected_id(), Some(id(11)));
    let mut console = Console::open(Phase::Running);
    assert_eq!(console.update(Message::Mouse(Mouse::Row(0))), [], "there is none");
    assert_eq!(console.app.screen, Screen::Migrate);
}

#[test]
fn a_failure_that_is_sought_is_listed_by_id_whatever_the_order_was_and_no_other_is_taken_for_it() {
    let mut console = Console::open(Phase::Running);
    console.event(TaskEvent::PointFailed(id(7), failure()));
    console.keys(&["3", "o", "o", "o", "1"]);
    assert_ne!(console.app.failures.sort(), Sort::default());
    let effects = console.update(Message::Mouse(Mouse::Row(0)));
    let listed = effects.iter().find_map(|effect| match effect {
        Effect::Send(TaskCommand::ListFailures { sort, .. }) => Some(*sort),
        _ => None,
    });
    assert_eq!(listed, Some(Sort::default()));
    let filter = console.app.failures.filter();
    let rows = [17, 27].map(super::failures::row).into();
    console.event(super::failures::page((&filter, Sort::default()), 0, (900, 900), rows));
    assert_eq!(console.app.selected_id(), None, "it is not among them");
}
