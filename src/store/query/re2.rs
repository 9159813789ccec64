//! Regular expressions of Prometheus (Go's `regexp`, RE2's syntax) in the syntax of the regex crate.
//!
//! The two read most patterns alike, and some not: classes such as `\w` and `\b` are ASCII in RE2, a bracket or `&&` in
//! a class is plain text, `{` that starts no repetition as well; octal escapes, `\Q…\E` and any two groups of one name
//! exist there, stacked repetitions and the crate's further flags and properties do not. So a pattern is read as Go
//! reads it (regexp/syntax, `parse.go`) and every character and class is written in a form that can only mean one thing.
//!
//! Names of groups are kept apart, as the crate refuses some that Go has. Not told apart: Unicode classes by the names
//! that Go has had since 1.25 only, and escapes of surrogates, which no text holds; both are refused.

mod class;
mod escape;

use class::{bracketed, class_escape};
use escape::{character, literal};

/// Highest count of a repetition, and of repetitions within each other together (Go's `maxRepeat`).
const MAX_REPEAT: usize = 1000;

/// No regular expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// A pattern in the crate's syntax.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) text: String,
    /// Names of groups, in order, and their numbers.
    pub(super) names: Vec<(String, usize)>,
}

/// `pattern` in the crate's syntax. What only the crate can judge, such as its size, is not judged.
pub(super) fn translate(pattern: &str) -> Result<Translated, Refused> {
    let translator = Translator {
        scan: Scan(pattern),
        out: String::with_capacity(pattern.len() + 8),
        open: vec![1],
        atom: None,
        repeated: false,
        groups: 0,
        names: Vec::new(),
    };
    translator.run()
}

/// What is left of a pattern.
struct Scan<'p>(&'p str);

impl<'p> Scan<'p> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut rest = self.0.chars();
        let found = rest.next();
        self.0 = rest.as_str();
        found
    }

    /// Takes `text` if it comes.
    fn accept(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes what comes up to and with `end`; what came before it.
    fn until(&mut self, end: &str) -> Option<&'p str> {
        let (before, rest) = self.0.split_once(end)?;
        self.0 = rest;
        Some(before)
    }
}

struct Translator<'p> {
    scan: Scan<'p>,
    out: String,
    /// For the pattern and each group that is open: how often its heaviest part is repeated at most.
    open: Vec<usize>,
    /// How often what a repetition would stand behind is repeated at most, if there is anything.
    atom: Option<usize>,
    /// That is a repetition already.
    repeated: bool,
    groups: usize,
    names: Vec<(String, usize)>,
}

impl Translator<'_> {
    fn run(mut self) -> Result<Translated, Refused> {
        while let Some(c) = self.scan.next() {
            match c {
                '(' => self.group()?,
                ')' => self.close()?,
                '|' => {
                    self.out.push('|');
                    self.apart();
                }
                '*' | '+' | '?' => self.repeat(c.encode_utf8(&mut [0; 4]), 0, None)?,
                '{' => self.brace()?,
                '[' => {
                    let class = bracketed(&mut self.scan)?;
                    self.add(&class);
                }
                '^' | '$' | '.' => self.add(c.encode_utf8(&mut [0; 4])),
                '\\' => self.escape()?,
                _ => self.literal(c),
            }
        }
        if self.open.len() == 1 { Ok(Translated { text: self.out, names: self.names }) } else { Err(Refused) }
    }

    /// Nothing stands here that could be repeated.
    fn apart(&mut self) {
        let weight = self.atom.take().unwrap_or(1);
        if let Some(heaviest) = self.open.last_mut() {
            *heaviest = weight.max(*heaviest);
        }
        self.repeated = false;
    }

    /// Something that may be repeated.
    fn add(&mut self, text: &str) {
        self.apart();
        self.out.push_str(text);
        self.atom = Some(1);
    }

    fn literal(&mut self, c: char) {
        self.apart();
        literal(c, &mut self.out);
        self.atom = Some(1);
    }

    fn escape(&mut self) -> Result<(), Refused> {
        // Without `u`, a boundary is one of ASCII words.
        for (name, text) in [("A", r"\A"), ("z", r"\z"), ("b", r"(?-u:\b)"), ("B", r"(?-u:\B)")] {
            if self.scan.accept(name) {
                self.add(text);
                return Ok(());
            }
        }
        if self.scan.accept("Q") {
            // One without end would take in the end of the group around the pattern.
            let text = self.scan.until(r"\E").ok_or(Refused)?;
            self.repeated = false;
            text.chars().for_each(|c| self.literal(c));
            return Ok(());
        }
        if let Some(class) = class_escape(&mut self.scan)? {
            self.add(&class);
            return Ok(());
        }
        let c = character(&mut self.scan)?;
        self.literal(c);
        Ok(())
    }

    /// After `(`.
    fn group(&mut self) -> Result<(), Refused> {
        if !self.scan.accept("?") {
            self.groups += 1;
            self.enter("(");
            return Ok(());
        }
        if !self.scan.accept("P<") && !self.scan.accept("<") {
            return self.flags();
        }
        let name = self.scan.until(">").ok_or(Refused)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(Refused);
        }
        self.groups += 1;
        self.names.push((name.to_owned(), self.groups));
        self.enter("(");
        Ok(())
    }

    fn enter(&mut self, text: &str) {
        self.apart();
        self.out.push_str(text);
        self.open.push(1);
    }

    fn close(&mut self) -> Result<(), Refused> {
        self.apart();
        let weight = self.open.pop().ok_or(Refused)?;
        if self.open.is_empty() {
            return Err(Refused);
        }
        self.out.push(')');
        self.atom = Some(weight);
        Ok(())
    }

    /// After `(?`: flags of a group, or of what comes. Of a flag given twice the later one counts.
    fn flags(&mut self) -> Result<(), Refused> {
        let (mut on, mut off) = (String::new(), String::new());
        let (mut negative, mut seen) = (false, false);
        let end = loop {
            match self.scan.next() {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => {
                    let (set, other) = if negative { (&mut off, &mut on) } else { (&mut on, &mut off) };
                    other.retain(|c| c != flag);
                    set.retain(|c| c != flag);
                    set.push(flag);
                    seen = true;
                }
                Some('-') if !negative => (negative, seen) = (true, false),
                Some(end @ (':' | ')')) if !negative || seen => break end,
                _ => return Err(Refused),
            }
        };
        let set = if off.is_empty() { on } else { format!("{on}-{off}") };
        if end == ':' {
            self.enter(&format!("(?{set}:"));
        } else {
            self.apart();
            if !set.is_empty() {
                self.out.push_str(&format!("(?{set})"));
            }
        }
        Ok(())
    }

    /// After `{`: a repetition, or the character.
    fn brace(&mut self) -> Result<(), Refused> {
        let Some((least, most, length)) = counts(self.scan.0) else {
            self.literal('{');
            return Ok(());
        };
        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least) {
            return Err(Refused);
        }
        let (inside, rest) = self.scan.0.split_at_checked(length).ok_or(Refused)?;
        self.scan.0 = rest;
        self.repeat(&format!("{{{inside}"), most.unwrap_or(least), most)
    }

    /// A repetition written as `text`: `factor` times what is before counts against [`MAX_REPEAT`]. A `?` after it makes
    /// it lazy; any other repetition after it is refused.
    fn repeat(&mut self, text: &str, factor: usize, most: Option<usize>) -> Result<(), Refused> {
        let weight = self.atom.filter(|_| !self.repeated).ok_or(Refused)?;
        let weight = if most == Some(0) { 1 } else { weight.saturating_mul(factor.max(1)) };
        if factor > 1 && weight > MAX_REPEAT {
            return Err(Refused);
        }
        self.out.push_str(text);
        if self.scan.accept("?") {
            self.out.push('?');
        }
        (self.atom, self.repeated) = (Some(weight), true);
        Ok(())
    }
}

/// `n}`, `n,}` or `n,m}` at the start of `rest`: least and most, and how long that is.
fn counts(rest: &str) -> Option<(usize, Option<usize>, usize)> {
    let (inside, _) = rest.split_once('}')?;
    let (least, most) = match inside.split_once(',') {
        None => (count(inside)?, Some(count(inside)?)),
        Some((least, "")) => (count(least)?, None),
        Some((least, most)) => (count(least)?, Some(count(most)?)),
    };
    Some((least, most, inside.len() + 1))
}

/// Digits, the first of several no zero; what is too large for a number is too large in any case.
fn count(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    (plain && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests;
