//! Lessons as a signed file: what one team learned, for another to try on.
//!
//! The first line is `weescale-lessons 1 KEY SIGNATURE`, the rest is JSON. The signature (Ed25519, RFC 8032) is over the
//! rest with the words before the key in front, so that nothing else that is signed with the key can pass for it.
//! Nothing of a file is looked at before its signature holds, except its length.

use std::fmt::Write;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::series::Timestamp;
use crate::series::text::clean;

use super::{Learnt, Subject, key_of};

/// Largest file, bytes: it must fit a frame of the socket, quoted.
pub const MOST_BYTES: usize = 30 << 10;
/// Lessons in a file at most.
pub const MOST_LESSONS: usize = 60;
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
    #[error("there is no lesson to share yet: rules need at least five outcomes of one kind")]
    Nothing,
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
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    source: String,
    made: Timestamp,
    lessons: Vec<Learnt>,
}

/// Signs lessons with a key in PKCS #8. Those with most support first; what does not fit is left out.
pub fn seal(
    source: &str,
    mut lessons: Vec<Learnt>,
    made: Timestamp,
    pkcs8: &[u8],
) -> Result<String, ShareError> {
    let pair = pair_of(pkcs8)?;
    lessons.sort_by_key(|l| std::cmp::Reverse(l.support));
    lessons.truncate(MOST_LESSONS);
    if lessons.is_empty() {
        return Err(ShareError::Nothing);
    }
    let mut body = Body { source: clean(source.trim(), NAME), made, lessons };
    loop {
        let text = serde_json::to_string(&body).map_err(|e| ShareError::Malformed(e.to_string()))?;
        let signature = pair.sign(signed(&text).as_bytes());
        let (key, proof) = (hex(pair.public_key().as_ref()), hex(signature.as_ref()));
        let file = format!("{HEAD} {key} {proof}\n{text}");
        if file.len() <= MOST_BYTES || body.lessons.pop().is_none() {
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
    Ok(Pack { source, key: name, made: body.made, lessons })
}

/// A lesson from elsewhere within bounds, under an identity that its sender cannot choose.
fn received(lesson: Learnt, source: &str, key: &str) -> Result<Learnt, ShareError> {
    let claim = clean(lesson.claim.trim(), TEXT);
    if claim.is_empty() || lesson.good > lesson.support || lesson.support > MOST_SUPPORT {
        return Err(ShareError::Malformed("a lesson whose numbers cannot be, or that says nothing".into()));
    }
    if matches!(lesson.subject, Subject::PartOfDay { quarter } if quarter > 3) {
        return Err(ShareError::Malformed("a lesson about a fifth quarter of the day".into()));
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
        let text = seal("team search", lessons, Timestamp::from_secs(7), &pkcs8(1)).unwrap();
        (text, vec![name_of_key(&pkcs8(1)).unwrap()])
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
        assert!(seal("x", Vec::new(), Timestamp::from_secs(0), &pkcs8(1)).is_err());
        assert!(seal("x", vec![lesson("a")], Timestamp::from_secs(0), b"no key").is_err());
    }

    #[test]
    fn signed_nonsense_is_refused_and_signed_escapes_are_inert() {
        let bad = [
            Learnt { good: 10, ..lesson("a") },
            Learnt { support: usize::MAX, ..lesson("a") },
            lesson("  "),
            Learnt { subject: Subject::PartOfDay { quarter: 9 }, ..lesson("a") },
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
        let (text, trusted) = file((0..500).map(|i| lesson(&format!("{i} {long}"))).collect());
        assert!(text.len() <= MOST_BYTES);
        let pack = open(&text, &trusted).unwrap();
        assert!(!pack.lessons.is_empty() && pack.lessons.iter().all(|l| l.claim.chars().count() <= TEXT + 1));
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
