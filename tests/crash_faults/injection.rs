//! Payloads that drive terminals, wherever text comes from: labels, names, annotations, notes, errors, log, journal,
//! JSON. What comes out has none of them, and says so visibly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use weescale::series::text::is_inert;

use super::service::program;

/// Kinds of escape and their introducers, seven and eight bits.
const INTRODUCERS: [&str; 14] = [
    "\u{1b}]0;",
    "\u{1b}]2;",
    "\u{1b}]8;;http://x",
    "\u{1b}]50;",
    "\u{1b}]52;c;",
    "\u{1b}[2J\u{1b}[",
    "\u{1b}P$q",
    "\u{1b}_",
    "\u{1b}^",
    "\u{1b}X",
    "\u{9d}0;",
    "\u{9b}2J\u{9b}",
    "\u{90}",
    "\u{1b}",
];
/// How they end.
const ENDS: [&str; 3] = ["\u{7}", "\u{1b}\\", "\u{9c}"];
/// What needs no introducer.
const PLAIN: [&str; 16] = [
    "\r overwritten",
    "\u{8}\u{8}\u{8}",
    "\u{b}",
    "\u{c}",
    "\u{7}",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{202e}dlrow",
    "\u{2066}a\u{2069}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}\u{e0042}",
    "\u{2028}",
    "e\u{301}\u{301}",
    "\u{e000}",
];

fn payloads() -> Vec<String> {
    let closed = INTRODUCERS.iter().flat_map(|i| ENDS.iter().map(move |e| format!("{i}21t;evil{e}")));
    closed.chain(PLAIN.iter().map(|p| (*p).to_owned())).collect()
}

fn exposition() -> String {
    let mut text = String::from("# TYPE http_requests_total counter\n");
    for (i, payload) in payloads().iter().enumerate() {
        let value = payload.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        text.push_str(&format!(
            "http_requests_total{{service=\"s{i}{value}\",namespace=\"shop\",code=\"200\",x=\"{value}\"}} 100\n"
        ));
    }
    text
}

fn workloads() -> String {
    let all: Vec<serde_json::Value> = payloads()
        .iter()
        .enumerate()
        .map(|(i, p)| {
            serde_json::json!({
                "uid": format!("u-{i}"), "namespace": format!("n{p}"), "name": format!("w{i}{p}"), "region": p,
                "service": format!("s{p}"), "team": p, "generation": 1, "fields": { "replicas": 2 }, "ready": 1,
                "owner": { "kind": "elsewhere", "name": format!("o{p}") },
                "annotations": { "weescale.io/lease-owner": p }, "notes": [format!("note {p}")],
                "pods": [{ "name": format!("pod{i}{p}"), "phase": "failed", "created_ms": 0, "reason": p }],
            })
        })
        .collect();
    serde_json::json!({ "workloads": all, "notes": payloads() }).to_string()
}

/// Answers one request a connection, for as long as the test runs.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream);
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let (status, kind, body) = if first.contains("/metrics") {
        ("200 OK", "text/plain; version=0.0.4; charset=utf-8", exposition())
    } else if first.contains("/v1/workloads ") {
        ("200 OK", "application/json", workloads())
    } else {
        ("500 Oops", "text/plain", payloads().concat())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Every character is inert, but for the ends of lines.
fn inert(what: &str, text: &str) {
    let bad = text.char_indices().find(|(_, c)| *c != '\n' && !is_inert(*c));
    if let Some((at, c)) = bad {
        let around: String = text.chars().skip(at.saturating_sub(40)).take(80).collect();
        panic!("{what} has {c:?} at {at}: {around:?}");
    }
}

#[test]
fn fifty_eight_payloads_come_out_of_nothing() {
    assert_eq!(payloads().len(), 58);
    let base = serve();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let text = format!(
        "journal = \"{}\"\n\n[[scrape]]\nurl = \"{base}/metrics\"\n\n[[scrape]]\nurl = \"{base}/broken\"\n\n\
         [[provider]]\nname = \"p\"\nurl = \"{base}\"\n",
        place("journal.db").display()
    );
    std::fs::write(place("config.toml"), text).unwrap();
    std::fs::set_permissions(place("config.toml"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let mut serving = command(&["serve"], folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let up = super::terminal::until(super::service::SOON, || {
        let (good, said) = ask(&["status", "--format", "json"], folder.path());
        good && said.contains("w57")
    });
    let mut seen = Vec::new();
    for args in [
        &["status"][..],
        &["status", "--format", "json"],
        &["proposals"],
        &["leases"],
        &["journal", "export"],
        &["check"],
    ] {
        let (_, said) = ask(args, folder.path());
        seen.push((args.join(" "), said));
    }
    let _ = serving.kill();
    let mut rest = String::new();
    serving.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    let _ = serving.wait();
    assert!(up, "{seen:?}");
    seen.push(("serve".into(), rest));
    seen.push(("the log".into(), std::fs::read_to_string(place("log")).unwrap_or_default()));
    for (what, said) in &seen {
        inert(what, said);
    }
    let status = &seen[1].1;
    assert!(status.contains("evil") && status.contains("u{1b}"), "they are shown, as what they are");
}

fn command(args: &[&str], folder: &std::path::Path) -> Command {
    let mut command = Command::new(program());
    command.args(args).arg("--config").arg(folder.join("config.toml"));
    command.arg("--socket").arg(folder.join("engine.sock")).arg("--log").arg(folder.join("log"));
    command.env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

/// What it said, on both streams.
fn ask(args: &[&str], folder: &std::path::Path) -> (bool, String) {
    let output = command(args, folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text + &String::from_utf8(output.stderr).unwrap())
}
