//! Earned autonomy: whether a class of actions went well often enough to suggest approving it unasked
//! (`algorithms.md` §15). weescale only says so; nothing is approved unasked.

use super::wilson;

/// Decisions a class needs.
const DECISIONS: usize = 20;
/// The latest ones that must all have gone well.
const LATEST: usize = 5;
/// Least share that went well: the 95 % lower bound must reach it.
const SHARE: f64 = 0.95;

/// Whether a class is eligible. `decisions` in order of time: `Some(true)` approved and kept, `Some(false)` rejected
/// or of no use, `None` rolled back, which revokes everything before it.
pub fn eligible(decisions: &[Option<bool>]) -> bool {
    let since = decisions.iter().rposition(Option::is_none).map_or(0, |i| i + 1);
    let counted: Vec<bool> = decisions.iter().skip(since).flatten().copied().collect();
    let good = counted.iter().filter(|g| **g).count();
    counted.len() >= DECISIONS
        && counted.iter().rev().take(LATEST).all(|g| *g)
        && wilson(good, counted.len()).0 >= SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earned_slowly_and_lost_at_once() {
        // 52 of 52: 52 / (52 + 2.706) = 0.9505 is the first lower bound to reach 0.95.
        assert!(eligible(&[Some(true); 52]));
        assert!(!eligible(&[Some(true); 51]));
        assert!(!eligible(&[]));
        let mut late = [Some(true); 200];
        late[196] = Some(false);
        assert!(!eligible(&late), "one of the last five was not good");
        late[196] = Some(true);
        late[100] = Some(false);
        assert!(eligible(&late));
        late[190] = None;
        assert!(!eligible(&late), "a rollback revokes");
    }
}
