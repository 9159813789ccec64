//! Wishes as they come: a few at a time, so that they never starve what keeps operations safe.

use tokio::sync::oneshot;

use crate::view::{Answer, Caller, Command, Company, NoticeLevel, Wish, in_shadow};

use super::run::Engine;

/// Wishes carried out between two looks at everything else: each waits for the disk.
const AT_ONCE: usize = 8;

/// Wishes of one round and what came of them, until a view shows it.
#[derive(Debug, Default)]
pub(super) struct Round {
    carried_out: usize,
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
}

impl Round {
    /// Whether another wish has to wait for the next round.
    pub(super) const fn is_full(&self) -> bool {
        self.carried_out >= AT_ONCE
    }
}

impl Engine {
    /// Carries out a wish of the person at this process's own keyboard.
    pub(super) async fn own(&mut self, command: Command, round: &mut Round) {
        // Nobody else can look at an engine that runs in its screen's process.
        let company = Company { people: 1, since: Some(self.state.started) };
        let person = self.state.person.clone();
        let caller = Caller { person, tty: super::current_tty(), company: Some(company) };
        // Who learns does so at every keyboard.
        let learns = self.learners.contains(&caller.person.uid);
        let quiet =
            learns || matches!(command, Command::Note { .. } | Command::HandOver(_) | Command::TakeOver);
        let allowed = if learns { in_shadow(command) } else { Ok(command) };
        let answer = match allowed {
            Ok(command) => self.command(command, &caller).await,
            Err(why) => Answer::no(why),
        };
        // Nothing on the screen would show that these were done.
        if quiet {
            let level = if answer.accepted { NoticeLevel::Info } else { NoticeLevel::Warning };
            self.say(level, answer.text);
        }
        round.carried_out += 1;
    }

    /// Carries a wish out; whoever asked is answered once a view shows it.
    pub(super) async fn wish(&mut self, wish: Wish, round: &mut Round) {
        let answer = self.command(wish.command, &wish.caller).await;
        round.carried_out += 1;
        round.answers.push((wish.reply, answer));
    }

    /// Shows once what came of a round, then answers.
    pub(super) fn show_round(&mut self, round: Round) {
        if round.carried_out == 0 {
            return;
        }
        self.publish();
        for (reply, answer) in round.answers {
            // Whoever asked may be gone; what they asked for is done and recorded all the same.
            let _ = reply.send(answer);
        }
    }
}
