//! What people note, and that nobody looks any more: records without effect.

use crate::journal::{Entry, Kind};
use crate::series::text::clean;
use crate::view::{Answer, Caller};

use super::run::Engine;

/// Longest note, characters.
const NOTE: usize = 500;
/// Longest identity a note is about, characters.
const ABOUT: usize = 120;

impl Engine {
    /// Puts a note into the journal.
    pub(super) async fn note_down(&mut self, about: &str, text: &str, caller: &Caller) -> Answer {
        let (about, text) = (clean(about, ABOUT), clean(text, NOTE));
        if text.trim().is_empty() {
            return Answer::no("the note is empty");
        }
        let body = serde_json::json!({ "about": about, "text": text, "caller": caller });
        let line = if about.is_empty() { text } else { format!("{about}: {text}") };
        if self.journal(vec![Entry::new(Kind::Note, line, body).by(&caller.person.name)]).await {
            Answer::yes("noted")
        } else {
            Answer::no("not noted: the journal cannot be written")
        }
    }

    /// Records that the last screen went away while something is in flight. Nothing else changes.
    pub(super) async fn unattended(&mut self, last: &Caller) -> Answer {
        let open: Vec<String> = self
            .state
            .operations
            .values()
            .filter(|o| !o.state.is_final())
            .map(|o| o.id.to_string())
            .collect();
        if open.is_empty() {
            return Answer::yes("nothing is in flight");
        }
        let text = format!("unattended: {} in flight, the last screen went away", open.join(", "));
        let body = serde_json::json!({ "operations": open, "caller": last });
        self.journal(vec![Entry::new(Kind::Detach, text.clone(), body).by(&last.person.name)]).await;
        Answer::yes(text)
    }
}
