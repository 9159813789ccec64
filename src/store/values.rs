//! The values of a chunk, packed once it is full.

/// Beyond this a float no longer holds every integer.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Values in order. An open chunk holds them as they are; a sealed one as small as they allow, bit for bit.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// As they are.
    Raw(Vec<f64>),
    /// All the same: more than half of all series never move.
    Same { value: f64, len: usize },
    /// Integers near each other, as most counters are: distances from the first.
    Whole { base: i64, distances: Vec<i32> },
}

impl Values {
    pub(super) fn starting_with(value: f64) -> Self {
        Self::Raw(vec![value])
    }

    /// Appends a value; `false` if sealed.
    pub(super) fn push(&mut self, value: f64) -> bool {
        let Self::Raw(values) = self else { return false };
        values.push(value);
        true
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Raw(values) => values.len(),
            Self::Same { len, .. } => *len,
            Self::Whole { distances, .. } => distances.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<f64> {
        match self {
            Self::Raw(values) => values.get(index).copied(),
            Self::Same { value, len } => (index < *len).then_some(*value),
            Self::Whole { base, distances } => {
                distances.get(index).map(|d| base.saturating_add(i64::from(*d)) as f64)
            }
        }
    }

    /// Heap bytes held.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Raw(values) => values.capacity() * size_of::<f64>(),
            Self::Same { .. } => 0,
            Self::Whole { distances, .. } => distances.capacity() * size_of::<i32>(),
        }
    }

    /// Packs the values; nothing can be pushed afterwards unless they stay as they are.
    pub(super) fn seal(&mut self) {
        let Self::Raw(values) = self else { return };
        let Some(first) = values.first().copied() else { return };
        if values.iter().all(|v| v.to_bits() == first.to_bits()) {
            *self = Self::Same { value: first, len: values.len() };
        } else if let Some((base, distances)) = whole(first, values) {
            *self = Self::Whole { base, distances };
        } else {
            values.shrink_to_fit();
        }
    }
}

fn whole(first: f64, values: &[f64]) -> Option<(i64, Vec<i32>)> {
    let base = exact(first)?;
    let distances: Option<Vec<i32>> =
        values.iter().map(|v| i32::try_from(exact(*v)?.checked_sub(base)?).ok()).collect();
    distances.map(|distances| (base, distances))
}

/// The integer that is exactly this value; negative zero is none.
fn exact(value: f64) -> Option<i64> {
    let integer = value as i64;
    (value.abs() < MAX_WHOLE && (integer as f64).to_bits() == value.to_bits()).then_some(integer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(values: &[f64]) -> Values {
        let mut packed = Values::starting_with(values[0]);
        for v in &values[1..] {
            assert!(packed.push(*v));
        }
        packed.seal();
        packed
    }

    fn assert_same(values: &[f64]) {
        let packed = sealed(values);
        assert_eq!(packed.len(), values.len());
        for (i, v) in values.iter().enumerate() {
            assert_eq!(packed.get(i).map(f64::to_bits), Some(v.to_bits()), "{values:?}");
        }
        assert_eq!(packed.get(values.len()), None);
    }

    #[test]
    fn packs_what_can_be_packed() {
        assert_eq!(sealed(&[2.5; 120]).bytes(), 0);
        assert!(matches!(sealed(&[f64::NAN, f64::NAN]), Values::Same { .. }));
        assert!(sealed(&[1e15, 1e15 + 3.0, 1e15 - 7.0]).bytes() <= 16);
        assert!(matches!(sealed(&[0.0, -0.0]), Values::Raw(_)));
        assert!(matches!(sealed(&[1.0, 1e18]), Values::Raw(_)));
        assert_same(&[0.0, -0.0, 3.0]);
        assert_same(&[9_007_199_254_740_991.0, 9_007_199_254_740_990.0]);
        assert_same(&[crate::series::stale_marker(), 1.0]);
    }

    proptest! {
        /// Every bit pattern comes back, NaN payloads and signs of zero included.
        #[test]
        fn round_trip(bits in prop::collection::vec(any::<u64>(), 1..50)) {
            assert_same(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
        }

        #[test]
        fn round_trip_of_integers(ints in prop::collection::vec(any::<i32>(), 1..50), base in -(1i64 << 50)..(1i64 << 50)) {
            assert_same(&ints.into_iter().map(|i| (base + i64::from(i)) as f64).collect::<Vec<_>>());
        }
    }
}
