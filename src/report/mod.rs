//! The view as text and JSON.
