//! Isotonic regression: the non-decreasing step function nearest to weighted points.

/// Fits non-decreasing values to `(value, weight)` pairs in order, by pooling adjacent violators
/// (Barlow, Bartholomew, Bremner, Brunk 1972). Weights must be positive. Same length as the input.
pub fn non_decreasing(points: &[(f64, f64)]) -> Vec<f64> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(points.len());
    for (value, weight) in points {
        let mut block = (*value, *weight, 1);
        while let Some(last) = blocks.last().copied().filter(|last| last.0 > block.0) {
            blocks.pop();
            let weight = last.1 + block.1;
            block = ((last.0 * last.1 + block.0 * block.1) / weight, weight, last.2 + block.2);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(value, _, n)| std::iter::repeat_n(value, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled() {
        assert_eq!(
            non_decreasing(&[(1.0, 1.0), (3.0, 1.0), (2.0, 1.0), (4.0, 1.0)]),
            vec![1.0, 2.5, 2.5, 4.0]
        );
        assert_eq!(non_decreasing(&[(3.0, 1.0), (1.0, 3.0)]), vec![1.5, 1.5]);
        assert!(non_decreasing(&[]).is_empty());
    }
}
