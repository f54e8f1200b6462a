//! From a query to its vector: which embedder is asked, and which columns its answer may be compared with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::QueryVector;
use crate::embed::media::{self, Takes};
use crate::embed::{Caller, Gateway, Input, Role, Space};
use crate::point::Modality;
use crate::tasks::inspect::Inspector;

/// A query as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Words.
    Text(String),
    /// A picture or a sound; which of the two its content says.
    File(PathBuf),
}

/// A query that is embedded.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What the query is made of.
    pub modality: Modality,
    /// Its vector.
    pub vector: QueryVector,
    /// The vector's space.
    pub space: Space,
    /// The columns of that space that are searched.
    pub columns: Vec<String>,
    /// The vector of Qdrant that is of that space, if any.
    pub beside: Option<String>,
}

impl Inspector {
    /// Embeds a query for finding things of one modality, or of any.
    ///
    /// # Errors
    /// Nobody embeds such a query, it is of another space than what it is to find (both are named), or it cannot be
    /// embedded.
    pub async fn question(&self, asked: &Asked, find: Option<Modality>) -> anyhow::Result<Question> {
        match asked {
            Asked::Text(text) => {
                anyhow::ensure!(!text.trim().is_empty(), "the query is empty; say what is searched for");
                let (gateway, columns) = self.who_answers(Modality::Text, find)?;
                self.embedded(Modality::Text, gateway, columns, Input::Text(text.as_str().into()))
                    .await
            }
            Asked::File(path) => {
                let most = self.config.media.max_mib << 20;
                let bytes = read_bounded(path.clone(), most).await?;
                self.media_question(bytes, None, find)
                    .await
                    .with_context(|| format!("query {}", path.display()))
            }
        }
    }

    /// Embeds a picture or a sound as a query.
    ///
    /// # Errors
    /// As for [`Inspector::question`].
    pub async fn media_question(
        &self,
        bytes: Arc<[u8]>,
        named: Option<Modality>,
        find: Option<Modality>,
    ) -> anyhow::Result<Question> {
        let kind = media::tell(&bytes, named)?;
        let modality = kind.modality;
        let (gateway, columns) = self.who_answers(modality, find)?;
        let section = self.config.embed.of(modality).unwrap_or(&self.config.embed.text);
        let takes = Takes::of(section, &self.config.media);
        let fitted = tokio::task::spawn_blocking(move || media::fit(&bytes, kind, &takes)).await??;
        let input = match modality {
            Modality::Audio => Input::Audio(fitted),
            _ => Input::Image(fitted),
        };
        self.embedded(modality, gateway, columns, input).await
    }

    async fn embedded(
        &self,
        modality: Modality,
        gateway: &Gateway,
        columns: Vec<String>,
        input: Input,
    ) -> anyhow::Result<Question> {
        let outcome = gateway.embed(&[input], Role::Query, Caller::Operator).await?;
        let vector = outcome.into_iter().next().context("the embedder gave no answer")?;
        let vector = vector.map_err(|failure| anyhow::anyhow!("the query cannot be embedded: {failure}"))?;
        let space = gateway.embedder().capabilities().space.clone();
        let beside = Modality::ALL.into_iter().find_map(|other| {
            let shares = self
                .recipe
                .gateways
                .space_of(other)
                .is_some_and(|other| other.shares(&space));
            self.recipe.compared[other as usize].clone().filter(|_| shares)
        });
        Ok(Question {
            modality,
            vector,
            space,
            columns,
            beside,
        })
    }

    /// Who embeds a query of a modality so that it can be compared with what it is to find, and the columns of that space.
    fn who_answers(&self, asked: Modality, find: Option<Modality>) -> anyhow::Result<(&Gateway, Vec<String>)> {
        let recipe = &self.recipe;
        if recipe.gateways.is_empty() {
            bail!("vectors are carried over: nobody embeds a query here; search by keywords, or configure an embedder");
        }
        let spaces = recipe.columns.all();
        let columns_of = |space: &Space| -> Vec<String> {
            let of_space = spaces.iter().filter(|(_, held)| held.shares(space));
            of_space.map(|(column, _)| (*column).to_owned()).collect()
        };
        let takes = |gateway: &Gateway| gateway.embedder().capabilities().modalities.contains(&asked);
        let own = recipe.gateways.of(asked);
        let Some(find) = find else {
            let gateway =
                own.with_context(|| format!("no embedder of {0} is configured; add [embed.{0}]", asked.as_str()))?;
            return Ok((gateway, columns_of(&gateway.embedder().capabilities().space)));
        };
        // What has no embedder of its own lies, if anywhere, beside texts: as its caption.
        let column = recipe.columns.of(find).unwrap_or(crate::lance::schema::EMBEDDING);
        let held = *spaces.get(column).context("the table has no such column")?;
        let fits = |gateway: &&Arc<Gateway>| gateway.embedder().capabilities().space.shares(held) && takes(gateway);
        let found = own
            .filter(fits)
            .or_else(|| recipe.gateways.each().map(|(_, gateway)| gateway).find(fits));
        match (found, own) {
            (Some(gateway), _) => Ok((gateway, columns_of(held))),
            (None, Some(own)) => bail!(
                "the query would be a vector of {}, but column {column:?}, where {} is found, holds vectors of {held}: two \
                 spaces are never compared",
                own.embedder().capabilities().space,
                find.as_str()
            ),
            (None, None) => bail!("no embedder of {0} is configured; add [embed.{0}]", asked.as_str()),
        }
    }
}

async fn read_bounded(path: PathBuf, most: u64) -> anyhow::Result<Arc<[u8]>> {
    tokio::task::spawn_blocking(move || {
        // On the console there is no shell that would know where home is.
        let path = match (path.strip_prefix("~"), std::env::home_dir()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path,
        };
        let cannot = |path: &Path| format!("cannot read the query {}", path.display());
        let size = std::fs::metadata(&path).with_context(|| cannot(&path))?.len();
        anyhow::ensure!(
            size <= most,
            "the query {} has {size} bytes; media.max_mib lets {most} in",
            path.display()
        );
        Ok(std::fs::read(&path).with_context(|| cannot(&path))?.into())
    })
    .await?
}
