//! From objects to a workload as the contract has it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::execution::providers::contract::{Fields, ManifestField, PodState, Warning, WorkloadState};
use crate::fleet::{Field, Owner, Replicas, ScaleIn};
use crate::series::Timestamp;
use crate::series::text::clean;

use super::cache::{Cache, Key};
use super::kind::Kind;
use super::limits::{Around, Room, limits};
use super::object::{Hpa, Meta, Pod, Scalable, ScaledObject};
use super::owner::{Facts, Holder, Verdict, resolve};
use super::size::{self, Surroundings};
use super::writing::MANAGER;
use super::{departure, hold, owner, pods, usage, warning, writer};

/// What was not heard of for longer is not known.
pub(super) const STALE: Duration = Duration::from_secs(180);
/// Most pods shown of one workload.
const MAX_PODS: usize = 10_000;

/// One workload with the autoscalers of its namespace, from one moment.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) kind: Kind,
    pub(super) workload: &'a Scalable,
    pub(super) hpas: Option<Vec<&'a Hpa>>,
    pub(super) scaled: Option<Vec<&'a ScaledObject>>,
    /// Its pods as just read; those of the watch where they are not being resized.
    pub(super) pods: Option<Vec<&'a Pod>>,
}

impl View<'_> {
    /// Who owns its count.
    pub(super) fn verdict(&self, cache: &Cache) -> Verdict {
        self.with_facts(cache, resolve)
    }

    /// Gives `run` what is known around it.
    pub(super) fn with_facts<T>(&self, cache: &Cache, run: impl FnOnce(&Facts<'_>) -> T) -> T {
        let meta = &self.workload.metadata;
        let key: Key = (meta.namespace.clone(), meta.name.clone());
        let heals = |name: &str| {
            // An application in another namespace is tracked as NAMESPACE_NAME.
            let name = name.rsplit('_').next().unwrap_or(name);
            let mut all = cache.applications.iter().filter(|((_, n), _)| n == name);
            let found = all.next()?.1;
            Some(found.spec.sync_policy.automated.as_ref().is_some_and(|a| a.self_heal))
        };
        let primary = (key.0.clone(), format!("{}-primary", key.1));
        let made_by_flagger =
            |w: &Scalable| w.metadata.controller().is_some_and(|o| o.kind == "Canary" && o.name == key.1);
        let rollout = Cache::within(&cache.rollouts, &key.0).into_iter().find(|r| {
            let reference = r.spec.workload_ref.as_ref();
            reference.is_some_and(|r| r.kind == self.kind.name() && r.name == key.1)
        });
        run(&Facts {
            kind: self.kind,
            workload: self.workload,
            hpas: self.hpas.clone(),
            scaled: self.scaled.clone(),
            vpas: Cache::within(&cache.vpas, &key.0),
            heals: &heals,
            has_primary: cache.deployments.get(&primary).is_some_and(|w| made_by_flagger(w)),
            rollout: rollout.map(|r| r.metadata.name.as_str()),
            changes: cache.changes(self.kind, &key),
        })
    }

    pub(super) fn hpa(&self, name: &str) -> Option<&Hpa> {
        self.hpas.iter().flatten().find(|h| h.metadata.name == name).copied()
    }

    pub(super) fn scaled(&self, name: &str) -> Option<&ScaledObject> {
        self.scaled.iter().flatten().find(|s| s.metadata.name == name).copied()
    }

    /// The object that holds the field.
    pub(super) fn holder(&self, holder: &Holder) -> &Meta {
        let own = &self.workload.metadata;
        match holder {
            Holder::Workload => own,
            Holder::Hpa(name) => self.hpa(name).map_or(own, |h| &h.metadata),
            Holder::Scaled(name) => self.scaled(name).map_or(own, |s| &s.metadata),
        }
    }

    /// The field as it stands in the object; `None` if it is absent there.
    pub(super) fn present(&self, holder: &Holder, field: writer::Written) -> Option<i64> {
        match (holder, field) {
            (Holder::Workload, _) => self.workload.spec.replicas,
            (Holder::Hpa(name), writer::Written::MaxReplicas) => self.hpa(name).map(|h| h.spec.max_replicas),
            (Holder::Hpa(name), _) => self.hpa(name)?.spec.min_replicas,
            (Holder::Scaled(name), writer::Written::MaxReplicaCount) => {
                self.scaled(name)?.spec.max_replica_count
            }
            (Holder::Scaled(name), _) => self.scaled(name)?.spec.min_replica_count,
        }
    }

    fn fields(&self, holder: &Holder) -> Result<Fields, String> {
        let count = |n: i64| Replicas::check_count(n).map_err(|e| e.to_string());
        let replicas = Some(count(self.workload.spec.replicas.unwrap_or(1))?);
        let (min, max) = match holder {
            Holder::Workload => (None, None),
            Holder::Hpa(name) => {
                let spec = self.hpa(name).map(|h| &h.spec);
                (spec.map(|s| s.min_replicas.unwrap_or(1)), spec.map(|s| s.max_replicas))
            }
            Holder::Scaled(name) => {
                let spec = self.scaled(name).map(|s| &s.spec);
                (
                    spec.map(|s| s.min_replica_count.unwrap_or(0)),
                    spec.map(|s| s.max_replica_count.unwrap_or(100)),
                )
            }
        };
        Ok(Fields {
            replicas,
            min_replicas: min.map(count).transpose()?,
            max_replicas: max.map(count).transpose()?,
            scale_in: self.scale_in_value(holder),
            ..Fields::default()
        })
    }

    /// What the autoscaler may take away; `None` where there is none.
    fn scale_in(&self, holder: &Holder) -> Option<ScaleIn> {
        match holder {
            Holder::Workload => None,
            Holder::Hpa(name) => self.hpa(name).and_then(hold::of_hpa),
            Holder::Scaled(name) => self.scaled(name).map(hold::of_scaled),
        }
    }

    /// The same as the value of the field: of a pin, with its count.
    fn scale_in_value(&self, holder: &Holder) -> Option<u32> {
        let policy = self.scale_in(holder)?;
        let Holder::Scaled(name) = holder else { return Some(policy.value()) };
        let count = self.scaled(name).and_then(hold::pinned_at).filter(|_| policy == ScaleIn::Pinned);
        Some(count.map_or(policy.value(), ScaleIn::pinned_at))
    }

    /// Why scale-in is not to be held anew, in one sentence.
    fn unheld(&self, holder: &Holder) -> Option<String> {
        match holder {
            Holder::Hpa(name) => {
                let tool = owner::tool_of(&self.hpa(name)?.metadata, writer::Written::Behavior)?;
                Some(format!("{tool} sets what its HPA may take away: scale-in is not held here"))
            }
            Holder::Scaled(_)
                if self.passed_on(holder).is_none() && self.scale_in(holder) != Some(ScaleIn::Pinned) =>
            {
                Some("KEDA's own HPA is not seen, so that nobody could tell whether a hold acts".to_owned())
            }
            Holder::Workload | Holder::Scaled(_) => None,
        }
    }

    /// What KEDA has passed on to its own HPA.
    fn passed_on(&self, holder: &Holder) -> Option<ScaleIn> {
        let Holder::Scaled(name) = holder else { return None };
        hold::passed_on(&self.scaled(name)?.metadata, self.hpas.iter().flatten().copied())
    }

    /// Whether KEDA was told to hold scale-in and its HPA does not know it.
    fn is_pending(&self, holder: &Holder) -> bool {
        let held = Some(ScaleIn::Held);
        if !matches!(holder, Holder::Scaled(_)) {
            return false;
        }
        match self.scale_in(holder) {
            // KEDA takes its HPA away when the count is pinned.
            Some(ScaleIn::Pinned) => self.passed_on(holder).is_some(),
            policy => policy == held && self.passed_on(holder) != held,
        }
    }

    fn manifest(&self, holder: &Holder) -> ManifestField {
        let (kind, name, field) = match holder {
            Holder::Workload => (self.kind, &self.workload.metadata.name, "replicas"),
            Holder::Hpa(name) => (Kind::Hpa, name, "minReplicas"),
            Holder::Scaled(name) => (Kind::ScaledObject, name, "minReplicaCount"),
        };
        ManifestField {
            api_version: kind.api_version(),
            kind: kind.name().to_owned(),
            name: clean(name, 253),
            field: field.to_owned(),
        }
    }

    /// As the contract has it. The error names a count that cannot be.
    pub(super) fn state(
        &self,
        cache: &Cache,
        region: &str,
        room: Option<&Room>,
        (now, wall): (Monotonic, Timestamp),
    ) -> Result<WorkloadState, String> {
        let meta = &self.workload.metadata;
        let verdict = self.verdict(cache);
        let holder = self.holder(&verdict.holder);
        let fields = self.fields(&verdict.holder)?;
        let scaled = matches!(verdict.owner, Owner::Autoscaler { .. });
        let unheld = self.unheld(&verdict.holder).filter(|_| scaled);
        let scale_in = |is: bool| if is { vec![Field::ScaleIn] } else { Vec::new() };
        let replicas = fields.replicas.unwrap_or(1);
        let known = |kind: Kind| cache.is_known(kind, &meta.namespace, now, STALE);
        let of_it = (self.pods.is_some() || known(Kind::Pod)).then(|| self.own_pods(cache));
        let mut list: Vec<PodState> = of_it.iter().flatten().filter_map(|p| pods::state(p)).collect();
        departure::place(self.kind, of_it.as_deref().unwrap_or_default(), &mut list, wall);
        let around = Surroundings { cache, verdict: &verdict, pods: of_it.as_deref(), room, now };
        let sizes = size::read(self, &around);
        if known(Kind::PodMetrics) {
            usage::fill(&mut list, cache, &meta.namespace);
        }
        let warnings = self.warnings(cache, &verdict.holder, wall);
        let around = Around {
            pdbs: Cache::within(&cache.pdbs, &meta.namespace),
            quotas: Cache::within(&cache.quotas, &meta.namespace),
            room,
            autoscaled: verdict.holder != Holder::Workload,
        };
        let (cpu_cores, memory_bytes) = size::of_each(&self.workload.spec.template.spec, of_it.as_deref());
        let ready = self.workload.status.ready_replicas.unwrap_or(0);
        let team = ["team", "app.kubernetes.io/team"].iter().find_map(|l| meta.labels.get(*l));
        let annotations = holder.annotations.iter().filter(|(key, _)| key.starts_with("weescale.io/"));
        Ok(WorkloadState {
            uid: identity(meta, holder),
            namespace: clean(&meta.namespace, 253),
            name: clean(&meta.name, 253),
            region: region.to_owned(),
            service: String::new(),
            team: team.map(|t| clean(t, 120)).unwrap_or_default(),
            generation: meta.version().max(holder.version()),
            fields: Fields { sizes: sizes.fields, ..fields },
            locked: scale_in(unheld.is_some()),
            pending: [scale_in(self.is_pending(&verdict.holder)), sizes.pending].concat(),
            ready: Replicas::check_count(ready).map_err(|e| e.to_string())?,
            annotations: annotations.take(50).map(|(k, v)| (clean(k, 253), clean(v, 300))).collect(),
            owner: verdict.owner,
            cpu_cores,
            memory_bytes,
            dollars_per_hour: None,
            pods: list,
            limits: limits(self.workload, replicas, &around),
            manifest: Some(self.manifest(&verdict.holder)),
            notes: verdict
                .notes
                .into_iter()
                .chain(unheld)
                .chain(warnings.iter().take(2).map(Warning::sentence))
                .collect(),
            warnings,
            written_by: self.written_by(&verdict.holder),
            sizing: sizes.sizing,
        })
    }

    /// Its pods: as just read, or as the watch has them.
    fn own_pods<'a>(&'a self, cache: &'a Cache) -> Vec<&'a Pod> {
        let meta = &self.workload.metadata;
        let all = self.pods.clone().unwrap_or_else(|| Cache::within(&cache.pods, &meta.namespace));
        all.into_iter().filter(|p| pods::belongs(p, self.kind, &meta.name)).take(MAX_PODS).collect()
    }

    /// Who else wrote the fields last, as the server notes it.
    fn written_by(&self, holder: &Holder) -> BTreeMap<Field, String> {
        use writer::Written as W;
        let own = &self.workload.metadata;
        let holder_meta = self.holder(holder);
        let keda = matches!(holder, Holder::Scaled(_));
        let (min, max) =
            if keda { (W::MinReplicaCount, W::MaxReplicaCount) } else { (W::MinReplicas, W::MaxReplicas) };
        let all = [
            (Field::Replicas, own, W::Replicas),
            (Field::MinReplicas, holder_meta, min),
            (Field::MaxReplicas, holder_meta, max),
            (Field::ScaleIn, holder_meta, W::Behavior),
            (Field::CpuRequest, own, W::Resources),
            (Field::MemoryRequest, own, W::Resources),
        ];
        let told = |(field, meta, written): (Field, &Meta, W)| {
            let by = writer::other(&meta.writers, written, MANAGER);
            (!by.is_empty()).then_some((field, by))
        };
        all.into_iter().filter_map(told).collect()
    }

    /// What the cluster warns of lately, of the workload, its parts and what scales it.
    fn warnings(&self, cache: &Cache, holder: &Holder, wall: Timestamp) -> Vec<Warning> {
        let meta = &self.workload.metadata;
        let holders = match holder {
            Holder::Workload => Vec::new(),
            Holder::Hpa(name) => vec![(Kind::Hpa, name.as_str())],
            Holder::Scaled(name) => vec![(Kind::ScaledObject, name.as_str())],
        };
        let events = Cache::within(&cache.events, &meta.namespace).into_iter();
        warning::about(events, (self.kind, &meta.name), &holders, wall)
    }
}

/// What is free on the nodes, where all of them and all pods are seen.
pub(super) fn room(cache: &Cache, now: Monotonic) -> Option<Room> {
    let everywhere = [Kind::Pod, Kind::Node]
        .into_iter()
        .all(|kind| cache.health.contains_key(&(kind, None)) && cache.is_known(kind, "", now, STALE));
    let nodes = cache.nodes.values().map(AsRef::as_ref);
    everywhere.then(|| Room::of(nodes, cache.pods.values().map(AsRef::as_ref)))
}

/// The workload's uid, and that of the object that holds its field if it is another: an approval is bound to both.
fn identity(workload: &Meta, holder: &Meta) -> String {
    if workload.uid == holder.uid {
        clean(&workload.uid, 120)
    } else {
        format!("{}.{}", clean(&workload.uid, 120), clean(&holder.uid, 120))
    }
}

/// The workload's own uid out of an identity.
pub(super) fn workload_uid(identity: &str) -> &str {
    identity.split('.').next().unwrap_or(identity)
}
