//! `credential_process`: a command that prints keys as JSON. Run without a shell, for ten seconds at most.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::clock::Clock;
use crate::series::Timestamp;

use super::Keys;

/// How long the command may take, machine time.
const TIME: Duration = Duration::from_secs(10);
/// Most of its output read, bytes.
const MAX_OUTPUT: u64 = 64 << 10;
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Runs `command` and reads what it prints. It has no standard input, and what it writes to standard error is
/// thrown away: both belong to the screen.
pub(super) async fn run(command: &str) -> Result<Keys, String> {
    run_for(command, TIME).await
}

async fn run_for(command: &str, time: Duration) -> Result<Keys, String> {
    let words = split(command)?;
    let Some((program, arguments)) = words.split_first() else {
        return Err("credential_process is empty".into());
    };
    let mut running = Running::start(program, arguments)?;
    let printed = tokio::time::timeout(time, running.output()).await;
    let (success, output) = match printed {
        Ok(done) => done?,
        // Dropping it ends it and all it started.
        Err(_) => {
            return Err(format!(
                "credential_process did not end within {} s and was stopped",
                time.as_secs_f64()
            ));
        }
    };
    if !success {
        return Err("credential_process failed; run it by hand to see why".into());
    }
    keys(&output, Clock::real().now())
}

fn keys(output: &[u8], now: Timestamp) -> Result<Keys, String> {
    // The parser's own words may quote the secret.
    let printed: Printed = serde_json::from_slice(output)
        .map_err(|_| "credential_process printed something that is not its JSON with Version 1".to_owned())?;
    if printed.version != 1 {
        return Err(format!("credential_process printed Version {}, only 1 is known", printed.version));
    }
    let expires = match &printed.expiration {
        None => None,
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Some(Timestamp::from(at)),
            Err(_) => return Err("credential_process printed an Expiration that is not RFC 3339".into()),
        },
    };
    let keys = Keys::new(
        &printed.access_key_id,
        &printed.secret_access_key,
        printed.session_token.as_deref(),
        expires,
    )
    .map_err(|why| format!("credential_process: {why}"))?;
    if keys.is_expired(now) {
        let at = expires.map_or_else(String::new, |at| at.to_string());
        return Err(format!("credential_process printed credentials that ended at {at}; log in anew"));
    }
    Ok(keys)
}

/// A command in a process group of its own, which ends with this.
struct Running {
    child: Child,
    output: pipe::Receiver,
}

impl Running {
    fn start(program: &str, arguments: &[String]) -> Result<Self, String> {
        use std::os::unix::process::CommandExt;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|e| format!("credential_process cannot be started: {e}"))?;
        let output = child.stdout.take().map(std::os::fd::OwnedFd::from);
        let output = output.and_then(|fd| pipe::Receiver::from_owned_fd(fd).ok());
        let Some(output) = output else {
            end(&mut child);
            return Err("credential_process: its output cannot be read".into());
        };
        Ok(Self { child, output })
    }

    /// Whether it succeeded, and what it printed.
    async fn output(&mut self) -> Result<(bool, Vec<u8>), String> {
        let mut output = Vec::new();
        let mut bounded = (&mut self.output).take(MAX_OUTPUT + 1);
        bounded.read_to_end(&mut output).await.map_err(|e| format!("credential_process: {e}"))?;
        if output.len() as u64 > MAX_OUTPUT {
            return Err(format!("credential_process printed more than {MAX_OUTPUT} bytes"));
        }
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok((status.success(), output)),
                Ok(None) => tokio::time::sleep(LOOK).await,
                Err(error) => return Err(format!("credential_process: {error}")),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Once it was waited for, its number may be somebody else's.
    if matches!(child.try_wait(), Ok(None)) {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Words of a command line: white space parts them, quotes hold them together, a backslash takes the next character
/// as it is. Nothing is expanded.
fn split(command: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => match chars.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("credential_process ends with a backslash".into()),
            },
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("credential_process has a quote that does not end".into());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_would_without_being_one() {
        let split = |text| split(text).unwrap();
        assert_eq!(split("  a 'b c'\"d e\"f \\\"g '' $HOME;x"), ["a", "b cd ef", "\"g", "", "$HOME;x"]);
        assert!(super::split("a 'b").is_err());
        assert!(super::split("a \\").is_err());
    }

    #[tokio::test]
    async fn printed_keys_are_used_and_their_end_is_known() {
        let printed = r#"{"Version":1,"AccessKeyId":"AKP","SecretAccessKey":"sp","SessionToken":"t","Expiration":"2999-01-01T00:00:00Z"}"#;
        let keys = run(&format!("printf '%s' '{printed}'")).await.ok().unwrap();
        assert_eq!((keys.id(), keys.secret(), keys.token()), ("AKP", "sp", Some("t")));
        assert!(keys.expires().is_some());
    }

    #[tokio::test]
    async fn every_bad_end_is_told_without_the_secret() {
        let old = r#"{"Version":1,"AccessKeyId":"AKP","SecretAccessKey":"hunter2","Expiration":"2001-01-01T00:00:00+00:00"}"#;
        let cases = [
            (format!("printf '%s' '{old}'"), "ended at 2001-01-01"),
            ("printf '{\"Version\":1,\"SecretAccessKey\":\"hunter2\"}'".into(), "not its JSON"),
            (
                "printf '{\"Version\":2,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hunter2\"}'".into(),
                "only 1 is known",
            ),
            ("sh -c 'printf \"\\033]0;x\\007\" >&2; exit 3'".into(), "run it by hand"),
            ("/nowhere/at/all".into(), "cannot be started"),
            ("head -c 100000 /dev/zero".into(), "more than 65536 bytes"),
        ];
        for (command, wanted) in cases {
            let error = run(&command).await.err().unwrap();
            assert!(error.contains(wanted) && !error.contains("hunter2"), "{command}: {error}");
        }
    }

    #[tokio::test]
    async fn what_hangs_is_stopped_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let command = format!("sh -c 'sleep 600 & echo $! >{}; wait'", pid.display());
        let error = run_for(&command, Duration::from_millis(1500)).await.err().unwrap();
        assert!(error.contains("did not end within 1.5 s"), "{error}");
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            // Nobody may have collected it yet.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        for _ in 0..500 {
            if gone() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("the grandchild lives on");
    }
}
