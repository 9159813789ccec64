//! Resizing through the executor on a world whose kubelets and Deployment controller do a few lines of their work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use weescale::approval::{Gate, Mode};
use weescale::clock::Clock;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{
    EntryKind, ExecutorConfig, Job, OperationState, Provider, Receipt, spawn, unfinished,
};
use weescale::fleet::{Context, Field};
use weescale::plan::Limits;
use weescale::series::Timestamp;

use super::play::{DEPLOYMENTS, observed};
use super::rig::{named, permit, resized};
use crate::approved::Memory;
use crate::kube_api::{KubeApi, World, deployment, node, sized_pod};

pub const PODS: &str = "v1/pods";
const SPEED: f64 = 60.0;
/// Longer than any operation lasts here on a machine that does much else.
const HANGS: Duration = Duration::from_secs(240);

/// How the world fares.
#[derive(Default)]
pub struct Weather {
    pub slow: AtomicBool,
    /// Pods of a new template crash.
    pub crash: AtomicBool,
    /// What kubelets say of a resize of this pod: name, reason, message.
    pub refuse: Mutex<Option<(String, &'static str, &'static str)>>,
}

pub struct Play {
    pub api: Arc<KubeApi>,
    receipts: mpsc::Receiver<Receipt>,
    journal: Memory,
    pub weather: Arc<Weather>,
    pub states: Vec<OperationState>,
    pub jobs: mpsc::Sender<Job>,
    clock: Clock,
    executor: JoinHandle<()>,
    tasks: JoinSet<()>,
}

pub fn asks(cpu: &str) -> Value {
    json!({ "requests": { "cpu": cpu, "memory": "256Mi" } })
}

/// Kubelets give running pods what they ask for.
pub fn kubelets(world: &mut World, weather: &Weather) {
    let refused = weather.refuse.lock().unwrap().clone();
    let pods: Vec<Value> =
        world.objects.iter().filter(|((r, ..), _)| r == PODS).map(|(_, pod)| pod.clone()).collect();
    for mut pod in pods {
        let asked = pod["spec"]["containers"][0]["resources"].clone();
        if pod["status"]["containerStatuses"][0]["resources"] == asked {
            if pod["status"]["conditions"].as_array().unwrap().len() > 2 {
                pod["status"]["conditions"].as_array_mut().unwrap().truncate(2);
                world.put(pod);
            }
            continue;
        }
        match &refused {
            Some((name, reason, message)) if pod["metadata"]["name"] == name.as_str() => {
                let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
                if conditions.len() > 2 {
                    continue;
                }
                conditions.push(json!({ "type": "PodResizePending", "status": "True", "reason": reason, "message": message }));
            }
            _ => pod["status"]["containerStatuses"][0]["resources"] = asked,
        }
        world.put(pod);
    }
}

/// The controller replaces one pod a look by one of the present template.
pub fn controller(world: &mut World, crash: bool) {
    let mut web = world.get(DEPLOYMENTS, "web");
    let template = web["spec"]["template"]["spec"]["containers"][0]["resources"].clone();
    let generation = web["metadata"]["generation"].as_i64().unwrap();
    if generation == 1 {
        return;
    }
    let set = format!("g{generation}");
    let pods: Vec<(String, bool)> = world
        .objects
        .iter()
        .filter(|((r, ..), _)| r == PODS)
        .map(|((.., name), pod)| {
            (name.clone(), pod["metadata"]["labels"]["pod-template-hash"] == set.as_str())
        })
        .collect();
    let old = pods.iter().find(|(_, new)| !new).cloned();
    let new = pods.iter().filter(|(_, new)| *new).count();
    let broken = crash && generation == 2;
    if let Some((name, _)) = old.filter(|_| !broken || new == 0) {
        world.delete(PODS, &name);
        let mut born = sized_pod(&format!("web-{set}-{new}"), "web", &template);
        born["metadata"]["labels"]["pod-template-hash"] = json!(set);
        born["metadata"]["ownerReferences"][0]["name"] = json!(format!("web-{set}"));
        if broken {
            born["status"]["conditions"][1]["status"] = json!("False");
            born["status"]["containerStatuses"][0]["restartCount"] = json!(4);
            born["status"]["containerStatuses"][0]["state"] =
                json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        }
        world.put(born);
    }
    let updated = world
        .objects
        .iter()
        .filter(|((r, ..), pod)| r == PODS && pod["metadata"]["labels"]["pod-template-hash"] == set.as_str())
        .count();
    let status = json!({ "observedGeneration": generation, "replicas": pods.len(), "updatedReplicas": updated,
        "readyReplicas": if broken { pods.len() - 1 } else { pods.len() } });
    if web["status"] != status {
        web["status"] = status;
        world.put(web);
    }
}

/// Approves a CPU request of `to` thousandths for a Deployment of `replicas` that ask for 250.
pub async fn begin(field: Field, to: u32, replicas: u32, prepare: impl FnOnce(&mut World)) -> Play {
    begin_at(SPEED, field, to, replicas, prepare).await
}

/// The same on a clock that is `speed` times as fast as the machine's. What the machine is to do within a deadline of the
/// operation, however busy it is, takes a slow one.
pub async fn begin_at(
    speed: f64,
    field: Field,
    to: u32,
    replicas: u32,
    prepare: impl FnOnce(&mut World),
) -> Play {
    let api = Arc::new(KubeApi::start().await);
    {
        let mut world = api.world();
        let mut web = deployment("web", "u-web", replicas);
        web["spec"]["template"]["spec"]["containers"][0]["resources"] = asks("250m");
        web["status"] = json!({ "observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas });
        world.put(web);
        world.put(node("node-a", "64"));
        (0..replicas).for_each(|i| world.put(sized_pod(&format!("web-64c9-{i:02}"), "web", &asks("250m"))));
    }
    let clock = Clock::accelerated(Timestamp::from_secs(1_900_000_000), speed);
    let provider = Arc::new(KubernetesProvider::new(api.settings()).unwrap());
    let web = named(&provider, "web").await;
    prepare(&mut api.world());
    let (jobs, inbox) = mpsc::channel(64);
    let (out, receipts) = mpsc::channel(256);
    let journal = Memory::default();
    let providers = [("kube".to_owned(), Arc::clone(&provider) as Arc<dyn Provider>)].into();
    let recorder = Arc::new(journal.clone());
    let executor = spawn(ExecutorConfig::default(), clock.clone(), providers, recorder, inbox, out);
    let weather = Arc::new(Weather::default());
    let mut tasks = JoinSet::new();
    tasks.spawn(world_goes_on(Arc::clone(&api), jobs.clone(), clock.clone(), Arc::clone(&weather)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let proposal = resized(&web, field, to);
    let permit = permit(&proposal, Limits::default(), clock.monotonic());
    jobs.send(Job::Start { proposal: Box::new(proposal), permit, warm_up: None }).await.unwrap();
    Play { api, receipts, journal, weather, states: Vec::new(), jobs, clock, executor, tasks }
}

async fn world_goes_on(api: Arc<KubeApi>, jobs: mpsc::Sender<Job>, clock: Clock, weather: Arc<Weather>) {
    loop {
        kubelets(&mut api.world(), &weather);
        controller(&mut api.world(), weather.crash.load(Ordering::SeqCst));
        let observation = observed(clock.now(), weather.slow.load(Ordering::SeqCst));
        if jobs.send(Job::Observe(Arc::new(observation))).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

impl Play {
    /// The process dies on the spot; the world goes on with `meanwhile`, and the next one takes up what it finds.
    pub async fn restart(mut self, meanwhile: impl FnOnce(&mut World)) -> Self {
        self.executor.abort();
        let _ = (&mut self.executor).await;
        self.tasks.abort_all();
        self.api.world().faults.clear();
        meanwhile(&mut self.api.world());
        let provider = Arc::new(KubernetesProvider::new(self.api.settings()).unwrap());
        named(&provider, "web").await;
        let (jobs, inbox) = mpsc::channel(64);
        let (out, receipts) = mpsc::channel(256);
        let providers = [("kube".to_owned(), provider as Arc<dyn Provider>)].into();
        let recorder = Arc::new(self.journal.clone());
        let executor = spawn(ExecutorConfig::default(), self.clock.clone(), providers, recorder, inbox, out);
        let (api, weather) = (Arc::clone(&self.api), Arc::clone(&self.weather));
        let mut tasks = JoinSet::new();
        tasks.spawn(world_goes_on(api, jobs.clone(), self.clock.clone(), weather));
        let open = unfinished(self.journal.0.lock().unwrap().iter());
        let gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
        for history in open {
            let mandate = gate.readmit(history.mandate.clone()).unwrap();
            jobs.send(Job::Adopt { history: Box::new(history), mandate }).await.unwrap();
        }
        Self { receipts, states: Vec::new(), jobs, executor, tasks, ..self }
    }

    /// Waits until an operation is as wished. Every operation has an end of its own; this only keeps a test from hanging.
    pub async fn until(&mut self, mut done: impl FnMut(&Receipt) -> bool) {
        let seen = tokio::time::timeout(HANGS, async {
            while let Some(receipt) = self.receipts.recv().await {
                if let Receipt::Operation(op) = &receipt {
                    self.states.push(op.state.clone());
                }
                if done(&receipt) {
                    return true;
                }
            }
            false
        });
        let seen = seen.await.unwrap_or(false);
        assert!(seen, "{:?}", self.states);
    }

    /// Values written, by the intents on record.
    pub fn written(&self) -> Vec<u32> {
        let entries = self.journal.0.lock().unwrap();
        let intents = entries.iter().filter(|e| e.kind == EntryKind::Intent);
        intents.map(|e| e.data.write.as_ref().unwrap().set).collect()
    }

    /// Sentences on record that have `part` in them.
    pub fn said(&self, part: &str) -> Vec<String> {
        let entries = self.journal.0.lock().unwrap();
        entries.iter().map(|e| e.text.clone()).filter(|t| t.contains(part)).collect()
    }

    /// Patches that were not rehearsals.
    pub fn sent(&self) -> usize {
        let world = self.api.world();
        world.seen.iter().filter(|s| s.method == "PATCH" && !s.path.contains("dryRun")).count()
    }

    /// What each pod asks for, by name.
    pub fn sizes(&self) -> Vec<String> {
        let world = self.api.world();
        let pods = world.objects.iter().filter(|((r, ..), _)| r == PODS);
        pods.map(|(_, p)| {
            p["spec"]["containers"][0]["resources"]["requests"]["cpu"].as_str().unwrap().to_owned()
        })
        .collect()
    }
}
