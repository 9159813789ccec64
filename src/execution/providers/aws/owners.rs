//! Policies and schedules as owners of a size.

use serde::Deserialize;

use crate::fleet::Owner;
use crate::series::text::clean;

/// Owners named on a card; the others are counted.
const NAMED: usize = 3;
/// Longest name of one, characters.
const MAX_NAME: usize = 60;

/// A scaling policy, of either service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Policy {
    /// The group; empty for a scalable target.
    pub auto_scaling_group_name: String,
    /// `service/CLUSTER/SERVICE`; empty for a group.
    pub resource_id: String,
    #[serde(rename = "PolicyName")]
    pub name: String,
    /// `TargetTrackingScaling`, `StepScaling`, `SimpleScaling`, `PredictiveScaling`.
    #[serde(rename = "PolicyType")]
    pub kind: String,
    /// Switched off policies own nothing.
    pub enabled: Option<bool>,
    /// `ForecastOnly` predicts and does not scale.
    pub predictive_scaling_configuration: Option<Predictive>,
    pub predictive_scaling_policy_configuration: Option<Predictive>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Predictive {
    pub mode: Option<String>,
}

/// A scheduled action, of either service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Scheduled {
    pub auto_scaling_group_name: String,
    pub resource_id: String,
    #[serde(rename = "ScheduledActionName")]
    pub name: String,
    /// Cron or `rate(…)` or `at(…)`.
    pub recurrence: String,
    pub schedule: String,
    pub min_size: Option<u32>,
    pub scalable_target_action: Option<Bounds>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Bounds {
    pub min_capacity: Option<u32>,
}

impl Policy {
    fn label(&self) -> Option<String> {
        if self.enabled == Some(false) {
            return None;
        }
        let predictive = self
            .predictive_scaling_configuration
            .as_ref()
            .or(self.predictive_scaling_policy_configuration.as_ref());
        if self.kind == "PredictiveScaling"
            && predictive.and_then(|p| p.mode.as_deref()) != Some("ForecastAndScale")
        {
            return None;
        }
        let kind = match self.kind.as_str() {
            "TargetTrackingScaling" => "target tracking",
            "StepScaling" => "steps",
            "SimpleScaling" => "simple policy",
            "PredictiveScaling" => "predictive",
            _ => "policy",
        };
        Some(format!("{kind} {}", clean(&self.name, MAX_NAME)))
    }
}

impl Scheduled {
    fn label(&self) -> String {
        let when = if self.recurrence.is_empty() { &self.schedule } else { &self.recurrence };
        let min = self.min_size.or(self.scalable_target_action.and_then(|b| b.min_capacity));
        let sets = min.map_or_else(String::new, |min| format!(" sets min {min}"));
        let when = if when.is_empty() { String::new() } else { format!(" at {}", clean(when, MAX_NAME)) };
        format!("schedule {}{sets}{when}", clean(&self.name, MAX_NAME))
    }
}

/// Who owns a size that `policies` and `schedules` act on. `None` means that they could not be read: then nobody knows.
/// `bounded` says that something keeps the size within bounds even without them.
pub(super) fn owner<'a>(
    kind: &str,
    policies: Option<impl Iterator<Item = &'a Policy>>,
    schedules: Option<impl Iterator<Item = &'a Scheduled>>,
    bounded: bool,
) -> Owner {
    let (Some(policies), Some(schedules)) = (policies, schedules) else { return Owner::Unknown };
    let mut names: Vec<String> = policies.filter_map(Policy::label).collect();
    names.extend(schedules.map(Scheduled::label));
    if names.is_empty() {
        return if bounded {
            Owner::Autoscaler { name: format!("{kind}: bounds only") }
        } else {
            Owner::Nobody
        };
    }
    names.sort();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    Owner::Autoscaler { name: clean(&format!("{kind}: {}{more}", names.join(", ")), 253) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(kind: &str, mode: Option<&str>) -> Policy {
        Policy {
            name: "p".into(),
            kind: kind.into(),
            predictive_scaling_configuration: Some(Predictive { mode: mode.map(str::to_owned) }),
            ..Policy::default()
        }
    }

    fn told(policies: &[Policy], schedules: &[Scheduled]) -> Owner {
        owner("asg", Some(policies.iter()), Some(schedules.iter()), false)
    }

    #[test]
    fn what_only_forecasts_or_is_off_owns_nothing() {
        assert_eq!(told(&[], &[]), Owner::Nobody);
        assert_eq!(told(&[policy("PredictiveScaling", Some("ForecastOnly"))], &[]), Owner::Nobody);
        assert_eq!(told(&[policy("PredictiveScaling", None)], &[]), Owner::Nobody, "AWS's default");
        let off = Policy { enabled: Some(false), ..policy("StepScaling", None) };
        assert_eq!(told(&[off], &[]), Owner::Nobody);
        let owner = told(&[policy("PredictiveScaling", Some("ForecastAndScale"))], &[]);
        assert_eq!(owner.label(), "asg: predictive p");
    }

    #[test]
    fn schedules_say_what_they_will_set_and_unread_ones_make_nobody_owner() {
        let night = Scheduled {
            name: "night".into(),
            recurrence: "0 22 * * *".into(),
            min_size: Some(1),
            ..Scheduled::default()
        };
        let label = told(&[policy("TargetTrackingScaling", None)], &[night]).label();
        assert_eq!(label, "asg: schedule night sets min 1 at 0 22 * * *, target tracking p");
        let unread = None::<std::slice::Iter<'_, Policy>>;
        assert_eq!(owner("asg", unread, Some([].iter()), false), Owner::Unknown);
    }
}
