//! The Divergence screen: bins and threshold, the points of a bin, an open point, the agreement of neighbours.

use qlance::app::Message;
use qlance::journal::{Decided, Decision, Edit};
use qlance::lance::browse::{Anchor, Band, RankedRow};
use qlance::point::{PointId, Similarity};
use qlance::tasks::inspect::{Agreement, Neighbour, Neighbours, PointDetail, VectorFacts};
use qlance::tasks::{JobFacts, Owned, Phase, Setting, Snapshot, TaskCommand, TaskEvent};
use ratatui::style::{Color, Modifier};

use super::frame::{assert_says, find, is_reversed, style_of, style_of_bar};
use super::migrate::{half_way, running, similarities};
use super::{ASCII, COLORS, PLAIN, SIZES, Scene, ago, facts, opened as job_opened};

const CONTENT: [&str; 4] = [
    "The choir sang of the harbour before the tide came in.",
    "Nobody answered the second letter",
    "A list of boats, of their masters, and of what they carried over the winter",
    "Rain.",
];

fn decided(decision: Decision, cosine: f32, note: Option<&str>) -> Decided {
    Decided {
        decision,
        similarity: Similarity::new(cosine),
        note: note.map(str::to_owned),
        at: ago(50),
    }
}

/// The 38 points of the bin from 0.925 to 0.95; the first three were decided about.
pub(super) fn rows() -> Vec<(RankedRow, Option<Decided>)> {
    let row = |place: u16| {
        let id: PointId = match place {
            1 => "2f9a7b4c-0000-4000-8000-000000000002".parse().expect("a point id"),
            _ => PointId::Num(1_000 + 7 * u64::from(place)),
        };
        let row = RankedRow {
            id,
            similarity: Similarity::new(0.9251 + 0.0006 * f32::from(place)),
            snippet: (place != 6).then(|| CONTENT[usize::from(place) % CONTENT.len()].to_owned()),
        };
        let decided = match place {
            0 => Some(decided(Decision::Accepted, 0.9251, Some("a typo in the old text"))),
            1 => Some(decided(Decision::Kept, 0.41, None)),
            2 => Some(decided(Decision::EmbeddedAgain, 0.3, None)),
            _ => None,
        };
        (row, decided)
    };
    (0..38).map(row).collect()
}

/// The worst 200 of the 94,342 points that were compared, none of them decided about.
fn worst() -> Vec<(RankedRow, Option<Decided>)> {
    let row = |place: u16| RankedRow {
        id: PointId::Num(1_000 + 7 * u64::from(place)),
        similarity: Similarity::new(match place {
            0..3 => 0.86 + 0.01 * f32::from(place),
            3..41 => 0.9251 + 0.0006 * f32::from(place - 3),
            _ => 0.9701 + 0.00001 * f32::from(place - 41),
        }),
        snippet: Some(CONTENT[usize::from(place) % CONTENT.len()].to_owned()),
    };
    (0..200).map(|place| (row(place), None)).collect()
}

/// The point 1028 of both stores with its neighbours.
pub(super) fn detail() -> PointDetail {
    let neighbour = |id, score, shared, snippet: Option<&str>| Neighbour {
        id: PointId::Num(id),
        score,
        shared,
        snippet: snippet.map(str::to_owned),
    };
    let long: PointId = "2f9a7b4c-0000-4000-8000-000000000002".parse().expect("a point id");
    let mut lancedb = vec![
        neighbour(1_035, 0.97, true, Some(CONTENT[1])),
        neighbour(2_001, 0.9, false, None),
        neighbour(1_042, 0.88, true, Some(CONTENT[2])),
    ];
    lancedb[1].id = long;
    PointDetail {
        id: PointId::Num(1_028),
        content: Some(CONTENT.join("\n")),
        qdrant: Some(VectorFacts {
            dimension: 1_536,
            norm: 1.0,
        }),
        lancedb: Some(VectorFacts {
            dimension: 1_536,
            norm: 0.9998,
        }),
        similarity: Similarity::new(0.9275),
        neighbours: Ok(Neighbours {
            score: "cosine similarity",
            qdrant: vec![
                neighbour(1_042, 0.95, true, Some(CONTENT[2])),
                neighbour(1_035, 0.93, true, Some(CONTENT[1])),
                neighbour(4_711, 0.91, false, Some(CONTENT[3])),
                neighbour(4_712, 0.9, false, Some(CONTENT[0])),
            ],
            lancedb,
        }),
        decided: None,
        edit: None,
    }
}

pub(super) fn agreement() -> Agreement {
    Agreement {
        sampled: 200,
        shared: [2, 0, 1, 3, 5, 8, 13, 21, 34, 55, 58],
    }
}

impl Scene {
    /// The table's answer to what the screen asks for just now.
    #[track_caller]
    pub(super) fn ranked(self, rows: Vec<(RankedRow, Option<Decided>)>) -> Self {
        let total = rows.len() as u64;
        self.ranked_of(total, rows)
    }

    /// The same, with the first rows of more.
    #[track_caller]
    fn ranked_of(self, total: u64, rows: Vec<(RankedRow, Option<Decided>)>) -> Self {
        let asked = self.sent.iter().rev().find_map(|command| match command {
            TaskCommand::ListDivergent { band, anchor, .. } => Some((*band, *anchor)),
            _ => None,
        });
        let (band, anchor) = asked.expect("the screen has asked for a page");
        self.event(TaskEvent::DivergentListed {
            band,
            anchor,
            total,
            rows,
        })
    }

    pub(super) fn inspected(self, detail: PointDetail) -> Self {
        self.event(TaskEvent::Inspected(Box::new(detail)))
    }
}

/// The bin from 0.925 to 0.95 is chosen; of its points two are marked, and the fifth is selected.
pub(super) fn listed() -> Scene {
    let scene = running().press("2jjjjjjjjjj\t");
    let band = scene.app.divergence.chosen_bin().expect("a bin");
    assert!(
        (band.from - 0.925).abs() < 1e-6 && (band.to - 0.95).abs() < 1e-6,
        "{band:?}"
    );
    scene.ranked(rows()).press("jj  ")
}

/// The same, with the selected one open.
pub(super) fn opened() -> Scene {
    listed().press("\n").inspected(detail())
}

/// Two spaces that cannot be compared, before there are points in the table.
pub(super) fn apart() -> Scene {
    apart_with(Vec::new())
}

/// The same with points.
fn apart_with(rows: Vec<(RankedRow, Option<Decided>)>) -> Scene {
    let facts = JobFacts {
        comparable: Err("Qdrant's vectors have 384 numbers, the new embeddings 1536".into()),
        ..facts()
    };
    let snapshot = Snapshot {
        similarities: similarities(&[0; 6], 94_380),
        ..half_way()
    };
    let scene = Scene::of("messages").event(job_opened(facts)).phase(Phase::Running);
    scene.seeing(snapshot).press("2").ranked(rows)
}

// --- snapshots

#[test]
fn before_the_job_is_open() {
    let scene = Scene::of("messages").press("2");
    scene.assert_looks("divergence_not_open");
}

#[test]
fn without_any() {
    let scene = Scene::open().phase(Phase::Running).press("2").ranked(Vec::new());
    scene.assert_looks("divergence_empty");
}

#[test]
fn before_the_table_answers() {
    let scene = running().press("2");
    scene.assert_looks("divergence_loading");
}

#[test]
fn a_bin_is_chosen_and_its_points_are_listed() {
    let scene = listed();
    scene.assert_looks("divergence");
    for size in SIZES {
        scene.assert_looks_at("divergence_ascii", size, ASCII);
        scene.assert_looks_at("divergence_plain", size, PLAIN);
    }
}

#[test]
fn a_bin_without_points() {
    let scene = running().press("2jjjjjjjjjjj\t").ranked(Vec::new());
    assert_says(&scene.text((120, 40)), "no points in this bin");
    scene.assert_looks("divergence_bin_empty");
}

/// The end of a long list was jumped to, and its rows are not here yet.
#[test]
fn a_page_that_is_still_being_read() {
    let scene = running().press("2\t").event(TaskEvent::DivergentListed {
        band: Band::ALL,
        anchor: Anchor::First,
        total: 94_342,
        rows: worst(),
    });
    let scene = scene.press("G");
    assert_eq!(scene.app.divergence.selected(), None);
    scene.assert_looks("divergence_page_loading");
}

#[test]
fn a_tall_terminal_has_more_and_finer_bins() {
    let size = (200, 60);
    let tall = || {
        running().take(Message::Resized {
            columns: size.0,
            rows: size.1,
        })
    };
    let scene = tall().press("2jj\t").ranked(rows());
    scene.assert_looks_at("divergence_tall", size, COLORS);
    let screen = scene.text(size);
    for part in [
        "all 94,342 compared",
        "0.9995 ",
        "0.8500 d",
        "d = below 0.980: 342 (0.4 %)",
    ] {
        assert_says(&screen, part);
    }
    // The threshold is an edge wherever it stands.
    let scene = tall().press("2<<<").ranked(rows());
    assert_says(&scene.text(size), "0.9770 ");
    assert!(!scene.text(size).contains("0.9770 <"));
}

#[test]
fn counts_in_a_linear_scale() {
    let scene = running().press("2c").ranked_of(94_342, worst());
    // Both panes speak of the same points.
    for part in ["all 94,342 compared", "All compared: 94,342, worst first"] {
        assert_says(&scene.text((80, 24)), part);
    }
    scene.assert_looks("divergence_linear");
}

#[test]
fn a_bin_is_split() {
    let scene = running().press("2j+").ranked_of(94_342, worst());
    scene.assert_looks("divergence_zoomed");
}

#[test]
fn the_table_cannot_be_read() {
    let scene = running().press("2");
    let scene = scene
        .unanswered(Owned::Divergent(Band::ALL), "LanceDB: no such file")
        .later();
    scene.assert_looks("divergence_unreadable");
    let bad = (Color::Red, Modifier::BOLD);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), "the table cannot be read"), bad);
    assert_says(&scene.text((80, 24)), "Enter tries again");
}

#[test]
fn points_are_being_embedded_again() {
    listed().press("r").assert_looks("divergence_at_work");
}

#[test]
fn an_open_point_with_its_neighbours() {
    opened().assert_looks("divergence_opened");
}

#[test]
fn an_open_point_that_is_being_read() {
    let scene = listed().press("\n");
    scene.assert_looks("divergence_opening");
    assert_says(&scene.text((80, 24)), "> Point 1028 ");
}

#[test]
fn an_open_point_that_was_decided_about_and_edited() {
    let edit = Edit {
        before: None,
        after: CONTENT[1].into(),
        at: ago(99),
    };
    let scene = listed().press("\n").inspected(PointDetail {
        decided: Some(decided(Decision::Accepted, 0.9275, Some("right as it is"))),
        edit: Some(edit),
        ..detail()
    });
    scene.assert_looks("divergence_decided");
}

#[test]
fn an_acceptance_of_another_similarity_counts_no_more() {
    let outdated = || Some(decided(Decision::Accepted, 0.97, Some("right as it is")));
    let mut rows = rows();
    rows[4].1 = outdated();
    let scene = running().press("2jjjjjjjjjj\t").ranked(rows);
    assert_says(&scene.text((80, 24)), "[was accepted] ");
    let screen = scene.draw(COLORS, (120, 40));
    find(&screen, "was accepted   The choir");
    // Nobody has decided about the row as it is.
    assert_eq!(style_of(&screen, "1028"), (Color::Yellow, Modifier::BOLD));
    let scene = listed().press("\n").inspected(PointDetail {
        decided: outdated(),
        ..detail()
    });
    scene.assert_looks("divergence_outdated");
    for part in [
        "accepted at 0.9700",
        "its similarity is another now: that no longer holds; a accepts it as it is",
    ] {
        assert_says(&scene.text((200, 60)), part);
    }
}

#[test]
fn an_open_point_that_cannot_be_read() {
    let id = detail().id;
    let error = "point 1028 cannot be read from Qdrant: the connection was refused";
    let scene = listed().press("\n").unanswered(Owned::Inspection(id), error);
    let scene = scene.later();
    scene.assert_looks("divergence_opened_unreadable");
    assert_says(&scene.text((80, 24)), "> Point 1028 ");
    let scene = listed().press("\n").inspected(PointDetail {
        content: None,
        qdrant: None,
        similarity: None,
        neighbours: Err("Qdrant does not answer: timed out".into()),
        ..detail()
    });
    scene.assert_looks("divergence_without_neighbours");
    let why = "cannot be compared: Qdrant has no vector";
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), why), warn);
}

#[test]
fn spaces_apart_say_why_and_what_can_be_measured() {
    apart().assert_looks("divergence_apart");
    apart().press("n").assert_looks("divergence_apart_waiting");
}

#[test]
fn spaces_apart_measured() {
    let scene = apart().press("n").event(TaskEvent::AgreementMeasured(agreement()));
    scene.assert_looks("divergence_apart_measured");
    let error = "there is no table yet; it is made with the first commit";
    let scene = apart().press("n").unanswered(Owned::Agreement, error).later();
    scene.assert_looks("divergence_apart_failed");
    assert_says(&scene.text((80, 24)), "n tries again");
}

#[test]
fn spaces_apart_list_their_points_and_open_one_with_its_neighbours() {
    let rows = rows().into_iter().map(|(row, decided)| {
        let row = RankedRow {
            similarity: None,
            ..row
        };
        (row, decided)
    });
    let scene = apart_with(rows.collect()).press("\tjj");
    scene.assert_looks("divergence_apart_listed");
    assert_says(&scene.text((120, 40)), "38 points; no similarities: the spaces differ");
    let scene = scene.press("\n");
    let id = scene.app.divergence.selected().expect("a point");
    assert_eq!(scene.sent.last(), Some(&TaskCommand::Inspect(id)));
    let scene = scene.inspected(PointDetail {
        id,
        qdrant: Some(VectorFacts {
            dimension: 384,
            norm: 1.0,
        }),
        similarity: None,
        ..detail()
    });
    assert_says(&scene.text((120, 40)), "nearest neighbours");
    let screen = scene.text((80, 24));
    for part in [
        "cannot be compared: 384 against 1,536 numbers",
        "Qdrant 384 numbers, norm 1.0000   LanceDB 1,536 numbers",
    ] {
        assert_says(&screen, part);
    }
    scene.assert_looks("divergence_apart_opened");
}

#[test]
fn the_agreement_stands_under_the_bins() {
    let scene = listed().press("n").event(TaskEvent::AgreementMeasured(agreement()));
    scene.assert_looks("divergence_agreement");
    let screen = scene.text((80, 24));
    // Where there is no room for all, what is left out is said.
    for part in ["8-10 ", "0-1 ", "all 94,342 compared; 93,300 above"] {
        assert_says(&screen, part);
    }
}

#[test]
fn a_narrow_list_has_room_for_the_content_and_its_title_for_the_marks() {
    let screen = listed().text((80, 24));
    for part in [
        "> 2 marked, 0.9250 to 0.9500: 38 ",
        "[accepted] The ch~",
        "[kept] Nobody",
        "[again] A list",
        "0.9275  The choir sang of",
    ] {
        assert_says(&screen, part);
    }
    assert_says(&listed().press("re\n").text((80, 24)), "[at work] ");
    let elsewhere = listed().press("\tk").text((120, 40));
    assert_says(&elsewhere, "2 marked, 2 in other bins, 0.9500 to ");
    let wide = listed().text((120, 40));
    for part in ["> 2 marked, 0.9250 to 0.9500: 38, worst first", "Qdrant's kept  Nobody"] {
        assert_says(&wide, part);
    }
}

// --- what styles mean

#[test]
fn bins_below_the_threshold_warn_and_have_a_letter() {
    let whole = running().press("2").ranked(Vec::new());
    let fine = running().press("2j+").ranked(Vec::new());
    // No step of the histogram: a bin cannot end there.
    let mut between = running().press("2").ranked(Vec::new());
    between.app.threshold = 0.975_25;
    for (theme, good, warn) in [
        (COLORS, Color::Green, Color::Yellow),
        (PLAIN, Color::Reset, Color::Reset),
    ] {
        let screen = fine.draw(theme, (120, 40));
        assert_eq!(style_of_bar(&screen, "0.9995"), (good, Modifier::empty()));
        let screen = whole.draw(theme, (120, 40));
        for label in ["0.9975", "0.9950", "0.9850"] {
            assert_eq!(style_of_bar(&screen, label), (good, Modifier::empty()), "{label}");
        }
        for (label, letter) in [("0.9700", "d"), ("0.9250", "d"), ("0.8500", "d")] {
            assert_eq!(style_of_bar(&screen, label), (warn, Modifier::BOLD), "{label}");
            let (x, y) = find(&screen, label);
            assert_eq!(screen[(x + 7, y)].symbol(), letter, "{label}");
        }
        let screen = between.draw(theme, (120, 40));
        let (x, y) = find(&screen, "0.9700");
        assert_eq!(screen[(x + 7, y)].symbol(), "<");
    }
    // What the sign means is told where there is one.
    let sign = "< = that lies within the bin";
    let screen = between.text((120, 40));
    assert_says(&screen, "d = below 0.97525: ");
    assert_says(&screen, sign);
    assert!(!whole.text((120, 40)).contains(sign));
    between.assert_looks("divergence_between_steps");
}

#[test]
fn a_moved_threshold_moves_the_colours_and_the_counts() {
    let scene = running().press("2").ranked(Vec::new());
    assert_says(&scene.text((120, 40)), "d = below 0.980: 342 (0.4 %)");
    let scene = scene.press("}}}");
    assert!(matches!(
        scene.sent.last(),
        Some(TaskCommand::Set(Setting::Threshold(threshold))) if (*threshold - 1.0).abs() < 1e-6
    ));
    assert_says(&scene.text((120, 40)), "d = below 1.000: 94,342 (100.0 %)");
    let scene = scene.press("{{{{{{<");
    assert_says(&scene.text((120, 40)), "d = below 0.939: 41 (0.0 %)");
}

#[test]
fn what_nobody_has_decided_about_is_lit() {
    let warn = (Color::Yellow, Modifier::BOLD);
    let plain = (Color::Reset, Modifier::empty());
    let screen = listed().draw(COLORS, (120, 40));
    for (id, style) in [("1000", plain), ("1014", plain), ("1035", warn)] {
        assert_eq!(style_of(&screen, id), style, "{id}");
    }
    assert!(is_reversed(&screen, "1028", 45..119));
    assert!(!is_reversed(&screen, "1035", 45..119));
    let elsewhere = Modifier::BOLD | Modifier::UNDERLINED;
    let screen = listed().press("\t").draw(COLORS, (120, 40));
    assert_eq!(style_of(&screen, "1028"), (Color::Reset, elsewhere));
}

#[test]
fn neighbours_that_both_stores_name_are_marked() {
    let screen = opened().draw(COLORS, (120, 40));
    assert_eq!(style_of(&screen, "= 0.950 1042"), (Color::Green, Modifier::empty()));
    assert_eq!(style_of(&screen, "0.910 4711"), (Color::Reset, Modifier::empty()));
    assert_eq!(style_of(&screen, "cosine 0.92750"), (Color::Yellow, Modifier::BOLD));
    let screen = opened().draw(PLAIN, (120, 40));
    assert_eq!(style_of(&screen, "= 0.950 1042"), (Color::Reset, Modifier::empty()));
}

// --- what is asked for

#[test]
fn a_click_chooses_a_bin_or_a_point() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let scene = running().press("2").ranked(rows()).click(size, "0.9500");
        let band = scene.app.divergence.chosen_bin().expect("a bin");
        assert!(
            (band.from - 0.95).abs() < 1e-6 && (band.to - 0.96).abs() < 1e-6,
            "{band:?}"
        );
        let scene = listed().click(size, "1014");
        assert_eq!(scene.app.divergence.selected(), Some(PointId::Num(1_014)));
    }
}

#[test]
fn a_decision_is_at_work_until_it_is_confirmed() {
    // Embedding costs something here, and two are marked: it asks first.
    let scene = listed().press("re\n");
    let ids = vec![rows()[2].0.id, rows()[3].0.id];
    assert_eq!(scene.sent.last(), Some(&TaskCommand::EmbedAgain(ids.clone())));
    assert_says(&scene.text((120, 40)), "at work");
    let scene = scene.event(TaskEvent::Decided {
        decision: Decision::EmbeddedAgain,
        asked: ids.clone(),
        points: ids,
        error: None,
    });
    let screen = scene.ranked(rows()).text((120, 40));
    assert!(!screen.contains("at work"), "{screen}");
    assert_says(&screen, "2: embedded again");
}
