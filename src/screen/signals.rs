//! Signals that concern the terminal.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals the loop waits for.
#[derive(Debug)]
pub struct Signals {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
    hang_up: Option<Signal>,
    stop: Option<Signal>,
    resize: Option<Signal>,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// End; the number of the signal.
    End(i32),
    /// The terminal is gone.
    HangUp,
    /// Give the terminal back to the shell.
    Suspend,
    /// The terminal has another size.
    Resize,
}

impl Signals {
    /// Listens. A signal that cannot be listened to keeps its usual effect.
    pub fn new() -> Self {
        let listen = |kind| signal(kind).ok();
        let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        Self {
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
            hang_up: listen(SignalKind::hangup()),
            stop: listen(stop),
            resize: listen(SignalKind::window_change()),
        }
    }

    /// The next signal.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            () = wait(&mut self.terminate) => Asked::End(SignalKind::terminate().as_raw_value()),
            () = wait(&mut self.interrupt) => Asked::End(SignalKind::interrupt().as_raw_value()),
            () = wait(&mut self.hang_up) => Asked::HangUp,
            () = wait(&mut self.stop) => Asked::Suspend,
            () = wait(&mut self.resize) => Asked::Resize,
        }
    }
}

async fn wait(signal: &mut Option<Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Waits for a signal that ends the program; gives its number.
pub async fn ending() -> i32 {
    let mut signals = Signals::new();
    loop {
        match signals.next().await {
            Asked::End(number) => return number,
            Asked::HangUp => return SignalKind::hangup().as_raw_value(),
            Asked::Suspend | Asked::Resize => {}
        }
    }
}
