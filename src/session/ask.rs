//! The desk: connects, looks once or wishes something, and goes. What every client does first is here too.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::series::text::{clean, is_inert};
use crate::view::{Answer, Attached, Command, View};

use super::wire::{self, Frame, Hear, Hello, Say, TO_SCREEN, Wants};
use super::{SessionError, folder, pack, parts};

/// How long the engine may take to let a client in.
const WELCOME: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(40);
/// Longest answer shown, characters.
pub(super) const SENTENCE: usize = 1000;

/// An open connection of which the engine has let us in.
#[derive(Debug)]
pub struct Desk {
    pub(super) reader: OwnedReadHalf,
    pub(super) writer: OwnedWriteHalf,
    pub(super) you: Attached,
}

impl Desk {
    /// Connects in order to look once. `named`: the person gave the path, so that it may belong to somebody else.
    pub async fn to_look(path: &Path, named: bool) -> Result<Self, SessionError> {
        Self::open(path, named, Hello::ours(Wants::One)).await
    }

    /// Connects in order to wish something.
    pub async fn to_wish(path: &Path, named: bool) -> Result<Self, SessionError> {
        Self::open(path, named, Hello::ours(Wants::Nothing)).await
    }

    pub(super) async fn open(path: &Path, named: bool, hello: Hello) -> Result<Self, SessionError> {
        let owner = folder::trusted(path, named)?;
        let stream = UnixStream::connect(path)
            .await
            .map_err(|e| SessionError::Absent { path: path.to_owned(), why: e.to_string() })?;
        let server = stream.peer_cred()?.uid();
        if server != owner {
            let why = format!("uid {server} serves there, but the socket belongs to uid {owner}");
            return Err(SessionError::Place { path: path.to_owned(), why });
        }
        let (mut reader, mut writer) = stream.into_split();
        let welcome = async {
            // Whoever is refused before they spoke is told why all the same.
            let spoke = wire::write(&mut writer, &wire::message(&hello)?).await;
            match (message(&mut reader).await?, spoke) {
                (Hear::Welcome { you, .. }, Ok(())) => Ok(you),
                (Hear::Refused(why), _) => Err(SessionError::Refused(clean(&why, SENTENCE))),
                (_, Err(error)) => Err(error),
                _ => Err(SessionError::Protocol("it does not greet".into())),
            }
        };
        let you = tokio::time::timeout(WELCOME, welcome)
            .await
            .map_err(|_| SessionError::Late(WELCOME.as_secs()))??;
        Ok(Self { reader, writer, you })
    }

    /// The view as it is now.
    pub async fn view(&mut self) -> Result<View, SessionError> {
        let picture = async {
            loop {
                match wire::read(&mut self.reader, TO_SCREEN).await? {
                    Some(Frame::Whole(_, packed)) => return pack::unpack(&packed),
                    Some(_) => {}
                    None => return Err(gone()),
                }
            }
        };
        let late = |_| SessionError::Late(ANSWER.as_secs());
        let mut value = tokio::time::timeout(ANSWER, picture).await.map_err(late)??;
        tidy(&mut value);
        view_of(value)
    }

    /// Wishes something, once, and waits for the answer.
    pub async fn wish(&mut self, command: Command) -> Result<Answer, SessionError> {
        let id = number();
        wire::write(&mut self.writer, &wire::message(&Say::Wish { id: id.clone(), command })?).await?;
        let answer = async {
            loop {
                match message(&mut self.reader).await? {
                    Hear::Answer { id: of, answer } if of == id => return Ok(answer),
                    Hear::Refused(why) => return Err(SessionError::Refused(clean(&why, SENTENCE))),
                    _ => {}
                }
            }
        };
        let late = |_| SessionError::Late(ANSWER.as_secs());
        let answer: Answer = tokio::time::timeout(ANSWER, answer).await.map_err(late)??;
        Ok(Answer { text: clean(&answer.text, SENTENCE), ..answer })
    }
}

/// A number for a wish that no other wish has.
pub(super) fn number() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

fn gone() -> SessionError {
    SessionError::Io(std::io::ErrorKind::ConnectionReset.into())
}

/// The next message; pictures are passed over.
async fn message(reader: &mut OwnedReadHalf) -> Result<Hear, SessionError> {
    loop {
        match wire::read(reader, TO_SCREEN).await? {
            Some(Frame::Message(body)) => return wire::parse(&body),
            Some(_) => {}
            None => return Err(gone()),
        }
    }
}

/// A received value as a view.
pub(super) fn view_of(value: Value) -> Result<View, SessionError> {
    parts::view_of(value).map_err(|e| {
        SessionError::Protocol(format!("a view that cannot be read: {}", clean(&e.to_string(), 200)))
    })
}

/// Makes every text of a received value inert: an engine may be somebody else's.
pub(super) fn tidy(value: &mut Value) {
    match value {
        Value::String(text) if !text.chars().all(is_inert) => *text = clean(text, text.len()),
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(fields) => fields.values_mut().for_each(tidy),
        _ => {}
    }
}
