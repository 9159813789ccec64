use std::collections::BTreeMap;

use super::lexer::{LabelList, LineError, token};
use super::*;
use crate::scrape::{Limits, ScrapeBlock, SourceId};
use crate::series::{Labels, Sample, Timestamp, is_stale_marker};

mod same;
pub(super) mod vectors;

const AT: Timestamp = Timestamp::from_secs(1_700_000_000);

pub(super) fn reader(limits: Limits) -> Reader {
    let labels = BTreeMap::from([("job".into(), "j".into()), ("instance".into(), "h:1".into())]);
    Reader::new(SourceId::new("http://h:1/metrics"), &labels, limits)
}

/// The other side of the blocks: which series a slot is.
#[derive(Default)]
pub(super) struct Mirror {
    table: u64,
    slots: BTreeMap<u32, Labels>,
}

impl Mirror {
    /// Samples of a block, those at the scrape's instant first, each in the order of slots.
    pub(super) fn samples(&mut self, block: &ScrapeBlock) -> Vec<(Labels, Sample)> {
        if self.table != block.table {
            self.slots.clear();
            self.table = block.table;
        }
        for slot in &block.freed {
            assert!(self.slots.remove(slot).is_some(), "slot {slot} was not in use");
        }
        for (slot, labels) in block.born.announced() {
            let before = self.slots.insert(slot, labels.clone());
            assert!(before.is_none(), "slot {slot} is {before:?} and becomes {labels}");
        }
        let timed = block.timed.iter().map(|(slot, sample)| (self.slots[slot].clone(), *sample));
        let plain = block.values.iter().enumerate().filter(|(_, value)| !is_stale_marker(**value));
        let plain =
            plain.map(|(slot, value)| (self.slots[&(slot as u32)].clone(), Sample::new(block.at, *value)));
        plain.chain(timed).collect()
    }
}

fn read(body: &str, format: Format) -> Result<Reading, ExpositionError> {
    reader(Limits::default()).read(body.as_bytes(), format, AT, true)
}

fn samples(reading: &Reading) -> Vec<(Labels, Sample)> {
    Mirror::default().samples(&reading.block)
}

/// Series without the target's labels, and values.
fn shown(reading: &Reading) -> Vec<(String, f64)> {
    let plain = |l: &Labels| l.filtered(|n| n != "job" && n != "instance").to_string();
    samples(reading).iter().map(|(l, s)| (plain(l), s.value)).collect()
}

fn line_error(line: &str) -> LineError {
    token(line, Format::Text, &mut LabelList::new(64)).unwrap_err()
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
            "b{x=\"1,2=}{\",y=\"q\\\"\\\\\\\\u{a}\\\\q\"} 300",
            "utf8.name{c=\"d\",l.b=\"v\"} inf",
            "h_bucket{le=\"x\"} 1",
            "n NaN",
            "last{a=\"b\"} 0.5",
            "s{quantile=\"0.5\"} 7",
            "e 1",
            "a2 2",
        ]
    );
    assert_eq!(reading.dropped.malformed, 1);
    assert_eq!(reading.problems, ["line 9: the value is not a number: neg -0x"]);
    let samples = samples(&reading);
    assert_eq!(samples[8].1.at, Timestamp::from_millis(1_700_000_000_001));
    assert_eq!(samples[0].1.at, AT);
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
    let expected = [("g_created".into(), 5.0), ("g".into(), 4.0), ("r_total{a=\"#\"}".into(), 3.0)];
    assert_eq!(shown(&reading), expected);
    assert_eq!(samples(&reading)[2].1.at, Timestamp::from_millis(1500));
    assert_eq!(reading.created, 1);
    for cut in ["r_total 3\n", "", "r_total 3\n# EO", "# EOF\nr 1\n# EOF\n", "r 1 # EOF"] {
        assert!(read(cut, Format::OpenMetrics).is_err(), "{cut:?}");
    }
    assert!(read("# EOF", Format::OpenMetrics).unwrap().block.born.is_empty());
}

#[test]
fn metadata_is_told_when_it_is_new() {
    let mut reader = reader(Limits { metadata: 5, ..Limits::default() });
    let body = "a 1\n# TYPE a gauge\n# HELP a x\x1b]0;y\\nz\n# TYPE a counter\n# UNIT a s\n# TYPE b gauge\n\
        # TYPE c gauge\nb 1\n";
    let reading = reader.read(body.as_bytes(), Format::Text, AT, true).unwrap();
    let said: Vec<_> = reading.said.iter().map(|(name, said)| (name.as_ref(), said.clone())).collect();
    let expected = [
        ("a", Said::Kind(MetricKind::Gauge)),
        ("a", Said::Help("x\\u{1b}]0;y z".into())),
        ("a", Said::Kind(MetricKind::Counter)),
        ("a", Said::Unit("s".into())),
        ("b", Said::Kind(MetricKind::Gauge)),
    ];
    assert_eq!(said, expected);
    assert!(reading.limits_hit.contains("metadata"));
    assert_eq!(samples(&reading).len(), 2);
    let changed = body.replace("# UNIT a s", "# UNIT a m");
    assert!(reader.read(body.as_bytes(), Format::Text, AT, true).unwrap().said.is_empty());
    let reading = reader.read(changed.as_bytes(), Format::Text, AT, true).unwrap();
    assert_eq!(reading.said, [("a".into(), Said::Unit("m".into()))]);
}

#[test]
fn target_labels_win_and_scraped_ones_are_exported() {
    let body = "a{job=\"x\",exported_job=\"y\",instance=\"\"} 1\n";
    let labels = samples(&read(body, Format::Text).unwrap())[0].0.to_string();
    assert_eq!(labels, "a{exported_exported_job=\"x\",exported_job=\"y\",instance=\"h:1\",job=\"j\"}");
}

#[test]
fn first_duplicate_wins_and_is_counted() {
    let body =
        "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\nt 1 1000\nt 2 2000\nt 3 2000\n";
    let reading = read(body, Format::Text).unwrap();
    assert_eq!(reading.dropped.samples, 3);
    assert_eq!(reading.scraped, 6);
    let values: Vec<_> = samples(&reading).iter().map(|(_, s)| s.value).collect();
    assert_eq!(values, [1.0, 1.0, 2.0]);
}

#[test]
fn slots_stay_are_freed_after_one_scrape_and_used_again() {
    let mut reader = reader(Limits::default());
    let mut mirror = Mirror::default();
    let mut names = |reader: &mut Reader, body: &str| {
        let reading = reader.read(body.as_bytes(), Format::Text, AT, true).unwrap();
        let names =
            mirror.samples(&reading.block).iter().map(|(l, _)| l.metric_name().unwrap().to_owned()).collect();
        let born: Vec<u32> = reading.block.born.slots().collect();
        let names: Vec<String> = names;
        (names.join(" "), born, reading.block.freed)
    };
    let same = |names: &str| (names.to_owned(), vec![], vec![]);
    assert_eq!(names(&mut reader, "a 1\nb 1\nc 1 1000\n"), ("a b c".into(), vec![3, 4, 5], vec![]));
    assert_eq!(names(&mut reader, "a 1\n"), same("a"));
    assert_eq!(names(&mut reader, "a 1\nb 2\nd 1\n"), ("a d b".into(), vec![5, 4], vec![4, 5]));
    assert_eq!(names(&mut reader, "d 1\nb{} 2\na 5\n"), same("a d b"));
    let failed = reader.failed(AT);
    assert!(failed.values.iter().all(|value| is_stale_marker(*value)) && failed.freed.is_empty());
    assert_eq!(names(&mut reader, "d 1\nb 2\na 5\n"), same("a d b"));
    assert!(reader.read(b"new 1\n{ 2\n# EOF\n", Format::OpenMetrics, AT, true).is_err());
    let table = reader.failed(AT).table;
    let reading = reader.read(b"d 1\na 2\n", Format::Text, AT, true).unwrap();
    assert_ne!(reading.block.table, table, "another format is another table");
    for _ in 0..20 {
        reader.failed(AT);
    }
    let reading = reader.read(b"d 1\na 2\n", Format::Text, AT, true).unwrap();
    assert_eq!(reading.block.born.len(), 2, "a dead target is forgotten");
}

#[test]
fn a_scrape_says_of_itself_what_prometheus_says() {
    let mut reader = reader(Limits::default());
    let mut mirror = Mirror::default();
    let took = std::time::Duration::from_millis(250);
    for (up, value) in [(true, 1.0), (false, 0.0), (true, 1.0)] {
        let mut block = reader.failed(AT);
        reader.about(&mut block, up, took, 7);
        let samples = mirror.samples(&block);
        let told: Vec<_> = samples.iter().map(|(l, s)| (l.metric_name().unwrap(), s.value)).collect();
        assert_eq!(told, [("up", value), ("scrape_duration_seconds", 0.25), ("scrape_samples_scraped", 7.0)]);
    }
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
fn memory_does_not_grow_with_spellings_or_with_churn() {
    let mut spelled = reader(Limits::default());
    let mut churned = reader(Limits::default());
    let (mut first, mut last) = (0, 0);
    for round in 0..400 {
        let body = format!("a{{x=\"1\"{}}} 1\n", " ".repeat(round));
        let reading = spelled.read(body.as_bytes(), Format::Text, AT, true).unwrap();
        assert_eq!(reading.block.born.len(), usize::from(round == 0));
        let series = (0..100).map(|i| format!("series_with_a_name{{pod=\"{round}-{i}\"}} 1\n"));
        let reading = churned.read(series.collect::<String>().as_bytes(), Format::Text, AT, true).unwrap();
        assert!(reading.block.values.len() <= 3 + 300, "{}", reading.block.values.len());
        last = spelled.bytes() + churned.bytes();
        if round == 100 {
            first = last;
        }
    }
    assert!(last < 2 * first, "{first} {last}");
}

#[test]
fn a_flood_that_is_over_leaves_no_long_blocks() {
    let mut reader = reader(Limits::default());
    let flood: String = (0..5000).map(|i| format!("a{{i=\"{i}\"}} 1\n")).collect();
    reader.read(flood.as_bytes(), Format::Text, AT, true).unwrap();
    for _ in 0..3 {
        reader.read(b"a 1\n", Format::Text, AT, true).unwrap();
    }
    let reading = reader.read(b"a 1\n", Format::Text, AT, true).unwrap();
    assert_eq!(reading.block.values.len(), 4);
}

#[test]
fn bodies_that_are_no_exposition_are_refused() {
    let sentence = |body: &str| read(body, Format::Text).unwrap_err().to_string();
    assert!(sentence("\n<!DOCTYPE html><title>Log in</title>").contains("web page"));
    assert!(sentence("{\"status\":\"ok\"}").contains("no line that can be read; line 1"));
    assert!(sentence("\u{1b}[2Jx").contains("\\u{1b}"));
    assert!(read("", Format::Text).unwrap().block.born.is_empty());
    assert!(read("# only a comment\n", Format::Text).is_ok());
    let not_utf8 = reader(Limits::default()).read(b"a 1\nb{x=\"\xff\"} 1\n", Format::Text, AT, true).unwrap();
    assert_eq!((not_utf8.block.born.len(), not_utf8.dropped.malformed), (1, 1));
}

#[test]
fn an_unframed_body_without_final_line_feed_loses_its_last_line() {
    let mut reader = reader(Limits::default());
    let mut count = |framed| {
        let reading = reader.read(b"a 1\nb 12", Format::Text, AT, framed).unwrap();
        (reading.block.values.iter().filter(|v| !v.is_nan()).count(), reading.dropped.malformed)
    };
    assert_eq!(count(true), (2, 0));
    assert_eq!(count(false), (1, 1));
}

proptest::proptest! {
    #[test]
    fn never_panics_and_keeps_its_books(body in ".{0,200}", open in proptest::bool::ANY) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        if let Ok(reading) = read(&body, format) {
            proptest::prop_assert!(samples(&reading).len() <= reading.scraped);
        }
    }

    #[test]
    fn any_label_value_survives(value in "[ -~]{0,40}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        let reading = read(&format!("a{{x=\"{escaped}\"}} 1\n"), Format::Text).unwrap();
        let labels = samples(&reading)[0].0.clone();
        proptest::prop_assert_eq!(labels.get("x").unwrap_or_default(), value);
    }
}

/// A sample with labels written the usual way, and the same with blanks wherever text may have them.
fn two_ways(labels: &[(String, String)]) -> [String; 2] {
    let join = |pair: &str, between: &str| {
        let pairs: Vec<_> = labels.iter().map(|(n, v)| format!("{n}{pair}\"{v}\"")).collect();
        pairs.join(between)
    };
    [format!("m{{{}}} 1", join("=", ",")), format!("m {{ {} , }} 1", join(" = ", " , "))]
}

proptest::proptest! {
    #[test]
    fn labels_are_the_same_with_and_without_blanks(
        labels in proptest::collection::vec(("[a-c_9:]{1,12}|__name__", "([a-z{},=# ]|\\\\[\\\\n\"x]|é){0,20}"), 1..5)
    ) {
        let texts = two_ways(&labels);
        let [swift, slow] = texts.each_ref().map(|text| {
            let mut list = LabelList::new(3);
            let what = token(text, Format::Text, &mut list).map(|_| ());
            let pairs: Vec<_> = list.pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            (what, pairs, list.over)
        });
        proptest::prop_assert_eq!(swift, slow);
    }
}
