//! How many colours the terminal has.

/// Colour depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colours: meaning is carried by words, glyphs and attributes.
    Mono,
    /// The terminal's own sixteen.
    #[default]
    Ansi,
    /// 256.
    Indexed,
    /// 16 million.
    True,
}

impl Depth {
    /// Reads the value of a flag or of the configuration: `mono`, `16`, `256`, `truecolor`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "mono" | "none" | "never" => Some(Self::Mono),
            "16" | "ansi" => Some(Self::Ansi),
            "256" => Some(Self::Indexed),
            "truecolor" | "24bit" => Some(Self::True),
            _ => None,
        }
    }

    /// Decides by flag, then configuration, then `NO_COLOR`, then `COLORTERM` and `TERM`.
    /// `var` reads an environment variable.
    pub fn decide(flag: Option<Self>, config: Option<Self>, var: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(depth) = flag.or(config) {
            return depth;
        }
        // https://no-color.org: present and not empty.
        if var("NO_COLOR").is_some_and(|v| !v.is_empty()) {
            return Self::Mono;
        }
        let term = var("TERM").unwrap_or_default();
        if term.is_empty() || term == "dumb" || term.starts_with("vt") {
            return Self::Mono;
        }
        let colorterm = var("COLORTERM").unwrap_or_default();
        if matches!(colorterm.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            return Self::True;
        }
        if term.contains("256") { Self::Indexed } else { Self::Ansi }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)]) -> Depth {
        Depth::decide(None, None, |name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn order_of_decision() {
        let loud = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        assert_eq!(Depth::decide(Some(Depth::True), Some(Depth::Ansi), loud), Depth::True);
        assert_eq!(Depth::decide(None, Some(Depth::Indexed), loud), Depth::Indexed);
        assert_eq!(with(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor"), ("TERM", "xterm")]), Depth::Mono);
        assert_eq!(with(&[("NO_COLOR", ""), ("COLORTERM", "truecolor"), ("TERM", "xterm")]), Depth::True);
        assert_eq!(with(&[("TERM", "screen-256color")]), Depth::Indexed);
        assert_eq!(with(&[("TERM", "linux")]), Depth::Ansi);
        assert_eq!(with(&[("TERM", "dumb")]), Depth::Mono);
        assert_eq!(with(&[]), Depth::Mono);
    }
}
