//! Up to 255 values of one series in as few bytes as they allow, bit for bit.
//!
//! What scrapes carry are decimals: counters and sizes are integers, the rest has a few digits behind the point. So a
//! value is written as an integer `k` and a common exponent `e` with `k / 10^e` giving back exactly its bits, which
//! holds for what was parsed from at most fifteen digits. Of the integers either the distances from the smallest or
//! the differences from one to the next, less the smallest difference, are packed in a common width (frame of
//! reference); where few values change, only the changes are written. Values that are no decimals (stale markers, NaN
//! of any payload, infinities) are listed beside them; a series of which too many are none is written as the bits that
//! differ from the value before (as in Gorilla, but in a common width), at worst raw.

use super::bits::{MAX_WIDTH, Reader, pack, put_varint, varint_bytes, width, zigzag};

/// Most values of one chunk.
pub(super) const MAX_VALUES: usize = 255;
/// "No sample here": a NaN that nothing outside the store makes; [`super::row::sane`] keeps it out.
pub(super) const ABSENT: u64 = 0x7ff0_0000_0000_5ca1;
/// Largest exponent tried.
const MAX_EXPONENT: usize = 15;
const POWERS: [f64; MAX_EXPONENT + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// Beyond this a float no longer holds every integer.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
/// Values that are no decimals in a chunk of decimals, at most.
const MAX_ODD: usize = 8;

// Kinds of chunk: the lower half of the first byte. The upper half is the exponent.
const SAME: u8 = 0;
const SAME_RAW: u8 = 1;
const NEAR: u8 = 2;
const STEPS: u8 = 3;
const RUNS: u8 = 4;
const XOR: u8 = 5;
const RUNS_RAW: u8 = 6;
/// Set if the chunk is absent at its beginning or end: two bytes say where it is not.
const TRIMMED: u8 = 8;

/// Appends `values`, at most [`MAX_VALUES`]. A chunk without samples takes no byte.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) {
    let present = |v: &f64| v.to_bits() != ABSENT;
    let Some(start) = values.iter().position(present) else { return };
    let end = values.iter().rposition(present).map_or(0, |i| i + 1);
    let Some(kept) = values.get(start..end) else { return };
    let trimmed = if kept.len() < values.len() { TRIMMED } else { 0 };
    let begin = |kind: u8, exponent: usize, out: &mut Vec<u8>| {
        out.push(kind | trimmed | (exponent as u8) << 4);
        if trimmed != 0 {
            out.extend_from_slice(&[start as u8, kept.len() as u8]);
        }
    };
    let Some(first) = kept.first() else { return };
    if kept.iter().all(|v| v.to_bits() == first.to_bits()) {
        if let Some(whole) = scaled(*first, 1.0).filter(|k| varint_bytes(zigzag(*k)) < 8) {
            begin(SAME, 0, out);
            put_varint(zigzag(whole), out);
        } else {
            begin(SAME_RAW, 0, out);
            out.extend_from_slice(&first.to_bits().to_le_bytes());
        }
        return;
    }
    let mut decimals = Decimals::new();
    if decimals.fill(kept) { decimals.write(begin, out) } else { bitwise(kept, begin, out) }
}

/// The values of one chunk as integers with a common exponent.
struct Decimals {
    whole: [i64; MAX_VALUES],
    count: usize,
    exponent: usize,
    odd: [(u8, u64); MAX_ODD],
    odds: usize,
}

impl Decimals {
    const fn new() -> Self {
        Self { whole: [0; MAX_VALUES], count: 0, exponent: 0, odd: [(0, 0); MAX_ODD], odds: 0 }
    }

    fn kept(&self) -> &[i64] {
        self.whole.get(..self.count).unwrap_or(&self.whole)
    }

    /// Whether all but a few values are decimals.
    fn fill(&mut self, values: &[f64]) -> bool {
        'again: loop {
            (self.count, self.odds) = (0, 0);
            let power = POWERS.get(self.exponent).copied().unwrap_or(1.0);
            let mut before = 0;
            for (value, whole) in values.iter().zip(&mut self.whole) {
                if let Some(k) = scaled(*value, power) {
                    before = k;
                } else if value.is_finite() && *value != 0.0 {
                    let finer =
                        POWERS.iter().skip(self.exponent + 1).position(|p| scaled(*value, *p).is_some());
                    let Some(finer) = finer else { return false };
                    self.exponent += finer + 1;
                    continue 'again;
                } else {
                    let Some(odd) = self.odd.get_mut(self.odds) else { return false };
                    *odd = (self.count as u8, value.to_bits());
                    self.odds += 1;
                }
                *whole = before;
                self.count += 1;
            }
            return true;
        }
    }

    fn write(&self, begin: impl Fn(u8, usize, &mut Vec<u8>), out: &mut Vec<u8>) {
        let whole = self.kept();
        let Some(first) = whole.first().copied() else { return };
        let (mut low, mut high) = (first, first);
        let (mut slow, mut fast) = (i64::MAX, i64::MIN);
        let (mut runs, mut run) = (0usize, 0u64);
        let mut before = first;
        for k in whole.iter().skip(1).copied() {
            let step = k - before;
            (low, high) = (low.min(k), high.max(k));
            (slow, fast) = (slow.min(step), fast.max(step));
            run += 1;
            if step != 0 {
                runs += varint_bytes(run) + varint_bytes(zigzag(step));
                run = 0;
            }
            before = k;
        }
        let steps = whole.len() - 1;
        let near = width(high.wrapping_sub(low) as u64);
        let step = if steps == 0 { 0 } else { width(fast.wrapping_sub(slow) as u64) };
        let packed = ((steps * near.min(step) as usize).div_ceil(8)) + varint_bytes(zigzag(slow)) + 1;
        let kind = if runs < packed {
            RUNS
        } else if near <= step {
            NEAR
        } else {
            STEPS
        };
        begin(kind, self.exponent, out);
        out.push(self.odds as u8);
        for (at, bits) in self.odd.iter().take(self.odds) {
            out.push(*at);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        put_varint(zigzag(first), out);
        let after = whole.iter().skip(1).copied();
        match kind {
            NEAR => {
                put_varint(zigzag(low), out);
                out.push(near as u8);
                pack(after.map(|k| (k - low) as u64), near, out);
            }
            STEPS => {
                put_varint(zigzag(slow), out);
                out.push(step as u8);
                pack(whole.iter().zip(after).map(|(a, b)| (b - a - slow) as u64), step, out);
            }
            _ => {
                let (mut run, mut before) = (0u64, first);
                for k in after {
                    run += 1;
                    if k != before {
                        put_varint(run, out);
                        put_varint(zigzag(k - before), out);
                        (run, before) = (0, k);
                    }
                }
                put_varint(0, out);
            }
        }
    }
}

/// The integer `k` for which `k / power` has exactly the bits of `value`.
fn scaled(value: f64, power: f64) -> Option<i64> {
    if power == 1.0 {
        let k = value as i64;
        return (value.abs() < MAX_WHOLE && (k as f64).to_bits() == value.to_bits()).then_some(k);
    }
    let raised = value * power;
    let k = (raised + 0.5_f64.copysign(raised)) as i64;
    (raised.abs() < MAX_WHOLE && (k as f64 / power).to_bits() == value.to_bits()).then_some(k)
}

/// Any bits at all.
fn bitwise(values: &[f64], begin: impl Fn(u8, usize, &mut Vec<u8>), out: &mut Vec<u8>) {
    let pairs = || values.iter().zip(values.iter().skip(1));
    let differ = pairs().fold(0, |all, (a, b)| all | (a.to_bits() ^ b.to_bits()));
    let changes = pairs().filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    let low = differ.trailing_zeros();
    let wide = width(differ) - low;
    let Some(first) = values.first() else { return };
    if changes * 9 < (values.len() - 1) * wide as usize / 8 {
        begin(RUNS_RAW, 0, out);
        out.extend_from_slice(&first.to_bits().to_le_bytes());
        let mut run = 0;
        for (a, b) in pairs() {
            run += 1;
            if a.to_bits() != b.to_bits() {
                out.push(run);
                out.extend_from_slice(&b.to_bits().to_le_bytes());
                run = 0;
            }
        }
        out.push(0);
        return;
    }
    begin(XOR, 0, out);
    out.push(low as u8);
    out.push(wide as u8);
    out.extend_from_slice(&first.to_bits().to_le_bytes());
    if wide > MAX_WIDTH {
        out.extend(values.iter().skip(1).flat_map(|v| v.to_bits().to_le_bytes()));
    } else {
        pack(pairs().map(|(a, b)| (a.to_bits() ^ b.to_bits()) >> low), wide, out);
    }
}

/// Appends the `count` values that `bytes` was made from. Never fails: what is not there is absent or zero.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<f64>) {
    let end = out.len() + count;
    let mut reader = Reader(bytes);
    if !bytes.is_empty() {
        let head = reader.byte();
        let mut kept = count;
        if head & TRIMMED != 0 {
            let start = usize::from(reader.byte()).min(count);
            out.resize(out.len() + start, f64::from_bits(ABSENT));
            kept = usize::from(reader.byte()).min(count - start);
        }
        let power = POWERS.get(usize::from(head >> 4)).copied().unwrap_or(1.0);
        if kept > 0 {
            decode_kept(head & 7, power, reader, kept, out);
        }
    }
    out.resize(end, f64::from_bits(ABSENT));
}

fn decode_kept(kind: u8, power: f64, mut reader: Reader<'_>, count: usize, out: &mut Vec<f64>) {
    let start = out.len();
    match kind {
        SAME => {
            let value = reader.signed() as f64;
            out.resize(start + count, value);
        }
        SAME_RAW => {
            let value = f64::from_bits(reader.word());
            out.resize(start + count, value);
        }
        XOR => {
            let (low, wide) = (u32::from(reader.byte()), u32::from(reader.byte()));
            let mut bits = reader.word();
            out.push(f64::from_bits(bits));
            if wide > MAX_WIDTH {
                out.extend((1..count).map(|_| f64::from_bits(reader.word())));
            } else {
                reader.unpack(count - 1, wide, |differ| {
                    bits ^= differ.wrapping_shl(low);
                    out.push(f64::from_bits(bits));
                });
            }
        }
        RUNS_RAW => {
            let mut value = f64::from_bits(reader.word());
            out.push(value);
            loop {
                let run = usize::from(reader.byte());
                if run == 0 || out.len() - start >= count {
                    break;
                }
                out.resize(out.len() + run - 1, value);
                value = f64::from_bits(reader.word());
                out.push(value);
            }
            out.resize(start + count, value);
        }
        _ => decimals(kind, power, reader, count, out),
    }
}

fn decimals(kind: u8, power: f64, mut reader: Reader<'_>, count: usize, out: &mut Vec<f64>) {
    let start = out.len();
    let odds = usize::from(reader.byte()).min(MAX_ODD);
    let mut odd = [(0usize, 0u64); MAX_ODD];
    for place in odd.iter_mut().take(odds) {
        *place = (usize::from(reader.byte()), reader.word());
    }
    let mut k = reader.signed();
    out.push(k as f64);
    if kind == RUNS {
        loop {
            let run = reader.varint() as usize;
            if run == 0 || out.len() - start >= count {
                break;
            }
            out.resize(out.len().saturating_add(run - 1).min(start + count), k as f64);
            k = k.wrapping_add(reader.signed());
            out.push(k as f64);
        }
        out.resize(start + count, k as f64);
    } else {
        let base = reader.signed();
        let wide = u32::from(reader.byte()).min(MAX_WIDTH);
        if kind == NEAR {
            reader.unpack(count - 1, wide, |more| out.push(base.wrapping_add(more as i64) as f64));
        } else {
            reader.unpack(count - 1, wide, |more| {
                k = k.wrapping_add(base).wrapping_add(more as i64);
                out.push(k as f64);
            });
        }
    }
    if power != 1.0 {
        for value in out.iter_mut().skip(start) {
            *value /= power;
        }
    }
    for (at, bits) in odd.iter().take(odds) {
        if let Some(value) = out.get_mut(start + at) {
            *value = f64::from_bits(*bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::stale_marker;

    fn packed(values: &[f64]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, &mut out);
        out
    }

    fn assert_same(values: &[f64]) {
        let bytes = packed(values);
        for extra in [0, 16] {
            let mut longer = bytes.clone();
            if !bytes.is_empty() {
                longer.resize(bytes.len() + extra, 0xff);
            }
            let mut got = vec![7.0];
            decode(&longer, values.len(), &mut got);
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&got[1..]), bits(values), "{values:?} as {bytes:?}");
        }
    }

    const GONE: f64 = f64::from_bits(ABSENT);

    #[test]
    fn small_where_values_are_plain() {
        assert!(packed(&[GONE; 120]).is_empty());
        assert_eq!(packed(&[3.0; 120]).len(), 2);
        assert_eq!(packed(&[f64::NAN; 120]).len(), 9);
        let counter: Vec<f64> = (0..120).map(|i| 1e9 + f64::from(i * 7 + i % 3)).collect();
        assert!(packed(&counter).len() <= 10 + 119 * 3 / 8 + 1, "{}", packed(&counter).len());
        let tenths: Vec<f64> = (0..120).map(|i| f64::from(400 + i % 8) / 10.0).collect();
        assert!(packed(&tenths).len() <= 10 + 119 * 3 / 8 + 1, "{}", packed(&tenths).len());
        let seldom: Vec<f64> = (0..120).map(|i| if i < 77 { 1e6 } else { 1e6 + 1e5 }).collect();
        assert!(packed(&seldom).len() < 12);
        let mut ends = counter.clone();
        ends[60] = stale_marker();
        ends[61..].fill(GONE);
        assert!(packed(&ends).len() < packed(&counter).len() + 12);
        assert_same(&ends);
    }

    #[test]
    fn borders() {
        let edge = 9_007_199_254_740_991.0;
        for values in [
            vec![0.0, -0.0, 3.0],
            vec![-0.0; 4],
            vec![edge, -edge, edge, 0.0],
            vec![edge + 1.0, 1.0],
            vec![0.1, 1e15, 0.3],
            vec![0.1 + 0.2, 0.1, 1.0 / 3.0],
            vec![stale_marker(), GONE, 1.0, GONE, GONE, 2.0, GONE],
            vec![GONE, stale_marker()],
            vec![f64::INFINITY, 1.5, f64::NEG_INFINITY],
            vec![1e-300, f64::MAX, f64::MIN_POSITIVE],
            vec![std::f64::consts::PI; 200],
            vec![1.0; 1],
        ] {
            assert_same(&values);
        }
        assert_same(&(0..255).map(|i| f64::from(i).sqrt()).collect::<Vec<_>>());
        let mut seldom = vec![std::f64::consts::E; 255];
        seldom[100..].fill(std::f64::consts::PI);
        assert!(packed(&seldom).len() < 30);
        assert_same(&seldom);
    }

    /// A value as scrapes and machines have them.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => any::<u64>().prop_map(f64::from_bits),
            4 => any::<i32>().prop_map(f64::from),
            4 => (-1_000_000i64..1_000_000, 0..6).prop_map(|(k, e)| k as f64 / 10f64.powi(e)),
            1 => prop_oneof![Just(GONE), Just(stale_marker()), Just(f64::NAN), Just(-0.0), Just(f64::INFINITY)],
        ]
    }

    proptest! {
        /// Every bit pattern comes back, NaN payloads and signs of zero included.
        #[test]
        fn any_bits(values in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..=MAX_VALUES)) {
            assert_same(&values);
        }

        #[test]
        fn any_values(values in prop::collection::vec(value(), 0..=MAX_VALUES)) {
            assert_same(&values);
        }

        /// Steps of one kind, with holes and odd values strewn in: what the packed kinds are for.
        #[test]
        fn any_walk(
            steps in prop::collection::vec((-50i64..500, prop::option::weighted(0.02, value())), 1..=MAX_VALUES),
            start in -(1i64 << 52)..(1i64 << 52), moving in 0.0..1.0f64, exponent in 0..8, from in 0..40usize,
        ) {
            let mut k = start >> (exponent * 4);
            let mut values: Vec<f64> = steps.iter().enumerate().map(|(i, (step, odd))| {
                if (i as f64 * 0.618).fract() < moving { k += step; }
                odd.unwrap_or(k as f64 / 10f64.powi(exponent))
            }).collect();
            let absent = from.min(values.len());
            values[..absent].fill(GONE);
            assert_same(&values);
        }

        /// Damaged bytes give as many values as asked for, whatever they are.
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..=MAX_VALUES) {
            let mut out = Vec::new();
            decode(&bytes, count, &mut out);
            prop_assert_eq!(out.len(), count);
        }
    }
}
