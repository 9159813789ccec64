//! PromQL's syntax: text to a checked [`Plan`](super::plan::Plan), with the place of every expression.
//!
//! The grammar is Prometheus 3's with what its feature flags add: duration expressions, `anchored`, `smoothed`,
//! `fill`, and the experimental functions. Precedence is climbed; types are checked as nodes are made.

mod aggregate;
mod call;
mod duration;
mod expr;
mod lexer;
mod literal;
mod operator;
mod parser;
mod selector;
mod signature;
mod token;

#[cfg(test)]
mod tests;

pub(super) use operator::place;
pub(super) use parser::parse;
