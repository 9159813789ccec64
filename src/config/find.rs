//! Where files are.

use std::path::PathBuf;

use directories::ProjectDirs;

fn dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("io", "weescale", "weescale")
}

/// `$XDG_CONFIG_HOME/weescale/config.toml`, or the system's own place for it.
pub fn default_path() -> Option<PathBuf> {
    dirs().map(|d| d.config_dir().join("config.toml"))
}

/// `$XDG_STATE_HOME/weescale/NAME.db`, or the system's own place for it. `name` is the context's.
pub fn default_journal(name: &str) -> Option<PathBuf> {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    dirs().map(|d| d.state_dir().unwrap_or_else(|| d.data_local_dir()).join(format!("{safe}.db")))
}

/// `$XDG_STATE_HOME/weescale/weescale.log`.
pub fn log_path() -> Option<PathBuf> {
    dirs().map(|d| d.state_dir().unwrap_or_else(|| d.data_local_dir()).join("weescale.log"))
}

/// `$XDG_RUNTIME_DIR/weescale/engine.sock`, or a folder of the user's own in the folder for temporary files.
pub fn default_socket() -> Option<PathBuf> {
    let runtime = dirs().and_then(|d| d.runtime_dir().map(PathBuf::from));
    let own = || {
        let uid = rustix::process::geteuid().as_raw();
        std::env::temp_dir().join(format!("weescale-{uid}"))
    };
    Some(runtime.unwrap_or_else(own).join("engine.sock"))
}
