//! What is made on all cores is the same, byte for byte, on one.

use std::path::Path;
use std::process::{Command, Stdio};

use super::cores::{allowed, only};
use super::{Home, text};

/// Runs the program with `before` in front, which says on which cores.
fn on(before: &[String], home: &Home, args: &[&str]) {
    let (program, rest) = before.split_first().unwrap();
    let ran = Command::new(program)
        .args(rest)
        .arg(env!("CARGO_BIN_EXE_weescale"))
        .args(args)
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// All files below `at` and what is in them, by name.
fn tree(at: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(tree(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            all.insert(path.strip_prefix(at).unwrap_or(&path).to_owned(), bytes);
        }
    }
    all
}

/// A history of its own for each `seed`, of another length, with a daily wave, noise, and bursts in some.
fn history(seed: u64, header: &str, rows: usize) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut out = format!("{header}\n");
    for i in 0..rows {
        let wave = (i as f64 / 288.0 * std::f64::consts::TAU + seed as f64).sin();
        let burst = if seed.is_multiple_of(3) && (rows - 40..rows - 30).contains(&i) { 300.0 } else { 0.0 };
        out.push_str(&format!(
            "{},{:.3}\n",
            1_750_000_200 + i as i64 * 300,
            100.0 + 40.0 * wave + 15.0 * random.f64() + burst
        ));
    }
    out
}

#[test]
fn forecasts_and_scores_on_one_core_and_on_all_are_the_same_bytes() {
    let cores = allowed();
    let (Some(one), Some(all), true) = (only(&cores[..1]), only(&cores), cores.len() > 1) else {
        println!("SKIPPED: one core only, or taskset is not installed");
        return;
    };
    let home = Home::new();
    for folder in ["task", "data"] {
        std::fs::create_dir(home.path().join(folder)).unwrap();
    }
    let mut index = "file,series_id,step,origin_unix,horizon\n".to_owned();
    for seed in 0..12_u64 {
        // The first takes longest, so that the others overtake it.
        let rows = 288 * if seed == 0 { 14 } else { 3 };
        home.file(&format!("task/{seed}.csv"), &history(seed, "unix_seconds,value", rows));
        home.file(&format!("data/{seed}.csv"), &history(seed, "timestamp,value", rows));
        let origin = 1_750_000_200 + (rows as i64 - 1) * 300;
        index.push_str(&format!("{seed}.csv,s{seed},300,{origin},36\n"));
    }
    home.file("task/index.csv", &index);
    let place = |name: &str| home.path().join(name);
    let (task, data) = (place("task"), place("data"));
    let mut made = Vec::new();
    for (name, cores) in [("one", &one), ("all", &all), ("again", &all)] {
        let out = place(name);
        std::fs::create_dir(&out).unwrap();
        let (forecasts, scores) = (out.join("forecasts.csv"), out.join("scores"));
        on(cores, &home, &["forecast", "--task", text(&task), "--output", text(&forecasts)]);
        on(cores, &home, &["anomalies", "--data", text(&data), "--output", text(&scores)]);
        made.push(tree(&out));
    }
    assert_eq!(made[0].len(), 13, "{:?}", made[0].keys());
    assert!(made[0].values().all(|bytes| bytes.len() > 1000), "nothing was made");
    assert!(made[0] == made[1], "one core and {} made different bytes", cores.len());
    assert!(made[1] == made[2], "the same cores made different bytes");
}
