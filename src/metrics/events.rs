//! The event log of a run: `events.jsonl` in the job's state directory, one JSON object a line; and beside it
//! `log.jsonl`, the lines of the Log screen.
//!
//! A tap on the way of the events: each is handed on in its order, none is ever dropped, and nobody waits for the disk.
//! A copy of what is worth a line goes to a thread that writes, behind a bounded queue; what it cannot write is
//! counted.
//!
//! ```text
//! work -> tap -> screen
//!          \-> [queue] -> the writing thread -> events.jsonl, events.1.jsonl
//!                                             -> log.jsonl, log.1.jsonl
//! ```
//!
//! Only the holder of the job's lock writes: lines wait until the job is open. A run that could not open it writes them
//! at its end, if nobody else holds the lock then.

mod file;
mod line;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::log::{self, LogLine};
use super::seen::Seen;
use crate::config::Job;
use crate::tasks::lock::Lock;
use crate::tasks::{EVENT_ROOM, Level, TaskEvent, story};
use file::EventFile;
use line::{Said, line_of};

pub(super) use file::LONGEST_LINE;
pub use line::EVENTS;

/// Bytes of the file, and of the older one beside it: about 400,000 lines each.
const MOST_BYTES: u64 = 64 << 20;
/// Lines that wait for the disk; beyond, they are dropped and counted.
const ROOM: usize = 4_096;
/// Lines that wait until the job is open. Before that little happens.
const HELD: usize = 256;
/// Lines written at once.
const BATCH: usize = 512;
/// At the end the disk gets this long for what still waits.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What happened, before it is text.
struct Entry {
    seq: u64,
    at: Timestamp,
    /// Its line in the event log.
    said: Option<Said>,
    /// Its line in the log.
    told: Option<(Level, String)>,
}

impl Entry {
    fn is(&self, event: &str) -> bool {
        self.said.as_ref().is_some_and(|said| said.event == event)
    }
}

/// One line as it is written. `seq` counts the lines of a run from 1 without a gap; a gap is lines that were dropped.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    time: String,
    job: &'a str,
    run: &'a str,
    event: &'a str,
    #[serde(flatten)]
    fields: &'a Value,
}

/// Lets events pass, and writes down those worth it. The answer ends when the events have, and the log is whole.
pub(super) fn tap(events: mpsc::Receiver<TaskEvent>, job: Job, seen: Arc<Seen>) -> mpsc::Receiver<TaskEvent> {
    let (forward, forwarded) = mpsc::channel(EVENT_ROOM);
    let (lines, inbox) = mpsc::channel(ROOM);
    let log = Log {
        file: EventFile::new(&job.dir, MOST_BYTES),
        story: EventFile::named(&job.dir, (log::NAME, log::OLDER), log::MOST_BYTES),
        dir: job.dir,
        job: job.id,
        run: Uuid::new_v4().to_string(),
        seen: Arc::clone(&seen),
        held: Some(Vec::new()),
        in_trouble: false,
        story_in_trouble: false,
    };
    let writing = tokio::task::spawn_blocking(move || log.write(inbox));
    tokio::spawn(async move {
        pass(events, &forward, lines, &seen).await;
        if tokio::time::timeout(LAST_WORDS, writing).await.is_err() {
            tracing::warn!("the event log is not whole: the disk takes too long");
        }
        // Only now is the other end told that nothing more comes.
        drop(forward);
    });
    forwarded
}

async fn pass(
    mut events: mpsc::Receiver<TaskEvent>,
    forward: &mpsc::Sender<TaskEvent>,
    lines: mpsc::Sender<Entry>,
    seen: &Seen,
) {
    let mut seq = 0;
    let mut verifying = false;
    while let Some(event) = events.recv().await {
        seen.take_in(&event);
        let recalled = match &event {
            TaskEvent::VerifyBegun(_) => {
                verifying = true;
                false
            }
            // What an earlier run found is shown again when the job is opened; here it did not happen.
            TaskEvent::Verified(_) => !std::mem::take(&mut verifying),
            _ => false,
        };
        let said = line_of(&event).filter(|_| !recalled);
        let told = story::line(&event).filter(|_| !recalled);
        if said.is_some() || told.is_some() {
            // Only the lines of the event log are counted.
            let counts = u64::from(said.is_some());
            seq += counts;
            let entry = Entry {
                seq,
                at: Timestamp::now(),
                said,
                told,
            };
            // The last line says what was dropped: it is worth a moment.
            let sent = if matches!(event, TaskEvent::Ended(_)) {
                lines.send_timeout(entry, LAST_WORDS).await.is_ok()
            } else {
                lines.try_send(entry).is_ok()
            };
            if !sent {
                seen.dropped(counts);
            }
        }
        // A screen that is gone reads no more; the work still must not wait, and the log goes on.
        let _ = forward.send(event).await;
    }
}

/// The writing end.
struct Log {
    file: EventFile,
    story: EventFile,
    dir: PathBuf,
    job: String,
    run: String,
    seen: Arc<Seen>,
    /// Lines from before the job was open; none since it is.
    held: Option<Vec<Entry>>,
    /// Nothing could be written the last time; told once.
    in_trouble: bool,
    /// The same of the log.
    story_in_trouble: bool,
}

impl Log {
    fn write(mut self, mut inbox: mpsc::Receiver<Entry>) {
        while let Some(first) = inbox.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(entry) = inbox.try_recv()
            {
                batch.push(entry);
            }
            self.take(batch);
        }
        if let Some(held) = self.held.take().filter(|held| !held.is_empty()) {
            // It never was ours. Somebody else may be writing there; then it is theirs alone.
            match Lock::take(&self.dir) {
                Ok(_lock) => self.put(held),
                Err(error) => tracing::debug!("the event log is another's: {error:#}"),
            }
        }
    }

    fn take(&mut self, batch: Vec<Entry>) {
        let Some(mut held) = self.held.take() else {
            return self.put(batch);
        };
        let is_open = batch.iter().any(|entry| entry.is("opened"));
        held.extend(batch);
        if is_open {
            return self.put(held);
        }
        let too_many = held.iter().skip(HELD).filter(|entry| entry.said.is_some()).count();
        held.truncate(HELD);
        self.seen.dropped(too_many as u64);
        self.held = Some(held);
    }

    /// Writes lines; what cannot be written is dropped, for the migration goes on whatever the disk does.
    fn put(&mut self, mut entries: Vec<Entry>) {
        self.tell(&entries);
        // What was dropped is known only when the others are written.
        let last = entries.pop_if(|entry| entry.is("ended"));
        let lines: Vec<String> = entries
            .iter()
            .filter_map(|entry| Some(self.text(entry.seq, entry.at, entry.said.as_ref()?)))
            .collect();
        self.append(&lines.concat(), lines.len() as u64);
        if let Some(Entry {
            seq,
            at,
            said: Some(mut said),
            ..
        }) = last
        {
            said.fields["lines_dropped"] = self.seen.lines().1.into();
            let line = self.text(seq, at, &said);
            self.append(&line, 1);
        }
    }

    /// Writes the lines of the log.
    fn tell(&mut self, entries: &[Entry]) {
        let lines: String = entries
            .iter()
            .filter_map(|entry| {
                let (level, text) = entry.told.as_ref()?;
                Some(as_line(&LogLine::new(entry.at, &self.run, *level, text)))
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        match self.story.append(&lines) {
            Ok(()) => self.story_in_trouble = false,
            Err(error) => {
                if !std::mem::replace(&mut self.story_in_trouble, true) {
                    let path = self.dir.join(log::NAME);
                    tracing::warn!(
                        "{} cannot be written ({error}); the run goes on without it",
                        path.display()
                    );
                }
            }
        }
    }

    fn append(&mut self, lines: &str, count: u64) {
        if count == 0 {
            return;
        }
        match self.file.append(lines) {
            Ok(()) => {
                self.seen.logged(count);
                self.in_trouble = false;
            }
            Err(error) => {
                self.seen.dropped(count);
                if !std::mem::replace(&mut self.in_trouble, true) {
                    let path = self.dir.join(file::NAME);
                    tracing::warn!(
                        "{} cannot be written ({error}); the run goes on without it",
                        path.display()
                    );
                }
            }
        }
    }

    fn text(&self, seq: u64, at: Timestamp, said: &Said) -> String {
        as_line(&Line {
            seq,
            time: format!("{at:.3}"),
            job: &self.job,
            run: &self.run,
            event: said.event,
            fields: &said.fields,
        })
    }
}

/// A value as one line of JSON.
pub(super) fn as_line(value: &impl Serialize) -> String {
    let mut text = String::with_capacity(256);
    // JSON leaves DEL and C1 as they are, and some terminals obey those.
    for c in serde_json::to_string(value).unwrap_or_default().chars() {
        match c {
            '\u{7f}'..='\u{9f}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::point::{Cause, Failure, PointId};
    use crate::tasks::{JobFacts, Level, Phase, RunReport};

    fn opened() -> TaskEvent {
        TaskEvent::Opened(Box::new(JobFacts {
            job: "job".into(),
            collection: "mess\u{9b}ages".into(),
            qdrant_version: "1.16.0".into(),
            table: "out.lance".into(),
            space: "minilm".into(),
            content: "content".into(),
            comparable: Ok(()),
            points: 3,
            resumed: false,
            state_dir: ".".into(),
        }))
    }

    fn failed(n: u64) -> TaskEvent {
        TaskEvent::PointFailed(PointId::Num(n), Failure::new(Cause::Rejected, "sk-secret"))
    }

    fn ended() -> TaskEvent {
        TaskEvent::Ended(Box::new(RunReport::failed_to_begin("sk-secret".into(), Duration::ZERO)))
    }

    fn read(dir: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(dir.join(file::NAME)).unwrap_or_default();
        assert!(!text.contains("sk-secret") && !text.contains('\u{9b}'), "{text}");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// Lets events pass through a tap; answers what came out.
    async fn passed(dir: &Path, seen: &Arc<Seen>, events: Vec<TaskEvent>) -> Vec<TaskEvent> {
        let (sender, receiver) = mpsc::channel(EVENT_ROOM);
        let job = Job {
            id: "job".into(),
            dir: dir.to_owned(),
        };
        let mut out = tap(receiver, job, Arc::clone(seen));
        let sending = tokio::spawn(async move {
            for event in events {
                sender.send(event).await.expect("the tap takes everything");
            }
        });
        let mut came = Vec::new();
        while let Some(event) = out.recv().await {
            came.push(event);
        }
        sending.await.expect("sent");
        came
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn events_pass_whole_and_in_order_and_are_written_down() {
        let dir = tempfile::tempdir().expect("a directory");
        let seen = Arc::new(Seen::new(0.98));
        let mut events = vec![opened(), TaskEvent::PhaseChanged(Phase::Running)];
        events.extend((0..3_000).map(failed));
        events.push(TaskEvent::Verified(Err("of an earlier run".into())));
        events.push(TaskEvent::Exported(1, "file".into()));
        events.push(ended());
        assert_eq!(passed(dir.path(), &seen, events.clone()).await, events);
        let lines = read(dir.path());
        let (written, dropped) = seen.lines();
        assert_eq!(lines.len() as u64, written);
        assert_eq!(
            written + dropped,
            events.len() as u64 - 1,
            "all but the one that is recalled"
        );
        let last = lines.last().expect("lines");
        assert_eq!(
            (&last["event"], &last["lines_dropped"]),
            (&"ended".into(), &dropped.into())
        );
        assert_eq!(last["seq"], events.len() - 1);
        for line in &lines {
            assert_eq!((&line["job"], &line["run"]), (&"job".into(), &lines[0]["run"]));
            let time = line["time"].as_str().expect("a time");
            assert!(
                time.parse::<Timestamp>().is_ok() && time.len() == "2026-01-01T00:00:00.000Z".len(),
                "{time}"
            );
        }
        assert_eq!(
            lines[0]["collection"], "mess\u{9b}ages",
            "escaped, and whole when it is read"
        );
        // The log has the messages too.
        let mut texts = Vec::new();
        let told = log::newest(dir.path(), &log::Wanted::new(Level::Info, None, 10_000), |line| {
            assert_eq!(lines[0]["run"], line.run);
            texts.push(line.text.clone());
            Ok(())
        });
        assert_eq!(told.expect("read"), texts.len() as u64);
        assert_eq!(texts[..2], ["opened job: 3 points", "running"]);
        assert!(texts.iter().any(|text| text.contains("failed: rejected: sk-secret")));
        assert!(!texts.iter().any(|text| text.contains("of an earlier run")));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_that_leaves_holds_nobody_up() {
        let dir = tempfile::tempdir().expect("a directory");
        let (sender, receiver) = mpsc::channel(1);
        let job = Job {
            id: "job".into(),
            dir: dir.path().to_owned(),
        };
        drop(tap(receiver, job, Arc::new(Seen::new(0.98))));
        sender.send(opened()).await.expect("taken");
        for n in 0..100 {
            sender.send(failed(n)).await.expect("taken");
        }
        drop(sender);
        // A line that is half written is no line yet.
        let lines =
            || std::fs::read(dir.path().join(file::NAME)).map_or(0, |bytes| bytes.split(|b| *b == b'\n').count() - 1);
        let begun = std::time::Instant::now();
        while lines() < 101 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} lines", lines());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(read(dir.path()).len(), 101);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_does_not_hold_the_job_writes_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let seen = Arc::new(Seen::new(0.98));
        let events = vec![TaskEvent::Noted(Level::Error, "sk-secret".into()), ended()];
        let lock = Lock::take(dir.path()).expect("free");
        passed(dir.path(), &seen, events.clone()).await;
        assert_eq!(read(dir.path()), Vec::<Value>::new());
        // Nobody holds it: what went wrong before the job was open is on record.
        drop(lock);
        passed(dir.path(), &seen, events).await;
        let lines = read(dir.path());
        let told: Vec<&Value> = lines.iter().map(|line| &line["event"]).collect();
        assert_eq!(told, ["noted", "ended"]);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_stops_nothing_and_is_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("/dev/full", dir.path().join(file::NAME)).expect("a link");
        let seen = Arc::new(Seen::new(0.98));
        let events = vec![opened(), failed(1), failed(2), ended()];
        assert_eq!(passed(dir.path(), &seen, events.clone()).await, events);
        assert_eq!(seen.lines(), (0, 4));
    }
}
