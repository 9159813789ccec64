//! `weescale config init|show|check`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::config::{self, TEMPLATE};

use super::args::{Config, ConfigAction, Live};
use super::exit::{Failure, Outcome};
use super::{live, look, out};

/// Does what was asked.
pub fn run(live: &Live, args: &Config) -> Outcome {
    match &args.action {
        ConfigAction::Init { file } => init(file.as_deref().or(live.config.as_deref())),
        ConfigAction::Show => out::print(&config::show(&live::settings(live)?)),
        ConfigAction::Check { file } => {
            let mut given = live::given(live);
            given.config = file.clone().or(given.config);
            let settings = config::load(&given)?;
            crate::engine::catalogue(settings.recipes.as_deref())?;
            let problems = look::problems(&settings);
            if !problems.is_empty() {
                return Err(config::refused(&given, problems).into());
            }
            out::print("the configuration is good\n")
        }
    }
}

fn init(file: Option<&Path>) -> Outcome {
    if file == Some(Path::new("-")) {
        return out::print(TEMPLATE);
    }
    let path = file
        .map(Path::to_owned)
        .or_else(config::default_path)
        .ok_or_else(|| Failure::Usage("there is no home folder: say where to write".into()))?;
    let failed = |error: std::io::Error| Failure::Other(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut out =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Failure::Other(format!("{} exists; move it away first", path.display()))
            } else {
                failed(error)
            }
        })?;
    out.write_all(TEMPLATE.as_bytes()).map_err(failed)?;
    out::print(&format!("wrote {}\n", path.display()))
}
