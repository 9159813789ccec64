//! Who is at the other end of a socket: what the kernel says, never what the peer says.

use tokio::net::UnixStream;

use crate::view::Caller;
use crate::view::Person;

use super::SessionError;

/// Largest file of the process table or user database read, bytes.
const LARGEST: usize = 1 << 20;

/// Who may connect.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Groups beside the owner: their ids.
    pub groups: Vec<u32>,
}

impl Admission {
    /// Of groups by name; an unknown one is named in the error.
    pub fn of_groups(names: &[String]) -> Result<Self, SessionError> {
        if names.len() > 1 {
            let all = names.join(", ");
            let why = "a socket can be given to one only; name one, with all who may attach in it";
            return Err(SessionError::Protocol(format!("session.groups: {all}: {why}")));
        }
        let database = read("/etc/group");
        let id = |name: &String| {
            let line = database.lines().find(|l| l.split(':').next() == Some(name))?;
            line.split(':').nth(2)?.parse().ok()
        };
        let known = names.iter().map(|name| {
            id(name)
                .ok_or_else(|| SessionError::Protocol(format!("session.groups: there is no group {name:?}")))
        });
        Ok(Self { groups: known.collect::<Result<_, _>>()? })
    }
}

/// The caller at the other end, or why they may not be there.
pub fn caller(
    stream: &UnixStream,
    admission: &Admission,
    name_of: fn(u32) -> String,
) -> Result<Caller, SessionError> {
    let peer = stream.peer_cred()?;
    let pid = peer.pid().unwrap_or_default();
    let me = rustix::process::geteuid().as_raw();
    let member = || {
        let status = read(&format!("/proc/{pid}/status"));
        let line = status.lines().find_map(|l| l.strip_prefix("Groups:")).unwrap_or_default();
        let mut all = line.split_whitespace().filter_map(|g| g.parse().ok()).chain([peer.gid()]);
        all.any(|g: u32| admission.groups.contains(&g))
    };
    if peer.uid() != me && !member() {
        let who = name_of(peer.uid());
        return Err(SessionError::Refused(format!(
            "{who} (uid {}) is neither the engine's own user nor in a group of session.groups",
            peer.uid()
        )));
    }
    let person = Person { uid: peer.uid(), name: name_of(peer.uid()) };
    Ok(Caller { person, tty: tty(pid), company: None })
}

/// The controlling terminal of a process: `pts/3`; empty without one.
fn tty(pid: i32) -> String {
    let stat = read(&format!("/proc/{pid}/stat"));
    // The name in parentheses may hold anything; fields are counted from its end: state, ppid, pgrp, session, tty.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let device: u32 = rest.split_whitespace().nth(4).and_then(|f| f.parse().ok()).unwrap_or_default();
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
    match major {
        4 if minor < 64 => format!("tty{minor}"),
        4 => format!("ttyS{}", minor - 64),
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        _ => String::new(),
    }
}

fn read(path: &str) -> String {
    use std::io::Read;
    let mut text = Vec::new();
    let file = std::fs::File::open(path);
    let _ = file.and_then(|f| f.take(LARGEST as u64).read_to_end(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}
