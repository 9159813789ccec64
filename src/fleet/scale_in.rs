//! What an autoscaler may take away by itself.

use serde::{Deserialize, Serialize};

/// The policy of an autoscaler towards fewer replicas, as the value of [`super::Field::ScaleIn`].
///
/// Held is the highest, so that holding goes up, as raising a floor does: neither takes capacity away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleIn {
    /// As far as its policies let it: the default.
    #[default]
    Allowed,
    /// By the smallest step that one of its policies allows.
    Smallest,
    /// Not at all.
    Held,
}

impl ScaleIn {
    /// The value of the field: 0, 1, 2.
    pub const fn value(self) -> u32 {
        match self {
            Self::Allowed => 0,
            Self::Smallest => 1,
            Self::Held => 2,
        }
    }

    /// The policy behind a value; `None` for a value that stands for none.
    pub const fn of(value: u32) -> Option<Self> {
        match value {
            0 => Some(Self::Allowed),
            1 => Some(Self::Smallest),
            2 => Some(Self::Held),
            _ => None,
        }
    }

    /// One word: `allowed`, `smallest`, `held`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Smallest => "smallest",
            Self::Held => "held",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_and_holding_goes_up() {
        for policy in [ScaleIn::Allowed, ScaleIn::Smallest, ScaleIn::Held] {
            assert_eq!(ScaleIn::of(policy.value()), Some(policy));
            assert!(policy.value() <= ScaleIn::Held.value());
        }
        assert_eq!(ScaleIn::of(3), None);
    }
}
