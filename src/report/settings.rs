//! The effective configuration as the report shows it. Secrets are not in it to begin with (it holds names of variables
//! and files); addresses lose what may be one: the user's part and everything from the question mark on.

use serde_json::Value;

use super::words::clean;
use crate::config::{Config, without_credentials};

/// The configuration with every default, as one JSON object.
pub(super) fn shown(config: &Config) -> Value {
    let mut value = serde_json::to_value(config).unwrap_or(Value::Null);
    mend(&mut value);
    value
}

fn mend(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(mend),
        Value::Array(list) => list.iter_mut().for_each(mend),
        Value::String(text) => *text = clean(&without_credentials(text)),
        _ => {}
    }
}

/// The same as the operator wrote it, or could have.
pub(super) fn as_toml(settings: &Value) -> String {
    let value = to_toml(settings).unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
    toml::to_string_pretty(&value).unwrap_or_else(|_| settings.to_string())
}

fn to_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => toml::Value::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => toml::Value::Integer(whole),
            None => toml::Value::Float(number.as_f64()?),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(list) => toml::Value::Array(list.iter().filter_map(to_toml).collect()),
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), to_toml(value)?)));
            toml::Value::Table(kept.collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_settings_hold_names_and_no_secrets() {
        let text = "[source]\ncollection = \"c\"\nurl = \"http://me:SECRET@localhost:6334\"\n\
                    api_key_env = \"QDRANT_KEY\"\n\
                    [target]\nuri = \"out\"\ntable = \"t\"\n[embed.text]\nprovider = \"openai\"\n\
                    base_url = \"https://example.org/v1?key=SECRET\"\nmodel = \"m\"\ndimensions = 8\n\
                    api_key_file = \"keys/openai\"\n";
        // Whether such addresses are let in at all is for the configuration to say; what is, is shown without secrets.
        let config: Config = toml::from_str(text).expect("a configuration");
        let settings = shown(&config);
        let toml = as_toml(&settings);
        for said in [settings.to_string(), toml.clone()] {
            assert!(!said.contains("SECRET"), "{said}");
            for name in [
                "QDRANT_KEY",
                "keys/openai",
                "https://example.org/v1",
                "http://localhost:6334",
            ] {
                assert!(said.contains(name), "{name}: {said}");
            }
        }
        let again: toml::Table = toml::from_str(&toml).expect("TOML");
        assert_eq!(again["source"]["page_points"].as_integer(), Some(500));
        assert_eq!(again["divergence"]["threshold"].as_float(), Some(0.98));
    }

    #[test]
    fn what_is_shown_is_the_configuration() {
        let text = "[source]\ncollection = \"c\"\n[target]\nuri = \"out\"\ntable = \"t\"\n";
        let config = Config::parse(text, "a test", Path::new("/base")).expect("a configuration");
        let again = Config::parse(&as_toml(&shown(&config)), "the report", Path::new("/base"));
        assert_eq!(again.expect("a configuration"), config);
    }
}
