//! The wheel: while somebody has it, they alone decide; the others point, stop things, and turn second keys.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::view::{Command, Role};

/// After this long without an answer whoever asked may take the wheel.
const PATIENCE: Duration = Duration::from_secs(20);
/// An ask that was not pressed for this long is none any more.
const ASK_LASTS: Duration = Duration::from_secs(60);
/// People who may ask at once.
const ASKING: usize = 40;

/// Who has the wheel, and who asks for it, by number of their screens.
#[derive(Clone, Debug, Default)]
pub struct Wheel {
    driver: Option<u64>,
    asked: Vec<(u64, Monotonic)>,
    /// Whether the last turn is not recorded yet.
    pending: bool,
}

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody had it.
    Taken,
    /// Somebody else has it, and is asked.
    Asked(u64),
    /// Somebody else had it and did not answer.
    TakenFrom(u64),
    /// It goes to who asked first.
    HandedTo(u64),
    /// Nobody asked: everybody decides again.
    LetGo,
    /// Nothing yet: the turn before is not recorded. Two that are not could leave somebody at the wheel of whom no record
    /// says so.
    Waits,
}

impl Wheel {
    /// Takes the wheel, asks for it, hands it over or lets go, as it stands.
    pub fn turn(&mut self, screen: u64, now: Monotonic) -> Turn {
        self.asked.retain(|(_, at)| is_open(*at, now));
        match self.driver {
            None if self.pending => Turn::Waits,
            Some(driver) if self.pending && driver == screen => Turn::Waits,
            None => {
                self.give(Some(screen), now);
                Turn::Taken
            }
            Some(driver) if driver == screen => {
                let next = self.asked.first().map(|(screen, _)| *screen);
                self.give(next, now);
                next.map_or(Turn::LetGo, Turn::HandedTo)
            }
            Some(driver) => {
                let asked = self.asked.iter().find(|(s, _)| *s == screen).map(|(_, at)| *at);
                if asked.is_some_and(|at| now.since(at) >= PATIENCE) {
                    if self.pending {
                        return Turn::Waits;
                    }
                    self.give(Some(screen), now);
                    return Turn::TakenFrom(driver);
                }
                if asked.is_none() && self.asked.len() < ASKING {
                    self.asked.push((screen, now));
                }
                Turn::Asked(driver)
            }
        }
    }

    /// Whoever gets it was not asked yet: the others ask them from now on.
    fn give(&mut self, to: Option<u64>, now: Monotonic) {
        self.driver = to;
        self.asked.retain(|(screen, _)| Some(*screen) != to);
        if to.is_none() {
            self.asked.clear();
        }
        self.asked.iter_mut().for_each(|(_, at)| *at = now);
    }

    /// The turn is on its way to the record; until [`Self::recorded`] or [`Self::take_back`] there is no other.
    pub const fn record(&mut self) {
        self.pending = true;
    }

    /// It is recorded.
    pub const fn recorded(&mut self) {
        self.pending = false;
    }

    /// Takes a turn that could not be recorded back to `before`, unless the wheel has moved on since, but not to somebody
    /// who is not `there` any more.
    pub fn take_back(&mut self, before: Self, to: Option<u64>, there: impl Fn(u64) -> bool) {
        if self.driver == to {
            *self = before;
            self.asked.retain(|(screen, _)| there(*screen));
            if self.driver.is_some_and(|driver| !there(driver)) {
                self.driver = None;
                self.asked.clear();
            }
        }
        self.pending = false;
    }

    /// A screen is gone; says whether it had the wheel, which nobody has then.
    pub fn left(&mut self, screen: u64) -> bool {
        self.asked.retain(|(s, _)| *s != screen);
        let drove = self.driver == Some(screen);
        if drove {
            self.driver = None;
            self.asked.clear();
        }
        drove
    }

    /// Who has it.
    pub const fn driver(&self) -> Option<u64> {
        self.driver
    }

    /// Whether a screen asks for it.
    pub fn asks(&self, screen: u64, now: Monotonic) -> bool {
        self.asked.iter().any(|(s, at)| *s == screen && is_open(*at, now))
    }

    /// What a screen may do.
    pub fn role(&self, screen: u64) -> Role {
        match self.driver {
            None => Role::Partner,
            Some(driver) if driver == screen => Role::Driver,
            Some(_) => Role::Navigator,
        }
    }
}

/// Whether an ask still stands.
fn is_open(at: Monotonic, now: Monotonic) -> bool {
    now.since(at) < ASK_LASTS
}

/// Whether a wish decides something, so that it takes the wheel. Who does not have it may stop things all the same.
pub const fn decides(command: &Command) -> bool {
    matches!(
        command,
        Command::Approve { .. }
            | Command::Reject { .. }
            | Command::Snooze { .. }
            | Command::Mute { .. }
            | Command::Unmute(_)
            | Command::Edit { .. }
            | Command::ApproveDay { .. }
            | Command::Resume(_)
            | Command::Release(_)
            | Command::Freeze { .. }
            | Command::Gone { .. }
            | Command::Claim { .. }
            | Command::Lesson { .. }
            | Command::ImportLessons { .. }
    )
}

#[cfg(test)]
mod tests {
    use crate::view::{OperationId, ProposalId, RejectReason, in_shadow};

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default().plus(Duration::from_secs(seconds))
    }

    #[test]
    fn it_is_taken_asked_for_handed_over_and_let_go() {
        let mut wheel = Wheel::default();
        assert_eq!(wheel.role(1), Role::Partner);
        assert_eq!(wheel.turn(1, at(0)), Turn::Taken);
        assert_eq!((wheel.role(1), wheel.role(2)), (Role::Driver, Role::Navigator));
        assert_eq!(wheel.turn(2, at(1)), Turn::Asked(1));
        assert_eq!(wheel.turn(3, at(2)), Turn::Asked(1));
        let asks = |wheel: &Wheel, screen| wheel.asks(screen, at(3));
        assert!(asks(&wheel, 2) && asks(&wheel, 3) && !asks(&wheel, 1));
        assert_eq!(wheel.turn(1, at(3)), Turn::HandedTo(2), "who asked first");
        assert!(!asks(&wheel, 2) && asks(&wheel, 3));
        assert_eq!(wheel.turn(2, at(4)), Turn::HandedTo(3));
        assert_eq!(wheel.turn(3, at(5)), Turn::LetGo);
        assert_eq!(wheel.role(3), Role::Partner);
    }

    #[test]
    fn whoever_does_not_answer_or_leaves_loses_it() {
        let mut wheel = Wheel::default();
        wheel.turn(1, at(0));
        assert_eq!(wheel.turn(2, at(1)), Turn::Asked(1));
        assert_eq!(wheel.turn(2, at(20)), Turn::Asked(1), "19 s are no long time");
        assert_eq!(wheel.turn(2, at(21)), Turn::TakenFrom(1));
        wheel.turn(1, at(30));
        assert!(!wheel.left(1) && !wheel.asks(1, at(30)));
        assert!(wheel.left(2));
        assert_eq!(wheel.driver(), None);
    }

    #[test]
    fn who_gets_the_wheel_has_time_to_answer_and_an_ask_does_not_stand_for_ever() {
        let mut wheel = Wheel::default();
        wheel.turn(1, at(0));
        wheel.turn(2, at(1));
        wheel.turn(3, at(2));
        assert_eq!(wheel.turn(1, at(25)), Turn::HandedTo(2));
        assert_eq!(wheel.turn(3, at(26)), Turn::Asked(2), "2 has it for a second");
        assert_eq!(wheel.turn(3, at(45)), Turn::TakenFrom(2));
        assert_eq!(wheel.turn(2, at(46)), Turn::Asked(3));
        assert!(wheel.asks(2, at(105)) && !wheel.asks(2, at(106)));
        assert_eq!(wheel.clone().turn(3, at(106)), Turn::LetGo, "nobody asks any more");
        assert_eq!(wheel.turn(2, at(200)), Turn::Asked(3), "asked anew, not taken");
    }

    #[test]
    fn a_turn_that_was_not_recorded_was_none() {
        let mut wheel = Wheel::default();
        wheel.turn(1, at(0));
        wheel.turn(2, at(1));
        let before = wheel.clone();
        assert_eq!(wheel.turn(1, at(2)), Turn::HandedTo(2));
        let mut later = wheel.clone();
        let mut gone = wheel.clone();
        wheel.take_back(before.clone(), Some(2), |_| true);
        assert_eq!((wheel.driver(), wheel.asks(2, at(3))), (Some(1), true));
        later.turn(2, at(3));
        later.take_back(before.clone(), Some(2), |_| true);
        assert_eq!(later.driver(), None, "it has moved on");
        gone.take_back(before, Some(2), |screen| screen != 1);
        assert_eq!((gone.driver(), gone.asks(2, at(3))), (None, false));
    }

    #[test]
    fn there_is_one_turn_at_a_time_until_it_is_recorded() {
        let mut wheel = Wheel::default();
        let before = wheel.clone();
        assert_eq!(wheel.turn(1, at(0)), Turn::Taken);
        wheel.record();
        assert_eq!(wheel.turn(2, at(1)), Turn::Asked(1), "asking turns nothing");
        assert_eq!((wheel.turn(2, at(30)), wheel.turn(1, at(30))), (Turn::Waits, Turn::Waits));
        let mut lost = wheel.clone();
        wheel.recorded();
        assert_eq!(wheel.turn(2, at(31)), Turn::TakenFrom(1));
        lost.take_back(before.clone(), Some(1), |_| true);
        assert_eq!((lost.driver(), lost.turn(2, at(31))), (None, Turn::Taken));
        // The driver left meanwhile: the wheel is free, and waits for what becomes of the turn.
        let mut gone = before.clone();
        gone.turn(1, at(0));
        gone.record();
        gone.left(1);
        assert_eq!(gone.turn(2, at(1)), Turn::Waits);
        gone.take_back(before, Some(1), |_| true);
        assert_eq!((gone.driver(), gone.turn(2, at(1))), (None, Turn::Taken));
    }

    #[test]
    fn a_learner_decides_nothing_and_a_navigator_may_stop() {
        let id = ProposalId::new("p-1");
        let approve = Command::Approve { proposal: id.clone(), hash: "h".into(), typed: Some("prod".into()) };
        let shadow = Command::Shadow { proposal: id.clone(), hash: "h".into(), reject: None };
        assert_eq!(in_shadow(approve.clone()), Ok(shadow));
        let reject = Command::Reject { proposal: id.clone(), reason: RejectReason::BadTime };
        assert!(matches!(in_shadow(reject), Ok(Command::Shadow { reject: Some(RejectReason::BadTime), .. })));
        for writes in [
            Command::Abort(OperationId::new("op-1")),
            Command::Release(OperationId::new("op-1")),
            Command::HandOver("x".into()),
            Command::Edit { proposal: id, to: 9 },
            Command::ImportLessons { text: String::new(), trust: None },
        ] {
            assert!(in_shadow(writes.clone()).is_err(), "{writes:?}");
        }
        assert!(decides(&approve) && decides(&Command::ImportLessons { text: String::new(), trust: None }));
        assert!(!decides(&Command::Abort(OperationId::new("op-1"))) && !decides(&Command::PollNow));
    }
}
