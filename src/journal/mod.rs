//! The record: append-only, hash-chained SQLite.
