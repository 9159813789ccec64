//! Themes: files in `themes/`, semantic roles with fallbacks, and colour depth.

mod color;
mod depth;
mod file;
mod load;
mod role;
#[cfg(test)]
mod tests;

pub use depth::Depth;
pub use file::ThemeError;
pub use load::Theme;
pub use role::Role;
