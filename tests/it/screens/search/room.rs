//! What of the body each answer gets, and what is shown whole where there is room for it.

use qlance::point::PointId;
use qlance::tasks::search::{Found, NoAnswer};

use super::super::frame::{assert_says, find};
use super::super::{COLORS, Scene};
use super::{answered, found, nothing, running, waiting, without_qdrant};

/// A point whose id is a UUID.
const UUID: &str = "0b3d6c1e-0000-4000-8000-000000000001";

/// Answered by Qdrant alone, though LanceDB was asked.
fn without_lancedb() -> Scene {
    waiting().finding(Found {
        lancedb: nothing().lancedb,
        shared: 0,
        ..found()
    })
}

/// Not answered by Qdrant, for a reason of so many words.
fn failed(words: usize) -> Scene {
    without_qdrant(NoAnswer::Failed("refused ".repeat(words)))
}

#[test]
fn a_store_that_lists_nothing_leaves_its_lines_to_the_other() {
    let why = NoAnswer::NotAsked("Qdrant is searched by vector only".into());
    let screen = without_qdrant(why.clone()).text((80, 24));
    assert_says(&screen, "Qdrant is searched by vector only");
    let clicked = without_qdrant(why).click((80, 24), "0.6001");
    assert_eq!(clicked.app.selected_id(), Some(PointId::Num(47)), "the last of twelve");
    assert_says(&failed(1).text((80, 24)), "1 more below");

    let screen = without_lancedb().draw(COLORS, (80, 24));
    let (_, above) = find(&screen, "LanceDB: cosine similarity");
    let (_, below) = find(&screen, "> Qdrant: cosine similarity");
    assert_eq!(below - above, 4, "a heading, why, and the border");
    let clicked = without_lancedb().click((80, 24), "0.7712");
    assert_eq!(clicked.app.selected_id(), Some(PointId::Num(77)));
}

#[test]
fn side_by_side_it_gets_a_third() {
    for (name, scene, column) in [
        ("no Qdrant", failed(1), 82),
        // With an arrow before it: its list has the keys.
        ("nothing in LanceDB", without_lancedb(), 44),
        ("both", answered(), 62),
        ("nothing in both", waiting().finding(nothing()), 62),
    ] {
        let (x, _) = find(&scene.draw(COLORS, (120, 40)), "Qdrant: ");
        assert_eq!(x, column, "{name}");
    }
}

#[test]
fn however_long_a_reason_is_it_takes_half_and_the_way_on_is_seen() {
    for size in [(60, 16), (80, 24)] {
        let screen = failed(500).text(size);
        assert_says(&screen, "/ and Enter ask again");
        assert_says(&screen, "0.8107");
    }
}

#[test]
fn the_selected_result_is_read_whole_where_lines_are_left() {
    let war = "since the war.";
    for (size, is_there) in [
        ((120, 40), true),
        ((99, 60), true),
        ((80, 24), false),
        ((60, 16), false),
    ] {
        let screen = answered().press("jjjj").text(size);
        assert_eq!(screen.contains(war), is_there, "{size:?}:\n{screen}");
        assert_eq!(screen.contains("90210, text"), is_there, "{size:?}:\n{screen}");
    }
    let screen = answered().press("jjjj").draw(COLORS, (120, 40));
    let (x, y) = find(&screen, war);
    assert!(x < 60 && y == 37, "at the foot of LanceDB's pane: {x}, {y}");
    let screen = answered().press("\tj").draw(COLORS, (120, 40));
    let (x, _) = find(&screen, "17, text");
    assert!(x > 60, "of Qdrant's");
    // A sound without a caption.
    assert_says(&answered().press("jjj").text((120, 40)), "4711, sound");
}

#[test]
fn an_id_is_whole_where_the_snippets_keep_half_of_the_row() {
    for size in [(60, 16), (80, 40), (120, 40), (200, 60)] {
        let screen = answered().text(size);
        assert_says(&screen, "0b3d~0001");
        assert!(!screen.contains(UUID), "{screen}");
    }
    assert_says(&answered().text((260, 60)), UUID);
    for size in [(99, 60), (200, 60)] {
        assert_says(&answered().press("j").text(size), &format!("{UUID}, picture"));
    }
}

#[test]
fn above_one_another_both_lists_have_the_same_columns() {
    let screen = answered().draw(COLORS, (80, 40));
    let choir = "The choir sang of the harbour at night.";
    let (x, y) = find(&screen, choir);
    let lower = (y + 1..40).find(|below| {
        let line: String = (x..79).map(|x| screen[(x, *below)].symbol()).collect();
        line.starts_with(choir)
    });
    assert!(lower.is_some(), "Qdrant's begins in the same column");
}

#[test]
fn the_least_terminal_says_less_and_cuts_nothing() {
    let screen = running().press("6").text((60, 16));
    for part in [
        "/ types a query: words, or @path for a picture or a sound",
        "m chooses what is found, s how, f under which condition.",
        "Enter on a result compares its point in both stores.",
    ] {
        assert_says(&screen, part);
    }
    assert_eq!(screen.matches("types a query").count(), 1, "{screen}");
    assert_says(
        &Scene::open().press("6").text((60, 16)),
        "Enter on a result compares its point in both stores.",
    );
}
