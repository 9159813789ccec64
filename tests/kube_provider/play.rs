//! A rollout through the executor on a world that goes on: what controllers do to pods is done here in a few lines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use weescale::clock::Clock;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{
    EntryKind, ExecutorConfig, Job, Observation, OperationState, Provider, Readings, Receipt, spawn,
};
use weescale::fleet::{Field, WorkloadId};
use weescale::plan::Limits;
use weescale::series::Timestamp;

use super::rig::{named, permit, proposal};
use crate::approved::Memory;
use crate::kube_api::{KubeApi, World, deployment, hpa, node, pod};

pub const DEPLOYMENTS: &str = "apps/v1/deployments";
pub const HPAS: &str = "autoscaling/v2/horizontalpodautoscalers";
pub const SCALED: &str = "keda.sh/v1alpha1/scaledobjects";
/// A minute of the operation's time a second.
const SPEED: f64 = 60.0;

/// What users feel, how new pods fare, and how many replicas the load asks for.
#[derive(Default)]
pub struct Weather {
    pub crash: AtomicBool,
    pub slow: AtomicBool,
    /// No pod can be made.
    pub stuck: AtomicBool,
    pub wanted: AtomicU64,
}

/// The HPA that KEDA makes.
pub fn made_by_keda() -> Value {
    let mut made = hpa("keda-hpa-web", "h-keda", "web", 3, 12);
    made["metadata"]["ownerReferences"] =
        json!([{ "kind": "ScaledObject", "name": "web", "controller": true }]);
    made
}

/// KEDA passes on to its HPA what stands on its object.
fn keda(world: &mut World) {
    let Some(scaled) = world.find(SCALED, "web") else { return };
    let pinned = &scaled["metadata"]["annotations"]["autoscaling.keda.sh/paused-replicas"];
    match (pinned.as_str(), world.find(HPAS, "keda-hpa-web")) {
        (Some(_), Some(_)) => return world.delete(HPAS, "keda-hpa-web"),
        (Some(_), None) => return,
        (None, None) => world.put(made_by_keda()),
        (None, Some(_)) => {}
    }
    let held = scaled["metadata"]["annotations"]["autoscaling.keda.sh/paused-scale-in"] == "true";
    let min = scaled["spec"]["minReplicaCount"].as_u64().unwrap_or(1);
    let mut hpa = world.get(HPAS, "keda-hpa-web");
    let policy = if held { "Disabled" } else { "Max" };
    let as_told = json!({ "scaleDown": { "selectPolicy": policy } });
    if hpa["spec"]["minReplicas"] != json!(min) || hpa["spec"]["behavior"] != as_told {
        hpa["spec"]["minReplicas"] = json!(min);
        hpa["spec"]["behavior"] = as_told;
        world.put(hpa);
    }
}

/// The autoscaler follows the load within its bounds and behaviour, the Deployment has its pods.
pub fn control(world: &mut World, wanted: u64, crash: bool, stuck: bool) {
    keda(world);
    let mine = |key: &str| key == "web" || key == "keda-hpa-web";
    let hpa = world.objects.iter().find(|((r, _, n), _)| r == HPAS && mine(n)).map(|(_, hpa)| hpa.clone());
    let mut web = world.get(DEPLOYMENTS, "web");
    // Without an HPA the count stays where it is.
    let hpa = hpa.unwrap_or_else(|| json!({ "spec": { "minReplicas": web["spec"]["replicas"] } }));
    let pinned = hpa.get("metadata").is_none();
    let mut floor = hpa["spec"]["minReplicas"].as_u64().unwrap().max(if pinned { 0 } else { wanted });
    if hpa["spec"]["behavior"]["scaleDown"]["selectPolicy"] == "Disabled" {
        floor = floor.max(web["spec"]["replicas"].as_u64().unwrap());
    }
    let mine = |object: &Value| object["metadata"]["labels"]["app"] == "web";
    let pods: Vec<String> = world
        .objects
        .iter()
        .filter(|((resource, ..), object)| resource == "v1/pods" && mine(object))
        .map(|((_, _, name), _)| name.clone())
        .collect();
    let ready = world.objects.iter().filter(|((r, ..), o)| r == "v1/pods" && mine(o)).filter(|(_, o)| {
        let conditions = o["status"]["conditions"].as_array().unwrap();
        conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
    });
    let ready = ready.count();
    let made = if stuck { pods.len() } else { floor as usize };
    for i in pods.len()..made {
        let mut born = pod(&format!("web-64c9-new{i}"), "web");
        if crash {
            born["status"]["conditions"][1]["status"] = json!("False");
            born["status"]["containerStatuses"] = json!([{ "name": "web", "restartCount": 4,
                "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } } }]);
        }
        world.put(born);
    }
    for name in pods.iter().skip(floor as usize) {
        world.delete("v1/pods", name);
    }
    if web["spec"]["replicas"] != json!(floor) || web["status"]["readyReplicas"] != json!(ready) {
        web["spec"]["replicas"] = json!(floor);
        web["status"] = json!({ "replicas": floor, "readyReplicas": ready });
        world.put(web);
    }
}

pub struct Rollout {
    pub api: Arc<KubeApi>,
    pub jobs: mpsc::Sender<Job>,
    receipts: mpsc::Receiver<Receipt>,
    journal: Memory,
    pub weather: Arc<Weather>,
    pub states: Vec<OperationState>,
    _tasks: JoinSet<()>,
}

/// Approves `field` of a Deployment of `wanted` replicas, which is as `prepare` makes it.
pub async fn begin(
    (field, to): (Field, u32),
    wanted: u32,
    prepare: impl FnOnce(&mut World),
    crash: bool,
) -> Rollout {
    let api = Arc::new(KubeApi::start().await);
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", wanted));
        prepare(&mut world);
        world.put(node("node-a", "64"));
        (0..wanted).for_each(|i| world.put(pod(&format!("web-64c9-old{i}"), "web")));
    }
    let clock = Clock::accelerated(Timestamp::from_secs(1_900_000_000), SPEED);
    let provider = Arc::new(KubernetesProvider::new(api.settings()).unwrap());
    let web = named(&provider, "web").await;
    let (jobs, inbox) = mpsc::channel(64);
    let (out, receipts) = mpsc::channel(256);
    let journal = Memory::default();
    let providers = [("kube".to_owned(), Arc::clone(&provider) as Arc<dyn Provider>)].into();
    spawn(ExecutorConfig::default(), clock.clone(), providers, Arc::new(journal.clone()), inbox, out);
    let weather = Arc::new(Weather::default());
    weather.crash.store(crash, Ordering::SeqCst);
    weather.wanted.store(wanted.into(), Ordering::SeqCst);
    let mut tasks = JoinSet::new();
    tasks.spawn(world_goes_on(Arc::clone(&api), jobs.clone(), clock.clone(), Arc::clone(&weather)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let until = clock.now() + Duration::from_secs(4 * 3600);
    let proposal = proposal(&web, field, to, until);
    let permit = permit(&proposal, Limits { min: 1, max: 20, ..Limits::default() }, clock.monotonic());
    jobs.send(Job::Start { proposal: Box::new(proposal), permit, warm_up: None }).await.unwrap();
    Rollout { api, jobs, receipts, journal, weather, states: Vec::new(), _tasks: tasks }
}

/// What users of `web` feel: well or slow.
pub fn observed(at: Timestamp, slow: bool) -> Observation {
    let readings = Readings {
        at,
        demand: Some(100.0),
        p95: Some(if slow { 0.9 } else { 0.1 }),
        error_ratio: Some(0.001),
        burn: Some(0.2),
        p95_objective: Some(0.3),
        ..Readings::default()
    };
    let workloads = BTreeMap::from([(WorkloadId::new("shop", "web", ""), readings)]);
    Observation {
        at,
        workloads,
        fleet_unready: Some(0.0),
        fresh_sources: Some(1.0),
        ..Observation::default()
    }
}

async fn world_goes_on(api: Arc<KubeApi>, jobs: mpsc::Sender<Job>, clock: Clock, weather: Arc<Weather>) {
    loop {
        control(
            &mut api.world(),
            weather.wanted.load(Ordering::SeqCst),
            weather.crash.load(Ordering::SeqCst),
            weather.stuck.load(Ordering::SeqCst),
        );
        let observation = observed(clock.now(), weather.slow.load(Ordering::SeqCst));
        if jobs.send(Job::Observe(Arc::new(observation))).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

impl Rollout {
    /// Waits until an operation or lease is as wished.
    pub async fn until(&mut self, mut done: impl FnMut(&Receipt) -> bool) {
        let seen = tokio::time::timeout(Duration::from_secs(60), async {
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

    pub fn floor(&self) -> Value {
        self.api.world().get(HPAS, "web")["spec"]["minReplicas"].clone()
    }

    /// Values written, by the intents on record.
    pub fn written(&self) -> Vec<u32> {
        let entries = self.journal.0.lock().unwrap();
        let intents = entries.iter().filter(|e| e.kind == EntryKind::Intent);
        intents.map(|e| e.data.write.as_ref().unwrap().set).collect()
    }
}

/// The end of an operation.
pub fn ended(receipt: &Receipt) -> bool {
    matches!(receipt, Receipt::Operation(op) if op.state.is_final())
}
