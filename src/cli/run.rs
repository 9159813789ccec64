//! From the command line to the command.

use super::exit::Outcome;
use super::{
    Cli, Command, anomalies, attach, check, completions, config, dashboard, day, demo, forecast, journal,
    serve, status, wish,
};

/// Runs what the command line asks for.
pub async fn run(cli: Cli) -> Outcome {
    let Cli { live, command } = cli;
    match command {
        None => dashboard::run(&live).await,
        Some(Command::Demo(args)) => demo::run(&live, &args).await,
        Some(Command::Serve) => serve::run(&live).await,
        Some(Command::Attach(args)) => attach::run(&live, &args).await,
        Some(Command::Day(args)) => day::run(&live, &args).await,
        Some(Command::Leases(shape)) => wish::leases(&live, shape).await,
        Some(Command::Approve(args)) => wish::approve(&live, &args).await,
        Some(Command::Reject(args)) => wish::reject(&live, &args).await,
        Some(Command::Abort(on)) => wish::on(&live, &on, crate::view::Command::Abort).await,
        Some(Command::Pause(on)) => wish::on(&live, &on, crate::view::Command::Pause).await,
        Some(Command::Resume(on)) => wish::on(&live, &on, crate::view::Command::Resume).await,
        Some(Command::Release(on)) => wish::on(&live, &on, crate::view::Command::Release).await,
        Some(Command::Hold(args)) => wish::hold(&live, &args).await,
        Some(Command::Mute(args)) => super::mute::run(&live, &args).await,
        Some(Command::Gone(args)) => super::asides::gone(&live, &args).await,
        Some(Command::Claim(args)) => super::asides::claim(&live, &args).await,
        Some(Command::Note(args)) => wish::note(&live, &args).await,
        Some(Command::Check) => check::run(&live).await,
        Some(Command::Status(args)) => status::run(&live, &args).await,
        Some(Command::Proposals(args)) => status::proposals(&live, &args).await,
        Some(Command::Plan(args)) => super::plan::run(&live, &args).await,
        Some(Command::Forecast(args)) => forecast::run(&live, &args).await,
        Some(Command::Anomalies(args)) => anomalies::run(&live, &args).await,
        Some(Command::Backtest(args)) => super::backtest::run(&live, &args).await,
        Some(Command::WhatIf(args)) => super::what_if::run(&live, &args).await,
        Some(Command::Lessons(args)) => super::lessons::run(&live, &args).await,
        Some(Command::Config(args)) => config::run(&live, &args),
        Some(Command::Journal(args)) => journal::run(&live, &args),
        Some(Command::Replay(args)) => super::travel::replay(&live, &args).await,
        Some(Command::Bundle(args)) => super::travel::bundle(&live, &args),
        Some(Command::Report(args)) => super::travel::report(&live, &args),
        Some(Command::Handover(args)) => super::handover::run(&live, &args).await,
        Some(Command::Completions { shell }) => completions::shell(shell),
        Some(Command::Man) => completions::man(),
        Some(Command::Keys) => completions::keys(),
    }
}
