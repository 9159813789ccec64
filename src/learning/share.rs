//! Lessons and shapes of days as a signed file: what one team learned, for another to try on.
//!
//! The first line is `weescale-lessons 1 KEY SIGNATURE`, the rest is JSON. The signature (Ed25519, RFC 8032) is over the
//! rest with the words before the key in front, so that nothing else that is signed with the key can pass for it.
//! Nothing of a file is looked at before its signature holds, except its length.

use std::fmt::Write;

use jiff::tz::TimeZone;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::forecast::pooled::{QUARTERS, Shape};
use crate::series::Timestamp;
use crate::series::text::clean;

use super::{Learnt, key_of};

/// Largest file, bytes: it must fit a frame of the socket, quoted.
pub const MOST_BYTES: usize = 30 << 10;
/// Lessons in a file at most.
pub const MOST_LESSONS: usize = 60;
/// Shapes in a file at most.
pub const MOST_SHAPES: usize = 12;
/// Longest text of a lesson, characters.
const TEXT: usize = 300;
/// Longest name of a source, characters.
const NAME: usize = 64;
/// Most observations that a lesson may claim.
const MOST_SUPPORT: usize = 1_000_000;
/// What a file begins with.
const HEAD: &str = "weescale-lessons 1";

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Not one of ours, or of a newer kind.
    #[error("this is no file of lessons that is known here: it must begin with {HEAD:?}")]
    Stranger,
    /// Too large.
    #[error("a file of lessons has at most {MOST_BYTES} bytes, this one has {0}")]
    Large(usize),
    /// Damaged or forged.
    #[error(
        "the signature does not hold: the file was changed after it was signed, or was never signed with that key"
    )]
    Forged,
    /// Signed, but not as lessons are written.
    #[error("the file is signed, but cannot be read: {0}")]
    Malformed(String),
    /// By somebody who is not trusted here.
    #[error(
        "signed with {0}, which is not trusted here: ask whoever gave you the file for their key by another way; if it \
         is this one, repeat with --trust {0}, or put it into [lessons] trust"
    )]
    Untrusted(String),
    /// The key cannot sign.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// Nothing to share.
    #[error(
        "there is nothing to share yet: lessons need at least five outcomes of one kind, shapes thirteen days of a service"
    )]
    Nothing,
}

/// The shape of the days of some services: how demand moves, not how much it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedShape {
    /// Services it was made of.
    pub services: usize,
    /// Demand by the quarter of an hour, in thousandths of its mean: 96 of a weekday, 96 of a day of the weekend.
    pub quarters: Vec<u32>,
    /// The IANA time zone of these quarters. Left out where it is UTC: a weescale that knows no other can read it then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
}

impl SharedShape {
    /// A shape made by the clocks of `zone`. One of a zone without a name is told in UTC.
    pub fn of(shape: &Shape, zone: &TimeZone, services: usize) -> Self {
        let name = zone.iana_name().filter(|_| *zone != TimeZone::UTC).unwrap_or_default();
        Self { services, quarters: shape.per_mille(), zone: name.to_owned() }
    }

    /// By whose clocks it is; `None` if no such time zone is known here.
    pub fn clock(&self) -> Option<TimeZone> {
        match self.zone.len() {
            0 => Some(TimeZone::UTC),
            1..=NAME => TimeZone::get(&self.zone).ok(),
            _ => None,
        }
    }
}

/// What is to be shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared {
    /// Lessons.
    pub lessons: Vec<Learnt>,
    /// Shapes.
    pub shapes: Vec<SharedShape>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    /// Who says so, as they call themselves.
    pub source: String,
    /// The key it is signed with: `ed25519:` and 64 hexadecimal digits.
    pub key: String,
    /// When it was made.
    pub made: Timestamp,
    /// The lessons; their source is named in each.
    pub lessons: Vec<Learnt>,
    /// The shapes.
    pub shapes: Vec<SharedShape>,
}

impl Pack {
    /// `3 lessons and 2 shapes of 14 services`.
    pub fn words(&self) -> String {
        let lessons = some(self.lessons.len(), "lesson");
        if self.shapes.is_empty() { lessons } else { format!("{lessons} and {}", words(&self.shapes)) }
    }
}

/// `2 shapes of 14 services`.
pub fn words(shapes: &[SharedShape]) -> String {
    let services = shapes.iter().map(|s| s.services).sum();
    format!("{} of {}", some(shapes.len(), "shape"), some(services, "service"))
}

/// `1 shape`, `2 shapes`.
fn some(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    source: String,
    made: Timestamp,
    lessons: Vec<Learnt>,
    /// Left out where there are none: a weescale that knows no shapes can read the file then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shapes: Vec<SharedShape>,
}

/// Signs what is shared with a key in PKCS #8. Lessons with most support first; what does not fit is left out.
pub fn seal(source: &str, load: Shared, made: Timestamp, pkcs8: &[u8]) -> Result<String, ShareError> {
    let pair = pair_of(pkcs8)?;
    let Shared { mut lessons, mut shapes } = load;
    lessons.sort_by_key(|l| std::cmp::Reverse(l.support));
    lessons.truncate(MOST_LESSONS);
    shapes.truncate(MOST_SHAPES);
    if lessons.is_empty() && shapes.is_empty() {
        return Err(ShareError::Nothing);
    }
    let mut body = Body { source: clean(source.trim(), NAME), made, lessons, shapes };
    loop {
        let text = serde_json::to_string(&body).map_err(|e| ShareError::Malformed(e.to_string()))?;
        let signature = pair.sign(signed(&text).as_bytes());
        let (key, proof) = (hex(pair.public_key().as_ref()), hex(signature.as_ref()));
        let file = format!("{HEAD} {key} {proof}\n{text}");
        if file.len() <= MOST_BYTES || (body.lessons.pop().is_none() && body.shapes.pop().is_none()) {
            return Ok(file);
        }
    }
}

/// Keys as OpenSSL writes them, without their public half, are taken too.
fn pair_of(pkcs8: &[u8]) -> Result<Ed25519KeyPair, ShareError> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|e| ShareError::Key(e.to_string()))
}

/// The name of the key that `pkcs8` signs with.
pub fn name_of_key(pkcs8: &[u8]) -> Result<String, ShareError> {
    let pair = pair_of(pkcs8)?;
    Ok(format!("ed25519:{}", hex(pair.public_key().as_ref())))
}

/// Opens a file: checks its size, its signature, that its key is one of `trusted`, and every bound of what is in it.
pub fn open(file: &str, trusted: &[String]) -> Result<Pack, ShareError> {
    if file.len() > MOST_BYTES {
        return Err(ShareError::Large(file.len()));
    }
    let (head, text) = file.split_once('\n').ok_or(ShareError::Stranger)?;
    let rest = head.strip_prefix(HEAD).and_then(|r| r.strip_prefix(' ')).ok_or(ShareError::Stranger)?;
    let (key, proof) = rest.split_once(' ').ok_or(ShareError::Stranger)?;
    let public = unhex::<32>(key).ok_or(ShareError::Stranger)?;
    let proof = unhex::<64>(proof.trim_end_matches('\r')).ok_or(ShareError::Stranger)?;
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed(text).as_bytes(), &proof)
        .map_err(|_| ShareError::Forged)?;
    let name = format!("ed25519:{}", hex(&public));
    if !trusted.iter().any(|t| t.trim().eq_ignore_ascii_case(&name)) {
        return Err(ShareError::Untrusted(name));
    }
    let body: Body =
        serde_json::from_str(text).map_err(|e| ShareError::Malformed(clean(&e.to_string(), TEXT)))?;
    if body.lessons.len() > MOST_LESSONS {
        let many = format!("{} lessons, {MOST_LESSONS} are allowed", body.lessons.len());
        return Err(ShareError::Malformed(many));
    }
    let short: String = name.chars().take("ed25519:".len() + 8).collect();
    let source = format!("{} ({short}…)", clean(body.source.trim(), NAME));
    let lessons = body.lessons.into_iter().map(|l| received(l, &source, &name)).collect::<Result<_, _>>()?;
    let shapes = shapes(body.shapes)?;
    Ok(Pack { source, key: name, made: body.made, lessons, shapes })
}

/// Shapes from elsewhere within bounds. How high they are does not matter: only their form is used.
fn shapes(shapes: Vec<SharedShape>) -> Result<Vec<SharedShape>, ShareError> {
    let wrong = |why: String| Err(ShareError::Malformed(why));
    if shapes.len() > MOST_SHAPES {
        return wrong(format!("{} shapes, {MOST_SHAPES} are allowed", shapes.len()));
    }
    for shape in &shapes {
        if !(1..=MOST_SUPPORT).contains(&shape.services) {
            return wrong(format!("a shape of {} services", shape.services));
        }
        if shape.clock().is_none() {
            let zone = clean(&shape.zone, NAME);
            return wrong(format!("a shape of the time zone {zone:?}, which is not known here"));
        }
        if Shape::from_per_mille(&shape.quarters).is_none() {
            return wrong(format!(
                "a shape that is not {QUARTERS} values of at most a hundred times their mean, or is nought throughout"
            ));
        }
    }
    Ok(shapes)
}

/// A lesson from elsewhere within bounds, under an identity that its sender cannot choose.
fn received(lesson: Learnt, source: &str, key: &str) -> Result<Learnt, ShareError> {
    let claim = clean(lesson.claim.trim(), TEXT);
    if claim.is_empty() || lesson.good > lesson.support || lesson.support > MOST_SUPPORT {
        return Err(ShareError::Malformed("a lesson whose numbers cannot be, or that says nothing".into()));
    }
    if !lesson.subject.is_sound() {
        return Err(ShareError::Malformed(
            "a lesson about a time of day or a day of the week that there is not".into(),
        ));
    }
    Ok(Learnt {
        // What it is about is part of it: the same claim about something else is another lesson.
        key: key_of(&format!("{key}\n{}", lesson.subject.words()), &claim),
        claim,
        counter_example: lesson.counter_example.map(|c| clean(c.trim(), TEXT)),
        source: source.to_owned(),
        ..lesson
    })
}

fn signed(text: &str) -> String {
    format!("{HEAD}\n{text}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs
        .iter()
        .map(|[high, low]| {
            let digit = |c: u8| char::from(c).to_digit(16);
            Some((digit(*high)? * 16 + digit(*low)?) as u8)
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::fleet::WorkloadId;
    use crate::learning::Subject;

    use super::*;

    /// A key made of a fixed seed: PKCS #8 of RFC 8410 around 32 bytes.
    fn pkcs8(seed: u8) -> Vec<u8> {
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend([seed; 32]);
        der
    }

    fn lesson(claim: &str) -> Learnt {
        Learnt {
            key: "l-0".into(),
            claim: claim.into(),
            subject: Subject::Operation { workload: WorkloadId::new("shop", "cart", ""), raises: true },
            good: 8,
            support: 9,
            counter_example: Some("op-1 2→4".into()),
            source: String::new(),
        }
    }

    fn file(lessons: Vec<Learnt>) -> (String, Vec<String>) {
        packed(Shared { lessons, shapes: Vec::new() })
    }

    fn packed(load: Shared) -> (String, Vec<String>) {
        let text = seal("team search", load, Timestamp::from_secs(7), &pkcs8(1)).unwrap();
        (text, vec![name_of_key(&pkcs8(1)).unwrap()])
    }

    fn shape(services: usize) -> SharedShape {
        SharedShape {
            services,
            quarters: (0..QUARTERS as u32).map(|i| 500 + 5 * i).collect(),
            zone: String::new(),
        }
    }

    #[test]
    fn what_was_signed_comes_back_with_its_source_named() {
        let (text, trusted) = file(vec![lesson("raising a was kept")]);
        let pack = open(&text, &trusted).unwrap();
        assert_eq!(pack.key, trusted[0]);
        assert!(pack.source.starts_with("team search (ed25519:"), "{}", pack.source);
        let [back] = pack.lessons.as_slice() else { panic!() };
        assert_eq!((back.claim.as_str(), back.good, back.support), ("raising a was kept", 8, 9));
        assert_eq!(back.source, pack.source);
        assert_ne!(back.key, key_of("", "raising a was kept"), "it is not mistaken for an own one");
        let elsewhere = Learnt {
            subject: Subject::Operation { workload: WorkloadId::new("shop", "pay", ""), raises: true },
            ..lesson("raising a was kept")
        };
        assert_ne!(
            open(&file(vec![elsewhere]).0, &trusted).unwrap().lessons[0].key,
            back.key,
            "another subject"
        );
    }

    #[test]
    fn a_changed_byte_another_key_and_a_stranger_are_refused() {
        let (text, trusted) = file(vec![lesson("raising a was kept")]);
        for place in (0..text.len()).step_by(7) {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(open(&changed, &trusted).is_err(), "byte {place}");
        }
        let other = vec![name_of_key(&pkcs8(2)).unwrap()];
        assert_eq!(open(&text, &other), Err(ShareError::Untrusted(trusted[0].clone())));
        assert_eq!(open("", &trusted), Err(ShareError::Stranger));
        assert_eq!(open("weescale-lessons 2 a b\n{}", &trusted), Err(ShareError::Stranger));
        let large = format!("{text}{}", " ".repeat(MOST_BYTES));
        assert!(matches!(open(&large, &trusted), Err(ShareError::Large(_))));
        assert!(seal("x", Shared::default(), Timestamp::from_secs(0), &pkcs8(1)).is_err());
        let one = Shared { lessons: vec![lesson("a")], shapes: Vec::new() };
        assert!(seal("x", one, Timestamp::from_secs(0), b"no key").is_err());
    }

    #[test]
    fn signed_nonsense_is_refused_and_signed_escapes_are_inert() {
        let bad = [
            Learnt { good: 10, ..lesson("a") },
            Learnt { support: usize::MAX, ..lesson("a") },
            lesson("  "),
            Learnt { subject: Subject::PartOfDay { quarter: 9, raises: None }, ..lesson("a") },
            Learnt {
                subject: Subject::DayAndHours { weekday: 255, quarter: 255, raises: None },
                ..lesson("a")
            },
        ];
        for lesson in bad {
            let (text, trusted) = file(vec![lesson]);
            assert!(matches!(open(&text, &trusted), Err(ShareError::Malformed(_))), "{text}");
        }
        let (text, trusted) = file(vec![lesson("evil \u{1b}[2J\u{202e}claim")]);
        let pack = open(&text, &trusted).unwrap();
        assert!(pack.lessons[0].claim.chars().all(crate::series::text::is_inert));
    }

    #[test]
    fn a_file_never_grows_over_its_bound() {
        let long = "x".repeat(5000);
        let lessons: Vec<Learnt> = (0..500).map(|i| lesson(&format!("{i} {long}"))).collect();
        let steep = SharedShape { services: MOST_SUPPORT, quarters: vec![100_000; QUARTERS], ..shape(1) };
        for shapes in [vec![], vec![steep; 100]] {
            let (text, trusted) = packed(Shared { lessons: lessons.clone(), shapes: shapes.clone() });
            assert!(text.len() <= MOST_BYTES);
            let pack = open(&text, &trusted).unwrap();
            assert!(!pack.lessons.is_empty() && pack.shapes.len() == shapes.len().min(MOST_SHAPES));
            assert!(pack.lessons.iter().all(|l| l.claim.chars().count() <= TEXT + 1));
        }
    }

    #[test]
    fn shapes_travel_with_lessons_or_alone_and_strange_ones_are_refused() {
        let (text, trusted) = packed(Shared { lessons: Vec::new(), shapes: vec![shape(3), shape(2)] });
        let pack = open(&text, &trusted).unwrap();
        assert_eq!(pack.shapes, [shape(3), shape(2)]);
        assert_eq!(pack.words(), "0 lessons and 2 shapes of 5 services");
        assert!(!file(vec![lesson("a")]).0.contains("shapes"), "older ones can read it");
        // Whose clocks a shape goes by is told where it is not UTC: those who know no other can read the rest.
        assert!(!text.contains("zone"));
        let berlin = SharedShape { zone: "Europe/Berlin".into(), ..shape(1) };
        let (text, trusted) = packed(Shared { lessons: Vec::new(), shapes: vec![berlin.clone()] });
        assert_eq!(open(&text, &trusted).unwrap().shapes, [berlin]);
        let bad = [
            SharedShape { services: 0, ..shape(1) },
            SharedShape { zone: "Mars/Olympus".into(), ..shape(1) },
            SharedShape { zone: "x".repeat(NAME + 1), ..shape(1) },
            SharedShape { services: usize::MAX, ..shape(1) },
            SharedShape { quarters: vec![0; QUARTERS], ..shape(1) },
            SharedShape { quarters: vec![1000; QUARTERS + 1], ..shape(1) },
            SharedShape { quarters: vec![u32::MAX; QUARTERS], ..shape(1) },
        ];
        for bad in bad {
            let (text, trusted) = packed(Shared { lessons: Vec::new(), shapes: vec![bad] });
            assert!(matches!(open(&text, &trusted), Err(ShareError::Malformed(_))), "{text}");
        }
        // Signed by hand, with more than is allowed, and with what is no number.
        let pair = pair_of(&pkcs8(1)).unwrap();
        let one = serde_json::to_string(&SharedShape { quarters: vec![1; QUARTERS], ..shape(1) }).unwrap();
        let many = vec![one.as_str(); MOST_SHAPES + 1].join(",");
        for shapes in
            [many.as_str(), "{\"services\":1,\"quarters\":[-1]}", "{\"services\":1,\"quarters\":[1e999]}"]
        {
            let text = format!("{{\"source\":\"x\",\"made\":7000,\"lessons\":[],\"shapes\":[{shapes}]}}");
            let proof = hex(pair.sign(signed(&text).as_bytes()).as_ref());
            let file = format!("{HEAD} {} {proof}\n{text}", hex(pair.public_key().as_ref()));
            assert!(matches!(open(&file, &trusted), Err(ShareError::Malformed(_))), "{shapes}");
        }
    }

    proptest! {
        #[test]
        fn rubbish_never_opens(text in ".{0,400}") {
            prop_assert!(open(&text, &[]).is_err());
            let dressed = format!("{HEAD} {} {}\n{text}", "ab".repeat(32), "cd".repeat(64));
            prop_assert!(open(&dressed, &[]).is_err());
        }
    }
}
