//! Arguments in, exit code out.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use color_eyre::eyre::Report;

/// Series are many small pieces that come and go on several threads; the crate documentation says what this saves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    weescale::cli::no_core_files();
    weescale::cli::no_huge_pages();
    // Panics and internal errors are reported by color-eyre; expected failures are one sentence.
    if color_eyre::install().is_err() {
        return ExitCode::FAILURE;
    }
    let cli = weescale::cli::Cli::parse();
    // One worker, for what executes and who is attached. What takes time (the engine, queries, sources, the journal, the
    // screen) has threads of its own.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Report::new(error).wrap_err("cannot start the runtime"), 1),
    };
    let outcome = runtime.block_on(weescale::cli::run(cli));
    // Blocking threads that wait for a dead peer do not hold the exit up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.code();
            fail(&Report::new(failure), code)
        }
    }
}

fn fail(report: &Report, code: u8) -> ExitCode {
    // Most errors say their cause themselves: what is said already is not said again.
    let mut text = report.to_string();
    for cause in report.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    // Paths and values of a configuration are in it as they were typed. Whoever read may be gone; the code tells it too.
    let _ = writeln!(std::io::stderr(), "weescale: {}", weescale::cli::inert(&text));
    ExitCode::from(code)
}
