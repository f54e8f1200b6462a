//! A page of the list of failures out of the journal: with ten failures and with a hundred thousand.

use std::time::{Duration, Instant};

use qlance::journal::{Filter, Journal, Sort};
use qlance::point::{Cause, Failure, PointId};

/// What the Failures screen asks for at once.
const PAGE: u64 = 240;

fn journal(count: u64) -> (tempfile::TempDir, Journal) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path()).expect("a journal");
    let failures: Vec<(PointId, Failure)> = (0..count)
        .map(|n| {
            let cause = Cause::ALL[(n % Cause::ALL.len() as u64) as usize];
            (
                PointId::Num(n),
                Failure::new(cause, format!("rejected by the server, number {n}")),
            )
        })
        .collect();
    journal.record(&failures, 1_000).expect("recorded");
    (dir, journal)
}

/// The slowest page of the beginning, the middle and the end, with its count.
fn slowest(journal: &Journal, filter: &Filter, sort: Sort, count: u64) -> Duration {
    [0, count / 2, count.saturating_sub(PAGE)]
        .into_iter()
        .map(|offset| {
            let begun = Instant::now();
            journal.count(filter).expect("a count");
            journal.page(filter, sort, offset, PAGE).expect("a page");
            begun.elapsed()
        })
        .max()
        .unwrap_or_default()
}

/// Prints the slowest page of every order.
pub(crate) fn measure() {
    println!("\na page of {PAGE} failures with its count, the slowest of beginning, middle and end\n");
    println!("{:<28}{:>14}{:>14}", "order", "of 10", "of 100,000");
    let ((_few_dir, few), (_many_dir, many)) = (journal(10), journal(100_000));
    let text = Filter {
        text: Some("number 7".into()),
        ..Filter::default()
    };
    for sort in Sort::ALL {
        let (small, large) = (
            slowest(&few, &Filter::default(), sort, 10),
            slowest(&many, &Filter::default(), sort, 100_000),
        );
        println!("{:<28}{small:>14.2?}{large:>14.2?}", sort.label());
    }
    let (small, large) = (
        slowest(&few, &text, Sort::default(), 10),
        slowest(&many, &text, Sort::default(), 11_111),
    );
    println!("{:<28}{small:>14.2?}{large:>14.2?}", "filtered by a text");
}
