//! A view in parts: a screen is sent at once what its panel shows, and the rest when it is due.
//!
//! Each part is made small by itself ([`slim_part`]), with its own table of instants: a part that was sent a while ago still
//! says of when it is, and what it said is as old as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::series::{Timestamp, patch};
use crate::view::{Turn, View, fans, in_turn, same_turn, slim_part, steady, ticks, whole_part};

use super::SessionError;
use super::sight::Sight;

/// What is always needed: what no other part has.
const CORE: &str = "core";
/// Every signal of every service, by workload: what only evidence shows, and most of what moves.
const SIGNALS: &str = "signals";
/// The part that they are taken out of.
const SERVICES: &str = "services";
/// What they stand in the order of.
const TURN: &str = "exhaustion";
/// What the picture is made for, and of when what that does not need is at the least.
const SIGHT: &str = "sight";
/// What only the smallest terminals show.
const SMALLEST: &str = "/header/urgent";
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
            match name {
                CORE => ticks::settle(before, &mut part),
                name if name == FORECASTS.0 => steady::settle(before, &mut part),
                _ => {}
            }
            (name, Arc::new(part))
        });
        Ok(Self(made.collect()))
    }

    /// What a screen that looks so is sent after `sent`: the parts it needs as they are in `self`, the others as they were.
    pub fn held(&self, sent: &Self, sight: &Sight) -> Self {
        let Some(needed) = sight.needed() else { return self.clone() };
        let part = |(name, part): (&&'static str, &Arc<Value>)| {
            let kept = match sent.0.get(*name) {
                Some(kept) if *name == CORE && !sight.is_tiny() => unseen(kept, part),
                _ if [CORE, DAYS].contains(name) || needed.contains(name) => Arc::clone(part),
                Some(kept) if *name == SERVICES => in_order(kept, part, sight.turn()),
                Some(kept) => Arc::clone(kept),
                None => Arc::clone(part),
            };
            (*name, kept)
        };
        Self(self.0.iter().map(part).collect())
    }

    /// The same, saying that they are made for who looks so, and that nothing in them is of before `whole`.
    #[must_use]
    pub fn made_for(mut self, sight: &Sight, whole: Timestamp) -> Self {
        self.0.insert(SIGHT, Arc::new(json!({ "of": sight.text(), "whole": whole.as_millis() })));
        self
    }

    /// With a clock that moves as it did `last` since `before`, or by whole seconds, where nothing but clock and age moved.
    #[must_use]
    pub fn in_step(mut self, before: &Self, last: ticks::Ticked) -> Self {
        if self.ticked(before).is_some()
            && let (Some(old), Some(core)) = (before.0.get(CORE), self.0.get_mut(CORE))
        {
            ticks::settle_clock(old, Arc::make_mut(core), last);
        }
        self
    }

    /// How far clock and age moved since `before`; `None` if anything else did.
    pub fn ticked(&self, before: &Self) -> Option<ticks::Ticked> {
        let same = |name: &&'static str, part: &Arc<Value>| {
            before.0.get(name).is_some_and(|old| Arc::ptr_eq(old, part) || old == part)
        };
        let others = self.0.len() == before.0.len()
            && self.0.iter().all(|(name, part)| *name == CORE || same(name, part));
        ticks::ticked(before.0.get(CORE)?, self.0.get(CORE).filter(|_| others)?)
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

/// What is always needed, but for what only the smallest terminals show: that is as it was sent.
fn unseen(sent: &Value, now: &Arc<Value>) -> Arc<Value> {
    let Some(old) = sent.pointer(SMALLEST).filter(|old| now.pointer(SMALLEST) != Some(old)) else {
        return Arc::clone(now);
    };
    let mut core = now.as_ref().clone();
    core.pointer_mut(SMALLEST).into_iter().for_each(|member| *member = old.clone());
    Arc::new(core)
}

/// Services as they were sent, in the order in which they are now as far as it is seen; as they are now if there are others.
fn in_order(sent: &Arc<Value>, now: &Arc<Value>, seen: Turn<'_>) -> Arc<Value> {
    let table = |part: &Value| part.pointer("/services/data").cloned().unwrap_or_default();
    let (old, new) = (table(sent), table(now));
    if same_turn(&old, &new, seen) || old == new {
        return Arc::clone(sent);
    }
    let members = match seen {
        Turn::By(member) => vec![TURN, member],
        _ => vec![TURN],
    };
    let Some(turned) = in_turn(&old, &new, &members) else { return Arc::clone(now) };
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

/// Moves clock and age of a value of parts on; `None` if they do not fit.
pub fn tick(value: &mut Value, by: ticks::Ticked) -> Option<()> {
    ticks::tick(value.get_mut(CORE)?, by)
}

/// Of when, at the least, is what a screen that looks so is shown of a value of parts made for another; `None` where all that it
/// needs is as it is now.
pub fn as_of(value: &Value, sight: &Sight) -> Option<Timestamp> {
    let made_for = value.get(SIGHT)?.get("of")?.as_str()?;
    let whole = value.get(SIGHT)?.get("whole")?.as_i64()?;
    (!made_for.is_empty() && made_for != sight.text()).then(|| Timestamp::from_millis(whole))
}

/// The instant that a value of parts shows.
pub fn at(value: &Value) -> Option<Timestamp> {
    value.pointer("/core/at").and_then(Value::as_i64).map(Timestamp::from_millis)
}

/// The view of the value of its parts.
pub fn view_of(mut value: Value) -> serde_json::Result<View> {
    let at = at(&value).unwrap_or_default();
    let mut whole = Map::new();
    let (mut signals, mut days) = (Map::new(), Map::new());
    for (name, part) in value.as_object_mut().into_iter().flatten() {
        whole_part(part, at);
        match part.take() {
            Value::Object(members) if name == SIGNALS => signals = members,
            Value::Object(members) if name == DAYS => days = members,
            _ if name == SIGHT => {}
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
        let shown = |panel: &str| view_of(after.held(&before, &panel.into()).value()).unwrap();
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
            let smallest = shown(&format!("{panel}."));
            assert_eq!(smallest.header.urgent, "cart now", "what the smallest terminal shows");
            assert_eq!(shown(panel).header.urgent, old.header.urgent, "and no other");
            // An approved day that ended is gone from every panel at once.
            let ended = before.held(&after, &panel.into());
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
            let shown = view_of(after.held(&before, &panel.into()).value()).unwrap();
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
        // Where no services are listed, what matters is the first of them.
        let mut second = later(&old);
        second.services.data.swap(1, 2);
        let second = parts(&second);
        let turned = |panel: &str| second.held(&before, &panel.into()).0[SERVICES] != before.0[SERVICES];
        assert_eq!(["3", "7", "0"].map(turned), [true, false, false]);
        let size = |to: &Parts| to.held(&before, &"3".into()).after(&before).to_string().len();
        let still = size(&parts(&later(&old)));
        assert!(size(&after) < still + 1500, "{} {still}", size(&after));
        // Values alone cost nothing, and a service that came or went is there, or gone, at once.
        let mut fewer = later(&old);
        fewer.services.data.pop();
        let shown = view_of(parts(&fewer).held(&before, &"3".into()).value()).unwrap();
        assert_eq!(shown.services.data.len(), fewer.services.data.len());
        let back = view_of(before.held(&parts(&fewer), &"3".into()).value()).unwrap();
        assert_eq!(back.services.data.len(), old.services.data.len());
        assert!(Arc::ptr_eq(
            &parts(&later(&old)).held(&before, &"3".into()).0[SERVICES],
            &before.0[SERVICES]
        ));
    }

    #[test]
    fn who_sorts_otherwise_has_the_order_of_now_by_that_and_only_then() {
        let (old, mut new) = (fixture::view(), later(&fixture::view()));
        let value = |v: &View, i: usize| v.services.data[i].demand.value;
        let (most, least) = (value(&old, 0).unwrap(), value(&old, 1).unwrap());
        assert!(least < most, "{least} {most}");
        let before = parts(&old);
        let shown =
            |new: &View, sight: &str| view_of(parts(new).held(&before, &sight.into()).value()).unwrap();
        new.services.data[0].demand.value = Some(most + 1.0);
        assert_eq!(value(&shown(&new, "3demand"), 0), Some(most), "the same order");
        new.services.data[1].demand.value = Some(most * 2.0);
        new.services.data[1].headroom = Some(-1.0);
        let sorted = shown(&new, "3demand");
        assert_eq!((value(&sorted, 0), value(&sorted, 1)), (Some(most + 1.0), Some(most * 2.0)));
        let was = view_of(before.value()).unwrap();
        assert_eq!(sorted.services.data[1].headroom, was.services.data[1].headroom, "nobody sees it");
        assert_eq!(shown(&new, "3headroom").services.data[1].headroom, Some(-1.0));
        assert_eq!(value(&shown(&new, "3headroom"), 1), Some(least));
        assert_eq!(value(&shown(&new, "3"), 1), Some(least));
    }

    #[test]
    fn what_is_of_before_is_said_to_be_until_it_is_made_for_who_looks() {
        let view = fixture::view();
        let made = |of: &str| parts(&view).made_for(&of.into(), view.at).value();
        assert_eq!(as_of(&made("3"), &"3".into()), None);
        assert_eq!(as_of(&made("3"), &"1".into()), Some(view.at));
        assert_eq!(as_of(&made(""), &"1".into()), None, "everything is as it is");
        assert_eq!(as_of(&parts(&view).value(), &"1".into()), None);
        assert!(view_of(made("3")).is_ok());
    }

    #[test]
    fn clock_and_age_alone_are_told_from_everything_else() {
        let before = parts(&fixture::view());
        // The same two seconds later: what is as old as it is has become older.
        let mut value = before.value();
        tick(&mut value, ticks::Ticked { at: 2000, since: 0 }).unwrap();
        let mut new = view_of(value.clone()).unwrap();
        new.tick += 1;
        let after = |new: &View| Parts::of(new, json!([]), &before).unwrap().held(&before, &"7".into());
        let still = after(&new);
        assert_eq!(still.ticked(&before), Some(ticks::Ticked { at: 2000, since: 0 }));
        assert_eq!(still.value(), value);
        new.header.waiting += 1;
        assert_eq!(after(&new).ticked(&before), None);
    }

    #[test]
    fn what_is_held_costs_nothing_and_a_change_of_panel_brings_it() {
        let (old, new) = (fixture::view(), later(&fixture::view()));
        let (before, after) = (parts(&old), parts(&new));
        let held = after.held(&before, &"0".into());
        let size = |patch: &Value| patch.to_string().len();
        assert!(size(&held.after(&before)) * 2 < size(&after.after(&before)));
        // From there to a panel that shows it, as it is applied at the other end.
        let next = after.held(&held, &"1".into());
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
