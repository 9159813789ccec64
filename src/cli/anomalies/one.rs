//! Scores of one series: a picture and the worst rows, or every row.

use crate::cli::args::Live;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::out;
use crate::cli::printed::Look;
use crate::cli::samples::{Row, read, rows};
use crate::cli::table::{columns, six};
use crate::forecast::anomaly::{ALARM, Detector, Evidence, Reason};
use crate::series::Unit;

use super::args::{Anomalies, As};
use super::{folder, strip};

/// A row that was scored.
pub struct Scored<'a> {
    /// As it stands in the file.
    pub row: Row<'a>,
    /// How unusual it is.
    pub evidence: Evidence,
    /// Whether it is called an anomaly.
    pub anomaly: bool,
}

/// Rows in order of time, and what a person should know about how they were read.
///
/// # Errors
/// One sentence where no row has a value.
pub fn in_order<'a>(name: &str, mut rows: Vec<Row<'a>>) -> Result<(Vec<Row<'a>>, Vec<String>), Failure> {
    let lacking = rows.iter().filter(|r| r.value.is_none()).count();
    if lacking == rows.len() {
        return Err(Failure::Other(format!("{name}: no row has a finite value; there is nothing to score")));
    }
    let mut notes = Vec::new();
    if !rows.is_sorted_by_key(|r| r.at) {
        // The sort is stable: rows with one time stay in the order of the file.
        rows.sort_by_key(|r| r.at);
        notes.push("rows are not in order of time in the file, and are put in order".to_owned());
    }
    if lacking > 0 {
        notes.push(format!("{lacking} rows have no finite value and are not scored"));
    }
    Ok((rows, notes))
}

/// Scores rows in order of time, each from those before it.
pub fn scored<'a>(rows: &[Row<'a>]) -> Vec<Scored<'a>> {
    let mut detector = Detector::new();
    let score = |row: &Row<'a>| {
        let evidence = detector.observe(row.at, row.value);
        Scored { row: *row, evidence, anomaly: evidence.score >= ALARM }
    };
    rows.iter().map(score).collect()
}

/// Does what was asked.
pub async fn run(live: &Live, args: &Anomalies) -> Outcome {
    let (look, args) = (Look::of(live, args.output.is_none()), args.clone());
    let work = move || match (&args.data, &args.output) {
        (Some(data), Some(output)) => folder::run(data, args.column.as_deref(), output),
        _ => one(&args, look),
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::other)?
}

fn one(args: &Anomalies, look: Look) -> Outcome {
    let Some(path) = &args.input else { return Err(Failure::Usage("give --input or --data".into())) };
    let name = path.display().to_string();
    let text = read(path)?;
    let rows = rows(&name, &text, args.column.as_deref())?;
    let (rows, notes) = in_order(&name, rows)?;
    let scored = scored(&rows);
    let printed = match args.format {
        As::Table => table(&name, &scored, &notes, args.top, look),
        As::Csv => csv(&scored),
        As::Json => json(&name, &scored, &notes)?,
    };
    out::deliver(&printed, args.output.as_deref())
}

fn table(name: &str, scored: &[Scored], notes: &[String], top: usize, look: Look) -> String {
    let found = scored.iter().filter(|s| s.anomaly).count();
    let ends = [scored.first(), scored.last()].map(|s| s.map_or("", |s| s.row.stamp));
    let mut out = format!("{name}: {} rows from {} to {}\n", scored.len(), ends[0], ends[1]);
    for note in notes {
        out.push_str(&format!("note: {note}\n"));
    }
    out.push('\n');
    out.push_str(&strip::strip(scored, look));
    let mut worst: Vec<&Scored> = scored.iter().filter(|s| s.evidence.score > 0.0).collect();
    worst.sort_by(|a, b| b.evidence.score.total_cmp(&a.evidence.score));
    worst.truncate(top);
    worst.sort_by_key(|s| s.row.at);
    let head = ["", "time", "value", "score", "unusual"].map(str::to_owned);
    let rows = worst.iter().map(|s| {
        let mark = if s.anomaly { "!" } else { "" };
        let value = s.row.value.map_or(String::new(), |v| Unit::Count.split(v).0);
        let score = format!("{:.3}", s.evidence.score);
        vec![mark.to_owned(), s.row.stamp.to_owned(), value, score, because(s.evidence)]
    });
    out.push('\n');
    out.push_str(&columns(&head, &rows.collect::<Vec<_>>()));
    out.push_str(&format!("\n{found} anomalies: rows with a score of at least {ALARM}, marked with !\n"));
    out
}

fn because(evidence: Evidence) -> String {
    let share = |orders: f64| format!("1 in {}", Unit::Count.split(10f64.powf(orders)).0);
    match evidence.reason() {
        Some(Reason::Jump) => format!("jump ({})", share(evidence.jump)),
        Some(Reason::Level) => format!("level ({})", share(evidence.level)),
        Some(Reason::TimeOfDay) => format!("for the time of day ({})", share(evidence.time_of_day)),
        None => String::new(),
    }
}

/// A time as a field of CSV.
pub fn field(stamp: &str) -> String {
    if stamp.contains(',') { format!("\"{stamp}\"") } else { stamp.to_owned() }
}

fn csv(scored: &[Scored]) -> String {
    let mut out = String::from("timestamp,value,anomaly_score,anomaly\n");
    for s in scored {
        let value = s.row.value.map_or(String::new(), |v| v.to_string());
        let anomaly = u8::from(s.anomaly);
        out.push_str(&format!("{},{value},{},{anomaly}\n", field(s.row.stamp), six(s.evidence.score)));
    }
    out
}

fn json(name: &str, scored: &[Scored], notes: &[String]) -> Result<String, Failure> {
    let row = |s: &Scored| {
        serde_json::json!({
            "at": s.row.at.to_string(),
            "value": s.row.value,
            "score": s.evidence.score,
            "anomaly": s.anomaly,
            "jump": s.evidence.jump,
            "level": s.evidence.level,
            "time_of_day": s.evidence.time_of_day,
        })
    };
    let rows: Vec<serde_json::Value> = scored.iter().map(row).collect();
    let whole = serde_json::json!({ "series": name, "alarm": ALARM, "notes": notes, "rows": rows });
    Ok(serde_json::to_string(&whole).map_err(Failure::other)? + "\n")
}
