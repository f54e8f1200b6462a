//! Who may start when: limits, pauses, holds, caps and probes, and who comes first.

use super::*;
use std::time::Duration;

async fn enters(gate: &Gate) -> bool {
    tokio::time::timeout(Duration::from_millis(20), gate.enter(Caller::Migration, 1))
        .await
        .map(std::mem::forget)
        .is_ok()
}

#[tokio::test]
async fn the_limit_and_the_pause_can_be_moved_live() {
    let gate = Gate::new(1);
    let first = gate.enter(Caller::Migration, 1).await;
    assert!(!enters(&gate).await, "over the limit");
    gate.set_limit(2);
    assert!(enters(&gate).await, "the limit was raised");
    assert_eq!(gate.in_flight(), 2);
    gate.set_paused(true);
    drop(first);
    assert!(!enters(&gate).await, "paused");
    drop(gate.enter(Caller::Operator, 1).await);
    gate.set_paused(false);
    assert!(enters(&gate).await, "open again");
    gate.set_limit(1);
    assert!(!enters(&gate).await, "lowered below what is in flight");
}

#[tokio::test]
async fn first_come_first_served_and_who_goes_away_holds_nobody_up() {
    let gate = Arc::new(Gate::new(1));
    let permit = gate.enter(Caller::Migration, 1).await;
    let entered = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for (name, caller) in [
        (1, Caller::Migration),
        (2, Caller::Migration),
        (3, Caller::Migration),
        (4, Caller::Operator),
    ] {
        let (gate, entered) = (Arc::clone(&gate), Arc::clone(&entered));
        waiters.push(tokio::spawn(async move {
            let permit = gate.enter(caller, 1).await;
            entered.lock().expect("no panic").push(name);
            drop(permit);
        }));
        tokio::task::yield_now().await;
    }
    waiters.remove(0).abort();
    tokio::task::yield_now().await;
    drop(permit);
    for waiter in waiters {
        tokio::time::timeout(Duration::from_secs(5), waiter)
            .await
            .expect("in time")
            .expect("no panic");
    }
    assert_eq!(*entered.lock().expect("no panic"), [4, 2, 3]);
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_has_a_reason() {
    let gate = Gate::new(5);
    gate.hold_until(Instant::now() + Duration::from_millis(60), "throttled by the embedder");
    gate.hold_until(Instant::now() + Duration::from_millis(10), "shorter");
    assert!(!enters(&gate).await);
    assert_eq!(&*gate.held().expect("held").1, "throttled by the embedder");
    drop(
        tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration, 1))
            .await
            .expect("opens"),
    );
    assert!(gate.held().is_none());
}

#[tokio::test]
async fn a_cap_paces_and_names_itself_and_can_be_taken_away() {
    let gate = Arc::new(Gate::new(10));
    gate.set_requests_per_minute(Some(60));
    assert!(enters(&gate).await, "a second's worth");
    let other = Arc::clone(&gate);
    let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration, 1).await) });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiter.is_finished());
    assert_eq!(gate.paced().expect("paced").1, Cap::Requests(60));
    assert!(gate.held().is_none(), "nobody else holds it");
    gate.skip_hold();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiter.is_finished(), "a cap is no hold");
    gate.set_requests_per_minute(None);
    tokio::time::timeout(Duration::from_millis(500), waiter)
        .await
        .expect("at once")
        .expect("no panic");
    gate.set_tokens_per_minute(Some(600));
    assert_eq!(gate.caps(), (None, Some(600)));
    // More than a second's worth may start, and the next one pays for it.
    drop(gate.enter(Caller::Migration, 100).await);
    assert!(!enters(&gate).await);
    let (_, cap) = gate.paced().expect("paced");
    assert_eq!((cap, cap.to_string().as_str()), (Cap::Tokens(600), "600 tokens/min"));
}

#[tokio::test]
async fn in_an_outage_one_request_at_a_time_probes_whatever_still_hangs() {
    let gate = Gate::new(3);
    let hanging = gate.enter(Caller::Migration, 1).await;
    gate.set_probing(true);
    let probe = tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration, 1)).await;
    let probe = probe.expect("a probe starts although another hangs");
    assert!(!enters(&gate).await, "one at a time");
    drop(probe);
    let next = tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration, 1)).await;
    drop(next.expect("the next probe"));
    gate.set_probing(false);
    assert_eq!(gate.allowed(), 3);
    drop(hanging);
}

#[test]
fn a_window_that_the_server_has_cut_is_told_from_a_probe() {
    let gate = Gate::new(50);
    assert_eq!(gate.reduced(), None);
    gate.set_probing(true);
    assert_eq!((gate.allowed(), gate.reduced()), (1, None));
    gate.set_probing(false);
    gate.throttled(Instant::now());
    assert_eq!((gate.limit(), gate.reduced()), (50, Some(25)));
    gate.set_limit(50);
    assert_eq!(gate.reduced(), None, "the operator's word begins anew");
}

#[tokio::test]
async fn a_hold_can_be_skipped() {
    let gate = Arc::new(Gate::new(1));
    gate.hold_until(Instant::now() + Duration::from_secs(600), "embedder outage");
    let other = Arc::clone(&gate);
    let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration, 1).await) });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiter.is_finished());
    gate.skip_hold();
    tokio::time::timeout(Duration::from_secs(5), waiter)
        .await
        .expect("at once")
        .expect("no panic");
}

#[tokio::test]
async fn a_waiter_is_woken_by_a_permit_given_back() {
    let gate = Arc::new(Gate::new(1));
    let permit = gate.enter(Caller::Migration, 1).await;
    let other = Arc::clone(&gate);
    let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration, 1).await) });
    tokio::task::yield_now().await;
    drop(permit);
    tokio::time::timeout(Duration::from_secs(5), waiter)
        .await
        .expect("woken")
        .expect("no panic");
}
