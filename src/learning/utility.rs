//! What operations were worth: `U = c_u·minutes_avoided − Δ$ − disruption` by service and dimension (`algorithms.md` §15), as
//! it was measured, with a posterior of its mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::outcome::Figures;
use crate::plan::Dimension;

use super::ScoredProposal;
use super::approvals::service_of;
use super::normal::Normal;

/// Operations below which nothing is said of the mean.
pub const FEWEST: usize = 5;
/// Operations of a class that count, the latest.
const MOST: usize = 200;

/// What one operation was worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    /// Its service.
    pub service: WorkloadId,
    /// Its dimension.
    pub dimension: Dimension,
    /// Its utility, $.
    pub dollars: f64,
    /// What a minute short costs there, $.
    pub minute: f64,
}

/// The utility of operations of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utility {
    /// The service: a workload in whatever region.
    pub service: WorkloadId,
    /// The dimension.
    pub dimension: Dimension,
    /// Operations measured.
    pub n: usize,
    /// Expected utility of the next, $; `None` below [`FEWEST`].
    pub expected: Option<f64>,
    /// 90 % interval of it, $.
    pub interval: Option<(f64, f64)>,
}

impl Utility {
    /// `+$12.30 an operation (n=7, 90 % interval −$2.10 to +$26.70)`, or how many are lacking.
    pub fn words(&self) -> String {
        match (self.expected, self.interval) {
            (Some(expected), Some((low, high))) => {
                let [expected, low, high] = [expected, low, high].map(dollars);
                format!("{expected} an operation (n={}, 90 % interval {low} to {high})", self.n)
            }
            _ => format!("n={}, not enough: {FEWEST} are needed", self.n),
        }
    }
}

fn dollars(value: f64) -> String {
    format!("{}${:.2}", if value < 0.0 { "−" } else { "+" }, value.abs())
}

/// Minutes' worth of requests that an operation cost: the share of good requests lost during it (KPI 5) for as long as it
/// took; `None` where that was not measured.
pub fn disruption(figures: &Figures) -> Option<f64> {
    let (before, during) = (figures.before.good_ratio()?, figures.during.good_ratio()?);
    let lost = if before > 0.0 { ((before - during) / before).max(0.0) } else { 0.0 };
    Some(lost * figures.during.minutes as f64)
}

/// What an executed proposal was worth, $, where a minute short costs `minute` $; `None` where something was not measured.
/// `row` is settled: its window is over.
pub fn worth(row: &ScoredProposal, figures: &Figures, minute: f64) -> Option<Worth> {
    let avoided = row.minutes_short_without? - row.minutes_short_with?;
    let dollars = minute * avoided - row.cost? - minute * disruption(figures)?;
    // One that was rolled back avoided nothing that is known.
    let settled = row.settled && figures.kept && row.decision.starts_with("approved");
    let (service, dimension) = (service_of(&row.workload), figures.dimension);
    (settled && dollars.is_finite()).then_some(Worth { service, dimension, dollars, minute })
}

/// Utilities by class; `worths` in the order of time.
///
/// The prior is worth one operation that brought nothing, spread by what a minute short costs: a few lucky operations are not
/// taken for a rule.
pub fn utilities(worths: &[Worth]) -> Vec<Utility> {
    let mut classes: BTreeMap<(WorkloadId, &'static str), Vec<&Worth>> = BTreeMap::new();
    for worth in worths {
        classes.entry((worth.service.clone(), worth.dimension.name())).or_default().push(worth);
    }
    let utility = |of: Vec<&Worth>| {
        let last = *of.last()?;
        let values: Vec<f64> = of.iter().rev().take(MOST).map(|w| w.dollars).collect();
        let posterior = Normal::prior(0.0, last.minute).after(&values);
        let enough = values.len() >= FEWEST;
        Some(Utility {
            service: last.service.clone(),
            dimension: last.dimension,
            n: values.len(),
            expected: enough.then_some(posterior.mean),
            interval: enough.then(|| posterior.interval()),
        })
    };
    classes.into_values().filter_map(utility).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kpi::sample;
    use super::*;

    fn row(without: f64, cost: f64) -> ScoredProposal {
        ScoredProposal {
            decision: "approved by ann".into(),
            minutes_short_with: Some(1.0),
            minutes_short_without: Some(without),
            cost: Some(cost),
            ..ScoredProposal::example()
        }
    }

    /// One that lost 2 % of its good requests in thirty minutes.
    fn rough() -> Figures {
        let mut figures = sample::operation(1);
        (figures.before.requests, figures.before.failed) = (1_000.0, 0.0);
        (figures.during.requests, figures.during.failed, figures.during.minutes) = (1_000.0, 20.0, 30);
        figures
    }

    #[test]
    fn worked_numbers() {
        // 2 $ a minute, 8 minutes avoided, 4.50 $ paid, 0.02·30 = 0.6 minutes of disruption: 16 − 4.5 − 1.2.
        let worth = worth(&row(9.0, 4.5), &rough(), 2.0).unwrap();
        assert!((worth.dollars - 10.3).abs() < 1e-9, "{worth:?}");
        assert_eq!(
            (worth.service.to_string().as_str(), worth.dimension),
            ("shop/cart", Dimension::Horizontal)
        );
        // What it saves counts too, and a smooth one costs no disruption.
        let mut smooth = rough();
        smooth.during.failed = 0.0;
        let saving = super::worth(&row(1.0, -3.0), &smooth, 2.0).unwrap();
        assert!((saving.dollars - 3.0).abs() < 1e-9, "{saving:?}");
    }

    #[test]
    fn what_was_not_measured_or_not_executed_is_no_observation() {
        let mut blind = rough();
        blind.during.requests = 0.0;
        assert_eq!(worth(&row(9.0, 4.5), &blind, 2.0), None, "disruption is not known");
        let rejected = ScoredProposal { decision: "rejected: bad time".into(), ..row(9.0, 4.5) };
        assert_eq!(worth(&rejected, &rough(), 2.0), None);
        assert_eq!(worth(&ScoredProposal { cost: None, ..row(9.0, 4.5) }, &rough(), 2.0), None);
        assert_eq!(worth(&ScoredProposal { settled: false, ..row(9.0, 4.5) }, &rough(), 2.0), None);
    }

    #[test]
    fn classes_say_how_many_they_lack_and_then_a_mean_with_its_interval() {
        let of = |service: &str, dollars| Worth {
            service: WorkloadId::new("shop", service, ""),
            dimension: Dimension::Horizontal,
            dollars,
            minute: 2.0,
        };
        let mut worths: Vec<Worth> = [8.0, 10.0, 12.0, 9.0, 11.0].map(|d| of("cart", d)).into();
        worths.push(of("pay", -4.0));
        let utilities = utilities(&worths);
        let [cart, pay] = utilities.as_slice() else { panic!("{utilities:?}") };
        // (0 + 50)/6; scale 4 + 10/2 + 5·100/12 = 50.667, shape 3.5: half = 1.895·√(50.667/21) = 2.943.
        let (low, high) = cart.interval.unwrap();
        assert!((cart.expected.unwrap() - 50.0 / 6.0).abs() < 1e-9, "{cart:?}");
        assert!((low - 5.390).abs() < 5e-3 && (high - 11.276).abs() < 5e-3, "{cart:?}");
        assert_eq!(cart.words(), "+$8.33 an operation (n=5, 90 % interval +$5.39 to +$11.28)");
        assert_eq!((pay.expected, pay.words().as_str()), (None, "n=1, not enough: 5 are needed"));
        let many: Vec<Worth> = (0..MOST + 50).map(|i| of("cart", if i < 50 { -1e6 } else { 1.0 })).collect();
        let held = super::utilities(&many);
        assert!(held[0].n == MOST && held[0].expected.unwrap() > 0.9, "the latest count");
    }
}
