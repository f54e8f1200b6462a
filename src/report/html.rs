//! The report as one self-contained page: no script, no font, no address that a browser would ask. maud escapes every
//! text; the only markup that goes in as it is are the style sheet and the plots, both made here.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::comparison::Comparison;
use super::data::{CheckPart, ReportData, SCHEMA, VerdictWord};
use super::plots;
use super::settings::as_toml;
use super::style::STYLE;
use super::svg::class_of_series;
use super::tables::{self, Table};
use super::words::{grouped, moment, span};
use crate::point::verdict::Outcome;

/// How a page begins, so that a report is known from any other page before it is replaced.
pub(super) fn beginning() -> String {
    format!("<!DOCTYPE html><!-- {SCHEMA} -->")
}

/// The page.
pub(super) fn page(data: &ReportData) -> String {
    let title = format!("{} to LanceDB: migration report", data.moved.collection);
    let markup = html! {
        (DOCTYPE)
        (PreEscaped(format!("<!-- {SCHEMA} -->")))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="generator" content=(format!("qlance {}", data.versions.qlance));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p.made { "Made " (moment(data.made_at)) " by qlance " (data.versions.qlance) }
                    (verdict(data))
                    (notes(data))
                    (moved(data))
                    (conservation(data))
                    (divergence(data))
                    (failures(data))
                    (verification(data))
                    (comparison(data))
                    (samples(data))
                    (rest(data))
                    footer { (footer(data)) }
                }
            }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}

fn class_of(word: VerdictWord) -> &'static str {
    match word {
        VerdictWord::Go => "go",
        VerdictWord::NoGo => "no_go",
        VerdictWord::Inconclusive => "inconclusive",
        VerdictWord::NotVerified => "not_verified",
    }
}

fn class_of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Info => "info",
    }
}

fn verdict(data: &ReportData) -> Markup {
    let verdict = &data.verdict;
    let stale = if verdict.is_stale() { " stale" } else { "" };
    html! {
        div class=(format!("band {}{stale}", class_of(verdict.decision))) {
            strong { (verdict.decision.label()) @if verdict.is_stale() { ", as it was" } }
            p { (tables::context(data)) }
            (list(&verdict.reasons))
        }
    }
}

fn notes(data: &ReportData) -> Markup {
    html! {
        @if !data.notes.is_empty() {
            h2 { "Not in this report" }
            (list(&data.notes))
        }
    }
}

fn list(texts: &[String]) -> Markup {
    html! {
        @if !texts.is_empty() {
            ul { @for text in texts { li { (text) } } }
        }
    }
}

/// A table as wide as the page.
fn table(table: &Table) -> Markup {
    html! {
        div.wide {
            table.full {
                @if !table.head.is_empty() {
                    thead { tr { @for head in &table.head { th.n[head.is_number] scope="col" { (head.text) } } } }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 && table.head.is_empty() {
                                    th scope="row" { (cell) }
                                } @else {
                                    td.n[table.head.get(place).is_some_and(|head| head.is_number)] { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The numbers of a plot, folded away on a screen.
fn numbers(summary: &str, numbers: &Table) -> Markup {
    html! {
        details {
            summary { (summary) }
            (table(numbers))
        }
    }
}

fn moved(data: &ReportData) -> Markup {
    html! {
        h2 { "What was moved" }
        (table(&tables::moved(data)))
        h3 { "Columns" }
        (table(&tables::columns(data)))
    }
}

fn conservation(data: &ReportData) -> Markup {
    html! {
        h2 { "Conservation" }
        p.sum { (tables::sum(data)) }
        p { (tables::sum_said(data)) }
        (table(&tables::conservation(data)))
    }
}

fn divergence(data: &ReportData) -> Markup {
    html! {
        h2 { "Divergence" }
        @if let Some(why) = &data.divergence.not_comparable {
            p { "Old and new vectors are not comparable: " (why) "." }
        }
        @if let Some(plot) = plots::histogram(&data.divergence) {
            figure {
                (plot)
                figcaption { "Rows by similarity, on a logarithmic scale; those left of the line count as divergent." }
            }
            (numbers("The numbers of this plot", &tables::bins(data)))
        }
        (table(&tables::divergence(data)))
    }
}

fn failures(data: &ReportData) -> Markup {
    let failures = &data.failures;
    html! {
        h2 { "Failures by cause" }
        @if failures.by_cause.is_empty() {
            p { "No point failed." }
        } @else {
            p {
                (grouped(failures.open)) " open, " (grouped(failures.skipped)) " skipped, "
                (grouped(failures.recovered)) " brought over since."
            }
            (table(&tables::failures(data)))
        }
    }
}

fn verification(data: &ReportData) -> Markup {
    html! {
        h2 { "Verification" }
        @if let Some(found) = &data.verification {
            p.muted {
                (grouped(found.points)) " points of Qdrant " (found.qdrant_version) " against "
                (grouped(found.rows)) " rows; payloads and vectors: "
                @if let Some(sample) = found.sample {
                    "a sample of " (grouped(sample)) ", drawn by seed " (found.seed)
                } @else {
                    "all rows"
                }
                "."
            }
            div.wide {
                table.full {
                    thead {
                        tr {
                            th scope="col" { "check" } th scope="col" { "outcome" } th scope="col" { "figure" }
                            th scope="col" { "threshold" } th.n scope="col" { "offenders" } th.n scope="col" { "time" }
                        }
                    }
                    tbody { @for part in &found.checks { (check(part)) } }
                }
            }
        } @else {
            p { (tables::context(data)) }
        }
    }
}

fn check(check: &CheckPart) -> Markup {
    let has_why = !(check.reasons.is_empty() && check.remarks.is_empty());
    let outcome = format!("outcome {}", class_of_outcome(check.outcome));
    html! {
        tr.has-why[has_why] {
            th scope="row" { (check.id.as_str()) span.question { (check.question) } }
            td { span class=(outcome) { (check.outcome.label()) } }
            td { (check.figure) }
            td { (check.threshold) }
            td.n { (grouped(check.offenders)) }
            td.n { (span(check.seconds)) }
        }
        @if has_why {
            tr.why {
                td colspan="6" {
                    (list(&check.reasons))
                    @if !check.remarks.is_empty() { div.muted { (list(&check.remarks)) } }
                }
            }
        }
    }
}

fn comparison(data: &ReportData) -> Markup {
    html! {
        h2 { "Performance" }
        @if let Some(comparison) = &data.comparison {
            (performance(comparison))
        } @else {
            p { "Both stores have not been measured: run " code { "qlance compare" } "." }
        }
    }
}

fn performance(comparison: &Comparison) -> Markup {
    html! {
        p.muted { "Measured " (moment(comparison.began_at)) "; the same queries to both stores, in turns." }
        @if let Some(plot) = plots::latencies(comparison) {
            figure {
                (plot)
                figcaption {
                    "Latency: the disc is the median, the strokes are p95 and p99, the ring is the first query."
                }
            }
        }
        (table(&tables::latencies(comparison)))
        p.muted { "Milliseconds; recall is the mean against the exact search of the same store." }
        @if let Some(plot) = plots::throughput(comparison) {
            figure {
                (plot)
                figcaption { "Queries a second, by queries in flight; bars stand in the order of this key." }
                (key(comparison))
            }
            (numbers("The numbers of this plot", &tables::throughput(comparison)))
        }
        (table(&tables::measured(comparison)))
        @if !comparison.sweep.is_empty() {
            h3 { "Index settings that were tried" }
            (table(&tables::sweep(comparison)))
        }
    }
}

fn key(comparison: &Comparison) -> Markup {
    html! {
        ul.key {
            @for (series, store) in comparison.stores.iter().enumerate() {
                li {
                    svg viewBox="0 0 12 12" aria-hidden="true" {
                        rect class=(format!("f-{}", class_of_series(series))) width="12" height="12" {}
                    }
                    (store.label())
                }
            }
        }
    }
}

fn samples(data: &ReportData) -> Markup {
    let parts = [
        ("Offenders", tables::offenders(data)),
        ("Failed points", tables::failed_points(data)),
        ("Divergent rows", tables::divergent_rows(data)),
    ];
    html! {
        @if data.with_samples {
            h2 { "Samples" }
            p.muted { "Points by name, with what their payloads or a server's messages say: not for everyone." }
            @for (name, part) in &parts {
                h3 { (name) }
                @if part.rows.is_empty() { p { "None." } } @else { (table(part)) }
            }
        }
    }
}

fn rest(data: &ReportData) -> Markup {
    html! {
        div.two {
            section { h2 { "Cost" } (table(&tables::cost(data))) }
            section { h2 { "Versions" } (table(&tables::versions(data))) }
        }
        h2 { "Timings" }
        (table(&tables::timings(data)))
        h2 { "Settings" }
        p.muted { "The configuration with every default. Of secrets it holds the names of variables and files." }
        details {
            summary { "qlance.toml" }
            pre { (as_toml(&data.settings)) }
        }
    }
}

fn footer(data: &ReportData) -> &'static str {
    if data.with_samples {
        "This report names points and shows contents (--with-samples)."
    } else {
        "Statistics only: this report names no point and shows no content."
    }
}
