//! The Divergence screen: bins, points, the threshold.

use std::sync::Arc;

use super::*;
use crate::app::divergence::{Asked, Bin, Pane};
use crate::journal::Decided;
use crate::lance::browse::{Anchor, Band, RankedRow};
use crate::point::{Histogram, Similarity};
use crate::tasks::inspect::{Agreement, PointDetail};
use crate::tasks::{Owned, Setting};

/// The bins of the histogram below, from the top: eleven, from 0.0025 to 0.025 wide.
const FIRST: Band = Band { from: 0.9975, to: 2.0 };
const SECOND: Band = Band {
    from: 0.995,
    to: 0.9975,
};
const THIRD: Band = Band {
    from: 0.9925,
    to: 0.995,
};
const LAST: Band = Band { from: 0.9, to: 0.925 };
/// The first bin of the last, zoomed into.
const ZOOMED: Band = Band {
    from: 0.9225,
    to: 0.925,
};

impl Console {
    /// The Divergence screen of a complete job with six points, all of them listed.
    pub(super) fn diverging() -> Self {
        let mut histogram = Histogram::default();
        for value in [0.9, 0.9, 0.955, 0.9795, 0.985, 1.0] {
            histogram.record(Similarity::new(value));
        }
        let mut console = Self::open(Phase::Complete);
        console.snapshot(Snapshot {
            similarities: Arc::new(histogram),
            ..embedding()
        });
        assert_eq!(console.key("2"), lists(Band::ALL));
        assert_eq!(console.event(listed(Band::ALL, Anchor::First, 6, 1, 6)), []);
        console
    }

    /// The bins that are drawn just now.
    fn bins(&self) -> Vec<Bin> {
        let app = &self.app;
        app.divergence.bins(&app.snapshot.similarities, app.threshold)
    }

    /// The bins that are drawn as the chosen one, together, are what is listed.
    #[track_caller]
    fn assert_draws_what_it_lists(&self, when: &str) {
        let divergence = &self.app.divergence;
        let bins = self.bins().into_iter();
        let drawn: Vec<Band> = bins
            .filter(|bin| divergence.is_chosen(*bin))
            .map(|bin| bin.band)
            .collect();
        let ends = drawn.first().zip(drawn.last());
        let drawn = ends.map(|(first, last)| Band {
            from: last.from,
            to: first.to,
        });
        assert_eq!(drawn, divergence.chosen_bin(), "{when}");
    }

    /// The same, with the list at hand.
    pub(super) fn choosing() -> Self {
        let mut console = Self::diverging();
        assert_eq!(console.key("Enter"), []);
        assert_eq!(console.app.divergence.pane, Pane::Points);
        console
    }

    /// One of the points has the keys, opened.
    pub(super) fn inspecting() -> Self {
        let mut console = Self::diverging();
        assert_eq!(console.keys(&["Enter", "Enter"]), sends(TaskCommand::Inspect(id(1))));
        assert_eq!(console.event(inspected(1)), []);
        console
    }

    pub(super) fn opened_point(&self) -> Option<PointId> {
        match &self.app.divergence.detail {
            Asked::Here(detail) => Some(detail.id),
            _ => None,
        }
    }
}

fn ranked(number: u64) -> (RankedRow, Option<Decided>) {
    let row = RankedRow {
        id: id(number),
        similarity: similarity(number),
        snippet: None,
    };
    (row, None)
}

fn similarity(number: u64) -> Option<Similarity> {
    Similarity::new(number as f32 / 10_000.0)
}

/// The answer with the points from one number to another.
fn listed(band: Band, anchor: Anchor, total: u64, first: u64, last: u64) -> TaskEvent {
    TaskEvent::DivergentListed {
        band,
        anchor,
        total,
        rows: (first..=last).map(ranked).collect(),
    }
}

fn asks(band: Band, anchor: Anchor) -> Vec<Effect> {
    sends(TaskCommand::ListDivergent {
        band,
        anchor,
        limit: 200,
    })
}

pub(super) fn lists(band: Band) -> Vec<Effect> {
    asks(band, Anchor::First)
}

pub(super) fn inspected(number: u64) -> TaskEvent {
    TaskEvent::Inspected(Box::new(PointDetail {
        id: id(number),
        content: None,
        qdrant: None,
        lancedb: None,
        similarity: None,
        neighbours: Err("not looked for".into()),
        decided: None,
        edit: None,
    }))
}

pub(super) fn unanswered(of: Owned, error: &str) -> TaskEvent {
    TaskEvent::Unanswered {
        of,
        error: error.into(),
    }
}

#[test]
fn walking_through_the_bins_lists_what_lies_in_each() {
    let mut console = Console::diverging();
    let bins = console.bins();
    let counts: Vec<u64> = bins.iter().map(|bin| bin.count).collect();
    assert_eq!(counts, [1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 2]);
    assert_eq!((bins[0].band, bins[10].band), (FIRST, LAST));
    for (name, asked, chosen) in [
        ("Up", vec![], None),
        ("Down", lists(FIRST), Some(FIRST)),
        ("j", lists(SECOND), Some(SECOND)),
        ("Up", lists(FIRST), Some(FIRST)),
        ("k", lists(Band::ALL), None),
        ("G", lists(LAST), Some(LAST)),
        ("Down", vec![], Some(LAST)),
        ("g", lists(Band::ALL), None),
        ("PgDn", lists(LAST), Some(LAST)),
    ] {
        assert_eq!(console.key(name), asked, "{name}");
        assert_eq!(console.app.divergence.chosen_bin(), chosen, "{name}");
        assert_eq!(
            console.app.divergence.total().is_some(),
            name == "Up" && chosen.is_none(),
            "{name}"
        );
    }
    assert_eq!(console.event(listed(LAST, Anchor::First, 2, 1, 2)), []);
    assert_eq!(console.app.divergence.total(), Some(2));
    assert_eq!(console.app.divergence.selected(), Some(id(1)));
}

#[test]
fn before_the_job_is_open_nothing_is_asked() {
    let mut console = Console::unopened();
    assert_eq!(console.key("2"), []);
    assert_eq!(console.event(opened()), lists(Band::ALL));
    assert_eq!(
        console.event(TaskEvent::Committed { rows: 9, version: 2 }),
        [],
        "one question at a time"
    );
    assert_eq!(
        console.event(listed(Band::ALL, Anchor::First, 9, 1, 9)),
        lists(Band::ALL),
        "a commit came between"
    );
    assert_eq!(console.event(listed(Band::ALL, Anchor::First, 9, 1, 9)), []);
    assert_eq!(
        console.event(TaskEvent::Committed { rows: 9, version: 3 }),
        lists(Band::ALL)
    );
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_dropped() {
    let mut console = Console::diverging();
    console.key("Down");
    for (band, anchor) in [
        (Band::ALL, Anchor::First),
        (SECOND, Anchor::First),
        (FIRST, Anchor::Last),
    ] {
        assert_eq!(console.event(listed(band, anchor, 700, 1, 200)), []);
        assert_eq!(console.app.divergence.total(), None, "{band:?} {anchor:?}");
    }
    console.event(listed(FIRST, Anchor::First, 1, 6, 6));
    assert_eq!(console.app.divergence.selected(), Some(id(6)));
    console.event(listed(FIRST, Anchor::First, 700, 1, 200));
    assert_eq!(console.app.divergence.total(), Some(1), "answered already");

    assert_eq!(console.keys(&["Enter", "Enter"]), sends(TaskCommand::Inspect(id(6))));
    assert_eq!(console.app.divergence.detail, Asked::Waiting);
    console.event(inspected(5));
    assert_eq!(console.app.divergence.detail, Asked::Waiting, "not the one asked for");
    console.key("Esc");
    console.event(inspected(6));
    assert_eq!(console.app.divergence.detail, Asked::No, "taken back");
}

#[test]
fn a_long_list_is_read_on_from_its_last_row_and_from_its_end() {
    let mut console = Console::open(Phase::Complete);
    console.key("2");
    assert_eq!(console.event(listed(Band::ALL, Anchor::First, 1_000, 1, 200)), []);
    let after = Anchor::After(similarity(200), id(200));
    assert_eq!(console.mouse(Mouse::Row(190)), asks(Band::ALL, after));
    assert_eq!(console.event(listed(Band::ALL, after, 1_000, 201, 400)), []);
    assert_eq!(console.app.divergence.selected(), Some(id(191)));
    assert_eq!(console.key("G"), asks(Band::ALL, Anchor::Last));
    assert_eq!(console.app.divergence.selected(), None, "not known yet");
    assert_eq!(console.event(listed(Band::ALL, Anchor::Last, 1_000, 801, 1_000)), []);
    assert_eq!(console.app.divergence.selected(), Some(id(1_000)));
}

#[test]
fn what_is_acted_on_is_who_was_selected_not_who_has_come_into_its_place() {
    let mut console = Console::diverging();
    console.keys(&["Enter", "Down", "Down"]);
    assert_eq!(console.app.divergence.selected(), Some(id(3)));
    // Two rows come in before it.
    let commit = || TaskEvent::Committed { rows: 2, version: 2 };
    let reads_to = |limit: usize| {
        sends(TaskCommand::ListDivergent {
            band: Band::ALL,
            anchor: Anchor::First,
            limit,
        })
    };
    assert_eq!(console.event(commit()), reads_to(202));
    let rows = |numbers: &[u64]| TaskEvent::DivergentListed {
        band: Band::ALL,
        anchor: Anchor::First,
        total: numbers.len() as u64,
        rows: numbers.iter().copied().map(ranked).collect(),
    };
    console.event(rows(&[1, 2, 21, 22, 3, 4, 5, 6]));
    assert_eq!(
        (console.app.divergence.place(), console.app.divergence.selected()),
        (4, Some(id(3)))
    );
    assert_eq!(console.key("r"), sends(TaskCommand::EmbedAgain(vec![id(3)])));
    // It is gone: nobody else is taken for it.
    assert_eq!(console.event(commit()), reads_to(204));
    console.event(rows(&[1, 2, 21, 22, 4, 5, 6]));
    assert_eq!(
        (console.app.divergence.place(), console.app.divergence.selected()),
        (4, None)
    );
    assert_eq!(console.keys(&["Space", "r"]), []);
    console.assert_says("embed again: no point is selected");
    assert_eq!(
        console.keys(&["Down", "r"]),
        sends(TaskCommand::EmbedAgain(vec![id(4)]))
    );
}

#[test]
fn spaces_that_differ_have_a_list_of_every_point() {
    let mut console = Console::unopened();
    console.key("2");
    let TaskEvent::Opened(facts) = opened() else {
        unreachable!("it is that")
    };
    let apart = JobFacts {
        comparable: Err("another model".into()),
        ..*facts
    };
    assert_eq!(console.event(TaskEvent::Opened(Box::new(apart))), lists(Band::EVERY));
    let row = |number: u64| {
        let (row, decided) = ranked(number);
        let row = RankedRow {
            similarity: None,
            ..row
        };
        (row, decided)
    };
    console.event(TaskEvent::DivergentListed {
        band: Band::EVERY,
        anchor: Anchor::First,
        total: 700,
        rows: (1..=200).map(row).collect(),
    });
    assert_eq!(
        console.keys(&["Enter", "Down", "Enter"]),
        sends(TaskCommand::Inspect(id(2)))
    );
    console.event(inspected(2));
    assert_eq!(console.opened_point(), Some(id(2)));
    console.key("Esc");
    // Read on from a row without a similarity.
    assert_eq!(
        console.mouse(Mouse::Row(195)),
        asks(Band::EVERY, Anchor::After(None, id(200)))
    );
}

#[test]
fn bins_are_as_many_as_the_terminal_has_room_for_and_end_at_the_threshold() {
    let mut console = Console::diverging();
    for (rows, count, first) in [(16, 5, 0.995), (24, 11, 0.9975), (40, 25, 0.999), (60, 35, 0.9995)] {
        console.update(Message::Resized { columns: 120, rows });
        let bins = console.bins();
        assert_eq!(
            (bins.len(), bins[0].band),
            (count, Band { from: first, to: 2.0 }),
            "{rows}"
        );
    }
    console.update(Message::Resized { columns: 120, rows: 24 });
    // No edge of the bins of 0.01.
    console.app.threshold = 0.976;
    let bins = console.bins();
    assert_eq!(bins.len(), 12);
    let below: u64 = bins
        .iter()
        .filter(|bin| bin.band.to <= 0.976)
        .map(|bin| bin.count)
        .sum();
    assert_eq!(below, console.app.divergent());
    // The chosen bin is cut in two: both are parts of it, and the walk goes on from it.
    console.app.threshold = 0.98;
    console.keys(&["Down", "Down", "Down", "Down", "Down", "Down", "Down"]);
    let chosen = Band { from: 0.97, to: 0.98 };
    assert_eq!(console.app.divergence.chosen_bin(), Some(chosen));
    console.keys(&["<", "<", "<", "<"]);
    let parts: Vec<Bin> = console
        .bins()
        .into_iter()
        .filter(|bin| console.app.divergence.is_chosen(*bin))
        .collect();
    assert_eq!(
        parts.iter().map(|bin| bin.band).collect::<Vec<_>>(),
        [Band { from: 0.976, to: 0.98 }, Band { from: 0.97, to: 0.976 }]
    );
    assert_eq!(console.key("Down"), lists(Band { from: 0.96, to: 0.97 }));
}

#[test]
fn bins_leave_room_for_the_agreement_below_them() {
    for (rows, count, first, lines) in [
        (16, 5, 0.995, 7),
        (24, 5, 0.995, 7),
        (31, 11, 0.9975, 7),
        (32, 5, 0.995, 14),
        (40, 17, 0.999, 14),
        (60, 35, 0.9995, 14),
    ] {
        let mut console = Console::diverging();
        console.update(Message::Resized { columns: 120, rows });
        assert_eq!(console.app.divergence.agreement_lines(), 0);
        console.key("n");
        assert_eq!(console.app.divergence.agreement_lines(), lines, "{rows}");
        let bins = console.bins();
        assert_eq!(
            (bins.len(), bins[0].band),
            (count, Band { from: first, to: 2.0 }),
            "{rows}"
        );
    }
    // What was chosen among finer bins gives way to the bin that it lies in now, and the walk goes on from there.
    let mut console = Console::diverging();
    console.key("G");
    assert_eq!(console.app.divergence.chosen_bin(), Some(LAST));
    let wider = Band { from: 0.9, to: 0.95 };
    let measures = sends(TaskCommand::MeasureAgreement);
    assert_eq!(console.key("n"), [measures.clone(), lists(wider)].concat());
    assert_eq!(console.app.divergence.chosen_bin(), Some(wider));
    // Drawn in parts, it is still what is listed.
    assert_eq!(console.key("Esc"), []);
    assert_eq!(console.app.divergence.chosen_bin(), Some(wider));
    assert_eq!(console.key("n"), measures);
    assert_eq!(console.key("Up"), lists(Band { from: 0.95, to: 0.98 }));
}

#[test]
fn what_is_listed_is_what_is_drawn_as_chosen_however_the_bins_are_cut() {
    for rows in [24, 31, 32, 40, 60] {
        let sized = || {
            let mut console = Console::diverging();
            console.update(Message::Resized { columns: 120, rows });
            console
        };
        for place in 1..=sized().bins().len() {
            let mut console = sized();
            for _ in 0..place {
                console.key("Down");
            }
            for key in ["n", "Esc"] {
                console.key(key);
                console.assert_draws_what_it_lists(&format!("{key} in bin {place} of {rows} lines"));
            }
            for other in [16, 60, 24] {
                console.update(Message::Resized {
                    columns: 120,
                    rows: other,
                });
                console.assert_draws_what_it_lists(&format!("bin {place} of {rows} lines, then of {other}"));
            }
        }
    }
}

#[test]
fn esc_closes_the_agreement_before_it_leaves_a_bin() {
    let mut console = Console::diverging();
    console.keys(&["G", "n", "Tab", "Esc"]);
    assert_eq!(
        (console.app.divergence.pane, &console.app.divergence.agreement),
        (Pane::Bins, &Asked::Waiting)
    );
    assert_eq!(console.key("Esc"), []);
    assert_eq!(console.app.divergence.agreement, Asked::No);
    assert!(console.app.divergence.chosen_bin().is_some());
    // The answers to what was closed open it no more.
    console.event(TaskEvent::AgreementMeasured(Agreement::default()));
    console.event(unanswered(Owned::Agreement, "no Qdrant"));
    assert_eq!(console.app.divergence.agreement, Asked::No);
    assert_eq!(console.key("Esc"), lists(Band::ALL));
    assert_eq!(console.app.divergence.chosen_bin(), None);
    // Where there are no bins, nothing else stands in its place.
    let mut apart = Console::diverging();
    apart.app.divergence.compares(false);
    apart.key("n");
    apart.key("Esc");
    assert_eq!(apart.app.divergence.agreement, Asked::Waiting);
}

#[test]
fn in_the_bins_nothing_is_done_to_points() {
    for key in ["Space", "r", "a", "d", "K", "y"] {
        let mut console = Console::diverging();
        assert_eq!(console.key(key), [], "{key}");
        console.assert_says("Tab to the points first");
        let app = &console.app;
        assert!(app.confirm.is_none() && app.prompt.is_none(), "{key}");
        assert_eq!(
            (app.screen, app.divergence.marked(), app.divergence.is_at_work()),
            (Screen::Divergence, 0, false),
            "{key}"
        );
    }
    for (key, why) in [
        ("+", "zoom: no bin is selected"),
        ("-", "zoom out: there are no wider bins"),
    ] {
        let mut console = Console::diverging();
        assert_eq!(console.key(key), [], "{key}");
        console.assert_says(why);
    }
}

#[test]
fn zooming_splits_the_chosen_bin_and_comes_back() {
    let mut console = Console::diverging();
    assert_eq!(console.key("+"), [], "no bin is chosen");
    assert!(!console.app.divergence.is_zoomed());
    console.key("G");
    assert_eq!(console.key("+"), lists(Band::ALL));
    assert!(console.app.divergence.is_zoomed());
    let bins = console.bins();
    let counts: Vec<u64> = bins.iter().map(|bin| bin.count).collect();
    assert_eq!(counts, [0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(console.key("Down"), lists(ZOOMED));
    assert_eq!(console.key("-"), lists(Band::ALL), "that bin is no longer drawn");
    assert!(!console.app.divergence.is_zoomed());
    assert_eq!(console.key("Down"), lists(FIRST));
    assert_eq!(console.key("-"), [], "further out than all there is nothing");
    assert_eq!(console.app.divergence.chosen_bin(), Some(FIRST));
}

#[test]
fn the_threshold_moves_on_the_grid_and_the_work_is_told() {
    for (keys, threshold, divergent) in [
        (&["<"][..], 0.979, 3),
        (&[">"], 0.981, 4),
        (&["{"], 0.97, 3),
        (&["}"], 0.99, 5),
        (&["<", "<", "{"], 0.968, 3),
        (&["<", ">"], 0.98, 4),
        (&["}", "}", "}", ">"], 1.0, 5),
    ] {
        let mut console = Console::diverging();
        assert_eq!(console.app.divergent(), 4);
        let setting = Setting::Threshold(threshold);
        assert_eq!(console.keys(keys), sends(TaskCommand::Set(setting)), "{keys:?}");
        assert_eq!(Setting::Threshold(console.app.threshold), setting);
        assert_eq!(console.app.divergent(), divergent, "{keys:?}");
        assert_eq!(console.event(TaskEvent::SettingConfirmed(setting)), []);
        assert!(console.app.flash.is_none(), "it was seen to move");
    }
    let mut lowest = Console::diverging();
    lowest.app.threshold = -0.995;
    assert_eq!(lowest.key("{"), sends(TaskCommand::Set(Setting::Threshold(-1.0))));
}

#[test]
fn enter_goes_from_a_bin_to_its_points_to_one_of_them() {
    let mut console = Console::diverging();
    console.key("Down");
    assert_eq!(console.event(listed(FIRST, Anchor::First, 2, 5, 6)), []);
    assert_eq!(console.app.divergence.pane, Pane::Bins);
    assert_eq!(console.key("Enter"), []);
    assert_eq!(console.app.divergence.pane, Pane::Points);
    assert_eq!(console.keys(&["Down", "Enter"]), sends(TaskCommand::Inspect(id(6))));
    assert_eq!(
        (console.app.divergence.pane, console.opened_point()),
        (Pane::Detail, None)
    );
    assert_eq!(console.event(inspected(6)), []);
    assert_eq!(console.opened_point(), Some(id(6)));
    assert_eq!(console.key("Down"), []);
    assert_eq!((console.app.divergence.scroll, console.app.divergence.place()), (1, 1));

    assert_eq!(console.keys(&["PgDn", "G"]), []);
    assert!(
        console.app.divergence.scroll > 100,
        "held to its end once that is known"
    );
    console.update(Message::Reach(Reach {
        point: Some(7),
        ..Reach::default()
    }));
    assert_eq!(console.app.divergence.scroll, 7);
    console.key("g");
    assert_eq!(console.app.divergence.scroll, 0);

    let mut empty = Console::open(Phase::Complete);
    empty.key("2");
    empty.event(listed(Band::ALL, Anchor::First, 0, 1, 0));
    assert_eq!(empty.keys(&["Enter", "Enter"]), []);
    empty.assert_says("open: nothing is selected");
}

#[test]
fn tab_left_and_right_go_through_the_panes() {
    use Pane::{Bins, Detail, Points};
    for (keys, pane) in [
        (&["Tab"][..], Points),
        (&["Tab", "Tab"], Bins),
        (&["Shift-Tab"], Points),
        (&["l"], Points),
        (&["l", "h"], Bins),
        (&["h"], Bins),
    ] {
        let mut console = Console::diverging();
        assert_eq!(console.keys(keys), [], "{keys:?}");
        assert_eq!(console.app.divergence.pane, pane, "{keys:?}");
    }
    let mut console = Console::inspecting();
    for (name, pane) in [
        ("Tab", Bins),
        ("Tab", Points),
        ("Tab", Detail),
        ("Shift-Tab", Points),
        ("Shift-Tab", Bins),
    ] {
        assert_eq!(console.key(name), []);
        assert_eq!(console.app.divergence.pane, pane, "{name}");
    }
}

#[test]
fn esc_takes_one_step_back_at_a_time() {
    let mut console = Console::diverging();
    assert_eq!(console.keys(&["G", "+", "Down"]), lists(ZOOMED));
    console.event(listed(ZOOMED, Anchor::First, 2, 1, 2));
    assert_eq!(
        console.keys(&["Enter", "Space", "Enter"]),
        sends(TaskCommand::Inspect(id(2)))
    );
    console.event(inspected(2));
    for (effects, open, marked, pane, zoomed, bin) in [
        (vec![], None, 1, Pane::Points, true, Some(ZOOMED)),
        (vec![], None, 0, Pane::Points, true, Some(ZOOMED)),
        (vec![], None, 0, Pane::Bins, true, Some(ZOOMED)),
        (lists(Band::ALL), None, 0, Pane::Bins, false, None),
        (vec![], None, 0, Pane::Bins, false, None),
    ] {
        let before = &console.app.divergence;
        let leads = before.opened().is_some() || before.marked() > 0 || before.pane != Pane::Bins || before.is_zoomed();
        assert_eq!(before.can_go_back(), leads);
        assert_eq!(console.key("Esc"), effects);
        let divergence = &console.app.divergence;
        assert_eq!(
            (console.opened_point(), divergence.marked(), divergence.pane),
            (open, marked, pane)
        );
        assert_eq!((divergence.is_zoomed(), divergence.chosen_bin()), (zoomed, bin));
    }
    assert_eq!(
        console.keys(&["Down", "Esc"]),
        lists(Band::ALL),
        "without a zoom the bin is left"
    );
}

#[test]
fn what_could_not_be_answered_is_told_and_not_asked_for_ever() {
    let mut console = Console::open(Phase::Running);
    console.key("2");
    assert_eq!(
        console.event(unanswered(Owned::Divergent(Band::ALL), "the table is busy")),
        []
    );
    assert_eq!(console.app.divergence.error(), Some("the table is busy"));
    assert_eq!(
        console.app.log.lines.back().map(|line| line.text.as_str()),
        Some("the table is busy")
    );
    assert_eq!(console.keys(&["j", "1", "2"]), []);
    assert_eq!(
        console.event(TaskEvent::Committed { rows: 1, version: 2 }),
        lists(Band::ALL)
    );
    console.event(unanswered(Owned::Divergent(Band::ALL), "the table is busy"));
    assert_eq!(console.keys(&["Tab", "Enter"]), lists(Band::ALL), "asked for once more");
    console.event(listed(Band::ALL, Anchor::First, 1, 1, 1));
    assert_eq!(console.app.divergence.error(), None);

    let mut console = Console::diverging();
    console.keys(&["Enter", "Enter"]);
    console.event(unanswered(Owned::Inspection(id(2)), "of another"));
    assert_eq!(console.app.divergence.detail, Asked::Waiting);
    console.event(unanswered(Owned::Inspection(id(1)), "no Qdrant"));
    assert_eq!(console.app.divergence.detail, Asked::Failed("no Qdrant".into()));
    console.event(inspected(1));
    assert_eq!(console.opened_point(), None, "it was answered already");
}

#[test]
fn the_mouse_chooses_bins_and_points() {
    let mut console = Console::diverging();
    assert_eq!(console.mouse(Mouse::Row(4)), []);
    assert_eq!(
        (console.app.divergence.pane, console.app.divergence.selected()),
        (Pane::Points, Some(id(5)))
    );
    assert_eq!(console.mouse(Mouse::Row(99)), []);
    assert_eq!(
        console.app.divergence.selected(),
        Some(id(6)),
        "no further than the last"
    );
    assert_eq!(console.mouse(Mouse::Bin(3)), lists(THIRD));
    assert_eq!(console.app.divergence.pane, Pane::Bins);
    assert_eq!(
        console.mouse(Mouse::Wheel(Motion::Up)),
        lists(Band::ALL),
        "three bins up"
    );
    assert_eq!(console.mouse(Mouse::Wheel(Motion::Down)), lists(THIRD));
    assert_eq!(console.mouse(Mouse::Bin(0)), lists(Band::ALL));
    assert_eq!(console.app.divergence.chosen_bin(), None);
    assert!(console.app.divergence.logarithmic);
    console.key("c");
    assert!(!console.app.divergence.logarithmic);
}
