//! Handing a shift over: what is open, written into the journal by one person and taken over by another, by name.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::journal::{Entry, Kind, Record};
use crate::series::Timestamp;
use crate::series::text::clean;
use crate::view::{Answer, Caller, Handed, Handover, Shift};

use super::run::Engine;

/// Longest name.
const NAME: usize = 64;
/// So long a hand-over waits for somebody to take it over.
const WAITS: Duration = Duration::from_secs(12 * 3600);
/// So long after taking over, the same key hands nothing on.
const AGAIN: Duration = Duration::from_secs(10);
/// How far back hand-overs are counted, and how many at most.
const COUNTED: Duration = Duration::from_secs(30 * 86_400);
const MOST: usize = 500;

/// The hand-overs of a month.
#[derive(Clone, Debug, Default)]
pub struct Shifts {
    /// The last one, until somebody takes it over.
    open: Option<Handed>,
    /// When each was given, and whether somebody else took it over.
    past: VecDeque<(Timestamp, bool)>,
    /// When somebody took over last, and their uid.
    lately: Option<(Timestamp, u32)>,
}

impl Shifts {
    /// Reads a record of a hand-over back. One of a version that knew no taking over was acknowledged as it was written.
    pub fn take(&mut self, record: &Record) {
        let read = |name: &str| serde_json::from_value::<Handed>(record.body.get(name).cloned()?).ok();
        if read("taken").is_some() {
            self.taken();
        } else if let Some(handed) = read("given") {
            self.given(handed);
        } else if record.body.get("acknowledged_by").is_some_and(Value::is_string) {
            // Written where no engine ran: of what waits, or on its own.
            if self.open.is_some() {
                self.taken();
            } else {
                self.count(record.at, true);
            }
        }
    }

    fn count(&mut self, at: Timestamp, taken: bool) {
        while self.past.len() >= MOST {
            self.past.pop_front();
        }
        self.past.push_back((at, taken));
    }

    fn given(&mut self, handed: Handed) {
        self.count(handed.at, false);
        self.open = Some(handed);
    }

    fn taken(&mut self) {
        if self.open.take().is_some()
            && let Some((_, taken)) = self.past.back_mut()
        {
            *taken = true;
        }
    }

    /// The one that waits at `now`.
    fn waiting(&self, now: Timestamp) -> Option<&Handed> {
        self.open.as_ref().filter(|open| now.since(open.at) < WAITS)
    }

    /// For people.
    pub fn shown(&self, now: Timestamp) -> Shift {
        let counted = || self.past.iter().filter(move |(at, _)| now.since(*at) < COUNTED);
        Shift {
            open: self.waiting(now).cloned(),
            given: counted().count(),
            taken: counted().filter(|(_, taken)| *taken).count(),
        }
    }
}

impl Engine {
    /// Takes over what somebody else handed over and nobody took yet; else hands over to `name`, or to whoever comes next.
    pub(super) async fn hand_over(&mut self, name: &str, caller: &Caller) -> Answer {
        let now = self.clock.now();
        let me = &caller.person;
        let card = Handover::of(&self.view.borrow().clone());
        let to = clean(name.trim(), NAME);
        let waiting = self.state.learned.people.shifts.waiting(now).cloned();
        let open = waiting.filter(|open| to.is_empty() && open.waits_for(me.uid, &me.name));
        // A key that repeats takes over and hands nothing on.
        let again = |(at, uid): (Timestamp, u32)| uid == me.uid && now.since(at) < AGAIN;
        if open.is_none() && to.is_empty() && self.state.learned.people.shifts.lately.is_some_and(again) {
            return Answer::no("not handed over: you have just taken this shift over");
        }
        let given = Handed { at: now, by: me.clone(), to, summary: card.summary() };
        let (text, body) = recorded(open.as_ref(), &given, &card, caller);
        if !self.journal(vec![Entry::new(Kind::Handover, text.clone(), body).by(&me.name)]).await {
            return Answer::no("not handed over: the journal cannot be written");
        }
        let shifts = &mut self.state.learned.people.shifts;
        match open {
            Some(_) => {
                shifts.taken();
                shifts.lately = Some((now, me.uid));
            }
            None => shifts.given(given),
        }
        Answer::yes(text)
    }

    /// Takes over what somebody else handed over, and never hands over itself.
    pub(super) async fn take_over(&mut self, caller: &Caller) -> Answer {
        let me = &caller.person;
        let waiting = self.state.learned.people.shifts.waiting(self.clock.now());
        if waiting.is_some_and(|open| open.waits_for(me.uid, &me.name)) {
            return self.hand_over("", caller).await;
        }
        Answer::no("not taken over: nobody else has handed a shift over that waits for you")
    }
}

/// The sentence and the body of the record: of taking `open` over, or else of what is `given`.
fn recorded(open: Option<&Handed>, given: &Handed, card: &Handover, caller: &Caller) -> (String, Value) {
    let me = &caller.person;
    let summary = card.summary();
    if let Some(open) = open {
        let text = format!("{} took over from {}: {summary}", me.name, open.by.name);
        let body =
            serde_json::json!({ "taken": open, "acknowledged_by": me.name, "card": card, "caller": caller });
        return (text, body);
    }
    let whom = if given.to.is_empty() { "the next" } else { given.to.as_str() };
    let text = format!("handed over to {whom}: {summary}; waits for their H");
    (text, serde_json::json!({ "given": given, "card": card, "caller": caller }))
}

#[cfg(test)]
mod tests {
    use crate::approval::Person;
    use crate::journal::Journal;
    use serde_json::json;

    use super::*;

    fn handed(at: i64, by: u32) -> Handed {
        let by = Person { uid: by, name: format!("u{by}") };
        Handed { at: Timestamp::from_secs(at), by, to: String::new(), summary: "1 in flight".into() }
    }

    #[test]
    fn what_was_given_waits_for_somebody_else_over_a_restart_and_is_counted() {
        let mut journal = Journal::in_memory().unwrap();
        let entry = |body: Value| Entry::new(Kind::Handover, "", body).by("u1");
        let at = Timestamp::from_secs;
        journal.append(at(10), &[entry(json!({ "acknowledged_by": "ann", "card": {} }))]).unwrap();
        journal.append(at(20), &[entry(json!({ "given": handed(20, 1) }))]).unwrap();
        journal.append(at(30), &[entry(json!({ "given": handed(30, 1) }))]).unwrap();
        journal.append(at(40), &[entry(json!({ "taken": handed(30, 1), "acknowledged_by": "u2" }))]).unwrap();
        journal.append(at(44), &[entry(json!({ "given": handed(44, 1) }))]).unwrap();
        journal.append(at(46), &[entry(json!({ "acknowledged_by": "u2", "card": {} }))]).unwrap();
        journal
            .append(at(50), &[entry(json!({ "given": handed(50, 2) })), entry(json!({ "odd": 1 }))])
            .unwrap();
        let mut shifts = Shifts::default();
        journal.of_kinds(&[Kind::Handover]).unwrap().iter().for_each(|r| shifts.take(r));
        let shown = shifts.shown(at(60));
        assert_eq!(
            (shown.given, shown.taken),
            (5, 3),
            "the second was replaced by the third; the fourth is taken without an engine"
        );
        assert_eq!(shown.open, Some(handed(50, 2)));
        // Nobody takes over yesterday's shift, and last month's are not counted.
        assert_eq!(shifts.shown(at(50) + WAITS).open, None);
        let month = shifts.shown(at(25) + COUNTED);
        assert_eq!((month.given, month.taken), (3, 2));
        for i in 0..600 {
            shifts.given(handed(i, 1));
        }
        assert!(shifts.past.len() <= MOST);
    }
}
