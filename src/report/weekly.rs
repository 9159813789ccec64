//! A week: how the KPIs moved, what proposals brought or would have brought, how good the forecasts were, and what
//! weescale could have been trusted with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::fleet::WorkloadId;
use crate::series::{Quantity, Timestamp};
use crate::view::{HorizonSkill, Kpi, KpiState, ScoredProposal, View};

use super::document::{Part, lessons, minute, quantity};

/// What is made of the frames of a week.
#[derive(Debug, Default)]
pub struct Weekly {
    first: Option<Arc<View>>,
    last: Option<Arc<View>>,
    /// By proposal, as scored last.
    scores: BTreeMap<String, ScoredProposal>,
    /// Operations that were rolled back, by number.
    undone: BTreeMap<String, String>,
    frames: usize,
}

/// What proposals of one kind brought, or would have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// Proposals whose window is over.
    pub settled: usize,
    /// Proposals whose window still runs; what is known of them is counted.
    pub open: usize,
    /// $ not spent, by proposals that give capacity back.
    pub saved: f64,
    /// $ spent, by proposals that add capacity.
    pub spent: f64,
    /// Minutes short of capacity that were avoided.
    pub avoided: f64,
    /// Proposals without a price.
    pub unpriced: usize,
    /// $ saved less $ spent at the prices of the week's end, of those that have one: a price cut is nobody's saving.
    pub repriced: f64,
}

impl Weekly {
    /// Takes a frame in; frames come in order.
    pub fn frame(&mut self, view: &Arc<View>) {
        self.frames += 1;
        let first = self.first.get_or_insert_with(|| Arc::clone(view)).at;
        for row in view.learning.data.scoreboard.rows.iter().filter(|r| r.created >= first) {
            self.scores.insert(row.proposal.to_string(), row.clone());
        }
        for o in &view.operations.data {
            if let crate::view::OperationState::RolledBack { .. } = &o.state
                && o.started >= first
            {
                self.undone
                    .insert(o.id.to_string(), format!("{} on {}: {}", o.id, o.workload, o.state.label()));
            }
        }
        self.last = Some(Arc::clone(view));
    }

    /// The sums of what was executed, and of what was not: the shadow.
    pub fn sums(&self) -> (Sum, Sum) {
        let (mut done, mut shadow) = (Sum::default(), Sum::default());
        for row in self.scores.values() {
            let sum = if row.decision.starts_with("approved") { &mut done } else { &mut shadow };
            sum.settled += usize::from(row.settled);
            sum.open += usize::from(!row.settled);
            match row.cost {
                Some(cost) if cost < 0.0 => sum.saved -= cost,
                Some(cost) => sum.spent += cost,
                None => sum.unpriced += 1,
            }
            if let Some(now) = self.price(&row.workload).zip(row.hours).map(|(price, hours)| price * hours) {
                sum.repriced -= now;
            }
            if let (Some(with), Some(without)) = (row.minutes_short_with, row.minutes_short_without) {
                sum.avoided += without - with;
            }
        }
        (done, shadow)
    }

    /// $/h of one replica of a workload when the week ended.
    fn price(&self, workload: &WorkloadId) -> Option<f64> {
        let row = self.last.as_ref()?.services.data.iter().find(|s| s.workload == *workload)?;
        let replicas = row.replicas.filter(|r| r.desired > 0)?;
        row.cost.value.map(|cost| cost / f64::from(replicas.desired))
    }

    /// The report as parts.
    pub(super) fn document(&self) -> Vec<Part> {
        let (Some(first), Some(last)) = (&self.first, &self.last) else { return Vec::new() };
        let mut parts = vec![
            Part::Title(format!("Weekly report: {}", last.header.context.name)),
            Part::Text(format!(
                "{} to {} UTC, from {} recorded frames.{}",
                minute(first.at),
                minute(last.at),
                self.frames,
                if last.header.simulated.is_empty() { "" } else { " The fleet is simulated." }
            )),
            Part::Heading("KPIs".into()),
            kpis(first, last),
        ];
        parts.extend(self.money());
        parts.extend(skill(&first.learning.data.horizons, &last.learning.data.horizons));
        parts.extend(self.autonomy(first, last));
        parts.extend(super::people::weekly(last));
        parts.extend(lessons(&last.lessons.data));
        parts
    }

    fn money(&self) -> Vec<Part> {
        let (done, shadow) = self.sums();
        let row = |name: &str, sum: &Sum| {
            vec![
                name.to_owned(),
                sum.settled.to_string(),
                sum.open.to_string(),
                format!("${:.2}", sum.spent),
                format!("${:.2}", sum.saved),
                format!("{}${:.2}", if sum.repriced < 0.0 { "−" } else { "" }, sum.repriced.abs()),
                format!("{:.0}", sum.avoided),
                sum.unpriced.to_string(),
            ]
        };
        let head = [
            "proposals",
            "over",
            "still open",
            "spent",
            "saved",
            "saved in all, at the prices of the end",
            "minutes short avoided",
            "without a price",
        ];
        vec![
            Part::Heading("What proposals brought".into()),
            Part::Text(
                "Each proposal is priced by what ran in its window, not by what its card promised; and once more at \
                 the prices of the week's end, so that a vendor's price cut is not called a saving. The shadow is \
                 what was not executed: what it would have brought, had it been."
                    .into(),
            ),
            Part::Table(
                head.map(String::from).to_vec(),
                vec![row("executed", &done), row("shadow (not executed)", &shadow)],
            ),
        ]
    }

    fn autonomy(&self, first: &View, last: &View) -> Vec<Part> {
        let (before, now) = (first.growth.data.autonomy, last.growth.data.autonomy);
        let mut parts = vec![
            Part::Heading("Autonomy".into()),
            Part::Text(format!(
                "The record would allow {} of {} classes of action to be left to weescale; at the start {} of {}. \
                 Nothing is done without a person all the same.",
                now.0, now.1, before.0, before.1
            )),
        ];
        let (earned, revoked) = changed(&first.growth.data.earned, &last.growth.data.earned);
        if !earned.is_empty() {
            parts.push(Part::Text(format!("Earned in this time: {}.", earned.join(", "))));
        }
        if !revoked.is_empty() {
            parts.push(Part::Text(format!("Revoked in this time: {}.", revoked.join(", "))));
        }
        if self.undone.is_empty() {
            parts.push(Part::Text("Nothing was rolled back, so nothing was revoked.".into()));
        } else {
            parts.push(Part::Text("Rolled back, which revokes what its class had earned:".into()));
            parts.push(Part::List(self.undone.values().cloned().collect()));
        }
        parts
    }

    /// The report as JSON. Fields are added, never renamed.
    pub fn json(&self) -> Value {
        let (done, shadow) = self.sums();
        let sum = |s: &Sum| {
            json!({
                "settled": s.settled, "open": s.open, "spent_dollars": s.spent, "saved_dollars": s.saved,
                "minutes_short_avoided": s.avoided, "unpriced": s.unpriced,
                "net_saved_at_final_prices_dollars": s.repriced,
            })
        };
        let growth = |v: &Option<Arc<View>>| v.as_ref().map(|v| v.growth.data.autonomy);
        json!({
            "from": self.first.as_ref().map(|v| v.at.to_string()),
            "to": self.last.as_ref().map(|v| v.at.to_string()),
            "frames": self.frames,
            "kpis": self.last.as_ref().map(|v| &v.kpis),
            "kpis_before": self.first.as_ref().map(|v| &v.kpis),
            "executed": sum(&done),
            "shadow": sum(&shadow),
            "scoreboard": self.scores.values().collect::<Vec<_>>(),
            "forecast_skill": self.last.as_ref().map(|v| &v.learning.data.horizons),
            "forecast_skill_before": self.first.as_ref().map(|v| &v.learning.data.horizons),
            "autonomy": growth(&self.last),
            "autonomy_before": growth(&self.first),
            "autonomy_earned": self.turned().0,
            "autonomy_revoked": self.turned().1,
            "shadow_approval": self.last.as_ref().map(|v| &v.learning.data.shadows),
            "decision_pace_90d": self.last.as_ref().map(|v| v.learning.data.decisions.pace),
            "teams": self.last.as_ref().map(|v| &v.teams),
            "rolled_back": self.undone.keys().collect::<Vec<_>>(),
            "lessons": self.last.as_ref().map(|v| &v.lessons.data),
        })
    }

    /// Classes that earned autonomy since the start, and those that lost it.
    fn turned(&self) -> (Vec<String>, Vec<String>) {
        let of = |v: &Option<Arc<View>>| v.as_ref().map(|v| v.growth.data.earned.clone()).unwrap_or_default();
        changed(&of(&self.first), &of(&self.last))
    }

    /// First and last moment; `None` before a frame came.
    pub fn ends(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.first.as_ref()?.at, self.last.as_ref()?.at))
    }
}

/// What is new, and what is gone.
fn changed(before: &[String], now: &[String]) -> (Vec<String>, Vec<String>) {
    let without = |a: &[String], b: &[String]| a.iter().filter(|x| !b.contains(x)).cloned().collect();
    (without(now, before), without(before, now))
}

fn kpis(first: &View, last: &View) -> Part {
    let shown = |kpi: &Kpi, v: f64| Quantity::new(v, kpi.unit).to_string();
    let rows = last.kpis.iter().map(|kpi| {
        let before = first.kpis.iter().find(|k| k.number == kpi.number).and_then(|k| k.value);
        let value = kpi.value.map_or_else(|| format!("n={}, not enough", kpi.n), |v| shown(kpi, v));
        let interval =
            kpi.interval.map_or_else(String::new, |(a, b)| format!("{} to {}", shown(kpi, a), shown(kpi, b)));
        let trend = match (kpi.value, before) {
            (Some(now), Some(before)) if now > before => format!("up from {}", shown(kpi, before)),
            (Some(now), Some(before)) if now < before => format!("down from {}", shown(kpi, before)),
            (Some(_), Some(_)) => "unchanged".into(),
            (Some(_), None) => "new".into(),
            (None, _) => String::new(),
        };
        let state = match kpi.state {
            KpiState::Ok => "on target",
            KpiState::Warn => "just off",
            KpiState::Bad => "off target",
            KpiState::NoData => "no data",
        };
        vec![
            format!("{} {}", kpi.number, kpi.title),
            shown(kpi, kpi.target),
            value,
            interval,
            trend,
            kpi.n.to_string(),
            state.to_owned(),
        ]
    });
    let head = ["KPI", "target", "value", "90 % interval", "since the start", "n", "stands"];
    Part::Table(head.map(String::from).to_vec(), rows.collect())
}

fn skill(before: &[HorizonSkill], now: &[HorizonSkill]) -> Vec<Part> {
    let mut parts = vec![Part::Heading("Forecast skill".into())];
    if now.is_empty() {
        parts.push(Part::Text("No forecast was scored yet.".into()));
        return parts;
    }
    let share = |v: Option<f64>| quantity(v, crate::series::Unit::Ratio);
    let rows = now.iter().map(|h| {
        let then = before.iter().find(|b| b.horizon == h.horizon);
        vec![
            format!("up to {} min", h.horizon.as_secs() / 60),
            share(h.skill),
            share(then.and_then(|b| b.skill)),
            share(h.coverage),
            h.n.to_string(),
        ]
    });
    let head = ["ahead", "better than seasonal naive by", "at the start", "90 % band held", "values scored"];
    parts.push(Part::Table(head.map(String::from).to_vec(), rows.collect()));
    parts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::report::{weekly_html, weekly_markdown};
    use crate::screen::fixture;
    use crate::view::{Agreement, Conformance, Decided, Waits};

    use super::*;

    fn scored(first: &View) -> ScoredProposal {
        ScoredProposal {
            workload: crate::fleet::WorkloadId::new("", "a<b>", ""),
            created: first.at + Duration::from_secs(60),
            decision: "approved by ann".into(),
            ..ScoredProposal::example()
        }
    }

    #[test]
    fn a_week_tells_executed_from_shadow() {
        let mut first = fixture::view();
        let kpi = |value| Kpi {
            number: 1,
            name: "scaling_efficiency".into(),
            title: "capacity used".into(),
            target: 0.9,
            higher_is_better: true,
            unit: crate::series::Unit::Ratio,
            value: Some(value),
            interval: Some((0.9, 0.98)),
            trend: None,
            n: 12,
            n_min: 5,
            window: "30 d".into(),
            state: KpiState::Ok,
            note: String::new(),
        };
        first.kpis = vec![kpi(0.9)];
        let mut last = first.clone();
        last.kpis = vec![kpi(0.95)];
        last.at = last.at + Duration::from_secs(7 * 86_400);
        let sample = scored(&first);
        let mut shadow = sample.clone();
        (shadow.proposal, shadow.decision, shadow.cost) =
            (crate::view::ProposalId::new("p-2"), "expired".into(), Some(-2.25));
        let mut earlier = sample.clone();
        (earlier.proposal, earlier.created) =
            (crate::view::ProposalId::new("p-0"), first.at - Duration::from_secs(60));
        last.learning.data.scoreboard.rows = vec![sample, shadow, earlier];
        let mut weekly = Weekly::default();
        assert!(weekly_markdown(&weekly).trim().is_empty() && weekly.ends().is_none());
        weekly.frame(&Arc::new(first));
        weekly.frame(&Arc::new(last));
        let (done, shadow) = weekly.sums();
        assert_eq!((done.settled, done.spent, done.saved, done.avoided), (1, 4.5, 0.0, 7.0));
        assert_eq!((shadow.settled, shadow.spent, shadow.saved), (1, 0.0, 2.25));
        let text = weekly_markdown(&weekly);
        for part in [
            "# Weekly report",
            "## KPIs",
            "shadow (not executed)",
            "$2.25",
            "## Forecast skill",
            "## Autonomy",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(text.matches("\n| ").count(), text.lines().filter(|l| l.starts_with("| ")).count());
        let page = weekly_html(&weekly);
        assert!(page.contains("<table>") && !page.contains("a<b>"));
        let json = weekly.json();
        assert_eq!(json["executed"]["spent_dollars"], 4.5);
        assert_eq!(json["kpis"][0]["value"], 0.95);
        assert!(text.contains("| 95 % | 90 % to 98 % | up from 90 % | 12 | on target |"), "{text}");
    }

    #[test]
    fn a_week_names_who_decided_what_was_earned_and_what_prices_did() {
        let mut first = fixture::view();
        let mut last = first.clone();
        let mut shadow = scored(&first);
        (shadow.decision, shadow.hours) = ("expired".into(), Some(-2.0));
        let row = last.services.data.iter_mut().find(|s| s.replicas.is_some_and(|r| r.desired > 0)).unwrap();
        row.cost.value = Some(3.0 * f64::from(row.replicas.unwrap().desired));
        shadow.workload = row.workload.clone();
        last.learning.data.scoreboard.rows = vec![shadow];
        last.growth.data.earned = vec!["raising a".into()];
        first.growth.data.earned = vec!["lowering b".into()];
        last.teams.decided = vec![Decided { person: "ann".into(), count: 41, limit: Some(40) }];
        last.teams.conformance =
            Conformance { kept: 3, executed: 4, unknown: 2, broken: vec!["op-2 on a".into()] };
        let waits = |n, median, interval| Waits { n, median, interval };
        last.learning.data.decisions.pace.alone = waits(12, Some(74.0), Some((40.0, 130.0)));
        last.learning.data.decisions.pace.together = waits(3, None, None);
        last.learning.data.shadows = vec![Agreement {
            person: "lea".into(),
            n: 14,
            agreed: 12,
            kappa: Some(0.71),
            interval: Some((0.41, 1.0)),
            open: 1,
        }];
        let mut weekly = Weekly::default();
        weekly.frame(&Arc::new(first));
        weekly.frame(&Arc::new(last));
        let (_, shadow) = weekly.sums();
        assert!((shadow.repriced - 6.0).abs() < 1e-9, "two replica-hours given back at $3: {shadow:?}");
        let text = weekly_markdown(&weekly);
        for part in [
            "Earned in this time: raising a",
            "Revoked in this time: lowering b",
            "## People",
            "ann decided 41 in seven days, 40 are enough",
            "lea agrees with the decisions 12 of 14 times, κ 0.71 (90 % interval 0.41 to 1.00)",
            "3 of 4 executed operations kept",
            "2 executed operations are not judged",
            "In 90 days, from shown to decided, alone: 74 s (n=12, 90 % interval 40 s to 2 min).",
            "In 90 days, with somebody else attached: n=3, not enough: 10 are needed.",
            "op-2 on a",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(weekly.json()["autonomy_revoked"], serde_json::json!(["lowering b"]));
        assert_eq!(weekly.json()["decision_pace_90d"]["alone"]["median"], 74.0);
    }
}
