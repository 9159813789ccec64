//! What people ask of operations and floors that exist: stop, go on, undo, give back.

use tokio::sync::mpsc::error::TrySendError;

use crate::approval::OperationId;
use crate::execution::Job;
use crate::journal::{Entry, Kind};
use crate::view::{Answer, Caller, NoticeLevel};

use super::run::Engine;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Pause,
    Resume,
    Abort,
    Release,
}

impl Ask {
    /// As recorded.
    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Release => "release",
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::Pause => "pauses before its next stage",
            Self::Resume => "goes on",
            Self::Abort => "is stopped and rolled back",
            Self::Release => "is given back",
        }
    }

    fn job(self, id: OperationId, who: String) -> Job {
        match self {
            Self::Pause => Job::Pause(id, who),
            Self::Resume => Job::Resume(id, who),
            Self::Abort => Job::Abort(id, who),
            Self::Release => Job::Release(id, who),
        }
    }
}

impl Engine {
    /// Passes what a person asks on to the executor, then records who asked, as the kernel names them. In this order: to
    /// stop something must work with a disk that does not.
    pub(super) async fn job(&mut self, ask: Ask, id: &OperationId, caller: &Caller) -> Answer {
        if !self.state.operations.contains_key(id) && !self.state.leases.contains_key(id) {
            return self.refused(format!("there is no operation {id}"));
        }
        let by = &caller.person.name;
        let why = match self.jobs.try_send(ask.job(id.clone(), by.clone())) {
            Ok(()) => {
                let text = format!("{id}: {by} asks for {}", ask.word());
                let operation = self.state.operations.get(id).map(|o| &o.workload);
                let workload = operation.or_else(|| self.state.leases.get(id).map(|l| &l.workload));
                let body = serde_json::json!({
                    "operation": id, "workload": workload, "ask": ask.word(), "caller": caller,
                });
                self.journal(vec![Entry::new(Kind::Ask, text, body).by(by)]).await;
                return Answer::yes(format!("{id} {}", ask.said()));
            }
            Err(TrySendError::Full(_)) => "the executor is busy, nothing was done; ask again",
            Err(TrySendError::Closed(_)) => "the executor has stopped; restart weescale",
        };
        self.say(NoticeLevel::Error, why.into());
        Answer::no(why)
    }
}
