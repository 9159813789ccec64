//! How the screen looks, from flags, configuration and environment.

use crate::config::{Problem, Settings};
use crate::scrape::read_plain_text;
use crate::screen::glyphs::GlyphSet;
use crate::screen::theme::{Depth, Theme};
use crate::screen::{Bindings, Keymap, KeymapError, PanelId, ScreenOptions};
use crate::{config, telemetry};

use super::args::{Color, Live};
use super::exit::Failure;
use super::picture;

/// Largest theme file read.
const MAX_THEME: u64 = 256 << 10;

/// Where log lines go while a screen is shown. A file that was named must be usable.
pub fn logs(live: &Live) -> Result<(), Failure> {
    match &live.log {
        Some(file) => telemetry::init(true, Some(file)),
        None => telemetry::init_or_panel(config::log_path().as_deref()),
    }
    .map_err(Failure::other)
}

/// Options of the screen; must be called inside a runtime.
pub fn options(live: &Live, settings: &Settings) -> Result<ScreenOptions, Failure> {
    let var = |name: &str| std::env::var(name).ok();
    let flag = match live.color {
        Color::Auto => None,
        Color::Never => Depth::from_name("mono"),
        Color::Ansi => Depth::from_name("16"),
        Color::Indexed => Depth::from_name("256"),
        Color::Truecolor => Depth::from_name("truecolor"),
    };
    let depth = Depth::decide(flag, None, var);
    Ok(ScreenOptions {
        theme: theme(settings.theme.as_deref(), depth)?,
        glyphs: GlyphSet::decide(None, var),
        keymap: keymap(settings).map_err(|e| Failure::Usage(format!("configuration [keys]: {e}")))?,
        panel: PanelId::Status,
        pictures: Some(picture::start()),
        spot: None,
        answers: None,
    })
}

fn keymap(settings: &Settings) -> Result<Keymap, KeymapError> {
    let bindings: Bindings =
        settings.keys.iter().map(|(action, key)| (action.clone(), vec![key.clone()])).collect();
    Keymap::new(&bindings)
}

/// What of the configuration a screen could not be shown with.
pub fn problems(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Err(error) = keymap(settings) {
        let text = error.to_string();
        let (field, what) = text.split_once(": ").unwrap_or(("keys", &text));
        problems.push(Problem::new(field, what));
    }
    let depth = Depth::from_name("mono").unwrap_or_default();
    if let Err(failure) = theme(settings.theme.as_deref(), depth) {
        problems.push(Problem::new("theme", failure.to_string()));
    }
    problems
}

fn theme(name: Option<&str>, depth: Depth) -> Result<Theme, Failure> {
    let name = name.unwrap_or("terminal");
    if Theme::names().any(|known| known == name) {
        return Theme::built_in(name, depth).map_err(Failure::other);
    }
    let names = Theme::names().collect::<Vec<_>>().join(", ");
    let unknown =
        |why: String| Failure::Usage(format!("theme {name:?}: {why}; give a file or one of {names}"));
    let text = read_plain_text(std::path::Path::new(name), MAX_THEME).map_err(|e| unknown(e.to_string()))?;
    Theme::parse(&text, name, depth).map_err(|e| Failure::Usage(e.to_string()))
}
