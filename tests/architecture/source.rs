//! One Rust file as text: comments and literals blanked, test items found.

/// A file. All texts keep the line breaks of the original, so positions agree.
pub struct Source {
    /// Path below the package, with `/`.
    pub path: String,
    /// As written.
    pub raw: String,
    /// Without comments and the insides of literals.
    pub code: String,
    /// [`Source::code`] without `#[cfg(test)]` items.
    pub product: String,
    /// Whether the whole file is `#![cfg(test)]`.
    pub all_test: bool,
    /// Names declared by `#[cfg(test)] mod NAME;`.
    test_names: Vec<String>,
}

impl Source {
    /// Reads `text` as the file at `path`.
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank_literals(text);
        let (product, test_names) = blank_tests(&code);
        let all_test = code.contains("#![cfg(test)]");
        Self { path: path.replace('\\', "/"), raw: text.into(), code, product, all_test, test_names }
    }

    /// Paths, without `.rs`, of the modules that exist only for tests.
    pub fn test_modules(&self) -> Vec<String> {
        self.test_names.iter().map(|name| format!("{}/{name}", self.folder())).collect()
    }

    /// The folder in which the modules that this file declares are.
    pub fn folder(&self) -> String {
        let stem = self.path.trim_end_matches(".rs");
        let (parent, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        if matches!(name, "mod" | "lib" | "main") { parent.into() } else { stem.into() }
    }

    /// `path:line: what`, for the place at `offset` of one of the texts.
    pub fn at(&self, offset: usize, what: &str) -> String {
        let line = self.raw.get(..offset).map_or(0, |before| before.matches('\n').count()) + 1;
        format!("{}:{line}: {what}", self.path)
    }
}

/// Offset just past the bracket that closes the one at `open`, or the end.
pub fn past_close(text: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in text.get(open..).unwrap_or_default().char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return open + i + c.len_utf8();
        }
    }
    text.len()
}

/// Offsets at which `word` stands alone, not as part of a longer name.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(i, _)| i).filter(move |&i| {
        let before = text.get(..i).and_then(|t| t.chars().next_back());
        let after = text.get(i + word.len()..).and_then(|t| t.chars().next());
        let goes_on_before = word.starts_with(part) && before.is_some_and(part);
        let goes_on_after = word.ends_with(part) && after.is_some_and(part);
        !goes_on_before && !goes_on_after
    })
}

/// `text` with bytes `from..to` as spaces, line breaks kept. Offsets stay as they were.
fn blank(text: &mut [u8], from: usize, to: usize) {
    for byte in text.iter_mut().take(to).skip(from) {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Blanks comments and the insides of string and character literals.
fn blank_literals(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let after_name =
            at > 0 && text.as_bytes().get(at - 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        if rest.starts_with("//") {
            let len = rest.find('\n').unwrap_or(rest.len());
            blank(&mut out, at, at + len);
            at += len;
        } else if rest.starts_with("/*") {
            let len = block_comment(rest);
            blank(&mut out, at, at + len);
            at += len;
        } else if let Some((open, len)) = raw_string(rest).filter(|_| !after_name) {
            blank(&mut out, at + open, at + len);
            at += len;
        } else if rest.starts_with('"') {
            let len = quoted(rest, '"');
            blank(&mut out, at + 1, at + len.saturating_sub(1));
            at += len;
        } else if let Some(len) = character(rest) {
            blank(&mut out, at + 1, at + len.saturating_sub(1));
            at += len;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    String::from_utf8(out).unwrap()
}

/// Length of the possibly nested block comment at the start of `rest`.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Offset of the inside and length of the raw string (`r"…"`, `br#"…"#`) at the start of `rest`.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["br", "cr", "r"].into_iter().find(|p| rest.starts_with(p))?;
    let tail = rest.get(prefix.len()..)?;
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let inside = tail.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let open = prefix.len() + hashes + 1;
    let len = inside.find(&end).map_or(rest.len(), |i| open + i + end.len());
    Some((open, len))
}

/// Length of the literal in `quote`s at the start of `rest`.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        if c == quote && !escaped {
            return i + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// Length of the character literal at the start of `rest`; `None` for a lifetime or anything else.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let mut chars = inside.chars();
    match chars.next()? {
        '\\' => Some(quoted(rest, '\'')),
        c => (chars.next() == Some('\'')).then(|| 2 + c.len_utf8()),
    }
}

/// `code` without the items under `#[cfg(test)]`, and the names of those that are `mod NAME;`.
fn blank_tests(code: &str) -> (String, Vec<String>) {
    let mut out = code.as_bytes().to_vec();
    let mut names = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        let mut at = start + attribute.len();
        loop {
            let rest = code.get(at..).unwrap_or_default();
            let trimmed = rest.trim_start();
            at += rest.len() - trimmed.len();
            if !trimmed.starts_with("#[") {
                break;
            }
            at = past_close(code, at + 1);
        }
        let end = item_end(code, at);
        let item = code.get(at..end).unwrap_or_default();
        if let Some(name) = item.strip_suffix(';').and_then(|i| i.split_once("mod ")).map(|(_, n)| n.trim()) {
            names.push(name.to_owned());
        }
        blank(&mut out, start, end);
    }
    (String::from_utf8(out).unwrap(), names)
}

/// Offset just past the item, statement, field or arm that starts at `at`.
fn item_end(code: &str, at: usize) -> usize {
    let rest = code.get(at..).unwrap_or_default();
    let first = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let keywords =
        ["pub", "mod", "fn", "use", "impl", "struct", "enum", "const", "static", "trait", "type", "async"];
    let comma_ends = !keywords.contains(&first);
    let mut i = at;
    while let Some(c) = code.get(i..).and_then(|t| t.chars().next()) {
        match c {
            ';' => return i + 1,
            ',' if comma_ends => return i + 1,
            '}' => return i,
            '{' => return past_close(code, i),
            '(' | '[' => i = past_close(code, i),
            _ => i += c.len_utf8(),
        }
    }
    code.len()
}

#[test]
fn comments_and_literals_are_blanked() {
    let of = |text| Source::new("src/a.rs", text).code;
    assert_eq!(of("a // b\nc"), "a     \nc");
    assert_eq!(of("a /* b /* c */ d */ e"), "a                   e");
    assert_eq!(of(r#"f("x \" y", 'z', '\'')"#), r#"f("      ", ' ', '  ')"#);
    assert_eq!(of("r#\"a \" b\"# c"), "r#\"        c");
    assert_eq!(of("fn f<'a>(x: &'a str) {} // '"), "fn f<'a>(x: &'a str) {}     ");
    assert_eq!(of("\"a\n// b\" c"), "\" \n    \" c");
    assert_eq!(of("'€' \"€\""), "'   ' \"   \"");
}

#[test]
fn test_code_is_left_out() {
    let source = Source::new(
        "src/a/mod.rs",
        "#[cfg(test)]\nmod tests;\nmod b;\n#[cfg(test)]\n#[path = \"x\"]\nmod c { fn d() {} }\nfn e() {}\n#[cfg(test)]\nfn g(x: [u8; 2]) -> u8 { 1 }\nfn h() {}",
    );
    for kept in ["mod b;", "fn e() {}", "fn h() {}"] {
        assert!(source.product.contains(kept), "{kept}");
    }
    for left_out in ["tests", "mod c", "fn d", "fn g"] {
        assert!(!source.product.contains(left_out), "{left_out}");
    }
    assert_eq!(source.test_modules(), ["src/a/tests"]);
    assert_eq!(Source::new("src/a/b.rs", "#[cfg(test)] mod t;").test_modules(), ["src/a/b/t"]);
    assert!(Source::new("src/a.rs", "struct S { #[cfg(test)] a: u8, b: u8 }").product.contains("b: u8 }"));
}

#[test]
fn words_stand_alone() {
    assert_eq!(words("xNOTE NOTE NOTE_x", "NOTE").collect::<Vec<_>>(), [6]);
    assert_eq!(words("a::now b::a::now", "a::now").count(), 2);
    assert_eq!(Source::new("a.rs", "x\ny z").at(4, "z"), "a.rs:2: z");
}
