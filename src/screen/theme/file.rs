//! Theme files: TOML with `inherits`, `[palette]` and `[roles]`.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier};

use super::{Role, color};

/// Why a theme was refused. Each names the file, the key and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// Not TOML.
    #[error("theme {file} is not valid TOML: {message}")]
    Syntax {
        /// The file as given.
        file: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A key that means nothing.
    #[error("theme {file}: unknown key {key}; {fix}")]
    UnknownKey {
        /// The file as given.
        file: String,
        /// The key.
        key: String,
        /// What to write instead.
        fix: String,
    },
    /// A value that means nothing.
    #[error("theme {file}: {key} is {value}; {fix}")]
    Value {
        /// The file as given.
        file: String,
        /// The key.
        key: String,
        /// What was found.
        value: String,
        /// What to write instead.
        fix: String,
    },
    /// There is no such theme.
    #[error("there is no theme {name}; themes are {known}, or the path of a theme file")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// How one role looks, before quantisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub fg: Option<Color>,
    pub bg: Option<Color>,
    pub attributes: Modifier,
}

/// A theme file as read.
#[derive(Clone, Debug, Default)]
pub(super) struct ThemeFile {
    pub inherits: Option<String>,
    pub roles: BTreeMap<Role, Look>,
}

const COLOUR_FIX: &str = "write \"#rrggbb\", a name from [palette], or one of the terminal's colours such as \"light-red\" or \"default\"";

/// Reads a theme file. `file` is only for messages.
pub(super) fn read(text: &str, file: &str) -> Result<ThemeFile, ThemeError> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| ThemeError::Syntax {
        file: file.into(),
        message: e.to_string().trim_end().to_owned(),
    })?;
    let mut palette = BTreeMap::new();
    if let Some(value) = table.get("palette") {
        for (name, value) in as_table(value, file, "palette")? {
            let key = format!("palette.{name}");
            let colour = value.as_str().and_then(color::parse);
            palette.insert(name.clone(), colour.ok_or_else(|| bad_value(file, &key, value, COLOUR_FIX))?);
        }
    }
    let mut out = ThemeFile::default();
    for (key, value) in &table {
        match key.as_str() {
            "palette" => {}
            "inherits" => {
                let name =
                    value.as_str().ok_or_else(|| bad_value(file, key, value, "write a theme's name"))?;
                out.inherits = Some(name.to_owned());
            }
            "roles" => {
                for (name, value) in as_table(value, file, key)? {
                    let role = Role::from_key(name).ok_or_else(|| unknown_role(file, name))?;
                    let key = format!("roles.\"{name}\"");
                    out.roles.insert(role, look(value, &palette, file, &key)?);
                }
            }
            _ => {
                let fix = "a theme file has inherits, [palette] and [roles]".to_owned();
                return Err(ThemeError::UnknownKey { file: file.into(), key: key.clone(), fix });
            }
        }
    }
    Ok(out)
}

fn look(
    value: &toml::Value,
    palette: &BTreeMap<String, Color>,
    file: &str,
    key: &str,
) -> Result<Look, ThemeError> {
    let colour = |value: &toml::Value, key: &str| {
        let named = value.as_str().and_then(|t| palette.get(t).copied().or_else(|| color::parse(t)));
        named.ok_or_else(|| bad_value(file, key, value, COLOUR_FIX))
    };
    if value.is_str() {
        return Ok(Look { fg: Some(colour(value, key)?), ..Look::default() });
    }
    let mut out = Look::default();
    for (part, value) in as_table(value, file, key)? {
        let key = format!("{key}.{part}");
        let attribute = match part.as_str() {
            "fg" => {
                out.fg = Some(colour(value, &key)?);
                continue;
            }
            "bg" => {
                out.bg = Some(colour(value, &key)?);
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            _ => {
                let fix = "a role has fg, bg, bold, dim, italic, underline, reverse".to_owned();
                return Err(ThemeError::UnknownKey { file: file.into(), key, fix });
            }
        };
        let on = value.as_bool().ok_or_else(|| bad_value(file, &key, value, "write true or false"))?;
        out.attributes.set(attribute, on);
    }
    Ok(out)
}

fn as_table<'a>(value: &'a toml::Value, file: &str, key: &str) -> Result<&'a toml::Table, ThemeError> {
    value.as_table().ok_or_else(|| bad_value(file, key, value, "write a table"))
}

fn bad_value(file: &str, key: &str, value: &toml::Value, fix: &str) -> ThemeError {
    let value = crate::series::text::clean(&value.to_string(), 60);
    ThemeError::Value { file: file.into(), key: key.into(), value, fix: fix.into() }
}

fn unknown_role(file: &str, name: &str) -> ThemeError {
    let known: Vec<&str> = Role::ALL.iter().map(|(_, key, _)| *key).collect();
    let fix = format!("roles are {} (quote those with a dot)", known.join(", "));
    let key = format!("roles.{}", crate::series::text::clean(name, 60));
    ThemeError::UnknownKey { file: file.into(), key, fix }
}
