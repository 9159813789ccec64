use std::collections::BTreeMap;

use super::lexer::{LineError, Token, series, token};
use super::*;
use crate::scrape::Limits;
use crate::series::{Timestamp, is_stale_marker};

const AT: Timestamp = Timestamp::from_secs(1_700_000_000);

fn reader(limits: Limits) -> Reader {
    let labels = BTreeMap::from([("job".into(), "j".into()), ("instance".into(), "h:1".into())]);
    Reader::new(&labels, limits)
}

fn read(body: &str, format: Format) -> Result<Reading, ExpositionError> {
    reader(Limits::default()).read(body.as_bytes(), format, AT, true)
}

/// Series without the target's labels, and values.
fn shown(reading: &Reading) -> Vec<(String, f64)> {
    let plain = |l: &crate::series::Labels| l.filtered(|n| n != "job" && n != "instance").to_string();
    reading.samples.iter().map(|(l, s)| (plain(l), s.value)).collect()
}

fn line_error(line: &str) -> LineError {
    match token(line, Format::Text) {
        Err(error) => error,
        Ok(Token::Sample(sample)) => series(sample.series).unwrap_err(),
        Ok(other) => panic!("{line}: {other:?}"),
    }
}

#[test]
fn good_lines() {
    let body = "# HELP a help \\n text\n# TYPE a counter\na 1\n\t a2{}  2\t1700000000001\r\n\
        b{x=\"1,2=}{\",y=\"q\\\"\\\\\\n\\q\",} 3e2\n{\"utf8.name\",\"l.b\"=\"v\", c=\"d\"} +Inf\n\
        h_bucket{le=\"x\"} 1\nn NaN\nneg -0x\nlast{ a = \"b\" } .5\n# a comment\n#\n\n\
        s{quantile=\"0.5\"} 7\ne{a=\"\"} 1";
    let reading = read(body, Format::Text).unwrap();
    let shown = shown(&reading);
    let text: Vec<_> = shown.iter().map(|(l, v)| format!("{l} {v}")).collect();
    assert_eq!(
        text,
        [
            "a 1",
            "a2 2",
            "b{x=\"1,2=}{\",y=\"q\\\"\\\\\\\\u{a}\\\\q\"} 300",
            "utf8.name{c=\"d\",l.b=\"v\"} inf",
            "h_bucket{le=\"x\"} 1",
            "n NaN",
            "last{a=\"b\"} 0.5",
            "s{quantile=\"0.5\"} 7",
            "e 1",
        ]
    );
    assert_eq!(reading.dropped.malformed, 1);
    assert_eq!(reading.problems, ["line 9: the value is not a number: neg -0x"]);
    assert_eq!(reading.samples[1].1.at, Timestamp::from_millis(1_700_000_000_001));
    assert_eq!(reading.samples[0].1.at, AT);
    assert!(!is_stale_marker(reading.samples[5].1.value));
}

#[test]
fn bad_lines_are_named() {
    for (line, error) in [
        ("1abc 1", LineError::Name),
        ("a-b 1", LineError::Name),
        ("{a=\"b\"} 1", LineError::Name),
        ("a{b} 1", LineError::Label),
        ("a{b=1} 1", LineError::Label),
        ("a{b=\"1\" c=\"2\"} 1", LineError::Label),
        ("a{b=\"1\",b=\"1\"} 1", LineError::Label),
        ("a{__name__=\"b\"} 1", LineError::Label),
        ("a{,} 1", LineError::Label),
        ("a{\"\"=\"x\"} 1", LineError::Label),
        ("a{1b=\"x\"} 1", LineError::Label),
        ("a{b=\"x} 1", LineError::Unterminated),
        ("a{b=\"x\" 1", LineError::Unterminated),
        ("a", LineError::Value),
        ("a one", LineError::Value),
        ("a 0x1p3", LineError::Value),
        ("a 1_000", LineError::Value),
        ("a 1e999", LineError::Value),
        ("a 1 now", LineError::Timestamp),
        ("a 1 1.5", LineError::Timestamp),
        ("a 1 99999999999999999999", LineError::Timestamp),
        ("a 1 1 1", LineError::Trailing),
        ("a 1 # {x=\"y\"} 1", LineError::Timestamp),
        ("# TYPE", LineError::Metadata),
        ("# TYPE \"a", LineError::Unterminated),
    ] {
        assert_eq!(line_error(line), error, "{line}");
    }
}

#[test]
fn openmetrics_has_seconds_exemplars_created_and_an_end() {
    let body = "# TYPE r counter\n# UNIT r requests\nr_total{a=\"#\"} 3 1.5 # {id=\"x # y\"} 0.5 1.25\n\
        r_created 1.7e9\n# TYPE g gauge\ng_created 5\ng 4 # {} 1\n# EOF\n";
    let reading = read(body, Format::OpenMetrics).unwrap();
    let expected = [("r_total{a=\"#\"}".into(), 3.0), ("g_created".into(), 5.0), ("g".into(), 4.0)];
    assert_eq!(shown(&reading), expected);
    assert_eq!(reading.samples[0].1.at, Timestamp::from_millis(1500));
    assert_eq!(reading.created, 1);
    for cut in ["r_total 3\n", "", "r_total 3\n# EO", "# EOF\nr 1\n# EOF\n", "r 1 # EOF"] {
        assert!(read(cut, Format::OpenMetrics).is_err(), "{cut:?}");
    }
    assert!(read("# EOF", Format::OpenMetrics).unwrap().samples.is_empty());
}

#[test]
fn metadata_is_kept_and_the_last_type_counts() {
    let mut reader = reader(Limits { metadata: 1, ..Limits::default() });
    let body =
        b"a 1\n# TYPE a gauge\n# HELP a x\x1b]0;y\n# TYPE a counter\n# UNIT a s\n# TYPE b gauge\nb 1\n";
    let reading = reader.read(body, Format::Text, AT, true).unwrap();
    let a = &reader.metadata()["a"];
    assert_eq!((a.kind, a.unit.as_str()), (MetricKind::Counter, "s"));
    assert_eq!(a.help, "x\\u{1b}]0;y");
    assert!(reading.limits_hit.contains("metadata"));
    assert_eq!(reading.samples.len(), 2);
}

#[test]
fn target_labels_win_and_scraped_ones_are_exported() {
    let body = "a{job=\"x\",exported_job=\"y\",instance=\"\"} 1\n";
    let labels = read(body, Format::Text).unwrap().samples[0].0.to_string();
    assert_eq!(labels, "a{exported_exported_job=\"x\",exported_job=\"y\",instance=\"h:1\",job=\"j\"}");
}

#[test]
fn first_duplicate_wins_and_is_counted() {
    let body =
        "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\nt 1 1000\nt 2 2000\nt 3 2000\n";
    let reading = read(body, Format::Text).unwrap();
    assert_eq!(reading.dropped.samples, 3);
    assert_eq!(reading.scraped, 6);
    let values: Vec<_> = reading.samples.iter().map(|(_, s)| s.value).collect();
    assert_eq!(values, [1.0, 1.0, 2.0]);
}

#[test]
fn vanished_series_end_with_a_stale_marker_once() {
    let mut reader = reader(Limits::default());
    let mut stale = |body: &str| {
        let reading = reader.read(body.as_bytes(), Format::Text, AT, true).unwrap();
        let mut names: Vec<_> = reading
            .samples
            .iter()
            .filter(|(_, s)| is_stale_marker(s.value))
            .map(|(l, _)| l.metric_name().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert!(stale("a 1\nb 1\nc 1 1000\n").is_empty());
    assert_eq!(stale("a 1\n"), ["b"], "series with own timestamps do not become stale");
    assert!(stale("a 1\nb 2\nd 1\n").is_empty());
    assert_eq!(stale("b{} 2\n"), ["a", "d"]);
    let mut gone: Vec<_> = reader.gone(AT).iter().map(|(l, _)| l.to_string()).collect();
    gone.sort();
    assert_eq!(gone, ["b{instance=\"h:1\",job=\"j\"}"]);
    assert!(reader.gone(AT).is_empty());
}

#[test]
fn bounds_are_kept_and_named() {
    let limits =
        Limits { samples: 4, labels: 2, name_bytes: 8, value_bytes: 8, line_bytes: 64, ..Limits::default() };
    let body = format!(
        "a 1\nb{{c=\"1\",d=\"2\",e=\"3\"}} 1\nlong_name_here 1\nb{{c=\"123456789\"}} 1\nx{{y=\"{}\"}} 1\n\
         f 1 99999999999999\nc 1\nd 1\ne 1\nf 1\n",
        "z".repeat(100)
    );
    let reading = reader(limits).read(body.as_bytes(), Format::Text, AT, true).unwrap();
    let hit: Vec<_> = reading.limits_hit.iter().copied().collect();
    assert_eq!(hit, ["ahead", "labels", "line_bytes", "name_bytes", "samples", "value_bytes"]);
    assert_eq!(shown(&reading).len(), 4);
    assert_eq!(reading.dropped.over_limit, 5);
    assert_eq!(reading.dropped.samples, 1);
}

#[test]
fn memory_does_not_grow_with_spellings() {
    let mut reader = reader(Limits::default());
    for round in 0..100 {
        let body = format!("a{{x=\"1\"{}}} 1\n", " ".repeat(round));
        let reading = reader.read(body.as_bytes(), Format::Text, AT, true).unwrap();
        assert_eq!(reading.samples.len(), 1);
    }
    assert_eq!(reader.spellings(), 1);
}

#[test]
fn bodies_that_are_no_exposition_are_refused() {
    let sentence = |body: &str| read(body, Format::Text).unwrap_err().to_string();
    assert!(sentence("\n<!DOCTYPE html><title>Log in</title>").contains("web page"));
    assert!(sentence("{\"status\":\"ok\"}").contains("no line that can be read; line 1"));
    assert!(sentence("\u{1b}[2Jx").contains("\\u{1b}"));
    assert!(read("", Format::Text).unwrap().samples.is_empty());
    assert!(read("# only a comment\n", Format::Text).is_ok());
    let not_utf8 = reader(Limits::default()).read(b"a 1\nb{x=\"\xff\"} 1\n", Format::Text, AT, true).unwrap();
    assert_eq!((not_utf8.samples.len(), not_utf8.dropped.malformed), (1, 1));
}

#[test]
fn an_unframed_body_without_final_line_feed_loses_its_last_line() {
    let mut reader = reader(Limits::default());
    let mut count = |framed| {
        let reading = reader.read(b"a 1\nb 12", Format::Text, AT, framed).unwrap();
        (shown(&reading).iter().filter(|(_, v)| !v.is_nan()).count(), reading.dropped.malformed)
    };
    assert_eq!(count(true), (2, 0));
    assert_eq!(count(false), (1, 1));
}

proptest::proptest! {
    #[test]
    fn never_panics_and_keeps_its_books(body in ".{0,200}", open in proptest::bool::ANY) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        if let Ok(reading) = read(&body, format) {
            proptest::prop_assert!(reading.samples.len() <= reading.scraped);
        }
    }

    #[test]
    fn any_label_value_survives(value in "[ -~]{0,40}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        let reading = read(&format!("a{{x=\"{escaped}\"}} 1\n"), Format::Text).unwrap();
        proptest::prop_assert_eq!(reading.samples[0].0.get("x").unwrap_or_default(), value);
    }
}
