//! Credential plugins of a kubeconfig: run without a terminal, for a limited time, with bounded output.

use std::process::Stdio;
use std::time::Duration;

use kube::config::ExecConfig;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::scrape::Secret;
use crate::series::text::clean;

use super::quantity::Time;

/// A plugin that has not answered by then is killed.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// Most bytes read of its answer; certificates fit many times over.
const MAX_ANSWER: u64 = 256 << 10;
/// Most bytes read of its complaints.
const MAX_COMPLAINT: u64 = 4 << 10;

/// What a plugin gave.
#[derive(Debug)]
pub(super) struct Credential {
    pub(super) token: Option<Secret>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<Secret>,
    /// When it ends, if told.
    pub(super) until: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<Time>,
}

/// Asks the plugin. The error names it and says what it said, neutralised.
pub(super) async fn run(exec: &ExecConfig, limit: Duration) -> Result<Credential, String> {
    let program = exec.command.as_deref().unwrap_or_default();
    let name = clean(program, 120);
    if program.is_empty() {
        return Err("the credential plugin of the kubeconfig names no command".into());
    }
    let mut child = command(exec, program).spawn().map_err(|e| {
        let hint = exec.install_hint.as_deref().map(|h| format!("; {}", clean(h, 200))).unwrap_or_default();
        format!("credential plugin {name} cannot be started: {e}{hint}")
    })?;
    let group = child.id();
    let result = tokio::time::timeout(limit, collect(&mut child)).await;
    if !matches!(result, Ok(Ok((_, _, true)))) {
        end(group);
        let _ = child.start_kill();
    }
    let (out, complaint, good) = match result {
        Err(_) => {
            return Err(format!("credential plugin {name} did not answer within {} s", limit.as_secs()));
        }
        Ok(Err(error)) => return Err(format!("credential plugin {name}: {error}")),
        Ok(Ok(read)) => read,
    };
    if !good {
        let said = clean(String::from_utf8_lossy(&complaint).trim(), 200);
        return Err(format!("credential plugin {name} failed: {said}"));
    }
    parse(&out).map_err(|why| format!("credential plugin {name}: {why}"))
}

fn command(exec: &ExecConfig, program: &str) -> Command {
    let version = exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1");
    let mut spec = serde_json::json!({ "interactive": false });
    if let (true, Some(cluster)) = (exec.provide_cluster_info, &exec.cluster)
        && let (Ok(cluster), Some(spec)) = (serde_json::to_value(cluster), spec.as_object_mut())
    {
        spec.insert("cluster".into(), cluster);
    }
    let info = serde_json::json!({ "kind": "ExecCredential", "apiVersion": version, "spec": spec });
    let mut command = Command::new(program);
    command
        .args(exec.args.iter().flatten())
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        // Neither our keys nor our screen: it can ask nothing and show nothing.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for pair in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
            command.env(name, value);
        }
    }
    command
}

async fn collect(child: &mut Child) -> std::io::Result<(Vec<u8>, Vec<u8>, bool)> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, complaint, status) =
        tokio::join!(bounded(out, MAX_ANSWER), bounded(err, MAX_COMPLAINT), child.wait());
    Ok((out?, complaint?, status?.success()))
}

/// Reads the first `most` bytes and lets the rest go by, so that the writer does not block for ever.
async fn bounded(from: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(most).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

/// Ends the plugin and what it started; it leads a process group of its own.
fn end(group: Option<u32>) {
    if let Some(pid) = group.and_then(|p| i32::try_from(p).ok()).and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

fn parse(out: &[u8]) -> Result<Credential, String> {
    // The text of a parse error may quote a token: it is not passed on.
    let answer: Answer =
        serde_json::from_slice(out).map_err(|_| "its answer is not an ExecCredential".to_owned())?;
    let status = answer.status.ok_or("its answer has no status")?;
    let pair = (status.client_certificate_data, status.client_key_data);
    let (certificate, key) = match pair {
        (Some(certificate), Some(key)) => (Some(certificate), Some(Secret::new(key))),
        (None, None) => (None, None),
        _ => return Err("it gave a certificate without key, or a key without certificate".into()),
    };
    let token = status.token.filter(|t| !t.trim().is_empty()).map(Secret::new);
    if token.is_none() && certificate.is_none() {
        return Err("it gave neither a token nor a certificate".into());
    }
    Ok(Credential { token, certificate, key, until: status.expiration_timestamp.map(|t| t.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            ..ExecConfig::default()
        }
    }

    #[tokio::test]
    async fn plugins_are_bounded() {
        let secs = Duration::from_secs;
        let good = r#"echo '{"kind":"ExecCredential","status":{"token":"t1","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#;
        let c = run(&shell(good), secs(10)).await.unwrap();
        assert_eq!((c.token.unwrap().expose(), c.until.is_some()), ("t1", true));
        assert!(!format!("{:?}", run(&shell(good), secs(10)).await.unwrap()).contains("t1"));
        let clock = crate::clock::Clock::real();
        let began = clock.monotonic();
        let hung = run(&shell("sleep 60 & sleep 60"), Duration::from_millis(300)).await.unwrap_err();
        assert!(hung.contains("did not answer"), "{hung}");
        assert!(clock.monotonic().since(began) < secs(20));
        let flood = run(&shell("head -c 3000000 /dev/zero | tr '\\0' '\\033' >&2; exit 1"), secs(20)).await;
        let flood = flood.unwrap_err();
        assert!(flood.contains("failed") && !flood.contains('\u{1b}') && flood.len() < 2000, "{flood}");
        assert!(run(&shell("echo '{}'"), secs(10)).await.unwrap_err().contains("no status"));
        assert!(run(&shell("cat; echo x"), secs(10)).await.unwrap_err().contains("not an ExecCredential"));
        let none = ExecConfig { command: Some("/no/such/plugin".into()), ..ExecConfig::default() };
        assert!(run(&none, secs(1)).await.unwrap_err().contains("cannot be started"));
    }
}
