//! The loop: waits, updates, draws. Draws only when something changed, at most ten times a second over time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::{mpsc, watch};

use crate::clock::{Clock, Monotonic};
use crate::view::{Command, View};

use super::app::{Exit, Pictures, Saved, ScreenOptions};
use super::context::{PanelContext, SizeClass};
use super::event::{Effect, Event};
use super::glyphs::Glyphs;
use super::input::{self, Input};
use super::signals::{Asked, Signals};
use super::state::ScreenState;
use super::terminal::{Guard, Painter, ScreenError, restore, write_out};
use super::{clipboard, draw, update};

/// Time between frames when many are due.
const FRAME: Duration = Duration::from_millis(100);
/// Time in which a stop reaches every thread of this process.
const STOPPING: Duration = Duration::from_millis(100);
/// Frames that may be drawn at once after a pause, so that a key is answered immediately.
const BURST: u32 = 3;

/// Everything the loop owns.
pub(super) struct Loop {
    view: watch::Receiver<Arc<View>>,
    commands: mpsc::Sender<Command>,
    options: ScreenOptions,
    _guard: Guard,
    glyphs: Glyphs,
    input: mpsc::Receiver<Input>,
    signals: Signals,
    clock: Clock,
    state: ScreenState,
    shown: Arc<View>,
    painter: Painter,
    pace: Pace,
    dirty: bool,
}

impl Loop {
    /// Starts the reader; must be called inside a runtime.
    pub(super) fn new(
        mut view: watch::Receiver<Arc<View>>,
        commands: mpsc::Sender<Command>,
        options: ScreenOptions,
        guard: Guard,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, ScreenError> {
        let clock = Clock::real();
        let shown = Arc::clone(&view.borrow_and_update());
        let mut state = ScreenState::default();
        state.route.panel = options.panel;
        state.size = crossterm::terminal::size()?;
        update(&mut state, &options.keymap, Event::View, &shown);
        Ok(Self {
            glyphs: Glyphs::new(options.glyphs),
            input: input::spawn(clock.clone(), Arc::clone(stop))?,
            signals: Signals::new(),
            pace: Pace::new(clock.monotonic()),
            painter: Painter::new(),
            dirty: true,
            view,
            commands,
            options,
            _guard: guard,
            clock,
            state,
            shown,
        })
    }

    /// Runs until something ends it.
    pub(super) async fn run(mut self) -> Result<Exit, ScreenError> {
        loop {
            if self.dirty && self.pace.wait(self.clock.monotonic()).is_zero() {
                self.paint()?;
            }
            let pause = if self.dirty { self.pace.wait(self.clock.monotonic()) } else { Duration::MAX };
            let ended = tokio::select! {
                biased;
                asked = self.signals.next() => self.on_signal(asked)?,
                input = self.input.recv() => self.on_input(input)?,
                changed = self.view.changed() => match changed {
                    Ok(()) => self.on_view(),
                    Err(_) => Some(Exit::EngineGone),
                },
                said = next(self.options.answers.as_mut()) => {
                    (self.state.toast, self.dirty) = (Some(said), true);
                    None
                }
                said = said(self.options.pictures.as_mut()) => {
                    (self.state.toast, self.dirty) = (Some(said), true);
                    None
                }
                () = tokio::time::sleep(pause), if self.dirty => None,
            };
            if let Some(exit) = ended {
                return Ok(exit);
            }
        }
    }

    fn on_signal(&mut self, asked: Asked) -> Result<Option<Exit>, ScreenError> {
        match asked {
            Asked::End(number) => return Ok(Some(Exit::Signal(number))),
            Asked::HangUp => return Ok(Some(Exit::HangUp)),
            Asked::Suspend => self.suspend()?,
            Asked::Resize => {
                let (w, h) = crossterm::terminal::size()?;
                return self.on_event(Event::Resize(w, h));
            }
        }
        Ok(None)
    }

    fn on_input(&mut self, input: Option<Input>) -> Result<Option<Exit>, ScreenError> {
        match input {
            Some(Input::Event(event)) => self.on_event(event),
            Some(Input::HangUp) | None => Ok(Some(Exit::HangUp)),
        }
    }

    fn on_view(&mut self) -> Option<Exit> {
        // A frozen picture stays; the newest view is taken when it thaws.
        if !self.state.is_frozen() {
            self.take_view();
        }
        None
    }

    fn take_view(&mut self) {
        self.shown = Arc::clone(&self.view.borrow_and_update());
        update(&mut self.state, &self.options.keymap, Event::View, &self.shown);
        self.dirty = true;
    }

    fn on_event(&mut self, event: Event) -> Result<Option<Exit>, ScreenError> {
        let was_frozen = self.state.is_frozen();
        let effects = update(&mut self.state, &self.options.keymap, event, &self.shown);
        if was_frozen && !self.state.is_frozen() {
            self.take_view();
        }
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Some(Exit::Quit)),
                Effect::Draw => {}
                Effect::Redraw => self.painter.forget(),
                Effect::Suspend => self.suspend()?,
                Effect::Send(command) => self.send(command),
                Effect::Copy(text) => self.copy(&text)?,
                Effect::Save => {
                    let picture = text_of(self.painter.shown());
                    self.save("picture", Saved::Picture(picture));
                }
                Effect::Patch(name, text) => self.save("patch", Saved::Patch { name, text }),
            }
            self.dirty = true;
        }
        Ok(None)
    }

    /// Never waits: an engine too busy to take a wish is told to the person instead.
    fn send(&mut self, command: Command) {
        if self.commands.try_send(command).is_err() {
            self.state.toast = Some("not sent: the engine is busy or gone; try again".into());
        }
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        if let Some(sequence) = clipboard::sequence(text, |name| std::env::var(name).ok()) {
            return write_out(sequence.as_bytes());
        }
        self.state.toast = Some("not copied: it is too long for the terminal's clipboard".into());
        Ok(())
    }

    fn save(&mut self, what: &str, saved: Saved) {
        let sent = self.options.pictures.as_ref().map(|p| p.save.try_send(saved).is_ok());
        self.state.toast = Some(match sent {
            Some(true) => format!("the {what} is being saved"),
            Some(false) => format!("{what} not saved: the last file is still being saved"),
            None => format!("{what} not saved: saving files is not set up here"),
        });
    }

    /// Gives the terminal back, stops this process, and takes the terminal again when it is continued.
    fn suspend(&mut self) -> Result<(), ScreenError> {
        restore();
        // STOP, not TSTP: the latter is listened to here and would only come back as a request.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)
            .map_err(io::Error::from)?;
        // The stop may reach another thread first: without a pause this one would take the terminal again before
        // it is stopped too.
        std::thread::sleep(STOPPING);
        Guard::enter()?;
        self.state.size = crossterm::terminal::size()?;
        self.painter.forget();
        self.dirty = true;
        Ok(())
    }

    fn paint(&mut self) -> Result<(), ScreenError> {
        let (width, height) = self.state.size;
        let area = Rect::new(0, 0, width, height);
        let mut next = Buffer::empty(area);
        let ctx = PanelContext {
            view: &self.shown,
            state: &self.state,
            theme: &self.options.theme,
            glyphs: &self.glyphs,
            keymap: &self.options.keymap,
            now: self.shown.at,
            size: SizeClass::of(area),
        };
        draw(&ctx, area, &mut next);
        let bytes = self.painter.frame(next)?;
        if !bytes.is_empty() {
            write_out(&bytes)?;
            self.pace.drew(self.clock.monotonic());
        }
        self.dirty = false;
        if let Some(spot) = &self.options.spot {
            let now = super::spot::spot(&self.state);
            spot.send_if_modified(|told| (*told != now).then(|| *told = now).is_some());
        }
        update(&mut self.state, &self.options.keymap, Event::Painted(self.clock.monotonic()), &self.shown);
        Ok(())
    }
}

/// What came of saving a picture; never, if nothing does.
async fn said(pictures: Option<&mut Pictures>) -> String {
    match pictures {
        Some(pictures) => match pictures.said.recv().await {
            Some(text) => text,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// The next answer; never, if none comes.
async fn next(answers: Option<&mut mpsc::Receiver<String>>) -> String {
    match answers {
        Some(answers) => match answers.recv().await {
            Some(text) => text,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// A buffer as plain text, trailing blanks cut.
fn text_of(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut row = String::new();
        for x in buf.area.left()..buf.area.right() {
            row.push_str(buf.cell((x, y)).map_or(" ", |c| c.symbol()));
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// A token bucket: frames are free after a pause, and one every [`FRAME`] otherwise.
#[derive(Debug)]
struct Pace {
    full_at: Monotonic,
}

impl Pace {
    const fn new(now: Monotonic) -> Self {
        Self { full_at: now }
    }

    /// How long until a frame may be drawn.
    fn wait(&self, now: Monotonic) -> Duration {
        self.full_at.since(now).saturating_sub(FRAME * (BURST - 1))
    }

    /// A frame was drawn.
    fn drew(&mut self, now: Monotonic) {
        self.full_at = self.full_at.max(now).plus(FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_frames_a_second_over_time() {
        let at = |ms| Monotonic::from_duration(Duration::from_millis(ms));
        let mut pace = Pace::new(at(0));
        let mut drawn = 0;
        for ms in 0..10_000 {
            if pace.wait(at(ms)).is_zero() {
                pace.drew(at(ms));
                drawn += 1;
            }
        }
        assert!((100..=103).contains(&drawn), "{drawn}");
        assert!(pace.wait(at(20_000)).is_zero());
    }
}
