//! One question to the runtime socket: a connection, a line, a bounded answer, a deadline.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::execution::traffic::TrafficError;

/// Largest answer read, bytes.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;
/// For connecting, asking and reading.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where the socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A path on this machine.
    Unix(PathBuf),
    /// `host:port`. Nobody is asked for a name there: keep it on loopback.
    Tcp(String),
}

/// No address of a socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no socket; write a path such as \"/run/haproxy/admin.sock\", or \"127.0.0.1:9999\"")]
pub struct BadAddress(String);

impl std::str::FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if text.starts_with('/') && text.len() <= 107 {
            return Ok(Self::Unix(text.into()));
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() => {
                Ok(Self::Tcp(text.to_owned()))
            }
            _ => Err(BadAddress(crate::series::text::clean(text, 200))),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// Sends `command` once and reads the answer to its end.
pub async fn ask(address: &Address, command: &str) -> Result<String, TrafficError> {
    let late = |_| unavailable(address, &format!("no answer within {} s", DEADLINE.as_secs()));
    let answered = async {
        match address {
            Address::Unix(path) => exchange(UnixStream::connect(path).await?, command).await,
            Address::Tcp(to) => exchange(TcpStream::connect(to.as_str()).await?, command).await,
        }
    };
    let bytes = tokio::time::timeout(DEADLINE, answered)
        .await
        .map_err(late)?
        .map_err(|error| unavailable(address, &error.to_string()))?;
    if bytes.len() as u64 > MAX_ANSWER {
        return Err(unavailable(address, &format!("its answer is larger than {MAX_ANSWER} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    command: &str,
) -> std::io::Result<Vec<u8>> {
    stream.write_all(command.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER + 1).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn unavailable(address: &Address, why: &str) -> TrafficError {
    let why = crate::series::text::clean(why, 200);
    TrafficError::Unavailable(format!("haproxy at {address}: {why}; is it running with this stats socket?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!("/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        assert_eq!("127.0.0.1:99".parse(), Ok(Address::Tcp("127.0.0.1:99".into())));
        for bad in ["", "a.sock", ":99", "host:port", "http://a:9", &format!("/{}", "x".repeat(108))] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
