//! What can be read and chosen on the Verify screen, at any size.

use crossterm::event::KeyCode;
use qlance::app::Screen;
use qlance::app::verify::Pane;
use qlance::point::PointId;
use qlance::tasks::verify::{CheckId, Offender, STOPPED};
use qlance::tasks::{Phase, SampleOf, TaskCommand, TaskEvent};
use qlance::ui;
use ratatui::layout::Rect;

use super::super::frame::{assert_says, find};
use super::super::migrate::running;
use super::super::{COLORS, SIZES, Scene};
use super::{
    REASONS, UNREACHABLE, counted, decided, earlier, go, going_on, inconclusive, no_go, of_text, row, unverified,
    verifying,
};

#[test]
fn what_was_verified_is_said_at_every_size() {
    for size in SIZES {
        let screen = decided(no_go()).text(size);
        let facts = "version 7, 199,988 rows, 200,000 points, in full, seed 1, 5 h ago in 41 s";
        assert_says(&screen, facts);
        let screen = decided(inconclusive()).text(size);
        assert_says(&screen, "sample 500, seed 7, 5 h ago in 41 s");
    }
    let wide = decided(no_go()).text((200, 60));
    assert_says(
        &wide,
        "choir.lance/messages against messages of Qdrant 1.18.0: version 7",
    );
}

#[test]
fn every_check_is_seen_with_its_figure_and_time_at_every_size() {
    let figures = [
        ("counts", "200,000 points = 199,988 rows", "120 ms"),
        ("ids", "199,976 in both; 12 missing", "2.1 s"),
        ("payloads", "20,000 of 199,976 rows differ", "31 s"),
        ("vectors", "0 of 199,988 rows are wrong", "31 s"),
        ("neighbours", "62.0 % of the ten nearest shared", "900 ms"),
        ("index", "embedding: 190,000 of 199,988", "4.2 s"),
        ("filters", "17 conditions, 3,984 ids, 0 wrong", "640 ms"),
        ("health", "version 7, 7 versions kept, 14 fragments", "85 ms"),
    ];
    for size in SIZES {
        let screen = decided(no_go()).text(size);
        for (name, figure, took) in figures {
            let line = screen.lines().find(|line| line.contains(&format!("│{name:<11}")));
            let line = line.unwrap_or_else(|| panic!("{name} is missing at {size:?}:\n{screen}"));
            // On a narrow terminal the figure has the room; how long it took is told of the selected check.
            let timed = size.0 < 100 || line.contains(took);
            assert!(line.contains(figure) && timed, "{size:?}: {line}");
        }
    }
    // Where there is room for it beside the whole figure, what it must be stands there.
    let wide = decided(no_go()).text((200, 60));
    assert_says(&wide, "threshold");
    assert_says(&wide, "not cover: at most 0, else inconclusive; recall@10: mean~");
    for size in [(120, 40), (200, 60)] {
        let figure = "0 wrong among 500 of 199,988, so fewer than 0.60 % are wrong, at 95 % confidence  ";
        let screen = decided(inconclusive()).text(size);
        for name in ["payloads", "vectors"] {
            let line = screen.lines().find(|line| line.contains(&row(name, "inconclusive")));
            assert!(line.is_some_and(|line| line.contains(figure)), "{size:?}:\n{screen}");
        }
    }
}

#[test]
fn progress_is_a_bar_and_a_percentage() {
    for size in SIZES {
        let screen = verifying().text(size);
        assert_says(&screen, "██░░░░░░  37 %");
        assert_says(&screen, "74,000 of 199,988");
        assert_says(&screen, "VERIFYING  5 of 8 checks done, 00:42; x stops");
    }
    let again = going_on(decided(no_go()).press("v"));
    assert_says(&again.text((80, 24)), "earlier: NO-GO, 5 h ago");
}

#[test]
fn every_reason_can_be_read_at_every_size() {
    for size in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let mut scene = decided(no_go()).press("\t\t\t");
        assert_eq!(scene.app.verify.pane, Pane::Decision);
        let mut screens = scene.text(size);
        for _ in 0..30 {
            scene = scene.reaching(size, "j");
            screens.push_str(&scene.text(size));
        }
        for reason in REASONS {
            let begin: String = reason.chars().take(30).collect();
            assert_says(&screens, &format!("- {begin}"));
        }
        assert_says(&screens, "writes to it");
    }
}

#[test]
fn the_way_to_all_reasons_is_that_of_the_pane_with_the_keys() {
    for (before, said, back, forth) in [
        ("", "(+4: Shift-Tab)", true, ""),
        ("\t", "(+4: Tab Tab)", false, "\t\t"),
        ("\n", "(+4: Tab)", false, "\t"),
        // This check has no offenders to go through.
        ("jjjj\t", "(+4: Tab)", false, "\t"),
    ] {
        let scene = decided(no_go()).press(before);
        assert_says(&scene.text((80, 24)), said);
        let scene = if back { scene.key(KeyCode::BackTab) } else { scene };
        assert_eq!(scene.press(forth).app.verify.pane, Pane::Decision, "{before:?}");
    }
    // A single reason is cut too.
    let screen = verifying().not_verified(UNREACHABLE).text((80, 24));
    assert_says(&screen, "~ (more: Shift-Tab)");
    let screen = verifying().not_verified(STOPPED).text((80, 24));
    assert!(!screen.contains("more:"), "{screen}");
    // Something else stands in their place.
    for scene in [
        decided(no_go()).press("R").phase(Phase::Comparing),
        decided(no_go()).phase(Phase::CatchingUp),
    ] {
        assert_says(&scene.text((80, 24)), " (+5: Shift-Tab)");
    }
}

#[test]
fn what_cannot_be_pressed_is_not_the_next_step() {
    for phase in [Phase::Comparing, Phase::CatchingUp] {
        let stale = decided(earlier()).phase(phase.clone());
        let ended = going_on(decided(no_go()).press("v")).not_verified(STOPPED).phase(phase);
        for size in SIZES {
            for (scene, said) in [
                (&stale, "STALE  was GO for version 4"),
                (&ended, "NOT DECIDED  Esc shows the earlier decision"),
            ] {
                let screen = scene.text(size);
                assert_says(&screen, said);
                assert!(!screen.contains("verifies again"), "{screen}");
            }
        }
    }
}

#[test]
fn the_way_back_is_that_of_the_pane_with_the_keys() {
    for (keys, said, way) in [
        ("", "v verifies again, Esc shows the earlier decision", "\u{1b}"),
        (
            "\t",
            "v verifies again, Esc Esc shows the earlier decision",
            "\u{1b}\u{1b}",
        ),
    ] {
        let scene = going_on(decided(no_go()).press("v")).not_verified(UNREACHABLE);
        let scene = scene.press(keys);
        assert_says(&scene.text((80, 24)), said);
        assert!(scene.press(way).app.verify.run().is_none(), "{keys:?}");
    }
}

#[test]
fn the_header_does_not_say_that_qdrant_answers_where_a_verification_says_otherwise() {
    for (error, phase, servers) in [
        (UNREACHABLE, Phase::Complete, 1),
        (STOPPED, Phase::Complete, 2),
        // It was met since.
        (UNREACHABLE, Phase::Running, 2),
    ] {
        for size in SIZES {
            let screen = verifying().not_verified(error).phase(phase.clone()).text(size);
            let header = screen.lines().next().unwrap_or_default();
            assert_eq!(header.matches(" ok").count(), servers, "{header:?}");
        }
    }
}

#[test]
fn the_next_step_is_never_cut() {
    for (scene, said) in [
        (decided(no_go()), "NO-GO  may not take over: 5 reasons; R repairs\n"),
        (
            decided(counted()),
            "INCONCLUSIVE  still open: 1 reason; v verifies everything\n",
        ),
        (
            unverified().press("n\n").begun(),
            "VERIFYING  0 of 8 checks done, 00:00; x stops\n",
        ),
        (
            going_on(decided(no_go()).press("v")).not_verified(STOPPED),
            "NOT DECIDED  v verifies again, Esc goes back\n",
        ),
    ] {
        assert_says(&scene.text((60, 16)), said);
    }
    for size in SIZES {
        let screen = unverified().verified(counted()).text(size);
        assert_says(&screen, "1 reason; v verifies everything");
        assert_says(&screen, "200,000 points, 1 of 8 checks, ");
        assert_says(&screen, "5 h ago in 120 ms");
        assert_says(&decided(inconclusive()).text(size), "2 reasons; v verifies everything");
        // What is whole is not verified any further.
        let screen = decided(no_go()).text(size);
        assert!(!screen.contains("v verifies"), "{screen}");
        let screen = decided(no_go()).phase(Phase::CatchingUp).text(size);
        assert_says(&screen, "bringing the stores together; 1 shows how far it is");
    }
}

#[test]
fn the_key_that_opens_the_offenders_is_named_where_it_does() {
    for (keys, opens) in [("", true), ("\t", true), ("\n", false), ("\t\t\t", false)] {
        let screen = decided(no_go()).press(keys).text((120, 40));
        assert_says(&screen, "ids: 24 offenders");
        assert_eq!(
            screen.contains("ids: 24 offenders, Enter opens them"),
            opens,
            "{screen}"
        );
    }
}

#[test]
fn a_text_is_not_scrolled_past_its_end() {
    for size in SIZES {
        for (keys, end) in [("\t\t\t", "writes to it"), ("\t", "took 2.1 s")] {
            let scene = decided(no_go()).press(keys).reaching(size, &"j".repeat(60));
            assert_says(&scene.text(size), end);
            let reach = ui::reach::reach(&scene.app, Rect::new(0, 0, size.0, size.1));
            assert_eq!(Some(scene.app.verify.scroll), reach.verify, "{keys:?} at {size:?}");
        }
    }
}

#[test]
fn the_selected_check_is_told_in_full() {
    for size in SIZES {
        let screen = decided(no_go()).press("\t").text(size);
        assert_says(&screen, "is every id in both stores, once?");
        assert_says(&screen, "wanted: ids missing, extra or twice: at most 0");
        assert_says(&screen, "- 12 points have no row;");
        assert_says(&screen, "│R repairs ");
        assert_says(&screen, "ids: 24 offenders, Enter opens them");
        assert_says(&screen, "took 2.1 s");
        let screen = decided(no_go()).press("j\t").text(size);
        assert_says(&screen, "the first 100 of 20,000 offenders are shown; all are in");
        assert_says(&screen, "them all");
    }
    let sampled = decided(inconclusive()).press("\t").text((120, 40));
    assert_says(&sampled, "inconclusive  0 wrong among 500 of 199,988, so");
    assert!(!sampled.contains("sample:"), "it is said once:\n{sampled}");
}

#[test]
fn the_selected_offender_is_always_seen() {
    for size in [(60, 16), (80, 24), (99, 50), (120, 40), (200, 60)] {
        let screen = decided(no_go()).press("\nG").text(size);
        assert_says(&screen, "18446744073");
        assert_says(&screen, "Offenders of ids: 24");
        let screen = decided(no_go()).press("j\nG").text(size);
        assert_says(&screen, "│990 ");
        assert_says(&screen, "Offenders of payloads: the first 100 of 20,000");
    }
    let whole = "0b3d6c1e-0000-4000-8000-000000000001";
    assert_says(&decided(no_go()).text((200, 60)), whole);
    assert_says(&decided(no_go()).press("\n").text((80, 24)), whole);
}

#[test]
fn what_is_not_seen_is_counted_and_the_way_to_it_named() {
    // The decision, and the selected check in its six lines.
    let scene = decided(no_go()).press("jjjj");
    let screen = scene.text((80, 24));
    assert_says(&screen, " more lines: Tab");
    let rest = scene.press("\t").text((80, 24));
    assert_says(&rest, "R repairs");
    assert_says(&rest, "took 4.2 s");
    assert!(!rest.contains("more lines"), "{rest}");
    // Offenders beyond the rows, and beyond those that are kept.
    assert_says(&decided(no_go()).press("\n").text((80, 24)), "8 more below");
    for (keys, said) in [
        ("j\n", "84 more below; all 20,000 in offenders.jsonl"),
        ("j\nG", "84 more above; all 20,000 in offenders.jsonl"),
    ] {
        assert_says(&decided(no_go()).press(keys).text((80, 24)), said);
    }
    assert_says(
        &decided(no_go()).press("j").text((120, 40)),
        "all 20,000 in offenders.jsonl",
    );
    // Until a verification has come to its end, there is no such file.
    let again = going_on(decided(no_go()).press("v"));
    let again = again.event(TaskEvent::Checked(Box::new(no_go().checks[2].clone())));
    let scene = again.press("j\n");
    let screen = scene.text((80, 24));
    assert_says(&screen, "Offenders of payloads: the first 100 of 20,000");
    assert!(!screen.contains("offenders.jsonl"), "{screen}");
    let screen = scene.press("\u{1b}\t").text((80, 24));
    assert_says(&screen, "the first 100 of 20,000 offenders are shown");
    for part in ["offenders.jsonl", "E export"] {
        assert!(!screen.contains(part), "{screen}");
    }
}

#[test]
fn a_repair_is_offered_where_it_helps() {
    for size in SIZES {
        assert_says(&decided(no_go()).text(size), "5 reasons; R repairs");
        let screen = decided(inconclusive()).text(size);
        assert!(!screen.contains("R repair"), "{screen}");
        // What is seen is not what would be repaired.
        let again = going_on(decided(no_go()).press("v")).not_verified(UNREACHABLE);
        let screen = again.text(size);
        assert!(!screen.contains("R repair"), "{screen}");
        // What an earlier session verified is verified again first.
        let screen = unverified().verified(no_go()).text(size);
        assert!(!screen.contains("R repairs"), "{screen}");
    }
}

#[test]
fn a_check_says_what_it_waits_for() {
    let asked = unverified().press("v");
    assert_says(&asked.text((80, 24)), "waits until the verification has begun");
    assert_says(
        &verifying().press("jjjj").text((80, 24)),
        "waits until those before it are done",
    );
}

#[test]
fn the_scenes_add_up() {
    for found in [no_go(), go(), inconclusive()] {
        let number = |text: &str| text.replace(',', "").parse::<u64>().expect("a number");
        let words: Vec<&str> = found.checks[0].figure.split(' ').collect();
        let numbers = [words[0], words[3], words[6], words[9]].map(number);
        assert_eq!(numbers[0], numbers[1] + numbers[2] + numbers[3], "{words:?}");
        assert_eq!((found.points, found.rows), (numbers[0], numbers[1]));
    }
}

#[test]
fn on_a_low_terminal_what_has_the_keys_has_the_room() {
    let checks = row("counts", "pass");
    for (keys, shown) in [
        ("", true),
        ("\t", false),
        ("\n", false),
        ("\t\t\t", false),
        ("\n\u{1b}", true),
    ] {
        for (size, framed) in [((80, 24), false), ((200, 24), false), ((120, 40), true)] {
            let screen = decided(no_go()).press(keys).text(size);
            assert_eq!(
                screen.contains(&checks),
                shown || framed,
                "{keys:?} at {size:?}:\n{screen}"
            );
            assert_says(&screen, "NO-GO  the new store may not take over: 5 reasons");
        }
    }
}

#[test]
fn offenders_stand_beside_the_check_where_there_is_room() {
    for (size, seen, beside) in [
        ((200, 60), true, true),
        ((120, 40), true, true),
        ((99, 50), true, false),
        ((80, 24), false, false),
    ] {
        let scene = decided(no_go());
        assert_eq!(scene.text(size).contains("Offenders of ids"), seen, "{size:?}");
        if seen {
            let screen = scene.draw(COLORS, size);
            let (detail, offenders) = (find(&screen, "ids: 24 offenders"), find(&screen, "Offenders of ids"));
            assert_eq!(detail.1 == offenders.1, beside, "{size:?}");
        }
        // Where there are none, nothing is kept free for them.
        assert!(!decided(go()).text(size).contains("Offenders of"), "{size:?}");
    }
}

#[test]
fn the_tab_names_the_decision_while_there_is_room_and_it_holds() {
    let tabs = |scene: &Scene, width| {
        let screen = scene.text((width, 24));
        screen.lines().nth(1).unwrap_or_default().to_owned()
    };
    let decided_no = decided(no_go());
    assert_says(&tabs(&decided_no, 120), "4 Diff  5 Verify NO-GO  6 Search");
    assert_says(
        &tabs(&decided_no, 80),
        "2 Divergence 1,048  3 Failures  4 Diff  5 Verify  6 Search",
    );
    assert_says(&tabs(&decided(go()).press("1"), 120), "5 Verify GO  6 Search");
    for scene in [decided(earlier()), verifying(), going_on(decided(no_go()).press("v"))] {
        assert_says(&tabs(&scene, 120), "5 Verify  6 Search");
    }
    let scene = decided_no.press("1").click((120, 40), "5 Verify NO-GO");
    assert_eq!(scene.app.screen, Screen::Verify);
}

#[test]
fn before_anything_was_verified_the_next_step_is_named() {
    for size in SIZES {
        let screen = unverified().text(size);
        assert_says(&screen, "Nothing has been verified yet.");
        assert_says(&screen, "v verifies everything");
        assert!(!screen.contains("not now:"), "{screen}");
        let screen = running().press("5").text(size);
        assert_says(&screen, "not now: points are still being moved");
    }
}

// --- what is asked for

#[test]
fn a_click_chooses_a_check_and_an_offender() {
    for size in [(80, 24), (99, 50), (120, 40), (200, 60)] {
        let scene = decided(no_go()).click(size, &row("index", "inconclusive"));
        assert_eq!(scene.app.verify.check_id(), CheckId::Index, "{size:?}");
        let scene = scene.click(size, &row("ids", "FAIL"));
        // Where the offenders have no room beside the checks, they are opened first.
        let scene = if size.1 == 24 { scene.press("\n") } else { scene };
        let scene = scene.click(size, "1043");
        assert_eq!(scene.app.selected_id(), Some(PointId::Num(1_043)), "{size:?}");
        let scene = scene.press("\n");
        let ids = SampleOf::Ids(vec![PointId::Num(1_043)]);
        assert_eq!(scene.sent.last(), Some(&TaskCommand::SamplePairs(ids)));
        assert_eq!(scene.app.screen, Screen::Diff);
    }
}

#[test]
fn what_a_check_quotes_is_anybodys_text() {
    let hostile = "a\u{1b}[31m\u{202e}b";
    for keys in ["", "\t", "\n", "\t\t\t"] {
        for size in SIZES {
            let screen = decided(of_text(hostile)).press(keys).text(size);
            assert_says(&screen, "a\u{fffd}[31m\u{fffd}b");
            assert!(!screen.contains(['\u{1b}', '\u{202e}']), "{keys:?} at {size:?}");
        }
    }
    let offender = Offender {
        id: PointId::Num(1),
        what: hostile.into(),
    };
    let mut found = no_go();
    found.checks[1].offenders.shown = vec![offender];
    let screen = decided(found).press("\n").text((80, 24));
    assert_says(&screen, "a\u{fffd}[31m\u{fffd}b");
}

// --- sizes

#[test]
fn any_size_draws_without_a_panic() {
    // On the heap: a scene is large.
    let scenes: Vec<Scene> = vec![
        unverified(),
        verifying(),
        verifying().not_verified("no Qdrant"),
        decided(no_go()),
        decided(no_go()).press("\t"),
        decided(no_go()).press("j\nG"),
        decided(no_go()).press("\t\t\tG"),
        decided(go()).press("\tG"),
        decided(inconclusive()),
    ];
    for scene in &scenes {
        for width in (1..=210).step_by(19) {
            for height in (1..=70).step_by(4) {
                scene.draw(COLORS, (width, height));
                ui::reach::reach(&scene.app, Rect::new(0, 0, width, height));
            }
        }
    }
}
