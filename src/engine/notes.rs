//! What people note, and that nobody looks any more: records without effect.

use crate::approval::OperationId;
use crate::journal::{Entry, Kind};
use crate::proposal::ProposalId;
use crate::series::text::clean;
use crate::view::{Answer, Caller, NoteLine, NoticeLevel};

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
        if self.names_nothing(&about) {
            return Answer::no(format!("not noted: there is no {about}"));
        }
        let body = serde_json::json!({ "about": about, "text": text, "caller": caller });
        let line = if about.is_empty() { text.clone() } else { format!("{about}: {text}") };
        let by = caller.person.name.clone();
        if self.journal(vec![Entry::new(Kind::Note, line, body).by(&by)]).await {
            let at = self.clock.now();
            self.state.learned.people.note(NoteLine { about, text, by, at });
            Answer::yes("noted")
        } else {
            Answer::no("not noted: the journal cannot be written")
        }
    }

    /// Whether it has the form of a proposal's or an operation's identity, and there is none.
    fn names_nothing(&self, about: &str) -> bool {
        let numbered = |prefix| {
            let number = about.strip_prefix(prefix).unwrap_or_default();
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        };
        (numbered("p-") && !self.state.queue.has_made(&ProposalId::new(about)))
            || (numbered("op-") && !self.has_begun(&OperationId::new(about)))
    }

    /// Records whose wheel it is now, as the session says. Nothing else changes.
    pub(super) async fn wheel_turned(&mut self, text: &str, caller: &Caller) -> Answer {
        let text = clean(text, NOTE);
        let body = serde_json::json!({ "caller": caller });
        if !self.journal(vec![Entry::new(Kind::Wheel, text.clone(), body).by(&caller.person.name)]).await {
            return Answer::no("the wheel stays where it is: the journal cannot be written");
        }
        self.say(NoticeLevel::Info, text.clone());
        Answer::yes(text)
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
