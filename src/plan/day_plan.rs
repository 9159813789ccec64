//! A day's plan: a need that moves all day, in as few steps as a person can look at.

/// Slots a plan may have; more are not looked at.
const MOST_SLOTS: usize = 512;

/// One step: slots `from..to` at `level` replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// First slot.
    pub from: usize,
    /// The slot after the last.
    pub to: usize,
    /// Replicas, never under the need of any of its slots.
    pub level: u32,
}

/// A need in few steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// In order, without gaps.
    pub steps: Vec<PlanStep>,
    /// What the compression costs: replica-slots above the need.
    pub excess: u64,
}

/// The cheapest schedule of at most `most` steps that is nowhere below `need`, by dynamic programming over the last
/// step's start (Bellman 1961, segmented approximation; the cost of a segment is its maximum times its length).
pub fn compress(need: &[u32], most: usize) -> Steps {
    let need = need.get(..need.len().min(MOST_SLOTS)).unwrap_or(&[]);
    let n = need.len();
    // best[e]: cheapest cost of the first e slots; starts[k][e]: where the last of k + 1 steps begins.
    let mut best = vec![u64::MAX; n + 1];
    if let Some(first) = best.first_mut() {
        *first = 0;
    }
    let mut starts: Vec<Vec<usize>> = Vec::new();
    for _ in 0..most.clamp(1, n.max(1)) {
        let (next, start): (Vec<u64>, Vec<usize>) = (0..=n).map(|end| last_step(need, &best, end)).unzip();
        let better = next.last() < best.last();
        best = next;
        starts.push(start);
        if !better {
            break;
        }
    }
    let mut steps = Vec::new();
    let mut end = n;
    for start in starts.iter().rev() {
        let from = start.get(end).copied().unwrap_or(0);
        let level = need.get(from..end).and_then(|s| s.iter().max()).copied();
        if let Some(level) = level {
            steps.push(PlanStep { from, to: end, level });
        }
        end = from;
    }
    steps.reverse();
    steps.dedup_by(|later, earlier| {
        let same = later.level == earlier.level;
        if same {
            earlier.to = later.to;
        }
        same
    });
    let planned: u64 = steps.iter().map(|s| u64::from(s.level) * (s.to - s.from) as u64).sum();
    Steps { steps, excess: planned - need.iter().map(|n| u64::from(*n)).sum::<u64>() }
}

/// Cheapest cost of the first `end` slots with one more step than `best` has (or as many), and where that step begins.
fn last_step(need: &[u32], best: &[u64], end: usize) -> (u64, usize) {
    let mut found = (best.get(end).copied().unwrap_or(u64::MAX), end);
    let mut level = 0;
    for (from, slot) in need.iter().enumerate().take(end).rev() {
        level = level.max(*slot);
        let before = best.get(from).copied().unwrap_or(u64::MAX);
        let cost = before.saturating_add(u64::from(level) * (end - from) as u64);
        if cost < found.0 {
            found = (cost, from);
        }
    }
    found
}

/// A step of a day's plan: within it replicas may follow demand between `floor` and `ceiling` without another decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corridor {
    /// First slot.
    pub from: usize,
    /// The slot after the last.
    pub to: usize,
    /// Never fewer.
    pub floor: u32,
    /// Never more without being asked.
    pub ceiling: u32,
}

/// At most `most` corridors over slots whose need is expected between `low` and `high`.
pub fn corridors(low: &[u32], high: &[u32], most: usize) -> Vec<Corridor> {
    let corridor = |s: &PlanStep| {
        let floor = low.get(s.from..s.to).and_then(|l| l.iter().min()).copied().unwrap_or(0);
        Corridor { from: s.from, to: s.to, floor: floor.min(s.level), ceiling: s.level }
    };
    compress(high, most).steps.iter().map(corridor).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(from: usize, to: usize, level: u32) -> PlanStep {
        PlanStep { from, to, level }
    }

    #[test]
    fn a_day_by_hand() {
        let need = [2, 2, 3, 8, 9, 8, 3, 2];
        let two = compress(&need, 2);
        // 2-2-3 at 3, the rest at 9: 9 + 45 = 54 against 37 needed.
        assert_eq!(two.steps, [step(0, 3, 3), step(3, 8, 9)]);
        assert_eq!(two.excess, 17);
        let three = compress(&need, 3);
        assert_eq!(three.steps, [step(0, 3, 3), step(3, 6, 9), step(6, 8, 3)]);
        assert_eq!(three.excess, 5);
        assert_eq!(compress(&need, 8).excess, 0);
        assert_eq!(compress(&[4; 6], 6).steps, [step(0, 6, 4)], "no more steps than needed");
        assert_eq!(compress(&[], 6), Steps::default());
    }

    #[test]
    fn corridors_hold_what_is_expected() {
        let plan = corridors(&[1, 1, 4, 5], &[3, 2, 8, 9], 2);
        assert_eq!(
            plan,
            [
                Corridor { from: 0, to: 2, floor: 1, ceiling: 3 },
                Corridor { from: 2, to: 4, floor: 4, ceiling: 9 }
            ]
        );
    }

    proptest! {
        #[test]
        fn covers_every_slot_and_more_steps_never_cost_more(need in prop::collection::vec(0u32..40, 1..60), most in 1usize..8) {
            let plan = compress(&need, most);
            prop_assert!(plan.steps.len() <= most);
            prop_assert_eq!(plan.steps.first().map(|s| s.from), Some(0));
            prop_assert_eq!(plan.steps.last().map(|s| s.to), Some(need.len()));
            prop_assert!(plan.steps.windows(2).all(|w| w[0].to == w[1].from));
            for s in &plan.steps {
                prop_assert!(need[s.from..s.to].iter().all(|n| *n <= s.level));
            }
            prop_assert!(compress(&need, most + 1).excess <= plan.excess);
        }
    }
}
