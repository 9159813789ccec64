//! One hour of one signal as few bytes: which minutes have a value, then three bytes each, or four for all of them where
//! all are the same, as those of settings are.

/// Minutes of an hour.
pub(super) const MINUTES: i64 = 60;

/// What an hour of equal values begins with, and what one of different values does.
const SAME: u8 = 1;
const EACH: u8 = 2;

/// Values by minute; `None` is a gap.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hour([Option<f32>; MINUTES as usize]);

impl Default for Hour {
    fn default() -> Self {
        Self([None; MINUTES as usize])
    }
}

impl Hour {
    /// Puts a value at a minute that has none.
    pub(super) fn put(&mut self, minute: i64, value: f64) {
        let value = value as f32;
        let slot = usize::try_from(minute).ok().and_then(|minute| self.0.get_mut(minute));
        if let Some(slot) = slot.filter(|slot| slot.is_none() && value.is_finite()) {
            *slot = Some(value);
        }
    }

    /// Minutes that have a value.
    pub(super) fn minutes(&self) -> impl Iterator<Item = (i64, f64)> {
        self.0.iter().zip(0..).filter_map(|(value, minute)| value.map(|v| (minute, f64::from(v))))
    }

    /// As bytes.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut mask = 0_u64;
        for (minute, value) in self.0.iter().enumerate() {
            mask |= u64::from(value.is_some()) << minute;
        }
        let mut values = self.0.iter().flatten();
        let first = values.next().copied().unwrap_or(0.0);
        let same = values.all(|v| v.to_bits() == first.to_bits());
        let mut out = vec![if same { SAME } else { EACH }];
        out.extend(mask.to_be_bytes());
        if same {
            out.extend(first.to_bits().to_be_bytes());
        } else {
            // Sixteen bits of the number are four digits and more.
            out.extend(self.0.iter().flatten().flat_map(|v| {
                let [a, b, c, _] = v.to_bits().saturating_add(0x7f).to_be_bytes();
                [a, b, c]
            }));
        }
        out
    }

    /// From bytes; what is damaged is a gap.
    pub(super) fn unpack(bytes: &[u8]) -> Self {
        let mut hour = Self::default();
        let Some((kind, rest)) = bytes.split_first() else { return hour };
        let Some((mask, rest)) = rest.split_first_chunk::<8>() else { return hour };
        let mask = u64::from_be_bytes(*mask);
        let mut left = rest;
        for (minute, slot) in hour.0.iter_mut().enumerate() {
            if mask >> minute & 1 == 0 {
                continue;
            }
            let bits = match *kind {
                SAME => rest.first_chunk::<4>().map(|b| u32::from_be_bytes(*b)),
                EACH => left.split_first_chunk::<3>().map(|([a, b, c], after)| {
                    left = after;
                    u32::from_be_bytes([*a, *b, *c, 0])
                }),
                _ => None,
            };
            *slot = bits.map(f32::from_bits).filter(|v| v.is_finite());
        }
        hour
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_values_and_gaps_are_small() {
        let mut hour = Hour::default();
        assert_eq!(Hour::unpack(&hour.pack()), hour, "nothing");
        (0..60).step_by(2).for_each(|m| hour.put(m, 2.5));
        assert_eq!(hour.pack().len(), 13);
        assert_eq!(Hour::unpack(&hour.pack()), hour);
        hour.put(0, 9.0);
        hour.put(60, 9.0);
        hour.put(-1, 9.0);
        hour.put(1, f64::NAN);
        assert_eq!(hour.minutes().count(), 30, "the first value stays, and there are sixty minutes");
    }

    proptest! {
        #[test]
        fn values_come_back_to_four_digits(values in prop::collection::vec(prop::option::of(-1e12..1e12_f64), 60)) {
            let mut hour = Hour::default();
            for (minute, value) in values.iter().enumerate() {
                if let Some(value) = value {
                    hour.put(minute as i64, *value);
                }
            }
            let back: Vec<(i64, f64)> = Hour::unpack(&hour.pack()).minutes().collect();
            let put: Vec<(usize, f64)> = values.iter().enumerate().filter_map(|(m, v)| Some((m, (*v)?))).collect();
            prop_assert_eq!(back.len(), put.len());
            for ((m, v), (n, w)) in back.into_iter().zip(put) {
                prop_assert!(m == n as i64 && (v - w).abs() <= w.abs() * 5e-5, "{} {}", v, w);
            }
        }

        #[test]
        fn damaged_bytes_are_gaps(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Hour::unpack(&bytes).minutes().all(|(_, v)| v.is_finite()));
        }
    }
}
