//! Ages grow while nothing happens. A screen that shows one is drawn anew when nothing was drawn for a minute; any
//! other screen is left alone. So an age is never behind by more than a minute, and an idle console is silent between.

use std::time::{Duration, Instant};

use crate::app::divergence::Asked;
use crate::app::{App, Screen};

/// How far an age that is shown may lie behind.
const BEHIND: Duration = Duration::from_secs(60);

/// Whether the ages on a screen that was drawn then must be drawn anew.
pub(super) fn grew(shown: bool, drawn: Instant, now: Instant) -> bool {
    shown && now.saturating_duration_since(drawn) >= BEHIND
}

/// Whether the screen shows how long ago something was.
pub(super) fn are_shown(app: &App) -> bool {
    match app.screen {
        Screen::Failures => app.failures.total() > 0 || app.failures.detail.is_some(),
        Screen::Divergence => match &app.divergence.detail {
            Asked::Here(detail) => detail.decided.is_some() || detail.edit.is_some(),
            _ => false,
        },
        Screen::Verify => app.verify.found().is_some(),
        Screen::Migrate | Screen::Diff | Screen::Search | Screen::Log => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::Message;
    use crate::config::Config;
    use crate::point::verdict::Decision;
    use crate::tasks::TaskEvent;
    use crate::tasks::verify::Verification;

    #[test]
    fn how_long_ago_was_verified_is_an_age() {
        let job = "[source]\ncollection = \"messages\"\n[target]\nuri = \"choir.lance\"\ntable = \"messages\"\n";
        let config = Config::parse(job, "qlance.toml", Path::new(".")).expect("a configuration");
        let now = Instant::now();
        let mut app = App::new(&config, now).expect("the registry's own keys");
        app.screen = Screen::Verify;
        assert!(!are_shown(&app), "nothing was decided yet");
        let found = Verification {
            decision: Decision::Go,
            reasons: Vec::new(),
            collection: "messages".into(),
            qdrant_version: "1.18.0".into(),
            table: "choir.lance/messages".into(),
            table_version: 7,
            points: 20_000,
            rows: 20_000,
            sample: None,
            seed: 1,
            checks: Vec::new(),
            began_at: 0,
            took: Duration::from_secs(41),
        };
        app.update(Message::Event(TaskEvent::Verified(Ok(Box::new(found)))), now);
        assert!(are_shown(&app));
        app.screen = Screen::Log;
        assert!(!are_shown(&app));
    }

    #[test]
    fn once_a_minute_and_only_where_an_age_is_shown() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let (mut drawn, mut frames) = (begun, Vec::new());
        for second in 0..200 {
            assert!(!grew(false, begun, at(second)), "no age, no frame");
            if grew(true, drawn, at(second)) {
                drawn = at(second);
                frames.push(second);
            }
        }
        assert_eq!(frames, [60, 120, 180]);
        assert!(!grew(true, at(5), begun), "a clock is never trusted to go on");
    }
}
