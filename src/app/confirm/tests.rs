//! What each question says, what its keys lead to, and what a choice deletes.

use super::*;

/// Every question there is.
fn questions() -> Vec<Confirm> {
    let ids = vec![PointId::Num(1), PointId::Num(2)];
    let found = |new, gone| Difference {
        new,
        gone,
        ..Difference::default()
    };
    let mut questions = vec![
        Confirm::quit(7, &Phase::Running),
        Confirm::retry_all(3, 1, Filter::default()),
        Confirm::keep_source_vector(ids.clone(), 0),
        Confirm::retry(ids.clone(), 1),
        Confirm::unskip(ids.clone(), 1),
        Confirm::embed_again(ids, 0, Price::Unknown),
    ];
    for found in [found(1, 0), found(1, 1), found(0, 1)] {
        questions.extend([Confirm::catch_up(&found, "t"), Confirm::repair(&found, "t")]);
    }
    questions
}

fn press(question: &mut Confirm, code: KeyCode) -> Option<Choice> {
    question.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn a_letter_goes_to_its_choice_and_only_enter_carries_it_out() {
    for mut question in questions() {
        for (place, (label, letter, choice)) in question.choices.clone().into_iter().enumerate() {
            assert_eq!(press(&mut question, KeyCode::Char(letter)), None, "{label}");
            assert_eq!(question.selected, place, "{label}");
            assert_eq!(press(&mut question, KeyCode::Enter), Some(choice), "{label}");
        }
    }
}

#[test]
fn the_ways_through_a_list_lead_through_the_choices() {
    for mut question in questions() {
        let last = question.choices.len() - 1;
        for (code, place) in [
            (KeyCode::Char('j'), 1),
            (KeyCode::Char('k'), 0),
            (KeyCode::Char('l'), 1),
            (KeyCode::Char('h'), 0),
            (KeyCode::Down, 1),
            (KeyCode::Up, 0),
            (KeyCode::Char('k'), last),
            (KeyCode::Char('j'), 0),
            (KeyCode::Char('x'), 0),
        ] {
            assert_eq!(press(&mut question, code), None);
            assert_eq!(question.selected, place, "{code:?} in {:?}", question.question);
        }
        for taken in ['h', 'j', 'k', 'l', 'q'] {
            assert!(
                question.choices.iter().all(|(_, letter, _)| *letter != taken),
                "{taken}"
            );
        }
        assert_eq!(press(&mut question, KeyCode::Esc), Some(Choice::Cancel));
    }
}

#[test]
fn leaving_names_what_goes_on_and_what_does_not_begin() {
    for (phase, question, keep) in [
        (
            Phase::Running,
            "is still running; 7 points",
            "Keep running without the screen",
        ),
        (Phase::Paused, "is paused; 7 points", "Resume the paused run, and"),
        (Phase::Pausing, "is pausing; 7 points", "Resume the paused run, and"),
        (
            Phase::Ready,
            "is still running; 7 points",
            "the migration does not begin",
        ),
    ] {
        let quit = Confirm::quit(7, &phase);
        assert!(quit.question.contains(question), "{phase:?}: {}", quit.question);
        let (label, letter, choice) = &quit.choices[2];
        assert!(label.contains(keep), "{phase:?}: {label}");
        assert_eq!((*letter, choice), ('r', &Choice::KeepRunning));
    }
}

#[test]
fn a_question_names_whom_it_is_about() {
    let one = Confirm::keep_source_vector(vec![PointId::Num(1042)], 0);
    assert!(one.question.contains("of point 1042?"), "{}", one.question);
    let ids = [1, 2].map(PointId::Num).to_vec();
    for (question, wanted) in [
        (
            Confirm::retry(ids.clone(), 2),
            "Retry 2 marked points (2 of them not shown)?",
        ),
        (
            Confirm::retry(ids[..1].to_vec(), 1),
            "Retry the marked point 1 (which is not shown)?",
        ),
        (
            Confirm::unskip(ids.clone(), 1),
            "Take the skip of 2 marked points (1 of them not shown) back?",
        ),
        (
            Confirm::embed_again(ids, 1, Price::Free),
            "Embed 2 marked points (1 of them not shown) again?",
        ),
    ] {
        assert_eq!(question.question, wanted);
    }
    let filter = Filter {
        text: Some("timeout".into()),
        ..Filter::default()
    };
    let all = Confirm::retry_all(1, 0, filter.clone());
    assert_eq!(all.question, "Retry 1 failed point with \"timeout\"?");
    let all = Confirm::retry_all(2, 0, filter.clone());
    assert_eq!(all.question, "Retry all shown: 2 failed points with \"timeout\"?");
    for (count, under_way, filter, question, choice) in [
        (
            11,
            2,
            Filter::default(),
            "Retry 9 of 11 failed points? The other 2 are being retried already, and tried",
            "Retry 9 failed points",
        ),
        (
            2,
            1,
            Filter::default(),
            "Retry 1 of 2 failed points? The other one is being retried already, and tried",
            "Retry 1 failed point",
        ),
        (
            4,
            5,
            Filter::default(),
            "Retry all 4 failed points? They are being retried already, and tried",
            "Retry 4 failed points",
        ),
        (
            4,
            1,
            filter,
            "Retry all shown: 4 failed points with \"timeout\"? 1 point is being retried already: what is shown",
            "Retry 4 failed points",
        ),
    ] {
        let all = Confirm::retry_all(count, under_way, filter);
        assert!(all.question.starts_with(question), "{}", all.question);
        assert_eq!(all.choices[1].0, choice);
    }
}

#[test]
fn a_small_price_is_not_told_as_none() {
    let found = Difference {
        new: 1,
        inputs: 1,
        tokens: 12,
        cost_usd: 0.000_02,
        ..Difference::default()
    };
    assert_eq!(price(&found), " To embed: 1 input, about 12 tokens, $0.00002.");
}

#[test]
fn what_points_cost_once_more_is_told_by_what_was_paid_so_far() {
    let about = |usd| Price::About { usd };
    for (price, said) in [
        (Price::Free, "Embed 2 points again?"),
        (
            Price::Unknown,
            "Embed 2 points again? The embedder is paid for each once more.",
        ),
        (
            about(0.125),
            "Embed 2 points again? By what was paid so far: about $0.1250.",
        ),
        (
            about(0.000_02),
            "Embed 2 points again? By what was paid so far: about $0.00002.",
        ),
    ] {
        let question = Confirm::embed_again([1, 2].map(PointId::Num).to_vec(), 0, price);
        assert_eq!(question.question, said);
        assert_eq!(question.choices[1].0, "Embed 2 points again");
    }
    let keep = Confirm::keep_source_vector([1, 2].map(PointId::Num).to_vec(), 0);
    assert!(
        keep.question.ends_with("of 2 points? Nothing is paid for."),
        "{}",
        keep.question
    );
    assert_eq!(keep.choices[1].0, "Keep Qdrant's vector of 2 points");
}

#[test]
fn a_question_has_its_own_title_and_the_way_back_is_named() {
    let titles: Vec<&str> = questions().iter().map(|question| question.title).collect();
    let wanted = [
        "Quit?",
        "Retry?",
        "Keep Qdrant's vector?",
        "Retry?",
        "Undo the skip?",
        "Embed again?",
        "Catch up?",
        "Repair?",
    ];
    assert_eq!(titles[..8], wanted);
    for question in questions() {
        assert_eq!(question.choices[0].0, "Cancel: go back", "{}", question.title);
    }
}

#[test]
fn what_deletes_has_a_letter_of_its_own_in_every_question() {
    for question in questions() {
        for (label, letter, choice) in &question.choices {
            assert_eq!(choice.deletes(), *letter == 'd', "{label}");
            assert_eq!(choice.deletes(), label.contains("elete 1 row from t"), "{label}");
        }
    }
}

#[test]
fn failed_and_skipped_points_are_told_from_the_new_where_there_are_any() {
    let found = |waiting| Difference {
        same: 1,
        new: 3,
        waiting,
        ..Difference::default()
    };
    let said = |waiting| Confirm::catch_up(&found(waiting), "t").question;
    let none = "In Qdrant since: 3 new, 0 with another content, 0 with another payload, 0 gone. 1 row stays as it is.";
    assert_eq!(said(0), none);
    assert_eq!(
        said(1_200),
        format!("{none} Failed and skipped points (1,200) are not among the new.")
    );
}

#[test]
fn what_is_deleted_is_named_with_its_number_and_its_table() {
    let table = "choir.lance/messages";
    let labels =
        |question: &Confirm| -> Vec<String> { question.choices[1..].iter().map(|(label, ..)| label.clone()).collect() };
    let found = |new, gone| Difference {
        new,
        gone,
        ..Difference::default()
    };
    let delete = "elete 4 rows from choir.lance/messages";
    let unfinished = Difference {
        unfinished: Some(0),
        ..Difference::default()
    };
    for (question, wanted, gone) in [
        (
            Confirm::catch_up(&found(12, 0), table),
            vec!["Bring over 12 points".to_owned()],
            "0 gone.",
        ),
        (
            Confirm::catch_up(&found(1, 4), table),
            vec![
                "Bring over 1 point, delete nothing".to_owned(),
                format!("Bring over 1 point, and d{delete}"),
            ],
            "4 gone.",
        ),
        (
            Confirm::catch_up(&found(0, 4), table),
            vec![format!("D{delete}")],
            "4 gone.",
        ),
        (
            Confirm::repair(&found(3, 0), table),
            vec!["Repair".to_owned()],
            "Repair: 3 points to bring over. 0 rows stay as they are.",
        ),
        (
            Confirm::repair(&found(3, 4), table),
            vec![
                "Repair, and delete nothing".to_owned(),
                format!("Repair, and d{delete}"),
            ],
            "Repair: 3 points to bring over, 4 rows without a point in Qdrant. 0 rows stay as they are.",
        ),
        (
            Confirm::repair(&found(0, 4), table),
            vec![format!("D{delete}")],
            "Repair: 4 rows without a point in Qdrant. 0 rows stay as they are.",
        ),
        (
            Confirm::repair(&unfinished, table),
            vec!["Repair".to_owned()],
            "Repair: all rows to take over as they are.",
        ),
    ] {
        assert_eq!(labels(&question), wanted, "{}", question.question);
        assert!(question.question.contains(gone), "{}", question.question);
        let rows = question.question.matches("4 ").count();
        assert!(rows <= 1, "it is said once: {}", question.question);
    }
}
