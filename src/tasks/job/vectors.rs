//! Which of Qdrant's vectors the table keeps as they are, and whether the columns that are there can hold them.

use std::collections::BTreeMap;

use crate::config::{Config, Provider};
use crate::lance::{TableSchema, TargetError, VectorColumn};
use crate::qdrant::{CollectionFacts, VectorKind};

/// The vectors that rows keep: all but those that new embeddings are compared with, unless these are wanted too, or would
/// else be lost without a trace: replaced, and no similarity is computed with them. `compares` are those that some is.
pub(super) fn kept(
    config: &Config,
    collection: &CollectionFacts,
    compares: &[Option<String>],
) -> BTreeMap<String, VectorColumn> {
    let is_kept = |name: &String| {
        let carried = config.embed.text.provider == Provider::Carry && *name == config.source.vector;
        let lost = !carried && !compares.iter().flatten().any(|compared| compared == name);
        !config.is_compared(name) || config.target.keep_source_vector.unwrap_or(lost)
    };
    collection
        .vectors
        .iter()
        .filter(|(name, _)| is_kept(name))
        .map(|(name, kind)| (name.clone(), column_of(*kind)))
        .collect()
}

/// The columns of a table that is there, with one for every vector that rows keep.
///
/// # Errors
/// [`TargetError::OtherKind`]: a column holds another kind of vectors than the collection has by its name. They would be
/// null in every row, and nobody would know.
pub(super) fn added_to(
    schema: TableSchema,
    config: &Config,
    collection: &CollectionFacts,
    compares: &[Option<String>],
) -> Result<TableSchema, TargetError> {
    for (name, kind) in &collection.vectors {
        let found = column_of(*kind);
        if let Some((column, held)) = schema.vector(name).filter(|(_, held)| *held != found) {
            return Err(TargetError::OtherKind {
                column: column.to_owned(),
                table: config.target.table.clone(),
                vector: name.clone(),
                held,
                found,
            });
        }
    }
    Ok(schema.with_vectors(&kept(config, collection, compares)))
}

fn column_of(kind: VectorKind) -> VectorColumn {
    match kind {
        VectorKind::Dense { size, .. } => VectorColumn::Dense(size),
        VectorKind::Sparse => VectorColumn::Sparse,
        VectorKind::Multi { size, .. } => VectorColumn::Multi(size),
    }
}
