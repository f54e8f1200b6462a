//! A page of the list of failures out of the journal: with ten failures and with a hundred thousand.

use std::time::{Duration, Instant};

use qlance::journal::{Filter, Journal, Sort, Spent};
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

/// A page of the beginning, the middle and the end, with its counts: the slowest.
fn slowest(journal: &mut Journal, filter: &Filter, sort: Sort, changing: bool) -> Duration {
    let total = journal.list(filter, sort, 0, PAGE).expect("a page").total;
    [0, total / 2, total.saturating_sub(PAGE)]
        .into_iter()
        .map(|offset| {
            if changing {
                journal.set_spent(Spent::default()).expect("kept");
            }
            let begun = Instant::now();
            journal.list(filter, sort, offset, PAGE).expect("a page");
            begun.elapsed()
        })
        .max()
        .unwrap_or_default()
}

/// Prints the slowest page of every order, in a journal that stays as it is and in one that changes before every page.
pub(crate) fn measure() {
    println!("\na page of {PAGE} failures with its counts, the slowest of beginning, middle and end\n");
    println!(
        "{:<28}{:>14}{:>14}{:>18}",
        "order", "of 10", "of 100,000", "after a change"
    );
    let ((_few_dir, mut few), (_many_dir, mut many)) = (journal(10), journal(100_000));
    let mut line = |label: &str, filter: &Filter, sort: Sort| {
        let small = slowest(&mut few, filter, sort, false);
        let large = slowest(&mut many, filter, sort, false);
        let changed = slowest(&mut many, filter, sort, true);
        println!("{label:<28}{small:>14.2?}{large:>14.2?}{changed:>18.2?}");
    };
    for sort in Sort::ALL {
        line(sort.label(), &Filter::default(), sort);
    }
    let cause = Filter {
        cause: Some(Cause::ALL[0]),
        ..Filter::default()
    };
    line("of one cause", &cause, Sort::default());
    line("of one cause, latest first", &cause, Sort::ALL[1]);
    let text = Filter {
        text: Some("number 7".into()),
        ..Filter::default()
    };
    line("filtered by a text", &text, Sort::default());
}
