//! The program from a shell: commands, messages and exit codes, without a terminal and without a network.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly, and says what it lacks"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "cli/anomalies.rs"]
mod anomalies;
#[path = "cli/backtest.rs"]
mod backtest;
#[path = "support/cores.rs"]
mod cores;
#[path = "cli/forecast.rs"]
mod forecast;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/mistakes.rs"]
mod mistakes;
#[path = "cli/threads.rs"]
mod threads;

use tempfile::TempDir;
use weescale::clock::Clock;
use weescale::journal::{Entry, Journal, Kind};

/// What came of a run.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// A person with an empty home.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_weescale"))
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            // Whoever runs these may have an engine on the usual socket.
            .env("XDG_RUNTIME_DIR", self.path())
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn good(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        assert_eq!(ran.err, "", "{args:?}");
        ran.out
    }

    /// The error text of a run that must end with `code` and print nothing.
    fn bad(&self, code: i32, args: &[&str]) -> String {
        let ran = self.run(args);
        // `check` says what it knows of platforms before it says that there is nothing to look at.
        let out = if args.first() == Some(&"check") { "" } else { ran.out.as_str() };
        assert_eq!((ran.code, out), (code, ""), "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("panicked") && !ran.err.contains("Backtrace"), "{}", ran.err);
        ran.err
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn help_is_as_pictured() {
    let home = Home::new();
    insta::assert_snapshot!("help", home.good(&["--help"]));
    for command in ["demo", "status", "check", "forecast", "anomalies", "config", "journal", "completions"] {
        insta::assert_snapshot!(format!("help_{command}"), home.good(&[command, "-h"]));
    }
    assert!(home.good(&["--version"]).starts_with(concat!("weescale ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn without_a_source_every_command_says_how_to_give_one() {
    let home = Home::new();
    for command in [&[][..], &["status"], &["status", "--format", "json"], &["check"], &["proposals"]] {
        let err = home.bad(2, command);
        for way in ["--prometheus", "--scrape", "PROMETHEUS_URL", "config init", "weescale demo"] {
            assert!(err.contains(way), "{command:?} does not name {way}: {err}");
        }
    }
}

#[test]
fn without_a_terminal_the_dashboard_names_the_command_for_scripts() {
    let home = Home::new();
    assert!(home.bad(2, &["--scrape", "http://127.0.0.1:9/metrics"]).contains("weescale status"));
    assert!(home.bad(2, &["demo"]).contains("weescale status"));
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let home = Home::new();
    for (args, word) in [
        (&["demo", "--scenario", "nonsense"][..], "morning-ramp"),
        (&["demo", "--speed", "0"], "--speed"),
        (&["demo", "--speed", "NaN"], "--speed"),
        (&["demo", "--seed", "x"], "--seed"),
        (&["status", "--format", "xml"], "json"),
        (&["status", "--wait", "soon"], "soon"),
        (&["--scrape", "ftp://h/", "status"], "http"),
        (&["--prometheus", "http://u:secret@h:99999/", "status"], "port"),
        (&["--interval", "0s", "--scrape", "http://h/", "status"], "interval"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let err = home.bad(2, args);
        assert!(err.contains(word), "{args:?}: {err}");
        assert!(!err.contains("secret"), "{err}");
    }
}

#[test]
fn a_written_configuration_checks_and_shows() {
    let home = Home::new();
    let path = home.path().join("etc").join("weescale.toml");
    assert!(home.good(&["config", "init", text(&path)]).contains(text(&path)));
    assert_eq!(home.good(&["config", "check", text(&path)]), "the configuration is good\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), home.good(&["config", "init", "-"]));
    assert!(home.bad(1, &["config", "init", text(&path)]).contains("exists"));

    // The default place, found without being named.
    home.good(&["config", "init"]);
    assert!(home.good(&["config", "check"]).contains("good"));
    assert!(home.path().join(".config/weescale/config.toml").is_file());

    let shown = home.good(&["--scrape", "http://127.0.0.1:9100", "--theme", "dark", "config", "show"]);
    let line = |field: &str, value: &str, origin: &str| {
        let found = shown.lines().any(|l| l.starts_with(field) && l.contains(value) && l.contains(origin));
        assert!(found, "no {field} {value} {origin} in\n{shown}");
    };
    line("source", "http://127.0.0.1:9100/metrics", "--scrape");
    line("theme", "dark", "command line");
    line("mode", "observe", "config.toml");
    line("proposals.quiet", "600s", "default");
}

#[test]
fn a_configuration_that_cannot_be_used_says_where_and_ends_with_2() {
    let home = Home::new();
    let place = home.file("typo.toml", "mode = \"observe\"\n\nmodus = 1\n");
    let err = home.bad(2, &["config", "check", text(&place)]);
    assert!(err.contains("typo.toml:3:") && err.contains("modus"), "{err}");

    let place = home.file("torn.toml", "mode = \"obs\n");
    assert!(home.bad(2, &["config", "check", text(&place)]).contains("torn.toml:1:"));

    let values = "mode = \"act\"\n[[service]]\nname = \"a\"\nmin = 9\nmax = 3\n";
    let place = home.file("values.toml", values);
    let err = home.bad(2, &["config", "check", text(&place)]);
    assert!(err.contains("mode") && err.contains("service"), "not all problems at once: {err}");
    assert_eq!(home.bad(2, &["--config", text(&place), "status"]), err, "every command refuses it alike");

    assert!(home.bad(2, &["config", "check", "/nonexistent.toml"]).contains("/nonexistent.toml"));
    assert!(home.bad(2, &["config", "check", "/"]).contains("not a plain file"));
}

/// A journal of three records.
fn journal(home: &Home) -> PathBuf {
    let path = home.path().join("journal.db");
    let mut journal = Journal::open(&path).unwrap();
    let clock = Clock::real();
    let entries: Vec<Entry> = (1..=3)
        .map(|i| Entry::new(Kind::Start, format!("start {i}"), serde_json::json!({ "i": i })))
        .collect();
    journal.append(clock.now(), &entries).unwrap();
    path
}

#[test]
fn a_journal_is_exported_and_verified_and_corruption_ends_with_4() {
    let home = Home::new();
    let path = journal(&home);
    let lines = home.good(&["--journal", text(&path), "journal", "export"]);
    let records: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(records.len(), 3);
    assert!(lines.contains("start 2"), "{lines}");
    assert!(home.good(&["journal", "verify", "--journal", text(&path)]).contains("3 records"));

    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("DROP TRIGGER IF EXISTS no_update").unwrap();
    let triggers: Vec<String> = raw
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        raw.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    let changed = raw.execute("UPDATE record SET text = 'start 9' WHERE seq = 2", []).unwrap();
    assert_eq!(changed, 1);
    drop(raw);
    let err = home.bad(4, &["journal", "verify", "--journal", text(&path)]);
    assert!(err.contains("corrupt at record 2"), "{err}");
}

#[test]
fn a_last_write_that_was_not_finished_ends_with_3() {
    let home = Home::new();
    let path = journal(&home);
    let mut writing = Journal::open(&path).unwrap();
    let entry = Entry::new(Kind::Note, "the last", serde_json::json!({ "filler": "x".repeat(9000) }));
    writing.append(Clock::real().now(), &[entry]).unwrap();
    let beside = |name: &str, part: &str| home.path().join(format!("{name}{part}"));
    let name = path.file_name().unwrap().to_str().unwrap();
    let (db, log) = (std::fs::read(&path).unwrap(), std::fs::read(beside(name, "-wal")).unwrap());
    // What a machine that stops in the middle of a write leaves behind.
    std::fs::write(beside("torn.db", ""), db).unwrap();
    std::fs::write(beside("torn.db", "-wal"), &log[..log.len() - 1000]).unwrap();
    drop(writing);
    let err = home.bad(3, &["journal", "verify", "--journal", text(&beside("torn.db", ""))]);
    assert!(err.contains("whole up to record 3") && err.contains("are dropped"), "{err}");
    assert!(home.good(&["journal", "verify", "--journal", text(&path)]).contains("4 records"));
}

#[test]
fn no_journal_is_said_not_made() {
    let home = Home::new();
    let path = home.path().join("none.db");
    for action in ["export", "verify"] {
        assert!(home.bad(1, &["journal", action, "--journal", text(&path)]).contains("there is no journal"));
    }
    assert!(!path.exists());
    let other = home.file("text.db", "this is no database, only a long enough line of text\n");
    assert!(home.run(&["journal", "verify", "--journal", text(&other)]).code > 0);
    assert_eq!(std::fs::read_to_string(other).unwrap().lines().count(), 1, "left alone");
}

/// Whether a shell is there; it says so if not.
fn shell(name: &str) -> bool {
    let found = Command::new(name).arg("-c").arg("exit 0").status().is_ok_and(|s| s.success());
    if !found {
        println!("SKIPPED: {name} is not installed");
    }
    found
}

#[test]
fn completions_are_good_shell() {
    let home = Home::new();
    for name in ["bash", "zsh", "fish"] {
        let script = home.good(&["completions", name]);
        assert!(script.contains("weescale") && script.contains("prometheus"), "{name}");
        if shell(name) {
            let file = home.file(name, &script);
            let checked = Command::new(name).arg("-n").arg(&file).output().unwrap();
            assert!(checked.status.success(), "{name}: {}", String::from_utf8_lossy(&checked.stderr));
        }
    }
    assert!(home.bad(2, &["completions", "tcsh"]).contains("bash"));
}

#[test]
fn manual_and_keys_are_printed() {
    let home = Home::new();
    let man = home.good(&["man"]);
    assert!(man.contains(".TH weescale 1") && man.contains("journal"), "{man}");
    let keys = home.good(&["keys"]);
    assert!(keys.contains("| `a` | approve |") && keys.contains("| `q` | quit |"), "{keys}");
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let missing: Vec<&str> = keys.lines().filter(|row| !readme.contains(row)).collect();
    assert!(missing.is_empty(), "README's table of keys has other rows: {missing:#?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    let program = env!("CARGO_BIN_EXE_weescale");
    let status = Command::new("sh")
        .args(["-c", &format!("set -e; {program} completions bash | head -n 1 > /dev/null")])
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(status.status.success());
    assert_eq!(String::from_utf8_lossy(&status.stderr), "");
}

#[test]
fn an_unreachable_source_is_named_by_check_and_status() {
    let home = Home::new();
    // Port 9 of loopback: nobody listens there.
    let url = "http://127.0.0.1:9/metrics";
    let ran = home.run(&["check", "--scrape", url]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("failing") && ran.out.contains(url), "{}", ran.out);
    assert!(ran.err.contains("no source is reachable"), "{}", ran.err);
    let ran = home.run(&["status", "--format", "json", "--scrape", url]);
    assert_eq!(ran.code, 1, "nothing is known, which is not the same as nothing to do");
    let json = ran.out;
    let status: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(status["targets"][url]["error"].as_str().unwrap().contains("127.0.0.1:9"), "{json}");
    assert_eq!(status["services"].as_array().unwrap().len(), 0);
}

/// Secrets are in memory; a core file would put them on the disk.
#[test]
fn it_leaves_no_core_file() {
    let home = Home::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    // Nobody answers, so that it waits while it is looked at.
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["--scrape", &url, "check"])
        .env("HOME", home.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    listener.accept().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["1", "1"], "{core}");
}
