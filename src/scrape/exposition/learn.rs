//! Lines that are not the expected ones: found elsewhere, or taken apart and remembered.

use crate::scrape::inert::is_plain;
use crate::series::text::clean;

use super::Format;
use super::attach::Births;
use super::known::{Stop, take};
use super::lexer::{SampleLine, Token, token, unescaped};
use super::lines::Mark;
use super::metadata::Said;
use super::pass::{Pass, Taken};
use super::reader::{Reader, made_of};
use super::reading::{ExpositionError, described};

/// How many lines that are gone are looked over before the next one is searched for.
const LOOK_AHEAD: usize = 4;

/// Longest help text kept, in characters.
const HELP_CHARS: usize = 200;

impl Reader {
    /// Takes the next line, which is not the expected one or not as it was.
    pub(super) fn other(&mut self, pass: &mut Pass<'_>, stop: Stop) -> Result<(), ExpositionError> {
        let rest = pass.rest();
        let end = memchr::memchr(b'\n', rest);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if end.is_none() && pass.unsure_end {
            let why = "the body may have been cut here: it has no final line feed";
            pass.reading.malformed(pass.body, pass.at, why);
            pass.at = pass.body.len();
            return Ok(());
        }
        let found = match stop {
            Stop::Other => self.find(pass, line, end.is_some()),
            Stop::Changed => {
                pass.deviate(&self.table.order);
                pass.cursor += 1;
                false
            }
            Stop::Full => false,
        };
        if found { Ok(()) } else { self.learn(pass, line, end.is_some()) }
    }

    /// Looks for the line further on and, then, anywhere; whether it was found and need not be taken apart.
    fn find(&mut self, pass: &mut Pass<'_>, line: &[u8], ended: bool) -> bool {
        let rest = pass.rest();
        let order = &self.table.order;
        for ahead in 1..=LOOK_AHEAD {
            let Some(id) = order.get(pass.cursor + ahead) else { break };
            if self.table.lines.begins(*id, rest).is_some() {
                pass.deviate(order);
                pass.cursor += ahead;
                return true;
            }
        }
        if pass.kept >= pass.most || line == b"# EOF" {
            return false;
        }
        self.look_up(pass.format);
        let table = &self.table;
        let key = if line.starts_with(b"#") {
            rest.get(..line.len() + usize::from(ended)).filter(|_| ended)
        } else {
            likely_series(line, pass.format)
        };
        let Some((id, length)) = key.and_then(|key| table.written(key).map(|id| (id, key.len()))) else {
            return false;
        };
        let start = pass.at;
        pass.deviate(&table.order);
        if take(table.lines.mark(id), length, self.limits.line_bytes, pass).is_err() {
            return false;
        }
        if let Some(place) = pass.place(id, &table.order) {
            pass.cursor = place + 1;
        }
        self.met(pass, id, start);
        true
    }

    /// Notes that the line at `start` is the stored line `id`.
    fn met(&self, pass: &mut Pass<'_>, id: u32, start: usize) {
        let most = self.most_lines();
        let order = pass.deviate(&self.table.order);
        if order.len() < most {
            order.push(id);
        }
        pass.last = (id, start);
    }

    /// Lines that are remembered at most.
    fn most_lines(&self) -> usize {
        self.limits.samples + self.limits.metadata
    }

    /// Takes a line apart.
    fn learn<'b>(&mut self, pass: &mut Pass<'b>, line: &'b [u8], ended: bool) -> Result<(), ExpositionError> {
        let start = pass.at;
        pass.at = (start + line.len() + 1).min(pass.body.len());
        if line.len() > self.limits.line_bytes {
            pass.reading.over_limit("line_bytes");
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(line) else { return refuse(pass, start, "it is not UTF-8") };
        let note = match token(text, pass.format, &mut pass.labels) {
            Ok(Token::Sample(sample)) => {
                self.sample(pass, &sample, start, line);
                return Ok(());
            }
            Ok(Token::Eof) if pass.format == Format::OpenMetrics => {
                if pass.at < pass.body.len() {
                    return Err(ExpositionError("there is text after # EOF".into()));
                }
                return Ok(());
            }
            Ok(Token::Type(name, kind)) => {
                pass.type_at = Some(start);
                self.say(pass, &name, Said::Kind(kind));
                Mark::TYPE
            }
            Ok(Token::Help(name, help)) => {
                self.say(pass, &name, Said::Help(clean(&unescaped(help).replace('\n', " "), HELP_CHARS)));
                Mark::NOTE
            }
            Ok(Token::Unit(name, unit)) => {
                self.say(pass, &name, Said::Unit(clean(unit, HELP_CHARS)));
                Mark::NOTE
            }
            Ok(Token::Blank | Token::Eof) => Mark::NOTE,
            Err(error) => return refuse(pass, start, &error.to_string()),
        };
        if ended && self.table.lines.len() < self.most_lines() {
            self.remember(pass, start, line.len() + 1, note, None);
        }
        Ok(())
    }

    fn say(&self, pass: &mut Pass<'_>, name: &str, said: Said) {
        if name.len() > self.limits.name_bytes {
            pass.reading.over_limit("name_bytes");
        } else if pass.reading.said.len() >= self.limits.metadata {
            pass.reading.over_limit("metadata");
        } else {
            pass.reading.said.push((clean(name, usize::MAX).into(), said));
        }
    }

    fn sample(&mut self, pass: &mut Pass<'_>, sample: &SampleLine<'_>, start: usize, line: &[u8]) {
        let blank = line.get(sample.series_end).is_some_and(|b| matches!(b, b' ' | b'\t'));
        let length = sample.series_end + usize::from(blank);
        let doubtful = pass.format == Format::OpenMetrics && sample.name.ends_with("_created");
        if doubtful && tells_of_creation(pass, &sample.name) {
            pass.reading.created += 1;
            if self.table.lines.len() < self.most_lines() {
                self.remember(pass, start, length, Mark::CREATED, None);
            }
            return;
        }
        pass.reading.scraped += 1;
        if let Some(limit) = self.limit_hit(pass, sample) {
            return pass.reading.over_limit(limit);
        }
        if pass.is_ahead(sample.at_ms) {
            return;
        }
        // Unescaping can bring in what the line does not show.
        let plain = is_plain(line) && memchr::memchr(b'\\', line).is_none();
        pass.births.attach(&self.target, &sample.name, &pass.labels.pairs, plain);
        self.look_up(pass.format);
        let hash = pass.births.hash(&self.table.hasher);
        let known = self.table.slot_of(hash, |text| self.is_written_so(text, pass.format, &pass.births));
        let Some(slot) = known.or_else(|| self.table.take_slot()) else {
            return pass.reading.over_limit("samples");
        };
        if known.is_none() {
            let values = &mut pass.reading.block.values;
            values.resize(values.len().max(slot as usize + 1), crate::series::stale_marker());
            pass.births.announce(slot);
        }
        // A second spelling in one body is a duplicate, and nothing worth remembering.
        if pass.put(slot, sample.value, sample.at_ms) == Taken::Dropped {
            return;
        }
        let mark = if doubtful { Mark::doubtful(slot) } else { Mark::slot(slot) };
        if !self.remember(pass, start, length, mark, Some(hash)) && known.is_none() {
            self.table.leave(slot);
        }
    }

    /// Has lines that are not where they were found from here on.
    fn look_up(&mut self, format: Format) {
        let Self { table, target, limits, .. } = self;
        let (mut births, hasher) = (Births::default(), table.hasher.clone());
        table.lookup(|text| {
            made_of(text, target, limits.labels, format, &mut births).then(|| births.hash(&hasher))
        });
    }

    /// Whether `text` is the series made last.
    fn is_written_so(&self, text: &[u8], format: Format, wanted: &Births) -> bool {
        let mut births = Births::default();
        made_of(text, &self.target, self.limits.labels, format, &mut births) && births.is_like(wanted)
    }

    /// The bound that keeps a sample out.
    fn limit_hit(&self, pass: &Pass<'_>, sample: &SampleLine<'_>) -> Option<&'static str> {
        let long = |text: &str, most: usize| text.len() > most;
        let labels = &pass.labels;
        if pass.kept >= pass.most {
            Some("samples")
        } else if labels.over {
            Some("labels")
        } else if long(&sample.name, self.limits.name_bytes)
            || labels.pairs.iter().any(|(name, _)| long(name, self.limits.name_bytes))
        {
            Some("name_bytes")
        } else if labels.pairs.iter().any(|(_, value)| long(value, self.limits.value_bytes)) {
            Some("value_bytes")
        } else {
            None
        }
    }

    /// Stores the first `length` bytes from `start`, a series also under the hash of its labels; whether there was room.
    fn remember(
        &mut self,
        pass: &mut Pass<'_>,
        start: usize,
        length: usize,
        mark: Mark,
        hash: Option<u64>,
    ) -> bool {
        let last = self.table.lines.parts(pass.last.0).map(|line| line.len());
        let before = last
            .filter(|_| pass.last.0 as usize + 1 == self.table.lines.len())
            .and_then(|length| pass.body.get(pass.last.1..pass.last.1 + length));
        let key = pass.body.get(start..start + length);
        let stored = key.and_then(|key| self.table.store(before, key, mark, hash));
        if let Some(id) = stored {
            self.met(pass, id, start);
        }
        stored.is_some()
    }
}

/// Counts a malformed line of text; `OpenMetrics` with one is refused as a whole, as its specification demands
/// ("Partial or invalid expositions MUST be considered erroneous in their entirety").
fn refuse(pass: &mut Pass<'_>, start: usize, why: &str) -> Result<(), ExpositionError> {
    if pass.format == Format::OpenMetrics {
        let problem = described(pass.body, start, why);
        return Err(ExpositionError(format!("it says OpenMetrics but breaks its rules; {problem}")));
    }
    pass.reading.malformed(pass.body, start, why);
    Ok(())
}

/// Whether `name` is the `_created` of the family whose type was told last: families are not interleaved.
fn tells_of_creation(pass: &Pass<'_>, name: &str) -> bool {
    let rest = pass.type_at.and_then(|at| pass.body.get(at..)).unwrap_or_default();
    let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(line) else { return false };
    let told = token(text, pass.format, &mut super::lexer::LabelList::new(0));
    matches!(told, Ok(Token::Type(family, kind)) if kind.has_created() && name.strip_suffix("_created") == Some(&family))
}

/// Where name and labels of a line probably end, with the blank after them. A wrong guess only costs time.
fn likely_series(line: &[u8], format: Format) -> Option<&[u8]> {
    let line = match format {
        Format::Text => line,
        Format::OpenMetrics => line.get(..memchr::memmem::find(line, b" # {").unwrap_or(line.len()))?,
    };
    let end = match memchr::memrchr(b'}', line) {
        Some(brace) => brace + 1,
        None => memchr::memchr2(b' ', b'\t', line)?,
    };
    let blank = line.get(end).is_some_and(|b| matches!(b, b' ' | b'\t'));
    line.get(..end + usize::from(blank))
}
