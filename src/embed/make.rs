//! From the configuration to embedders: one for every server and model, whichever modalities it serves.

use std::sync::Arc;

use anyhow::Context as _;

use super::tokens::Count;
use super::{Embedder, openai};
use crate::config::{Config, EmbedConfig, Provider, Secret, TooLong};
use crate::point::Modality;

/// An embedder with what it is for.
pub struct Made {
    /// The modalities that go to it, text first.
    pub modalities: Vec<Modality>,
    /// Its configuration: that of the first of them.
    pub config: EmbedConfig,
    /// The embedder.
    pub embedder: Arc<dyn Embedder>,
}

/// Makes the embedders that the configuration names, that of texts first; none where Qdrant's vectors are carried over.
/// Sections that name the same server and model become one embedder, with the limits of the first.
///
/// # Errors
/// A provider is not built in, a client cannot be made, or a key is missing.
pub fn embedders(
    config: &Config,
    key: impl Fn(Modality) -> anyhow::Result<Option<Secret>>,
) -> anyhow::Result<Vec<Made>> {
    let mut groups: Vec<(Vec<Modality>, &EmbedConfig)> = Vec::new();
    for (modality, embed) in config.embed.all() {
        if embed.provider == Provider::Carry {
            continue;
        }
        match groups.iter_mut().find(|(_, first)| is_one(first, embed)) {
            Some((modalities, _)) => modalities.push(modality),
            None => groups.push((vec![modality], embed)),
        }
    }
    groups
        .into_iter()
        .map(|(modalities, embed)| {
            let mut embed = embed.clone();
            embed.tokenizer_file = embed.tokenizer_file.map(|file| config.base_dir.join(file));
            let key = key(modalities[0])?;
            Ok(Made {
                embedder: one(&embed, &modalities, key)?,
                modalities,
                config: embed,
            })
        })
        .collect()
}

/// Whether two sections mean the same embedder.
fn is_one(a: &EmbedConfig, b: &EmbedConfig) -> bool {
    let identity = |embed: &EmbedConfig| {
        (
            embed.provider,
            embed.dialect,
            embed.base_url.trim_end_matches('/').to_owned(),
            embed.model.clone(),
            embed.dimensions,
            embed.space.clone(),
            embed.api_key_env.clone(),
            embed.api_key_file.clone(),
        )
    };
    identity(a) == identity(b)
}

fn one(embed: &EmbedConfig, modalities: &[Modality], key: Option<Secret>) -> anyhow::Result<Arc<dyn Embedder>> {
    match embed.provider {
        Provider::Openai | Provider::Teaching => {
            let openai = openai::OpenAi::new(embed, modalities, key)?;
            // Shortening by guess would embed too much or too little, and nobody would know.
            anyhow::ensure!(
                embed.too_long == TooLong::Fail || matches!(openai.count_exactly("a"), Count::Known(_)),
                "embed.text.too_long: the tokenizer of {:?} is not known here; name its tokenizer.json in \
                 embed.text.tokenizer_file, or set too_long = \"fail\"",
                embed.model
            );
            Ok(Arc::new(openai))
        }
        #[cfg(feature = "minilm")]
        Provider::Minilm => Ok(Arc::new(
            super::minilm::MiniLm::new(embed).context("the in-process model all-MiniLM-L6-v2 cannot be loaded")?,
        )),
        #[cfg(not(feature = "minilm"))]
        Provider::Minilm => Err(anyhow::anyhow!(
            "embed.text.provider: this qlance was built without the in-process model; set provider = \"openai\" with a \
             base_url, or build with the feature `minilm`"
        ))
        .context("no embedder"),
        Provider::Carry => anyhow::bail!("vectors are carried over: there is no embedder to make"),
    }
}
