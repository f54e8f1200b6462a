//! `qlance diff`: points of both stores side by side.

use std::io::Write as _;

use super::acting::{Asking, parse};
use super::{print_json, printable};
use crate::cli::{Cli, DiffArgs};
use crate::point::diff::{FieldVerdict, RecordDiff, Verdict, type_name};
use crate::tasks::SampleOf;

/// Points that are shown field by field at most.
const MOST_OPENED: usize = 50;

pub(super) async fn run(cli: &Cli, args: &DiffArgs) -> anyhow::Result<u8> {
    let ids = parse(&args.ids)?;
    let asking = Asking::open(cli).await?;
    let of = if ids.is_empty() {
        SampleOf::Random
    } else {
        SampleOf::Ids(ids)
    };
    let pairs = asking.inspector.pairs(of).await?;
    let mut stdout = std::io::stdout();
    let mut opened = 0;
    for pair in &pairs {
        let mut record = None;
        if pair.verdict == Verdict::Differs && opened < MOST_OPENED {
            opened += 1;
            record = Some(asking.inspector.pair(pair.id).await?);
        }
        if args.json {
            let fields: Vec<_> = record.iter().flat_map(|record| &record.fields).collect();
            let fields: Vec<_> = fields
                .into_iter()
                .filter(|field| field.verdict != FieldVerdict::Same)
                .collect();
            let line = serde_json::json!({
                "id": pair.id, "verdict": pair.verdict, "differing": pair.differing, "because": pair.because,
                "fields": fields, "vectors": record.as_ref().map(|record| &record.vectors),
            });
            print_json(&line)?;
        } else {
            let because = pair
                .because
                .as_ref()
                .map_or_else(String::new, |because| format!(" ({because})"));
            let mut text = format!("{}  {}{because}\n", pair.id, pair.verdict.label());
            if let Some(record) = &record {
                text.push_str(&differences(record));
            }
            write!(stdout, "{}", printable(&text))?;
        }
    }
    if !args.json {
        let same = pairs.iter().filter(|pair| pair.verdict == Verdict::Same).count();
        eprintln!("{same} of {} points are the same in both stores", pairs.len());
    }
    asking.close().await?;
    Ok(0)
}

fn differences(record: &RecordDiff) -> String {
    let mut text = String::new();
    for field in record.fields.iter().filter(|field| field.verdict != FieldVerdict::Same) {
        let side = |value: &Option<serde_json::Value>| match value {
            None => "(missing)".to_owned(),
            Some(value) => format!("{} {value}", type_name(Some(value))),
        };
        let (left, right) = (side(&field.qdrant), side(&field.lancedb));
        text.push_str(&format!(
            "    {}\n      Qdrant   {left:.400}\n      LanceDB  {right:.400}\n",
            field.path
        ));
    }
    for (name, _) in record.vectors.iter().filter(|(_, vector)| !vector.agrees) {
        text.push_str(&format!("    vector {name:?} differs\n"));
    }
    text
}
