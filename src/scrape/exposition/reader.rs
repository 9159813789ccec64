//! Reads whole bodies of one target and remembers its series.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::scrape::{Dropped, Limits};
use crate::series::text::clean;
use crate::series::{Labels, Sample, Timestamp, stale_marker};

use super::Format;
use super::attach::TargetLabels;
use super::format::web_page;
use super::lexer::{self, SampleLine, Token};

/// Problems that are described; further ones are only counted.
const PROBLEMS: usize = 3;

/// Longest help text kept, in characters.
const HELP_CHARS: usize = 200;

/// Why a whole body was refused: one clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpositionError(String);

/// What `# TYPE` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricKind {
    /// Not said, or something else.
    #[default]
    Unknown,
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets.
    Histogram,
    /// Buckets that go up and down.
    GaugeHistogram,
    /// Quantiles computed by the target.
    Summary,
    /// Facts as labels.
    Info,
    /// States as labels.
    StateSet,
}

impl MetricKind {
    fn from_text(text: &str) -> Self {
        match text {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            _ => Self::Unknown,
        }
    }

    /// Whether `OpenMetrics` lets the family have a `_created` series.
    const fn has_created(self) -> bool {
        matches!(self, Self::Counter | Self::Histogram | Self::GaugeHistogram | Self::Summary)
    }
}

/// What a target says of a metric family; the last word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `# TYPE`.
    pub kind: MetricKind,
    /// `# HELP`, cleaned and cut.
    pub help: String,
    /// `# UNIT`.
    pub unit: String,
}

/// What one body held.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Series and samples in body order, followed by stale markers of series that vanished.
    pub samples: Vec<(Labels, Sample)>,
    /// Samples in the body, those left out by a bound or as duplicates included.
    pub scraped: usize,
    /// What was left out.
    pub dropped: Dropped,
    /// Bounds that were hit.
    pub limits_hit: BTreeSet<&'static str>,
    /// The first malformed lines, one sentence each.
    pub problems: Vec<String>,
    /// `_created` samples of `OpenMetrics`: metadata of their family, not series.
    pub created: u64,
}

#[derive(Debug)]
struct Known {
    labels: Labels,
    /// Round in which it was last seen; 0 for a free slot.
    seen: u64,
    /// Its last own timestamp; such series never become stale, as in Prometheus.
    at_ms: Option<i64>,
}

/// Reads the bodies of one target, one after the other.
#[derive(Debug)]
pub struct Reader {
    target: TargetLabels,
    limits: Limits,
    round: u64,
    /// Series text as written → slot and round in which it was last written so.
    written: HashMap<Box<str>, (usize, u64)>,
    by_labels: HashMap<Labels, usize>,
    known: Vec<Known>,
    free: Vec<usize>,
    metadata: BTreeMap<Box<str>, Metadata>,
}

impl Reader {
    /// A reader that attaches `labels` to every series.
    pub fn new(labels: &BTreeMap<String, String>, limits: Limits) -> Self {
        Self {
            target: TargetLabels::new(labels),
            limits,
            round: 0,
            written: HashMap::new(),
            by_labels: HashMap::new(),
            known: Vec::new(),
            free: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }

    /// What the target said of its metric families so far.
    pub fn metadata(&self) -> &BTreeMap<Box<str>, Metadata> {
        &self.metadata
    }

    /// Series texts remembered.
    #[cfg(test)]
    pub(super) fn spellings(&self) -> usize {
        self.written.len()
    }

    /// A series of the target itself, such as `up`.
    pub fn synthetic(&self, name: &str) -> Labels {
        self.target.attach(name, &[])
    }

    /// Reads a body that was requested at `at`. `framed`: the protocol would have told us if it were cut.
    /// Malformed lines are counted and left out.
    ///
    /// # Errors
    /// The body is not an exposition, or `OpenMetrics` without its end.
    pub fn read(
        &mut self,
        body: &[u8],
        format: Format,
        at: Timestamp,
        framed: bool,
    ) -> Result<Reading, ExpositionError> {
        check_whole(body, format)?;
        self.round += 1;
        let mut reading = Reading::default();
        let unsure_end = !framed && format == Format::Text && !body.ends_with(b"\n");
        let mut ended = false;
        let mut lines = body.split(|b| *b == b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            if unsure_end && lines.peek().is_none() {
                reading.malformed(index, line, "the body may have been cut here: it has no final line feed");
                break;
            }
            if ended && !line.trim_ascii().is_empty() {
                return Err(ExpositionError("there is text after # EOF".into()));
            }
            if line.len() > self.limits.line_bytes {
                reading.over_limit("line_bytes");
                continue;
            }
            let Ok(text) = std::str::from_utf8(line) else {
                reading.malformed(index, line, "it is not UTF-8");
                continue;
            };
            match lexer::token(text, format) {
                Ok(Token::Blank) => {}
                Ok(Token::Eof) => ended = format == Format::OpenMetrics,
                Ok(Token::Sample(sample)) => {
                    if let Err(error) = self.sample(sample, format, at, &mut reading) {
                        reading.malformed(index, line, &error.to_string());
                    }
                }
                Ok(metadata) => self.note(&metadata, &mut reading),
                Err(error) => reading.malformed(index, line, &error.to_string()),
            }
        }
        if let (0, Some(problem)) = (reading.scraped, reading.problems.first()) {
            return Err(ExpositionError(format!("it has no line that can be read; {problem}")));
        }
        self.sweep(at, &mut reading.samples);
        Ok(reading)
    }

    /// Stale markers for every known series, which is then forgotten: the target did not answer.
    pub fn gone(&mut self, at: Timestamp) -> Vec<(Labels, Sample)> {
        self.round += 1;
        let mut markers = Vec::new();
        self.sweep(at, &mut markers);
        markers
    }

    fn sample(
        &mut self,
        line: SampleLine<'_>,
        format: Format,
        at: Timestamp,
        reading: &mut Reading,
    ) -> Result<(), lexer::LineError> {
        let Some(slot) = self.slot(line.series, format, reading)? else { return Ok(()) };
        let ahead = (at + self.limits.ahead).as_millis();
        if line.at_ms.is_some_and(|ms| ms > ahead) {
            reading.limits_hit.insert("ahead");
            reading.dropped.samples += 1;
            return Ok(());
        }
        let round = self.round;
        let Some(known) = self.known.get_mut(slot) else { return Ok(()) };
        // Twice in one body is legal only with rising timestamps; otherwise the first wins.
        if known.seen == round && !matches!((known.at_ms, line.at_ms), (Some(old), Some(new)) if new > old) {
            reading.dropped.samples += 1;
            return Ok(());
        }
        known.seen = round;
        known.at_ms = line.at_ms;
        let at = line.at_ms.map_or(at, Timestamp::from_millis);
        reading.samples.push((known.labels.clone(), Sample::new(at, line.value)));
        Ok(())
    }

    /// The slot of a series, made if it is new and within bounds.
    fn slot(
        &mut self,
        text: &str,
        format: Format,
        reading: &mut Reading,
    ) -> Result<Option<usize>, lexer::LineError> {
        if reading.samples.len() >= self.limits.samples {
            reading.scraped += 1;
            reading.over_limit("samples");
            return Ok(None);
        }
        if let Some((slot, round)) = self.written.get_mut(text) {
            *round = self.round;
            reading.scraped += 1;
            return Ok(Some(*slot));
        }
        let (name, labels) = lexer::series(text)?;
        if format == Format::OpenMetrics && self.is_created(&name) {
            reading.created += 1;
            return Ok(None);
        }
        reading.scraped += 1;
        let long = |s: &str, most: usize| s.len() > most;
        let over = if labels.len() > self.limits.labels {
            Some("labels")
        } else if long(&name, self.limits.name_bytes)
            || labels.iter().any(|(n, _)| long(n, self.limits.name_bytes))
        {
            Some("name_bytes")
        } else if labels.iter().any(|(_, v)| long(v, self.limits.value_bytes)) {
            Some("value_bytes")
        } else {
            None
        };
        if let Some(limit) = over {
            reading.over_limit(limit);
            return Ok(None);
        }
        let slot = self.slot_of(self.target.attach(&name, &labels));
        self.written.insert(text.into(), (slot, self.round));
        Ok(Some(slot))
    }

    fn slot_of(&mut self, labels: Labels) -> usize {
        if let Some(slot) = self.by_labels.get(&labels) {
            return *slot;
        }
        let known = Known { labels: labels.clone(), seen: 0, at_ms: None };
        let reused = self.free.pop().and_then(|slot| self.known.get_mut(slot).map(|place| (slot, place)));
        let slot = if let Some((slot, place)) = reused {
            *place = known;
            slot
        } else {
            self.known.push(known);
            self.known.len() - 1
        };
        self.by_labels.insert(labels, slot);
        slot
    }

    /// Forgets what was not seen in this round and says so with stale markers.
    fn sweep(&mut self, at: Timestamp, out: &mut Vec<(Labels, Sample)>) {
        let round = self.round;
        self.written.retain(|_, (_, written)| *written == round);
        let Self { by_labels, known, free, .. } = self;
        by_labels.retain(|labels, slot| {
            let Some(place) = known.get_mut(*slot) else { return false };
            if place.seen == round {
                return true;
            }
            // A slot that never held a sample (refused timestamp) has nothing to end.
            if place.seen > 0 && place.at_ms.is_none() {
                out.push((labels.clone(), Sample::new(at, stale_marker())));
            }
            place.labels = Labels::empty();
            place.seen = 0;
            free.push(*slot);
            false
        });
    }

    fn is_created(&self, name: &str) -> bool {
        name.strip_suffix("_created")
            .and_then(|family| self.metadata.get(family))
            .is_some_and(|m| m.kind.has_created())
    }

    fn note(&mut self, token: &Token<'_>, reading: &mut Reading) {
        let (Token::Type(name, _) | Token::Help(name, _) | Token::Unit(name, _)) = token else { return };
        if name.len() > self.limits.name_bytes {
            return reading.over_limit("name_bytes");
        }
        if !self.metadata.contains_key(name.as_ref()) && self.metadata.len() >= self.limits.metadata {
            return reading.over_limit("metadata");
        }
        let entry = self.metadata.entry(name.as_ref().into()).or_default();
        match token {
            Token::Type(_, kind) => entry.kind = MetricKind::from_text(kind),
            Token::Help(_, help) if entry.help.is_empty() => entry.help = clean(help, HELP_CHARS),
            Token::Unit(_, unit) => entry.unit = clean(unit, HELP_CHARS),
            _ => {}
        }
    }
}

impl Reading {
    fn over_limit(&mut self, limit: &'static str) {
        self.dropped.over_limit += 1;
        self.limits_hit.insert(limit);
    }

    fn malformed(&mut self, index: usize, line: &[u8], why: &str) {
        self.dropped.malformed += 1;
        if self.problems.len() < PROBLEMS {
            let start = String::from_utf8_lossy(line.get(..60).unwrap_or(line)).into_owned();
            self.problems.push(format!("line {}: {why}: {}", index + 1, clean(&start, 60)));
        }
    }
}

/// Refuses bodies that are no exposition at all, or `OpenMetrics` cut short.
fn check_whole(body: &[u8], format: Format) -> Result<(), ExpositionError> {
    let text = body.trim_ascii();
    if text.starts_with(b"<") {
        return Err(ExpositionError(web_page()));
    }
    let last = text.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    if format == Format::OpenMetrics && last.trim_ascii() != b"# EOF" {
        let why = "it says OpenMetrics but does not end with # EOF: it was cut, or the target is broken";
        return Err(ExpositionError(why.into()));
    }
    Ok(())
}
