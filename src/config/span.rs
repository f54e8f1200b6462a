//! Lengths of time in the configuration, as people write them: `"90s"`, `"30m"`, `"1h 30m"`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

/// The longest that can be asked for: seven days.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let span = SignedDuration::try_from(*span).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&format!("{span:#}"))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        D::Error::custom(format!(
            "{text:?} is no length of time; use for example \"90s\", \"30m\" or \"12h\""
        ))
    };
    let span: SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    let span = Duration::try_from(span).map_err(|_| wrong())?;
    if span > LONGEST {
        return Err(D::Error::custom(format!("{text:?} is more than 7 days")));
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        span: std::time::Duration,
    }

    #[test]
    fn lengths_are_read_as_people_write_them_and_written_back() {
        for (text, seconds, back) in [
            ("90s", 90, "1m 30s"),
            ("30m", 1_800, "30m"),
            ("1h 30m", 5_400, "1h 30m"),
            ("0s", 0, "0s"),
        ] {
            let holder: Holder = toml::from_str(&format!("span = {text:?}")).expect(text);
            assert_eq!(holder.span.as_secs(), seconds, "{text}");
            let written = toml::to_string(&holder).expect("written");
            assert_eq!(written.trim(), format!("span = {back:?}"));
        }
        for text in ["soon", "-5s", "8d", "1000h", ""] {
            assert!(toml::from_str::<Holder>(&format!("span = {text:?}")).is_err(), "{text}");
        }
    }
}
