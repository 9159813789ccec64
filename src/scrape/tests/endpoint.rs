use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc;

use super::fixture::{Fixture, Names, Step, answer, metrics, scrape, status, value};
use crate::clock::Clock;
use crate::scrape::{
    Auth, Credential, Delivery, Handle, Health, Secret, SourceStatus, Target, spawn_exposition,
};

const INTERVAL: Duration = Duration::from_millis(200);

fn target(url: &str) -> Target {
    let mut target = Target::exposition(url).unwrap();
    target.interval = INTERVAL;
    target.limits.timeout = Duration::from_millis(300);
    target
}

fn spawn(target: Target) -> (Handle, mpsc::Receiver<Delivery>) {
    let (tx, rx) = mpsc::channel(64);
    (spawn_exposition(target, Clock::real(), tx).unwrap(), rx)
}

/// Status after the first poll of a server that answers everything with `steps`, and the requests it saw.
async fn first(steps: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> (SourceStatus, Vec<String>) {
    let fixture = Fixture::start(move |i, _| steps(i)).await;
    let (_handle, mut rx) = spawn(target(&fixture.url()));
    let scrape = scrape(&mut rx).await;
    let status = status(&mut rx).await;
    let up = f64::from(u8::from(status.health == Health::Healthy));
    assert_eq!(value(&scrape, "up"), Some(up), "a failed scrape says up 0");
    (status, fixture.requests())
}

fn error(status: &SourceStatus) -> &str {
    match &status.health {
        Health::Failing { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn delivers_samples_with_labels_and_the_synthetic_series() {
    let fixture = Fixture::start(|_, _| metrics("a{x=\"1\"} 5\nbad line here x\n")).await;
    let mut target = target(&fixture.url());
    target.job = "shop".into();
    target.labels.insert("region".into(), "eu".into());
    target.auth = Auth::Bearer(Credential::Value(Secret::new("s3cret")));
    target.headers.push(("X-Scope-OrgID".into(), Credential::Value(Secret::new("tenant"))));
    let (_handle, mut rx) = spawn(target);
    let scrape = scrape(&mut rx).await;
    let own = scrape.born.announced().next().unwrap().1.to_string();
    assert_eq!(own, format!("a{{instance=\"{}\",job=\"shop\",region=\"eu\",x=\"1\"}}", fixture.addr));
    assert_eq!(value(&scrape, "up"), Some(1.0));
    assert_eq!(value(&scrape, "scrape_samples_scraped"), Some(1.0));
    assert!(value(&scrape, "scrape_duration_seconds").unwrap() > 0.0);
    let status = status(&mut rx).await;
    assert_eq!(status.health, Health::Healthy);
    assert_eq!((status.samples, status.dropped.malformed), (1, 1));
    assert!(status.warnings[0].starts_with("line 2: "));
    let request = fixture.requests()[0].to_lowercase();
    for header in ["authorization: bearer s3cret", "x-scope-orgid: tenant", "accept-encoding: identity\r\n"] {
        assert!(request.contains(header), "{request}");
    }
    assert!(request.contains("application/openmetrics-text"));
}

#[tokio::test]
async fn gzip_is_read_and_bounded() {
    let headers = [("content-encoding", "gzip")];
    let (status, _) = first(move |_| answer("200 OK", &headers, &gzip(b"a 1\n"))).await;
    assert_eq!((status.health, status.bytes), (Health::Healthy, 4));
    let bomb = gzip(&vec![b'#'; 80 << 20]);
    let fixture = Fixture::start(move |_, _| answer("200 OK", &headers, &bomb)).await;
    let mut generous = target(&fixture.url());
    generous.limits.timeout = Duration::from_secs(10);
    let (_handle, mut rx) = spawn(generous);
    let failing = super::fixture::status(&mut rx).await;
    assert!(error(&failing).contains("limit decoded_bytes of 67108864"), "{failing:?}");
    assert_eq!(failing.limits_hit, ["decoded_bytes"]);
    let twice = gzip(&gzip(b"a 1\n"));
    let (status, _) = first(move |_| answer("200 OK", &headers, &twice)).await;
    assert!(error(&status).contains("unexpected encoding"), "{status:?}");
}

#[tokio::test]
async fn encodings_that_were_not_offered_are_refused() {
    for encoding in ["zstd", "br", "deflate", "gzip, gzip", "\u{9b}x"] {
        let (status, _) =
            first(move |_| answer("200 OK", &[("content-encoding", encoding)], &gzip(b"a 1\n"))).await;
        assert!(error(&status).contains("unexpected encoding"), "{encoding}: {status:?}");
    }
}

#[tokio::test]
async fn hanging_dripping_and_torn_answers_end_at_the_deadline() {
    let (status, _) = first(|_| vec![Step::Hang]).await;
    assert!(error(&status).contains("no complete answer within 0.3 s"), "{status:?}");
    let drip = |_| {
        let head = Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n".to_vec());
        let drops = (0..200).flat_map(|_| [Step::Wait(Duration::from_millis(20)), Step::Send(b"#".to_vec())]);
        std::iter::once(head).chain(drops).collect()
    };
    let (status, _) = first(drip).await;
    assert!(error(&status).contains("no complete answer"), "{status:?}");
    assert!(status.last_duration.unwrap() < Duration::from_secs(2));
    let torn = b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\na 1\nb 2\n";
    let (status, _) = first(|_| vec![Step::Send(torn.to_vec())]).await;
    assert!(error(&status).contains("broke off"), "{status:?}");
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_read() {
    let huge = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
    let (status, _) = first(|_| vec![Step::Send(huge.to_vec()), Step::Hang]).await;
    assert!(error(&status).contains("limit body_bytes"), "{status:?}");
    let long = "x".repeat(7000);
    let many: Vec<_> = (0..10).map(|_| ("x-flood", long.clone())).collect();
    let steps = move |_| {
        let headers: Vec<_> = many.iter().map(|(n, v)| (*n, v.as_str())).collect();
        answer("200 OK", &headers, b"a 1\n")
    };
    let (status, _) = first(steps).await;
    assert!(error(&status).contains("limit header_bytes"), "{status:?}");
    let (status, _) = first(|_| answer("200 OK", &[("a", "b"); 300], b"a 1\n")).await;
    assert!(matches!(status.health, Health::Failing { .. }), "{status:?}");
}

#[tokio::test]
async fn web_pages_and_error_statuses_are_explained() {
    let html = [("content-type", "text/html")];
    let (status, _) = first(move |_| answer("200 OK", &html, b"<html>\x1b[2JLog in")).await;
    assert!(error(&status).contains("web page"), "{status:?}");
    let (status, _) = first(|_| metrics("  <!doctype html>")).await;
    assert!(error(&status).contains("web page"), "{status:?}");
    let (status, _) = first(|_| answer("401 Unauthorized", &[], b"")).await;
    assert!(error(&status).contains("HTTP 401; check auth"), "{status:?}");
}

#[tokio::test]
async fn redirects_stay_at_their_origin() {
    let catcher = Fixture::start(|_, _| metrics("stolen 1\n")).await;
    let elsewhere = format!("http://{}/metrics", catcher.addr);
    let places = [
        (elsewhere, "another origin"),
        ("http://169.254.169.254/latest/meta-data".into(), "metadata service"),
        ("file:///etc/passwd".into(), ""),
    ];
    for (to, why) in places {
        let (status, requests) = first(move |_| answer("302 Found", &[("location", &to)], b"")).await;
        assert!(error(&status).contains(why), "{status:?}");
        assert_eq!(requests.len(), 1);
    }
    assert!(catcher.requests().is_empty());
    let (status, requests) = first(|_| answer("302 Found", &[("location", "/again")], b"")).await;
    assert!(error(&status).contains("more than 5 redirects"), "{status:?}");
    assert_eq!(requests.len(), 6);
    let moved = |i| if i == 0 { answer("308 Moved", &[("location", "/m")], b"") } else { metrics("a 1\n") };
    let (status, requests) = first(moved).await;
    assert_eq!(status.health, Health::Healthy);
    assert!(requests[1].starts_with("GET /m "));
}

#[tokio::test]
async fn retry_after_is_honoured_and_capped() {
    let fixture =
        Fixture::start(|_, _| answer("429 Too Many Requests", &[("retry-after", "9999")], b"")).await;
    let mut target = target(&fixture.url());
    target.limits.retry_after = Duration::from_millis(1500);
    let (handle, mut rx) = spawn(target);
    let failing = status(&mut rx).await;
    let Health::Failing { next_try, since, .. } = failing.health else { panic!() };
    assert_eq!(next_try.since(since), Duration::from_millis(1500));
    handle.poll_now();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(fixture.requests().len(), 1, "silence was asked for, even F5 waits");
    status(&mut rx).await;
    assert_eq!(fixture.requests().len(), 2);
}

#[tokio::test]
async fn a_target_that_comes_back_on_its_port_is_found_within_two_intervals() {
    let fixture = Fixture::start(|_, _| metrics("a 1\n")).await;
    let addr = fixture.addr;
    let (_handle, mut rx) = spawn(target(&fixture.url()));
    let mut names = Names::default();
    assert_eq!(names.value(&scrape(&mut rx).await, "a"), Some(1.0));
    drop(fixture);
    let mut down = scrape(&mut rx).await;
    while names.value(&down, "up") == Some(1.0) {
        down = scrape(&mut rx).await;
    }
    for _ in 0..4 {
        assert_eq!((names.value(&down, "up"), names.value(&down, "a")), (Some(0.0), None), "its series end");
        down = scrape(&mut rx).await;
    }
    let _back = Fixture::start_at(addr, |_, _| metrics("a 2\n")).await;
    let found = async { while names.value(&scrape(&mut rx).await, "a") != Some(2.0) {} };
    tokio::time::timeout(INTERVAL * 2, found).await.expect("found within two intervals");
}

#[tokio::test]
async fn a_failing_target_is_not_hammered() {
    let fixture = Fixture::start(|_, _| answer("503 Busy", &[], b"")).await;
    let (_handle, _rx) = spawn(target(&fixture.url()));
    tokio::time::sleep(INTERVAL * 8).await;
    let count = fixture.requests().len();
    assert!((3..=8).contains(&count), "{count}");
}

#[tokio::test]
async fn a_busy_engine_loses_deliveries_that_are_counted_and_polling_goes_on() {
    let fixture = Fixture::start(|_, _| metrics("a 1\n")).await;
    let mut target = target(&fixture.url());
    target.limits.delivery_wait = Duration::from_millis(20);
    let (tx, mut rx) = mpsc::channel(1);
    let _handle = spawn_exposition(target, Clock::real(), tx).unwrap();
    tokio::time::sleep(INTERVAL * 4).await;
    assert!(fixture.requests().len() >= 3);
    let mut lost = 0;
    for _ in 0..10 {
        lost = status(&mut rx).await.dropped.deliveries.max(lost);
    }
    assert!(lost >= 2, "{lost}");
}

#[tokio::test]
async fn poll_now_and_drop_do_what_they_say() {
    let fixture = Fixture::start(|_, _| metrics("a 1\n")).await;
    let mut slow = target(&fixture.url());
    slow.interval = Duration::from_secs(3600);
    let (handle, mut rx) = spawn(slow);
    scrape(&mut rx).await;
    handle.poll_now();
    scrape(&mut rx).await;
    assert_eq!(fixture.requests().len(), 2);
    drop(handle);
    while tokio::time::timeout(Duration::from_secs(5), rx.recv()).await.unwrap().is_some() {}
}
