//! The same content embedded again must give the same vector: the one proof that does not lean on anything that was
//! written when the row was. A few contents, drawn by the seed, and as many more of each kind of embeddings that nothing
//! else ties to their points; what it would cost is said before, and it is done only where it is allowed or costs nothing.
//!
//! Nothing that is remembered of the migration is taken for an answer: it would be compared with itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::payloads::{applied_edits, mended};
use super::ties::Kind;
use super::{Check, Ground};
use crate::config::Provider;
use crate::embed::{Caller, Input};
use crate::journal::Decision;
use crate::lance::{Role, Row};
use crate::point::verdict::{AGAIN, Outcome, Sample};
use crate::point::{Point, PointId, Similarity, grouped, sum_of_money};
use crate::qdrant::source::Part;
use crate::tasks::migrate::{Finished, embed_points};
use crate::tasks::prepare::{Plan, text_of};

/// For the seed: the sample of rows.
const SALT: u64 = 2;
/// Contents of one round. Few: pictures and sounds come along.
const ROUND: usize = 16;

/// Whose contents are to be embedded again.
#[derive(Debug, Default)]
pub(super) struct ToEmbed {
    /// Where rows lie that nothing else ties to their points, kind by kind.
    pub(super) untied: BTreeMap<Kind, BTreeSet<u64>>,
    /// Whether others are drawn as well.
    pub(super) others: bool,
}

/// Embeddings of one kind that were compared with what came out.
#[derive(Debug, Default)]
struct OfKind {
    compared: u64,
    /// Of those that nothing else ties to their points: how many were compared, and how many of these differ.
    untied: (u64, u64),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Contents that were drawn.
    drawn: u64,
    /// What embedding their texts takes.
    inputs: u64,
    tokens: u64,
    usd: f64,
    /// Rows that were compared with what came out.
    compared: u64,
    /// Those of them that it did not come out the same for.
    differing: u64,
    /// Contents that cannot be embedded now.
    failed: u64,
    /// The least cosine.
    worst: Option<f32>,
    /// The same of each kind of embeddings.
    of: BTreeMap<Kind, OfKind>,
    /// Why nothing was embedded, as the end of a sentence.
    pub(super) why_not: Option<String>,
}

impl Again {
    /// Embeddings of a kind that were compared with what came out.
    pub(super) fn compared_of(&self, kind: &Kind) -> u64 {
        self.of.get(kind).map_or(0, |of| of.compared)
    }

    /// Those of them that nothing else ties to their points; and how many of these it did not come out the same for.
    pub(super) fn untied_of(&self, kind: &Kind) -> (u64, u64) {
        self.of.get(kind).map_or((0, 0), |of| of.untied)
    }

    /// Takes one row's cosines in, `untied` saying of which kinds nothing else ties the row's embedding to its point;
    /// answers the least where it is too low.
    fn take_in(&mut self, cosines: Vec<(Kind, f32)>, untied: impl Fn(&Kind) -> bool) -> Option<f32> {
        let least = least(&cosines);
        self.compared += 1;
        self.worst = Some(self.worst.map_or(least, |worst| worst.min(least)));
        for (kind, cosine) in cosines {
            let untied = untied(&kind);
            let of = self.of.entry(kind).or_default();
            of.compared += 1;
            of.untied.0 += u64::from(untied);
            of.untied.1 += u64::from(untied && differs(cosine));
        }
        self.differing += u64::from(differs(least));
        differs(least).then_some(least)
    }

    pub(super) fn numbers(&self) -> Value {
        json!({
            "drawn": self.drawn, "inputs": self.inputs, "tokens": self.tokens, "usd": self.usd,
            "compared": self.compared, "differing": self.differing, "failed": self.failed, "worst_cosine": self.worst,
        })
    }
}

pub(super) async fn run(ground: &Ground<'_>, check: &mut Check, rows: ToEmbed) -> anyhow::Result<Again> {
    let mut again = Again::default();
    let Plan::Embed { content, .. } = &ground.inspector.recipe.plan else {
        return Ok(again);
    };
    if ground.wish.again == 0 || ground.rows == 0 {
        return Ok(again);
    }
    let ToEmbed { untied, others } = rows;
    let mut places: Vec<u64> = untied.values().flatten().copied().collect();
    if others {
        places.extend(ground.places(ground.wish.again as u64, SALT));
    }
    places.sort_unstable();
    places.dedup();
    let allowed = is_free(ground) || ground.wish.pay;
    let mut goes_on = allowed;
    for places in places.chunks(ROUND) {
        ground.check_stop()?;
        let (rows, points) = drawn(ground, content, places).await?;
        again.drawn += points.len() as u64;
        estimate(ground, content, &points, &mut again);
        if goes_on {
            goes_on = embed(ground, check, &mut again, &untied, (&rows, points)).await?;
        }
    }
    if let Some(gateway) = ground.inspector.recipe.gateways.main() {
        again.usd = gateway.budget().price_of(again.tokens);
    }
    if !allowed {
        let why = format!(
            "; embedding {} of them again would take about {} tokens, ${}: --pay allows it",
            grouped(again.drawn),
            grouped(again.tokens),
            sum_of_money(again.usd, 4)
        );
        check.notes.push(format!("no content was embedded again{why}"));
        again.why_not = Some(why);
        return Ok(again);
    }
    if again.differing > 0 {
        check.fail(format!(
            "{} of {} contents give another vector when they are embedded again (least cosine {:.4}): another model or \
             another prefix made the rows, or the server changed",
            grouped(again.differing),
            grouped(again.compared),
            again.worst.unwrap_or_default()
        ));
    } else if again.compared > 0 {
        let sample = Sample::new(again.compared, ground.rows, 0);
        check
            .notes
            .push(format!("embedded again, all the same: {}", sample.text()));
    }
    if again.failed > 0 {
        check.doubt(format!(
            "{} contents cannot be embedded again now",
            grouped(again.failed)
        ));
    }
    Ok(again)
}

/// The rows at these places, with their places, and their points, as the rows should say them. Rows that hold Qdrant's
/// vector because the operator wanted it so are left out.
async fn drawn(
    ground: &Ground<'_>,
    content: &str,
    places: &[u64],
) -> anyhow::Result<(HashMap<PointId, (u64, Row)>, Vec<Point>)> {
    let inspector = ground.inspector;
    let columns = ground.columns(|role| matches!(role, Role::Id | Role::Modality | Role::Embedding(_)));
    let rows = ground.rows_at(places, &columns).await?;
    let rows: HashMap<PointId, (u64, Row)> = places
        .iter()
        .zip(rows)
        .map(|(place, row)| (row.point.id, (*place, row)))
        .collect();
    let ids: Vec<PointId> = rows.keys().copied().collect();
    let mut ids_in_order = ids.clone();
    ids_in_order.sort_unstable();
    let (decisions, edits) = inspector
        .journal
        .run(move |journal| Ok((journal.decisions(&ids)?, applied_edits(journal, &ids)?)))
        .await?;
    ids_in_order.retain(|id| {
        decisions
            .get(id)
            .is_none_or(|decided| decided.decision != Decision::Kept)
    });
    let part = Part {
        payloads: true,
        vectors: false,
    };
    let mut points = Vec::new();
    for ids in ids_in_order.chunks(ground.page_points) {
        for mut point in inspector.source.get_part(ids, part).await?.into_iter().flatten() {
            if let Some(edit) = edits.get(&point.id) {
                point.payload = mended(point.payload, content, edit);
            }
            points.push(point);
        }
    }
    Ok((rows, points))
}

/// Counts what embedding the texts takes. What pictures and sounds take, only their server knows.
fn estimate(ground: &Ground<'_>, content: &str, points: &[Point], again: &mut Again) {
    let Some(gateway) = ground.inspector.recipe.gateways.main() else {
        return;
    };
    for point in points {
        if let Ok(Input::Text(text)) = text_of(content, &point.payload) {
            again.inputs += 1;
            again.tokens += gateway.embedder().count_exactly(&text).get() as u64;
        }
    }
}

/// Whether all embedders are in this process. A server may charge without our knowing its price.
fn is_free(ground: &Ground<'_>) -> bool {
    let mut sections = ground.inspector.config.embed.all();
    sections.all(|(_, section)| section.provider != Provider::Openai)
}

/// Embeds a round of contents and compares them with their rows; answers whether more can be embedded.
async fn embed(
    ground: &Ground<'_>,
    check: &mut Check,
    again: &mut Again,
    untied: &BTreeMap<Kind, BTreeSet<u64>>,
    (rows, points): (&HashMap<PointId, (u64, Row)>, Vec<Point>),
) -> anyhow::Result<bool> {
    let inspector = ground.inspector;
    let (recipe, schema) = (&inspector.recipe, &inspector.schema);
    let embedded = match embed_points(recipe, schema, points.into_iter().map(Ok), Caller::Afresh).await {
        Ok(embedded) => embedded,
        Err(error) => {
            check.doubt(format!("contents cannot be embedded again: {error}"));
            return Ok(false);
        }
    };
    again.failed += embedded.failures.len() as u64;
    let columns: Vec<&str> = schema.embeddings().map(|(column, _)| column).collect();
    for finished in &embedded.points {
        let id = finished.point.id;
        let Some((place, row)) = rows.get(&id) else { continue };
        let untied = |kind: &Kind| untied.get(kind).is_some_and(|places| places.contains(place));
        if let Some(cosine) = again.take_in(cosines(&columns, row, finished), untied) {
            check
                .offenders
                .add(id, || format!("embedded again, the cosine is {cosine:.4}"));
            check.mend(id);
        }
    }
    Ok(true)
}

/// Whether an embedding is not the same as before.
fn differs(cosine: f32) -> bool {
    AGAIN.judge(f64::from(cosine)) != Outcome::Pass
}

/// The cosine of each of a row's embeddings with that of the same column that came out; -1 where only one has any.
fn cosines(columns: &[&str], row: &Row, finished: &Finished) -> Vec<(Kind, f32)> {
    let own = row.embedding_column.as_deref();
    let first = own.zip(row.embedding.as_deref());
    let others = row
        .others
        .iter()
        .map(|(column, numbers)| (column.as_str(), numbers.as_slice()));
    let held: BTreeMap<&str, &[f32]> = first.into_iter().chain(others).collect();
    let cosine = |(place, column): (usize, &&str)| {
        let made = finished.embeddings.get(place).and_then(|made| made.as_deref());
        let cosine = match (held.get(column), made) {
            (None, None) => return None,
            (Some(held), Some(made)) => Similarity::cosine(held, made).map_or(-1.0, Similarity::get),
            _ => -1.0,
        };
        Some((((*column).to_owned(), own != Some(*column)), cosine))
    };
    columns.iter().enumerate().filter_map(cosine).collect()
}

/// The least of a row's cosines.
fn least(cosines: &[(Kind, f32)]) -> f32 {
    cosines.iter().map(|(_, cosine)| *cosine).fold(1.0, f32::min)
}

#[cfg(test)]
impl Again {
    /// So many of one kind, that nothing else ties, came out the same.
    pub(super) fn of_kind(kind: Kind, compared: u64) -> Self {
        Self {
            compared,
            of: BTreeMap::from([(
                kind,
                OfKind {
                    compared,
                    untied: (compared, 0),
                },
            )]),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Modality, Payload, Vectors};

    fn row(own: &[f32], others: &[(&str, &[f32])]) -> Row {
        Row {
            point: Point {
                id: PointId::Num(1),
                payload: Payload::new(),
                vectors: Vectors::new(),
            },
            modality: Some(Modality::Text),
            embedding: Some(own.to_vec()),
            embedding_column: Some("embedding".to_owned()),
            others: others
                .iter()
                .map(|(column, numbers)| ((*column).to_owned(), numbers.to_vec()))
                .collect(),
            similarity: None,
        }
    }

    fn finished(first: &[f32], second: Option<&[f32]>) -> Finished {
        Finished {
            point: row(first, &[]).point,
            modality: Modality::Text,
            embeddings: [Some(first.into()), second.map(Into::into), None, None],
            similarity: None,
            media: None,
        }
    }

    #[test]
    fn the_worst_column_counts() {
        let columns = ["embedding", "embedding_caption"];
        let (east, north): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 1.0]);
        for (row, made, expected) in [
            (row(east, &[]), finished(east, None), 1.0),
            (row(east, &[]), finished(north, None), 0.0),
            (
                row(east, &[("embedding_caption", east)]),
                finished(east, Some(east)),
                1.0,
            ),
            (
                row(east, &[("embedding_caption", east)]),
                finished(east, Some(north)),
                0.0,
            ),
            (row(east, &[("embedding_caption", east)]), finished(east, None), -1.0),
            (row(east, &[]), finished(east, Some(east)), -1.0),
        ] {
            let found = least(&cosines(&columns, &row, &made));
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn each_kind_is_counted_by_itself() {
        let columns = ["embedding", "embedding_caption"];
        let (east, north): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 1.0]);
        let mut again = Again::default();
        let (own, caption) = (("embedding".to_owned(), false), ("embedding_caption".to_owned(), true));
        let one = row(east, &[]);
        assert_eq!(
            again.take_in(cosines(&columns, &one, &finished(east, None)), |_| true),
            None
        );
        // What is tied to its point says nothing of what is not.
        let two = row(east, &[("embedding_caption", east)]);
        let low = again.take_in(cosines(&columns, &two, &finished(east, Some(north))), |kind| {
            *kind == caption
        });
        assert!(low.is_some_and(|cosine| cosine.abs() < 1e-6), "{low:?}");
        assert_eq!((again.compared_of(&own), again.untied_of(&own)), (2, (1, 0)));
        assert_eq!((again.compared_of(&caption), again.untied_of(&caption)), (1, (1, 1)));
        assert_eq!((again.compared, again.differing), (2, 1));
        let other = ("embedding".to_owned(), true);
        assert_eq!((again.compared_of(&other), again.untied_of(&other)), (0, (0, 0)));
    }
}
