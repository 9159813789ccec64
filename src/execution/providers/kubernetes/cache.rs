//! What watches have told, by kind and name, and how each of them fares.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::clock::Monotonic;
use crate::series::Timestamp;

use super::departure;
use super::kind::Kind;
use super::object::{Application, Hpa, Meta, Node, Pdb, Pod, Quota, Scalable, ScaledObject, Vpa};
use super::owner::Change;
use super::rights::SizeRights;
use super::usage::PodMetrics;
use super::warning::Event;
use super::writer::{self, Written};

/// Namespace (empty for those in none) and name.
pub(super) type Key = (String, String);
/// Objects of one kind.
pub(super) type Shelf<T> = BTreeMap<Key, Arc<T>>;
/// One watch: its kind, and its namespace if it is not for all.
pub(super) type Scope = (Kind, Option<String>);

/// Most objects of one kind kept.
pub(super) const MAX_OBJECTS: usize = 100_000;
/// Changes of a count remembered for each workload.
const CHANGES: usize = 8;

/// How a watch fares.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Health {
    /// Not listed yet.
    Starting,
    /// Listed and followed; the last sign of life.
    Live(Monotonic),
    /// The cluster has no such API.
    Absent,
    /// This identity may not read it; in the server's words.
    Forbidden(String),
    /// Cannot be read at present. `seen` is the last sign of life, if there was one.
    Failing { why: String, seen: Option<Monotonic> },
}

/// Everything read.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) deployments: Shelf<Scalable>,
    pub(super) stateful_sets: Shelf<Scalable>,
    pub(super) rollouts: Shelf<Scalable>,
    pub(super) hpas: Shelf<Hpa>,
    pub(super) scaled: Shelf<ScaledObject>,
    pub(super) vpas: Shelf<Vpa>,
    pub(super) pdbs: Shelf<Pdb>,
    pub(super) quotas: Shelf<Quota>,
    pub(super) pods: Shelf<Pod>,
    pub(super) nodes: Shelf<Node>,
    pub(super) applications: Shelf<Application>,
    pub(super) events: Shelf<Event>,
    pub(super) metrics: Shelf<PodMetrics>,
    pub(super) health: BTreeMap<Scope, Health>,
    /// Objects that could not be decoded or did not fit, by kind.
    pub(super) skipped: BTreeMap<Kind, u64>,
    changes: BTreeMap<(Kind, Key), Vec<Change>>,
    /// What may be done about sizes, by namespace.
    pub(super) size_rights: BTreeMap<String, SizeRights>,
}

/// Objects that are kept.
pub(super) trait Kept: DeserializeOwned + Send + Sync + 'static {
    fn meta(&self) -> &Meta;
    fn meta_mut(&mut self) -> &mut Meta;
    fn shelf(cache: &mut Cache, kind: Kind) -> &mut Shelf<Self>;
    /// The count and who wrote it last, of those that have one.
    fn count(&self) -> Option<(i64, String)> {
        None
    }
}

impl Kept for Scalable {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.metadata
    }
    fn shelf(cache: &mut Cache, kind: Kind) -> &mut Shelf<Self> {
        match kind {
            Kind::StatefulSet => &mut cache.stateful_sets,
            Kind::Rollout => &mut cache.rollouts,
            _ => &mut cache.deployments,
        }
    }
    fn count(&self) -> Option<(i64, String)> {
        let who = writer::of(&self.metadata.writers, Written::Replicas).first().map(|w| w.manager.clone())?;
        Some((self.spec.replicas?, who))
    }
}

macro_rules! kept {
    ($($type:ty => $field:ident),+ $(,)?) => { $(
        impl Kept for $type {
            fn meta(&self) -> &Meta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut Meta {
                &mut self.metadata
            }
            fn shelf(cache: &mut Cache, _: Kind) -> &mut Shelf<Self> {
                &mut cache.$field
            }
        }
    )+ };
}
kept!(
    Hpa => hpas, ScaledObject => scaled, Vpa => vpas, Pdb => pdbs, Quota => quotas, Pod => pods, Node => nodes,
    Application => applications, Event => events, PodMetrics => metrics,
);

/// Drops what is large and never looked at.
fn trim(kind: Kind, meta: &mut Meta) {
    let keep = |key: &str| {
        ["weescale.io/", "argocd.", "autoscaling.keda.sh/", "meta.helm.sh/", departure::COST]
            .iter()
            .any(|p| key.starts_with(p))
    };
    meta.annotations.retain(|key, _| keep(key));
    if matches!(kind, Kind::Pod | Kind::Node | Kind::Event) {
        meta.writers = Vec::new();
    }
}

impl Cache {
    /// Takes over a whole list in place of what was known of its scope.
    pub(super) fn replace<T: Kept>(&mut self, scope: &Scope, items: Vec<T>, now: Timestamp) {
        let (kind, namespace) = scope;
        let outside = |key: &Key| namespace.as_ref().is_some_and(|n| *n != key.0);
        let old = std::mem::take(T::shelf(self, *kind));
        let mut kept: Shelf<T> =
            old.iter().filter(|(k, _)| outside(k)).map(|(k, v)| (k.clone(), Arc::clone(v))).collect();
        for mut item in items {
            if kept.len() >= MAX_OBJECTS {
                *self.skipped.entry(*kind).or_default() += 1;
                continue;
            }
            trim(*kind, item.meta_mut());
            let meta = item.meta();
            let key = (meta.namespace.clone(), meta.name.clone());
            self.remember(*kind, &key, old.get(&key).map(AsRef::as_ref), &item, now);
            kept.insert(key, Arc::new(item));
        }
        self.changes.retain(|(k, key), _| k != kind || kept.contains_key(key));
        *T::shelf(self, *kind) = kept;
    }

    /// Takes over one object; an older version of what is there is ignored.
    pub(super) fn put<T: Kept>(&mut self, kind: Kind, mut item: T, now: Timestamp) {
        trim(kind, item.meta_mut());
        let meta = item.meta();
        let key = (meta.namespace.clone(), meta.name.clone());
        let old = T::shelf(self, kind).get(&key).cloned();
        let is_older = |old: &Meta| old.uid == meta.uid && old.version() > meta.version();
        if old.as_ref().is_some_and(|o| is_older(o.meta())) {
            return;
        }
        if old.is_none() && T::shelf(self, kind).len() >= MAX_OBJECTS {
            *self.skipped.entry(kind).or_default() += 1;
            return;
        }
        self.remember(kind, &key, old.as_deref(), &item, now);
        T::shelf(self, kind).insert(key, Arc::new(item));
    }

    /// Forgets one object.
    pub(super) fn remove<T: Kept>(&mut self, kind: Kind, key: &Key) {
        T::shelf(self, kind).remove(key);
        self.changes.remove(&(kind, key.clone()));
    }

    fn remember<T: Kept>(&mut self, kind: Kind, key: &Key, old: Option<&T>, new: &T, at: Timestamp) {
        let (Some((before, _)), Some((value, manager))) = (old.and_then(Kept::count), new.count()) else {
            return;
        };
        if before != value {
            let changes = self.changes.entry((kind, key.clone())).or_default();
            if changes.len() >= CHANGES {
                changes.remove(0);
            }
            changes.push(Change { manager, value, at });
        }
    }

    /// Recent changes of a count, oldest first.
    pub(super) fn changes(&self, kind: Kind, key: &Key) -> &[Change] {
        self.changes.get(&(kind, key.clone())).map_or(&[], Vec::as_slice)
    }

    /// What may be done about sizes in a namespace, as far as it was asked.
    pub(super) fn size_rights(&self, namespace: &str) -> SizeRights {
        self.size_rights.get(namespace).copied().unwrap_or_default()
    }

    /// The shelf of a kind that can be scaled.
    pub(super) const fn scalable(&self, kind: Kind) -> &Shelf<Scalable> {
        match kind {
            Kind::StatefulSet => &self.stateful_sets,
            Kind::Rollout => &self.rollouts,
            _ => &self.deployments,
        }
    }

    /// Which workload has this uid.
    pub(super) fn locate(&self, uid: &str) -> Option<(Kind, Key)> {
        Kind::SCALABLE.into_iter().find_map(|kind| {
            let found = self.scalable(kind).iter().find(|(_, w)| w.metadata.uid == uid);
            found.map(|(key, _)| (kind, key.clone()))
        })
    }

    /// Whether every watch of `kind` for `namespace` was listed and its signs of life are younger than `limit`.
    /// Absent counts as known: there are none.
    pub(super) fn is_known(&self, kind: Kind, namespace: &str, now: Monotonic, limit: Duration) -> bool {
        let mut scopes = self
            .health
            .iter()
            .filter(|((k, n), _)| {
                *k == kind && n.as_ref().is_none_or(|n| n == namespace || namespace.is_empty())
            })
            .peekable();
        scopes.peek().is_some()
            && scopes.all(|(_, health)| match health {
                Health::Live(seen) | Health::Failing { seen: Some(seen), .. } => now.since(*seen) <= limit,
                Health::Absent => true,
                Health::Starting | Health::Forbidden(_) | Health::Failing { seen: None, .. } => false,
            })
    }

    /// Objects of one namespace.
    pub(super) fn within<'a, T>(shelf: &'a Shelf<T>, namespace: &str) -> Vec<&'a T> {
        let from = shelf.range((namespace.to_owned(), String::new())..);
        from.take_while(|((n, _), _)| n == namespace).map(|(_, v)| v.as_ref()).collect()
    }
}
