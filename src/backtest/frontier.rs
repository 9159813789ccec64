//! Policies as frontiers: pod-hours against minutes short.

use super::Figures;

/// The points nothing beats on both, by rising share short.
pub fn frontier<T: Clone>(points: &[(T, Figures)]) -> Vec<(T, Figures)> {
    let mut sorted: Vec<&(T, Figures)> = points.iter().collect();
    sorted
        .sort_by(|(_, a), (_, b)| a.short.total_cmp(&b.short).then(a.over_oracle.total_cmp(&b.over_oracle)));
    let mut least = f64::INFINITY;
    let keep = |p: &&(T, Figures)| {
        let better = p.1.over_oracle < least;
        least = least.min(p.1.over_oracle);
        better
    };
    sorted.into_iter().filter(keep).cloned().collect()
}

/// Pod-hours over the oracle's at a share `short`, between the frontier's points; `None` if the frontier has none so
/// careful. Beyond its most careless point that one's.
pub fn at<T>(frontier: &[(T, Figures)], short: f64) -> Option<f64> {
    let next = frontier.partition_point(|(_, f)| f.short <= short);
    let (_, left) = frontier.get(next.checked_sub(1)?)?;
    let Some((_, right)) = frontier.get(next) else { return Some(left.over_oracle) };
    let share = (short - left.short) / (right.short - left.short);
    Some(left.over_oracle + (right.over_oracle - left.over_oracle) * share)
}

/// The cheapest point with at most `short`; the most careful one if none is.
pub fn shown<T>(points: &[(T, Figures)], short: f64) -> Option<usize> {
    let indexed = || points.iter().enumerate();
    let within = indexed().filter(|(_, (_, f))| f.short <= short);
    let cheapest = within.min_by(|(_, (_, a)), (_, (_, b))| a.over_oracle.total_cmp(&b.over_oracle));
    cheapest
        .or_else(|| indexed().min_by(|(_, (_, a)), (_, (_, b))| a.short.total_cmp(&b.short)))
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(short: f64, over_oracle: f64) -> ((), Figures) {
        ((), Figures { short, over_oracle, ..Figures::default() })
    }

    #[test]
    fn beaten_points_go_and_the_rest_is_joined() {
        let points = [point(0.02, 1.5), point(0.01, 2.0), point(0.01, 2.2), point(0.015, 2.1)];
        let line = frontier(&points);
        assert_eq!(line.iter().map(|((), f)| f.short).collect::<Vec<_>>(), [0.01, 0.02]);
        assert_eq!(at(&line, 0.015), Some(1.75));
        assert_eq!(at(&line, 0.005), None);
        assert_eq!(at(&line, 0.5), Some(1.5));
        assert_eq!(at::<()>(&[], 0.5), None);
        assert_eq!(shown(&points, 0.012), Some(1));
        assert_eq!(shown(&points, 0.001), Some(1));
        assert_eq!(shown::<()>(&[], 0.1), None);
    }
}
