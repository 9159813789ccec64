//! What one body held.

use std::collections::BTreeSet;

use crate::scrape::{Dropped, ScrapeBlock};
use crate::series::text::clean;

use super::metadata::Said;

/// Problems that are described; further ones are only counted.
const PROBLEMS: usize = 3;

/// Characters of a malformed line that are shown.
const SHOWN: usize = 60;

/// Why a whole body was refused: one clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpositionError(pub(super) String);

/// What one body held.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its values, by slot.
    pub block: ScrapeBlock,
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
    /// What it says of metric families in lines that the body before did not have.
    pub said: Vec<(Box<str>, Said)>,
}

impl Reading {
    /// Nothing yet.
    pub(super) fn new(block: ScrapeBlock) -> Self {
        Self {
            block,
            scraped: 0,
            dropped: Dropped::default(),
            limits_hit: BTreeSet::new(),
            problems: Vec::new(),
            created: 0,
            said: Vec::new(),
        }
    }

    pub(super) fn over_limit(&mut self, limit: &'static str) {
        self.dropped.over_limit += 1;
        self.limits_hit.insert(limit);
    }

    /// Counts the line at `start` of `body`, and describes it if it is among the first.
    pub(super) fn malformed(&mut self, body: &[u8], start: usize, why: &str) {
        self.dropped.malformed += 1;
        if self.problems.len() < PROBLEMS {
            self.problems.push(described(body, start, why));
        }
    }
}

/// One sentence about the line at `start`.
pub(super) fn described(body: &[u8], start: usize, why: &str) -> String {
    let number = 1 + memchr::memchr_iter(b'\n', body.get(..start).unwrap_or_default()).count();
    let rest = body.get(start..).unwrap_or_default();
    let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
    let shown = String::from_utf8_lossy(line.get(..SHOWN).unwrap_or(line)).into_owned();
    format!("line {number}: {why}: {}", clean(&shown, SHOWN))
}
