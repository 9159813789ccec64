//! `weescale lessons`: what was learned, as a signed file for others, and theirs for us. Shapes of days travel with them.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use crate::clock::Clock;
use crate::engine::{current_person, current_tty, imported};
use crate::forecast::pooled::Shape;
use crate::journal::{Journal, JournalError, Kind, latest};
use crate::learning::share::{self, MOST_BYTES, Shared, SharedShape};
use crate::replay::Recording;
use crate::scrape::read_plain;
use crate::session::{Desk, SessionError};
use crate::view::{Caller, Command, Learnt, Lesson, Stance};

use super::args::Live;
use super::exit::{Failure, Outcome};
use super::{journal, live, out, wish};

/// Largest key file read, bytes.
const KEY: u64 = 4096;

/// `weescale lessons`.
#[derive(Clone, Debug, Args)]
pub struct Lessons {
    /// What to do with them.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with lessons.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Show them, with what was made of each
    List,
    /// Sign what was learned here and write it to a file, muted ones and those of others left out; with the shapes of the
    /// fleet's days (how demand moves, without names or levels), by which others forecast young services
    Export {
        /// The file to make
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Who says so [default: the name of the context]
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// The key to sign with; made if it is not there [default: beside the journal]
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Leave the shapes out
        #[arg(long)]
        no_shapes: bool,
    },
    /// Take a signed file in: lessons as candidates, shapes to forecast young services by
    Import {
        /// The file
        file: PathBuf,
        /// The key it must be signed with, if the configuration does not name it: ed25519:…
        #[arg(long, value_name = "KEY")]
        trust: Option<String>,
    },
    /// Print the name of the key that exports are signed with, for others to trust
    Key {
        /// The key; made if it is not there [default: beside the journal]
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// Does what was asked.
pub async fn run(live: &Live, args: &Lessons) -> Outcome {
    match &args.action {
        Action::List => list(live).await,
        Action::Export { output, source, key, no_shapes } => {
            let shapes = if *no_shapes { Vec::new() } else { shapes(live)? };
            export(live, output, source.as_deref(), key.as_deref(), shapes).await
        }
        Action::Import { file, trust } => import(live, file, trust.as_deref()).await,
        Action::Key { key } => {
            let name = share::name_of_key(&signing_key(live, key.as_deref())?).map_err(Failure::other)?;
            out::print(&format!("{name}\n"))
        }
    }
}

/// Lessons of the running engine, or of the latest frame of the journal.
async fn current(live: &Live) -> Result<(String, Vec<Lesson>), Failure> {
    let (path, named) = wish::socket(&live::settings(live)?)?;
    match Desk::to_look(&path, named).await {
        Ok(mut desk) => {
            let view = desk.view().await.map_err(Failure::other)?;
            Ok((view.header.context.name, view.lessons.data))
        }
        Err(SessionError::Absent { .. }) => {
            let refused = |e: crate::replay::ReplayError| Failure::Other(e.to_string());
            let mut recording = Recording::journal(&journal::path(live)?, None, None).map_err(refused)?;
            let last = recording.frames().len().saturating_sub(1);
            let view = recording.view(last).map_err(refused)?;
            Ok((view.header.context.name.clone(), view.lessons.data.clone()))
        }
        Err(error) => Err(Failure::other(error)),
    }
}

async fn list(live: &Live) -> Outcome {
    let (_, lessons) = current(live).await?;
    let lines = lessons.iter().map(|l| {
        let word = match l.stance {
            Stance::Candidate => "candidate",
            Stance::Adopted => "adopted",
            Stance::Muted => "muted",
        };
        let by = l.said.as_ref().map_or_else(String::new, |(by, _)| format!(" by {by}"));
        let from = if l.source.is_empty() { String::new() } else { format!("; from {}", l.source) };
        let (low, high) = (l.interval.0 * 100.0, l.interval.1 * 100.0);
        format!("{} {word}{by}: {} ({low:.0} to {high:.0} %){from}\n", l.key, l.rule)
    });
    let text: String = lines.collect();
    let none = "no lesson yet: rules need at least five outcomes of one kind\n";
    out::print(if text.is_empty() { none } else { &text })
}

/// The shapes of the fleet, as the engine journals them once a day; none where there is no journal that can be read.
fn shapes(live: &Live) -> Result<Vec<SharedShape>, Failure> {
    let Some(path) = live::settings(live)?.journal.filter(|path| path.exists()) else {
        return Ok(Vec::new());
    };
    let record = latest(&path, Kind::Shapes).map_err(|e| {
        Failure::Other(format!("the shapes cannot be read: {e}; --no-shapes leaves them out"))
    })?;
    let shapes = record.and_then(|r| r.body.get("shapes").cloned());
    Ok(shapes.and_then(|s| serde_json::from_value(s).ok()).unwrap_or_default())
}

/// What shapes are shared, in words, a line each.
fn told(shapes: &[SharedShape]) -> String {
    let line = |s: &SharedShape| {
        let words = Shape::from_per_mille(&s.quarters).map_or_else(String::new, |shape| shape.words(&s.zone));
        format!("  {}: {words}\n", share::words(std::slice::from_ref(s)))
    };
    if shapes.is_empty() {
        return "  no shape: they are made of services with two weeks of history, and journalled once a day\n".into();
    }
    shapes.iter().map(line).collect()
}

async fn export(
    live: &Live,
    output: &Path,
    source: Option<&str>,
    key: Option<&Path>,
    shapes: Vec<SharedShape>,
) -> Outcome {
    let (context, lessons) = current(live).await?;
    let own = lessons.into_iter().filter(|l| l.source.is_empty() && l.stance != Stance::Muted);
    let own: Vec<Learnt> = own.filter_map(|l| l.learnt).collect();
    let pair = signing_key(live, key)?;
    let shared = Shared { lessons: own, shapes };
    let text = share::seal(source.unwrap_or(&context), shared, Clock::real().now(), &pair)
        .map_err(|e| Failure::Other(e.to_string()))?;
    let name = share::name_of_key(&pair).map_err(Failure::other)?;
    let pack = share::open(&text, std::slice::from_ref(&name)).map_err(Failure::other)?;
    write_new(output, text.as_bytes(), 0o644)
        .map_err(|e| Failure::Other(format!("{}: {e}", output.display())))?;
    out::print(&format!(
        "{}: {} of {}, signed with {name}\n{}tell whoever takes them in that key by another way; they run: \
         weescale lessons import FILE --trust {name}\n",
        output.display(),
        pack.words(),
        pack.source,
        told(&pack.shapes),
    ))
}

async fn import(live: &Live, file: &Path, trust: Option<&str>) -> Outcome {
    let shown = file.display();
    let bytes = read_plain(file, MOST_BYTES as u64).map_err(|e| Failure::Usage(format!("{shown}: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::Usage(format!("{shown}: it is no text")))?;
    let settings = live::settings(live)?;
    let mut trusted = settings.trusted_keys.clone();
    trusted.extend(trust.map(str::to_owned));
    let pack = share::open(&text, &trusted).map_err(|e| Failure::Usage(format!("{shown}: {e}")))?;
    let (path, named) = wish::socket(&settings)?;
    match Desk::to_wish(&path, named).await {
        Ok(mut desk) => {
            // The engine looks for itself: it has its own idea of whom to trust, and the person's.
            let command = Command::ImportLessons { text, trust: Some(pack.key) };
            let answer = desk.wish(command).await.map_err(Failure::other)?;
            if !answer.accepted {
                return Err(Failure::Other(answer.text));
            }
            out::print(&format!("{}\n", answer.text))
        }
        Err(SessionError::Absent { .. }) => {
            let place = settings.journal.ok_or_else(|| {
                Failure::Usage(
                    "no engine runs, and there is no journal; say which with --journal FILE".into(),
                )
            })?;
            let mut journal = Journal::open(&place).map_err(|e| match e {
                JournalError::Busy(_) => Failure::Other(format!(
                    "{e}; it has no socket to be told by: stop it first, or run it as `weescale serve`"
                )),
                other => Failure::other(other),
            })?;
            let caller = Caller { person: current_person(), tty: current_tty(), company: None };
            let entry = imported(&pack, &caller);
            let said = entry.text.clone();
            journal.append(Clock::real().now(), &[entry]).map_err(Failure::other)?;
            let shapes = if pack.shapes.is_empty() { "" } else { "; shapes are used from the next start on" };
            out::print(&format!("{said}; lessons do nothing until somebody adopts them{shapes}\n"))
        }
        Err(error) => Err(Failure::other(error)),
    }
}

/// The key in PKCS #8, made if it is not there.
fn signing_key(live: &Live, given: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let path = if let Some(path) = given {
        path.to_owned()
    } else {
        let journal = live::settings(live)?.journal;
        let none = || Failure::Usage("no folder for the key: give it with --key FILE".into());
        journal.ok_or_else(none)?.with_file_name("lessons.key")
    };
    let failed = |e: std::io::Error| Failure::Other(format!("{}: {e}", path.display()));
    match std::fs::symlink_metadata(&path) {
        Ok(meta) if !meta.is_file() || meta.mode() & 0o077 != 0 => Err(Failure::Usage(format!(
            "{}: a key must be a plain file that only you can read: chmod 600",
            path.display()
        ))),
        Ok(_) => read_plain(&path, KEY).map_err(failed),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
            let made = made.map_err(|_| Failure::Other("the system gives no random numbers".into()))?;
            if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
            }
            write_new(&path, made.as_ref(), 0o600).map_err(failed)?;
            Ok(made.as_ref().to_vec())
        }
        Err(e) => Err(failed(e)),
    }
}

/// Makes a file; one that is there is not touched.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lessons.key");
        let live = Live::default();
        let first = signing_key(&live, Some(&path)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(signing_key(&live, Some(&path)).unwrap(), first);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(signing_key(&live, Some(&path)).is_err(), "others can read it");
        assert!(share::name_of_key(&first).unwrap().starts_with("ed25519:"));
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("there");
        std::fs::write(&path, "old").unwrap();
        assert!(write_new(&path, b"x", 0o600).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    }
}
