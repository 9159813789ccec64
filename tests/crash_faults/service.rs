//! `weescale demo --serve` on a journal file, asked over its socket as scripts do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::terminal::until;

pub const SOON: Duration = Duration::from_secs(30);
pub const PATIENCE: Duration = Duration::from_secs(150);

/// The program: this build, or the one that `WEESCALE_BIN` names.
pub fn program() -> String {
    std::env::var("WEESCALE_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_weescale").into())
}

/// Ended with the test.
pub struct Service {
    pub folder: TempDir,
    pub child: Child,
}

impl Service {
    /// At `speed`.
    pub fn start(speed: u32) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), speed, None)
    }

    /// In a folder that holds the journal of an earlier run; `limit`: KiB a file may have.
    pub fn in_folder(folder: TempDir, speed: u32, limit: Option<u32>) -> Self {
        let place = |name: &str| folder.path().join(name).display().to_string();
        let args = format!(
            "demo --serve --speed {speed} --seed 1 --socket {} --journal {} --log {}",
            place("engine.sock"),
            place("journal.db"),
            place("log")
        );
        // A write beyond the limit must be an error, as on a full disk, not a signal.
        let limit = limit.map_or_else(String::new, |kib| format!("trap '' XFSZ; ulimit -f {kib}; "));
        let line = format!("{limit}exec {} {args}", program());
        let child = Command::new("bash")
            .args(["-c", &line])
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let service = Self { folder, child };
        assert!(until(SOON, || service.ask(&["status", "--format", "json"]).0), "it does not serve");
        service
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// A command of the machine interface, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).arg("--socket").arg(self.socket()).env("HOME", self.folder.path());
        command
    }

    /// Whether it went well, and what it said.
    pub fn ask(&self, args: &[&str]) -> (bool, String) {
        let output = self.command(args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
    }

    pub fn status(&self) -> Value {
        let output = self.command(&["status", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Proposals that can be approved now.
    pub fn open(&self) -> Vec<Value> {
        let all = self.status()["proposals"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|p| p["not_approvable"].is_null()).collect()
    }

    /// Approves whatever raises something; its operation.
    pub fn approve_one(&self) -> String {
        let mut operation = None;
        let approved = until(PATIENCE, || {
            let up = |p: &&Value| p["to"].as_u64() > p["from"].as_u64();
            let open = self.open();
            let Some(p) = open.iter().find(up) else { return false };
            let (id, hash) = (p["id"].as_str().unwrap(), p["hash"].as_str().unwrap());
            let (good, said) = self.ask(&["approve", id, "--hash", hash]);
            let word = said.split_whitespace().find(|w| w.starts_with("op-"));
            operation = word.filter(|_| good).map(str::to_owned);
            operation.is_some()
        });
        assert!(approved, "nothing could be approved: {}", self.status());
        operation.unwrap()
    }

    /// An operation as `status` shows it; null if it does not.
    pub fn operation(&self, id: &str) -> Value {
        let status = self.status();
        let all = status["operations"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|o| o["id"] == id).unwrap_or_default()
    }

    pub fn state_of(&self, operation: &str) -> String {
        self.operation(operation)["state"].as_str().unwrap_or_default().to_owned()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Ends it as SIGTERM does; its folder, for another.
    pub fn end(mut self) -> TempDir {
        self.signal("TERM");
        let ended = until(Duration::from_secs(20), || self.child.try_wait().unwrap().is_some());
        assert!(ended, "it did not end when asked to");
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let _ = Command::new("kill").args(["-s", "CONT", &self.pid().to_string()]).status();
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        if !until(Duration::from_secs(15), || self.child.try_wait().unwrap().is_some()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// `weescale journal verify`: its exit code and what it said.
pub fn verify(journal: &Path) -> (Option<i32>, String) {
    let output =
        Command::new(program()).args(["journal", "verify", "--journal"]).arg(journal).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}

/// Records of the journal, as exported.
pub fn export(journal: &Path) -> Vec<Value> {
    let output =
        Command::new(program()).args(["journal", "export", "--journal"]).arg(journal).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// No value was sent twice one way: every intent of an operation has a key of its own, or had no effect before.
pub fn never_twice(records: &[Value]) {
    let mut applied = std::collections::BTreeSet::new();
    let writes = records.iter().filter(|r| r["kind"] == "step").map(|r| &r["body"]["data"]["write"]);
    for write in writes.filter(|w| w["outcome"] == "applied") {
        let key = write["key"].as_str().unwrap().to_owned();
        assert!(applied.insert(key.clone()), "{key} was applied twice");
    }
}
