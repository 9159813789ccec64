//! Reading the terminal, on a thread of its own that never outlives the terminal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;

use crate::clock::Clock;

use super::decode::{Decoder, Sent};
use super::event::Event;

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
const WAKE: Duration = Duration::from_secs(2);
/// Bytes read at once.
const READ_BYTES: usize = 4096;

/// Starts the reader. It ends when `stop` is set, the receiver is gone, or the terminal is.
pub fn spawn(clock: Clock, stop: Arc<AtomicBool>) -> io::Result<mpsc::Receiver<Input>> {
    let (send, receive) = mpsc::channel(QUEUE);
    std::thread::Builder::new().name("screen-input".into()).spawn(move || read_loop(&clock, &stop, &send))?;
    Ok(receive)
}

fn read_loop(clock: &Clock, stop: &AtomicBool, send: &mpsc::Sender<Input>) {
    let stdin = io::stdin();
    let mut decoder = Decoder::default();
    let mut bytes = [0; READ_BYTES];
    while !stop.load(Ordering::Relaxed) {
        let patience = decoder.patience();
        let wait = Timespec::try_from(patience.unwrap_or(WAKE)).unwrap_or_default();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN | PollFlags::HUP)];
        let flags = match poll(&mut fds, Some(&wait)) {
            Err(rustix::io::Errno::INTR) => continue,
            Ok(0) => PollFlags::empty(),
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
        let sent = if flags.is_empty() {
            decoder.give_up()
        } else {
            match rustix::io::read(&stdin, &mut bytes) {
                Ok(count) if count > 0 => decoder.take(bytes.get(..count).unwrap_or_default()),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Ok(_) | Err(_) => {
                    let _ = send.blocking_send(Input::HangUp);
                    return;
                }
            }
        };
        let at = clock.monotonic();
        for sent in sent {
            let event = match sent {
                Sent::Key(key) => Event::Key { key, at },
                Sent::Paste(text) => Event::Paste(text),
            };
            if let Err(mpsc::error::TrySendError::Closed(_)) = send.try_send(Input::Event(event)) {
                return;
            }
        }
    }
}
