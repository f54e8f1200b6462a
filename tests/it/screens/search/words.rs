//! What is said: of the settings, of what was searched, and where something is missing what comes next.

use qlance::tasks::search::{Found, NoAnswer};
use ratatui::style::{Color, Modifier};

use super::super::frame::{assert_says, style_of};
use super::super::{COLORS, SIZES, Scene};
use super::{answered, by_keywords, found, hybrid, nothing, running, waiting, without_qdrant};

/// The last line of a frame.
fn footer(scene: &Scene, size: (u16, u16)) -> String {
    scene.text(size).lines().last().unwrap_or_default().to_owned()
}

/// All words of a frame, as if no line had ended.
fn words(scene: &Scene, size: (u16, u16)) -> String {
    let text = scene.text(size).replace(['│', '\n'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn where_it_was_searched_is_named() {
    for (scene, said) in [
        (answered(), "in column embedding; embedded in 112 ms as "),
        (
            hybrid(),
            "in column embedding and by keywords in column content; embedded in 112 ms as ",
        ),
        (
            by_keywords(),
            "by keywords in column content; no vector was made of the query",
        ),
        (
            waiting().finding(Found {
                columns: vec!["embedding".into(), "embedding_caption".into()],
                ..found()
            }),
            "in columns embedding, embedding_caption; embedded in 112 ms as ",
        ),
    ] {
        assert_says(&scene.text((120, 40)), said);
    }
    // Whose vector it is stands there whole or not at all.
    let narrow = hybrid().text((80, 24));
    assert_says(&narrow, "in column content; embedded in 112 ms");
    assert!(!narrow.contains("112 ms as"), "{narrow}");
    for size in SIZES {
        assert_says(&hybrid().text(size), "Qdrant: cosine similarity, by vector only");
        assert!(!answered().text(size).contains("by vector only"));
    }
}

#[test]
fn kinds_have_one_word_each() {
    for (keys, asked, missed) in [
        ("m", "find texts", "no texts found"),
        ("mm", "find pictures", "no pictures found"),
        ("mmm", "find sounds", "no sounds found"),
    ] {
        let screen = waiting().press(keys).finding(nothing()).text((80, 24));
        assert_says(&screen, asked);
        assert_says(&screen, &format!("{missed}; m finds other kinds"));
    }
    for size in SIZES {
        let screen = answered().text(size);
        for kind in [" text ", " picture ", " sound "] {
            assert_says(&screen, kind);
        }
        assert!(!screen.contains(" image ") && !screen.contains(" audio "), "{screen}");
    }
}

#[test]
fn where_nothing_was_found_the_reason_and_the_way_on_are_said() {
    let one_empty = || {
        waiting().finding(Found {
            lancedb: nothing().lancedb,
            ..found()
        })
    };
    for (scene, said) in [
        (
            waiting().finding(nothing()),
            &[
                "nothing found: no row has a vector yet; / and Enter ask again",
                "nothing found: no point has such a vector; / and Enter ask again",
            ][..],
        ),
        (
            waiting().press("mfthread_id = 'x'\n").finding(nothing()),
            &["no texts found where thread_id = 'x'; Esc clears the condition, m finds other kinds"],
        ),
        (
            waiting().press("fthread_id = 'x'\n").finding(nothing()),
            &["nothing found where thread_id = 'x'; Esc clears the condition"],
        ),
        (
            waiting().press("s").finding(Found {
                lancedb: nothing().lancedb,
                ..not_asked()
            }),
            &["no content holds these words; s searches by vector too"],
        ),
        (
            Scene::open().press("6/harbour\n").finding(Found {
                lancedb: nothing().lancedb,
                ..not_asked()
            }),
            &["no content holds these words; / types others"],
        ),
        (
            without_qdrant(NoAnswer::Failed("no Qdrant".into())),
            &["no Qdrant / and Enter ask again"],
        ),
        (one_empty(), &["0 results in 9 ms", "6 results in 4 ms"]),
    ] {
        let screen = words(&scene, (80, 24));
        for part in said {
            assert_says(&screen, part);
        }
    }
    for scene in [waiting().finding(nothing()), one_empty()] {
        assert!(!scene.text((80, 24)).contains("shared with"));
    }
}

/// Found by keywords, and Qdrant was not asked.
fn not_asked() -> Found {
    Found {
        qdrant: Err(NoAnswer::NotAsked("Qdrant is searched by vector only".into())),
        shared: 0,
        ..found()
    }
}

#[test]
fn nothing_is_said_twice() {
    for size in SIZES {
        let screen = waiting().text(size);
        assert_eq!(screen.matches("the harbour at night").count(), 1, "{screen}");
        assert_eq!(screen.matches("all points").count(), 1, "{screen}");
        assert_says(&screen, "Esc gives the search up.");
        let filtered = waiting().press("fthread_id = 'x'\n").text(size);
        assert_says(&filtered, "Esc clears the condition and asks again.");
        let failed = waiting().refusing("no Qdrant").text(size);
        assert_says(&failed, "cannot search: no Qdrant");
        assert!(!failed.contains("not answered"), "{failed}");
    }
}

#[test]
fn before_the_job_is_open_only_keys_that_do_something_are_lit() {
    let screen = Scene::of("messages").press("6").draw(COLORS, (80, 24));
    let dim = (Color::Reset, Modifier::DIM);
    for text in ["/ types a query", "f all points", "all points"] {
        assert_eq!(style_of(&screen, text), dim, "{text}");
    }
    let lit = (Color::Cyan, Modifier::empty());
    assert_eq!(style_of(&screen, "m find anything"), lit);
    let screen = running().press("6").draw(COLORS, (80, 24));
    for text in ["/ types a query", "f all points"] {
        assert_eq!(style_of(&screen, text), lit, "{text}");
    }
}

#[test]
fn without_an_embedder_neither_vectors_nor_files_are_offered() {
    for size in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let carried = Scene::open().press("6");
        let screen = carried.text(size);
        for part in ["by vector", "or by both", "@", "s how", "x exact", "picture or"] {
            assert!(!screen.contains(part), "{part:?} at {size:?}:\n{screen}");
        }
        assert_says(&screen, "/ types a query: words");
        assert_says(&screen, "m find anything   s by keywords   f all points");
        let dim = (Color::Reset, Modifier::DIM);
        assert_eq!(style_of(&carried.draw(COLORS, size), "s by keywords"), dim);
    }
    let refused = Scene::open().press("6/@pier.png\n");
    assert_says(
        &words(&refused, (80, 24)),
        "nobody embeds a picture or a sound / changes the query",
    );
    assert!(refused.sent.is_empty(), "{:?}", refused.sent);
}

#[test]
fn by_keywords_there_is_nothing_to_be_exact_about() {
    for size in SIZES {
        for scene in [by_keywords(), running().press("6s")] {
            assert!(!scene.text(size).contains("x exact"), "{size:?}");
        }
        let refused = words(&running().press("6s/@pier.png\n"), size);
        assert_says(
            &refused,
            "cannot search: keywords are text, and the query is a picture or a sound",
        );
        assert_says(&refused, "s searches by its vector");
    }
}

#[test]
fn no_path_is_broken_and_where_qdrant_stands_is_said_as_it_is() {
    for (size, said) in [
        ((60, 30), "below it Qdrant"),
        ((80, 24), "below it Qdrant"),
        ((120, 40), "beside it Qdrant"),
        ((200, 60), "beside it Qdrant"),
    ] {
        let scene = running().press("6");
        assert_says(&scene.text(size), "./x.png, /x/y.wav and ~/x need no @.");
        assert_says(&words(&scene, size), said);
    }
}

#[test]
fn the_footer_names_what_opens_and_what_takes_back() {
    let without_qdrant = || without_qdrant(NoAnswer::Failed("no Qdrant".into()));
    for (name, scene, opens, takes_back) in [
        ("nothing asked", running().press("6"), false, false),
        ("a condition", running().press("6fthread_id = 'x'\n"), false, true),
        ("waiting", waiting(), false, true),
        ("answered", answered(), true, true),
        ("an earlier answer", answered().press("m"), true, true),
        ("no answer", waiting().refusing("no Qdrant"), false, true),
        ("nothing found", waiting().finding(nothing()), false, true),
        ("in the pane without results", without_qdrant().press("\t"), false, true),
        ("beside it", without_qdrant(), true, true),
        ("dropped", answered().press("\u{1b}"), false, false),
    ] {
        for size in [(80, 24), (200, 60)] {
            let footer = footer(&scene, size);
            assert_eq!(footer.contains("Enter open"), opens, "{name}: {footer:?}");
            assert_eq!(footer.contains("Esc back"), takes_back, "{name}: {footer:?}");
        }
        assert_eq!(footer(&scene, (60, 16)).contains("Esc back"), takes_back, "{name}");
    }
}
