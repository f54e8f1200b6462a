//! The bounds of an embedder, and what it can be at all.

use super::{ConfigError, field};
use crate::config::address::{refuse_secrets, without_secrets};
use crate::config::{Dialect, EmbedConfig, Provider};
use crate::point::Modality;

pub(super) fn check_embed(
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
