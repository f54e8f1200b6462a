//! The Divergence screen: bins and threshold, the points of a bin, an open point, the agreement of neighbours.

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

/// The cosine of the row at a place: between 0.93 and 0.94, whose bin is drawn at every size or lies in one that is.
fn cosine(place: u16) -> Option<Similarity> {
    Similarity::new(0.9301 + 0.0002 * f32::from(place))
}

/// The place of the point 1028 in the list.
const OPENED: usize = 4;

fn decided(decision: Decision, similarity: Option<Similarity>, note: Option<&str>) -> Decided {
    Decided {
        decision,
        similarity,
        note: note.map(str::to_owned),
        at: ago(50),
    }
}

/// The 38 points of the bin from 0.93 to 0.94; the first three were decided about.
pub(super) fn rows() -> Vec<(RankedRow, Option<Decided>)> {
    rows_to(38)
}

fn rows_to(end: u16) -> Vec<(RankedRow, Option<Decided>)> {
    let row = |place: u16| {
        let id: PointId = match place {
            1 => "2f9a7b4c-0000-4000-8000-000000000002".parse().expect("a point id"),
            _ => PointId::Num(1_000 + 7 * u64::from(place)),
        };
        let row = RankedRow {
            id,
            similarity: cosine(place),
            snippet: match usize::from(place) {
                OPENED => Some(CONTENT.join("\n")),
                9 => None,
                place => Some(CONTENT[place % CONTENT.len()].to_owned()),
            },
        };
        let decided = match place {
            0 => Some(decided(Decision::Accepted, cosine(0), Some("a typo in the old text"))),
            1 => Some(decided(Decision::EmbeddedAgain, Similarity::new(0.41), None)),
            2 => Some(decided(Decision::EmbeddedAgain, Similarity::new(0.3), None)),
            _ => None,
        };
        (row, decided)
    };
    (0..end).map(row).collect()
}

/// The same, of which 1028 was decided about too.
fn rows_with(decided: &Decided) -> Vec<(RankedRow, Option<Decided>)> {
    let mut rows = rows();
    rows[OPENED].1 = Some(decided.clone());
    rows
}

/// The first 200 rows of two spaces that cannot be compared: there is no similarity.
fn rows_apart() -> Vec<(RankedRow, Option<Decided>)> {
    let apart = |(row, decided): (RankedRow, Option<Decided>)| {
        let row = RankedRow {
            similarity: None,
            ..row
        };
        let decided = decided.map(|decided| Decided {
            similarity: None,
            ..decided
        });
        (row, decided)
    };
    rows_to(200).into_iter().map(apart).collect()
}

/// The worst 200 of the 94,342 points that were compared, none of them decided about.
fn worst() -> Vec<(RankedRow, Option<Decided>)> {
    let row = |place: u16| RankedRow {
        id: PointId::Num(1_000 + 7 * u64::from(place)),
        similarity: match place {
            0..3 => Similarity::new(0.851 + 0.001 * f32::from(place)),
            3..41 => cosine(place - 3),
            _ => Similarity::new(0.9701 + 0.00001 * f32::from(place - 41)),
        },
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
        neighbour(2_001, 0.9, false, Some(CONTENT[1])),
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
        similarity: rows()[OPENED].0.similarity,
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

/// A run on a terminal of this size.
fn running_at(size: (u16, u16)) -> Scene {
    running().resized(size)
}

/// The bin of the 38 points is chosen.
fn in_bin(scene: Scene) -> Scene {
    let mut scene = scene.press("2");
    let holds = |band: Band| band.from <= 0.93 && 0.938 <= band.to;
    while !scene.app.divergence.chosen_bin().is_some_and(holds) {
        let above = scene.app.divergence.chosen_bin();
        scene = scene.press("j");
        assert_ne!(scene.app.divergence.chosen_bin(), above, "no bin holds them");
    }
    scene
}

/// Its points are listed; two of them are marked, and the fifth is selected.
fn listing(scene: Scene, rows: Vec<(RankedRow, Option<Decided>)>) -> Scene {
    in_bin(scene).press("\t").ranked(rows).press("jj  ")
}

pub(super) fn listed() -> Scene {
    listing(running(), rows())
}

pub(super) fn listed_at(size: (u16, u16)) -> Scene {
    listing(running_at(size), rows())
}

/// The same, with the selected one open.
pub(super) fn opened() -> Scene {
    listed().press("\n").inspected(detail())
}

pub(super) fn opened_at(size: (u16, u16)) -> Scene {
    listed_at(size).press("\n").inspected(detail())
}

/// The same, where it was decided about.
fn decided_at(size: (u16, u16), decided: &Decided) -> Scene {
    let scene = listing(running_at(size), rows_with(decided));
    scene.press("\n").inspected(PointDetail {
        decided: Some(decided.clone()),
        ..detail()
    })
}

/// What a scene looks like at every size, built on a console of that size: on a larger one the bins are others.
fn assert_looks(name: &str, scene: impl Fn((u16, u16)) -> Scene) {
    for size in SIZES {
        scene(size).assert_looks_at(name, size, COLORS);
    }
}

/// Two spaces that cannot be compared, before there are points in the table.
pub(super) fn apart() -> Scene {
    let snapshot = Snapshot {
        read: 512,
        written: 0,
        failed: 0,
        settled_before: 0,
        similarities: similarities(&[0; 6], 0),
        ..half_way()
    };
    apart_with(snapshot).ranked(Vec::new())
}

/// The same with points.
pub(super) fn apart_listed() -> Scene {
    let snapshot = Snapshot {
        similarities: similarities(&[0; 6], 94_380),
        ..half_way()
    };
    apart_with(snapshot).ranked_of(94_380, rows_apart())
}

fn apart_with(snapshot: Snapshot) -> Scene {
    let facts = JobFacts {
        comparable: Err("Qdrant's vectors have 384 numbers, the new embeddings 1,536".into()),
        ..facts()
    };
    let scene = Scene::of("messages").event(job_opened(facts)).phase(Phase::Running);
    scene.seeing(snapshot).press("2")
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
    for size in SIZES {
        let scene = listed_at(size);
        scene.assert_looks_at("divergence", size, COLORS);
        scene.assert_looks_at("divergence_ascii", size, ASCII);
        scene.assert_looks_at("divergence_plain", size, PLAIN);
    }
    // Of an id both ends are seen.
    assert_says(&listed().text((80, 24)), "  2f9a7b~00002  0.9303  [again] Nobody");
}

#[test]
fn a_bin_without_points() {
    let empty = |size| running_at(size).press("2jjjjjjjjjjj\t").ranked(Vec::new());
    for size in SIZES {
        let scene = empty(size);
        let band = scene.app.divergence.chosen_bin().expect("a bin");
        assert_eq!(scene.app.snapshot.similarities.between(band.from, band.to), 0);
        assert_says(&scene.text(size), "no points in this bin");
    }
    assert_looks("divergence_bin_empty", empty);
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
    // Where the cursor has gone is seen all the same.
    let screen = scene.draw(PLAIN, (80, 24));
    let reversed = |y: u16| (37..79).all(|x| screen[(x, y)].modifier.contains(Modifier::REVERSED));
    let cursor: Vec<u16> = (0..24).filter(|y| reversed(*y)).collect();
    assert_eq!(cursor, [21], "the last row of the list");
}

#[test]
fn a_tall_terminal_has_more_and_finer_bins() {
    let size = (200, 60);
    let scene = running_at(size).press("2").ranked_of(94_342, worst());
    scene.assert_looks_at("divergence_tall", size, COLORS);
    let screen = scene.text(size);
    for part in [
        "all 94,342 compared",
        "0.9995 ",
        "0.8500 d",
        "All compared: 94,342, worst first",
        "d = below 0.980: 342 (0.4 %)",
    ] {
        assert_says(&screen, part);
    }
    // The threshold is an edge wherever it stands.
    let scene = running_at(size).press("2<<<").ranked_of(94_342, worst());
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
    let split = |size| in_bin(running_at(size)).press("+").ranked_of(94_342, worst());
    assert_looks("divergence_zoomed", split);
    let screen = split((80, 24)).text((80, 24));
    for part in ["┌ > Similarity (log, zoomed) ─", "│all 94,342; 94,301 above; 3 below "] {
        assert_says(&screen, part);
    }
    assert_says(&split((120, 40)).text((120, 40)), "> Similarity (log counts, zoomed) ─");
    let best = running().press("2j+").ranked_of(94_342, worst());
    assert_says(&best.text((80, 24)), "│all 94,342 compared; 6,342 below ");
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
    let at_work = |size| listed_at(size).press("re\n");
    assert_looks("divergence_at_work", at_work);
    let screen = at_work((80, 24)).text((80, 24));
    assert_eq!(screen.matches("[at work] ").count(), 2, "{screen}");
}

#[test]
fn an_open_point_with_its_neighbours() {
    assert_looks("divergence_opened", opened_at);
    for (size, id) in [
        ((120, 40), "2f9a7~0002"),
        ((200, 60), "2f9a7b4c-0000-4000-8000-000000000002"),
    ] {
        assert_says(&opened_at(size).text(size), &format!("  0.900 {id} Nobody"));
    }
}

#[test]
fn an_open_point_that_is_being_read() {
    let opening = |size| listed_at(size).press("\n");
    assert_looks("divergence_opening", opening);
    assert_says(&opening((80, 24)).text((80, 24)), "> Point 1028 ");
}

#[test]
fn an_open_point_that_was_decided_about_and_edited() {
    let accepted = decided(Decision::Accepted, detail().similarity, Some("right as it is"));
    let edit = Edit {
        before: None,
        after: CONTENT.join("\n"),
        at: ago(99),
    };
    let scene = |size| {
        decided_at(size, &accepted).press("\n").inspected(PointDetail {
            decided: Some(accepted.clone()),
            edit: Some(edit.clone()),
            ..detail()
        })
    };
    assert_looks("divergence_decided", scene);
    // There is nothing to be looked at any more.
    let plain = (Color::Reset, Modifier::empty());
    let screen = scene((80, 24)).draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "cosine 0.93090, below the threshold"), plain);
}

#[test]
fn an_acceptance_of_another_similarity_counts_no_more() {
    let outdated = decided(Decision::Accepted, Similarity::new(0.97), Some("right as it is"));
    let scene = listing(running(), rows_with(&outdated)).press("k");
    assert_says(&scene.text((80, 24)), "[was accepted] ");
    let screen = scene.draw(COLORS, (120, 40));
    find(&screen, "was accepted   The choir");
    // Nobody has decided about the row as it is.
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&screen, "1028"), warn);
    assert_looks("divergence_outdated", |size| decided_at(size, &outdated));
    let scene = decided_at((200, 60), &outdated);
    for part in [
        "accepted at 0.9700",
        "its similarity has changed since: the acceptance no longer counts; a accepts it as it is now",
    ] {
        assert_says(&scene.text((200, 60)), part);
    }
    let screen = scene.draw(COLORS, (200, 60));
    assert_eq!(style_of(&screen, "cosine 0.93090, below the threshold"), warn);
}

#[test]
fn an_open_point_that_cannot_be_read() {
    let id = detail().id;
    let error = "point 1028 cannot be read from Qdrant: the connection was refused";
    let scene = |size| {
        let scene = listed_at(size).press("\n");
        scene.unanswered(Owned::Inspection(id), error).later()
    };
    assert_looks("divergence_opened_unreadable", scene);
    assert_says(&scene((80, 24)).text((80, 24)), "> Point 1028 ");
}

#[test]
fn an_open_point_that_qdrant_has_no_vector_of() {
    let without = || PointDetail {
        qdrant: None,
        neighbours: Err("Qdrant does not answer: timed out".into()),
        ..detail()
    };
    let scene = |size| listed_at(size).press("\n").inspected(without());
    assert_looks("divergence_without_neighbours", scene);
    let screen = scene((80, 24)).text((80, 24));
    for part in [
        "Qdrant has no vector   LanceDB 1,536 numbers",
        "Enter reads it again, Esc goes back",
        " r embed again  a accept  d diff  Esc back",
    ] {
        assert_says(&screen, part);
    }
    // Where that is why nothing can be compared, it is said there, and not once more.
    let scene = listed().press("\n").inspected(PointDetail {
        content: None,
        similarity: None,
        ..without()
    });
    let why = "cannot be compared: Qdrant has no vector";
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), why), warn);
    let screen = scene.text((80, 24));
    assert_eq!(screen.matches("Qdrant has no vector").count(), 1, "{screen}");
    assert_says(&screen, "│LanceDB 1,536 numbers, norm 0.9998");
}

#[test]
fn spaces_apart_say_why_and_what_can_be_measured() {
    let scene = apart();
    scene.assert_looks("divergence_apart");
    let screen = scene.text((80, 24));
    assert_says(&screen, "no points in the table yet");
    // Once is enough.
    let wide = scene.text((120, 40));
    assert_eq!(wide.matches("cannot be compared").count(), 1, "{wide}");
    assert_says(&wide, " 0 points ─");
    assert!(
        !screen.contains("n neighbours") && !screen.contains("n compares"),
        "{screen}"
    );
    assert_says(&apart_listed().text((80, 24)), "│n compares the ten nearest");
    // Among the points the footer names what can be done to them.
    for (keys, named, not_named) in [
        ("", "n neighbours", "r embed"),
        ("\t", "r embed  d diff", "n neighbours"),
    ] {
        let screen = apart_listed().press(keys).text((80, 24));
        let footer = screen.lines().last().unwrap_or_default();
        assert!(footer.contains(named) && !footer.contains(not_named), "{footer:?}");
    }
    apart_listed().press("n").assert_looks("divergence_apart_waiting");
}

#[test]
fn spaces_apart_measured() {
    let scene = apart_listed()
        .press("n")
        .event(TaskEvent::AgreementMeasured(agreement()));
    scene.assert_looks("divergence_apart_measured");
    let error = "Qdrant does not answer: timed out";
    let scene = apart_listed().press("n").unanswered(Owned::Agreement, error).later();
    scene.assert_looks("divergence_apart_failed");
    assert_says(&scene.text((80, 24)), "n tries again");
}

#[test]
fn spaces_apart_list_their_points_and_open_one_with_its_neighbours() {
    let scene = apart_listed().press("\tjjjj");
    scene.assert_looks("divergence_apart_listed");
    let screen = scene.text((120, 40));
    assert_says(&screen, "94,380 points; no similarities: the spaces differ");
    assert!(!screen.contains("cosine"), "there is none:\n{screen}");
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
    let measured = |size| {
        // The bins are wider then, and so is the chosen one.
        let scene = listed_at(size).press("n").ranked(rows());
        scene.event(TaskEvent::AgreementMeasured(agreement()))
    };
    assert_looks("divergence_agreement", measured);
    // Where there is no room for all, numbers and bins are drawn together, and none is left out.
    let screen = measured((80, 24)).text((80, 24));
    for part in [
        "│all 94,342 compared  ",
        "│ 0.9950   ██",
        "93,300│",
        "│82.2 % shared, mean of 200 points ",
        "│8-10   ██",
        "│ 0-1 ! █",
        "2 marked, 0.9000 to 0.9500: 38",
    ] {
        assert_says(&screen, part);
    }
    for size in [(120, 40), (200, 60)] {
        let screen = measured(size).text(size);
        for part in ["│all 94,342 compared  ", "88,000│", "│10   ██", "│ 1  ", "│ 0 ! █"] {
            assert_says(&screen, part);
        }
    }
}

#[test]
fn points_that_share_hardly_a_neighbour_warn_and_have_a_sign() {
    let scene = listed().press("n").event(TaskEvent::AgreementMeasured(agreement()));
    for (theme, good, warn) in [
        (COLORS, Color::Green, Color::Yellow),
        (PLAIN, Color::Reset, Color::Reset),
    ] {
        let screen = scene.draw(theme, (80, 24));
        assert_eq!(style_of_bar(&screen, "8-10   "), (good, Modifier::empty()));
        assert_eq!(style_of_bar(&screen, "2-4   "), (good, Modifier::empty()));
        assert_eq!(style_of_bar(&screen, "0-1 ! "), (warn, Modifier::BOLD));
    }
}

#[test]
fn a_narrow_list_has_room_for_the_content_and_its_title_for_the_marks() {
    let screen = listed().text((80, 24));
    for part in [
        "> 2 marked, 0.9250 to 0.9500: 38 ",
        "[accepted] The ch~",
        "[again] Nobody",
        "[again] A list",
        "0.9309  The choir sang of",
    ] {
        assert_says(&screen, part);
    }
    assert_says(&listed().press("re\n").text((80, 24)), "[at work] ");
    let elsewhere = listed().press("\tk").text((120, 40));
    assert_says(&elsewhere, "2 marked, 2 in other bins, 0.9500 to ");
    let wide = listed().text((120, 40));
    for part in ["> 2 marked, 0.9250 to 0.9500: 38, worst first", "embedded again Nobody"] {
        assert_says(&wide, part);
    }
    // Qdrant's own vector lies nowhere else than in the best bin.
    let (row, _) = rows().swap_remove(1);
    let row = RankedRow {
        similarity: Similarity::new(1.0),
        ..row
    };
    let kept = decided(Decision::Kept, Similarity::new(0.41), None);
    let best = running().press("2j\t").ranked(vec![(row, Some(kept))]);
    assert_says(&best.text((80, 24)), "1.0000  [kept] Nobody");
    assert_says(&best.text((120, 40)), "1.0000  Qdrant's kept  Nobody");
}

#[test]
fn the_footer_says_how_many_are_marked_where_they_are_acted_on() {
    for (size, many, one) in [
        ((80, 24), " r embed 2 marked  ", " r embed  a accept  "),
        ((200, 60), " r embed again 2 marked  ", " r embed again  "),
    ] {
        let footer = |scene: Scene| scene.text(size).lines().last().unwrap_or_default().to_owned();
        let listed = footer(listed_at(size));
        assert!(listed.contains(many), "{listed:?}");
        // What is opened is acted on alone.
        for opened in [listed_at(size).press("\n"), opened_at(size)] {
            let opened = footer(opened);
            assert!(opened.contains(one) && !opened.contains("marked"), "{opened:?}");
        }
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
    let sign = "< = the threshold is in this bin";
    let screen = between.text((120, 40));
    assert_says(&screen, "d = below 0.97525: ");
    assert_says(&screen, sign);
    assert!(!whole.text((120, 40)).contains(sign));
    let mut between = running().press("2").ranked_of(94_342, worst());
    between.app.threshold = 0.975_25;
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
    assert_eq!(style_of(&screen, "cosine 0.93090"), (Color::Yellow, Modifier::BOLD));
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
