//! A simulated fleet, the real engine on it, and its service on a real socket.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};
use weescale::clock::Clock;
use weescale::config::{Quiet, ServiceRule, TeamRule};
use weescale::engine::{self, EngineHandle};
use weescale::journal::{Journal, Kind};
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::session::{PROTOCOL, Service, ServiceOptions, serve};
use weescale::view::{Command, ProposalView, View, WidgetState};

#[path = "../fleet/mod.rs"]
mod fleet;

use fleet::{Ports, options};

/// How much faster than the machine's clock.
pub const SPEED: f64 = 20.0;
/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One clock for all who measure: each has an origin of its own.
pub fn clock() -> Clock {
    static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::real);
    CLOCK.clone()
}

/// Whether a screen has all of its first picture.
pub fn is_whole(view: &View) -> bool {
    let waits = |state: &WidgetState| matches!(state, WidgetState::Loading { waiting_for, .. } if waiting_for == "the rest of the first picture");
    !waits(&view.lessons.state)
}

/// A fleet, an engine that proposes much, and its service.
pub struct World {
    pub folder: TempDir,
    pub clock: Clock,
    pub engine: EngineHandle,
    pub service: Service,
    _fleet: Sandbox,
}

impl World {
    pub async fn start(second_person_above: Option<f64>, groups: &[&str]) -> Self {
        Self::at_speed(SPEED, second_person_above, groups).await
    }

    /// The same on a clock that is `speed` times as fast as the machine's.
    pub async fn at_speed(speed: f64, second_person_above: Option<f64>, groups: &[&str]) -> Self {
        Self::made(speed, second_person_above, groups, vec![]).await
    }

    /// The same where those of `learners` only learn at the engine's own keyboard.
    pub async fn made(
        speed: f64,
        second_person_above: Option<f64>,
        groups: &[&str],
        learners: Vec<String>,
    ) -> Self {
        let scenario = Scenario::named("morning-ramp").unwrap();
        let clock = Clock::accelerated(scenario.start, speed);
        let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ports = Ports {
            scrape: fleet.scrape_urls.iter().map(|u| (u.job.clone(), u.url.clone())).collect(),
            history: None,
            provider: fleet.provider_url.clone(),
            token: fleet.token.clone(),
            objectives: vec![],
            regions: vec![],
        };
        let mut settings = ports.settings(Some(folder.path().join("journal.db")));
        settings.second_person_above = second_person_above;
        settings.learners = learners;
        settings.teams = vec![TeamRule {
            name: "sre".into(),
            people: vec![rustix::process::geteuid().as_raw().to_string()],
            services: vec!["*".into()],
            quiet: Quiet::default(),
            decisions_per_week: None,
        }];
        // So little that every autoscaled workload asks for more at once.
        let capacity = Some(15.0);
        settings.services = vec![ServiceRule { name: "*".into(), capacity, ..ServiceRule::default() }];
        let engine = engine::start(settings, options(clock.clone())).await.unwrap();
        let socket = folder.path().join("run/engine.sock");
        let service = service(&socket, &clock, groups, &engine);
        Self { folder, clock, engine, service, _fleet: fleet }
    }

    pub fn socket(&self) -> PathBuf {
        self.service.socket().to_owned()
    }

    pub fn view(&self) -> std::sync::Arc<View> {
        self.engine.view.borrow().clone()
    }

    /// A proposal that can be approved.
    pub async fn proposal(&mut self) -> ProposalView {
        let open = |v: &ProposalView| v.not_approvable.is_none() && v.proposal.state.is_live();
        let found = self.engine.view.wait_for(|v| v.proposals.data.iter().any(open));
        let view = timeout(PATIENCE, found).await.expect("a proposal in time").unwrap().clone();
        view.proposals.data.iter().find(|p| open(p)).unwrap().clone()
    }

    /// Ends everything and gives the journal's records of a kind back: user and body.
    pub async fn records(self, kind: Kind) -> Vec<(String, Value)> {
        let (journal, _folder) = self.journal().await;
        let records = journal.of_kinds(&[kind]).unwrap();
        records.into_iter().filter(|r| r.kind == kind).map(|r| (r.user, r.body)).collect()
    }

    /// Ends everything and opens the journal, which lasts as long as its folder.
    pub async fn journal(self) -> (Journal, TempDir) {
        drop(self.service);
        self.engine.stop().await;
        let path = self.folder.path().join("journal.db");
        let mut tries = 0;
        // The writer's thread gives the file up a moment after the engine has stopped.
        loop {
            match Journal::open(&path) {
                Ok(journal) => return (journal, self.folder),
                Err(error) => assert!(tries < 100, "{error}"),
            }
            tries += 1;
            sleep(Duration::from_millis(100)).await;
        }
    }
}

pub fn service(socket: &Path, clock: &Clock, groups: &[&str], engine: &EngineHandle) -> Service {
    let options = ServiceOptions {
        learners: vec![4321],
        socket: socket.to_owned(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        clock: clock.clone(),
        name_of: engine::name_of,
    };
    serve(options, engine.view.clone(), engine.wishes.clone()).unwrap()
}

pub fn approve(p: &ProposalView) -> Command {
    Command::Approve { proposal: p.proposal.id.clone(), hash: p.hash.clone(), typed: None }
}

/// A client of our own that speaks the frames by hand.
pub struct Raw(pub UnixStream);

impl Raw {
    pub async fn connect(socket: &Path) -> Self {
        Self(UnixStream::connect(socket).await.unwrap())
    }

    pub async fn greeted(socket: &Path, wants: &str) -> Self {
        let mut raw = Self::connect(socket).await;
        let version = env!("CARGO_PKG_VERSION");
        raw.send(&json!({ "protocol": PROTOCOL, "version": version, "wants": wants })).await;
        let welcome = raw.message().await;
        assert!(welcome.get("welcome").is_some(), "{welcome}");
        raw
    }

    pub async fn send(&mut self, body: &Value) {
        let text = body.to_string();
        let mut frame = (text.len() as u32 + 1).to_be_bytes().to_vec();
        frame.push(b'M');
        frame.extend(text.bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    pub async fn wish(&mut self, id: &str, command: &Command) {
        self.send(&json!({ "wish": { "id": id, "command": command } })).await;
    }

    /// Kind and body of the next frame; `None` at the end.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let first = self.0.read_u8().await.ok()?;
            let (kind, length) = if first & 0x80 == 0 {
                let mut rest = [0; 3];
                self.0.read_exact(&mut rest).await.ok()?;
                let length = u32::from_be_bytes([first, rest[0], rest[1], rest[2]]);
                (self.0.read_u8().await.ok()?, length as usize - 1)
            } else {
                let (mut length, mut shift) = (0, 0);
                loop {
                    let byte = self.0.read_u8().await.ok()?;
                    length |= usize::from(byte & 0x7f) << shift;
                    shift += 7;
                    if byte & 0x80 == 0 {
                        break (first & 0x7f, length);
                    }
                }
            };
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.ok()?;
            Some((kind, body))
        };
        timeout(PATIENCE, read).await.expect("a frame in time")
    }

    pub async fn message(&mut self) -> Value {
        loop {
            let (kind, body) = self.frame().await.expect("a message, not the end");
            if kind == b'M' {
                return serde_json::from_slice(&body).unwrap();
            }
        }
    }
}
