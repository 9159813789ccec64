//! What the platform answers to writes, over real HTTP where the transport matters.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::provider::{Ledger, list, read, write};
use super::*;
use crate::clock::Clock;
use crate::execution::providers::contract::{Fields, PodPhase, WorkloadList, WorkloadState, Write};
use crate::fleet::Field;

const CHECKOUT: &str = "shop-checkout-eu-west";

fn platform(scenario: &str) -> (World, Ledger) {
    (World::new(7, Scenario::named(scenario).unwrap()), Ledger::default())
}

fn raise(world: &World, key: &str, floor: u32) -> (u64, Write) {
    let now = read(world, CHECKOUT).unwrap();
    let write = Write {
        uid: CHECKOUT.into(),
        expect: Fields::only(Field::MinReplicas, now.fields.min_replicas.unwrap()),
        set: Fields::only(Field::MinReplicas, floor),
        annotations: BTreeMap::from([("weescale.io/lease".to_owned(), Some("op-1".to_owned()))]),
        manager: "weescale".into(),
        dry_run: false,
        idempotency_key: key.into(),
    };
    (now.generation, write)
}

fn later(world: &mut World, seconds: i64) {
    let to = world.second() + seconds;
    world.advance_to(crate::series::Timestamp::from_secs(to));
}

#[test]
fn a_raised_floor_brings_pods_that_become_ready_and_warm() {
    let (mut world, mut ledger) = platform("morning-ramp");
    let (generation, order) = raise(&world, "k1", 11);
    let state = write(&mut world, &mut ledger, CHECKOUT, generation, &order).unwrap();
    assert_eq!(state.generation, generation + 1);
    assert_eq!((state.fields.min_replicas, state.ready), (Some(11), 8), "accepted, not done");
    assert_eq!(state.annotations["weescale.io/lease"], "op-1");
    later(&mut world, 30);
    let state = read(&world, CHECKOUT).unwrap();
    assert_eq!(state.fields.replicas, Some(11));
    assert!(state.pods.iter().any(|p| p.phase != PodPhase::Ready));
    later(&mut world, 150);
    let state = read(&world, CHECKOUT).unwrap();
    assert_eq!(state.ready, 11);
    assert!(state.pods.iter().all(|p| p.warm == Some(true) && p.traffic == Some(1.0)));
}

#[test]
fn stale_or_foreign_writes_are_refused_with_the_state_now() {
    let (mut world, mut ledger) = platform("calm");
    let (generation, order) = raise(&world, "a", 15);
    let mut answer = |key: &str, generation: u64, change: &dyn Fn(&mut Write)| {
        let mut order = Write { idempotency_key: key.into(), ..order.clone() };
        change(&mut order);
        write(&mut world, &mut ledger, CHECKOUT, generation, &order)
            .map_err(|(s, r)| (s, r.current.is_some()))
    };
    assert_eq!(answer("1", generation + 1, &|_| ()), Err((409, true)));
    assert_eq!(answer("2", generation, &|w| w.uid = "other".into()), Err((409, true)));
    assert_eq!(answer("3", generation, &|w| w.expect.min_replicas = Some(1)), Err((412, true)));
    assert_eq!(answer("4", generation, &|w| w.set.min_replicas = Some(25)), Err((422, false)), "above max");
    assert_eq!(answer("5", generation, &|w| w.set.max_replicas = Some(61)), Err((422, false)), "quota");
    assert_eq!(answer("6", generation, &|w| w.set.replicas = Some(9)), Err((422, false)), "not its field");
    assert_eq!(answer("7", generation, &|w| w.set.min_replicas = Some(0)), Err((422, false)));
    let long = |w: &mut Write| {
        w.annotations.insert("x".into(), Some("y".repeat(5000)));
    };
    assert_eq!(answer("8", generation, &long), Err((422, false)));
    assert!(answer("9", generation, &|_| ()).is_ok());
    assert_eq!(write(&mut world, &mut ledger, "nope", 1, &order).map_err(|e| e.0), Err(404));
}

#[test]
fn the_teams_quota_counts_all_its_workloads_of_the_region() {
    let (mut world, mut ledger) = platform("calm");
    let (generation, mut order) = raise(&world, "a", 50);
    order.set.max_replicas = Some(55);
    let (status, refused) = write(&mut world, &mut ledger, CHECKOUT, generation, &order).unwrap_err();
    assert_eq!(status, 422);
    assert!(refused.error.contains("quota of shop in eu-west"), "{}", refused.error);
}

#[test]
fn repeating_a_write_answers_the_same_and_changes_nothing() {
    let (mut world, mut ledger) = platform("morning-ramp");
    let (generation, order) = raise(&world, "k", 10);
    let first = write(&mut world, &mut ledger, CHECKOUT, generation, &order).unwrap();
    later(&mut world, 20);
    let now = read(&world, CHECKOUT).unwrap();
    let again = write(&mut world, &mut ledger, CHECKOUT, generation, &order).unwrap();
    assert_eq!(again, first);
    assert_eq!(read(&world, CHECKOUT).unwrap(), now);
    let other = Write { set: Fields::only(Field::MinReplicas, 12), ..order };
    assert_eq!(write(&mut world, &mut ledger, CHECKOUT, now.generation, &other).unwrap_err().0, 422);
}

#[test]
fn a_dry_run_checks_and_changes_nothing() {
    let (mut world, mut ledger) = platform("morning-ramp");
    let before = list(&world);
    let (generation, order) = raise(&world, "k", 10);
    let dry = Write { dry_run: true, ..order.clone() };
    assert_eq!(
        write(&mut world, &mut ledger, CHECKOUT, generation, &dry).unwrap().fields.min_replicas,
        Some(10)
    );
    assert_eq!(list(&world), before);
    let bad = Write { set: Fields::only(Field::MinReplicas, 99), idempotency_key: "x".into(), ..dry };
    assert_eq!(write(&mut world, &mut ledger, CHECKOUT, generation, &bad).unwrap_err().0, 422);
    assert!(write(&mut world, &mut ledger, CHECKOUT, generation, &order).is_ok(), "the key is still free");
}

#[test]
fn another_controller_writes_the_floor_back_and_its_pods_crash() {
    let (mut world, mut ledger) = platform("controller-fight");
    let (generation, order) = raise(&world, "k", 11);
    write(&mut world, &mut ledger, CHECKOUT, generation, &order).unwrap();
    later(&mut world, 6);
    assert_eq!(read(&world, CHECKOUT).unwrap().fields.min_replicas, Some(11));
    later(&mut world, 6);
    let state = read(&world, CHECKOUT).unwrap();
    assert_eq!(state.fields.min_replicas, Some(8));
    assert!(state.generation > generation + 1);
}

#[test]
fn pods_that_never_warm_say_so() {
    let (mut world, mut ledger) = platform("cold-cache");
    let uid = "find-catalog-eu-west";
    let now = read(&world, uid).unwrap();
    let count = now.fields.replicas.unwrap();
    let order = Write {
        uid: uid.into(),
        expect: Fields::only(Field::Replicas, count),
        set: Fields::only(Field::Replicas, count + 3),
        idempotency_key: "k".into(),
        ..Write::default()
    };
    write(&mut world, &mut ledger, uid, now.generation, &order).unwrap();
    later(&mut world, 280);
    let state = read(&world, uid).unwrap();
    assert_eq!(state.ready, count + 3);
    assert_eq!(state.pods.iter().filter(|p| p.warm == Some(false)).count(), 3);
}

/// One request on a connection of its own: status line and body.
async fn request(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let extra = headers.iter().fold(String::new(), |all, (n, v)| all + n + ": " + v + "\r\n");
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{extra}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn sandbox() -> (Sandbox, Clock) {
    let scenario = Scenario::named(Scenario::DEFAULT).unwrap();
    let clock = Clock::paused(scenario.start);
    (Sandbox::start(Settings::new(7, scenario, clock.clone())).await.unwrap(), clock)
}

#[tokio::test]
async fn tokens_decide_who_may_read_and_write() {
    let (sandbox, _clock) = sandbox().await;
    let base = sandbox.base_url.as_str();
    let (read, write) = (format!("Bearer {}", sandbox.read_token), format!("Bearer {}", sandbox.token));
    assert_eq!(request(base, "GET", "/v1/workloads", &[], "").await.0, 401);
    let (status, body) = request(base, "GET", "/v1/workloads", &[("Authorization", &read)], "").await;
    assert_eq!(status, 200);
    let list: WorkloadList = serde_json::from_str(&body).unwrap();
    assert_eq!(list.workloads.len(), 13);
    let (generation, order) = sandbox.inspect(|world| raise(world, "k", 10)).await.unwrap();
    let path = format!("/v1/workloads/{CHECKOUT}");
    let order = serde_json::to_string(&order).unwrap();
    let tag = format!("\"{generation}\"");
    let patch = |token: String, tag: String, body: String| {
        let path = path.clone();
        async move {
            let headers = [("Authorization", token.as_str()), ("If-Match", tag.as_str())];
            request(base, "PATCH", &path, &headers, &body).await
        }
    };
    assert_eq!(patch(read, tag.clone(), order.clone()).await.0, 403);
    assert_eq!(patch(write.clone(), "x".into(), order.clone()).await.0, 400);
    assert_eq!(patch(write.clone(), tag.clone(), "{}".into()).await.0, 400);
    assert_eq!(patch(write.clone(), "\"99\"".into(), order.replace("\"k\"", "\"k0\"")).await.0, 409);
    let (status, body) = patch(write.clone(), tag, order).await;
    assert_eq!(status, 200, "{body}");
    let state: WorkloadState = serde_json::from_str(&body).unwrap();
    assert_eq!(state.fields.min_replicas, Some(10));
}

#[tokio::test]
async fn endpoints_follow_the_clock_and_the_past_is_there() {
    let (sandbox, clock) = sandbox().await;
    let base = sandbox.base_url.as_str();
    for target in &sandbox.scrape_urls {
        let path = target.url.strip_prefix(base).unwrap();
        let (status, body) = request(base, "GET", path, &[], "").await;
        assert_eq!(status, 200, "{}", target.job);
        assert!(body.contains("# TYPE "), "{}", target.job);
    }
    let before = request(base, "GET", "/metrics/cadvisor", &[], "").await.1;
    clock.advance(Duration::from_secs(60));
    assert_ne!(request(base, "GET", "/metrics/cadvisor", &[], "").await.1, before);
    let start = sandbox.start.as_millis() / 1000;
    let path = format!(
        "/api/v1/query_range?query=sum%20by%20(deployment,region)%20(rate(http_server_request_duration_seconds_count%5B2m%5D))&start={}&end={start}&step=60",
        start - 3600
    );
    let (status, body) = request(base, "GET", &path, &[], "").await;
    assert_eq!(status, 200, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["data"]["result"].as_array().unwrap().len(), 11);
    assert_eq!(answer["data"]["result"][0]["values"].as_array().unwrap().len(), 61);
    let (status, body) = request(base, "POST", "/api/v1/query", &[], "query=sum(").await;
    assert_eq!(status, 400);
    assert!(body.contains("bad_data"));
    let names = request(base, "GET", "/api/v1/label/__name__/values", &[], "").await.1;
    assert!(names.contains("http_requests_total") && names.contains("kube_deployment_spec_replicas"));
}

#[tokio::test]
async fn dropping_the_handle_closes_the_port() {
    let (sandbox, _clock) = sandbox().await;
    let address = sandbox.base_url.strip_prefix("http://").unwrap().to_owned();
    assert!(tokio::net::TcpStream::connect(&address).await.is_ok());
    drop(sandbox);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

/// Raised and lowered again, the autoscaler takes what was added away within its five minutes; held, it does not.
#[test]
fn a_held_scale_in_takes_nothing_away() {
    let run = |held: bool| {
        let (mut world, mut ledger) = platform("calm");
        let mut send = |world: &mut World, field, set: u32, key: &str| {
            let now = read(world, CHECKOUT).unwrap();
            let order = Write {
                uid: CHECKOUT.into(),
                expect: Fields::only(field, now.fields.get(field).unwrap()),
                set: Fields::only(field, set),
                manager: "weescale".into(),
                idempotency_key: key.into(),
                ..Write::default()
            };
            write(world, &mut ledger, CHECKOUT, now.generation, &order).map_err(|(status, _)| status)
        };
        let floor = read(&world, CHECKOUT).unwrap().fields.min_replicas.unwrap();
        send(&mut world, Field::MinReplicas, 20, "up").unwrap();
        later(&mut world, 60);
        assert_eq!(send(&mut world, Field::ScaleIn, 7, "none"), Err(422), "no policy has this value");
        if held {
            assert_eq!(send(&mut world, Field::ScaleIn, 2, "hold").unwrap().fields.scale_in, Some(2));
        }
        send(&mut world, Field::MinReplicas, floor, "down").unwrap();
        later(&mut world, 1200);
        read(&world, CHECKOUT).unwrap().fields.replicas.unwrap()
    };
    assert_eq!(run(true), 20);
    assert!(run(false) < 20, "{}", run(false));
}
