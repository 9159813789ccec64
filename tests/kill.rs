//! kill −9 at random moments: no approved decision is lost and nothing is scaled twice.
//!
//! The parent holds the fleet and a proxy before its platform that records every write. The child is this same test
//! binary: it runs the engine on a journal file and approves whatever it is shown.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests fail loudly, and say which peers they lack"
)]

#[path = "kill/boundaries.rs"]
mod boundaries;
mod fleet;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "fleet/wire.rs"]
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::{Ports, options};
use recorded::entries;
use weescale::clock::Clock;
use weescale::engine;
use weescale::execution::{Entry, EntryKind, OperationId, OperationState};
use weescale::journal::{Integrity, Journal, Kind, verify};
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::series::Timestamp;
use weescale::view::{Command, View};

const CHILD: &str = "WEESCALE_KILL_CHILD";
const SPEED: f64 = 40.0;
/// Kills in an ordinary run; `WEESCALE_KILLS=300` sets another number.
const KILLS: usize = 30;
/// So little that every autoscaled workload asks for more at once, and again.
const SMALL: f64 = 15.0;

/// Milliseconds since the epoch of the machine, which parent and children share.
#[expect(clippy::disallowed_methods, reason = "two processes agree on the machine's clock only")]
fn machine() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// What a child is told, as lines.
fn brief(fleet: &Sandbox, proxy: &str, journal: &Path, began: i64) -> String {
    let scrapes: Vec<String> = fleet.scrape_urls.iter().map(|u| format!("{} {}", u.job, u.url)).collect();
    let (journal, start) = (journal.display(), fleet.start.as_millis());
    format!("{journal}\n{proxy}\n{}\n{start}\n{began}\n{}", fleet.token, scrapes.join("\n"))
}

/// The child: an engine, and a person who says yes to everything, until killed. Does nothing when run as a test.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(brief) = std::env::var(CHILD) else { return };
    let mut lines = brief.lines();
    let mut next = || lines.next().unwrap().to_owned();
    let (journal, provider, token) = (next(), next(), next());
    let (start, began): (i64, i64) = (next().parse().unwrap(), next().parse().unwrap());
    let scrape = lines.map(|l| l.split_once(' ').unwrap()).map(|(a, b)| (a.into(), b.into())).collect();
    let elapsed = ((machine() - began) as f64 * SPEED) as i64;
    let clock = Clock::accelerated(Timestamp::from_millis(start + elapsed), SPEED);
    let ports = Ports { scrape, history: None, provider, token, objectives: vec![], regions: vec![] };
    let mut settings = ports.settings(Some(journal.into()));
    settings.services = vec![weescale::config::ServiceRule {
        name: "*".into(),
        capacity: Some(SMALL),
        ..weescale::config::ServiceRule::default()
    }];
    if std::env::var(boundaries::ONE).is_ok() {
        return boundaries::one_rollout(settings, options(clock)).await;
    }
    let mut engine = engine::start(settings, options(clock)).await.unwrap();
    let mut asked = BTreeSet::new();
    while engine.view.changed().await.is_ok() {
        let view = engine.view.borrow_and_update().clone();
        for (why, wish) in wishes(&view) {
            // Who is asked again, for another reason, answers again.
            if asked.insert(format!("{wish:?} {why}")) {
                let approval = matches!(wish, Command::Approve { .. });
                engine.commands.send(wish).await.unwrap();
                if approval {
                    println!("approved");
                }
            }
        }
    }
}

/// Approves what can be approved; says to what waits after a restart, by its number, go on or undo.
fn wishes(view: &View) -> Vec<(String, Command)> {
    let mut wishes = Vec::new();
    for p in view.proposals.data.iter().filter(|p| p.not_approvable.is_none()) {
        let (proposal, hash) = (p.proposal.id.clone(), p.hash.clone());
        wishes.push((String::new(), Command::Approve { proposal, hash, typed: None }));
    }
    for o in &view.operations.data {
        let OperationState::Paused { why } = &o.state else { continue };
        let even = o.id.as_str().ends_with(['0', '2', '4', '6', '8']);
        let wish = if even { Command::Resume(o.id.clone()) } else { Command::Abort(o.id.clone()) };
        wishes.push((why.clone(), wish));
    }
    wishes
}

/// A write that the platform accepted.
#[derive(Clone, Debug)]
struct Accepted {
    uid: String,
    key: String,
    set: String,
    generation: String,
}

type Log = Arc<Mutex<Vec<Accepted>>>;

fn record(log: Log) -> wire::Between {
    Arc::new(move |request, (status, body)| {
        if request.line().0 == "PATCH" && status == 200 {
            let write: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            if write.get("dry_run").and_then(serde_json::Value::as_bool) == Some(true) {
                return Some((status, body));
            }
            let state: serde_json::Value = serde_json::from_str(&body).unwrap();
            log.lock().unwrap().push(Accepted {
                uid: write.get("uid").unwrap().as_str().unwrap().to_owned(),
                key: write.get("idempotency_key").unwrap().as_str().unwrap().to_owned(),
                set: write.get("set").unwrap().to_string(),
                generation: state.get("generation").unwrap().to_string(),
            });
        }
        Some((status, body))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_nothing_is_lost_and_nothing_doubled() {
    let scenario = Scenario::named("morning-ramp").unwrap();
    let clock = Clock::accelerated(scenario.start, SPEED);
    let began = machine();
    let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock)).await.unwrap();
    let log: Log = Arc::default();
    let upstream = fleet.base_url.trim_start_matches("http://").to_owned();
    let proxy = wire::proxy(upstream, record(Arc::clone(&log))).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.db");
    let brief = brief(&fleet, &proxy, &journal, began);
    let mut random = fastrand::Rng::with_seed(7);
    let mut approvals = 0;
    let kills = std::env::var("WEESCALE_KILLS").map_or(KILLS, |n| n.parse().unwrap());
    for round in 0..kills {
        let (brief, journal) = (brief.clone(), journal.clone());
        // Two of three shortly after an approval, the others anywhere, also while starting.
        let after_approval = !round.is_multiple_of(3);
        let delay =
            Duration::from_millis(if after_approval { random.u64(0..250) } else { random.u64(20..4000) });
        let saw = tokio::task::spawn_blocking(move || trial(&brief, after_approval, delay)).await.unwrap();
        approvals += usize::from(saw);
        let integrity = verify(&journal);
        assert!(
            matches!(integrity, Ok(Integrity::Whole { .. })) || !journal.exists(),
            "kill {round}: {integrity:?}"
        );
        check_writes(&log.lock().unwrap(), &journal);
        if kills > KILLS {
            println!("kill {} of {kills}: {approvals} after an approval", round + 1);
        }
    }
    assert!(approvals >= 10, "approvals were seen before {approvals} kills only");
    // Undisturbed at last, so that what was left is picked up.
    let before = entries(&journal);
    let last = brief.clone();
    tokio::task::spawn_blocking(move || trial(&last, false, Duration::from_secs(40))).await.unwrap();
    check_writes(&log.lock().unwrap(), &journal);
    check_decisions(&journal, &before);
    assert!(log.lock().unwrap().len() >= 10, "{:?}", log.lock().unwrap());
}

/// Starts a child and kills it `delay` after its first approval, or after its start. Whether it approved.
fn trial(brief: &str, after_approval: bool, delay: Duration) -> bool {
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD, brief)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::sync_channel(1024);
    let reader = std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok).filter(|l| l.contains("approved")) {
            let _ = tell.try_send(line);
        }
    });
    let seen = after_approval && told.recv_timeout(Duration::from_secs(12)).is_ok();
    std::thread::sleep(delay);
    let seen = seen || told.try_recv().is_ok();
    // kill() sends SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    seen
}

/// One effect a key, no write without its intent on the disk, and each operation's values go up, then at most back.
fn check_writes(accepted: &[Accepted], journal: &Path) {
    if !journal.exists() {
        assert!(accepted.is_empty());
        return;
    }
    let entries = entries(journal);
    let mut effects: BTreeMap<&str, &Accepted> = BTreeMap::new();
    for write in accepted {
        let first = *effects.entry(&write.key).or_insert(write);
        assert_eq!((&first.generation, &first.set, &first.uid), (&write.generation, &write.set, &write.uid));
    }
    let mut intents = BTreeMap::new();
    for entry in entries.iter().filter(|e| e.kind == EntryKind::Intent) {
        let write = entry.data.write.as_ref().unwrap();
        intents.insert(write.key.clone(), (entry.operation.clone(), write.clone()));
    }
    let changes: BTreeMap<_, _> = entries
        .iter()
        .filter_map(|e| Some((e.operation.clone(), e.data.mandate.as_ref()?.change.clone())))
        .collect();
    let mut paths: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for write in accepted {
        let Some((operation, intent)) = intents.get(&write.key) else { panic!("no intent for {write:?}") };
        if done.insert(&write.key) {
            paths.entry(operation.clone()).or_default().push(intent.set);
        }
    }
    for (operation, path) in paths {
        let change = &changes[&operation];
        let mut values = vec![change.from];
        values.extend(path);
        values.dedup();
        let top = values.iter().position(|v| v == values.iter().max().unwrap()).unwrap();
        let (up, down) = values.split_at(top + 1);
        assert!(up.is_sorted() && down.is_sorted_by(|a, b| a >= b), "{operation}: {values:?}");
        let bounds = change.from..=change.to;
        assert!(values.iter().all(|v| bounds.contains(v)), "{operation}: {values:?} outside {change:?}");
        let ups: BTreeSet<_> = up.iter().collect();
        assert_eq!(ups.len(), up.len(), "{operation}: a value twice upwards: {values:?}");
    }
}

/// A text in a record.
fn text(record: &weescale::journal::Record, at: &str) -> Option<String> {
    record.body.pointer(at).and_then(|v| v.as_str()).map(str::to_owned)
}

/// Proposals that were refused, and the operations that others became.
fn came_of(file: &Journal, entries: &[Entry]) -> (BTreeSet<String>, BTreeMap<String, OperationId>) {
    let refused = file.of_kinds(&[Kind::Refuse]).unwrap();
    let refused = refused.iter().filter_map(|r| text(r, "/proposal")).collect();
    let began = |e: &Entry| Some((e.data.mandate.as_ref()?.proposal.to_string(), e.operation.clone()));
    (refused, entries.iter().filter_map(began).collect())
}

/// Every approval on the disk began an operation that ended, or is held, or waits for a person; or is said to have
/// come to nothing.
fn check_decisions(journal: &Path, before: &[Entry]) {
    let entries = entries(journal);
    let file = Journal::open(journal).unwrap();
    let (refused, begun) = came_of(&file, &entries);
    let approvals = file.of_kinds(&[Kind::Approve]).unwrap();
    assert!(approvals.len() >= 10, "{}", approvals.len());
    let mut open = Vec::new();
    for approval in approvals {
        let id = text(&approval, "/proposal/id").unwrap();
        let Some(operation) = begun.get(&id) else {
            assert!(refused.contains(&id), "{id} was approved, and nothing is known of it");
            continue;
        };
        let ended = |e: &Entry| e.operation == *operation && e.data.ended.is_some();
        if before.iter().any(|e| e.operation == *operation) && !entries.iter().any(ended) {
            open.push(operation.clone());
        }
    }
    assert!(open.is_empty(), "the last child had time to end what it took up: {open:?}");
}
