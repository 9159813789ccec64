//! The package's own files.

use std::path::{Path, PathBuf};

use super::source::Source;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the files in `folder` that end in `.extension`, sorted.
pub fn names(folder: &str, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The file at `path` below the package.
pub fn read(path: &str) -> Source {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    Source::new(path, &text)
}

/// Every Rust file of `src`, without test code.
pub fn product() -> Vec<Source> {
    let all = below("src");
    let tests: Vec<String> = all.iter().flat_map(Source::test_modules).collect();
    let is_test =
        |path: &str| tests.iter().any(|t| path == format!("{t}.rs") || path.starts_with(&format!("{t}/")));
    all.into_iter().filter(|s| !is_test(&s.path) && !s.all_test).collect()
}

/// Every Rust file of `src`, `tests` and `benches`, test code included.
pub fn everything() -> Vec<Source> {
    ["src", "tests", "benches"].into_iter().flat_map(below).collect()
}

fn below(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    paths.sort();
    assert!(folder != "src" || paths.len() > 100, "the source tree was not found");
    paths.iter().map(|path| read(&path.strip_prefix(root()).unwrap().to_string_lossy())).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}
