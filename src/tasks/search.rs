//! One query to both stores: embedded once, in the space of the columns that are searched, answered side by side.
//!
//! Reads only. A query whose vector is of another space than what it is meant for is refused with both names
//! (invariant 7). Scores are what they say: each answer carries the name of its score.

mod ask;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Serialize, Serializer};

use super::inspect::Inspector;
use crate::embed::Embedding;
use crate::lance::search::{self, ByVector, Through};
use crate::lance::{filter as sql, read};
use crate::point::filter::Filter;
use crate::point::ranking::reciprocal_rank_fusion;
use crate::point::{Modality, Payload, PointId};
use crate::qdrant::filter as conditions;

pub use ask::{Asked, Question};

/// How a table is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By the query's vector.
    #[default]
    Vector,
    /// By keywords in the content.
    Keyword,
    /// By both, fused by their ranks.
    Hybrid,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchFor {
    /// The query.
    pub asked: Asked,
    /// Only what is made of this.
    pub find: Option<Modality>,
    /// Only points that meet this condition.
    pub filter: Option<Filter>,
    /// Results at most.
    pub count: usize,
    /// How LanceDB is searched. Qdrant is always searched by vector.
    pub how: How,
    /// Exactly, or through the indexes. Of both stores.
    pub through: Through,
}

impl SearchFor {
    /// A text, searched by its vector exactly, ten results of whatever kind.
    pub fn text(text: &str) -> Self {
        Self {
            asked: Asked::Text(text.to_owned()),
            find: None,
            filter: None,
            count: 10,
            how: How::Vector,
            through: Through::Everything,
        }
    }
}

/// One result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// The point.
    pub id: PointId,
    /// What [`Answered::score`] says it is.
    pub score: f64,
    /// What it is made of.
    pub modality: Option<Modality>,
    /// The beginning of its content.
    pub snippet: Option<String>,
    /// Whether the other store names it too.
    pub shared: bool,
}

/// The answer of one store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// The name of the scores: cosine similarity, dot product, Euclidean distance, BM25, reciprocal rank fusion.
    pub score: &'static str,
    /// How long the store took.
    #[serde(rename = "milliseconds", serialize_with = "as_milliseconds")]
    pub took: Duration,
    /// The results, best first.
    pub hits: Vec<Hit>,
}

/// Why there is no answer of Qdrant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// It was not asked, for this reason.
    NotAsked(String),
    /// It was asked, and this went wrong.
    Failed(String),
}

impl NoAnswer {
    /// The reason, or what went wrong.
    pub fn why(&self) -> &str {
        let (Self::NotAsked(why) | Self::Failed(why)) = self;
        why
    }

    /// Which of the two it is, in words.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotAsked(_) => "not asked",
            Self::Failed(_) => "no answer",
        }
    }
}

/// The answers of both stores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The space of the query's vector; none where it was searched by keywords alone.
    pub space: Option<String>,
    /// The columns of vectors that were searched.
    pub columns: Vec<String>,
    /// The column of texts that was searched by keywords.
    pub text_column: Option<String>,
    /// How long embedding the query took.
    #[serde(rename = "embedding_milliseconds", serialize_with = "as_milliseconds")]
    pub embedding: Duration,
    /// LanceDB's answer.
    pub lancedb: Answered,
    /// Qdrant's, or why there is none.
    #[serde(serialize_with = "answer_or_why")]
    pub qdrant: Result<Answered, NoAnswer>,
    /// Results that both name.
    pub shared: usize,
}

fn as_milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
}

fn answer_or_why<S: Serializer>(answer: &Result<Answered, NoAnswer>, serializer: S) -> Result<S::Ok, S::Error> {
    match answer {
        Ok(answer) => answer.serialize(serializer),
        Err(NoAnswer::NotAsked(why)) => serde_json::json!({ "not_asked": why }).serialize(serializer),
        Err(NoAnswer::Failed(error)) => serde_json::json!({ "failed": error }).serialize(serializer),
    }
}

/// Rows that are looked at, at most, where the index's answer has to be looked through once more.
const MOST_CANDIDATES: usize = 10_000;
/// Characters of a snippet.
const SNIPPET: usize = 160;

type Ranked = Vec<(PointId, f64)>;

impl Inspector {
    /// Answers a query from both stores.
    ///
    /// # Errors
    /// The query cannot be embedded or is of another space, the condition cannot be translated, a store cannot be read,
    /// or there is no table yet.
    pub async fn search(&self, wanted: &SearchFor) -> anyhow::Result<Found> {
        let begun = Instant::now();
        let question = match wanted.how {
            How::Keyword => None,
            How::Vector | How::Hybrid => Some(self.question(&wanted.asked, wanted.find).await?),
        };
        let embedding = begun.elapsed();
        self.answer(wanted, question.as_ref(), embedding).await
    }

    /// The same for a query that is embedded already.
    ///
    /// # Errors
    /// As for [`Inspector::search`].
    pub async fn answer(
        &self,
        wanted: &SearchFor,
        question: Option<&Question>,
        embedding: Duration,
    ) -> anyhow::Result<Found> {
        let begun = Instant::now();
        let (ranked, score) = self.search_lancedb(wanted, question).await?;
        let lancedb_took = begun.elapsed();
        let qdrant = self.search_qdrant(wanted, question).await;
        let ids = |ranked: &Ranked| ranked.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>();
        let left = ids(&ranked);
        let right = qdrant.as_ref().map(|(ranked, _)| ids(ranked)).unwrap_or_default();
        let all: Vec<PointId> = left.union(&right).copied().collect();
        let described = self.describe(&all).await?;
        let hits = |ranked: Ranked, other: &BTreeSet<PointId>| -> Vec<Hit> {
            let hit = |(place, (id, score)): (usize, (PointId, f64))| {
                let (modality, snippet) = described.get(&id).cloned().unwrap_or_default();
                Hit {
                    rank: place + 1,
                    id,
                    score,
                    modality,
                    snippet,
                    shared: other.contains(&id),
                }
            };
            ranked.into_iter().enumerate().map(hit).collect()
        };
        Ok(Found {
            space: question.map(|question| question.space.to_string()),
            columns: question.map(|question| question.columns.clone()).unwrap_or_default(),
            text_column: self
                .wishes
                .text
                .clone()
                .filter(|_| wanted.how != How::Vector || question.is_none()),
            embedding,
            lancedb: Answered {
                score,
                took: lancedb_took,
                hits: hits(ranked, &right),
            },
            qdrant: qdrant.map(|(ranked, took)| Answered {
                score: self.score_of_qdrant(),
                took,
                hits: hits(ranked, &left),
            }),
            shared: left.intersection(&right).count(),
        })
    }

    async fn search_lancedb(
        &self,
        wanted: &SearchFor,
        question: Option<&Question>,
    ) -> anyhow::Result<(Ranked, &'static str)> {
        let keywords = async {
            let Asked::Text(words) = &wanted.asked else {
                bail!("keywords are text; a picture or a sound is searched by its vector");
            };
            self.by_keywords(wanted, words).await
        };
        Ok(match (wanted.how, question) {
            (How::Keyword, _) | (_, None) => (keywords.await?, "BM25"),
            (How::Vector, Some(question)) => self.by_vector(wanted, question).await?,
            (How::Hybrid, Some(question)) => {
                let ((vectors, _), words) = tokio::try_join!(self.by_vector(wanted, question), keywords)?;
                let lists = [vectors, words].map(|ranked| ranked.into_iter().map(|(id, _)| id).collect());
                let mut fused = reciprocal_rank_fusion(&lists, 60.0);
                fused.truncate(wanted.count);
                (fused, "reciprocal rank fusion")
            }
        })
    }

    /// The rows nearest to the query in every column of its space; a row that two columns name counts once.
    pub(super) async fn by_vector(
        &self,
        wanted: &SearchFor,
        question: &Question,
    ) -> anyhow::Result<(Ranked, &'static str)> {
        let table = self.table().context(NO_TABLE)?;
        let mut best: BTreeMap<PointId, f64> = BTreeMap::new();
        let mut name = "cosine similarity";
        let mut smaller_is_better = false;
        for column in &question.columns {
            let distance = self.wishes.distance_of(column);
            name = super::inspect::score_name(distance);
            smaller_is_better = !matches!(distance, lancedb::DistanceType::Cosine | lancedb::DistanceType::Dot);
            let find = |count, filter: Option<String>| {
                let table = table.clone();
                async move {
                    let by = ByVector {
                        column,
                        vector: &question.vector,
                        distance,
                        count,
                        filter: filter.as_deref(),
                        through: wanted.through,
                    };
                    let found = search::by_vector(&table, by).await?;
                    let scored = |(id, value)| (id, f64::from(super::inspect::score(distance, value)));
                    Ok(found.into_iter().map(scored).collect())
                }
            };
            for (id, score) in self.filtered(wanted, find).await? {
                let entry = best.entry(id).or_insert(score);
                *entry = if smaller_is_better {
                    entry.min(score)
                } else {
                    entry.max(score)
                };
            }
        }
        let mut ranked: Ranked = best.into_iter().collect();
        ranked.sort_by(|a, b| {
            let order = b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
            if smaller_is_better {
                a.1.total_cmp(&b.1).then(a.0.cmp(&b.0))
            } else {
                order
            }
        });
        ranked.truncate(wanted.count);
        Ok((ranked, name))
    }

    async fn by_keywords(&self, wanted: &SearchFor, words: &str) -> anyhow::Result<Ranked> {
        let table = self.table().context(NO_TABLE)?;
        let column = self
            .wishes
            .text
            .as_deref()
            .context("the table has no column of texts to search by keywords")?;
        if !search::has_index(&table, column).await? {
            bail!("{}", no_keyword_index(column, self.config.pipeline.index));
        }
        let find = |count, filter: Option<String>| {
            let table = table.clone();
            async move {
                let found = search::by_text(&table, column, words, count, filter.as_deref()).await?;
                Ok(found.into_iter().map(|(id, score)| (id, f64::from(score))).collect())
            }
        };
        self.filtered(wanted, find).await
    }

    /// Asks with the conditions of the search. Where SQL alone cannot say them exactly, what comes is looked through by
    /// the payload, and more is asked for until there are enough.
    async fn filtered<F, R>(&self, wanted: &SearchFor, find: F) -> anyhow::Result<Ranked>
    where
        F: Fn(usize, Option<String>) -> R,
        R: Future<Output = anyhow::Result<Ranked>>,
    {
        let mut parts = Vec::new();
        if let Some(modality) = wanted.find {
            parts.push(format!("modality = '{}'", modality.as_str()));
        }
        let mut again = None;
        if let Some(filter) = &wanted.filter {
            let translated = sql::to_sql(filter, &self.schema)?;
            if !translated.exact {
                again = Some(filter);
            }
            parts.push(format!("({})", translated.sql));
        }
        let condition = (!parts.is_empty()).then(|| parts.join(" AND "));
        let mut count = wanted.count;
        loop {
            let found = find(count, condition.clone()).await?;
            let Some(filter) = again else { return Ok(found) };
            let asked = found.len();
            let kept = self.only(found, filter).await?;
            if kept.len() >= wanted.count || asked < count || count >= MOST_CANDIDATES {
                return Ok(kept.into_iter().take(wanted.count).collect());
            }
            count = (count * 4).min(MOST_CANDIDATES);
        }
    }

    async fn only(&self, ranked: Ranked, filter: &Filter) -> anyhow::Result<Ranked> {
        let table = self.table().context(NO_TABLE)?;
        let mut kept = Vec::new();
        for chunk in ranked.chunks(500) {
            let ids: Vec<PointId> = chunk.iter().map(|(id, _)| *id).collect();
            let rows = read::payloads_by_id(&table, &self.schema, &ids).await?;
            let good: BTreeSet<PointId> = rows
                .into_iter()
                .filter(|row| filter.matches(&row.point.payload))
                .map(|row| row.point.id)
                .collect();
            kept.extend(chunk.iter().filter(|(id, _)| good.contains(id)));
        }
        Ok(kept)
    }

    /// What Qdrant answers to the same vector, where it is of the space of one of Qdrant's.
    async fn search_qdrant(
        &self,
        wanted: &SearchFor,
        question: Option<&Question>,
    ) -> Result<(Ranked, Duration), NoAnswer> {
        let question = question.ok_or_else(|| NoAnswer::NotAsked("Qdrant is searched by vector only".to_owned()))?;
        let name = question
            .beside
            .clone()
            .ok_or_else(|| NoAnswer::NotAsked(format!("Qdrant holds no vectors of {}", question.space)))?;
        let filter = wanted.filter.as_ref().map(conditions::to_qdrant);
        let exact = wanted.through == Through::Everything;
        let mut count = wanted.count;
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            let found = self
                .source
                .search(&name, &question.vector, count as u64, filter.clone(), exact)
                .await
                .map_err(|error| NoAnswer::Failed(error.to_string()))?;
            let took = if count == wanted.count {
                asked.elapsed()
            } else {
                begun.elapsed()
            };
            let all = found.len();
            let ranked: Ranked = found.into_iter().map(|(id, score)| (id, f64::from(score))).collect();
            let Some(find) = wanted.find else {
                return Ok((ranked, took));
            };
            // Qdrant does not know what a point is made of; its row does.
            let ids: Vec<PointId> = ranked.iter().map(|(id, _)| *id).collect();
            let described = self.describe(&ids).await;
            let described = described.map_err(|error| NoAnswer::Failed(format!("{error:#}")))?;
            let is = |id: &PointId| described.get(id).is_some_and(|(modality, _)| *modality == Some(find));
            let kept: Ranked = ranked.into_iter().filter(|(id, _)| is(id)).take(wanted.count).collect();
            if kept.len() >= wanted.count || all < count || count >= MOST_CANDIDATES {
                return Ok((kept, took));
            }
            count = (count * 4).min(MOST_CANDIDATES);
        }
    }

    /// What points are made of, and the beginning of their content: by their rows, else by Qdrant's payload.
    async fn describe(&self, ids: &[PointId]) -> anyhow::Result<BTreeMap<PointId, (Option<Modality>, Option<String>)>> {
        let mut described = BTreeMap::new();
        if let Some(table) = self.table() {
            for ids in ids.chunks(500) {
                for row in read::payloads_by_id(&table, &self.schema, ids).await? {
                    let snippet = snippet(&row.point.payload, &self.content);
                    described.insert(row.point.id, (row.modality, snippet));
                }
            }
        }
        let left: Vec<PointId> = ids.iter().copied().filter(|id| !described.contains_key(id)).collect();
        for ids in left.chunks(500) {
            for point in self.source.get(ids).await?.into_iter().flatten() {
                let snippet = snippet(&point.payload, &self.content);
                described.insert(point.id, (Modality::named(&point.payload), snippet));
            }
        }
        Ok(described)
    }

    fn score_of_qdrant(&self) -> &'static str {
        super::inspect::score_name(self.wishes.distance)
    }
}

pub(super) const NO_TABLE: &str = "there is no table yet; `qlance run` makes it with its first commit";

/// Why keywords cannot be searched, and what brings their index, by what is configured.
fn no_keyword_index(column: &str, builds_indexes: bool) -> String {
    if builds_indexes {
        format!("column {column:?} has no keyword index yet; `qlance run` builds it after the last point")
    } else {
        format!(
            "column {column:?} has no keyword index (pipeline.index = false: set it to true, and `qlance run` builds it)"
        )
    }
}

fn snippet(payload: &Payload, key: &str) -> Option<String> {
    Some(payload.get(key)?.as_str()?.chars().take(SNIPPET).collect())
}

/// The vector of a query.
pub(super) type QueryVector = Embedding;
