//! Recordings made, cut, replayed, and attacked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::journal::{Encoder, Entry, FrameError, FrameFile, Journal, Keep, Kind, NewFrame};
use crate::report::{Incident, html, markdown};
use crate::screen::fixture;
use crate::series::text::{clean, is_inert};
use crate::view::{Command, JournalLine, Notice, NoticeLevel, ProposalId, ReplayWish, View};

use super::{NOTHING_EXECUTES, Recording, play};

/// Drives a terminal, reorders text, breaks out of HTML and of Markdown.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{202e}<script>alert(1)</script>\u{9b}2J";

fn moments() -> Vec<View> {
    (0..12u64)
        .map(|i| {
            let mut view = fixture::view();
            view.at = view.at + Duration::from_secs(i * 10);
            view.tick = i;
            view.notices.push(Notice {
                seq: i + 100,
                at: view.at,
                level: NoticeLevel::Info,
                text: format!("{HOSTILE} token=s3cr3ts3cr3t {i}"),
            });
            if let Some(row) = view.services.data.first_mut() {
                row.demand.value = Some(1000.0 + i as f64);
                row.team = HOSTILE.into();
            }
            view
        })
        .collect()
}

fn recorded(folder: &Path) -> PathBuf {
    let path = folder.join("journal.db");
    let mut journal = Journal::open(&path).unwrap();
    let mut encoder = Encoder::new(journal.next_frame_group().unwrap());
    for (i, view) in moments().into_iter().enumerate() {
        if i == 5 {
            let entry = Entry::new(Kind::Approve, format!("p-1 {HOSTILE}"), json!({ "password": "hunter2" }));
            journal.append(view.at, &[entry.by("ann")]).unwrap();
        }
        let encoded = encoder.encode(serde_json::to_value(&view).unwrap()).unwrap();
        let mark = if i == 5 { "approve: p-1".to_owned() } else { String::new() };
        assert!(journal.store_frame(&NewFrame { at: view.at, mark, encoded }, Keep::default()).unwrap());
    }
    path
}

fn bundled(folder: &Path) -> PathBuf {
    let bundle = folder.join("incident.wee");
    let mut file = Recording::journal(&recorded(folder), None, None).unwrap().into_file();
    let cut = file.cut(&bundle, 64 << 20, &mut |_| {}).unwrap();
    assert_eq!((cut.frames, cut.thinned, cut.records), (12, 0, 1));
    assert!(cut.redacted > 12, "{}", cut.redacted);
    bundle
}

fn all(recording: &mut Recording) -> Vec<Arc<View>> {
    (0..recording.frames().len()).map(|i| recording.view(i).unwrap()).collect()
}

/// The same but for the digits of fractions that no picture shows, and line ends, which become spaces.
fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            (x - y).abs() <= 1e-6 * x.abs().max(y.abs())
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w)))
        }
        (Value::String(x), Value::String(y)) => *x == clean(&y.replace(['\n', '\t'], " "), 4096),
        _ => a == b,
    }
}

#[test]
fn views_survive_the_journal_but_for_what_drives_terminals() {
    let folder = tempfile::tempdir().unwrap();
    let mut recording = Recording::journal(&recorded(folder.path()), None, None).unwrap();
    let read = all(&mut recording);
    for (mut view, mut made) in read.into_iter().map(|v| View::clone(&v)).zip(moments()) {
        let inert = |v: &View| serde_json::to_string(v).unwrap().chars().all(is_inert);
        assert!(inert(&view) && !inert(&made));
        for v in [&mut view, &mut made] {
            v.notices.clear();
            v.services.data[0].team = "".into();
        }
        let (a, b) = (serde_json::to_value(&view).unwrap(), serde_json::to_value(&made).unwrap());
        let differ: Vec<_> =
            a.as_object().unwrap().iter().filter(|(k, v)| !same(v, &b[k.as_str()])).collect();
        assert!(differ.is_empty(), "{differ:?}");
    }
}

#[test]
fn bundles_hold_no_secret_and_replay_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundled(folder.path());
    let bytes = std::fs::read(&bundle).unwrap();
    assert!(!bytes.windows(7).any(|w| w == b"hunter2"));
    let (mut one, mut two) = (Recording::bundle(&bundle).unwrap(), Recording::bundle(&bundle).unwrap());
    let (first, second) = (all(&mut one), all(&mut two));
    assert_eq!(first, second);
    for view in &first {
        let text = serde_json::to_string(view.as_ref()).unwrap();
        assert!(!text.contains("s3cr3t") && text.chars().all(is_inert));
    }
    // Backwards is the same frames too.
    for i in (0..12).rev() {
        assert_eq!(two.view(i).unwrap(), first[i]);
    }
    assert!(one.records()[0].body.to_string().contains("[redacted]"));
    let again = one.into_file().cut(&bundle, 1 << 20, &mut |_| {});
    assert!(matches!(again, Err(FrameError::Io { .. })), "a file that is there is not touched");
    assert_eq!(std::fs::read(&bundle).unwrap(), bytes);
}

#[test]
fn damaged_cut_and_foreign_files_get_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundled(folder.path());
    let bytes = std::fs::read(&bundle).unwrap();
    let target = folder.path().join("hurt.wee");
    let opened = |content: &[u8]| {
        std::fs::write(&target, content).unwrap();
        FrameFile::bundle(&target)
    };
    let mut random = fastrand::Rng::with_seed(7);
    for cut in (0..16).map(|i| bytes.len() * i / 16).chain([1, 15, 16, 71, 72, 99, 100, bytes.len() - 1]) {
        let error = opened(&bytes[..cut]).expect_err("a truncated bundle").to_string();
        assert!(!error.contains('\n') && error.chars().all(is_inert), "{error}");
    }
    let mut silent = 0;
    for _ in 0..24 {
        let mut hurt = bytes.clone();
        let at = random.usize(..hurt.len());
        hurt[at] ^= 1 << random.u8(..8);
        if let Err(error) = opened(&hurt) {
            assert!(!error.to_string().contains('\n'), "{error}");
        } else {
            // What no content hangs on (free room in a page, counters in the head) may change; the content may not.
            let mut recording = Recording::bundle(&target).unwrap();
            assert_eq!(all(&mut recording), all(&mut Recording::bundle(&bundle).unwrap()));
            silent += 1;
        }
    }
    assert!(silent < 12, "most flips are noticed: {silent} were not");
    for content in [&b""[..], b"not a database at all", &[0; 4096]] {
        assert!(matches!(opened(content), Err(FrameError::NotABundle(_))));
    }
    let journal = FrameFile::bundle(&folder.path().join("journal.db"));
    assert!(matches!(journal, Err(FrameError::NotABundle(_))), "a journal is no bundle");
    let mut newer = bytes.clone();
    newer[63] = 9; // user_version, big-endian, at 60
    assert!(matches!(opened(&newer), Err(FrameError::Newer { found: 9, .. })));
    let link = folder.path().join("link.wee");
    std::os::unix::fs::symlink(&bundle, &link).unwrap();
    assert!(matches!(FrameFile::bundle(&link), Err(FrameError::NotABundle(_))));
}

#[test]
fn intervals_without_frames_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = recorded(folder.path());
    let late = fixture::view().at + Duration::from_secs(90_000);
    let error = Recording::journal(&path, Some(late), None).unwrap_err().to_string();
    assert!(error.contains("nothing was recorded after"), "{error}");
    let from = fixture::view().at + Duration::from_secs(20);
    let part = Recording::journal(&path, Some(from), Some(from + Duration::from_secs(50))).unwrap();
    assert_eq!(part.frames().len(), 6);
}

#[tokio::test]
async fn every_wish_that_executes_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::bundle(&bundled(folder.path())).unwrap();
    let mut replay = play(recording, Clock::real()).unwrap();
    let proposal = ProposalId::new("p-1");
    for command in [
        Command::Approve { proposal: proposal.clone(), hash: "x".into(), typed: None },
        Command::Snooze { proposal, duration: Duration::from_secs(1) },
        Command::PollNow,
        Command::HandOver("ann".into()),
    ] {
        replay.view.borrow_and_update();
        replay.commands.send(command).await.unwrap();
        replay.view.changed().await.unwrap();
        assert_eq!(replay.view.borrow().notices[0].text, NOTHING_EXECUTES);
    }
    replay.view.borrow_and_update();
    replay.commands.send(Command::Replay(ReplayWish::Next)).await.unwrap();
    replay.view.changed().await.unwrap();
    let state = replay.view.borrow().header.replay.clone().unwrap();
    assert_eq!((state.frame, state.mark.as_str()), (6, "approve: p-1"));
}

#[test]
fn reports_keep_hostile_text_inert() {
    let folder = tempfile::tempdir().unwrap();
    let mut recording = Recording::bundle(&bundled(folder.path())).unwrap();
    let line = |text: String| JournalLine {
        seq: 1,
        at: fixture::view().at,
        kind: "approve".into(),
        user: "<img src=x onerror=alert(1)>".into(),
        text,
    };
    let told = recording.records()[0].text.clone();
    let mut incident = Incident::new(vec![line(told), line("a | b [x](javascript:alert(1))".into())], None);
    for view in all(&mut recording) {
        incident.frame(&view);
    }
    let incident = incident.finish().unwrap();
    let (page, text) = (html(&incident), markdown(&incident, &[]));
    for out in [&page, &text] {
        assert!(!out.contains("<script") && !out.contains("<img"), "{out}");
        assert!(out.lines().all(|l| l.chars().all(is_inert)));
    }
    assert!(!text.contains("[x]("), "no link comes from a record");
    assert!(page.contains("<svg") && !page.contains("href"));
    let missing = Incident::new(Vec::new(), Some("op-9".into())).finish().unwrap_err();
    assert!(missing.contains("op-9"), "{missing}");
}
