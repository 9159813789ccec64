//! What people ask of operations and floors that exist: stop, go on, undo, give back.

use tokio::sync::mpsc::error::TrySendError;

use crate::approval::OperationId;
use crate::execution::{Job, Lease, LeaseState, Operation, OperationState};
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

    /// What is to become of the operation, or of the floor where it holds one.
    const fn wanted(self, floor: bool) -> &'static str {
        match self {
            Self::Pause => "is to pause before its next stage",
            Self::Resume => "is to go on",
            Self::Abort if !floor => "is to be stopped and rolled back",
            Self::Abort | Self::Release => "is to be given back",
        }
    }

    /// Why it makes no sense for where the operation and its floor are; `None` if it does.
    fn against(self, operation: Option<&Operation>, lease: Option<&Lease>) -> Option<String> {
        let floor = holds(operation, lease);
        let Some(state) = operation.map(|o| &o.state) else {
            return match self {
                _ if !floor => Some("its floor is held no more".into()),
                Self::Release | Self::Abort => None,
                Self::Pause | Self::Resume => Some("only its floor is left; release it".into()),
            };
        };
        let is = told(state);
        match self {
            Self::Release | Self::Abort if floor => None,
            Self::Release if lease.is_some() => Some("its floor is held no more".into()),
            Self::Release if state.is_final() => Some(format!("it holds no floor: it is {is}")),
            Self::Release if matches!(state, OperationState::RollingBack { .. }) => {
                Some(format!("it holds no floor: it is {is}"))
            }
            Self::Release => Some("it holds no floor yet; abort it instead".into()),
            _ if state.is_final() => Some(format!("there is nothing left to {}: it is {is}", self.word())),
            _ if matches!(state, OperationState::RollingBack { .. }) => {
                Some(format!("there is nothing to {}: it is {is}", self.word()))
            }
            // Going on before the outcome is known would be going on without having seen it.
            Self::Resume if matches!(state, OperationState::Unknown { .. }) => {
                Some(format!("it does not wait for anybody yet: {is}"))
            }
            Self::Pause | Self::Resume | Self::Abort => None,
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

/// Whether a floor of it is held, or is about to be.
fn holds(operation: Option<&Operation>, lease: Option<&Lease>) -> bool {
    match lease {
        Some(lease) => !matches!(lease.state, LeaseState::Restored { .. } | LeaseState::Foreign { .. }),
        None => operation.is_some_and(|o| o.state == OperationState::Kept && o.change.until.is_some()),
    }
}

/// Where it is, with the reason where there is one: `rolling back: aborted by ann`.
fn told(state: &OperationState) -> String {
    match state {
        OperationState::Paused { why }
        | OperationState::RollingBack { why }
        | OperationState::RolledBack { why }
        | OperationState::Halted { why }
        | OperationState::Cancelled { why } => format!("{}: {why}", state.label()),
        OperationState::Unknown { what } => format!("the outcome of a write is not known yet, {what}"),
        _ => state.label().to_owned(),
    }
}

impl Engine {
    /// Whether an operation of that identity was ever begun, in this run or an earlier one.
    pub(super) fn has_begun(&self, id: &OperationId) -> bool {
        let number = id.as_str().strip_prefix("op-").and_then(|n| n.parse::<u64>().ok());
        number.is_some_and(|n| (1..self.next_operation).contains(&n))
    }

    /// Passes what a person asks on to the executor, then records who asked, as the kernel names them. In this order: to
    /// stop something must work with a disk that does not.
    pub(super) async fn job(&mut self, ask: Ask, id: &OperationId, caller: &Caller) -> Answer {
        if !self.state.operations.contains_key(id) && !self.state.leases.contains_key(id) {
            let over = self.has_begun(id);
            let why = if over { format!("{id} is over") } else { format!("there is no operation {id}") };
            return self.refused(why);
        }
        let (operation, lease) = (self.state.operations.get(id), self.state.leases.get(id));
        if let Some(why) = ask.against(operation, lease) {
            return self.refused(format!("{id}: {why}"));
        }
        let floor = holds(operation, lease);
        let now = match operation {
            Some(o) if !floor => format!("it is {}", o.state.label()),
            _ => "its floor is held".to_owned(),
        };
        let said = format!("asked: {id} {}; {now} now", ask.wanted(floor));
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
                return Answer::yes(said);
            }
            Err(TrySendError::Full(_)) => "the executor is busy, nothing was done; ask again",
            Err(TrySendError::Closed(_)) => "the executor has stopped; restart weescale",
        };
        self.say(NoticeLevel::Error, why.into());
        Answer::no(why)
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::restore::Restored;
    use crate::engine::start;
    use crate::engine::tests::at_work;

    use super::*;

    fn floor(state: LeaseState) -> Lease {
        let o = at_work("op-1");
        Lease {
            operation: o.id,
            workload: o.workload,
            target: o.target,
            field: o.change.field,
            floor: o.change.to,
            restore: o.change.from,
            owner: "ann".into(),
            reason: "peak".into(),
            expires: o.started,
            state,
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_state() {
        let why = || String::from("aborted by ann");
        let with = |ask: Ask, state| ask.against(Some(&Operation { state, ..at_work("op-1") }), None);
        let no = |ask, state, said: &str| {
            let told = with(ask, state).unwrap();
            assert!(told.contains(said), "{told}");
        };
        let back = || OperationState::RollingBack { why: why() };
        no(Ask::Resume, back(), "nothing to resume: it is rolling back: aborted by ann");
        no(Ask::Abort, back(), "nothing to abort: it is rolling back");
        no(Ask::Pause, back(), "nothing to pause: it is rolling back");
        no(Ask::Release, back(), "holds no floor: it is rolling back");
        no(Ask::Release, OperationState::InFlight, "it holds no floor yet; abort it instead");
        no(
            Ask::Release,
            OperationState::Halted { why: why() },
            "holds no floor: it is halted: aborted by ann",
        );
        no(Ask::Abort, OperationState::RolledBack { why: why() }, "nothing left to abort: it is rolled back");
        no(
            Ask::Resume,
            OperationState::Unknown { what: "6→8: timed out".into() },
            "not known yet, 6→8: timed out",
        );
        assert_eq!(with(Ask::Resume, OperationState::Paused { why: why() }), None);
        assert_eq!(with(Ask::Abort, OperationState::Paused { why: why() }), None);
        assert_eq!(with(Ask::Abort, OperationState::Queued), None);
    }

    #[tokio::test]
    async fn a_floor_of_an_earlier_run_is_released_before_its_platform_answers() {
        let (history, _) = crate::engine::tests::holding().await;
        let id = history.mandate.operation.clone();
        let mut restored = Restored::default();
        restored.unfinished = vec![history];
        let (jobs, mut taken) = tokio::sync::mpsc::channel(8);
        let at = crate::engine::tests::NOW;
        for (context, adopted) in [("test", true), ("other", false)] {
            let mut state = crate::engine::tests::state(vec![]);
            let context = crate::fleet::Context { name: context.into(), protected: false };
            let mut gate = crate::approval::Gate::new(crate::approval::Mode::Ask, context);
            start::adopt(&mut state, &mut gate, &restored, &jobs, at).await;
            assert_eq!(taken.try_recv().is_ok(), adopted);
            let what = "weescale was restarted; reading back".into();
            let silent = Operation { state: OperationState::Unknown { what }, ..at_work("op-1") };
            let against = Ask::Release.against(Some(&silent), state.leases.get(&id));
            assert_eq!(against.is_none(), adopted, "{against:?}");
        }
    }

    #[test]
    fn a_floor_is_given_back_by_release_and_abort_as_long_as_it_is_held() {
        let kept = Operation { state: OperationState::Kept, ..at_work("op-1") };
        for ask in [Ask::Release, Ask::Abort] {
            assert_eq!(ask.against(Some(&kept), Some(&floor(LeaseState::Held))), None);
            assert_eq!(ask.against(None, Some(&floor(LeaseState::Failing { why: "503".into() }))), None);
            let over = floor(LeaseState::Foreign { found: Some(9) });
            assert!(ask.against(Some(&kept), Some(&over)).is_some());
            assert!(ask.against(None, Some(&over)).is_some());
        }
        assert!(Ask::Pause.against(None, Some(&floor(LeaseState::Held))).unwrap().contains("release it"));
    }
}
