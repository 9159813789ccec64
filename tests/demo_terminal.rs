//! The demo in a real terminal (tmux): started, decided in, left, and disturbed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; the terminal is shared with other tests"
)]

mod terminal;

use std::time::Duration;

use terminal::{Terminal, until};

/// What a slow machine may take for anything that has no promised time.
const PATIENCE: Duration = Duration::from_secs(180);
const SOON: Duration = Duration::from_secs(20);

/// Opens the demo and waits for its first picture.
fn demo(width: u16, height: u16, args: &str) -> Option<Terminal> {
    let terminal = Terminal::open(width, height)?;
    terminal.line(&Terminal::program(&format!("demo {args}")));
    terminal.sees(SOON, "SIMULATED");
    Some(terminal)
}

/// The number before `word` in the header.
fn count(screen: &str, word: &str) -> Option<u32> {
    let (before, _) = screen.split_once(word)?;
    before.split_whitespace().next_back()?.parse().ok()
}

/// Opens the sheet of the selected live proposal. The queue may change while keys travel, so it is tried again.
fn open_sheet(terminal: &Terminal, key: &str, title: &str) {
    let opened = until(PATIENCE, || {
        terminal.keys(&["Escape"]);
        terminal.keys(&["6"]);
        terminal.keys(&["g"]);
        terminal.keys(&[key]);
        until(Duration::from_secs(1), || terminal.screen().contains(title))
    });
    assert!(opened, "no sheet {title}:\n{}", terminal.screen());
}

#[test]
fn a_proposal_is_approved_watched_and_kept_another_rejected_and_the_terminal_is_as_it_was() {
    let Some(terminal) = Terminal::open(200, 50) else { return };
    terminal.line("stty -g > before; printf '\\033[?25h'");
    terminal.line(&Terminal::program("demo --speed 20 --seed 1 --journal journal.db"));
    // From the process's first moment to its first picture; the promise of 2 s is for the release build.
    terminal.sees(Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 }), "SIMULATED");
    let screen = terminal.screen();
    assert!(!screen.contains("cannot") && !screen.contains("panicked"), "{screen}");
    assert!(terminal.is_alternate());

    terminal.keys(&["6"]);
    let promised = if cfg!(debug_assertions) { PATIENCE } else { Duration::from_secs(60) };
    let waits = until(promised, || count(&terminal.screen(), "waiting").is_some_and(|n| n > 0));
    assert!(waits, "no proposal in time:\n{}", terminal.screen());

    // What a paste holds is text, never a decision.
    terminal.paste("a\r\ty\r");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(count(&terminal.screen(), "in flight"), Some(0), "{}", terminal.screen());

    // Cancel has the focus: Enter alone approves nothing.
    open_sheet(&terminal, "a", "┌ Approve ");
    let left = until(SOON, || {
        terminal.keys(&["Enter"]);
        !terminal.screen().contains("┌ Approve ")
    });
    assert!(left, "{}", terminal.screen());
    assert_eq!(count(&terminal.screen(), "in flight"), Some(0), "{}", terminal.screen());

    let approved = until(PATIENCE, || {
        open_sheet(&terminal, "a", "┌ Approve ");
        std::thread::sleep(Duration::from_millis(400));
        terminal.keys(&["Tab"]);
        terminal.keys(&["Enter"]);
        terminal.keys(&["7"]);
        until(Duration::from_secs(4), || terminal.screen().contains("op-1"))
    });
    assert!(approved, "{}", terminal.screen());
    for stage in ["provision", "warm up", "shift", "validate", "keep"] {
        terminal.sees(SOON, stage);
    }
    terminal.sees(SOON, "gates of");
    let over = until(PATIENCE, || {
        let screen = terminal.screen();
        screen.contains("● kept") || screen.contains("rolled back") || screen.contains("halted")
    });
    assert!(over && terminal.screen().contains("● kept"), "not kept:\n{}", terminal.screen());

    terminal.keys(&["8"]);
    terminal.sees(SOON, "op-1");
    for word in ["approve", "intent", "kept"] {
        terminal.sees(SOON, word);
    }

    let rejected = until(PATIENCE, || {
        open_sheet(&terminal, "r", "┌ Reject: why?");
        std::thread::sleep(Duration::from_millis(400));
        terminal.keys(&["t"]);
        terminal.keys(&["8"]);
        until(Duration::from_secs(4), || terminal.screen().contains("bad time"))
    });
    assert!(rejected, "{}", terminal.screen());

    terminal.keys(&["1"]);
    terminal.keys(&["q"]);
    terminal.sees_prompt(Duration::from_secs(30));
    assert!(!terminal.is_alternate() && terminal.has_cursor());
    terminal.line("stty -g > after; cmp before after && echo unchanged-tty");
    terminal.sees(SOON, "\nunchanged-tty");
    terminal.line(&Terminal::program("journal verify --journal journal.db && echo journal-is-whole"));
    terminal.sees(SOON, "\njournal-is-whole");
}

/// What terminals say without being asked, or too late: cursor and device reports, focus, modes, colours, sizes, kitty's
/// flags, names and versions.
const SAID: [&str; 12] = [
    "\x1b[7;15R",
    "\x1b[?62;22c",
    "\x1b[>0;276;0c",
    "\x1b[I",
    "\x1b[O",
    "\x1b[?2026;2$y",
    "\x1b[?997;1n",
    "\x1b[8;50;200t",
    "\x1b[?1u",
    "\x1b]11;rgb:1a1a/2b2b/3c3c\x1b\\",
    "\x1bP>|tmux 3.4a\x1b\\",
    "\x1b_Gi=31;OK\x1b\\",
];

#[test]
fn what_a_terminal_says_is_no_key_and_a_click_nobody_asked_for_no_approval() {
    let Some(terminal) = demo(200, 50, "--speed 20 --seed 1") else { return };
    let waits = until(PATIENCE, || count(&terminal.screen(), "waiting").is_some_and(|n| n > 0));
    assert!(waits, "no proposal in time:\n{}", terminal.screen());
    for said in SAID {
        terminal.keys(&["1"]);
        assert!(until(SOON, || !terminal.screen().contains("┌ Proposals ")), "{}", terminal.screen());
        terminal.bytes(said.as_bytes(), 64);
        // The next key is the next key.
        terminal.keys(&["6"]);
        let went = until(SOON, || terminal.screen().contains("┌ Proposals "));
        assert!(went, "after {said:?}:\n{}", terminal.screen());
    }
    open_sheet(&terminal, "a", "┌ Approve ");
    // A thousand of them, a dozen at once: what is torn by a pause is another matter, and tested where there is no clock.
    for _ in 0..84 {
        terminal.bytes(SAID.concat().as_bytes(), 4096);
    }
    // A press and a release of the button at every third cell of the sheet, in both encodings.
    for row in (2..50_u8).step_by(3) {
        let mut clicks = Vec::new();
        for column in (2..200_u8).step_by(6) {
            clicks.extend(format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m").into_bytes());
            clicks.extend([0x1b, b'[', b'M', 32, 32 + column.min(94), 32 + row]);
        }
        terminal.bytes(&clicks, 4096);
    }
    std::thread::sleep(Duration::from_secs(1));
    let screen = terminal.screen();
    assert!(screen.contains("┌ Approve "), "the sheet is as it was:\n{screen}");
    assert_eq!(count(&screen, "in flight"), Some(0), "{screen}");
    terminal.keys(&["Escape"]);
    assert!(until(SOON, || !terminal.screen().contains("┌ Approve ")), "{}", terminal.screen());
    terminal.keys(&["1"]);
    terminal.keys(&["q"]);
    terminal.sees_prompt(Duration::from_secs(30));
}

#[test]
fn the_small_terminal_is_complete_and_any_size_is_survived() {
    let Some(terminal) = demo(80, 24, "--seed 1") else { return };
    for (key, word) in
        [("6", "roposal"), ("7", "peration"), ("8", "ournal"), ("9", "ources"), ("1", "ervices")]
    {
        terminal.keys(&[key]);
        terminal.sees(SOON, word);
    }
    for (width, height) in [(1, 1), (2, 30), (200, 2), (300, 100), (80, 24)] {
        terminal.resize(width, height);
        std::thread::sleep(Duration::from_millis(300));
        assert!(terminal.is_alternate(), "{width}x{height}");
    }
    terminal.sees(SOON, "SIMULATED");
    terminal.keys(&["q"]);
    terminal.sees_prompt(Duration::from_secs(30));
    assert!(!terminal.is_alternate() && terminal.has_cursor());
}

#[test]
fn suspended_it_gives_the_terminal_back_and_goes_on_when_called() {
    let Some(terminal) = demo(100, 30, "--seed 1") else { return };
    terminal.keys(&["C-z"]);
    terminal.sees(SOON, "Stopped");
    assert!(!terminal.is_alternate(), "alternate screen");
    assert!(terminal.has_cursor(), "hidden cursor");
    terminal.line("fg");
    terminal.sees(SOON, "SIMULATED");
    assert!(terminal.is_alternate());
    terminal.keys(&["9"]);
    terminal.sees(SOON, "┌ Sources");
    terminal.keys(&["C-c"]);
    terminal.sees_prompt(Duration::from_secs(30));
    assert!(!terminal.is_alternate());
}

#[test]
fn signals_end_it_with_the_terminal_restored() {
    for signal in ["TERM", "HUP"] {
        let Some(terminal) = demo(100, 30, "--seed 1") else { return };
        terminal.signal(signal);
        terminal.sees_prompt(Duration::from_secs(30));
        assert!(!terminal.is_alternate() && terminal.has_cursor(), "{signal}");
        assert!(!terminal.screen().contains("panicked"), "{}", terminal.screen());
    }
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let Some(terminal) = demo(100, 30, "--seed 1") else { return };
    let process = terminal.process().unwrap();
    terminal.close();
    let gone = until(Duration::from_secs(30), || !std::path::Path::new(&format!("/proc/{process}")).exists());
    assert!(gone, "{process} lives without its terminal");
}
