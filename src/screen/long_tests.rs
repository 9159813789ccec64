//! Hours of frames: whatever is shown and pressed, the screen's memory stays, and so does what it writes.
//!
//! An ordinary run draws twenty minutes of ten frames a second, after a quarter of an hour for everything to be up once;
//! `WEESCALE_FRAMES=288000` draws eight hours.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixture;
use super::glyphs::{GlyphSet, Glyphs};
use super::state::ScreenState;
use super::terminal::Painter;
use super::theme::{Depth, Theme};
use super::{Event, Key, Keymap, PanelContext, SizeClass, draw, update};
use crate::clock::Monotonic;
use crate::view::{Notice, NoticeLevel, View};

const CHILD: &str = "WEESCALE_FRAMES_CHILD";
const FRAMES: usize = 12_000;
/// Frames after which every panel, sheet and menu has been up at every size: nothing more grows after about 9 000.
const FIRST: usize = 10_000;
/// Keys a person goes through panels and sheets with; none of them ends the screen.
const KEYS: [&str; 28] = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "tab",
    "shift-tab",
    "enter",
    "esc",
    "?",
    "down",
    "up",
    "pgdn",
    "/",
    "s",
    "h",
    "backspace",
    "space",
    "F1",
    "j",
    "k",
    "a",
    "r",
    "n",
];
const SIZES: [(u16, u16); 4] = [(120, 40), (200, 50), (80, 24), (40, 10)];

/// Memory this process has resident, bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

/// The next view of the engine: later, with other values and notices, and now and then another list.
fn next(view: &mut View, number: usize, random: &mut fastrand::Rng) {
    view.tick += 1;
    view.at = view.at + Duration::from_millis(100);
    for row in &mut view.services.data {
        row.demand.value = row.demand.value.map(|v| v * random.f64().mul_add(0.02, 0.99));
    }
    view.services.data.rotate_left(usize::from(number.is_multiple_of(50)));
    let text = format!("notice {number}");
    view.notices.push(Notice { seq: number as u64, at: view.at, level: NoticeLevel::Info, text });
    if view.notices.len() > 50 {
        view.notices.remove(0);
    }
}

/// Draws so many frames, with a key before every third; the bytes written.
fn frames(count: usize, screen: &mut (ScreenState, View, Painter), random: &mut fastrand::Rng) -> usize {
    let (state, view, painter) = screen;
    let theme = Theme::built_in("terminal", Depth::True).unwrap();
    let (glyphs, keymap) = (Glyphs::new(GlyphSet::Braille), Keymap::default());
    let mut written = 0;
    for number in 0..count {
        next(view, number, random);
        let at = Monotonic::from_duration(Duration::from_millis(view.tick * 100));
        update(state, &keymap, Event::View, view);
        if number.is_multiple_of(3) {
            let key = Key::parse(KEYS[random.usize(..KEYS.len())]).unwrap();
            update(state, &keymap, Event::Key { key, at }, view);
        }
        if number.is_multiple_of(100) {
            let (width, height) = SIZES[random.usize(..SIZES.len())];
            update(state, &keymap, Event::Resize(width, height), view);
        }
        let area = Rect::new(0, 0, state.size.0, state.size.1);
        let (mut buffer, size) = (Buffer::empty(area), SizeClass::of(area));
        let ctx =
            PanelContext { view, state, theme: &theme, glyphs: &glyphs, keymap: &keymap, now: view.at, size };
        draw(&ctx, area, &mut buffer);
        written += painter.frame(buffer).unwrap().len();
        update(state, &keymap, Event::Painted(at), view);
    }
    written
}

/// The child, in which nothing else takes memory. Does nothing when run as a test.
#[test]
fn frames_child() {
    let Ok(count) = std::env::var(CHILD) else { return };
    let mut random = fastrand::Rng::with_seed(3);
    let mut screen = (ScreenState::default(), fixture::view(), Painter::new());
    update(&mut screen.0, &Keymap::default(), Event::Resize(120, 40), &screen.1);
    frames(FIRST, &mut screen, &mut random);
    let before = resident();
    let count: usize = count.parse().unwrap();
    let written = frames(count, &mut screen, &mut random);
    println!("grew {} bytes, wrote {} a frame.", resident().saturating_sub(before), written / count);
}

#[test]
fn hours_of_frames_take_no_more_memory_than_minutes() {
    let asked = std::env::var("WEESCALE_FRAMES").ok();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["screen::long_tests::frames_child", "--exact", "--nocapture"])
        .env(CHILD, asked.clone().unwrap_or_else(|| FRAMES.to_string()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    let line = said.lines().find(|l| l.contains("grew")).unwrap_or_else(|| panic!("{said}"));
    println!("{line}");
    let number = |after: &str| -> usize {
        let rest = line.split_once(after).unwrap().1;
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    // Sixty bytes kept of each frame are 1.2 MB by then, beyond what the allocator has free (measured), and 17 MB after eight
    // hours; without, there are at most a few pages.
    let most = if asked.is_some() { 3 << 20 } else { 256 << 10 };
    assert!(number("grew ") < most, "{line}");
    assert!(number("wrote ") < 20_000, "{line}");
}
