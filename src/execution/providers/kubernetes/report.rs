//! What is not seen, and the rule that would show it: one sentence each.

use crate::clock::Monotonic;

use super::cache::{Cache, Health};
use super::kind::Kind;
use super::namespaces::Places;

/// Sentences about everything that is missing, as of `now`.
pub(super) fn notes(cache: &Cache, places: &Places, now: Monotonic) -> Vec<String> {
    let mut notes = places.notes.clone();
    for kind in Kind::ALL {
        let absent =
            !places.has(kind) || cache.health.iter().any(|((k, _), h)| *k == kind && *h == Health::Absent);
        if absent {
            if kind.is_built_in() {
                notes.push(format!(
                    "{}: the cluster has no API {}; {}",
                    kind.told(),
                    api(kind),
                    kind.purpose()
                ));
            }
            continue;
        }
        for ((_, namespace), health) in cache.health.iter().filter(|((k, _), _)| *k == kind) {
            let place = namespace.as_ref().map_or_else(String::new, |n| format!(" in namespace {n}"));
            match health {
                Health::Forbidden(_) => {
                    let role =
                        if namespace.is_some() && !kind.is_cluster_wide() { "Role" } else { "ClusterRole" };
                    notes.push(format!(
                        "{}{place} may not be read, so {}; add to the {role}: {}",
                        kind.told(),
                        kind.purpose(),
                        kind.rule(kind.verbs(), "")
                    ));
                }
                Health::Failing { why, seen } => {
                    let age = seen.map_or_else(
                        || "never".to_owned(),
                        |seen| format!("{} s ago", now.since(seen).as_secs()),
                    );
                    // What was heard stands for a while.
                    let so = if seen.is_none() { format!(", so {}", kind.purpose()) } else { String::new() };
                    notes.push(format!("{}{place}: {why}; last heard of {age}{so}", kind.told()));
                }
                _ => {}
            }
        }
        if let Some(n) = cache.skipped.get(&kind) {
            notes.push(format!(
                "{}: {n} could not be decoded or were too many, and are left out",
                kind.told()
            ));
        }
    }
    notes
}

/// The rules that would show what may not be read, one a kind.
pub(super) fn rules(cache: &Cache) -> Vec<String> {
    let lacks = |kind: &Kind| {
        cache.health.iter().any(|((k, _), health)| k == kind && matches!(health, Health::Forbidden(_)))
    };
    Kind::ALL.into_iter().filter(lacks).map(|kind| kind.rule(kind.verbs(), "")).collect()
}

fn api(kind: Kind) -> &'static str {
    if kind.group().is_empty() { "v1" } else { kind.group() }
}
