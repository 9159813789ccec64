//! A loopback HTTP/1.1 proxy that may spoil or record what passes: one request a connection, bodies whole.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came: head (with its blank line) and body.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /metrics HTTP/1.1` and the headers.
    pub head: String,
    /// Body.
    pub body: String,
}

impl Request {
    /// Method and path.
    pub fn line(&self) -> (&str, &str) {
        let mut words = self.head.split_whitespace();
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }
}

/// An answer: status and body; `None` instead of it: no answer at all.
pub type Answer = Option<(u16, String)>;

/// What is done with an answer before it is passed on.
pub type Between = Arc<dyn Fn(&Request, (u16, String)) -> Answer + Send + Sync>;

/// Asked of a request before it is passed on; `false`: it never arrives.
pub type Before = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// Starts a proxy before `upstream` (`127.0.0.1:PORT`); its own base URL.
pub async fn proxy(upstream: String, between: Between) -> String {
    guarded(upstream, Arc::new(|_: &Request| true), between).await
}

/// The same, with a say before a request is passed on.
pub async fn guarded(upstream: String, before: Before, between: Between) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, upstream.clone(), Arc::clone(&before), Arc::clone(&between)));
        }
    });
    format!("http://{address}")
}

async fn serve(mut stream: TcpStream, upstream: String, before: Before, between: Between) -> Option<()> {
    let request = read(&mut stream).await?;
    if !before(&request) {
        return None;
    }
    let (_, path) = request.line();
    let kind = if path.starts_with("/metrics") {
        "text/plain; version=0.0.4; charset=utf-8"
    } else {
        "application/json"
    };
    let mut up = TcpStream::connect(&upstream).await.ok()?;
    // HTTP/1.0 and no compression: the answer ends with the connection, in one plain piece.
    let head: String = request
        .head
        .replacen("HTTP/1.1", "HTTP/1.0", 1)
        .lines()
        .filter(|l| !l.is_empty())
        .filter(|l| {
            !["connection", "accept-encoding", "accept:"].iter().any(|h| l.to_lowercase().starts_with(h))
        })
        .map(|l| format!("{l}\r\n"))
        .collect();
    up.write_all(format!("{head}\r\n{}", request.body).as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    up.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let etag: String =
        head.lines().filter(|l| l.to_lowercase().starts_with("etag")).map(|l| format!("{l}\r\n")).collect();
    let Some((status, body)) = between(&request, (status, body.to_owned())) else {
        // No answer: the asker's own deadline ends it.
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        return None;
    };
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{etag}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.ok()
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0u8; 4096];
        let n = stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
        bytes.extend(part.iter().take(n));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0usize) {
            return Some(Request { head: head.to_owned(), body: body.to_owned() });
        }
    }
}
