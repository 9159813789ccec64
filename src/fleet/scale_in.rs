//! What an autoscaler may take away by itself.

use serde::{Deserialize, Serialize};

use super::Replicas;

/// The policy of an autoscaler towards fewer replicas, as the value of [`super::Field::ScaleIn`].
///
/// What holds more is higher, so that holding goes up, as raising a floor does: neither takes capacity away.
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
    /// Not at all, and none are added: the count stands still, whatever the load. At which count is part of the value.
    Pinned,
}

impl ScaleIn {
    /// The value of the field: 0, 1, 2, 3. That of a pin with its count is [`Self::pinned_at`].
    pub const fn value(self) -> u32 {
        match self {
            Self::Allowed => 0,
            Self::Smallest => 1,
            Self::Held => 2,
            Self::Pinned => 3,
        }
    }

    /// The value of a pin at `count` replicas: the count is in all that is hashed, recorded, written and read back.
    pub const fn pinned_at(count: u32) -> u32 {
        Self::Pinned.value().saturating_add(count)
    }

    /// The count of a pin; `None` for what is no pin, and for a pin whose count is not known.
    pub const fn count_of(value: u32) -> Option<u32> {
        match value.checked_sub(Self::Pinned.value()) {
            None | Some(0) => None,
            count => count,
        }
    }

    /// The policy behind a value; `None` for a value that stands for none.
    pub const fn of(value: u32) -> Option<Self> {
        match value {
            0 => Some(Self::Allowed),
            1 => Some(Self::Smallest),
            2 => Some(Self::Held),
            _ if value <= Self::HIGHEST => Some(Self::Pinned),
            _ => None,
        }
    }

    /// The highest value there is.
    pub const HIGHEST: u32 = Self::pinned_at(Replicas::LIMIT);

    /// One word: `allowed`, `smallest`, `held`, `pinned`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Smallest => "smallest",
            Self::Held => "held",
            Self::Pinned => "pinned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_and_holding_goes_up() {
        let all = [ScaleIn::Allowed, ScaleIn::Smallest, ScaleIn::Held, ScaleIn::Pinned];
        for policy in all {
            assert_eq!(ScaleIn::of(policy.value()), Some(policy));
        }
        assert!(all.windows(2).all(|pair| pair[0].value() < pair[1].value() && pair[0] < pair[1]));
        assert_eq!(ScaleIn::of(ScaleIn::pinned_at(7)), Some(ScaleIn::Pinned));
        assert_eq!((ScaleIn::count_of(ScaleIn::pinned_at(7)), ScaleIn::count_of(3)), (Some(7), None));
        assert_eq!((ScaleIn::count_of(2), ScaleIn::of(u32::MAX)), (None, None));
    }
}
