//! Five terminals (tmux) on one engine while a rollout runs: one is killed, one stopped, one cut off. The rollout goes on,
//! the others paint as fast as before, and the engine holds no more memory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; the terminal is shared with other tests"
)]

mod terminal;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use terminal::fleet::Fleet;
use terminal::{Terminal, until};
use weescale::clock::Clock;

const PATIENCE: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(30);
/// So long one screen is stopped at least: minutes of the fleet's time, of which each picture would be queued.
const STOPPED: Duration = Duration::from_secs(10);
/// Memory that the engine may take more in that time than it took in as long before, KiB: a fleet that is just known takes
/// more by itself.
const MORE: u64 = 32 << 10;

/// A line between a screen and the engine that can be cut.
struct Line {
    socket: PathBuf,
    open: Arc<AtomicBool>,
    ends: Arc<Mutex<Vec<UnixStream>>>,
}

impl Line {
    fn to(engine: &Path) -> Self {
        let socket = engine.with_file_name("line.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (open, ends) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(Vec::new())));
        let (engine, is_open, held) = (engine.to_owned(), Arc::clone(&open), Arc::clone(&ends));
        // It ends with the test's process: nobody waits for it.
        std::thread::spawn(move || {
            for screen in listener.incoming() {
                let (Ok(screen), true) = (screen, is_open.load(Ordering::SeqCst)) else { continue };
                let Ok(engine) = UnixStream::connect(&engine) else { continue };
                held.lock().unwrap().extend([screen.try_clone().unwrap(), engine.try_clone().unwrap()]);
                let (up, down) = (screen.try_clone().unwrap(), engine.try_clone().unwrap());
                std::thread::spawn(move || carry(up, engine));
                std::thread::spawn(move || carry(down, screen));
            }
        });
        Self { socket, open, ends }
    }

    fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        for end in self.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

fn carry(mut from: UnixStream, mut to: UnixStream) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Resident memory of a process, KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// From key to picture of `screens`, each `times` there and back, ascending. Looking takes up to a tenth of a second.
fn key_to_paint(screens: &[&Terminal], times: usize) -> Vec<Duration> {
    let clock = Clock::real();
    let mut waits = Vec::new();
    for _ in 0..times {
        for screen in screens {
            for (key, title) in [("8", "┌ Journal"), ("7", "┌ Operations")] {
                let asked = clock.monotonic();
                screen.press(key);
                screen.sees(SOON, title);
                waits.push(clock.monotonic().since(asked));
            }
        }
    }
    waits.sort();
    waits
}

/// Waits until the rollout is over. Where a gate cannot tell, it waits for a person, who lets it go on.
fn ends(fleet: &Fleet) {
    let over = until(PATIENCE, || {
        let state = fleet.state_of("op-1");
        if state == "paused" {
            fleet.ask(&["resume", "op-1"]);
        }
        state == "done"
    });
    assert!(over, "it goes to its end: {}", fleet.state_of("op-1"));
}

/// Says how long keys took, and holds the later ones against those before.
fn compare(before: &[Duration], during: &[Duration]) {
    let at =
        |waits: &[Duration], share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!(
        "key to paint: p50 {:.2} s, worst of {} {:.2} s before; p50 {:.2} s, worst of {} {:.2} s with one killed, one stopped \
         and one cut off",
        at(before, 0.5),
        before.len(),
        at(before, 1.0),
        at(during, 0.5),
        during.len(),
        at(during, 1.0),
    );
    assert!(at(during, 0.5) < at(before, 0.5) * 3.0 + 0.5, "{before:?} {during:?}");
}

#[test]
fn a_rollout_goes_on_whatever_becomes_of_five_screens() {
    let open = || Terminal::open(180, 40);
    let all: Vec<Terminal> = (0..5).map_while(|_| open()).collect();
    let [one, two, killed, stopped, cut] = all.as_slice() else { return };
    let fleet = Fleet::start(&[]);
    let line = Line::to(&fleet.socket());
    for screen in [one, two, killed, stopped] {
        screen.line(&fleet.program("attach"));
    }
    cut.line(&Terminal::program(&format!("attach --socket {}", line.socket.display())));
    for screen in &all {
        screen.sees(SOON, "5 here");
    }
    // While all is well.
    let first = memory(fleet.process());
    std::thread::sleep(STOPPED);
    let grew = memory(fleet.process()).saturating_sub(first);
    assert!(fleet.approve_a_raise(PATIENCE), "nothing could be approved");
    for screen in &all {
        screen.keys(&["7"]);
        screen.sees(SOON, "op-1");
    }
    let before = key_to_paint(&[one, two], 2);

    let state = fleet.state_of("op-1");
    assert!(["inflight", "paused"].contains(&state.as_str()), "in the middle of it: {state}");
    let held = memory(fleet.process());
    let clock = Clock::real();
    let begin = clock.monotonic();
    stopped.signal("STOP");
    killed.signal("KILL");
    line.cut();
    cut.sees(SOON, "connection lost");
    // The stopped one is still attached: whoever takes no byte for a minute is let go.
    assert!(
        until(SOON, || ["2 here", "3 here"].iter().any(|n| one.screen().contains(n))),
        "{}",
        one.screen()
    );
    let during = key_to_paint(&[one, two], 8);
    while clock.monotonic().since(begin) < STOPPED {
        std::thread::sleep(Duration::from_millis(200));
    }
    let took = memory(fleet.process()).saturating_sub(held);
    ends(&fleet);
    compare(&before, &during);
    println!("the engine holds {held} KiB and takes {took} more in {} s, {grew} before", STOPPED.as_secs());
    assert!(took < grew + MORE, "{took} KiB more, {grew} before");

    for screen in [one, two] {
        screen.keys(&["7"]);
        screen.sees(SOON, "● kept");
    }
    // Both come back to the same state by themselves.
    line.mend();
    stopped.signal("CONT");
    for screen in [stopped, cut] {
        assert!(until(PATIENCE, || screen.screen().contains("● kept")), "{}", screen.screen());
    }
    one.sees(SOON, "4 here");
    let (_, leases) = fleet.ask(&["leases"]);
    assert!(leases.contains("op-1"), "{leases}");
    // The shell of the stopped one took its terminal back; it ends with that.
    for screen in [one, two, cut] {
        screen.keys(&["C-c"]);
        screen.sees_prompt(SOON);
    }
}
