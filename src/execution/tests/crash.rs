//! Cut at every journal entry and provider call, before and after its effect; reconcile; go on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::platform::{Fuse, Platform};
use super::world::{Journal, START, World, op, proposal};
use crate::clock::Clock;
use crate::execution::{ExecutorConfig, Job, LeaseState, OperationState, unfinished};
use crate::fleet::Field;
use crate::proposal::{Proposal, Staging};
use crate::series::Timestamp;

/// Runs one operation that dies after `cut` calls. False when it was over before.
async fn trial(cut: u32, abort: bool) -> bool {
    let fuse = Arc::new(Fuse::default());
    *fuse.0.lock().unwrap() = Some(cut);
    let mut platform = Platform::new(6, Some(6));
    platform.fuse = Arc::clone(&fuse);
    let journal = Journal { fuse: Arc::clone(&fuse), ..Journal::default() };
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(platform.clone(), journal.clone(), clock.clone(), config());
    let made = proposal("p-1", Field::MinReplicas, 6, 11, Some(Duration::from_secs(120)));
    w.start(Proposal { staging: steps(), ..made }, "op-1").await;
    if abort {
        w.run(8).await;
        w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    }
    w.run(160).await;
    let died = fuse.is_burnt();
    w.handle.abort();
    let _ = (&mut w.handle).await;
    *fuse.0.lock().unwrap() = None;

    let mut w = World::with(platform.clone(), journal.clone(), clock, config());
    w.run(10).await;
    let open = unfinished(journal.entries.lock().unwrap().iter());
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    }
    w.run(40).await;
    for _ in 0..4 {
        if w.operations.get(&op("op-1")).is_some_and(|o| matches!(o.state, OperationState::Paused { .. })) {
            let job = if abort { Job::Abort } else { Job::Resume };
            w.wish(job(op("op-1"), "bob".into())).await;
        }
        w.run(60).await;
    }
    check(&w, cut, abort);
    died
}

/// The steps in which it is made.
fn steps() -> Option<Staging> {
    Staging::configured(&[60, 100], Duration::from_secs(5))
}

fn config() -> ExecutorConfig {
    let mut config = ExecutorConfig::default();
    config.pacing.settle = Duration::from_secs(10);
    config.pacing.read_back = Duration::from_secs(10);
    config
}

fn check(w: &World, cut: u32, abort: bool) {
    let effects = w.platform.get(|i| i.effects.clone());
    let keys: BTreeSet<&String> = effects.iter().map(|e| &e.1).collect();
    assert_eq!(keys.len(), effects.len(), "cut {cut}: a key took effect twice: {effects:?}");
    let values: Vec<u32> = effects.iter().map(|e| e.0).collect();
    let turn = values.iter().position(|v| *v == 6).unwrap_or(values.len());
    assert!(values[..turn].is_sorted_by(|a, b| a < b), "cut {cut}: {values:?}");
    assert!(values[turn..].len() <= 1, "cut {cut}: {values:?}");
    let open = unfinished(w.journal.entries.lock().unwrap().iter());
    assert!(
        open.is_empty(),
        "cut {cut} abort {abort}: {open:?} {:?}",
        w.operations.values().map(|o| &o.state).collect::<Vec<_>>()
    );
    let live = w.platform.get(|i| i.state.fields.min_replicas);
    assert_eq!(live, Some(6), "cut {cut} abort {abort}: {values:?}");
    if let Some(operation) = w.operations.get(&op("op-1")) {
        assert_eq!(operation.staging, steps(), "cut {cut}: its steps are known after a restart too");
    }
    if let Some(lease) = w.leases.get(&op("op-1")) {
        assert!(matches!(lease.state, LeaseState::Restored { .. }), "cut {cut}: {lease:?}");
    }
}

#[tokio::test]
async fn no_cut_scales_twice_or_loses_a_decision() {
    for abort in [false, true] {
        let mut cut = 0;
        while trial(cut, abort).await {
            cut += 1;
            assert!(cut < 1000);
        }
        assert!(cut > 20, "only {cut} cuts");
    }
}
