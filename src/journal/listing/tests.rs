//! Every page of every list, held against what is found the plain way; and what is remembered of lists.

use super::*;
use crate::journal::State;
use crate::point::Failure;

/// Open, skipped, retried and recovered ones, of three causes, some tried more than once.
fn fill(journal: &mut Journal, count: u64) {
    let causes = [Cause::NoContent, Cause::Rejected, Cause::TooLong];
    let numbers: Vec<u64> = (0..count).collect();
    for (at, three) in (1_000..).zip(numbers.chunks(3)) {
        let failures: Vec<(PointId, Failure)> = three
            .iter()
            .map(|&n| {
                let failure = Failure::new(causes[(n / 2 % 3) as usize], format!("Message {n}, 50% of a_b"));
                (PointId::Num(n * 7 % count), failure)
            })
            .collect();
        journal.record(&failures, at).expect("recorded");
    }
    let every = |step: usize| -> Vec<PointId> { (0..count).step_by(step).map(PointId::Num).collect() };
    let again: Vec<(PointId, Failure)> = every(4)
        .into_iter()
        .map(|id| (id, Failure::new(Cause::TooLong, "again")))
        .collect();
    journal.record(&again, 9_000).expect("recorded");
    for (step, state) in [(11, State::Skipped), (13, State::Retrying), (17, State::Recovered)] {
        journal
            .set_state(&every(step), &[State::Failed], state, None)
            .expect("moved");
    }
}

fn filled(count: u64) -> Journal {
    let mut journal = Journal::in_memory().expect("a journal");
    fill(&mut journal, count);
    journal
}

fn filters() -> Vec<Filter> {
    let text = |text: &str| Filter {
        text: Some(text.into()),
        ..Filter::default()
    };
    let cause = |cause: Cause| Filter {
        cause: Some(cause),
        ..Filter::default()
    };
    vec![
        Filter::default(),
        cause(Cause::Rejected),
        cause(Cause::TooLong),
        cause(Cause::Gone),
        text("message 1"),
        text("AGAIN"),
        text("too_l"),
        text("50%"),
        text("a_b"),
        text("a%b"),
        text(r"\"),
        text("nothing holds this"),
        text(""),
        Filter {
            cause: Some(Cause::NoContent),
            ..text("message 1")
        },
        Filter {
            states: vec![State::Skipped, State::Recovered],
            ..Filter::default()
        },
        Filter {
            states: vec![State::Failed],
            ..cause(Cause::TooLong)
        },
    ]
}

fn orders() -> impl Iterator<Item = Sort> {
    Sort::ALL.into_iter().flat_map(|sort| [sort, sort.backwards()])
}

/// What a filter shows, found the plain way.
fn plain(journal: &Journal, filter: &Filter, sort: Sort) -> Vec<FailureRow> {
    let sql = format!("SELECT {COLUMNS} FROM failures ORDER BY {}", sort.sql());
    let mut statement = journal.db.prepare(&sql).expect("a statement");
    let rows = statement.query_map([], row_of).expect("rows");
    let holds = |words: &str| {
        let text = filter.text.as_deref().unwrap_or_default().to_ascii_lowercase();
        words.to_ascii_lowercase().contains(&text)
    };
    rows.map(|row| row.expect("a row"))
        .filter(|row| filter.cause.is_none_or(|cause| row.cause == cause))
        .filter(|row| holds(&row.id.to_string()) || holds(&row.error) || holds(row.cause.as_str()))
        .filter(|row| {
            if filter.states.is_empty() {
                row.state != State::Recovered
            } else {
                filter.states.contains(&row.state)
            }
        })
        .collect()
}

/// Pages of a list, of these lengths, are what the plain way finds.
fn check(journal: &Journal, filter: &Filter, sort: Sort, limits: &[u64]) {
    let expected = plain(journal, filter, sort);
    let total = expected.len() as u64;
    let retryable = expected.iter().filter(|row| row.state == State::Failed).count() as u64;
    for limit in limits {
        for offset in [0, total / 2, total.saturating_sub(*limit), total] {
            let end = offset.saturating_add(*limit).min(total);
            let page = Listed {
                total,
                retryable,
                rows: expected[offset as usize..end as usize].to_vec(),
            };
            let listed = journal.list(filter, sort, offset, *limit).expect("a page");
            assert_eq!(listed, page, "{filter:?} {sort:?} {offset} {limit}");
        }
    }
    let beyond = journal.page(filter, sort, total + 9, 5).expect("a page");
    assert!(beyond.is_empty(), "{filter:?}");
}

#[test]
fn every_page_in_every_order_under_every_filter() {
    // The longest is more than is kept.
    for count in [0, 5, 60] {
        let journal = filled(count);
        for filter in filters() {
            for sort in orders() {
                check(&journal, &filter, sort, &[1, 7, u64::MAX]);
            }
        }
    }
}

#[test]
fn counts_are_those_of_the_pages() {
    let journal = filled(60);
    for filter in filters() {
        let rows = plain(&journal, &filter, Sort::default()).len() as u64;
        assert_eq!(journal.count(&filter).expect("a count"), rows, "{filter:?}");
    }
}

#[test]
fn a_change_is_seen_whoever_made_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path()).expect("opened");
    let mut other = Journal::open(dir.path()).expect("opened beside it");
    fill(&mut journal, 30);
    let (id, new) = (PointId::Num(1), PointId::Num(77));
    let record = |journal: &mut Journal, id: PointId, cause: Cause, at: i64| {
        let failures = [(id, Failure::new(cause, "message 1, anew"))];
        journal.record(&failures, at).expect("recorded");
    };
    // One of each kind, all of them remembered.
    let [_, latest, oldest, by_cause, _] = Sort::ALL;
    let mut filters = filters();
    let lists = [
        (filters.swap_remove(4), latest),
        (filters.swap_remove(1), oldest),
        (Filter::default(), Sort::default()),
        (Filter::default(), by_cause),
    ];
    assert_eq!(lists.len(), MOST_LISTINGS);
    let look = |journal: &Journal| {
        for (filter, sort) in &lists {
            check(journal, filter, *sort, &[7]);
        }
    };
    let mut before = plain(&journal, &Filter::default(), Sort::default());
    for (beside, at) in [(false, 10_000), (true, 20_000)] {
        for change in ["skip", "take back", "fail again", "fail", "forget"] {
            look(&journal);
            let writer = if beside { &mut other } else { &mut journal };
            match change {
                "skip" => {
                    let moved = writer.set_state(&[id], &[State::Failed], State::Skipped, Some("no"));
                    assert_eq!(moved.expect("moved"), 1);
                }
                "take back" => {
                    let moved = writer.set_state(&[id], &[State::Skipped], State::Failed, None);
                    assert_eq!(moved.expect("moved"), 1);
                }
                "fail again" => record(writer, id, Cause::Gone, at),
                "fail" => record(writer, new, Cause::Rejected, at),
                _ => {
                    let forgotten = writer.forget_unsettled(|id| id != new);
                    assert_eq!(forgotten.expect("forgotten"), 1);
                }
            }
            let after = plain(&journal, &Filter::default(), Sort::default());
            assert_ne!(before, after, "{change}, beside: {beside}");
            look(&journal);
            before = after;
        }
    }
}

#[test]
fn unchanged_lists_are_not_searched_again_and_few_are_remembered() {
    let journal = filled(30);
    for filter in filters() {
        journal.list(&filter, Sort::default(), 0, 5).expect("a page");
    }
    assert_eq!(journal.listings.borrow().recent.len(), MOST_LISTINGS);
    let text = filters().swap_remove(4);
    journal.list(&text, Sort::default(), 0, 5).expect("a page");
    // Were it searched for again, this would be put right.
    if let Some(listing) = journal.listings.borrow_mut().recent.last_mut() {
        listing.total = 4;
    }
    let page = journal.list(&text, Sort::default(), 2, 5).expect("a page");
    assert_eq!((page.total, page.rows.len()), (4, 2));
}

#[test]
fn every_list_has_its_index() {
    let journal = filled(30);
    let cause = Filter {
        cause: Some(Cause::Rejected),
        ..Filter::default()
    };
    for (filter, sort) in orders().flat_map(|sort| [(Filter::default(), sort), (cause.clone(), sort)]) {
        if !filter.is_stretch(sort.by) {
            continue;
        }
        let (index, (sql, values), order) = (filter.index(sort.by), filter.sql(), sort.sql());
        let sql = format!("EXPLAIN QUERY PLAN SELECT key FROM failures {index} WHERE {sql} ORDER BY {order}");
        let mut statement = journal.db.prepare(&sql).expect("a statement");
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
        let steps: Vec<String> = steps.expect("a plan").collect::<Result<_, _>>().expect("its steps");
        assert_eq!(steps.len(), 1, "nothing is sorted: {steps:?}");
        assert!(steps[0].contains("COVERING INDEX open_by_"), "{steps:?}");
    }
}

#[test]
fn all_ids_of_a_filter_are_walked_through_in_order() {
    let journal = filled(60);
    for filter in filters() {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let ids = journal.ids_after(&filter, after, 7).expect("ids");
            let rows = journal.rows_after(&filter, after, 7).expect("rows");
            assert!(rows.iter().map(|row| row.id).eq(ids.iter().copied()), "{filter:?}");
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            walked.extend(ids);
        }
        let expected: Vec<PointId> = plain(&journal, &filter, Sort::default())
            .iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(walked, expected, "{filter:?}");
    }
}
