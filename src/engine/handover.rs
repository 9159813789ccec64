//! Handing a shift over: what is open, written into the journal and acknowledged by name.

use crate::journal::{Entry, Kind};
use crate::series::text::clean;
use crate::view::{Answer, Caller, Handover};

use super::run::Engine;

/// Longest name.
const NAME: usize = 64;

impl Engine {
    /// Records the hand-over to `name`, or to the person at the keyboard if none is given.
    pub(super) async fn hand_over(&mut self, name: &str, caller: &Caller) -> Answer {
        let by = caller.person.name.clone();
        let name = clean(name.trim(), NAME);
        let to = if name.is_empty() { by.clone() } else { name };
        let card = Handover::of(&self.view.borrow().clone());
        let text = format!("handed over to {to}: {}", card.summary());
        let body = serde_json::json!({ "acknowledged_by": to, "card": card, "caller": caller });
        if self.journal(vec![Entry::new(Kind::Handover, text.clone(), body).by(&by)]).await {
            Answer::yes(text)
        } else {
            Answer::no("not handed over: the journal cannot be written")
        }
    }
}
