//! The fleet as a whole: determinism, exposition, scenarios.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::fleet::Owner;
use crate::series::Timestamp;

fn world(name: &str) -> World {
    World::new(7, Scenario::named(name).unwrap())
}

fn at(world: &World, seconds: u64) -> Timestamp {
    world.scenario().start + Duration::from_secs(seconds)
}

fn everything(world: &World) -> String {
    let mut text: String = catalog::REGIONS.iter().filter_map(|r| expose::application(world, r)).collect();
    for part in
        [expose::kube_state_metrics, expose::cadvisor, expose::opencost, expose::redis, expose::postgres]
    {
        text.push_str(&part(world));
    }
    text.push_str(&expose::haproxy(world).unwrap_or_default());
    text
}

fn named<'w>(world: &'w World, short: &str) -> &'w Running {
    world.workloads.iter().find(|w| format!("{}@{}", w.spec.name, w.spec.region) == short).unwrap()
}

/// The world after `seconds`, with the numbers of one workload summed over the last minute.
struct Minute {
    offered: f64,
    good: f64,
    failed: f64,
}

fn minute(world: &mut World, short: &str, end: u64) -> Minute {
    let mut sum = Minute { offered: 0.0, good: 0.0, failed: 0.0 };
    for second in end - 60..end {
        world.advance_to(at(world, second));
        let w = named(world, short);
        sum.offered += w.offered / 60.0;
        sum.good += w.done.good / 60.0;
        sum.failed += w.done.failed / 60.0;
    }
    sum
}

/// Samples by name and labels, in a form that a strict reader of the format makes.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().map(|l| Ok(l.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines).unwrap();
    let mut all = BTreeMap::new();
    for sample in scrape.samples {
        let mut labels: Vec<String> = sample.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        labels.sort();
        let key = format!("{}{labels:?}", sample.metric);
        let value = match sample.value {
            prometheus_parse::Value::Counter(v)
            | prometheus_parse::Value::Gauge(v)
            | prometheus_parse::Value::Untyped(v) => v,
            prometheus_parse::Value::Histogram(buckets) => {
                assert!(buckets.windows(2).all(|w| w[0].count <= w[1].count), "{key}");
                buckets.last().unwrap().count
            }
            prometheus_parse::Value::Summary(_) => panic!("no summaries here: {key}"),
        };
        assert!(value.is_finite(), "{key} {value}");
        assert!(all.insert(key.clone(), value).is_none(), "twice: {key}");
    }
    all
}

#[test]
fn looking_more_often_changes_nothing() {
    let (mut often, mut once) = (world("flash-crowd"), world("flash-crowd"));
    for second in 0..200 {
        often.advance_to(at(&often, second * 3));
        if second % 17 == 0 {
            let _ = everything(&often);
        }
    }
    once.advance_to(at(&once, 597));
    assert!(everything(&often) == everything(&once));
    let mut other = World::new(8, Scenario::named("flash-crowd").unwrap());
    other.advance_to(at(&other, 597));
    assert!(everything(&often) != everything(&other));
}

#[test]
fn exposition_is_well_formed_and_counters_never_fall() {
    for name in ["retry-storm", "cold-cache", "metrics-outage"] {
        let mut w = world(name);
        let mut before: BTreeMap<String, f64> = BTreeMap::new();
        for step in 0..14 {
            w.advance_to(at(&w, step * 60));
            let text = everything(&w);
            assert!(text.lines().filter(|l| !l.starts_with('#')).count() < 20_000);
            let now = samples(&text);
            for (key, value) in &now {
                let family = key.split('[').next().unwrap();
                let counter =
                    ["_total", "_seconds_sum", "_seconds_count"].iter().any(|end| family.ends_with(end))
                        || family.ends_with("_duration_seconds");
                let earlier = before.get(key).copied().unwrap_or(0.0);
                assert!(!counter || *value >= earlier, "{name}: {key} fell from {earlier} to {value}");
            }
            before = now;
        }
    }
}

#[test]
fn the_ramp_passes_what_eight_pods_hold_within_twenty_minutes() {
    let mut w = world("morning-ramp");
    let capacity = 8.0 * named(&w, "checkout@eu-west").spec.pod_capacity();
    let first = minute(&mut w, "checkout@eu-west", 60);
    assert_eq!(named(&w, "checkout@eu-west").ready(w.second()), 8);
    assert!((0.68..0.80).contains(&(first.offered / capacity)), "{}", first.offered / capacity);
    let later = minute(&mut w, "checkout@eu-west", 20 * 60);
    assert!(later.offered / capacity > 0.85, "{}", later.offered / capacity);
    assert!(later.failed / later.offered < 0.01, "users do not suffer before anyone can act");
}

#[test]
fn a_retry_storm_multiplies_requests_but_not_answers() {
    let mut w = world("retry-storm");
    let before = minute(&mut w, "search@eu-west", 240);
    let storm = minute(&mut w, "search@eu-west", 480);
    assert!(storm.offered > 2.0 * before.offered, "{} {}", storm.offered, before.offered);
    assert!(storm.good < 1.1 * before.good, "{} {}", storm.good, before.good);
    let after = minute(&mut w, "search@eu-west", 2100);
    assert!(after.failed < 0.01 * after.offered);
}

#[test]
fn a_cold_cache_and_slow_queries_fill_the_pool_while_cpu_idles() {
    for (name, short, end) in [("cold-cache", "catalog@eu-west", 420), ("db-bound", "identity@eu-west", 540)]
    {
        let mut w = world(name);
        minute(&mut w, short, 240);
        let calm = named(&w, short).store.clone().unwrap();
        assert!(calm.pending < 2.0 && calm.in_use < 0.7 * f64::from(calm.spec.connections));
        minute(&mut w, short, end);
        let hurt = named(&w, short);
        let store = hurt.store.clone().unwrap();
        assert!(store.in_use > 0.9 * f64::from(store.spec.connections), "{name} in use {}", store.in_use);
        assert!(store.pending > 8.0, "{name} pending {}", store.pending);
        let cpu = hurt.pods.iter().map(|p| p.cpu).sum::<f64>() / hurt.pods.len() as f64;
        assert!(cpu < 0.6, "{name} {cpu}");
    }
}

#[test]
fn a_lost_region_sends_its_users_to_the_others() {
    let mut w = world("region-loss");
    let before = minute(&mut w, "checkout@us-east", 240);
    let during = minute(&mut w, "checkout@us-east", 540);
    assert!(during.offered > 1.8 * before.offered);
    assert_eq!(named(&w, "checkout@ap-southeast").ready(w.second()), 0);
    assert!(expose::application(&w, "ap-southeast").is_none());
    w.advance_to(at(&w, 2700 + 120));
    assert!(named(&w, "checkout@ap-southeast").ready(w.second()) >= 3);
    assert!(expose::application(&w, "ap-southeast").is_some());
}

#[test]
fn an_outage_of_metrics_is_not_an_outage_of_traffic() {
    let mut w = world("metrics-outage");
    w.advance_to(at(&w, 400));
    let count = |w: &World| {
        let text = samples(&expose::application(w, "eu-west").unwrap());
        text.iter()
            .filter(|(k, _)| {
                k.starts_with("http_server_request_duration_seconds_count") && k.contains("checkout")
            })
            .map(|(_, v)| v)
            .sum::<f64>()
    };
    let frozen = count(&w);
    let cpu = named(&w, "checkout@eu-west").pods[0].counters.cpu;
    w.advance_to(at(&w, 500));
    assert_eq!(count(&w), frozen);
    assert!(named(&w, "checkout@eu-west").pods[0].counters.cpu > cpu + 50.0);
    assert!(named(&w, "checkout@eu-west").done.good > 1000.0);
    w.advance_to(at(&w, 1000));
    assert!(expose::application(&w, "eu-west").is_none());
    w.advance_to(at(&w, 1860));
    assert!(count(&w) > frozen);
}

#[test]
fn month_end_calls_for_more_payments() {
    let mut w = world("month-end");
    let before = minute(&mut w, "payments@eu-west", 120);
    let during = minute(&mut w, "payments@eu-west", 3600);
    assert!(during.offered > 1.6 * before.offered);
    assert!(matches!(named(&w, "payments@eu-west").spec.owner, Owner::Autoscaler { .. }));
}

#[test]
fn a_calm_afternoon_stays_calm() {
    let mut w = world("calm");
    let replicas: Vec<u32> = w.workloads.iter().map(|x| x.desired).collect();
    w.advance_to(at(&w, 1800));
    for (workload, before) in w.workloads.iter().zip(replicas) {
        assert!(workload.desired.abs_diff(before) <= 2, "{} {before} {}", workload.uid, workload.desired);
        assert!(workload.done.failed < 0.01 * workload.offered, "{}", workload.uid);
    }
}

#[test]
#[ignore = "prints how long a second of the fleet and a page of metrics take; run with --release"]
fn pace() {
    let mut w = world("flash-crowd");
    let clock = crate::clock::Clock::real();
    let from = clock.monotonic();
    w.advance_to(at(&w, 3600));
    println!("3600 ticks: {:?}", clock.monotonic().since(from));
    let from = clock.monotonic();
    let text = everything(&w);
    let lines = text.lines().filter(|l| !l.starts_with('#')).count();
    println!("{lines} samples, {} bytes: {:?}", text.len(), clock.monotonic().since(from));
    let from = clock.monotonic();
    let _ = history::History::of(&w);
    println!("history: {:?}", clock.monotonic().since(from));
    let from = clock.monotonic();
    let _ = world("calm");
    println!("new world: {:?}", clock.monotonic().since(from));
}
