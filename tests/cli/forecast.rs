//! `weescale forecast` on files that are good, odd and hostile.

use std::fmt::Write as _;
use std::io::Write as _;

use super::{Home, text};

const ORIGIN: i64 = 1_750_000_200;

/// Five days at five minutes that end at [`ORIGIN`], with a daily wave; `line` writes a row.
fn history(line: impl Fn(i64, f64) -> String) -> String {
    let mut out = String::from("unix_seconds,value\n");
    for i in (0..288 * 5).rev() {
        let at = ORIGIN - i * 300;
        let phase = (at % 86_400) as f64 / 86_400.0 * std::f64::consts::TAU;
        writeln!(out, "{}", line(at, 100.0 - 40.0 * phase.cos())).unwrap();
    }
    out
}

fn plain() -> String {
    history(|at, v| format!("{at},{v:.3}"))
}

fn quantiles(csv: &str) -> Vec<(usize, f64, f64)> {
    let row = |l: &str| {
        let mut fields = l.rsplit(',');
        let (value, q, step) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        (step.parse().unwrap(), q.parse().unwrap(), value.parse().unwrap())
    };
    csv.lines().skip(1).map(row).collect()
}

#[test]
fn one_history_as_table_json_and_csv() {
    let home = Home::new();
    let file = home.file("shop.csv", &plain());
    let table = home.good(&["forecast", "--input", text(&file), "--horizon", "24h"]);
    assert!(table.contains("1440 values in 5d, every 5m") && table.contains("daily"), "{table}");
    assert!(
        table.lines().any(|l| l.starts_with("24h")) && table.contains('#') && table.contains('*'),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "no colours in a pipe");
    assert!(table.contains("bursts   0 in this history") && table.contains("false alarms a day"), "{table}");

    let csv = home.good(&["forecast", "--input", text(&file), "--horizon", "6h", "--format", "csv"]);
    let rows = quantiles(&csv);
    assert_eq!(rows.len(), 72 * 6);
    for step in rows.chunks(6) {
        assert!(step.iter().map(|r| r.2).is_sorted(), "quantiles cross: {step:?}");
    }
    // Six hours ahead the wave is known.
    let at = ORIGIN + 6 * 3600;
    let actual = 100.0 - 40.0 * ((at % 86_400) as f64 / 86_400.0 * std::f64::consts::TAU).cos();
    let middle = rows.iter().find(|r| r.0 == 72 && r.1 == 0.5).unwrap().2;
    assert!((middle - actual).abs() < 15.0, "{middle} for {actual}");

    let json = home.good(&["forecast", "--input", text(&file), "--horizon", "1h", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["points"].as_array().unwrap().len(), 12);
    assert_eq!((json["bursts"]["past"].as_u64(), json["bursts"]["running"].is_null()), (Some(0), true));
    assert!(json["points"][0]["quantiles"]["0.975"].is_number() && json["step_seconds"] == 300.0);

    let out = home.path().join("f.csv");
    let told = home.good(&["forecast", "--input", text(&file), "--format", "csv", "--output", text(&out)]);
    assert_eq!((told.as_str(), quantiles(&std::fs::read_to_string(out).unwrap()).len()), ("", 288 * 6));
}

#[test]
fn order_repeats_gzip_and_other_ways_to_write_times_change_nothing() {
    let home = Home::new();
    let args = |file: &std::path::Path| {
        let file = text(file).to_owned();
        ["forecast", "--input", &file, "--horizon", "2h", "--format", "csv"].map(str::to_owned)
    };
    let run = |file: &std::path::Path| {
        let args = args(file);
        home.good(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let expected = run(&home.file("a.csv", &plain()));

    let text = plain();
    let (head, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    // An older reading of the first row, which comes later in the file, counts not; the last one does.
    let wrong = format!("{ORIGIN},900000");
    rows.insert(0, &wrong);
    assert_eq!(run(&home.file("b.csv", &format!("{head}\n{}\n", rows.join("\n")))), expected);

    let iso = history(|at, v| {
        let at = weescale::series::Timestamp::from_secs(at).to_jiff().strftime("%Y-%m-%d %H:%M:%S");
        format!("{at},{v:.3}")
    });
    assert_eq!(run(&home.file("c.csv", &iso)), expected);

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(plain().as_bytes()).unwrap();
    let file = home.path().join("d.csv.gz");
    std::fs::write(&file, packed.finish().unwrap()).unwrap();
    assert_eq!(run(&file), expected);
}

#[test]
fn a_task_is_done_whole_each_from_its_own_file() {
    let home = Home::new();
    home.file("a.csv", &plain());
    home.file("b.csv", &history(|at, v| format!("{at},{:.3}", 7.0 * v)));
    // What lies after the origin is not known yet.
    let future = (1..50).map(|i| format!("{},99999\n", ORIGIN + i * 300)).collect::<String>();
    home.file("c.csv", &(plain() + &future));
    let index = |rows: &[&str]| {
        let mut all = String::from("file,series_id,step,origin_unix,horizon\n");
        for r in rows {
            writeln!(all, "{r},300,{ORIGIN},288").unwrap();
        }
        home.file("index.csv", &all);
    };
    let out = home.path().join("out").with_extension("csv");
    let run = ["forecast", "--task", text(home.path()), "--output", text(&out)];
    index(&["a.csv,a@1", "b.csv,b", "c.csv,c"]);
    assert_eq!(home.good(&run), "");
    let first = std::fs::read_to_string(&out).unwrap();
    assert!(first.starts_with("series_id,origin_unix,horizon_step,quantile,value\na@1,"), "{first:.200}");
    let of = |text: &str, id: &str| {
        text.lines().filter(|l| l.starts_with(&format!("{id},{ORIGIN},"))).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(of(&first, "a@1").lines().count(), 288 * 6);
    assert_eq!(of(&first, "c"), of(&first, "a@1").replace("a@1", "c"), "it looked ahead");
    index(&["b.csv,b"]);
    home.good(&run);
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 288 * 6 + 1);
    assert_eq!(
        of(&std::fs::read_to_string(&out).unwrap(), "b"),
        of(&first, "b"),
        "one file changed another's"
    );

    // What cannot be forecast is told, and the rest is there.
    home.file("d.csv", &format!("unix_seconds,value\n{},1\n", ORIGIN - 30 * 86_400));
    index(&["d.csv,d", "b.csv,b"]);
    let why = home.bad(1, &run);
    assert!(why.contains("1 of 2") && why.contains("d.csv"), "{why}");
    assert_eq!(of(&std::fs::read_to_string(&out).unwrap(), "b"), of(&first, "b"));
}

#[test]
fn wrong_input_is_one_sentence_and_an_exit_code() {
    let home = Home::new();
    let bad = home.file("bad.csv", "timestamp,value\n1750000200,12\n1750000500,1,5x\n1750000800,abc\n");
    let empty = home.file("empty.csv", "");
    let gaps = home.file("gaps.csv", "timestamp,value\n1750000200,\n1750000500,NaN\n");
    let short = home.file("short.csv", "timestamp,value\n1750000200,1\n1750000500,2\n");
    let torn = home.path().join("torn.csv.gz");
    std::fs::write(&torn, [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    for (code, args, words) in [
        (1, &["--input", text(&bad)][..], "bad.csv:4: column 2 (value)"),
        (1, &["--input", text(&empty)], "empty.csv: the file is empty"),
        (1, &["--input", text(&gaps)], "no row has a value"),
        (1, &["--input", text(&short)], "gives 2 values every 300 s, at least 12 are needed"),
        (1, &["--input", text(&torn)], "torn.csv.gz: the gzip stream is torn"),
        (1, &["--input", "/nonexistent.csv"], "/nonexistent.csv"),
        (1, &["--input", text(&short), "--column", "rps"], "no column \"rps\""),
        (2, &["--input", text(&short), "--horizon", "0s"], "--horizon"),
        (2, &["--input", text(&short), "--step", "1h", "--horizon", "5m"], "--horizon"),
        (2, &["--input", text(&short), "--query", "up"], "--query"),
        (2, &[], "--input"),
        (2, &["--task", text(home.path())], "--output"),
        (1, &["--task", text(home.path()), "--output", "/dev/null"], "index.csv"),
        (2, &["--query", "up"], "--prometheus"),
        (1, &["--query", "up", "--prometheus", "http://127.0.0.1:9"], "127.0.0.1:9"),
    ] {
        let all: Vec<&str> = std::iter::once("forecast").chain(args.iter().copied()).collect();
        let err = home.bad(code, &all);
        assert!(err.contains(words), "{args:?}: {err}");
    }
}
