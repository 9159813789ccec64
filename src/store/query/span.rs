//! Instants of a query, durations that may depend on them, and shifts.

use super::QueryError;

/// The instants something is evaluated at, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) start: i64,
    pub(super) end: i64,
    /// Zero for an instant query.
    pub(super) step: i64,
}

impl Steps {
    /// One instant.
    pub(super) fn once(at: i64) -> Self {
        Self { start: at, end: at, step: 0 }
    }

    /// How many instants there are.
    pub(super) fn count(self) -> usize {
        if self.end < self.start {
            return 0;
        }
        if self.step <= 0 {
            return 1;
        }
        usize::try_from(self.end.saturating_sub(self.start) / self.step)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    pub(super) fn instants(self) -> impl Iterator<Item = i64> {
        (0..self.count() as i64).map(move |i| self.start.saturating_add(i.saturating_mul(self.step)))
    }
}

/// A duration, perhaps an expression over the query's step and range. In seconds.
#[derive(Debug)]
pub(super) enum Span {
    Seconds(f64),
    Step,
    Range,
    /// With how deep the deeper side is.
    Binary(SpanOp, Box<(Span, Span)>, usize),
}

/// Arithmetic over durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Min,
    Max,
}

impl Span {
    /// `left op right`.
    pub(super) fn of(op: SpanOp, left: Span, right: Span) -> Self {
        let deeper = left.depth().max(right.depth());
        Self::Binary(op, Box::new((left, right)), deeper)
    }

    /// Operations on the longest way down.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Binary(_, _, deeper) => deeper.saturating_add(1),
            Self::Seconds(_) | Self::Step | Self::Range => 0,
        }
    }

    fn seconds(&self, query: Steps) -> Result<f64, QueryError> {
        let (op, pair) = match self {
            Self::Seconds(seconds) => return Ok(*seconds),
            Self::Step => return Ok(query.step as f64 / 1000.0),
            Self::Range => return Ok(query.end.saturating_sub(query.start) as f64 / 1000.0),
            Self::Binary(op, pair, _) => (op, pair),
        };
        let (a, b) = (pair.0.seconds(query)?, pair.1.seconds(query)?);
        Ok(match op {
            SpanOp::Add => a + b,
            SpanOp::Sub => a - b,
            SpanOp::Mul => a * b,
            SpanOp::Div if b == 0.0 => return Err(QueryError::Eval("division by zero".into())),
            SpanOp::Div => a / b,
            SpanOp::Mod if b == 0.0 => return Err(QueryError::Eval("modulo by zero".into())),
            SpanOp::Mod => a % b,
            SpanOp::Pow => a.powf(b),
            SpanOp::Min => a.min(b),
            SpanOp::Max => a.max(b),
        })
    }

    /// In whole milliseconds, of either sign.
    pub(super) fn millis(&self, query: Steps) -> Result<i64, QueryError> {
        let millis = self.seconds(query)? * 1000.0;
        // Prometheus counts durations in nanoseconds of 63 bits.
        if !millis.is_finite() || millis.abs() > (i64::MAX / 1_000_000) as f64 {
            return Err(QueryError::Eval("duration is out of range".into()));
        }
        // Binary fractions such as 0.1 + 0.2 must not lose a millisecond to truncation.
        Ok(if (millis - millis.round()).abs() < 1e-6 { millis.round() } else { millis.trunc() } as i64)
    }

    /// In whole milliseconds; an error if that is not positive.
    pub(super) fn positive_millis(&self, query: Steps) -> Result<i64, QueryError> {
        let millis = self.millis(query)?;
        if millis <= 0 {
            return Err(QueryError::Eval("duration must be greater than 0".into()));
        }
        Ok(millis)
    }
}

/// `offset` and `@` of a selector or subquery.
#[derive(Debug, Default)]
pub(super) struct Shift {
    pub(super) offset: Option<Span>,
    pub(super) at: Option<At>,
}

/// The instant of an `@` modifier.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Start,
    End,
    Fixed(i64),
}

/// A shift whose offset is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    base: Option<i64>,
    offset: i64,
}

impl Shift {
    /// The shift in a query over `query`.
    pub(super) fn moved(&self, query: Steps) -> Result<Moved, QueryError> {
        let base = self.at.map(|at| match at {
            At::Start => query.start,
            At::End => query.end,
            At::Fixed(at) => at,
        });
        let offset = self.offset.as_ref().map_or(Ok(0), |span| span.millis(query))?;
        Ok(Moved { base, offset })
    }
}

impl Moved {
    /// The instant meant at evaluation time `t` (milliseconds).
    pub(super) fn apply(self, t: i64) -> i64 {
        self.base.unwrap_or(t).saturating_sub(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_compute() {
        let query = Steps { start: 0, end: 60_000, step: 10_000 };
        let of = Span::of;
        let sum = of(SpanOp::Add, Span::Step, Span::Seconds(0.3));
        assert_eq!(
            (sum.depth(), of(SpanOp::Mul, Span::Range, of(SpanOp::Sub, Span::Step, Span::Step)).depth()),
            (1, 2)
        );
        assert_eq!(sum.millis(query), Ok(10_300));
        assert_eq!(of(SpanOp::Max, Span::Range, Span::Seconds(5.0)).millis(query), Ok(60_000));
        assert!(of(SpanOp::Div, Span::Step, Span::Seconds(0.0)).millis(query).is_err());
        assert!(of(SpanOp::Sub, Span::Step, Span::Range).positive_millis(query).is_err());
        assert!(Span::Seconds(1e300).millis(query).is_err());
        assert_eq!(query.count(), 7);
        assert_eq!(Steps::once(5).instants().collect::<Vec<_>>(), [5]);
    }
}
