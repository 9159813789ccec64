//! What if: demand times k, a zone gone, another floor, cold caches.

use super::reserve;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Question {
    /// Demand is this many times what it is.
    DemandTimes(f64),
    /// The fullest of so many zones is gone.
    ZoneGone(u32),
    /// So many replicas instead.
    Replicas(u32),
    /// Caches are empty. A hit is taken to cost nothing and a miss a whole request, so that the load of all requests is that
    /// of today's misses over their share.
    ColdCaches,
}

/// What is known of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Demand, requests a second.
    pub demand: f64,
    /// Replicas that serve.
    pub replicas: u32,
    /// Requests a second that one replica holds.
    pub per_replica: f64,
    /// Share of look-ups that its caches answer, `0..1`.
    pub hit_ratio: Option<f64>,
    /// Price of a replica, $/h.
    pub dollars_per_hour: Option<f64>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Demand then, requests a second as they cost today.
    pub demand: f64,
    /// Replicas that serve then.
    pub replicas: u32,
    /// Replicas needed then.
    pub need: u32,
    /// `1 - demand / capacity`; negative when short. `None` without a replica.
    pub headroom: Option<f64>,
    /// Requests a second above capacity.
    pub lost: f64,
    /// What the missing replicas, or those of the question, cost more than today's, $/h.
    pub extra_dollars: Option<f64>,
}

/// Answers `question`; `None` where what it needs is not known: a capacity, a hit ratio below 1, a count above zero.
pub fn answer(known: &Known, question: Question) -> Option<Answer> {
    let possible = known.per_replica > 0.0 && known.demand >= 0.0 && known.demand.is_finite();
    if !possible {
        return None;
    }
    let (demand, replicas) = match question {
        Question::DemandTimes(k) => {
            (known.demand * Some(k).filter(|k| k.is_finite() && *k >= 0.0)?, known.replicas)
        }
        Question::ZoneGone(zones) => (known.demand, reserve::left(known.replicas, zones)),
        Question::Replicas(n) => (known.demand, n),
        Question::ColdCaches => {
            let hits = known.hit_ratio.filter(|h| (0.0..1.0).contains(h))?;
            (known.demand / (1.0 - hits), known.replicas)
        }
    };
    let held = f64::from(replicas) * known.per_replica;
    let need = (demand / known.per_replica).ceil() as u32;
    let then = need.max(replicas);
    Some(Answer {
        demand,
        replicas,
        need,
        headroom: (held > 0.0).then(|| 1.0 - demand / held),
        lost: (demand - held).max(0.0),
        extra_dollars: known.dollars_per_hour.map(|d| d * (f64::from(then) - f64::from(known.replicas))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        demand: 900.0,
        replicas: 12,
        per_replica: 100.0,
        hit_ratio: Some(0.4),
        dollars_per_hour: Some(0.1),
    };

    #[test]
    fn worked_numbers() {
        let a = answer(&KNOWN, Question::DemandTimes(1.5)).unwrap();
        assert_eq!((a.demand, a.need, a.lost), (1350.0, 14, 150.0));
        assert!(
            (a.headroom.unwrap() + 0.125).abs() < 1e-12 && (a.extra_dollars.unwrap() - 0.2).abs() < 1e-12
        );
        let a = answer(&KNOWN, Question::ZoneGone(3)).unwrap();
        assert_eq!((a.replicas, a.need, a.lost), (8, 9, 100.0));
        assert!((a.extra_dollars.unwrap() + 0.3).abs() < 1e-12, "nine of twelve still to pay");
        let a = answer(&KNOWN, Question::Replicas(20)).unwrap();
        assert!((a.headroom.unwrap() - 0.55).abs() < 1e-12 && (a.extra_dollars.unwrap() - 0.8).abs() < 1e-12);
        let a = answer(&KNOWN, Question::ColdCaches).unwrap();
        assert!((a.demand - 1500.0).abs() < 1e-9 && a.need == 15);
    }

    #[test]
    fn what_is_not_known_is_not_answered() {
        let without = |known: Known, question| answer(&known, question).is_none();
        assert!(without(Known { per_replica: 0.0, ..KNOWN }, Question::DemandTimes(2.0)));
        assert!(without(Known { hit_ratio: None, ..KNOWN }, Question::ColdCaches));
        assert!(without(Known { hit_ratio: Some(1.0), ..KNOWN }, Question::ColdCaches));
        assert!(without(KNOWN, Question::DemandTimes(f64::NAN)));
        assert!(without(Known { demand: f64::NAN, ..KNOWN }, Question::Replicas(3)));
        assert_eq!(answer(&KNOWN, Question::Replicas(0)).unwrap().headroom, None);
    }
}
