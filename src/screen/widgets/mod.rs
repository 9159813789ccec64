//! The sixteen widgets, the service table, and what they are drawn with.
//!
//! Every widget is a pure function of a [`pen::Pen`] and an area. Nothing here panics at any size or number.

pub mod chart;
mod frame;
mod ink;
mod list;
mod pen;
mod state;
mod table;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
pub(super) mod testing_view;
mod words;

pub(super) mod advice;
mod capacity;
mod continuity;
mod cost;
pub(super) mod forecast;
mod growth;
mod knowledge;
mod learning;
mod lessons;
pub(super) mod operations;
mod performance;
mod projection;
pub(super) mod recommendations;
mod regions;
mod resources;
mod response_times;
mod satisfaction;
pub(super) mod services;
mod what_if;

pub(super) use frame::frame;
pub use ink::{Ink, Level};
pub use list::{WIDGETS, WidgetEntry};
pub use pen::Pen;
pub(super) use pen::{below, fit, fit_facts, fit_line, put, put_line, put_wrapped, top, wrap};
pub(super) use state::{Title, framed};
pub(super) use table::{Column, Row, flow, left, right, table, width_of};
pub(super) use words::{countdown, exact, moment, span, time_span};
