//! JSON text to values, digit for digit. `serde_json`'s own number parser may be off by the last bit (its exact one is
//! a feature that every crate in the binary would have to be rebuilt for), and a payload must come back as it was.

use serde_json::value::RawValue;
use serde_json::{Error, Map, Number, Value};

/// Parses JSON text; floats by the standard library, which rounds correctly.
///
/// # Errors
/// The text is no JSON, or a number is out of range.
pub fn parse(text: &str) -> Result<Value, Error> {
    let text = text.trim_ascii();
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields: Map<String, Value> =
                serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(text)?
                    .into_iter()
                    .map(|(key, raw)| Ok((key, parse(raw.get())?)))
                    .collect::<Result<_, Error>>()?;
            Ok(Value::Object(fields))
        }
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)?
            .into_iter()
            .map(|raw| parse(raw.get()))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        Some(b'-' | b'0'..=b'9') => number(text),
        _ => serde_json::from_str(text),
    }
}

fn number(text: &str) -> Result<Value, Error> {
    // serde_json decides whether it is a number at all, and of which kind; integers it reads exactly.
    let value: Value = serde_json::from_str(text)?;
    if !value.is_f64() {
        return Ok(value);
    }
    let exact = text.parse::<f64>().ok().and_then(Number::from_f64);
    Ok(exact.map_or(value, Value::Number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_float_comes_back_to_the_last_bit(number in prop::num::f64::ANY) {
            if let Some(number) = Number::from_f64(number) {
                let text = serde_json::json!({"a": [{"b": number}]}).to_string();
                let back = parse(&text).expect("its own text");
                prop_assert_eq!(back["a"][0]["b"].as_f64().map(f64::to_bits), number.as_f64().map(f64::to_bits));
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "{\"a\":}", "[1,]", "01", "1.", "nul", "-", "{\"a\":1}x"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(parse(" 1 ").expect("a number"), serde_json::json!(1));
        assert_eq!(parse("1.0").expect("a number"), serde_json::json!(1.0));
    }
}
