//! Stage 9, look back: what an operation did, measured against what was expected.
