//! Point ids: unsigned integers or UUIDs, in Qdrant's scroll order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The id of a point. The derived order is the order in which Qdrant scrolls: all integers first, then all UUIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PointId {
    /// An unsigned 64-bit integer.
    Num(u64),
    /// A UUID, compared byte by byte.
    Uuid(Uuid),
}

/// A text that is neither an unsigned integer nor a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no point id: an unsigned integer or a UUID is wanted")]
pub struct ParseIdError(pub String);

impl PointId {
    /// The id after this one in scroll order, or `None` after the last UUID. Scroll offsets are inclusive, so the
    /// cursor behind a settled point is its successor; it need not exist.
    pub fn successor(self) -> Option<Self> {
        match self {
            Self::Num(u64::MAX) => Some(Self::Uuid(Uuid::nil())),
            Self::Num(n) => Some(Self::Num(n + 1)),
            Self::Uuid(u) => u.as_u128().checked_add(1).map(|n| Self::Uuid(Uuid::from_u128(n))),
        }
    }

    /// 17 bytes that sort as the ids do: a tag (0 integer, 1 UUID) and the number, big-endian.
    pub fn sort_key(self) -> [u8; 17] {
        let mut key = [0; 17];
        let number = match self {
            Self::Num(n) => u128::from(n),
            Self::Uuid(u) => {
                key[0] = 1;
                u.as_u128()
            }
        };
        key[1..].copy_from_slice(&number.to_be_bytes());
        key
    }

    /// The inverse of [`PointId::sort_key`]; `None` for bytes that no id gives.
    pub fn from_sort_key(key: &[u8]) -> Option<Self> {
        let (tag, number) = key.split_first()?;
        let number = u128::from_be_bytes(number.try_into().ok()?);
        match tag {
            0 => u64::try_from(number).ok().map(Self::Num),
            1 => Some(Self::Uuid(Uuid::from_u128(number))),
            _ => None,
        }
    }
}

impl fmt::Display for PointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Num(n) => fmt::Display::fmt(n, f),
            Self::Uuid(u) => fmt::Display::fmt(u, f),
        }
    }
}

impl FromStr for PointId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `u64::from_str` takes a leading plus, which would give one id two spellings.
        if text.bytes().all(|b| b.is_ascii_digit())
            && let Ok(n) = text.parse()
        {
            return Ok(Self::Num(n));
        }
        Uuid::try_parse(text)
            .map(Self::Uuid)
            .map_err(|_| ParseIdError(text.chars().take(80).collect()))
    }
}

impl Serialize for PointId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Num(n) => serializer.serialize_u64(*n),
            Self::Uuid(u) => serializer.collect_str(u),
        }
    }
}

impl<'de> Deserialize<'de> for PointId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Num(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Num(n) => Ok(Self::Num(n)),
            Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_id() -> impl Strategy<Value = PointId> {
        prop_oneof![
            any::<u64>().prop_map(PointId::Num),
            prop_oneof![Just(0), Just(u64::MAX), Just(u64::MAX - 1)].prop_map(PointId::Num),
            any::<u128>().prop_map(|n| PointId::Uuid(Uuid::from_u128(n))),
        ]
    }

    proptest! {
        #[test]
        fn text_json_and_sort_key_come_back(id in any_id()) {
            prop_assert_eq!(id.to_string().parse::<PointId>(), Ok(id));
            let json = serde_json::to_string(&id).expect("an id is JSON");
            prop_assert_eq!(serde_json::from_str::<PointId>(&json).expect("its own JSON"), id);
            prop_assert_eq!(PointId::from_sort_key(&id.sort_key()), Some(id));
        }

        #[test]
        fn sort_key_orders_as_the_ids_do(a in any_id(), b in any_id()) {
            prop_assert_eq!(a.cmp(&b), a.sort_key().cmp(&b.sort_key()));
        }

        #[test]
        fn nothing_lies_between_an_id_and_its_successor(a in any_id(), b in any_id()) {
            if let Some(next) = a.successor() {
                prop_assert!(a < next);
                prop_assert!(b <= a || b >= next);
            }
        }
    }

    #[test]
    fn a_leading_plus_or_an_empty_text_is_no_id() {
        for text in ["", "+1", "-1", "1.0", "18446744073709551616", "no-id"] {
            assert!(text.parse::<PointId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_integers_end_where_the_uuids_begin() {
        assert_eq!(PointId::Num(u64::MAX).successor(), Some(PointId::Uuid(Uuid::nil())));
        assert_eq!(PointId::Uuid(Uuid::max()).successor(), None);
    }
}
