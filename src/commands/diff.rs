//! `qlance diff`: points of both stores side by side.

use std::io::Write as _;

use serde_json::{Value, json};

use super::acting::{Asking, parse};
use super::{print_json, printable};
use crate::cli::{Cli, DiffArgs};
use crate::point::diff::{FieldDiff, FieldVerdict, RecordDiff, Verdict, type_name};
use crate::tasks::SampleOf;
use crate::tasks::inspect::PairSummary;

/// Points that are shown field by field at most.
const MOST_OPENED: usize = 50;
/// Characters of a value that are printed; JSON has all.
const MOST_CHARS: usize = 400;

pub(super) async fn run(cli: &Cli, args: &DiffArgs) -> anyhow::Result<u8> {
    let ids = parse(&args.ids)?;
    let named = !ids.is_empty();
    let asking = Asking::open(cli).await?;
    let of = if named { SampleOf::Ids(ids) } else { SampleOf::Random };
    let pairs = asking.inspector.pairs(of).await?;
    let mut stdout = std::io::stdout();
    let (mut opened, mut not_opened) = (0, 0);
    for pair in &pairs {
        let mut record = None;
        let mut cut = false;
        if is_opened(pair.verdict, named, args.all_fields) {
            if opened < MOST_OPENED {
                opened += 1;
                record = match asking.inspector.pair(pair.id).await {
                    Ok(record) => Some(record),
                    // The summary says already why Qdrant's side cannot be read.
                    Err(_) if pair.because.is_some() => None,
                    Err(error) => return Err(error),
                };
            } else {
                cut = true;
                not_opened += 1;
            }
        }
        if args.json {
            print_json(&line(pair, record.as_ref(), cut, args.all_fields))?;
        } else {
            let because = pair
                .because
                .as_ref()
                .map_or_else(String::new, |because| format!(" ({because})"));
            let mut text = format!("{}  {}{because}\n", pair.id, pair.verdict.label());
            if let Some(record) = &record {
                text.push_str(&differences(record, args.all_fields));
            }
            write!(stdout, "{}", printable(&text))?;
        }
    }
    if not_opened > 0 {
        tell!(
            "the fields of {not_opened} more points were not looked into: {MOST_OPENED} at most are; name fewer points"
        );
    }
    if !args.json {
        let same = pairs.iter().filter(|pair| pair.verdict == Verdict::Same).count();
        tell!("{same} of {} points are the same in both stores", pairs.len());
    }
    asking.close().await?;
    Ok(0)
}

/// Whether a point is told field by field: where something differs; where it is named, what is missing on one side too.
fn is_opened(verdict: Verdict, named: bool, all_fields: bool) -> bool {
    match verdict {
        Verdict::Differs => true,
        Verdict::MissingInLancedb | Verdict::MissingInQdrant => named || all_fields,
        Verdict::Same => all_fields,
        Verdict::MissingInBoth => false,
    }
}

/// The fields that are told.
fn told(record: &RecordDiff, all_fields: bool) -> impl Iterator<Item = &FieldDiff> {
    let fields = record.fields.iter();
    fields.filter(move |field| all_fields || field.verdict != FieldVerdict::Same)
}

/// A pair as JSON: `fields` is null where it was not looked into because too many were.
fn line(pair: &PairSummary, record: Option<&RecordDiff>, cut: bool, all_fields: bool) -> Value {
    let fields: Vec<_> = record.iter().flat_map(|record| told(record, all_fields)).collect();
    json!({
        "id": pair.id, "verdict": pair.verdict, "differing": pair.differing, "because": pair.because,
        "fields": (!cut).then_some(fields),
        "fields_not_compared": record.map(|record| record.not_shown),
        "vectors": record.map(|record| &record.vectors),
    })
}

fn differences(record: &RecordDiff, all_fields: bool) -> String {
    let mut text = String::new();
    for field in told(record, all_fields) {
        let side = |value: &Option<Value>| match value {
            None => "(missing)".to_owned(),
            Some(value) => shortened(&format!("{} {value}", type_name(Some(value)))),
        };
        text.push_str(&format!("    {}\n", field.path));
        if field.verdict == FieldVerdict::Same {
            text.push_str(&format!("      both     {}\n", side(&field.qdrant)));
        } else {
            let (left, right) = (side(&field.qdrant), side(&field.lancedb));
            text.push_str(&format!("      Qdrant   {left}\n      LanceDB  {right}\n"));
        }
    }
    if record.not_shown > 0 {
        text.push_str(&format!(
            "    {} more fields were not compared one by one\n",
            record.not_shown
        ));
    }
    for (name, vector) in &record.vectors {
        if !vector.agrees {
            text.push_str(&format!("    vector {name:?} differs\n"));
        } else if all_fields {
            text.push_str(&format!("    vector {name:?} agrees\n"));
        }
    }
    text
}

/// The beginning of a text, with how much is left out.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{} ... ({more} more characters; --json has all)", &text[..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::diff::compare;
    use crate::point::{Point, PointId, Vectors};

    fn point(payload: Value) -> Point {
        Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        }
    }

    #[test]
    fn what_is_missing_is_told_where_it_was_asked_for_and_what_is_equal_on_request() {
        use Verdict::{Differs, MissingInBoth, MissingInLancedb, MissingInQdrant, Same};
        for (named, all_fields, opened) in [
            (false, false, &[Differs][..]),
            (true, false, &[Differs, MissingInLancedb, MissingInQdrant]),
            (false, true, &[Same, Differs, MissingInLancedb, MissingInQdrant]),
            (true, true, &[Same, Differs, MissingInLancedb, MissingInQdrant]),
        ] {
            for verdict in [Same, Differs, MissingInLancedb, MissingInQdrant, MissingInBoth] {
                assert_eq!(
                    is_opened(verdict, named, all_fields),
                    opened.contains(&verdict),
                    "{verdict:?} {named} {all_fields}"
                );
            }
        }
        let (left, right) = (point(json!({"a": 1, "b": 2})), point(json!({"a": 1, "b": 2.0})));
        let record = compare(PointId::Num(1), Some(&left), Some(&right), None, false);
        assert_eq!(
            differences(&record, false),
            "    b\n      Qdrant   integer 2\n      LanceDB  double 2.0\n"
        );
        assert!(differences(&record, true).starts_with("    a\n      both     integer 1\n    b\n"));
        let missing = compare(PointId::Num(1), Some(&left), None, None, false);
        assert!(differences(&missing, false).contains("Qdrant   integer 1\n      LanceDB  (missing)\n"));
    }

    #[test]
    fn nothing_is_cut_without_a_word() {
        assert_eq!(shortened("short"), "short");
        let text = shortened(&"日".repeat(MOST_CHARS + 7));
        assert!(text.ends_with("日 ... (7 more characters; --json has all)"), "{text}");
        let summary = PairSummary {
            id: PointId::Num(1),
            verdict: Verdict::Differs,
            differing: 1,
            because: None,
        };
        let left = point(json!({"a": 1}));
        let record = compare(PointId::Num(1), Some(&left), None, None, false);
        let told = line(&summary, Some(&record), false, false);
        assert_eq!(told["fields"][0]["path"], "a");
        assert_eq!(told["fields_not_compared"], 0);
        assert_eq!(line(&summary, None, true, false)["fields"], Value::Null);
        assert_eq!(line(&summary, None, false, false)["fields"], json!([]));
    }
}
