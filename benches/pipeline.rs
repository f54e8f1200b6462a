//! `cargo bench --bench pipeline`: each stage alone, the whole pipeline, and the naive one, in one run, so that ratios
//! can be trusted whatever else the machine does. Every measurement is a process of its own (this binary again), which
//! gives each its own peak RSS; the embedded Qdrant and the embeddings server run in another process, as they would.
//!
//! `-- --only whole,carry` measures some parts and prints no ratios. `QLANCE_BENCH_TRACE=1` prints what happens in them, and
//! when; `QLANCE_BENCH_TRACE=debug` also each page, request and commit with the time it took. `QLANCE_BENCH_POINTS` and
//! `QLANCE_BENCH_SIZE` change the collection (20,000 points of 1,536 numbers), `QLANCE_BENCH_PIPELINE` the settings, as
//! `in_hand_mib = 96` does.

#[path = "pipeline/media.rs"]
mod media;
#[path = "pipeline/parts.rs"]
mod parts;
#[path = "pipeline/servers.rs"]
mod servers;

use std::process::{Command, Stdio};

/// What the bar is about, measured in turns.
const PAIRED: [&str; 3] = ["serial", "whole", "carry"];
/// How often.
const TURNS: usize = 9;

/// One line of the table.
struct Figure {
    name: &'static str,
    points_per_second: f64,
    peak_rss_mb: f64,
    /// The highest peak of all turns.
    highest_rss_mb: f64,
}

fn main() {
    let mode = std::env::var("QLANCE_BENCH_PART").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match mode.as_str() {
        "" => all(),
        "servers" => runtime.block_on(servers::serve()),
        part => {
            trace();
            runtime.block_on(parts::run(part));
        }
    }
    runtime.shutdown_background();
}

/// Prints what the pipeline says of itself, where that is asked for.
fn trace() {
    if std::env::var("QLANCE_BENCH_TRACE").is_ok_and(|level| level == "debug") {
        tracing_subscriber::fmt()
            .with_env_filter("off,qlance=debug")
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
            .with_timer(tracing_subscriber::fmt::time::uptime())
            .with_writer(std::io::stderr)
            .init();
    }
}

fn all() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers::Servers::start(dir.path(), &["messages", "fivefold", "pictures"]);
    println!("collection: {} points of {} numbers\n", parts::points(), parts::size());
    if let Some(only) = std::env::args().skip_while(|word| word != "--only").nth(1) {
        for (part, name) in parts::PARTS
            .into_iter()
            .filter(|(part, _)| only.split(',').any(|word| word == *part))
        {
            print(&measure(part, name, dir.path(), &servers));
        }
        return;
    }
    let mut figures = Vec::new();
    // What the first ratio is made of is measured in turns, so that both meet the machine in the same moods.
    let mut turns: Vec<Vec<Figure>> = PAIRED.iter().map(|_| Vec::new()).collect();
    for _ in 0..TURNS {
        for (place, paired) in PAIRED.iter().enumerate() {
            let (part, name) = *parts::PARTS.iter().find(|(part, _)| part == paired).expect("a part");
            turns[place].push(measure(part, name, dir.path(), &servers));
        }
    }
    for (part, name) in parts::PARTS {
        let figure = match PAIRED.iter().position(|paired| *paired == part) {
            Some(place) => median(name, &turns[place]),
            None => measure(part, name, dir.path(), &servers),
        };
        print(&figure);
        figures.push(figure);
    }
    drop(servers);
    print_ratios(&figures);
}

fn print(figure: &Figure) {
    println!(
        "{:<52}{:>12.0} points/s {:>8.0} MB",
        figure.name, figure.points_per_second, figure.peak_rss_mb
    );
}

/// The median of each figure by itself.
fn median(name: &'static str, turns: &[Figure]) -> Figure {
    let of = |figure: fn(&Figure) -> f64| {
        let mut values: Vec<f64> = turns.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Figure {
        name,
        points_per_second: of(|figure| figure.points_per_second),
        peak_rss_mb: of(|figure| figure.peak_rss_mb),
        highest_rss_mb: turns.iter().map(|figure| figure.highest_rss_mb).fold(0.0, f64::max),
    }
}

fn measure(part: &str, name: &'static str, dir: &std::path::Path, servers: &servers::Servers) -> Figure {
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .env("QLANCE_BENCH_PART", part)
        .env("QLANCE_BENCH_DIR", dir)
        .env("QLANCE_BENCH_QDRANT", &servers.qdrant)
        .env("QLANCE_BENCH_EMBEDDINGS", &servers.embeddings)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("the part runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [points_per_second, peak_rss_mb] = numbers[..] else {
        panic!("{part} printed {text:?} and exited with {}", output.status)
    };
    Figure {
        name,
        points_per_second,
        peak_rss_mb,
        highest_rss_mb: peak_rss_mb,
    }
}

fn print_ratios(figures: &[Figure]) {
    let of = |part: &str| {
        let place = parts::PARTS.iter().position(|(name, _)| *name == part).expect("a part");
        &figures[place]
    };
    let rate = |part: &str| of(part).points_per_second;
    let stages_embedding = rate("serial").min(rate("embed")).min(rate("write"));
    let stages = rate("serial").min(rate("write"));
    println!(
        "\nwhole pipeline with embedding / slowest stage alone:    {:.2}",
        rate("whole") / stages_embedding
    );
    println!(
        "whole pipeline without embedding / slowest stage alone: {:.2}",
        rate("carry") / stages
    );
    println!(
        "whole pipeline with embedding / naive:                  {:.0}",
        rate("whole") / rate("naive")
    );
    println!(
        "time of a sync where nothing changed / of a plain scroll and read: {:.2}",
        rate("plain") / rate("sync")
    );
    let longer = rate("media-load").min(rate("media-embed"));
    println!(
        "pictures: whole pipeline / the slower of load and embed: {:.2} (one after the other would be {:.2})",
        rate("media") / longer,
        1.0 / (1.0 / rate("media-load") + 1.0 / rate("media-embed")) / longer
    );
    let rss = of("fivefold").peak_rss_mb / of("whole").peak_rss_mb;
    println!("peak RSS with five times the points / with one:         {rss:.2}");
    // One long run has as many chances of a peak as several short ones.
    println!(
        "peak RSS with five times the points / the highest of {TURNS} runs with one ({:.0} MB): {:.2}",
        of("whole").highest_rss_mb,
        of("fivefold").peak_rss_mb / of("whole").highest_rss_mb
    );
}
