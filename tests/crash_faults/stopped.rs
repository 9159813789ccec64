//! A process that stands still and goes on; one that is ended in mid-operation.

use std::time::Duration;

use super::service::{PATIENCE, SOON, Service, export, never_twice, verify};
use super::terminal::until;

#[test]
fn a_process_that_stood_still_looks_first_and_finishes_what_it_began() {
    let service = Service::start(40);
    let operation = service.approve_one();
    for _ in 0..3 {
        service.signal("STOP");
        std::thread::sleep(Duration::from_secs(3));
        service.signal("CONT");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(until(SOON, || service.status()["at"].is_string()), "it answers again");
    let over = until(PATIENCE, || ["done", "rolledback"].contains(&service.state_of(&operation).as_str()));
    assert!(over, "{operation} is {}", service.state_of(&operation));
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
    let operation = service.approve_one();
    assert!(until(SOON, || !service.state_of(&operation).is_empty()));
    let clock = weescale::clock::Clock::real();
    let began = clock.monotonic();
    let folder = service.end();
    let took = clock.monotonic().since(began);
    println!("ended {took:?} after SIGTERM in mid-operation");
    // The promise is five seconds; the deadline is generous for a debug build on a busy machine.
    assert!(took < Duration::from_secs(15), "{took:?}");
    let (code, said) = verify(&folder.path().join("journal.db"));
    assert_eq!(code, Some(0), "{said}");
    let records = export(&folder.path().join("journal.db"));
    let of_it = |kind: &str| {
        let mine = |r: &&serde_json::Value| r["kind"] == kind && r["body"]["operation"] == operation.as_str();
        records.iter().filter(mine).count()
    };
    let intents = of_it("intent");
    // The simulated fleet is a new one: what the journal tells of is not there, so that nothing is touched.
    let service = Service::in_folder(folder, 40, None);
    if intents > 0 && of_it("end") == 0 {
        let told = until(PATIENCE, || {
            ["halted", "inflight", "cancelled"].contains(&service.state_of(&operation).as_str())
        });
        assert!(told, "{operation} is {:?}", service.state_of(&operation));
    }
    never_twice(&export(&service.journal()));
}
