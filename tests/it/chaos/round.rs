//! One round: a collection, neighbours that misbehave, the binary started and killed as the plan says, a last run in peace,
//! a further one that must find nothing to do, and the check.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use qlance::point::Point;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::check::{Books, End, Verdict};
use super::collection;
use super::disk::Means;
use super::plan::{Kill, Mode, Plan};
use super::process::Binary;
use super::provider::{self, Bill};
use super::proxy::Proxy;
use crate::support::world::{SIZE, World, rows_of};

/// No run takes so long; one that does hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts among neighbours that misbehave. A run may stop there, and go on at the next start.
const STARTS: u32 = 6;

struct Round<'a> {
    plan: &'a Plan,
    binary: Binary<'a>,
    points: Vec<Point>,
    proxy: Proxy,
    world: World,
    bill: Bill,
    verdict: Verdict,
}

/// The job when everything was done to it.
struct Outcome {
    /// Where the database lies.
    table: PathBuf,
    /// Where the state lies.
    state: PathBuf,
    /// The run that went through to the end.
    last: End,
    /// The one after it.
    again: End,
    /// Requests for embeddings that the one after it made.
    again_asked: usize,
}

/// Plays a round to its end.
pub(crate) async fn play(plan: &Plan, qlance: &Path) -> Verdict {
    let begun = Instant::now();
    let mut round = Round::prepare(plan, qlance).await;
    let outcome = match plan.mode {
        Mode::Disk => round.fill_the_disk().await,
        _ => Ok(round.misbehave_and_end_in_peace().await),
    };
    match outcome {
        Ok(outcome) => round.check(&outcome).await,
        Err(problem) => round.verdict.broken.push(problem),
    }
    Verdict {
        took: begun.elapsed(),
        ..round.verdict
    }
}

impl<'a> Round<'a> {
    async fn prepare(plan: &'a Plan, qlance: &'a Path) -> Self {
        let points = collection::draw(plan, &mut StdRng::seed_from_u64(plan.seed));
        let world = World::with(&points).await;
        world.embeddings.latency(plan.latency);
        world.embeddings.reject_inputs_containing(collection::REFUSED);
        let script = plan.provider_faults.map(|faults| provider::script(plan.seed, faults));
        world.embeddings.chosen_by(script);
        let proxy = Proxy::start(world.qdrant.address(), plan.seed, plan.proxy_faults).await;
        let round = Self {
            plan,
            binary: Binary::new(qlance, world.path()),
            verdict: Verdict::new(plan),
            points,
            proxy,
            world,
            bill: Bill::default(),
        };
        std::fs::write(round.binary.config(), round.toml()).expect("the configuration is written");
        round
    }

    fn toml(&self) -> String {
        let Plan { ranges, index, .. } = self.plan;
        let (rows, seconds, place) = match self.plan.mode {
            // Few and large: the second commit is more than there is room for, however room is made scarce.
            Mode::Disk => (300, 30, self.world.path().join("room/out.lance")),
            _ => (100, 1, self.world.path().join("out.lance")),
        };
        // A request that is never answered must be given up within a round.
        let patience = if self.plan.provider_faults.is_some() { 1 } else { 30 };
        format!(
            "[source]\nurl = \"{}\"\ncollection = \"messages\"\npage_points = 40\nranges = {ranges}\n\
             timeout_seconds = 2\n\
             [target]\nuri = \"{}\"\ntable = \"messages\"\ncommit_rows = {rows}\ncommit_seconds = {seconds}\n\
             [embed.text]\nprovider = \"openai\"\nbase_url = \"{}\"\nmodel = \"test-model\"\ndimensions = {SIZE}\n\
             backoff_min_ms = 10\nbackoff_max_ms = 50\ntimeout_seconds = {patience}\nmax_in_flight = 4\n\
             max_batch_inputs = 20\n\
             [pipeline]\nindex = {index}\noutage_patience = \"20s\"\n",
            self.proxy.url(),
            place.display(),
            self.world.embeddings.base_url()
        )
    }

    fn note(&mut self, note: String) {
        self.verdict.notes.push(note);
    }

    fn broken(&mut self, problem: String) {
        self.verdict.broken.push(problem);
    }

    async fn misbehave_and_end_in_peace(&mut self) -> Outcome {
        self.misbehave().await;
        self.world.embeddings.chosen_by(None);
        self.proxy.calm().await;
        let faults = self.proxy.committed();
        if !faults.is_empty() {
            self.note(format!("proxy: {faults}"));
        }
        let last = self.run().await;
        let before = self.world.embeddings.requests();
        let again = self.run().await;
        Outcome {
            table: self.world.path().join("out.lance"),
            state: self.world.path().join(".qlance"),
            last,
            again,
            again_asked: self.world.embeddings.requests() - before,
        }
    }

    /// Everything that is done to the job, whether it comes to its end meanwhile or not.
    async fn misbehave(&mut self) {
        let plan = self.plan;
        for kill in &plan.kills {
            if self.run_and_kill(*kill).await.is_some_and(|end| end.is_complete()) {
                self.note("complete before a SIGKILL came".into());
                return;
            }
        }
        if plan.kills.is_empty() {
            for start in 1..=STARTS {
                if self.run().await.is_complete() {
                    self.note(format!("complete at start {start} while they misbehaved"));
                    return;
                }
            }
        }
    }

    /// One run to wherever it comes by itself.
    async fn run(&mut self) -> End {
        let mut child = self.binary.start();
        let code = match tokio::time::timeout(LIMIT, child.wait()).await {
            Ok(status) => status.expect("it ends").code(),
            Err(_) => {
                child.kill().await.expect("killed");
                let problem = format!("run {} was not done after {LIMIT:?}", self.binary.runs);
                self.broken(problem);
                None
            }
        };
        self.ended(code).await
    }

    /// One run with a SIGKILL; how it ended, where it was done before that.
    async fn run_and_kill(&mut self, kill: Kill) -> Option<End> {
        let before = self.world.embeddings.requests();
        let mut child = self.binary.start();
        if kill.while_embedding {
            let begun = Instant::now();
            while self.world.embeddings.requests() == before
                && matches!(child.try_wait(), Ok(None))
                && begun.elapsed() < LIMIT
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        if let Ok(status) = tokio::time::timeout(kill.after, child.wait()).await {
            let code = status.expect("it ends").code();
            return Some(self.ended(code).await);
        }
        let killed = Instant::now();
        let in_flight = self.world.embeddings.in_flight_inputs() as u64;
        child.kill().await.expect("killed");
        self.verdict.kills += 1;
        self.verdict.in_flight += in_flight;
        self.bill.close(&self.world.embeddings, Some(killed)).await;
        let end = self.binary.end(None);
        if end.said.contains("panicked") {
            self.broken(format!("it panicked before it was killed: {}", end.line()));
        }
        None
    }

    /// A process ended by itself.
    async fn ended(&mut self, code: Option<i32>) -> End {
        let now = Instant::now();
        let end = self.binary.end(code);
        // What a run has in hand when it is complete is committed.
        let cut_off = (!end.is_complete()).then_some(now);
        self.bill.close(&self.world.embeddings, cut_off).await;
        self.verdict.broken.extend(end.own_fault());
        end
    }

    /// Three runs on a disk that fills and is given room.
    ///
    /// # Errors
    /// It cannot be made here, and why.
    async fn fill_the_disk(&mut self) -> Result<Outcome, String> {
        let dir = self.world.path().to_owned();
        let means = Means::find(&dir)
            .await
            .map_err(|lacking| format!("no disk can be filled here: {lacking}"))?;
        let (kib, config) = (self.plan.disk_kib, self.binary.config());
        let filled = means
            .fill(&dir, kib, self.binary.path(), &config)
            .await
            .map_err(|problem| format!("no disk could be filled here: {problem}"))?;
        for end in [&filled.first, &filled.second, &filled.third] {
            self.verdict.broken.extend(end.own_fault());
        }
        if filled.first.is_complete() {
            self.broken("the disk did not fill: nothing was tested".into());
        }
        let report = &filled.first.report;
        let note = format!(
            "{kib} KiB by {}: {}, {}",
            means.as_str(),
            report["read"],
            report["error"]
        );
        self.note(note);
        Ok(Outcome {
            table: filled.copy.join("out.lance"),
            state: filled.copy.join("state"),
            last: filled.second,
            again: filled.third,
            // Its report alone says so: nobody else saw where the second ended and the third began.
            again_asked: 0,
        })
    }

    /// Reads everything from outside and writes into the verdict what does not hold.
    async fn check(&mut self, outcome: &Outcome) {
        let rows = if outcome.table.join("messages.lance").exists() {
            rows_of(&outcome.table, "messages").await
        } else {
            Vec::new()
        };
        let failed = match self.binary.failures(&outcome.state).await {
            Ok(failed) => failed,
            Err(problem) => {
                self.broken(format!("the failures cannot be listed: {problem}"));
                Vec::new()
            }
        };
        let books = Books {
            points: &self.points,
            rows: &rows,
            failed: &failed,
            last: &outcome.last,
            again: &outcome.again,
            again_asked: outcome.again_asked,
        };
        books.check(&mut self.verdict);
        self.verdict.paid_again = provider::paid_again(&self.world.embeddings, &self.points);
        // A disk without room keeps no spool.
        self.verdict.allowed = (self.plan.mode != Mode::Disk).then(|| self.bill.allowed());
    }
}
