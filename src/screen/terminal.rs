//! The terminal: taken over in one place, given back in one place, whatever happens.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Whether the screen is on this terminal now: the panic hook and the guard agree through it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Why the screen could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// Standard input or output is not a terminal.
    #[error("the dashboard needs a terminal on standard input and output; use `weescale status` in scripts")]
    NoTerminal,
    /// The terminal refused something.
    #[error("the terminal failed: {0}; use `weescale status` where there is no working terminal")]
    Terminal(#[from] io::Error),
    /// The screen's thread panicked; the terminal was given back and the reason was printed.
    #[error("the screen stopped because of an internal error; operations in flight were not touched by it")]
    Crashed,
}

/// Takes the terminal; gives it back when dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Raw mode, alternate screen, bracketed paste, no cursor.
    pub fn take() -> Result<Self, ScreenError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(ScreenError::NoTerminal);
        }
        TAKEN.store(true, Ordering::SeqCst);
        let guard = Self(());
        Self::enter()?;
        Ok(guard)
    }

    /// Takes the terminal (again, after a suspension).
    pub fn enter() -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Hide, Clear(ClearType::All))?;
        write_out(&bytes)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. Harmless if it was given back already.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = Vec::new();
    // A terminal that is gone cannot be restored, and nobody is there to be told.
    let _ =
        queue!(bytes, EndSynchronizedUpdate, ResetColor, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = write_out(&bytes);
    let _ = disable_raw_mode();
}

/// Installs a panic hook that gives the terminal back if the thread that draws panics, and otherwise only logs
/// while the screen is up: a panic that a task supervisor catches must not tear the screen down.
/// Call on the thread that draws, after other hooks were installed.
pub fn install_panic_hook() {
    let drawing = std::thread::current().id();
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == drawing {
            restore();
        }
        if TAKEN.load(Ordering::SeqCst) {
            tracing::error!(panic = %info, "a task panicked");
        } else {
            previous(info);
        }
    }));
}

/// Paints frames: only what changed, in one write, between synchronisation marks.
#[derive(Debug)]
pub struct Painter {
    shown: Buffer,
    clear: bool,
}

impl Painter {
    /// Nothing is on the screen yet.
    pub fn new() -> Self {
        Self { shown: Buffer::empty(Rect::ZERO), clear: true }
    }

    /// Draws everything at the next frame.
    pub const fn forget(&mut self) {
        self.clear = true;
    }

    /// The bytes that turn what is shown into `next`; none at all if nothing differs.
    pub fn frame(&mut self, next: Buffer) -> io::Result<Vec<u8>> {
        let clear = self.clear || next.area != self.shown.area;
        if clear {
            self.shown = Buffer::empty(next.area);
        }
        let changed = self.shown.diff(&next);
        if changed.is_empty() && !clear {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::with_capacity(changed.len() * 4 + 64);
        queue!(bytes, BeginSynchronizedUpdate)?;
        if clear {
            queue!(bytes, ResetColor, Clear(ClearType::All))?;
        }
        CrosstermBackend::new(&mut bytes).draw(changed.into_iter())?;
        queue!(bytes, EndSynchronizedUpdate)?;
        self.shown = next;
        self.clear = false;
        Ok(bytes)
    }

    /// What is on the screen.
    pub const fn shown(&self) -> &Buffer {
        &self.shown
    }
}

/// Writes to the terminal at once.
pub fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(text: &str) -> Buffer {
        Buffer::with_lines([text])
    }

    #[test]
    fn nothing_is_sent_when_nothing_changed() {
        let mut painter = Painter::new();
        assert!(!painter.frame(buffer("live 4s")).unwrap().is_empty());
        assert_eq!(painter.frame(buffer("live 4s")).unwrap(), Vec::<u8>::new());
        let small = String::from_utf8(painter.frame(buffer("live 5s")).unwrap()).unwrap();
        assert!(small.contains('5') && !small.contains("live"), "{small:?}");
        assert!(small.starts_with("\u{1b}[?2026h") && small.ends_with("\u{1b}[?2026l"));
        painter.forget();
        assert!(String::from_utf8(painter.frame(buffer("live 5s")).unwrap()).unwrap().contains("live"));
    }

    #[test]
    fn a_frame_without_colours_keeps_its_attributes() {
        use ratatui::style::{Modifier, Style};
        let mut next = buffer("ab");
        next.set_style(next.area, Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD));
        let bytes = String::from_utf8(Painter::new().frame(next).unwrap()).unwrap();
        let text = bytes.find("ab").unwrap();
        let after_attributes = bytes[..text].rfind("\u{1b}[7m").unwrap();
        assert!(!bytes[after_attributes..text].contains("\u{1b}[;m"), "{bytes:?}");
    }
}
