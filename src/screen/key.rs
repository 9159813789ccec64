//! Keys, as people write them: `j`, `ctrl-u`, `shift-tab`, `F5`, `space`.

use std::fmt;

use crossterm::event::KeyCode;

/// A key press. Shift is part of the character for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// With Control.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

/// Names of keys that are not characters.
const NAMES: [(&str, KeyCode); 14] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
];

impl Key {
    /// A key without Control or Alt.
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// Reads a key; `None` if there is no such key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut key = Self::plain(KeyCode::Null);
        loop {
            if let Some(r) = rest.strip_prefix("ctrl-").filter(|r| !r.is_empty()) {
                key.ctrl = true;
                rest = r;
            } else if let Some(r) = rest.strip_prefix("alt-").filter(|r| !r.is_empty()) {
                key.alt = true;
                rest = r;
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(c), None) if crate::series::text::is_inert(c) && c != ' ' => KeyCode::Char(c),
            (Some('F' | 'f'), Some(_)) if rest.get(1..).is_some_and(|n| n.parse::<u8>().is_ok()) => {
                KeyCode::F(rest.get(1..)?.parse().ok().filter(|n| (1..=12).contains(n))?)
            }
            _ => NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(rest))?.1,
        };
        Some(key)
    }

    /// The character it types into a text field, if it types one.
    pub const fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if self.ctrl {
            text.push_str("ctrl-");
        }
        if self.alt {
            text.push_str("alt-");
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => text.push_str(name),
            (None, KeyCode::Char(c)) => text.push(c),
            (None, KeyCode::F(n)) => text.extend(["F", &n.to_string()]),
            (None, _) => text.push('?'),
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip() {
        for text in ["j", "G", "ctrl-u", "shift-tab", "F5", "space", "alt-x", "?", "-", "pgdn", "ctrl-alt-x"]
        {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "F13", "hyper-x", "ctrl-", " ", "\u{1b}", "jj"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }
}
