//! `qlance plan`: what a run would do. Opens everything, reads a sample, embeds and writes nothing.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::printable;
use crate::cli::{Cli, PlanArgs};
use crate::config::Config;
use crate::embed::tokens::Count;
use crate::embed::{Embedder, Input};
use crate::tasks::job::{self, Opening, Options};
use crate::tasks::prepare::{Plan, text_of};

/// Points looked at for the estimate.
const SAMPLE: u64 = 500;

pub(super) async fn run(cli: &Cli, args: &PlanArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let options = Options {
        state: cli.state.clone(),
        ..Options::default()
    };
    let (opening, _target) = job::open(config, &options).await?;
    let estimate = Estimate::of(&opening).await?;
    let left = opening.collection.points.saturating_sub(opening.checkpoint.read());
    let tokens = (estimate.tokens_per_point * left as f64).round() as u64;
    let price = opening.config.embed.text.usd_per_million_tokens;
    let columns: Vec<&str> = opening
        .schema
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let mut stdout = std::io::stdout();
    if args.json {
        let plan = json!({
            "collection": opening.facts.collection,
            "points": opening.collection.points,
            "settled": opening.checkpoint.read(),
            "table": opening.facts.table,
            "columns": columns,
            "space": opening.facts.space,
            "ranges": opening.checkpoint.ranges.len(),
            "sampled": estimate.sampled,
            "expected_failures": (estimate.failing * left as f64).round() as u64,
            "tokens": {"estimate": tokens, "how": estimate.how},
            "cost_usd": tokens as f64 * price / 1e6,
        });
        writeln!(stdout, "{plan}")?;
    } else {
        let text = format!(
            "source   {} ({} points, {} settled already), Qdrant {}\n\
             target   {} with columns {}\n\
             embedder {}\n\
             ranges   {}\n\
             sample   {} points: {:.1} % would fail for want of content\n\
             tokens   about {tokens} ({})\n\
             cost     about ${:.4} at ${price} a million tokens\n",
            opening.facts.collection,
            opening.collection.points,
            opening.checkpoint.read(),
            opening.collection.version,
            opening.facts.table,
            columns.join(", "),
            opening.facts.space,
            opening.checkpoint.ranges.len(),
            estimate.sampled,
            estimate.failing * 100.0,
            estimate.how,
            tokens as f64 * price / 1e6,
        );
        write!(stdout, "{}", printable(&text))?;
    }
    #[cfg(feature = "embedded")]
    if let Some(embedded) = opening.embedded {
        embedded.stop().await?;
    }
    Ok(0)
}

/// What a sample says of all points.
struct Estimate {
    sampled: usize,
    failing: f64,
    tokens_per_point: f64,
    how: &'static str,
}

impl Estimate {
    async fn of(opening: &Opening) -> anyhow::Result<Self> {
        let mut estimate = Self {
            sampled: 0,
            failing: 0.0,
            tokens_per_point: 0.0,
            how: "nothing is embedded",
        };
        let Plan::Embed { content } = &opening.plan else {
            return Ok(estimate);
        };
        let Some(gateway) = &opening.gateway else {
            return Ok(estimate);
        };
        let sample = opening.source.sample(SAMPLE, true).await?;
        let (mut failing, mut tokens) = (0, 0);
        estimate.how = "counted in a sample with the model's own tokenizer";
        for point in &sample {
            let text = point
                .as_ref()
                .ok()
                .and_then(|point| text_of(content, &point.payload).ok());
            let Some(Input::Text(text)) = text else {
                failing += 1;
                continue;
            };
            tokens += match count(gateway.embedder(), &text) {
                Count::Known(count) => count,
                Count::Estimated(count) => {
                    estimate.how = "estimated from the bytes of a sample; this model's tokenizer is not known here";
                    count
                }
            };
        }
        let points = sample.len().max(1) as f64;
        estimate.sampled = sample.len();
        estimate.failing = f64::from(failing) / points;
        estimate.tokens_per_point = tokens as f64 / points;
        Ok(estimate)
    }
}

/// Exactly, also for short texts, where the embedder itself is content with a bound.
fn count(embedder: &dyn Embedder, text: &str) -> Count {
    use crate::embed::tokens::Tokenizer;
    match Tokenizer::of_model(&embedder.capabilities().space.model) {
        Tokenizer::Unknown => embedder.count_tokens(text),
        Tokenizer::Cl100k => Tokenizer::Cl100k.count(text, 0),
    }
}
