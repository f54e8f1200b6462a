//! `qlance divergence`: the histogram, rows by similarity, and what is decided about them.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::acting::{Asking, ask, parse};
use super::{print_json, printable};
use crate::cli::{Cli, DivergenceCommand};
use crate::config::{Config, ConfigError};
use crate::lance::browse::{Anchor, Band};
use crate::lance::read;
use crate::point::{Histogram, PointId};
use crate::tasks::inspect::PointDetail;
use crate::tasks::{TaskCommand, TaskEvent};

/// Rows read at once.
const PAGE: usize = 500;

pub(super) async fn run(cli: &Cli, command: &DivergenceCommand) -> anyhow::Result<u8> {
    match command {
        DivergenceCommand::Histogram { json } => histogram(cli, *json).await,
        DivergenceCommand::List { below, limit, json } => list(cli, *below, *limit, *json).await,
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

async fn histogram(cli: &Cli, as_json: bool) -> anyhow::Result<u8> {
    let asking = Asking::open(cli).await?;
    let mut histogram = Histogram::default();
    let table = asking.inspector.tables.borrow().clone();
    if let Some(table) = table {
        read::similarities(&table, |similarity| histogram.record(similarity)).await?;
    }
    let threshold = asking.opening.config.divergence.threshold as f32;
    let edges: Vec<f32> = (0..=20).map(|step| 1.0 - step as f32 / 20.0).collect();
    let bins: Vec<(f32, u64)> = edges
        .iter()
        .map(|from| {
            (
                *from,
                histogram.between(*from, if *from >= 1.0 { 2.0 } else { from + 0.05 }),
            )
        })
        .collect();
    let mut stdout = std::io::stdout();
    if as_json {
        let bins: Vec<_> = bins
            .iter()
            .map(|(from, count)| json!({"from": from, "count": count}))
            .collect();
        let object = json!({
            "compared": histogram.compared(), "incomparable": histogram.incomparable(),
            "threshold": threshold, "divergent": histogram.below(threshold), "bins": bins,
        });
        print_json(&object)?;
    } else {
        for (from, count) in bins.iter().filter(|(_, count)| *count > 0) {
            writeln!(stdout, "{from:>7.3}  {count}")?;
        }
        writeln!(
            stdout,
            "{} compared, {} below the threshold {threshold}, {} cannot be compared",
            histogram.compared(),
            histogram.below(threshold),
            histogram.incomparable()
        )?;
    }
    asking.close().await?;
    Ok(0)
}

async fn list(cli: &Cli, below: Option<f32>, limit: u64, as_json: bool) -> anyhow::Result<u8> {
    let asking = Asking::open(cli).await?;
    let to = below.unwrap_or(asking.opening.config.divergence.threshold as f32);
    if !(-1.0..=2.0).contains(&to) {
        return Err(ConfigError::Usage(format!("--below: {to} is no cosine similarity; use -1 to 1")).into());
    }
    let band = Band { from: -1.0, to };
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
                let decided = decided.as_ref().map_or("", |decided| decided.decision.label());
                let snippet = row.snippet.as_deref().unwrap_or("-").replace('\n', " ");
                let text = format!(
                    "{:<36} {:>7.4}  {decided:<14} {snippet:.100}",
                    row.id.to_string(),
                    row.similarity.get()
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
            } => {
                if as_json {
                    let object = json!({"decision": decision, "points": points, "error": error});
                    print_json(&object)?;
                } else {
                    eprintln!("{}: {} points", decision.label(), points.len());
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
