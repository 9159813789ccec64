//! What a rule is about, so that it can be held against a proposal: a workload, or what surrounds the moment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::forecast::burst::BurstClass;
use crate::series::Timestamp;

/// A deploy is near for so many hours.
pub const DEPLOY_HOURS: u32 = 1;
/// Minutes since a deploy that are told apart: after a day it is none.
const DEPLOY_MINUTES: u32 = 24 * 60;
const WEEKDAYS: [&str; 7] =
    ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];

/// How demand went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// As usual.
    Calm,
    /// In a burst of this class.
    Burst(BurstClass),
}

impl Course {
    /// As in a rule: `in a flash crowd`, `outside any burst`.
    pub fn phrase(self) -> String {
        match self {
            Self::Calm => "outside any burst".to_owned(),
            Self::Burst(class) => format!("in a {}", class.name()),
        }
    }
}

/// What surrounded a proposal when it was made. What is not measured is not said, and is no evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Minutes since the workload's last deploy, at most a day; `None` where versions were not watched for long enough to
    /// know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_minutes: Option<u32>,
    /// How demand went; `None` where too little is known to tell a burst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
}

impl Circumstances {
    /// Of a workload whose versions are `measured` for an hour at least, the newest first seen `ago`, and of how its demand goes.
    pub fn new(measured: bool, ago: Option<Duration>, course: Option<Course>) -> Self {
        let minutes = ago.map_or(DEPLOY_MINUTES, |ago| {
            u32::try_from(ago.as_secs() / 60).unwrap_or(DEPLOY_MINUTES).min(DEPLOY_MINUTES)
        });
        Self { deploy_minutes: measured.then_some(minutes), course }
    }

    /// Whether a deploy was less than [`DEPLOY_HOURS`] ago; `None` where that is not measured.
    pub fn near_deploy(self) -> Option<bool> {
        self.deploy_minutes.map(|minutes| minutes < DEPLOY_HOURS * 60)
    }
}

/// A proposal as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// For which workload.
    pub workload: &'a WorkloadId,
    /// Whether it raises a count, or lowers it; `None` if it is about no count: no rule is about policies.
    pub up: Option<bool>,
    /// When it was made.
    pub at: Timestamp,
    /// What surrounded it.
    pub circumstances: Circumstances,
}

/// What a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Subject {
    /// Operations that raise or lower a workload's floor.
    Operation {
        /// Which.
        workload: WorkloadId,
        /// Up, not down.
        raises: bool,
    },
    /// Proposals that would.
    Proposal {
        /// Which.
        workload: WorkloadId,
        /// Up, not down.
        raises: bool,
    },
    /// Proposals made in a quarter of the day, UTC: `0..4`.
    PartOfDay {
        /// Which.
        quarter: u8,
        /// Up, not down; `None` in a lesson of an older version, which took both together: it bears on nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raises: Option<bool>,
    },
    /// Proposals made on a day of the week, in a quarter of the day, UTC.
    DayAndHours {
        /// Monday is 0.
        weekday: u8,
        /// `0..4`.
        quarter: u8,
        /// Up, not down; `None` in a lesson of an older version, which took both together: it bears on nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raises: Option<bool>,
    },
    /// Proposals made soon after a deploy of their workload, or not.
    Deploy {
        /// Less than [`DEPLOY_HOURS`] after.
        near: bool,
        /// Up, not down; `None` in a lesson of an older version, which took both together: it bears on nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raises: Option<bool>,
    },
    /// Proposals made while demand went like this.
    Demand {
        /// How.
        course: Course,
        /// Up, not down; `None` in a lesson of an older version, which took both together: it bears on nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raises: Option<bool>,
    },
    /// How people decide; says nothing of a proposal itself.
    #[default]
    Deciding,
}

impl Subject {
    /// Whether a proposal is a case of it.
    pub fn covers(&self, case: &Case<'_>) -> bool {
        let around = case.circumstances;
        match self {
            Self::Operation { workload, raises } | Self::Proposal { workload, raises } => {
                workload == case.workload && case.up == Some(*raises)
            }
            _ if self.raises().is_none() || self.raises() != case.up => false,
            Self::PartOfDay { quarter, .. } => *quarter == quarter_of(case.at),
            Self::DayAndHours { weekday, quarter, .. } => {
                (*weekday, *quarter) == (weekday_of(case.at), quarter_of(case.at))
            }
            Self::Deploy { near, .. } => around.near_deploy() == Some(*near),
            Self::Demand { course, .. } => around.course == Some(*course),
            Self::Deciding => false,
        }
    }

    /// Whether it is about raising, not lowering; `None` if it is about neither, or by an older version about both.
    pub const fn raises(&self) -> Option<bool> {
        match self {
            Self::Operation { raises, .. } | Self::Proposal { raises, .. } => Some(*raises),
            Self::PartOfDay { raises, .. }
            | Self::DayAndHours { raises, .. }
            | Self::Deploy { raises, .. }
            | Self::Demand { raises, .. } => *raises,
            Self::Deciding => None,
        }
    }

    /// Whether it is about a moment, which many workloads share.
    pub const fn is_moment(&self) -> bool {
        !matches!(self, Self::Operation { .. } | Self::Proposal { .. } | Self::Deciding)
    }

    /// What it is about, for people.
    pub fn words(&self) -> String {
        let verb = |raises: bool| if raises { "raise" } else { "lower" };
        match self {
            Self::Operation { workload, raises } => format!("operations that {} {workload}", verb(*raises)),
            Self::Proposal { workload, raises } => format!("proposals to {} {workload}", verb(*raises)),
            Self::Deciding => "how people decide".to_owned(),
            moment => {
                let what = match moment.raises() {
                    Some(true) => "raises proposed",
                    Some(false) => "lowerings proposed",
                    None => "proposals made",
                };
                format!("{what} {}", moment.moment().unwrap_or_default())
            }
        }
    }

    /// The moment it is about, as in a rule: `on Mondays 12–18 UTC`; `None` if it is about something else.
    pub fn moment(&self) -> Option<String> {
        let hours = |quarter: &u8| format!("{:02}–{:02} UTC", quarter * 6, quarter * 6 + 6);
        match self {
            Self::PartOfDay { quarter, .. } => Some(hours(quarter)),
            Self::DayAndHours { weekday, quarter, .. } => {
                let day = WEEKDAYS.get(usize::from(*weekday)).copied().unwrap_or("no day");
                Some(format!("on {day} {}", hours(quarter)))
            }
            Self::Deploy { near: true, .. } => Some(format!("within {DEPLOY_HOURS} h of a deploy")),
            Self::Deploy { near: false, .. } => {
                Some(format!("without a deploy in the {DEPLOY_HOURS} h before"))
            }
            Self::Demand { course, .. } => Some(course.phrase()),
            Self::Operation { .. } | Self::Proposal { .. } | Self::Deciding => None,
        }
    }

    /// Whether it is of the same kind and direction: what is compared with one another. That a lowering was needed is
    /// nearly always so, that a raise was is not.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.raises() == other.raises()
    }

    /// Whether it can bear on something here: workloads are known by `known`.
    pub fn concerns(&self, known: impl Fn(&WorkloadId) -> bool) -> bool {
        match self {
            Self::Operation { workload, .. } | Self::Proposal { workload, .. } => known(workload),
            Self::Deciding => false,
            _ => true,
        }
    }

    /// Whether there is such a thing: one from elsewhere may name an eighth day.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::PartOfDay { quarter, .. } => *quarter < 4,
            Self::DayAndHours { weekday, quarter, .. } => *weekday < 7 && *quarter < 4,
            _ => true,
        }
    }
}

/// The quarter of the UTC day: `0..4`.
pub fn quarter_of(at: Timestamp) -> u8 {
    at.as_millis().div_euclid(6 * 3_600_000).rem_euclid(4) as u8
}

/// The day of the week, UTC: Monday is 0.
pub fn weekday_of(at: Timestamp) -> u8 {
    // 1970-01-01 was a Thursday.
    (at.as_millis().div_euclid(86_400_000) + 3).rem_euclid(7) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Option<bool> = Some(true);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_secs(hours * 3600)
    }

    #[test]
    fn quarters_and_days() {
        assert_eq!([0, 6, 12, 23].map(|h| quarter_of(at(h))), [0, 1, 2, 3]);
        // 2026-06-01 was a Monday.
        assert_eq!(
            [0, 5, 6, 7].map(|d| weekday_of(Timestamp::from_secs(1_780_272_000 + d * 86_400))),
            [0, 5, 6, 0]
        );
        assert_eq!(quarter_of(at(-1)), 3);
    }

    #[test]
    fn a_moment_covers_what_was_made_in_it_and_nothing_of_which_that_is_not_known() {
        let id = WorkloadId::new("shop", "x", "");
        let crowd = Course::Burst(BurstClass::FlashCrowd);
        let case = |hours: i64, circumstances: Circumstances| Case {
            workload: &id,
            up: Some(true),
            at: at(hours),
            circumstances,
        };
        let minutes = |m: u64| Circumstances::new(true, Some(Duration::from_secs(m * 60)), Some(crowd));
        let unknown = Circumstances::default();
        let morning = Subject::PartOfDay { quarter: 1, raises: UP };
        assert!(morning.covers(&case(7, unknown)) && !morning.covers(&case(13, unknown)));
        assert!(!morning.covers(&Case { up: None, ..case(7, unknown) }), "no count");
        assert!(!morning.covers(&Case { up: Some(false), ..case(7, unknown) }), "what holds of raises");
        let thursday = Subject::DayAndHours { weekday: 3, quarter: 1, raises: UP };
        assert!(thursday.covers(&case(7, unknown)) && !thursday.covers(&case(31, unknown)));
        let (near, far) =
            (Subject::Deploy { near: true, raises: UP }, Subject::Deploy { near: false, raises: UP });
        assert!(near.covers(&case(7, minutes(59))) && !near.covers(&case(7, minutes(60))));
        assert!(
            far.covers(&case(7, minutes(60))) && far.covers(&case(7, Circumstances::new(true, None, None)))
        );
        assert!(
            !near.covers(&case(7, unknown)) && !far.covers(&case(7, unknown)),
            "versions are not measured"
        );
        let burst = Subject::Demand { course: crowd, raises: UP };
        assert!(burst.covers(&case(7, minutes(0))) && !burst.covers(&case(7, unknown)));
        assert!(!Subject::Demand { course: Course::Calm, raises: UP }.covers(&case(7, minutes(0))));
        for moment in [&morning, &thursday, &near, &burst] {
            assert!(moment.concerns(|_| false) && moment.is_sound());
        }
        assert!(!Subject::Deciding.concerns(|_| true));
        assert!(!Subject::DayAndHours { weekday: 7, quarter: 0, raises: UP }.is_sound());
        assert!(!Subject::DayAndHours { weekday: 0, quarter: 4, raises: UP }.is_sound());
    }

    #[test]
    fn people_understand_what_it_is_about() {
        let words = [
            Subject::DayAndHours { weekday: 0, quarter: 2, raises: UP },
            Subject::Deploy { near: true, raises: UP },
            Subject::Deploy { near: false, raises: UP },
            Subject::Demand { course: Course::Burst(BurstClass::RetryStorm), raises: UP },
            Subject::Demand { course: Course::Calm, raises: Some(false) },
        ]
        .map(|s| s.words());
        assert_eq!(
            words,
            [
                "raises proposed on Mondays 12–18 UTC",
                "raises proposed within 1 h of a deploy",
                "raises proposed without a deploy in the 1 h before",
                "raises proposed in a retry storm",
                "lowerings proposed outside any burst",
            ]
        );
        let odd = Subject::DayAndHours { weekday: 200, quarter: 200, raises: UP };
        assert!(!odd.is_sound());
    }

    #[test]
    fn one_of_an_older_version_is_read_and_bears_on_nothing() {
        let id = WorkloadId::new("shop", "x", "");
        let old: Subject = serde_json::from_str(r#"{"about":"part_of_day","quarter":1}"#).unwrap();
        assert_eq!(old, Subject::PartOfDay { quarter: 1, raises: None });
        for up in [Some(true), Some(false), None] {
            assert!(!old.covers(&Case {
                workload: &id,
                up,
                at: at(7),
                circumstances: Circumstances::default()
            }));
        }
        assert_eq!(old.words(), "proposals made 06–12 UTC", "its identity stays");
        let (up, down) = (
            Subject::PartOfDay { quarter: 0, raises: UP },
            Subject::PartOfDay { quarter: 1, raises: Some(false) },
        );
        assert!(!up.is_like(&down) && up.is_like(&Subject::PartOfDay { quarter: 3, raises: UP }));
        let text = serde_json::to_string(&up).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&text).unwrap(), up);
    }
}
