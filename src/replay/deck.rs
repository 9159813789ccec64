//! Where a replay is, and where a wish takes it. Reads no clock and no file.

use std::time::Duration;

use crate::journal::{FrameInfo, Line};
use crate::series::Timestamp;
use crate::view::{ReplayState, ReplayWish};

use super::jump::{Goal, goal};

/// What every wish that would execute something is answered with.
pub const NOTHING_EXECUTES: &str = "replay: nothing executes";

/// Speeds, recorded seconds a second.
const SPEEDS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 3600.0];
/// Where it starts: an hour in a minute.
const FIRST_SPEED: usize = 5;
/// Shortest and longest time a frame is shown while it runs. Longer gaps are skipped.
const SHOWN: (Duration, Duration) = (Duration::from_millis(30), Duration::from_secs(3));

/// Where a replay is.
#[derive(Clone, Debug)]
pub struct Deck {
    times: Vec<Timestamp>,
    marks: Vec<String>,
    /// What is searched: time and text of each record, in lower case.
    texts: Vec<(Timestamp, String)>,
    at: usize,
    playing: bool,
    speed: usize,
}

impl Deck {
    /// At the first frame, standing still.
    pub fn new(frames: &[FrameInfo], records: &[Line]) -> Self {
        let text = |l: &Line| (l.at, format!("{} {} {}", l.kind, l.user, l.text).to_lowercase());
        Self {
            times: frames.iter().map(|f| f.at).collect(),
            marks: frames.iter().map(|f| f.mark.clone()).collect(),
            texts: records.iter().map(text).collect(),
            at: 0,
            playing: false,
            speed: FIRST_SPEED,
        }
    }

    /// The frame shown, from 0.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// For the screen.
    pub fn state(&self) -> ReplayState {
        let edge = |t: Option<&Timestamp>| t.copied().unwrap_or_default();
        ReplayState {
            playing: self.playing,
            speed: SPEEDS.get(self.speed).copied().unwrap_or(1.0),
            frame: self.at + 1,
            frames: self.times.len(),
            from: edge(self.times.first()),
            to: edge(self.times.last()),
            mark: self.marks.get(self.at).cloned().unwrap_or_default(),
            what_if: Vec::new(),
        }
    }

    /// How long the frame shown stays; `None` while it stands still.
    pub fn stays(&self) -> Option<Duration> {
        if !self.playing {
            return None;
        }
        let (now, next) = (self.times.get(self.at)?, self.times.get(self.at + 1)?);
        let speed = SPEEDS.get(self.speed).copied().unwrap_or(1.0);
        Some(next.since(*now).div_f64(speed).clamp(SHOWN.0, SHOWN.1))
    }

    /// The next frame, because the time of this one is over; stands still at the end.
    pub fn advance(&mut self) {
        self.go(self.at + 1);
        if self.at + 1 >= self.times.len() {
            self.playing = false;
        }
    }

    /// Does what was wished; what to say if that was not possible.
    pub fn wish(&mut self, wish: &ReplayWish) -> Option<String> {
        match wish {
            ReplayWish::Toggle if !self.playing && self.at + 1 >= self.times.len() => {
                return Some("this is the last frame; jump to the start with t start".into());
            }
            ReplayWish::Toggle => self.playing ^= true,
            ReplayWish::Faster => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            ReplayWish::Slower => self.speed = self.speed.saturating_sub(1),
            ReplayWish::Forward => self.step(self.at + 1),
            ReplayWish::Back => self.step(self.at.saturating_sub(1)),
            ReplayWish::Next => {
                let next = (self.at + 1..self.times.len()).find(|i| self.is_marked(*i));
                match next {
                    Some(next) => self.step(next),
                    None => return Some("no decision or gate after this".into()),
                }
            }
            ReplayWish::Previous => match (0..self.at).rev().find(|i| self.is_marked(*i)) {
                Some(previous) => self.step(previous),
                None => return Some("no decision or gate before this".into()),
            },
            ReplayWish::Jump(typed) => return self.jump(typed),
            // Moves nowhere; the player answers it.
            ReplayWish::WhatIf { .. } => {}
        }
        None
    }

    fn is_marked(&self, index: usize) -> bool {
        self.marks.get(index).is_some_and(|m| !m.is_empty())
    }

    fn go(&mut self, index: usize) {
        self.at = index.min(self.times.len().saturating_sub(1));
    }

    /// Whoever steps looks at what they stepped to.
    fn step(&mut self, index: usize) {
        self.playing = false;
        self.go(index);
    }

    fn jump(&mut self, typed: &str) -> Option<String> {
        let state = self.state();
        let now = self.times.get(self.at).copied().unwrap_or_default();
        match goal(typed, now, state.from, state.to)? {
            Goal::At(at) if typed.trim() == "end" => self.step(self.last_until(at).max(self.times.len() - 1)),
            Goal::At(at) => self.step(self.last_until(at)),
            Goal::Text(text) => match self.find(&text) {
                Some(index) => self.step(index),
                None => return Some(format!("nothing recorded says {text:?}")),
            },
        }
        None
    }

    /// The last frame not after `at`; the first if all are.
    fn last_until(&self, at: Timestamp) -> usize {
        self.times.iter().rposition(|t| *t <= at).unwrap_or(0)
    }

    /// The next frame whose mark or whose record says `text`; from the start if there is none after this one.
    fn find(&self, text: &str) -> Option<usize> {
        let frame_of = |at: &Timestamp| self.times.iter().position(|t| t >= at);
        let mut hits: Vec<usize> = self
            .texts
            .iter()
            .filter(|(_, said)| said.contains(text))
            .filter_map(|(at, _)| frame_of(at))
            .chain(
                self.marks
                    .iter()
                    .enumerate()
                    .filter(|(_, m)| m.to_lowercase().contains(text))
                    .map(|(i, _)| i),
            )
            .collect();
        hits.sort_unstable();
        hits.iter().find(|i| **i > self.at).or_else(|| hits.first()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deck(marks: &[&str]) -> Deck {
        Deck {
            times: (0..marks.len()).map(|i| Timestamp::from_secs(i as i64 * 60)).collect(),
            marks: marks.iter().map(|m| (*m).to_owned()).collect(),
            texts: vec![(Timestamp::from_secs(150), "end  op-1 kept".into())],
            at: 0,
            playing: false,
            speed: FIRST_SPEED,
        }
    }

    #[test]
    fn steps_go_to_decisions_and_stop_there() {
        let mut deck = deck(&["", "approve p-1", "", "gate passed", ""]);
        deck.wish(&ReplayWish::Toggle);
        assert_eq!(deck.stays(), Some(Duration::from_secs(1)));
        assert_eq!(deck.wish(&ReplayWish::Next), None);
        assert_eq!((deck.at(), deck.state().mark.as_str(), deck.stays()), (1, "approve p-1", None));
        deck.wish(&ReplayWish::Next);
        assert_eq!(deck.at(), 3);
        assert!(deck.wish(&ReplayWish::Next).is_some(), "and says when there is none");
        deck.wish(&ReplayWish::Previous);
        assert_eq!(deck.at(), 1);
    }

    #[test]
    fn jumps_by_time_and_text_and_wraps_around() {
        let mut deck = deck(&["", "approve p-1", "", "", ""]);
        assert_eq!(deck.wish(&ReplayWish::Jump("KEPT".into())), None);
        assert_eq!(deck.at(), 3, "the first frame that can show it");
        deck.wish(&ReplayWish::Jump("p-1".into()));
        assert_eq!(deck.at(), 1);
        deck.wish(&ReplayWish::Jump("+2m".into()));
        assert_eq!(deck.at(), 3);
        deck.wish(&ReplayWish::Jump("end".into()));
        assert_eq!(deck.at(), 4);
        assert!(deck.wish(&ReplayWish::Jump("nonsense".into())).unwrap().contains("nonsense"));
        assert!(deck.wish(&ReplayWish::Toggle).is_some(), "nothing to play after the end");
    }

    #[test]
    fn it_stops_at_the_end_and_speeds_are_bounded() {
        let mut deck = deck(&["", "", ""]);
        for _ in 0..50 {
            deck.wish(&ReplayWish::Faster);
        }
        deck.wish(&ReplayWish::Toggle);
        assert_eq!((deck.state().speed, deck.stays()), (3600.0, Some(SHOWN.0)));
        for _ in 0..9 {
            deck.advance();
        }
        assert_eq!((deck.at(), deck.stays()), (2, None));
        for _ in 0..50 {
            deck.wish(&ReplayWish::Slower);
        }
        assert_eq!(deck.state().speed, 1.0);
    }
}
