//! The writer by itself, with a real table and somebody else's hand in it: what it believes after a commit whose
//! outcome it does not know, what it refuses, and what it notices.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use qlance::journal::{Journal, Shared, State};
use qlance::lance::target::own_handle;
use qlance::lance::{Checkpoint, NewRow, TableSchema, Target, encode};
use qlance::point::{Cause, Failure, IdRange, Point, PointId, RangeProgress};
use qlance::tasks::invariant::{Fault, Invariant};
use qlance::tasks::meters::{Meters, Settled};
use qlance::tasks::writer::{EmbeddedPage, Limits, Message, Parts, Writer};
use qlance::tasks::{EVENT_ROOM, TaskEvent};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};

use crate::support::embeddings_server::embedding_of;
use crate::support::world::{SIZE, point, rows_of, wait_for};

const JOB: &str = "job";
const TABLE: &str = "messages";

/// A writer at work on a job of one range.
struct Job {
    writer: Writer,
    journal: Shared,
    meters: Arc<Meters>,
    // Kept, so that events can be said.
    _events: mpsc::Receiver<TaskEvent>,
    dir: TempDir,
}

impl Job {
    /// Nothing is committed yet; commits come with a flush only.
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let target = target(&dir).await;
        Self::over(dir, target, 0, false)
    }

    /// The same on a table that another job made, with rows of these points.
    async fn adopting(ids: &[u64]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut target = target(&dir).await;
        target
            .create(&schema(), "other", &BTreeMap::new())
            .await
            .expect("a table");
        let theirs = Checkpoint::new("other", 0, vec![RangeProgress::new(IdRange::ALL)]);
        let rows = vec![batch(ids.iter().copied())];
        target.append(rows, &theirs).await.expect("committed");
        Self::over(dir, target, ids.len() as u64, false)
    }

    fn over(dir: TempDir, target: Target, adopted: u64, unmended: bool) -> Self {
        let schema = schema();
        let journal = Shared::new(Journal::in_memory().expect("a journal"));
        let meters = Arc::new(Meters::default());
        let (events, kept) = mpsc::channel(EVENT_ROOM);
        let (writer, _) = Writer::spawn(Parts {
            target,
            schema,
            spaces: BTreeMap::new(),
            checkpoint: Checkpoint::new(JOB, adopted, vec![RangeProgress::new(IdRange::ALL)]),
            journal: journal.clone(),
            meters: Arc::clone(&meters),
            events,
            limits: Limits {
                rows: 1_000_000,
                bytes: 1 << 30,
                age: Duration::from_secs(3_600),
            },
            threshold: 0.5,
            unmended,
        });
        Self {
            writer,
            journal,
            meters,
            _events: kept,
            dir,
        }
    }

    /// A job whose points 1 to 10 are committed: rows, but for 9 and 10, which failed.
    async fn with_failures() -> Self {
        let job = Self::new().await;
        job.commit(job.page(0, 1..11, &[9, 10])).await.expect("committed");
        job.assert_settled(8, 2).await;
        job
    }

    /// The table through another handle: somebody else's, or this job's own before it lost its connection.
    async fn behind(&self) -> Target {
        let mut target = target(&self.dir).await;
        target.open().await.expect("readable").expect("a table");
        target
    }

    /// A page of the run that goes on just now.
    fn page(&self, seq: u64, ids: Range<u64>, failing: &[u64]) -> EmbeddedPage {
        let (read, next) = (ids.end - ids.start, ids.end);
        // The first page of a range that begins nowhere has no cursor before it.
        let from = (ids.start > 1).then_some(PointId::Num(ids.start));
        let rows = batch(ids.filter(|n| !failing.contains(n)));
        EmbeddedPage {
            run: self.writer.run(),
            range: 0,
            seq,
            from,
            similarities: vec![None; rows.num_rows()],
            rows: Some(rows),
            failures: failing
                .iter()
                .map(|n| (PointId::Num(*n), Failure::new(Cause::NoContent, "empty")))
                .collect(),
            shortened: Vec::new(),
            read,
            next: Some(PointId::Num(next)),
            done: false,
            in_hand: self.meters.take_in_hand(read),
            budget: None,
        }
    }

    async fn commit(&self, page: EmbeddedPage) -> anyhow::Result<()> {
        self.writer.page(page).await.expect("handed over");
        self.writer.ask(Message::Flush).await
    }

    async fn reset(&self) -> anyhow::Result<Checkpoint> {
        let retrying = false;
        self.writer.ask(|done| Message::Reset { retrying, done }).await
    }

    /// What a retry asks for when it has brought these points.
    async fn recover(&self, numbers: &[u64]) -> anyhow::Result<()> {
        let rows = batch(numbers.iter().copied());
        let ids: Vec<PointId> = numbers.iter().copied().map(PointId::Num).collect();
        let recover = |done| Message::Recover {
            rows,
            similarities: vec![None; ids.len()],
            ids,
            shortened: Vec::new(),
            done,
        };
        self.writer.ask(recover).await
    }

    /// What a decision asks for when it has made the rows of these points anew.
    async fn replace(&self, numbers: &[u64]) -> anyhow::Result<()> {
        let rows = batch(numbers.iter().copied());
        let ids: Vec<PointId> = numbers.iter().copied().map(PointId::Num).collect();
        let replace = |done| Message::Replace {
            rows,
            similarities: vec![None; ids.len()],
            ids,
            shortened: Vec::new(),
            done,
        };
        self.writer.ask(replace).await
    }

    /// Somebody else adds a row.
    async fn add_behind(&self, number: u64) {
        let behind = self.behind().await;
        let table = behind.table().expect("a table");
        let added = table.add(vec![batch([number])]).execute().await;
        added.expect("added by somebody else");
    }

    /// Claims failed points for a retry.
    async fn claim(&self, numbers: &[u64]) {
        let ids: Vec<PointId> = numbers.iter().copied().map(PointId::Num).collect();
        let wanted = ids.clone();
        let claimed = self.journal.run(move |journal| journal.claim(&wanted)).await;
        assert_eq!(claimed.expect("claimed"), ids);
    }

    async fn state(&self, number: u64) -> Option<State> {
        let found = self.journal.run(move |journal| journal.get(PointId::Num(number))).await;
        found.expect("read").map(|(row, _)| row.state)
    }

    /// The numbers of the rows, read from outside.
    async fn numbers(&self) -> Vec<u64> {
        let rows = rows_of(self.dir.path(), TABLE).await;
        rows.iter()
            .map(|row| match row.point.id {
                PointId::Num(number) => number,
                PointId::Uuid(uuid) => panic!("{uuid} is in the table"),
            })
            .collect()
    }

    async fn version(&self) -> u64 {
        self.behind().await.version().await.expect("a version")
    }

    /// So many points are written and failed, and none beside; the version is the table's.
    async fn assert_settled(&self, written: u64, failed: u64) {
        let expected = Settled {
            written,
            failed,
            read: written + failed,
            version: self.version().await,
            ..Settled::default()
        };
        assert_eq!(self.meters.settled(), expected);
    }
}

fn schema() -> TableSchema {
    TableSchema::choir(SIZE, &BTreeMap::new())
}

fn batch(ids: impl IntoIterator<Item = u64>) -> RecordBatch {
    let points: Vec<(Point, Vec<f32>)> = ids
        .into_iter()
        .map(|n| {
            let text = format!("message {n}");
            (point(n, json!({"content": text})), embedding_of(&text, SIZE))
        })
        .collect();
    let rows: Vec<NewRow<'_>> = points
        .iter()
        .map(|(point, embedding)| NewRow::of(point, embedding, None))
        .collect();
    encode(&schema(), &rows).expect("a batch")
}

async fn target(dir: &TempDir) -> Target {
    let uri = dir.path().to_str().expect("a UTF-8 path");
    Target::connect(uri, TABLE, true).await.expect("a database")
}

/// Commits points 11 to 20 behind the back of a writer that has committed 1 to 10, as its own commit would have been
/// made; answers what rode in it.
async fn landed(job: &Job) -> Checkpoint {
    let mut behind = target(&job.dir).await;
    let found = behind.open().await.expect("readable").expect("a table");
    let mut landed = found.checkpoint.expect("a checkpoint");
    let range = &mut landed.ranges[0];
    range.read += 10;
    range.written += 10;
    range.next = Some(PointId::Num(21));
    behind
        .append(vec![batch(11..21)], &landed)
        .await
        .expect("committed behind its back");
    landed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_holds_enough_of_the_memory_budget_is_committed_though_it_has_no_row() {
    let job = Job::new().await;
    // In KiB: as much as a group of the tests may have.
    let budget = Arc::new(Semaphore::new(1 << 20));
    for (seq, ids) in [(0, 1..4), (1, 4..7)] {
        let share = Arc::clone(&budget).acquire_many_owned(1 << 19);
        let failing: Vec<u64> = ids.clone().collect();
        let mut page = job.page(seq, ids, &failing);
        page.rows = None;
        page.similarities.clear();
        page.budget = Some(share.await.expect("open"));
        job.writer.page(page).await.expect("handed over");
    }
    // Nobody asks for a commit, and its age would be an hour.
    let all = budget.acquire_many(1 << 20);
    let all = tokio::time::timeout(Duration::from_secs(60), all).await;
    drop(all.expect("the budget is given back").expect("open"));
    job.assert_settled(0, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_commit_that_landed_unheard_the_table_says_how_far_the_job_has_come() {
    let job = Job::new().await;
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    let landed = landed(&job).await;
    let reset = job.reset().await.expect("reset");
    assert_eq!(reset, landed);
    job.assert_settled(20, 0).await;
    // The run after it goes on from there.
    job.commit(job.page(0, 21..31, &[])).await.expect("committed");
    job.assert_settled(30, 0).await;
    assert_eq!(job.numbers().await, (1..31).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_landed_unheard_is_not_written_again() {
    let job = Job::new().await;
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    landed(&job).await;
    job.reset().await.expect("reset");
    // Refused or passed over: the points lie before the cursor.
    let again = job.commit(job.page(0, 11..21, &[])).await;
    assert_eq!(
        job.numbers().await,
        (1..21).collect::<Vec<_>>(),
        "rows were doubled; the writer said {again:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_earlier_run_comes_too_late() {
    let job = Job::new().await;
    let (first, late, later) = (
        job.page(0, 1..11, &[]),
        job.page(0, 1..11, &[]),
        job.page(1, 11..21, &[]),
    );
    job.writer.page(first).await.expect("handed over");
    let reset = job.reset().await.expect("reset");
    assert_eq!((reset.read(), job.writer.run()), (0, 1));
    job.writer.page(late).await.expect("handed over");
    job.commit(later).await.expect("nothing is wrong");
    let nothing = target(&job.dir).await.open().await.expect("readable");
    assert!(nothing.is_none(), "{nothing:?}");
    assert_eq!(job.meters.settled(), Settled::default());
    // Those of this run are in their own order, from the beginning.
    job.writer.page(job.page(1, 11..21, &[])).await.expect("handed over");
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    job.assert_settled(20, 0).await;
    assert_eq!(job.numbers().await, (1..21).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_does_not_hold_its_points_writes_nothing() {
    let job = Job::with_failures().await;
    let version = job.version().await;
    // Held by nobody; then one of them is.
    for held in [&[][..], &[9]] {
        job.claim(held).await;
        let refused = job.recover(&[9, 10]).await.expect_err("refused");
        assert!(
            refused.to_string().contains("not waiting for this retry"),
            "{refused:#}"
        );
        assert_eq!(job.version().await, version, "something was written");
        assert_eq!(job.state(10).await, Some(State::Failed));
        job.assert_settled(8, 2).await;
    }
    // Held, but no commit covers it: it will be read again.
    let uncovered = [(PointId::Num(50), Failure::new(Cause::NoContent, "empty"))];
    job.journal
        .run(move |journal| journal.record(&uncovered, 1))
        .await
        .expect("recorded");
    job.claim(&[50]).await;
    job.recover(&[50]).await.expect_err("refused");
    assert_eq!(job.version().await, version, "something was written");
    // A reset forgets what no commit covers, and settles what is held.
    job.reset().await.expect("reset");
    assert_eq!((job.state(9).await, job.state(50).await), (Some(State::Failed), None));
    job.claim(&[9, 10]).await;
    job.recover(&[9, 10]).await.expect("written");
    assert_eq!(job.state(9).await, Some(State::Recovered));
    job.assert_settled(10, 0).await;
    assert_eq!(job.numbers().await, (1..11).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_retry_is_looked_up_in_the_table() {
    let job = Job::with_failures().await;
    job.claim(&[9, 10]).await;
    // The row of one made it; nobody heard.
    let added = job.behind().await.upsert(vec![batch([9])], None).await;
    assert_eq!(added.expect("written"), 1);
    job.writer.ask(Message::Settle).await.expect("settled");
    assert_eq!(
        (job.state(9).await, job.state(10).await),
        (Some(State::Recovered), Some(State::Failed))
    );
    job.assert_settled(9, 1).await;
    // The migration goes on over it.
    job.commit(job.page(1, 11..21, &[])).await.expect("committed");
    job.assert_settled(19, 1).await;
    let expected: Vec<u64> = (1..21).filter(|n| *n != 10).collect();
    assert_eq!(job.numbers().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_table_that_was_taken_over_a_row_proves_no_retry() {
    // The row of 9 is another job's.
    let job = Job::adopting(&[9]).await;
    job.commit(job.page(0, 1..11, &[9, 10])).await.expect("committed");
    job.assert_settled(8, 2).await;
    job.claim(&[9, 10]).await;
    job.writer.ask(Message::Settle).await.expect("settled");
    assert_eq!(
        (job.state(9).await, job.state(10).await),
        (Some(State::Failed), Some(State::Failed))
    );
    job.assert_settled(8, 2).await;
    // Tried again it replaces that row.
    job.claim(&[9]).await;
    job.recover(&[9]).await.expect("written");
    job.assert_settled(9, 1).await;
    assert_eq!(job.numbers().await, (1..10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_process_has_committed_nothing_is_put_on_top() {
    let job = Job::new().await;
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    landed(&job).await;
    let version = job.version().await;
    let error = job.commit(job.page(1, 11..21, &[])).await.expect_err("noticed");
    let fault = Fault::of(&error);
    assert_eq!(fault.invariant, Some(Invariant::Conservation), "{fault}");
    assert!(fault.message.contains("another process of job job"), "{fault}");
    assert_eq!(job.version().await, version, "something was written");
    assert_eq!(job.numbers().await, (1..21).collect::<Vec<_>>());
    // Another version of the same rows is nobody's harm.
    let job = Job::new().await;
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    let behind = job.behind().await;
    let table = behind.table().expect("a table");
    let index = lancedb::index::Index::BTree(lancedb::index::scalar::BTreeIndexBuilder::default());
    table.create_index(&["id"], index).execute().await.expect("an index");
    job.commit(job.page(1, 11..21, &[])).await.expect("committed");
    job.assert_settled(20, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_counts_a_point_twice_breaks_conservation_and_the_line_shows_it() {
    let job = Job::with_failures().await;
    // It came over, says the journal, and failed all the same.
    let twice = |journal: &mut Journal| {
        let id = [PointId::Num(9)];
        journal.set_state(&id, &[State::Failed], State::Recovered, None)?;
        journal.set_state(&id, &[State::Recovered], State::Failed, None)
    };
    assert_eq!(job.journal.run(twice).await.expect("moved"), 1);
    let error = job.commit(job.page(1, 11..21, &[])).await.expect_err("noticed");
    let fault = Fault::of(&error);
    assert_eq!(fault.invariant, Some(Invariant::Conservation), "{fault}");
    let expected = "20 points were read, but 19 rows were written, 2 points failed and 0 were skipped";
    assert!(fault.message.contains(expected), "{fault}");
    let settled = job.meters.settled();
    assert_eq!((settled.read, settled.written, settled.failed), (20, 19, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_somebody_else_adds_break_conservation_and_nothing_more_is_written() {
    let job = Job::new().await;
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    let behind = job.behind().await;
    let table = behind.table().expect("a table");
    table
        .add(vec![batch([1_000])])
        .execute()
        .await
        .expect("added by somebody else");
    let version = job.version().await;
    let error = job.commit(job.page(1, 11..21, &[])).await.expect_err("noticed");
    let fault = Fault::of(&error);
    assert_eq!(fault.invariant, Some(Invariant::Conservation), "{fault}");
    assert!(
        fault.message.contains("has 11 rows before this commit, not 10"),
        "{fault}"
    );
    assert_eq!(job.writer.broken().await, fault);
    assert_eq!(job.version().await, version, "something was written");
    let further = job.commit(job.page(2, 21..31, &[])).await.expect_err("broken");
    assert_eq!(Fault::of(&further), fault);
    // A reset does not make it good.
    let reset = Fault::of(&job.reset().await.expect_err("still broken"));
    assert_eq!(reset.invariant, Some(Invariant::Conservation), "{reset}");
    job.commit(job.page(0, 21..31, &[])).await.expect_err("broken");
    assert_eq!(job.version().await, version, "something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_adds_is_noticed_for_good_until_it_is_mended() {
    let job = Job::with_failures().await;
    job.add_behind(1_000).await;
    let version = job.version().await;
    job.claim(&[9]).await;
    let noticed = Fault::of(&job.recover(&[9]).await.expect_err("noticed"));
    assert_eq!(noticed.invariant, Some(Invariant::Conservation), "{noticed}");
    assert!(noticed.message.contains("qlance verify --repair"), "{noticed}");
    assert_eq!(job.writer.broken().await, noticed, "whatever runs beside it stops");
    // The retry has ended: its points are looked up, and the row is not taken for one that the job wrote.
    job.writer.ask(Message::Settle).await.expect_err("still there");
    let further = job.commit(job.page(1, 11..21, &[])).await.expect_err("broken");
    assert_eq!(Fault::of(&further), noticed);
    assert!(job.replace(&[1]).await.is_err() && job.reset().await.is_err());
    assert_eq!(job.version().await, version, "something was written");

    // The row lies ahead of the scroll, which may write one of that id itself.
    let mend = |done| Message::Mend {
        repeats: Vec::new(),
        settled: Vec::new(),
        done,
    };
    assert_eq!(job.writer.ask(mend).await.expect("mended"), 1);
    job.reset().await.expect("reset");
    job.commit(job.page(0, 11..21, &[])).await.expect("committed");
    job.assert_settled(18, 2).await;
    let expected: Vec<u64> = (1..21).filter(|n| ![9, 10].contains(n)).collect();
    assert_eq!(job.numbers().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_let_in_to_be_mended_is_not_written_to_before_that() {
    let before = Job::new().await;
    before.commit(before.page(0, 1..11, &[])).await.expect("committed");
    before.add_behind(5).await;
    let mut opened = target(&before.dir).await;
    opened.open().await.expect("readable").expect("a table");
    let job = Job::over(before.dir, opened, 0, true);
    let version = job.version().await;
    // It counts the rows that it finds: those of somebody else do not show in what comes after.
    job.replace(&[1]).await.expect_err("not mended yet");
    job.commit(job.page(0, 11..21, &[])).await.expect_err("not mended yet");
    assert_eq!(job.version().await, version, "something was written");
    let mend = |done| Message::Mend {
        repeats: vec![PointId::Num(5)],
        settled: Vec::new(),
        done,
    };
    assert_eq!(job.writer.ask(mend).await.expect("mended"), 1);
    job.reset().await.expect("reset");
    job.commit(job.page(0, 11..21, &[])).await.expect("committed");
    assert_eq!(job.numbers().await, (1..21).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_behind_the_cursor_that_came_or_went_are_taken_over() {
    let job = Job::with_failures().await;
    let behind = job.behind().await;
    let table = behind.table().expect("a table");
    table
        .delete("id = '1' OR id = '2'")
        .await
        .expect("deleted by somebody else");
    job.add_behind(5).await;
    job.reset().await.expect_err("noticed");
    let mend = |done| Message::Mend {
        repeats: vec![PointId::Num(5)],
        settled: Vec::new(),
        done,
    };
    assert_eq!(job.writer.ask(mend).await.expect("mended"), 1);
    let settled = job.meters.settled();
    assert_eq!((settled.written, settled.failed, settled.read), (6, 2, 8));
    job.reset().await.expect("reset");
    job.commit(job.page(0, 11..21, &[])).await.expect("committed");
    let expected: Vec<u64> = (3..21).filter(|n| ![9, 10].contains(n)).collect();
    assert_eq!(job.numbers().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_on_to_the_newest_version_hides_nobody() {
    let job = Job::with_failures().await;
    let shared = job.writer.table().borrow().clone().expect("a table");
    job.add_behind(1_000).await;
    let before = shared.version().await.expect("a version");
    let own = own_handle(&shared).await.expect("the newest version");
    assert!(own.version().await.expect("a version") > before);
    assert_eq!(shared.version().await.expect("a version"), before, "the writer's moved");
    // Even where somebody moves it, the rows are counted.
    shared.checkout_latest().await.expect("the newest version");
    let version = job.version().await;
    let noticed = Fault::of(&job.replace(&[1]).await.expect_err("noticed"));
    assert_eq!(noticed.invariant, Some(Invariant::Conservation), "{noticed}");
    assert_eq!(job.version().await, version, "something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_retry_that_landed_unheard_is_no_fault_of_what_comes_next() {
    let job = Job::with_failures().await;
    job.claim(&[9, 10]).await;
    // The row of one made it, and nobody heard; all that is heard is that something failed.
    let added = job.behind().await.upsert(vec![batch([9])], None).await;
    assert_eq!(added.expect("written"), 1);
    job.recover(&[8]).await.expect_err("8 is not held");
    job.commit(job.page(1, 11..21, &[])).await.expect("committed");
    assert_eq!(
        (job.state(9).await, job.state(10).await),
        (Some(State::Recovered), Some(State::Failed))
    );
    job.assert_settled(19, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_gone_is_not_brought_back_by_replacing_it() {
    let job = Job::with_failures().await;
    let version = job.version().await;
    let refused = job.replace(&[1, 9]).await.expect_err("9 has no row");
    assert!(
        refused
            .to_string()
            .contains("1 of 2 rows are not in the table any more"),
        "{refused:#}"
    );
    assert_eq!(job.version().await, version, "something was written");
    job.replace(&[1, 2]).await.expect("replaced");
    job.commit(job.page(1, 11..21, &[])).await.expect("committed");
    job.assert_settled(18, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reset_that_failed_nothing_is_written_until_one_succeeds() {
    let job = Job::new().await;
    job.commit(job.page(0, 1..11, &[])).await.expect("committed");
    job.add_behind(1_000).await;
    let version = job.version().await;
    // Nothing was committed in this run: only the reset looks.
    let failed = Fault::of(&job.reset().await.expect_err("noticed"));
    assert_eq!(job.writer.broken().await, failed);
    let refused = job.commit(job.page(0, 11..21, &[])).await.expect_err("broken");
    assert_eq!(Fault::of(&refused), failed);
    assert_eq!(job.version().await, version, "something was written");
    let behind = job.behind().await;
    let table = behind.table().expect("a table");
    table.delete("id = '1000'").await.expect("taken out again");
    job.reset().await.expect("reset");
    job.commit(job.page(0, 11..21, &[])).await.expect("committed");
    job.assert_settled(20, 0).await;
}

#[tokio::test]
async fn the_last_pages_are_committed_as_they_come() {
    let job = Job::new().await;
    let written = |count| {
        let meters = Arc::clone(&job.meters);
        wait_for("the commit", move || meters.settled().written == count)
    };
    job.writer.page(job.page(0, 1..11, &[])).await.expect("handed over");
    // Answered after whatever came before it.
    job.writer.ask(Message::Recount).await.expect("counted");
    assert_eq!(job.meters.settled(), Settled::default());
    job.writer.last_pages().await;
    written(10).await;
    job.writer.page(job.page(1, 11..21, &[])).await.expect("handed over");
    written(20).await;
    // With the run its end is over.
    job.writer.ask(Message::Flush).await.expect("flushed");
    job.writer.page(job.page(2, 21..31, &[])).await.expect("handed over");
    for _ in 0..3 {
        job.writer.ask(Message::Recount).await.expect("counted");
    }
    job.assert_settled(20, 0).await;
    job.writer.ask(Message::Flush).await.expect("flushed");
    job.assert_settled(30, 0).await;
}
