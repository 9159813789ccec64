//! The whole way on moto: a floor is raised on a group, held as a lease, and given back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use weescale::approval::{Gate, LeaseNote, Mode, Person};
use weescale::clock::Clock;
use weescale::execution::providers::aws::ScalingGroups;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_floor_of_a_group_is_raised_and_given_back() {
    let Some(moto) = Moto::start() else { return };
    account(&moto);
    let clock = Clock::accelerated(Timestamp::from_secs(1_900_000_000), 120.0);
    let provider = Arc::new(ScalingGroups::new(moto.client("ops")));
    let web = provider.list().await.unwrap().workloads.into_iter().find(|w| w.name == "web").unwrap();
    let proposed = proposal(&web, Field::MinReplicas, 3, clock.now(), clock.monotonic());
    let mut gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
    let person = Person { uid: 0, name: "ann".into() };
    let facts = preconditions(&web.owner, Limits::default());
    let permit = gate.approve(&proposed, &proposed.hash(), None, &person, clock.monotonic(), facts).unwrap();

    let (jobs, inbox) = mpsc::channel(16);
    let (to, mut receipts) = mpsc::channel(64);
    let providers = [("aws".to_owned(), Arc::clone(&provider) as Arc<dyn Provider>)].into();
    let journal = Memory::default();
    spawn(ExecutorConfig::default(), clock.clone(), providers, Arc::new(journal.clone()), inbox, to);
    let fleet = Observation { fleet_unready: Some(0.0), fresh_sources: Some(1.0), ..Observation::default() };
    jobs.send(Job::Observe(Arc::new(fleet))).await.unwrap();
    jobs.send(Job::Start { proposal: Box::new(proposed), permit, warm_up: None }).await.unwrap();
    // Nobody sends readings of users: validation and the end of the lease must ask, and a person says go on.
    let mut held = false;
    tokio::time::timeout(Duration::from_secs(90), async {
        while let Some(receipt) = receipts.recv().await {
            match receipt {
                Receipt::Operation(op) => match &op.state {
                    OperationState::Paused { .. } => {
                        jobs.send(Job::Resume(op.id.clone(), "ann".into())).await.unwrap();
                    }
                    OperationState::Halted { .. } | OperationState::Cancelled { .. } => {
                        panic!("{:?}", op.state)
                    }
                    _ => {}
                },
                Receipt::Lease(lease) => match lease.state {
                    LeaseState::Held if !held => {
                        held = true;
                        let live = provider.read(&web.uid).await.unwrap();
                        assert_eq!((live.fields.min_replicas, live.ready), (Some(3), 3));
                        assert_eq!(live.annotations[LeaseNote::PREVIOUS], "1");
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
    assert!(held);
    let live = provider.read(&web.uid).await.unwrap();
    assert_eq!(live.fields.min_replicas, Some(1));
    assert!(live.annotations.is_empty(), "{:?}", live.annotations);
    assert_eq!(intents(&journal), [3, 1], "each value once a way");
}

/// Values that were set, in order.
fn intents(journal: &Memory) -> Vec<u32> {
    let entries = journal.0.lock().unwrap();
    let intents = entries.iter().filter(|e| e.kind == EntryKind::Intent);
    intents.map(|e| e.data.write.as_ref().unwrap().set).collect()
}
