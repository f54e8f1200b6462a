//! `cargo bench --bench console`: what a frame of each screen costs at 200 x 60, how soon the first one is there, what an
//! idle console writes, and what the screen costs the work: the same job with and without it, in turns.
//!
//! `-- --cost` measures the last alone. Its pairs move 100,000 points of 1,536 numbers: five times `QLANCE_BENCH_POINTS`, of `QLANCE_BENCH_SIZE` numbers.

#[path = "console/frames.rs"]
mod frames;
#[path = "console/lists.rs"]
mod lists;
#[path = "console/runs.rs"]
mod runs;
#[path = "console/states.rs"]
mod states;

fn main() {
    // The servers of the pairs are this binary again.
    if std::env::var("QLANCE_BENCH_PART").is_ok_and(|part| part == "servers") {
        runs::serve();
        return;
    }
    if std::env::args().any(|word| word == "--cost") {
        runs::measure_cost();
        return;
    }
    frames::measure();
    lists::measure();
    runs::measure();
}
