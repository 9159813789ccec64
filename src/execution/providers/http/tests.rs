use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::contract::{PodState, Warning};
use super::*;
use crate::approval::Mandate;
use crate::execution::tests::world;
use crate::fleet::Field;

const STATE: &str = r#"{"uid":"u-1","name":"checkout","generation":7,"fields":{"min_replicas":6},"ready":6}"#;

fn reply(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// Answers the requests of one test one after another; `None` hangs, an empty text closes the connection.
async fn server(answers: Vec<Option<String>>) -> (HttpSettings, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let n = socket.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..n]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    let length = head
                        .lines()
                        .find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                    body.len() >= length.map_or(0, |l| l.parse().unwrap())
                });
                if whole || n == 0 {
                    log.lock().unwrap().push(text);
                    break;
                }
            }
            match answer {
                Some(text) => socket.write_all(text.as_bytes()).await.unwrap(),
                None => std::future::pending::<()>().await,
            }
        }
        // Anything more would be seen as a request too many.
        while let Ok((mut socket, _)) = listener.accept().await {
            log.lock().unwrap().push("unexpected".into());
            let _ = socket.write_all(reply("500 Unexpected", "").as_bytes()).await;
        }
    });
    (HttpSettings { timeout: Duration::from_millis(700), ..HttpSettings::new(&base) }, seen)
}

fn order() -> WriteOrder {
    let proposal = world::proposal("p-1", Field::MinReplicas, 6, 8, None);
    let context = crate::fleet::Context { name: "t".into(), protected: false };
    let now = crate::clock::Monotonic::default();
    let facts = world::facts("op-1", proposal.owner.clone());
    let mut mandate: Mandate = crate::approval::Gate::new(crate::approval::Mode::Ask, context)
        .approve(&proposal, &proposal.hash(), None, &world::person(), now, facts)
        .unwrap()
        .redeem(now)
        .unwrap();
    mandate.order(crate::approval::Way::Forward, 6, 8).unwrap()
}

#[tokio::test]
async fn a_write_is_conditional_absolute_and_sent_once() {
    let after = STATE.replace(":6}", ":8}").replace(":7,", ":8,");
    let (mut settings, seen) =
        server(vec![Some(reply("200 OK", STATE)), Some(reply("200 OK", &after))]).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "s3cret\n").unwrap();
    settings.token = TokenSource::File(token.path().to_owned());
    let provider = HttpProvider::new(&settings).unwrap();
    let state = provider.write(&order()).await.unwrap();
    assert_eq!(state.fields.min_replicas, Some(8));
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("GET /api/v1/workloads/u-1 HTTP/1.1"));
    let patch = seen[1].to_lowercase();
    assert!(patch.starts_with("patch /api/v1/workloads/u-1 http/1.1"));
    assert!(patch.contains("if-match: \"7\"") && patch.contains("authorization: bearer s3cret"));
    let body: Write = serde_json::from_str(seen[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body.expect, Fields::only(Field::MinReplicas, 6));
    assert_eq!(body.set, Fields::only(Field::MinReplicas, 8));
    assert_eq!((body.uid.as_str(), body.manager.as_str(), body.dry_run), ("u-1", "weescale", false));
    assert!(body.idempotency_key.starts_with("op-1."));
    assert!(!format!("{provider:?}").contains("s3cret"));
}

#[tokio::test]
async fn every_answer_has_its_meaning_and_none_is_sent_again() {
    use ProviderError as E;
    type Means = fn(&E) -> bool;
    let refused = r#"{"error":"no\u001b[2Jo","current":null}"#;
    let cases: Vec<(Option<String>, Means)> = vec![
        (Some(reply("401 X", refused)), |e| matches!(e, E::Unauthenticated(_))),
        (Some(reply("403 X", refused)), |e| matches!(e, E::Forbidden(why) if why == "403 no\\u{1b}[2Jo")),
        (Some(reply("404 X", "plain text")), |e| matches!(e, E::NotFound(why) if why == "404 plain text")),
        (Some(reply("409 X", refused)), |e| matches!(e, E::Conflict { .. })),
        (
            Some(reply("412 X", &format!(r#"{{"error":"x","current":{STATE}}}"#))),
            |e| matches!(e, E::Precondition { current: Some(c), .. } if c.generation == 7),
        ),
        (Some(reply("422 X", refused)), |e| matches!(e, E::Invalid(_))),
        (
            Some(reply("429 X", "slow down").replace("connection", "retry-after: 7\r\nconnection")),
            |e| matches!(e, E::Unavailable { retry_after: Some(after), .. } if after.as_secs() == 7),
        ),
        (Some(reply("500 X", "oops")), |e| matches!(e, E::Unknown(_))),
        (Some(reply("503 X", "oops")), |e| matches!(e, E::Unknown(_))),
        (
            Some(reply("302 X", "").replace("connection", "location: http://169.254.169.254/\r\nconnection")),
            |e| matches!(e, E::Invalid(why) if why.contains("redirect")),
        ),
        (Some(reply("200 OK", "<html>login</html>")), |e| matches!(e, E::Unknown(_))),
        (Some(reply("200 OK", &STATE.replace(":6}", ":4000000000}"))), |e| matches!(e, E::Unknown(_))),
        (Some("HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{".into()), |e| matches!(e, E::Unknown(_))),
        (Some(String::new()), |e| matches!(e, E::Unknown(_))),
        (None, |e| matches!(e, E::Unknown(why) if why.contains("timed out"))),
    ];
    for (answer, means) in cases {
        let shown = format!("{answer:?}");
        let (settings, seen) = server(vec![Some(reply("200 OK", STATE)), answer]).await;
        let error = HttpProvider::new(&settings).unwrap().write(&order()).await.unwrap_err();
        assert!(means(&error), "{shown}: {error:?}");
        assert_eq!(seen.lock().unwrap().len(), 2, "{shown}");
    }
}

#[tokio::test]
async fn what_was_not_sent_is_known_not_to_be() {
    // Nobody listens.
    let settings = HttpSettings::new("http://127.0.0.1:1");
    let error = HttpProvider::new(&settings).unwrap().write(&order()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }), "{error:?}");
    // The value has changed since: not even sent.
    let (settings, seen) = server(vec![Some(reply("200 OK", &STATE.replace(":6}", ":9}")))]).await;
    let error = HttpProvider::new(&settings).unwrap().write(&order()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Precondition { .. }));
    assert_eq!(seen.lock().unwrap().len(), 1);
    // A read that times out is merely a failed read.
    let (settings, _) = server(vec![None]).await;
    let error = HttpProvider::new(&settings).unwrap().read("u-1").await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }));
}

#[tokio::test]
async fn hostile_texts_and_uids_are_harmless() {
    let hostile = STATE.replace("checkout", "a\\u001b]0;x\\u0007b");
    let (settings, seen) = server(vec![Some(reply("200 OK", &hostile)), Some(reply("200 OK", STATE))]).await;
    let provider = HttpProvider::new(&settings).unwrap();
    assert_eq!(provider.read("u-1").await.unwrap().name, "a\\u{1b}]0;x\\u{7}b");
    provider.read("../../x?y#z").await.unwrap();
    assert!(seen.lock().unwrap()[1].starts_with("GET /api/v1/workloads/..%2F..%2Fx%3Fy%23z HTTP/1.1"));
    assert!(provider.read("..").await.is_err());
}

#[test]
fn a_uid_that_shows_as_something_else_is_refused() {
    let with = |uid: &str| checked(WorkloadState { uid: uid.into(), ..WorkloadState::default() });
    assert!(with("u-1").is_ok());
    for uid in ["", "u\u{202e}1-u", "a\u{1b}[2Jb", &"u".repeat(254)] {
        let error = with(uid).unwrap_err().to_string();
        assert!(error.chars().all(crate::series::text::is_inert), "{error:?}");
    }
}

#[test]
fn warnings_and_usage_are_bounded_and_harmless() {
    let hostile = Warning {
        about: "a\u{1b}[2J".repeat(99),
        reason: "r\u{202e}".repeat(99),
        message: "m\u{7}".repeat(999),
        ..Warning::default()
    };
    let pod =
        |cpu, memory| PodState { cpu_used: Some(cpu), memory_used: Some(memory), ..PodState::default() };
    let state = checked(WorkloadState {
        uid: "u-1".into(),
        warnings: vec![hostile; 40],
        pods: vec![pod(-1.0, f64::NAN), pod(0.5, f64::INFINITY)],
        locked: vec![Field::ScaleIn; 40],
        ..WorkloadState::default()
    })
    .unwrap();
    assert_eq!((state.warnings.len(), state.locked.len()), (5, 4));
    for w in &state.warnings {
        for (text, most) in [(&w.about, 253), (&w.reason, 80), (&w.message, 300)] {
            assert!(text.chars().all(crate::series::text::is_inert), "{text:?}");
            // Each hidden character is spelt out.
            assert!(text.chars().count() <= most * 8, "{}", text.len());
        }
    }
    let used: Vec<_> = state.pods.iter().map(|p| (p.cpu_used, p.memory_used)).collect();
    assert_eq!(used, [(None, None), (Some(0.5), None)]);
}

#[test]
fn settings_are_checked_at_the_start() {
    for base in ["ftp://x", "nonsense", "http://u:p@x", "http://x?y", "http://x#y", "file:///etc"] {
        assert!(HttpProvider::new(&HttpSettings::new(base)).is_err(), "{base}");
    }
    let good = HttpSettings::new("http://x/");
    let missing = TokenSource::Environment("WEESCALE_TEST_NO_SUCH_VARIABLE".into());
    assert!(HttpProvider::new(&HttpSettings { token: missing, ..good.clone() }).is_err());
    let empty = tempfile::NamedTempFile::new().unwrap();
    let token = TokenSource::File(empty.path().to_owned());
    assert!(HttpProvider::new(&HttpSettings { token, ..good.clone() }).is_err());
    assert!(
        HttpProvider::new(&HttpSettings { ca_file: Some(empty.path().to_owned()), ..good.clone() }).is_err()
    );
    assert!(HttpProvider::new(&good).is_ok());
}
