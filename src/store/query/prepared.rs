//! A parsed and lowered expression, to be evaluated many times.

use std::sync::Arc;

use promql_parser::parser::{Function, function::register_extra_functions, value::ValueType};

use super::QueryError;
use super::literal::decode_byte_escapes;
use super::lower::lower;
use super::plan::Plan;

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
        know_old_names();
        let parsed = promql_parser::parser::parse(&decode_byte_escapes(expr)).map_err(QueryError::Parse)?;
        Ok(Self { text: expr.into(), plan: Arc::new(lower(&parsed)?) })
    }

    /// The expression as given.
    pub fn text(&self) -> &str {
        &self.text
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

/// Teaches the parser `holt_winters`, the name that `double_exponential_smoothing` had before Prometheus 3.
fn know_old_names() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let arguments = vec![ValueType::Matrix, ValueType::Scalar, ValueType::Scalar];
        // Fails only if a later parser knows the name by itself, which is as good.
        let _ = register_extra_functions(vec![Function::new(
            "holt_winters",
            arguments,
            0,
            ValueType::Vector,
            false,
        )]);
    });
}
