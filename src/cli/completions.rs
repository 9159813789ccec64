//! Completions, manual page and key table, all made from the definitions.

use clap::CommandFactory;

use super::args::Cli;
use super::exit::{Failure, Outcome};
use super::out;

/// Completions for a shell.
pub fn shell(shell: clap_complete::Shell) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "weescale", &mut text);
    out::print(&String::from_utf8_lossy(&text))
}

/// The manual page.
pub fn man() -> Outcome {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text).map_err(Failure::other)?;
    out::print(&String::from_utf8_lossy(&text))
}

/// The keys.
pub fn keys() -> Outcome {
    out::print(&crate::screen::keys_markdown())
}
