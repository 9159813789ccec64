//! EX-21: a platform that takes ninety seconds to answer: everything goes on, and the operation says what it waits for.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

mod fleet;
#[path = "fleet/ports.rs"]
mod ports;
#[path = "fleet/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use fleet::options;
use weescale::clock::Clock;
use weescale::engine;
use weescale::execution::OperationState;
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::view::Command;

const SPEED: f64 = 10.0;
/// Ninety simulated seconds.
const SLOW: Duration = Duration::from_secs(9);
/// Before another is approved.
const AGAIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn while_a_platform_is_slow_everything_else_goes_on() {
    let scenario = Scenario::named("morning-ramp").unwrap();
    let clock = Clock::accelerated(scenario.start, SPEED);
    let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
    let upstream = fleet.provider_url.trim_start_matches("http://").to_owned();
    let between: wire::Between = Arc::new(|request, answer| {
        if request.line().0 == "PATCH" && !request.body.contains("\"dry_run\":true") {
            tokio::task::block_in_place(|| std::thread::sleep(SLOW));
        }
        Some(answer)
    });
    let mut ports = ports::ports(&fleet);
    ports.provider = wire::proxy(upstream, between).await;
    let mut settings = ports.settings(None);
    // So little that every autoscaled workload asks for more at once.
    settings.services = vec![weescale::config::ServiceRule {
        name: "*".into(),
        capacity: Some(15.0),
        ..weescale::config::ServiceRule::default()
    }];
    let mut engine = engine::start(settings, options(clock.clone())).await.unwrap();
    let real = Clock::real();
    let (mut approved, mut noted, mut waited) = (None, None, 0);
    let (mut last, mut longest) = (real.monotonic(), Duration::ZERO);
    let over = tokio::time::timeout(Duration::from_secs(120), async {
        while engine.view.changed().await.is_ok() {
            let view = engine.view.borrow_and_update().clone();
            let now = real.monotonic();
            // On a busy machine reads may be slow as well; it is the write that is looked at.
            let sent = |o: &&weescale::view::Operation| {
                matches!(&o.state, OperationState::Unknown { what } if what.contains("not answered"))
            };
            let waits = view.operations.data.iter().find(sent).and_then(|o| Some((o, o.waiting_s?)));
            if let Some((o, seconds)) = waits {
                longest = longest.max(now.since(last));
                waited = waited.max(seconds);
                if noted.is_none() {
                    engine.commands.send(Command::Pause(o.id.clone())).await.unwrap();
                    noted = Some(o.id.clone());
                }
            }
            last = now;
            let open = view.proposals.data.iter().find(|p| p.not_approvable.is_none());
            // What was refused before it sent anything is no wait: another is approved.
            let at_work = view.operations.data.iter().any(|o| !o.state.is_final());
            if let (Some(p), true) = (open, !at_work && approved.is_none_or(|at| now.since(at) > AGAIN)) {
                let (proposal, hash) = (p.proposal.id.clone(), p.hash.clone());
                engine.commands.send(Command::Approve { proposal, hash, typed: None }).await.unwrap();
                approved = Some(now);
            }
            // What was asked of it meanwhile is done once the answer is there.
            let paused = |o: &weescale::view::Operation| {
                Some(&o.id) == noted.as_ref()
                    && o.checkpoint.is_some()
                    && matches!(&o.state, OperationState::Paused { .. })
            };
            if let Some(o) = view.operations.data.iter().find(|o| paused(o)) {
                assert_eq!(o.waiting_s, None, "it has answered");
                return true;
            }
        }
        false
    })
    .await;
    assert!(over.is_ok_and(|over| over), "{:?}", engine.view.borrow().operations.data);
    println!("waited {waited} s aloud; the longest time between two pictures meanwhile was {longest:?}");
    assert!(waited >= 50, "{waited}");
    // A tick is a second here, more on a busy machine; what waits for the platform waits for nine.
    assert!(longest < Duration::from_secs(8), "{longest:?}");
    engine.stop().await;
}
