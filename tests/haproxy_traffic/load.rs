//! Requests, one after the other from several clients, and what came of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CLIENTS: usize = 8;

/// What came of the requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Answered with 200.
    pub good: u64,
    /// Answered with anything else.
    pub refused: u64,
    /// Not answered.
    pub broken: u64,
}

/// Clients at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Told>,
}

impl Load {
    pub fn start(to: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let stop = Arc::clone(&stop);
            clients.spawn(async move {
                let mut told = Told::default();
                while !stop.load(Ordering::Relaxed) {
                    match tokio::time::timeout(Duration::from_secs(20), request(to, "/")).await {
                        Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200") => told.good += 1,
                        Ok(Ok(answer)) if !answer.is_empty() => told.refused += 1,
                        _ => told.broken += 1,
                    }
                }
                told
            });
        }
        Self { stop, clients }
    }

    pub async fn stop(mut self) -> Told {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Told::default();
        while let Some(told) = self.clients.join_next().await {
            let told = told.unwrap();
            all.good += told.good;
            all.refused += told.refused;
            all.broken += told.broken;
        }
        all
    }
}

async fn request(to: SocketAddr, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(to).await?;
    let text = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// `n` requests that are never answered, spread over the servers; open until dropped.
pub async fn hold(to: SocketAddr, n: usize) -> JoinSet<()> {
    let mut held = JoinSet::new();
    for _ in 0..n {
        held.spawn(async move {
            let _ = request(to, "/hold").await;
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    held
}
