//! Rows of a CSV file: which column is the time, which the value.

use crate::cli::exit::Failure;
use crate::series::Timestamp;
use crate::series::text::clean;

use super::when;

/// Most rows of one file.
const MAX_ROWS: usize = 5_000_000;
/// Most characters of a file's own text in a message.
const SHOWN: usize = 40;
/// Names of the column of times, lower case.
const TIMES: [&str; 8] = ["timestamp", "unix_seconds", "time", "ts", "unix", "date", "datetime", "ds"];
/// Names of the column of values, lower case.
const VALUES: [&str; 4] = ["value", "values", "y", "demand"];
/// What stands for an absent value, lower case; so does an empty field.
const ABSENT: [&str; 6] = ["nan", "na", "n/a", "null", "none", "-"];

/// A row in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// The instant as it is written.
    pub stamp: &'a str,
    /// The instant.
    pub at: Timestamp,
    /// The value; absent is not zero.
    pub value: Option<f64>,
}

/// The fields of a line; quotes around a field are taken off.
pub fn split(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.split(separator).map(|field| {
        let field = field.trim();
        field.strip_prefix('"').and_then(|f| f.strip_suffix('"')).unwrap_or(field)
    })
}

/// Reads the rows of `text`, in which `name` is shown in messages. The first line may name the columns; without
/// names the first column is the time and the second the value. `column` names the column of values.
///
/// # Errors
/// One sentence with file, line, column and what to write instead.
pub fn rows<'a>(name: &str, text: &'a str, column: Option<&str>) -> Result<Vec<Row<'a>>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'));
    let Some((at, first)) = lines.clone().next() else {
        return Err(Failure::Other(format!("{name}: the file is empty; give rows of a time and a value")));
    };
    let separator = [',', ';', '\t'].into_iter().find(|s| first.contains(*s)).unwrap_or(',');
    let head = Head::of(first, separator, column).map_err(|why| wrong(name, at, &why))?;
    if head.named {
        lines.next();
    }
    let mut found = Vec::new();
    for (at, line) in lines {
        if found.len() >= MAX_ROWS {
            return Err(wrong(name, at, &format!("more than {MAX_ROWS} rows; split the file by time")));
        }
        found.push(head.row(line).map_err(|why| wrong(name, at, &why))?);
    }
    if found.is_empty() {
        return Err(Failure::Other(format!("{name}: there are no rows below the names of the columns")));
    }
    Ok(found)
}

fn wrong(name: &str, line: usize, why: &str) -> Failure {
    Failure::Other(format!("{name}:{}: {why}", line + 1))
}

/// Where in a row the time and the value are.
struct Head {
    named: bool,
    separator: char,
    time: usize,
    value: usize,
}

impl Head {
    fn of(first: &str, separator: char, column: Option<&str>) -> Result<Self, String> {
        let fields: Vec<String> = split(first, separator).map(str::to_lowercase).collect();
        let place = |names: &[&str]| fields.iter().position(|f| names.contains(&f.as_str()));
        let named = fields.first().is_some_and(|f| when::parse(f).is_none());
        if !named {
            return match (column, fields.len()) {
                (Some(column), _) => Err(format!("no names of columns, so there is no {column:?}; add them")),
                (None, 2..) => Ok(Self { named, separator, time: 0, value: 1 }),
                _ => Err("one column only; give a time and a value, separated by a comma".into()),
            };
        }
        let time = place(&TIMES)
            .ok_or_else(|| format!("no column of times among {}; name one timestamp", listed(&fields)))?;
        let value = match column {
            Some(column) => place(&[column.to_lowercase().as_str()])
                .ok_or_else(|| format!("no column {column:?} among {}", listed(&fields)))?,
            None => place(&VALUES).or_else(|| (fields.len() == 2).then_some(1 - time.min(1))).ok_or_else(
                || format!("no column named value among {}; say which with --column NAME", listed(&fields)),
            )?,
        };
        Ok(Self { named, separator, time, value })
    }

    fn row<'a>(&self, line: &'a str) -> Result<Row<'a>, String> {
        let field = |i: usize, what: &str| {
            split(line, self.separator).nth(i).ok_or_else(|| format!("column {} ({what}) is missing", i + 1))
        };
        let (stamp, text) = (field(self.time, "time")?, field(self.value, "value")?);
        let at = when::parse(stamp).ok_or_else(|| {
            let shown = clean(stamp, SHOWN);
            let fix = "write Unix seconds, or 2026-11-24 02:12:28 (UTC), or RFC 3339";
            format!("column {} (time): {shown:?} is no instant; {fix}", self.time + 1)
        })?;
        let value = match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Some(value),
            Ok(_) => None,
            Err(_) if text.is_empty() || ABSENT.contains(&text.to_lowercase().as_str()) => None,
            Err(_) => {
                let shown = clean(text, SHOWN);
                let fix = "write a number with a decimal point, or leave it empty where there is none";
                return Err(format!("column {} (value): {shown:?} is no number; {fix}", self.value + 1));
            }
        };
        Ok(Row { stamp, at, value })
    }
}

fn listed(fields: &[String]) -> String {
    clean(&fields.join(", "), 5 * SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(i64, Option<f64>)> {
        let found = rows("f.csv", text, None).unwrap();
        found.into_iter().map(|r| (r.at.as_millis() / 1000, r.value)).collect()
    }

    fn refused(text: &str, column: Option<&str>) -> String {
        rows("f.csv", text, column).unwrap_err().to_string()
    }

    #[test]
    fn with_and_without_names_in_any_order_and_separator() {
        let expected = vec![(60, Some(1.5)), (120, None)];
        for text in [
            "timestamp,value\n60,1.5\n120,\n",
            "60,1.5\n120,NaN\n",
            "\u{feff}value;ts\r\n1.5;1970-01-01 00:01:00\r\n\r\n;120\r\n",
            "# exported\nid\ttime\ty\na\t60\t1.5\nb\t120\tnull\n",
            "\"time\",\"rps\"\n\"60\",\"1.5\"\n\"120\",\"inf\"",
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        let named = rows("f.csv", "time,a,b\n60,1,2\n", Some("B")).unwrap();
        assert_eq!((named[0].value, named[0].stamp), (Some(2.0), "60"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_fix() {
        for (text, column, words) in [
            ("", None, ["empty", "rows"]),
            ("timestamp,value\n", None, ["f.csv", "no rows"]),
            ("60\n", None, ["f.csv:1", "one column"]),
            ("a,b\n1,2\n", None, ["f.csv:1", "timestamp"]),
            ("time,a,b\n1,2,3\n", None, ["f.csv:1", "--column"]),
            ("time,a\n1,2\n", Some("c"), ["\"c\"", "time, a"]),
            ("60,1\nx,2\n", None, ["f.csv:2: column 1", "Unix seconds"]),
            ("60,1\n120,2.5.1\n", None, ["f.csv:2: column 2", "decimal point"]),
            ("60,1\n120\n", None, ["f.csv:2: column 2", "missing"]),
            ("60,1\n120,\u{1b}[2Jx\n", None, ["f.csv:2", "u{1b}"]),
        ] {
            let why = refused(text, column);
            assert!(words.iter().all(|w| why.contains(w)), "{text:?}: {why}");
            assert!(!why.contains('\u{1b}'), "{why}");
        }
    }
}
