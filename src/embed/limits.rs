//! What a server says of its own limits in the headers of every answer, in the spellings that are in use:
//! `x-ratelimit-remaining-requests: 0` with `x-ratelimit-reset-requests: 6m0s` (OpenAI: durations), the same with Unix
//! seconds or milliseconds (`OpenRouter`, GitHub), `ratelimit-remaining` with seconds (IETF draft), and `Retry-After`.

use std::time::{Duration, SystemTime};

use jiff::SignedDuration;

/// The longest pause a server may ask for at once; it will say so again if it is not enough.
const LONGEST: Duration = Duration::from_secs(600);

/// The server wants no request for so long, because a limit is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp {
    /// Until the limit is renewed.
    pub wait: Duration,
    /// Which limit, in words for the screen.
    pub what: &'static str,
}

/// Remaining, reset, and how it is called on the screen.
const LIMITS: [(&str, &str, &str); 4] = [
    (
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "throttled: the provider's requests/min are used up",
    ),
    (
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "throttled: the provider's tokens/min are used up",
    ),
    (
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "throttled: the provider's limit is used up",
    ),
    (
        "ratelimit-remaining",
        "ratelimit-reset",
        "throttled: the provider's limit is used up",
    ),
];

/// Reads the limits of an answer: the one that is used up for longest, if any is.
pub fn used_up<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Option<UsedUp> {
    LIMITS
        .iter()
        .filter_map(|(remaining, reset, what)| {
            let left: f64 = header(remaining)?.trim().parse().ok()?;
            let wait = until_reset(header(reset)?, now).filter(|wait| left < 1.0 && !wait.is_zero())?;
            Some(UsedUp { wait, what })
        })
        .max_by_key(|used_up| used_up.wait)
}

/// Reads a time of renewal: a duration (`20ms`, `1m30s`), seconds, Unix seconds or Unix milliseconds.
fn until_reset(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(number) if number > 1e12 => since(number / 1e3, now)?,
        Ok(number) if number > 1e9 => since(number, now)?,
        Ok(number) => Duration::try_from_secs_f64(number).ok()?,
        Err(_) => Duration::try_from(value.parse::<SignedDuration>().ok()?).ok()?,
    };
    Some(wait.min(LONGEST))
}

fn since(unix: f64, now: SystemTime) -> Option<Duration> {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(unix).ok()?)?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// Reads `Retry-After`: seconds, or an HTTP date.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let pause = match value.trim().parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => Duration::try_from_secs_f64(seconds).ok()?,
        Ok(_) => return None,
        Err(_) => httpdate::parse_http_date(value.trim())
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(pause.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    #[test]
    fn the_time_of_renewal_is_read_in_every_spelling() {
        for (value, expected) in [
            ("20ms", Some(20)),
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("1m30.5s", Some(90_500)),
            ("2h", Some(600_000)),
            ("0.25", Some(250)),
            ("12", Some(12_000)),
            ("1700000030", Some(30_000)),
            ("1700000030000", Some(30_000)),
            ("1600000000", Some(0)),
            ("soon", None),
            ("-5", None),
            ("-5s", None),
        ] {
            let wait = until_reset(value, now()).map(|wait| wait.as_millis());
            assert_eq!(wait, expected, "{value}");
        }
    }

    #[test]
    fn only_a_limit_that_is_used_up_holds_and_the_longest_wins() {
        let read = |headers: &[(&str, &'static str)]| {
            used_up(
                |name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value),
                now(),
            )
        };
        let plenty = [
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
        ];
        assert_eq!(read(&plenty), None);
        assert_eq!(read(&[("x-ratelimit-remaining-requests", "0")]), None, "until when?");
        let tokens = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let used_up = read(&tokens).expect("used up");
        assert_eq!(used_up.wait, Duration::from_secs(360));
        assert!(used_up.what.contains("tokens/min"), "{}", used_up.what);
        let draft = [("ratelimit-remaining", "0"), ("ratelimit-reset", "7")];
        assert_eq!(read(&draft).map(|used_up| used_up.wait.as_secs()), Some(7));
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("20", Some(20)),
            ("0.5", Some(0)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999", Some(600)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(
                retry_after(value, now).map(|pause| pause.as_secs()),
                expected,
                "{value}"
            );
        }
    }
}
