//! From TOML text to a checked [`Config`]: unknown keys refused with the nearest known one, bounds, secrets in the
//! wrong place.

use std::path::{Path, PathBuf};

use super::address::{refuse_secrets, without_secrets};
use super::shown::OPTIONAL;
use super::{
    ColumnType, Config, Dialect, EmbedConfig, MediaConfig, Profile, Provider, SourceConfig, TargetConfig,
    can_name_a_column,
};
use crate::point::Modality;

/// What is wrong with a configuration, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line cannot be meant so.
    #[error("{0}")]
    Usage(String),
    /// `[keys]` cannot be meant so.
    #[error("{0}")]
    Keys(String),
    /// The file cannot be read.
    #[error(
        "cannot read the configuration {}: {error}; name one with --config, or have one written by `qlance init` or `qlance demo`",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The text is no TOML or a value has the wrong type.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file.
        origin: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A key that qlance does not know.
    #[error("{origin}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// The file.
        origin: String,
        /// The key with its section.
        key: String,
        /// The nearest known key, as a question.
        hint: String,
    },
    /// A field whose value cannot be.
    #[error("{field}: {problem}; {remedy}")]
    Field {
        /// The field with its section.
        field: String,
        /// What is wrong.
        problem: String,
        /// The way out.
        remedy: String,
    },
}

pub(super) fn field(field: &str, problem: impl Into<String>, remedy: impl Into<String>) -> ConfigError {
    ConfigError::Field {
        field: field.into(),
        problem: problem.into(),
        remedy: remedy.into(),
    }
}

pub(super) fn parse(text: &str, origin: &str, base_dir: &Path) -> Result<Config, ConfigError> {
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        origin: origin.into(),
        message: error.to_string().trim_end().to_owned(),
    };
    let mut document: toml::Table = toml::from_str(text).map_err(syntax)?;
    refuse_unknown(&document, &known_keys(), "", origin)?;
    fill_provider_defaults(&mut document);
    // Parsing the filled document loses the lines of type errors, so the operator's own text goes first.
    toml::from_str::<Config>(text).map_err(syntax)?;
    let mut config: Config = document.try_into().map_err(syntax)?;
    base_dir.clone_into(&mut config.base_dir);
    check(&config)?;
    Ok(config)
}

/// The defaults depend on the provider, so those of the named one are laid under what the file says.
fn fill_provider_defaults(document: &mut toml::Table) {
    let embed = document
        .entry("embed")
        .or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let Some(embed) = embed.as_table_mut() else { return };
    let text = embed
        .entry("text")
        .or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let Some(text) = text.as_table_mut() else { return };
    lay_under(text, defaults_for(text));
    let text = text.clone();
    for modality in ["image", "audio"] {
        let Some(media) = embed.get_mut(modality).and_then(toml::Value::as_table_mut) else {
            continue;
        };
        let names_its_own = ["provider", "base_url", "model"]
            .iter()
            .any(|key| media.contains_key(*key));
        if names_its_own {
            let mut defaults = defaults_for(media);
            // Pictures and sounds are large: a hundred of them make no request.
            defaults.insert("max_batch_inputs".into(), 16.into());
            lay_under(media, defaults);
        } else {
            // Nothing of its own: it is the embedder of texts that takes this modality too.
            lay_under(media, text.clone());
        }
    }
}

fn defaults_for(named: &toml::Table) -> toml::Table {
    let provider = named.get("provider").and_then(toml::Value::as_str);
    let defaults = match provider {
        Some("openai") => EmbedConfig::openai(),
        Some("carry") => EmbedConfig::carry(),
        Some("teaching") => EmbedConfig::teaching(),
        // An endpoint without a provider means an OpenAI-compatible server.
        None if named.contains_key("base_url") => EmbedConfig::openai(),
        _ => EmbedConfig::minilm(),
    };
    toml::Table::try_from(defaults).unwrap_or_default()
}

fn lay_under(named: &mut toml::Table, defaults: toml::Table) {
    for (key, value) in defaults {
        named.entry(key).or_insert(value);
    }
}

/// All keys there are, as a table: the defaults, and the optional ones that the defaults leave out.
fn known_keys() -> toml::Table {
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
    add(&["media"], toml::Table::try_from(super::MediaConfig::default()));
    add(
        &["divergence"],
        toml::Table::try_from(super::DivergenceConfig::default()),
    );
    add(&["pipeline"], toml::Table::try_from(super::PipelineConfig::default()));
    add(&["columns"], Ok(toml::Table::new()));
    add(&["keys"], Ok(toml::Table::new()));
    known
}

fn refuse_unknown(document: &toml::Table, known: &toml::Table, section: &str, origin: &str) -> Result<(), ConfigError> {
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

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config {
        source,
        target,
        divergence,
        pipeline,
        ..
    } = config;
    let wanted = |name: &str, value: &str, example: &str| {
        if value.trim().is_empty() {
            return Err(field(name, "is missing", format!("say for example {example}")));
        }
        Ok(())
    };
    wanted("source.collection", &source.collection, "collection = \"messages\"")?;
    wanted("source.content", &source.content, "content = \"content\"")?;
    wanted("target.uri", &target.uri, "uri = \"choir.lance\"")?;
    wanted("target.table", &target.table, "table = \"messages\"")?;
    if !["http://", "https://", "embedded:"]
        .iter()
        .any(|scheme| source.url.starts_with(scheme) && source.url.len() > scheme.len())
    {
        return Err(field(
            "source.url",
            format!("{} is no address", without_secrets(&source.url)),
            "use http://HOST:6334, https://HOST:6334 or embedded:DIR",
        ));
    }
    refuse_secrets("source.url", &source.url)?;
    refuse_secrets("target.uri", &target.uri)?;
    check_columns(config)?;
    if !target
        .table
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    {
        return Err(field(
            "target.table",
            format!("{:?} cannot name a table", target.table),
            "use letters, digits, '_', '-' and '.'",
        ));
    }
    let within = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(field(
            name,
            format!("{value} is out of bounds"),
            format!("use {low} to {high}"),
        ))
    };
    within("source.page_points", source.page_points.into(), 1, 10_000)?;
    within("source.ranges", source.ranges as u64, 1, 64)?;
    within("source.timeout_seconds", source.timeout_seconds, 1, 3_600)?;
    within("target.commit_rows", target.commit_rows as u64, 1, 1_000_000)?;
    within("target.commit_mib", target.commit_mib as u64, 1, 1_024)?;
    within("target.commit_seconds", target.commit_seconds, 1, 3_600)?;
    within("pipeline.in_hand_mib", pipeline.in_hand_mib as u64, 8, 16_384)?;
    if !(-1.0..=1.0).contains(&divergence.threshold) {
        return Err(field(
            "divergence.threshold",
            format!("{} is no cosine similarity", divergence.threshold),
            "use -1 to 1; 0.98 is the default",
        ));
    }
    for (modality, embed) in config.embed.all() {
        check_embed(embed, modality, &within)?;
    }
    check_media(&config.media, &within)
}

/// Columns that nobody would make are refused rather than ignored.
fn check_columns(config: &Config) -> Result<(), ConfigError> {
    let Some(first) = config.columns.keys().next() else {
        return Ok(());
    };
    if config.target.profile == Profile::Choir {
        return Err(field(
            &format!("columns.{first}"),
            "the profile choir has its own columns",
            "set target.profile = \"inferred\", or leave [columns] out",
        ));
    }
    for (key, kind) in &config.columns {
        if *kind != ColumnType::Extra && !can_name_a_column(key) {
            return Err(field(
                &format!("columns.{key:?}"),
                "this key can name no column: LanceDB reads dots and the like as paths, and some names are qlance's own",
                "leave it out; its values are in the column `extra`, whole",
            ));
        }
    }
    Ok(())
}

fn check_media(
    media: &MediaConfig,
    within: &dyn Fn(&str, u64, u64, u64) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    within("media.max_mib", media.max_mib, 1, 1_024)?;
    within("media.max_megapixels", media.max_megapixels, 1, 1_000)?;
    within("media.max_redirects", media.max_redirects as u64, 0, 10)?;
    within("media.timeout_seconds", media.timeout_seconds, 1, 600)?;
    within("media.max_in_flight", media.max_in_flight as u64, 1, 256)?;
    within(
        "media.max_duration (in seconds)",
        media.max_duration.as_secs(),
        1,
        86_400,
    )
}

fn check_embed(
    embed: &EmbedConfig,
    modality: Modality,
    within: &dyn Fn(&str, u64, u64, u64) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    let name = |key: &str| format!("embed.{}.{key}", modality.as_str());
    if modality != Modality::Text {
        check_takes_media(embed, modality)?;
    }
    if embed.provider != Provider::Carry {
        within(&name("dimensions"), embed.dimensions as u64, 1, 65_536)?;
    }
    within(&name("max_in_flight"), embed.max_in_flight as u64, 1, 1_000)?;
    within(&name("max_batch_inputs"), embed.max_batch_inputs as u64, 1, 2_048)?;
    within(&name("max_batch_tokens"), embed.max_batch_tokens as u64, 1, 300_000)?;
    within(&name("max_input_tokens"), embed.max_input_tokens as u64, 1, 1_000_000)?;
    within(&name("max_attempts"), embed.max_attempts.into(), 1, 20)?;
    within(&name("backoff_min_ms"), embed.backoff_min_ms, 1, 60_000)?;
    within(&name("backoff_max_ms"), embed.backoff_max_ms, 1, 600_000)?;
    within(&name("timeout_seconds"), embed.timeout_seconds, 1, 3_600)?;
    within(&name("remember_mib"), embed.remember_mib, 0, 16_384)?;
    within(&name("spool_mib"), embed.spool_mib, 0, 16_384)?;
    within(&name("max_side"), embed.max_side.into(), 16, 16_384)?;
    within(&name("sample_rate"), embed.sample_rate.into(), 4_000, 96_000)?;
    if !embed.usd_per_million_tokens.is_finite() || embed.usd_per_million_tokens < 0.0 {
        return Err(field(
            &name("usd_per_million_tokens"),
            "is no price",
            "use 0 or more; 0.13 for text-embedding-3-large",
        ));
    }
    if embed
        .budget_usd
        .is_some_and(|budget| !budget.is_finite() || budget <= 0.0)
    {
        return Err(field(
            &name("budget_usd"),
            "is no budget",
            "use more than 0, or leave it out for no cap",
        ));
    }
    for (key, cap) in [
        ("requests_per_minute", embed.requests_per_minute),
        ("tokens_per_minute", embed.tokens_per_minute),
    ] {
        within(&name(key), cap.unwrap_or(1), 1, 1_000_000_000)?;
    }
    match embed.provider {
        Provider::Openai => {
            if !["http://", "https://"]
                .iter()
                .any(|scheme| embed.base_url.starts_with(scheme))
            {
                return Err(field(
                    &name("base_url"),
                    format!("{} is no address", without_secrets(&embed.base_url)),
                    "use for example http://localhost:8000/v1",
                ));
            }
            refuse_secrets(&name("base_url"), &embed.base_url)?;
            if embed.model.trim().is_empty() {
                return Err(field(
                    &name("model"),
                    "is missing",
                    "say for example model = \"text-embedding-3-large\"",
                ));
            }
        }
        Provider::Minilm => {
            if embed.dimensions != 384 {
                return Err(field(
                    &name("dimensions"),
                    format!("MiniLM gives 384 numbers, not {}", embed.dimensions),
                    "leave it out, or set provider = \"openai\" with a base_url",
                ));
            }
            within(&name("max_input_tokens"), embed.max_input_tokens as u64, 1, 256)?;
        }
        Provider::Teaching => {
            if embed.dimensions != 32 || embed.dialect != Dialect::TypedInput {
                return Err(field(
                    &name("dimensions"),
                    "the teaching aid gives 32 numbers and speaks the dialect typed_input",
                    "leave dimensions and dialect out",
                ));
            }
        }
        Provider::Carry => {}
    }
    Ok(())
}

/// Whether an embedder can take pictures or sounds at all.
fn check_takes_media(embed: &EmbedConfig, modality: Modality) -> Result<(), ConfigError> {
    let section = format!("embed.{}", modality.as_str());
    match embed.provider {
        Provider::Minilm | Provider::Carry => Err(field(
            &format!("{section}.provider"),
            format!(
                "{} makes no embeddings of {}",
                if embed.provider == Provider::Minilm {
                    "MiniLM"
                } else {
                    "carrying vectors over"
                },
                modality.as_str()
            ),
            format!("name a base_url, a model and a dialect in [{section}], or leave the section out"),
        )),
        Provider::Openai if embed.dialect == Dialect::Openai => Err(field(
            &format!("{section}.dialect"),
            "the dialect openai takes texts only",
            "use infinity, typed_input, content_parts, data_uri or chat_messages, whichever the server speaks \
             (docs/multimodal.md)",
        )),
        Provider::Openai | Provider::Teaching => Ok(()),
    }
}

#[cfg(test)]
mod tests;
