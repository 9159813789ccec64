//! Single characters: how RE2 escapes them, and how they are written so that they mean themselves.

use super::{Refused, Scan};

/// Appends `c` so that it means itself, in classes and outside.
pub(super) fn literal(c: char, out: &mut String) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
    } else {
        out.push(c);
    }
}

/// The character that the escape means whose backslash is taken.
pub(super) fn character(scan: &mut Scan<'_>) -> Result<char, Refused> {
    let c = scan.next().ok_or(Refused)?;
    let code = match c {
        // A digit other than zero alone would refer to a group.
        '1'..='7' if !scan.peek().is_some_and(|next| next.is_digit(8)) => return Err(Refused),
        '0'..='7' => octal(c, scan),
        'x' => hexadecimal(scan)?,
        'a' => 0x07,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => u32::from(c),
        _ => return Err(Refused),
    };
    char::from_u32(code).ok_or(Refused)
}

/// Up to three digits, the first of which is taken.
fn octal(first: char, scan: &mut Scan<'_>) -> u32 {
    let mut code = first.to_digit(8).unwrap_or_default();
    for _ in 0..2 {
        let Some(digit) = scan.peek().and_then(|c| c.to_digit(8)) else { break };
        code = code * 8 + digit;
        scan.next();
    }
    code
}

/// Two digits, or any number in braces.
fn hexadecimal(scan: &mut Scan<'_>) -> Result<u32, Refused> {
    if !scan.accept("{") {
        let mut digit = || scan.next().and_then(|c| c.to_digit(16)).ok_or(Refused);
        return Ok(digit()? * 16 + digit()?);
    }
    let digits = scan.until("}").ok_or(Refused)?;
    if !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Refused);
    }
    u32::from_str_radix(digits, 16).map_err(|_| Refused)
}
