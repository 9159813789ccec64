//! Every synchronisation of the journal and every send of one rollout is a place to die: before it, and after it; and so is
//! a stage for which there is no memory.
//!
//! An ordinary run dies at a few of them; `WEESCALE_BOUNDARIES=all` at each, until a rollout outlives the count.

use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use weescale::config::Settings;
use weescale::engine::Options;

/// Tells a child to do one rollout and to end with it.
pub const ONE: &str = "WEESCALE_KILL_ONE";

/// What a person says to an operation that waits: on, or back.
const BACK: &str = "WEESCALE_KILL_BACK";

/// The child: approves one change that raises something, answers what waits, ends when the operation has ended.
pub async fn one_rollout(settings: Settings, mut options: Options) {
    let secs = Duration::from_secs;
    let p = &mut options.pacing;
    (p.warm_guess, p.settle, p.read_back) = (secs(20), secs(60), secs(40));
    let back = std::env::var(BACK).is_ok();
    let mut engine = engine::start(settings, options).await.unwrap();
    let mut asked = BTreeSet::new();
    while engine.view.changed().await.is_ok() {
        let view = engine.view.borrow_and_update().clone();
        let known = &view.operations.data;
        // What was refused before it sent anything is no rollout: another is approved.
        let refused = |o: &&weescale::view::Operation| matches!(o.state, OperationState::Cancelled { .. });
        let done = known.iter().any(|o| !refused(&o)) && known.iter().all(|o| o.state.is_final());
        if done {
            println!("over");
            engine.stop().await;
            return;
        }
        let waits = known.iter().find(|o| matches!(o.state, OperationState::Paused { .. }));
        let wish = match waits {
            Some(o) if back => Some(Command::Abort(o.id.clone())),
            Some(o) => Some(Command::Resume(o.id.clone())),
            None if known.iter().all(|o| o.state.is_final()) => {
                let up = |p: &&weescale::view::ProposalView| p.proposal.change.to > p.proposal.change.from;
                let open = view.proposals.data.iter().filter(|p| p.not_approvable.is_none());
                open.filter(up).map(approve).next()
            }
            None => None,
        };
        if let Some(wish) = wish
            && asked.insert(format!("{wish:?} {:?}", waits.map(|o| &o.state)))
        {
            engine.commands.send(wish).await.unwrap();
        }
    }
}

fn approve(p: &weescale::view::ProposalView) -> Command {
    Command::Approve { proposal: p.proposal.id.clone(), hash: p.hash.clone(), typed: None }
}

/// Where to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// At the n-th synchronisation of a file, before it is done.
    Sync(u32),
    /// At the n-th write to the platform: it never arrives.
    Send(u32),
    /// At the n-th write to the platform: it takes effect, its answer never arrives.
    Effect(u32),
    /// After the first write there is no more memory for what the platform answers (EX-19).
    Memory,
}

/// What the proxy kills, and at which write.
#[derive(Default)]
struct Trap {
    child: Mutex<Option<u32>>,
    sends: AtomicU32,
    effects: AtomicU32,
}

impl Trap {
    /// Whether the victim was killed now.
    fn spring(&self, counter: &AtomicU32, at: Option<u32>) -> bool {
        let now = counter.fetch_add(1, Ordering::SeqCst) + 1;
        let child = *self.child.lock().unwrap();
        if let (Some(pid), true) = (child, Some(now) == at) {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            return true;
        }
        false
    }

    /// From the first write on the victim gets no more memory, and answers that need much.
    fn starve(&self, write: bool, mut body: String) -> String {
        let mut child = self.child.lock().unwrap();
        if let (Some(pid), true) = (*child, write) {
            let most = format!("--as={0}:{0}", space(pid).min(SPACE));
            let limited = Process::new("prlimit").args(["--pid", &pid.to_string(), &most]).status();
            assert!(limited.unwrap().success());
            *child = None;
            self.effects.fetch_add(1, Ordering::SeqCst);
        }
        if self.effects.load(Ordering::SeqCst) > 0 {
            body.push_str(&" ".repeat(LARGE));
        }
        body
    }
}

/// Address space, bytes; what a process has already if that is less.
const SPACE: u64 = 256 << 20;

fn space(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmSize:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("{} MiB of address space", kib >> 10);
    kib << 10
}

/// Of an answer that is still read, bytes.
const LARGE: usize = 15 << 20;

fn is_write(request: &wire::Request) -> bool {
    let dry = serde_json::from_str::<serde_json::Value>(&request.body)
        .is_ok_and(|w| w.get("dry_run").and_then(serde_json::Value::as_bool) == Some(true));
    request.line().0 == "PATCH" && !dry
}

fn child(brief: &str, back: bool, strace: Option<u32>) -> Child {
    let test = std::env::current_exe().unwrap();
    let mut command = match strace {
        None => Process::new(test),
        Some(n) => {
            let mut command = Process::new("strace");
            let inject = format!("inject=fdatasync,fsync:signal=KILL:when={n}");
            command.args(["-f", "-qqq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", &inject]);
            command.arg(test);
            command
        }
    };
    command.args(["child", "--exact", "--nocapture"]).env(CHILD, brief).env(ONE, "1");
    // What another thread may have reserved is no way out.
    command.env("MALLOC_ARENA_MAX", "1");
    if back {
        command.env(BACK, "1");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for the child's end; whether it saw its rollout over.
fn outcome(mut child: Child) -> bool {
    let out = BufReader::new(child.stdout.take().unwrap());
    let over = out.lines().map_while(Result::ok).any(|line| line.contains("over"));
    if !over {
        let _ = child.wait();
        return false;
    }
    // It has seen its end; nothing of it is needed any more.
    let _ = child.kill();
    let _ = child.wait();
    true
}

/// One rollout that dies at `point`, and its restart. Whether it died.
async fn trial(point: Point) -> bool {
    let scenario = Scenario::named("morning-ramp").unwrap();
    let clock = Clock::accelerated(scenario.start, SPEED);
    let began = machine();
    let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock)).await.unwrap();
    let (log, trap): (Log, Arc<Trap>) = (Arc::default(), Arc::default());
    let (send, effect) = match point {
        Point::Sync(_) | Point::Memory => (None, None),
        Point::Send(n) => (Some(n), None),
        Point::Effect(n) => (None, Some(n)),
    };
    let at = Arc::clone(&trap);
    let before: wire::Before = Arc::new(move |r| !(is_write(r) && at.spring(&at.sends, send)));
    let (at, noted) = (Arc::clone(&trap), record(Arc::clone(&log)));
    let between: wire::Between = Arc::new(move |r, answer| {
        let answer = noted(r, answer);
        if point == Point::Memory {
            return answer.map(|(status, body)| (status, at.starve(is_write(r), body)));
        }
        if is_write(r) && at.spring(&at.effects, effect) { None } else { answer }
    });
    let upstream = fleet.base_url.trim_start_matches("http://").to_owned();
    let proxy = wire::guarded(upstream, before, between).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.db");
    let brief = brief(&fleet, &proxy, &journal, began);

    let strace = if let Point::Sync(n) = point { Some(n) } else { None };
    let first = child(&brief, false, strace);
    *trap.child.lock().unwrap() = strace.is_none().then(|| first.id());
    let survived = tokio::task::spawn_blocking(move || outcome(first)).await.unwrap();
    *trap.child.lock().unwrap() = None;
    trap.effects.store(0, Ordering::SeqCst);
    check(&log, &journal, point);
    if survived {
        return false;
    }
    // Back at every third point: what was begun is undone just as surely as it is finished.
    let back = matches!(point, Point::Sync(n) | Point::Send(n) | Point::Effect(n) if n % 3 == 0);
    let second = child(&brief, back, None);
    let ended = tokio::task::spawn_blocking(move || outcome(second)).await.unwrap();
    assert!(ended, "{point:?}: the second run saw no end");
    check(&log, &journal, point);
    lost_nothing(&journal, point);
    true
}

fn check(log: &Log, journal: &Path, point: Point) {
    let integrity = verify(journal);
    let whole = matches!(integrity, Ok(Integrity::Whole { .. })) || !journal.exists();
    assert!(whole || log.lock().unwrap().is_empty(), "{point:?}: {integrity:?}");
    if whole {
        check_writes(&log.lock().unwrap(), journal);
    }
}

/// Every approval began an operation that ended, or is said to have come to nothing.
fn lost_nothing(journal: &Path, point: Point) {
    let entries = entries(journal);
    let file = Journal::open(journal).unwrap();
    let (refused, begun) = came_of(&file, &entries);
    for approval in file.of_kinds(&[Kind::Approve]).unwrap() {
        let id = text(&approval, "/proposal/id").unwrap();
        match begun.get(&id) {
            Some(op) => {
                let ended = entries.iter().any(|e| e.operation == *op && e.data.ended.is_some());
                let told: Vec<String> = entries.iter().map(|e| format!("{:?} {}", e.kind, e.text)).collect();
                assert!(ended, "{point:?}: {op} was begun and has no end: {told:#?}");
            }
            None => {
                assert!(refused.contains(&id), "{point:?}: {id} was approved, and nothing is known of it");
            }
        }
    }
}

/// Whether a rollout dies at `point`. On a busy machine one may be refused before it gets there: that says nothing.
async fn dies_at(point: Point) -> bool {
    for _ in 0..3 {
        if trial(point).await {
            return true;
        }
    }
    false
}

fn strace_is_there() -> bool {
    let there = Process::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        println!("SKIPPED: strace is not installed, or may not trace here");
    }
    there
}

fn all() -> bool {
    std::env::var("WEESCALE_BOUNDARIES").is_ok_and(|v| v == "all")
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_send_nothing_is_lost_and_nothing_doubled() {
    let points: Vec<Point> = if all() {
        (1..100).flat_map(|n| [Point::Send(n), Point::Effect(n)]).collect()
    } else {
        vec![Point::Send(1), Point::Effect(1)]
    };
    let mut died = 0;
    for point in points {
        if !dies_at(point).await {
            break;
        }
        died += 1;
    }
    println!("{died} sends of one rollout were died at");
    assert!(died >= 2, "{died}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_synchronisation_nothing_is_lost_and_nothing_doubled() {
    if !strace_is_there() {
        return;
    }
    let mut died = 0;
    for n in if all() { (1..1000).collect() } else { vec![7u32, 13] } {
        if !dies_at(Point::Sync(n)).await {
            break;
        }
        died += 1;
        if all() {
            println!("died at synchronisation {n}");
        }
    }
    println!("{died} synchronisations of one rollout were died at");
    assert!(died >= 1, "{died}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_memory_in_a_stage_it_dies_and_the_next_start_is_clean() {
    if !Process::new("prlimit").arg("--version").output().is_ok_and(|o| o.status.success()) {
        println!("SKIPPED: prlimit is not installed");
        return;
    }
    assert!(dies_at(Point::Memory).await, "it lives on without memory");
}
