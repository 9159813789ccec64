//! Find, read, merge, validate, explain.
