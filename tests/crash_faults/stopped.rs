//! A process that stands still and goes on; one that is ended in mid-operation.

use std::time::Duration;

use serde_json::Value;

use super::service::{PATIENCE, SOON, Service, export, never_twice, verify};
use super::terminal::until;

/// Operations that may end before they are met in the middle: on a slow machine some never begin.
const TRIES: usize = 6;

/// What the journal tells of one operation.
struct Told(Vec<Value>);

impl Told {
    fn of(service: &Service, operation: &str) -> Self {
        let all = export(&service.journal());
        Self(all.into_iter().filter(|r| r["body"]["operation"] == operation).collect())
    }

    /// Whether a write took effect.
    fn wrote(&self) -> bool {
        self.0.iter().any(|r| r["body"]["data"]["write"]["outcome"] == "applied")
    }

    /// How it ended, with the reason; `None` while it goes on.
    fn ended(&self) -> Option<(String, String)> {
        let end = self.0.iter().find(|r| r["kind"] == "end")?;
        let ended = &end["body"]["data"]["ended"];
        let text = |key: &str| ended[key].as_str().unwrap_or_default().to_owned();
        Some((text("state"), text("why")))
    }

    /// What an end must be: of what was written, done or undone; of what was not, a refusal that says why.
    fn check(&self, operation: &str) {
        let Some((state, why)) = self.ended() else { return };
        let right = match state.as_str() {
            "kept" => self.wrote(),
            "rolled_back" => self.wrote() && !why.is_empty(),
            "cancelled" => !self.wrote() && !why.is_empty(),
            _ => false,
        };
        assert!(right, "{operation} is {state} ({why}), written: {}: {:#?}", self.wrote(), self.0);
    }
}

/// Approves until an operation has written something and is not over.
fn in_the_middle(service: &Service) -> String {
    let mut missed = Vec::new();
    for _ in 0..TRIES {
        let operation = service.approve_one();
        let mut told = Told(Vec::new());
        let begun = until(PATIENCE, || {
            told = Told::of(service, &operation);
            told.wrote() || told.ended().is_some()
        });
        assert!(begun, "{operation} neither begins nor ends: {:#?}", told.0);
        if told.ended().is_none() {
            return operation;
        }
        told.check(&operation);
        missed.push((operation, told.ended()));
    }
    panic!("no operation was met in the middle: {missed:?}");
}

/// A process that stands still in the middle of an operation, by its journal; which.
fn stopped_in_the_middle(service: &Service) -> String {
    for _ in 0..TRIES {
        let operation = in_the_middle(service);
        service.signal("STOP");
        // Standing still, it writes nothing: what the journal says now is what is.
        if Told::of(service, &operation).ended().is_none() {
            return operation;
        }
        service.signal("CONT");
    }
    panic!("every operation was over before the process could be stopped");
}

#[test]
fn a_process_that_stood_still_looks_first_and_finishes_what_it_began() {
    let service = Service::start(40);
    let operation = stopped_in_the_middle(&service);
    for _ in 0..3 {
        service.signal("STOP");
        std::thread::sleep(Duration::from_millis(2600));
        service.signal("CONT");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(until(SOON, || service.status()["at"].is_string()), "it answers again");
    let over = until(PATIENCE, || {
        let now = service.operation(&operation);
        // What it asks after a look, a person answers.
        if now["paused"] == true {
            let _ = service.ask(&["resume", &operation]);
        }
        Told::of(&service, &operation).ended().is_some()
    });
    let told = Told::of(&service, &operation);
    assert!(over, "{operation} is {}: {:#?}", service.operation(&operation), told.0);
    assert!(told.wrote(), "{operation} had written something before: {:#?}", told.0);
    told.check(&operation);
    let status = service.status();
    assert!(status["error"].is_null(), "{}", status["error"]);
    let journal = service.journal();
    let (code, said) = verify(&journal);
    assert_eq!(code, Some(0), "{said}");
    never_twice(&export(&journal));
}

#[test]
fn ended_in_mid_operation_it_ends_soon_and_the_next_start_asks() {
    let service = Service::start(40);
    let operation = in_the_middle(&service);
    let clock = weescale::clock::Clock::real();
    let began = clock.monotonic();
    let folder = service.end();
    let took = clock.monotonic().since(began);
    println!("ended {took:?} after SIGTERM in mid-operation");
    // The promise is five seconds; the deadline is generous for a debug build on a busy machine.
    assert!(took < Duration::from_secs(15), "{took:?}");
    let (code, said) = verify(&folder.path().join("journal.db"));
    assert_eq!(code, Some(0), "{said}");
    // The simulated fleet is a new one: what the journal tells of is not there, so that nothing is touched.
    let service = Service::in_folder(folder, 40, None);
    let told = Told::of(&service, &operation);
    if told.ended().is_none() {
        let asked = until(PATIENCE, || {
            ["halted", "inflight", "cancelled"].contains(&service.state_of(&operation).as_str())
        });
        assert!(asked, "{operation} is {}: {:#?}", service.operation(&operation), told.0);
    }
    never_twice(&export(&service.journal()));
}
