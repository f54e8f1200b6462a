//! The whole configuration as text: every setting with the value it has, and those that have none as comments.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Config, EmbedConfig};
use crate::point::Modality;

/// A setting that can be left out.
pub(super) struct Optional {
    /// Its section; `embed` is that of each modality.
    pub(super) section: &'static str,
    /// Its name.
    pub(super) key: &'static str,
    /// How it could be said.
    example: &'static str,
    /// What holds where it is not.
    about: &'static str,
}

const fn optional(section: &'static str, key: &'static str, example: &'static str, about: &'static str) -> Optional {
    Optional {
        section,
        key,
        example,
        about,
    }
}

/// All settings that can be left out.
pub(super) const OPTIONAL: [Optional; 13] = [
    optional("source", "api_key_env", "\"QDRANT_API_KEY\"", "none: no key is sent"),
    optional("source", "api_key_file", "\"qdrant.key\"", "none: no key is sent"),
    optional(
        "target",
        "keep_source_vector",
        "true",
        "none: kept where no similarity can be computed with it",
    ),
    optional("embed", "api_key_env", "\"OPENAI_API_KEY\"", "none: no key is sent"),
    optional("embed", "api_key_file", "\"embedder.key\"", "none: no key is sent"),
    optional("embed", "budget_usd", "5.0", "none: no cap"),
    optional("embed", "requests_per_minute", "3000", "none: no cap"),
    optional("embed", "tokens_per_minute", "1000000", "none: no cap"),
    optional("embed", "space", "\"joint\"", "none: the model decides"),
    optional("embed", "compare_with", "\"text\"", "none: source.vector"),
    optional(
        "embed",
        "tokenizer_file",
        "\"tokenizer.json\"",
        "none: counted where the model is known, else estimated",
    ),
    optional("media", "root", "\"media\"", "none: no local file is opened"),
    optional(
        "divergence",
        "same_space",
        "true",
        "none: taken to be one where the dimensions are equal",
    ),
];

/// The configuration as a file that says it all.
pub(super) fn text(config: &Config) -> Result<String, toml::ser::Error> {
    let mut text = String::new();
    section(&mut text, "source", "source", &config.source)?;
    section(&mut text, "target", "target", &config.target)?;
    for modality in Modality::ALL {
        embedder(&mut text, modality, config.embed.of(modality))?;
    }
    section(&mut text, "media", "media", &config.media)?;
    section(&mut text, "divergence", "divergence", &config.divergence)?;
    section(&mut text, "pipeline", "pipeline", &config.pipeline)?;
    let example = "# score = \"float\"  # none: profile \"inferred\" finds all of them in a sample\n";
    own_names(&mut text, "columns", &config.columns, example)?;
    text.push('\n');
    let example = "# retry = \"F5\"  # none: each action of the console has its own\n";
    own_names(&mut text, "keys", &config.keys, example)?;
    Ok(text)
}

fn embedder(text: &mut String, modality: Modality, embed: Option<&EmbedConfig>) -> Result<(), toml::ser::Error> {
    let name = format!("embed.{}", modality.as_str());
    if let Some(embed) = embed {
        return section(text, &name, "embed", embed);
    }
    text.push_str(&format!(
        "# [{name}]  # none: of such points the caption or transcript is embedded; the same settings as in [embed.text]\n\n"
    ));
    Ok(())
}

fn section<T: Serialize>(text: &mut String, name: &str, kind: &str, settings: &T) -> Result<(), toml::ser::Error> {
    let set = toml::Table::try_from(settings)?;
    text.push_str(&format!("[{name}]\n{}", toml::to_string_pretty(settings)?));
    for Optional {
        key, example, about, ..
    } in OPTIONAL.iter().filter(|setting| setting.section == kind)
    {
        if !set.contains_key(*key) {
            text.push_str(&format!("# {key} = {example}  # {about}\n"));
        }
    }
    text.push('\n');
    Ok(())
}

/// A section whose names are the operator's.
fn own_names<T: Serialize>(
    text: &mut String,
    name: &str,
    settings: &BTreeMap<String, T>,
    example: &str,
) -> Result<(), toml::ser::Error> {
    text.push_str(&format!("[{name}]\n{}", toml::to_string_pretty(settings)?));
    if settings.is_empty() {
        text.push_str(example);
    }
    Ok(())
}
