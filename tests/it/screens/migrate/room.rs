//! What more room is used for, and what gives way where there is less.

use std::time::Duration;

use qlance::app::{Message, Screen};
use qlance::tasks::{Phase, Snapshot, TaskCommand};

use super::super::frame::assert_says;
use super::super::{SIZES, Scene, failures};
use super::{across, came_to, complete, half_way, plan, ready, running};

fn first_line(scene: &Scene) -> String {
    scene.text((80, 24)).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_money_goes_before_the_name_of_the_table_is_cut() {
    let long = Snapshot {
        elapsed: Duration::from_secs(3_723),
        ..across(Phase::Complete)
    };
    for (scene, wanted) in [
        (
            complete(),
            "messages -> choir.lance/messages   COMPLETE 04:14  $0.66  Q ok  E ok",
        ),
        (
            came_to(long).phase(Phase::Complete),
            "messages -> choir.lance/messages   COMPLETE 1:02:03  $0.66  Q ok  E ok",
        ),
        (
            running().take(Message::StopAsked),
            "messages -> choir.lance/messages   RUNNING 02:00 leaving  Q ok  E ok",
        ),
    ] {
        assert_eq!(first_line(&scene).trim_start(), format!("qlance  {wanted}"));
    }
}

#[test]
fn before_the_start_the_settings_stand_on_the_border_of_the_plan() {
    for size in SIZES {
        let screen = ready(plan()).text(size);
        for part in ["50 in flight", "100 inputs", "3,000 req", "1,200,000 tok"] {
            assert_says(&screen, part);
        }
    }
    let carrying = Scene::open().event(qlance::tasks::TaskEvent::Planned(Box::new(plan())));
    let screen = carrying.phase(Phase::Ready).text((80, 24));
    assert!(!screen.contains("in flight"), "nothing is embedded:\n{screen}");
}

#[test]
fn a_failure_that_is_long_goes_on_where_there_are_lines_and_each_of_them_opens_it() {
    let narrow = running().text((80, 24));
    assert!(!narrow.contains("9310 tokens"), "{narrow}");
    let wanted = failures::rows()
        .iter()
        .map(|row| row.id)
        .find(|id| id.to_string().starts_with("2f9a"))
        .expect("it is one of the rows");
    for text in ["2f9a..0002", "9310 tokens"] {
        let scene = running().click((120, 40), text);
        assert_eq!(scene.app.screen, Screen::Failures, "{text}");
        assert!(
            scene.sent.contains(&TaskCommand::ReadFailure(wanted)),
            "{text}: {:?}",
            scene.sent
        );
    }
    // What stands below it is still the one that is clicked.
    let scene = running().click((120, 40), "0b3d..0001");
    assert!(scene.app.failures.filter_text().starts_with("0b3d"));
}

#[test]
fn the_stages_say_it_in_full_where_there_is_room() {
    for (size, heading) in [
        ((80, 24), "flying queue    p50    p95  busy"),
        ((120, 40), "in flight queue    p50    p95  busy"),
    ] {
        let screen = running().text(size);
        for part in [heading, " 99 % <- limit", "   6 %"] {
            assert_says(&screen, part);
        }
    }
}

#[test]
fn nothing_is_counted_before_anything_is_compared() {
    for scene in [Scene::of("messages"), Scene::open().phase(Phase::Ready)] {
        let screen = scene.text((80, 24));
        for part in [
            " Similarity ",
            "nothing compared yet",
            " Points/s ",
            "nothing measured yet",
        ] {
            assert_says(&screen, part);
        }
        assert!(!screen.contains("divergent"), "{screen}");
    }
}

#[test]
fn the_chart_is_named_after_what_is_drawn_of_it() {
    for (size, seconds) in [((80, 24), 47), ((120, 40), 71), ((200, 60), 120)] {
        assert_says(&running().text(size), &format!("Points/s, last {seconds} s, peak "));
    }
}

#[test]
fn where_points_do_not_add_up_it_says_what_to_do_as_soon_as_it_can_be_done() {
    let off = |snapshot: Snapshot| Snapshot {
        written: snapshot.written - 1,
        ..snapshot
    };
    let over = off(across(Phase::Complete));
    let scene = Scene::open().take(Message::Snapshot(Box::new(over)));
    let screen = scene.phase(Phase::Complete).text((80, 24));
    assert_says(&screen, "points may be lost or doubled: 5 shows Verify, v says which");
    let scene = running().take(Message::Snapshot(Box::new(off(half_way()))));
    assert_says(&scene.text((120, 40)), "$0.3133 of $5.00, 2,410,000 tokens");
}

#[test]
fn the_footer_names_the_settings_together() {
    let scenes = [
        complete(),
        super::stopped(qlance::tasks::StopReason::ByOperator),
        running().phase(Phase::Pausing),
        running(),
    ];
    for scene in scenes {
        let screen = scene.text((120, 40));
        let footer = screen.lines().last().unwrap_or_default();
        assert!(footer.contains("+ faster  - slower  b batch  $ budget"), "{footer:?}");
        // Under the operator's own cap there is nothing to be tried.
        assert!(!footer.contains("n try now"), "{footer:?}");
    }
}
