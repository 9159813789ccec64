//! kill −9 of a real process amid a resize of pods and amid a step of a count, on a cluster that goes on.
//!
//! The parent holds the cluster; the child is this same test binary: an executor on a journal file, told to begin or to
//! take up what the journal tells of, by a person who says go on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use weescale::approval::{Gate, Mode};
use weescale::clock::Clock;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{
    Entry, EntryKind, ExecutorConfig, Job, OperationState, Pending, Provider, Receipt, RecordError, Recorder,
    spawn, unfinished,
};
use weescale::fleet::{Context, Field};
use weescale::journal::{self, Integrity, Journal, JournalHandle, Kind, verify};
use weescale::plan::Limits;
use weescale::series::Timestamp;

use super::play::{DEPLOYMENTS, control, observed};
use super::rig::{named, permit, proposal, resized};
use super::size_play::{PODS, Weather, asks, controller, kubelets};
use crate::kube_api::{KubeApi, deployment, node, pod, sized_pod};
use crate::recorded::entries;

const CHILD: &str = "WEESCALE_KUBE_KILL_CHILD";
const SPEED: f64 = 60.0;
/// Rollouts of each kind in an ordinary run; `WEESCALE_KILLS=30` sets another number.
const ROLLOUTS: usize = 3;
/// Kills of one rollout, before it is left alone.
const KILLS: usize = 4;

/// The journal file, for the executor.
struct OnDisk(JournalHandle);

impl Recorder for OnDisk {
    fn record(&self, entry: Entry) -> Pending<'_, Result<(), RecordError>> {
        Box::pin(async move {
            let kind = Kind::parse(entry.kind.word()).unwrap();
            let body = serde_json::to_value(&entry).unwrap();
            let record = journal::Entry::new(kind, entry.text.clone(), body);
            self.0.record(vec![record]).await.map(drop).map_err(|e| RecordError(e.to_string()))
        })
    }
}

/// The child. Does nothing when run as a test.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(brief) = std::env::var(CHILD) else { return };
    let brief: Value = serde_json::from_str(&brief).unwrap();
    let path = std::path::PathBuf::from(brief["journal"].as_str().unwrap());
    let mut settings = weescale::execution::providers::KubernetesSettings::new("kube");
    settings.kubeconfig = Some(brief["config"].as_str().unwrap().into());
    let clock = Clock::accelerated(Timestamp::from_secs(1_900_000_000), SPEED);
    let provider = Arc::new(KubernetesProvider::new(settings).unwrap());
    let web = named(&provider, "web").await;
    let open = if path.exists() { unfinished(entries(&path).iter()) } else { Vec::new() };
    let file = journal::spawn(Journal::open(&path).unwrap(), Clock::real()).unwrap();
    let (jobs, inbox) = mpsc::channel(64);
    let (out, mut receipts) = mpsc::channel(256);
    let providers = [("kube".to_owned(), provider as Arc<dyn Provider>)].into();
    spawn(ExecutorConfig::default(), clock.clone(), providers, Arc::new(OnDisk(file)), inbox, out);
    let (told, at) = (jobs.clone(), clock.clone());
    tokio::spawn(async move {
        while told.send(Job::Observe(Arc::new(observed(at.now(), false)))).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    if open.is_empty() {
        let resize = brief["resize"] == true;
        let made = if resize {
            resized(&web, Field::CpuPods, 400)
        } else {
            proposal(&web, Field::Replicas, 16, clock.now() + Duration::from_secs(4 * 3600))
        };
        let permit = permit(&made, Limits { min: 1, max: 20, ..Limits::default() }, clock.monotonic());
        jobs.send(Job::Start { proposal: Box::new(made), permit, warm_up: None }).await.unwrap();
    }
    let gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
    for history in open {
        let mandate = gate.readmit(history.mandate.clone()).unwrap();
        jobs.send(Job::Adopt { history: Box::new(history), mandate }).await.unwrap();
    }
    let (mut seen, mut asked) = (0, BTreeSet::new());
    while let Some(receipt) = receipts.recv().await {
        let Receipt::Operation(op) = receipt else { continue };
        let ours = op.checkpoint.map_or(0, |c| c.ours);
        if ours > seen {
            seen = ours;
            println!("wrote {ours}");
        }
        if let OperationState::Paused { why } = &op.state
            && asked.insert(why.clone())
        {
            jobs.send(Job::Resume(op.id.clone(), "ann".into())).await.unwrap();
        }
        if op.state.is_final() {
            println!("over {}", op.state.label());
            return;
        }
    }
}

/// Runs a child; kills it `delay` after it wrote something, or after its start. How it ended, if by itself.
fn run(brief: &Value, kill: Option<(bool, Duration)>) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kube_provider::killed::child", "--exact", "--nocapture"])
        .env(CHILD, brief.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = std::sync::mpsc::sync_channel(1024);
    let reader = std::thread::spawn(move || {
        let mut over = None;
        for line in out.lines().map_while(Result::ok) {
            if line.contains("wrote") {
                let _ = tell.try_send(());
            }
            over = line.split_once("over ").map(|(_, state)| state.to_owned()).or(over);
        }
        over
    });
    if let Some((after_a_write, delay)) = kill {
        if after_a_write {
            let _ = told.recv_timeout(Duration::from_secs(20));
        }
        std::thread::sleep(delay);
        // SIGKILL.
        let _ = child.kill();
    } else {
        let clock = Clock::real();
        let began = clock.monotonic();
        while child.try_wait().unwrap().is_none() && clock.monotonic().since(began) < Duration::from_secs(90)
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
    }
    child.wait().unwrap();
    reader.join().unwrap()
}

/// What every object had in turn, by its name: the field at `at` of objects of `resource`.
fn values(api: &KubeApi, resource: &str, at: &str) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for happened in api.world().history.iter().filter(|h| h.key.0 == resource) {
        let had = all.entry(happened.key.2.clone()).or_default();
        let value = happened.object.pointer(at).cloned().unwrap_or_default();
        if had.last() != Some(&value) {
            had.push(value);
        }
    }
    all
}

/// One rollout that is killed again and again, and then left alone. How often it was killed before it was over.
async fn rollout(resize: bool, seed: u64) -> usize {
    let api = Arc::new(KubeApi::start().await);
    {
        let mut world = api.world();
        let mut web = deployment("web", "u-web", 10);
        web["spec"]["template"]["spec"]["containers"][0]["resources"] = asks("250m");
        web["status"] =
            json!({ "observedGeneration": 1, "replicas": 10, "updatedReplicas": 10, "readyReplicas": 10 });
        world.put(web);
        world.put(node("node-a", "64"));
        for i in 0..10 {
            let name = format!("web-64c9-{i:02}");
            world.put(if resize { sized_pod(&name, "web", &asks("250m")) } else { pod(&name, "web") });
        }
    }
    let (goes_on, weather) = (Arc::new(AtomicBool::new(true)), Weather::default());
    let (on, cluster) = (Arc::clone(&goes_on), Arc::clone(&api));
    let world = tokio::spawn(async move {
        while on.load(Ordering::SeqCst) {
            if resize {
                kubelets(&mut cluster.world(), &weather);
                controller(&mut cluster.world(), false);
            } else {
                control(&mut cluster.world(), 0, false, false);
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let brief = json!({ "journal": path, "config": api.file("config"), "resize": resize });
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut kills, mut over) = (0, None);
    while over.is_none() && kills < KILLS {
        let kill = (kills % 3 != 2, Duration::from_millis(random.u64(0..1200)));
        let brief = brief.clone();
        over = tokio::task::spawn_blocking(move || run(&brief, Some(kill))).await.unwrap();
        kills += usize::from(over.is_none());
        let whole = verify(&path);
        assert!(matches!(whole, Ok(Integrity::Whole { .. })) || !path.exists(), "{kills} kills: {whole:?}");
    }
    if over.is_none() {
        over = tokio::task::spawn_blocking(move || run(&brief, None)).await.unwrap();
    }
    goes_on.store(false, Ordering::SeqCst);
    world.await.unwrap();
    let told: Vec<String> = entries(&path).iter().map(|e| format!("{:?} {}", e.kind, e.text)).collect();
    let about = format!("seed {seed}, resize {resize}, {kills} kills: {told:#?}");
    assert_eq!(over.as_deref(), Some("kept"), "{about}");
    let intents = entries(&path).iter().filter(|e| e.kind == EntryKind::Intent).count();
    if resize {
        let sizes = values(&api, PODS, "/spec/containers/0/resources/requests/cpu");
        assert_eq!(sizes.len(), 10, "{about}");
        assert!(sizes.values().all(|had| *had == [json!("250m"), json!("400m")]), "{sizes:?} {about}");
        assert!(intents >= 10, "{about}");
    } else {
        let counts = values(&api, DEPLOYMENTS, "/spec/replicas");
        assert_eq!(counts["web"], [json!(10), json!(13), json!(16)], "{about}");
        assert!(intents >= 2, "{about}");
    }
    kills
}

fn rollouts() -> u64 {
    std::env::var("WEESCALE_KILLS").map_or(ROLLOUTS, |n| n.parse().unwrap()) as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_amid_a_resize_every_pod_is_resized_once() {
    let mut kills = 0;
    for seed in 0..rollouts() {
        kills += rollout(true, seed).await;
    }
    println!("{kills} kills of {} resizes", rollouts());
    assert!(kills >= 3, "{kills}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_amid_a_count_step_every_value_is_written_once() {
    let mut kills = 0;
    for seed in 0..rollouts() {
        kills += rollout(false, seed).await;
    }
    println!("{kills} kills of {} steps", rollouts());
    assert!(kills >= 3, "{kills}");
}
