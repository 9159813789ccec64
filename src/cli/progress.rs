//! A progress bar on a terminal; nothing elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::clock::{Clock, Monotonic};

/// Cells of the bar.
const CELLS: usize = 30;
/// Time between two pictures of the bar.
const EVERY: Duration = Duration::from_millis(100);

/// Counts what is done of `total`, on standard error.
pub struct Progress {
    total: usize,
    done: usize,
    what: &'static str,
    clock: Clock,
    began: Monotonic,
    drawn: Option<Monotonic>,
    shown: bool,
}

impl Progress {
    /// A bar of `total` things called `what`.
    pub fn new(total: usize, what: &'static str) -> Self {
        let clock = Clock::real();
        let began = clock.monotonic();
        let shown = std::io::stderr().is_terminal();
        Self { total, done: 0, what, clock, began, drawn: None, shown }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.done += 1;
        let now = self.clock.monotonic();
        let due = self.drawn.is_none_or(|at| now.since(at) >= EVERY) || self.done == self.total;
        if self.shown && due {
            self.drawn = Some(now);
            let line = line(self.done, self.total, self.what, now.since(self.began));
            // A bar that cannot be drawn is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\u{1b}[K{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

fn line(done: usize, total: usize, what: &str, spent: Duration) -> String {
    let full = CELLS * done / total.max(1);
    let left = spent.as_secs_f64() * (total.saturating_sub(done)) as f64 / done.max(1) as f64;
    let bar = format!("{}{}", "#".repeat(full), ".".repeat(CELLS.saturating_sub(full)));
    format!("[{bar}] {done} of {total} {what}, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_says_what_is_left() {
        let half = line(5, 10, "series", Duration::from_secs(7));
        assert_eq!(half, "[###############...............] 5 of 10 series, 7 s left");
        assert!(
            line(10, 10, "series", Duration::from_secs(7)).starts_with("[##############################]")
        );
    }
}
