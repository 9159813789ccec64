//! Targets that share connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::fixture::{Names, scrape, value};
use crate::clock::Clock;
use crate::scrape::{Encoding, Target, Wires, spawn_exposition_over};

/// Answers every request on a connection, and says of each what it accepts.
async fn keep_answering(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(n @ 1..) = stream.read(&mut piece).await {
        request.extend_from_slice(&piece[..n]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let packed = u8::from(head.contains("accept-encoding: gzip\r\n"));
        let body = format!("packed {packed}\n");
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        request.clear();
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn connections_are_kept_and_shared_and_each_target_says_what_it_accepts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(keep_answering(stream));
        }
    });
    let wires = Wires::default();
    let mut running = Vec::new();
    for number in 0..6 {
        let mut target = Target::exposition(&format!("http://{addr}/{number}")).unwrap();
        target.interval = Duration::from_millis(100);
        target.encoding = (number % 2 == 1).then_some(Encoding::Gzip);
        let (tx, mut rx) = mpsc::channel(16);
        let handle = spawn_exposition_over(&wires, target, Clock::real(), tx).unwrap();
        // One after the other, so that there is always a free connection.
        let first = scrape(&mut rx).await;
        assert_eq!(value(&first, "packed"), Some(f64::from(number % 2)));
        running.push((handle, rx));
    }
    for (_, rx) in &mut running {
        for _ in 0..5 {
            scrape(rx).await;
        }
    }
    // As many as were in use at the same moment, at most one a target; not one a scrape.
    let opened = opened.load(Ordering::SeqCst);
    assert!(opened <= running.len(), "{opened} connections");
    server.abort();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_costs_no_scrape() {
    // The first answer promises to stay and leaves at once; the second leaves when it is asked again; then it stays.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target =
        Target::exposition(&format!("http://{}/metrics", listener.local_addr().unwrap())).unwrap();
    target.interval = Duration::from_millis(50);
    let server = tokio::spawn(async move {
        for manner in 0_u8.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut piece = [0; 4096];
            let body = format!("manner {manner}\n");
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            if manner > 1 {
                tokio::spawn(keep_answering(stream));
                continue;
            }
            assert!(stream.read(&mut piece).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
            if manner == 1 {
                assert!(stream.read(&mut piece).await.unwrap() > 0, "it is asked on the same connection");
            }
        }
    });
    let (tx, mut rx) = mpsc::channel(16);
    let handle = spawn_exposition_over(&Wires::default(), target, Clock::real(), tx).unwrap();
    let mut names = Names::default();
    for manner in [Some(0.0), Some(1.0), None] {
        let block = scrape(&mut rx).await;
        assert_eq!(names.value(&block, "up"), Some(1.0), "{manner:?}");
        assert_eq!(names.value(&block, "manner"), manner);
    }
    drop(handle);
    server.abort();
}
