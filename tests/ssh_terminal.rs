//! A screen over a real sshd on loopback: `ssh -t host weescale attach`, and through a forwarded socket.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; the terminal is shared with other tests"
)]

mod terminal;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use terminal::fleet::Fleet;
use terminal::{Terminal, until};

const SOON: Duration = Duration::from_secs(30);

/// An sshd of the test's own: its host key, its port, one key that may log in as whoever runs the test.
struct Sshd {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

fn at(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

fn text(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Sshd {
    /// Starts it; `None`, and a word on standard output, where there is none.
    fn start() -> Option<Self> {
        let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/lib/ssh/sshd"];
        let Some(program) = places.into_iter().find(|p| Path::new(p).exists()) else {
            println!("SKIPPED: sshd is not installed (Debian: openssh-server)");
            return None;
        };
        if Command::new("ssh").arg("-V").stderr(Stdio::null()).status().is_err() {
            println!("SKIPPED: ssh is not installed (Debian: openssh-client)");
            return None;
        }
        // Where root runs it, it gives up its rights in this folder, which a service would have made.
        if text(Command::new("id").arg("-u")).as_deref() == Some("0") {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "login"] {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at(folder.path(), name));
            assert!(make.status().unwrap().success(), "no key");
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        std::fs::copy(at(folder.path(), "login.pub"), at(folder.path(), "authorized")).unwrap();
        let host = std::fs::read_to_string(at(folder.path(), "host.pub")).unwrap();
        std::fs::write(at(folder.path(), "known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {keys}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             AllowStreamLocalForwarding yes\nPrintMotd no\nPrintLastLog no\n",
            host = at(folder.path(), "host").display(),
            keys = at(folder.path(), "authorized").display(),
        );
        std::fs::write(at(folder.path(), "config"), config).unwrap();
        let log = std::fs::File::create(at(folder.path(), "log")).unwrap();
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(at(folder.path(), "config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let sshd = Self { folder, child, port };
        let open = until(SOON, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        assert!(open, "sshd does not listen:\n{}", sshd.log());
        // An account may be locked, or have no shell: that is no fault of ours.
        if !Command::new("sh").arg("-c").arg(sshd.ssh("", "true")).status().unwrap().success() {
            println!("SKIPPED: whoever runs the tests cannot log in through sshd: {}", sshd.log());
            return None;
        }
        Some(sshd)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(at(self.folder.path(), "log")).unwrap_or_default()
    }

    /// The command line of a client with these options, for this command at the other end.
    fn ssh(&self, options: &str, command: &str) -> String {
        let (login, known) = (at(self.folder.path(), "login"), at(self.folder.path(), "known"));
        let user = text(Command::new("id").arg("-un")).unwrap();
        format!(
            "ssh -F /dev/null -q -p {} -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes \
             -o UserKnownHostsFile={} {options} {user}@127.0.0.1 {command}",
            self.port,
            login.display(),
            known.display()
        )
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_screen_over_ssh_is_a_screen_and_its_end_is_noticed() {
    let (Some(sshd), Some(far), Some(near)) =
        (Sshd::start(), Terminal::open(160, 40), Terminal::open(160, 40))
    else {
        return;
    };
    let fleet = Fleet::start(&[]);
    // What sshd does not pass on a person would have in their profile.
    let attach = format!("'env LC_ALL=C.UTF-8 {}'", fleet.program("attach"));
    far.line(&sshd.ssh("-t", &attach));
    far.sees(SOON, "1 here");
    assert!(far.is_alternate());
    near.line(&fleet.program("attach"));
    near.sees(SOON, "2 here");
    // Keys go there, pictures come back, and so does the size of the window.
    far.keys(&["8"]);
    far.sees(SOON, "┌ Journal");
    far.resize(100, 30);
    far.keys(&["7"]);
    far.sees(SOON, "┌ Operations");
    let widest = until(SOON, || far.screen().lines().map(|l| l.chars().count()).max().unwrap_or(0) <= 100);
    assert!(widest, "{}", far.screen());
    // Both see the same: who is at the other end is known by name, whatever the line between.
    near.keys(&["F"]);
    near.sees(SOON, "following ");
    far.keys(&["8"]);
    near.sees(SOON, "┌ Journal");
    far.keys(&["C-c"]);
    far.sees_prompt(SOON);
    assert!(!far.is_alternate() && far.has_cursor());
    near.sees(SOON, "1 here");
    // A line that is cut: the client is killed, and the screen at the other end ends with it.
    far.line(&sshd.ssh("-tt", &attach));
    near.sees(SOON, "2 here");
    far.signal("KILL");
    near.sees(SOON, "1 here");
    near.keys(&["C-c"]);
    near.sees_prompt(SOON);
}

#[test]
fn a_socket_that_ssh_forwards_is_as_good_as_the_engines_own() {
    let (Some(sshd), Some(tunnel), Some(screen)) =
        (Sshd::start(), Terminal::open(100, 30), Terminal::open(160, 40))
    else {
        return;
    };
    let fleet = Fleet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let near = folder.path().join("near.sock");
    let forward = format!("-N -L {}:{}", near.display(), fleet.socket().display());
    tunnel.line(&sshd.ssh(&forward, ""));
    assert!(until(SOON, || near.exists()), "nothing is forwarded:\n{}\n{}", tunnel.screen(), sshd.log());
    screen.line(&Terminal::program(&format!("attach --socket {}", near.display())));
    screen.sees(SOON, "1 here");
    screen.keys(&["9"]);
    screen.sees(SOON, "┌ Sources");
    // The same for tools.
    let output = Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["leases", "--socket"])
        .arg(&near)
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The tunnel breaks: the picture stays, and says that it is not live.
    tunnel.keys(&["C-c"]);
    tunnel.sees_prompt(SOON);
    screen.sees(SOON, "NOT LIVE");
    screen.keys(&["C-c"]);
    screen.sees_prompt(SOON);
}
