//! `weescale backtest` on histories that are good, thin and wrong.

use std::fmt::Write as _;
use std::io::Write as _;

use weescale::journal::{Journal, SignalPoint};

use super::{Home, text};

/// Three days at five minutes with a daily wave, one row missing.
fn history() -> String {
    let mut out = String::from("unix_seconds,value\n");
    for i in (0..288 * 3).filter(|i| *i != 400) {
        let phase = f64::from(i) / 288.0 * std::f64::consts::TAU;
        let noise = f64::from((i * 7919) % 101) / 5.0;
        writeln!(out, "{},{:.3}", 1_750_000_200 + i * 300, 100.0 - 40.0 * phase.cos() + noise).unwrap();
    }
    out
}

#[test]
fn every_format_shows_the_same_replay() {
    let home = Home::new();
    let file = home.file("shop.csv.gz", "");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(history().as_bytes()).unwrap();
    std::fs::write(&file, gz.finish().unwrap()).unwrap();
    let run = |format: &str| {
        let fixed = ["--pod-capacity", "10", "--lead", "3m", "--short", "1", "--price", "0.1"];
        let mut args = vec!["backtest", "--input", text(&file), "--format", format];
        args.extend(fixed);
        home.good(&args)
    };
    let table = run("table");
    for word in
        ["day plan", "HPA, best settings", "KEDA", "AWS", "static", "864 slots of 300 s, 1 of them", "$"]
    {
        assert!(table.contains(word), "{word} is not in {table}");
    }
    assert!(table.contains('#') && table.contains('*') && !table.contains('\u{1b}'));
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    let report = &json["report"];
    assert_eq!(report["missing"], 1);
    assert_eq!(report["families"].as_array().unwrap().len(), 7);
    let plan = &report["families"][0];
    assert_eq!(plan["id"], "day_plan");
    let shown = &plan["runs"][usize::try_from(plan["shown"].as_u64().unwrap()).unwrap()];
    assert!(shown["decisions_most"].as_u64().unwrap() <= 6);
    // A pod-hour costs ten cents, and the figures are those of the table.
    let (hours, cost) = (shown["pod_hours"].as_f64().unwrap(), shown["cost"].as_f64().unwrap());
    assert!((cost - hours * 0.1).abs() < 1e-9 && table.contains(&format!("{hours:.0}")));
    let page = run("markdown");
    assert!(page.contains("| policy | setting |") && page.contains("| weescale, day plan |"), "{page}");
    let svg = run("svg");
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && svg.contains("<polyline"));
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let home = Home::new();
    let file = home.file("shop.csv", &history());
    let thin = home.file("thin.csv", "time,value\n0,1\n60,2\n120,3\n");
    let path = text(&file);
    assert!(home.bad(1, &["backtest", "--input", text(&thin)]).contains("at least 120"));
    assert!(home.bad(2, &["backtest", "--input", path, "--pod-capacity", "0"]).contains("--pod-capacity 0"));
    assert!(home.bad(2, &["backtest", "--input", path, "--test-fraction", "2"]).contains("--test-fraction"));
    assert!(home.bad(2, &["backtest", "--input", path, "--short", "90"]).contains("--short"));
    assert!(home.bad(2, &["backtest", "--input", path, "--lead", "soon"]).contains("soon"));
    assert!(home.bad(1, &["backtest", "--recording", "shop/checkout"]).contains("there is no journal"));
    assert!(home.bad(2, &["backtest", "--input", path, "--bundle", path]).contains("--bundle"));
    assert!(home.bad(2, &["backtest"]).contains("--input"));
    assert!(home.bad(2, &["what-if"]).contains("--times"));
    assert!(home.bad(2, &["what-if", "--times", "2"]).contains("--prometheus"));
    assert!(home.bad(2, &["what-if", "--times", "NaN"]).contains("--times"));
}

#[test]
fn what_a_journal_recorded_is_replayed() {
    let home = Home::new();
    let file = home.file("empty.txt", "").with_file_name("j.sqlite");
    let mut journal = Journal::open(&file).unwrap();
    let demand = |minute: i64| 100.0 + 60.0 * (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
    let point = |minute: i64| SignalPoint {
        workload: "shop/checkout".into(),
        kind: "demand".into(),
        minute: 29_000_000 + minute,
        value: demand(minute) + (minute % 7) as f64,
    };
    for day in 0..2 {
        let points: Vec<SignalPoint> = (day * 1440..(day + 1) * 1440).map(point).collect();
        journal.store_signals(&points, 0).unwrap();
    }
    drop(journal);
    let path = text(&file);
    let args = |workload| {
        ["backtest", "--recording", workload, "--journal", path, "--format", "json", "--step", "5m"]
    };
    let all: serde_json::Value = serde_json::from_str(&home.good(&args("shop/checkout"))).unwrap();
    let report = &all["report"];
    assert_eq!((&report["slots"], &report["missing"]), (&576.into(), &0.into()));
    assert_eq!(report["step_seconds"], 300.0);
    assert!(home.bad(2, &args("cart")).contains("known are: shop/checkout"));
}
