//! The view as text and JSON, for scripts and for people without a terminal; incidents as Markdown and HTML.

mod day;
mod document;
mod facts;
mod html;
mod incident;
mod json;
mod markdown;
mod people;
mod svg;
mod text;
mod track;
mod weekly;

pub use day::{days, days_text};
pub use facts::incident_json;
pub use html::{html, weekly_html};
pub use incident::Incident;
pub use json::{leases, proposals, status};
pub use markdown::{markdown, weekly_markdown};
pub use text::status as status_text;
pub use weekly::{Sum, Weekly};
