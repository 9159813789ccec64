//! Several queries as one: each marked by a label, joined by `or`.
//!
//! `label_replace(EXPR, "weescale_query", "3", "", "")` gives every series of one query a label that no other query's
//! series have, so `or`, which compares whole label sets, keeps them all, and the answer can be taken apart again. What
//! is not a vector, or not known to be one, is asked alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use promql_parser::parser::{self, value::ValueType};

use crate::series::Labels;

use super::promql_client::Vector;

/// The label that says to which query a series belongs.
const MARK: &str = "weescale_query";

/// What is asked in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Queries, by their index in what was planned.
    pub(super) members: Vec<usize>,
    /// The expression.
    pub(super) text: String,
}

impl Group {
    /// A group of `members` of `exprs`; one member is asked as it is.
    pub(super) fn of(exprs: &[Arc<str>], members: Vec<usize>) -> Self {
        let marked: Vec<String> = members
            .iter()
            .enumerate()
            // A line break ends a comment that an expression may end with.
            .filter_map(|(i, m)| {
                exprs.get(*m).map(|e| format!("label_replace({e}\n,\"{MARK}\",\"{i}\",\"\",\"\")"))
            })
            .collect();
        let text = match members.as_slice() {
            [only] => exprs.get(*only).map_or_else(String::new, |e| String::from(&**e)),
            _ => joined(&marked),
        };
        Self { members, text }
    }

    /// Two groups of half as many members, if there are as many.
    pub(super) fn halves(&self, exprs: &[Arc<str>]) -> Option<[Self; 2]> {
        let (a, b) = self.members.split_at_checked(self.members.len() / 2).filter(|(a, _)| !a.is_empty())?;
        Some([Self::of(exprs, a.to_vec()), Self::of(exprs, b.to_vec())])
    }

    /// The answer of each member; `None` if a series lacks its mark.
    pub(super) fn take_apart(&self, series: Vector) -> Option<Vec<Vector>> {
        if self.members.len() == 1 {
            return Some(vec![series]);
        }
        let mut parts: Vec<Vector> = vec![Vec::new(); self.members.len()];
        for (labels, value) in series {
            let part = labels.get(MARK).and_then(|mark| parts.get_mut(mark.parse::<usize>().ok()?))?;
            part.push((unmarked(&labels), value));
        }
        Some(parts)
    }
}

fn unmarked(labels: &Labels) -> Labels {
    labels.filtered(|name| name != MARK)
}

/// A balanced tree of `or`, so that each series is copied a few times only, and parsers need little depth.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        _ => {
            let (a, b) = parts.split_at(parts.len() / 2);
            format!("({} or {})", joined(a), joined(b))
        }
    }
}

/// Groups `exprs`, each exactly once: at most `most` queries and `chars` bytes a request, those of `alone` by
/// themselves.
pub(super) fn plan(exprs: &[Arc<str>], alone: &BTreeSet<Arc<str>>, most: usize, chars: usize) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut length = 0;
    for (index, expr) in exprs.iter().enumerate() {
        // The mark and what is around it.
        let cost = expr.len() + 64;
        if alone.contains(expr) || !is_vector(expr) {
            groups.push(Group::of(exprs, vec![index]));
            continue;
        }
        if !open.is_empty() && (open.len() >= most || length + cost > chars) {
            groups.push(Group::of(exprs, std::mem::take(&mut open)));
            length = 0;
        }
        open.push(index);
        length += cost;
    }
    if !open.is_empty() {
        groups.push(Group::of(exprs, open));
    }
    groups
}

/// Whether `expr` is known to give an instant vector whose order does not matter.
fn is_vector(expr: &str) -> bool {
    !expr.contains(MARK)
        && !expr.contains("sort")
        && parser::parse(expr).is_ok_and(|parsed| parsed.value_type() == ValueType::Vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exprs(texts: &[&str]) -> Vec<Arc<str>> {
        texts.iter().map(|t| Arc::from(*t)).collect()
    }

    #[test]
    fn vectors_are_joined_and_everything_else_is_asked_alone() {
        let all =
            exprs(&["up", "1 + 1", "rate(a[5m])", "sum by (b) (c) # d", "nonsense(", "a[5m]", "sort(up)"]);
        let groups = plan(&all, &BTreeSet::new(), 16, 10_000);
        let members: Vec<_> = groups.iter().map(|g| g.members.clone()).collect();
        assert_eq!(members, [vec![1], vec![4], vec![5], vec![6], vec![0, 2, 3]]);
        assert_eq!(groups[0].text, "1 + 1");
        let joined = parser::parse(&groups[4].text).unwrap();
        assert_eq!(joined.value_type(), ValueType::Vector);
        assert_eq!(groups[4].text.matches(" or ").count(), 2);
        let alone = BTreeSet::from([Arc::from("rate(a[5m])")]);
        let groups = plan(&all, &alone, 16, 10_000);
        assert!(groups.iter().any(|g| g.members == [2]) && groups.iter().any(|g| g.members == [0, 3]));
    }

    #[test]
    fn groups_are_bounded_and_every_query_is_asked_once() {
        let all: Vec<Arc<str>> = (0..100).map(|i| Arc::from(format!("metric_{i}"))).collect();
        for (most, chars, requests) in [(16, 10_000, 7), (1, 10_000, 100), (0, 10_000, 100), (100, 800, 10)] {
            let groups = plan(&all, &BTreeSet::new(), most, chars);
            assert!(groups.len().abs_diff(requests) <= 1, "{}", groups.len());
            let mut asked: Vec<usize> = groups.iter().flat_map(|g| g.members.clone()).collect();
            asked.sort_unstable();
            assert_eq!(asked, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_answer_is_taken_apart_by_its_marks() {
        let all = exprs(&["a", "b", "c"]);
        let group = Group::of(&all, vec![2, 0]);
        let series = |mark: &str, v| (Labels::from_pairs([("x", "1"), (MARK, mark)]), v);
        let plain = |v| (Labels::from_pairs([("x", "1")]), v);
        let parts = group.take_apart(vec![series("1", 1.0), series("0", 2.0), series("1", 3.0)]).unwrap();
        assert_eq!(parts, [vec![plain(2.0)], vec![plain(1.0), plain(3.0)]]);
        assert_eq!(group.take_apart(vec![plain(1.0)]), None);
        assert_eq!(group.take_apart(vec![series("7", 1.0)]), None);
        let halves = group.halves(&all).unwrap();
        assert_eq!((halves[0].text.as_str(), halves[1].text.as_str()), ("c", "a"));
        assert_eq!(halves[0].halves(&all), None);
        assert_eq!(halves[0].take_apart(vec![plain(1.0)]).unwrap(), [vec![plain(1.0)]]);
    }
}
