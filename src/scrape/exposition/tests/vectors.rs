//! Vectors written from the formats' specifications: Prometheus text 0.0.4 ("Exposition formats", with the quoted names
//! of version 1.0.0) and OpenMetrics 1.0.
//!
//! Where the readings of others differ, the specification decides:
//! - Text ignores leading and trailing blanks, lets tabs separate, and has negative timestamps.
//! - A carriage return at the end of a line of text is blank; OpenMetrics forbids it.
//! - Text accepts one comma behind the last label; the grammar of OpenMetrics has none.
//! - Rules of OpenMetrics about the meaning of samples (a counter is named `_total`, buckets are cumulative, families
//!   are not interleaved, an unescaped quote in help) are not enforced: Prometheus takes such targets too, and what is
//!   wrong in them is one target's family, not the reading of it.

use super::*;

/// Bodies of text, and the series with values (and own timestamps in milliseconds) in them.
pub(in crate::scrape::exposition) const TEXT: &[(&str, &str)] = &[
    ("a 1\n", "a 1"),
    ("a 1", "a 1"),
    ("a\t1\n", "a 1"),
    ("a   1\n", "a 1"),
    (" a 1\n", "a 1"),
    ("\ta 1 \t\n", "a 1"),
    ("a 1\r\n", "a 1"),
    ("a{x=\"y\"} 1\r\nb 2\r\n", "a{x=\"y\"} 1;b 2"),
    ("\n\n\na 1\n\n", "a 1"),
    ("\r\na 1\n", "a 1"),
    ("   \na 1\n", "a 1"),
    ("_ 1\n", "_ 1"),
    (":a:b: 1\n", ":a:b: 1"),
    ("A9_ 1\n", "A9_ 1"),
    ("a{} 1\n", "a 1"),
    ("a{ } 1\n", "a 1"),
    ("a {} 1\n", "a 1"),
    ("a{}1\n", "a 1"),
    ("a{x=\"y\"}1\n", "a{x=\"y\"} 1"),
    ("a{x=\"y\"}\t1\n", "a{x=\"y\"} 1"),
    ("a {x=\"y\"} 1\n", "a{x=\"y\"} 1"),
    ("a{x=\"y\",} 1\n", "a{x=\"y\"} 1"),
    ("a{x=\"y\" , } 1\n", "a{x=\"y\"} 1"),
    ("a{ x = \"y\" , z = \"w\" } 1\n", "a{x=\"y\",z=\"w\"} 1"),
    ("a{\tx\t=\t\"y\"\t} 1\n", "a{x=\"y\"} 1"),
    ("a{x=\"\"} 1\n", "a 1"),
    ("a{_x=\"y\"} 1\n", "a{_x=\"y\"} 1"),
    ("a{x=\"{}\"} 1\n", "a{x=\"{}\"} 1"),
    ("a{x=\"}\"} 1\n", "a{x=\"}\"} 1"),
    ("a{x=\",\"} 1\n", "a{x=\",\"} 1"),
    ("a{x=\"=\"} 1\n", "a{x=\"=\"} 1"),
    ("a{x=\"#\"} 1\n", "a{x=\"#\"} 1"),
    ("a{x=\" y \"} 1\n", "a{x=\" y \"} 1"),
    ("a{x=\"y\\\"z\"} 1\n", "a{x=\"y\\\"z\"} 1"),
    ("a{x=\"y\\\\\"} 1\n", "a{x=\"y\\\\\"} 1"),
    ("a{x=\"\\\\\\\"\"} 1\n", "a{x=\"\\\\\\\"\"} 1"),
    ("a{x=\"\\\\n\"} 1\n", "a{x=\"\\\\n\"} 1"),
    ("a{x=\"\\d\"} 1\n", "a{x=\"\\\\d\"} 1"),
    ("a{x=\"Ünïcödé\"} 1\n", "a{x=\"Ünïcödé\"} 1"),
    ("a{x=\"日本\"} 1\n", "a{x=\"日本\"} 1"),
    ("a 0\n", "a 0"),
    ("a -0\n", "a -0"),
    ("a +1\n", "a 1"),
    ("a -1.5\n", "a -1.5"),
    ("a 1.\n", "a 1"),
    ("a .5\n", "a 0.5"),
    ("a 00012\n", "a 12"),
    ("a 1e3\n", "a 1000"),
    ("a 1E3\n", "a 1000"),
    ("a 1e+03\n", "a 1000"),
    ("a 1.7560473e+07\n", "a 17560473"),
    ("a 25e-1\n", "a 2.5"),
    ("a 9007199254740993\n", "a 9007199254740992"),
    ("a 0.1234567890123456789\n", "a 0.12345678901234568"),
    ("a 1e-7\n", "a 0.0000001"),
    ("a 1e-400\n", "a 0"),
    ("a Inf\n", "a inf"),
    ("a +Inf\n", "a inf"),
    ("a -Inf\n", "a -inf"),
    ("a inf\n", "a inf"),
    ("a Infinity\n", "a inf"),
    ("a NaN\n", "a NaN"),
    ("a nan\n", "a NaN"),
    ("a 1 1395066363000\n", "a 1 @1395066363000"),
    ("a 1 -3982045\n", "a 1 @-3982045"),
    ("a 1 0\n", "a 1 @0"),
    ("a\t1\t5\n", "a 1 @5"),
    ("a 1 5 \n", "a 1 @5"),
    ("a 1 5\r\n", "a 1 @5"),
    ("a 1 1000\na 2 2000\n", "a 1 @1000;a 2 @2000"),
    ("a 1\na 2\n", "a 1"),
    ("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", "a{x=\"1\",y=\"2\"} 1"),
    ("# a comment\na 1\n", "a 1"),
    ("#\na 1\n", "a 1"),
    ("#a 1\na 1\n", "a 1"),
    ("# EOF\na 1\n", "a 1"),
    ("# HELP a\na 1\n", "a 1"),
    ("# HELP a text with \\\\ and \\n\na 1\n", "a 1"),
    ("#\tHELP\ta\ttext\na 1\n", "a 1"),
    ("# TYPE a counter\na 1\n", "a 1"),
    ("# TYPE a untyped\na 1\n", "a 1"),
    ("#  TYPE   a   gauge  \na 1\n", "a 1"),
    ("# TYPES a gauge\na 1\n", "a 1"),
    ("a_created 1\n# TYPE a counter\na_created{x=\"y\"} 2\n", "a_created 1;a_created{x=\"y\"} 2"),
    (
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n",
        "h_bucket{le=\"+Inf\"} 2;h_sum 1;h_count 2",
    ),
    (
        "# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum 0\ns_count 0\n",
        "s{quantile=\"0.5\"} NaN;s_sum 0;s_count 0",
    ),
    ("{\"a.b\"} 1\n", "a.b 1"),
    ("{\"a.b\",} 1\n", "a.b 1"),
    ("{ \"a.b\" , x = \"y\" } 1\n", "a.b{x=\"y\"} 1"),
    ("{\"a\\\"b\"} 1\n", "a\"b 1"),
    ("{\"a.b\",\"l.m\"=\"v\"} 1 7\n", "a.b{l.m=\"v\"} 1 @7"),
    ("a{\"l m\"=\"v\"} 1\n", "a{l m=\"v\"} 1"),
    ("{\"Ünïcödé\"} 1\n", "Ünïcödé 1"),
    ("# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n", "a.b 1"),
    ("a 1\nb{ 2\nc 3\n", "a 1;c 3"),
];

/// Lines that are no text.
pub(in crate::scrape::exposition) const BAD_TEXT: &[&str] = &[
    "a",
    "a ",
    "a{} ",
    "1",
    "1a 1",
    "a-b 1",
    "a.b 1",
    "a$ 1",
    "Ünïcödé 1",
    "a{",
    "a{x",
    "a{x=",
    "a{x=\"",
    "a{x=\"y",
    "a{x=\"y\"",
    "a{x=\"y\" 1",
    "a{x=\"y\\\"} 1",
    "a{x=y} 1",
    "a{x='y'} 1",
    "a{x} 1",
    "a{=\"y\"} 1",
    "a{\"\"=\"y\"} 1",
    "a{,} 1",
    "a{,x=\"y\"} 1",
    "a{x=\"y\",,} 1",
    "a{x=\"y\" z=\"w\"} 1",
    "a{x=\"y\"z=\"w\"} 1",
    "a{x==\"y\"} 1",
    "a{x=\"y\"}} 1",
    "a{{x=\"y\"} 1",
    "a{1x=\"y\"} 1",
    "a{x-y=\"z\"} 1",
    "a{x:y=\"z\"} 1",
    "a{x=\"1\",x=\"2\"} 1",
    "a{x=\"1\",x=\"1\"} 1",
    "a{__name__=\"b\"} 1",
    "a{\"b\"} 1",
    "{} 1",
    "{x=\"y\"} 1",
    "{\"\"} 1",
    "{\"a\"",
    "{\"a} 1",
    "{\"a\",\"b\"} 1",
    "} 1",
    "\"a\" 1",
    "a one",
    "a 1_000",
    "a 0x1",
    "a 0x1p3",
    "a 1e",
    "a 1e+",
    "a e5",
    "a .",
    "a -",
    "a 1.2.3",
    "a --1",
    "a +NaN",
    "a -NaN",
    "a 1e999",
    "a -1e999",
    "a 1,5",
    "a \"1\"",
    "a 1 now",
    "a 1 1.5",
    "a 1 1e3",
    "a 1 NaN",
    "a 1 99999999999999999999",
    "a 1 1 1",
    "a 1 # {x=\"y\"} 1",
    "a 1 1 # {x=\"y\"} 1",
    "a 1 #",
    "a=1",
    "a: b 1 2 3",
    "# TYPE",
    "# TYPE a",
    "# TYPE a nonsense",
    "# TYPE a counter gauge",
    "# TYPE 1a counter",
    "# TYPE \"a",
    "# HELP",
    "# HELP 1a x",
];

/// Bodies of OpenMetrics without their end, and what is in them.
const STRICT: &[(&str, &str)] = &[
    ("", ""),
    ("a 1\n", "a 1"),
    ("a{x=\"y\"} 1\n", "a{x=\"y\"} 1"),
    ("a{} 1\n", "a 1"),
    ("a{x=\"y\",z=\"w\"} 1\n", "a{x=\"y\",z=\"w\"} 1"),
    ("a 1 1.5\n", "a 1 @1500"),
    ("a 1 1520879607.789\n", "a 1 @1520879607789"),
    ("a 1 -1.5\n", "a 1 @-1500"),
    ("a 1 1e3\n", "a 1 @1000000"),
    ("a NaN\nb +Inf\nc -inf\n", "a NaN;b inf;c -inf"),
    ("# TYPE a counter\n# UNIT a seconds\n# HELP a help\na_total 1\n", "a_total 1"),
    ("# TYPE a unknown\na 1\n", "a 1"),
    ("# TYPE a info\na_info{v=\"1\"} 1\n", "a_info{v=\"1\"} 1"),
    ("# TYPE a stateset\na{a=\"on\"} 1\n", "a{a=\"on\"} 1"),
    ("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum 2\n", "a_bucket{le=\"+Inf\"} 1;a_gsum 2"),
    ("# HELP a \n# UNIT a \na 1\n", "a 1"),
    ("# HELP a x \\\" \\\\ \\n y\na 1\n", "a 1"),
    ("# TYPE a counter\na_total 1\na_created 5\n", "a_total 1"),
    ("# TYPE a summary\na_created{x=\"y\"} 5\na_count{x=\"y\"} 1\n", "a_count{x=\"y\"} 1"),
    ("# TYPE a gauge\na_created 5\n", "a_created 5"),
    ("# TYPE a counter\n# TYPE b gauge\na_created 5\n", "a_created 5"),
    ("a_created 5\n", "a_created 5"),
    ("a_bucket{le=\"1\"} 1 # {id=\"x\"} 0.5\n", "a_bucket{le=\"1\"} 1"),
    ("a_bucket{le=\"1\"} 1 2 # {id=\"x\"} 0.5 1.25\n", "a_bucket{le=\"1\"} 1 @2000"),
    ("a_total 1 # {} 0.5\n", "a_total 1"),
    ("a_total 1 # {a=\"#\",b=\"}\"} 0.5\n", "a_total 1"),
    ("a{x=\" # {\"} 1 # {y=\"z\"} 2\n", "a{x=\" # {\"} 1"),
    ("a{x=\"\\\"\\\\\\n\"} 1\n", "a{x=\"\\\"\\\\\\\\u{a}\"} 1"),
    ("{\"a.b\",\"l.m\"=\"v\"} 1\n", "a.b{l.m=\"v\"} 1"),
    ("# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n", "a.b 1"),
];

/// Bodies of OpenMetrics, without their end, that are refused as a whole.
const BAD_STRICT: &[&str] = &[
    "\n",
    "a 1\n\n",
    " a 1\n",
    "a 1 \n",
    "a  1\n",
    "a\t1\n",
    "a 1\r\n",
    "a 1  2\n",
    "a 1 2 \n",
    "a\n",
    "a \n",
    "a{}\n",
    "a{}1\n",
    "a {} 1\n",
    "a{ } 1\n",
    "a{x=\"y\",} 1\n",
    "a{x=\"y\", z=\"w\"} 1\n",
    "a{x =\"y\"} 1\n",
    "a{x= \"y\"} 1\n",
    "a{x=\"y} 1\n",
    "a{x=y} 1\n",
    "a{x=\"1\",x=\"1\"} 1\n",
    "1a 1\n",
    "a.b 1\n",
    "{} 1\n",
    "{x=\"y\"} 1\n",
    "a 1_0\n",
    "a 0x1\n",
    "a +NaN\n",
    "a 1e999\n",
    "a one\n",
    "a 1 now\n",
    "a 1 NaN\n",
    "a 1 +Inf\n",
    "a 1 2 3\n",
    "a 1 #\n",
    "a 1 # \n",
    "a 1 # {\n",
    "a 1 # {x=\"y\"}\n",
    "a 1 # {x=\"y\"} \n",
    "a 1 # {x=\"y\"} z\n",
    "a 1 # {x=\"y\"} 1 z\n",
    "a 1 # {x=\"y\"} 1 2 3\n",
    "a 1 # {x} 1\n",
    "a 1 # {\"x\"} 1\n",
    "a 1 #{x=\"y\"} 1\n",
    "a 1# {x=\"y\"} 1\n",
    "a 1  # {x=\"y\"} 1\n",
    "# a comment\n",
    "#\n",
    "#TYPE a gauge\n",
    "#  TYPE a gauge\n",
    "# TYPE  a gauge\n",
    "# TYPE a  gauge\n",
    "# TYPE a gauge \n",
    "# TYPE a\n",
    "# TYPE a untyped\n",
    "# TYPE a nonsense\n",
    "# HELP\n",
    "# HELP a\n",
    "# UNIT a\n",
    "# TYPE 1a gauge\n",
    "# eof\n",
    "# EOF\na 1\n",
    "# EOF \n",
    "\u{feff}a 1\n",
];

/// What a reading holds, written as in the tables.
fn told(reading: &Reading) -> String {
    let own = |l: &Labels| l.filtered(|n| n != "job" && n != "instance").to_string();
    let line = |(labels, sample): &(Labels, Sample)| {
        let at = if sample.at == AT { String::new() } else { format!(" @{}", sample.at.as_millis()) };
        format!("{} {}{at}", own(labels), sample.value)
    };
    samples(reading).iter().map(line).collect::<Vec<_>>().join(";")
}

#[test]
fn text_is_read_as_specified() {
    for (body, expected) in TEXT {
        let reading = read(body, Format::Text).unwrap_or_else(|e| panic!("{body:?}: {e}"));
        assert_eq!(told(&reading), *expected, "{body:?}");
    }
}

#[test]
fn what_is_no_text_is_counted_and_left_out() {
    for line in BAD_TEXT {
        let reading = read(&format!("good 1\n{line}\nlast 2\n"), Format::Text).unwrap();
        assert_eq!((told(&reading).as_str(), reading.dropped.malformed), ("good 1;last 2", 1), "{line:?}");
        assert!(reading.problems[0].starts_with("line 2: "), "{:?}", reading.problems);
    }
}

#[test]
fn openmetrics_is_read_as_specified() {
    for (body, expected) in STRICT {
        let body = format!("{body}# EOF\n");
        let reading = read(&body, Format::OpenMetrics).unwrap_or_else(|e| panic!("{body:?}: {e}"));
        assert_eq!(told(&reading), *expected, "{body:?}");
        assert_eq!(reading.dropped.total(), 0, "{body:?}");
    }
}

#[test]
fn what_breaks_the_grammar_of_openmetrics_is_refused_as_a_whole() {
    for body in BAD_STRICT {
        let whole = format!("good 1\n{body}# EOF\n");
        let error = read(&whole, Format::OpenMetrics).expect_err(&whole).to_string();
        assert!(error.contains("OpenMetrics") || error.contains("# EOF"), "{body:?}: {error}");
    }
    for cut in ["a 1\n", "a 1\n# EO", "# EOF\n\n", " # EOF\n", "a 1 # EOF\n", "# EOF\r\n"] {
        assert!(read(cut, Format::OpenMetrics).is_err(), "{cut:?}");
    }
}
