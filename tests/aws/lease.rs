//! The whole way on moto: a floor is raised on a group, held as a lease, and given back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use weescale::approval::{Gate, LeaseNote, Mode, Person};
use weescale::clock::Clock;
use weescale::execution::providers::aws::ScalingGroups;
use weescale::execution::providers::contract::WorkloadState;
use weescale::execution::{
    EntryKind, ExecutorConfig, Job, LeaseState, Observation, OperationState, Provider, Receipt, spawn,
};
use weescale::fleet::{Context, Field};
use weescale::plan::Limits;
use weescale::series::Timestamp;

use super::approved::{Memory, preconditions};
use super::groups::account;
use super::moto::Moto;
use super::orders::proposal;

/// What came of a raise that was held and given back.
pub struct Trip {
    /// The workload before, while it was held, and after.
    pub states: [WorkloadState; 3],
    /// What the gates said, each sentence once.
    pub gates: Vec<String>,
    /// Values that were set, in order.
    pub set: Vec<u32>,
}

/// Raises `field` of the workload `name` to `to` as a person approves it, holds it, and gives it back.
pub async fn there_and_back(provider: Arc<dyn Provider>, name: &str, field: Field, to: u32) -> Trip {
    let clock = Clock::accelerated(Timestamp::from_secs(1_900_000_000), 120.0);
    let before = provider.list().await.unwrap().workloads.into_iter().find(|w| w.name == name).unwrap();
    let proposed = proposal(&before, field, to, clock.now(), clock.monotonic());
    let mut gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
    let person = Person { uid: 0, name: "ann".into() };
    let facts = preconditions(&before.owner, Limits::default());
    let permit = gate.approve(&proposed, &proposed.hash(), None, &person, clock.monotonic(), facts).unwrap();

    let (jobs, inbox) = mpsc::channel(16);
    let (to, mut receipts) = mpsc::channel(64);
    let providers = [("aws".to_owned(), Arc::clone(&provider))].into();
    let journal = Memory::default();
    spawn(ExecutorConfig::default(), clock.clone(), providers, Arc::new(journal.clone()), inbox, to);
    let fleet = Observation { fleet_unready: Some(0.0), fresh_sources: Some(1.0), ..Observation::default() };
    jobs.send(Job::Observe(Arc::new(fleet))).await.unwrap();
    jobs.send(Job::Start { proposal: Box::new(proposed), permit, warm_up: None }).await.unwrap();
    // Nobody sends readings of users: validation and the end of the lease must ask, and a person says go on.
    let (mut held, mut gates) = (None, Vec::new());
    tokio::time::timeout(Duration::from_secs(90), async {
        while let Some(receipt) = receipts.recv().await {
            match receipt {
                Receipt::Operation(op) => {
                    let said = op.stages.iter().flat_map(|s| &s.gates).map(|g| g.detail.clone());
                    let new: Vec<String> = said.filter(|detail| !gates.contains(detail)).collect();
                    gates.extend(new);
                    match &op.state {
                        OperationState::Paused { .. } => {
                            jobs.send(Job::Resume(op.id.clone(), "ann".into())).await.unwrap();
                        }
                        OperationState::Halted { .. }
                        | OperationState::Cancelled { .. }
                        | OperationState::RolledBack { .. } => panic!("{:?}", op.state),
                        _ => {}
                    }
                }
                Receipt::Lease(lease) => match lease.state {
                    LeaseState::Held if held.is_none() => {
                        held = Some(provider.read(&before.uid).await.unwrap());
                    }
                    LeaseState::Restored { .. } => return,
                    // Without readings nothing is lowered by itself either.
                    LeaseState::Failing { why } => {
                        assert!(why.contains("demand is not known"), "{why}");
                        jobs.send(Job::Release(lease.operation.clone(), "ann".into())).await.unwrap();
                    }
                    _ => {}
                },
                Receipt::Trouble { text, .. } | Receipt::Halted(text) => panic!("{text}"),
            }
        }
        panic!("the executor ended")
    })
    .await
    .unwrap();
    let after = provider.read(&before.uid).await.unwrap();
    Trip { states: [before, held.unwrap(), after], gates, set: intents(&journal) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_floor_of_a_group_is_raised_and_given_back() {
    let Some(moto) = Moto::start() else { return };
    account(&moto);
    let groups = Arc::new(ScalingGroups::new(moto.client("ops")));
    let trip = there_and_back(groups, "web", Field::MinReplicas, 3).await;
    let [_, held, after] = &trip.states;
    assert_eq!((held.fields.min_replicas, held.ready), (Some(3), 3));
    assert_eq!(held.annotations[LeaseNote::PREVIOUS], "1");
    assert_eq!(after.fields.min_replicas, Some(1));
    assert!(after.annotations.is_empty(), "{:?}", after.annotations);
    assert_eq!(trip.set, [3, 1], "each value once a way");
}

/// Values that were set, in order.
fn intents(journal: &Memory) -> Vec<u32> {
    let entries = journal.0.lock().unwrap();
    let intents = entries.iter().filter(|e| e.kind == EntryKind::Intent);
    intents.map(|e| e.data.write.as_ref().unwrap().set).collect()
}
