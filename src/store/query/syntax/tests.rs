//! What parses, to what, and what is refused.

use super::super::QueryError;
use super::parse;

fn refused(text: &str) -> String {
    match parse(text) {
        Err(QueryError::Parse(message)) => message,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn prometheus_grammar_is_accepted() {
    for text in [
        "a",
        "a:b:c",
        "sum",
        "by",
        "offset",
        "start",
        "fill + fill(0) anchored",
        "{\"a.b\"}",
        "{\"a.b\", c=\"d\",}",
        "a{on=\"x\",bool!=\"\",\"u.v\"=~\"w\"}",
        "sum by (a,) (b)",
        "sum(b) without (\"x.y\")",
        "topk(3, a) by (on)",
        "a[5m]",
        "rate(a[5m] offset -1m)",
        "rate(a[5m] @ 3 offset 1h30m)",
        "a @ start() offset 1d",
        "a[5m:]",
        "rate(a[1m])[5m:10s] offset 1m @ end()",
        "a + on (x) group_left (y) b",
        "a > bool 1",
        "1 > bool 2",
        "a and on () b",
        "-a ^ 2",
        "+1",
        "a[5m * 2]",
        "a offset (1h / 2)",
        "a[step() + 1]",
        "a[max(step(), 5s)]",
        "increase(a[1m] anchored)",
        "a smoothed",
        "rate(a[range()] smoothed @ end())",
        "a # comment",
        "Inf",
        "nAN",
        "SUM(a) BY (b)",
        "a AND b OR c UNLESS d",
        "5m",
        "1_000",
        "label_join(a, \"x\", \",\")",
        "absent(a)[1m:1s]",
        "a * ignoring (x) group_right () b",
        "info(a, {b=~\".+\"})",
        "\"text\"",
        "(a)[5m:]",
        "start()",
        "a + on (x) group_left fill_right(-1.5) b",
        "a[5m:step()]",
        "a offset -step()",
        "a[-(-5m)]",
        "a{Inf=\"x\", NaN!=\"y\"}",
        "a + on () 1",
        "1 * ignoring () 2",
        "a / on () group_left () 1",
        "1 > bool on () a",
        "info(a, {\"target_info\"})",
    ] {
        assert!(parse(text).is_ok(), "{text}: {:?}", parse(text).err());
    }
}

#[test]
fn what_prometheus_refuses_is_refused_with_the_place() {
    for (text, message) in [
        ("", "1:1: no expression found"),
        ("sum(", "unexpected end of input"),
        ("{}", "at least one non-empty matcher"),
        ("{a=~\".*\"}", "at least one non-empty matcher"),
        ("a{__name__=\"b\"}", "must not be set twice"),
        ("{\"a\", \"b\"}", "must not be set twice"),
        ("a[5m", "unexpected"),
        ("a[0]", "greater than 0"),
        ("(a)[5m]", "ranges only allowed"),
        ("a offset 1m offset 2m", "multiple times"),
        ("sum(a) offset 1m", "offset modifier must be preceded"),
        ("(a) @ 5", "@ modifier must be preceded"),
        ("a @ NaN", "out of bounds"),
        ("1 > 2", "BOOL"),
        ("a + bool b", "bool modifier"),
        ("1 and a", "set operator"),
        ("a and on (x) group_left () b", "no grouping allowed"),
        ("a or fill(0) b", "not allowed for set operators"),
        ("1 + on (x) a", "only allowed between instant vectors"),
        ("1 + fill(0) a", "only allowed between instant vectors"),
        ("1 + on () fill_left(0) a", "only allowed between instant vectors"),
        ("1 and on () a", "set operator"),
        ("sum by (inf) (a)", "unexpected number"),
        ("a + on (x, NaN) b", "unexpected number"),
        ("1e400", "bad number"),
        ("0xFFFFFFFFFFFFFFFF", "bad number"),
        ("a @ -1e400", "bad number"),
        ("info(a, target_info)", "expected label selectors only"),
        ("info(a, target_info{b=\"c\"})", "expected label selectors only"),
        ("info(a, ({b=\"c\"}))", "expected label selectors only"),
        ("a{x=~\"b**\"}", "regular expression"),
        ("a + on (x) group_left (x) b", "ON and GROUP"),
        ("rate(a)", "expected type range vector"),
        ("abs(a, b)", "expected 1 argument(s)"),
        ("nope(a)", "unknown function"),
        ("-a[5m]", "unary expression"),
        ("a[5m][1m:]", "subquery is only allowed"),
        ("topk(a)", "wrong number of arguments"),
        ("count_values(5, a)", "expected type string"),
        ("min_over_time(a[5m] anchored)", "anchored modifier can only"),
        ("changes(a[5m] smoothed)", "smoothed modifier can only"),
        ("a\n  ! b", "2:3: unexpected character"),
        ("on", "unexpected"),
        ("a b", "unexpected"),
        ("a{b=\"c\" or d=\"e\"}", "unexpected"),
        ("a[300y]", "out of range"),
        ("a{x=~\"(\"}", "regular expression"),
    ] {
        let got = refused(text);
        assert!(got.contains(message), "{text}: {got}");
    }
}
