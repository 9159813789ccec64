//! What the runtime socket prints: tables with named columns, and errors without a code.

use std::collections::BTreeMap;

use crate::execution::{Backend, Counters, Server, TrafficError};
use crate::series::text::clean;

/// Most servers of one backend taken over.
const MAX_SERVERS: usize = 4096;
/// Most columns of a table looked at.
const MAX_COLUMNS: usize = 256;
/// Bits of `srv_admin_state` that mean maintenance now: forced, inherited, by resolution, by hostname. The one that only
/// remembers that the configuration said `disabled` (4) outlives it and means nothing.
const MAINTENANCE: u32 = 0x01 | 0x02 | 0x20 | 0x40;
/// The bit that a person or a program sets.
const FORCED: u32 = 0x01;
/// Bits that mean draining: forced, inherited.
const DRAIN: u32 = 0x08 | 0x10;
/// `srv_op_state` of a server that is up.
const RUNNING: u32 = 2;
/// Bit of `srv_check_state` and `srv_agent_state`: a check is configured.
const CONFIGURED: u32 = 0x02;

/// Whether `name` may stand in a command: nothing that could end it and begin another.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    !name.is_empty() && name.len() <= 128 && name.chars().all(allowed)
}

/// An answer that should be empty.
pub(super) fn done(answer: &str) -> Result<(), TrafficError> {
    match answer.trim() {
        "" => Ok(()),
        words => Err(refusal(words)),
    }
}

/// The privilege level, from `show cli level`.
pub(super) fn level(answer: &str) -> Result<(), TrafficError> {
    match answer.trim() {
        "admin" => Ok(()),
        level @ ("operator" | "user") => Err(TrafficError::Refused(format!(
            "the socket has level {level}, which may not change servers; write `level admin` on its `stats socket` line"
        ))),
        other => Err(refusal(other)),
    }
}

/// A refusal in `HAProxy`'s words, with what to do about it.
fn refusal(words: &str) -> TrafficError {
    let said = clean(words.lines().next().unwrap_or_default(), 200);
    let fix = if said.contains("Permission denied") {
        "; write `level admin` on its `stats socket` line"
    } else if said.contains("static LB algorithm") {
        "; slow start needs `balance roundrobin` or `balance leastconn`"
    } else if ["No such server", "No such backend", "find backend", "No such proxy"]
        .iter()
        .any(|w| said.contains(w))
    {
        "; look for the name in haproxy's configuration"
    } else {
        ""
    };
    let said =
        if said.is_empty() { "an empty answer; is that haproxy's stats socket?".to_owned() } else { said };
    TrafficError::Refused(format!("{said}{fix}"))
}

/// A backend from `show servers state BACKEND` and the counters of `show stat BACKEND 6 -1`.
pub(super) fn backend(state: &str, stat: &str) -> Result<Backend, TrafficError> {
    let counted = stat_rows(stat)?;
    let mut lines = state.lines().skip_while(|l| !l.starts_with("# be_id"));
    let Some(header) = lines.next() else { return Err(refusal(state.trim())) };
    let columns: Vec<&str> = header.trim_start_matches("# ").split_whitespace().take(MAX_COLUMNS).collect();
    let mut servers: Vec<Server> = Vec::new();
    for line in lines.filter(|l| !l.trim().is_empty()) {
        if servers.len() >= MAX_SERVERS {
            return Err(refusal(&format!("the backend has more than {MAX_SERVERS} servers")));
        }
        let row: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split_whitespace()).collect();
        let server = server(&row, &counted)?;
        if servers.iter().any(|s| s.name == server.name) {
            return Err(refusal(&format!("two servers are called {}", server.name)));
        }
        servers.push(server);
    }
    let counters = counted.get("BACKEND").map(Row::counters).unwrap_or_default();
    Ok(Backend { servers, counters: [(String::new(), counters)].into(), ..Backend::default() })
}

fn server(row: &BTreeMap<&str, &str>, counted: &BTreeMap<&str, Row<'_>>) -> Result<Server, TrafficError> {
    let number = |name: &str| {
        row.get(name)
            .and_then(|v| v.parse::<u32>().ok())
            .ok_or_else(|| refusal(&format!("its server table has no number {name}")))
    };
    let name = row.get("srv_name").copied().unwrap_or_default();
    if !is_name(name) {
        let shown = clean(name, 60);
        return Err(refusal(&format!("a server has the name {shown:?}, which cannot stand in a command")));
    }
    let (running, admin) = (number("srv_op_state")?, number("srv_admin_state")?);
    let (weight, base) = (number("srv_uweight")?, number("srv_iweight")?);
    let configured = (number("srv_check_state")? | number("srv_agent_state")?) & CONFIGURED != 0;
    let stat = counted.get(name);
    Ok(Server {
        name: name.to_owned(),
        address: address(row),
        weight,
        base,
        up: running == RUNNING && admin & MAINTENANCE == 0,
        maintenance: admin & FORCED != 0,
        draining: admin & DRAIN != 0,
        backup: stat.and_then(|s| s.number("bck")).is_some_and(|n| n > 0),
        checked: configured || stat.is_some_and(|s| s.text("tracked").is_some()),
        sessions: stat.and_then(|s| Some(s.number("scur")?.saturating_add(s.number("qcur").unwrap_or(0)))),
        counters: stat.map(Row::counters).unwrap_or_default(),
    })
}

/// `10.0.0.7:8080`, `[::1]:8080`; empty without an address.
fn address(row: &BTreeMap<&str, &str>) -> String {
    let part = |name: &str| clean(row.get(name).copied().unwrap_or_default(), 60);
    let (ip, port) = (part("srv_addr"), part("srv_port"));
    match ip.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        Ok(std::net::IpAddr::V4(ip)) => format!("{ip}:{port}"),
        Err(_) => String::new(),
    }
}

/// One row of `show stat`.
struct Row<'a>(BTreeMap<&'a str, &'a str>);

impl Row<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).copied().filter(|v| !v.is_empty())
    }

    /// An empty cell is a counter that this kind of row, or this mode, has not: missing, not zero.
    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    fn counters(&self) -> Counters {
        Counters {
            total: self.number("req_tot").or_else(|| self.number("stot")),
            failed: self.number("hrsp_5xx"),
            cut: self.number("srv_abrt"),
            left: self.number("cli_abrt"),
            retried: self.number("wretr"),
            moved: self.number("wredis"),
        }
    }
}

/// Rows of `show stat` by server; the whole backend is `BACKEND`.
fn stat_rows(stat: &str) -> Result<BTreeMap<&str, Row<'_>>, TrafficError> {
    let mut lines = stat.lines().skip_while(|l| !l.starts_with("# pxname"));
    let Some(header) = lines.next() else { return Err(refusal(stat.trim())) };
    let columns: Vec<&str> = header.trim_start_matches("# ").split(',').take(MAX_COLUMNS).collect();
    let rows = lines.filter(|l| !l.trim().is_empty()).take(MAX_SERVERS + 1);
    let rows = rows.map(|line| Row(columns.iter().copied().zip(line.split(',')).collect()));
    Ok(rows.filter_map(|row| Some((*row.0.get("svname")?, row))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_state srv_agent_state srv_port\n\
        2 shop 1 a 127.0.0.1 2 8 10 100 6 0 81\n2 shop 2 b ::1 0 5 100 100 14 0 82\n2 shop 3 c - 2 4 100 100 0 0 0\n\n";
    const STAT: &str = "# pxname,svname,qcur,scur,stot,wretr,wredis,hrsp_5xx,cli_abrt,srv_abrt,tracked,req_tot,\n\
        shop,a,1,3,70,1,5,2,4,5,,,\nshop,c,,0,0,0,0,,0,0,web/a,,\nshop,BACKEND,0,3,80,1,5,2,4,5,,75,\n\n";

    #[test]
    fn tables_become_a_backend() {
        let found = backend(STATE, STAT).unwrap();
        let counters = Counters {
            total: Some(70),
            failed: Some(2),
            cut: Some(5),
            left: Some(4),
            retried: Some(1),
            moved: Some(5),
        };
        let a = Server {
            name: "a".into(),
            address: "127.0.0.1:81".into(),
            weight: 10,
            base: 100,
            up: true,
            maintenance: false,
            draining: true,
            checked: true,
            backup: false,
            sessions: Some(4),
            counters,
        };
        assert_eq!(found.servers[0], a);
        assert_eq!(found.counters, [(String::new(), Counters { total: Some(75), ..counters })].into());
        let (b, c) = (&found.servers[1], &found.servers[2]);
        assert_eq!((b.address.as_str(), b.up, b.maintenance, b.draining), ("[::1]:82", false, true, false));
        assert_eq!((b.sessions, b.counters), (None, Counters::default()), "not told is not zero");
        assert!(
            c.up && c.checked,
            "once disabled in the configuration, it serves; it tracks another's check"
        );
        assert_eq!((c.address.as_str(), c.counters.failed), ("", None));
    }

    #[test]
    fn a_server_that_only_stands_in_is_known_as_such() {
        let stat = "# pxname,svname,act,bck,scur\nshop,a,1,0,0\nshop,c,0,1,0\n\n";
        let found = backend(STATE, stat).unwrap();
        let backups: Vec<bool> = found.servers.iter().map(|s| s.backup).collect();
        assert_eq!(backups, [false, false, true]);
        assert!(found.servers[2].up && !found.servers[2].serves());
    }

    #[test]
    fn words_become_errors_that_name_the_fix() {
        let said = |e: Result<(), TrafficError>| e.unwrap_err().to_string();
        assert!(said(level("operator\n\n")).contains("level admin"));
        assert!(said(done("Permission denied\n\n")).contains("level admin"));
        let fixed = "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.\n\n";
        assert!(said(done(fixed)).contains("balance roundrobin"));
        let gone = said(backend("Can't find backend.\n", STAT).map(|_| ()));
        assert!(gone.contains("find backend") && gone.contains("configuration"), "{gone}");
        assert!(said(backend(STATE, "No such proxy.\n").map(|_| ())).contains("No such proxy"));
        assert!(said(level("")).contains("empty answer"));
        assert_eq!(done("\n"), Ok(()));
        let hostile = said(done("\u{1b}[2Jgone\n"));
        assert!(!hostile.contains('\u{1b}'), "{hostile}");
        assert!(said(done(&"x".repeat(100_000))).chars().count() < 300);
    }

    #[test]
    fn a_name_cannot_carry_a_command() {
        for planted in [" a;shutdown ", " a\u{1b}[2J ", " ../a "] {
            assert!(backend(&STATE.replace(" a ", planted), STAT).is_err(), "{planted:?}");
        }
        assert!(!is_name("a b") && !is_name("") && !is_name("a\n") && is_name("web-1.eu:80"));
        assert!(backend(&STATE.replace("2 8 10 100", "2 8 x 100"), STAT).is_err(), "no number is no zero");
        assert!(backend(&STATE.replace("2 8 10 100", "2 8 -1 100"), STAT).is_err());
        assert!(backend(&STATE.replace(" b ", " a "), STAT).is_err(), "which of the two would be changed?");
    }

    #[test]
    fn a_flood_of_servers_is_refused() {
        let row = |i: usize| format!("2 shop {i} s{i} 127.0.0.1 2 0 1 1 6 0 80\n");
        let flood: String = (0..=MAX_SERVERS).map(row).collect();
        let header = STATE.lines().take(2).map(|l| format!("{l}\n")).collect::<String>();
        assert!(backend(&format!("{header}{flood}"), STAT).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_read_or_refused(state in "\\PC{0,200}", stat in "\\PC{0,200}") {
            let header = STATE.lines().nth(1).unwrap();
            for state in [state.clone(), format!("{header}\n{state}")] {
                if let Ok(found) = backend(&state, &format!("# pxname,svname\n{stat}")) {
                    prop_assert!(found.servers.iter().all(|s| is_name(&s.name)));
                }
                let _ = (backend(&state, &stat), level(&state), done(&stat));
            }
        }
    }
}
