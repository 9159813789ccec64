//! What moves in every view, whatever else does: the instant shown, the age of the data, the count of views.

use serde_json::{Map, Value};

use super::SINCE;

/// The instant shown, ms.
const AT: &str = "at";
/// Counts views; nobody is shown it.
const TICK: &str = "tick";
const HEADER: &str = "header";
/// The member of the header that is an age.
const AGE: &str = "data_age";
/// What is painted of an age, ms: whole seconds.
const SECOND: i64 = 1000;
/// How late a clock may be that moves as it did before, ms: a busy machine's views come half a second early or late.
const LATE: i64 = 2000;
/// How late it is made where it moves otherwise, ms, and up to a second more: in the middle, so that it can go on so.
const MIDDLE: i64 = 500;

/// How far clock and age moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// The instant shown, ms.
    pub at: i64,
    /// The instant of the oldest data, ms.
    pub since: i64,
}

/// Keeps the count of views as it was in `old`, and moves the instant of the oldest data by whole seconds, so that its age is
/// painted as it is. Both are members that are always needed.
pub fn settle(old: Option<&Value>, new: &mut Value) {
    let Some(old) = old else { return };
    if let (Some(count), Some(members)) = (old.get(TICK), new.as_object_mut()) {
        members.insert(TICK.to_owned(), count.clone());
    }
    let Some(at) = instant(new) else { return };
    settle_age(old, new, at);
}

/// The same for the clock, where nothing else moves: clock and age move as they did `before` while both are right to less than
/// [`LATE`], and otherwise by whole seconds. The clock is never ahead.
pub fn settle_clock(old: &Value, new: &mut Value, before: Ticked) {
    let (Some(last), Some(is)) = (instant(old), instant(new)) else { return };
    let again = last.saturating_add(before.at);
    let ages = since(old).zip(since(new)).map(|(old, new)| (old.saturating_add(before.since), new));
    let is_right = |(shown, truth): (i64, i64)| {
        again.saturating_sub(shown).abs_diff(is.saturating_sub(truth)) < LATE.unsigned_abs()
    };
    if before.at > 0 && (0..LATE).contains(&is.saturating_sub(again)) && ages.is_none_or(is_right) {
        put(new, again, ages.map(|(shown, _)| shown));
        return;
    }
    let step = is.saturating_sub(last).saturating_sub(MIDDLE).div_euclid(SECOND) * SECOND;
    // Time that goes on is never shown to go back.
    let at = last.saturating_add(if is >= last { step.max(0) } else { step });
    settle_age(old, new, at);
    put(new, at, None);
}

/// Writes the instant shown and, if there is one, that of the oldest data.
fn put(to: &mut Value, at: i64, oldest: Option<i64>) {
    if let Some(written) = to.get_mut(AT) {
        *written = at.into();
    }
    let age = to.get_mut(HEADER).and_then(|h| h.get_mut(AGE)).and_then(|age| age.get_mut(SINCE));
    if let (Some(written), Some(oldest)) = (age, oldest) {
        *written = oldest.into();
    }
}

/// Moves the instant of the oldest data by whole seconds so that its age, of now, is painted alike where the clock is at `at`.
fn settle_age(old: &Value, new: &mut Value, at: i64) {
    let Some(((before, now), is)) = since(old).zip(since(new)).zip(instant(new)) else { return };
    let age = is.saturating_sub(now);
    let alike = age.div_euclid(SECOND) * SECOND + at.saturating_sub(before).rem_euclid(SECOND);
    put(new, is, Some(at.saturating_sub(alike)));
}

fn instant(of: &Value) -> Option<i64> {
    of.get(AT).and_then(Value::as_i64)
}

/// How far clock and age moved from `old` to `new`; `None` if anything else differs.
pub fn ticked(old: &Value, new: &Value) -> Option<Ticked> {
    let header = |of: &Value| of.get(HEADER).cloned();
    let same = alike(old.as_object()?, new.as_object()?, &[AT, HEADER])
        && alike(header(old)?.as_object()?, header(new)?.as_object()?, &[AGE]);
    let at = instant(new)?.checked_sub(instant(old)?).filter(|_| same)?;
    if old.get(HEADER)?.get(AGE)? == new.get(HEADER)?.get(AGE)? {
        return Some(Ticked { at, since: 0 });
    }
    Some(Ticked { at, since: since(new)?.checked_sub(since(old)?)? })
}

/// Moves clock and age of `value` on; `None` if it has none that could be.
pub fn tick(value: &mut Value, by: Ticked) -> Option<()> {
    let further = |number: &mut Value, by: i64| {
        *number = number.as_i64()?.checked_add(by)?.into();
        Some(())
    };
    further(value.get_mut(AT)?, by.at)?;
    if by.since == 0 {
        return Some(());
    }
    further(value.get_mut(HEADER)?.get_mut(AGE)?.get_mut(SINCE)?, by.since)
}

fn since(of: &Value) -> Option<i64> {
    of.get(HEADER)?.get(AGE)?.get(SINCE)?.as_i64()
}

/// Whether both have the same members, but for some.
fn alike(old: &Map<String, Value>, new: &Map<String, Value>, but: &[&str]) -> bool {
    old.len() == new.len()
        && new.iter().all(|(name, value)| {
            old.get(name).is_some_and(|before| before == value || but.contains(&name.as_str()))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn core(at: i64, since: i64, waiting: u32) -> Value {
        json!({ "at": at, "tick": at, "header": { "data_age": { SINCE: since }, "waiting": waiting }, "x": [1, 2] })
    }

    #[test]
    fn an_age_moves_by_whole_seconds_and_is_painted_as_it_is() {
        let (mut shown, mut still) = (core(100_000, 96_321, 1), core(100_000, 96_321, 1));
        for (at, truth) in
            [(102_017, 96_321), (104_001, 103_999), (106_500, 103_999), (108_000, 90_001), (1_000_003, 7)]
        {
            let mut new = core(at, truth, 1);
            settle(Some(&shown), &mut new);
            let is = since(&new).unwrap();
            assert_eq!((at - is) / 1000, (at - truth) / 1000, "{at} {truth}");
            assert_eq!((is - since(&shown).unwrap()) % 1000, 0, "{is}");
            assert_eq!(new["tick"], shown["tick"]);
            shown = new.clone();
            settle_clock(&still, &mut new, Ticked::default());
            let (is, clock) = (since(&new).unwrap(), instant(&new).unwrap());
            assert!((MIDDLE..MIDDLE + 1000).contains(&(at - clock)) && clock % 1000 == 0, "{at} {clock}");
            assert_eq!((clock - is) / 1000, (at - truth) / 1000, "{at} {truth}");
            assert_eq!((is - since(&still).unwrap()) % 1000, 0, "{is}");
            still = new;
        }
        let mut first = core(1, 0, 1);
        settle(None, &mut first);
        assert_eq!(first, core(1, 0, 1));
        let mut unknown = json!({ "at": 5, "tick": 2, "header": { "data_age": null } });
        settle(Some(&first), &mut unknown);
        assert_eq!(unknown, json!({ "at": 5, "tick": 1, "header": { "data_age": null } }));
        settle_clock(&first, &mut unknown, Ticked::default());
        assert_eq!(unknown, json!({ "at": 1, "tick": 1, "header": { "data_age": null } }));
        let mut back = core(98_500, 0, 1);
        settle_clock(&core(100_000, 0, 1), &mut back, Ticked { at: 10_000, since: 0 });
        assert_eq!(back["at"], 98_000, "a clock that was set back");
    }

    #[test]
    fn a_clock_goes_on_as_before_while_it_is_right() {
        let mut random = fastrand::Rng::with_seed(9);
        let (mut shown, mut beat, mut anew) = (core(100_000, 50_000, 1), Ticked::default(), 0);
        for step in 1..=200 {
            // Data of long ago, then data that come with every view.
            let at = 100_000 + step * 10_000 + random.i64(0..600);
            let truth = if step < 100 { 50_000 } else { at - 8_300 + random.i64(0..600) };
            let mut new = core(at, truth, 1);
            settle(Some(&shown), &mut new);
            settle_clock(&shown, &mut new, beat);
            let by = ticked(&shown, &new).unwrap();
            anew += i32::from(by != beat);
            let (clock, oldest) = (instant(&new).unwrap(), since(&new).unwrap());
            assert!((0..LATE).contains(&(at - clock)), "{step}: {at} {clock}");
            assert!(((clock - oldest) - (at - truth)).abs() < LATE, "{step}: {oldest} {truth}");
            (shown, beat) = (new, by);
        }
        assert!(anew < 20, "{anew} of 200 moved otherwise");
    }

    #[test]
    fn clock_and_age_alone_are_told_from_everything_else() {
        let old = core(10, 5, 1);
        let mut moved = old.clone();
        let by = Ticked { at: 2000, since: -3 };
        tick(&mut moved, by).unwrap();
        assert_eq!(ticked(&old, &moved), Some(by));
        assert_eq!(ticked(&old, &old), Some(Ticked::default()));
        let differs = |change: fn(&mut Value)| {
            let mut new = moved.clone();
            change(&mut new);
            ticked(&old, &new)
        };
        assert_eq!(differs(|v| v["header"]["waiting"] = 2.into()), None);
        assert_eq!(differs(|v| v["x"][1] = 3.into()), None);
        assert_eq!(differs(|v| v["y"] = 3.into()), None);
        assert_eq!(differs(|v| v["header"]["data_age"] = Value::Null), None, "no data any more");
        assert_eq!(tick(&mut json!({ "at": i64::MAX }), by), None);
        assert_eq!(tick(&mut json!({ "at": 1, "header": { "data_age": null } }), by), None);
    }
}
