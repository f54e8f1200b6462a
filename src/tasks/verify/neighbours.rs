//! Neighbours: do both stores find the same points near a point?
//!
//! Where the spaces are the same, Qdrant's own vector of a drawn point is asked of both, and Qdrant's exact answer is what
//! LanceDB's, through its index where it has one, is held against. So the check is about the stores; whether a row has the
//! right vector is for the check of vectors, and one wrong row moves no figure here by much. Where the spaces differ, each
//! store is asked by its own vector, and the overlap is told, not judged: another model is to find other neighbours.

use std::collections::{BTreeSet, HashMap};

use lancedb::DistanceType;
use serde_json::json;

use super::ranked::{DEPTH, K, are_enough, judge_recall, mean, recall, recall_limits};
use super::vectors::compared_with;
use super::{Check, CheckId, Ground, judge};
use crate::lance::exact::nearest_to_each;
use crate::lance::index::MIN_INDEXED_ROWS;
use crate::lance::search::{ByVector, Through, by_vector, has_index};
use crate::lance::{Role, Row, read};
use crate::point::ranking::{Scoring, overlap_at, rank_correlation};
use crate::point::verdict::{Outcome, RANK, TOP_1, percent};
use crate::point::{Modality, Point, PointId, grouped};
use crate::qdrant::source::Part;
use crate::tasks::inspect::score;
use crate::tasks::prepare::Plan;
use crate::tasks::recall::without;
use crate::tasks::space::other_space;

/// For the seed: the points that ask.
const SALT: u64 = 3;

/// One point that asks.
struct Ask {
    id: PointId,
    /// Qdrant's vector and its name.
    name: String,
    old: Vec<f32>,
    /// LanceDB's vector and its column.
    column: String,
    new: Vec<f32>,
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    top_1: Vec<f64>,
    overlap: Vec<f64>,
    recall: Vec<f64>,
    rank: Vec<f64>,
}

/// The figures of one query; none where there is nothing to be said.
struct Figures {
    top_1: Option<f64>,
    overlap: Option<f64>,
    recall: Option<f64>,
    rank: Option<f64>,
}

impl Seen {
    fn take_in(&mut self, figures: Figures) {
        self.top_1.extend(figures.top_1);
        self.overlap.extend(figures.overlap);
        self.recall.extend(figures.recall);
        self.rank.extend(figures.rank);
    }
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let inspector = ground.inspector;
    let mut check = ground.check(CheckId::Neighbours);
    // A few more than are asked for: one or the other may have no point.
    let wanted = ground.queries();
    let places = ground.places((wanted + wanted / 10 + 1) as u64, SALT);
    let columns =
        ground.columns(|role| matches!(role, Role::Id | Role::Modality | Role::Similarity | Role::Embedding(_)));
    let rows = ground.rows_at(&places, &columns).await?;
    let other = other_space(inspector, ground.collection, &rows);
    let mut asks = asks(ground, rows, other.is_some()).await?;
    let every_row_asked = places.len() as u64 == ground.rows && asks.len() <= wanted;
    asks.truncate(wanted);
    let another_space = other.is_some();
    // One waits for Qdrant, the other compares rows.
    let (of_qdrant, mut exact) =
        tokio::try_join!(in_qdrant(ground, &asks), without_index(ground, &asks, another_space))?;
    let indexed = exact.is_empty();
    let mut seen = Seen::default();
    for (ask, of_qdrant) in asks.iter().zip(of_qdrant) {
        ground.check_stop()?;
        let found = match exact.remove(&ask.id) {
            Some(found) => found,
            None => through_index(ground, ask, another_space).await?,
        };
        seen.take_in(figures(ground, ask, of_qdrant, found).await?);
    }
    tell(&mut check, &seen, other, every_row_asked);
    if !indexed && ground.rows >= MIN_INDEXED_ROWS {
        check.notes.push(
            "there is no vector index yet: LanceDB compared with every row, which flatters what an index will find"
                .to_owned(),
        );
    }
    Ok(check)
}

/// The drawn rows that have vectors in both stores.
async fn asks(ground: &Ground<'_>, rows: Vec<Row>, other: bool) -> anyhow::Result<Vec<Ask>> {
    let inspector = ground.inspector;
    let part = Part {
        payloads: false,
        vectors: true,
    };
    let ids: Vec<PointId> = rows.iter().map(|row| row.point.id).collect();
    let mut points: HashMap<PointId, Point> = HashMap::new();
    for ids in ids.chunks(ground.page_points) {
        let found = inspector.source.get_part(ids, part).await?;
        points.extend(found.into_iter().flatten().map(|point| (point.id, point)));
    }
    let ask_of = |row: Row| {
        let beside = &inspector.beside[row.modality.unwrap_or(Modality::Text) as usize];
        let name = match &inspector.recipe.plan {
            Plan::Carry { vector, .. } => vector.as_str(),
            Plan::Embed { .. } if other => beside.as_str(),
            Plan::Embed { .. } => compared_with(&inspector.recipe, &row).next()?,
        };
        let old = points.get(&row.point.id)?.vectors.get(name)?.dense()?;
        let (column, new) = (row.embedding_column?, row.embedding?);
        // Nothing is near a vector that is not sound; that is for the check of vectors.
        let sound = qlance_numbers::not_finite(&new).is_none() && new.iter().any(|number| *number != 0.0);
        (sound || !other).then(|| Ask {
            id: row.point.id,
            name: name.to_owned(),
            old: old.to_vec(),
            column,
            new,
        })
    };
    Ok(rows.into_iter().filter_map(ask_of).collect())
}

impl Ask {
    /// The vector that LanceDB is asked by.
    fn vector(&self, other: bool) -> &[f32] {
        if other { &self.new } else { &self.old }
    }
}

/// LanceDB's answers in columns without an index: every row is compared, for all who ask at once.
async fn without_index(
    ground: &Ground<'_>,
    asks: &[Ask],
    other: bool,
) -> anyhow::Result<HashMap<PointId, Vec<(PointId, f32)>>> {
    let mut answers = HashMap::new();
    let columns: BTreeSet<&str> = asks.iter().map(|ask| ask.column.as_str()).collect();
    for column in columns {
        if has_index(&ground.table, column).await? {
            continue;
        }
        let own: Vec<&Ask> = asks.iter().filter(|ask| ask.column == column).collect();
        let vectors = own.iter().map(|ask| ask.vector(other).to_vec()).collect();
        let distance = ground.inspector.wishes.distance_of(column);
        let found = nearest_to_each(&ground.pinned, column, vectors, distance, K + 1).await?;
        answers.extend(own.iter().map(|ask| ask.id).zip(found));
    }
    Ok(answers)
}

/// Qdrant's exact answers, in the order of those who ask.
async fn in_qdrant(ground: &Ground<'_>, asks: &[Ask]) -> anyhow::Result<Vec<Vec<(PointId, f32)>>> {
    let all = asks.len() as u64;
    ground.report(CheckId::Neighbours, 0, all);
    let asked: Vec<(&str, &[f32])> = asks.iter().map(|ask| (ask.name.as_str(), ask.old.as_slice())).collect();
    let done = |done: usize| ground.report(CheckId::Neighbours, done as u64, all);
    let source = &ground.inspector.source;
    Ok(source.nearest_to_each(&asked, DEPTH as u64 + 1, done).await?)
}

/// LanceDB's answer to one point through its index.
async fn through_index(ground: &Ground<'_>, ask: &Ask, other: bool) -> anyhow::Result<Vec<(PointId, f32)>> {
    let wanted = ByVector {
        column: &ask.column,
        vector: ask.vector(other),
        distance: ground.inspector.wishes.distance_of(&ask.column),
        count: K + 1,
        filter: None,
        through: Through::Index,
    };
    by_vector(&ground.table, wanted).await
}

/// Holds both answers to one point against each other.
async fn figures(
    ground: &Ground<'_>,
    ask: &Ask,
    qdrant: Vec<(PointId, f32)>,
    lancedb: Vec<(PointId, f32)>,
) -> anyhow::Result<Figures> {
    let distance = ground.inspector.wishes.distance_of(&ask.column);
    let mut qdrant = without(ask.id, qdrant, DEPTH);
    if ground.points != ground.rows {
        // What has no row is for the check of ids.
        let ids: Vec<PointId> = qdrant.iter().map(|(id, _)| *id).collect();
        let there: BTreeSet<PointId> = read::present(&ground.table, &ids).await?.into_iter().collect();
        qdrant.retain(|(id, _)| there.contains(id));
    }
    let scored = lancedb.into_iter().map(|(id, value)| (id, score(distance, value)));
    let lancedb = without(ask.id, scored.collect(), K);
    let scoring = match distance {
        DistanceType::L2 => Scoring::Distance,
        _ => Scoring::Similarity,
    };
    let ids = |list: &[(PointId, f32)]| list.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    Ok(Figures {
        top_1: recall(&lancedb, &qdrant, 1, scoring),
        recall: recall(&lancedb, &qdrant, K, scoring),
        overlap: overlap_at(K, &ids(&lancedb), &ids(&qdrant)),
        rank: rank_correlation(&lancedb, &qdrant),
    })
}

fn tell(check: &mut Check, seen: &Seen, other: Option<String>, every_row_asked: bool) {
    let queries = seen.recall.len();
    let over = format!("over {} queries", grouped(queries as u64));
    let (top_1, overlap, rank) = (mean(&seen.top_1), mean(&seen.overlap), mean(&seen.rank));
    let of = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"));
    check.threshold = format!("{}; {}; {}", TOP_1.named(), recall_limits(), RANK.named());
    let recalls = if queries == 0 {
        check.outcome = Outcome::Info;
        check.figure = "no point has another to be compared with".into();
        if !every_row_asked {
            check.doubt("none of the drawn rows has a vector in both stores".to_owned());
        }
        json!(null)
    } else if let Some(why) = &other {
        check.outcome = Outcome::Info;
        let shared = overlap.map_or_else(|| "-".to_owned(), percent);
        check.figure = format!("{shared} of the ten nearest shared, {over}: told, not judged");
        check.threshold = "none".into();
        check.notes.push(format!("not judged: {why}"));
        json!(null)
    } else if are_enough(queries, every_row_asked) {
        check.figure = format!(
            "top-1 {}, recall@10 {}, rank {} {over}",
            of(top_1),
            of(mean(&seen.recall)),
            of(rank)
        );
        // An overlap that ties spoil is none: that of ten is judged as recall@10, where what is no worse than Qdrant's
        // tenth counts as shared.
        judge(check, &[(TOP_1, top_1.unwrap_or_default())]);
        if let Some(rank) = rank {
            judge(check, &[(RANK, rank)]);
        }
        judge_recall(check, &seen.recall)
    } else {
        check.figure = format!("recall@10 {} {over} only", of(mean(&seen.recall)));
        check.doubt(format!(
            "{} queries say too little; at least 50 are wanted (--queries), or one for every row",
            grouped(queries as u64)
        ));
        json!(null)
    };
    check.numbers = json!({
        "queries": queries, "every_row_asked": every_row_asked, "top_1": top_1, "overlap_10": overlap,
        "recall_10": recalls, "rank_correlation": rank, "ranked": seen.rank.len(), "same_space": other.is_none(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(queries: usize, value: f64) -> Seen {
        Seen {
            top_1: vec![value; queries],
            overlap: vec![value; queries],
            recall: vec![value; queries],
            rank: vec![value; queries],
        }
    }

    fn told(seen: &Seen, other: Option<&str>, every_row_asked: bool) -> Check {
        let mut check = Check::new(CheckId::Neighbours);
        tell(&mut check, seen, other.map(str::to_owned), every_row_asked);
        check
    }

    #[test]
    fn too_few_queries_say_nothing_and_another_space_is_not_judged() {
        for (queries, value, other, every_row, expected) in [
            (100, 1.0, None, false, Outcome::Pass),
            (100, 0.78, None, false, Outcome::Fail),
            (49, 1.0, None, false, Outcome::Inconclusive),
            (49, 0.1, None, false, Outcome::Inconclusive),
            (5, 1.0, None, true, Outcome::Pass),
            (100, 0.1, Some("why"), false, Outcome::Info),
            (0, 0.0, None, true, Outcome::Info),
            (0, 0.0, None, false, Outcome::Inconclusive),
        ] {
            let check = told(&seen(queries, value), other, every_row);
            assert_eq!(check.outcome, expected, "{queries} {value}: {check:?}");
            let explained = check.reasons.is_empty() == matches!(expected, Outcome::Pass | Outcome::Info);
            assert!(explained, "{check:?}");
            let shares = check.figure.contains(" % of the ten nearest shared, over 100 queries");
            assert_eq!(shares, other.is_some(), "{}", check.figure);
            let wants_nothing = check.threshold == "none";
            assert_eq!(wants_nothing, other.is_some(), "{}", check.threshold);
        }
    }

    #[test]
    fn every_figure_is_told() {
        let check = told(&seen(100, 1.0), None, false);
        for figure in ["queries", "top_1", "overlap_10", "recall_10", "rank_correlation"] {
            assert!(!check.numbers[figure].is_null(), "{figure}: {}", check.numbers);
        }
        assert_eq!(check.numbers["recall_10"]["p5"], json!(1.0));
    }
}
