//! Keys and pastes out of the bytes that a terminal sends.
//!
//! Bytes go through the state machine of DEC's terminals (`anstyle-parse`), so that whatever a terminal says without being
//! asked, or too late (reports of cursor, device, modes, colours, clicks), is taken in whole and is no key. What crossterm
//! does not know of that it takes for typing, or waits for an end of that never comes, while keys are lost.

use std::time::Duration;

use anstyle_parse::{Params, Parser, Perform};
use crossterm::event::KeyCode;

use super::codes::{arrow, numbered, spelled};
use super::key::Key;

/// Time after an ESC after which it is the key: what begins with one is sent at once.
const ESCAPE: Duration = Duration::from_millis(25);
/// Time after which what has begun and not ended has ended.
const GAP: Duration = Duration::from_millis(100);
/// The same of a paste, which may come over a slow line.
const PASTE_GAP: Duration = Duration::from_secs(1);
/// Time after which the rest of a paste that was given out in part is not waited for any more: until then it is no typing.
const REST_GAP: Duration = Duration::from_secs(10);
/// Bytes of a paste that are kept: more than any field takes.
const PASTE_BYTES: usize = 64 << 10;
/// Bytes of a report, after which all is dropped until there is a pause.
const REPORT_BYTES: usize = 4096;
const PASTE_END: &[u8] = b"\x1b[201~";
/// Control, as sequences number modifiers.
const CTRL: u16 = 5;
/// Bytes of a click in the first encoding, after its beginning.
const CLICK: usize = 3;

/// What was sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sent {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
}

/// Turns bytes into what was sent, however they are cut.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    machine: Parser,
    keys: Keys,
    /// ESC was the last byte, and nothing had begun before it.
    escape: bool,
    /// Bytes since something was understood.
    unfinished: usize,
    /// Bytes that the character which has begun still lacks.
    lacking: usize,
    /// What came was too long for a report.
    flooded: bool,
}

/// What the machine calls.
#[derive(Debug, Default)]
struct Keys {
    sent: Vec<Sent>,
    /// Whether the last byte ended something.
    understood: bool,
    /// Whether something has begun before it: control characters are no keys there.
    inside: bool,
    /// The next character is a key of the keypad, or of Linux's console.
    next: Next,
    alt: bool,
    /// Bytes that are no characters: where a click was.
    skip: usize,
    paste: Option<Vec<u8>>,
    /// The paste was given out before its end came.
    rest: bool,
}

/// What the next character means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Next {
    #[default]
    Typed,
    Keypad,
    Console,
}

impl Decoder {
    /// Takes bytes in; what was sent until now, in order.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Sent> {
        for byte in bytes {
            self.byte(*byte);
        }
        std::mem::take(&mut self.keys.sent)
    }

    /// How long to wait for more before [`Self::give_up`]; `None` if nothing has begun.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.keys.paste.is_some() {
            Some(if self.keys.rest { REST_GAP } else { PASTE_GAP })
        } else if self.escape {
            Some(ESCAPE)
        } else {
            (self.unfinished > 0 || self.keys.skip > 0 || self.flooded).then_some(GAP)
        }
    }

    /// Nothing more came in time: a lone ESC is the key, a paste has ended, and anything else is dropped.
    pub(super) fn give_up(&mut self) -> Vec<Sent> {
        let escape = self.escape;
        let mut keys = std::mem::take(&mut self.keys);
        *self = Self::default();
        if let Some(text) = keys.paste.take() {
            if !keys.rest {
                keys.pasted(&text);
                // Its end may be all that came.
                let tail =
                    text.get(text.len().saturating_sub(PASTE_END.len())..).unwrap_or_default().to_vec();
                (self.keys.paste, self.keys.rest) = (Some(tail), true);
            }
        } else if escape {
            keys.key(KeyCode::Esc, 1);
        }
        keys.sent
    }

    fn byte(&mut self, byte: u8) {
        if self.flooded {
            return;
        }
        if self.keys.skip > 0 {
            self.keys.skip -= 1;
            return;
        }
        if self.keys.paste.is_some() {
            return self.keys.paste_byte(byte);
        }
        if self.escape && self.after_escape(byte) {
            return;
        }
        self.begin(byte);
        self.escape = byte == 0x1b && self.unfinished == 0;
        (self.keys.understood, self.keys.inside) = (false, self.unfinished > 0);
        self.machine.advance(&mut self.keys, byte);
        // What ends at an ESC goes on with what that begins.
        let ended = self.keys.understood && byte != 0x1b;
        self.unfinished = if ended { 0 } else { self.unfinished + 1 };
        if self.unfinished > REPORT_BYTES {
            self.drop_unfinished();
            self.flooded = true;
        }
    }

    /// Drops what `byte` cannot go on with, and notes how long a character it begins is.
    fn begin(&mut self, byte: u8) {
        let goes_on = (0x80..0xc0).contains(&byte);
        if self.lacking > 0 && !goes_on {
            self.drop_unfinished();
        }
        if self.keys.next != Next::Typed && byte < 0x20 {
            self.drop_unfinished();
        }
        self.lacking = match byte {
            _ if self.lacking > 0 => self.lacking - 1,
            _ if self.unfinished > 0 => 0,
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            _ => 0,
        };
    }

    fn drop_unfinished(&mut self) {
        (self.machine, self.unfinished, self.lacking) = (Parser::default(), 0, 0);
        (self.keys.next, self.keys.alt) = (Next::Typed, false);
    }

    /// What the machine would not take for a key with Alt; whether it was.
    fn after_escape(&mut self, byte: u8) -> bool {
        match byte {
            0x1b => {
                self.keys.key(KeyCode::Esc, 1);
                return true;
            }
            0x30..=0x7e => return false,
            _ => {}
        }
        self.drop_unfinished();
        self.escape = false;
        (self.keys.alt, self.keys.inside) = (!(0x80..0xc2).contains(&byte) && byte < 0xf5, false);
        match byte {
            0x20..=0x7f => self.keys.print(char::from(byte)),
            0..0x20 => self.keys.execute(byte),
            _ => return false,
        }
        true
    }
}

impl Keys {
    /// A key with modifiers as CSI sequences number them: one, and 1 for shift, 2 for Alt, 4 for Control.
    fn key(&mut self, code: KeyCode, modifiers: u16) {
        let bits = modifiers.saturating_sub(1);
        let (alt, ctrl) = (bits & 2 != 0 || self.alt, bits & 4 != 0);
        self.alt = false;
        self.sent.push(Sent::Key(Key { code, ctrl, alt }));
    }

    fn paste_byte(&mut self, byte: u8) {
        let Some(text) = &mut self.paste else { return };
        text.push(byte);
        if text.ends_with(PASTE_END) {
            let text = self.paste.take().unwrap_or_default();
            if !std::mem::take(&mut self.rest) {
                self.pasted(text.strip_suffix(PASTE_END).unwrap_or(&text));
            }
        } else if text.len() >= PASTE_BYTES + PASTE_END.len() {
            // The end is still recognised.
            text.remove(PASTE_BYTES);
        }
    }

    fn pasted(&mut self, text: &[u8]) {
        self.sent.push(Sent::Paste(String::from_utf8_lossy(text).into_owned()));
    }
}

impl Perform for Keys {
    fn print(&mut self, c: char) {
        self.understood = true;
        let byte = u8::try_from(c).unwrap_or(0);
        let code = match std::mem::take(&mut self.next) {
            Next::Typed if c == '\x7f' => Some(KeyCode::Backspace),
            Next::Typed => Some(KeyCode::Char(c)),
            Next::Keypad if (b'P'..=b'S').contains(&byte) => Some(KeyCode::F(byte - b'P' + 1)),
            Next::Keypad => arrow(byte),
            Next::Console => (b'A'..=b'E').contains(&byte).then(|| KeyCode::F(byte - b'A' + 1)),
        };
        if let Some(code) = code {
            self.key(code, 1);
        }
    }

    fn execute(&mut self, byte: u8) {
        // CAN and SUB end what has begun.
        self.understood = !self.inside || matches!(byte, 0x18 | 0x1a);
        if self.inside {
            return;
        }
        match byte {
            b'\r' => self.key(KeyCode::Enter, 1),
            b'\t' => self.key(KeyCode::Tab, 1),
            0 => self.key(KeyCode::Char(' '), CTRL),
            1..=26 => self.key(KeyCode::Char(char::from(byte - 1 + b'a')), CTRL),
            28..=31 => self.key(KeyCode::Char(char::from(byte - 28 + b'4')), CTRL),
            _ => {}
        }
    }

    fn unhook(&mut self) {
        self.understood = true;
    }

    fn osc_dispatch(&mut self, _params: &[&[u8]], _bell_terminated: bool) {
        self.understood = true;
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, byte: u8) {
        self.understood = true;
        // A private mark: a report, or a click.
        if ignore || !intermediates.is_empty() {
            return;
        }
        let mut groups = params.iter();
        let (named, how) = (groups.next().unwrap_or_default(), groups.next().unwrap_or_default());
        let (first, modifiers) = (named.first().copied().unwrap_or(0), how.first().copied().unwrap_or(1));
        // Where a program left kitty's flags behind: a key that is let go.
        if how.get(1) == Some(&3) {
            return;
        }
        let code = match byte {
            b'u' => spelled(named, modifiers),
            b'~' if first == 200 => {
                self.paste = Some(Vec::new());
                None
            }
            b'~' => numbered(first),
            b'Z' => Some(KeyCode::BackTab),
            b'P' | b'Q' | b'S' => Some(KeyCode::F(byte - b'P' + 1)),
            b'M' => {
                self.skip = if first == 0 { CLICK } else { 0 };
                None
            }
            b'[' => {
                self.next = Next::Console;
                self.understood = false;
                None
            }
            // With R a terminal reports where its cursor is.
            _ => arrow(byte),
        };
        if let Some(code) = code {
            self.key(code, modifiers);
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        self.understood = true;
        match byte {
            _ if ignore || !intermediates.is_empty() => {}
            b'O' => {
                self.next = Next::Keypad;
                self.understood = false;
            }
            // The end of what a terminal said.
            b'\\' => {}
            _ => {
                self.alt = true;
                self.key(KeyCode::Char(char::from(byte)), 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was sent, as people write it; pastes in quotes.
    fn sent(decoder: &mut Decoder, bytes: &[u8]) -> String {
        let mut all = decoder.take(bytes);
        if decoder.patience().is_some() {
            all.extend(decoder.give_up());
        }
        let name = |sent: &Sent| match sent {
            Sent::Key(key) => key.to_string(),
            Sent::Paste(text) => format!("{text:?}"),
        };
        all.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    fn of(bytes: &str) -> String {
        sent(&mut Decoder::default(), bytes.as_bytes())
    }

    #[test]
    fn keys_are_those_that_terminals_send() {
        assert_eq!(of("aG?é€ \x7f"), "a G ? é € space backspace");
        assert_eq!(of("\r\t\x03\x0c\x15\x00\x1c"), "enter tab ctrl-c ctrl-l ctrl-u ctrl-space ctrl-4");
        assert_eq!(of("\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F\x1b[Z"), "up down right left home end shift-tab");
        assert_eq!(of("\x1bOA\x1bOD\x1bOH\x1bOP\x1bOS"), "up left home F1 F4");
        assert_eq!(of("\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[7~\x1b[8~"), "home end pgup pgdn home end");
        assert_eq!(of("\x1b[15~\x1b[17~\x1b[21~\x1b[24~\x1b[[A\x1b[[E"), "F5 F6 F10 F12 F1 F5");
        assert_eq!(of("\x1b[1;5A\x1b[1;3D\x1b[5;6~\x1b[1;2P"), "ctrl-up alt-left ctrl-pgup F1");
        assert_eq!(of("\x1bx\x1bX-\x1b\\"), "alt-x");
        assert_eq!(of("\x1b\r\x1b\x7f\x1bé"), "alt-enter alt-backspace alt-é");
        assert_eq!(of("\x1b/\x1b.\x1b f"), "alt-/ alt-. alt-space f");
        assert_eq!(
            of("\x1b[27u\x1b[99;5u\x1b[97;2u\x1b[47:63;2u\x1b[9;2u\x1b[13u"),
            "esc ctrl-c A ? shift-tab enter"
        );
        assert_eq!(
            of("\x1b[97;1:3u\x1b[1;1:3A\x1b[1;1:1A\x1b[57441;2u"),
            "up",
            "of a key that is let go nothing"
        );
        assert_eq!(of("\x1b"), "esc");
        assert_eq!(of("\x1b\x1b[A"), "esc up");
    }

    /// What terminals say without being asked, each followed by a key.
    const SAID: [&str; 16] = [
        "\x1b[7;15R",
        "\x1b[?62;22c",
        "\x1b[>0;276;0c",
        "\x1b[I",
        "\x1b[O",
        "\x1b[?2026;2$y",
        "\x1b[?997;1n",
        "\x1b[0n",
        "\x1b[8;50;200t",
        "\x1b[?1u",
        "\x1b]11;rgb:1a1a/2b2b/3c3c\x1b\\",
        "\x1b]11;rgb:1a1a/2b2b/3c3c\x07",
        "\x1bP>|tmux 3.4a\x1b\\",
        "\x1b_Gi=31;OK\x1b\\",
        "\x1b[<0;10;20M\x1b[<0;10;20m",
        "\x1b[M a!",
    ];

    #[test]
    fn what_terminals_say_is_no_key_and_the_next_key_is_one() {
        for said in SAID {
            assert_eq!(of(&format!("{said}q")), "q", "{said:?}");
        }
        let all = SAID.concat().repeat(100);
        assert_eq!(of(&format!("{all}q")), "q");
    }

    #[test]
    fn what_never_ends_is_dropped_and_keys_go_on() {
        for torn in ["\x1b[?2026", "\x1b]11;rgb:aa", "\x1bP>|x", "\x1b[", "\x1bO", "\x1b[M a", "\x1b]x\x1b"] {
            let mut decoder = Decoder::default();
            assert_eq!(sent(&mut decoder, torn.as_bytes()), "", "{torn:?}");
            assert_eq!(sent(&mut decoder, b"q"), "q", "{torn:?}");
        }
        let endless = format!("\x1b]{}", "x".repeat(REPORT_BYTES));
        let mut decoder = Decoder::default();
        assert_eq!(sent(&mut decoder, format!("{endless}aaaa\r").as_bytes()), "", "until there is a pause");
        assert_eq!(sent(&mut decoder, b"q"), "q");
        // A Latin-1 terminal's letter, an Alt that nothing follows, a keypad that is none.
        for (odd, then) in [
            (&b"\xe9\x1b[A"[..], "up"),
            (b"\x1b\x85q", "q"),
            (b"\x1bO\r", "enter"),
            (b"\x1bO\x1b[Aq", "up q"),
        ] {
            assert_eq!(sent(&mut Decoder::default(), odd), then, "{odd:?}");
        }
        let mut decoder = Decoder::default();
        assert!(decoder.take(b"\x1b[\r").is_empty());
        assert_eq!(decoder.patience(), Some(GAP), "what has begun ends");
    }

    #[test]
    fn a_paste_is_text_whatever_it_holds() {
        assert_eq!(of("\x1b[200~a\r\ty\x1b[A\x1b[201~q"), "\"a\\r\\ty\\u{1b}[A\" q");
        let mut decoder = Decoder::default();
        assert!(decoder.take(b"\x1b[200~never ends").is_empty());
        assert_eq!(decoder.patience(), Some(PASTE_GAP));
        assert_eq!(decoder.give_up(), vec![Sent::Paste("never ends".into())]);
        assert_eq!(decoder.patience(), Some(REST_GAP));
        assert!(decoder.take(b"\ty\r\x1b[20").is_empty(), "the rest of a paste is no typing");
        assert_eq!(decoder.take(b"1~q").len(), 1);
        decoder.take(b"\x1b[200~x");
        decoder.give_up();
        assert!(decoder.give_up().is_empty() && decoder.patience().is_none(), "some time it is over");
        let long = format!("\x1b[200~{}\x1b[201~q", "x".repeat(3 * PASTE_BYTES));
        let all = Decoder::default().take(long.as_bytes());
        let [Sent::Paste(text), Sent::Key(_)] = all.as_slice() else { panic!("{}", all.len()) };
        assert_eq!(text.len(), PASTE_BYTES);
    }

    proptest! {
        /// However bytes are cut, the same is sent; and nothing is waited for without end.
        #[test]
        fn cuts_change_nothing(
            pieces in prop::collection::vec(prop_oneof![
                prop::sample::select(SAID.to_vec()).prop_map(|s| s.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..12),
                Just(b"\x1b[200~p\x1b[201~".to_vec()),
            ], 0..8),
            cut in 1..20usize,
        ) {
            let bytes = pieces.concat();
            let (mut whole, mut cut_up) = (Decoder::default(), Decoder::default());
            let all = whole.take(&bytes);
            let each: Vec<Sent> = bytes.chunks(cut).flat_map(|piece| cut_up.take(piece)).collect();
            prop_assert_eq!(all, each);
            prop_assert_eq!(whole.patience(), cut_up.patience());
            whole.give_up();
            whole.give_up();
            prop_assert_eq!(whole.patience(), None);
            prop_assert_eq!(sent(&mut whole, b"q"), "q");
        }
    }
}
