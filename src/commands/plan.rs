//! `qlance plan`: what a run would do. Opens everything, reads a sample, writes nothing and pays for nothing.

use std::io::Write as _;
use std::sync::Arc;

use super::{print_json, printable};
use crate::cli::{Cli, PlanArgs};
use crate::config::Config;
use crate::point::sum_of_money;
use crate::tasks::job::{self, Options};
use crate::tasks::plan::{self, Estimate, PlanReport};

pub(super) async fn run(cli: &Cli, args: &PlanArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let options = Options {
        state: cli.state.clone(),
        look_only: true,
        ..Options::default()
    };
    let (opening, _target) = job::open(config, &options).await?;
    let report = plan::work_out(&opening).await?;
    let mut stdout = std::io::stdout();
    if args.json {
        print_json(&report)?;
    } else {
        write!(stdout, "{}", printable(&text(&report)))?;
    }
    #[cfg(feature = "embedded")]
    if let Some(embedded) = opening.embedded {
        embedded.stop().await?;
    }
    Ok(0)
}

fn text(plan: &PlanReport) -> String {
    let mut text = format!(
        "source    {}: {} points, {} settled already; Qdrant {}; {} ranges\ntarget    {}\nembedder  {}\n\nvectors\n",
        plan.collection, plan.points, plan.settled, plan.qdrant_version, plan.ranges, plan.table, plan.space
    );
    for vector in &plan.vectors {
        let name = if vector.name.is_empty() {
            "(unnamed)"
        } else {
            &vector.name
        };
        text.push_str(&format!("  {name:<20} {:<22} {}\n", vector.kind, vector.becomes));
    }
    text.push_str(&format!("\npayload fields in a sample of {}\n", plan.sampled));
    for field in &plan.fields {
        text.push_str(&format!(
            "  {:<20} {:>5.1} %  {:<22} -> {}\n",
            field.name,
            field.share * 100.0,
            field.types.join(", "),
            field.column
        ));
    }
    text.push_str("\ncolumns\n");
    for (name, kind) in &plan.columns {
        text.push_str(&format!("  {name:<20} {kind}\n"));
    }
    text.push_str("\nestimates\n");
    for (name, estimate, show) in estimates(plan) {
        let value = estimate.value.map_or_else(|| "?".to_owned(), show);
        text.push_str(&format!(
            "  {name:<10} {value:>14}  {:<9} {}\n",
            estimate.basis.label(),
            estimate.how
        ));
    }
    for warning in &plan.warnings {
        text.push_str(&format!("\nwarning: {warning}"));
    }
    if !plan.warnings.is_empty() {
        text.push('\n');
    }
    text
}

/// The estimates of a plan with how each is written.
fn estimates(plan: &PlanReport) -> [(&'static str, &Estimate, fn(f64) -> String); 5] {
    [
        ("failures", &plan.failures, |value| format!("{value:.0}")),
        ("tokens", &plan.tokens, |value| format!("{value:.0}")),
        ("cost", &plan.cost_usd, |value| format!("${}", sum_of_money(value, 4))),
        ("time", &plan.seconds, |value| format!("{value:.0} s")),
        ("disk", &plan.disk_bytes, |value| {
            format!("{:.1} MiB", value / f64::from(1 << 20))
        }),
    ]
}
