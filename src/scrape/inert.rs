//! Names and label values made inert where they enter.

use std::borrow::Cow;

use crate::series::text::{clean, is_inert};

/// Whether `text` is printable ASCII throughout.
pub(super) fn is_plain(text: &[u8]) -> bool {
    // Without an early end the compiler looks at many bytes at once.
    text.iter().fold(true, |plain, byte| plain & (b' '..=b'~').contains(byte))
}

/// `text` itself if a terminal shows it as it is, else with everything else spelled out. Two different texts
/// stay different except for one that already spells out an escape.
pub(super) fn inert(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) || text.chars().all(is_inert) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean(text, usize::MAX))
    }
}
