//! Buffers for bodies, lent for the time from the first byte to the last value read.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers kept for the next bodies: more are in use only while many targets answer at the same moment.
const KEPT: usize = 4;

/// Largest buffer kept, in bytes; one that a giant needed goes back to the system.
const KEPT_BYTES: usize = 1 << 20;

/// Buffers nobody uses now. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Bodies(Arc<Mutex<Vec<Vec<u8>>>>);

/// A body in a buffer that goes back where it came from.
#[derive(Debug, Default)]
pub(super) struct Body {
    bytes: Vec<u8>,
    home: Bodies,
}

impl Bodies {
    /// An empty buffer.
    pub(super) fn lend(&self) -> Body {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Body { bytes, home: self.clone() }
    }
}

impl Body {
    /// The buffer, to be filled.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if !(1..=KEPT_BYTES).contains(&bytes.capacity()) {
            return;
        }
        bytes.clear();
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_giants_are_not_kept() {
        let bodies = Bodies::default();
        let mut first = bodies.lend();
        first.bytes_mut().extend_from_slice(&[1; 5000]);
        let place = first.as_ptr();
        drop(first);
        let mut second = bodies.lend();
        assert!(second.is_empty());
        second.bytes_mut().push(2);
        assert_eq!(second.as_ptr(), place);
        second.bytes_mut().reserve(KEPT_BYTES + 1);
        drop(second);
        assert_eq!(bodies.lend().bytes.capacity(), 0);
        let many: Vec<Body> = (0..3 * KEPT).map(|_| bodies.lend()).collect();
        for mut body in many {
            body.bytes_mut().push(3);
        }
        assert_eq!(bodies.0.lock().unwrap().len(), KEPT);
    }
}
