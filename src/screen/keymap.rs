//! Which key does what: the table's defaults with the user's bindings over them.

use std::collections::BTreeMap;

use super::action::{ACTIONS, Action, ActionInfo};
use super::key::Key;
use super::state::PanelId;

/// Keys by action name, as configured: `approve = ["A"]`. An empty list takes the action's keys away.
pub type Bindings = BTreeMap<String, Vec<String>>;

/// Why bindings were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// There is no such action.
    #[error("keys.{name}: there is no such action; did you mean {suggestion}? F1 lists all of them")]
    UnknownAction {
        /// As written.
        name: String,
        /// The nearest.
        suggestion: &'static str,
    },
    /// There is no such key.
    #[error(
        "keys.{name}: {key} is no key; write for example \"j\", \"ctrl-u\", \"shift-tab\", \"F5\", \"space\""
    )]
    UnknownKey {
        /// The action.
        name: String,
        /// As written.
        key: String,
    },
    /// Something dangerous on a Control key.
    #[error(
        "keys.{name}: {key} is refused, because what leads to a write must not sit on a Control key; use a letter"
    )]
    Dangerous {
        /// The action.
        name: String,
        /// The key.
        key: String,
    },
    /// Two actions on one key in one place.
    #[error("keys: {key} does both {first} and {second}; bind one of them elsewhere")]
    Conflict {
        /// The key.
        key: String,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// Which key does what.
#[derive(Clone, Debug)]
pub struct Keymap(Vec<(&'static ActionInfo, Vec<Key>)>);

impl Keymap {
    /// The defaults with `bindings` over them.
    pub fn new(bindings: &Bindings) -> Result<Self, KeymapError> {
        for name in bindings.keys() {
            if !ACTIONS.iter().any(|a| a.name == name) {
                let name = crate::series::text::clean(name, 40);
                return Err(KeymapError::UnknownAction { suggestion: nearest(&name), name });
            }
        }
        let mut lines = Vec::with_capacity(ACTIONS.len());
        for info in ACTIONS {
            let keys = match bindings.get(info.name) {
                Some(own) => own.iter().map(|k| own_key(info, k)).collect::<Result<_, _>>()?,
                None => info.keys.iter().filter_map(|k| Key::parse(k)).collect(),
            };
            lines.push((info, keys));
        }
        check(&lines)?;
        Ok(Self(lines))
    }

    /// What a key does in a panel.
    pub fn action(&self, panel: PanelId, key: Key) -> Option<Action> {
        let found = self.0.iter().find(|(info, keys)| info.place.holds(panel) && keys.contains(&key));
        found.map(|(info, _)| info.action)
    }

    /// The keys of an action, as written: `j down`.
    pub fn keys(&self, action: Action) -> String {
        let keys = self.0.iter().find(|(info, _)| info.action == action).map(|(_, keys)| keys.as_slice());
        keys.unwrap_or_default().iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The first key of an action, if it has one.
    pub fn key(&self, action: Action) -> Option<String> {
        let (_, keys) = self.0.iter().find(|(info, _)| info.action == action)?;
        keys.first().map(Key::to_string)
    }

    /// The actions that can be done in a panel.
    pub fn actions(&self, panel: PanelId) -> impl Iterator<Item = &'static ActionInfo> {
        self.0.iter().map(|(info, _)| *info).filter(move |info| info.place.holds(panel))
    }

    /// The whole table as Markdown, for the documentation.
    pub fn markdown(&self) -> String {
        let mut out = String::from("| key | action | does | where |\n|---|---|---|---|\n");
        for (info, keys) in &self.0 {
            let keys: Vec<String> = keys.iter().map(|k| format!("`{k}`")).collect();
            let (name, help, place) = (info.name, info.help, info.place.label());
            out.extend(["| ", &keys.join(" "), " | ", name, " | ", help, " | ", place, " |\n"]);
        }
        out
    }
}

impl Default for Keymap {
    /// The defaults.
    fn default() -> Self {
        // The table's own keys are checked by a test; bindings are what could be refused here.
        Self::new(&Bindings::new()).unwrap_or(Self(Vec::new()))
    }
}

/// The default keys as Markdown.
pub fn keys_markdown() -> String {
    Keymap::default().markdown()
}

fn own_key(info: &ActionInfo, text: &str) -> Result<Key, KeymapError> {
    let name = info.name.to_owned();
    let shown = crate::series::text::clean(text, 40);
    let key = Key::parse(text).ok_or(KeymapError::UnknownKey { name: name.clone(), key: shown.clone() })?;
    if info.danger && key.ctrl {
        return Err(KeymapError::Dangerous { name, key: shown });
    }
    Ok(key)
}

fn check(lines: &[(&'static ActionInfo, Vec<Key>)]) -> Result<(), KeymapError> {
    for (i, (first, keys)) in lines.iter().enumerate() {
        for (second, others) in lines.iter().skip(i + 1).filter(|(s, _)| s.place.overlaps(first.place)) {
            if let Some(key) = keys.iter().find(|k| others.contains(k)) {
                let (first, second) = (first.name, second.name);
                return Err(KeymapError::Conflict { key: key.to_string(), first, second });
            }
        }
    }
    Ok(())
}

/// The action name that shares most characters in order with `name`.
fn nearest(name: &str) -> &'static str {
    let score = |candidate: &str| {
        let mut rest = candidate.chars();
        let shared = name.chars().filter(|c| rest.clone().any(|r| r == *c) && rest.any(|r| r == *c)).count();
        (shared * 2) as isize - candidate.len().abs_diff(name.len()) as isize
    };
    ACTIONS.iter().map(|a| a.name).max_by_key(|n| score(n)).unwrap_or("help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, key: &str) -> Result<Keymap, KeymapError> {
        Keymap::new(&Bindings::from([(name.to_owned(), vec![key.to_owned()])]))
    }

    #[test]
    fn the_table_is_sound() {
        let map = Keymap::new(&Bindings::new()).unwrap();
        for info in ACTIONS {
            assert!(info.keys.iter().all(|k| Key::parse(k).is_some()), "{}", info.name);
            assert!(!info.danger || info.keys.iter().all(|k| !k.contains("ctrl")), "{}", info.name);
            assert_eq!(ACTIONS.iter().filter(|a| a.name == info.name).count(), 1);
            assert!(keys_markdown().contains(info.help));
        }
        let s = Key::parse("s").unwrap();
        assert_eq!(map.action(PanelId::Status, s), Some(Action::Sort));
        assert_eq!(map.action(PanelId::Proposals, s), Some(Action::Snooze));
        assert_eq!(map.action(PanelId::Journal, s), None);
    }

    #[test]
    fn bindings_are_checked() {
        let map = with("approve", "A").unwrap();
        assert_eq!(map.action(PanelId::Status, Key::parse("A").unwrap()), Some(Action::Approve));
        assert_eq!(map.action(PanelId::Status, Key::parse("a").unwrap()), None);
        let message = |r: Result<Keymap, KeymapError>| r.unwrap_err().to_string();
        assert!(message(with("aprove", "A")).contains("did you mean approve"));
        assert!(message(with("approve", "meta-x")).contains("is no key"));
        assert!(message(with("approve", "ctrl-a")).contains("must not sit on a Control key"));
        assert!(message(with("approve", "j")).contains("does both approve and down"));
    }
}
