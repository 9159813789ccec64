//! A reader that remembers reads every body as one does that meets it first.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What a body says, however it was read: samples as text, and what was counted.
type Said = (BTreeSet<String>, (usize, u64, u64, u64, u64), BTreeSet<&'static str>, Vec<String>);

fn said(mirror: &mut Mirror, reading: &Reading) -> Said {
    let line =
        |(labels, sample): (Labels, Sample)| format!("{labels} {:?} {:?}", sample.value.to_bits(), sample.at);
    let dropped = reading.dropped;
    let counts = (reading.scraped, reading.created, dropped.samples, dropped.malformed, dropped.over_limit);
    let samples = mirror.samples(&reading.block).into_iter().map(line).collect();
    (samples, counts, reading.limits_hit.clone(), reading.problems.clone())
}

/// Reads the bodies one after the other, and each for itself.
fn reads_as_first(bodies: &[String], format: Format, limits: Limits) -> Result<(), TestCaseError> {
    let mut old = reader(limits);
    let mut mirror = Mirror::default();
    for (i, body) in bodies.iter().enumerate() {
        let framed = i % 3 != 2;
        let remembered = old.read(body.as_bytes(), format, AT, framed);
        let fresh = reader(limits).read(body.as_bytes(), format, AT, framed);
        match (remembered, fresh) {
            (Ok(remembered), Ok(fresh)) => {
                prop_assert_eq!(
                    said(&mut mirror, &remembered),
                    said(&mut Mirror::default(), &fresh),
                    "{}",
                    body
                );
            }
            (Err(remembered), Err(fresh)) => {
                prop_assert_eq!(remembered, fresh);
                mirror.samples(&old.failed(AT));
            }
            (remembered, fresh) => {
                return Err(TestCaseError::fail(format!("{remembered:?}\n{fresh:?}\n{body}")));
            }
        }
    }
    Ok(())
}

/// Lines that are near each other: equal beginnings, other spellings of one series, comments, timestamps, rubbish.
fn line() -> impl Strategy<Value = String> {
    let series = prop_oneof![
        "[ab]{1,2}",
        "[ab]\\{x=\"[01]\"\\}",
        "a\\{x=\"1\",y=\"[01]\"\\}",
        "a\\{y=\"[01]\",x=\"1\"\\}",
        "a ?\\{ ?x=\"1\" ?,?\\}",
        "a\\{x=\"\\}[ \\\\\\\\]\"\\}",
        "\\{\"a\",x=\"[01]\"\\}",
        "[ab]_created",
        "a\\{job=\"[01]\"\\}",
        "a\\{exported_job=\"[01]\"\\}",
    ];
    let value = prop_oneof!["[0-9]{1,3}", "[0-9]\\.[0-9]{1,18}", "NaN|\\+Inf|-Inf|1e[0-9]{1,3}|x||1_0|-0"];
    let after = prop_oneof![6 => "", 1 => " [0-9]{1,4}", 1 => "[ \t]{1,40}", 1 => "\r", 1 => " # \\{a=\"1\"\\} 1", 1 => " 99999999999999"];
    let sample = (series, value, after).prop_map(|(series, value, after)| format!("{series} {value}{after}"));
    prop_oneof![
        8 => sample,
        1 => "# TYPE [ab] (counter|gauge|nonsense)",
        1 => "# HELP [ab] [xy]?",
        1 => "#?|# EOF|\\{|a\\{x=\"1\"\\}5| a 1",
    ]
}

/// A body and bodies made of it by changes.
fn bodies() -> impl Strategy<Value = Vec<String>> {
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8_u8, line());
    let changes = prop::collection::vec(prop::collection::vec(change, 0..6), 1..8);
    (prop::collection::vec(line(), 0..50), changes).prop_map(|(mut lines, rounds)| {
        let mut bodies = vec![lines.join("\n") + "\n"];
        for round in rounds {
            let mut cut = None;
            for (at, to, what, new) in round {
                let (at, to) =
                    if lines.is_empty() { (0, 0) } else { (at.index(lines.len()), to.index(lines.len())) };
                match what {
                    0 | 1 => lines.insert(at, new),
                    2 if !lines.is_empty() => drop(lines.remove(at)),
                    3 if !lines.is_empty() => lines.swap(at, to),
                    4 if !lines.is_empty() => lines[at] = new,
                    5 if !lines.is_empty() => lines.insert(to, lines[at].clone()),
                    6 => lines.rotate_left(at),
                    _ => cut = Some(at),
                }
            }
            let mut body = lines.join("\n") + "\n";
            if let Some(cut) = cut {
                body.truncate(body.len().saturating_sub(cut));
            }
            bodies.push(body);
        }
        bodies
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn text_is_read_as_if_met_first(bodies in bodies()) {
        reads_as_first(&bodies, Format::Text, Limits::default())?;
    }

    #[test]
    fn bounds_hold_as_if_met_first(bodies in bodies(), samples in 1..20_usize, line_bytes in 8..60_usize) {
        let limits = Limits { samples, line_bytes, labels: 1, name_bytes: 3, value_bytes: 2, ..Limits::default() };
        reads_as_first(&bodies, Format::Text, limits)?;
    }

    #[test]
    fn openmetrics_is_read_as_if_met_first(bodies in bodies()) {
        let known = |line: &&str| super::read(&format!("{line}\n# EOF\n"), Format::OpenMetrics).is_ok();
        let whole = |body: &String| {
            let lines: Vec<&str> = body.lines().filter(known).collect();
            if lines.is_empty() { "# EOF\n".into() } else { lines.join("\n") + "\n# EOF\n" }
        };
        reads_as_first(&bodies.iter().map(whole).collect::<Vec<_>>(), Format::OpenMetrics, Limits::default())?;
        reads_as_first(&bodies, Format::OpenMetrics, Limits::default())?;
    }
}

#[test]
fn neighbours_of_a_long_body_move_and_are_found() {
    let line = |i: usize| format!("http_requests_total{{pod=\"{}\",code=\"{}\"}} {i}\n", i / 10, i % 10);
    let mut lines: Vec<String> = (0..1000).map(line).collect();
    let mut bodies = vec![lines.concat()];
    lines.reverse();
    bodies.push(lines.concat());
    for step in [7, 333, 500] {
        lines.rotate_left(step);
        lines.drain(step..step + 20);
        lines.splice(step..step, (0..30).map(|i| line(step * 1000 + i)));
        bodies.push(lines.concat());
        bodies.push(lines.concat());
    }
    for _ in 0..40 {
        lines.sort_by_key(|l| l.len() ^ lines_hash(l));
        lines.rotate_right(1);
        bodies.push(lines.concat());
    }
    reads_as_first(&bodies, Format::Text, Limits::default()).unwrap();
}

/// A line that stands twice is stored once when lines are stored anew; its neighbours go on being told from each other.
#[test]
fn a_line_that_stands_twice_confuses_none_that_follow_it() {
    let twice = ["bar{a=\"1\"} 1\n", "foo{a=\"1\"} 2\n", "bar{a=\"1\"} 3\n", "foo{a=\"2\"} 4\n"].concat();
    let rest = ["foo{a=\"3\"} 5\n", "bar{a=\"2\"} 6\n", "bar{a=\"3\"} 7\n"].concat();
    // Lines that come and go leave so many dead ones that the living are stored anew.
    let crowd = |step: usize| {
        (0..200).map(|i| format!("crowd{{i=\"{}\"}} {i}\n", step * 200 + i)).collect::<String>()
    };
    let mut bodies = Vec::new();
    for step in 0..6 {
        bodies.push(format!("{twice}{rest}{}", crowd(step)));
        bodies.push(format!("{twice}{rest}"));
        bodies.push(format!("{twice}{rest}"));
    }
    // Less of it, in another order.
    bodies.extend(
        (0..40).map(|i| if i % 2 == 0 { format!("{twice}{rest}") } else { format!("{rest}{twice}") }),
    );
    bodies.extend([rest.clone(), format!("{twice}{rest}"), rest]);
    reads_as_first(&bodies, Format::Text, Limits::default()).unwrap();
}

fn lines_hash(text: &str) -> usize {
    text.bytes().fold(7, |hash: usize, b| hash.wrapping_mul(31).wrapping_add(b as usize)) % 64
}
