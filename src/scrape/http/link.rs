//! One connection to an endpoint, driven by whoever asks over it.
//!
//! A general client runs each connection as a task beside the asker's, and each answer wakes both several times. Here
//! the asker polls the connection itself; one that nobody asks over is not looked at until somebody does.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::origin::Kept;

/// Bytes read at once, and the longest head of an answer: more than what its headers may take. An idle connection holds
/// no more.
const READ_BYTES: usize = 96 << 10;

/// What is sent.
pub(super) type Payload = Full<Bytes>;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Payload>,
    driver: Connection<TokioIo<TcpStream>, Payload>,
    over: bool,
}

/// The body of an answer, which drives the connection that it comes from and gives it back at its end.
#[derive(Debug)]
pub(super) struct Driven {
    body: Incoming,
    link: Option<Link>,
    kept: Kept,
}

impl Link {
    /// Connects to one of the addresses of `host`, each within its share of `within`.
    ///
    /// # Errors
    /// As of the system: no such name, refused, out of time.
    pub(super) async fn open(
        (host, port): (&str, u16),
        most_headers: usize,
        within: Duration,
    ) -> std::io::Result<Self> {
        let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.take(MOST_ADDRESSES).collect();
        let share = within / u32::try_from(addresses.len().max(1)).unwrap_or(1);
        let mut failure = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Self::over(stream, most_headers).await,
                Ok(Err(error)) => failure = error,
                Err(_) => failure = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"),
            }
        }
        Err(failure)
    }

    async fn over(stream: TcpStream, most_headers: usize) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        let (sender, driver) = Builder::new()
            .max_headers(most_headers)
            .read_buf_exact_size(Some(READ_BYTES))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        Ok(Self { sender, driver, over: false })
    }

    /// Moves what can be moved now. Errors reach the one who asks by their answer.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.over {
            self.over = Pin::new(&mut self.driver).poll(cx).is_ready();
        }
    }

    /// Whether another request can go over it: the other side did not close it, and has nothing left to say.
    pub(super) async fn is_usable(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(!self.over && self.sender.is_ready())
        })
        .await
    }

    /// Asks, and waits for the head of the answer; its body goes on from here.
    ///
    /// # Errors
    /// Those of the protocol: cut off, not HTTP, head too large.
    pub(super) async fn ask(
        mut self,
        request: Request<Payload>,
        kept: Kept,
    ) -> hyper::Result<Response<Driven>> {
        let answer = {
            let mut answer = pin!(self.sender.send_request(request));
            poll_fn(|cx| {
                if !self.over {
                    self.over = Pin::new(&mut self.driver).poll(cx).is_ready();
                }
                answer.as_mut().poll(cx)
            })
            .await?
        };
        Ok(answer.map(|body| Driven { body, link: Some(self), kept }))
    }
}

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;

impl hyper::body::Body for Driven {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        // Asking for more comes first: nothing is read before somebody wants it.
        let mut frame = Pin::new(&mut this.body).poll_frame(cx);
        if frame.is_pending() {
            if let Some(link) = &mut this.link {
                link.drive(cx);
            }
            frame = Pin::new(&mut this.body).poll_frame(cx);
        }
        match &frame {
            Poll::Ready(None) => {
                if let Some(link) = this.link.take() {
                    this.kept.put(link);
                }
            }
            Poll::Ready(Some(Err(_))) => this.link = None,
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        // Whoever stops reading here would not give the connection back.
        false
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
