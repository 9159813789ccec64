//! Frames: a head of four bytes of length and one of kind, then the body; or, where the highest bit of the first byte is set, that
//! byte for the kind and a number (LEB128) for the length. What comes with every picture has the short head; messages, also to and
//! from other versions, have the long one. A clock that moves as it did before is a kind and one byte, without a length. Every
//! bound is checked before anything is allocated.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::view::ticks::Ticked;
use crate::view::{Answer, Attached, Command, Spot};

use super::SessionError;

/// Version of the language of frames. Both ends must have the same, and the same version of weescale.
pub const PROTOCOL: u32 = 8;
/// Screens and tools at once.
pub const MOST_CLIENTS: usize = 40;
/// Largest frame to the engine, bytes.
pub const TO_ENGINE: usize = 64 << 10;
/// Largest frame to a screen, bytes.
pub const TO_SCREEN: usize = 64 << 20;

/// What a client wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    /// Every picture: a screen.
    Pictures,
    /// One picture: a report.
    One,
    /// None: a wish.
    Nothing,
}

/// First frame of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Version of weescale.
    pub version: String,
    /// What it wants to see.
    pub wants: Wants,
    /// Whether the person only learns: nothing they decide has an effect.
    #[serde(default)]
    pub learns: bool,
}

impl Hello {
    /// Ours.
    pub fn ours(wants: Wants) -> Self {
        Self { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").into(), wants, learns: false }
    }
}

/// Later frames of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// A wish; `id` is made by the client and never used twice.
    Wish {
        /// Its number.
        id: String,
        /// What.
        command: Command,
    },
    /// Where the person is.
    Look(Spot),
}

/// Frames of the engine, beside pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hear {
    /// The client may stay.
    Welcome {
        /// Version of weescale.
        version: String,
        /// The client as the engine knows it.
        you: Attached,
    },
    /// The client must go.
    Refused(String),
    /// What came of a wish.
    Answer {
        /// Of which.
        id: String,
        /// What.
        answer: Answer,
    },
}

/// A frame as read.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// JSON text.
    Message(Vec<u8>),
    /// A whole picture: its number, and the packed view.
    Whole(u64, Vec<u8>),
    /// A difference, packed.
    Delta(Step, Vec<u8>),
    /// How far clock and age moved, where nothing else did.
    Clock(Step, Ticked),
    /// The same step from the picture with these lowest bits of its number, and the same move, as those of the clock before.
    Again(u8),
}

/// From which picture a frame leads to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The lowest bits of the number of the one it leads from: enough to notice that one was left out.
    from: u8,
    /// So much higher is the number of the one it leads to.
    further: u64,
}

impl Step {
    /// Between two pictures.
    pub const fn between(from: u64, to: u64) -> Self {
        Self { from: (from & 0xff) as u8, further: to.wrapping_sub(from) }
    }

    /// As far, from the picture whose number has these lowest bits.
    pub const fn again(self, from: u8) -> Self {
        Self { from, further: self.further }
    }

    /// The number of the picture that it leads to from this one; `None` if it leads from another.
    pub fn after(self, number: u64) -> Option<u64> {
        (number & 0xff == u64::from(self.from)).then(|| number.wrapping_add(self.further))
    }
}

const MESSAGE: u8 = b'M';
const WHOLE: u8 = b'W';
const DELTA: u8 = b'D';
const CLOCK: u8 = b'T';
const AGAIN: u8 = b'A';
/// The bit that a short head begins with. The first byte of a length never has it: no frame is that large.
const SHORT: u8 = 0x80;

/// A message as a frame.
pub fn message<T: Serialize>(body: &T) -> Result<Vec<u8>, SessionError> {
    let text = serde_json::to_vec(body).map_err(|e| SessionError::Protocol(e.to_string()))?;
    Ok(frame(MESSAGE, &[], &text))
}

/// A whole picture as a frame.
pub fn whole(number: u64, packed: &[u8]) -> Vec<u8> {
    frame(WHOLE, &number.to_be_bytes(), packed)
}

/// A difference as a frame.
pub fn delta(from: u64, to: u64, packed: &[u8]) -> Vec<u8> {
    let mut body = head_of(Step::between(from, to));
    body.extend(packed);
    short(DELTA, &body)
}

/// How far clock and age moved, as a frame.
pub fn clock(from: u64, to: u64, by: Ticked) -> Vec<u8> {
    let mut body = head_of(Step::between(from, to));
    for step in [by.at, by.since] {
        // The sign in the lowest bit, so that small steps back are small too.
        put_number(&mut body, ((step << 1) ^ (step >> 63)) as u64);
    }
    short(CLOCK, &body)
}

/// What the last clock sent on a connection said.
#[derive(Debug, Default)]
pub struct Beat(Vec<u8>);

impl Beat {
    /// The frame to send for this one: less, where it is a clock that says what the one before said.
    pub fn shorten(&mut self, frame: Vec<u8>) -> Vec<u8> {
        let Some(([kind, _, from], said)) = frame.split_first_chunk() else { return frame };
        if *kind != CLOCK | SHORT {
            return frame;
        }
        if *said == *self.0 {
            return vec![AGAIN | SHORT, *from];
        }
        self.0 = said.to_vec();
        frame
    }
}

fn head_of(step: Step) -> Vec<u8> {
    let mut head = vec![step.from];
    put_number(&mut head, step.further);
    head
}

fn short(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(6 + body.len());
    out.push(kind | SHORT);
    put_number(&mut out, body.len() as u64);
    out.extend(body);
    out
}

/// A number in as few bytes as it needs, seven bits each, the lowest first; the last byte has its highest bit clear (LEB128).
fn put_number(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push((number & 0x7f) as u8);
}

/// Takes such a number off the front; `None` if there is none, or one that is too large.
fn take_number(body: &mut Vec<u8>) -> Option<u64> {
    let mut number = 0_u64;
    for (place, byte) in body.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(place).ok()?;
        let part = bits.checked_shl(shift).filter(|part| part >> shift == bits)?;
        number |= part;
        if byte & 0x80 == 0 {
            body.drain(..=place);
            return Some(number);
        }
    }
    None
}

fn frame(kind: u8, head: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(1 + head.len() + body.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(5 + head.len() + body.len());
    out.extend(length.to_be_bytes());
    out.push(kind);
    out.extend(head);
    out.extend(body);
    out
}

/// Reads a frame of at most `most` bytes; `None` at the end of the stream.
pub async fn read<R: AsyncRead + Unpin>(from: &mut R, most: usize) -> Result<Option<Frame>, SessionError> {
    let (kind, left) = match head(from).await {
        Ok(head) => head,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (Some(kind), true) = (kind, left < most as u64) else {
        return Err(SessionError::Protocol(format!("a frame of {left} bytes, allowed are 1 to {most}")));
    };
    // Grows with what arrives: an announced length alone takes no memory.
    let mut body = Vec::new();
    let got = from.take(left).read_to_end(&mut body).await? as u64;
    if got < left {
        return Err(SessionError::Protocol("a frame that ends too early".into()));
    }
    decode(kind, body).map(Some)
}

/// Kind and length of the body that follows; no kind, where there is not even room for that.
async fn head<R: AsyncRead + Unpin>(from: &mut R) -> std::io::Result<(Option<u8>, u64)> {
    let first = from.read_u8().await?;
    if first & SHORT == 0 {
        let mut rest = [0; 3];
        from.read_exact(&mut rest).await?;
        let [a, b, c] = rest;
        let length = u64::from(u32::from_be_bytes([first, a, b, c]));
        let Some(left) = length.checked_sub(1) else { return Ok((None, 0)) };
        return Ok((Some(from.read_u8().await?), left));
    }
    if first == AGAIN | SHORT {
        return Ok((Some(AGAIN), 1));
    }
    let mut length = Vec::new();
    loop {
        let byte = from.read_u8().await?;
        length.push(byte);
        // Five bytes hold more than any frame may have.
        if byte & 0x80 == 0 || length.len() == 5 {
            break;
        }
    }
    Ok((Some(first & !SHORT), take_number(&mut length).unwrap_or(u64::MAX)))
}

fn decode(kind: u8, mut body: Vec<u8>) -> Result<Frame, SessionError> {
    let short = || SessionError::Protocol("a picture without a number".into());
    let number = |body: &mut Vec<u8>| -> Result<u64, SessionError> {
        let head: [u8; 8] = body.first_chunk().copied().ok_or_else(short)?;
        body.drain(..8);
        Ok(u64::from_be_bytes(head))
    };
    match kind {
        MESSAGE => Ok(Frame::Message(body)),
        WHOLE => Ok(Frame::Whole(number(&mut body)?, body)),
        DELTA => {
            let step = take_step(&mut body).ok_or_else(short)?;
            Ok(Frame::Delta(step, body))
        }
        CLOCK => {
            let step = take_step(&mut body).ok_or_else(short)?;
            let mut further = || take_number(&mut body).map(|n| (n >> 1) as i64 ^ -((n & 1) as i64));
            let by = further().zip(further()).map(|(at, since)| Ticked { at, since });
            by.filter(|_| body.is_empty()).map(|by| Frame::Clock(step, by)).ok_or_else(short)
        }
        AGAIN => body.first().map(|from| Frame::Again(*from)).ok_or_else(short),
        other => Err(SessionError::Protocol(format!("a frame of the unknown kind {other:#04x}"))),
    }
}

fn take_step(body: &mut Vec<u8>) -> Option<Step> {
    let from = *body.first()?;
    body.drain(..1);
    Some(Step { from, further: take_number(body)? })
}

/// A message's content.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SessionError> {
    serde_json::from_slice(body).map_err(|e| {
        SessionError::Protocol(format!(
            "a message that cannot be read: {}",
            crate::series::text::clean(&e.to_string(), 200)
        ))
    })
}

/// Writes a frame whole.
pub async fn write<W: AsyncWrite + Unpin>(to: &mut W, frame: &[u8]) -> Result<(), SessionError> {
    to.write_all(frame).await?;
    Ok(to.flush().await?)
}

/// Reads a frame; with `idle`, for that long at most.
pub async fn read_within<R: AsyncRead + Unpin>(
    from: &mut R,
    most: usize,
    idle: Option<Duration>,
) -> Result<Option<Frame>, SessionError> {
    let Some(idle) = idle else { return read(from, most).await };
    let late = |_| SessionError::Protocol(format!("nothing was said for {} s", idle.as_secs()));
    tokio::time::timeout(idle, read(from, most)).await.map_err(late)?
}

/// Writes a frame whole, as slowly as the other end reads, unless it takes no byte for as long as `stalled`.
pub async fn write_within<W: AsyncWrite + Unpin>(
    to: &mut W,
    frame: &[u8],
    stalled: Duration,
) -> Result<(), SessionError> {
    let late = |_| SessionError::Protocol(format!("no byte was taken for {} s", stalled.as_secs()));
    let mut left = frame;
    while !left.is_empty() {
        let taken = tokio::time::timeout(stalled, to.write(left)).await.map_err(late)??;
        if taken == 0 {
            return Err(SessionError::Io(std::io::ErrorKind::WriteZero.into()));
        }
        left = left.get(taken..).unwrap_or_default();
    }
    Ok(tokio::time::timeout(stalled, to.flush()).await.map_err(late)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_moves_as_before_is_two_bytes_and_nothing_else_is_shortened() {
        let by = Ticked { at: 2000, since: 0 };
        let mut beat = Beat::default();
        assert_eq!(beat.shorten(clock(7, 9, by)), clock(7, 9, by), "nothing was before");
        assert_eq!(beat.shorten(clock(9, 11, by)), [AGAIN | SHORT, 9]);
        assert_eq!(beat.shorten(delta(11, 12, b"x")), delta(11, 12, b"x"));
        assert_eq!(beat.shorten(clock(268, 270, by)), [AGAIN | SHORT, 12], "a difference changes nothing");
        for other in [clock(14, 17, by), clock(17, 20, Ticked { at: 3000, since: 0 }), message(&1).unwrap()] {
            assert_eq!(beat.shorten(other.clone()), other);
        }
        assert_eq!(Step::between(9, 11).again(14).after(270), Some(272));
        assert_eq!(beat.shorten(Vec::new()), [0_u8; 0]);
    }

    #[tokio::test]
    async fn who_says_or_takes_nothing_is_let_go_and_who_is_slow_is_not() {
        let short = Duration::from_millis(200);
        let (mut here, mut there) = tokio::io::duplex(64);
        let silent = read_within(&mut here, 100, Some(short)).await.unwrap_err().to_string();
        assert!(silent.contains("nothing was said"), "{silent}");
        let big = vec![7; 1000];
        let stopped = write_within(&mut here, &big, short).await.unwrap_err().to_string();
        assert!(stopped.contains("no byte was taken"), "{stopped}");
        let slow = tokio::spawn(async move {
            let mut got = vec![0; 64];
            while there.read(&mut got).await.is_ok_and(|n| n > 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        // In all longer than `short`, but never a whole `short` without a byte.
        write_within(&mut here, &big, short).await.unwrap();
        drop(here);
        slow.await.unwrap();
    }

    async fn of(bytes: &[u8], most: usize) -> Result<Option<Frame>, SessionError> {
        let mut bytes = bytes;
        read(&mut bytes, most).await
    }

    #[tokio::test]
    async fn frames_round_trip_and_bounds_hold() {
        let hello = message(&Hello::ours(Wants::One)).unwrap();
        let Some(Frame::Message(body)) = of(&hello, TO_ENGINE).await.unwrap() else { panic!("a message") };
        assert_eq!(parse::<Hello>(&body).unwrap(), Hello::ours(Wants::One));
        assert_eq!(of(&whole(7, b"ab"), 100).await.unwrap(), Some(Frame::Whole(7, b"ab".to_vec())));
        assert_eq!(delta(7, 9, b"").len(), 2 + 2, "a short head and two bytes for two numbers");
        for (from, to) in [(7, 9), (127, 128), (128, 300), (u64::MAX, 0), (9, 7), (0, u64::MAX)] {
            let step = Step::between(from, to);
            assert_eq!(
                of(&delta(from, to, b"x"), 100).await.unwrap(),
                Some(Frame::Delta(step, b"x".to_vec())),
                "{from} {to}"
            );
            assert_eq!((step.after(from), step.after(from.wrapping_add(1))), (Some(to), None));
        }
        let long = vec![7; 300];
        assert_eq!(
            of(&delta(7, 9, &long), 400).await.unwrap(),
            Some(Frame::Delta(Step::between(7, 9), long.clone()))
        );
        assert!(of(&delta(7, 9, &long), 300).await.is_err(), "larger than one may be");
        for by in [(0, 0), (2000, -1000), (-1, 1), (i64::MAX, i64::MIN)] {
            let by = Ticked { at: by.0, since: by.1 };
            assert_eq!(of(&clock(7, 9, by), 100).await.unwrap(), Some(Frame::Clock(Step::between(7, 9), by)));
        }
        assert_eq!(clock(300, 303, Ticked { at: 2000, since: 0 }).len(), 7);
        assert_eq!(of(&[AGAIN | SHORT, 44, 9], 100).await.unwrap(), Some(Frame::Again(44)));
        assert!(of(&[AGAIN | SHORT], 100).await.is_err());
        for hostile in [&[1, 0x80_u8][..], &[1, 0xff, 0xff], &[1], &[], &[0xff; 14]] {
            assert!(of(&short(DELTA, hostile), 100).await.is_err(), "{hostile:?}");
        }
        for hostile in [&[1, 1][..], &[1, 1, 1], &[1, 1, 1, 0x80], &[1, 1, 1, 1, 1]] {
            assert!(of(&short(CLOCK, hostile), 100).await.is_err(), "{hostile:?}");
        }
        for hostile in
            [&[0xc4, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0xff, 0, 1], &[0xc4, 0x80, 0x80, 0x80, 0x80, 0x80]]
        {
            assert!(of(hostile, 100).await.is_err(), "{hostile:?}");
        }
        assert_eq!(of(b"", 100).await.unwrap(), None);
        for hostile in [
            &[0, 0, 0, 0, b'M'][..],
            &[0xff, 0xff, 0xff, 0xff, b'M'],
            &[0, 0, 0, 9, b'M', b'{'],
            &[0, 0, 0, 2, b'?', b'x'],
            &[0, 0, 0, 4, b'W', 0, 0, 0],
            &[0, 0, 0, 1, b'D'],
        ] {
            assert!(of(hostile, 100).await.is_err(), "{hostile:?}");
        }
    }
}
