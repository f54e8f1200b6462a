//! One embedding out of a server's answer, read in one go: base64 is decoded from the bytes of the answer themselves, a
//! list number by number. Made once for each of a request's inputs, so nothing is copied on the way.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Embedding;

/// What stands where an embedding should, or why it cannot be one. Whatever it is, the embeddings beside it can be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers(pub(super) Result<Embedding, String>);

/// Longest list that is made room for before its numbers are seen.
const MOST_EXPECTED: usize = 16_384;

fn neither<T>() -> Result<T, String> {
    Err("the embedding is neither base64 nor a list of numbers".into())
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an embedding")
            }

            fn visit_str<E>(self, text: &str) -> Result<Numbers, E> {
                Ok(Numbers(
                    qlance_numbers::from_base64(text).map_err(|error| error.to_string()),
                ))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
                let mut numbers = Vec::with_capacity(list.size_hint().unwrap_or(0).min(MOST_EXPECTED));
                let mut odd = false;
                while let Some(Number(number)) = list.next_element()? {
                    odd |= number.is_none();
                    numbers.extend(number);
                }
                Ok(Numbers(if odd { neither() } else { Ok(numbers.into()) }))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Numbers, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Numbers(neither()))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Numbers, E> {
                Ok(Numbers(neither()))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Numbers, E> {
                Ok(Numbers(neither()))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Numbers, E> {
                Ok(Numbers(neither()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Numbers, E> {
                Ok(Numbers(neither()))
            }

            fn visit_unit<E>(self) -> Result<Numbers, E> {
                Ok(Numbers(neither()))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// An element of a list; nothing where it is no number (servers write null for NaN).
struct Number(Option<f32>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(Some(number as f32)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number as f32)))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number as f32)))
            }

            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Number, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn read(json: &str) -> Result<Vec<f32>, String> {
        let numbers: Numbers = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        numbers.0.map(|embedding| embedding.to_vec())
    }

    #[test]
    fn both_forms_give_the_numbers() {
        let numbers = [1.0_f32, -2.5, 3e-20, f32::MAX];
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(read(&format!("\"{}\"", STANDARD.encode(bytes))), Ok(numbers.to_vec()));
        assert_eq!(
            read("[1, -2.5, 3e-20, 18446744073709551615]"),
            Ok(vec![1.0, -2.5, 3e-20, 1.844_674_4e19])
        );
        assert_eq!(read("[]"), Ok(Vec::new()));
        // An escape makes serde own the text first.
        assert_eq!(read(r#""AAAAAA\u003d=""#), Ok(vec![0.0]));
    }

    #[test]
    fn whatever_else_stands_there_is_read_to_its_end_and_said() {
        for json in [
            "null",
            "true",
            "5",
            "-5",
            "0.5",
            "{}",
            r#"{"a":[1,{"b":2}]}"#,
            "[1,null]",
            "[true]",
            r#"["1"]"#,
            "[[1]]",
            r#"[1,{"a":[]},2]"#,
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains("neither base64 nor a list"), "{json}: {error}");
        }
        assert!(read("\"***\"").expect_err("no base64").contains("no base64"));
        assert!(read("\"AAA=\"").expect_err("two bytes").contains("no whole number"));
    }

    #[test]
    fn more_than_f32_holds_is_not_finite_and_found_later() {
        assert_eq!(read("[1e300]"), Ok(vec![f32::INFINITY]));
    }
}
