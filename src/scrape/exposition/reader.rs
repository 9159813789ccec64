//! Reads whole bodies of one target and remembers its series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::scrape::{Born, Limits, ScrapeBlock, SourceId};
use crate::series::{Timestamp, stale_marker};

use super::Format;
use super::attach::{Births, TargetLabels};
use super::format::web_page;
use super::known;
use super::lexer::{self, LabelList};
use super::pass::Pass;
use super::reading::{ExpositionError, Reading};
use super::table::Table;

/// What a scrape says about itself, in the first slots of the table, as Prometheus names it.
const ABOUT: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];

/// Failures in a row after which a target's series are forgotten.
const FORGET_AFTER: u32 = 20;

/// Reads the bodies of one target, one after the other.
#[derive(Debug)]
pub struct Reader {
    source: SourceId,
    pub(super) target: TargetLabels,
    pub(super) limits: Limits,
    pub(super) table: Table,
    /// In which format the lines of the table were.
    format: Option<Format>,
    /// Slots that the next block tells to be free.
    freed: Vec<u32>,
    /// Whether the slots of [`ABOUT`] were announced.
    introduced: bool,
    failures: u32,
    /// What was announced last, held until the next scrape: what one thread gives back of another's memory stays that
    /// one's, unused, for as long as it takes no more of the kind; here the same thread frees it.
    told: Option<Arc<Born>>,
    /// What most scrapes announce.
    nothing: Arc<Born>,
}

impl Reader {
    /// A reader of `source` that attaches `labels` to every series.
    pub fn new(source: SourceId, labels: &BTreeMap<String, String>, limits: Limits) -> Self {
        Self {
            source,
            target: TargetLabels::new(labels),
            limits,
            table: Table::new(ABOUT.len() as u32),
            format: None,
            freed: Vec::new(),
            introduced: false,
            failures: 0,
            told: None,
            nothing: Arc::default(),
        }
    }

    /// Forgets everything; the next block announces all its series in a new table. For when a block was lost, or its
    /// receiver could not keep every series.
    pub fn start_over(&mut self) {
        self.table = Table::new(ABOUT.len() as u32);
        self.freed.clear();
        self.introduced = false;
    }

    /// Heap bytes of what is remembered of the target.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Reads a body that was requested at `at`. `framed`: the protocol would have told us if it were cut.
    /// Malformed lines of text are counted and left out.
    ///
    /// # Errors
    /// The body is not an exposition, or `OpenMetrics` that does not follow its grammar to the end. The reader then
    /// knows what it knew before.
    pub fn read(
        &mut self,
        body: &[u8],
        format: Format,
        at: Timestamp,
        framed: bool,
    ) -> Result<Reading, ExpositionError> {
        self.told = None;
        check_whole(body, format)?;
        if self.format.replace(format).is_some_and(|before| before != format) {
            self.start_over();
        }
        let left = self.table.release();
        self.freed.extend(left);
        let mut pass = Pass::new(body, format, &self.limits, Reading::new(self.block(at)));
        pass.unsure_end = !framed && format == Format::Text && !body.ends_with(b"\n");
        pass.stored_before = self.table.lines.len();
        let result = self.lines(&mut pass);
        let reading = &pass.reading;
        let nothing = match (reading.scraped, reading.problems.first()) {
            (0, Some(problem)) => Err(ExpositionError(format!("it has no line that can be read; {problem}"))),
            _ => Ok(()),
        };
        if let Err(error) = result.and(nothing) {
            self.undo(&pass);
            return Err(error);
        }
        self.failures = 0;
        Ok(self.settle(pass))
    }

    fn lines(&mut self, pass: &mut Pass<'_>) -> Result<(), ExpositionError> {
        loop {
            let stop = known::run(&self.table.lines, &self.table.order, self.limits.line_bytes, pass);
            if pass.at >= pass.body.len() {
                return Ok(());
            }
            self.other(pass, stop)?;
        }
    }

    /// Takes the body's order over and gives its block out.
    fn settle(&mut self, pass: Pass<'_>) -> Reading {
        let before = &self.table.order;
        let order = match pass.order {
            Some(order) => Some(order),
            None => before.get(..pass.cursor).filter(|met| met.len() < before.len()).map(<[u32]>::to_vec),
        };
        if let Some(order) = order {
            self.table.accept(order);
        }
        self.table.settle();
        let mut reading = pass.reading;
        if !pass.births.born.is_empty() {
            reading.block.born = Arc::new(pass.births.born);
        }
        reading.block.freed = std::mem::take(&mut self.freed);
        // Slots number the values of every block: after a flood most of them would be empty for ever.
        if self.table.slots as usize > 4 * self.table.order.len() + 1024 {
            self.start_over();
        }
        reading
    }

    fn undo(&mut self, pass: &Pass<'_>) {
        if self.table.lines.len() > pass.stored_before {
            self.table.lines.truncate(pass.stored_before);
            self.table.lookup = None;
        }
        self.table.return_slots(pass.births.born.slots());
    }

    /// The block of a scrape that failed: every series ends for now. The target's lines are remembered for a while.
    pub fn failed(&mut self, at: Timestamp) -> ScrapeBlock {
        self.failures += 1;
        if self.failures == FORGET_AFTER {
            self.start_over();
        }
        let left = self.table.release();
        self.freed.extend(left);
        let mut block = self.block(at);
        block.freed = std::mem::take(&mut self.freed);
        block
    }

    /// Adds the series that Prometheus adds to each scrape.
    pub fn about(&mut self, block: &mut ScrapeBlock, up: bool, took: Duration, scraped: usize) {
        let values = [f64::from(u8::from(up)), took.as_secs_f64(), scraped as f64];
        for (place, value) in block.values.iter_mut().zip(values) {
            *place = value;
        }
        if block.table == self.table.number && !self.introduced {
            self.introduced = true;
            for (slot, name) in ABOUT.iter().enumerate() {
                let mut own = Births::default();
                own.attach(&self.target, name, &[], true);
                Arc::make_mut(&mut block.born).push(slot as u32, &own.made());
            }
        }
        self.told = (!block.born.is_empty()).then(|| Arc::clone(&block.born));
    }

    /// A block without a sample.
    fn block(&self, at: Timestamp) -> ScrapeBlock {
        ScrapeBlock {
            source: self.source.clone(),
            table: self.table.number,
            at,
            born: Arc::clone(&self.nothing),
            freed: Vec::new(),
            values: vec![stale_marker(); self.table.slots as usize],
            said: Vec::new(),
            timed: Vec::new(),
        }
    }
}

/// Makes the labels of a series written as `text`, with the target's; whether it is one.
pub(super) fn made_of(
    text: &[u8],
    target: &TargetLabels,
    most: usize,
    format: Format,
    births: &mut Births,
) -> bool {
    let mut labels = LabelList::new(most);
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let Ok((name, _)) = lexer::series(text.trim_matches([' ', '\t']), format, &mut labels) else {
        return false;
    };
    births.attach(target, &name, &labels.pairs, false);
    true
}

/// Refuses bodies that are no exposition at all, or `OpenMetrics` cut short.
fn check_whole(body: &[u8], format: Format) -> Result<(), ExpositionError> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(ExpositionError(web_page()));
    }
    let end = body.strip_suffix(b"\n").unwrap_or(body);
    if format == Format::OpenMetrics && !(end == b"# EOF" || end.ends_with(b"\n# EOF")) {
        let why = "it says OpenMetrics but does not end with # EOF: it was cut, or the target is broken";
        return Err(ExpositionError(why.into()));
    }
    Ok(())
}
