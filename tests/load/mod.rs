//! A little load: a tiny backend, and clients that send at a steady rate and count.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Seconds since 1970.
pub fn now() -> f64 {
    weescale::clock::Clock::real().now().as_secs_f64()
}

/// A server that answers every request with two bytes.
pub async fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.is_ok() {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                        .await;
                }
            });
        }
    });
    addr
}

/// When requests were answered.
#[derive(Debug, Default)]
pub struct Rate(Mutex<VecDeque<f64>>);

impl Rate {
    /// Answers a second over the last minute.
    pub fn recent(&self) -> f64 {
        let from = now() - 60.0;
        let mut answered = self.0.lock().unwrap();
        while answered.front().is_some_and(|at| *at < from) {
            answered.pop_front();
        }
        answered.len() as f64 / 60.0
    }
}

/// Clients at work until dropped.
pub struct Load {
    pub rate: Arc<Rate>,
    task: AbortHandle,
}

impl Load {
    /// Sends `per_second` requests to `to`.
    pub fn start(to: SocketAddr, per_second: f64) -> Self {
        let rate = Arc::new(Rate::default());
        let counted = Arc::clone(&rate);
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second));
            loop {
                ticks.tick().await;
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    if request(to).await.is_some() {
                        counted.0.lock().unwrap().push_back(now());
                    }
                });
            }
        });
        Self { rate, task: task.abort_handle() }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn request(to: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    answer.starts_with(b"HTTP/1.1 200").then_some(())
}
