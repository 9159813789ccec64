//! Keys of a person at a real terminal (tmux): a proposal muted and heard again, one rejected with its reason, and in a
//! replay of the same journal another value asked about.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says what it lacks; world and terminal are shared with other tests"
)]

mod terminal;
mod world;

use std::time::Duration;

use terminal::{Terminal, until};
use weescale::journal::Kind;
use weescale::view::ProposalState;
use world::World;

const SOON: Duration = Duration::from_secs(30);
/// Sheets leave out what was typed before they were there.
const READ: Duration = Duration::from_millis(700);

/// Opens a prompt by its key until it is there: a proposal may close between two looks.
fn opens(terminal: &Terminal, key: &str, says: &str) {
    let open = until(SOON, || {
        terminal.keys(&["6", "Home", key]);
        until(Duration::from_secs(4), || terminal.screen().contains(says))
    });
    assert!(open, "{key} opened nothing that says {says:?}:\n{}", terminal.screen());
    std::thread::sleep(READ);
}

fn mute_and_hear_again(terminal: &Terminal, world: &World) {
    opens(terminal, "M", "because:");
    // The next span, and what was typed wrong is taken back.
    terminal.keys(&["Tab", "d", "x", "BSpace"]);
    terminal.line("eploy");
    let muted = || world.view().mutes.first().map(|m| (m.reason.clone(), m.muted.clone()));
    assert!(until(SOON, || muted().is_some()), "nothing is muted:\n{}", terminal.screen());
    let (reason, what) = muted().unwrap();
    assert_eq!(reason, "deploy");
    let until_then = world.view().mutes.first().map(|m| m.until.since(m.at)).unwrap();
    assert!(until_then > Duration::from_secs(4 * 3600), "{until_then:?}: not the span that was turned to");
    terminal.sees(SOON, " muted");
    // What users are short of now breaks through a mute, and is heard again by its key all the same.
    let heard = until(SOON * 2, || {
        let place = world.view().proposals.data.iter().position(|p| p.routed.muted.is_some());
        let Some(place) = place else { return world.view().mutes.is_empty() };
        terminal.keys(&["6", "Home"]);
        (0..place).for_each(|_| terminal.keys(&["Down"]));
        terminal.keys(&["M"]);
        let gone = until(Duration::from_secs(3), || world.view().mutes.is_empty());
        if !gone {
            terminal.keys(&["Escape"]);
            std::thread::sleep(READ);
        }
        gone
    });
    assert!(heard, "{what:?} stays muted:\n{}", terminal.screen());
    // Without a reason nothing is muted.
    opens(terminal, "M", "because:");
    terminal.keys(&["Enter"]);
    terminal.sees(SOON, "say why");
    terminal.keys(&["Escape"]);
    std::thread::sleep(READ);
    assert!(world.view().mutes.is_empty());
}

fn reject_as_a_bad_time(terminal: &Terminal, world: &World) {
    let rejected = || {
        let view = world.view();
        let of =
            |p: &&weescale::view::ProposalView| matches!(p.proposal.state, ProposalState::Rejected { .. });
        view.proposals.data.iter().filter(of).count()
    };
    opens(terminal, "r", "Reject: why?");
    // A key that is none of the reasons leaves the sheet open.
    terminal.keys(&["x"]);
    assert!(terminal.screen().contains("Reject: why?") && rejected() == 0);
    terminal.keys(&["t"]);
    assert!(until(SOON, || rejected() == 1), "not rejected:\n{}", terminal.screen());
}

fn ask_of_another_value(terminal: &Terminal, journal: &std::path::Path) {
    terminal.line(&Terminal::program(&format!("replay --journal {}", journal.display())));
    terminal.sees(SOON, "paused");
    terminal.keys(&["t"]);
    terminal.line("bad time");
    std::thread::sleep(READ);
    opens(terminal, "e", "enter tells what it would have brought");
    terminal.keys(&["BSpace", "BSpace", "BSpace", "BSpace", "4"]);
    terminal.line("0");
    let told = || terminal.screen().lines().any(|l| l.contains("with 40 instead of"));
    assert!(until(SOON, told), "nothing is told of another value:\n{}", terminal.screen());
    terminal.sees(SOON, "min short of capacity");
    println!("{}", terminal.screen().lines().filter(|l| l.contains("40 instead")).collect::<String>());
    // It decides nothing.
    opens(terminal, "r", "nothing executes");
    terminal.keys(&["C-c"]);
    terminal.sees_prompt(SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn muting_rejecting_and_asking_of_another_value_by_key() {
    let Some(terminal) = Terminal::open(190, 48) else { return };
    let mut world = World::at_speed(20.0, None, &[]).await;
    world.proposal().await;
    terminal.line(&Terminal::program(&format!("attach --socket {}", world.socket().display())));
    terminal.sees(SOON, "1 here");
    mute_and_hear_again(&terminal, &world);
    reject_as_a_bad_time(&terminal, &world);
    // Five minutes of the fleet's time, to be told of in the replay.
    let until_then = world.clock.now() + Duration::from_secs(300);
    assert!(until(SOON * 2, || world.view().at > until_then), "the fleet stands still");
    terminal.keys(&["C-c"]);
    terminal.sees_prompt(SOON);
    let (journal, folder) = world.journal().await;
    let records = |kind| journal.of_kinds(&[kind]).unwrap();
    let mutes = records(Kind::Mute);
    assert_eq!(mutes.len(), 2, "muted, and heard again");
    assert_eq!(mutes.iter().filter(|r| r.body.get("unmute").is_some()).count(), 1);
    let rejects = records(Kind::Reject);
    let reason = rejects.first().and_then(|r| r.body.pointer("/proposal/state/reason")).expect("a reason");
    assert_eq!((rejects.len(), reason.as_str()), (1, Some("bad_time")));
    drop(journal);
    ask_of_another_value(&terminal, &folder.path().join("journal.db"));
}
