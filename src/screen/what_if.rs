//! What if, on the screen: one key goes through the questions; the capacity widget shows the answers instead of what is.

use crate::view::{Question, ServiceRow, WhatIfAnswer, what_if};

/// A question that is asked of every service at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    /// Demand times this.
    Times(f64),
    /// The fullest of so many zones is gone.
    ZoneGone(u32),
    /// The floor is as proposed.
    Proposed,
    /// A quarter of the replicas is not there.
    QuarterGone,
    /// Caches are empty.
    ColdCaches,
}

impl Asked {
    /// In the order the key goes through them.
    pub const ALL: [Self; 7] = [
        Self::Times(1.5),
        Self::Times(2.0),
        Self::Times(3.0),
        Self::ZoneGone(3),
        Self::Proposed,
        Self::QuarterGone,
        Self::ColdCaches,
    ];

    /// The question after `now`; `None` after the last.
    pub fn after(now: Option<Self>) -> Option<Self> {
        let at = now.and_then(|now| Self::ALL.iter().position(|asked| *asked == now));
        Self::ALL.get(at.map_or(0, |at| at + 1)).copied()
    }

    /// As in the widget's border: `demand ×1.5`.
    pub fn words(self) -> String {
        match self {
            Self::Times(k) => format!("demand times {k}"),
            Self::ZoneGone(zones) => format!("one of {zones} zones gone"),
            Self::Proposed => "floor as proposed".into(),
            Self::QuarterGone => "a quarter of the replicas gone".into(),
            Self::ColdCaches => "caches cold".into(),
        }
    }

    /// The answer for `service`, or what is lacking for one.
    pub fn of(self, service: &ServiceRow) -> Result<WhatIfAnswer, &'static str> {
        let ready = service.replicas.map_or(0, |r| r.ready);
        let question = match self {
            Self::Times(k) => Question::DemandTimes(k),
            Self::ZoneGone(zones) => Question::ZoneGone(zones),
            Self::Proposed => Question::Replicas(service.proposed.ok_or("no floor proposed")?.max(ready)),
            Self::QuarterGone => Question::Replicas(ready - ready.div_ceil(4).min(ready)),
            Self::ColdCaches => Question::ColdCaches,
        };
        what_if(service, question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixture;

    #[test]
    fn the_key_goes_through_all_questions_and_off_again() {
        let mut now = None;
        for asked in Asked::ALL {
            now = Asked::after(now);
            assert_eq!(now, Some(asked));
        }
        assert_eq!(Asked::after(now), None);
    }

    #[test]
    fn answers_are_those_of_the_row() {
        let view = fixture::view();
        let row = view.services.data.iter().find(|r| r.capacity.is_some()).expect("a row with a capacity");
        let ready = row.replicas.expect("replicas").ready;
        let doubled = Asked::Times(2.0).of(row).expect("an answer");
        let plain = Asked::Times(1.5).of(row).expect("an answer");
        assert!((doubled.demand / plain.demand - 2.0 / 1.5).abs() < 1e-9);
        assert_eq!(doubled.replicas, ready);
        let fewer = Asked::QuarterGone.of(row).expect("an answer");
        assert!(fewer.replicas < ready && fewer.demand < plain.demand);
        let unproposed = ServiceRow { proposed: None, ..row.clone() };
        assert_eq!(Asked::Proposed.of(&unproposed), Err("no floor proposed"));
        let unknown = ServiceRow { capacity: None, ..row.clone() };
        assert_eq!(Asked::Times(2.0).of(&unknown), Err("no capacity"));
    }
}
