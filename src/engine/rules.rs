//! The rules as they were when something was decided: conformance is not judged by what was configured later.
//!
//! Freeze windows are in the record of every start, the limits of a workload in that of every operation's beginning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::{MandateRecord, OperationId};
use crate::config::FreezeWindow;
use crate::outcome::Figures;
use crate::plan::{Dimension, Limits};
use crate::series::Timestamp;

/// Operations and starts of which the rules are remembered.
const MOST: usize = 20_000;

/// A freeze window as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Frozen {
    from: Timestamp,
    to: Timestamp,
    reason: String,
}

/// Whether an operation kept to the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It did.
    Yes,
    /// It did not, and which one.
    No(String),
    /// The rules of then were not recorded.
    Unknown,
}

/// Rules by when they held.
#[derive(Clone, Debug, Default)]
pub struct RuleBook {
    /// Freeze windows since a moment, ascending; `None` where a version that did not record them was started.
    freezes: BTreeMap<Timestamp, Option<Vec<Frozen>>>,
    limits: BTreeMap<OperationId, Limits>,
}

/// Freeze windows as the record of a start has them.
pub fn recorded(freezes: &[FreezeWindow]) -> Value {
    serde_json::json!(frozen(freezes))
}

fn frozen(freezes: &[FreezeWindow]) -> Vec<Frozen> {
    freezes.iter().map(|f| Frozen { from: f.from, to: f.to, reason: f.reason.clone() }).collect()
}

impl RuleBook {
    /// These windows hold from `at` on.
    pub fn freezes_from(&mut self, at: Timestamp, freezes: &[FreezeWindow]) {
        self.put(at, Some(frozen(freezes)));
    }

    /// Takes the record of a start in; one of a version that did not record windows leaves what follows unknown.
    pub fn started(&mut self, at: Timestamp, body: &Value) {
        self.put(at, body.get("freezes").cloned().and_then(|f| serde_json::from_value(f).ok()));
    }

    fn put(&mut self, at: Timestamp, freezes: Option<Vec<Frozen>>) {
        self.freezes.insert(at, freezes);
        if self.freezes.len() > MOST {
            self.freezes.pop_first();
        }
    }

    /// What an operation was held to.
    pub fn begun(&mut self, mandate: &MandateRecord) {
        self.approved(mandate.operation.clone(), mandate.limits.clone());
    }

    /// What an operation is held to from its approval on.
    pub fn approved(&mut self, operation: OperationId, limits: Limits) {
        if self.limits.len() < MOST {
            self.limits.insert(operation, limits);
        }
    }

    /// Whether an operation kept to the rules of its time.
    pub fn judge(&self, f: &Figures) -> Kept {
        let freezes = self.freezes.range(..=f.started).next_back();
        let (Some((_, Some(freezes))), Some(limits)) = (freezes, self.limits.get(&f.operation)) else {
            return Kept::Unknown;
        };
        let told =
            |what: String| Kept::No(format!("{} on {} at {}: {what}", f.operation, f.workload, f.started));
        if let Some(window) = freezes.iter().find(|w| w.from <= f.started && f.started < w.to) {
            return told(format!("in the freeze window {}", window.reason));
        }
        if f.dimension != Dimension::Horizontal {
            return Kept::Yes;
        }
        if f.to < limits.min || f.to > limits.max {
            return told(format!("{} is outside {} to {}", f.to, limits.min, limits.max));
        }
        if f.to < limits.lowest_from(f.from) {
            return told(format!("{} → {} is more than one step down", f.from, f.to));
        }
        Kept::Yes
    }
}

#[cfg(test)]
mod tests {
    use crate::fleet::WorkloadId;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_secs(hour * 3600)
    }

    fn figures(operation: &str, hour: i64, from: u32, to: u32) -> Figures {
        Figures {
            operation: OperationId::new(operation),
            workload: WorkloadId::new("shop", "cart", ""),
            started: at(hour),
            dimension: Dimension::Horizontal,
            from,
            to,
            ..crate::learning::kpi::sample::operation(1)
        }
    }

    fn window(from: i64, to: i64) -> FreezeWindow {
        FreezeWindow { from: at(from), to: at(to), reason: "sale".into() }
    }

    #[test]
    fn what_was_allowed_then_is_no_breach_of_what_is_configured_now() {
        let mut book = RuleBook::default();
        let limits = |max| Limits { max, ..Limits::default() };
        // A start without windows at 10, one with a window from 12 to 14 at 11.
        book.started(at(10), &serde_json::json!({ "freezes": [] }));
        book.started(at(11), &serde_json::json!({ "freezes": recorded(&[window(9, 14)]) }));
        for id in ["op-1", "op-2", "op-3"] {
            book.approved(OperationId::new(id), limits(8));
        }
        book.approved(OperationId::new("op-9"), limits(6));
        assert_eq!(
            book.judge(&figures("op-1", 10, 4, 8)),
            Kept::Yes,
            "the window was configured an hour later"
        );
        let within = book.judge(&figures("op-2", 11, 4, 5));
        assert_eq!(
            within,
            Kept::No("op-2 on shop/cart at 1970-01-01T11:00:00Z: in the freeze window sale".into())
        );
        book.freezes_from(at(13), &[]);
        assert_eq!(book.judge(&figures("op-3", 13, 4, 5)), Kept::Yes, "and lifted again");
        assert!(
            matches!(book.judge(&figures("op-9", 13, 4, 8)), Kept::No(why) if why.ends_with("8 is outside 1 to 6"))
        );
        assert!(
            matches!(book.judge(&figures("op-3", 13, 8, 2)), Kept::No(why) if why.ends_with("more than one step down"))
        );
        let vertical = Figures { dimension: Dimension::Vertical, ..figures("op-9", 13, 1, 900) };
        assert_eq!(book.judge(&vertical), Kept::Yes);
    }

    #[test]
    fn what_was_not_recorded_is_not_judged() {
        let mut book = RuleBook::default();
        assert_eq!(book.judge(&figures("op-1", 10, 4, 8)), Kept::Unknown);
        book.approved(OperationId::new("op-1"), Limits::default());
        assert_eq!(book.judge(&figures("op-1", 10, 4, 8)), Kept::Unknown, "no start was recorded before it");
        book.started(at(9), &serde_json::json!({ "version": "0.0.9" }));
        assert_eq!(book.judge(&figures("op-1", 10, 4, 8)), Kept::Unknown, "an older version");
        book.started(at(9), &serde_json::json!({ "freezes": [{ "from": "rubbish" }] }));
        assert_eq!(book.judge(&figures("op-1", 10, 4, 8)), Kept::Unknown);
        book.freezes_from(at(8), &[]);
        assert_eq!(book.judge(&figures("op-1", 10, 4, 8)), Kept::Unknown, "the older version came after it");
        assert_eq!(book.judge(&figures("op-1", 8, 4, 8)), Kept::Yes, "before it the windows are known");
        book.freezes_from(at(10), &[]);
        assert_eq!(book.judge(&figures("op-1", 10, 4, 8)), Kept::Yes);
        assert_eq!(book.judge(&figures("op-2", 10, 4, 8)), Kept::Unknown, "its beginning was not recorded");
    }
}
