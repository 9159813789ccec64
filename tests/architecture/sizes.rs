//! How long files and functions may be, and what a `mod.rs` may hold.

use super::source::{Source, past_close, words};

/// Most lines of a file, tests included.
pub const FILE_MAX: usize = 500;

/// A function has fewer lines than this, from `fn` to its closing brace.
pub const FUNCTION_LINES: usize = 70;

/// Most lines of the file in the middle; about 120 is the aim.
pub const MEDIAN_MAX: usize = 200;

/// `mod.rs` files that hold more than a list, each with its reason.
const BUSY: [(&str, &str); 0] = [];

/// Files longer than [`FILE_MAX`].
pub fn long_files(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|s| s.raw.lines().count() > FILE_MAX);
    long.map(|s| format!("{}: {} lines", s.path, s.raw.lines().count())).collect()
}

/// Lines of the file in the middle by length.
pub fn median_lines(sources: &[Source]) -> usize {
    let mut lines: Vec<usize> = sources.iter().map(|s| s.raw.lines().count()).collect();
    lines.sort_unstable();
    lines.get(lines.len() / 2).copied().unwrap_or_default()
}

/// Functions outside tests that reach [`FUNCTION_LINES`].
pub fn long_functions(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let code = &source.product;
        for start in words(code, "fn ") {
            let Some(open) = body(code, start) else { continue };
            let text = code.get(start..past_close(code, open)).unwrap_or_default();
            let lines = text.matches('\n').count() + 1;
            if lines >= FUNCTION_LINES {
                let signature = text.get("fn ".len()..).unwrap_or_default();
                let name = signature.split(['(', '<']).next().unwrap_or_default();
                violations.push(source.at(start, &format!("{name} has {lines} lines")));
            }
        }
    }
    violations
}

/// Offset of the brace that opens the body of the function at `start`; `None` for one without a body.
fn body(code: &str, start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(c) = code.get(at..).and_then(|t| t.chars().next()) {
        match c {
            '{' => return Some(at),
            // A type `fn(…)` in a field or alias ends in one of these.
            ';' | ',' | '}' | '=' | ')' => return None,
            '(' | '[' => at = past_close(code, at),
            '<' => at = past_angle(code, at),
            '-' => at += "->".len(),
            _ => at += c.len_utf8(),
        }
    }
    None
}

/// Offset just past the `>` that closes the `<` at `open`; the `>` of an arrow closes nothing.
fn past_angle(code: &str, open: usize) -> usize {
    let (mut depth, mut before) = (0_usize, ' ');
    for (i, c) in code.get(open..).unwrap_or_default().char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return open + i + 1;
        }
        before = c;
    }
    code.len()
}

/// `mod.rs` files with anything but docs, attributes, `mod` lines and `use` lines. `lib.rs` is held to the same.
pub fn busy_mod_files(sources: &[Source]) -> Vec<String> {
    let lists = sources.iter().filter(|s| s.path.ends_with("/mod.rs") || s.path == "src/lib.rs");
    let strict = lists.filter(|s| !BUSY.iter().any(|(path, _)| *path == s.path));
    strict.filter_map(|s| first_busy(&s.product).map(|at| s.at(at, "not a mod or use line"))).collect()
}

/// Offset of the first item that is neither `mod NAME;` nor an import.
fn first_busy(code: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = code.get(at..)?;
        let item = rest.trim_start();
        at += rest.len() - item.len();
        if item.is_empty() {
            return None;
        }
        if item.starts_with("#[") || item.starts_with("#![") {
            at = past_close(code, at + item.find('[')?);
            continue;
        }
        let bare = unprefixed(item);
        let end = item.find(';').map_or(item.len(), |i| i + 1);
        let listed = bare.starts_with("use ") || bare.starts_with("extern crate ");
        let declared = bare.starts_with("mod ") && !item.get(..end)?.contains('{');
        if !listed && !declared && !item.starts_with(';') {
            return Some(at);
        }
        at += end;
    }
}

/// `item` without its visibility.
fn unprefixed(item: &str) -> &str {
    let Some(rest) = item.strip_prefix("pub") else { return item };
    let rest = if rest.starts_with('(') { rest.get(past_close(rest, 0)..).unwrap_or_default() } else { rest };
    rest.trim_start()
}

#[test]
fn file_sizes_can_fail() {
    let of = |lines: usize| Source::new("src/a.rs", &"x\n".repeat(lines));
    assert_eq!(long_files(&[of(500)]).len(), 0);
    assert_eq!(long_files(&[of(501), of(3)]).len(), 1);
    assert_eq!(median_lines(&[of(1), of(900), of(7)]), 7);
}

#[test]
fn function_sizes_can_fail() {
    let count = |text: &str| long_functions(&[Source::new("src/a.rs", text)]).len();
    let lines = |n: usize| "    x();\n".repeat(n);
    assert_eq!(count(&format!("fn f() {{\n{}}}\n", lines(67))), 0, "69 lines");
    assert_eq!(count(&format!("fn f() {{\n{}}}\n", lines(68))), 1, "70 lines");
    assert_eq!(count(&format!("fn f<F: Fn() -> u8>(x: [u8; 3]) -> Vec<(u8, F)> {{\n{}}}\n", lines(68))), 1);
    assert_eq!(count(&format!("struct S {{ f: fn(u8) -> u8, }}\ntrait T {{ fn g(); }}\n{}", lines(90))), 0);
    assert_eq!(count(&format!("#[cfg(test)]\nmod t {{ fn f() {{\n{}}} }}\n", lines(90))), 0, "a test");
    assert_eq!(count(&format!("impl A {{\nfn a() {{\n{0}}}\nfn b() {{\n{0}}}\n}}", lines(40))), 0);
}

#[test]
fn mod_files_can_fail() {
    let count = |path: &str, text: &str| busy_mod_files(&[Source::new(path, text)]).len();
    let list =
        "//! Docs.\n\nmod a;\npub(crate) mod b;\n#[rustfmt::skip]\npub mod c;\npub use a::{\n    A, B,\n};\n";
    assert_eq!(count("src/x/mod.rs", list), 0);
    assert_eq!(count("src/x/mod.rs", &format!("{list}#[cfg(test)]\nmod tests {{ fn f() {{}} }}\n")), 0);
    assert_eq!(count("src/x/mod.rs", &format!("{list}fn f() {{}}\n")), 1);
    assert_eq!(count("src/x/mod.rs", "pub mod inline { pub fn f() {} }"), 1);
    assert_eq!(count("src/x/mod.rs", "use a::A; pub struct S;"), 1);
    assert_eq!(count("src/x/other.rs", "fn f() {}"), 0);
}
