//! The stage that collects, without the network.

#[path = "../../src/scrape/answers/mod.rs"]
pub mod answers;
#[path = "../../src/scrape/block.rs"]
mod block;
#[path = "../../src/scrape/born.rs"]
mod born;
#[path = "../../src/scrape/error.rs"]
mod error;
#[path = "../../src/scrape/exposition/mod.rs"]
pub mod exposition;
#[path = "../../src/scrape/fuzzing.rs"]
pub mod fuzzing;
#[path = "../../src/scrape/inert.rs"]
mod inert;
#[path = "../../src/scrape/limits.rs"]
mod limits;
#[path = "../../src/scrape/status.rs"]
mod status;

pub use block::ScrapeBlock;
pub use born::Born;
pub use error::ScrapeError;
pub use limits::Limits;
pub use status::{Dropped, Health, Progress, Refresh, SourceId, SourceKind, SourceStatus};
