//! `qlance divergence`: the histogram, rows by similarity, and what is decided about them.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::acting::{Asking, ask, parse};
use super::{print_json, printable, read_or_not};
use crate::app::divergence::{Bin, bins_of};
use crate::cli::{Cli, DivergenceCommand};
use crate::config::{Config, ConfigError};
use crate::lance::browse::{Anchor, Band};
use crate::lance::read;
use crate::point::{Histogram, PointId};
use crate::tasks::inspect::PointDetail;
use crate::tasks::{TaskCommand, TaskEvent};

/// Rows read at once.
const PAGE: usize = 500;
/// Bins that are printed at most.
const BINS: usize = 60;

pub(super) async fn run(cli: &Cli, command: &DivergenceCommand) -> anyhow::Result<u8> {
    match command {
        DivergenceCommand::Histogram { threshold, json } => histogram(cli, *threshold, *json).await,
        DivergenceCommand::List {
            from,
            below,
            limit,
            json,
        } => list(cli, (*from, *below), *limit, *json).await,
        DivergenceCommand::Show { id, json } => {
            let id = parse(std::slice::from_ref(id))?[0];
            show(cli, id, *json).await
        }
        DivergenceCommand::EmbedAgain { ids, json } => decide(cli, TaskCommand::EmbedAgain(parse(ids)?), *json).await,
        DivergenceCommand::Keep { ids, json } => decide(cli, TaskCommand::KeepSourceVector(parse(ids)?), *json).await,
        DivergenceCommand::Accept { ids, note, json } => {
            decide(cli, TaskCommand::Accept(parse(ids)?, note.clone()), *json).await
        }
        DivergenceCommand::Neighbours { json } => neighbours(cli, *json).await,
    }
}

async fn histogram(cli: &Cli, threshold: Option<f64>, as_json: bool) -> anyhow::Result<u8> {
    if let Some(threshold) = threshold.filter(|threshold| !(-1.0..=1.0).contains(threshold)) {
        let problem = format!("--threshold: {threshold} is no cosine similarity; use -1 to 1");
        return Err(ConfigError::Usage(problem).into());
    }
    let asking = Asking::open(cli).await?;
    let mut histogram = Histogram::default();
    let table = asking.inspector.tables.borrow().clone();
    if let Some(table) = table {
        read::similarities(&table, |similarity| histogram.record(similarity)).await?;
    }
    let threshold = threshold.unwrap_or(asking.opening.config.divergence.threshold);
    let divergent = histogram.below(threshold as f32);
    let bins = bins_of(&histogram, threshold as f32, BINS);
    let mut stdout = std::io::stdout();
    if as_json {
        let bins: Vec<_> = bins
            .iter()
            .map(|bin| json!({"from": edge(bin.band.from), "to": edge(bin.band.to), "count": bin.count}))
            .collect();
        let object = json!({
            "compared": histogram.compared(), "incomparable": histogram.incomparable(),
            "threshold": threshold, "divergent": divergent, "bins": bins,
        });
        print_json(&object)?;
    } else {
        for Bin { band, count } in bins.iter().filter(|bin| bin.count > 0) {
            // A bin that has the threshold within it is below it in part.
            let side = if f64::from(band.from) < threshold - 1e-6 {
                "below"
            } else {
                ""
            };
            let line = format!("{:>7.4} to {:>7.4}  {count:>9}  {side}", band.from, edge(band.to));
            writeln!(stdout, "{}", line.trim_end())?;
        }
        writeln!(
            stdout,
            "{} compared, {divergent} below the threshold {threshold}, {} cannot be compared",
            histogram.compared(),
            histogram.incomparable()
        )?;
    }
    asking.close().await?;
    Ok(0)
}

/// An edge of a bin as a person would write it; above 1 there is nothing.
fn edge(value: f32) -> f64 {
    (f64::from(value.min(1.0)) * 10_000.0).round() / 10_000.0
}

/// Which rows are meant. Where there are no similarities, all of them, unless some are named.
fn band_of((from, below): (Option<f32>, Option<f32>), threshold: f32, comparable: bool) -> Result<Band, ConfigError> {
    for (name, value, most) in [("--from", from, 1.0), ("--below", below, 2.0)] {
        if let Some(value) = value.filter(|value| !(-1.0..=most).contains(value)) {
            let problem = format!("{name}: {value} is no cosine similarity; use -1 to 1");
            return Err(ConfigError::Usage(problem));
        }
    }
    if !comparable && from.is_none() && below.is_none() {
        return Ok(Band::EVERY);
    }
    let band = Band {
        from: from.unwrap_or(-1.0),
        to: below.unwrap_or(threshold),
    };
    let named = from.is_some() || below.is_some();
    if named && band.from >= band.to {
        let problem = format!(
            "nothing is from {} on and below {}; name another --from or --below",
            band.from, band.to
        );
        return Err(ConfigError::Usage(problem));
    }
    Ok(band)
}

async fn list(cli: &Cli, named: (Option<f32>, Option<f32>), limit: u64, as_json: bool) -> anyhow::Result<u8> {
    let asking = Asking::open(cli).await?;
    let comparable = &asking.opening.facts.comparable;
    let threshold = asking.opening.config.divergence.threshold as f32;
    let band = band_of(named, threshold, comparable.is_ok())?;
    if let Err(why) = comparable {
        tell!(
            "there are no similarities, for the two spaces cannot be compared: {why}; `qlance divergence show ID` has a \
             point's neighbours in both stores"
        );
    }
    let mut stdout = std::io::stdout();
    let mut anchor = Anchor::First;
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    while left > 0 {
        let TaskEvent::DivergentListed { rows, .. } = asking.inspector.divergent(band, anchor, left.min(PAGE)).await?
        else {
            break;
        };
        let Some((last, _)) = rows.last() else { break };
        anchor = Anchor::After(last.similarity, last.id);
        left -= rows.len().min(left);
        for (row, decided) in &rows {
            if as_json {
                let line =
                    json!({"id": row.id, "similarity": row.similarity, "content": row.snippet, "decided": decided});
                print_json(&line)?;
            } else {
                let similarity = row
                    .similarity
                    .map_or_else(|| "-".to_owned(), |similarity| format!("{:.4}", similarity.get()));
                let decided = decided.as_ref().map_or("", |decided| decided.label(row.similarity));
                let snippet = row.snippet.as_deref().unwrap_or("-").replace('\n', " ");
                let text = format!(
                    "{:<36} {similarity:>7}  {decided:<14} {snippet:.100}",
                    row.id.to_string()
                );
                writeln!(stdout, "{}", printable(&text))?;
            }
        }
    }
    asking.close().await?;
    Ok(0)
}

async fn show(cli: &Cli, id: PointId, as_json: bool) -> anyhow::Result<u8> {
    let asking = Asking::open(cli).await?;
    let detail = asking.inspector.inspect(id).await?;
    let mut stdout = std::io::stdout();
    if as_json {
        print_json(&detail)?;
    } else {
        write!(stdout, "{}", printable(&text(&detail)))?;
    }
    asking.close().await?;
    Ok(0)
}

fn text(detail: &PointDetail) -> String {
    let facts = |facts: Option<crate::tasks::inspect::VectorFacts>| {
        facts.map_or_else(
            || "no vector".to_owned(),
            |facts| format!("{} numbers, norm {:.4}", facts.dimension, facts.norm),
        )
    };
    let mut text = format!(
        "point    {}\ncosine   {}\nQdrant   {}\nLanceDB  {}\ncontent  {:.500}\n",
        detail.id,
        detail
            .similarity
            .map_or_else(|| "cannot be compared".to_owned(), |s| format!("{:.5}", s.get())),
        facts(detail.qdrant),
        facts(detail.lancedb),
        detail.content.as_deref().unwrap_or("none")
    );
    if let Some(decided) = &detail.decided {
        let note = decided.note.as_deref().unwrap_or_default();
        text.push_str(&format!("decided  {} {note}\n", decided.decision.label()));
        if decided.is_outdated(detail.similarity) {
            let before = decided
                .similarity
                .map_or_else(|| "before it had a cosine".to_owned(), |s| format!("at {:.5}", s.get()));
            text.push_str(&format!(
                "         it was accepted {before}: that no longer holds, accept it again\n"
            ));
        }
    }
    match &detail.neighbours {
        Err(error) => text.push_str(&format!("neighbours cannot be found: {error}\n")),
        Ok(neighbours) => {
            for (store, list) in [("Qdrant", &neighbours.qdrant), ("LanceDB", &neighbours.lancedb)] {
                text.push_str(&format!("nearest in {store} by {}\n", neighbours.score));
                for neighbour in list {
                    let shared = if neighbour.shared { '=' } else { ' ' };
                    let snippet = neighbour.snippet.as_deref().unwrap_or("-").replace('\n', " ");
                    text.push_str(&format!(
                        "  {shared} {:.4}  {:<36} {snippet:.60}\n",
                        neighbour.score,
                        neighbour.id.to_string()
                    ));
                }
            }
        }
    }
    text
}

async fn decide(cli: &Cli, command: TaskCommand, as_json: bool) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let (said, _) = ask(config, cli.state.as_deref(), command).await?;
    for event in said {
        match event {
            TaskEvent::Decided {
                decision,
                points,
                error,
                ..
            } => {
                if as_json {
                    let object = json!({"decision": decision, "points": points, "error": error});
                    read_or_not(print_json(&object))?;
                } else {
                    tell!("{}: {} points", decision.label(), points.len());
                }
                return match error {
                    None => Ok(0),
                    Some(error) => Err(anyhow::anyhow!(error)),
                };
            }
            TaskEvent::Noted(crate::tasks::Level::Error, error) => return Err(anyhow::anyhow!(error)),
            _ => {}
        }
    }
    Err(anyhow::anyhow!("stopped before it was done"))
}

async fn neighbours(cli: &Cli, as_json: bool) -> anyhow::Result<u8> {
    let asking = Asking::open(cli).await?;
    let agreement = asking.inspector.agreement().await?;
    let mut stdout = std::io::stdout();
    if as_json {
        let object = json!({"sampled": agreement.sampled, "shared": agreement.shared, "mean": agreement.mean()});
        print_json(&object)?;
    } else {
        for (shared, points) in agreement.shared.iter().enumerate().rev() {
            writeln!(stdout, "{shared:>2} of 10 shared  {points}")?;
        }
        if let Some(mean) = agreement.mean() {
            writeln!(
                stdout,
                "mean {:.1} % of {} sampled points",
                mean * 100.0,
                agreement.sampled
            )?;
        }
    }
    asking.close().await?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_what_was_named_else_of_what_diverges_else_of_all() {
        let band = |from, to| Some(Band { from, to });
        for (named, comparable, expected) in [
            ((None, None), true, band(-1.0, 0.98)),
            ((Some(0.5), None), true, band(0.5, 0.98)),
            ((None, Some(2.0)), true, band(-1.0, 2.0)),
            ((Some(0.9), Some(0.95)), true, band(0.9, 0.95)),
            ((Some(1.0), Some(2.0)), true, band(1.0, 2.0)),
            ((None, None), false, Some(Band::EVERY)),
            ((None, Some(2.0)), false, band(-1.0, 2.0)),
            // Nothing lies there.
            ((Some(0.99), None), true, None),
            ((Some(-1.5), None), true, None),
            ((Some(f32::NAN), None), true, None),
            ((None, Some(2.5)), true, None),
        ] {
            assert_eq!(band_of(named, 0.98, comparable).ok(), expected, "{named:?}");
        }
    }

    #[test]
    fn edges_are_written_as_they_are_read() {
        let written: Vec<String> = [-1.0, 0.9995, 0.98, 2.0].map(|value| edge(value).to_string()).into();
        assert_eq!(written, ["-1", "0.9995", "0.98", "1"]);
    }
}
