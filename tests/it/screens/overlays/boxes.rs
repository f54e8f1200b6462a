//! What a box over a screen says of itself: its title, how much of it is seen, its keys once, and what its styles mean.

use qlance::app::actions::ACTIONS;
use qlance::tasks::{Level, TaskEvent};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::super::frame::{assert_says, boxes, find, is_reversed, style_of};
use super::super::migrate::{complete, running};
use super::super::{COLORS, PLAIN, SIZES, Scene, diff, divergence, failures};
use super::{footer, gone, log};

/// The box whose title begins so: left, top, right, bottom.
#[track_caller]
fn box_of(screen: &Buffer, title: &str) -> [u16; 4] {
    let (_, top) = find(screen, title);
    // The pane behind it has a corner further right on the same line.
    let on_top = boxes(screen).into_iter().filter(|[_, y, ..]| *y == top);
    let found = on_top.min_by_key(|[left, _, right, _]| right - left);
    found.unwrap_or_else(|| panic!("{title:?} is no title"))
}

// --- titles and keys

#[test]
fn a_box_is_called_what_it_is_about_and_says_its_keys_once() {
    for (scene, title) in [
        (running().press("q"), "> Quit? "),
        (failures::listed().press("R"), "> Retry? "),
        (divergence::listed().press("K"), "> Keep Qdrant's vector? "),
        (divergence::listed().press("  r"), "> Embed again? "),
        (
            complete().press("1").event(TaskEvent::Compared(Ok(gone()))),
            "> Catch up? ",
        ),
        (running().press("$"), "> Budget "),
        (running().press("b"), "> Batch "),
        (failures::listed().press("s"), "> Skip 2 points "),
        (failures::listed().press("E"), "> Export failures "),
        (diff::listed().press("i"), "> Compare a point "),
        (failures::listed().press(":"), "> Commands: 1 of "),
        (failures::listed().press("?"), "> Help: Failures "),
    ] {
        for size in SIZES {
            let screen = scene.text(size);
            assert_says(&screen, title);
            let said = screen.matches("Esc ").count();
            // Help and the palette name it as an action too.
            let listed = usize::from(title.contains("Commands") || title.contains("Help"));
            assert!((1..=1 + listed).contains(&said), "{title} at {size:?}:\n{screen}");
        }
    }
}

#[test]
fn the_keys_of_a_box_stay_beside_a_message() {
    let long = "a word of it ".repeat(30);
    for (scene, keys) in [
        (running().press("q"), " c s r choose  Enter carry out  Esc cancel"),
        (running().press("$"), " Enter take  Esc leave"),
        (running().press(":"), " Up Down choose  Enter do it  Esc close"),
        (running().press("?"), " Up Down scroll  Esc close"),
    ] {
        let scene = scene.note(Level::Warn, &long);
        for size in [(60, 16), (80, 24)] {
            let footer = footer(&scene, size);
            assert!(footer.starts_with(" a word"), "{footer:?}");
            assert!(footer.ends_with(&format!("~ {keys}")), "{footer:?}");
        }
    }
}

// --- help

#[test]
fn help_says_how_much_of_it_is_not_seen() {
    let help = failures::listed().press("?");
    assert_says(&help.text((80, 24)), " more below ─");
    assert_says(&failures::listed().press("?jjj").text((80, 24)), " 3 more above, ");
    assert!(!help.text((200, 60)).contains(" more below"));
}

#[test]
fn help_begins_with_the_keys_of_the_screen() {
    for (digit, first, later) in [
        ("3", "Open what is selected.", "Pause: start nothing new"),
        ("7", "Show all lines, warnings", "Pause: start nothing new"),
        ("1", "Pause: start nothing new", "Wait no longer for an outage"),
    ] {
        let screen = failures::listed().press(&format!("{digit}?")).draw(COLORS, (120, 40));
        let (_, above) = find(&screen, first);
        let (_, below) = find(&screen, later);
        assert!(above < below, "{digit}: {first:?}");
    }
}

#[test]
fn ways_that_lead_nowhere_are_dim_in_help_with_their_keys() {
    let style = |scene: &Scene, text: &str| style_of(&scene.draw(COLORS, (120, 40)), text);
    let dim = (Color::Reset, Modifier::DIM);
    let plain = (Color::Reset, Modifier::empty());
    for (digit, text, wanted) in [
        ("7", "To the left.", dim),
        ("7", "Left h", dim),
        ("7", "To the next pane", dim),
        ("7", "Back to the newest line. (not now: it is selected already)", dim),
        ("7", "Move in the list.", plain),
        ("1", "Move in the list. (not now: there is no list here)", dim),
        ("1", "One step back", dim),
        ("3", "Move in the list.", plain),
        ("3", "One step back", plain),
        ("2", "To the left.", plain),
    ] {
        let scene = failures::listed().press(&format!("{digit}?"));
        assert_eq!(style(&scene, text), wanted, "{digit}: {text}");
    }
    let further_up = log().press("k?");
    assert_eq!(style(&further_up, "Back to the newest line."), plain);
    assert_eq!(style(&further_up, "Esc"), (Color::Cyan, Modifier::empty()));
}

// --- the palette

#[test]
fn the_palette_is_as_high_as_what_is_found_and_its_first_line_stays() {
    for size in SIZES {
        let height = |keys: &str| {
            let scene = failures::listed().press(keys);
            let screen = scene.draw(COLORS, size);
            let [_, top, _, bottom] = box_of(&screen, "> Commands");
            assert_eq!(top, 2, "{keys} at {size:?}");
            let found = scene.app.palette.as_ref().map_or(0, |palette| palette.found.len());
            (bottom - top + 1, found as u16)
        };
        let (all, found) = height(":");
        assert_eq!((all, usize::from(found)), (size.1 - 3, ACTIONS.len()));
        let (some, found) = height(":rtall");
        // What is typed, the found, two lines and the border; where hardly a row would be left, all there is.
        let wanted = if found + 5 + 3 > all { all } else { found + 5 };
        assert_eq!(some, wanted, "{size:?}");
        assert_eq!(height(":zzzz"), (4, 0));
    }
    let wide = box_of(&failures::listed().press(":").draw(COLORS, (200, 60)), "> Commands");
    assert_eq!(wide[2] - wide[0] + 1, 116);
    let second = failures::listed().press(":").key(crossterm::event::KeyCode::Down);
    assert_says(&second.text((80, 24)), &format!("Commands: 2 of {}", ACTIONS.len()));
}

#[test]
fn where_no_action_fits_only_the_way_out_is_offered() {
    let nothing = failures::listed().press(":zzzz");
    assert_says(&nothing.text((80, 24)), &format!("0 of {}; Esc closes", ACTIONS.len()));
    assert_eq!(footer(&nothing, (80, 24)), " Esc close");
}

#[test]
fn what_cannot_be_done_is_dim_in_the_palette_and_what_is_selected_is_lit_from_edge_to_edge() {
    let screen = failures::listed().press(":rtall").draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "retry-all", 1..119));
    // Neither belongs to this screen; the one that is typed in full is selected.
    let elsewhere = running().press(":retry").draw(COLORS, (120, 40));
    let (x, y) = find(&elsewhere, "retry-all");
    let key = &elsewhere[(x + 20, y)];
    assert_eq!((key.symbol(), key.fg), ("R", Color::Reset));
    for place in [x, x + 20, x + 31] {
        assert!(elsewhere[(place, y)].modifier.contains(Modifier::DIM), "column {place}");
    }
    let here = failures::listed().press(":retry").draw(COLORS, (120, 40));
    let (x, y) = find(&here, "retry-all");
    let key = &here[(x + 20, y)];
    assert_eq!(
        (key.symbol(), key.fg, key.modifier),
        ("R", Color::Cyan, Modifier::empty())
    );
    assert_says(&failures::listed().press(":retry-all").text((120, 40)), "Asks first.");
    // Below it stands once more only what its row cuts.
    for (size, times) in [((80, 24), 2), ((200, 60), 1)] {
        let screen = failures::listed().press(":retry-all").text(size);
        assert_eq!(screen.matches("Try all failed points again").count(), times, "{screen}");
    }
}

// --- questions

#[test]
fn a_choice_that_deletes_is_red_and_selected_it_is_so_too() {
    let asked = || complete().press("1").event(TaskEvent::Compared(Ok(gone())));
    let (keeps, deletes) = (
        "Bring over 30 points, delete nothing",
        "Bring over 30 points, and delete 4 rows",
    );
    let screen = asked().draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, keeps), (Color::Reset, Modifier::empty()));
    assert_eq!(style_of(&screen, deletes), (Color::Red, Modifier::BOLD));
    let plain = asked().draw(PLAIN, (80, 24));
    assert_eq!(style_of(&plain, deletes), (Color::Reset, Modifier::BOLD));
    let chosen = asked().press("d").draw(COLORS, (80, 24));
    let selected = Modifier::BOLD | Modifier::REVERSED;
    assert_eq!(style_of(&chosen, deletes), (Color::Red, selected));
    assert_eq!(style_of(&chosen, "Cancel: go back"), (Color::Reset, Modifier::empty()));
}

#[test]
fn what_embedding_again_costs_is_told_with_the_number() {
    let screen = divergence::listed().press("  r").text((80, 24));
    assert_says(
        &screen,
        "Embed 4 points again? By what was paid so far: about $0.000013.",
    );
    assert_says(&screen, "e   Embed 4 points again ");
}

#[test]
fn the_tab_of_a_question_that_waits_is_marked_until_it_is_asked() {
    let waiting = complete().press("7").event(TaskEvent::Compared(Ok(gone())));
    assert_says(&footer(&waiting, (80, 24)), "34 points differ: 1 asks what to do");
    let waiting = waiting.later();
    for (size, label) in [
        ((60, 16), " 1 Migr ? "),
        ((80, 24), " 1 Migrate ? "),
        ((200, 60), " 1 Migrate ? "),
    ] {
        let screen = waiting.draw(COLORS, size);
        let tabs = waiting.text(size).lines().nth(1).unwrap_or_default().to_owned();
        assert!(tabs.contains(label), "{tabs:?}");
        // What has failed is counted as long as the names are whole.
        let is_counted = tabs.contains(" 3 Failures 11 ");
        assert_eq!(is_counted, size.0 >= 80, "{tabs:?}");
        assert_eq!(style_of(&screen, label), (Color::Yellow, Modifier::BOLD), "{size:?}");
    }
    let asked = waiting.click((80, 24), "1 Migrate ?");
    assert!(asked.app.confirm.is_some());
    let tabs = asked.text((80, 24)).lines().nth(1).unwrap_or_default().to_owned();
    assert!(!tabs.contains('?'), "{tabs:?}");
}

// --- the log

#[test]
fn a_log_that_is_read_further_up_says_that_it_does_not_follow() {
    for size in SIZES {
        assert!(!log().text(size).contains("newer below"), "{size:?}");
        let screen = log().press("kkkkkk").text(size);
        assert_says(&screen, "Log: all levels; 6 newer below; G follows (file: ");
        assert_says(&screen, "log.jsonl)");
    }
    let narrow = log().press("fkk").text((60, 16));
    assert_says(&narrow, "Log: warnings and errors; 2 newer below; G follows ");
    assert!(!narrow.contains("(file"), "{narrow}");
}

#[test]
fn the_log_says_what_is_a_point_and_f_leads_back_from_where_there_is_nothing() {
    let screen = log().text((80, 24));
    for line in ["point 17 failed: no_content: ", "point 17 recovered"] {
        assert_says(&screen, line);
    }
    let nothing = Scene::open().press("7f");
    assert_says(&nothing.text((80, 24)), "0 of 1 line; f shows all");
    assert_says(&nothing.press("f").text((80, 24)), "opened messages-to");
}

#[test]
fn a_cause_has_one_name_on_every_screen() {
    let migrate = running().text((200, 60));
    assert_says(&migrate, " too_long: ");
    assert_says(&failures::listed().text((200, 60)), " too_long ");
}
