//! Command line, one file per command.

mod args;
mod check;
mod completions;
mod config;
mod dashboard;
mod demo;
mod exit;
mod journal;
mod live;
mod look;
mod out;
mod status;

pub use args::{Cli, Command};
pub use exit::Failure;

use exit::Outcome;

/// Runs what the command line asks for.
pub async fn run(cli: Cli) -> Outcome {
    let Cli { live, command } = cli;
    match command {
        None => dashboard::run(&live).await,
        Some(Command::Demo(args)) => demo::run(&live, &args).await,
        Some(Command::Check) => check::run(&live).await,
        Some(Command::Status(args)) => status::run(&live, &args).await,
        Some(Command::Proposals(args)) => status::proposals(&live, &args).await,
        Some(Command::Config(args)) => config::run(&live, &args),
        Some(Command::Journal(args)) => journal::run(&live, &args),
        Some(Command::Completions { shell }) => completions::shell(shell),
        Some(Command::Man) => completions::man(),
        Some(Command::Keys) => completions::keys(),
    }
}
