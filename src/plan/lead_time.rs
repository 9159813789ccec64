//! Lead time, taken apart: from a need to a pod that serves at full speed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// Pods that are remembered.
const MOST: usize = 200;
/// Pods needed before their times say anything.
const FEWEST: usize = 5;
/// A plan counts on the slower pods.
const QUANTILE: f64 = 0.9;

/// When one pod came how far. What no source tells is `None`, and what depends on it is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodTimes {
    /// It was asked for (`kube_pod_created`).
    pub created: Option<Timestamp>,
    /// It has a node (`kube_pod_status_scheduled_time`).
    pub scheduled: Option<Timestamp>,
    /// Its images are there.
    pub pulled: Option<Timestamp>,
    /// Its containers run (`kube_pod_container_state_started`).
    pub started: Option<Timestamp>,
    /// It passes its readiness check (`kube_pod_status_ready_time`).
    pub ready: Option<Timestamp>,
    /// It is as fast as the older ones.
    pub warm: Option<Timestamp>,
}

/// The parts of the lead time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// From the need to its detection.
    Detect,
    /// From the proposal to the approval.
    Decide,
    /// Until there is a node.
    Schedule,
    /// Until the images are there.
    Pull,
    /// Until the containers run; with the pull, where that is not told apart.
    Start,
    /// Until the readiness check passes.
    Ready,
    /// Until it is as fast as the others.
    Warm,
}

impl Part {
    /// In order.
    pub const ALL: [Self; 7] =
        [Self::Detect, Self::Decide, Self::Schedule, Self::Pull, Self::Start, Self::Ready, Self::Warm];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Decide => "decide",
            Self::Schedule => "schedule",
            Self::Pull => "pull",
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Warm => "warm",
        }
    }
}

/// What was learned of a workload's lead time.
#[derive(Clone, Debug, Default)]
pub struct LeadTime {
    parts: [Vec<Duration>; 7],
    pods: usize,
}

/// A lead time as it is told: the whole, and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadTold {
    /// From the decision to warm capacity.
    pub total: Duration,
    /// The parts that are known, in order; detection and decision come before the whole.
    pub parts: Vec<(Part, Duration)>,
    /// Parts that nothing is known of, or that are contained in those after them.
    pub unknown: Vec<Part>,
    /// What it was learned from.
    pub from: String,
}

impl LeadTold {
    /// `lead time 58 s (9 pods seen to start): schedule 2 s, start 26 s, ready 30 s; pull, warm not told apart`.
    pub fn sentence(&self) -> String {
        let span = |d: &Duration| match d.as_secs() {
            secs @ 0..120 => format!("{secs} s"),
            secs => format!("{} min", (secs + 30) / 60),
        };
        let mut text = format!("lead time {} ({})", span(&self.total), self.from);
        let parts: Vec<String> =
            self.parts.iter().map(|(p, d)| format!("{} {}", p.name(), span(d))).collect();
        if !parts.is_empty() {
            text.push_str(&format!(": {}", parts.join(", ")));
            let unknown: Vec<&str> = self.unknown.iter().map(|p| p.name()).collect();
            if !unknown.is_empty() {
                text.push_str(&format!("; {} not told apart", unknown.join(", ")));
            }
        }
        text
    }
}

impl LeadTime {
    /// Takes the times of a pod in. Times that run backwards are left out.
    pub fn observe(&mut self, pod: &PodTimes) {
        self.note(Part::Schedule, pod.created, pod.scheduled);
        self.note(Part::Pull, pod.scheduled, pod.pulled);
        // With what comes before it, where that is not told apart.
        let placed = pod.pulled.or(pod.scheduled).or(pod.created);
        self.note(Part::Start, placed, pod.started);
        self.note(Part::Ready, pod.started.or(placed), pod.ready);
        self.note(Part::Warm, pod.ready, pod.warm);
        self.pods += 1;
    }

    /// Takes a span in that is not a pod's: how long a need went unseen, or a proposal undecided.
    pub fn took(&mut self, part: Part, span: Duration) {
        if let Some(spans) = self.parts.get_mut(part as usize) {
            if spans.len() >= MOST {
                spans.remove(0);
            }
            spans.push(span);
        }
    }

    fn note(&mut self, part: Part, from: Option<Timestamp>, to: Option<Timestamp>) {
        if let Some((from, to)) = from.zip(to).filter(|(from, to)| to >= from) {
            self.took(part, to.since(from));
        }
    }

    /// The 90 % quantile of a part; `None` with fewer than five observations.
    pub fn part(&self, part: Part) -> Option<Duration> {
        let mut spans = self.parts.get(part as usize)?.clone();
        spans.sort_unstable();
        let rank = (spans.len() as f64 * QUANTILE).ceil() as usize;
        spans.get(rank.checked_sub(1)?).copied().filter(|_| spans.len() >= FEWEST)
    }

    /// The whole from a decision to warm pods, and the parts nothing is known of; `None` if nothing is known at all. The
    /// sum of quantiles is more careful than the quantile of sums.
    pub fn from_decision(&self) -> Option<(Duration, Vec<Part>)> {
        let of_pods = [Part::Schedule, Part::Pull, Part::Start, Part::Ready, Part::Warm];
        let known: Vec<Duration> = of_pods.iter().filter_map(|p| self.part(*p)).collect();
        let unknown = of_pods.into_iter().filter(|p| self.part(*p).is_none()).collect();
        (!known.is_empty()).then(|| (known.iter().sum(), unknown))
    }

    /// The whole and its parts, once pods were seen to become ready.
    pub fn told(&self) -> Option<LeadTold> {
        self.part(Part::Ready)?;
        let (total, unknown) = self.from_decision()?;
        let parts = Part::ALL.into_iter().filter_map(|p| Some((p, self.part(p)?))).collect();
        Some(LeadTold { total, parts, unknown, from: format!("{} pods seen to start", self.pods) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + secs)
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let mut lead = LeadTime::default();
        assert_eq!(lead.from_decision(), None);
        for i in 0..10 {
            lead.observe(&PodTimes {
                created: Some(at(0)),
                scheduled: Some(at(2)),
                started: Some(at(20 + i)),
                ready: Some(at(50 + i)),
                ..PodTimes::default()
            });
        }
        // 2 s to a node, 18 to 27 s to run (the ninth is 26 s), 30 s to be ready.
        assert_eq!(lead.part(Part::Start), Some(Duration::from_secs(26)));
        let (whole, unknown) = lead.from_decision().unwrap();
        assert_eq!(whole, Duration::from_secs(58));
        assert_eq!(unknown, [Part::Pull, Part::Warm]);
        lead.took(Part::Decide, Duration::from_secs(150));
        (0..4).for_each(|_| lead.took(Part::Decide, Duration::from_secs(60)));
        assert_eq!(
            lead.told().unwrap().sentence(),
            "lead time 58 s (10 pods seen to start): decide 3 min, schedule 2 s, start 26 s, ready 30 s; pull, warm not \
             told apart"
        );
    }

    #[test]
    fn few_or_backward_times_say_nothing() {
        let mut lead = LeadTime::default();
        for _ in 0..9 {
            lead.observe(&PodTimes { created: Some(at(9)), scheduled: Some(at(2)), ..PodTimes::default() });
        }
        assert_eq!(lead.part(Part::Schedule), None);
        (0..4).for_each(|_| lead.took(Part::Decide, Duration::from_secs(60)));
        assert_eq!(lead.part(Part::Decide), None);
        lead.took(Part::Decide, Duration::from_secs(90));
        assert_eq!(lead.part(Part::Decide), Some(Duration::from_secs(90)));
        (0..1000).for_each(|_| lead.took(Part::Detect, Duration::from_secs(5)));
        assert!(lead.parts[0].len() <= MOST);
    }
}
