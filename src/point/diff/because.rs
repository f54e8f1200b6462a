//! Why a point is missing or differs, where that is known.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why a point is missing or differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It could not be carried over: the chain of messages.
    Failed(String),
    /// It was given up, for this reason.
    Skipped(String),
    /// Its content was edited by hand, and begins like this since.
    Edited(String),
    /// What Qdrant has of it cannot be read.
    Unreadable(String),
}

impl Because {
    /// Whether the journal knows it: then it is no surprise.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unreadable(_))
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, what) = match self {
            Self::Failed(error) => ("failed", error),
            Self::Skipped(reason) => ("skipped", reason),
            Self::Edited(beginning) => ("edited by hand", beginning),
            Self::Unreadable(error) => ("cannot be read from Qdrant", error),
        };
        write!(f, "{kind}: {what}")
    }
}

impl Serialize for Because {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_and_written_in_the_same_words() {
        for (because, words, known) in [
            (Because::Failed("400".into()), "failed: 400", true),
            (Because::Skipped("a double".into()), "skipped: a double", true),
            (Because::Edited("Rain.".into()), "edited by hand: Rain.", true),
            (
                Because::Unreadable("1e400".into()),
                "cannot be read from Qdrant: 1e400",
                false,
            ),
        ] {
            assert_eq!((because.to_string().as_str(), because.is_known()), (words, known));
            assert_eq!(serde_json::to_value(&because).expect("it is text"), words);
        }
    }
}
