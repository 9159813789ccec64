//! A flash crowd, recorded by an engine, cut out as a bundle, and replayed in two terminals (tmux): the same pictures on
//! all cores and on one, with what came beside what was forecast.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; the terminal is shared with other tests"
)]

#[path = "support/cores.rs"]
mod cores;
mod terminal;

use std::time::Duration;

use terminal::fleet::Fleet;
use terminal::{Terminal, until};
use weescale::replay::Recording;

const PATIENCE: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(30);

/// The picture, once it stands still.
fn settled(terminal: &Terminal) -> String {
    let mut last = terminal.screen();
    until(SOON, || {
        std::thread::sleep(Duration::from_millis(400));
        let now = terminal.screen();
        let same = now == last;
        last = now;
        same
    });
    last
}

#[test]
fn a_recorded_flash_crowd_is_replayed_twice_as_the_same_pictures() {
    let (Some(one), Some(two)) = (Terminal::open(190, 48), Terminal::open(190, 48)) else { return };
    let fleet = Fleet::start(&["--scenario", "flash-crowd"]);
    assert!(fleet.approve_a_raise(PATIENCE), "nothing could be approved");
    // A quarter of an hour of the fleet's time after the decision.
    std::thread::sleep(Duration::from_secs(45));
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("incident.wee");
    let cut = std::process::Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["bundle", "--from", "2000-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z", "--journal"])
        .arg(fleet.journal())
        .arg("-o")
        .arg(&bundle)
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert!(cut.status.success(), "{}", String::from_utf8_lossy(&cut.stderr));
    drop(fleet);

    // The frames are the same whichever way they are read.
    let (mut a, mut b) = (Recording::bundle(&bundle).unwrap(), Recording::bundle(&bundle).unwrap());
    let frames = a.frames().len();
    let first: Vec<_> = (0..frames).map(|i| a.view(i).unwrap()).collect();
    assert!((0..frames).rev().all(|i| b.view(i).unwrap() == first[i]), "of {frames}");

    let replay = Terminal::program(&format!("replay {}", bundle.display()));
    // One on all cores, the other on one of them.
    let alone = cores::only(&cores::allowed()[..1]).map_or_else(String::new, |before| before.join(" "));
    one.line(&replay);
    two.line(format!("{alone} {replay}").trim_start());
    for terminal in [&one, &two] {
        terminal.sees(SOON, "paused");
    }
    let mut compared = 0;
    for keys in [&["6"][..], &["n"], &["2"], &["n"], &["7"], &["N"], &["2"]] {
        for terminal in [&one, &two] {
            terminal.keys(keys);
        }
        let (a, b) = (settled(&one), settled(&two));
        assert_eq!(a, b, "after {keys:?}");
        compared += 1;
    }
    one.keys(&["t"]);
    one.line("approve");
    one.keys(&["2", "z"]);
    one.sees(SOON, "what came:");
    println!(
        "{frames} frames the same twice, {compared} pictures the same in two terminals\n{}",
        settled(&one)
    );
    for terminal in [&one, &two] {
        terminal.keys(&["C-c"]);
        terminal.sees_prompt(SOON);
    }
}
