//! A rack of servers behind a real `HAProxy`, an executor, a journal and what it told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use weescale::approval::{Gate, Mode, OperationId, Person, Setting};
use weescale::clock::Clock;
use weescale::execution::providers::{HaproxyAddress, HaproxyManager, SeveralHaproxies};
use weescale::execution::{
    Backend, EntryKind, ExecutorConfig, Job, LeaseState, Matching, Observation, OperationState, Pacing,
    Provider, Readings, Receipt, Traffic, TrafficManager, TrafficManagers, TrafficRules, spawn, unfinished,
};
use weescale::fleet::{Context, Field, WorkloadId};
use weescale::plan::Limits;

use super::approved::{Memory, preconditions, proposal};
use super::rack::Rack;
use super::support::Peer;

const SLOTS: usize = 6;
/// Longest wait for anything; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Quick, and otherwise as by default.
pub fn rules() -> TrafficRules {
    TrafficRules {
        slow_start: Duration::from_secs(2),
        steps: 5,
        drain: Duration::from_secs(20),
        matching: Matching::Address,
    }
}

fn pacing(behind: &str) -> Pacing {
    let millis = Duration::from_millis;
    // The patience with a slow start, of the machine's time: a busy machine stalls for seconds. Where no weight is taken the
    // operation asks when it is over.
    let shift = if behind == "fixed" { millis(1500) } else { millis(30_000) };
    Pacing {
        poll: millis(100),
        warm_guess: millis(200),
        shift,
        settle: millis(1000),
        read_back: millis(2000),
        back_off: millis(200),
        ..Pacing::default()
    }
}

/// Everything.
pub struct Scene {
    pub rack: Rack,
    haproxy: Peer,
    /// Another one in front of the same servers, with its folder.
    second: Option<(Peer, PathBuf)>,
    dir: PathBuf,
    behind: &'static str,
    clock: Clock,
    gate: Gate,
    journal: Memory,
    rules: Option<TrafficRules>,
    jobs: mpsc::Sender<Job>,
    receipts: mpsc::Receiver<Receipt>,
    running: Vec<JoinHandle<()>>,
    pub state: Option<OperationState>,
    pub lease: Option<LeaseState>,
    troubles: Vec<String>,
}

fn config(addr: SocketAddr, dir: &Path, rack: &Rack, behind: &str) -> Vec<String> {
    let d = dir.display();
    let servers: String = rack
        .addresses()
        .iter()
        .enumerate()
        .map(|(i, a)| format!("  server s{} {a} weight 100 check inter 100ms fall 2 rise 1\n", i + 1))
        .collect();
    // Neither retries nor redispatch: what goes wrong is seen by the client.
    let text = format!(
        "global\n  stats socket {d}/admin.sock level admin\n  stats socket {d}/operator.sock level operator\n\
         defaults\n  mode http\n  retries 0\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n\
         frontend front\n  bind {addr}\n  http-request return status 200 if {{ path /ready }}\n  default_backend {behind}\n\
         backend shop\n  balance roundrobin\n{servers}backend fixed\n  balance source\n{servers}"
    );
    let file = dir.join("haproxy.cfg");
    std::fs::write(&file, text).unwrap();
    vec!["-db".into(), "-f".into(), file.display().to_string()]
}

impl Scene {
    /// `replicas` servers behind `HAProxy`; `None` where it is not installed. Without rules the executor does not know of it.
    pub fn start(replicas: u32, rules: Option<TrafficRules>) -> Option<Self> {
        Self::start_behind("shop", replicas, rules)
    }

    pub fn start_behind(behind: &'static str, replicas: u32, rules: Option<TrafficRules>) -> Option<Self> {
        Self::start_with(behind, replicas, rules, false)
    }

    /// Behind two of them.
    pub fn start_on_two(replicas: u32, rules: TrafficRules) -> Option<Self> {
        Self::start_with("shop", replicas, Some(rules), true)
    }

    fn start_with(
        behind: &'static str,
        replicas: u32,
        rules: Option<TrafficRules>,
        two: bool,
    ) -> Option<Self> {
        let rack = Rack::new(SLOTS, replicas);
        let start = || {
            let mut dir = PathBuf::new();
            let haproxy = Peer::start("haproxy", "/ready", |addr, path| {
                path.clone_into(&mut dir);
                config(addr, path, &rack, behind)
            });
            haproxy.map(|h| (h, dir))
        };
        let (haproxy, dir) = start()?;
        let second = if two { Some(start()?) } else { None };
        let clock = Clock::real();
        let gate = Gate::new(Mode::Ask, Context { name: "test".into(), protected: false });
        let (jobs, receipts) = (mpsc::channel(1).0, mpsc::channel(1).1);
        let journal = Memory::default();
        let mut scene = Self {
            rack,
            haproxy,
            second,
            dir,
            behind,
            clock,
            gate,
            journal,
            rules,
            jobs,
            receipts,
            running: Vec::new(),
            state: None,
            lease: None,
            troubles: Vec::new(),
        };
        scene.process();
        Some(scene)
    }

    fn process(&mut self) {
        let (jobs, inbox) = mpsc::channel(64);
        let (to, receipts) = mpsc::channel(4096);
        let mut traffic = TrafficManagers::default();
        if let Some(rules) = self.rules {
            let manager: Arc<dyn TrafficManager> = match self.both() {
                Some(both) => Arc::new(both),
                None => Arc::new(self.manager("admin.sock", self.behind)),
            };
            traffic.0.insert("shop/checkout".into(), Traffic { manager, rules });
        }
        let config = ExecutorConfig { pacing: pacing(self.behind), traffic, ..ExecutorConfig::default() };
        let providers = [("rack".to_owned(), Arc::new(self.rack.clone()) as Arc<dyn Provider>)].into();
        let journal = Arc::new(self.journal.clone());
        let executor = spawn(config, self.clock.clone(), providers, journal, inbox, to);
        let (clock, tell) = (self.clock.clone(), jobs.clone());
        let observer = tokio::spawn(async move {
            loop {
                let at = clock.now();
                let readings = Readings {
                    at,
                    demand: Some(100.0),
                    p95: Some(0.03),
                    error_ratio: Some(0.0),
                    burn: Some(0.1),
                    p95_objective: Some(0.3),
                    ..Readings::default()
                };
                let workloads = [(WorkloadId::new("shop", "checkout", ""), readings)].into();
                let (fleet_unready, fresh_sources) = (Some(0.0), Some(1.0));
                let told =
                    Observation { at, workloads, fleet_unready, fresh_sources, ..Observation::default() };
                let _ = tell.send(Job::Observe(Arc::new(told))).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        self.running = vec![executor, observer];
        (self.jobs, self.receipts) = (jobs, receipts);
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.haproxy.addr()
    }

    /// A file beside `HAProxy`'s.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn manager(&self, socket: &str, backend: &str) -> HaproxyManager {
        HaproxyManager::new(HaproxyAddress::Unix(self.path(socket)), backend).unwrap()
    }

    /// Both as one, where there are two.
    pub fn both(&self) -> Option<SeveralHaproxies> {
        let (_, dir) = self.second.as_ref()?;
        let socket = HaproxyAddress::Unix(dir.join("admin.sock"));
        let second = HaproxyManager::new(socket, self.behind).unwrap();
        Some(SeveralHaproxies::new(vec![self.manager("admin.sock", self.behind), second]))
    }

    /// Where clients of the second one connect.
    pub fn second_addr(&self) -> SocketAddr {
        self.second.as_ref().unwrap().0.addr()
    }

    /// How its servers are called.
    pub fn on_second(&self, server: &str) -> String {
        format!("{server}@{}", self.second.as_ref().unwrap().1.join("admin.sock").display())
    }

    /// How the first one's servers are called where there are two.
    pub fn on_first(&self, server: &str) -> String {
        format!("{server}@{}", self.path("admin.sock").display())
    }

    /// The second one dies.
    pub fn lose_second(&mut self) {
        self.second.as_mut().unwrap().0.kill();
    }

    /// The backend now, once `HAProxy` has seen all its servers.
    pub async fn backend(&self) -> Backend {
        if let Some(both) = self.both() {
            return both.look().await.unwrap();
        }
        self.manager("admin.sock", self.behind).look().await.unwrap()
    }

    /// Sends a command without the code under test.
    pub async fn ask(&self, command: &str) -> String {
        let mut stream = tokio::net::UnixStream::connect(self.path("admin.sock")).await.unwrap();
        stream.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Approves `to` replicas for so long, once `HAProxy` sees what runs.
    pub async fn approve(&mut self, to: u32, lease: Duration) {
        let began = self.clock.monotonic();
        let copies = 1 + usize::from(self.second.is_some());
        let expected = self.rack.replicas() as usize * copies;
        while self.backend().await.servers.iter().filter(|s| s.up).count() != expected {
            assert!(self.clock.monotonic().since(began) < PATIENCE, "haproxy does not see the servers");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Readings of users from before the change.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let state = self.rack.read("u-1").await.unwrap();
        let (now, mono) = (self.clock.now(), self.clock.monotonic());
        let proposal = proposal(&state, "rack", (Field::Replicas, to), now + lease, (now, mono));
        let limits = Limits { step_down_ratio: 0.5, ..Limits::default() };
        let facts = preconditions(&state.owner, limits);
        let person = Person { uid: 0, name: "ann".into() };
        let permit = self.gate.approve(&proposal, &proposal.hash(), None, &person, mono, facts).unwrap();
        let job = Job::Start { proposal: Box::new(proposal), permit, warm_up: None };
        self.jobs.send(job).await.unwrap();
    }

    pub async fn wish(&self, job: fn(OperationId, String) -> Job) {
        self.jobs.send(job(OperationId::new("op-1"), "bob".into())).await.unwrap();
    }

    /// Takes in what the executor tells until `done`.
    pub async fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let began = self.clock.monotonic();
        while !done(self) {
            assert!(
                self.clock.monotonic().since(began) < PATIENCE,
                "{:?} {:?} {:?}\n{}",
                self.state,
                self.lease,
                self.troubles,
                self.told()
            );
            match tokio::time::timeout(Duration::from_millis(20), self.receipts.recv()).await {
                Ok(Some(Receipt::Operation(op))) => self.state = Some(op.state),
                Ok(Some(Receipt::Lease(lease))) => self.lease = Some(lease.state),
                Ok(Some(Receipt::Trouble { text, .. } | Receipt::Halted(text))) => self.troubles.push(text),
                Ok(None) => panic!("the executor ended"),
                Err(_) => {}
            }
        }
    }

    fn told(&self) -> String {
        let entries = self.journal.0.lock().unwrap();
        entries.iter().map(|e| format!("  {} {}\n", e.kind.word(), e.text)).collect()
    }

    /// Turns of one server that were intended and took effect, in order.
    pub fn turns(&self, server: &str) -> Vec<String> {
        let entries = self.journal.0.lock().unwrap();
        let done = |key: &str| {
            entries
                .iter()
                .any(|e| e.data.turn.as_ref().is_some_and(|t| t.key == key && t.outcome == "applied"))
        };
        let intents = entries.iter().filter(|e| e.kind == EntryKind::Intent);
        let turns = intents.filter_map(|e| e.data.turn.as_ref());
        turns.filter(|t| t.server == server && done(&t.key)).map(|t| t.set.words()).collect()
    }

    /// Waits until the journal holds nothing that was turned and not given back.
    pub async fn settled(&mut self) {
        self.until(|s| {
            let entries = s.journal.0.lock().unwrap();
            let mut ledger = weescale::execution::Ledger::default();
            entries.iter().filter_map(|e| e.data.turn.as_ref()).for_each(|t| ledger.take(t));
            ledger.is_settled()
        })
        .await;
    }

    /// Every server is as configured, by `HAProxy`'s own word.
    pub async fn given_back(&mut self) {
        self.settled().await;
        for server in self.backend().await.servers {
            assert!(!server.draining && server.shows(Setting::Weight(100)), "{server:?}\n{}", self.told());
        }
    }

    /// Every server of the first one is as configured, by its own word, while nothing answers for the second.
    pub async fn given_back_on_first(&mut self) {
        let began = self.clock.monotonic();
        loop {
            let servers = self.manager("admin.sock", self.behind).look().await.unwrap().servers;
            if servers.iter().all(|s| !s.draining && s.shows(Setting::Weight(100))) {
                return;
            }
            assert!(self.clock.monotonic().since(began) < PATIENCE, "{servers:?}\n{}", self.told());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// As kill -9 ends it.
    pub async fn kill(&mut self) {
        for task in self.running.drain(..) {
            task.abort();
            let _ = task.await;
        }
        self.state = None;
    }

    /// A new process on the same journal.
    pub async fn restart(&mut self) {
        self.process();
        let open = unfinished(self.journal.0.lock().unwrap().iter());
        assert_eq!(open.len(), 1);
        for history in open {
            let mandate = self.gate.readmit(history.mandate.clone()).unwrap();
            self.jobs.send(Job::Adopt { history: Box::new(history), mandate }).await.unwrap();
        }
    }
}
