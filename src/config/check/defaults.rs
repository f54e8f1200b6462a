//! The defaults of an embedder, laid under what the file says of it: they depend on who it is. Nothing is refused here.

use crate::config::EmbedConfig;

/// The defaults depend on the provider, so those of the named one are laid under what the file says.
pub(super) fn fill_provider_defaults(document: &mut toml::Table) {
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
