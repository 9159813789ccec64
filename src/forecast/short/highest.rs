//! The highest of the last values.

use std::collections::VecDeque;

/// The highest of a sliding span: values that may still become it, falling.
#[derive(Clone, Debug)]
pub(super) struct Highest {
    slots: u64,
    seen: u64,
    left: VecDeque<(u64, f64)>,
}

impl Highest {
    /// Of the last `slots` values, at least one.
    pub fn new(slots: i64) -> Self {
        Self { slots: slots.max(1).unsigned_abs(), seen: 0, left: VecDeque::new() }
    }

    /// The newest value.
    pub fn push(&mut self, value: f64) {
        self.seen += 1;
        while self.left.back().is_some_and(|(_, v)| *v <= value) {
            self.left.pop_back();
        }
        self.left.push_back((self.seen, value));
        while self.left.front().is_some_and(|(at, _)| at + self.slots <= self.seen) {
            self.left.pop_front();
        }
    }

    /// The highest; 0 before the first value.
    pub fn get(&self) -> f64 {
        self.left.front().map_or(0.0, |(_, v)| *v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_span_and_nothing_before_it() {
        let mut three = Highest::new(3);
        assert_eq!(three.get(), 0.0);
        let told: Vec<f64> = [5.0, 1.0, 2.0, 2.0, 0.0, 0.0, 7.0, 3.0]
            .map(|v| {
                three.push(v);
                three.get()
            })
            .to_vec();
        assert_eq!(told, [5.0, 5.0, 5.0, 2.0, 2.0, 2.0, 7.0, 7.0]);
        let mut latest = Highest::new(0);
        latest.push(4.0);
        latest.push(1.0);
        assert_eq!(latest.get(), 1.0);
    }
}
