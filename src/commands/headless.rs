//! A job without a screen: plain progress on stderr, the report on stdout.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::signals::stop_on_signal;
use super::{print_json, printable, read_or_not};
use crate::config::Config;
use crate::lance::index::Step;
use crate::metrics::{self, Endpoint};
use crate::point::{counted, sum_of_money};
use crate::tasks::supervisor::{self, Lines, Orders};
use crate::tasks::{COMMAND_ROOM, EVENT_ROOM, Level, Phase, RunReport, Snapshot, Status, TaskCommand, TaskEvent};

/// Between two lines of progress where stderr is a file; on a terminal one line is written over, more often.
const QUIET_PERIOD: Duration = Duration::from_secs(5);
/// Failures told one by one; the journal has them all.
const TOLD_FAILURES: u64 = 10;

/// How to run without a screen.
#[derive(Debug, Clone, Copy)]
pub struct Headless {
    /// The report as JSON on stdout.
    pub json: bool,
}

struct Teller {
    live: bool,
    told: u64,
    line_open: bool,
    /// Whether somebody has paused it from outside.
    paused: bool,
    /// The step of finishing the table that is under way, and since when.
    step: Option<(Step, Instant)>,
    /// The newest error that was told; the summary does not repeat it.
    error: Option<String>,
}

impl Headless {
    /// Runs to the end.
    ///
    /// # Errors
    /// Stdout cannot be written, or signals cannot be listened to.
    pub async fn run(self, config: Arc<Config>, orders: Orders) -> anyhow::Result<RunReport> {
        self.run_watched(config, orders, None).await
    }

    /// Runs to the end, and serves metrics as long where an endpoint listens.
    ///
    /// # Errors
    /// Stdout cannot be written, or signals cannot be listened to.
    pub async fn run_watched(
        self,
        config: Arc<Config>,
        orders: Orders,
        endpoint: Option<Endpoint>,
    ) -> anyhow::Result<RunReport> {
        let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
        let (events, happened) = mpsc::channel(EVENT_ROOM);
        let (snapshot, watched) = watch::channel(Snapshot::default());
        let state = orders.options.state.as_deref();
        let (happened, _serving) = metrics::observe(&config, state, endpoint, happened, &watched);
        let lines = Lines {
            commands: inbox,
            events,
            snapshot,
        };
        let work = tokio::spawn(supervisor::run(config, orders, lines));
        self.follow(commands, happened, watched, work).await
    }

    /// Tells of work that is under way, to its end.
    ///
    /// # Errors
    /// Stdout cannot be written, or signals cannot be listened to.
    pub async fn follow(
        self,
        commands: mpsc::Sender<TaskCommand>,
        mut happened: mpsc::Receiver<TaskEvent>,
        mut watched: watch::Receiver<Snapshot>,
        work: JoinHandle<RunReport>,
    ) -> anyhow::Result<RunReport> {
        stop_on_signal(commands.clone())?;
        let live = std::io::stderr().is_terminal();
        let mut teller = Teller::new(live);
        let mut ticks = tokio::time::interval(if live { Duration::from_millis(250) } else { QUIET_PERIOD });
        ticks.tick().await;
        loop {
            tokio::select! {
                event = happened.recv() => match event {
                    Some(event) => teller.tell(&event),
                    None => break,
                },
                _ = ticks.tick() => {
                    let snapshot = watched.borrow_and_update().clone();
                    teller.progress(&snapshot);
                }
            }
        }
        let report = work.await?;
        teller.summary(&report);
        if self.json {
            read_or_not(print_json(&report))?;
        }
        // Held until here: where nobody commands any more, the supervisor brings the work to an end.
        drop(commands);
        Ok(report)
    }

    /// Prints how a run ended.
    pub fn summary(self, report: &RunReport) {
        Teller::new(false).summary(report);
    }
}

impl Teller {
    fn new(live: bool) -> Self {
        Self {
            live,
            told: 0,
            line_open: false,
            paused: false,
            step: None,
            error: None,
        }
    }

    fn say(&mut self, text: &str) {
        self.end_line();
        tell!("{}", printable(text));
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.line_open) {
            tell!("");
        }
    }

    fn tell(&mut self, event: &TaskEvent) {
        match event {
            TaskEvent::Opened(facts) => self.say(&format!(
                "{} ({} points, Qdrant {}) -> {} with {}{}",
                facts.collection,
                facts.points,
                facts.qdrant_version,
                facts.table,
                facts.space,
                if facts.resumed {
                    ", going on where it stopped"
                } else {
                    ""
                }
            )),
            TaskEvent::PhaseChanged(Phase::Stopping) => self.say("stopping"),
            TaskEvent::PhaseChanged(Phase::Paused) => {
                self.paused = true;
                self.say("paused; `qlance live resume` goes on");
            }
            TaskEvent::PhaseChanged(Phase::Running) if std::mem::take(&mut self.paused) => self.say("going on"),
            TaskEvent::SettingConfirmed(setting) => self.say(&setting.describe()),
            TaskEvent::PointFailed(id, failure) => {
                self.told += 1;
                if self.told <= TOLD_FAILURES {
                    self.say(&format!("failed: {id}: {}: {failure}", failure.cause.as_str()));
                } else if self.told == TOLD_FAILURES + 1 {
                    self.say("more points failed; see `qlance failures list`");
                }
            }
            TaskEvent::RetryFinished(id, Ok(())) => self.say(&format!("recovered: {id}")),
            TaskEvent::RetryFinished(id, Err(failure)) => {
                self.say(&format!("failed again: {id}: {}: {failure}", failure.cause.as_str()));
            }
            TaskEvent::RetryEnded {
                recovered,
                failed,
                error,
                ..
            } => {
                self.say(&format!("retry: {recovered} recovered, {failed} failed again"));
                if let Some(error) = error {
                    self.say(&format!("the retry stopped: {error}"));
                }
            }
            TaskEvent::StepStarted(step) => {
                self.step = Some((*step, Instant::now()));
                self.say(&format!("{} ...", step.label()));
            }
            TaskEvent::StepFinished(step, done) => {
                let took = self.step.take().map(|(_, begun)| begun.elapsed());
                let seconds = took.unwrap_or_default().as_secs_f64();
                self.say(&format!("{}: {done} ({seconds:.1} s)", step.label()));
            }
            TaskEvent::Noted(Level::Warn, text) => self.say(text),
            TaskEvent::Noted(Level::Error, text) => {
                self.say(&format!("qlance: {text}"));
                self.error = Some(text.clone());
            }
            _ => {}
        }
    }

    fn progress(&mut self, snapshot: &Snapshot) {
        if let Some((step, begun)) = self.step {
            // Lance does not say how far it is; that it still works is all that can be told.
            let line = format!("{}: {} s so far", step.label(), begun.elapsed().as_secs());
            self.keep_current(&line);
            return;
        }
        if !matches!(snapshot.phase, Phase::Running | Phase::Stopping) {
            return;
        }
        let mut line = format!(
            "{} of {}  read {} = written {} + failed {} + skipped {} + in hand {}  {:.0}/s",
            snapshot.settled(),
            snapshot.total,
            snapshot.read,
            snapshot.written,
            snapshot.failed,
            snapshot.skipped,
            snapshot.in_hand,
            snapshot.rate
        );
        if let Some(waiting) = &snapshot.waiting {
            line.push_str(&format!("  ({}", waiting.reason));
            if let Some(left) = waiting.left {
                line.push_str(&format!(", next try in {} s", left.as_secs()));
            }
            line.push(')');
        }
        self.keep_current(&line);
    }

    /// A line of progress: on a terminal in the place of the last one.
    fn keep_current(&mut self, line: &str) {
        let line = printable(line);
        if self.live {
            // One that nobody sees is no reason to stop.
            let _ = write!(std::io::stderr(), "\r{line}\x1b[K");
            let _ = std::io::stderr().flush();
            self.line_open = true;
        } else {
            tell!("{line}");
        }
    }

    fn summary(&mut self, report: &RunReport) {
        self.end_line();
        let status = match report.status {
            Status::Complete => "complete",
            Status::Stopped => "stopped; the same command goes on",
            Status::Incomplete => "the migration is not complete yet (`qlance run` goes on with it)",
            Status::Error => "error",
        };
        if report.status != Status::Error {
            self.say(&format!(
                "{status}: read {} = written {} + failed {} + skipped {}; {} divergent; {:.1} s, {:.0} points/s; {}, \
                 {}, ${}; table {} version {}, {}",
                report.read,
                report.written,
                report.failed,
                report.skipped,
                report.divergent,
                report.seconds,
                report.points_per_second,
                counted(report.embedding.requests, "request", "requests"),
                counted(report.embedding.tokens, "token", "tokens"),
                sum_of_money(report.embedding.cost_usd, 4),
                report.table.name,
                report.table.version,
                counted(report.table.rows, "row", "rows")
            ));
        }
        if let Some(error) = &report.error
            && self.error.as_ref() != Some(error)
        {
            self.say(&format!("qlance: {error}"));
        }
        if report.failed > 0 {
            self.say("failed points: qlance failures list | retry | skip | export");
        }
    }
}
