//! The keys that a file may have. Any other is refused, with the nearest of them.

use super::{ConfigError, field};
use crate::config::shown::OPTIONAL;
use crate::config::{DivergenceConfig, EmbedConfig, MediaConfig, PipelineConfig, SourceConfig, TargetConfig};

/// All keys there are, as a table: the defaults, and the optional ones that the defaults leave out.
pub(super) fn known_keys() -> toml::Table {
    let mut known = toml::Table::new();
    let mut add = |path: &[&str], table: Result<toml::Table, toml::ser::Error>| {
        let mut place = &mut known;
        for (depth, key) in path.iter().enumerate() {
            let leaf = if depth + 1 == path.len() {
                table.clone().unwrap_or_default()
            } else {
                toml::Table::new()
            };
            let entry = place.entry(*key).or_insert(toml::Value::Table(leaf));
            let Some(next) = entry.as_table_mut() else { return };
            place = next;
        }
        for optional in OPTIONAL
            .iter()
            .filter(|optional| path.first() == Some(&optional.section))
        {
            place.insert(optional.key.into(), true.into());
        }
    };
    add(&["source"], toml::Table::try_from(SourceConfig::default()));
    add(&["target"], toml::Table::try_from(TargetConfig::default()));
    for modality in ["text", "image", "audio"] {
        add(&["embed", modality], toml::Table::try_from(EmbedConfig::default()));
    }
    add(&["media"], toml::Table::try_from(MediaConfig::default()));
    add(&["divergence"], toml::Table::try_from(DivergenceConfig::default()));
    add(&["pipeline"], toml::Table::try_from(PipelineConfig::default()));
    add(&["columns"], Ok(toml::Table::new()));
    add(&["keys"], Ok(toml::Table::new()));
    known
}

pub(super) fn refuse_unknown(
    document: &toml::Table,
    known: &toml::Table,
    section: &str,
    origin: &str,
) -> Result<(), ConfigError> {
    for (key, value) in document {
        let path = if section.is_empty() {
            key.clone()
        } else {
            format!("{section}.{key}")
        };
        match known.get(key) {
            // [columns] names the operator's own keys; [keys] names actions, which the console knows.
            Some(_) if path == "columns" || path == "keys" => {}
            Some(toml::Value::Table(inner)) => {
                if let Some(table) = value.as_table() {
                    refuse_unknown(table, inner, &path, origin)?;
                }
            }
            Some(_) => {}
            None if key == "api_key" => {
                return Err(field(
                    &path,
                    "secrets do not belong in the file",
                    "put the key in an environment variable and name that in api_key_env, or in a file named by \
                     api_key_file",
                ));
            }
            None => {
                let nearest = known
                    .keys()
                    .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let hint = match nearest {
                    Some((score, candidate)) if score > 0.7 => format!("; did you mean `{candidate}`?"),
                    _ => format!(
                        "; known here: {}",
                        known.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                    ),
                };
                return Err(ConfigError::UnknownKey {
                    origin: origin.into(),
                    key: path,
                    hint,
                });
            }
        }
    }
    Ok(())
}
