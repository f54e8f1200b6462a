//! A short run of the chaos tool: a few seeds that stay the same. The long one is `cargo bench --bench chaos`.

use std::path::Path;

use super::{Mode, Plan, play};

async fn is_sound(seed: u64, mode: Mode) {
    let plan = Plan::of(seed, Some(mode));
    let verdict = play(&plan, Path::new(env!("CARGO_BIN_EXE_qlance"))).await;
    println!("{verdict}");
    assert!(verdict.is_sound(), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_nothing_is_lost_doubled_or_paid_for_again() {
    is_sound(1, Mode::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_other_moments_nothing_is_lost_doubled_or_paid_for_again() {
    is_sound(2, Mode::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_among_neighbours_that_misbehave_nothing_is_lost_doubled_or_paid_for_again() {
    is_sound(3, Mode::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qdrant_and_a_provider_that_misbehave_cost_time_and_no_point() {
    is_sound(4, Mode::Proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_stops_the_run_and_room_lets_it_go_on() {
    is_sound(5, Mode::Disk).await;
}
