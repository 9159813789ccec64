//! Replica counts with bounds.

use serde::{Deserialize, Serialize};

/// Replica counts of a workload at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Asked for.
    pub desired: u32,
    /// Passing their readiness check.
    pub ready: u32,
    /// Lowest allowed by the owner, if bounded.
    pub min: Option<u32>,
    /// Highest allowed by the owner, if bounded.
    pub max: Option<u32>,
}

/// Why a replica count was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicasError {
    /// The minimum is above the maximum.
    #[error("minimum {min} is above maximum {max}")]
    Crossed {
        /// The minimum.
        min: u32,
        /// The maximum.
        max: u32,
    },
    /// A count beyond anything a fleet holds.
    #[error("{0} replicas is outside 0..={max}", max = Replicas::LIMIT)]
    OutOfRange(i64),
}

impl Replicas {
    /// No workload has more replicas than this; larger numbers are taken for damage.
    pub const LIMIT: u32 = 100_000;

    /// Checks a count from outside.
    pub fn check_count(count: i64) -> Result<u32, ReplicasError> {
        u32::try_from(count).ok().filter(|c| *c <= Self::LIMIT).ok_or(ReplicasError::OutOfRange(count))
    }

    /// Checks that the bounds do not cross.
    pub fn check(self) -> Result<Self, ReplicasError> {
        match (self.min, self.max) {
            (Some(min), Some(max)) if min > max => Err(ReplicasError::Crossed { min, max }),
            _ => Ok(self),
        }
    }

    /// `wanted` moved into the owner's bounds.
    pub fn clamp(&self, wanted: u32) -> u32 {
        let wanted = wanted.max(self.min.unwrap_or(0));
        self.max.map_or(wanted, |max| wanted.min(max))
    }

    /// Whether the owner asks for its maximum.
    pub fn is_capped(&self) -> bool {
        self.max.is_some_and(|max| self.desired >= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold() {
        let r = Replicas { desired: 6, ready: 6, min: Some(2), max: Some(10) };
        assert_eq!((r.clamp(0), r.clamp(50), r.clamp(7)), (2, 10, 7));
        assert!(Replicas { min: Some(5), max: Some(4), ..r }.check().is_err());
        assert_eq!(Replicas::check_count(-1), Err(ReplicasError::OutOfRange(-1)));
        assert!(Replicas::check_count(i64::from(i32::MAX)).is_err());
    }
}
