//! Names that do not belong into the tree.

use super::source::{Source, past_close, words};

/// What no product code may name, and the paths that start with one of these may.
const BANNED: [(&str, &[&str]); 15] = [
    ("todo!", &[]),
    ("unimplemented!", &[]),
    ("unreachable!", &[]),
    ("unsafe", &[]),
    ("unbounded_channel", &[]),
    ("println!", &["src/cli/", "src/main.rs"]),
    ("eprintln!", &["src/cli/", "src/main.rs"]),
    ("print!", &["src/cli/", "src/main.rs"]),
    ("eprint!", &["src/cli/", "src/main.rs"]),
    ("Instant::now", &["src/clock.rs"]),
    ("SystemTime::now", &["src/clock.rs"]),
    ("Timestamp::now", &["src/clock.rs"]),
    ("Zoned::now", &["src/clock.rs"]),
    ("process::exit", &["src/main.rs"]),
    ("#[ignore", &[]),
];

/// What not even tests or comments may say.
const NOWHERE: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Banned names in product code.
pub fn banned(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        for (name, homes) in BANNED {
            if !homes.iter().any(|home| source.path.starts_with(home)) {
                violations.extend(words(&source.product, name).map(|offset| source.at(offset, name)));
            }
        }
    }
    violations
}

/// Leftovers and silenced lints, in comments and tests too. The list itself is exempt.
pub fn banned_everywhere(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|s| s.path != "tests/architecture/names.rs") {
        for name in NOWHERE {
            violations.extend(words(&source.raw, name).map(|offset| source.at(offset, name)));
        }
        for name in ["#[allow(", "#![allow("] {
            violations.extend(words(&source.code, name).map(|offset| source.at(offset, name)));
        }
    }
    violations
}

/// `#[expect(…)]` without `reason`.
pub fn expectations_without_reason(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        for start in ["#[expect(", "#![expect("] {
            for offset in words(&source.code, start) {
                let open = offset + start.len() - 1;
                let inside = source.code.get(open..past_close(&source.code, open)).unwrap_or_default();
                if words(inside, "reason").next().is_none() {
                    violations.push(source.at(offset, "expects without a reason"));
                }
            }
        }
    }
    violations
}

#[test]
fn bans_can_fail() {
    let count = |path, text| banned(&[Source::new(path, text)]).len();
    assert_eq!(count("src/plan/a.rs", "fn f() { todo!() } fn g() { println!(\"\") }"), 2);
    assert_eq!(count("src/cli/a.rs", "fn g() { println!(\"\"); eprintln!(\"\") }"), 0);
    assert_eq!(count("src/a.rs", "std::time::Instant::now(); tokio::time::Instant::now()"), 2);
    assert_eq!(count("src/clock.rs", "std::time::Instant::now()"), 0);
    assert_eq!(count("src/a.rs", "// todo!()\nlet s = \"unsafe\"; #[cfg(test)] fn f() { todo!() }"), 0);
    assert_eq!(count("src/a.rs", "mpsc::unbounded_channel()"), 1);
}

#[test]
fn bans_everywhere_can_fail() {
    let count = |text| banned_everywhere(&[Source::new("tests/a.rs", text)]).len();
    assert_eq!(count("// TODO: later\n/* FIXME */ let s = \"XXX\";"), 3);
    assert_eq!(count("#[allow(dead_code)] fn f() {} #![allow(x)]"), 2);
    assert_eq!(count("// never #[allow(x)]\nlet todos = XXXL;"), 0);
}

#[test]
fn expectations_can_fail() {
    let count = |text| expectations_without_reason(&[Source::new("src/a.rs", text)]).len();
    assert_eq!(count("#[expect(dead_code)] fn f() {}\n#![expect(\n clippy::panic,\n)]"), 2);
    assert_eq!(count("#[expect(dead_code, reason = \"x\")] fn f() {}"), 0);
}
