//! Learners decide beside those who may: recorded, compared, without effect.

use crate::journal::{Entry, Kind};
use crate::proposal::{ProposalId, RejectReason};
use crate::view::{Answer, Caller};

use super::run::Engine;

impl Engine {
    /// Records what a learner would do of a proposal that is still open.
    pub(super) async fn shadow(
        &mut self,
        id: &ProposalId,
        hash: &str,
        reject: Option<RejectReason>,
        caller: &Caller,
    ) -> Answer {
        let Some(proposal) = self.state.queue.get(id).filter(|p| p.state.is_live()) else {
            return Answer::no(format!("{id} is decided already: a verdict after that teaches nothing"));
        };
        if !hash.is_empty() && proposal.hash() != hash {
            return Answer::no(format!("{id} has changed since it was shown; look again"));
        }
        let would = match reject {
            None => "would approve".to_owned(),
            Some(reason) => format!("would reject: {}", reason.phrase()),
        };
        let line = format!("{id} {} {would}", proposal.workload);
        let body = serde_json::json!({
            "proposal": id, "hash": proposal.hash(), "approve": reject.is_none(), "reason": reject, "caller": caller,
        });
        let name = caller.person.name.clone();
        if !self.journal(vec![Entry::new(Kind::Shadow, line, body).by(&name)]).await {
            return Answer::no("not recorded: the journal cannot be written");
        }
        if !self.state.learned.people.shadows.say(&name, id, reject.is_none()) {
            return Answer::no(format!(
                "recorded: {name} {would}; but it is not compared: too many verdicts are held already"
            ));
        }
        Answer::yes(format!("recorded: {name} {would}; nothing is executed, the decision is others'"))
    }
}
