//! Questions about regular expressions: every part beside every other, matched against words, and what is captured.

/// What may be repeated, or not.
const PARTS: [&str; 28] = [
    "a", "b", "é", ".", "(b)", "(?:a|b)", "()", "(?i)", "(?i:B)", "(?P<1>b)", "(?P<n>b)", "[ab]", "[^a]",
    "{", "}", "]", "|", "^", "$", r"\w", r"\W", r"\d", r"\b", r"\B", r"\pL", r"\p{^Lu}", r"\Qb\E", r"\142",
];
const REPETITIONS: [&str; 20] = [
    "", "*", "+", "?", "*?", "+?", "??", "???", "**", "++", "+*", "{1}", "{1}{1}", "{0,2}", "{,2}", "{ 1}",
    "{01}", "{1001}", "{2,1}", "{1,}?",
];
/// What may stand in brackets.
const MEMBERS: [&str; 20] = [
    "a",
    "b-",
    "-",
    "--",
    "c",
    "[",
    "]",
    "&&",
    "~~",
    "^",
    ":",
    "[:alpha:]",
    "[:^digit:]",
    "[:foo:]",
    r"\w",
    r"\D",
    r"\s",
    r"\pL",
    r"\-",
    "é",
];
const OTHERS: [&str; 58] = [
    "(a{500}){3}",
    "(a{500}){2}",
    "((a{11}){10}){10}",
    "(a{500}){0}b",
    "(?x)b",
    "(?R)b",
    "(?u)b",
    "(?s)b",
    "(?m)^b$",
    "(?U)b*",
    "(?)b",
    "(?-)b",
    "(?-i)b",
    "(?i-:b)",
    "(?ii:B)",
    "(?i-i:B)",
    "(?i-s:B)",
    "(?-i-s:b)",
    "(?#c)b",
    "(?=b)b",
    "(?>b)",
    "(?P=n)b",
    "(?P<>b)",
    "(?P<a-b>b)",
    "(?P<n>b)(?P<n>c)?",
    "a)|(b",
    "b)(",
    "(b",
    "b)",
    "[a--c]",
    "[+--]",
    "[z-a]",
    "[]",
    "[^]",
    "[b",
    "[[:x]a:]",
    r"[\b]",
    r"[\Qb\E]",
    r"\u0062",
    r"\x62",
    r"\x{62}",
    r"\x{}",
    r"\x6",
    r"\x{110000}",
    r"\07|b",
    r"\1|b",
    r"\8|b",
    r"\_|b",
    r"\é|b",
    r"\ |b",
    r"\<b\>",
    r"\E|b",
    r"\Qb",
    r"\Z|b",
    r"\A\bb\z",
    r"\p{Lowercase}",
    r"\p{sc=Greek}|b",
    r"\p{Greek}|b",
];
const PROPERTIES: [&str; 18] = [
    "L",
    "Lu",
    "C",
    "Cs",
    "Any",
    "Greek",
    "Grek",
    "Thai",
    "Old_Italic",
    "SignWriting",
    "Nko",
    "Phags_Pa",
    "Alphabetic",
    "Emoji",
    "White_Space",
    "^L",
    "^",
    "gc=Lu",
];
const TEMPLATES: [&str; 14] = [
    "$1", "$1é", "${1}é", "$1_", "$n-$m", "${n}${m}", "$$1", "$", "$ 1", "${1", "${}", "$01", "$9", "${é}$0",
];

/// All of them.
pub fn questions(all: &mut Vec<String>) {
    let mut patterns: Vec<String> = OTHERS.iter().map(|p| (*p).to_owned()).collect();
    for part in PARTS {
        patterns.extend(REPETITIONS.iter().map(|r| format!("{part}{r}")));
        patterns.extend(PARTS.iter().map(|other| format!("{part}{other}")));
    }
    for member in MEMBERS {
        patterns.extend(MEMBERS.iter().map(|other| format!("[{member}{other}]")));
        patterns.push(format!("[^{member}]"));
        patterns.push(format!("(?i)[{member}k]"));
    }
    for property in PROPERTIES {
        patterns.push(format!("\\p{{{property}}}"));
        patterns.push(format!("[\\P{{{property}}}b]"));
        patterns.push(format!("(?i)\\p{{{property}}}"));
    }
    all.extend(patterns.iter().map(|p| format!("words{{word=~`{p}`}}")));
    for template in TEMPLATES {
        for pattern in ["(.)(.*)", "(?P<n>.)(?P<m>.*)", "(?P<n>b)?(?P<n>.*)", "(?P<1>a)|(?P<01>.*)"] {
            all.push(format!("label_replace(words, \"x\", `{template}`, \"word\", `{pattern}`)"));
        }
    }
}
