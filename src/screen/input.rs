//! Reading the terminal, on a thread of its own that never outlives the terminal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, KeyCode, KeyEventKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

use crate::clock::{Clock, Monotonic};

use super::event::Event;
use super::key::Key;
use super::terminal::is_taken;

/// What the reader says.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Something for `update`.
    Event(Event),
    /// The terminal is gone.
    HangUp,
}

/// Keys waiting for the screen; more are dropped, as nobody types ahead that far on purpose.
pub const QUEUE: usize = 256;
/// How long a stop may take to be noticed.
const WAKE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };
/// Pause before the terminal is looked at again where that may be in vain.
const SPIN: Duration = Duration::from_millis(5);
/// A terminal sends its replies at once: after this pause, a reply that never ended has ended.
const REPLY_GAP: Duration = Duration::from_millis(100);

/// Starts the reader. It ends when `stop` is set, the receiver is gone, or the terminal is.
pub fn spawn(clock: Clock, stop: Arc<AtomicBool>) -> io::Result<mpsc::Receiver<Input>> {
    let (send, receive) = mpsc::channel(QUEUE);
    std::thread::Builder::new().name("screen-input".into()).spawn(move || read_loop(&clock, &stop, &send))?;
    Ok(receive)
}

/// Waits for the terminal with `poll`, which reports a hang-up; crossterm 0.29 alone would spin for ever after one.
fn read_loop(clock: &Clock, stop: &AtomicBool, send: &mpsc::Sender<Input>) {
    let stdin = io::stdin();
    let mut replies = Replies::default();
    while !stop.load(Ordering::Relaxed) {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN | PollFlags::HUP)];
        let flags = match poll(&mut fds, Some(&WAKE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => fds.first().map_or(PollFlags::empty(), PollFd::revents),
            Err(_) => PollFlags::ERR,
        };
        if flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            let _ = send.blocking_send(Input::HangUp);
            return;
        }
        // What is typed after the screen has ended is for whoever reads next.
        if stop.load(Ordering::Relaxed) {
            return;
        }
        while let Ok(true) = event::poll(Duration::ZERO) {
            let Ok(event) = event::read() else { break };
            if let Some(event) = replies.filter(event, clock.monotonic())
                && matches!(send.try_send(Input::Event(event)), Err(mpsc::error::TrySendError::Closed(_)))
            {
                return;
            }
        }
        wake(&stdin);
    }
}

/// Where keys wait that crossterm does not see, makes it look again. Its event source (0.29, mio) is told once that
/// the terminal can be read, and forgets that if a resize was told at the same time: the first key after a resize
/// would wait for the second, and this thread would spin. Setting the attributes to what they are tells it anew.
fn wake(stdin: &io::Stdin) {
    let mut fds = [PollFd::new(stdin, PollFlags::IN)];
    let readable = poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
    if readable && is_taken() {
        if let Ok(attributes) = tcgetattr(stdin) {
            let _ = tcsetattr(stdin, OptionalActions::Now, &attributes);
        }
        std::thread::sleep(SPIN);
    }
}

/// Swallows what terminals answer to questions nobody asked: crossterm takes the beginning of such a string
/// for a key with Alt, and the rest for typing.
#[derive(Debug, Default)]
struct Replies {
    inside: Option<Monotonic>,
}

impl Replies {
    /// The event for `update`, if it is one.
    fn filter(&mut self, event: event::Event, at: Monotonic) -> Option<Event> {
        match event {
            event::Event::Key(key) if key.kind != KeyEventKind::Release => {
                let key = Key::from_event(&key);
                if self.swallows(key, at) { None } else { Some(Event::Key { key, at }) }
            }
            event::Event::Paste(text) => Some(Event::Paste(text)),
            event::Event::Resize(w, h) => Some(Event::Resize(w, h)),
            _ => None,
        }
    }

    fn swallows(&mut self, key: Key, at: Monotonic) -> bool {
        // OSC, DCS, APC, PM and SOS begin like this; they end with BEL or ESC backslash.
        let begins = key.alt && matches!(key.code, KeyCode::Char(']' | 'P' | '_' | '^' | 'X'));
        if begins {
            self.inside = Some(at);
            return true;
        }
        let Some(last) = self.inside else { return false };
        if at.since(last) > REPLY_GAP {
            self.inside = None;
            return false;
        }
        let bell = key.ctrl && matches!(key.code, KeyCode::Char('g'));
        let terminator = key.alt && matches!(key.code, KeyCode::Char('\\'));
        self.inside = (!bell && !terminator).then_some(at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

    fn press(code: char, modifiers: KeyModifiers) -> event::Event {
        event::Event::Key(KeyEvent::new(KeyCode::Char(code), modifiers))
    }

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_duration(Duration::from_millis(ms))
    }

    #[test]
    fn replies_are_swallowed_and_typing_is_not() {
        let mut replies = Replies::default();
        assert!(replies.filter(press('a', KeyModifiers::NONE), at(0)).is_some());
        assert_eq!(replies.filter(press(']', KeyModifiers::ALT), at(1)), None);
        for c in "11;rgb:aaaa".chars() {
            assert_eq!(replies.filter(press(c, KeyModifiers::NONE), at(1)), None);
        }
        assert_eq!(replies.filter(press('\\', KeyModifiers::ALT), at(2)), None);
        assert!(replies.filter(press('a', KeyModifiers::NONE), at(3)).is_some());
        assert_eq!(replies.filter(press('P', KeyModifiers::ALT | KeyModifiers::SHIFT), at(4)), None);
        assert_eq!(replies.filter(press('g', KeyModifiers::CONTROL), at(5)), None);
        assert!(replies.filter(press('a', KeyModifiers::NONE), at(5)).is_some());
        // One that never ends does not swallow what is typed later.
        assert_eq!(replies.filter(press('_', KeyModifiers::ALT), at(10)), None);
        assert!(replies.filter(press('q', KeyModifiers::NONE), at(200)).is_some());
    }

    #[test]
    fn releases_mouse_and_focus_are_nothing() {
        let mut replies = Replies::default();
        let mut release = KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE);
        release.kind = KeyEventKind::Release;
        assert_eq!(replies.filter(event::Event::Key(release), at(0)), None);
        assert_eq!(replies.filter(event::Event::FocusGained, at(0)), None);
        let mouse = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 1,
            row: 1,
            modifiers: KeyModifiers::NONE,
        };
        assert_eq!(replies.filter(event::Event::Mouse(mouse), at(0)), None);
    }
}
