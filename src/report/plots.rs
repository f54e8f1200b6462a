//! The plots, drawn by plotters: similarities, latencies, queries a second. Colours are roles ([`super::svg`]); the
//! numbers stand in a table beside each plot, for those who cannot see it.

use std::error::Error;

use maud::Markup;
use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::coord::combinators::IntoLogRange as _;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, IntoFont as _, RGBColor, TRANSPARENT, TextStyle};

use super::comparison::Comparison;
use super::data::Divergence;
use super::svg::{AXIS, BAD, GOOD, GRID, INK, LABEL, colour_of_series, themed};
use super::words::{grouped, short};

/// Units of a plot's width; the page scales it.
const WIDTH: u32 = 960;
/// Size of letters for plotters, which writes 1 / 1.24 of it.
const LETTERS: i32 = 16;

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws in memory. That a plot could not be drawn is logged; the table beside it has the numbers.
fn drawn(height: u32, title: &str, paint: impl FnOnce(&Area<'_>) -> Drawn) -> Option<Markup> {
    let size = (WIDTH, height);
    let mut text = String::new();
    let done = {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        paint(&root).and_then(|()| root.present().map_err(Into::into))
    };
    match done {
        Ok(()) => Some(themed(&text, size, title)),
        Err(error) => {
            tracing::warn!(%error, "a plot cannot be drawn");
            None
        }
    }
}

fn letters(colour: &'static RGBColor, across: HPos, upright: VPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", LETTERS).into_font())
        .color(colour)
        .pos(Pos::new(across, upright))
}

/// Rows by similarity, on a logarithmic scale: of many rows few diverge, and those few are what matters.
pub(super) fn histogram(divergence: &Divergence) -> Option<Markup> {
    let (first, last) = (divergence.bins.first()?, divergence.bins.last()?);
    let most = divergence
        .bins
        .iter()
        .map(|bin| bin.count)
        .max()
        .filter(|most| *most > 0)?;
    let top = (most as f64 * 2.0).max(10.0);
    let threshold = divergence.threshold;
    let title = format!(
        "Rows by similarity of the new embedding to Qdrant's vector: {} compared, {} below the threshold {}",
        divergence.compared,
        divergence.divergent,
        short(threshold)
    );
    drawn(300, &title, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin_top(14)
            .margin_right(20)
            .x_label_area_size(48)
            .y_label_area_size(72)
            .build_cartesian_2d(first.from..last.to, (0.5_f64..top).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(9)
            .y_labels(6)
            .x_label_formatter(&|x: &f64| short(*x))
            .y_label_formatter(&|y: &f64| grouped(y.round() as u64))
            .x_desc("cosine similarity to Qdrant's vector")
            .y_desc("rows")
            .axis_style(AXIS)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(letters(&LABEL, HPos::Left, VPos::Top))
            .draw()?;
        let area = chart.plotting_area();
        for bin in divergence.bins.iter().filter(|bin| bin.count > 0) {
            let colour = if bin.to <= threshold { BAD } else { GOOD };
            let corners = [(bin.from, 0.5), (bin.to, bin.count as f64)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
        if first.from <= threshold && threshold <= last.to {
            let line = vec![(threshold, 0.5), (threshold, top)];
            area.draw(&PathElement::new(line, INK.stroke_width(1)))?;
            // Where there is more room.
            let (side, gap) = if threshold - first.from > last.to - threshold {
                (HPos::Right, " ")
            } else {
                (HPos::Left, "")
            };
            let label = format!(" threshold {}{gap}", short(threshold));
            area.draw(&Text::new(label, (threshold, top), letters(&INK, side, VPos::Top)))?;
        }
        Ok(())
    })
}

/// For each store and way of searching a line from p50 to p99, with p50 as a disc, p95 and p99 as strokes, and the
/// first query as a ring.
pub(super) fn latencies(comparison: &Comparison) -> Option<Markup> {
    let of = |value: Option<f64>| value.filter(|value| value.is_finite() && *value >= 0.0);
    let rows: Vec<_> = comparison
        .stores
        .iter()
        .enumerate()
        .filter_map(|(series, store)| {
            let latency = store.latency_ms;
            let (p50, p95, p99) = (of(latency.p50)?, of(latency.p95)?, of(latency.p99)?);
            Some((series, store.label(), [p50, p95, p99], of(store.cold_ms)))
        })
        .collect();
    let most = rows
        .iter()
        .flat_map(|(_, _, warm, cold)| warm.iter().copied().chain(*cold))
        .fold(0.0, f64::max);
    if rows.is_empty() || most <= 0.0 {
        return None;
    }
    let count = rows.len();
    let described: Vec<String> = rows
        .iter()
        .map(|(_, label, [p50, _, p99], _)| format!("{label}: p50 {} ms, p99 {} ms", short(*p50), short(*p99)))
        .collect();
    let title = format!("Latency of a query. {}", described.join("; "));
    drawn(70 + 46 * count as u32, &title, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin_top(8)
            .margin_right(20)
            .x_label_area_size(48)
            .y_label_area_size(4)
            .build_cartesian_2d(0.0..most * 1.08, 0.0..count as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .x_labels(9)
            .y_labels(0)
            .x_label_formatter(&|x: &f64| short(*x))
            .x_desc("milliseconds")
            .axis_style(AXIS)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(letters(&LABEL, HPos::Left, VPos::Top))
            .draw()?;
        let area = chart.plotting_area();
        for (row, (series, label, [p50, p95, p99], cold)) in rows.iter().enumerate() {
            let colour = colour_of_series(*series);
            let middle = count as f64 - row as f64 - 0.68;
            let thick = colour.stroke_width(3);
            area.draw(&PathElement::new(vec![(*p50, middle), (*p99, middle)], thick))?;
            for at in [p95, p99] {
                let stroke = vec![(*at, middle - 0.14), (*at, middle + 0.14)];
                area.draw(&PathElement::new(stroke, thick))?;
            }
            area.draw(&Circle::new((*p50, middle), 6, colour.filled()))?;
            if let Some(cold) = cold {
                area.draw(&Circle::new((*cold, middle), 5, colour.stroke_width(2)))?;
            }
            let place = (most * 0.004, middle + 0.24);
            area.draw(&Text::new(
                label.clone(),
                place,
                letters(&INK, HPos::Left, VPos::Bottom),
            ))?;
        }
        Ok(())
    })
}

/// Queries a second: for each number in flight a bar a series, in the order of the legend.
pub(super) fn throughput(comparison: &Comparison) -> Option<Markup> {
    let stores = &comparison.stores;
    let mut at_once: Vec<u64> = stores
        .iter()
        .flat_map(|store| store.per_second.iter().map(|measured| measured.concurrency))
        .collect();
    at_once.sort_unstable();
    at_once.dedup();
    let rate = |series: usize, concurrency: u64| {
        let measured = stores[series]
            .per_second
            .iter()
            .find(|found| found.concurrency == concurrency);
        measured
            .map(|found| found.queries_per_second)
            .filter(|rate| rate.is_finite() && *rate >= 0.0)
    };
    let bars: Vec<(usize, usize, f64)> = at_once
        .iter()
        .enumerate()
        .flat_map(|(group, concurrency)| (0..stores.len()).map(move |series| (group, series, *concurrency)))
        .filter_map(|(group, series, concurrency)| Some((group, series, rate(series, concurrency)?)))
        .collect();
    let most = bars.iter().map(|(_, _, rate)| *rate).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let (groups, width) = (at_once.len(), 0.8 / stores.len() as f64);
    drawn(
        280,
        "Queries a second by queries in flight, each store in turn",
        |root| {
            let mut chart = ChartBuilder::on(root)
                .margin_top(14)
                .margin_right(20)
                .x_label_area_size(30)
                .y_label_area_size(72)
                .build_cartesian_2d(0.0..groups as f64, 0.0..most * 1.12)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .disable_x_axis()
                .x_labels(0)
                .y_labels(6)
                .y_label_formatter(&|y: &f64| grouped(y.round() as u64))
                .y_desc("queries a second")
                .axis_style(AXIS)
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .label_style(letters(&LABEL, HPos::Left, VPos::Top))
                .draw()?;
            let area = chart.plotting_area();
            for (group, series, rate) in &bars {
                let from = *group as f64 + 0.1 + *series as f64 * width;
                let to = from + width * 0.92;
                let colour = colour_of_series(*series);
                area.draw(&Rectangle::new([(from, 0.0), (to, *rate)], colour.filled()))?;
                let place = (f64::midpoint(from, to), *rate);
                let label = grouped(rate.round() as u64);
                area.draw(&Text::new(label, place, letters(&INK, HPos::Center, VPos::Bottom)))?;
            }
            area.draw(&PathElement::new(
                vec![(0.0, 0.0), (groups as f64, 0.0)],
                AXIS.stroke_width(1),
            ))?;
            for (group, concurrency) in at_once.iter().enumerate() {
                let place = (group as f64 + 0.5, -most * 0.03);
                let label = format!("{concurrency} in flight");
                area.draw(&Text::new(label, place, letters(&LABEL, HPos::Center, VPos::Top)))?;
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::parse;
    use crate::report::data::Bin;

    fn divergence(counts: &[u64], threshold: f64) -> Divergence {
        let bins: Vec<Bin> = counts
            .iter()
            .enumerate()
            .map(|(place, count)| Bin {
                from: 0.96 + 0.01 * place as f64,
                to: 0.97 + 0.01 * place as f64,
                count: *count,
            })
            .collect();
        Divergence {
            threshold,
            compared: counts.iter().sum(),
            incomparable: 0,
            divergent: counts[0],
            accepted: 0,
            not_comparable: None,
            minimum: None,
            p1: None,
            p5: None,
            median: None,
            bins,
        }
    }

    fn is_themed(svg: &str) {
        assert!(svg.contains("<text") && svg.contains("class=\"f-label\""), "{svg}");
        for fixed in ["=\"#", "http", "<image", "sans-serif"] {
            assert!(!svg.contains(fixed), "{fixed}: {svg}");
        }
        assert!(svg.contains("<title>") && svg.contains("aria-label="), "{svg}");
    }

    #[test]
    fn the_histogram_tells_both_sides_of_the_threshold() {
        let svg = histogram(&divergence(&[3, 0, 20_000, 7], 0.97))
            .expect("a plot")
            .into_string();
        is_themed(&svg);
        assert_eq!(svg.matches("class=\"f-bad\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("class=\"f-good\"").count(), 2, "{svg}");
        assert!(svg.contains("threshold 0.97") && svg.contains("10,000"), "{svg}");
        assert!(histogram(&divergence(&[0, 0], 0.97)).is_none());
        assert!(
            histogram(&divergence(&[1], 0.1)).is_some(),
            "a threshold that lies elsewhere"
        );
    }

    #[test]
    fn a_comparison_is_drawn_with_every_series() {
        let text = serde_json::json!({"stores": [
            {"store": "qdrant", "mode": "index", "cold_ms": 12.0,
             "latency_ms": {"p50": 1.0, "p95": 2.0, "p99": 3.5},
             "per_second": [{"concurrency": 1, "queries_per_second": 900.0},
                            {"concurrency": 4, "queries_per_second": 2_100.4}]},
            {"store": "lancedb", "mode": "<b>", "latency_ms": {"p50": 2.0, "p95": 2.5, "p99": 4.0},
             "per_second": [{"concurrency": 1, "queries_per_second": 450.0}]},
        ]});
        let comparison = parse(text.to_string().as_bytes()).expect("a comparison");
        let svg = latencies(&comparison).expect("a plot").into_string();
        is_themed(&svg);
        assert!(
            svg.contains("Qdrant, index") && svg.contains("LanceDB, &lt;b&gt;") && !svg.contains("<b>"),
            "{svg}"
        );
        assert_eq!(svg.matches("class=\"f-s1\"").count(), 1, "one disc: {svg}");
        assert_eq!(
            svg.matches("class=\"l-s1\"").count(),
            4,
            "a line, two strokes, a ring: {svg}"
        );
        assert_eq!(
            svg.matches("class=\"l-s2\"").count(),
            3,
            "no first query was measured: {svg}"
        );
        let svg = throughput(&comparison).expect("a plot").into_string();
        is_themed(&svg);
        assert!(svg.contains("4 in flight") && svg.contains("2,100"), "{svg}");
        assert_eq!(svg.matches("class=\"f-s2\"").count(), 1, "{svg}");
    }

    #[test]
    fn nothing_measured_is_no_plot() {
        let empty = Comparison::default();
        assert!(latencies(&empty).is_none() && throughput(&empty).is_none());
        let text =
            r#"{"stores": [{"store": "qdrant", "latency_ms": {"p50": 0, "p95": 0, "p99": 0}, "per_second": []}]}"#;
        let zero = parse(text.as_bytes()).expect("a comparison");
        assert!(latencies(&zero).is_none() && throughput(&zero).is_none());
    }
}
