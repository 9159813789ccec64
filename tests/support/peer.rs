//! A child process that listens on a loopback port.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// Time between two looks whether a peer is ready, and most looks (30 s in all).
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 1500;

/// A running peer; killed on drop.
pub struct Peer {
    child: Child,
    addr: SocketAddr,
    dir: TempDir,
    program: PathBuf,
    arguments: Vec<String>,
    ready: String,
}

impl Peer {
    /// Starts `binary` with the arguments that `arguments` makes of its address and an own directory, and waits
    /// until a GET of `ready` is answered with success. `None`, and a word on standard output, if it is not
    /// installed.
    pub fn start(
        binary: &str,
        ready: &str,
        arguments: impl FnOnce(SocketAddr, &Path) -> Vec<String>,
    ) -> Option<Self> {
        let Some(path) = installed(binary) else {
            println!("SKIPPED: {binary} is not installed");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let addr = free_address();
        let arguments = arguments(addr, dir.path());
        let child = spawn(&path, &arguments, dir.path());
        let mut peer = Self { child, addr, dir, program: path, arguments, ready: ready.into() };
        peer.wait_until_ready();
        Some(peer)
    }

    /// Ends it now, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.child = spawn(&self.program, &self.arguments, self.dir.path());
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        let name = self.program.display();
        for _ in 0..LOOKS {
            if get(self.addr, &self.ready).is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{name} ended with {status}: {}", self.log());
            }
            sleep(LOOK);
        }
        panic!("{name} did not become ready: {}", self.log());
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://ADDRESS` followed by `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The body of a GET, for second opinions without the code under test. Only for unchunked answers.
    pub fn get(&self, path: &str) -> Option<String> {
        let answer = get(self.addr, path)?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, arguments: &[String], dir: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log")).unwrap();
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn installed(binary: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    places.map(|place| place.join(binary)).find(|file| file.is_file())
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn get(addr: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    // HTTP/1.0 closes the connection at the end and is never chunked.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {addr}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).replacen("HTTP/1.0", "HTTP/1.1", 1))
}
