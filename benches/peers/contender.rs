//! The programs that are compared, and how each is told to scrape the same targets.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use color_eyre::eyre::{Result, WrapErr};

use crate::Scenario;

/// Who scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    Weescale,
    Prometheus,
    VictoriaMetrics,
}

impl Contender {
    pub const ALL: [Self; 3] = [Self::Weescale, Self::Prometheus, Self::VictoriaMetrics];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Weescale => "weescale",
            Self::Prometheus => "prometheus",
            Self::VictoriaMetrics => "victoria-metrics",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Weescale => env!("CARGO_BIN_EXE_weescale"),
            Self::Prometheus => "prometheus",
            Self::VictoriaMetrics => "victoria-metrics",
        }
    }

    /// First line of what it says of its version, or nothing if it is not installed.
    pub fn version(self) -> Option<String> {
        let output = Command::new(self.program()).arg("--version").output().ok()?;
        let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
        let text = String::from_utf8_lossy(&text);
        // Debian's VictoriaMetrics does not tell.
        let line = text.lines().find(|line| !line.is_empty()).unwrap_or("version not told");
        Some(line.split(", branch").next().unwrap_or(line).to_owned())
    }

    /// Starts it on the scenario's targets; `folder` is empty and its own.
    pub fn start(self, scenario: &Scenario, port: u16, folder: &Path) -> Result<Child> {
        let mut command = Command::new(self.program());
        if scenario.asked && self == Self::Weescale {
            command = Command::new(std::env::current_exe()?);
            command.args(["asked", &port.to_string(), &scenario.targets.to_string()]);
            command.arg(scenario.interval_s.to_string());
            return command.stdin(Stdio::null()).spawn().wrap_err("cannot start the benchmark itself");
        }
        let shown = |name: &str| folder.join(name).display().to_string();
        match self {
            Self::Weescale => {
                let config = folder.join("config.toml");
                std::fs::write(&config, weescale_config(scenario, port))?;
                std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600))?;
                command.args(["serve", "--config", &shown("config.toml"), "--journal", &shown("journal.db")]);
                command.args(["--log", &shown("log.txt")]);
            }
            Self::Prometheus => {
                std::fs::write(folder.join("prometheus.yml"), scrape_config(scenario, port, true))?;
                command.arg(format!("--config.file={}", shown("prometheus.yml")));
                command.arg(format!("--storage.tsdb.path={}", shown("data")));
                command.arg(format!("--web.listen-address=127.0.0.1:{}", port + 1));
            }
            Self::VictoriaMetrics => {
                std::fs::write(folder.join("scrape.yml"), scrape_config(scenario, port, scenario.gzip))?;
                command.arg(format!("-promscrape.config={}", shown("scrape.yml")));
                command.arg(format!("-storageDataPath={}", shown("data")));
                command.arg(format!("-httpListenAddr=127.0.0.1:{}", port + 1));
            }
        }
        let log = std::fs::File::create(folder.join("output.txt"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().wrap_err_with(|| format!("cannot start {}", self.program()))
    }
}

fn weescale_config(scenario: &Scenario, port: u16) -> String {
    let mut text = String::new();
    // On one machine it would not ask for gzip by itself.
    let encoding = if scenario.gzip { "gzip" } else { "identity" };
    for index in 0..scenario.targets {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "[[scrape]]\nurl = \"http://127.0.0.1:{port}/t/{index}/metrics\"\ninterval = \"{}s\"\nencoding = \"{encoding}\"\njob = \"fleet\"\nlabels = {{ instance = \"t{index}\" }}",
            scenario.interval_s
        );
    }
    text
}

/// Prometheus's own scrape configuration, which `VictoriaMetrics` reads as well. A target that serves plain text only
/// is asked in the same way; for Prometheus there is no setting, it always accepts gzip.
fn scrape_config(scenario: &Scenario, port: u16, accepts_gzip: bool) -> String {
    let interval = scenario.interval_s;
    let plain = if accepts_gzip { "" } else { "  disable_compression: true\n" };
    let mut text = format!(
        "global:\n  scrape_interval: {interval}s\n  scrape_timeout: {interval}s\nscrape_configs:\n- job_name: fleet\n{plain}  static_configs:\n"
    );
    for index in 0..scenario.targets {
        let _ = writeln!(
            text,
            "  - targets: ['127.0.0.1:{port}']\n    labels: {{__metrics_path__: /t/{index}/metrics, instance: t{index}}}"
        );
    }
    text
}
