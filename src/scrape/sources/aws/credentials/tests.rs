use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn files(dir: &Path) -> Files {
    Files { credentials: dir.join("credentials"), config: dir.join("config") }
}

fn with_profile(dir: &Path, profile: &str, metadata: Option<Metadata>) -> Credentials {
    Credentials::new(Access { profile: Some(profile.into()), files: files(dir), metadata })
}

/// A command that appends a line to `count` and prints keys that end at `expiration`.
fn process(dir: &Path, expiration: &str) -> std::path::PathBuf {
    let count = dir.join("count");
    let script = dir.join("keys.sh");
    let json =
        format!(r#"{{"Version":1,"AccessKeyId":"AKP","SecretAccessKey":"sp","Expiration":"{expiration}"}}"#);
    std::fs::write(&script, format!("echo x >>{}\ncat <<'END'\n{json}\nEND\n", count.display())).unwrap();
    let config = format!("[profile tool]\ncredential_process = sh {}\n", script.display());
    std::fs::write(dir.join("config"), config).unwrap();
    count
}

fn runs(count: &Path) -> usize {
    std::fs::read_to_string(count).map_or(0, |t| t.lines().count())
}

#[tokio::test]
async fn files_are_read_anew_so_that_rotation_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = with_profile(dir.path(), "p", None);
    let write = |id: &str| {
        let text = format!("[p]\naws_access_key_id={id}\naws_secret_access_key=s\n");
        std::fs::write(dir.path().join("credentials"), text).unwrap();
    };
    write("AK1");
    assert_eq!(credentials.keys().await.ok().unwrap().id(), "AK1");
    write("AK2");
    assert_eq!(credentials.keys().await.ok().unwrap().id(), "AK2");
}

#[tokio::test]
async fn a_process_runs_again_only_when_its_keys_are_about_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let count = process(dir.path(), "2999-01-01T00:00:00Z");
    let credentials = with_profile(dir.path(), "tool", None);
    for _ in 0..3 {
        assert_eq!(credentials.keys().await.ok().unwrap().id(), "AKP");
    }
    assert_eq!(runs(&count), 1);
    credentials.forget().await;
    assert!(credentials.keys().await.is_ok());
    assert_eq!(runs(&count), 2, "what AWS refused is asked for anew");

    // Keys with a minute to live are renewed by every call, and used while they last.
    let soon = jiff::Timestamp::from_millisecond(Clock::real().now().as_millis() + 60_000).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let count = process(dir.path(), &soon.to_string());
    let credentials = with_profile(dir.path(), "tool", None);
    for _ in 0..2 {
        assert_eq!(credentials.keys().await.ok().unwrap().id(), "AKP");
    }
    assert_eq!(runs(&count), 2);
    std::fs::write(dir.path().join("keys.sh"), "exit 1").unwrap();
    assert!(credentials.keys().await.is_ok(), "they live on while the command fails");
}

#[tokio::test]
async fn a_process_that_fails_is_not_run_by_every_poll() {
    let dir = tempfile::tempdir().unwrap();
    let count = process(dir.path(), "2001-01-01T00:00:00Z");
    let credentials = with_profile(dir.path(), "tool", None);
    for _ in 0..3 {
        let why = credentials.keys().await.err().unwrap();
        assert!(why.contains("ended at 2001-01-01"), "{why}");
    }
    assert_eq!(runs(&count), 1);
}

#[tokio::test]
async fn metadata_is_asked_only_where_that_is_switched_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let log = tokio::spawn(async move {
        let mut seen = Vec::new();
        let keys = r#"{"Code":"Success","AccessKeyId":"AKM","SecretAccessKey":"sm","Token":"t","Expiration":"2999-01-01T00:00:00Z"}"#;
        for body in ["TOKEN", "role-a\n", keys] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let n = socket.read(&mut buffer).await.unwrap();
            seen.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
        seen
    });
    let dir = tempfile::tempdir().unwrap();
    let metadata =
        Metadata { instance: format!("http://{addr}"), container: None, container_token_file: None };
    let keys = metadata.keys().await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((keys.id(), keys.token()), ("AKM", Some("t")));
    let seen = log.await.unwrap();
    assert!(
        seen[0].starts_with("PUT /latest/api/token ") && seen[0].contains("ttl-seconds: 300"),
        "{}",
        seen[0]
    );
    assert!(seen[2].starts_with("GET /latest/meta-data/iam/security-credentials/role-a "), "{}", seen[2]);
    assert!(seen[1..].iter().all(|r| r.contains("x-aws-ec2-metadata-token: TOKEN")), "{seen:?}");

    // A profile that was named is not silently replaced by the machine's role.
    let why = with_profile(dir.path(), "p", Some(metadata)).keys().await.err().unwrap();
    assert!(why.contains("profile p gives no keys"), "{why}");
}

#[tokio::test]
async fn a_container_address_elsewhere_gets_no_token() {
    let elsewhere = Metadata {
        instance: "http://127.0.0.1:1".into(),
        container: Some("http://192.0.2.1/keys".into()),
        container_token_file: None,
    };
    assert!(elsewhere.keys().await.err().unwrap().contains("neither https nor a known local one"));
}

#[test]
fn nothing_shows_the_keys() {
    let keys = Keys::new("AKIA", "hunter2", None, None).ok();
    let kept = Kept { keys, failed: None };
    assert!(!format!("{kept:?}").contains("hunter2"));
}
