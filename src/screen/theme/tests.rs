//! Every theme that comes with weescale can be read, by everyone.

use ratatui::style::{Color, Modifier};

use super::{Depth, Role, Theme};

fn rgb(color: Option<Color>) -> Option<[f64; 3]> {
    match color? {
        Color::Rgb(r, g, b) => Some([r, g, b].map(linear)),
        _ => None,
    }
}

/// sRGB to linear light (IEC 61966-2-1).
fn linear(v: u8) -> f64 {
    let v = f64::from(v) / 255.0;
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

fn luminance([r, g, b]: [f64; 3]) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Contrast ratio (WCAG 2.2).
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Linear light to CIE L*a*b*, D65.
fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
    let y = f(luminance([r, g, b]));
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Full protanopia, deuteranopia, tritanopia (Machado, Oliveira, Fernandes 2009).
const VISIONS: [[[f64; 3]; 3]; 3] = [
    [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ],
    [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ],
    [
        [1.255_528, -0.076_749, -0.178_779],
        [-0.078_411, 0.930_809, 0.147_602],
        [0.004_733, 0.691_367, 0.303_900],
    ],
];

fn seen(vision: &[[f64; 3]; 3], c: [f64; 3]) -> [f64; 3] {
    vision.map(|row| (row[0] * c[0] + row[1] * c[1] + row[2] * c[2]).clamp(0.0, 1.0))
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (lab(a), lab(b));
    a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn contrast_is_enough() {
    for name in ["dark", "light", "high-contrast", "colour-blind"] {
        let theme = Theme::built_in(name, Depth::True).unwrap();
        let ground = theme.style(Role::Text).bg;
        for (role, key, _) in Role::ALL {
            let style = theme.style(role);
            let (Some(fg), Some(bg)) = (rgb(style.fg), rgb(style.bg.or(ground))) else {
                panic!("{name}: {key} has no colour");
            };
            // WCAG 2.2: 4.5 for text, 3 for graphics; 7 where high contrast is promised. The lowest steps of the
            // ramp are meant to recede.
            let graphics = key.starts_with("fan") || key.starts_with("border") || key.starts_with("heat");
            let need = match (name, graphics) {
                ("high-contrast", false) => 7.0,
                (_, false) => 4.5,
                _ if key.starts_with("heat") => 2.0,
                _ => 3.0,
            };
            assert!(contrast(fg, bg) >= need, "{name}: {key} has contrast {:.2} < {need}", contrast(fg, bg));
        }
    }
}

#[test]
fn states_are_told_apart_with_any_colour_vision() {
    let theme = Theme::built_in("colour-blind", Depth::True).unwrap();
    let roles = [Role::Ok, Role::Warn, Role::Bad, Role::Text];
    for vision in VISIONS {
        for (i, a) in roles.iter().enumerate() {
            for b in &roles[i + 1..] {
                let colour = |r: &Role| seen(&vision, rgb(theme.style(*r).fg).unwrap());
                let d = distance(colour(a), colour(b));
                assert!(d >= 20.0, "{a:?} and {b:?} are {d:.1} apart");
            }
        }
    }
}

#[test]
fn heat_is_ordered_by_lightness_alone() {
    for name in ["dark", "light", "high-contrast", "colour-blind"] {
        let theme = Theme::built_in(name, Depth::True).unwrap();
        let lightness: Vec<f64> =
            Role::HEAT.iter().map(|r| luminance(rgb(theme.style(*r).fg).unwrap())).collect();
        let up = lightness.windows(2).all(|w| w[0] < w[1]);
        let down = lightness.windows(2).all(|w| w[0] > w[1]);
        assert!(up || down, "{name}: {lightness:?}");
    }
}

#[test]
fn mono_has_no_colour_and_shows_the_selection() {
    for name in Theme::names() {
        let theme = Theme::built_in(name, Depth::Mono).unwrap();
        for (role, key, _) in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {key}");
        }
        assert!(theme.style(Role::Selection).add_modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn every_depth_has_only_its_colours() {
    for name in Theme::names() {
        for depth in [Depth::Ansi, Depth::Indexed] {
            let theme = Theme::built_in(name, depth).unwrap();
            for (role, key, _) in Role::ALL {
                for colour in [theme.style(role).fg, theme.style(role).bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..)), "{name} {key}");
                    assert!(depth == Depth::Indexed || !matches!(colour, Color::Indexed(_)), "{name} {key}");
                }
            }
        }
    }
}

#[test]
fn what_is_left_out_looks_like_its_fallback() {
    let theme = Theme::parse("[roles]\nwarn = \"red\"", "t.toml", Depth::Ansi).unwrap();
    assert_eq!(theme.style(Role::Bad).fg, Some(Color::Red));
    assert_eq!(theme.style(Role::Crossing).fg, Some(Color::Red));
    assert_eq!(theme.style(Role::Ok).fg, None);
    let child = "inherits = \"light\"\n[roles]\nok = { fg = \"blue\", bold = true }";
    let theme = Theme::parse(child, "t.toml", Depth::Ansi).unwrap();
    assert_eq!(theme.style(Role::Ok).fg, Some(Color::Blue));
    assert!(theme.style(Role::Text).bg.is_some());
}

#[test]
fn errors_name_file_key_and_fix() {
    let message = |text: &str| Theme::parse(text, "my.toml", Depth::True).unwrap_err().to_string();
    let all = [
        (message("[roles]\nwran = \"red\""), "roles.wran", "roles are"),
        (message("[roles]\nwarn = \"rde\""), "roles.\"warn\"", "#rrggbb"),
        (message("[roles]\nwarn = { fg = \"red\", blink = true }"), "blink", "a role has"),
        (message("[palette]\nx = 3"), "palette.x", "#rrggbb"),
        (message("role = 1"), "role", "a theme file has"),
        (message("[roles"), "line 1", ""),
        (message("[roles]\nwarn = { bold = 3 }"), "bold", "true or false"),
    ];
    for (message, key, fix) in all {
        assert!(message.contains("my.toml") && message.contains(key) && message.contains(fix), "{message}");
    }
    assert!(message("inherits = \"nope\"").contains("there is no theme nope; themes are terminal, dark"));
}
