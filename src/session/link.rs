//! The link of an attached screen: a view that goes on being received, and wishes that are sent at most once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

use crate::series::patch;
use crate::series::text::{clean, duration};
use crate::view::ticks::Ticked;
use crate::view::{Attached, Command, Spot, View, fans};

use super::ask::{Desk, SENTENCE, number, tidy, view_of};
use super::parts;
use super::sight::Sight;
use super::wire::{self, Frame, Hear, Hello, Say, Step, TO_SCREEN, Wants};
use super::{SessionError, pack};

/// First and longest time before the next try to connect.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long the first picture may take.
const FIRST: Duration = Duration::from_secs(30);
/// What is older than this, of a panel that somebody went to, is said to be until it is there as it is now.
const OLD: Duration = Duration::from_secs(120);
/// Wishes that may wait to be sent.
const QUEUE: usize = 16;

/// What a screen needs.
#[derive(Debug)]
pub struct Link {
    /// The view as received; `header.link` says when it is not received any more.
    pub view: watch::Receiver<Arc<View>>,
    /// Wishes.
    pub commands: mpsc::Sender<Command>,
    /// Where the person is.
    pub spot: watch::Sender<Spot>,
    /// What came of each wish, for the person alone.
    pub answers: mpsc::Receiver<String>,
}

/// Attaches to the engine at `path` and waits for its first picture. Reconnects until the screen is gone. `named`: the
/// person gave the path, so that it may belong to somebody else.
pub async fn attach(path: &Path, named: bool) -> Result<Link, SessionError> {
    attach_as(path, named, false).await
}

/// The same; `learns`: nothing that the person decides has an effect.
pub async fn attach_as(path: &Path, named: bool, learns: bool) -> Result<Link, SessionError> {
    let desk = Desk::open(path, named, hello(learns)).await?;
    let (said, answers) = mpsc::channel(QUEUE);
    let (commands, wishes) = mpsc::channel(QUEUE);
    let (spot, spots) = watch::channel(Spot::default());
    let mut line = Connected::new(desk);
    let first = tokio::time::timeout(FIRST, line.first())
        .await
        .map_err(|_| SessionError::Late(FIRST.as_secs()))??;
    let (show, view) = watch::channel(Arc::new(first));
    let keeper = Keeper { path: path.to_owned(), named, learns, show, wishes, spots, said };
    tokio::spawn(keeper.run(line));
    Ok(Link { view, commands, spot, answers })
}

fn hello(learns: bool) -> Hello {
    Hello { learns, ..Hello::ours(Wants::Pictures) }
}

/// Whether the screen is still there.
#[derive(Debug, PartialEq, Eq)]
enum Over {
    Screen,
    Connection(String),
}

struct Keeper {
    path: PathBuf,
    named: bool,
    learns: bool,
    said: mpsc::Sender<String>,
    show: watch::Sender<Arc<View>>,
    wishes: mpsc::Receiver<Command>,
    spots: watch::Receiver<Spot>,
}

impl Keeper {
    async fn run(mut self, line: Connected) {
        let mut line = Some(line);
        let mut pause = PAUSE.0;
        loop {
            let why = match line.take() {
                Some(line) => match self.follow(line).await {
                    Over::Screen => return,
                    Over::Connection(why) => why,
                },
                None => "no engine answers".to_owned(),
            };
            self.say(format!("connection lost: {why}; trying again"));
            if !self.wait(pause).await {
                return;
            }
            match Desk::open(&self.path, self.named, hello(self.learns)).await {
                Ok(desk) => (line, pause) = (Some(Connected::new(desk)), PAUSE.0),
                Err(error) => {
                    self.say(format!("connection lost: {error}; trying again"));
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    /// Shows what the engine sends and sends what the person wishes.
    async fn follow(&mut self, mut line: Connected) -> Over {
        let mut frames = line.frames();
        self.spots.mark_changed();
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Some(Ok(frame)) => match line.take(frame) {
                        Ok(Taken::View(view)) => _ = self.show.send_replace(Arc::new(*view)),
                        // A screen that does not take it is told by the next notice.
                        Ok(Taken::Answer(text)) => _ = self.said.try_send(text),
                        Ok(Taken::Nothing) => {}
                        Err(error) => return Over::Connection(error.to_string()),
                    },
                    Some(Err(error)) => return Over::Connection(line.unanswered(&error.to_string())),
                    None => return Over::Connection(line.unanswered("the engine has closed it")),
                },
                wish = self.wishes.recv() => {
                    let Some(command) = wish else { return Over::Screen };
                    if let Err(error) = line.wish(command).await {
                        return Over::Connection(line.unanswered(&error.to_string()));
                    }
                }
                moved = self.spots.changed() => {
                    if moved.is_err() {
                        return Over::Screen;
                    }
                    let spot = self.spots.borrow_and_update().clone();
                    line.sight = Sight::of(&spot);
                    if let Some(old) = line.old() {
                        self.say(old);
                    }
                    if let Err(error) = line.say(&Say::Look(spot)).await {
                        return Over::Connection(line.unanswered(&error.to_string()));
                    }
                }
            }
        }
    }

    /// Waits before the next try; what is wished meanwhile is not sent, now or later. `false` if the screen is gone.
    async fn wait(&mut self, pause: Duration) -> bool {
        let mut over = std::pin::pin!(tokio::time::sleep(pause));
        loop {
            tokio::select! {
                () = &mut over => return true,
                wish = self.wishes.recv() => {
                    if wish.is_none() {
                        return false;
                    }
                    self.say("connection lost; what you asked for was not sent and will not be".into());
                }
            }
        }
    }

    /// Says in the header what is wrong; the picture stays.
    fn say(&self, text: String) {
        self.show.send_modify(|view| Arc::make_mut(view).header.link = text);
    }
}

fn misfit() -> SessionError {
    SessionError::Protocol("a clock that does not fit the one before".into())
}

/// What a frame held.
enum Taken {
    View(Box<View>),
    Answer(String),
    Nothing,
}

/// One connection with the picture received last.
struct Connected {
    reader: Option<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    you: Attached,
    picture: Option<(u64, Value)>,
    /// What the last clock said.
    beat: Option<(Step, Ticked)>,
    /// What the person looks at.
    sight: Sight,
    waiting: Vec<String>,
}

impl Connected {
    fn new(desk: Desk) -> Self {
        let Desk { reader, writer, you } = desk;
        Self {
            reader: Some(reader),
            writer,
            you,
            picture: None,
            beat: None,
            sight: Sight::default(),
            waiting: Vec::new(),
        }
    }

    async fn first(&mut self) -> Result<View, SessionError> {
        let none = || SessionError::Protocol("it closed without a picture".into());
        loop {
            let reader = self.reader.as_mut().ok_or_else(none)?;
            let frame = wire::read(reader, TO_SCREEN).await?.ok_or_else(none)?;
            if let Taken::View(view) = self.take(frame)? {
                return Ok(*view);
            }
        }
    }

    /// Frames as they come, read by a task of its own: a frame half read must not be given up.
    fn frames(&mut self) -> mpsc::Receiver<Result<Frame, SessionError>> {
        let (out, frames) = mpsc::channel(4);
        if let Some(mut reader) = self.reader.take() {
            tokio::spawn(async move {
                while let Some(frame) = wire::read(&mut reader, TO_SCREEN).await.transpose() {
                    let failed = frame.is_err();
                    if out.send(frame).await.is_err() || failed {
                        break;
                    }
                }
            });
        }
        frames
    }

    /// Takes a frame in.
    fn take(&mut self, frame: Frame) -> Result<Taken, SessionError> {
        match frame {
            Frame::Message(body) => {
                match wire::parse(&body)? {
                    Hear::Answer { id, answer } => {
                        self.waiting.retain(|known| *known != id);
                        return Ok(Taken::Answer(clean(&answer.text, SENTENCE)));
                    }
                    Hear::Refused(why) => return Err(SessionError::Refused(why)),
                    Hear::Welcome { .. } => {}
                }
                return Ok(Taken::Nothing);
            }
            Frame::Whole(number, packed) => {
                let mut value = pack::unpack(&packed)?;
                tidy(&mut value);
                self.picture = Some((number, value));
            }
            Frame::Delta(step, packed) => {
                let mut patch = pack::unpack(&packed)?;
                tidy(&mut patch);
                let (value, to) = self.before(step)?;
                let before = value.clone();
                patch::apply(value, patch).map_err(|e| SessionError::Protocol(e.to_string()))?;
                if !fans::unfold(&before, value) {
                    return Err(SessionError::Protocol("a fan that does not fit the one before".into()));
                }
                self.picture.iter_mut().for_each(|(number, _)| *number = to);
            }
            Frame::Clock(step, by) => self.tick(step, by)?,
            Frame::Again(from) => {
                let (step, by) = self.beat.ok_or_else(misfit)?;
                self.tick(step.again(from), by)?;
            }
        }
        let Some((number, value)) = &self.picture else { return Ok(Taken::Nothing) };
        let mut view = view_of(value.clone())?;
        view.tick = *number;
        view.header.link = self.old().unwrap_or_default();
        view.header.person.clone_from(&self.you.name);
        view.header.screen = self.you.screen;
        Ok(Taken::View(Box::new(view)))
    }

    /// Moves clock and age on.
    fn tick(&mut self, step: Step, by: Ticked) -> Result<(), SessionError> {
        let (value, to) = self.before(step)?;
        parts::tick(value, by).ok_or_else(misfit)?;
        self.picture.iter_mut().for_each(|(number, _)| *number = to);
        self.beat = Some((step, by));
        Ok(())
    }

    /// The value that a step leads from, and the number of the picture it leads to.
    fn before(&mut self, step: Step) -> Result<(&mut Value, u64), SessionError> {
        let known = self.picture.as_mut().and_then(|(number, value)| Some((value, step.after(*number)?)));
        known.ok_or_else(|| SessionError::Protocol("a difference to a picture never sent".into()))
    }

    /// What to say of a panel whose numbers are those of a while ago; `None` of one whose are not.
    fn old(&self) -> Option<String> {
        let (_, value) = self.picture.as_ref()?;
        let now = parts::at(value)?;
        let of = parts::as_of(value, &self.sight).filter(|of| now.since(*of) > OLD)?;
        Some(format!("of {} ago at the most; asking for what is now", duration(now.since(of))))
    }

    async fn say(&mut self, what: &Say) -> Result<(), SessionError> {
        wire::write(&mut self.writer, &wire::message(what)?).await
    }

    async fn wish(&mut self, command: Command) -> Result<(), SessionError> {
        let id = number();
        self.waiting.push(id.clone());
        self.say(&Say::Wish { id, command }).await
    }

    /// What to say of wishes that were sent and not answered.
    fn unanswered(&self, why: &str) -> String {
        if self.waiting.is_empty() {
            return why.to_owned();
        }
        format!(
            "{why}; what you asked for last was sent but not answered: look at the journal before asking again"
        )
    }
}
