//! Two people at once; a terminal that is taken away.

use std::process::Stdio;
use std::time::Duration;

use super::service::{PATIENCE, SOON, Service, export};
use super::terminal::{Terminal, until};

#[test]
fn of_two_opposite_decisions_at_the_same_moment_one_counts() {
    let service = Service::start(40);
    let mut decided = Vec::new();
    let done = until(PATIENCE, || {
        let open = service.open();
        let fresh = open.iter().find(|p| !decided.contains(&p["id"].as_str().unwrap_or_default().to_owned()));
        let Some(p) = fresh else { return false };
        let (id, hash) = (p["id"].as_str().unwrap(), p["hash"].as_str().unwrap());
        let spawn = |args: &[&str]| {
            service.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let (mut yes, mut no) =
            (spawn(&["approve", id, "--hash", hash]), spawn(&["reject", id, "--reason", "bad-time"]));
        let (yes, no) = (yes.wait().unwrap().success(), no.wait().unwrap().success());
        assert!(!(yes && no), "{id} was approved and rejected");
        if yes || no {
            decided.push(id.to_owned());
        }
        decided.len() >= 3
    });
    assert!(done, "only {decided:?} could be decided on");
    let journal = service.journal();
    drop(service.end());
    assert!(!journal.exists(), "the folder went with the service");
}

#[test]
fn the_same_decision_twice_is_one_and_a_stale_one_none() {
    let service = Service::start(40);
    let mut first = None;
    assert!(until(PATIENCE, || {
        first = service.open().into_iter().find(|p| p["to"].as_u64() > p["from"].as_u64());
        first.is_some()
    }));
    let p = first.unwrap();
    let (id, hash) = (p["id"].as_str().unwrap(), p["hash"].as_str().unwrap());
    let (good, said) = service.ask(&["approve", id, "--hash", &"0".repeat(hash.len())]);
    assert!(!good && said.contains("is not the hash"), "{said}");
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = service.command(&["approve", id, "--hash", hash]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let good =
        children.into_iter().map(|mut c| c.wait().unwrap()).filter(std::process::ExitStatus::success).count();
    assert!(good <= 1, "{good} of 4 approvals of one proposal were taken");
    let path = service.journal();
    let approvals = export(&path);
    let of_it = approvals.iter().filter(|r| r["kind"] == "approve" && r["body"]["proposal"]["id"] == id);
    assert_eq!(of_it.count(), good);
}

/// CPU seconds of a process, if it lives.
fn cpu(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().filter_map(|i| rest.get(*i)?.parse::<f64>().ok()).sum();
    Some(ticks / 100.0)
}

#[test]
fn a_terminal_that_goes_away_takes_the_screen_along_and_nothing_else() {
    let Some(terminal) = Terminal::open(120, 40) else { return };
    let service = Service::start(40);
    terminal.line(&Terminal::program(&format!("attach --socket {}", service.socket().display())));
    terminal.sees(SOON, "1 here");
    let operation = service.approve_one();
    let screen = terminal.process().unwrap();
    let before = cpu(screen).unwrap();
    let clock = weescale::clock::Clock::real();
    let began = clock.monotonic();
    terminal.close();
    let mut last = before;
    let gone = until(Duration::from_secs(5), || {
        last = cpu(screen).unwrap_or(last).max(last);
        !std::path::Path::new(&format!("/proc/{screen}")).exists()
    });
    let took = clock.monotonic().since(began);
    assert!(gone, "the screen lives 5 s after its terminal");
    assert!(last - before < 1.0, "{} CPU s in {took:?}: it spins", last - before);
    println!("the screen ended {took:?} after its terminal, for {:.2} CPU s", last - before);
    let over = until(PATIENCE, || service.state_of(&operation) == "done");
    assert!(over, "{operation} did not go on: {}", service.status()["operations"]);
}
