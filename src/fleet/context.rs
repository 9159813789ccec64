//! Where we are: the named environment whose services are on the screen.

use serde::{Deserialize, Serialize};

/// A named environment. Protected contexts ask for their name to be typed before anything is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// As shown in the header: `prod-eu`, `demo`.
    pub name: String,
    /// Whether approving asks for the name to be typed.
    pub protected: bool,
}
