//! What somebody new gets wrong: servers that are not there, files that are not right, names that are too short.

use std::process::{Command, Stdio};

use weescale::journal::{Journal, SignalPoint};

use super::{Home, text};

/// Nobody listens there.
const AWAY: &str = "http://127.0.0.1:1";

#[test]
fn a_server_that_is_away_is_no_quiet_fleet() {
    let home = Home::new();
    for command in [
        &["proposals"][..],
        &["proposals", "--format", "json"],
        &["status"],
        &["plan"],
        &["what-if", "--times", "2"],
    ] {
        let mut args = command.to_vec();
        args.extend(["--prometheus", AWAY, "--wait", "3s"]);
        let err = home.bad(1, &args);
        assert!(err.contains("127.0.0.1:1") && err.contains("check that it runs"), "{command:?}: {err}");
        assert_eq!(err.trim_end().lines().count(), 1, "{err}");
    }
    let ran = home.run(&["status", "--format", "json", "--prometheus", AWAY, "--wait", "3s"]);
    let status: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(status["error"].as_str().unwrap().contains("127.0.0.1:1"), "{}", ran.out);
}

/// Answers every request with a few metrics, for as long as the test runs.
fn endpoint() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut count = 0;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4096]);
            count += 10;
            let body = format!("# TYPE http_requests_total counter\nhttp_requests_total {count}\n");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn check_fails_where_one_of_what_is_configured_does() {
    let home = Home::new();
    let url = endpoint();
    assert_eq!(home.run(&["check", "--scrape", &url]).code, 0);
    let ran = home.run(&["check", "--scrape", &url, "--scrape", "http://127.0.0.1:1/metrics"]);
    assert!(ran.out.contains("failing") && ran.out.contains(&url), "{}", ran.out);
    assert!(ran.code == 1 && ran.err.contains("127.0.0.1:1") && !ran.err.contains(&url), "{}", ran.err);
    let config =
        format!("[[scrape]]\nurl = \"{url}\"\n[[provider]]\nname = \"platform\"\nurl = \"{AWAY}\"\n");
    let ran = home.run(&["check", "--config", text(&home.file("c.toml", &config))]);
    assert!(ran.code == 1 && ran.err.contains("provider platform"), "{}{}", ran.out, ran.err);
}

#[test]
fn whoever_reads_the_error_may_be_gone() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["config", "check", "/nonexistent.toml"])
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2), "{status}");
}

#[test]
fn a_constant_history_measures_no_skill() {
    let home = Home::new();
    let rows: String = (0..2016).map(|i| format!("{},{}\n", 1_750_000_200 + i * 300, 5)).collect();
    let file = home.file("flat.csv", &format!("unix_seconds,value\n{rows}"));
    let json = home.good(&["forecast", "--input", text(&file), "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["skill"].is_null() && json["scored"].as_u64().unwrap() > 0, "{}", json["skill"]);
    let table = home.good(&["forecast", "--input", text(&file)]);
    assert!(table.contains("record   not measured better than"), "{table}");
}

#[test]
fn a_part_of_a_recorded_name_is_enough() {
    let home = Home::new();
    let path = home.path().join("j.db");
    let mut journal = Journal::open(&path).unwrap();
    let points = ["shop/checkout@eu-west", "shop/cart@eu-west", "shop/cart@us-east"].map(|name| {
        SignalPoint { minute: 29_000_000, workload: name.into(), kind: "demand".into(), value: 1.0 }
    });
    journal.store_signals(&points, 0).unwrap();
    drop(journal);
    let run =
        |code: i32, name: &str| home.bad(code, &["backtest", "--recording", name, "--journal", text(&path)]);
    // One minute is too little, of the right workload.
    assert!(run(1, "shop/checkout").contains("shop/checkout@eu-west in"));
    let several = run(2, "shop/cart");
    assert!(several.contains("shop/cart@eu-west, shop/cart@us-east"), "{several}");
    assert!(run(2, "shop/nothing").contains("known are: shop/cart@eu-west"));
}

#[test]
fn config_check_finds_what_the_dashboard_and_the_service_would_refuse() {
    let home = Home::new();
    let empty = home.file("ca.pem", "no certificate\n");
    let region = "[[region]]\nname = \"eu\"\ntime_zone = \"UTC\"\nlatitude = 1.0\nlongitude = 1.0\n";
    let ca = format!("\n[[prometheus]]\nurl = \"https://a\"\nca_file = \"{}\"\n", text(&empty));
    for (written, told) in [
        (
            "\n[keys]\naprove = \"A\"\n",
            "c.toml:3: keys.aprove: there is no such action; did you mean approve",
        ),
        ("\ntheme = \"nope\"\n", "c.toml:2: theme: "),
        ("[session]\ngroups = [\"a\", \"b\"]\n", "c.toml:2: session.groups: "),
        (ca.as_str(), "c.toml:4: prometheus[0].ca_file: "),
        (format!("{region}{region}").as_str(), "c.toml:7: region[1].name: \"eu\" is given twice"),
        (
            "\nrecipes = \"/nonexistent\"\n",
            "c.toml:2: recipes: cannot read the folder /nonexistent: No such file",
        ),
        (
            "[[service]]\nname = \"a\"\nstages = [50, 100]\nstage_wait = \"10m\"\n",
            "c.toml:4: service[0].stage_wait: must be at most 5m",
        ),
        ("[budget]\nmonth = \"5000\"\n", "c.toml:2:9: budget.month: a number is needed, \"5000\" is a text"),
        ("\n[[prometheus]]\ninterval = \"5s\"\n", "c.toml:2:1: prometheus[0].url: must be given"),
        ("[context]\nca_file = \"x\"\n", "it belongs into [[prometheus]]"),
    ] {
        let file = home.file("c.toml", written);
        let err = home.bad(2, &["config", "check", text(&file)]);
        assert!(err.contains(told), "{written}: {err}");
    }
}

#[test]
fn what_the_file_says_is_shown_as_the_files() {
    let home = Home::new();
    let file = home.file(
        "c.toml",
        "[proposals]\nquiet = \"60s\"\n[budget]\nmonth = 900.0\n[[service]]\nname = \"checkout\"\n\
         [[provider]]\nname = \"platform\"\nurl = \"http://127.0.0.1:1\"\n",
    );
    let shown = home.good(&["config", "show", "--config", text(&file)]);
    for field in ["proposals.quiet", "budget.month", "service", "provider"] {
        let line = shown.lines().find(|l| l.split(' ').next() == Some(field)).unwrap();
        assert!(line.ends_with("c.toml"), "{line}");
    }
    let line = shown.lines().find(|l| l.starts_with("proposals.expiry")).unwrap();
    assert!(line.ends_with("default"), "{line}");
    let made = home.path().join("made.toml");
    home.good(&["config", "init", "--config", text(&made)]);
    assert!(made.is_file());
}

#[test]
fn histories_that_are_not_right_say_what_is_wrong() {
    let home = Home::new();
    let rows = |value: &str| -> String {
        (0..40).map(|i| format!("{},{value}\n", 1_750_000_200 + i * 300)).collect()
    };
    let forecast =
        |name: &str, rows: &str| home.bad(1, &["forecast", "--input", text(&home.file(name, rows))]);
    assert!(forecast("neg.csv", &rows("-5")).contains("40 of 40 are negative"));
    assert!(forecast("huge.csv", &rows("1e302")).contains("40 of 40 are above 1e15"));
    let few = forecast("few.csv", "1750000200,1\n1750000500,2\n");
    assert!(few.contains("gives 2 values every 300 s, at least 12 are needed"), "{few}");
    let mut holes: Vec<String> = rows("5").lines().map(str::to_owned).collect();
    holes[7] = "1750002300,inf".into();
    holes.remove(20);
    let file = home.file("holes.csv", &holes.join("\n"));
    let told = home.good(&["forecast", "--input", text(&file), "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let notes = told["notes"].to_string();
    assert!(notes.contains("1 rows have no finite value") && notes.contains("2 of 40 slots"), "{notes}");
    assert!(home.bad(1, &["forecast", "--input", text(home.path())]).contains("is a folder"));
}

#[test]
fn anomalies_are_scored_in_order_of_time_and_of_values_only() {
    let home = Home::new();
    let rows: Vec<String> = (0..60).map(|i| format!("{},{}", 1_750_000_200 + i * 300, i % 7)).collect();
    let mut mixed = rows.clone();
    mixed.swap(3, 50);
    let scores = |name: &str, rows: &[String]| {
        let file = home.file(name, &rows.join("\n"));
        let json = home.good(&["anomalies", "--input", text(&file), "--format", "json"]);
        serde_json::from_str::<serde_json::Value>(&json).unwrap()
    };
    let (plain, mixed) = (scores("a.csv", &rows), scores("b.csv", &mixed));
    assert_eq!(plain["rows"], mixed["rows"]);
    assert!(
        mixed["notes"].to_string().contains("not in order of time")
            && plain["notes"] == serde_json::json!([])
    );
    let nothing: String = (0..9).map(|i| format!("{},NaN\n", 1_750_000_200 + i * 300)).collect();
    let file = home.file("none.csv", &nothing);
    assert!(home.bad(1, &["anomalies", "--input", text(&file)]).contains("no row has a finite value"));

    let (tree, out) = (home.path().join("tree"), home.path().join("out"));
    std::fs::create_dir(&tree).unwrap();
    for (name, text) in [("a.csv", "x\n"), ("b.csv", nothing.as_str()), ("c.csv", &rows.join("\n"))] {
        std::fs::write(tree.join(name), text).unwrap();
    }
    let err = home.bad(1, &["anomalies", "--data", text(&tree), "--output", text(&out)]);
    assert!(err.contains("2 of 3 files") && err.contains("a.csv") && err.contains("b.csv"), "{err}");
    assert!(out.join("c.csv").is_file() && !out.join("a.csv").exists());
}

#[test]
fn options_that_cannot_be_are_usage_errors() {
    let home = Home::new();
    let file = home.file("h.csv", "1750000200,1\n1750000500,2\n");
    for (option, value) in [("--pod-capacity", "0"), ("--lead", "100d"), ("--test-fraction", "2")] {
        let err = home.bad(2, &["backtest", "--input", text(&file), option, value]);
        assert!(err.contains(option), "{err}");
    }
    let path = home.path().join("j.db");
    drop(Journal::open(&path).unwrap());
    let there = home.file("in.wee", "");
    let bundle = |more: &[&str]| {
        let mut args = vec!["bundle", "--journal", text(&path)];
        args.extend(more);
        home.run(&args)
    };
    let ran = bundle(&["-o", text(&there)]);
    assert!(ran.code == 1 && ran.err.contains("exists already; name another with -o"), "{}", ran.err);
    let ends = ["--from", "2026-03-02T19:00:00Z", "--to", "2026-03-01T19:00:00Z"];
    let ran = bundle(&[&ends[..], &["-o", "x.wee"]].concat());
    assert!(ran.code == 2 && ran.err.contains("exchange them"), "{}", ran.err);
}
