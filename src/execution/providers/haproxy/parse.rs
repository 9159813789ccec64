//! What the runtime socket prints: tables with named columns, and errors without a code.

use std::collections::BTreeMap;

use crate::execution::traffic::{Server, TrafficError};
use crate::series::text::clean;

/// Most servers of one backend taken over.
const MAX_SERVERS: usize = 4096;
/// Bits of `srv_admin_state` that mean maintenance, by whatever way (forced, inherited, by configuration, by name).
const MAINTENANCE: u32 = 0x01 | 0x02 | 0x04 | 0x20 | 0x40;
/// Bits that mean draining.
const DRAIN: u32 = 0x08 | 0x10;
/// `srv_op_state` of a server that is up.
const RUNNING: u32 = 2;

/// Whether `name` may stand in a command: nothing that could end it and begin another.
pub fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    !name.is_empty() && name.len() <= 128 && name.chars().all(allowed)
}

/// An answer that should be empty.
pub fn done(answer: &str) -> Result<(), TrafficError> {
    match answer.trim() {
        "" => Ok(()),
        words => Err(refusal(words)),
    }
}

/// The privilege level, from `show cli level`.
pub fn level(answer: &str) -> Result<(), TrafficError> {
    match answer.trim() {
        "admin" => Ok(()),
        level @ ("operator" | "user") => Err(TrafficError::Refused(format!(
            "the socket has level {level}, which may not change servers; write `level admin` on its `stats socket` line"
        ))),
        other => Err(refusal(other)),
    }
}

/// A refusal in HAProxy's words, with what to do about it.
fn refusal(words: &str) -> TrafficError {
    let said = clean(words.lines().next().unwrap_or_default(), 200);
    let fix = if said.contains("Permission denied") {
        "; write `level admin` on its `stats socket` line"
    } else if said.contains("static LB algorithm") {
        "; slow start needs `balance roundrobin` or `balance leastconn`"
    } else if said.contains("No such server")
        || said.contains("find backend")
        || said.contains("No such proxy")
    {
        "; look for the name in haproxy's configuration"
    } else {
        ""
    };
    TrafficError::Refused(format!("haproxy: {said}{fix}"))
}

/// Servers from `show servers state BACKEND`, with the counters of `show stat BACKEND 4 -1`.
pub fn servers(state: &str, stat: &str) -> Result<Vec<Server>, TrafficError> {
    let counters = counters(stat)?;
    let mut lines = state.lines().skip_while(|l| !l.starts_with("# be_id"));
    let Some(header) = lines.next() else { return Err(refusal(state.trim())) };
    let columns: Vec<&str> = header.trim_start_matches("# ").split_whitespace().collect();
    let mut servers = Vec::new();
    for line in lines.filter(|l| !l.trim().is_empty()).take(MAX_SERVERS) {
        let row: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split_whitespace()).collect();
        let number = |name: &str| {
            row.get(name)
                .and_then(|v| v.parse::<u32>().ok())
                .ok_or_else(|| refusal(&format!("its server table has no number {name}")))
        };
        let name = row.get("srv_name").copied().unwrap_or_default();
        if !is_name(name) {
            return Err(refusal(&format!(
                "a server has the name {name:?}, which cannot be used in a command"
            )));
        }
        let (running, admin) = (number("srv_op_state")?, number("srv_admin_state")?);
        let address = |name: &str| clean(row.get(name).copied().unwrap_or_default(), 100);
        let counted = counters.get(name).cloned().unwrap_or_default();
        servers.push(Server {
            name: name.to_owned(),
            address: format!("{}:{}", address("srv_addr"), address("srv_port")),
            weight: number("srv_uweight")?,
            base: number("srv_iweight")?,
            up: running == RUNNING && admin & MAINTENANCE == 0,
            draining: admin & DRAIN != 0,
            ..counted
        });
    }
    Ok(servers)
}

/// Sessions and errors by server.
fn counters(stat: &str) -> Result<BTreeMap<String, Server>, TrafficError> {
    let mut lines = stat.lines().skip_while(|l| !l.starts_with("# "));
    let Some(header) = lines.next() else { return Err(refusal(stat.trim())) };
    let columns: Vec<&str> = header.trim_start_matches("# ").split(',').collect();
    let mut found = BTreeMap::new();
    for line in lines.filter(|l| !l.trim().is_empty()).take(MAX_SERVERS) {
        let row: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split(',')).collect();
        // An empty cell is a counter this kind of row has not; all of them count up from nothing.
        let count = |name: &str| row.get(name).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
        let Some(name) = row.get("svname") else { continue };
        let server = Server {
            sessions: count("scur"),
            total: count("stot"),
            errors: count("econ") + count("eresp") + count("srv_abrt"),
            moved: count("wredis"),
            ..Server::default()
        };
        found.insert((*name).to_owned(), server);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port\n\
        2 shop 1 a 127.0.0.1 2 8 10 100 81\n2 shop 2 b 127.0.0.1 0 5 100 100 82\n\n";
    const STAT: &str = "# pxname,svname,scur,stot,econ,eresp,srv_abrt,wredis,\nshop,a,3,70,1,2,4,5,\n\n";

    #[test]
    fn tables_become_servers() {
        let servers = servers(STATE, STAT).unwrap();
        let a = Server {
            name: "a".into(),
            address: "127.0.0.1:81".into(),
            weight: 10,
            base: 100,
            up: true,
            draining: true,
            sessions: 3,
            total: 70,
            errors: 7,
            moved: 5,
        };
        assert_eq!(servers[0], a);
        assert!(!servers[1].up && !servers[1].draining);
    }

    #[test]
    fn words_become_errors_that_name_the_fix() {
        let said = |e: Result<(), TrafficError>| e.unwrap_err().to_string();
        assert!(said(level("operator\n\n")).contains("level admin"));
        assert!(said(done("Permission denied\n\n")).contains("level admin"));
        let fixed = "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.\n\n";
        assert!(said(done(fixed)).contains("balance roundrobin"));
        assert!(said(servers("Can't find backend.\n", STAT).map(|_| ())).contains("find backend"));
        assert!(said(servers(STATE, "No such proxy.\n").map(|_| ())).contains("No such proxy"));
        assert_eq!(done("\n"), Ok(()));
        let hostile = said(done("\u{1b}[2Jgone\n"));
        assert!(!hostile.contains('\u{1b}'), "{hostile}");
    }

    #[test]
    fn a_name_cannot_carry_a_command() {
        let planted = STATE.replace(" a ", " a;shutdown ");
        assert!(servers(&planted, STAT).is_err());
        assert!(!is_name("a b") && !is_name("") && is_name("web-1.eu:80"));
        assert!(servers(&STATE.replace("2 8 10 100", "2 8 x 100"), STAT).is_err(), "no number is no zero");
    }
}
