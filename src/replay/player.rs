//! A task that publishes recorded views as an engine publishes live ones.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::view::{Command, Notice, NoticeLevel, ProposalId, ReplayState, ReplayWish, View};

use super::came::Came;
use super::what_if::Verdicts;
use super::{Deck, NOTHING_EXECUTES, Recording, ReplayError};

/// Forecasts read before a picture is shown; what is missing comes with the next.
const AT_ONCE: usize = 400;
/// Wishes that may wait.
const QUEUE: usize = 64;

/// A replay that runs: the same two ends that an engine has.
#[derive(Debug)]
pub struct Replay {
    /// The view.
    pub view: watch::Receiver<Arc<View>>,
    /// Wishes; those that would execute something are refused.
    pub commands: mpsc::Sender<Command>,
}

struct Player {
    recording: Recording,
    deck: Deck,
    verdicts: Verdicts,
    came: Came,
    /// The recorded view and its place.
    shown: (usize, Arc<View>),
    /// Forecasts read at once.
    most: usize,
    /// Whether more is to be read of what is shown.
    more: bool,
    /// Another value of a proposal that is asked about.
    asked: Option<(ProposalId, u32)>,
    /// What to say beside it.
    said: Option<String>,
    /// What was said last, until something else happens.
    notice: Option<Notice>,
    notices: u64,
}

/// Starts at the first frame; must be called inside a runtime. Ends when nobody holds the ends any more.
pub fn play(recording: Recording, clock: Clock) -> Result<Replay, ReplayError> {
    play_reading(recording, clock, AT_ONCE)
}

/// The same with so many forecasts read at once.
pub(super) fn play_reading(
    mut recording: Recording,
    clock: Clock,
    most: usize,
) -> Result<Replay, ReplayError> {
    let deck = Deck::new(recording.frames(), recording.records());
    let (first, all) = recording.told_within(0, most)?;
    let verdicts = Verdicts::of(&mut recording);
    let mut came = Came::default();
    came.read(&mut recording, 0);
    let mut player = Player {
        recording,
        deck,
        verdicts,
        came,
        shown: (0, first),
        most,
        more: !all,
        asked: None,
        said: None,
        notice: None,
        notices: 0,
    };
    let (out, view) = watch::channel(player.picture());
    let (commands, wishes) = mpsc::channel(QUEUE);
    tokio::spawn(player.run(out, wishes, clock));
    Ok(Replay { view, commands })
}

impl Player {
    async fn run(mut self, out: watch::Sender<Arc<View>>, mut wishes: mpsc::Receiver<Command>, clock: Clock) {
        loop {
            let stays = self.deck.stays();
            let over = async {
                match stays {
                    Some(stays) => clock.sleep(stays).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                wish = wishes.recv() => match wish.inspect(|_| self.notice = None) {
                    Some(Command::Replay(ReplayWish::WhatIf { proposal, to })) => self.asked = Some((proposal, to)),
                    Some(Command::Replay(wish)) => self.said = self.deck.wish(&wish),
                    Some(_) => self.said = Some(NOTHING_EXECUTES.into()),
                    None => break,
                },
                () = over => {
                    self.notice = None;
                    self.deck.advance();
                }
                () = std::future::ready(()), if self.more => {}
            }
            self = match tokio::task::spawn_blocking(move || self.loaded()).await {
                Ok(player) => player,
                Err(_) => break,
            };
            out.send_replace(self.picture());
        }
    }

    /// Reads the frame that is to be shown. What cannot be read is said; the frame before stays.
    fn loaded(mut self) -> Self {
        if let Some((proposal, to)) = self.asked.take() {
            self.said = Some(super::other::told(&mut self.recording, &self.shown.1, &proposal, to));
        }
        let wanted = self.deck.at();
        let moved = wanted != self.shown.0;
        if moved || self.more {
            match self.recording.told_within(wanted, self.most) {
                Ok((view, all)) => {
                    (self.shown, self.more) = ((wanted, view), !all);
                    if moved {
                        self.came.read(&mut self.recording, wanted);
                    }
                }
                Err(error) => (self.said, self.more) = (Some(error.to_string()), false),
            }
        }
        self
    }

    fn picture(&mut self) -> Arc<View> {
        let mut view = View::clone(&self.shown.1);
        let what_if = self.verdicts.shown(&view);
        self.came.lay(&mut view);
        view.header.replay = Some(ReplayState { what_if, ..self.deck.state() });
        // Nothing here is of now: what was said then is in the journal panel, and only the replay speaks.
        view.notices.clear();
        if let Some(text) = self.said.take() {
            self.notices += 1;
            let seq = self.notices;
            self.notice = Some(Notice { seq, at: view.at, level: NoticeLevel::Warning, text });
        }
        // It stays while more is read: a screen may not have taken the picture before.
        view.notices.extend(self.notice.clone());
        Arc::new(view)
    }
}
