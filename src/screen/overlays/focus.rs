//! What has the keys.

/// What has the keys: exactly one thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Focus {
    /// The panel.
    #[default]
    Panel,
    /// The filter prompt.
    Filter,
}
