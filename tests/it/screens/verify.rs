//! The Verify screen: what was decided, the checks as they go on, and the points they find fault with.

mod reading;
mod styles;

use std::time::Duration;

use qlance::app::Message;
use qlance::point::PointId;
use qlance::point::verdict::{Decision, Outcome, Sample};
use qlance::tasks::sync::Difference;
use qlance::tasks::verify::{Check, CheckId, Offenders, STOPPED, Verification};
use qlance::tasks::{Phase, Snapshot, TaskEvent};
use qlance::ui;
use ratatui::layout::Rect;

use super::frame::assert_says;
use super::migrate::{complete, plan, ready, running};
use super::{ASCII, COLORS, SIZES, Scene, ago};

/// The checks of a NO-GO: outcome, figure, threshold, milliseconds. As many rows are too many as are missing, so
/// that the counts do not tell.
const CHECKS: &str = "\
counts | pass | 200,000 points = 199,988 rows + 0 failed + 12 skipped | points not accounted for: at most 0 | 120
ids | FAIL | 199,976 in both; 12 missing, 12 extra, 0 twice; 12 wait among failed and skipped | ids missing, extra or \
twice: at most 0 | 2100
payloads | FAIL | 20,000 of 199,976 rows differ | rows that differ: at most 0 | 31000
vectors | pass | 0 of 199,988 rows are wrong | sound; similarity as stored within 0.00001 | 31000
neighbours | info | 62.0 % of the ten nearest shared, over 60 queries: told, not judged | none | 900
index | inconclusive | embedding: 190,000 of 199,988 rows covered, recall@10 0.968 | rows that an index does not cover: \
at most 0, else inconclusive; recall@10: mean at least 0.85, fails below 0.7 | 4200
filters | pass | 17 conditions, 3,984 ids, 0 wrong | ids that a filter finds wrongly in LanceDB: at most 0 | 640
health | pass | version 7, 7 versions kept, 14 fragments (3 small), 12 deleted rows, 1,180 MiB | \
sound by Lance's own validation, every file there | 85";

/// Why a verification does not come to its end where nobody listens.
const UNREACHABLE: &str = "Qdrant at http://localhost:6334 does not answer: the connection is refused; check that the \
server runs, and that source.url names its gRPC port (6334 by default)";

/// Why it is one.
const REASONS: [&str; 5] = [
    "ids: 12 points have no row; `qlance verify --repair` or `qlance sync` brings them over",
    "ids: 12 rows have no point in Qdrant; `qlance verify --repair` or `qlance sync --remove-gone` removes them",
    "payloads: 20,000 rows are not what their points say; `qlance diff ID` shows one, `qlance verify --repair` or \
     `qlance sync` brings them over anew",
    "index: the index of embedding does not cover 9,988 of 199,988 rows, which every search then goes through; `qlance \
     verify --repair` or `qlance run` takes them in",
    "the table was written to meanwhile (version 7 to 8); verify again when nothing writes to it",
];

fn outcome(word: &str) -> Outcome {
    let all = [Outcome::Pass, Outcome::Fail, Outcome::Inconclusive, Outcome::Info];
    let found = all.into_iter().find(|outcome| outcome.label() == word);
    found.expect("an outcome")
}

fn check(line: &str) -> Check {
    let [id, word, figure, threshold, took] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
        panic!("{line:?} has not five fields");
    };
    let id: CheckId = id.parse().expect("a check");
    let of_it = REASONS
        .iter()
        .filter_map(|reason| reason.strip_prefix(&format!("{id}: ")));
    Check {
        id,
        outcome: outcome(word),
        figure: figure.into(),
        threshold: threshold.into(),
        reasons: of_it.map(str::to_owned).collect(),
        notes: Vec::new(),
        numbers: serde_json::Value::Null,
        sample: None,
        offenders: Offenders::default(),
        to_mend: Vec::new(),
        took: Duration::from_millis(took.parse().expect("milliseconds")),
    }
}

/// Twelve points that have no row, and twelve rows that have no point.
fn apart() -> Offenders {
    let mut offenders = Offenders::default();
    let missing = || "no row in LanceDB".to_owned();
    offenders.add(PointId::Num(17), missing);
    let uuid = "0b3d6c1e-0000-4000-8000-000000000001".parse().expect("a point id");
    offenders.add(uuid, missing);
    (0..10).for_each(|n| offenders.add(PointId::Num(1_040 + n), missing));
    let extra = || "no point in Qdrant".to_owned();
    (0..11).for_each(|n| offenders.add(PointId::Num(300_000 + n), extra));
    offenders.add(PointId::Num(u64::MAX), extra);
    offenders
}

/// Twenty thousand rows that differ, of which a hundred are kept.
fn differing() -> Offenders {
    let mut offenders = Offenders::default();
    offenders.add(PointId::Num(5), || {
        "日本語: missing in LanceDB, null in Qdrant".to_owned()
    });
    let what = || "score: double in LanceDB, integer in Qdrant".to_owned();
    (1..20_000).for_each(|n| offenders.add(PointId::Num(n * 10), what));
    offenders
}

fn checks() -> Vec<Check> {
    let mut checks: Vec<Check> = CHECKS.lines().map(check).collect();
    checks[1].offenders = apart();
    checks[2].offenders = differing();
    let again = Sample::new(50, 199_988, 0).text();
    checks[3].notes = vec![format!("embedded again, all the same: {again}")];
    checks
}

/// Something of everything is wrong.
pub(super) fn no_go() -> Verification {
    Verification {
        decision: Decision::NoGo,
        reasons: REASONS.map(str::to_owned).into(),
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        table: "choir.lance/messages".into(),
        table_version: 7,
        points: 200_000,
        rows: 199_988,
        sample: None,
        seed: 1,
        checks: checks(),
        began_at: ago(5),
        took: Duration::from_millis(41_300),
    }
}

/// Nothing is wrong.
fn go() -> Verification {
    let mut found = no_go();
    found.decision = Decision::Go;
    found.reasons.clear();
    for check in &mut found.checks {
        check.reasons.clear();
        check.offenders = Offenders::default();
        if check.outcome != Outcome::Info {
            check.outcome = Outcome::Pass;
        }
    }
    for (place, figure) in [
        (
            1,
            "199,988 in both; 0 missing, 0 extra, 0 twice; 12 wait among failed and skipped",
        ),
        (2, "0 of 199,988 rows differ"),
        (5, "embedding: 199,988 of 199,988 rows covered, recall@10 0.968"),
    ] {
        found.checks[place].figure = figure.into();
    }
    found
}

/// A sample that found nothing and is too small.
fn inconclusive() -> Verification {
    let mut found = go();
    found.decision = Decision::Inconclusive;
    found.sample = Some(500);
    found.seed = 7;
    let sample = Sample::new(500, 199_988, 0);
    let reason = "a sample of 500 of 199,988 rows is too small to decide on; take at least 2,000 (1,000 or 1 % of the \
                  rows, whichever is more)";
    for place in [2, 3] {
        let check = &mut found.checks[place];
        check.outcome = Outcome::Inconclusive;
        check.figure = sample.text();
        check.sample = Some(sample);
        check.reasons = vec![reason.to_owned()];
        found.reasons.push(format!("{}: {reason}", check.id));
    }
    found
}

/// Nothing was wrong with an earlier version of the table.
fn earlier() -> Verification {
    let mut found = go();
    found.table_version = 4;
    let figure = &mut found.checks[7].figure;
    *figure = figure.replace("version 7, 7 versions", "version 4, 4 versions");
    found
}

/// Only the points were counted.
fn counted() -> Verification {
    let mut found = no_go();
    found.decision = Decision::Inconclusive;
    found.checks.truncate(1);
    found.took = found.checks[0].took;
    let reason = "not checked: ids, payloads, vectors, neighbours, index, filters; `qlance verify` without --only checks \
                  all";
    found.reasons = vec![reason.into()];
    found
}

/// The same decision with anybody's text wherever one may stand.
pub(super) fn of_text(text: &str) -> Verification {
    let mut found = no_go();
    found.table = text.into();
    found.qdrant_version = text.into();
    found.reasons = vec![text.to_owned(); 3];
    for check in &mut found.checks {
        check.figure = text.into();
        check.threshold = text.into();
        check.reasons = vec![text.to_owned(); 2];
        check.notes = vec![text.to_owned()];
        for offender in &mut check.offenders.shown {
            offender.what = text.into();
        }
    }
    found
}

impl Scene {
    /// A verification came to its end, and was told long ago.
    pub(super) fn verified(self, found: Verification) -> Self {
        self.event(TaskEvent::Verified(Ok(Box::new(found)))).later()
    }

    pub(super) fn not_verified(self, error: &str) -> Self {
        self.event(TaskEvent::Verified(Err(error.into()))).later()
    }

    fn begun(self) -> Self {
        self.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()))
    }

    /// Keys as the event loop gives them to the state of a terminal of this size.
    fn reaching(self, (width, height): (u16, u16), keys: &str) -> Self {
        keys.chars().fold(self, |scene, key| {
            let reach = ui::reach::reach(&scene.app, Rect::new(0, 0, width, height));
            scene.take(Message::Reach(reach)).press(&key.to_string())
        })
    }
}

/// The migration is complete and every failure was decided about; nothing was verified yet.
fn unverified() -> Scene {
    let scene = complete();
    let snapshot = Snapshot {
        failed: 0,
        skipped: 12,
        ..scene.app.snapshot.clone()
    };
    scene.seeing(snapshot).press("5")
}

/// This session's verification found this.
pub(super) fn decided(found: Verification) -> Scene {
    unverified().press("v").begun().verified(found)
}

/// Counts and ids are done, and what goes beside them; the pass over payloads and vectors is under way.
pub(super) fn verifying() -> Scene {
    going_on(unverified().press("v"))
}

fn going_on(scene: Scene) -> Scene {
    let mut scene = scene.begun();
    scene.now += Duration::from_secs(42);
    let is_done = |check: &Check| check.id <= CheckId::Ids || check.id.asks_little();
    let done = checks().into_iter().filter(is_done);
    let scene = done.fold(scene, |scene, check| scene.event(TaskEvent::Checked(Box::new(check))));
    [CheckId::Payloads, CheckId::Vectors]
        .into_iter()
        .fold(scene, |scene, id| {
            scene.event(TaskEvent::VerifyProgressed(id, 74_000, 199_988))
        })
}

fn everything() -> Difference {
    Difference {
        same: 179_976,
        new: 12,
        content: 2,
        payload: 19_998,
        gone: 12,
        waiting: 12,
        repeats: 0,
        unindexed: true,
        unfinished: None,
        inputs: 14,
        tokens: 1_234,
        cost_usd: 0.0002,
    }
}

/// The line that begins with a check's name and its state.
fn row(name: &str, state: &str) -> String {
    format!("{name:<11}{state}")
}

// --- snapshots

#[test]
fn before_the_job_is_open() {
    Scene::of("messages").press("5").assert_looks("verify_not_open");
}

#[test]
fn before_anything_was_verified() {
    unverified().assert_looks("verify_nothing_yet");
    running().press("5").assert_looks("verify_not_now");
}

#[test]
fn verification_under_way() {
    unverified().press("v").assert_looks("verify_asked");
    verifying().assert_looks("verify_running");
    for size in SIZES {
        verifying().assert_looks_at("verify_running_ascii", size, ASCII);
    }
    let again = going_on(decided(no_go()).press("v"));
    again.assert_looks("verify_running_again");
    verifying().press("jj").assert_looks("verify_running_walked");
    verifying().press("x").assert_looks("verify_stopping");
}

#[test]
fn a_sample_under_way() {
    let scene = unverified().press("n\n").begun();
    scene.assert_looks("verify_running_sample");
}

#[test]
fn a_verification_that_did_not_come_to_its_end() {
    let stopped = verifying().press("x").not_verified(STOPPED);
    stopped.assert_looks("verify_stopped");
    verifying().not_verified(UNREACHABLE).assert_looks("verify_failed");
    let again = going_on(decided(no_go()).press("v")).not_verified(UNREACHABLE);
    again.assert_looks("verify_failed_again");
    let refused = unverified()
        .press("v")
        .not_verified("something else is under way; verify when it has ended");
    refused.assert_looks("verify_refused");
    let no_table = ready(plan())
        .press("5v")
        .begun()
        .not_verified("there is no table yet; `qlance run` makes it with its first commit");
    no_table.assert_looks("verify_no_table");
}

#[test]
fn no_go_with_its_reasons() {
    let scene = decided(no_go());
    scene.assert_looks("verify_no_go");
    for size in SIZES {
        scene.assert_looks_at("verify_no_go_ascii", size, ASCII);
    }
    scene.assert_looks_at("verify_no_go_narrow", (99, 50), COLORS);
    scene.assert_looks_at("verify_no_go_low", (200, 24), COLORS);
    scene.assert_looks_at("verify_no_go_smallest", (60, 16), COLORS);
    scene.press("jjjj").assert_looks("verify_no_go_walked");
}

#[test]
fn the_panes_one_by_one() {
    decided(no_go()).press("\t").assert_looks("verify_detail");
    decided(no_go()).press("\n").assert_looks("verify_offenders");
    decided(no_go()).press("\njjj").assert_looks("verify_offenders_walked");
    decided(no_go())
        .press("j\nG")
        .assert_looks("verify_offenders_more_than_kept");
    decided(no_go()).press("\t\t\t").assert_looks("verify_reasons");
}

#[test]
fn go_without_offenders() {
    decided(go()).assert_looks("verify_go");
    decided(go()).press("j\t").assert_looks("verify_go_detail");
}

#[test]
fn inconclusive_after_a_sample() {
    decided(inconclusive()).assert_looks("verify_inconclusive");
}

#[test]
fn some_checks_only() {
    // As a verification of an earlier session is found again.
    unverified()
        .verified(counted())
        .press("j")
        .assert_looks("verify_some_checks");
}

#[test]
fn a_decision_of_an_earlier_state_of_the_table() {
    let scene = decided(earlier());
    scene.assert_looks("verify_stale");
    for size in SIZES {
        let screen = scene.text(size);
        assert_says(&screen, "STALE  was GO for version 4; v verifies again");
        assert_says(&screen, "the table is at version 5 by now");
        assert!(!screen.contains("may take over"), "{screen}");
    }
}

#[test]
fn repair_and_export() {
    let planning = decided(no_go()).press("R").phase(Phase::Comparing);
    planning.assert_looks("verify_planning_a_repair");
    let asked = planning
        .event(TaskEvent::Compared(Ok(everything())))
        .phase(Phase::Complete);
    asked.assert_looks("verify_repair");
    let repairing = decided(no_go()).phase(Phase::CatchingUp);
    let newer = Snapshot {
        version: 9,
        ..repairing.app.snapshot.clone()
    };
    repairing.seeing(newer).assert_looks("verify_repairing");
    decided(no_go()).press("E").assert_looks("verify_export");
    unverified().press("n").assert_looks("verify_prompt_sample");
}
