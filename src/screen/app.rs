//! The screen as a whole: a thread that waits for keys, views and signals, and draws when something changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::view::{Command, Spot, View};

use super::glyphs::GlyphSet;
use super::keymap::Keymap;
use super::looping::Loop;
use super::state::PanelId;
use super::terminal::{Guard, ScreenError, install_panic_hook};
use super::theme::{Depth, Theme};

/// How the screen looks and behaves.
#[derive(Debug)]
pub struct ScreenOptions {
    /// Colours, at the terminal's depth ([`Depth::decide`]).
    pub theme: Theme,
    /// Characters ([`GlyphSet::decide`]).
    pub glyphs: GlyphSet,
    /// Keys.
    pub keymap: Keymap,
    /// The panel shown first.
    pub panel: PanelId,
    /// Where pictures go when a person saves one; saving is refused without.
    pub pictures: Option<Pictures>,
    /// Where to tell what the person looks at, if others are attached.
    pub spot: Option<watch::Sender<Spot>>,
    /// What came of each wish, said to this person alone; `None` where engine and screen are one process.
    pub answers: Option<mpsc::Receiver<String>>,
}

/// Something to be written into the current folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The picture of the screen.
    Picture(String),
    /// A patch of a manifest.
    Patch {
        /// Name of the file.
        name: String,
        /// Its text.
        text: String,
    },
}

/// Saving of files, which is done elsewhere: a slow disk must not hold up the screen.
#[derive(Debug)]
pub struct Pictures {
    /// Takes what is to be written.
    pub save: mpsc::Sender<Saved>,
    /// Says what came of each, for the last row of the screen.
    pub said: mpsc::Receiver<String>,
}

/// Why the screen ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The person quit.
    Quit,
    /// The terminal went away; whatever is in flight goes on.
    HangUp,
    /// A signal asked for it: its number.
    Signal(i32),
    /// The engine is gone.
    EngineGone,
}

/// How long the thread may take to end after the terminal was lost.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Shows the screen until it ends. Draws on a thread of its own, so that a terminal that does not take bytes
/// holds up nobody. Ends when a person quits, the terminal hangs up, a signal asks for it or the engine is gone.
pub async fn run(
    view: watch::Receiver<Arc<View>>,
    commands: mpsc::Sender<Command>,
    options: ScreenOptions,
) -> Result<Exit, ScreenError> {
    let (done, mut ended) = oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    std::thread::Builder::new().name("screen".into()).spawn(move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            on_thread(view, commands, options, &stopped)
        }));
        stopped.store(true, Ordering::Relaxed);
        let _ = done.send(outcome.unwrap_or(Err(ScreenError::Crashed)));
    })?;
    // A thread stuck in a write to a stopped terminal cannot be asked; a signal must end the program all the same.
    let lost = async {
        let signal = super::signals::ending().await;
        tokio::time::sleep(LAST_WORDS).await;
        signal
    };
    let outcome = tokio::select! {
        outcome = &mut ended => outcome.unwrap_or(Err(ScreenError::Crashed)),
        signal = lost => Ok(Exit::Signal(signal)),
    };
    stop.store(true, Ordering::Relaxed);
    outcome
}

fn on_thread(
    view: watch::Receiver<Arc<View>>,
    commands: mpsc::Sender<Command>,
    options: ScreenOptions,
    stop: &Arc<AtomicBool>,
) -> Result<Exit, ScreenError> {
    install_panic_hook();
    // crossterm reads NO_COLOR itself and then breaks attributes; whether there are colours was decided already.
    crossterm::style::force_color_output(options.theme.depth() != Depth::Mono);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = Guard::take()?;
    runtime.block_on(async move {
        let exit = Loop::new(view, commands, options, guard, stop)?.run().await;
        stop.store(true, Ordering::Relaxed);
        exit
    })
}
