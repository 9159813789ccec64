//! What Go answers about the same patterns (asked of Prometheus 2.42, see `tests/promql_differential`).

use super::super::expression::Expression;

/// Values that `pattern` matches whole; `None` if it is refused.
fn matched<'v>(pattern: &str, values: &[&'v str]) -> Option<Vec<&'v str>> {
    let expression = Expression::anchored(pattern).ok()?;
    Some(values.iter().copied().filter(|v| expression.is_match(v)).collect())
}

#[test]
fn what_both_languages_know_means_what_re2_means() {
    for (pattern, values, wanted) in [
        // Classes are ASCII.
        (r"\w+", &["a_1", "é", "-"][..], &["a_1"][..]),
        (r"\W", &["a", "é", "-"], &["é", "-"]),
        (r"\d", &["3", "٣"], &["3"]),
        (r"\D", &["3", "٣"], &["٣"]),
        (r"a\sb", &["a b", "a\u{a0}b", "a\u{b}b", "a\tb"], &["a b", "a\tb"]),
        (r"\bé\b", &["é"], &[]),
        (r"\Bé\B", &["é"], &["é"]),
        (r"\bb\b", &["b"], &["b"]),
        (r"(?i)\w", &["K", "\u{212a}", "é"], &["K", "\u{212a}"]),
        // In brackets.
        ("[[]", &["[", "a"], &["["]),
        ("[a[b]", &["[", "a", "b", "]"], &["[", "a", "b"]),
        ("[a-b[c]]", &["a]", "[]", "c]", "b"], &["a]", "[]", "c]"]),
        ("[ab&&c]", &["a", "b", "c", "&"], &["a", "b", "c", "&"]),
        ("[a~~b]", &["a", "~"], &["a", "~"]),
        ("[+--]", &["+", ",", "-", "a"], &["+", ",", "-"]),
        ("[--b]", &["-", "b", "a", "c"], &["-", "b", "a"]),
        (r"[\w-.]", &["a", "-", ".", "/"], &["a", "-", "."]),
        (r"[\d-x]", &["1", "-", "x", "a"], &["1", "-", "x"]),
        (r"[\p{L}-x]", &["é", "-", "1"], &["é", "-"]),
        ("[]a]", &["]", "a"], &["]", "a"]),
        ("[^]a]", &["]", "b"], &["b"]),
        ("[a-]", &["a", "-", "b"], &["a", "-"]),
        (r"[\W\d]", &["é", "1", "a"], &["é", "1"]),
        (r"[^\W]", &["é", "1", "a"], &["1", "a"]),
        ("[[:alpha:]_]", &["a", "_", "é"], &["a", "_"]),
        ("[[:^alpha:]]", &["a", "1", "é"], &["1", "é"]),
        ("[[:alpha]", &["[", ":", "p", "z"], &["[", ":", "p"]),
        (r"[\]\-]", &["]", "-", "\\"], &["]", "-"]),
        // Escapes.
        (r"\Qa.[\E", &["a.[", "ab["], &["a.["]),
        (r"\Qab\E*", &["a", "abb", "abab"], &["a", "abb"]),
        (r"\142\07", &["b\u{7}"], &["b\u{7}"]),
        (r"\0601", &["01"], &["01"]),
        (r"\x62\x{e9}", &["bé"], &["bé"]),
        (r"\_\<\ \/", &["_< /"], &["_< /"]),
        (r"\a\f\v", &["\u{7}\u{c}\u{b}"], &["\u{7}\u{c}\u{b}"]),
        // Braces that are no repetition.
        ("b{ 1}", &["b", "b{ 1}"], &["b{ 1}"]),
        ("b{,3}", &["bb", "b{,3}"], &["b{,3}"]),
        ("b{01}", &["b", "b{01}"], &["b{01}"]),
        ("b{1", &["b{1"], &["b{1"]),
        (r"\b{start}b", &["{start}b", "b"], &[]),
        ("b{2}", &["bb", "b{2}"], &["bb"]),
        ("b{1,}c{0}", &["bbb", "c"], &["bbb"]),
        ("a{0,1000}", &["", "aa"], &["", "aa"]),
        ("((a{500}){0}b){3}", &["bbb"], &["bbb"]),
        // Repetitions, groups and flags.
        ("b??a*?c+?", &["c", "bac"], &["c", "bac"]),
        ("(?P<1>b)", &["b"], &["b"]),
        ("(?P<a>b)(?P<a>c)?", &["b", "bc"], &["b", "bc"]),
        ("(?i)B|c", &["b", "C"], &["b", "C"]),
        ("(?ii-i:B)", &["b", "B"], &["B"]),
        ("(?)b(?:c)", &["bc"], &["bc"]),
        ("(?-s:.)", &["\n", "a"], &["a"]),
        (".", &["\n", "é"], &["\n", "é"]),
        ("|b", &["", "b"], &["", "b"]),
        ("^*b$", &["b"], &["b"]),
        // Unicode.
        (r"\p{Greek}", &["α", "a"], &["α"]),
        (r"\p{^Lu}\P{Lu}\P{^Lu}", &["abA", "Aba"], &["abA"]),
        (r"\pN", &["٣", "Ⅷ", "a"], &["٣", "Ⅷ"]),
        (r"\p{C}", &["\u{1}", "\u{378}"], &["\u{1}"]),
        (r"\p{Cs}|\p{Any}", &["a"], &["a"]),
        (r"(?i)\p{Lu}", &["a", "1"], &["a"]),
    ] {
        assert_eq!(matched(pattern, values).as_deref(), Some(wanted), "{pattern}");
    }
}

const UNKNOWN: &[&str] = &[
    "b**",
    "b++",
    "b+*",
    "b???",
    "b{1}{1}",
    "b{1}*",
    "b*{2}",
    "*b",
    "(+b)",
    "a|*",
    "{2}",
    "b{1001}",
    "b{1,1001}",
    "b{2,1}",
    "b{99999999999999999999}",
    "(a{500}){3}",
    "((a{11}){10}){10}",
    "(?x)b",
    "(?x: b)",
    "(?R)b",
    "(?u)b",
    "(?-)b",
    "(?i-:b)",
    "(?i",
    "(?#c)b",
    "(?=b)",
    "(?P=a)b",
    "(?P<>b)",
    "(?P<a-b>c)",
    "(?P<a",
    "[a--c]",
    "[z-a]",
    "[[:foo:]]",
    "[[:x]a:]",
    "[]",
    "[^]",
    "[a",
    r"[\b]",
    r"[\Qa\E]",
    r"\u0062",
    r"\U00000062",
    r"\1",
    r"\8",
    r"\x6",
    r"\xg1",
    r"\x{}",
    r"\x{110000}",
    r"\x{+62}",
    r"\C",
    r"\G",
    r"\K",
    r"\Z",
    r"\h",
    r"\E",
    r"\é",
    "\\",
    r"\Qb",
    r"\p{Lowercase}",
    r"\p{sc=Greek}",
    r"\p{Letter}",
    r"\p{OldItalic}",
    r"\p{Cn}",
    r"\p{greek}",
    r"\p{Grek}",
    r"\p{Nothing}",
    r"\p{Emoji}",
    r"\p",
    r"\pq",
    r"\p{L",
    "a)",
    "a)|(b",
    "b)(",
    "(a",
];

#[test]
fn what_re2_does_not_know_is_refused() {
    for pattern in UNKNOWN {
        assert_eq!(matched(pattern, &[]), None, "{pattern}");
    }
}
