//! Classes of characters: in brackets, by an escape, by a name of POSIX or of Unicode.

use super::escape::{character, literal};
use super::{Refused, Scan};

/// What `[:…:]` may name, also after `^`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// Unicode's general categories as Go names them; those of surrogates and of everything that is not assigned apart.
const CATEGORIES: [&str; 34] = [
    "Cc", "Cf", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Scripts whose names have four letters; any other name of four letters is a code, which Go does not know.
const OF_FOUR_LETTERS: [&str; 7] = ["Ahom", "Cham", "Kawi", "Lisu", "Modi", "Thai", "Toto"];

/// The class in brackets whose `[` is taken.
pub(super) fn bracketed(scan: &mut Scan<'_>) -> Result<String, Refused> {
    let mut out = String::from("[");
    if scan.accept("^") {
        out.push('^');
    }
    let mut first = true;
    // A bracket that comes first closes nothing.
    while std::mem::take(&mut first) || !scan.accept("]") {
        if let Some(class) = posix(scan)? {
            out.push_str(&class);
            continue;
        }
        let escaped = scan.accept("\\");
        if escaped && let Some(class) = class_escape(scan)? {
            out.push_str(&class);
            continue;
        }
        let low = if escaped { character(scan)? } else { scan.next().ok_or(Refused)? };
        literal(low, &mut out);
        if scan.0.starts_with('-') && !scan.0.starts_with("-]") && scan.0.len() > 1 {
            scan.next();
            let high = if scan.accept("\\") { character(scan)? } else { scan.next().ok_or(Refused)? };
            if high < low {
                return Err(Refused);
            }
            out.push('-');
            literal(high, &mut out);
        }
    }
    out.push(']');
    Ok(out)
}

/// `[:alpha:]` within brackets.
fn posix(scan: &mut Scan<'_>) -> Result<Option<String>, Refused> {
    let Some((name, rest)) = scan.0.strip_prefix("[:").and_then(|tail| tail.split_once(":]")) else {
        return Ok(None);
    };
    if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(Refused);
    }
    scan.0 = rest;
    Ok(Some(format!("[:{name}:]")))
}

/// The class that an escape means whose backslash is taken, if it means one.
pub(super) fn class_escape(scan: &mut Scan<'_>) -> Result<Option<String>, Refused> {
    let Some(c) = scan.peek() else { return Ok(None) };
    let inside = match c.to_ascii_lowercase() {
        'd' => "0-9".to_owned(),
        's' => r"\t\n\f\r\x20".to_owned(),
        'w' => "0-9A-Za-z_".to_owned(),
        'p' => {
            scan.next();
            let braced = scan.accept("{");
            let name = if braced {
                scan.until("}").ok_or(Refused)?.to_owned()
            } else {
                scan.next().ok_or(Refused)?.to_string()
            };
            let (negated, name) = name.strip_prefix('^').map_or((false, name.as_str()), |name| (true, name));
            let inside = unicode(name).ok_or(Refused)?;
            return Ok(Some(class(&inside, negated != (c == 'P'))));
        }
        _ => return Ok(None),
    };
    scan.next();
    Ok(Some(class(&inside, c.is_ascii_uppercase())))
}

fn class(inside: &str, negated: bool) -> String {
    let sign = if negated { "^" } else { "" };
    format!("[{sign}{inside}]")
}

/// What a Unicode class holds, by its name. The crate judges whether there is a script of that name.
fn unicode(name: &str) -> Option<String> {
    match name {
        "Any" => return Some(r"\x{0}-\x{10FFFF}".into()),
        // The crate counts what is not assigned as well.
        "C" => return Some(r"\p{gc=Cc}\p{gc=Cf}\p{gc=Co}".into()),
        // No text holds a surrogate.
        "Cs" => return Some(r"a&&b".into()),
        _ => {}
    }
    if CATEGORIES.contains(&name) {
        return Some(format!("\\p{{gc={name}}}"));
    }
    // The crate reads names more freely: in any case, and by their codes.
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.chars().skip(1).all(|c| c.is_ascii_lowercase())
    };
    let written = name == "SignWriting" || name.split('_').all(word);
    let named = name.len() != 4 || OF_FOUR_LETTERS.contains(&name);
    (written && named).then(|| format!("\\p{{sc={name}}}"))
}
