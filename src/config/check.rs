//! From TOML text to a checked [`Config`]: unknown keys refused with the nearest known one, bounds, secrets in the
//! wrong place.

mod defaults;
mod embed;
mod error;
mod known;

use std::path::Path;

use super::address::{refuse_secrets, without_secrets};
use super::{ColumnType, Config, MediaConfig, Profile, can_name_a_column};
use defaults::fill_provider_defaults;
use embed::check_embed;
use known::{known_keys, refuse_unknown};

pub use error::ConfigError;
pub(super) use error::field;

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
            let (section, _) = name.split_once('.').unwrap_or_default();
            let remedy =
                format!("say for example {example} in [{section}]; `qlance init` writes a whole configuration");
            return Err(field(name, "is missing", remedy));
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

#[cfg(test)]
mod tests;
