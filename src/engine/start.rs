//! Starting the engine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::approval::Gate;
use crate::clock::Clock;
use crate::config::Settings;
use crate::execution::{self, ExecutorConfig, Freeze, GuardPolicy, Job, Pacing, Providers, Receipt};
use crate::journal::{self, Entry, Journal, JournalError, JournalHandle, Kind};
use crate::proposal::Queue;
use crate::series::Timestamp;
use crate::signals::{History, Resolver};
use crate::store::Store;
use crate::view::{Command, Mode, View, Wish};

use super::evaluate::{Pace, StoreQueries};
use super::forecasts::Forecasts;
use super::pods::Pods;
use super::record::JournalRecorder;
use super::recording::Recording;
use super::restore::{self, Restored};
use super::run::{Engine, Inbox};
use super::{EngineError, Learned, State, Tuning, person, platforms, publish, sources, thread};

/// Floors named at most where a journal cannot be used.
const NAMED: usize = 5;

/// Messages that may wait for the loop, by kind.
const QUEUE: usize = 256;

/// What the engine is told beside the settings.
#[derive(Clone, Debug)]
pub struct Options {
    /// The clock everything follows.
    pub clock: Clock,
    /// Times and sizes.
    pub tuning: Tuning,
    /// How long stages may take.
    pub pacing: Pacing,
    /// What is simulated; empty if nothing is.
    pub simulated: String,
}

impl Options {
    /// The machine's clock and the defaults.
    pub fn real() -> Self {
        Self {
            clock: Clock::real(),
            tuning: Tuning::default(),
            pacing: Pacing::default(),
            simulated: String::new(),
        }
    }
}

/// A running engine.
#[derive(Debug)]
pub struct EngineHandle {
    /// The view, one a tick.
    pub view: watch::Receiver<Arc<View>>,
    /// Wishes of people.
    pub commands: mpsc::Sender<Command>,
    /// Wishes of people who are attached; each is answered.
    pub wishes: mpsc::Sender<Wish>,
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

impl EngineHandle {
    /// Stops within about 10 s: nothing new is sent, what is in flight is recorded, the journal is on the disk.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(Duration::from_secs(15), self.ended).await;
    }
}

/// Starts the engine.
pub async fn start(settings: Settings, options: Options) -> Result<EngineHandle, EngineError> {
    let Options { clock, tuning, pacing, simulated } = options;
    let (learners, settings) = person::known(settings)?;
    let (file, shared) = open_journal(&settings)?;
    let first_group = file.next_frame_group()?;
    let mut restored = restore::read(&file, &clock, &tuning, &settings)?;
    let journal = journal::spawn(file, clock.clone()).map_err(no("journal's thread"))?;

    let (deliver, deliveries) = mpsc::channel(QUEUE);
    let (poller, handles, source_facts) = sources::start(&settings, &clock, &deliver)?;
    let providers = super::providers::make(&settings)?;
    let (tasks, listings) = watch_platforms(&providers, tuning, &clock);
    let (issue, issued) = mpsc::channel(QUEUE);
    // Simulated time may run faster than this machine: what is shown then must keep up with it.
    let budget = if clock.factor() > 1.0 { 1.0 } else { settings.forecast_cpu };
    let forecasts = Forecasts::start(tuning.forecast, budget, issue).map_err(no("forecast thread"))?;

    let (written_tx, written) = mpsc::channel(QUEUE);
    let recorder = Arc::new(JournalRecorder { journal: journal.clone(), written: written_tx });
    let (jobs, job_queue) = mpsc::channel::<Job>(QUEUE);
    let (receipt_tx, receipts) = mpsc::channel::<Receipt>(QUEUE);
    let config = executor(&settings, pacing, &restored)?;
    execution::spawn(config, clock.clone(), providers.clone(), recorder, job_queue, receipt_tx);
    let mut state = state(&settings, tuning, &simulated, &clock, source_facts, &restored)?;
    let mut gate = Gate::new(settings.mode, settings.context.clone())
        .with_second_person_above(settings.second_person_above);
    adopt(&mut state, &mut gate, &restored, &jobs, clock.now()).await;
    let next_operation = restored.last_operation + 1;
    let abandoned = std::mem::take(&mut restored.abandoned);
    let persisted = clock.now();
    restore::into_state(&mut state, restored);
    say_without(&mut state, shared, clock.now());
    note_start(&mut state, &journal).await?;
    account_for(&mut state, &journal, abandoned, clock.now()).await?;
    let (view_tx, view) = watch::channel(Arc::new(publish::view(&state, clock.now())));
    let (command_tx, commands) = mpsc::channel(QUEUE);
    let (wish_tx, wishes) = mpsc::channel(QUEUE);
    let (stop, stopped) = watch::channel(false);
    let engine = Engine {
        recording: Recording::of(&settings, &journal, first_group)?,
        state,
        clock,
        gate,
        jobs,
        journal,
        handles,
        providers,
        next_operation,
        learners,
        forecasts,
        queries: StoreQueries::default(),
        pace: Pace::default(),
        pods: Pods::default(),
        answers: BTreeMap::new(),
        scraped: false,
        backfilled: false,
        first_scrape: None,
        persisted,
        ticked: persisted,
        view: view_tx,
        _tasks: tasks,
        _poller: poller,
    };
    let inbox = Inbox { deliveries, receipts, issued, listings, commands, wishes, written, stop: stopped };
    let ended = thread::run(engine.run(inbox)).map_err(no("engine's thread"))?;
    Ok(EngineHandle { view, commands: command_tx, wishes: wish_tx, stop, ended })
}

/// What it is called where the system gives none.
fn no(thread: &'static str) -> impl Fn(std::io::Error) -> EngineError {
    move |source| EngineError::Io { what: format!("cannot start the {thread}"), source }
}

/// The journal, and why it is one in memory although a file was asked for.
fn open_journal(settings: &Settings) -> Result<(Journal, Option<String>), EngineError> {
    let Some(path) = &settings.journal else { return Ok((Journal::in_memory()?, None)) };
    match Journal::open(path) {
        // Who only looks may look beside another: nothing is decided here that the record would lack.
        Err(error) if settings.mode == Mode::Observe && is_only_in_the_way(&error) => {
            Ok((Journal::in_memory()?, Some(error.to_string())))
        }
        // Started with another one instead, nobody would give back what hangs on this one.
        Err(source @ JournalError::Foreign { .. }) => {
            Err(EngineError::Foreign { source, held: held_by(path) })
        }
        opened => Ok((opened?, None)),
    }
}

/// Whether nothing can be recorded there, and nothing that is recorded there is in danger: another one writes, or the folder
/// is one that cannot be written to, as in a read-only home.
fn is_only_in_the_way(error: &JournalError) -> bool {
    use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
    match error {
        JournalError::Busy(_) => true,
        JournalError::Io { source, .. } => {
            matches!(source.kind(), NotFound | PermissionDenied | ReadOnlyFilesystem)
        }
        _ => false,
    }
}

/// How many floors hang on a journal that cannot be written to, in one sentence.
fn held_by(path: &Path) -> String {
    let Ok(held) = restore::held(path) else {
        return "Whether it still holds floors cannot be read: see `weescale journal export` as its owner"
            .into();
    };
    let names: Vec<String> = held
        .iter()
        .take(NAMED)
        .map(|l| format!("{} {} of {}", l.operation, l.field.name(), l.workload))
        .collect();
    match held.len() {
        0 => "It holds no floor any more".to_owned(),
        1 => format!("It still holds a floor, which no other journal knows of: {}", names.join(", ")),
        n => format!("It still holds {n} floors, which no other journal knows of: {}", names.join(", ")),
    }
}

/// Tells that this run has no journal, if there is a reason `why` not.
fn say_without(state: &mut State, why: Option<String>, now: Timestamp) {
    if let Some(why) = why {
        let text = format!("{why}. Observing without it: this run keeps no record and knows no earlier one");
        state.notify(now, crate::view::NoticeLevel::Warning, text);
    }
}

/// Lists every platform in a task of its own.
fn watch_platforms(
    providers: &Providers,
    tuning: Tuning,
    clock: &Clock,
) -> (JoinSet<()>, mpsc::Receiver<platforms::Listing>) {
    let (out, listings) = mpsc::channel(QUEUE);
    let mut tasks = JoinSet::new();
    for (name, provider) in providers {
        let provider = Arc::clone(provider);
        platforms::watch(&mut tasks, name.clone(), provider, tuning.platforms, clock.clone(), out.clone());
    }
    (tasks, listings)
}

pub(super) fn state(
    settings: &Arc<Settings>,
    tuning: Tuning,
    simulated: &str,
    clock: &Clock,
    sources: BTreeMap<crate::scrape::SourceId, super::SourceFacts>,
    restored: &Restored,
) -> Result<State, EngineError> {
    let catalogue = sources::catalogue(settings.recipes.as_deref())?;
    Ok(State {
        settings: Arc::clone(settings),
        tuning,
        person: person::current(),
        simulated: simulated.to_owned(),
        started: clock.now(),
        store: Store::new(crate::store::Limits::default()),
        resolver: Resolver::new(&catalogue),
        catalogue,
        history: History::new(),
        absent: super::absent::Absentees::default(),
        partial: super::partial::Partial::default(),
        sources,
        fleet: BTreeMap::new(),
        queue: Queue::new(settings.lifetimes, restored.last_proposal),
        first_keys: BTreeMap::new(),
        freezes: BTreeMap::new(),
        operations: BTreeMap::new(),
        left: Vec::new(),
        moved: restored.moved.clone(),
        keys: super::noted::Keys::of(restored.noted.iter().map(String::as_str).chain(restored.set_aside())),
        silent: BTreeSet::new(),
        called: BTreeMap::new(),
        leases: BTreeMap::new(),
        outcomes: VecDeque::new(),
        learned: Learned::default(),
        journal: VecDeque::new(),
        journal_error: String::new(),
        notices: VecDeque::new(),
        notice_count: 0,
        platform_errors: BTreeMap::new(),
        platforms_heard: BTreeMap::new(),
        halted: None,
        ticks: 0,
        advised: super::state::Advised::default(),
    })
}

/// Gives what an earlier run left unfinished to the executor, which compares it with the live state.
pub(super) async fn adopt(
    state: &mut State,
    gate: &mut Gate,
    restored: &Restored,
    jobs: &mpsc::Sender<Job>,
    now: Timestamp,
) {
    for history in &restored.unfinished {
        let id = history.mandate.operation.clone();
        match gate.readmit(history.mandate.clone()) {
            Ok(mandate) => {
                state.keys.add(&history.mandate.key);
                // Its floor is held whether or not the platform answers, and is a person's to release.
                if let Some(lease) = history.held() {
                    state.leases.insert(id.clone(), lease);
                }
                let _ = jobs.send(Job::Adopt { history: Box::new(history.clone()), mandate }).await;
            }
            Err(refusal) => {
                let text = format!("{id} is unfinished and was left alone: {refusal}");
                state.notify(now, crate::view::NoticeLevel::Error, text);
            }
        }
    }
}

/// Says of approvals that were never begun that nothing came of them, once.
async fn account_for(
    state: &mut State,
    journal: &JournalHandle,
    abandoned: Vec<(String, String, String)>,
    now: Timestamp,
) -> Result<(), EngineError> {
    for (proposal, by, approval) in abandoned {
        let why = "weescale stopped before anything was sent; approve anew if it is still wanted";
        let text = format!("{approval}: {why}");
        state.notify(now, crate::view::NoticeLevel::Warning, text.clone());
        let body = serde_json::json!({ "proposal": proposal, "why": why });
        let records = journal.record(vec![Entry::new(Kind::Refuse, text, body).by(&by)]).await?;
        for record in &records {
            state.journal_line(super::record::line(record));
        }
    }
    Ok(())
}

async fn note_start(state: &mut State, journal: &JournalHandle) -> Result<(), EngineError> {
    let settings = &state.settings;
    let body = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "mode": settings.mode,
        "context": settings.context.name,
        "simulated": state.simulated,
        "uid": state.person.uid,
        "freezes": super::rules::recorded(&settings.freezes),
    });
    let text = format!("weescale {} in {} mode", env!("CARGO_PKG_VERSION"), settings.mode.label());
    let records = journal.record(vec![Entry::new(Kind::Start, text, body).by(&state.person.name)]).await?;
    for record in &records {
        state.journal_line(super::record::line(record));
    }
    Ok(())
}

fn executor(settings: &Settings, pacing: Pacing, restored: &Restored) -> Result<ExecutorConfig, EngineError> {
    let traffic = super::traffic::managers(&settings.haproxy)?;
    let (moved, mut noted) = (restored.moved.clone(), restored.noted.clone());
    noted.extend(restored.set_aside().map(str::to_owned));
    Ok(ExecutorConfig { pacing, guard: guard(settings), moved, noted, traffic })
}

fn guard(settings: &Settings) -> GuardPolicy {
    let freezes =
        settings.freezes.iter().map(|f| Freeze { name: f.reason.clone(), from: f.from, to: f.to }).collect();
    GuardPolicy { freezes, budget: settings.budget_held, ..GuardPolicy::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{NOW, holding, recorded};

    #[tokio::test]
    async fn a_journal_of_another_uid_says_what_to_do_and_which_floors_hang_on_it() {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can give files away");
            return;
        }
        let (_, entries) = holding().await;
        let folder = tempfile::tempdir().unwrap();
        let given = crate::config::Given::default();
        let mut settings = crate::config::load_without_file(&given).unwrap();
        let told = [
            (
                entries,
                "It still holds a floor, which no other journal knows of: op-1 min_replicas of shop/checkout@eu",
            ),
            (vec![], "It holds no floor any more"),
        ];
        for (n, (entries, last)) in told.iter().enumerate() {
            let path = folder.path().join(format!("{n}.db"));
            Journal::open(&path).unwrap().append(NOW, &recorded(entries)).unwrap();
            std::os::unix::fs::chown(&path, Some(4321), None).unwrap();
            settings.journal = Some(path);
            let refused = open_journal(&settings).unwrap_err().to_string();
            assert!(refused.contains("belongs to uid 4321") && refused.contains("`chown 0`"), "{refused}");
            assert!(refused.ends_with(last), "{refused}");
        }
    }

    #[test]
    fn who_only_looks_needs_no_place_to_record_in() {
        let mut settings = crate::config::load_without_file(&crate::config::Given::default()).unwrap();
        // No folder can be made there, by whomever.
        settings.journal = Some("/proc/weescale/journal.db".into());
        assert_eq!(settings.mode, Mode::Observe);
        let (_, why) = open_journal(&settings).unwrap();
        assert!(
            why.as_ref().is_some_and(|w| w.contains("/proc/weescale") && w.contains("--journal")),
            "{why:?}"
        );
        settings.mode = Mode::Ask;
        assert!(matches!(open_journal(&settings), Err(EngineError::Journal(JournalError::Io { .. }))));
    }
}
