//! What the work is about just now: what is the matter first, then what is done about it and what the operator can do.

use std::time::Duration;

use ratatui::style::Style;

use crate::app::actions::ActionId;
use crate::app::{App, Screen};
use crate::point::counted;
use crate::tasks::meters::{Bound, Cap, Waiting};
use crate::tasks::{Phase, StopReason};
use crate::ui::chrome::{decided, key_of};
use crate::ui::text::{clean, count, fit, wrap, wrap_to};
use crate::ui::theme::Theme;

/// A few words on where the work stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Now {
    /// What is the case. May be foreign, and of any length.
    what: String,
    /// What is done about it, and what can be done; empty where there is nothing to say.
    then: String,
}

impl Now {
    fn of(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            then: String::new(),
        }
    }

    fn then(what: impl Into<String>, then: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            then: then.into(),
        }
    }

    /// It in at most so many lines, and in as few as hold it. Where not all of it fits, the end of what is the case
    /// goes, not what can be done.
    pub(super) fn lines(&self, width: usize, most: usize) -> Vec<String> {
        if most == 0 || self.what.is_empty() && self.then.is_empty() {
            return vec![String::new(); most.min(1)];
        }
        // A line break of the server's would spend a line on nothing.
        let what = clean(&self.what).trim().to_owned();
        let whole = if self.then.is_empty() {
            what.clone()
        } else {
            format!("{what}; {}", self.then)
        };
        let flowing = wrap_to(&whole, width, most + 1);
        if flowing.len() == 1 {
            return flowing;
        }
        let then = match self.then.as_str() {
            "" => Vec::new(),
            then => wrap(then, width),
        };
        // Each on lines of its own is easier to read, where that costs none.
        let apart = wrap_to(&what, width, most + 1);
        if apart.len() + then.len() <= most {
            return [apart, then].concat();
        }
        if flowing.len() <= most {
            return flowing;
        }
        let room = most.saturating_sub(then.len()).max(1);
        let mut lines = apart;
        if lines.len() > room {
            lines.truncate(room);
            if let Some(last) = lines.last_mut() {
                // The sign of the cut has a column of its own.
                *last = format!("{}~", fit(last, width.saturating_sub(1)).trim_end_matches('~'));
            }
        }
        lines.extend(then);
        lines.truncate(most);
        lines
    }
}

/// How something looks, by the theme.
type Look = fn(Theme) -> Style;

fn plain(_: Theme) -> Style {
    Style::new()
}

/// What is to be said, and how it looks.
pub(super) fn now(app: &App) -> (Now, Look) {
    let snapshot = &app.snapshot;
    let key = |id| key_of(app, id);
    if app.leaving {
        return (leaving(&app.phase), Theme::warn);
    }
    match &app.phase {
        Phase::Connecting => (Now::of("asking Qdrant, LanceDB and the embedder ..."), Theme::dim),
        Phase::Ready => (
            Now::then(
                "nothing has begun, and there is no plan to show",
                format!("{} starts", key(ActionId::Start)),
            ),
            Theme::accent,
        ),
        // How far it is, the gauge says.
        Phase::Finishing(_) => (
            Now::of("no point is left to move; the table is being finished"),
            Theme::accent,
        ),
        Phase::Comparing => (Now::of("comparing both stores; nothing is written"), Theme::accent),
        Phase::CatchingUp => (Now::of("bringing over what differs ..."), Theme::accent),
        Phase::Complete if snapshot.failed > 0 => {
            let them = if snapshot.failed == 1 { "it" } else { "them" };
            // The second key is the Failures screen's: it does nothing here.
            let text = format!(
                "complete; {} failed: {} shows {them}; {} there retries {them}",
                counted(snapshot.failed, "point", "points"),
                key(ActionId::Show(Screen::Failures)),
                key(ActionId::RetryAll)
            );
            (Now::of(text), Theme::warn)
        }
        // True, and seldom what was meant.
        Phase::Complete if snapshot.total == 0 && snapshot.settled() == 0 => (
            Now::then("complete: the collection has no points", "check source.collection"),
            Theme::warn,
        ),
        Phase::Complete => (complete(app, &key), Theme::good),
        Phase::Stopped(reason) => stopped(reason, &key),
        Phase::Failed(_) => (Now::of("it could not begin, for the reason below"), Theme::bad),
        Phase::Stopping => (Now::of("stopping: what is embedded is being committed"), Theme::warn),
        Phase::Pausing => (Now::of("pausing: waiting for what is in flight"), Theme::warn),
        Phase::Paused => (
            Now::of(format!("paused; {} goes on", key(ActionId::PauseOrResume))),
            Theme::warn,
        ),
        Phase::Running => match (&snapshot.waiting, snapshot.bound) {
            (Some(waiting), _) => (waits(waiting, &key), Theme::warn),
            (None, Some(bound @ Bound::Requests)) => {
                let more = format!("{} allows more", key(ActionId::Faster));
                (Now::then(bound.describe(), more), plain)
            }
            (None, Some(bound)) => (Now::of(bound.describe()), plain),
            (None, None) => (Now::default(), plain),
        },
    }
}

/// What to do about points that do not add up: the verification looks at every one, once nothing is written any more.
pub(super) fn when_off(app: &App) -> Option<String> {
    let at_once = match &app.phase {
        _ if app.snapshot.off_by() == 0 => return None,
        // Its own words say it.
        Phase::Stopped(StopReason::Broken(_)) | Phase::Failed(_) => return None,
        phase => !phase.is_working(),
    };
    Some(format!(
        "points may be lost or doubled: {}{} shows Verify, {} says which",
        if at_once { "" } else { "once it has ended, " },
        key_of(app, ActionId::Show(Screen::Verify)),
        key_of(app, ActionId::Verify)
    ))
}

/// Nothing failed: what is left to do is to have it verified, where that was not done.
fn complete(app: &App, key: &dyn Fn(ActionId) -> String) -> Now {
    let shows = format!("{} shows", key(ActionId::Show(Screen::Verify)));
    if app.verify.is_running() {
        Now::then("complete, and being verified", format!("{shows} how far"))
    } else if decided(app).is_empty() {
        Now::then(
            "complete",
            format!("{shows} Verify: {} verifies", key(ActionId::Verify)),
        )
    } else {
        Now::of("complete")
    }
}

/// What is still waited for, and how to wait no longer.
fn leaving(phase: &Phase) -> Now {
    let until = match phase {
        Phase::Running | Phase::Pausing | Phase::Paused | Phase::Stopping => "what is embedded is committed",
        _ => "what is under way has ended",
    };
    Now::then(format!("leaving as soon as {until}"), "Ctrl-C leaves at once")
}

/// Why it stopped, and how it goes on. What should never be looks like an error.
fn stopped(reason: &StopReason, key: &dyn Fn(ActionId) -> String) -> (Now, Look) {
    let look: Look = match reason {
        StopReason::Broken(_) => Theme::bad,
        StopReason::ByOperator | StopReason::NotAsked | StopReason::Budget(_) | StopReason::Trouble(_) => Theme::warn,
    };
    let what = reason.to_string();
    let now = match reason {
        StopReason::Budget(_) => Now::then(what, format!("{} raises it and goes on", key(ActionId::Budget))),
        // Gone on with, it would only stop again.
        StopReason::Broken(why) if why.contains("verify --repair") => {
            let then = format!(
                "{} shows Verify: {} verifies, {} repairs; then {} goes on",
                key(ActionId::Show(Screen::Verify)),
                key(ActionId::Verify),
                key(ActionId::Repair),
                key(ActionId::PauseOrResume)
            );
            Now::then(without_the_command(why), then)
        }
        _ => Now::then(what, format!("{} goes on", key(ActionId::PauseOrResume))),
    };
    (now, look)
}

/// What is the case, without the command that mends it: this console's own lock keeps that out.
fn without_the_command(why: &str) -> &str {
    let before = why.split("`qlance verify").next().unwrap_or(why);
    before.trim_end_matches([' ', '.', ';'])
}

/// What is wrong, what is done about it, and what the operator can do.
fn waits(waiting: &Waiting, key: &dyn Fn(ActionId) -> String) -> Now {
    let left = waiting
        .left
        .map_or_else(String::new, |left| format!(" in {} s", count(left.as_secs())));
    let now = if waiting.ends_on_a_try() {
        format!(" ({}: now)", key(ActionId::TryNow))
    } else {
        String::new()
    };
    let then = match (&waiting.outage, waiting.cap) {
        (Some(outage), _) => format!(
            "try {}{left}{now}; down for {}, stops after {}",
            count(u64::from(outage.tries) + 1),
            span(outage.lasted),
            span(outage.patience),
        ),
        (None, Some(cap)) => {
            let moves = match cap {
                Cap::Requests(_) => ActionId::RequestsPerMinute,
                Cap::Tokens(_) => ActionId::TokensPerMinute,
            };
            format!("goes on{left}; {} moves it", key(moves))
        }
        (None, None) => format!("goes on{left}{now}"),
    };
    Now::then(waiting.reason.clone(), then)
}

/// A length of time in its largest unit.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::meters::Outage;
    use crate::ui::text::columns;

    #[test]
    fn it_takes_as_few_lines_as_hold_it_and_the_cause_comes_first() {
        let short = Now::then("it is down", "p goes on");
        assert_eq!(short.lines(30, 2), ["it is down; p goes on"]);
        assert_eq!(short.lines(15, 2), ["it is down", "p goes on"]);
        let longer = Now::then("one two three four", "p goes on");
        assert_eq!(longer.lines(16, 2), ["one two three", "four; p goes on"]);
        assert_eq!(longer.lines(16, 3), ["one two three", "four", "p goes on"]);
        assert_eq!(Now::default().lines(16, 2), [""]);
        assert!(longer.lines(16, 0).is_empty());
    }

    #[test]
    fn now_is_offered_for_what_a_try_ends_and_a_cap_is_moved() {
        let outage = Outage {
            of: "embedder",
            lasted: Duration::from_secs(45),
            tries: 5,
            patience: Duration::from_secs(1_800),
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (left, outage, cap, wanted) in [
            (
                seconds(8),
                Some(outage),
                None,
                "try 6 in 8 s (TryNow: now); down for 45 s, stops after 30 min",
            ),
            (seconds(30), None, None, "goes on in 30 s (TryNow: now)"),
            (
                seconds(3),
                None,
                Some(Cap::Tokens(600)),
                "goes on in 3 s; TokensPerMinute moves it",
            ),
            (
                seconds(3),
                None,
                Some(Cap::Requests(60)),
                "goes on in 3 s; RequestsPerMinute moves it",
            ),
            (None, None, None, "goes on"),
        ] {
            let waiting = Waiting {
                reason: "why".into(),
                left,
                outage,
                cap,
            };
            let now = waits(&waiting, &|id| format!("{id:?}"));
            assert_eq!(now, Now::then("why", wanted));
        }
    }

    #[test]
    fn of_two_ways_out_the_one_that_is_kept_out_is_not_named() {
        for (why, what) in [
            (
                "it has 1; something wrote to it. `qlance verify` says what",
                "it has 1; something wrote to it",
            ),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(without_the_command(why), what);
        }
    }

    #[test]
    fn what_can_be_done_is_seen_however_long_the_cause_is() {
        let broken = Now::then("500:\n\nno\n", "p goes on");
        assert_eq!(broken.lines(30, 2), ["500:  no; p goes on"]);
        let endless = Now::then("word ".repeat(1_000), "p goes on");
        let lines = endless.lines(16, 2);
        assert_eq!(lines, ["word word word~", "p goes on"]);
        for (width, most) in [(1, 1), (2, 3), (10, 1), (78, 2)] {
            let lines = endless.lines(width, most);
            assert!(lines.len() <= most, "{lines:?}");
            assert!(lines.iter().all(|line| columns(line) <= width), "{lines:?}");
        }
    }
}
