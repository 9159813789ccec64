//! The write: read afresh, compare, one conditional patch, and what its answer means.

use serde::Deserialize;

use crate::approval::{Way, WriteOrder};
use crate::execution::provider::ProviderError;
use crate::execution::providers::contract::WorkloadState;
use crate::fleet::{Field, ScaleIn};

use super::api::{NoReply, Reply, decode};
use super::assemble::{View, workload_uid};
use super::fresh::Fresh;
use super::hold;
use super::kind::Kind;
use super::object::Meta;
use super::owner::Holder;
use super::patch::{Change, build, whole};
use super::provider::KubernetesProvider;
use super::refusal;
use super::writer::Written;

/// Who we are in `managedFields`.
pub(super) const MANAGER: &str = "weescale";

/// The field to write and the object it is in.
struct Place {
    kind: Kind,
    name: String,
    field: Written,
    holder: Holder,
    /// Only the count may be written, through the `scale` subresource.
    scale: bool,
}

impl Place {
    const fn key(&self) -> &'static str {
        match self.field {
            Written::Replicas => "replicas",
            Written::MinReplicas => "minReplicas",
            Written::MaxReplicas => "maxReplicas",
            Written::MinReplicaCount => "minReplicaCount",
            Written::MaxReplicaCount => "maxReplicaCount",
            Written::Behavior => "behavior",
            Written::PausedScaleIn | Written::Resources | Written::PodResources => "",
        }
    }
}

/// What a patched object is read back for.
#[derive(Deserialize)]
struct Patched {
    metadata: Meta,
    #[serde(default)]
    spec: serde_json::Value,
}

/// The patch that does what `order` says and nothing else.
fn body(view: &View<'_>, place: &Place, order: &WriteOrder) -> Result<serde_json::Value, ProviderError> {
    let holder = view.holder(&place.holder);
    if order.field() != Field::ScaleIn {
        return Ok(build(&Change {
            uid: &holder.uid,
            field: place.key(),
            // The scale subresource leaves a count of zero out.
            present: if place.scale {
                Some(i64::from(order.expect())).filter(|n| *n != 0)
            } else {
                view.present(&place.holder, place.field)
            },
            set: order.set(),
            annotations: (!place.scale).then_some(&holder.annotations),
            notes: order.annotations(),
        }));
    }
    let no = || ProviderError::Invalid(format!("{} is no policy of scale-in", order.set()));
    let set = ScaleIn::of(order.set()).ok_or_else(no)?;
    let mut notes = order.annotations().clone();
    let ops = match &place.holder {
        Holder::Hpa(_) if set == ScaleIn::Pinned => None,
        Holder::Hpa(name) => view.hpa(name).map(|h| hold::on_hpa(h, set, &mut notes)),
        Holder::Scaled(name) => {
            let replicas = view.workload.spec.replicas.unwrap_or(1);
            // Of what an older weescale approved the count is not known: it is the present one.
            let approved = ScaleIn::count_of(order.set()).map_or(replicas, i64::from);
            if set == ScaleIn::Pinned
                && order.way() == Way::Forward
                && (replicas == 0 || replicas != approved)
            {
                let why = format!("there are {replicas} replicas now, approved was to pin {approved}");
                return Err(ProviderError::Precondition { why, current: None });
            }
            view.scaled(name).map(|s| hold::on_scaled(s, set, approved, &mut notes))
        }
        Holder::Workload => None,
    };
    Ok(whole(&holder.uid, ops.ok_or_else(no)?, Some(&holder.annotations), &notes))
}

impl KubernetesProvider {
    /// Sends `order`, once.
    pub(super) async fn send(&self, order: &WriteOrder) -> Result<WorkloadState, ProviderError> {
        let identity = &order.target().uid;
        if order.field().is_in_place() {
            self.shared.followed().follow(workload_uid(identity), self.shared.api.clock().monotonic());
        }
        let mut fresh = match self.fresh(identity).await {
            Ok(fresh) => fresh,
            Err(error) => return Err(error),
        };
        let state = self.state(&fresh)?;
        if &state.uid != identity {
            let why = "another object holds the field now".to_owned();
            return Err(ProviderError::Conflict { why, current: Some(Box::new(state)) });
        }
        if !state.shows(order.field(), order.expect()) {
            let (name, expect) = (order.field().name(), order.field().word(order.expect()));
            let why = format!("{name} is not {expect} any more");
            return Err(ProviderError::Precondition { why, current: Some(Box::new(state)) });
        }
        // Somebody may have taken the field over since it was looked at; undoing our own stays allowed.
        let field = order.field();
        let owner = state.owner_of(field);
        if order.way() == Way::Forward && (!owner.respects(field) || state.locked.contains(&field)) {
            let why = format!("{} does not respect {}", owner.label(), field.name());
            return Err(ProviderError::Invalid(why));
        }
        if field.is_size() {
            self.resize(&mut fresh, order).await?;
            return self.state(&fresh).map_err(|e| ProviderError::Unknown(e.to_string()));
        }
        let mut place = self.place(&fresh, order.field())?;
        let namespace = fresh.workload.metadata.namespace.clone();
        if place.holder == Holder::Workload {
            place.scale = !self.may_patch(place.kind, &namespace).await;
        }
        let body = body(&fresh.view(), &place, order)?;
        let sub = if place.scale { "/scale" } else { "" };
        let dry = if order.is_dry_run() { "&dryRun=All" } else { "" };
        let path = format!(
            "{}{sub}?fieldManager={MANAGER}&fieldValidation=Strict{dry}",
            place.kind.object(&namespace, &place.name)
        );
        match self.shared.api.patch(&path, &body).await {
            Ok(reply) if matches!(reply.status, 200 | 201) => self.accepted(fresh, &place, &reply),
            Ok(reply) => Err(self.refused(order, &place, &namespace, &reply).await),
            Err(no) => Err(NoReply::of_write(no)),
        }
    }

    fn state(&self, fresh: &Fresh) -> Result<WorkloadState, ProviderError> {
        fresh.state(&self.shared.cache(), &self.shared.api)
    }

    fn place(&self, fresh: &Fresh, field: Field) -> Result<Place, ProviderError> {
        let verdict = fresh.view().verdict(&self.shared.cache());
        let (kind, name, written) = match (&verdict.holder, field) {
            (Holder::Workload, Field::Replicas) => {
                (fresh.kind, fresh.workload.metadata.name.clone(), Written::Replicas)
            }
            (Holder::Hpa(name), Field::MinReplicas) => (Kind::Hpa, name.clone(), Written::MinReplicas),
            (Holder::Hpa(name), Field::MaxReplicas) => (Kind::Hpa, name.clone(), Written::MaxReplicas),
            (Holder::Scaled(name), Field::MinReplicas) => {
                (Kind::ScaledObject, name.clone(), Written::MinReplicaCount)
            }
            (Holder::Scaled(name), Field::MaxReplicas) => {
                (Kind::ScaledObject, name.clone(), Written::MaxReplicaCount)
            }
            (Holder::Hpa(name), Field::ScaleIn) => (Kind::Hpa, name.clone(), Written::Behavior),
            (Holder::Scaled(name), Field::ScaleIn) => {
                (Kind::ScaledObject, name.clone(), Written::PausedScaleIn)
            }
            _ => {
                let who = verdict.owner.label();
                return Err(ProviderError::Invalid(format!("{who} does not respect {}", field.name())));
            }
        };
        Ok(Place { kind, name, field: written, holder: verdict.holder, scale: false })
    }

    /// The state with what the answer says; 200 means accepted, not done.
    fn accepted(
        &self,
        mut fresh: Fresh,
        place: &Place,
        reply: &Reply,
    ) -> Result<WorkloadState, ProviderError> {
        if let Some(warning) = &reply.warning {
            tracing::warn!("kubernetes {}: {warning}", self.shared.api.settings().name);
        }
        let patched: Patched = decode(&reply.body).map_err(ProviderError::Unknown)?;
        let value = patched.spec.get(place.key()).and_then(serde_json::Value::as_i64);
        let workload = &mut fresh.workload;
        match &place.holder {
            Holder::Workload => {
                workload.spec.replicas = value.or_else(|| place.scale.then_some(0));
                workload.metadata.resource_version.clone_from(&patched.metadata.resource_version);
                if !place.scale {
                    workload.metadata = patched.metadata;
                }
            }
            Holder::Hpa(name) => {
                let mut all = fresh.hpas.iter_mut().flatten();
                if let Some(hpa) = all.find(|h| h.metadata.name == *name) {
                    hpa.metadata = patched.metadata;
                    match place.field {
                        Written::Behavior => hpa.spec.behavior = patched.spec.get("behavior").cloned(),
                        Written::MaxReplicas => hpa.spec.max_replicas = value.unwrap_or(0),
                        _ => hpa.spec.min_replicas = value,
                    }
                }
            }
            Holder::Scaled(name) => {
                let mut all = fresh.scaled.iter_mut().flatten();
                if let Some(scaled) = all.find(|s| s.metadata.name == *name) {
                    scaled.metadata = patched.metadata;
                    match place.field {
                        // The annotation came with the metadata.
                        Written::PausedScaleIn => {}
                        Written::MaxReplicaCount => scaled.spec.max_replica_count = value,
                        _ => scaled.spec.min_replica_count = value,
                    }
                }
            }
        }
        self.state(&fresh).map_err(|e| ProviderError::Unknown(e.to_string()))
    }

    /// What a refusal means; a failed test is told by reading back what is there.
    async fn refused(
        &self,
        order: &WriteOrder,
        place: &Place,
        namespace: &str,
        reply: &Reply,
    ) -> ProviderError {
        let why = refusal::words(reply);
        match reply.status {
            403 => {
                self.forget_right(place.kind, "", namespace);
                let sub = if place.scale { "scale" } else { "" };
                refusal::forbidden(why, &place.kind.rule(&["patch"], sub))
            }
            409 | 422 => {
                let current = match self.fresh(&order.target().uid).await {
                    Ok(fresh) => self.state(&fresh).ok(),
                    Err(ProviderError::NotFound(gone)) => return ProviderError::NotFound(gone),
                    Err(_) => None,
                };
                let same = current.as_ref().is_none_or(|c| c.uid == order.target().uid);
                let value = current.as_ref().and_then(|c| c.fields.get(order.field()));
                let moved = value.is_some_and(|v| v != order.expect());
                let current = current.map(Box::new);
                if reply.status == 409 || !same {
                    ProviderError::Conflict { why, current }
                } else if moved || refusal::is_failed_test(reply) {
                    let why = match value {
                        Some(v) => {
                            let field = order.field();
                            format!(
                                "{} is {}, expected {}",
                                field.name(),
                                field.word(v),
                                field.word(order.expect())
                            )
                        }
                        None => why,
                    };
                    ProviderError::Precondition { why, current }
                } else {
                    ProviderError::Invalid(why)
                }
            }
            _ => refusal::of(reply),
        }
    }
}
