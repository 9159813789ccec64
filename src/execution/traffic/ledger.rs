//! What was turned and has not been given back: the same from the journal as from the process that did it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::approval::Setting;

/// Values of ours remembered for one server; older ones cannot be on their way any more.
const TRIES: usize = 32;

/// One turn, as noted before and after it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnNote {
    /// The load balancer: `haproxy shop`.
    pub manager: String,
    /// The server.
    pub server: String,
    /// What must be present.
    pub expect: Setting,
    /// What is set.
    pub set: Setting,
    /// What is given back in the end.
    pub home: Setting,
    /// Names this turn.
    pub key: String,
    /// What became of it: empty before, then `applied`, `refused`, `not sent`, `unknown`; or, of what was ours, `home`,
    /// `foreign`, `gone`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
}

/// One thing of one server that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is given back.
    pub home: Setting,
    /// What it may be at through us, each with the key of its turn; the newest last.
    pub ours: Vec<(String, Setting)>,
    /// Whether a write that takes servers away was sent since.
    pub removing: bool,
}

impl Change {
    /// Whether `setting` may be our doing.
    pub fn is_ours(&self, setting: Setting) -> bool {
        self.ours.iter().any(|(_, ours)| *ours == setting)
    }
}

/// Load balancer, server, and whether it is about the weight.
pub type Place = (String, String, bool);

/// All that is ours of one operation. Bounded by the servers there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    changes: BTreeMap<Place, Change>,
    /// What the last write that takes servers away is about.
    marked: Vec<Place>,
    turns: u32,
}

impl Ledger {
    /// Takes a note in, in the journal's order.
    pub fn take(&mut self, note: &TurnNote) {
        let place = (note.manager.clone(), note.server.clone(), matches!(note.set, Setting::Weight(_)));
        match note.outcome.as_str() {
            "" => {
                self.turns = self.turns.saturating_add(1);
                // At home nothing is ours: giving back again and again pushes out nothing that is.
                if note.set == note.home {
                    return;
                }
                let change = self.changes.entry(place).or_insert_with(|| Change {
                    home: note.home,
                    ours: Vec::new(),
                    removing: false,
                });
                // The same once more: the first may still be what is there, whatever becomes of this one.
                if let Some(known) = change.ours.iter().position(|(_, set)| *set == note.set) {
                    let known = change.ours.remove(known);
                    change.ours.push(known);
                    return;
                }
                if change.ours.len() >= TRIES {
                    change.ours.remove(0);
                }
                change.ours.push((note.key.clone(), note.set));
            }
            "refused" | "not sent" => {
                let Some(change) = self.changes.get_mut(&place) else { return };
                change.ours.retain(|(key, _)| *key != note.key);
                if change.ours.is_empty() {
                    self.changes.remove(&place);
                }
            }
            "applied" if note.set != note.home => {}
            "applied" | "home" | "foreign" | "gone" => {
                self.changes.remove(&place);
            }
            _ => {}
        }
    }

    /// A write that takes servers away was sent: what is drained now may be on its way out.
    pub fn removing(&mut self) {
        self.marked.clear();
        for (place, change) in &mut self.changes {
            if change.home == Setting::Ready && !change.removing {
                change.removing = true;
                self.marked.push(place.clone());
            }
        }
    }

    /// That write did not go out: what is drained is still to go.
    pub fn not_removing(&mut self) {
        for place in std::mem::take(&mut self.marked) {
            if let Some(change) = self.changes.get_mut(&place) {
                change.removing = false;
            }
        }
    }

    /// What has not been given back.
    pub fn open(&self) -> impl Iterator<Item = (&Place, &Change)> {
        self.changes.iter()
    }

    /// What is ours of one server.
    pub fn of(&self, manager: &str, server: &str, like: Setting) -> Option<&Change> {
        let place = (manager.to_owned(), server.to_owned(), matches!(like, Setting::Weight(_)));
        self.changes.get(&place)
    }

    /// Whether everything was given back.
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty()
    }

    /// Turns that were intended, ever.
    pub const fn turns(&self) -> u32 {
        self.turns
    }

    /// What is left, for people: `a at weight 20, b drained`.
    pub fn words(&self) -> String {
        let one = |((_, server, _), change): (&Place, &Change)| match change.ours.last() {
            Some((_, Setting::Drain)) => format!("{server} drained"),
            Some((_, setting)) => format!("{server} at {}", setting.words()),
            None => server.clone(),
        };
        let shown: Vec<String> = self.changes.iter().take(5).map(one).collect();
        let more = self.changes.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(set: Setting, home: Setting, key: &str, outcome: &str) -> TurnNote {
        TurnNote {
            manager: "haproxy shop".into(),
            server: "a".into(),
            expect: home,
            set,
            home,
            key: key.into(),
            outcome: outcome.into(),
        }
    }

    const WHOLE: Setting = Setting::Weight(100);

    #[test]
    fn what_was_turned_is_open_until_it_was_given_back() {
        let mut ledger = Ledger::default();
        ledger.take(&note(Setting::Weight(20), WHOLE, "k1", ""));
        assert!(!ledger.is_settled(), "killed right after the intent: it may have been sent");
        ledger.take(&note(Setting::Weight(20), WHOLE, "k1", "applied"));
        ledger.take(&note(Setting::Weight(40), WHOLE, "k2", ""));
        ledger.take(&note(Setting::Weight(40), WHOLE, "k2", "unknown"));
        let change = ledger.of("haproxy shop", "a", WHOLE).unwrap();
        assert!(change.is_ours(Setting::Weight(20)) && change.is_ours(Setting::Weight(40)));
        assert!(!change.is_ours(Setting::Weight(60)) && !change.is_ours(WHOLE));
        assert_eq!(ledger.words(), "a at weight 40");
        ledger.take(&note(WHOLE, WHOLE, "k3", ""));
        assert!(!ledger.is_settled(), "giving back is not done before it was seen");
        ledger.take(&note(WHOLE, WHOLE, "k3", "applied"));
        assert!(ledger.is_settled());
        assert_eq!(ledger.turns(), 3);
    }

    #[test]
    fn what_was_refused_or_taken_over_is_not_ours() {
        for outcome in ["refused", "not sent"] {
            let mut ledger = Ledger::default();
            ledger.take(&note(Setting::Drain, Setting::Ready, "k1", ""));
            ledger.take(&note(Setting::Drain, Setting::Ready, "k1", outcome));
            assert!(ledger.is_settled(), "{outcome}");
        }
        for outcome in ["home", "foreign", "gone"] {
            let mut ledger = Ledger::default();
            ledger.take(&note(Setting::Weight(20), WHOLE, "k1", ""));
            ledger.take(&note(Setting::Weight(20), WHOLE, "k1", "applied"));
            ledger.take(&note(Setting::Weight(40), WHOLE, "k2", ""));
            ledger.take(&note(Setting::Weight(40), WHOLE, "k2", "refused"));
            assert!(!ledger.is_settled(), "the step before stands");
            ledger.take(&note(WHOLE, WHOLE, "k2", outcome));
            assert!(ledger.is_settled(), "{outcome}");
        }
    }

    #[test]
    fn only_drains_wait_for_a_removal_and_weights_are_apart() {
        let mut ledger = Ledger::default();
        ledger.take(&note(Setting::Weight(20), WHOLE, "k1", ""));
        ledger.take(&note(Setting::Drain, Setting::Ready, "k2", ""));
        ledger.removing();
        assert_eq!(
            ledger.open().map(|(_, c)| c.removing).collect::<Vec<_>>(),
            [true, false],
            "the drain, the weight"
        );
        ledger.take(&TurnNote { server: "b".into(), ..note(Setting::Drain, Setting::Ready, "k4", "") });
        ledger.removing();
        ledger.not_removing();
        assert_eq!(
            ledger.open().map(|(_, c)| c.removing).collect::<Vec<_>>(),
            [true, false, false],
            "the write before was sent"
        );
        ledger.take(&note(Setting::Ready, Setting::Ready, "k5", ""));
        ledger.take(&TurnNote { server: "b".into(), ..note(Setting::Ready, Setting::Ready, "k4", "gone") });
        ledger.take(&note(Setting::Ready, Setting::Ready, "k3", "applied"));
        assert_eq!(ledger.words(), "a at weight 20");
    }

    #[test]
    fn giving_back_again_and_again_forgets_nothing_of_ours() {
        let mut ledger = Ledger::default();
        ledger.take(&note(Setting::Drain, Setting::Ready, "k1", ""));
        ledger.take(&note(Setting::Drain, Setting::Ready, "k1", "unknown"));
        for i in 2..100 {
            let key = format!("k{i}");
            ledger.take(&note(Setting::Ready, Setting::Ready, &key, ""));
            ledger.take(&note(
                Setting::Ready,
                Setting::Ready,
                &key,
                if i % 2 == 0 { "unknown" } else { "refused" },
            ));
        }
        ledger.take(&note(Setting::Drain, Setting::Ready, "k100", ""));
        ledger.take(&note(Setting::Drain, Setting::Ready, "k100", "refused"));
        let change = ledger.of("haproxy shop", "a", Setting::Drain).unwrap();
        assert_eq!(change.ours, [("k1".to_owned(), Setting::Drain)]);
        assert_eq!((ledger.turns(), ledger.words().as_str()), (100, "a drained"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut ledger = Ledger::default();
        for i in 1..1000 {
            ledger.take(&note(Setting::Weight(i % 90 + 1), WHOLE, &format!("k{i}"), ""));
        }
        assert_eq!(ledger.of("haproxy shop", "a", WHOLE).unwrap().ours.len(), TRIES);
    }
}
