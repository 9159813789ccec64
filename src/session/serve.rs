//! The service: a socket, and a task for each client.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::series::text::clean;
use crate::view::{Caller, View, Wish};

use super::SessionError;
use super::folder::{self, Sweep};
use super::hub::{Hub, Ticket};
use super::peer::{self, Admission};
use super::picture::{Picture, Round};
use super::places::{Place, Places};
use super::wire::{self, Beat, Frame, Hear, Hello, MOST_CLIENTS, PROTOCOL, Say, TO_ENGINE, Wants};

/// How long a client may take to say who it is.
const HELLO: Duration = Duration::from_secs(5);
/// Answers that may wait for one client.
const ANSWERS: usize = 64;
/// How long a client that is done may take to read its last answers.
const GOODBYE: Duration = Duration::from_secs(5);
/// Bytes the system may hold for one client: a few pictures.
const SEND_BUFFER: usize = 16 << 10;
/// How long a tool may say nothing.
const IDLE: Duration = Duration::from_secs(60);
/// How long a client may take no byte of what it is sent. Slow is fine, stopped is not: a screen comes back by itself.
const STALLED: Duration = Duration::from_secs(60);

/// What the service is told.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// Where the socket is.
    pub socket: PathBuf,
    /// Groups whose members may connect beside the engine's own user.
    pub groups: Vec<String>,
    /// The engine's clock.
    pub clock: Clock,
    /// Login name of a user id.
    pub name_of: fn(u32) -> String,
    /// User ids of those who learn: nothing they decide has an effect.
    pub learners: Vec<u32>,
}

/// A running service; ends, and takes its socket away, on drop.
#[derive(Debug)]
pub struct Service {
    tasks: Vec<JoinHandle<()>>,
    socket: PathBuf,
    warning: Option<String>,
    _sweep: Sweep,
}

impl Service {
    /// Why those who may attach cannot reach the socket, if so: a sentence for who started it.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Serves an engine's view and takes wishes for it.
pub fn serve(
    options: ServiceOptions,
    view: watch::Receiver<Arc<View>>,
    wishes: mpsc::Sender<Wish>,
) -> Result<Service, SessionError> {
    let admission = Admission::of_groups(&options.groups)?;
    folder::prepare(&options.socket)?;
    let listener = UnixListener::bind(&options.socket)
        .map_err(|e| SessionError::Place { path: options.socket.clone(), why: e.to_string() })?;
    let sweep = Sweep::of(&options.socket);
    let group = admission.groups.first().copied();
    folder::protect(&options.socket, group)?;
    let warning = group.and_then(|group| folder::closed_to(&options.socket, group));
    if let Some(text) = &warning {
        tracing::warn!("{text}");
    }
    let hub = Arc::new(Hub::new(options.clock, wishes, view.clone(), options.learners));
    let publisher = tokio::spawn(Arc::clone(&hub).publish(view));
    let doors = tokio::spawn(accept(listener, hub, admission, options.name_of));
    Ok(Service { tasks: vec![publisher, doors], socket: options.socket, warning, _sweep: sweep })
}

async fn accept(listener: UnixListener, hub: Arc<Hub>, admission: Admission, name_of: fn(u32) -> String) {
    let places = Places::of(rustix::process::geteuid().as_raw());
    let mut clients = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            Some(_) = clients.join_next() => continue,
        };
        // A short queue: who does not read gets the newest picture when they do, not those they missed.
        if let Err(error) = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER) {
            tracing::debug!("the buffer of a connection stays as it is: {error}");
        }
        let caller = peer::caller(&stream, &admission, name_of);
        let place = caller.as_ref().map(|caller| places.take(caller.person.uid));
        let place = place.unwrap_or_else(|error| Err(error.to_string()));
        let hub = Arc::clone(&hub);
        // Beside those who are in, only so many may wait to be told that they may not come in.
        if clients.len() > MOST_CLIENTS * 2 {
            continue;
        }
        clients.spawn(async move {
            let outcome = match (caller, place) {
                (Err(error), _) => refuse(stream, error.to_string()).await,
                (Ok(_), Err(why)) => refuse(stream, why).await,
                (Ok(caller), Ok(place)) => client(stream, &hub, &caller, place).await,
            };
            if let Err(error) = outcome {
                tracing::info!("a client was let go: {error}");
            }
        });
    }
}

async fn refuse(mut stream: UnixStream, why: String) -> Result<(), SessionError> {
    let frame = wire::message(&Hear::Refused(why))?;
    let _ = tokio::time::timeout(HELLO, wire::write(&mut stream, &frame)).await;
    Ok(())
}

/// Serves one client until it goes.
async fn client(
    stream: UnixStream,
    hub: &Arc<Hub>,
    caller: &Caller,
    mut place: Place,
) -> Result<(), SessionError> {
    let (mut reader, writer) = stream.into_split();
    let hello = tokio::time::timeout(HELLO, wire::read(&mut reader, TO_ENGINE)).await;
    let hello = hello.map_err(|_| SessionError::Protocol("no greeting in time".into()))??;
    let screen = |hello: Hello| {
        if hello.wants == Wants::Pictures { place.for_screen().map(|()| hello) } else { Ok(hello) }
    };
    let Hello { wants, learns, .. } = match greeting(hello).and_then(screen) {
        Ok(hello) => hello,
        Err(why) => {
            let stream = reader.reunite(writer).map_err(|e| SessionError::Protocol(e.to_string()))?;
            return refuse(stream, why).await;
        }
    };
    let mut ticket = hub.enter(caller, wants, learns);
    let welcome = Hear::Welcome { version: env!("CARGO_PKG_VERSION").into(), you: ticket.you.clone() };
    let (answers, queue) = mpsc::channel(ANSWERS);
    let first = wire::message(&welcome)?;
    let once = wants == Wants::One;
    let screen = (Arc::clone(hub), ticket.you.screen);
    let mut writing = tokio::spawn(write(writer, first, queue, screen, ticket.pictures.take(), once));
    let idle = (wants != Wants::Pictures).then_some(IDLE);
    let read = read(&mut reader, idle, hub, caller, &ticket, &answers).await;
    drop(answers);
    if tokio::time::timeout(GOODBYE, &mut writing).await.is_err() {
        writing.abort();
    }
    read
}

/// What a client wants, or why it is refused.
fn greeting(frame: Option<Frame>) -> Result<Hello, String> {
    let stranger = || "this is no weescale of a kind that is known here".to_owned();
    let Some(Frame::Message(body)) = frame else { return Err(stranger()) };
    // Of another version only these two fields are looked at.
    let value: serde_json::Value = serde_json::from_slice(&body).map_err(|_| stranger())?;
    let protocol = value.get("protocol").and_then(serde_json::Value::as_u64).ok_or_else(stranger)?;
    let version = value.get("version").and_then(serde_json::Value::as_str).ok_or_else(stranger)?;
    let ours = env!("CARGO_PKG_VERSION");
    if protocol != u64::from(PROTOCOL) || version != ours {
        return Err(format!(
            "this screen is weescale {} (protocol {protocol}), the engine is weescale {ours} (protocol {PROTOCOL}); \
             use the same version on both ends",
            clean(version, 40)
        ));
    }
    serde_json::from_value::<Hello>(value).map_err(|_| stranger())
}

/// Reads until the client goes. A wish that was read whole is carried out whatever becomes of the client.
async fn read(
    reader: &mut OwnedReadHalf,
    idle: Option<Duration>,
    hub: &Arc<Hub>,
    caller: &Caller,
    ticket: &Ticket,
    answers: &mpsc::Sender<Vec<u8>>,
) -> Result<(), SessionError> {
    while let Some(frame) = wire::read_within(reader, TO_ENGINE, idle).await? {
        let Frame::Message(body) = frame else {
            return Err(SessionError::Protocol("a picture, which only the engine sends".into()));
        };
        match wire::parse(&body)? {
            Say::Look(spot) => hub.look(ticket.you.screen, &spot),
            Say::Wish { id, command } => {
                let id = clean(&id, 64);
                let answer = hub.wish(caller, &ticket.you, id.clone(), command).await;
                let frame = wire::message(&Hear::Answer { id, answer })?;
                if answers.try_send(frame).is_err() {
                    return Err(SessionError::Protocol("a client that does not read its answers".into()));
                }
            }
        }
    }
    Ok(())
}

/// Writes answers and the newest picture. Waits for nobody but its own client.
async fn write(
    mut writer: OwnedWriteHalf,
    first: Vec<u8>,
    mut answers: mpsc::Receiver<Vec<u8>>,
    (hub, screen): (Arc<Hub>, u64),
    mut pictures: Option<watch::Receiver<Arc<Round>>>,
    once: bool,
) -> Result<(), SessionError> {
    wire::write_within(&mut writer, &first, STALLED).await?;
    let mut sent: Option<Arc<Picture>> = None;
    let mut beat = Beat::default();
    loop {
        tokio::select! {
            biased;
            answer = answers.recv() => match answer {
                Some(frame) => wire::write_within(&mut writer, &frame, STALLED).await?,
                None => return Ok(()),
            },
            round = newest(pictures.as_mut()) => {
                let Some(round) = round else { return Ok(()) };
                // At first everything, so that each panel has something to show.
                let picture = if sent.is_none() { Arc::clone(&round.newest) } else { round.at(&hub.sight(screen)) };
                let next = Arc::clone(&picture);
                // What is in sight is on its way before the rest is made.
                let first = if sent.is_none() && !once { made(move || next.first()).await? } else { None };
                let next = Arc::clone(&picture);
                let frame = match first {
                    Some((frame, value)) => {
                        wire::write_within(&mut writer, &frame, STALLED).await?;
                        made(move || next.rest(&value)).await?
                    }
                    None if once => made(move || next.alone()).await?,
                    None => made(move || next.from(sent.as_ref())).await?,
                };
                wire::write_within(&mut writer, &beat.shorten(frame), STALLED).await?;
                sent = Some(picture);
                if once {
                    pictures = None;
                }
            }
        }
    }
}

/// What is made of pictures takes time that others need.
async fn made<T: Send + 'static>(
    make: impl FnOnce() -> Result<T, SessionError> + Send + 'static,
) -> Result<T, SessionError> {
    tokio::task::spawn_blocking(make).await.map_err(|e| SessionError::Protocol(e.to_string()))?
}

/// The next round of pictures; never, if none is wanted; `None` if there will be none.
async fn newest(pictures: Option<&mut watch::Receiver<Arc<Round>>>) -> Option<Arc<Round>> {
    let Some(pictures) = pictures else { return std::future::pending().await };
    pictures.changed().await.ok()?;
    Some(Arc::clone(&pictures.borrow_and_update()))
}
