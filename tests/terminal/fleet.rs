//! A simulated fleet that runs as a service, for terminals to attach to.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Terminal, until};

const SOON: Duration = Duration::from_secs(20);

/// `weescale demo --serve`, ended with the test.
pub struct Fleet {
    folder: tempfile::TempDir,
    child: Child,
}

impl Fleet {
    /// Starts it with more arguments.
    pub fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_weescale"))
            .args(["demo", "--serve", "--speed", "20", "--seed", "1", "--socket"])
            .arg(folder.path().join("engine.sock"))
            .arg("--log")
            .arg(folder.path().join("log"))
            .arg("--journal")
            .arg(folder.path().join("journal.db"))
            .args(more)
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let fleet = Self { folder, child };
        assert!(until(SOON, || fleet.socket().exists()), "no socket");
        fleet
    }

    /// Its journal.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The command line of the program on its socket.
    pub fn program(&self, args: &str) -> String {
        Terminal::program(&format!("{args} --socket {}", self.socket().display()))
    }

    /// Whether a command on its socket went well, and what it printed.
    pub fn ask(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_weescale"))
            .args(args)
            .arg("--socket")
            .arg(self.socket())
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    /// Approves by hash the first proposal that raises something, once it can be; says whether that was done in time.
    pub fn approve_a_raise(&self, patience: Duration) -> bool {
        until(patience, || {
            let (_, text) = self.ask(&["proposals", "--format", "json"]);
            let open: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
            let raises = |p: &&serde_json::Value| {
                p["not_approvable"].is_null() && p["to"].as_u64() > p["from"].as_u64()
            };
            let Some(p) = open.iter().find(raises) else { return false };
            self.ask(&["approve", p["id"].as_str().unwrap(), "--hash", p["hash"].as_str().unwrap()]).0
        })
    }

    /// The state of an operation, as `status` says it; `paused` where it waits for a person.
    pub fn state_of(&self, operation: &str) -> String {
        let (_, text) = self.ask(&["status", "--format", "json"]);
        let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let all = status.get("operations").and_then(|o| o.as_array()).cloned().unwrap_or_default();
        let found = all.iter().find(|o| o["id"] == operation);
        match found {
            Some(o) if o["paused"] == true => "paused".to_owned(),
            found => found.and_then(|o| o["state"].as_str()).unwrap_or_default().to_owned(),
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
