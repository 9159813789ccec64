//! Pods one by one: the expressions a workload is measured by, grouped by pod and narrowed to that workload.
//!
//! Asked only while it matters (an operation is in flight), because a series per pod and bucket is much. A recipe
//! whose series carry no label of the workload's own pods (a proxy's) says so with `pod = []` in its identity.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::scrape::{Answer, QuerySpec, SourceId};
use crate::series::{Finite, Labels, Timestamp, text};

use super::choose;
use super::expr::{narrow, rate_window};
use super::histogram::{Buckets, quantile};
use super::identity::Identity;
use super::limits::{FRESH_INTERVALS, MAX_POD_NAME_CHARS, MAX_PODS};
use super::observe::Slot;
use super::recipe::Target;
use super::{Resolver, SignalKind};

/// One expression that measures every pod of one workload, and how its answers are read.
#[derive(Clone, Debug, PartialEq)]
pub struct PodQuery {
    /// Whom to ask.
    pub source: SourceId,
    /// What to ask.
    pub spec: QuerySpec,
    /// What it measures: [`SignalKind::LatencyP95`] in seconds or [`SignalKind::Demand`] in requests a second.
    pub kind: SignalKind,
    /// An answer older than this is of no use.
    pub fresh_for: Duration,
    /// The workload as this source names it.
    named: WorkloadId,
    identity: Identity,
    /// Factor of a histogram's bounds to seconds; `None` for plain values.
    bounds: Option<f64>,
}

impl PodQuery {
    /// Values by pod name, of at most 1 000 pods; `None` if the source could not answer. Pods whose value is not
    /// a finite number, and series without a pod or of other workloads, are left out.
    pub fn read(&self, answer: &Answer) -> Option<BTreeMap<String, Finite>> {
        let series = answer.result.as_ref().ok()?;
        let mut buckets: BTreeMap<String, Buckets> = BTreeMap::new();
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for (labels, value) in series {
            if self.identity.workload(labels).as_ref() != Some(&self.named) {
                continue;
            }
            let Some(pod) = self.identity.pod(labels) else { continue };
            let pod = text::clean(pod, MAX_POD_NAME_CHARS);
            let room = buckets.len().max(sums.len()) < MAX_PODS;
            if let Some(scale) = self.bounds.filter(|_| room || buckets.contains_key(&pod)) {
                buckets.entry(pod).or_default().add(labels.get("le"), *value, scale);
            } else if self.bounds.is_none() && (room || sums.contains_key(&pod)) {
                *sums.entry(pod).or_insert(0.0) += value;
            }
        }
        let p95 = |b: Buckets| b.finish().ok().and_then(|h| quantile(&h, 0.95));
        let times = buckets.into_iter().filter_map(|(pod, b)| Some((pod, p95(b)?)));
        Some(times.chain(sums).filter_map(|(pod, value)| Some((pod, Finite::new(value)?))).collect())
    }
}

impl Resolver {
    /// The expressions that measure response times and demand of every pod of `workload`, at most one for each: of
    /// the preferred source and recipe that is fresh and knows pods. Empty if none does.
    pub fn pod_queries(&self, workload: &WorkloadId, now: Timestamp) -> Vec<PodQuery> {
        let named: Vec<WorkloadId> =
            self.unified.iter().filter(|(_, w)| *w == workload).map(|(raw, _)| raw.clone()).collect();
        let first = |kind| {
            let slots = choose::fresh_slots(self, now, &named, kind);
            slots.into_iter().find_map(|slot| self.pod_query(slot, &named, kind))
        };
        [SignalKind::LatencyP95, SignalKind::Demand].into_iter().filter_map(first).collect()
    }

    fn pod_query(&self, slot: Slot, named: &[WorkloadId], kind: SignalKind) -> Option<PodQuery> {
        let source = self.sources.get(slot.source)?;
        let identity = &self.recipes.get(slot.recipe)?.identity;
        let entry = self.recipes.get(slot.recipe)?.entries.get(slot.entry)?;
        if identity.pod.is_empty() {
            return None;
        }
        let (named, labels) = self.named_by(Slot { part: 0, ..slot }, named)?;
        let by = format!("{}, {}", identity.by(), identity.pod.join(", "));
        let expr = entry.expr(&by, &rate_window(source.interval));
        let expr: Arc<str> = narrow(&expr, &identity.matchers(&labels))?.into();
        Some(PodQuery {
            source: source.id.clone(),
            spec: QuerySpec { expr },
            kind,
            fresh_for: source.interval * FRESH_INTERVALS,
            named,
            identity: identity.clone(),
            bounds: (entry.target == Target::Histogram).then_some(entry.scale),
        })
    }

    /// Which of the names was heard of last at `slot`, and the labels that gave it.
    fn named_by(&self, slot: Slot, named: &[WorkloadId]) -> Option<(WorkloadId, Labels)> {
        let heard = named.iter().filter_map(|name| Some((name, self.seen.get(name)?)));
        heard
            .filter_map(|(name, seen)| Some((seen.heard, name, seen.labels.get(&slot)?)))
            .max_by_key(|(at, _, _)| *at)
            .map(|(_, name, labels)| (name.clone(), labels.clone()))
    }
}

#[cfg(test)]
mod tests;
