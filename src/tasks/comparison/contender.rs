//! One store searched in one way, through a connection or a handle of its own that nobody used before.

use anyhow::Context as _;
use lancedb::{DistanceType, Table};

use super::Comparer;
use super::queries::Query;
use super::result::{Mode, Setting, Store};
use crate::lance::search::{ByVector, Through, by_vector};
use crate::point::PointId;
use crate::point::ranking::Scoring;
use crate::qdrant::source::Distance;
use crate::qdrant::{Source, VectorKind};

/// An answer, best first.
pub(super) type Answer = Vec<(PointId, f32)>;

/// One store searched in one way. Cloning shares the connection.
#[derive(Clone)]
pub(super) struct Contender {
    /// Which store.
    pub(super) store: Store,
    /// Which way.
    pub(super) mode: Mode,
    /// Which way its scores run.
    pub(super) scoring: Scoring,
    door: Door,
}

#[derive(Clone)]
enum Door {
    Qdrant {
        source: Source,
        vector: String,
        exact: bool,
    },
    Lancedb {
        table: Table,
        column: String,
        distance: DistanceType,
        through: Through,
    },
}

impl Contender {
    /// Qdrant through a new client, which connects when it is first asked.
    ///
    /// # Errors
    /// The key cannot be read, or the address cannot be one.
    pub(super) fn qdrant(comparer: &Comparer, vector: &str, mode: Mode) -> anyhow::Result<Self> {
        let config = &comparer.inspector.config;
        let key = config.source_key()?;
        let source = Source::new(&comparer.url, &config.source, key.as_ref())?;
        let scoring = match comparer.collection.vectors.get(vector) {
            Some(VectorKind::Dense {
                distance: Distance::Euclid | Distance::Manhattan,
                ..
            }) => Scoring::Distance,
            _ => Scoring::Similarity,
        };
        let door = Door::Qdrant {
            source,
            vector: vector.to_owned(),
            exact: mode == Mode::Exact,
        };
        Ok(Self {
            store: Store::Qdrant,
            mode,
            scoring,
            door,
        })
    }

    /// LanceDB through a handle as its clients open it: with Lance's own caches, not the small ones of a migration.
    ///
    /// # Errors
    /// The table cannot be opened.
    pub(super) async fn lancedb(comparer: &Comparer, column: &str, mode: Mode) -> anyhow::Result<Self> {
        let config = &comparer.inspector.config;
        let (uri, name) = (config.target_uri(), &config.target.table);
        let said = || format!("cannot open table {name:?} in {uri}");
        let db = lancedb::connect(&uri).execute().await.with_context(said)?;
        let door = Door::Lancedb {
            table: db.open_table(name).execute().await.with_context(said)?,
            column: column.to_owned(),
            distance: comparer.inspector.wishes.distance_of(column),
            through: match mode {
                Mode::Exact => Through::Everything,
                Mode::Index => Through::Index,
            },
        };
        Ok(Self {
            store: Store::Lancedb,
            mode,
            scoring: Scoring::Distance,
            door,
        })
    }

    /// The same handle with other settings of the index; Qdrant has none here.
    pub(super) fn tuned(&self, setting: Setting) -> Self {
        let mut tuned = self.clone();
        if let Door::Lancedb { through, .. } = &mut tuned.door {
            *through = setting.through();
        }
        tuned
    }

    /// The points nearest to a query, itself among them, at most so many.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) async fn ask(&self, query: &Query, count: usize) -> anyhow::Result<Answer> {
        match &self.door {
            Door::Qdrant { source, vector, exact } => {
                Ok(source.search(vector, &query.old, count as u64, None, *exact).await?)
            }
            Door::Lancedb {
                table,
                column,
                distance,
                through,
            } => {
                let wanted = ByVector {
                    column,
                    vector: &query.new,
                    distance: *distance,
                    count,
                    filter: None,
                    through: *through,
                };
                by_vector(table, wanted).await
            }
        }
    }
}
