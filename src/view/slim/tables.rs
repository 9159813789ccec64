//! The instants that measurements share, and rows that are known by name.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::series::Timestamp;

/// The rows of an array, by what identifies them.
const ROWS: &str = "#rows";
/// The places of the rows, as they come in the array, among the names in order.
const ORDER: &str = "#order";
/// Members that identify a row: an identity of its own before what it is of, which several may be of.
const IDENTITIES: [&str; 3] = ["id", "workload", "kind"];
/// The member of a reading that is its number.
const VALUE: &str = "value";

/// Instants, each once, in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Instants {
    known: Vec<Timestamp>,
    places: HashMap<Timestamp, usize>,
}

impl Instants {
    /// Of a written table.
    pub(super) fn of(table: &Value) -> Self {
        let instant = |v: &Value| v.as_i64().map(Timestamp::from_millis);
        let known = table.as_array().map(|items| items.iter().filter_map(instant).collect());
        Self { known: known.unwrap_or_default(), places: HashMap::new() }
    }

    /// The place of an instant.
    pub(super) fn place(&mut self, at: Timestamp) -> usize {
        let next = self.known.len();
        let place = *self.places.entry(at).or_insert(next);
        if place == next {
            self.known.push(at);
        }
        place
    }

    /// The instant at a place.
    pub(super) fn at(&self, place: i64) -> Option<Timestamp> {
        usize::try_from(place).ok().and_then(|place| self.known.get(place)).copied()
    }

    pub(super) fn into_value(self) -> Value {
        json!(self.known)
    }
}

/// Rows that one member tells apart, as an object of them with their order.
pub(super) fn to_rows(items: &mut Vec<Value>) -> Option<Value> {
    if items.len() < 2 {
        return None;
    }
    let name = IDENTITIES.into_iter().find(|name| tell_apart(items, name))?;
    let mut rows: Vec<(String, usize, Value)> = Vec::with_capacity(items.len());
    for (place, row) in std::mem::take(items).into_iter().enumerate() {
        let id = row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        rows.push((id, place, row));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let mut order = vec![0; rows.len()];
    for (rank, (_, place, _)) in rows.iter().enumerate() {
        order.get_mut(*place).into_iter().for_each(|slot| *slot = rank);
    }
    let rows: Map<String, Value> = rows.into_iter().map(|(id, _, row)| (id, row)).collect();
    Some(json!({ ORDER: order, ROWS: rows }))
}

fn tell_apart(items: &[Value], name: &str) -> bool {
    let mut seen = std::collections::HashSet::new();
    items.iter().all(|row| row.get(name).and_then(Value::as_str).is_some_and(|id| seen.insert(id)))
}

/// The array of rows with their order; `None` if it is none, or does not fit.
pub(super) fn from_rows(value: &mut Value) -> Option<Value> {
    let members = value.as_object().filter(|m| m.len() == 2 && m.contains_key(ROWS))?;
    let order: Vec<usize> =
        members.get(ORDER)?.as_array()?.iter().filter_map(Value::as_u64).map(|p| p as usize).collect();
    let rows = value.get_mut(ROWS)?.as_object_mut()?;
    let mut names: Vec<String> = rows.keys().cloned().collect();
    names.sort_unstable();
    if order.len() != names.len() {
        return None;
    }
    // Each is taken once: a place that comes twice finds nothing.
    order.into_iter().map(|place| names.get(place).and_then(|name| rows.remove(name))).collect()
}

/// What is seen of the order of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<'m> {
    /// Which row is the first.
    First,
    /// All of it.
    Rows,
    /// All of it, and the order by the numbers that a member of each row has.
    By(&'m str),
}

/// A table as it was `sent`, in the order of `now` and with these `members` of each row; of a reading its value alone. `None` if
/// it has other rows now, or is no table. A member that refers to the table of instants cannot be taken over.
pub fn in_turn(sent: &Value, now: &Value, members: &[&str]) -> Option<Value> {
    let (mut turned, order) = (sent.clone(), now.get(ORDER)?);
    let rows = turned.get_mut(ROWS)?.as_object_mut()?;
    let new = now.get(ROWS)?.as_object()?;
    if rows.len() != new.len() {
        return None;
    }
    for (name, row) in rows.iter_mut() {
        let (row, new) = (row.as_object_mut()?, new.get(name)?);
        for member in members {
            let (was, is) = (row.get_mut(*member)?, new.get(*member)?);
            match (was.get_mut(VALUE), is.get(VALUE)) {
                (Some(was), Some(is)) => *was = is.clone(),
                _ => *was = is.clone(),
            }
        }
    }
    *turned.get_mut(ORDER)? = order.clone();
    Some(turned)
}

/// Whether two tables have the same rows, and as much of their order as is seen.
pub fn same_turn(sent: &Value, now: &Value, seen: Turn<'_>) -> bool {
    let names = |table: &Value| -> Vec<String> {
        let rows = table.get(ROWS).and_then(Value::as_object);
        let mut names: Vec<String> = rows.into_iter().flat_map(Map::keys).cloned().collect();
        names.sort_unstable();
        names
    };
    let (Some(old), Some(new)) = (sent.get(ORDER), now.get(ORDER)) else { return false };
    let ordered = match seen {
        Turn::First => old.get(0) == new.get(0),
        Turn::Rows => old == new,
        Turn::By(member) => old == new && ranked(sent, member) == ranked(now, member),
    };
    ordered && names(sent) == names(now)
}

/// The names of the rows of a table by the numbers that a member has; those without one come last.
fn ranked(table: &Value, member: &str) -> Vec<String> {
    let number = |row: &Value| -> Option<f64> {
        let value = row.get(member)?;
        value.get(VALUE).unwrap_or(value).as_f64()
    };
    let rows = table.get(ROWS).and_then(Value::as_object);
    let mut rows: Vec<(f64, &String)> =
        rows.into_iter().flatten().map(|(name, row)| (number(row).unwrap_or(f64::INFINITY), name)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    rows.into_iter().map(|(_, name)| name.clone()).collect()
}
