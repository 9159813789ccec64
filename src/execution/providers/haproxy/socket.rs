//! One question to the runtime socket: a connection, a line, a bounded answer, a deadline.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::execution::TrafficError;

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

/// Sends `command` once and reads the answer to its end, within a deadline and a size.
///
/// A line is a command, and `;` separates two: whatever holds either, or anything a terminal acts upon, is not sent.
pub(super) async fn ask(address: &Address, command: &str) -> Result<String, TrafficError> {
    ask_within(address, command, DEADLINE).await
}

async fn ask_within(address: &Address, command: &str, deadline: Duration) -> Result<String, TrafficError> {
    if command.contains(';') || !command.chars().all(crate::series::text::is_inert) {
        return Err(TrafficError::Refused(
            "that is more than one command for haproxy; nothing was sent".into(),
        ));
    }
    let late = |_| unavailable(address, &format!("no answer within {} s", deadline.as_secs_f64()));
    let answered = async {
        match address {
            Address::Unix(path) => exchange(UnixStream::connect(path).await?, command).await,
            Address::Tcp(to) => exchange(TcpStream::connect(to.as_str()).await?, command).await,
        }
    };
    let bytes = tokio::time::timeout(deadline, answered)
        .await
        .map_err(late)?
        .map_err(|error| unavailable(address, &error.to_string()))?;
    if bytes.len() as u64 > MAX_ANSWER {
        return Err(unavailable(address, &format!("its answer is larger than {MAX_ANSWER} bytes")));
    }
    if !is_whole(&bytes) {
        return Err(unavailable(address, "its answer was cut off"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An empty line ends every answer; a table without it may lack its last servers.
fn is_whole(answer: &[u8]) -> bool {
    answer == b"\n" || answer.ends_with(b"\n\n")
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
    use tokio::net::UnixListener;

    use super::*;

    /// A socket that takes one connection and answers it so.
    async fn answered(bytes: Vec<u8>, hold: bool) -> Result<String, TrafficError> {
        let deadline = if bytes.len() > 100 { DEADLINE } else { Duration::from_millis(500) };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let peer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 100]).await;
            let _ = stream.write_all(&bytes).await;
            if hold {
                std::future::pending::<()>().await;
            }
        });
        let answer = ask_within(&Address::Unix(path), "show info", deadline).await;
        peer.abort();
        answer
    }

    #[tokio::test]
    async fn answers_have_a_size_and_need_not_be_text() {
        assert_eq!(answered(b"admin\n\n".to_vec(), false).await.unwrap(), "admin\n\n");
        assert!(answered(vec![0xff, b'a', b'\n', b'\n'], false).await.unwrap().ends_with("a\n\n"));
        assert_eq!(answered(b"\n".to_vec(), false).await.unwrap(), "\n", "done, and nothing to say");
        let large = answered(vec![b'x'; MAX_ANSWER as usize + 10], true).await.unwrap_err();
        assert!(large.to_string().contains("larger than"), "{large}");
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_none() {
        for cut in ["", "1\n# be_id srv_name\n2 a\n", "1\n# be_id srv_name\n2 a"] {
            let error = answered(cut.as_bytes().to_vec(), false).await.unwrap_err();
            assert!(matches!(&error, TrafficError::Unavailable(why) if why.contains("cut off")), "{error}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_never_ends_has_a_deadline() {
        let error = answered(b"# be_id".to_vec(), true).await.unwrap_err();
        assert!(error.to_string().contains("no answer within 0.5 s"), "{error}");
    }

    #[tokio::test]
    async fn only_one_command_is_ever_sent() {
        let nowhere = Address::Unix("/nonexistent/s".into());
        for command in ["set server a/b weight 1; shutdown", "show info\nshutdown", "a\r", "a\u{1b}[2J"] {
            let error = ask(&nowhere, command).await.unwrap_err();
            assert!(matches!(error, TrafficError::Refused(_)), "{error}");
        }
        let error = ask(&nowhere, "show info").await.unwrap_err();
        assert!(matches!(error, TrafficError::Unavailable(_)), "{error}");
    }

    #[test]
    fn addresses() {
        assert_eq!("/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        assert_eq!("127.0.0.1:99".parse(), Ok(Address::Tcp("127.0.0.1:99".into())));
        for bad in ["", "a.sock", ":99", "host:port", "http://a:9", &format!("/{}", "x".repeat(108))] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
