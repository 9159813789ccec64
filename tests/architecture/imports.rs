//! Who may name whom: modules of the package, crates from outside, and what the inner stages may not touch.

use super::source::{Source, past_close, words};

/// The modules as `src/lib.rs` lists them.
pub const PATH_ORDER: [&str; 25] = [
    "clock",
    "series",
    "fleet",
    "scrape",
    "store",
    "signals",
    "forecast",
    "plan",
    "proposal",
    "approval",
    "execution",
    "outcome",
    "learning",
    "journal",
    "view",
    "replay",
    "screen",
    "report",
    "engine",
    "session",
    "sandbox",
    "backtest",
    "config",
    "telemetry",
    "cli",
];

/// Stages that do no I/O, are not async and take `now` as an argument.
const PURE: [&str; 9] =
    ["store", "signals", "forecast", "plan", "proposal", "approval", "outcome", "learning", "backtest"];

/// What a pure stage may not name.
const IMPURE: [&str; 11] = [
    "async",
    ".await",
    "tokio",
    "std::fs",
    "std::net",
    "std::io",
    "std::process",
    "std::thread",
    "std::env",
    "Clock",
    "Instant",
];

/// Crates with a place of their own: paths that start with one of these may name them.
const CRATES: [(&[&str], &[&str]); 8] = [
    (&["ratatui", "crossterm"], &["src/screen/"]),
    (&["tui_logger"], &["src/screen/", "src/telemetry/"]),
    (
        &[
            "reqwest",
            "hyper",
            "kube",
            "k8s_openapi",
            "aws_sigv4",
            "aws_credential_types",
            "quick_xml",
            "rustls",
        ],
        &["src/scrape/http/", "src/scrape/sources/", "src/execution/providers/"],
    ),
    (&["axum"], &["src/sandbox/"]),
    (&["rusqlite"], &["src/journal/"]),
    (&["promql_parser"], &["src/signals/", "src/scrape/sources/"]),
    (&["flate2"], &["src/scrape/", "src/session/", "src/journal/frame/"]),
    (&["clap", "clap_complete", "clap_mangen", "color_eyre"], &["src/cli/", "src/main.rs"]),
];

/// The one exception: `reqwest::Url` is the type of an address, not a client.
const ADDRESS: (&str, &str) = ("src/scrape/target.rs", "reqwest::Url");

/// Names of the public modules that `lib.rs` declares, in order.
pub fn declared(lib: &Source) -> Vec<String> {
    let lines = lib.product.lines().filter_map(|line| line.trim().strip_prefix("pub mod "));
    lines.map(|line| line.trim_end_matches(';').to_owned()).collect()
}

/// Whether files of module `from` may import module `to`.
fn allowed(from: &str, to: &str) -> bool {
    let vocabulary = ["clock", "series", "fleet"];
    let stages = PATH_ORDER.get(3..13).unwrap_or_default();
    match from {
        _ if from == to => true,
        "clock" | "series" | "fleet" | "journal" | "telemetry" => vocabulary.contains(&to),
        _ if stages.contains(&from) => {
            let earlier = stages.iter().take_while(|stage| **stage != from);
            vocabulary.contains(&to) || earlier.into_iter().any(|stage| *stage == to)
        }
        "config" if to == "journal" => true,
        "view" | "config" | "backtest" => vocabulary.contains(&to) || stages.contains(&to),
        // Time travel: recorded views instead of the engine's.
        "replay" => vocabulary.contains(&to) || ["journal", "view"].contains(&to),
        // Of the clock they know `Monotonic` and its reader: dialogues and redraws have deadlines too.
        // The wire between engine and screen knows neither: what goes over it is the view, and wishes.
        "screen" | "report" | "session" => vocabulary.contains(&to) || to == "view",
        "engine" => !["screen", "report", "session", "sandbox", "telemetry", "cli"].contains(&to),
        // The other side of the wire: its own evaluator of queries, and the contract it answers by.
        "sandbox" => vocabulary.contains(&to) || ["store", "execution"].contains(&to),
        "cli" => true,
        "main" => to == "cli",
        _ => false,
    }
}

/// Imports of one module by another that [`allowed`] does not allow.
pub fn between_modules(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|s| s.path != "src/lib.rs") {
        let from = source.path.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs");
        for (offset, to) in imported(source) {
            if !allowed(from, &to) {
                violations.push(source.at(offset, &format!("{from} imports {to}")));
            }
        }
    }
    violations
}

/// Top-level modules that `source` names through `crate::`, `weescale::` or enough `super::`.
fn imported(source: &Source) -> Vec<(usize, String)> {
    let code = &source.product;
    let folder = source.folder();
    let depth = folder.matches('/').count();
    let mut starts: Vec<usize> = words(code, "crate::").map(|i| i + "crate::".len()).collect();
    starts.extend(words(code, "weescale::").map(|i| i + "weescale::".len()));
    let climb = "super::".repeat(depth);
    if depth > 0 {
        let outermost = |i: &usize| !code.get(..*i).unwrap_or_default().ends_with("super::");
        let not_higher = |i: &usize| !code.get(*i..).unwrap_or_default().starts_with("super::");
        starts.extend(words(code, &climb).filter(outermost).map(|i| i + climb.len()).filter(not_higher));
    }
    starts.into_iter().flat_map(|start| heads(code, start).into_iter().map(move |h| (start, h))).collect()
}

/// First names of the path, or of each path of the group, that starts at `start`.
fn heads(code: &str, start: usize) -> Vec<String> {
    let name = |text: &str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        text.get(..end).unwrap_or_default().to_owned()
    };
    let rest = code.get(start..).unwrap_or_default();
    if !rest.starts_with('{') {
        return vec![name(rest)];
    }
    let (mut heads, mut depth) = (Vec::new(), 0);
    let group = code.get(start..past_close(code, start)).unwrap_or_default();
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 1 && matches!(c, '{' | ',') {
            heads.push(name(group.get(i + 1..).unwrap_or_default().trim_start()));
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// Outside crates that are named where they do not belong.
pub fn of_crates(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let foreign = CRATES.iter().filter(|(_, homes)| !homes.iter().any(|h| source.path.starts_with(h)));
        for name in foreign.flat_map(|(names, _)| names.iter()) {
            for offset in paths(&source.product, name) {
                let rest = source.product.get(offset..).unwrap_or_default();
                if source.path == ADDRESS.0 && words(rest, ADDRESS.1).next() == Some(0) {
                    continue;
                }
                violations.push(source.at(offset, &format!("names {name}")));
            }
        }
    }
    violations
}

/// Where `name` begins a path (`name::…`) or is imported whole (`use name;`, `use name as …`).
fn paths<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    words(code, name).filter(move |&i| {
        let before = code.get(..i).unwrap_or_default();
        let after = code.get(i + name.len()..).unwrap_or_default();
        let within = before
            .strip_suffix("::")
            .is_some_and(|b| b.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>'));
        !within && (after.starts_with("::") || before.trim_end().ends_with("use"))
    })
}

/// What a pure stage does that it may not.
pub fn of_pure_stages(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    let is_pure = |s: &&Source| PURE.iter().any(|stage| s.path.starts_with(&format!("src/{stage}/")));
    for source in sources.iter().filter(is_pure) {
        for name in IMPURE {
            violations.extend(words(&source.product, name).map(|offset| source.at(offset, name)));
        }
    }
    violations
}

fn count(check: fn(&[Source]) -> Vec<String>, path: &str, text: &str) -> usize {
    check(&[Source::new(path, text)]).len()
}

#[test]
fn directions_can_fail() {
    let count = |path, text| count(between_modules, path, text);
    assert_eq!(count("src/plan/a.rs", "use crate::forecast::Fan; use crate::series::{Labels, Window};"), 0);
    assert_eq!(count("src/plan/a.rs", "use crate::approval::Gate;"), 1, "a later stage");
    assert_eq!(count("src/plan/a.rs", "fn f() { crate::view::x(); }"), 1, "without use");
    assert_eq!(count("src/plan/a.rs", "use crate::{series::{A, journal}, fleet, journal::B, view};"), 2);
    assert_eq!(count("src/plan/a.rs", "use super::super::approval::Gate;"), 1, "the long way");
    assert_eq!(count("src/plan/a/b.rs", "use super::super::approval::Gate;"), 0, "plan::approval");
    assert_eq!(count("src/plan/mod.rs", "pub use super::view::View;"), 1);
    assert_eq!(
        count("src/plan/a.rs", "// use crate::view::View;\n#[cfg(test)] mod t { use crate::view::V; }"),
        0
    );
    assert_eq!(count("src/screen/a.rs", "use crate::engine::Command; use crate::scrape::Health;"), 2);
    assert_eq!(count("src/report/a.rs", "use crate::screen::Theme;"), 1);
    assert_eq!(count("src/engine/a.rs", "use crate::view::View; use crate::config::Settings;"), 0);
    assert_eq!(count("src/engine/a.rs", "use crate::sandbox::World; use crate::session::Desk;"), 2);
    assert_eq!(count("src/session/a.rs", "use crate::view::View; use crate::engine::State;"), 1);
    assert_eq!(count("src/main.rs", "weescale::cli::run(); weescale::engine::run();"), 1);
}

#[test]
fn places_of_crates_can_fail() {
    let count = |path, text| count(of_crates, path, text);
    assert_eq!(count("src/screen/draw.rs", "use ratatui::Frame;"), 0);
    assert_eq!(count("src/report/text.rs", "use ratatui::Frame; fn f(x: crossterm::event::Event) {}"), 2);
    assert_eq!(count("src/scrape/target.rs", "use reqwest::Url;"), 0);
    assert_eq!(count("src/scrape/target.rs", "use reqwest::UrlX; use reqwest::{Client, Url};"), 2);
    assert_eq!(
        count("src/engine/a.rs", "use reqwest::Url; use reqwest as r; let reqwest = 1; a::reqwest::b();"),
        2
    );
    assert_eq!(count("src/plan/a.rs", "::axum::serve();\nlet x = (::axum::y);"), 2);
}

#[test]
fn purity_can_fail() {
    let count = |path, text| count(of_pure_stages, path, text);
    assert_eq!(count("src/plan/a.rs", "async fn f() { g().await }"), 2);
    assert_eq!(count("src/store/a.rs", "use std::fs; fn f(clock: &Clock) { tokio::spawn(x); }"), 3);
    assert_eq!(count("src/store/a.rs", "fn f(now: Timestamp, since: Monotonic) {} // async"), 0);
    assert_eq!(count("src/scrape/a.rs", "async fn f() {}"), 0);
}

#[test]
fn declarations_are_read_in_order() {
    let lib = Source::new("src/lib.rs", "//! pub mod z;\npub mod b;\nmod hidden;\npub mod a;\n");
    assert_eq!(declared(&lib), ["b", "a"]);
}
