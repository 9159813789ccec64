//! A theme ready to draw with.

use ratatui::style::{Modifier, Style};

use super::file::{self, Look, ThemeFile};
use super::{Depth, Role, ThemeError, color};

/// The themes that come with weescale.
const BUILT_IN: [(&str, &str); 5] = [
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
];

/// Inheritance deeper than this is a loop.
const MAX_INHERITS: usize = 5;

/// A style for every role, at one colour depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    name: String,
    depth: Depth,
    styles: Vec<Style>,
}

impl Theme {
    /// Names of the themes that come with weescale, default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// A theme that comes with weescale.
    pub fn built_in(name: &str, depth: Depth) -> Result<Self, ThemeError> {
        let text = built_in_text(name)?;
        Self::parse(text, name, depth)
    }

    /// A user's theme: `text` is the file's content, `file` its path for messages.
    pub fn parse(text: &str, file: &str, depth: Depth) -> Result<Self, ThemeError> {
        let mut layers = vec![file::read(text, file)?];
        while let Some(parent) = layers.last().and_then(|l| l.inherits.clone()) {
            if layers.len() >= MAX_INHERITS {
                let fix = "break the loop of inherits".into();
                return Err(ThemeError::Value {
                    file: file.into(),
                    key: "inherits".into(),
                    value: parent,
                    fix,
                });
            }
            layers.push(file::read(built_in_text(&parent)?, &parent)?);
        }
        let styles = Role::ALL.iter().map(|(role, ..)| resolve(&layers, *role, depth)).collect();
        Ok(Self { name: file.to_owned(), depth, styles })
    }

    /// Words, glyphs and attributes only; needs no file.
    pub fn mono() -> Self {
        let styles = Role::ALL.iter().map(|(role, ..)| resolve(&[], *role, Depth::Mono)).collect();
        Self { name: "mono".into(), depth: Depth::Mono, styles }
    }

    /// Its name, or the path of its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The colour depth it was made for.
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// The style of a role. Patch it over what is there: it leaves out what the theme does not set.
    pub fn style(&self, role: Role) -> Style {
        Role::ALL
            .iter()
            .position(|(r, ..)| *r == role)
            .and_then(|index| self.styles.get(index))
            .copied()
            .unwrap_or_default()
    }
}

fn built_in_text(name: &str) -> Result<&'static str, ThemeError> {
    BUILT_IN.iter().find(|(n, _)| *n == name).map(|(_, text)| *text).ok_or_else(|| ThemeError::Unknown {
        name: crate::series::text::clean(name, 60),
        known: Theme::names().collect::<Vec<_>>().join(", "),
    })
}

fn resolve(layers: &[ThemeFile], role: Role, depth: Depth) -> Style {
    if depth == Depth::Mono {
        return Style::new().add_modifier(role.mono());
    }
    let look = find(layers, role);
    let mut style = Style::new().add_modifier(look.attributes);
    if role == Role::Selection && look == Look::default() {
        style = style.add_modifier(Modifier::REVERSED);
    }
    style.fg = look.fg.and_then(|c| color::quantise(c, depth));
    style.bg = look.bg.and_then(|c| color::quantise(c, depth));
    style
}

fn find(layers: &[ThemeFile], role: Role) -> Look {
    let mut role = role;
    loop {
        if let Some(look) = layers.iter().find_map(|l| l.roles.get(&role)) {
            return *look;
        }
        if role == Role::Text || role == Role::Selection {
            return Look::default();
        }
        role = role.fallback();
    }
}
