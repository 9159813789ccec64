//! The provider: watches that feed a cache, fresh reads, one write path.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::approval::WriteOrder;
use crate::clock::{Clock, Monotonic};
use crate::execution::provider::{Pending, Provider, ProviderError};
use crate::execution::providers::contract::{WorkloadList, WorkloadState};

use super::api::Api;
use super::assemble::{STALE, View, room, workload_uid};
use super::cache::{Cache, Health, Key, Scope};
use super::connect;
use super::followed::Followed;
use super::fresh::Fresh;
use super::kind::{Kind, is_name};
use super::limits::Room;
use super::namespaces::{self, Places};
use super::object::{Application, Hpa, List, Node, Pdb, Pod, Quota, Scalable, ScaledObject, Vpa};
use super::reflect::{PAGE, keep};
use super::report;
use super::resize::selector;
use super::rights::Rights;
use super::settings::{KubernetesSettings, KubernetesSetupError};
use super::usage::PodMetrics;
use super::warning::Event;

/// The first lists may take this long before what is there is shown without them.
const FIRST: Duration = Duration::from_secs(30);
/// Servers send a bookmark a minute; a watch that is silent for longer than this is dead.
const SILENCE: Duration = Duration::from_secs(90);
/// Where nothing was heard for this long, the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(20);
/// Most namespaces given one by one.
const MAX_NAMESPACES: usize = 100;

/// What watches and calls have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) api: Api,
    pub(super) cache: Mutex<Cache>,
    /// A watch without a line for this long is dead.
    pub(super) silence: Duration,
    /// Which ways of writing a scope's workloads this identity has, and when that was asked.
    pub(super) rights: Mutex<Rights>,
    /// Whether the cluster can resize pods in place, once it has said so.
    pub(super) resizable: OnceLock<bool>,
    /// Workloads whose pods are resized in place, by uid: their pods are read afresh.
    pub(super) followed: Mutex<Followed>,
    /// What writes had to leave out.
    pub(super) remarks: Mutex<BTreeSet<String>>,
}

impl Shared {
    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Running {
    places: Option<Arc<Places>>,
    tasks: JoinSet<()>,
}

/// One cluster as a platform. Watches begin with the first call and end with the provider.
#[derive(Debug)]
pub struct KubernetesProvider {
    pub(super) shared: Arc<Shared>,
    running: tokio::sync::Mutex<Running>,
}

impl KubernetesProvider {
    /// A provider. Refused when there is no usable kubeconfig, context or service account; nothing is sent yet.
    pub fn new(settings: KubernetesSettings) -> Result<Self, KubernetesSetupError> {
        Self::with_silence(settings, SILENCE)
    }

    /// As [`Self::new`]; a watch that is silent for `silence` counts as dead, 90 s otherwise.
    pub fn with_silence(
        settings: KubernetesSettings,
        silence: Duration,
    ) -> Result<Self, KubernetesSetupError> {
        if let Some(bad) = settings.namespaces.iter().find(|n| !is_name(n)) {
            let bad = crate::series::text::clean(bad, 120);
            return Err(KubernetesSetupError::Setting(format!("namespaces: {bad} is not a namespace name")));
        }
        if settings.namespaces.len() > MAX_NAMESPACES {
            let what = format!("namespaces: more than {MAX_NAMESPACES}; leave it out to look at all");
            return Err(KubernetesSetupError::Setting(what));
        }
        connect::check(&settings)?;
        let shared = Shared {
            api: Api::new(settings, Clock::real()),
            cache: Mutex::default(),
            silence,
            rights: Mutex::default(),
            resizable: OnceLock::new(),
            followed: Mutex::default(),
            remarks: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), running: tokio::sync::Mutex::default() })
    }

    /// Begins the watches, once.
    async fn start(&self) -> Result<Arc<Places>, ProviderError> {
        let mut running = self.running.lock().await;
        if let Some(places) = &running.places {
            return Ok(Arc::clone(places));
        }
        let places = Arc::new(namespaces::find(&self.shared.api).await?);
        for kind in Kind::ALL.into_iter().filter(|k| places.has(*k)) {
            let scopes: Vec<Option<String>> =
                if kind.is_cluster_wide() { vec![None] } else { places.scopes.clone() };
            for namespace in scopes {
                self.shared.cache().health.insert((kind, namespace.clone()), Health::Starting);
                spawn(&mut running.tasks, Arc::clone(&self.shared), (kind, namespace));
            }
        }
        running.places = Some(Arc::clone(&places));
        Ok(places)
    }

    /// Waits until everything was listed once, or for as long as that may take.
    async fn listed(&self) {
        let clock = self.shared.api.clock();
        let began = clock.monotonic();
        while self.shared.cache().health.values().any(|h| *h == Health::Starting)
            && clock.monotonic().since(began) < FIRST
        {
            clock.sleep(Duration::from_millis(20)).await;
        }
    }

    async fn workloads(&self) -> Result<WorkloadList, ProviderError> {
        let places = self.start().await?;
        self.listed().await;
        self.answering().await?;
        let mut notes = self.size_rights().await;
        let mut missing = 0;
        for name in places.scopes.iter().flatten() {
            match namespaces::exists(&self.shared.api, name).await? {
                Some(false) => {
                    missing += 1;
                    notes.push(format!("namespace {name} does not exist"));
                }
                None if self.is_empty(name) => notes.push(format!(
                    "namespace {name} shows nothing, and whether it exists cannot be seen; add to a ClusterRole: - \
                     {{apiGroups: [\"\"], resources: [namespaces], verbs: [get]}}"
                )),
                Some(true) | None => {}
            }
        }
        if missing > 0 && missing == places.scopes.len() {
            return Err(ProviderError::NotFound(notes.join("; ")));
        }
        let mut list = self.known_list(&places, &mut notes)?;
        notes.extend(self.count_rights(&list.workloads, places.scopes.contains(&None)).await);
        notes.extend(self.shared.remarks.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        notes.truncate(100);
        list.notes = notes;
        Ok(list)
    }

    /// A server that hangs ends no watch, and what was heard would be taken for what is: where all are quiet, it is asked
    /// whether it is there. What everybody may read is asked for; any answer of its own is one.
    async fn answering(&self) -> Result<(), ProviderError> {
        let now = self.shared.api.clock().monotonic();
        let quiet = self.shared.silence.min(QUIET);
        let alive = |health: &Health| matches!(health, Health::Live(at) if now.since(*at) < quiet);
        if self.shared.cache().health.values().any(alive) {
            return Ok(());
        }
        match self.shared.api.get::<serde_json::Value>("/version").await {
            // One that asks for a pause does answer.
            Err(error @ ProviderError::Unavailable { retry_after: None, .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// What the watches know, with what is said of it.
    fn known_list(&self, places: &Places, notes: &mut Vec<String>) -> Result<WorkloadList, ProviderError> {
        let now = self.shared.api.clock().monotonic();
        let cache = self.shared.cache();
        unheard(&cache, now)?;
        notes.extend(report::notes(&cache, places, now));
        let free = room(&cache, now);
        let mut list = WorkloadList::default();
        let mut names = BTreeSet::new();
        for kind in Kind::SCALABLE {
            for (key, workload) in cache.scalable(kind) {
                let full = format!("{}/{}", key.0, key.1);
                if !names.insert(key.clone()) {
                    notes.push(format!("{full} is there twice: the {} is left out", kind.name()));
                    continue;
                }
                match self.cached(&cache, kind, workload, free.as_ref(), now) {
                    Ok(state) => list.workloads.push(state),
                    Err(why) => notes.push(format!("{full} is left out: {why}")),
                }
            }
        }
        Ok(list)
    }

    fn is_empty(&self, namespace: &str) -> bool {
        let cache = self.shared.cache();
        Kind::SCALABLE.into_iter().all(|k| Cache::within(cache.scalable(k), namespace).is_empty())
    }

    fn cached(
        &self,
        cache: &Cache,
        kind: Kind,
        workload: &Scalable,
        free: Option<&Room>,
        now: Monotonic,
    ) -> Result<WorkloadState, String> {
        if let Some(why) = ending(workload) {
            return Err(format!("it {why}"));
        }
        let namespace = &workload.metadata.namespace;
        let keda = cache.health.keys().any(|(k, _)| *k == Kind::ScaledObject);
        let hpas = cache.is_known(Kind::Hpa, namespace, now, STALE);
        let scaled = !keda || cache.is_known(Kind::ScaledObject, namespace, now, STALE);
        let view = View {
            kind,
            workload,
            hpas: hpas.then(|| Cache::within(&cache.hpas, namespace)),
            scaled: scaled.then(|| Cache::within(&cache.scaled, namespace)),
            pods: None,
        };
        let wall = self.shared.api.clock().now();
        view.state(cache, &self.shared.api.settings().region, free, (now, wall))
    }

    /// Finds the object behind an identity and reads it afresh.
    pub(super) async fn fresh(&self, identity: &str) -> Result<Fresh, ProviderError> {
        let uid = workload_uid(identity);
        let found = self.found(uid).await;
        if matches!(found, Err(ProviderError::NotFound(_))) {
            self.shared.followed().forget(uid);
        }
        found
    }

    async fn found(&self, uid: &str) -> Result<Fresh, ProviderError> {
        let (kind, key) = self.locate(uid).await?;
        let keda = self.start().await?.has(Kind::ScaledObject);
        let mut fresh = Fresh::read(&self.shared.api, kind, &key, keda).await?;
        // After a restart this may be the first that is asked: what pods were resized must be seen.
        if !self.shared.cache().size_rights.contains_key(&key.0) {
            self.size_rights().await;
        }
        let now = self.shared.api.clock().monotonic();
        let resized = self.shared.followed().has(uid, now);
        if resized {
            fresh.pods = Some(all_pods(&self.shared.api, &fresh.workload).await?);
        }
        if fresh.workload.metadata.uid != uid {
            let why = format!("{}/{} was deleted and made anew since", key.0, key.1);
            return Err(ProviderError::NotFound(why));
        }
        if let Some(why) = ending(&fresh.workload) {
            return Err(ProviderError::NotFound(format!("{}/{} {why}", key.0, key.1)));
        }
        Ok(fresh)
    }

    async fn locate(&self, uid: &str) -> Result<(Kind, Key), ProviderError> {
        self.start().await?;
        if let Some(found) = self.shared.cache().locate(uid) {
            return Ok(found);
        }
        self.listed().await;
        let cache = self.shared.cache();
        // Not being listed proves absence only while the lists are whole.
        unheard(&cache, self.shared.api.clock().monotonic())?;
        let gone = || {
            ProviderError::NotFound(format!(
                "no workload has the uid {}",
                crate::series::text::clean(uid, 60)
            ))
        };
        cache.locate(uid).ok_or_else(gone)
    }
}

/// That an object is on its way out: a finalizer may keep it for long, in a namespace that ends no pod can be made, and what is
/// written there is done by nobody.
fn ending(workload: &Scalable) -> Option<&'static str> {
    workload.metadata.deletion_timestamp.is_some().then_some("is being deleted")
}

/// The pods that a workload selects, as just read: a watch may be behind what was written.
async fn all_pods(api: &Api, workload: &Scalable) -> Result<Vec<Pod>, ProviderError> {
    let path = Kind::Pod.path(Some(&workload.metadata.namespace));
    let page: List<Pod> = api.get(&format!("{path}?limit={PAGE}{}", selector(workload))).await?;
    if page.metadata.more.is_empty() {
        return Ok(page.items);
    }
    let why = format!("more than {PAGE} pods of {}", workload.metadata.name);
    Err(ProviderError::Unavailable { why, retry_after: None })
}

/// An error if what can be scaled has not been heard of for too long: it is not shown as live.
fn unheard(cache: &Cache, now: Monotonic) -> Result<(), ProviderError> {
    let mut seen = 0;
    let mut refused = None;
    for ((kind, namespace), health) in &cache.health {
        if !Kind::SCALABLE.contains(kind) {
            continue;
        }
        let place = namespace.as_ref().map_or_else(String::new, |n| format!(" in {n}"));
        let late = |why: &str| ProviderError::Unavailable {
            why: format!("{}{place} not heard of for too long: {why}", kind.plural()),
            retry_after: None,
        };
        match health {
            Health::Live(at) if now.since(*at) > STALE => return Err(late("the watch is silent")),
            Health::Failing { why, seen } if seen.is_none_or(|at| now.since(at) > STALE) => {
                return Err(late(why));
            }
            Health::Starting => return Err(late("the first list is not there yet")),
            Health::Forbidden(why) => {
                refused.get_or_insert(why);
            }
            Health::Live(_) | Health::Failing { .. } => seen += 1,
            Health::Absent => {}
        }
    }
    match refused {
        Some(why) if seen == 0 => {
            let rules = report::rules(cache).join(", ");
            Err(ProviderError::Forbidden(format!("{why}; add to the role: {rules}")))
        }
        _ => Ok(()),
    }
}

fn spawn(tasks: &mut JoinSet<()>, shared: Arc<Shared>, scope: Scope) {
    match scope.0 {
        Kind::Deployment | Kind::StatefulSet | Kind::Rollout => tasks.spawn(keep::<Scalable>(shared, scope)),
        Kind::Hpa => tasks.spawn(keep::<Hpa>(shared, scope)),
        Kind::ScaledObject => tasks.spawn(keep::<ScaledObject>(shared, scope)),
        Kind::Vpa => tasks.spawn(keep::<Vpa>(shared, scope)),
        Kind::Pdb => tasks.spawn(keep::<Pdb>(shared, scope)),
        Kind::Quota => tasks.spawn(keep::<Quota>(shared, scope)),
        Kind::Pod => tasks.spawn(keep::<Pod>(shared, scope)),
        Kind::Node => tasks.spawn(keep::<Node>(shared, scope)),
        Kind::Application => tasks.spawn(keep::<Application>(shared, scope)),
        Kind::Event => tasks.spawn(keep::<Event>(shared, scope)),
        Kind::PodMetrics => tasks.spawn(keep::<PodMetrics>(shared, scope)),
    };
}

impl Provider for KubernetesProvider {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(self.workloads())
    }

    fn read<'a>(&'a self, uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async move {
            let fresh = self.fresh(uid).await?;
            fresh.state(&self.shared.cache(), &self.shared.api)
        })
    }

    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(self.send(order))
    }
}
