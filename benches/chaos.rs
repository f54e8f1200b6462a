//! `cargo bench --profile dev --bench chaos -- --rounds 200 --seed 1 --only kill`: round after round of chaos, each from
//! the next seed, and an outside reader after each. Exits 1 when anything is lost, doubled, broken or overpaid.
//!
//! `--only kill|proxy|provider|disk` plays one kind; without it the seed decides. Each line begins with the arguments that
//! repeat it.

#[path = "../tests/it/chaos/mod.rs"]
#[allow(dead_code)]
mod chaos;
#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;

use chaos::check::Verdict;
use chaos::{Mode, Plan, play};
use futures::FutureExt as _;

/// What is asked for.
struct Asked {
    rounds: u64,
    seed: u64,
    only: Option<Mode>,
}

/// All rounds together.
#[derive(Default)]
struct Total {
    rounds: u64,
    unsound: u64,
    panicked: u64,
    kills: u64,
    missing: usize,
    twice: usize,
    broken: usize,
    paid_again: u64,
    allowed: u64,
    overpaid: u64,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self {
            rounds: 20,
            seed: 1,
            only: None,
        };
        while let Some(word) = words.next() {
            // Cargo says this to every benchmark.
            if word == "--bench" {
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{word}: {value:?} is no number"))
            };
            match word.as_str() {
                "--rounds" => asked.rounds = number()?,
                "--seed" => asked.seed = number()?,
                "--only" => {
                    let modes = [Mode::Kill, Mode::Proxy, Mode::Provider, Mode::Disk];
                    let mode = modes.into_iter().find(|mode| mode.as_str() == value);
                    asked.only = Some(mode.ok_or("--only kill, proxy, provider or disk")?);
                }
                _ => return Err(format!("{word}? Known here: --rounds N, --seed N, --only MODE")),
            }
        }
        Ok(asked)
    }
}

impl Total {
    fn add(&mut self, verdict: &Verdict) {
        self.unsound += u64::from(!verdict.is_sound());
        self.kills += u64::from(verdict.kills);
        self.missing += verdict.missing.len();
        self.twice += verdict.twice.len();
        self.broken += verdict.broken.len();
        self.overpaid += u64::from(verdict.overpaid());
        if let Some(allowed) = verdict.allowed {
            self.paid_again += verdict.paid_again;
            self.allowed += allowed;
        }
    }
}

fn main() -> ExitCode {
    let asked = match Asked::read(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("chaos: {problem}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut total = Total::default();
    for round in 0..asked.rounds {
        let plan = Plan::of(asked.seed.wrapping_add(round), asked.only);
        let playing = AssertUnwindSafe(play(&plan, Path::new(env!("CARGO_BIN_EXE_qlance"))));
        total.rounds += 1;
        if let Ok(verdict) = runtime.block_on(playing.catch_unwind()) {
            println!("{verdict}");
            total.add(&verdict);
        } else {
            println!("--seed {} --only {}: PANICKED", plan.seed, plan.mode.as_str());
            total.panicked += 1;
        }
    }
    println!(
        "\n{} rounds, {} kills: {} ids missing, {} twice, {} invariants broken; {} inputs paid for again, {} allowed \
         ({} rounds above); {} rounds unsound, {} panicked",
        total.rounds,
        total.kills,
        total.missing,
        total.twice,
        total.broken,
        total.paid_again,
        total.allowed,
        total.overpaid,
        total.unsound,
        total.panicked
    );
    runtime.shutdown_background();
    ExitCode::from(u8::from(total.unsound + total.panicked > 0))
}
