//! `weescale anomalies` on one file and on a tree of them.

use std::fmt::Write as _;
use std::path::Path;

use super::{Home, text};

/// Ten days at five minutes with a daily wave and some noise; `burst` is added from row 2300 on.
fn series(rows: usize, burst: f64) -> String {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut out = String::from("timestamp,value\n");
    for i in 0..rows {
        let at = weescale::series::Timestamp::from_secs(1_750_000_000 + i as i64 * 300).to_jiff();
        let wave = (i as f64 / 288.0 * std::f64::consts::TAU).sin();
        let more = if (2300..2312).contains(&i) { burst } else { 0.0 };
        let value = 100.0 + 40.0 * wave + 8.0 * rng.f64() + more;
        writeln!(out, "{},{value:.3}", at.strftime("%Y-%m-%d %H:%M:%S")).unwrap();
    }
    out
}

#[test]
fn the_worst_rows_are_marked_and_every_row_has_a_score() {
    let home = Home::new();
    let file = home.file("cpu.csv", &series(2880, 200.0));
    let table = home.good(&["anomalies", "--input", text(&file), "--top", "3"]);
    assert!(table.contains("2880 rows") && table.contains('^') && !table.contains('\u{1b}'), "{table}");
    assert!(table.lines().any(|l| l.starts_with("!  2025-06-23 14:46:40")), "{table}");
    let csv = home.good(&["anomalies", "--input", text(&file), "--format", "csv"]);
    let marked: Vec<usize> =
        csv.lines().skip(1).enumerate().filter(|(_, l)| l.ends_with(",1")).map(|(i, _)| i).collect();
    assert!(marked.contains(&2300) && marked.len() <= 4, "{marked:?}");
    assert_eq!(csv.lines().count(), 2881);
    let json = home.good(&["anomalies", "--input", text(&file), "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["rows"][2300]["anomaly"].as_bool(), json["rows"][0]["score"].as_f64()),
        (Some(true), Some(0.0))
    );
}

#[test]
fn a_tree_is_scored_as_it_is_and_the_future_changes_nothing() {
    let home = Home::new();
    for folder in ["data/real", "data/made/deep"] {
        std::fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    home.file("data/real/a.csv", &series(2880, 200.0));
    home.file("data/made/deep/b.csv", &series(2305, 200.0));
    home.file("data/README.txt", "no series");
    let (data, out) = (home.path().join("data"), home.path().join("out"));
    let run = ["anomalies", "--data", text(&data), "--output", text(&out)];
    assert_eq!(home.good(&run), "");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let (long, cut) = (read("real/a.csv"), read("made/deep/b.csv"));
    assert!(long.starts_with("timestamp,anomaly_score\n2025-06-15 15:06:40,0\n"), "{long:.80}");
    assert_eq!((long.lines().count(), cut.lines().count()), (2881, 2306));
    assert!(long.starts_with(&cut), "rows after the cut changed scores before it");
    let files = |at: &Path| std::fs::read_dir(at).unwrap().count();
    assert_eq!((files(&out), files(&out.join("real"))), (2, 1), "something else was written");

    // One file that cannot be read is named; the others are scored.
    home.file("data/real/0.csv", "timestamp,value\nyesterday,1\n");
    std::fs::remove_dir_all(&out).unwrap();
    assert!(home.bad(1, &run).contains("0.csv:2: column 1"));
    assert_eq!(read("real/a.csv"), long);
}

#[test]
fn what_makes_no_sense_is_said() {
    let home = Home::new();
    let inside = home.path().join("out");
    home.file("a.csv", &series(10, 0.0));
    for (code, args, words) in [
        (2, &[][..], "--input"),
        (2, &["--data", text(home.path())], "--output"),
        (2, &["--data", text(home.path()), "--output", text(&inside)], "within --data"),
        (1, &["--data", "/nonexistent", "--output", text(&inside)], "/nonexistent"),
        (1, &["--input", "/nonexistent.csv"], "/nonexistent.csv"),
    ] {
        let all: Vec<&str> = std::iter::once("anomalies").chain(args.iter().copied()).collect();
        assert!(home.bad(code, &all).contains(words), "{args:?}");
    }
}
