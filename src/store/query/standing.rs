//! Queries that are asked again and again: what does not change between two answers is worked out once.
//!
//! Which series an aggregation adds up, and into which group each of them goes, follows from labels alone, and labels
//! change seldom while values change with every scrape. [`Standing`] keeps, for each aggregation that is simple enough
//! (`Chain`), the columns of every target with the number of their group (`Members`), two numbers a series. An answer
//! then takes the last rows of each target, once for all queries (`Tail`), and adds values into groups: no label is
//! made, hashed or compared. The rest of the expression, which sees groups only, is evaluated as any other.
//!
//! A target whose labels changed, by a new series or by one that was freed, is looked at anew: its index is then
//! another one, or at another place. Whatever a chain cannot express (joins of single series, subqueries, shifts,
//! quantiles over series, labels that `label_replace` overwrites) is evaluated in the ordinary way, and so are errors.
//! What is added up is not loaded, but takes time: it has [`Bounds`] of its own, for all chains of a query together. A row
//! of a target's window counts as a sample of each of its series. A chain that goes beyond them is given up in the midst,
//! and its query answers with the limit.

mod acc;
mod chain;
mod members;
mod tail;

use std::collections::HashMap;

use crate::series::Timestamp;

use super::options::millis;
use super::run::instant_known;
use super::value::Column;
use super::{Budget, Options, Prepared, QueryError, Value};
use chain::Chain;
use members::Members;
use tail::Reader;

/// Results of aggregations by the address of their node in the plan.
pub(super) type Known = HashMap<usize, Vec<Column>>;

/// A query with what is kept of it from answer to answer.
#[derive(Debug)]
pub struct Standing {
    prepared: Prepared,
    /// They name nodes of the plan of `prepared`, which lives as long.
    chains: Vec<(Chain, Members)>,
}

impl Standing {
    /// Nothing is kept yet.
    pub fn new(prepared: Prepared) -> Self {
        let chains = chain::found(prepared.plan()).into_iter();
        let chains = chains.map(|chain| (chain, Members::default())).collect();
        Self { prepared, chains }
    }

    /// What its chains gave, if that was within bounds.
    fn known(&self, bounds: Bounds) -> Result<Known, QueryError> {
        let budget = Budget::new(&Options {
            max_series: bounds.series,
            max_samples: bounds.samples,
            ..Options::default()
        });
        let fit = self.chains.iter().filter(|(_, members)| members.is_fit());
        fit.map(|(chain, members)| {
            let (series, samples) = members.used();
            budget.charge(series, samples)?;
            Ok((chain.key, members.columns(chain)))
        })
        .collect()
    }
}

/// What the chains of one query may add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Series, each as often as a chain has it. The limit is called `max_series`.
    pub series: usize,
    /// Samples of theirs. The limit is called `max_samples`.
    pub samples: usize,
}

/// Evaluates all queries at one instant, each as [`super::instant`] does; answers in the order of the queries. What is
/// not kept is loaded within the limits of `options`.
///
/// All calls for one query must be about snapshots of the same store.
pub fn answers(
    queries: &mut [&mut Standing],
    snapshot: &crate::store::Snapshot,
    at: Timestamp,
    options: &Options,
    bounds: Bounds,
) -> Vec<Result<Value, QueryError>> {
    // With names that are dropped at the end, chains would have to carry them.
    if !options.delayed_name_removal {
        add_up(queries, snapshot, at, options, bounds);
    }
    let answer = |query: &&mut Standing| {
        let known = if options.delayed_name_removal { Known::default() } else { query.known(bounds)? };
        instant_known(snapshot, &query.prepared, at, options, &known).map(|(value, _)| value)
    };
    queries.iter().map(answer).collect()
}

/// One target after the other, so that its last rows are unpacked once for all queries.
fn add_up(
    queries: &mut [&mut Standing],
    snapshot: &crate::store::Snapshot,
    at: Timestamp,
    options: &Options,
    bounds: Bounds,
) {
    let mut chains: Vec<&mut (Chain, Members)> = queries.iter_mut().flat_map(|q| &mut q.chains).collect();
    let lookback = millis(options.lookback);
    let window = chains.iter().filter_map(|c| c.0.leaf.window()).min().unwrap_or(tail::USUAL).min(lookback);
    let mut reader = Reader::new(at.as_millis(), window, lookback);
    for (_, members) in &mut chains {
        members.begin(snapshot.targets().len());
    }
    for (number, target) in snapshot.targets().iter().enumerate() {
        reader.turn_to(target);
        for (chain, members) in &mut chains {
            members.take(chain, number, &mut reader, bounds);
        }
    }
    for (chain, members) in &mut chains {
        members.finish(chain);
    }
}

#[cfg(test)]
mod tests;
