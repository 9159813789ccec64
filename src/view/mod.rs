//! The immutable read model for people: everything the screen and the reports show.
