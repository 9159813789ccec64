//! Two people in two real terminals (tmux) on one engine: presence, following, pointing, the wheel, a note, and a change
//! that takes a second person's key.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says what it lacks; world and terminal are shared with other tests"
)]

mod terminal;
mod world;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use terminal::{Terminal, until};
use tokio::time::timeout;
use weescale::journal::{Kind, Record};
use weescale::session::{Link, attach};
use weescale::view::{Attached, Spot, View};
use world::{PATIENCE, World};

const SOON: Duration = Duration::from_secs(30);
/// Another user of every Linux machine.
const NOBODY: u32 = 65534;

/// Starts a program as [`NOBODY`], in their group alone.
fn as_nobody(program: &str) -> String {
    format!("setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups {program}")
}

/// Whether this test can be another user, and that user can run the program.
fn can_be_nobody() -> bool {
    let program = as_nobody(&format!("{} --version", env!("CARGO_BIN_EXE_weescale")));
    let words: Vec<&str> = program.split_whitespace().collect();
    let ran = Command::new(words[0]).args(&words[1..]).output();
    rustix::process::geteuid().is_root() && ran.is_ok_and(|o| o.status.success())
}

/// What the others are told of a screen of `uid`.
fn spot_of(view: &View, uid: u32) -> Option<Spot> {
    let screens: Vec<&Attached> = view.people.iter().filter(|p| p.uid == uid).collect();
    screens.first().map(|p| p.spot.clone())
}

/// Waits until what is told of both is the same and `holds`.
async fn both(watching: &mut Link, root: u64, nobody: u64, holds: impl Fn(&Spot) -> bool) -> Spot {
    let of = |v: &View, screen| v.people.iter().find(|p| p.screen == screen).map(|p| p.spot.clone());
    let same = |v: &View| {
        let (a, b) = (of(v, root), of(v, nobody));
        a.is_some_and(|a| {
            b.is_some_and(|b| {
                holds(&a)
                    && (&a.panel, &a.kind, &a.id, a.pan, a.zoom, a.zoomed)
                        == (&b.panel, &b.kind, &b.id, b.pan, b.zoom, b.zoomed)
            })
        })
    };
    let found = timeout(SOON, watching.view.wait_for(|v| same(v))).await;
    let found = found.ok().map(|view| of(&view.unwrap(), root).unwrap());
    assert!(found.is_some(), "not the same: {:#?}", watching.view.borrow().people);
    found.unwrap()
}

/// Opens the sheet of the selected proposal and confirms it, as a person would: it is read for a moment first.
fn approve(terminal: &Terminal, says: &str) -> bool {
    terminal.keys(&["6", "Home", "a"]);
    if !until(Duration::from_secs(5), || terminal.screen().contains("bound to")) {
        terminal.keys(&["Escape"]);
        return false;
    }
    std::thread::sleep(Duration::from_millis(500));
    terminal.keys(&["Tab", "Enter"]);
    let said = until(Duration::from_secs(8), || terminal.screen().contains(says));
    if !said {
        terminal.keys(&["Escape"]);
    }
    said
}

/// Turns the wheel; once more where the turn before was not on the disk yet.
fn turn(terminal: &Terminal, turned: impl Fn() -> bool) {
    terminal.keys(&["D"]);
    let done = until(SOON, || {
        if terminal.screen().contains("nothing was turned; try again") {
            terminal.keys(&["D"]);
        }
        turned()
    });
    assert!(done, "{}", terminal.screen());
}

/// Two people who are attached, and somebody who watches what is told of them.
struct Pair {
    one: Terminal,
    two: Terminal,
    watching: Link,
    /// The numbers of their screens.
    screens: (u64, u64),
    /// Where both may write.
    logs: tempfile::TempDir,
}

impl Pair {
    /// The first is root, the second nobody; `None` where that cannot be.
    async fn attached(world: &World) -> Option<Self> {
        let (one, two) = (Terminal::open(200, 50)?, Terminal::open(200, 50)?);
        let socket = world.socket();
        for folder in [world.folder.path(), socket.parent().unwrap()] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
        }
        let logs = tempfile::tempdir().unwrap();
        std::fs::set_permissions(logs.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let program = |name: &str| {
            let log: &Path = &logs.path().join(name);
            Terminal::program(&format!("attach --socket {} --log {}", socket.display(), log.display()))
        };
        one.line(&program("one"));
        one.sees(SOON, "1 here");
        two.line(&as_nobody(&program("two")));
        two.sees(SOON, "2 here");
        let mut watching = attach(&socket, false).await.unwrap();
        one.sees(SOON, "3 here");
        let screen = |v: &View, uid: u32| v.people.iter().find(|p| p.uid == uid).map(|p| p.screen);
        let there = |v: &View| screen(v, NOBODY).is_some();
        let view = timeout(SOON, watching.view.wait_for(|v| there(v))).await.unwrap().unwrap().clone();
        let screens = (screen(&view, 0).unwrap(), screen(&view, NOBODY).unwrap());
        Some(Self { one, two, watching, screens, logs })
    }

    /// Waits until somebody who watches is told so.
    async fn told(&mut self, holds: impl Fn(&View) -> bool) {
        let told = timeout(SOON, self.watching.view.wait_for(|v| holds(v))).await.is_ok();
        assert!(told, "{:#?}", self.watching.view.borrow().people);
    }

    /// Who is here, by the names that the kernel's user ids stand for, and what they look at.
    async fn present(&mut self) {
        self.two.keys(&["8"]);
        self.told(|v| spot_of(v, NOBODY).is_some_and(|s| s.panel == "8")).await;
        let one = &self.one;
        let seen = until(SOON, || {
            one.keys(&["P"]);
            one.screen().contains("nobody on pts/") && one.screen().contains("(panel 8")
        });
        assert!(seen, "{}", one.screen());
    }

    /// The second follows the first: panel, row, zoom and time, all of it and nothing else; a key of one's own ends it.
    async fn follow(&mut self) {
        let (me, other) = self.screens;
        self.two.keys(&["F"]);
        self.two.sees(SOON, "following root");
        self.one.keys(&["1", "j", "j"]);
        let rows = both(&mut self.watching, me, other, |s| s.panel == "1" && s.kind == "workload").await;
        self.one.keys(&["2", "z", "h", "h", "+"]);
        let time = both(&mut self.watching, me, other, |s| s.panel == "2" && s.pan != 0 && s.zoom != 0).await;
        assert!(time.zoomed.is_some() && rows.pan == 0, "{time:?} {rows:?}");
        self.one.keys(&["=", "6"]);
        both(&mut self.watching, me, other, |s| s.panel == "6" && s.kind == "proposal").await;
        self.two.keys(&["7"]);
        self.one.keys(&["8"]);
        let at = |v: &View, uid: u32, panel: &str| spot_of(v, uid).is_some_and(|s| s.panel == panel);
        self.told(|v| at(v, NOBODY, "7") && at(v, 0, "8")).await;
    }

    /// Pointing, and a note with the name of who wrote it.
    fn point_and_note(&self) {
        let (one, two) = (&self.one, &self.two);
        two.keys(&["1", "o"]);
        one.sees(SOON, "nobody on pts/");
        one.sees(SOON, "points at workload");
        two.keys(&["m", "Tab", "Tab"]);
        two.sees(SOON, "about");
        two.line("the database team knows");
        one.keys(&["8"]);
        one.sees(SOON, "the database team knows");
        one.sees(SOON, "nobody");
    }

    /// While one drives, the other's approval is refused with the name; asked, the driver hands the wheel over.
    fn drive(&self) {
        let (one, two) = (&self.one, &self.two);
        turn(one, || one.screen().contains("you drive"));
        two.sees(SOON, "root drives");
        two.keys(&["6"]);
        assert!(approve(two, "root drives: D asks"), "{}", two.screen());
        turn(two, || one.screen().contains("asks for the wheel"));
        turn(one, || two.screen().contains("you drive"));
        turn(two, || !two.screen().contains("you drive"));
    }

    /// One hands the shift over, the other takes it, each by the name that the kernel says.
    fn hand_over(&self, socket: &Path) {
        let (one, two) = (&self.one, &self.two);
        one.keys(&["H"]);
        two.sees(SOON, "root handed over: H takes over");
        assert!(!one.screen().contains("H takes over"), "{}", one.screen());
        let shell = |more: &[&str]| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_weescale"));
            program.args(["handover", "--format", "json", "--socket"]).arg(socket).args(more);
            program.env("HOME", self.logs.path()).output().unwrap()
        };
        let card: serde_json::Value = serde_json::from_slice(&shell(&[]).stdout).unwrap();
        let by = &card["shift"]["open"]["by"]["uid"];
        assert!(*by == 0 && card["card"]["at"].is_number(), "{card}");
        let own = shell(&["--ack", "root"]);
        let said = String::from_utf8_lossy(&own.stderr).into_owned();
        assert!(!own.status.success() && said.contains("nobody else has handed"), "from themselves: {said}");
        two.keys(&["H"]);
        assert!(until(SOON, || !two.screen().contains("H takes over")), "{}", two.screen());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_sees_follows_points_and_turns_two_keys() {
    if !can_be_nobody() {
        println!("SKIPPED: a second person needs root and setpriv");
        return;
    }
    // More than nothing an hour takes two people here; those of the group may attach.
    let mut world = World::start(Some(0.000_001), &["nogroup"]).await;
    world.proposal().await;
    let Some(mut pair) = Pair::attached(&world).await else { return };
    pair.present().await;
    pair.follow().await;
    pair.point_and_note();
    pair.drive();
    pair.hand_over(&world.socket());
    two_keys(&pair.one, &pair.two, &world);
    for terminal in [&pair.one, &pair.two] {
        terminal.keys(&["C-c"]);
        terminal.sees_prompt(SOON);
    }
    drop(pair);
    recorded(world).await;
}

/// Who did what, in the journal.
async fn recorded(world: World) {
    let (journal, _folder) = world.journal().await;
    let of = |kind| journal.of_kinds(&[kind]).unwrap();
    let uid = |r: &Record| r.body["caller"]["uid"].as_u64().unwrap();
    let who = |all: &[&Record]| all.iter().map(|r| (r.user.clone(), uid(r))).collect::<Vec<_>>();
    let (approvals, keys) = (of(Kind::Approve), of(Kind::Key));
    let [approved] = approvals.as_slice() else { unreachable!("one approval: {approvals:?}") };
    assert_eq!(who(&[approved]), [("nobody".to_owned(), u64::from(NOBODY))]);
    let first: Vec<&Record> =
        keys.iter().filter(|r| r.body["proposal"] == approved.body["proposal"]["id"]).collect();
    assert_eq!(who(&first), [("root".to_owned(), 0)]);
    let tty = |r: &Record| r.body["caller"]["tty"].as_str().unwrap().to_owned();
    assert!(tty(approved).starts_with("pts/") && tty(approved) != tty(first[0]));
    let shifts = of(Kind::Handover);
    let taken = |i: usize| (shifts[i].user.as_str(), shifts[i].body["acknowledged_by"].as_str());
    let (gave, took) = (taken(0), taken(1));
    assert_eq!((shifts.len(), gave, took), (2, ("root", None), ("nobody", Some("nobody"))), "{shifts:?}");
    let notes = of(Kind::Note);
    let theirs = |n: &Record| n.user == "nobody" && n.text.contains("the database team knows");
    assert!(notes.iter().any(theirs), "{notes:?}");
}

/// The first person's key opens nothing, twice; the second person's begins it, on both screens.
fn two_keys(one: &Terminal, two: &Terminal, world: &World) {
    let begun = |v: &View| !v.operations.data.is_empty();
    // A proposal may be superseded while its sheet is read: then the next one is.
    let first = until(PATIENCE, || approve(one, "another person must approve it too"));
    assert!(first, "{}", one.screen());
    assert!(!begun(&world.view()), "one key opens nothing");
    let twice = until(PATIENCE, || approve(one, "the second key must be another person's"));
    assert!(twice, "{}", one.screen());
    assert!(!begun(&world.view()), "nor does it twice");
    // The other sees whose key was turned, on the sheet, before they turn theirs.
    let seen = until(PATIENCE, || {
        two.keys(&["6", "Home", "a"]);
        let seen = until(Duration::from_secs(4), || two.screen().contains("1 of 2: root"));
        two.keys(&["Escape"]);
        seen
    });
    assert!(seen, "{}", two.screen());
    let second = until(PATIENCE, || {
        if !begun(&world.view()) {
            approve(two, "op-1");
        }
        until(Duration::from_secs(3), || begun(&world.view()))
    });
    assert!(second, "{}", two.screen());
    for terminal in [one, two] {
        terminal.keys(&["7"]);
        terminal.sees(SOON, "op-1");
    }
}
