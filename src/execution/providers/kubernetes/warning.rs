//! What the cluster warns of: events of the last minutes about a workload and its parts.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::execution::providers::contract::Warning;
use crate::series::Timestamp;
use crate::series::text::clean;

use super::kind::Kind;
use super::object::{Meta, or_default};
use super::quantity::Time;

/// Older warnings are history.
const RECENT: std::time::Duration = std::time::Duration::from_secs(15 * 60);
/// Most warnings told of one workload.
const MOST: usize = 5;

/// An event, as far as it is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Event {
    pub(super) metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    involved_object: Involved,
    reason: String,
    message: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    count: i64,
    #[serde(rename = "eventTime")]
    begun: Option<Time>,
    first_timestamp: Option<Time>,
    last_timestamp: Option<Time>,
    series: Option<Series>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Involved {
    kind: String,
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    count: i64,
    last_observed_time: Option<Time>,
}

impl Event {
    /// When it was last seen: newer events count in a series, older ones in the event itself.
    fn at(&self) -> Option<Time> {
        let series = self.series.as_ref().and_then(|s| s.last_observed_time);
        let made = self.metadata.creation_timestamp;
        series.or(self.last_timestamp).or(self.begun).or(self.first_timestamp).or(made)
    }

    fn times(&self) -> u32 {
        let count = self.series.as_ref().map_or(self.count, |s| s.count);
        u32::try_from(count).unwrap_or(0).max(1)
    }

    /// Whether it is about the workload, a part of it, or one of `holders`, which scale it.
    fn is_about(&self, kind: Kind, name: &str, holders: &[(Kind, &str)]) -> bool {
        let Involved { kind: of, name: called } = &self.involved_object;
        let rest = called.strip_prefix(name).and_then(|r| r.strip_prefix('-'));
        // NAME-HASH is a ReplicaSet, NAME-HASH-RANDOM its pod, NAME-0 the pod of a StatefulSet.
        let dashes = rest.map(|r| r.matches('-').count());
        match of.as_str() {
            "ReplicaSet" => kind != Kind::StatefulSet && dashes == Some(0),
            "Pod" if kind == Kind::StatefulSet => rest.is_some_and(|r| r.parse::<u32>().is_ok()),
            "Pod" => dashes == Some(1),
            other => {
                other == kind.name() && called == name
                    || holders.iter().any(|(k, n)| other == k.name() && called == n)
            }
        }
    }
}

/// The warnings of the last minutes about a workload, the latest first, those that say the same once.
pub(super) fn about<'a>(
    events: impl Iterator<Item = &'a Event>,
    (kind, name): (Kind, &str),
    holders: &[(Kind, &str)],
    now: Timestamp,
) -> Vec<Warning> {
    let mut found: BTreeMap<(String, String), Warning> = BTreeMap::new();
    let warns = |e: &&Event| e.kind == "Warning" && e.is_about(kind, name, holders);
    for event in events.filter(warns) {
        let Some(at) = event.at().map(|t| Timestamp::from(t.0)) else { continue };
        if now.since(at) > RECENT {
            continue;
        }
        let told = Warning {
            about: format!(
                "{} {}",
                clean(&event.involved_object.kind, 60).to_lowercase(),
                clean(&event.involved_object.name, 253)
            ),
            reason: clean(&event.reason, 80),
            message: clean(&event.message, 300),
            times: event.times(),
            at_ms: at.as_millis(),
        };
        let key = (
            told.reason.clone(),
            of_all(&event.involved_object.kind, &told.message, &event.involved_object.name),
        );
        match found.get_mut(&key) {
            Some(same) => {
                let times = same.times.saturating_add(told.times);
                if told.at_ms > same.at_ms {
                    *same = told;
                }
                same.times = times;
            }
            None => {
                found.insert(key, told);
            }
        }
    }
    let mut all: Vec<Warning> = found.into_values().collect();
    all.sort_by_key(|w| std::cmp::Reverse(w.at_ms));
    all.truncate(MOST);
    all
}

/// The message without the object's own name: ten pods that wait for the same node say the same.
fn of_all(kind: &str, message: &str, name: &str) -> String {
    format!("{kind} {}", message.replace(name, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(kind: &str, name: &str, reason: &str, minute: u32) -> Value {
        json!({ "metadata": { "name": format!("{name}.1") }, "involvedObject": { "kind": kind, "name": name },
            "reason": reason, "message": format!("{name} cannot be, \u{1b}[2J says the cluster"), "type": "Warning",
            "count": 2, "lastTimestamp": format!("2026-11-23T21:{minute:02}:00Z") })
    }

    fn told(events: &[Value]) -> Vec<Warning> {
        let events: Vec<Event> = events.iter().map(|e| serde_json::from_value(e.clone()).unwrap()).collect();
        let now = Timestamp::from("2026-11-23T21:30:00Z".parse::<jiff::Timestamp>().unwrap());
        about(events.iter(), (Kind::Deployment, "web"), &[(Kind::Hpa, "web-hpa")], now)
    }

    #[test]
    fn what_is_about_the_workload_is_told_once_and_the_latest_first() {
        let all = told(&[
            event("Pod", "web-64c9-a", "FailedScheduling", 20),
            event("Pod", "web-64c9-b", "FailedScheduling", 25),
            event("ReplicaSet", "web-64c9", "FailedCreate", 28),
            event("HorizontalPodAutoscaler", "web-hpa", "FailedGetResourceMetric", 22),
            event("Pod", "web-api-64c9-a", "FailedScheduling", 29),
            event("ReplicaSet", "web-api-64c9", "FailedCreate", 29),
            event("Deployment", "other", "Failed", 29),
            event("Deployment", "web", "Old", 10),
        ]);
        let said: Vec<(&str, u32)> = all.iter().map(|w| (w.reason.as_str(), w.times)).collect();
        assert_eq!(said, [("FailedCreate", 2), ("FailedScheduling", 4), ("FailedGetResourceMetric", 2)]);
        assert_eq!(all[1].about, "pod web-64c9-b", "the latest of several");
        assert!(all.iter().all(|w| !w.message.contains('\u{1b}')));
    }

    #[test]
    fn new_events_have_a_series_and_normal_ones_are_no_warnings() {
        let mut new = event("Pod", "web-64c9-a", "FailedScheduling", 0);
        (new["lastTimestamp"], new["count"]) = (Value::Null, Value::Null);
        new["eventTime"] = json!("2026-11-23T21:21:25.429664Z");
        assert_eq!(told(&[new.clone()])[0].times, 1);
        new["series"] = json!({ "count": 7, "lastObservedTime": "2026-11-23T21:29:00.000000Z" });
        assert_eq!(told(&[new.clone()])[0].times, 7);
        new["type"] = json!("Normal");
        assert!(told(&[new]).is_empty());
    }
}
