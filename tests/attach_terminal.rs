//! Two terminals (tmux) on one simulated fleet that runs as a service.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; the terminal is shared with other tests"
)]

mod terminal;

use std::time::Duration;

use terminal::fleet::Fleet;
use terminal::{Terminal, until};

const PATIENCE: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(20);

#[test]
fn two_screens_one_state_and_one_killed_in_mid_operation_changes_nothing() {
    let (Some(one), Some(two)) = (Terminal::open(180, 40), Terminal::open(180, 40)) else { return };
    let fleet = Fleet::start(&[]);
    one.line(&fleet.program("attach"));
    two.line(&fleet.program("attach"));
    one.sees(SOON, "2 here");
    two.sees(SOON, "2 here");

    // The machine interface beside them: approve by hash what is shown, once.
    let approved = fleet.approve_a_raise(PATIENCE);
    assert!(approved, "nothing could be approved");
    one.keys(&["7"]);
    two.keys(&["7"]);
    one.sees(SOON, "op-1");
    two.sees(SOON, "op-1");

    // The second follows the first, wherever it goes.
    two.keys(&["F"]);
    two.sees(SOON, "following ");
    one.keys(&["8"]);
    two.sees(SOON, "┌ Journal");
    one.keys(&["7"]);
    two.sees(SOON, "┌ Operations");

    // Killed, not left: the terminal's process is gone at once.
    one.signal("KILL");
    two.sees(SOON, "1 here");
    let over = until(PATIENCE, || fleet.state_of("op-1") == "done");
    assert!(over, "the operation went on to its end:\n{}", two.screen());
    two.keys(&["7"]);
    two.sees(SOON, "● kept");
    two.keys(&["1"]);
    two.keys(&["q"]);
    two.sees_prompt(SOON);
    assert!(!two.is_alternate() && two.has_cursor());

    // A new screen shows the outcome at once.
    two.line(&fleet.program("attach"));
    two.sees(SOON, "1 here");
    two.keys(&["7"]);
    two.sees(SOON, "● kept");
    two.keys(&["C-c"]);
    two.sees_prompt(SOON);
    let (_, leases) = fleet.ask(&["leases"]);
    assert!(leases.contains("op-1"), "{leases}");
    replayed(&two, &fleet.journal());
}

#[test]
fn a_day_is_approved_and_ended_from_a_shell_by_its_hash() {
    let fleet = Fleet::start(&[]);
    let plans = || -> Vec<serde_json::Value> {
        let (_, text) = fleet.ask(&["day", "--format", "json"]);
        serde_json::from_str(&text).unwrap_or_default()
    };
    let mut found = None;
    let planned = until(PATIENCE, || {
        found = plans().into_iter().find(|p| p["hash"].is_string());
        found.is_some()
    });
    assert!(planned, "a day with a step to decide: {:?}", plans());
    let workload = found.as_ref().unwrap()["workload"].as_str().unwrap().to_owned();
    let (done, _) = fleet.ask(&["day", &workload, "--approve", "0000"]);
    assert!(!done, "of another plan");
    // The plan moves with its forecast: what was read a moment ago may be refused, and is read anew.
    let approved = until(PATIENCE, || {
        let hash = plans().iter().find(|p| p["workload"] == *workload).map(|p| p["hash"].clone());
        let hash = hash.as_ref().and_then(|h| h.as_str()).unwrap_or("none").to_owned();
        fleet.ask(&["day", &workload, "--approve", &hash]).0
    });
    assert!(approved, "{:?}", plans());
    let (_, shown) = fleet.ask(&["day", &workload]);
    assert!(shown.contains("approved until"), "{shown}");
    assert!(fleet.ask(&["day", &workload, "--end"]).0);
    let ended =
        until(PATIENCE, || plans().iter().any(|p| p["workload"] == *workload && p["approved"].is_null()));
    assert!(ended, "{:?}", plans());
    let (known, said) = fleet.ask(&["day", "shop/nothing"]);
    assert!(!known && said.is_empty(), "{said}");
}

#[test]
fn a_note_the_wheel_and_a_learner_by_key() {
    let (Some(one), Some(two)) = (Terminal::open(180, 40), Terminal::open(180, 40)) else { return };
    let fleet = Fleet::start(&[]);
    one.line(&fleet.program("attach"));
    two.line(&fleet.program("attach --shadow"));
    one.sees(SOON, "2 here");
    two.sees(SOON, "LEARNER");
    // A note about this moment, written into the journal, seen by both.
    one.keys(&["8", "m", "Tab", "Tab"]);
    one.sees(SOON, "about");
    one.line("deploy at seven");
    one.sees(SOON, "deploy at seven");
    two.keys(&["8"]);
    two.sees(SOON, "deploy at seven");
    // The wheel, and pointing.
    one.keys(&["D"]);
    one.sees(SOON, "you drive");
    two.keys(&["D"]);
    two.sees(SOON, "you learn along");
    two.keys(&["o"]);
    one.sees(SOON, "points at");
    one.keys(&["D"]);
    assert!(until(SOON, || !one.screen().contains("you drive")), "{}", one.screen());
    // The learner's approval is recorded and executes nothing.
    assert!(
        until(PATIENCE, || {
            let (_, text) = fleet.ask(&["proposals", "--format", "json"]);
            text.contains("\"id\"")
        }),
        "no proposal"
    );
    let recorded = until(PATIENCE, || {
        // The row that was selected may be decided by now.
        two.keys(&["6", "Home", "a"]);
        if until(Duration::from_secs(3), || two.screen().contains("Approve, in shadow")) {
            std::thread::sleep(Duration::from_millis(400));
            two.keys(&["Tab", "Enter"]);
        }
        until(Duration::from_secs(3), || two.screen().contains("would approve"))
    });
    assert!(recorded, "{}", two.screen());
    let (_, text) = fleet.ask(&["status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["operations"].as_array().map(Vec::len), Some(0), "{text}");
    one.keys(&["C-c"]);
    two.keys(&["C-c"]);
    one.sees_prompt(SOON);
}

/// What was shown, on the journal that is still written to: every key that moves in time, and none that decides.
fn replayed(terminal: &Terminal, journal: &std::path::Path) {
    terminal.line(&Terminal::program(&format!("replay --journal {}", journal.display())));
    terminal.sees(SOON, "paused");
    // On a busy machine something was refused before: step by step to the approval.
    let to_the_approval = |key: &str| {
        until(SOON, || {
            let there = terminal.screen().contains("approve: p-");
            if !there {
                // One step at a time, however long a picture takes.
                let before = terminal.screen();
                terminal.keys(&[key]);
                until(Duration::from_secs(3), || terminal.screen() != before);
            }
            there
        })
    };
    assert!(to_the_approval("n"), "no approval:\n{}", terminal.screen());
    let first = terminal.screen();
    terminal.keys(&["6", "a"]);
    terminal.sees(SOON, "replay: nothing executes");
    terminal.keys(&["n"]);
    assert!(until(SOON, || !terminal.screen().contains("approve: p-")), "a step on:\n{}", terminal.screen());
    // A key that came late may have gone a step further.
    assert!(to_the_approval("N"), "no way back:\n{}", terminal.screen());
    terminal.keys(&[">"]);
    terminal.sees(SOON, "×120");
    terminal.keys(&["<", "<"]);
    terminal.sees(SOON, "×20");
    // By time and by text; then it plays to the end and stands still there.
    terminal.keys(&["t"]);
    terminal.line("start");
    assert!(until(SOON, || !terminal.screen().contains("approve: p-")), "{first}");
    terminal.keys(&["t"]);
    terminal.line("approve");
    terminal.sees(SOON, "approve: p-");
    terminal.keys(&["Space"]);
    terminal.sees(SOON, "playing");
    terminal.keys(&["Space"]);
    terminal.sees(SOON, "paused");
    terminal.keys(&["C-c"]);
    terminal.sees_prompt(SOON);
}
