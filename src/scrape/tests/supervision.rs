use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::fixture::{Fixture, Step, next, status};
use crate::clock::Clock;
use crate::scrape::supervisor::Supervisor;
use crate::scrape::{
    Delivery, Health, Limits, Polled, Source, SourceId, SourceKind, Target, spawn_exposition,
};
use crate::series::Timestamp;

const INTERVAL: Duration = Duration::from_secs(10);

/// Crashes at its second poll.
struct Fragile(Arc<AtomicU32>);

impl Source for Fragile {
    async fn poll(&mut self, _at: Timestamp) -> Polled {
        let polls = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(polls != 2, "out of order");
        Polled { samples: 1, ..Polled::default() }
    }
}

#[tokio::test]
async fn a_crash_costs_one_poll_and_is_shown() {
    let (tx, mut rx) = mpsc::channel(16);
    let id = SourceId::new("http://fragile");
    let clock = Clock::accelerated(Timestamp::from_secs(0), 200.0);
    let supervisor = Supervisor::new((&id, SourceKind::Exposition), INTERVAL, clock, tx, &Limits::default());
    let polls = Arc::new(AtomicU32::new(0));
    let task = tokio::spawn(supervisor.run(move || Fragile(Arc::clone(&polls))));
    assert_eq!(status(&mut rx).await.health, Health::Healthy);
    let Health::Stopped { reason } = status(&mut rx).await.health else { panic!() };
    assert!(reason.contains("http://fragile") && reason.contains("crashed"), "{reason}");
    let after = status(&mut rx).await;
    assert_eq!(after.health, Health::Healthy);
    assert_eq!(after.samples, 2);
    drop(rx);
    tokio::time::timeout(Duration::from_secs(5), task).await.expect("ends when nobody listens").unwrap();
}

#[tokio::test]
async fn a_paused_clock_polls_only_when_it_is_advanced() {
    let fixture = Fixture::start(|_, _| super::fixture::metrics("a 1\n")).await;
    let mut target = Target::exposition(&fixture.url()).unwrap();
    target.interval = INTERVAL;
    let clock = Clock::paused(Timestamp::from_secs(1000));
    let (tx, mut rx) = mpsc::channel(16);
    let _handle = spawn_exposition(target, clock.clone(), tx).unwrap();
    let first = super::fixture::scrape(&mut rx).await;
    assert_eq!(first.at, Timestamp::from_secs(1000));
    status(&mut rx).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fixture.requests().len(), 1);
    clock.advance(INTERVAL);
    assert_eq!(super::fixture::scrape(&mut rx).await.at, Timestamp::from_secs(1010));
}

#[tokio::test]
async fn a_stalled_tls_handshake_ends_at_the_deadline() {
    // Reads the handshake as if it were a request and never answers.
    let fixture = Fixture::start(|_, _| vec![Step::Hang]).await;
    let mut target = Target::exposition(&fixture.url().replace("http:", "https:")).unwrap();
    target.limits.timeout = Duration::from_millis(300);
    let (tx, mut rx) = mpsc::channel(16);
    let _handle = spawn_exposition(target, Clock::real(), tx).unwrap();
    let Health::Failing { error, .. } = status(&mut rx).await.health else { panic!() };
    assert!(error.contains("no complete answer within 0.3 s"), "{error}");
    drop(rx);
}

#[tokio::test]
async fn an_unusable_ca_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    for (content, why) in [(None, "No such file"), (Some("no certificate"), "holds no PEM certificate")] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let mut target = Target::exposition("https://127.0.0.1:1").unwrap();
        target.tls.ca_file = Some(path.clone());
        let (tx, _rx) = mpsc::channel::<Delivery>(1);
        let error = spawn_exposition(target, Clock::real(), tx).unwrap_err().to_string();
        assert!(error.contains("field ca_file") && error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_missing_token_file_fails_the_poll_and_names_the_field() {
    let mut target = Target::exposition("127.0.0.1:1").unwrap();
    let missing = crate::scrape::Credential::File("/nonexistent/token".into());
    target.auth = crate::scrape::Auth::Bearer(missing);
    let (tx, mut rx) = mpsc::channel(16);
    let _handle = spawn_exposition(target, Clock::real(), tx).unwrap();
    let Delivery::Status(starting) = next(&mut rx).await else { panic!() };
    assert_eq!(starting.health, Health::Starting);
    let Health::Failing { error, .. } = status(&mut rx).await.health else { panic!() };
    assert!(error.contains("field auth") && error.contains("/nonexistent/token"), "{error}");
}
