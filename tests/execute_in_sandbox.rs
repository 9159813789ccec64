//! The executor against the simulated fleet, over real HTTP on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests fail loudly, and one tells a whole story"
)]

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use weescale::approval::{Gate, LeaseNote, Mode, Person};
use weescale::clock::Clock;
use weescale::execution::providers::{HttpProvider, HttpSettings, TokenSource};
use weescale::execution::{
    ExecutorConfig, Job, LeaseState, Observation, OperationState, Provider, Receipt, spawn,
};
use weescale::fleet::{Context, Field, Owner};
use weescale::plan::Limits;
use weescale::sandbox::{Sandbox, Scenario, Settings};
use weescale::scrape::Secret;

#[path = "support/approved.rs"]
mod approved;

use approved::{Memory, preconditions, proposal};

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_floor_is_raised_and_given_back() {
    let scenario = Scenario::named("calm").unwrap();
    let clock = Clock::accelerated(scenario.start, 120.0);
    let sandbox = Sandbox::start(Settings::new(1, scenario, clock.clone())).await.unwrap();
    let mut settings = HttpSettings::new(&sandbox.provider_url);
    settings.token = TokenSource::Given(Secret::new(sandbox.token.clone()));
    let provider = Arc::new(HttpProvider::new(&settings).unwrap());
    let list = provider.list().await.unwrap();
    let workload = list
        .workloads
        .iter()
        .find(|w| matches!(w.owner, Owner::Autoscaler { .. }) && w.fields.min_replicas.is_some())
        .expect("the sandbox has an autoscaled workload");
    let from = workload.fields.min_replicas.unwrap();
    let now = clock.now();
    let until = now + Duration::from_secs(1500);
    let change = (Field::MinReplicas, from + 1);
    let proposal = proposal(workload, "sandbox", change, until, (now, clock.monotonic()));
    let facts = preconditions(&workload.owner, Limits::default());
    let mut gate = Gate::new(Mode::Ask, Context { name: "demo".into(), protected: false });
    let person = Person { uid: 0, name: "ann".into() };
    let permit = gate.approve(&proposal, &proposal.hash(), None, &person, clock.monotonic(), facts).unwrap();

    let (jobs, inbox) = mpsc::channel(16);
    let (to, mut receipts) = mpsc::channel(64);
    let providers = [("sandbox".to_owned(), Arc::clone(&provider) as Arc<dyn Provider>)].into();
    let journal = Memory::default();
    let handle =
        spawn(ExecutorConfig::default(), clock.clone(), providers, Arc::new(journal.clone()), inbox, to);
    let fleet = Observation { fleet_unready: Some(0.0), fresh_sources: Some(1.0), ..Observation::default() };
    jobs.send(Job::Observe(Arc::new(fleet))).await.unwrap();
    jobs.send(Job::Start { proposal: Box::new(proposal), permit, warm_up: None }).await.unwrap();
    // Nobody sends readings of users: validation and the end of the lease must ask, and a person says go on.
    let mut seen = Vec::new();
    let restored = tokio::time::timeout(Duration::from_secs(60), async {
        while let Some(receipt) = receipts.recv().await {
            match receipt {
                Receipt::Operation(op) => {
                    if matches!(op.state, OperationState::Paused { .. }) {
                        jobs.send(Job::Resume(op.id.clone(), "ann".into())).await.unwrap();
                    }
                    seen.push(op.state.clone());
                    assert!(
                        !matches!(op.state, OperationState::Halted { .. } | OperationState::Cancelled { .. }),
                        "{:?}",
                        op.state
                    );
                }
                Receipt::Lease(lease) => match lease.state {
                    LeaseState::Held => {
                        let live = provider.read(&lease.target.uid).await.unwrap();
                        assert_eq!(live.fields.min_replicas, Some(from + 1));
                        assert_eq!(live.annotations[LeaseNote::PREVIOUS], from.to_string());
                    }
                    LeaseState::Restored { .. } => return true,
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
        false
    })
    .await
    .expect("the lease ends within a minute");
    assert!(restored && seen.contains(&OperationState::Kept), "{seen:?}");
    let live = provider.read(&workload.uid).await.unwrap();
    assert_eq!(live.fields.min_replicas, Some(from));
    assert!(live.annotations.is_empty());
    jobs.send(Job::Shutdown).await.unwrap();
    handle.await.unwrap();
}
