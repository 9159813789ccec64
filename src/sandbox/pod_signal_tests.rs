//! Pods one by one, from what the simulated services expose to the verdict on new pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::execution::judge::{Judgement, judge};
use crate::fleet::WorkloadId;
use crate::scrape::exposition::{Format, Reader};
use crate::scrape::{Answer, SourceId};
use crate::signals::{Catalogue, PodQuery, Resolver, SignalKind};
use crate::store::query::{Options, Prepared, Value, instant};
use crate::store::{Limits, Store};

const STEP: u64 = 15;

fn checkout(world: &World) -> &Running {
    world.workloads.iter().find(|w| w.spec.name == "checkout" && w.spec.region == "eu-west").unwrap()
}

fn answer(store: &Store, expr: &Arc<str>, now: crate::series::Timestamp) -> Answer {
    let value = instant(store, &Prepared::new(expr).unwrap(), now, &Options::default()).unwrap();
    let Value::Vector(series) = value else { panic!("{expr} is no vector") };
    Answer { expr: Arc::clone(expr), at: now, result: Ok(series) }
}

/// What is judged of four pods added to checkout's fourteen, from the last three of fifteen minutes.
fn verdict(shocks: Vec<Shock>) -> Judgement {
    let calm = Scenario::named("calm").unwrap();
    let start = calm.start;
    let shocks = calm.shocks.iter().copied().chain(shocks).collect();
    let mut world = World::new(7, Scenario { shocks, ..calm });
    world.advance_to(start);
    let before: Vec<String> = checkout(&world).pods.iter().map(|p| p.name.clone()).collect();
    let index = world.workloads.iter().position(|w| w.uid == checkout(&world).uid).unwrap();
    world.workloads[index].bounds.0 += 4;

    let mut store = Store::new(Limits::default());
    let mut reader = Reader::new(SourceId::new("app"), &BTreeMap::new(), crate::scrape::Limits::default());
    let mut resolver = Resolver::new(&Catalogue::embedded().unwrap());
    let source = SourceId::new("scraped endpoints");
    let id = WorkloadId::new("shop", "checkout", "eu-west");
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for second in (720..=900).step_by(STEP as usize) {
        let now = start + Duration::from_secs(second);
        world.advance_to(now);
        let body = expose::application(&world, "eu-west").unwrap();
        let reading = reader.read(body.as_bytes(), Format::Text, now, true).unwrap();
        store.append_block(&reading.block);
        let specs = resolver.queries(&source, &|m| store.has_metric(m), Duration::from_secs(STEP));
        let answers = specs.iter().map(|s| answer(&store, &s.expr, now)).collect();
        resolver.resolve(now, &[(source.clone(), answers)]);
        let queries = resolver.pod_queries(&id, now);
        let Some(p95) = queries.iter().find(|q| q.kind == SignalKind::LatencyP95) else { continue };
        let read = |q: &PodQuery| q.read(&answer(&store, &q.spec.expr, now)).unwrap();
        let names: Vec<String> = read(p95).into_keys().collect();
        let mut serving: Vec<String> = checkout(&world).pods.iter().map(|p| p.name.clone()).collect();
        serving.sort();
        assert_eq!(names, serving, "pods are named as the platform names them");
        for (pod, value) in read(p95) {
            if before.contains(&pod) { &mut old } else { &mut new }.push(value.get());
        }
    }
    assert!(old.len() >= 100 && new.len() >= 30, "{} {}", old.len(), new.len());
    judge(&old, &new, 0.25)
}

#[test]
fn new_pods_that_stay_slow_are_found_worse_and_good_ones_are_not() {
    let slow = Shock { workload: "checkout@eu-west", from: 0, until: 3600, ramp: 0, what: What::NeverWarm };
    let found = verdict(vec![slow]);
    assert!(matches!(found, Judgement::High { shift } if shift > 0.02), "{found:?}");
    let good = verdict(vec![]);
    assert!(matches!(good, Judgement::Pass { .. }), "{good:?}");
}
