//! How points of this job get their embeddings: what is embedded, who does it, where it goes, and which vector of Qdrant
//! it stands beside. Made once when a job is opened; everything that embeds (migration, retries, decisions, catching up)
//! works by it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::columns::Columns;
use super::prepare::Plan;
use crate::embed::Gateways;
use crate::embed::media::{Loader, Takes};
use crate::lance::TableSchema;
use crate::lance::schema::{EMBEDDING, MAX_EMBEDDINGS};
use crate::point::{Modality, Point};

/// How points get their embeddings. Cloning is cheap.
#[derive(Clone)]
pub struct Recipe {
    /// What is embedded.
    pub plan: Plan,
    /// Who embeds; empty where vectors are carried over.
    pub gateways: Gateways,
    /// Where pictures and sounds come from; `None` where none are embedded.
    pub media: Option<Arc<Media>>,
    /// Where embeddings go.
    pub columns: Arc<Columns>,
    /// For each of [`Modality::ALL`], the vector of Qdrant that its embeddings are compared with, where their cosine means
    /// something.
    pub compared: Arc<[Option<String>; 3]>,
}

/// Loading pictures and sounds.
pub struct Media {
    /// Fetches them.
    pub loader: Loader,
    /// For each of [`Modality::ALL`], what its model takes.
    pub takes: [Option<Takes>; 3],
    /// Decoding at once: as many as there are cores.
    pub decoders: Semaphore,
    /// Keep the bytes in the table.
    pub kept: bool,
}

impl Recipe {
    /// The same with another plan.
    #[must_use]
    pub fn with_plan(&self, plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            ..self.clone()
        }
    }

    /// Whether a modality's embeddings can be compared with Qdrant's vectors.
    pub fn compares(&self, modality: Modality) -> bool {
        self.compared[modality as usize].is_some()
    }

    /// Qdrant's vector that an embedding of this modality is compared with.
    pub fn old<'a>(&self, modality: Modality, point: &'a Point) -> Option<&'a [f32]> {
        let name = self.compared[modality as usize].as_ref()?;
        point.vectors.get(name)?.dense()
    }

    /// The place of a modality's column among the table's columns of embeddings.
    pub fn place_of(&self, schema: &TableSchema, modality: Modality) -> usize {
        place(schema, self.columns.of(modality).unwrap_or(EMBEDDING))
    }

    /// The place of the column for a caption that is embedded beside something of this modality, where that is done.
    pub fn caption_place(&self, schema: &TableSchema, modality: Modality) -> Option<usize> {
        Some(place(schema, self.columns.caption_beside(modality)?))
    }
}

/// The place of a column among the table's columns of embeddings.
pub fn place(schema: &TableSchema, column: &str) -> usize {
    let found = schema.embeddings().position(|(name, _)| name == column);
    found.unwrap_or(0).min(MAX_EMBEDDINGS - 1)
}
