//! The same content embedded again must give the same vector: the one proof that does not lean on anything that was
//! written when the row was. A few contents, drawn by the seed; what it would cost is said before, and it is done only
//! where it is allowed or costs nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::payloads::{applied_edits, mended};
use super::{Check, Ground};
use crate::config::Provider;
use crate::embed::{Caller, Input, Role as Purpose};
use crate::journal::Decision;
use crate::lance::{Role, Row};
use crate::point::verdict::{AGAIN, Outcome, Sample};
use crate::point::{Point, PointId, Similarity};
use crate::qdrant::source::Part;
use crate::tasks::migrate::{Finished, embed_points};
use crate::tasks::prepare::{Plan, text_of};

/// For the seed: the sample of rows.
const SALT: u64 = 2;
/// Contents of one round. Few: pictures and sounds come along.
const ROUND: usize = 16;

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
    pub(super) compared: u64,
    /// Those of them that it did not come out the same for.
    differing: u64,
    /// Contents that cannot be embedded now.
    failed: u64,
    /// The least cosine.
    worst: Option<f32>,
    /// Why nothing was embedded, as the end of a sentence.
    pub(super) why_not: Option<String>,
}

impl Again {
    pub(super) fn numbers(&self) -> Value {
        json!({
            "drawn": self.drawn, "inputs": self.inputs, "tokens": self.tokens, "usd": self.usd,
            "compared": self.compared, "differing": self.differing, "failed": self.failed, "worst_cosine": self.worst,
        })
    }
}

pub(super) async fn run(ground: &Ground<'_>, check: &mut Check) -> anyhow::Result<Again> {
    let mut again = Again::default();
    let Plan::Embed { content, .. } = &ground.inspector.recipe.plan else {
        return Ok(again);
    };
    if ground.wish.again == 0 || ground.rows == 0 {
        return Ok(again);
    }
    let (rows, points) = drawn(ground, content).await?;
    again.drawn = points.len() as u64;
    estimate(ground, content, &points, &mut again);
    if !is_free(ground) && !ground.wish.pay {
        let why = format!(
            "; embedding {} of them again would take about {} tokens, ${:.4}: --pay allows it",
            again.drawn, again.tokens, again.usd
        );
        check.notes.push(format!("no content was embedded again{why}"));
        again.why_not = Some(why);
        return Ok(again);
    }
    embed(ground, check, &mut again, (&rows, points)).await?;
    if again.differing > 0 {
        check.fail(format!(
            "{} of {} contents give another vector when they are embedded again (least cosine {:.4}): another model or \
             another prefix made the rows, or the server changed",
            again.differing,
            again.compared,
            again.worst.unwrap_or_default()
        ));
    } else if again.compared > 0 {
        let sample = Sample::new(again.compared, ground.rows, 0);
        check
            .notes
            .push(format!("embedded again, all the same: {}", sample.text()));
    }
    if again.failed > 0 {
        check.doubt(format!("{} contents cannot be embedded again now", again.failed));
    }
    Ok(again)
}

/// Rows drawn by the seed and their points, as the rows should say them. Rows that hold Qdrant's vector because the
/// operator wanted it so are left out.
async fn drawn(ground: &Ground<'_>, content: &str) -> anyhow::Result<(HashMap<PointId, Row>, Vec<Point>)> {
    let inspector = ground.inspector;
    let columns = ground.columns(|role| matches!(role, Role::Id | Role::Modality | Role::Embedding(_)));
    let places = ground.places(ground.wish.again as u64, SALT);
    let rows = ground.rows_at(&places, &columns).await?;
    let rows: HashMap<PointId, Row> = rows.into_iter().map(|row| (row.point.id, row)).collect();
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
    again.usd = gateway.budget().price_of(again.tokens);
}

/// Whether all embedders are in this process. A server may charge without our knowing its price.
fn is_free(ground: &Ground<'_>) -> bool {
    let mut sections = ground.inspector.config.embed.all();
    sections.all(|(_, section)| section.provider != Provider::Openai)
}

async fn embed(
    ground: &Ground<'_>,
    check: &mut Check,
    again: &mut Again,
    (rows, points): (&HashMap<PointId, Row>, Vec<Point>),
) -> anyhow::Result<()> {
    let inspector = ground.inspector;
    let (recipe, schema) = (&inspector.recipe, &inspector.schema);
    if let (Some(gateway), Plan::Embed { content, .. }) = (recipe.gateways.main(), &recipe.plan) {
        // What is remembered from the migration would come out the same without asking.
        let inputs: Vec<Input> = points
            .iter()
            .filter_map(|point| text_of(content, &point.payload).ok())
            .collect();
        gateway.forget(&inputs, Purpose::Document);
    }
    let mut points = points.into_iter();
    loop {
        ground.check_stop()?;
        let round: Vec<_> = points.by_ref().take(ROUND).map(Ok).collect();
        if round.is_empty() {
            return Ok(());
        }
        let embedded = match embed_points(recipe, schema, round, Caller::Operator).await {
            Ok(embedded) => embedded,
            Err(error) => {
                check.doubt(format!("contents cannot be embedded again: {error}"));
                return Ok(());
            }
        };
        again.failed += embedded.failures.len() as u64;
        for finished in &embedded.points {
            let id = finished.point.id;
            let Some(row) = rows.get(&id) else { continue };
            let columns: Vec<&str> = schema.embeddings().map(|(column, _)| column).collect();
            again.compared += 1;
            let cosine = least_cosine(&columns, row, finished);
            again.worst = Some(again.worst.map_or(cosine, |worst: f32| worst.min(cosine)));
            if AGAIN.judge(f64::from(cosine)) != Outcome::Pass {
                again.differing += 1;
                check
                    .offenders
                    .add(id, || format!("embedded again, the cosine is {cosine:.4}"));
                check.mend(id);
            }
        }
    }
}

/// The least cosine of a row's embeddings and those of the same columns that came out; -1 where only one has any.
fn least_cosine(columns: &[&str], row: &Row, finished: &Finished) -> f32 {
    let own = row.embedding_column.as_deref().zip(row.embedding.as_deref());
    let others = row
        .others
        .iter()
        .map(|(column, numbers)| (column.as_str(), numbers.as_slice()));
    let held: BTreeMap<&str, &[f32]> = own.into_iter().chain(others).collect();
    columns
        .iter()
        .enumerate()
        .filter_map(|(place, column)| {
            let made = finished.embeddings.get(place).and_then(|made| made.as_deref());
            match (held.get(column), made) {
                (None, None) => None,
                (Some(held), Some(made)) => Some(Similarity::cosine(held, made).map_or(-1.0, Similarity::get)),
                _ => Some(-1.0),
            }
        })
        .fold(1.0, f32::min)
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
            let found = least_cosine(&columns, &row, &made);
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
