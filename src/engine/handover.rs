//! Handing a shift over: what is open, written into the journal and acknowledged by name.

use crate::journal::{Entry, Kind};
use crate::series::text::clean;
use crate::view::{Handover, NoticeLevel};

use super::run::Engine;

/// Longest name.
const NAME: usize = 64;

impl Engine {
    /// Records the hand-over to `name`, or to the person at the keyboard if none is given.
    pub(super) async fn hand_over(&mut self, name: &str) {
        let by = self.state.person.name.clone();
        let name = clean(name.trim(), NAME);
        let to = if name.is_empty() { by.clone() } else { name };
        let card = Handover::of(&self.view.borrow().clone());
        let text = format!("handed over to {to}: {}", card.summary());
        let body = serde_json::json!({ "acknowledged_by": to, "card": card });
        if self.journal(vec![Entry::new(Kind::Handover, text.clone(), body).by(&by)]).await {
            self.say(NoticeLevel::Info, text);
        }
    }
}
