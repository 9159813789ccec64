//! A parsed and checked expression, to be evaluated many times.

use std::sync::Arc;

use super::QueryError;
use super::plan::Plan;
use super::syntax::parse;

/// Longest expression, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// A query that was parsed once. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Prepared {
    text: Arc<str>,
    plan: Arc<Plan>,
}

impl Prepared {
    /// Parses and checks `expr`.
    pub fn new(expr: &str) -> Result<Self, QueryError> {
        if expr.len() > MAX_BYTES {
            return Err(QueryError::Parse(format!("longer than {MAX_BYTES} bytes")));
        }
        Ok(Self { text: expr.into(), plan: Arc::new(parse(expr)?) })
    }

    /// The expression as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with every function of a range replaced by its series at the moment: what it answers about is still
    /// being measured, while its values mean nothing. `None` without such a function, or if the values decide what it
    /// answers about.
    pub fn of_the_moment(&self) -> Option<Self> {
        let mut plan = parse(&self.text).ok()?;
        super::moment::shorten(&mut plan).then(|| Self { text: Arc::clone(&self.text), plan: Arc::new(plan) })
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl std::str::FromStr for Prepared {
    type Err = QueryError;

    fn from_str(expr: &str) -> Result<Self, QueryError> {
        Self::new(expr)
    }
}
