//! A view in parts: a screen is sent at once what its panel shows, and the rest when it is due.
//!
//! Each part is made small by itself ([`slim_part`]), with its own table of instants: a part that was sent a while ago still
//! says of when it is, and what it said is as old as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::series::{Timestamp, patch};
use crate::view::{View, fans, in_turn, same_turn, slim_part, steady, whole_part};

use super::SessionError;

/// What is always needed: what no other part has.
const CORE: &str = "core";
/// Every signal of every service, by workload: what only evidence shows, and most of what moves.
const SIGNALS: &str = "signals";
/// The part that they are taken out of.
const SERVICES: &str = "services";
/// What they stand in the order of: who chose nothing looks at the first of them, on every panel.
const TURN: &str = "exhaustion";
/// The approved days, by workload: keys act on them on panels that show no forecast.
const DAYS: &str = "days";
/// The part that they are taken out of, and what they are there.
const FORECASTS: (&str, &str) = ("predictive", "approved_day");
/// The other parts, with the members of a view that each has.
const PARTS: [(&str, &[&str]); 9] = [
    ("experience", &["satisfaction", "continuity", "heatmaps", "regions"]),
    ("intelligence", &["learning", "knowledge", "growth", "lessons"]),
    ("kpis", &["kpis"]),
    ("operations", &["operations", "leases"]),
    ("predictive", &["forecasts", "advice", "reports", "resources", "projection"]),
    ("record", &["journal", "outcomes", "notes"]),
    ("services", &["services"]),
    ("sources", &["sources", "platforms", "forecasting"]),
    ("status", &["capacity", "performance", "cost"]),
];

/// What a panel needs, by the key that goes to it; `None` for one that is not known, or with evidence over it: everything.
fn needed(panel: &str) -> Option<&'static [&'static str]> {
    match panel {
        "1" => Some(&["services", "status", "operations"]),
        "2" | "6" => Some(&["predictive"]),
        "3" => Some(&["experience"]),
        "4" => Some(&["intelligence"]),
        "5" => Some(&["kpis"]),
        "7" => Some(&["operations", "record"]),
        "8" => Some(&["record"]),
        "9" => Some(&["sources"]),
        "0" => Some(&[]),
        _ => None,
    }
}

/// A view in parts, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts(BTreeMap<&'static str, Arc<Value>>);

impl Parts {
    /// The parts of a view with who is attached; fans are settled by what `before` shows.
    pub fn of(view: &View, people: Value, before: &Self) -> Result<Self, SessionError> {
        let unreadable = |e: serde_json::Error| SessionError::Protocol(e.to_string());
        let mut value = serde_json::to_value(view).map_err(unreadable)?;
        let Some(members) = value.as_object_mut() else { return Ok(Self::default()) };
        members.insert("people".into(), people);
        let mut parts = BTreeMap::new();
        for (name, of) in PARTS {
            let part: Map<String, Value> =
                of.iter().filter_map(|member| members.remove_entry(*member)).collect();
            parts.insert(name, Value::Object(part));
        }
        parts.insert(CORE, value);
        let signals = parts.get_mut(SERVICES).map(take_signals).unwrap_or_default();
        parts.insert(SIGNALS, Value::Object(signals));
        let days = parts.get_mut(FORECASTS.0).map(take_days).unwrap_or_default();
        parts.insert(DAYS, Value::Object(days));
        let made = parts.into_iter().map(|(name, mut part)| {
            slim_part(&mut part, view.at);
            let before = before.0.get(name).map(AsRef::as_ref);
            fans::settle(before, &mut part);
            if name == FORECASTS.0 {
                steady::settle(before, &mut part);
            }
            (name, Arc::new(part))
        });
        Ok(Self(made.collect()))
    }

    /// What a screen at `panel` is sent after `sent`: the parts it needs as they are in `self`, the others as they were.
    pub fn held(&self, sent: &Self, panel: &str) -> Self {
        let Some(needed) = needed(panel) else { return self.clone() };
        let new = |name: &str| [CORE, DAYS].contains(&name) || needed.contains(&name);
        let part = |(name, part): (&&'static str, &Arc<Value>)| {
            let kept = match sent.0.get(*name).filter(|_| !new(name)) {
                Some(kept) if *name == SERVICES => in_order(kept, part),
                Some(kept) => Arc::clone(kept),
                None => Arc::clone(part),
            };
            (*name, kept)
        };
        Self(self.0.iter().map(part).collect())
    }

    /// Who is attached.
    pub fn people(&self) -> Value {
        self.0.get(CORE).and_then(|core| core.get("people")).cloned().unwrap_or_default()
    }

    /// As one value.
    pub fn value(&self) -> Value {
        let part = |(name, part): (&&'static str, &Arc<Value>)| ((*name).to_owned(), part.as_ref().clone());
        Value::Object(self.0.iter().map(part).collect())
    }

    /// The patch that makes these of `before`; both have the same names.
    pub fn after(&self, before: &Self) -> Value {
        let mut changed: Vec<Value> = Vec::new();
        for (place, (name, part)) in self.0.iter().enumerate() {
            let Some(old) = before.0.get(name).filter(|old| !Arc::ptr_eq(old, part)) else { continue };
            let mut sent = part.as_ref().clone();
            fans::fold(old, &mut sent);
            if let Some(patch) = patch::diff_in_steps(old, &sent) {
                changed.extend([place.into(), patch]);
            }
        }
        json!([1, changed])
    }
}

/// Services as they were sent, in the order in which they are now; as they are now if there are others.
fn in_order(sent: &Arc<Value>, now: &Arc<Value>) -> Arc<Value> {
    let table = |part: &Value| part.pointer("/services/data").cloned().unwrap_or_default();
    let (old, new) = (table(sent), table(now));
    if same_turn(&old, &new) || old == new {
        return Arc::clone(sent);
    }
    let Some(turned) = in_turn(&old, &new, TURN) else { return Arc::clone(now) };
    let mut part = sent.as_ref().clone();
    part.pointer_mut("/services/data").into_iter().for_each(|data| *data = turned.clone());
    Arc::new(part)
}

/// The rows of a table that a part has.
fn rows<'v>(part: &'v mut Value, table: &str) -> impl Iterator<Item = &'v mut Map<String, Value>> {
    let rows = part.pointer_mut(&format!("/{table}/data")).and_then(Value::as_array_mut);
    rows.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn name_of(row: &Map<String, Value>) -> String {
    row.get("workload").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Takes the signals out of the rows of the service table.
fn take_signals(services: &mut Value) -> Map<String, Value> {
    rows(services, "services").filter_map(|row| Some((name_of(row), row.remove(SIGNALS)?))).collect()
}

/// Puts them back; a row that came since they were sent has none yet.
fn put_signals(whole: &mut Value, mut signals: Map<String, Value>) {
    for row in rows(whole, "services") {
        let of = signals.remove(&name_of(row)).unwrap_or_else(|| json!([]));
        row.insert(SIGNALS.into(), of);
    }
}

/// Takes the approved days out of the forecasts.
fn take_days(predictive: &mut Value) -> Map<String, Value> {
    let taken =
        rows(predictive, "forecasts").filter_map(|row| Some((name_of(row), row.remove(FORECASTS.1)?)));
    taken.filter(|(_, day)| !day.is_null()).collect()
}

/// Puts them back.
fn put_days(whole: &mut Value, mut days: Map<String, Value>) {
    for row in rows(whole, "forecasts") {
        if let Some(day) = days.remove(&name_of(row)) {
            row.insert(FORECASTS.1.into(), day);
        }
    }
}

/// The view of the value of its parts.
pub fn view_of(mut value: Value) -> serde_json::Result<View> {
    let at = value
        .pointer("/core/at")
        .and_then(Value::as_i64)
        .map_or(Timestamp::default(), Timestamp::from_millis);
    let mut whole = Map::new();
    let (mut signals, mut days) = (Map::new(), Map::new());
    for (name, part) in value.as_object_mut().into_iter().flatten() {
        whole_part(part, at);
        match part.take() {
            Value::Object(members) if name == SIGNALS => signals = members,
            Value::Object(members) if name == DAYS => days = members,
            Value::Object(members) => whole.extend(members),
            _ => {}
        }
    }
    let mut whole = Value::Object(whole);
    put_signals(&mut whole, signals);
    put_days(&mut whole, days);
    serde_json::from_value(whole)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::approval::Person;
    use crate::fleet::{Field, WorkloadId};
    use crate::screen::fixture;
    use crate::view::{DayApproval, Exhaustion, Target};

    use super::*;

    fn parts(view: &View) -> Parts {
        Parts::of(view, json!([]), &Parts::default()).unwrap()
    }

    fn day(workload: &WorkloadId, at: Timestamp) -> DayApproval {
        DayApproval {
            workload: workload.clone(),
            target: Target { provider: "p".into(), uid: "u".into() },
            field: Field::MinReplicas,
            context: "prod".into(),
            corridors: Vec::new(),
            by: Person { uid: 1, name: "ann".into() },
            at,
            typed: None,
        }
    }

    /// The same a moment later, with other values everywhere.
    fn later(view: &View) -> View {
        let mut later = view.clone();
        later.at = view.at + Duration::from_secs(5);
        later.services.data[0].demand.value = Some(777.0);
        later.sources[0].requests += 5;
        later.services.data[0].signals[0].at = later.at;
        later.header.waiting = 9;
        later.header.urgent = "cart now".into();
        later.forecasts.data[0].approved_day = Some(day(&later.forecasts.data[0].workload, later.at));
        later
    }

    #[test]
    fn every_member_is_in_one_part_and_all_come_back() {
        let view = fixture::view();
        let written = serde_json::to_value(&view).unwrap();
        for (name, of) in PARTS {
            for member in of {
                assert!(written.get(member).is_some(), "{name}: a view has no {member}");
                assert_eq!(PARTS.iter().filter(|(_, all)| all.contains(member)).count(), 1, "{member}");
            }
        }
        let back = view_of(parts(&view).value()).unwrap();
        let slim = |v: &View| crate::view::slim(v).unwrap();
        assert_eq!(slim(&back).get("services"), slim(&view).get("services"));
        assert_eq!((back.header, back.sources.len()), (view.header, view.sources.len()));
    }

    #[test]
    fn each_panel_gets_what_it_shows_and_the_rest_stays_as_it_was() {
        let (old, new) = (fixture::view(), later(&fixture::view()));
        let (before, after) = (parts(&old), parts(&new));
        let shown = |panel: &str| view_of(after.held(&before, panel).value()).unwrap();
        let demand = |v: &View| v.services.data[0].demand.value;
        let signal = |v: &View| v.services.data[0].signals[0].at;
        assert_eq!(
            (signal(&shown("1")), signal(&shown("1?"))),
            (signal(&old), signal(&new)),
            "evidence shows it"
        );
        let status = shown("1");
        assert_eq!((demand(&status), status.header.waiting), (Some(777.0), 9));
        assert_eq!(status.sources[0].requests, old.sources[0].requests, "not shown there");
        let approved = |v: &View| v.forecasts.data[0].approved_day.clone();
        assert!(approved(&new).is_some() && approved(&old).is_none());
        assert_eq!(
            (approved(&status), approved(&shown("3"))),
            (approved(&new), approved(&new)),
            "`b` acts on it"
        );
        for panel in ["1", "3", "4", "9", "0"] {
            assert_eq!(shown(panel).header.urgent, "cart now", "what the smallest terminal shows");
            // An approved day that ended is gone from every panel at once.
            let ended = before.held(&after, panel);
            assert_eq!(approved(&view_of(ended.value()).unwrap()), None, "{panel}");
        }
        assert_eq!(shown("9").sources[0].requests, new.sources[0].requests);
        assert_eq!(demand(&shown("9")), demand(&old));
        assert_eq!(shown("?").sources[0].requests, new.sources[0].requests, "who knows what they see");
        // What was held is as old as it is: its age grows.
        let age = |v: &View| v.services.data[0].demand.age;
        assert_eq!(age(&shown("9")), age(&old) + Duration::from_secs(5));
    }

    #[test]
    fn every_panel_has_the_order_of_now_and_only_a_new_service_brings_all() {
        let old = fixture::view();
        let mut new = later(&old);
        let last = new.services.data.pop().unwrap();
        new.services.data.insert(0, crate::view::ServiceRow { exhaustion: Exhaustion::Now, ..last });
        let (before, after) = (parts(&old), parts(&new));
        for panel in ["2", "3", "4", "6", "0"] {
            let shown = view_of(after.held(&before, panel).value()).unwrap();
            let names = |v: &View| v.services.data.iter().map(|s| s.workload.clone()).collect::<Vec<_>>();
            assert_eq!(names(&shown), names(&new), "{panel}");
            assert_eq!(shown.services.data[0].exhaustion, Exhaustion::Now);
            let demand = |v: &View| {
                v.services
                    .data
                    .iter()
                    .find(|s| s.workload == old.services.data[0].workload)
                    .unwrap()
                    .demand
                    .value
            };
            assert_eq!(demand(&shown), demand(&old), "numbers come when they are due");
        }
        let size = |to: &Parts| to.held(&before, "3").after(&before).to_string().len();
        let still = size(&parts(&later(&old)));
        assert!(size(&after) < still + 1500, "{} {still}", size(&after));
        // Values alone cost nothing, and a service that came or went is there, or gone, at once.
        let mut fewer = later(&old);
        fewer.services.data.pop();
        let shown = view_of(parts(&fewer).held(&before, "3").value()).unwrap();
        assert_eq!(shown.services.data.len(), fewer.services.data.len());
        let back = view_of(before.held(&parts(&fewer), "3").value()).unwrap();
        assert_eq!(back.services.data.len(), old.services.data.len());
        assert!(Arc::ptr_eq(&parts(&later(&old)).held(&before, "3").0[SERVICES], &before.0[SERVICES]));
    }

    #[test]
    fn what_is_held_costs_nothing_and_a_change_of_panel_brings_it() {
        let (old, new) = (fixture::view(), later(&fixture::view()));
        let (before, after) = (parts(&old), parts(&new));
        let held = after.held(&before, "0");
        let size = |patch: &Value| patch.to_string().len();
        assert!(size(&held.after(&before)) * 2 < size(&after.after(&before)));
        // From there to a panel that shows it, as it is applied at the other end.
        let next = after.held(&held, "1");
        let mut value = held.value();
        patch::apply(&mut value, next.after(&held)).unwrap();
        assert_eq!(value, next.value());
        assert_eq!(view_of(value).unwrap().services.data[0].demand.value, Some(777.0));
    }

    #[test]
    fn what_is_no_view_is_refused() {
        for hostile in
            [json!(null), json!([]), json!({ "core": 1 }), json!({ "core": { "at": "x" }, "kpis": [] })]
        {
            assert!(view_of(hostile).is_err());
        }
    }
}
