//! Snapshots: what adds up, what pauses leave out, and who waits for memory.

use futures::FutureExt as _;

use super::*;
use crate::embed::Gateways;
use crate::journal::Spent;
use crate::tasks::{Phase, Settings};

fn setting(phase: &Phase) -> Setting<'_> {
    Setting {
        phase,
        gateways: {
            static NONE: std::sync::OnceLock<Gateways> = std::sync::OnceLock::new();
            NONE.get_or_init(Gateways::default)
        },
        source_outage: None,
        media_outage: None,
        patience: Duration::from_secs(1_800),
        settings: Settings::default(),
        spent: Spent::default(),
        readers: 4,
        compared: 0,
        retrying: false,
    }
}

#[test]
fn the_conservation_line_adds_up_in_every_snapshot() {
    let meters = Arc::new(Meters::default());
    let mut monitor = Monitor::new();
    let phase = Phase::Running;
    let start = Instant::now();
    let mut hands: Vec<InHand> = (0..3).map(|_| meters.take_in_hand(100)).collect();
    let snapshot = monitor.snapshot(&meters, setting(&phase), start);
    assert_eq!((snapshot.read, snapshot.in_hand), (300, 300));
    let settled = Settled {
        written: 190,
        failed: 10,
        read: 200,
        ..Settled::default()
    };
    assert!(settled.adds_up());
    let settles = hands.drain(..2).collect();
    meters.settle(settled, settles);
    let snapshot = monitor.snapshot(&meters, setting(&phase), start + Duration::from_secs(1));
    assert_eq!(
        snapshot.read,
        snapshot.written + snapshot.failed + snapshot.skipped + snapshot.in_hand
    );
    assert_eq!((snapshot.read, snapshot.off_by()), (300, 0));
}

#[test]
fn a_point_that_got_lost_is_seen_on_the_line() {
    let meters = Arc::new(Meters::default());
    let mut monitor = Monitor::new();
    let hand = meters.take_in_hand(100);
    let settled = Settled {
        written: 190,
        failed: 9,
        read: 200,
        ..Settled::default()
    };
    assert!(!settled.adds_up());
    meters.settle(settled, Vec::new());
    let snapshot = monitor.snapshot(&meters, setting(&Phase::Running), Instant::now());
    assert_eq!((snapshot.read, snapshot.in_hand, snapshot.off_by()), (300, 100, 1));
    drop(hand);
}

#[test]
fn what_was_settled_before_the_session_stays_told() {
    let meters = Meters::default();
    let mut monitor = Monitor::new();
    let now = Instant::now();
    for (written, phase) in [(900, Phase::Ready), (900, Phase::Running), (1_000, Phase::Complete)] {
        let settled = Settled {
            written,
            failed: 1,
            ..Settled::default()
        };
        meters.settle(settled, Vec::new());
        let snapshot = monitor.snapshot(&meters, setting(&phase), now);
        assert_eq!((snapshot.settled_before, snapshot.settled()), (901, written + 1));
    }
}

#[test]
fn the_rate_leaves_pauses_out() {
    let meters = Meters::default();
    let mut monitor = Monitor::new();
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    monitor.snapshot(&meters, setting(&Phase::Running), at(0));
    let settled = |written| Settled {
        written,
        ..Settled::default()
    };
    meters.settle(settled(1_000), Vec::new());
    let running = monitor.snapshot(&meters, setting(&Phase::Running), at(2));
    assert!((running.rate - 500.0).abs() < 1.0, "{}", running.rate);
    let reason = |snapshot: &Snapshot| snapshot.waiting.as_ref().map(|waiting| waiting.reason.clone());
    let pausing = monitor.snapshot(&meters, setting(&Phase::Pausing), at(2));
    assert_eq!(reason(&pausing).as_deref(), Some("pausing"));
    assert_eq!(pausing.limit(), None);
    let paused = monitor.snapshot(&meters, setting(&Phase::Paused), at(4));
    assert!(paused.rate.abs() < f64::EPSILON);
    assert_eq!(reason(&paused).as_deref(), Some("paused by operator"));
    monitor.snapshot(&meters, setting(&Phase::Paused), at(100));
    assert_eq!(monitor.worked(), Duration::from_secs(2));
}

#[test]
fn readers_that_wait_for_memory_are_told_while_it_runs() {
    let meters = Meters::default();
    let mut monitor = Monitor::new();
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let calm = monitor.snapshot(&meters, setting(&Phase::Running), at(0));
    assert_eq!(calm.bound, Some(Bound::Answers));
    let mut wait = Box::pin(meters.memory.measure(std::future::pending::<()>()));
    // The first look at it begins the wait.
    assert!((&mut wait).now_or_never().is_none());
    let short = monitor.snapshot(&meters, setting(&Phase::Running), at(1));
    assert_eq!(short.bound, Some(Bound::Memory));
    let paused = monitor.snapshot(&meters, setting(&Phase::Paused), at(2));
    assert_eq!(paused.bound, None, "a pause has its own words");
    drop(wait);
    let over = monitor.snapshot(&meters, setting(&Phase::Running), at(3));
    assert_eq!(over.bound, Some(Bound::Answers), "nobody waits any more");
}

#[test]
fn an_outage_promises_no_end_and_is_no_stages_limit() {
    let meters = Meters::default();
    meters.total.store(10_000, Ordering::Relaxed);
    let mut monitor = Monitor::new();
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let settled = |written| Settled {
        written,
        ..Settled::default()
    };
    let runs = Phase::Running;
    for second in 0..10 {
        meters.settle(settled(second * 100), Vec::new());
        monitor.snapshot(&meters, setting(&runs), at(second));
    }
    let calm = monitor.snapshot(&meters, setting(&runs), at(10));
    assert!(calm.eta.is_some() && calm.outage().is_none());
    let outage = crate::patience::Outage {
        since: at(8),
        tries: 2,
        next_try: at(14),
        message: "connection refused".into(),
    };
    let down = Setting {
        source_outage: Some(&outage),
        ..setting(&runs)
    };
    let down = monitor.snapshot(&meters, down, at(11));
    assert_eq!(down.outage().map(|outage| outage.of), Some("Qdrant"));
    assert_eq!((down.eta, down.limit(), down.bound), (None, None, None));
    assert!(monitor.snapshot(&meters, setting(&runs), at(12)).eta.is_some());
    // What is about to pause or to stop does not come to its end.
    for phase in [Phase::Pausing, Phase::Stopping] {
        assert_eq!(
            monitor.snapshot(&meters, setting(&phase), at(12)).eta,
            None,
            "{phase:?}"
        );
    }
}

#[test]
fn the_limit_is_the_stage_that_the_reason_names() {
    let busy = |busy| StageSnapshot {
        busy,
        ..StageSnapshot::default()
    };
    // Embedding is busy in all of them: it is the reason that counts.
    let with = |phase, waiting: Option<&str>, bound| Snapshot {
        phase,
        waiting: waiting.map(|reason| Waiting {
            reason: reason.into(),
            ..Waiting::default()
        }),
        bound,
        stages: [busy(0.2), busy(0.99), busy(0.1)],
        ..Snapshot::default()
    };
    for (snapshot, limit) in [
        (with(Phase::Running, None, Some(Bound::Requests)), Some(Stage::Embed)),
        (with(Phase::Running, None, Some(Bound::Writing)), Some(Stage::Write)),
        (with(Phase::Running, None, Some(Bound::Memory)), None),
        (
            with(Phase::Running, Some("your cap of 60 tokens/min"), None),
            Some(Stage::Embed),
        ),
        (with(Phase::Pausing, Some("pausing"), None), None),
        (with(Phase::Stopping, None, None), None),
    ] {
        assert_eq!(snapshot.limit(), limit, "{snapshot:?}");
    }
}

#[test]
fn by_how_much_a_sum_is_off_is_told_both_ways() {
    let read = |read| Snapshot {
        read,
        written: 10,
        failed: 2,
        skipped: 1,
        in_hand: 4,
        ..Snapshot::default()
    };
    assert_eq!(
        [read(17), read(18), read(15)].map(|snapshot| snapshot.off_by()),
        [0, 1, 2]
    );
}
