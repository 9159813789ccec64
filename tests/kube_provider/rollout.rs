//! A whole rollout through the executor: staged, watched, kept as a lease and given back; and undone when new pods
//! crash or users are hurt. What controllers do to pods is done here in a few lines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use weescale::approval::LeaseNote;
use weescale::clock::Clock;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{
    Entry, EntryKind, ExecutorConfig, Job, LeaseState, Observation, OperationId, OperationState, Pending,
    Provider, Readings, Receipt, RecordError, Recorder, spawn,
};
use weescale::fleet::{Field, WorkloadId};
use weescale::plan::Limits;
use weescale::series::Timestamp;

use super::rig::{named, permit, proposal};
use crate::kube_api::{KubeApi, World, deployment, hpa, node, pod};

const DEPLOYMENTS: &str = "apps/v1/deployments";
const HPAS: &str = "autoscaling/v2/horizontalpodautoscalers";
/// A minute of the operation's time a second.
const SPEED: f64 = 60.0;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Entry>>>);

impl Recorder for Memory {
    fn record(&self, entry: Entry) -> Pending<'_, Result<(), RecordError>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(entry);
            Ok(())
        })
    }
}

/// What users feel, and how new pods fare.
#[derive(Default)]
struct Weather {
    crash: AtomicBool,
    slow: AtomicBool,
}

/// The autoscaler keeps to its minimum, the Deployment has its pods.
fn control(world: &mut World, crash: bool) {
    let floor = world.get(HPAS, "web")["spec"]["minReplicas"].as_u64().unwrap().max(3);
    let mut web = world.get(DEPLOYMENTS, "web");
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
    for i in pods.len()..floor as usize {
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

struct Rollout {
    api: Arc<KubeApi>,
    jobs: mpsc::Sender<Job>,
    receipts: mpsc::Receiver<Receipt>,
    journal: Memory,
    weather: Arc<Weather>,
    states: Vec<OperationState>,
    _tasks: JoinSet<()>,
}

/// Approves a floor of 8 under a Deployment of 3.
async fn begin(crash: bool) -> Rollout {
    let api = Arc::new(KubeApi::start().await);
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 3));
        world.put(hpa("web", "h-web", "web", 3, 12));
        world.put(node("node-a", "64"));
        (0..3).for_each(|i| world.put(pod(&format!("web-64c9-old{i}"), "web")));
    }
    let clock = Clock::accelerated(Timestamp::from_secs(1_900_000_000), SPEED);
    let provider = Arc::new(KubernetesProvider::new(api.settings()).unwrap());
    let web = named(&provider, "web").await;
    let (jobs, inbox) = mpsc::channel(64);
    let (to, receipts) = mpsc::channel(256);
    let journal = Memory::default();
    let providers = [("kube".to_owned(), Arc::clone(&provider) as Arc<dyn Provider>)].into();
    spawn(ExecutorConfig::default(), clock.clone(), providers, Arc::new(journal.clone()), inbox, to);
    let weather = Arc::new(Weather::default());
    weather.crash.store(crash, Ordering::SeqCst);
    let mut tasks = JoinSet::new();
    tasks.spawn(world_goes_on(Arc::clone(&api), jobs.clone(), clock.clone(), Arc::clone(&weather)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let until = clock.now() + Duration::from_secs(4 * 3600);
    let proposal = proposal(&web, Field::MinReplicas, 8, until);
    let permit = permit(&proposal, Limits { min: 1, max: 20, ..Limits::default() }, clock.monotonic());
    jobs.send(Job::Start { proposal: Box::new(proposal), permit, warm_up: None }).await.unwrap();
    Rollout { api, jobs, receipts, journal, weather, states: Vec::new(), _tasks: tasks }
}

async fn world_goes_on(api: Arc<KubeApi>, jobs: mpsc::Sender<Job>, clock: Clock, weather: Arc<Weather>) {
    loop {
        control(&mut api.world(), weather.crash.load(Ordering::SeqCst));
        let p95 = if weather.slow.load(Ordering::SeqCst) { 0.9 } else { 0.1 };
        let at = clock.now();
        let readings = Readings {
            at,
            demand: Some(100.0),
            p95: Some(p95),
            error_ratio: Some(0.001),
            burn: Some(0.2),
            p95_objective: Some(0.3),
            ..Readings::default()
        };
        let workloads = BTreeMap::from([(WorkloadId::new("shop", "web", ""), readings)]);
        let observation = Observation { at, workloads, fleet_unready: Some(0.0), fresh_sources: Some(1.0) };
        if jobs.send(Job::Observe(Arc::new(observation))).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

impl Rollout {
    /// Waits until an operation or lease is as wished.
    async fn until(&mut self, mut done: impl FnMut(&Receipt) -> bool) {
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

    fn floor(&self) -> Value {
        self.api.world().get(HPAS, "web")["spec"]["minReplicas"].clone()
    }

    /// Values written, by the intents on record.
    fn written(&self) -> Vec<u32> {
        let entries = self.journal.0.lock().unwrap();
        let intents = entries.iter().filter(|e| e.kind == EntryKind::Intent);
        intents.map(|e| e.data.write.as_ref().unwrap().set).collect()
    }
}

fn ended(receipt: &Receipt) -> bool {
    matches!(receipt, Receipt::Operation(op) if op.state.is_final())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_raised_in_stages_kept_and_given_back() {
    let mut r = begin(false).await;
    r.until(ended).await;
    assert_eq!(r.states.last(), Some(&OperationState::Kept), "{:?}", r.states);
    assert_eq!((r.floor(), r.written()), (json!(8), vec![6, 8]));
    let note = r.api.world().get(HPAS, "web")["metadata"]["annotations"].clone();
    assert_eq!(note[LeaseNote::PREVIOUS], "3");
    r.jobs.send(Job::Release(OperationId::new("op-1"), "bob".into())).await.unwrap();
    r.until(|receipt| matches!(receipt, Receipt::Lease(l) if matches!(l.state, LeaseState::Restored { .. })))
        .await;
    assert_eq!((r.floor(), r.written()), (json!(3), vec![6, 8, 3]));
    let world = r.api.world();
    assert!(world.get(HPAS, "web")["metadata"]["annotations"].get(LeaseNote::UNTIL).is_none());
    let sent = world.seen.iter().filter(|s| s.method == "PATCH" && !s.path.contains("dryRun"));
    assert_eq!(sent.count(), 3, "each write was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_crash_take_the_floor_back() {
    let mut r = begin(true).await;
    r.until(ended).await;
    let last = r.states.last().unwrap();
    assert!(
        matches!(last, OperationState::RolledBack { why } if why.contains("CrashLoopBackOff")),
        "{last:?}"
    );
    assert_eq!((r.floor(), r.written()), (json!(3), vec![6, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_are_hurt_take_the_floor_back() {
    let mut r = begin(false).await;
    // All is well until the change is there.
    r.until(|receipt| {
        matches!(receipt, Receipt::Operation(op)
            if op.current_stage().is_some_and(|s| s.kind == weescale::execution::StageKind::Validate))
    })
    .await;
    r.weather.slow.store(true, Ordering::SeqCst);
    r.until(ended).await;
    let last = r.states.last().unwrap();
    assert!(matches!(last, OperationState::RolledBack { why } if why.contains("p95")), "{last:?}");
    assert_eq!((r.floor(), r.written()), (json!(3), vec![6, 8, 3]));
}
