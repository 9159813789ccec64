//! Scaling behind a real `HAProxy` under load: no request is lost, and servers get back what they had.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails loudly, and says what it lacks"
)]

#[path = "support/approved.rs"]
mod approved;
#[path = "haproxy_traffic/load.rs"]
mod load;
#[path = "haproxy_traffic/rack.rs"]
mod rack;
#[path = "haproxy_traffic/scene.rs"]
mod scene;
#[expect(dead_code, unused_imports, reason = "another file uses the rest")]
mod support;

use std::time::Duration;

use load::Load;
use scene::{Scene, rules};
use weescale::execution::{Job, LeaseState, OperationState, TrafficError, TrafficManager, TrafficRules};

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_shifts_weight_under_load_and_is_given_back_loses_no_request() {
    let Some(mut s) = Scene::start(3, Some(rules())) else { return };
    let load = Load::start(s.addr());
    s.approve(5, Duration::from_secs(7)).await;
    s.until(|s| s.state == Some(OperationState::Kept)).await;
    let new = s.rack.served()[3..5].to_vec();
    assert!(new.iter().all(|n| *n > 0), "new servers took traffic: {new:?}");
    for server in ["s4", "s5"] {
        assert_eq!(s.turns(server), ["weight 20", "weight 40", "weight 60", "weight 80", "weight 100"]);
    }
    s.until(|s| matches!(s.lease, Some(LeaseState::Restored { .. }))).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let told = load.stop().await;
    println!("{told:?}");
    assert!(told.good > 200, "{told:?}");
    assert_eq!((told.refused, told.broken), (0, 0), "{told:?}");
    assert_eq!(s.rack.cut(), 0, "no request was on what was taken away");
    assert!(s.turns("s4").contains(&"drain".to_owned()), "{:?}", s.turns("s4"));
    assert!(s.turns("s1").is_empty(), "old servers are left alone");
    s.given_back().await;
}

/// What the test above would see if nothing were drained: it can fail.
#[tokio::test(flavor = "multi_thread")]
async fn without_draining_the_same_load_loses_requests() {
    let Some(mut s) = Scene::start(3, None) else { return };
    let load = Load::start(s.addr());
    s.approve(5, Duration::from_secs(4)).await;
    s.until(|s| matches!(s.lease, Some(LeaseState::Restored { .. }))).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let told = load.stop().await;
    assert!(told.refused + told.broken > 0, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_scale_in_drains_before_it_takes_servers_away() {
    let Some(mut s) = Scene::start(5, Some(rules())) else { return };
    let load = Load::start(s.addr());
    tokio::time::sleep(Duration::from_millis(500)).await;
    s.approve(4, Duration::from_secs(60)).await;
    s.until(|s| s.state == Some(OperationState::Kept)).await;
    let told = load.stop().await;
    assert_eq!((told.refused, told.broken, s.rack.cut()), (0, 0, 0), "{told:?}");
    assert_eq!(s.turns("s5").first().map(String::as_str), Some("drain"));
    s.settled().await;
    s.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_while_servers_warm_up_gives_their_weight_back_when_it_returns() {
    let slow = TrafficRules { slow_start: Duration::from_secs(60), ..rules() };
    let Some(mut s) = Scene::start(3, Some(slow)) else { return };
    s.approve(5, Duration::from_secs(600)).await;
    s.until(|s| s.turns("s4").len() == 1 && s.turns("s5").len() == 1).await;
    s.kill().await;
    let weights = s.backend().await.servers.iter().map(|s| s.weight).collect::<Vec<_>>();
    assert_eq!(weights[3..5], [20, 20], "this is what it left behind");
    s.restart().await;
    s.until(|s| matches!(s.state, Some(OperationState::Paused { .. }))).await;
    s.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_while_servers_drain_lets_them_serve_again_and_leaves_what_others_set() {
    let patient = TrafficRules { drain: Duration::from_secs(120), ..rules() };
    let Some(mut s) = Scene::start(5, Some(patient)) else { return };
    // A request that does not end keeps the drain waiting.
    let held = load::hold(s.addr(), 10).await;
    s.approve(3, Duration::from_secs(600)).await;
    s.until(|s| s.turns("s4").len() == 1 && s.turns("s5").len() == 1).await;
    assert_eq!(s.rack.replicas(), 5, "sessions are on them");
    s.kill().await;
    s.ask("set server shop/s4 state maint").await;
    s.restart().await;
    s.until(|s| matches!(s.state, Some(OperationState::Paused { .. } | OperationState::Cancelled { .. })))
        .await;
    let backend = s.backend().await;
    let by = |name: &str| backend.server(name).unwrap().clone();
    assert!(by("s4").maintenance, "somebody wanted that");
    assert!(by("s5").serves(), "{:?}", by("s5"));
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_aborts_a_drain_gets_the_servers_back() {
    let patient = TrafficRules { drain: Duration::from_secs(120), ..rules() };
    let Some(mut s) = Scene::start(5, Some(patient)) else { return };
    let held = load::hold(s.addr(), 10).await;
    s.approve(3, Duration::from_secs(600)).await;
    s.until(|s| s.turns("s5").len() == 1).await;
    s.wish(Job::Abort).await;
    s.until(|s| matches!(s.state, Some(OperationState::Cancelled { .. }))).await;
    s.settled().await;
    assert_eq!(s.rack.replicas(), 5);
    s.given_back().await;
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_below_admin_and_a_backend_that_is_not_there_are_said_with_their_fix() {
    let Some(s) = Scene::start(1, Some(rules())) else { return };
    let operator = s.manager("operator.sock", "shop");
    let said = operator.allowed().await.unwrap_err().to_string();
    assert!(said.contains("level operator") && said.contains("`level admin`"), "{said}");
    assert!(operator.look().await.is_ok());
    assert_eq!(s.manager("admin.sock", "shop").allowed().await, Ok(()));
    let gone = s.manager("admin.sock", "nothing").look().await.unwrap_err();
    assert!(matches!(&gone, TrafficError::Refused(why) if why.contains("haproxy's configuration")), "{gone}");
    let nobody = s.manager("nobody.sock", "shop").look().await.unwrap_err();
    assert!(matches!(nobody, TrafficError::Unavailable(_)), "{nobody}");

    let config = s.path("weescale.toml");
    let one = |socket: &str, backend: &str| {
        let socket = s.path(socket);
        format!(
            "[[haproxy]]\nsocket = \"{}\"\nbackend = \"{backend}\"\nworkload = \"{backend}\"\n",
            socket.display()
        )
    };
    let text = [one("admin.sock", "shop"), one("operator.sock", "fixed"), one("admin.sock", "none")].concat();
    std::fs::write(&config, text).unwrap();
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["check", "--config"])
        .arg(&config)
        .env_remove("KUBECONFIG")
        .env_remove("PROMETHEUS_URL")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("ok       haproxy shop: 1 of 6 servers take traffic, for shop"), "{told}");
    assert!(told.contains("limited  haproxy fixed: the socket has level operator"), "{told}");
    assert!(told.contains("failing  haproxy none: ") && told.contains("look for the name"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_takes_no_weights_is_asked_about() {
    let Some(mut s) = Scene::start_behind("fixed", 3, Some(rules())) else { return };
    s.approve(4, Duration::from_secs(600)).await;
    s.until(
        |s| matches!(&s.state, Some(OperationState::Paused { why }) if why.contains("balance roundrobin")),
    )
    .await;
    assert_eq!(s.rack.replicas(), 4, "capacity does not wait for it");
    s.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_two_of_them_weights_and_drains_are_on_each_and_no_request_is_lost() {
    let Some(mut s) = Scene::start_on_two(3, rules()) else { return };
    let (one, two) = (Load::start(s.addr()), Load::start(s.second_addr()));
    s.approve(5, Duration::from_secs(7)).await;
    s.until(|s| s.state == Some(OperationState::Kept)).await;
    for server in ["s4", "s5"] {
        for name in [s.on_first(server), s.on_second(server)] {
            let steps = ["weight 20", "weight 40", "weight 60", "weight 80", "weight 100"];
            assert_eq!(s.turns(&name), steps, "{name}");
        }
    }
    s.until(|s| matches!(s.lease, Some(LeaseState::Restored { .. }))).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (one, two) = (one.stop().await, two.stop().await);
    println!("{one:?} {two:?}");
    for told in [one, two] {
        assert!(told.good > 100, "{told:?}");
        assert_eq!((told.refused, told.broken), (0, 0), "{told:?}");
    }
    assert_eq!(s.rack.cut(), 0, "no request was on what was taken away");
    for name in [s.on_first("s4"), s.on_second("s4"), s.on_first("s5"), s.on_second("s5")] {
        assert!(s.turns(&name).contains(&"drain".to_owned()), "{name}: {:?}", s.turns(&name));
    }
    assert!(s.turns(&s.on_second("s1")).is_empty(), "old servers are left alone");
    // Each counts its own.
    let counters = s.backend().await.counters;
    let told: Vec<Option<u64>> = counters.values().map(|c| c.total).collect();
    let mut good = [Some(one.good), Some(two.good)];
    if counters.keys().next().is_some_and(|front| s.on_second("").ends_with(front)) {
        good.reverse();
    }
    assert_eq!(told, good, "{counters:?}");
    s.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_that_does_not_answer_stops_what_takes_servers_away_and_is_asked_about_otherwise() {
    let Some(mut s) = Scene::start_on_two(3, rules()) else { return };
    let slow = s.on_first("s4");
    s.approve(4, Duration::from_secs(600)).await;
    s.until(|s| !s.turns(&slow).is_empty()).await;
    s.lose_second();
    s.until(|s| matches!(&s.state, Some(OperationState::Paused { why }) if why.contains("haproxy at ")))
        .await;
    assert_eq!(s.rack.replicas(), 4, "capacity does not wait for it");
    s.given_back_on_first().await;

    let Some(mut s) = Scene::start_on_two(5, rules()) else { return };
    let held = load::hold(s.addr(), 10).await;
    let first = s.on_first("s5");
    s.approve(4, Duration::from_secs(600)).await;
    s.until(|s| !s.turns(&first).is_empty()).await;
    s.lose_second();
    s.until(|s| matches!(&s.state, Some(OperationState::Paused { why }) if why.contains("haproxy at ")))
        .await;
    assert_eq!(s.rack.replicas(), 5, "nothing is taken away");
    s.given_back_on_first().await;
    // Read back from the one that lives.
    s.until(|s| s.turns(&first) == ["drain", "ready"]).await;
    drop(held);
}
