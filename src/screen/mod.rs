//! The terminal: event loop, state, update, draw.
