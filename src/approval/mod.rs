//! Stage 7, authorise: mode, challenge, decision, one-use permit.
