//! What each prompt asks, takes and refuses.

use super::*;
use crossterm::event::KeyModifiers;

fn answer(ask: Ask, text: &str) -> (Answered, Option<String>) {
    let mut prompt = Prompt::new(ask, &Settings::default());
    prompt.input = Input::new(text.to_owned());
    let answered = prompt.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    (answered, prompt.error)
}

#[test]
fn what_can_be_meant_is_taken() {
    let id = PointId::Num(42);
    for (ask, text, expected) in [
        (Ask::BatchInputs, "64", TaskCommand::Set(Setting::BatchInputs(64))),
        (
            Ask::RequestsPerMinute,
            "3,000",
            TaskCommand::Set(Setting::RequestsPerMinute(Some(3_000))),
        ),
        (
            Ask::TokensPerMinute,
            " ",
            TaskCommand::Set(Setting::TokensPerMinute(None)),
        ),
        (Ask::Budget, "$5.50", TaskCommand::Set(Setting::BudgetUsd(Some(5.5)))),
        (Ask::Budget, "", TaskCommand::Set(Setting::BudgetUsd(None))),
        (
            Ask::SkipReason(vec![id], 0),
            "spam",
            TaskCommand::Skip(vec![id], "spam".into()),
        ),
        (Ask::PairId, "42", TaskCommand::SamplePairs(SampleOf::Ids(vec![id]))),
        (
            Ask::VerifySample(20_000),
            "2,000",
            TaskCommand::Verify(Box::new(Wish {
                sample: Some(2_000),
                ..Wish::default()
            })),
        ),
        (
            Ask::OffendersTo(3),
            " bad.jsonl ",
            TaskCommand::ExportOffenders("bad.jsonl".into()),
        ),
    ] {
        assert_eq!(answer(ask, text).0, Answered::With(expected), "{text:?}");
    }
}

#[test]
fn what_is_asked_for_is_named_and_what_may_be_answered_with_it() {
    let two = || vec![PointId::Num(1), PointId::Num(2)];
    for (ask, title, question) in [
        (Ask::BatchInputs, "Batch", "Inputs a request at most (1 to 2,048)"),
        (
            Ask::SkipReason(two(), 1),
            "Skip 2 points",
            "Give up 2 marked points (1 of them not shown): they will not be in the table. Why?",
        ),
        (
            Ask::AcceptNote(vec![PointId::Num(7)], 0),
            "Accept point 7",
            "Accept point 7 as embedded. Why?",
        ),
        (Ask::PairId, "Compare a point", "Id of the point to compare"),
        (
            Ask::ExportTo(1_200),
            "Export failures",
            "Write all 1,200 failed or skipped points (whatever the filter shows) to this file; one that is there \
             is replaced",
        ),
        (
            Ask::ExportTo(1),
            "Export failures",
            "Write 1 failed or skipped point (whatever the filter shows) to this file; one that is there is replaced",
        ),
        (
            Ask::OffendersTo(20_024),
            "Export offenders",
            "Write the 20,024 offenders of all checks to this file; one that is there is replaced",
        ),
        (
            Ask::VerifySample(200_000),
            "Verify a sample",
            "Verify the payloads and vectors of how many rows? Fewer than 2,000 say too little",
        ),
        (
            Ask::Condition(String::new()),
            "Where",
            "Only points whose payload meets this condition (such as `thread_id = 'x' AND n > 5`; empty: all points)",
        ),
    ] {
        let prompt = Prompt::new(ask, &Settings::default());
        assert_eq!((&*prompt.title, &*prompt.question), (title, question));
    }
}

#[test]
fn a_query_and_a_condition_are_no_commands_of_their_own() {
    let query = Answered::Query(Asked::Text("the tide".into()));
    assert_eq!(answer(Ask::Query(String::new()), " the tide ").0, query);
    let file = Answered::Query(Asked::File("x.png".into()));
    assert_eq!(answer(Ask::Query(String::new()), "@x.png").0, file);
    let condition = "thread_id = 'x'".parse().expect("a condition");
    let condition = Answered::Condition(Some(condition));
    assert_eq!(answer(Ask::Condition(String::new()), "thread_id = 'x'").0, condition);
    assert_eq!(answer(Ask::Condition(String::new()), " ").0, Answered::Condition(None));
}

#[test]
fn a_budget_left_as_it_stands_is_the_same_budget() {
    for usd in [5.0, 0.125, 0.004, 1e-7] {
        let settings = Settings {
            budget_usd: Some(usd),
            ..Settings::default()
        };
        let mut prompt = Prompt::new(Ask::Budget, &settings);
        let answered = prompt.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
        let same = TaskCommand::Set(Setting::BudgetUsd(Some(usd)));
        assert_eq!(answered, Answered::With(same), "{:?}", prompt.error);
    }
}

#[test]
fn what_cannot_be_meant_says_why_and_stays_open() {
    for (ask, text, wanted) in [
        (Ask::BatchInputs, "0", "1 to 2,048"),
        (Ask::RequestsPerMinute, "fast", "no number"),
        (Ask::Budget, "-1", "no sum"),
        (
            Ask::Budget,
            "NaN",
            "no sum of money; US dollars are wanted, such as 5.00",
        ),
        (Ask::SkipReason(Vec::new(), 0), "  ", "a reason is needed"),
        (Ask::PairId, "x", "x"),
        (Ask::VerifySample(20_000), "0", "no number from 1"),
        (Ask::VerifySample(20_000), "all", "no number from 1"),
        (Ask::OffendersTo(3), " ", "a file name is needed"),
        (Ask::Query(String::new()), " ", "a query is needed"),
        (Ask::Condition(String::new()), "thread_id =", ""),
    ] {
        let (answered, error) = answer(ask, text);
        assert_eq!(answered, Answered::NotYet, "{text:?}");
        assert!(error.as_ref().is_some_and(|error| error.contains(wanted)), "{error:?}");
    }
}
