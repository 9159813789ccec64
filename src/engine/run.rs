//! The loop: one owner of all state, one tick after the other, one view a tick.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::approval::Gate;
use crate::clock::Clock;
use crate::execution::{Job, Observation, Providers, Readings, Receipt, StageKind};
use crate::fleet::WorkloadId;
use crate::journal::{Entry, JournalHandle, Record, SignalPoint};
use crate::proposal::Moment;
use crate::scrape::{Answer, Delivery, Handle, SourceId};
use crate::series::Timestamp;
use crate::signals::{SignalKind, young_span};
use crate::view::{Command, NoticeLevel, View, Wish};

use super::evaluate::{self, Pace, StoreQueries};
use super::forecast_worker::Issued;
use super::forecasts::{Forecasts, failing};
use super::platforms::Listing;
use super::pods::Pods;
use super::wishes::Round;
use super::{State, advising, fleet, learn, partial, planning, publish, record, usage};

/// Messages taken in between two ticks at most.
const DRAIN: usize = 1024;

/// Deliveries are taken in this many times a tick at most: with a thousand targets the loop would be woken for each of
/// them, which costs more than what it then does.
const GATHERED: u32 = 20;

/// Everything that reaches the loop.
pub(super) struct Inbox {
    pub deliveries: mpsc::Receiver<Delivery>,
    pub receipts: mpsc::Receiver<Receipt>,
    pub issued: mpsc::Receiver<Issued>,
    pub listings: mpsc::Receiver<Listing>,
    pub commands: mpsc::Receiver<Command>,
    pub wishes: mpsc::Receiver<Wish>,
    pub written: mpsc::Receiver<Vec<Record>>,
    pub stop: watch::Receiver<bool>,
}

/// The engine: state and the ways out.
pub struct Engine {
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) gate: Gate,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) journal: JournalHandle,
    pub(super) handles: Vec<Handle>,
    pub(super) providers: Providers,
    pub(super) next_operation: u64,
    /// User ids of those who only learn.
    pub(super) learners: Vec<u32>,
    pub(super) forecasts: Forecasts,
    pub(super) queries: StoreQueries,
    /// When the store is asked.
    pub(super) pace: Pace,
    /// Pods of the workloads with an operation in flight.
    pub(super) pods: Pods,
    /// Servers' answers since the last tick.
    pub(super) answers: BTreeMap<SourceId, Vec<Answer>>,
    /// Whether the store changed since it was last evaluated.
    pub(super) scraped: bool,
    /// Whether history was filled in since the last tick.
    pub(super) backfilled: bool,
    /// When the store got its first scrape.
    pub(super) first_scrape: Option<Timestamp>,
    pub(super) persisted: Timestamp,
    /// Wall time of the last tick; wall time sees a suspended machine, the monotonic clock does not.
    pub(super) ticked: Timestamp,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) recording: super::recording::Recording,
    /// Listing tasks; they end with the engine.
    pub(super) _tasks: JoinSet<()>,
    /// Where sources poll; they stop with it.
    pub(super) _poller: crate::scrape::Poller,
}

impl Engine {
    /// Runs until told to stop.
    pub(super) async fn run(mut self, mut inbox: Inbox) {
        let mut due = self.clock.monotonic();
        let mut gathered = due;
        loop {
            let now = self.clock.monotonic();
            if now >= due {
                // After a pause there is one tick, not as many as were missed.
                due = now.plus(self.state.tuning.tick);
                self.tick(Some(&mut inbox.deliveries)).await;
            }
            let now = self.clock.monotonic();
            // Until then deliveries wait for each other; whatever else wakes the loop takes them along.
            let gathering = gathered.since(now);
            let wait = if gathering.is_zero() { due.since(now) } else { due.since(now).min(gathering) };
            let mut round = Round::default();
            tokio::select! {
                biased;
                _ = inbox.stop.changed() => break,
                Some(receipt) = inbox.receipts.recv() => self.receipt(receipt),
                Some(command) = inbox.commands.recv() => self.own(command, &mut round).await,
                Some(wish) = inbox.wishes.recv() => self.wish(wish, &mut round).await,
                Some(records) = inbox.written.recv() => self.show(&records),
                Some(listing) = inbox.listings.recv() => self.listing(listing),
                Some(issued) = inbox.issued.recv() => self.issued(issued),
                Some(delivery) = inbox.deliveries.recv(), if gathering.is_zero() => {
                    self.delivery(delivery);
                    // Where so many come, the next wait would hold up those who bring them.
                    if inbox.deliveries.len() < inbox.deliveries.max_capacity() / 4 {
                        gathered = now.plus(self.state.tuning.tick / GATHERED);
                    }
                }
                () = self.clock.sleep(wait) => {}
            }
            self.drain(&mut inbox, &mut round).await;
            self.show_round(round);
        }
        self.stop(&mut inbox).await;
    }

    /// Takes in what waits already, so that ticks that outlast their interval never starve what feeds them. What the
    /// executor tells goes first, and only so many wishes are carried out.
    async fn drain(&mut self, inbox: &mut Inbox, round: &mut Round) {
        for _ in 0..DRAIN {
            if let Ok(receipt) = inbox.receipts.try_recv() {
                self.receipt(receipt);
            } else if !round.is_full()
                && let Ok(command) = inbox.commands.try_recv()
            {
                self.own(command, round).await;
            } else if !round.is_full()
                && let Ok(wish) = inbox.wishes.try_recv()
            {
                self.wish(wish, round).await;
            } else if let Ok(records) = inbox.written.try_recv() {
                self.show(&records);
            } else if let Ok(listing) = inbox.listings.try_recv() {
                self.listing(listing);
            } else if let Ok(issued) = inbox.issued.try_recv() {
                self.issued(issued);
            } else if let Ok(delivery) = inbox.deliveries.try_recv() {
                self.delivery(delivery);
            } else {
                break;
            }
        }
    }

    async fn stop(&mut self, inbox: &mut Inbox) {
        // The executor records its end itself and gives its tasks 4 s. What they tell is taken in meanwhile, so that
        // nobody waits for a full queue.
        let jobs = self.jobs.clone();
        let ended = tokio::time::timeout(Duration::from_secs(6), async move {
            let _ = jobs.send(Job::Shutdown).await;
            jobs.closed().await;
        });
        let mut ended = std::pin::pin!(ended);
        loop {
            tokio::select! {
                biased;
                Some(receipt) = inbox.receipts.recv() => self.receipt(receipt),
                Some(records) = inbox.written.recv() => self.show(&records),
                _ = &mut ended => break,
            }
        }
        self.persist(self.clock.now());
        let in_flight = self.state.operations.values().filter(|o| !o.state.is_final()).count();
        let text =
            if in_flight > 0 { format!("stopped with {in_flight} in flight") } else { "stopped".into() };
        let body = serde_json::json!({ "in_flight": in_flight });
        let _ = self.journal.record(vec![Entry::new(crate::journal::Kind::Stop, text, body)]).await;
        if let Some(thread) = self.recording.close() {
            let ended = tokio::task::spawn_blocking(move || thread.join());
            let _ = tokio::time::timeout(Duration::from_secs(2), ended).await;
        }
        self.journal.flush().await;
    }

    /// Wall time since the last tick, whichever way the clock went.
    pub(super) fn gap(&self) -> Duration {
        let now = self.clock.now();
        now.since(self.ticked).max(self.ticked.since(now))
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { wall: self.clock.now(), mono: self.clock.monotonic() }
    }

    /// Tells people something.
    pub(super) fn say(&mut self, level: NoticeLevel, text: String) {
        match level {
            NoticeLevel::Info => tracing::info!("{text}"),
            NoticeLevel::Warning => tracing::warn!("{text}"),
            NoticeLevel::Error => tracing::error!("{text}"),
        }
        self.state.notify(self.clock.now(), level, text);
    }

    /// Writes to the journal; `false` if it did not take it.
    pub(super) async fn journal(&mut self, entries: Vec<Entry>) -> bool {
        if entries.is_empty() {
            return true;
        }
        match self.journal.record(entries).await {
            Ok(records) => {
                self.state.journal_error.clear();
                self.show(&records);
                true
            }
            Err(error) => {
                self.state.journal_error = error.to_string();
                self.say(NoticeLevel::Error, error.to_string());
                false
            }
        }
    }

    fn show(&mut self, records: &[Record]) {
        for written in records {
            self.state.journal_line(record::line(written));
        }
    }

    /// One round of everything. Takes in `deliveries` while it waits for the store's answers.
    pub(super) async fn tick(&mut self, deliveries: Option<&mut mpsc::Receiver<Delivery>>) {
        let now = self.moment();
        self.ticked = now.wall;
        self.state.ticks += 1;
        self.state.forget();
        self.evaluate(now.wall, deliveries).await;
        if std::mem::take(&mut self.backfilled) {
            fleet::seed_capacity(&mut self.state, now.wall);
            super::absent::recall(&mut self.state, now.wall);
            self.forecasts.forget();
        }
        let events = planning::plan_all(&mut self.state, now);
        self.queue_events(events).await;
        self.call_for_urgent(now.wall);
        self.carry_out_days().await;
        advising::advise(&mut self.state, now.wall);
        self.ask_for_fans(now.wall);
        let observation = Arc::new(observation(&self.state, &self.pods, now.wall));
        let _ = self.jobs.try_send(Job::Observe(observation));
        let entries = learn::look_back(&mut self.state, now.wall);
        self.journal(entries).await;
        if now.wall.since(self.persisted) >= Duration::from_secs(60) {
            self.persist(now.wall);
        }
        self.keep_invariants().await;
        self.publish();
    }

    async fn evaluate(&mut self, now: Timestamp, deliveries: Option<&mut mpsc::Receiver<Delivery>>) {
        let scraped = evaluate::scraped();
        self.watch_pods(now);
        if self.scraped && self.is_time_to_ask() {
            self.scraped = false;
            let interval = evaluate::interval(&self.state.settings.scrape);
            let held = self.first_scrape.map_or(Duration::ZERO, |first| now.since(first));
            let window = young_span(interval, held);
            if self.queries.outdated(&self.state.store, window) {
                let store = &self.state.store;
                let has = |name: &str| store.has_metric(name);
                let specs = self.state.resolver.queries_over(&scraped, &has, interval, window);
                self.queries.choose(specs, store, window);
            }
            let answers = self.ask_store(now, deliveries).await;
            self.answers.insert(scraped, answers);
        }
        let answers: Vec<(SourceId, Vec<Answer>)> = std::mem::take(&mut self.answers).into_iter().collect();
        self.pods.take_in(&answers);
        let mut sets = self.state.resolver.resolve(now, &answers);
        if let Some(left) = self.filling(now) {
            evaluate::mark_filling(&mut sets, left);
        }
        usage::fill(&self.state, &mut sets, now);
        self.state.history.record(&sets, now);
        fleet::merge(&mut self.state, sets, now);
        partial::look(&mut self.state, now);
    }

    /// Whether the store is asked now. Who changes something watches what comes of it as closely as can be.
    fn is_time_to_ask(&self) -> bool {
        let busy = self.state.operations.values().any(|o| !o.state.is_final());
        let targets = &self.state.settings.scrape;
        let interval = targets.iter().map(|t| t.interval).min().unwrap_or_default();
        busy || self.pace.is_due(self.clock.monotonic(), interval.saturating_sub(self.state.tuning.tick))
    }

    /// Time until the store holds a whole rate window.
    fn filling(&self, now: Timestamp) -> Option<Duration> {
        let window = crate::signals::rate_span(evaluate::interval(&self.state.settings.scrape));
        let left = window.checked_sub(now.since(self.first_scrape?))?;
        (!left.is_zero()).then_some(left)
    }

    fn ask_for_fans(&mut self, now: Timestamp) {
        let history = &self.state.history;
        let from = now - Duration::from_secs(15 * 86_400);
        let step = Duration::from_secs(300);
        let demand = |id: &_| history.window(id, SignalKind::Demand, from, now, step);
        let errors = |id: &_| failing(history, id, now);
        let (settings, fleet) = (&self.state.settings, &self.state.fleet);
        let calendar = |id: &crate::fleet::WorkloadId| {
            let service = fleet.get(id).map_or("", |f| &*f.workload.service);
            settings.calendar_for(id, service)
        };
        self.forecasts.ask(fleet.keys(), now, demand, errors, calendar);
        self.state.advised.forecasting = self.forecasts.load(&self.state, now);
    }

    fn persist(&mut self, now: Timestamp) {
        let minute = |at: Timestamp| at.as_millis().div_euclid(60_000);
        let until = now.floor_to(Duration::from_secs(60));
        let points: Vec<SignalPoint> = self
            .state
            .history
            .export(self.persisted.floor_to(Duration::from_secs(60)))
            .filter(|(_, _, at, _)| *at < until)
            .map(|(workload, kind, at, value)| SignalPoint {
                workload: workload.to_string(),
                kind: kind.name().to_owned(),
                minute: minute(at),
                value,
            })
            .chain(self.state.learned.kpis.export(self.persisted, until))
            .collect();
        let keep_from = minute(now - self.state.tuning.keep_signals);
        if points.is_empty() || self.journal.store_signals(points, keep_from) {
            self.persisted = until;
        }
        let rows = self.state.learned.pool.rows_to_keep(now);
        if !rows.is_empty() {
            self.journal.store_remembered(rows, now - super::pooling::KEEP);
        }
        self.state.history.prune(now);
    }

    pub(super) fn publish(&mut self) {
        let view = Arc::new(publish::view(&self.state, self.clock.now()));
        self.recording.offer(&view);
        self.view.send_replace(view);
    }
}

/// How users fare, for the gates of operations. Only fresh values count.
pub(super) fn observation(state: &State, pods: &Pods, now: Timestamp) -> Observation {
    let readings = |facts: &super::state::WorkloadFacts| {
        let signals = &facts.signals;
        let demand = signals.fresh(SignalKind::Demand);
        let errors = signals.fresh(SignalKind::Errors);
        let ratio = errors.zip(demand).filter(|(_, d)| *d > 0.0).map(|(e, d)| (e / d).clamp(0.0, 1.0));
        let objective = &facts.workload.objective;
        let (pods_at, pods) = pods.readings(&facts.workload.id, now);
        Readings {
            at: signals.get(SignalKind::Demand).map_or(now, |s| s.at),
            demand,
            p95: signals.fresh(SignalKind::LatencyP95),
            error_ratio: ratio,
            burn: ratio.map(|r| objective.burn_rate(r)),
            p95_objective: Some(objective.latency().as_secs_f64()),
            pods_at,
            pods,
        }
    };
    Observation {
        at: now,
        workloads: state.fleet.iter().map(|(id, facts)| (id.clone(), readings(facts))).collect(),
        elsewhere: state
            .fleet
            .iter()
            .filter_map(|(id, facts)| Some((id.clone(), facts.around.needed()?)))
            .collect(),
        fleet_unready: state.unready(),
        fresh_sources: Some(state.fresh_sources(now)),
    }
}

impl State {
    /// Time pods of a workload took to warm up in the last operation that added some and measured it.
    pub fn learned_warm_up(&self, id: &WorkloadId) -> Option<Duration> {
        let took = |o: &crate::execution::Operation| {
            let stage = o.stages.iter().find(|s| s.kind == StageKind::WarmUp)?;
            Some(stage.ended?.since(stage.began?))
        };
        let here = |o: &&crate::execution::Operation| o.workload == *id && o.change.adds_pods();
        self.operations.values().filter(here).filter_map(took).next_back()
    }
}
