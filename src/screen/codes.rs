//! Which key a sequence of a terminal stands for.

use crossterm::event::KeyCode;

/// The key of an arrow or of the two beside it, in CSI and keypad sequences alike.
pub(super) const fn arrow(byte: u8) -> Option<KeyCode> {
    Some(match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

/// The key of `CSI number ~`.
pub(super) fn numbered(number: u16) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23 | 24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    })
}

/// The key of `CSI code[:shifted];modifiers u`, as kitty and xterm spell keys where they are told to, or were by a program
/// that did not take it back.
pub(super) fn spelled(named: &[u16], modifiers: u16) -> Option<KeyCode> {
    let shift = modifiers.saturating_sub(1) & 1 != 0;
    Some(match *named.first()? {
        9 if shift => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 => KeyCode::Enter,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        code @ (32..=126 | 160..=57_343) => {
            let shifted = named.get(1).filter(|_| shift).copied();
            let c = char::from_u32(u32::from(shifted.unwrap_or(code)))?;
            KeyCode::Char(if shift && shifted.is_none() { c.to_ascii_uppercase() } else { c })
        }
        _ => return None,
    })
}
