//! Runs Prometheus's PromQL test scripts (`promql/promqltest/testdata`) against the store and the evaluator.
//!
//! `cargo test --release --test promql_conformance` reads our own scripts in `own`, and Prometheus's in the folder that
//! `WEESCALE_PROMQLTEST_DIR` names (without it, in `../shared/promqltest` where that exists; otherwise it says that it
//! skipped them). Cases that select or expect native histograms, or that use an experimental function which weescale
//! does not have, are skipped and counted; `WEESCALE_PROMQLTEST_SKIPPED` names each. A command that cannot be read
//! counts as failed and does not end its script.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test runner may panic on a broken script, and says how each went"
)]

mod case;
mod compare;
mod data;
mod runner;
mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runner::{Report, run_script};

#[test]
fn own_scripts() {
    run_folder(&in_package("tests/promql_conformance/own"));
}

#[test]
fn prometheus_test_scripts() {
    let folder = std::env::var_os("WEESCALE_PROMQLTEST_DIR")
        .map_or_else(|| in_package("../shared/promqltest"), PathBuf::from);
    if folder.is_dir() {
        run_folder(&folder);
    } else {
        println!(
            "SKIPPED: Prometheus's PromQL scripts: set WEESCALE_PROMQLTEST_DIR to a folder that holds them"
        );
    }
}

fn in_package(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn run_folder(folder: &Path) {
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of scripts is readable")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "no *.test scripts in {}", folder.display());
    let mut failed = 0;
    for path in scripts {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("script is UTF-8");
        let Report { passed, failures, skipped } = run_script(&text);
        println!("{name}: {passed} passed, {} failed, {} skipped", failures.len(), skipped.len());
        for (line, why) in &failures {
            println!("  FAILED {name}:{line}: {why}");
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, why) in &skipped {
            *reasons.entry(why).or_default() += 1;
        }
        for (why, count) in reasons {
            println!("  skipped {count}: {why}");
        }
        if std::env::var_os("WEESCALE_PROMQLTEST_SKIPPED").is_some() {
            for (line, why) in &skipped {
                println!("  skipped {name}:{line}: {why}");
            }
        }
        failed += failures.len();
    }
    assert_eq!(failed, 0, "{failed} cases failed");
}
