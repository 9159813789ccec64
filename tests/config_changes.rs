//! The configuration file changes while the engine runs and an operation is under way: it was read at the start. Nothing is
//! loosened by it, and nothing wrong is said. With the next start it counts, but for what was approved before.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail loudly")]

#[expect(dead_code, reason = "only the times of the fleet are taken from there")]
mod fleet;
#[path = "support/recorded.rs"]
mod recorded;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use fleet::options;
use tokio::time::timeout;
use weescale::clock::Clock;
use weescale::config::{ConfigError, Given, Settings, load};
use weescale::engine::{self, EngineHandle};
use weescale::execution::{EntryKind, OperationState};
use weescale::journal::Journal;
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::view::{Command, NoticeLevel, View};

const SPEED: f64 = 40.0;
const PATIENCE: Duration = Duration::from_secs(90);
/// Never above, says the file; and what others say in its place.
const MAX: u32 = 9;
const LOOSE: u32 = 100;

/// A fleet, and a file that says how to scale it.
struct Desk {
    folder: tempfile::TempDir,
    fleet: Sandbox,
    clock: Clock,
}

impl Desk {
    async fn new() -> Self {
        let scenario = Scenario::named("morning-ramp").unwrap();
        let clock = Clock::accelerated(scenario.start, SPEED);
        let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), &fleet.token).unwrap();
        Self { folder, fleet, clock }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Writes the file: so little capacity that every workload asks for more, up to `max`.
    fn write(&self, max: u32) {
        let mut text = format!(
            "mode = \"ask\"\njournal = \"{}\"\n[proposals]\nexpiry = \"30m\"\n[[provider]]\nname = \"sandbox\"\nurl = \"{}\"\n\
             token_file = \"{}\"\n[[service]]\nname = \"*\"\ncapacity = 15.0\nmax = {max}\nstep_up = 1.0\n",
            self.journal().display(),
            self.fleet.provider_url,
            self.folder.path().join("token").display(),
        );
        for u in &self.fleet.scrape_urls {
            text.push_str(&format!(
                "[[scrape]]\nurl = \"{}\"\njob = \"{}\"\ninterval = \"10s\"\n",
                u.url, u.job
            ));
        }
        std::fs::write(self.file(), text).unwrap();
    }

    fn load(&self) -> Result<Settings, ConfigError> {
        load(&Given { config: Some(self.file()), ..Given::default() })
    }

    async fn start(&self) -> EngineHandle {
        engine::start(self.load().unwrap(), options(self.clock.clone())).await.unwrap()
    }

    /// Stops the engine; its writer gives the journal up a moment later.
    async fn stop(&self, engine: EngineHandle) {
        engine.stop().await;
        let given_up = async {
            while Journal::open(&self.journal()).is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, given_up).await.expect("the journal is given up");
    }

    /// Largest value that was to be written, and the limits under which, by the journal.
    fn written(&self) -> (u32, BTreeSet<u32>) {
        let entries = recorded::entries(&self.journal());
        let intents = || entries.iter().filter(|e| e.kind == EntryKind::Intent);
        let most = intents().filter_map(|e| e.data.write.as_ref()).map(|w| w.set).max();
        (
            most.expect("nothing was written"),
            intents().filter_map(|e| Some(e.data.mandate.as_ref()?.limits.max)).collect(),
        )
    }
}

/// Waits until the view is as wished, approving whatever raises something meanwhile.
async fn until(engine: &mut EngineHandle, what: &str, approves: bool, wished: impl Fn(&View) -> bool) {
    let mut asked = BTreeSet::new();
    let seen = async {
        while engine.view.changed().await.is_ok() {
            let view = engine.view.borrow_and_update().clone();
            if wished(&view) {
                return;
            }
            let open = view.proposals.data.iter().filter(|p| p.not_approvable.is_none());
            for p in open.filter(|p| approves && p.proposal.change.to > p.proposal.change.from) {
                if asked.insert(p.hash.clone()) {
                    let (proposal, hash) = (p.proposal.id.clone(), p.hash.clone());
                    engine.commands.send(Command::Approve { proposal, hash, typed: None }).await.unwrap();
                }
            }
            for o in view.operations.data.iter().filter(|o| matches!(o.state, OperationState::Paused { .. }))
            {
                if approves && asked.insert(format!("{} {:?}", o.id.as_str(), o.state)) {
                    engine.commands.send(Command::Resume(o.id.clone())).await.unwrap();
                }
            }
        }
        panic!("the engine ended");
    };
    if timeout(PATIENCE, seen).await.is_err() {
        let view = engine.view.borrow();
        let states: Vec<_> = view.operations.data.iter().map(|o| (o.id.clone(), o.state.clone())).collect();
        panic!("not in time: {what}; {states:?}");
    }
}

fn in_flight(view: &View) -> usize {
    view.operations.data.iter().filter(|o| o.state == OperationState::InFlight).count()
}

fn over(view: &View) -> usize {
    view.operations.data.iter().filter(|o| matches!(o.state, OperationState::Kept)).count()
}

/// Nothing it says is about a configuration but what bounds a proposal, and nothing is an error.
fn says_nothing_wrong(engine: &EngineHandle) {
    let view = engine.view.borrow();
    let wrong = |n: &&weescale::view::Notice| {
        n.level == NoticeLevel::Error || (n.text.contains("config") && !n.text.starts_with("new proposal "))
    };
    let said: Vec<&String> = view.notices.iter().filter(wrong).map(|n| &n.text).collect();
    assert!(said.is_empty(), "{said:?}");
    assert_eq!((view.header.journal.as_str(), view.header.halted.as_ref()), ("ok", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_while_running_loosens_nothing_and_counts_from_the_next_start() {
    let desk = Desk::new().await;
    desk.write(MAX);
    let mut engine = desk.start().await;
    until(&mut engine, "an operation at work", true, |v| in_flight(v) > 0).await;
    // Amid an operation: something that is no configuration, none at all, a looser one.
    std::fs::write(desk.file(), "mode = \"yolo\"\n[[service]]\nmax = -1\n\u{1b}").unwrap();
    assert!(desk.load().is_err());
    until(&mut engine, "a file that is none", true, |v| over(v) > 0).await;
    says_nothing_wrong(&engine);
    std::fs::remove_file(desk.file()).unwrap();
    let done = over(&engine.view.borrow());
    until(&mut engine, "no file", true, |v| over(v) > done).await;
    desk.write(LOOSE);
    let tick = engine.view.borrow().tick;
    until(&mut engine, "a looser file", true, |v| v.tick > tick + 30).await;
    says_nothing_wrong(&engine);
    let proposed: Vec<u32> =
        engine.view.borrow().proposals.data.iter().map(|p| p.proposal.change.to).collect();
    assert!(proposed.iter().all(|to| *to <= MAX), "{proposed:?}");
    desk.stop(engine).await;
    assert_eq!(desk.written(), (MAX, BTreeSet::from([MAX])), "the bound was met, and by no other limits");

    // From the next start on it counts.
    let mut engine = desk.start().await;
    let more =
        |v: &View| v.proposals.data.iter().any(|p| p.proposal.state.is_live() && p.proposal.change.to > MAX);
    until(&mut engine, "a proposal beyond the old bound", false, more).await;
    desk.stop(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_under_one_file_is_ended_by_its_limits_under_another() {
    let desk = Desk::new().await;
    desk.write(MAX);
    let mut engine = desk.start().await;
    until(&mut engine, "an operation at work", true, |v| in_flight(v) > 0).await;
    let at_work = |v: &View| v.operations.data.iter().find(|o| o.state == OperationState::InFlight).cloned();
    let begun = at_work(&engine.view.borrow()).unwrap();
    desk.stop(engine).await;
    let before = recorded::entries(&desk.journal()).len();

    // A file that no configuration is stops the start, and with it nothing of the operation is lost.
    std::fs::write(desk.file(), "mode = ").unwrap();
    assert!(matches!(desk.load(), Err(ConfigError::Malformed { .. })));
    desk.write(LOOSE);
    let mut engine = desk.start().await;
    let same = begun.id.clone();
    until(&mut engine, "the operation is asked about", false, |v| {
        v.operations.data.iter().any(|o| o.id == same && matches!(o.state, OperationState::Paused { .. }))
    })
    .await;
    engine.commands.send(Command::Resume(begun.id.clone())).await.unwrap();
    let same = begun.id.clone();
    until(&mut engine, "its end", false, |v| {
        v.operations.data.iter().any(|o| o.id == same && o.state.is_final())
    })
    .await;
    desk.stop(engine).await;
    let entries = recorded::entries(&desk.journal());
    assert!(entries.len() > before, "nothing was done after the restart");
    let its: Vec<_> = entries.iter().filter(|e| e.operation == begun.id).collect();
    let limits: BTreeSet<u32> =
        its.iter().filter_map(|e| Some(e.data.mandate.as_ref()?.limits.max)).collect();
    assert_eq!(limits, BTreeSet::from([MAX]));
    let most = its.iter().filter_map(|e| e.data.write.as_ref()).map(|w| w.set).max();
    assert!(most <= Some(begun.change.to), "{most:?} of {:?}", begun.change);
}
