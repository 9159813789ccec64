//! Masks what is no demand: failed scrapes read as zero and single-sample glitches. Masked slots become gaps.

use super::grid::median;

/// Longest run taken for a glitch, in slots; longer ones are real.
const GLITCH_RUN: usize = 2;
/// How many robust deviations, and how many times the local level, a glitch is away.
const GLITCH_SIGMAS: f64 = 8.0;
const GLITCH_FACTOR: f64 = 4.0;
/// Slots to each side that give the local level.
const AROUND: usize = 8;
/// Longest run of zeros taken for failed scrapes, in hours; a longer one is a service without demand.
const ZERO_HOURS: usize = 6;

/// The cleaned slots.
pub(crate) fn clean(values: &[Option<f64>], hour: usize) -> Vec<Option<f64>> {
    let mut out = values.to_vec();
    mask_zeros(&mut out, hour);
    mask_glitches(&mut out);
    out
}

/// Zeros in a series that otherwise never comes near zero are failed scrapes.
fn mask_zeros(values: &mut [Option<f64>], hour: usize) {
    let mut positive: Vec<f64> = values.iter().flatten().copied().filter(|v| *v > 0.0).collect();
    let Some(typical) = median(&mut positive) else { return };
    let low = positive.len() / 20;
    let low = *positive.select_nth_unstable_by(low, f64::total_cmp).1;
    let zeros = values.iter().flatten().count() - positive.len();
    // A series that dips towards zero, or is often zero, has real zeros.
    if zeros == 0 || low < 0.1 * typical || zeros * 10 > positive.len() {
        return;
    }
    let mut start = 0;
    while start < values.len() {
        let is_zero = |v: &Option<f64>| *v == Some(0.0);
        let run = values.get(start..).map_or(0, |rest| rest.iter().take_while(|v| is_zero(v)).count());
        if run > 0 && run <= ZERO_HOURS * hour {
            values.iter_mut().skip(start).take(run).for_each(|v| *v = None);
        }
        start += run.max(1);
    }
}

/// A run of at most [`GLITCH_RUN`] slots far above or below both of its sides.
fn mask_glitches(values: &mut [Option<f64>]) {
    let present: Vec<(usize, f64)> =
        values.iter().enumerate().filter_map(|(i, v)| v.map(|v| (i, v))).collect();
    let mut skip_to = 0;
    for (k, (_, value)) in present.iter().enumerate() {
        let before = k.checked_sub(1).and_then(|p| present.get(p)).map(|p| p.1);
        let Some(before) = before.filter(|_| k >= skip_to) else { continue };
        // Cheap test first: only a jump can begin a glitch.
        if !far(*value, before) {
            continue;
        }
        let run = glitch_run(&present, k);
        for (index, _) in present.iter().skip(k).take(run) {
            if let Some(slot) = values.get_mut(*index) {
                *slot = None;
            }
        }
        skip_to = k + run + usize::from(run > 0);
    }
}

fn far(value: f64, level: f64) -> bool {
    value > GLITCH_FACTOR * level || (value > 0.0 && value * GLITCH_FACTOR < level)
}

/// Length of the glitch that begins at `k`, 0 if there is none.
fn glitch_run(present: &[(usize, f64)], k: usize) -> usize {
    let left = present.get(k.saturating_sub(AROUND)..k).unwrap_or(&[]);
    let mut around: Vec<f64> = left.iter().map(|p| p.1).collect();
    let Some(level) = median(&mut around) else { return 0 };
    let run = present.iter().skip(k).take_while(|p| far(p.1, level)).take(GLITCH_RUN + 1).count();
    let right = present.get(k + run..(k + run + AROUND).min(present.len())).unwrap_or(&[]);
    // At the very end one slot may be a glitch; two are taken for the beginning of a burst.
    let longest = if right.is_empty() { 1 } else { GLITCH_RUN };
    if run == 0 || run > longest || left.len() < 3 {
        return 0;
    }
    around.extend(right.iter().map(|p| p.1));
    let Some(level) = median(&mut around) else { return 0 };
    let mut deviations: Vec<f64> = around.iter().map(|v| (v - level).abs()).collect();
    let sigma = 1.4826 * median(&mut deviations).unwrap_or(0.0);
    let out = |v: f64| far(v, level) && (v - level).abs() > GLITCH_SIGMAS * sigma;
    let returns = right.first().is_none_or(|p| !far(p.1, level));
    let all_out = present.iter().skip(k).take(run).all(|p| out(p.1));
    if returns && all_out { run } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize) -> Vec<Option<f64>> {
        (0..n).map(|i| Some(100.0 + 10.0 * (i as f64 / 10.0).sin())).collect()
    }

    #[test]
    fn glitches_and_scrape_zeros_become_gaps() {
        let mut v = wave(200);
        v[50] = Some(2000.0);
        v[51] = Some(2000.0);
        v[120] = Some(3.0);
        v[150..160].fill(Some(0.0));
        v[199] = Some(2000.0);
        let c = clean(&v, 12);
        let masked: Vec<usize> = (0..200).filter(|i| c[*i].is_none()).collect();
        let expected: Vec<usize> = [50, 51, 120].into_iter().chain(150..160).chain([199]).collect();
        assert_eq!(masked, expected);
    }

    #[test]
    fn bursts_steps_and_real_zeros_stay() {
        let mut v = wave(200);
        v[150..156].fill(Some(900.0));
        v[198] = Some(900.0);
        v[199] = Some(950.0);
        assert_eq!(clean(&v, 12), v);
        let mut sparse: Vec<Option<f64>> = (0..100).map(|i| Some(f64::from(i % 3))).collect();
        assert_eq!(clean(&sparse, 12), sparse);
        sparse.fill(Some(0.0));
        assert_eq!(clean(&sparse, 12), sparse);
    }

    #[test]
    fn a_long_outage_is_no_scrape_failure() {
        let mut v = wave(2000);
        v[1000..1100].fill(Some(0.0));
        assert_eq!(clean(&v, 12), v);
    }
}
