//! Turns of the wheel and other wishes on their way to the engine, and what becomes of those that it answers late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::view::{Answer, Attached, Caller, Command, Wish};

use super::hub::{Hub, lock};
use super::wheel::{Turn, Wheel};

/// How long a turn that was not answered in time may still come to be recorded.
const AT_LAST: Duration = Duration::from_secs(600);
/// Kind of the record of a turn.
const KIND: &str = "wheel";

/// A turn that is not recorded yet.
struct Pending {
    before: Wheel,
    driver: Option<u64>,
    /// As it is recorded.
    text: String,
    /// The latest record that was shown before it.
    after: u64,
}

impl Hub {
    /// Turns the wheel and has it recorded.
    pub(super) async fn turn(self: &Arc<Self>, caller: &Caller, you: &Attached) -> Answer {
        let name = |screen: u64| {
            let people = lock(&self.people);
            people.get(&screen).map_or_else(|| "somebody".to_owned(), |a| a.name.clone())
        };
        if you.screen == 0 || !lock(&self.people).contains_key(&you.screen) {
            return Answer::no("the wheel is for screens that are attached");
        }
        let after = self.view.borrow().journal.first().map_or(0, |line| line.seq);
        let (before, turned, driver) = {
            let mut wheel = lock(&self.wheel);
            let before = wheel.clone();
            let turned = wheel.turn(you.screen, self.haste.monotonic());
            if !matches!(turned, Turn::Asked(_) | Turn::Waits) {
                wheel.record();
            }
            (before, turned, wheel.driver())
        };
        self.note_change();
        let me = &you.name;
        let text = match turned {
            Turn::Taken => format!("{me} takes the wheel"),
            Turn::TakenFrom(driver) => format!("{me} takes the wheel: {} did not answer", name(driver)),
            Turn::HandedTo(next) => format!("{me} hands the wheel to {}", name(next)),
            Turn::LetGo => format!("{me} lets go of the wheel: everybody decides"),
            Turn::Asked(driver) => {
                let driver = name(driver);
                return Answer::yes(format!(
                    "{driver} is asked for the wheel; without an answer D takes it after 20 s"
                ));
            }
            Turn::Waits => {
                return Answer::no("the turn before is not recorded yet, and nothing was turned; try again");
            }
        };
        let pending = Pending { before, driver, text, after };
        let (hub, caller) = (Arc::clone(self), caller.clone());
        // Whoever asked may be gone before it is recorded: what becomes of it is settled all the same.
        let recorded = tokio::spawn(async move { hub.record(&caller, pending).await });
        recorded.await.unwrap_or_else(|_| gone())
    }

    /// Has a turn recorded, or takes it back.
    async fn record(self: Arc<Self>, caller: &Caller, pending: Pending) -> Answer {
        let mut answer = match self.send(caller, Command::WheelTurned(pending.text.clone())).await {
            Ok(answer) => answer,
            // It never reached the engine.
            Err(no) => {
                self.take_back(pending);
                return no;
            }
        };
        if let Ok(answer) = timeout(self.patience, &mut answer).await {
            let answer = answer.unwrap_or_else(|_| gone());
            if answer.accepted {
                lock(&self.wheel).recorded();
            } else {
                self.take_back(pending);
            }
            return answer;
        }
        let hub = Arc::clone(&self);
        tokio::spawn(async move { hub.settle(pending, answer).await });
        Answer::no(format!(
            "the turn is not recorded after {} s; if it is recorded in the end it holds, if not it is taken back",
            self.patience.as_secs()
        ))
    }

    /// Waits for what became of a turn: the late answer, or without one the record itself.
    async fn settle(&self, pending: Pending, answer: oneshot::Receiver<Answer>) {
        let recorded = match timeout(AT_LAST, answer).await {
            Ok(Ok(answer)) => answer.accepted,
            _ => self.is_recorded(&pending),
        };
        if recorded {
            lock(&self.wheel).recorded();
        } else {
            self.take_back(pending);
        }
    }

    /// Whether the journal, as it is shown, has the turn.
    fn is_recorded(&self, pending: &Pending) -> bool {
        let view = self.view.borrow();
        let mut since = view.journal.iter().take_while(|line| line.seq > pending.after);
        since.any(|line| line.kind == KIND && line.text == pending.text)
    }

    fn take_back(&self, pending: Pending) {
        {
            let people = lock(&self.people);
            lock(&self.wheel).take_back(pending.before, pending.driver, |s| people.contains_key(&s));
        }
        self.note_change();
    }

    /// Has a wish carried out.
    pub(super) async fn ask(&self, caller: &Caller, command: Command) -> Answer {
        let late = || {
            let wait = self.patience.as_secs();
            Answer::no(format!("no answer within {wait} s; it may still be carried out: look at the journal"))
        };
        match self.send(caller, command).await {
            Ok(answer) => {
                timeout(self.patience, answer).await.map_or_else(|_| late(), |a| a.unwrap_or_else(|_| gone()))
            }
            Err(no) => no,
        }
    }

    /// Puts a wish into the engine's queue; its answer comes here. Or why it is not there.
    async fn send(&self, caller: &Caller, command: Command) -> Result<oneshot::Receiver<Answer>, Answer> {
        let (reply, answer) = oneshot::channel();
        let company = Some(self.company(caller.person.uid));
        let wish = Wish { command, caller: Caller { company, ..caller.clone() }, reply };
        match timeout(self.patience, self.wishes.send(wish)).await {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(Answer::no(format!(
                "the engine is too busy to take a wish within {} s; nothing was done",
                self.patience.as_secs()
            ))),
        }
    }
}

fn gone() -> Answer {
    Answer::no("the engine has stopped; nothing was done")
}
