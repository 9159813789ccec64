//! What planners say that no provider can write: honest advice with numbers, or what they lack to give one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::series::{Quantity, Timestamp, Unit};
use crate::signals::{Catalogue, PartKind, SignalKind};

use super::{Dimension, Fact};

/// How soon an advice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Users notice already, or will before the next hour is over.
    Now,
    /// Within days.
    Soon,
    /// It saves money or work; nothing breaks without it.
    Eventually,
}

/// One advice of one planner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Which dimension.
    pub dimension: Dimension,
    /// The workload it is about; `None` when it is about [`Self::subject`].
    pub workload: Option<WorkloadId>,
    /// What it is about in words: the workload, a region, a node, the fleet.
    pub subject: String,
    /// What to do, with from and to, as one sentence without a full stop.
    pub what: String,
    /// The numbers behind it, strongest first.
    pub evidence: Vec<Fact>,
    /// $/h saved; negative when it costs; `None` without a price.
    pub saving: Option<f64>,
    /// What else is gained or avoided, with its unit.
    pub effect: Option<Fact>,
    /// How sure, `0..=1`.
    pub confidence: f64,
    /// Why that sure: `7 days of samples`.
    pub confidence_why: String,
    /// How soon it matters.
    pub urgency: Urgency,
    /// Why it cannot be approved here: who has to do it, and where.
    pub not_approvable: String,
    /// Since when it has been given without a break.
    pub since: Timestamp,
}

impl Advice {
    /// An advice about a workload, still without evidence.
    pub fn on(dimension: Dimension, id: &WorkloadId, what: String, now: Timestamp) -> Self {
        Self {
            workload: Some(id.clone()),
            subject: id.to_string(),
            ..Self::about(dimension, String::new(), what, now)
        }
    }

    /// An advice about something that is no workload.
    pub fn about(dimension: Dimension, subject: String, what: String, now: Timestamp) -> Self {
        Self {
            dimension,
            workload: None,
            subject,
            what,
            evidence: Vec::new(),
            saving: None,
            effect: None,
            confidence: 0.5,
            confidence_why: String::new(),
            urgency: Urgency::Eventually,
            not_approvable: String::new(),
            since: now,
        }
    }

    /// With one more number.
    #[must_use]
    pub fn fact(mut self, label: &str, value: f64, unit: Unit) -> Self {
        self.evidence.push(fact(label, value, unit));
        self
    }

    /// With one more number, if it is known.
    #[must_use]
    pub fn fact_if(self, label: &str, value: Option<f64>, unit: Unit) -> Self {
        match value {
            Some(value) => self.fact(label, value, unit),
            None => self,
        }
    }

    /// How sure, and why.
    #[must_use]
    pub fn sure(mut self, confidence: f64, why: impl Into<String>) -> Self {
        self.confidence = confidence.clamp(0.0, 1.0);
        self.confidence_why = why.into();
        self
    }

    /// What stays the same while numbers move: the same advice given again is not news.
    pub fn key(&self) -> String {
        let words: Vec<&str> =
            self.what.split_whitespace().filter(|w| !w.chars().any(|c| c.is_ascii_digit())).collect();
        format!("{:?} {} {}", self.dimension, self.subject, words.join(" "))
    }
}

/// A fact without an instant.
pub fn fact(label: &str, value: f64, unit: Unit) -> Fact {
    Fact { label: label.to_owned(), quantity: Quantity::new(value, unit), at: None }
}

/// Something a planner could not judge, and what would let it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lack {
    /// What is missing: a signal with the metrics looked for, or a setting.
    pub what: String,
    /// The line that would provide it, and where it goes.
    pub provide: String,
}

impl Lack {
    /// No source has the signal.
    pub fn signal(catalogue: &Catalogue, kind: SignalKind) -> Self {
        let hint = catalogue.hint(kind);
        Self {
            what: format!("{} ({})", kind.name().replace('_', " "), hint.metrics.join(", ")),
            provide: format!("{} — {}", hint.line, hint.place),
        }
    }

    /// No source breaks the signal down.
    pub fn part(catalogue: &Catalogue, kind: PartKind) -> Self {
        let (line, place) = kind.provide();
        Self {
            what: format!("{} ({})", kind.name().replace('_', " "), catalogue.part_metrics(kind).join(", ")),
            provide: format!("{line} — {place}"),
        }
    }

    /// Nobody declared it.
    pub fn setting(what: &str, line: &str) -> Self {
        Self { what: what.to_owned(), provide: format!("{line} — the configuration") }
    }
}

/// What one planner found over the whole fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which dimension.
    pub dimension: Dimension,
    /// What it advises; the engine shows these apart.
    #[serde(skip)]
    pub advice: Vec<Advice>,
    /// How many things (workloads, caches, nodes, regions) it had enough data to judge.
    pub judged: usize,
    /// What those things are: `workloads`, `caches`.
    pub of: Cow<'static, str>,
    /// The number that decides when there is nothing to advise; empty if nothing was judged.
    pub fine: String,
    /// What it lacks, each once.
    pub lacks: Vec<Lack>,
}

impl Report {
    /// An empty report about `of`.
    pub fn new(dimension: Dimension, of: &'static str) -> Self {
        Self {
            dimension,
            advice: Vec::new(),
            judged: 0,
            of: Cow::Borrowed(of),
            fine: String::new(),
            lacks: Vec::new(),
        }
    }

    /// Notes a lack, once.
    pub fn lack(&mut self, lack: Lack) {
        if !self.lacks.contains(&lack) {
            self.lacks.push(lack);
        }
    }

    /// Notes at the end why something was left out: `shop/cart: retry storm`.
    pub fn left_out(&mut self, why: &[String]) {
        let Some(first) = why.first() else { return };
        let more = if why.len() > 1 { format!(" and {} more", why.len() - 1) } else { String::new() };
        let gap = if self.fine.is_empty() { "" } else { "; " };
        self.fine.push_str(&format!("{gap}left out: {first}{more}"));
    }

    /// The state of the dimension in one sentence.
    pub fn sentence(&self) -> String {
        match (self.advice.len(), self.judged, self.lacks.first()) {
            (0, 0, Some(lack)) => format!("cannot tell: lacks {}", lack.what),
            (0, 0, None) => format!("no {} to judge", self.of),
            (0, n, _) if self.fine.is_empty() => format!("nothing to do for {n} {}", self.of),
            (0, n, _) => format!("nothing to do for {n} {}: {}", self.of, self.fine),
            (k, n, _) => format!("{k} to consider, {n} {} judged", self.of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_it_found_or_what_it_lacks() {
        let mut report = Report::new(Dimension::Caching, "caches");
        assert_eq!(report.sentence(), "no caches to judge");
        let lack = Lack::setting("a budget", "[budget] month = 1000");
        report.lack(lack.clone());
        report.lack(lack);
        assert_eq!((report.lacks.len(), report.sentence().as_str()), (1, "cannot tell: lacks a budget"));
        report.judged = 3;
        report.fine = "all hit 90 % or more".into();
        assert_eq!(report.sentence(), "nothing to do for 3 caches: all hit 90 % or more");
    }

    #[test]
    fn the_key_forgets_numbers_and_keeps_the_subject() {
        let id = WorkloadId::new("shop", "cart", "");
        let at = Timestamp::from_secs(0);
        let advice = |what: &str| Advice::on(Dimension::Vertical, &id, what.into(), at).key();
        assert_eq!(advice("lower cpu 2→1.4 cores"), advice("lower cpu 2→1.5 cores"));
        assert_ne!(advice("lower cpu 2→1.4 cores"), advice("raise cpu 2→1.4 cores"));
    }
}
