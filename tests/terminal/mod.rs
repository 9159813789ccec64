//! A terminal of its own with a shell in it: a tmux server on a private socket, ended on drop.

pub mod fleet;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// What the shell shows when it waits.
const PROMPT: &str = "ready>";

/// Looks until `condition` holds; whether it did in time.
pub fn until(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let clock = weescale::clock::Clock::real();
    let begin = clock.monotonic();
    loop {
        if condition() {
            return true;
        }
        if clock.monotonic().since(begin) > patience {
            return false;
        }
        sleep(LOOK);
    }
}

/// The terminal.
pub struct Terminal {
    folder: TempDir,
}

impl Terminal {
    /// A shell in a terminal of this size; `None`, and a word on standard output, without tmux.
    pub fn open(width: u16, height: u16) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("SKIPPED: tmux is not installed");
            return None;
        }
        let terminal = Self { folder: tempfile::tempdir().unwrap() };
        let (w, h) = (width.to_string(), height.to_string());
        let shell = format!(
            "env HOME={} PS1='{PROMPT} ' bash --norc --noprofile -i",
            terminal.folder.path().display()
        );
        let start = ["-f", "/dev/null", "new-session", "-d", "-x", &w, "-y", &h, &shell];
        let output = terminal.command().args(start).current_dir(terminal.folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        terminal.tmux(&["set-option", "-g", "window-size", "manual"]);
        // A hang-up must come from the closed terminal, not be kept off by tmux.
        terminal.tmux(&["set-option", "-g", "remain-on-exit", "off"]);
        terminal.sees_prompt(Duration::from_secs(20));
        Some(terminal)
    }

    /// The command line of the program with these arguments.
    pub fn program(args: &str) -> String {
        format!("{} {args}", env!("CARGO_BIN_EXE_weescale"))
    }

    /// Types a line into the shell.
    pub fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Presses keys, as tmux names them.
    pub fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
        sleep(LOOK * 2);
    }

    /// Sends bytes as the terminal itself would, in pieces of so many.
    pub fn bytes(&self, bytes: &[u8], piece: usize) {
        for piece in bytes.chunks(piece) {
            let hex: Vec<String> = piece.iter().map(|byte| format!("{byte:02x}")).collect();
            let hex: Vec<&str> = hex.iter().map(String::as_str).collect();
            self.tmux(&[&["send-keys", "-H"], hex.as_slice()].concat());
        }
    }

    /// Presses one key and does not wait for anything.
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Pastes text, bracketed if the program asked for that.
    pub fn paste(&self, text: &str) {
        self.tmux(&["set-buffer", "-b", "clip", text]);
        self.tmux(&["paste-buffer", "-p", "-r", "-b", "clip"]);
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows `text`.
    pub fn sees(&self, patience: Duration, text: &str) {
        let seen = until(patience, || format!("\n{}", self.screen()).contains(text));
        assert!(seen, "{text:?} is not on the screen:\n{}", self.screen());
    }

    /// Waits until the shell waits.
    pub fn sees_prompt(&self, patience: Duration) {
        let seen = until(patience, || self.screen().trim_end().ends_with(PROMPT));
        assert!(seen, "no prompt:\n{}", self.screen());
    }

    /// Whether the alternate screen is on.
    pub fn is_alternate(&self) -> bool {
        self.format("#{alternate_on}") == "1"
    }

    /// Whether the cursor is visible.
    pub fn has_cursor(&self) -> bool {
        self.format("#{cursor_flag}") == "1"
    }

    /// Changes the size.
    pub fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// The process in the foreground that is not the shell.
    pub fn process(&self) -> Option<u32> {
        let shell = self.format("#{pane_pid}");
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// The terminal's own process, which reads what is written to it.
    pub fn server(&self) -> u32 {
        self.format("#{pid}").parse().unwrap()
    }

    /// Sends the program a signal.
    pub fn signal(&self, name: &str) {
        let process = self.process().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }

    /// Appends all that is painted from now on to a file.
    pub fn copy_to(&self, file: &std::path::Path) {
        self.tmux(&["pipe-pane", "-o", &format!("cat >> {}", file.display())]);
    }

    /// The command line of a client that shows this terminal in another one.
    pub fn client(&self) -> String {
        self.tmux(&["set-option", "-g", "status", "off"]);
        format!("env -u TMUX TERM=xterm-256color tmux -u -S {} attach", self.socket().display())
    }

    /// Takes the terminal away.
    pub fn close(&self) {
        let _ = self.command().arg("kill-server").output();
    }

    fn format(&self, format: &str) -> String {
        self.tmux(&["display-message", "-p", format]).trim().to_owned()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("tmux")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(self.socket()).env_remove("TMUX").env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8").env("SHELL", "/bin/bash");
        command
    }

    fn tmux(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command().args(args).output().unwrap();
        assert!(status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.close();
    }
}
