//! `qlance evaluate`: how well and how fast the new store finds things, as a matrix of modalities.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use super::acting::Asking;
use super::print_json;
use crate::cli::{Cli, EvaluateArgs};
use crate::config::Config;
use crate::point::Modality;
use crate::point::ranking::{Interval, Percentiles};
use crate::tasks::evaluate::{self, Cell, Evaluation, Measured, Wish, queries};
use crate::ui::text::clean;

pub(super) async fn run(cli: &Cli, args: &EvaluateArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let file = args.queries.clone();
    let read = tokio::task::spawn_blocking(move || file.map(|file| queries::read(&file)).transpose());
    let wish = Wish {
        queries: read.await??,
        sample: args.sample.clamp(1, 10_000),
        thread: args.thread.clone(),
        seed: args.seed,
    };
    let Asking { opening, inspector } = Asking::of(cli, config).await?;
    let shows = std::io::stderr().is_terminal();
    let progress = |done: usize, all: usize| {
        if shows && done < all {
            tell!("pair {} of {all}", done + 1);
        }
    };
    let found = evaluate::evaluate(&inspector, wish, opening.facts.table.clone(), progress).await?;
    if args.json {
        print_json(&found)?;
    } else {
        write!(std::io::stdout(), "{}", text_of(&found))?;
    }
    Ok(0)
}

/// The evaluation as it is printed: the matrix of recall@10, then every pair in full.
pub(crate) fn text_of(found: &Evaluation) -> String {
    let mut text = format!(
        "{}: {} queries in {}\n\nrecall@10, exact search (asked with, down; found, across)\n{:>8}",
        clean(&found.table),
        found.queries,
        clean(&found.spaces),
        ""
    );
    for modality in Modality::ALL {
        text.push_str(&format!("{:>8}", modality.as_str()));
    }
    for asked in Modality::ALL {
        text.push_str(&format!("\n{:>8}", asked.as_str()));
        for wanted in Modality::ALL {
            let cell = found
                .cells
                .iter()
                .find(|cell| cell.asked == asked && cell.found == Some(wanted));
            let exact = cell.and_then(|cell| cell.exact.as_ref());
            text.push_str(&match exact {
                Some(exact) => format!("{:>8.3}", exact.figures.recall_10.mean),
                None => format!("{:>8}", "-"),
            });
        }
    }
    text.push_str("\n\n95 % intervals by bootstrap; latency of the store alone, p50 / p95 / p99\n");
    for cell in &found.cells {
        text.push_str(&cell_text(cell));
    }
    text
}

fn cell_text(cell: &Cell) -> String {
    let wanted = cell.found.map_or("any", Modality::as_str);
    let mut text = format!("\n{} -> {wanted} (from {})", cell.asked.as_str(), cell.made_from);
    if cell.unasked > 0 {
        text.push_str(&format!(", {} could not be asked", cell.unasked));
    }
    text.push('\n');
    if let Some(why) = &cell.why {
        text.push_str(&format!("  {}\n", clean(why)));
    }
    let index = if cell.indexed { "index" } else { "no index" };
    for (name, measured) in [("exact", &cell.exact), (index, &cell.index)] {
        if let Some(measured) = measured {
            text.push_str(&line(name, measured));
        }
    }
    text
}

fn line(name: &str, measured: &Measured) -> String {
    let Measured { figures, latency } = measured;
    let interval = |Interval { mean, low, high }: Interval| format!("{mean:.3} [{low:.3}, {high:.3}]");
    let Percentiles { p50, p95, p99 } = latency;
    let ms = |took: &std::time::Duration| took.as_secs_f64() * 1e3;
    format!(
        "  {name:<8} n {:<5} R@1 {}  R@5 {}  R@10 {}\n           MRR {}  nDCG@10 {}  {:.1} / {:.1} / {:.1} ms\n",
        figures.queries,
        interval(figures.recall_1),
        interval(figures.recall_5),
        interval(figures.recall_10),
        interval(figures.mrr),
        interval(figures.ndcg_10),
        ms(p50),
        ms(p95),
        ms(p99),
    )
}
