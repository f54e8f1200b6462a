//! Which column of the table the embeddings of each modality go to, and which vector of Qdrant they stand beside. Pure.
//!
//! Embedders whose spaces are the same share the column `embedding`; another space has a column of its own, named after
//! its modality (invariant 7). A caption that is embedded beside its picture goes to the column of texts, or, where the
//! picture itself is there, to one of its own.

use std::collections::BTreeMap;

use crate::embed::Space;
use crate::lance::TableSchema;
use crate::lance::schema::{EMBEDDING, EMBEDDING_CAPTION};
use crate::point::Modality;

/// Columns of embeddings by what goes into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// For each of [`Modality::ALL`], where it has an embedder.
    of: [Option<(String, Space)>; 3],
    /// Captions, where they are embedded as well.
    caption: Option<(String, Space)>,
}

impl Columns {
    /// The columns for embedders of these spaces. Without any, `texts` alone: vectors that are carried over.
    pub fn new(texts: Space, image: Option<Space>, audio: Option<Space>, captions: bool) -> Self {
        let place = |modality: Modality, space: Option<Space>| {
            space.map(|space| {
                if space.shares(&texts) {
                    // The column's space is that of texts, prefix and all.
                    (EMBEDDING.to_owned(), texts.clone())
                } else {
                    (format!("{EMBEDDING}_{}", modality.as_str()), space)
                }
            })
        };
        let (image, audio) = (place(Modality::Image, image), place(Modality::Audio, audio));
        let beside = [&image, &audio]
            .into_iter()
            .flatten()
            .any(|(column, _)| column == EMBEDDING);
        let caption = captions.then(|| {
            let column = if beside { EMBEDDING_CAPTION } else { EMBEDDING };
            (column.to_owned(), texts.clone())
        });
        Self {
            of: [Some((EMBEDDING.to_owned(), texts)), image, audio],
            caption,
        }
    }

    /// The column of a modality's embeddings.
    pub fn of(&self, modality: Modality) -> Option<&str> {
        self.of[modality as usize].as_ref().map(|(column, _)| column.as_str())
    }

    /// The column of a caption that is embedded beside something of this modality.
    pub fn caption_beside(&self, modality: Modality) -> Option<&str> {
        let (caption, _) = self.caption.as_ref()?;
        // Beside media that have a column of their own, texts have theirs.
        Some(match self.of(modality) {
            Some(EMBEDDING) => caption.as_str(),
            _ => EMBEDDING,
        })
    }

    /// All of them once: name and space.
    pub fn all(&self) -> BTreeMap<&str, &Space> {
        self.of
            .iter()
            .chain([&self.caption])
            .flatten()
            .map(|(column, space)| (column.as_str(), space))
            .collect()
    }

    /// The spaces as they are written in the table: column and text.
    pub fn spaces(&self) -> BTreeMap<String, String> {
        self.all()
            .into_iter()
            .map(|(column, space)| (column.to_owned(), serde_json::to_string(space).unwrap_or_default()))
            .collect()
    }

    /// The schema with every column that is needed.
    pub fn added_to(&self, schema: TableSchema) -> TableSchema {
        // In the order of modalities, captions last.
        self.of
            .iter()
            .chain([&self.caption])
            .flatten()
            .fold(schema, |schema, (column, space)| {
                schema.with_embedding(column, space.dimensions)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(model: &str, dimensions: usize) -> Space {
        Space {
            provider: "openai".into(),
            model: model.into(),
            dimensions,
            prefix: String::new(),
            normalised: false,
        }
    }

    #[test]
    fn one_space_one_column_and_another_space_its_own() {
        let (joint, clap) = (space("joint", 8), space("clap", 4));
        let all = Columns::new(joint.clone(), Some(joint.clone()), Some(joint.clone()), false);
        assert_eq!(all.all().len(), 1);
        assert_eq!(Modality::ALL.map(|m| all.of(m)), [Some("embedding"); 3]);
        let two = Columns::new(joint.clone(), Some(joint.clone()), Some(clap.clone()), true);
        assert_eq!(two.of(Modality::Audio), Some("embedding_audio"));
        assert_eq!(two.caption_beside(Modality::Image), Some("embedding_caption"));
        assert_eq!(two.caption_beside(Modality::Audio), Some("embedding"));
        let schema = two.added_to(TableSchema::choir(8, &BTreeMap::new()));
        let columns: Vec<_> = schema.embeddings().collect();
        assert_eq!(
            columns,
            [("embedding", 8), ("embedding_audio", 4), ("embedding_caption", 8)]
        );
        let apart = Columns::new(joint, Some(clap.clone()), Some(clap), true);
        assert_eq!(apart.of(Modality::Image), Some("embedding_image"));
        assert_eq!(apart.caption_beside(Modality::Image), Some("embedding"));
        assert_eq!(apart.all().len(), 3);
    }

    #[test]
    fn a_prefix_before_texts_does_not_part_them_from_pictures() {
        let texts = Space {
            prefix: "title: ".into(),
            ..space("joint", 8)
        };
        let columns = Columns::new(texts.clone(), Some(space("joint", 8)), None, false);
        assert_eq!(columns.of(Modality::Image), Some("embedding"));
        assert_eq!(columns.all()["embedding"], &texts);
        assert_eq!(columns.of(Modality::Audio), None);
    }
}
