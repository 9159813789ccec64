//! What the lexer makes of the text.

/// A token and where it begins (byte offset).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Tok,
    pub(super) at: usize,
}

/// Kinds of tokens. Keywords are words: which word is a keyword depends on where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tok {
    /// Metric names, label names, functions, keywords.
    Word(String),
    /// A quoted string, unquoted.
    Text(String),
    Number(f64),
    /// Milliseconds, as `1h30m` was written.
    Duration(i64),
    /// Punctuation and operators, as written.
    Sign(&'static str),
    End,
}

impl std::fmt::Display for Tok {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(f, "{word:?}"),
            Self::Text(text) => write!(f, "string {text:?}"),
            Self::Number(number) => write!(f, "number {number}"),
            Self::Duration(millis) => write!(f, "duration of {millis} ms"),
            Self::Sign(sign) => write!(f, "{sign:?}"),
            Self::End => f.write_str("end of input"),
        }
    }
}
