//! A view as a JSON value that is small, and of which little changes from one moment to the next.
//!
//! What a screen or a record gets is not the view as it is written out, but this:
//!
//! - Numbers keep as many digits as anybody can read.
//! - Ages and times left are instants: those stand still while time goes on. The instants of measurements, which many
//!   share, are places in one table, so that a new round of measurements changes the table alone.
//! - Rows that name what they are of are members of an object with their order beside it: what changes places stays the
//!   same.
//!
//! [`whole`] makes the view of it again. A view as it is written out is understood too.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::series::Timestamp;

use super::View;

pub mod fans;
mod number;
pub mod steady;
mod tables;
#[cfg(test)]
mod tests;
pub mod ticks;

use number::shortened;
use tables::{Instants, from_rows, to_rows};
pub use tables::{Turn, in_turn, same_turn};

/// Where the table of instants is, beside the view's own members.
const INSTANTS: &str = "#instants";
/// Stands for an age: the instant, in ms.
const SINCE: &str = "@since";
/// Stands for a time left: the instant, in ms.
const UNTIL: &str = "@until";
/// Stands for an age: the place of its instant in the table.
const AGED: &str = "@aged";
/// Stands for an instant: its place in the table.
const SEEN: &str = "@seen";

/// Names of the members that are ages, and of those that are times left.
const AGES: [&str; 3] = ["age", "data_age", "budget_over"];
const LEFT: &str = "left";
/// Names of the members of an expected crossing that are times left.
const FORETOLD: [&str; 3] = ["earliest", "median", "horizon"];

/// A view as a small value.
pub fn slim(view: &View) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(view)?;
    slim_part(&mut value, view.at);
    Ok(value)
}

/// Makes some members of a view of `at` small by themselves.
pub fn slim_part(value: &mut Value, at: Timestamp) {
    let mut walk = Walk { at, instants: Instants::default() };
    walk.shrink(value);
    if let Value::Object(members) = value {
        members.insert(INSTANTS.into(), walk.instants.into_value());
    }
}

/// The view of a small value, or of one as it is written out.
pub fn whole(mut value: Value) -> serde_json::Result<View> {
    let at = value.get("at").and_then(Value::as_i64).map_or(Timestamp::default(), Timestamp::from_millis);
    whole_part(&mut value, at);
    View::deserialize(value)
}

/// Makes what [`slim_part`] made small whole again, as seen at `at`: what was made earlier is older by then.
pub fn whole_part(value: &mut Value, at: Timestamp) {
    let table = value.as_object_mut().and_then(|members| members.remove(INSTANTS));
    if let Some(table) = table {
        Walk { at, instants: Instants::of(&table) }.expand(value);
    }
}

/// Whether an object is a duration as it is written out.
fn is_span(members: &Map<String, Value>) -> bool {
    members.len() == 2 && members.contains_key("nanos") && members.contains_key("secs")
}

struct Walk {
    at: Timestamp,
    instants: Instants,
}

impl Walk {
    fn shrink(&mut self, value: &mut Value) {
        if let Value::Array(items) = value
            && let Some(rows) = to_rows(items)
        {
            *value = rows;
        }
        match value {
            Value::Number(number) => shortened(number),
            Value::Array(items) => items.iter_mut().for_each(|item| self.shrink(item)),
            Value::Object(members) if is_span(members) => {
                // A span to a millisecond: what is shorter is nobody's concern.
                if let Some(nanos) = members.get_mut("nanos") {
                    *nanos = (nanos.as_u64().unwrap_or(0) / 1_000_000 * 1_000_000).into();
                }
            }
            Value::Object(members) => {
                // What was measured says whether it is fresh.
                let measured = members.contains_key("freshness");
                let foretold = members.contains_key("state");
                for (name, member) in members.iter_mut() {
                    match self.instant(name, (measured, foretold), member) {
                        Some(instant) => *member = instant,
                        None => self.shrink(member),
                    }
                }
            }
            _ => {}
        }
    }

    /// What stands for a member that moves with the clock.
    fn instant(&mut self, name: &str, (measured, foretold): (bool, bool), member: &Value) -> Option<Value> {
        if AGES.contains(&name) {
            let at = self.at - Duration::deserialize(member).ok()?;
            return Some(if measured {
                json!({ AGED: self.instants.place(at) })
            } else {
                json!({ SINCE: at.as_millis() })
            });
        }
        // What is foretold is no surer than ten seconds, and would move with every tick.
        let round = if FORETOLD.contains(&name) && foretold { 10_000 } else { 1000 };
        if LEFT == name || round > 1000 {
            let at = (self.at + Duration::deserialize(member).ok()?).as_millis();
            return Some(
                json!({ UNTIL: at.saturating_add(round / 2).div_euclid(round).saturating_mul(round) }),
            );
        }
        let at = member.as_i64().filter(|_| name == "at" && measured)?;
        Some(json!({ SEEN: self.instants.place(Timestamp::from_millis(at)) }))
    }

    fn expand(&self, value: &mut Value) {
        if let Some(meant) = self.meant(value).or_else(|| from_rows(value)) {
            *value = meant;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.expand(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.expand(member)),
            _ => {}
        }
    }

    /// What an object stands for, if it stands for something that moves with the clock.
    fn meant(&self, value: &Value) -> Option<Value> {
        let members = value.as_object().filter(|members| members.len() == 1)?;
        let (name, number) = members.iter().next()?;
        let number = number.as_i64()?;
        let written = Timestamp::from_millis(number);
        match name.as_str() {
            SINCE => Some(json!(self.at.since(written))),
            UNTIL => Some(json!(written.since(self.at))),
            AGED => Some(json!(self.at.since(self.instants.at(number)?))),
            SEEN => Some(json!(self.instants.at(number)?)),
            _ => None,
        }
    }
}
