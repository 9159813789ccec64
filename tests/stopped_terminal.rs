//! A terminal that takes no more bytes (its reader stands still): the engine goes on, frames are dropped, memory stays
//! where it is, and a signal ends the program all the same.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; the terminal is shared with other tests"
)]

mod terminal;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use terminal::{Terminal, until};

const SOON: Duration = Duration::from_secs(20);
/// Simulated at the speed below: ten minutes.
const STANDSTILL: Duration = Duration::from_secs(15);

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap().success());
}

/// Resident memory, MiB.
fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// The number of the system call `write` as the kernel knows it here.
const WRITE: &str = if cfg!(target_arch = "x86_64") {
    "1"
} else if cfg!(any(
    target_arch = "x86",
    target_arch = "arm",
    target_arch = "powerpc64",
    target_arch = "s390x"
)) {
    "4"
} else {
    // The table that aarch64, riscv64 and loongarch64 share.
    "64"
};

/// Whether the thread that draws waits in a write.
fn stuck(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let read =
        |task: &std::fs::DirEntry, file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
    let called = |task: &std::fs::DirEntry| read(task, "syscall").split(' ').next() == Some(WRITE);
    tasks.flatten().any(|t| read(&t, "comm").trim() == "screen" && called(&t))
}

/// Frames that the journal holds: the engine records what would be shown, whether or not somebody sees it.
fn recorded(journal: &Path) -> u64 {
    weescale::journal::sizes(journal).map_or(0, |s| s.keys + s.deltas)
}

#[test]
fn a_terminal_that_stands_still_holds_up_nothing_and_is_caught_up_with() {
    let Some(terminal) = Terminal::open(200, 50) else { return };
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.db");
    terminal.line(&Terminal::program(&format!("demo --speed 40 --seed 1 --journal {}", journal.display())));
    terminal.sees(SOON, "SIMULATED");
    let process = terminal.process().unwrap();
    // What is learned and filled at the beginning is there.
    std::thread::sleep(Duration::from_secs(15));
    let server = terminal.server();
    let (before, memory) = (recorded(&journal), resident(process));
    let shown = terminal.screen();
    signal(server, "STOP");
    let stands = until(SOON, || stuck(process));
    std::thread::sleep(STANDSTILL);
    let (after, then) = (recorded(&journal), resident(process));
    signal(server, "CONT");
    assert!(stands, "the terminal still takes bytes");
    println!("standing still: {memory:.1} to {then:.1} MiB, {before} to {after} frames");
    assert!(after > before, "the engine stood still with the terminal");
    assert!(then - memory < 24.0, "{memory:.1} MiB grew to {then:.1} MiB");
    // In one step, not frame by frame: what is shown now is of now.
    assert!(until(SOON, || terminal.screen() != shown), "nothing moves:\n{}", terminal.screen());
    terminal.keys(&["9"]);
    terminal.sees(SOON, "┌ Sources");

    // Asked to end while the terminal stands still, it ends.
    signal(server, "STOP");
    assert!(until(SOON, || stuck(process)), "the terminal still takes bytes");
    let clock = weescale::clock::Clock::real();
    let began = clock.monotonic();
    signal(process, "TERM");
    let gone = until(Duration::from_secs(20), || has_ended(process));
    let took = clock.monotonic().since(began);
    signal(server, "CONT");
    println!("ended {took:?} after SIGTERM");
    assert!(gone, "{process} lives on in a write to its terminal");
    // The promise is five seconds; the deadline is generous for a debug build on a busy machine.
    assert!(took < Duration::from_secs(15), "{took:?}");
    let verified = Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["journal", "verify", "--journal"])
        .arg(&journal)
        .status()
        .unwrap();
    assert!(verified.success(), "the journal is not whole");
}

/// Gone, or ended and waiting for its shell to take note.
fn has_ended(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}
