//! Every file is in its list: no orphan module, no recipe or theme that is not embedded.

use std::collections::BTreeSet;

use super::source::{Source, words};
use super::tree;

/// Rust files to which no `mod` line leads; the compiler would pass over them in silence.
pub fn orphans(sources: &[Source]) -> Vec<String> {
    let declared: BTreeSet<String> = sources.iter().flat_map(declared).collect();
    let is_root = |path: &str| {
        let below = path.strip_prefix("tests/").or_else(|| path.strip_prefix("benches/"));
        matches!(path, "src/lib.rs" | "src/main.rs")
            || below
                .is_some_and(|b| !b.contains('/') || b.matches('/').count() == 1 && b.ends_with("/main.rs"))
    };
    let known = |path: &str| {
        let stem = path.trim_end_matches(".rs");
        is_root(path) || declared.contains(stem.strip_suffix("/mod").unwrap_or(stem))
    };
    sources.iter().filter(|s| !known(&s.path)).map(|s| s.path.clone()).collect()
}

/// Paths, without `.rs`, to which the `mod NAME;` lines of `source` lead.
fn declared(source: &Source) -> Vec<String> {
    let is_root = source.path.starts_with("tests/") && source.path.matches('/').count() == 1;
    let folder = if is_root { "tests".to_owned() } else { source.folder() };
    let mut found = Vec::new();
    for offset in words(&source.code, "mod ") {
        let rest = source.code.get(offset + "mod ".len()..).unwrap_or_default();
        let Some((name, _)) = rest.split_once(';').filter(|(name, _)| !name.contains(['{', ' '])) else {
            continue;
        };
        let before = source.raw.get(..offset).unwrap_or_default().trim_end();
        let path = before
            .lines()
            .next_back()
            .and_then(|l| l.trim().strip_prefix("#[path = \"")?.strip_suffix(".rs\"]"));
        found.push(format!("{folder}/{}", path.unwrap_or(name)));
    }
    found
}

/// Files of `folder` that `list` does not name in an `include_str!`.
pub fn unlisted(folder: &str, extension: &str, list: &str) -> Vec<String> {
    let files = tree::names(folder, extension);
    assert!(!files.is_empty(), "{folder} holds no .{extension} file");
    missing(&files, &format!("{folder}/"), &tree::read(list).raw)
}

/// Those of `files` that `list` does not include from the folder `prefix`.
fn missing(files: &[String], prefix: &str, list: &str) -> Vec<String> {
    files.iter().filter(|file| !list.contains(&format!("{prefix}{file}\")"))).cloned().collect()
}

/// Names in back quotes of a table that are no function of `sources`; what has a dot or a capital is a file or a kind.
pub fn unknown_tests(table: &str, sources: &[Source]) -> Vec<String> {
    let is_name =
        |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let named = table.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_name);
    let known = |name: &str| sources.iter().any(|s| is_test(&s.raw, name));
    named.filter(|name| !known(name)).map(str::to_owned).collect()
}

/// Whether there is a function of this name with an attribute that makes it a test right above it.
fn is_test(raw: &str, name: &str) -> bool {
    raw.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let above = raw.get(..at).and_then(|head| head.rsplit_once('\n')).map_or("", |(above, _)| above);
        let attributes = above.lines().rev().map(str::trim);
        let mut attributes = attributes.take_while(|l| l.starts_with(['#', '/']) || l.ends_with(")]"));
        attributes.any(|l| l.starts_with("#[test]") || l.starts_with("#[tokio::test"))
    })
}

#[test]
fn unknown_tests_are_found() {
    let test = "#[test]\n#[ignore = \"long\"]\nfn here() {}\n#[tokio::test(start_paused = true)]\nasync fn waits() {}";
    let sources = [Source::new("tests/x.rs", test), Source::new("tests/y.rs", "fn help() {}")];
    let table = "see `x.rs`\n| A-1 | `here`, `waits`, `gone`, `help` |";
    assert_eq!(unknown_tests(table, &sources), ["gone", "help"]);
}

#[test]
fn orphans_are_found() {
    let sources = [
        Source::new("src/lib.rs", "pub mod a;"),
        Source::new("src/a/mod.rs", "mod b; // mod d;\n#[cfg(test)]\nmod tests;"),
        Source::new("src/a/b.rs", "mod c { } mod e;"),
        Source::new("src/a/b/e.rs", ""),
        Source::new("src/a/tests.rs", ""),
        Source::new("src/a/d.rs", ""),
        Source::new("tests/x.rs", "mod support;\n#[path = \"x/y.rs\"]\nmod y;"),
        Source::new("tests/x/y.rs", ""),
        Source::new("tests/support/mod.rs", ""),
        Source::new("tests/z/main.rs", ""),
    ];
    assert_eq!(orphans(&sources), ["src/a/d.rs"]);
}

#[test]
fn unlisted_files_are_found() {
    let files = ["a.toml".to_owned(), "b.toml".to_owned()];
    assert_eq!(missing(&files, "x/", "include_str!(\"../x/a.toml\"), // b.toml"), ["b.toml"]);
}
