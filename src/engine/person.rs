//! The person at the keyboard, as the operating system names them.

use std::io::Read;
use std::sync::Arc;

use crate::approval::Person;
use crate::config::Settings;
use crate::series::text::clean;

use super::EngineError;

/// The user database.
const USERS: &str = "/etc/passwd";
/// Most of it that is read, bytes.
const LARGEST: u64 = 16 << 20;

/// User id from the kernel; the name from the user database, as a label only. `$USER` is not asked: it can lie.
pub fn current() -> Person {
    let uid = rustix::process::getuid().as_raw();
    Person { uid, name: name_of(uid) }
}

/// The terminal of this process: `pts/3`; empty without one.
pub fn tty() -> String {
    let link = std::fs::read_link("/proc/self/fd/0").unwrap_or_default();
    let name = link.to_string_lossy().strip_prefix("/dev/").map(|name| clean(name, 32)).unwrap_or_default();
    if name.starts_with("pts/") || name.starts_with("tty") { name } else { String::new() }
}

/// The login name of a user id, as a label.
pub fn name_of(uid: u32) -> String {
    let known = database().ok().and_then(|bytes| users(&bytes).find(|(_, id)| *id == uid));
    known.map_or_else(|| format!("uid {uid}"), |(name, _)| name)
}

fn database() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(USERS)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Names and user ids, line by line: a line that is no text, or no user, spoils no other.
fn users(bytes: &[u8]) -> impl Iterator<Item = (String, u32)> {
    bytes.split(|b| *b == b'\n').filter_map(|line| {
        let line = String::from_utf8_lossy(line);
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some((clean(name, 64), fields.nth(1)?.parse().ok()?))
    })
}

/// The user ids of those who learn. By these they are known from then on: names of a directory service are not known here,
/// and whoever has no name here must not decide for that.
pub fn learners(settings: &Settings) -> Result<Vec<u32>, EngineError> {
    found(&settings.learners, &database())
}

fn found(learners: &[String], database: &std::io::Result<Vec<u8>>) -> Result<Vec<u32>, EngineError> {
    let mut uids = Vec::new();
    for (i, learner) in learners.iter().map(|l| l.trim()).enumerate() {
        if let Ok(uid) = learner.parse() {
            uids.push(uid);
            continue;
        }
        let wrong = |why| EngineError::Setting { field: format!("session.learners[{i}]"), why };
        let bytes = database.as_ref().map_err(|e| {
            wrong(format!("who {learner:?} is cannot be read from {USERS} ({e}); give the uid"))
        })?;
        let before = uids.len();
        uids.extend(users(bytes).filter(|(name, _)| name == learner).map(|(_, uid)| uid));
        if uids.len() == before {
            return Err(wrong(format!("{learner:?}: no such user; give the uid")));
        }
    }
    Ok(uids)
}

/// Who learns, and the settings with the names that people of teams and learners go by elsewhere in place of user ids.
pub fn known(mut settings: Settings) -> Result<(Vec<u32>, Arc<Settings>), EngineError> {
    let uids = learners(&settings)?;
    let people = settings.teams.iter_mut().flat_map(|team| &mut team.people);
    for person in people.chain(&mut settings.learners) {
        if let Ok(uid) = person.trim().parse() {
            *person = name_of(uid);
        }
    }
    Ok((uids, Arc::new(settings)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learners_are_found_by_name_or_uid_and_who_is_not_found_is_an_error() {
        let text =
            b"root:x:0:0::/:\nbr\xffken:x:7:7\nshort\n:x:9:9\nlea:x:1001:1001::/home/lea:/bin/sh\n".to_vec();
        let of = |names: &[&str], database: &std::io::Result<Vec<u8>>| {
            found(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>(), database)
        };
        let known = Ok(text);
        assert_eq!(of(&["lea", "4321"], &known).unwrap(), [1001, 4321], "also by a uid without a name");
        let unknown = of(&["4321", "zoe"], &known).unwrap_err().to_string();
        assert_eq!(unknown, "session.learners[1]: \"zoe\": no such user; give the uid");
        let unreadable = || Err(std::io::Error::other("gone"));
        assert!(
            of(&["lea"], &unreadable()).unwrap_err().to_string().contains("gone"),
            "nobody decides for that"
        );
        assert_eq!(of(&["7"], &unreadable()).unwrap(), [7]);
        assert!(of(&[], &unreadable()).unwrap().is_empty());
    }

    #[test]
    fn people_of_teams_and_learners_go_by_name_however_they_are_configured() {
        let mut settings = crate::config::load_without_file(&crate::config::Given::default()).unwrap();
        let people = ["0", " 0 ", "ann"].map(str::to_owned).to_vec();
        settings.teams = vec![crate::config::TeamRule {
            name: "shop".into(),
            people,
            services: vec![],
            quiet: crate::config::Quiet::default(),
            decisions_per_week: None,
        }];
        settings.learners = vec!["4000000000".into()];
        let (uids, settings) = known(settings).unwrap();
        let root = name_of(0);
        assert_eq!(settings.teams[0].people, [root.clone(), root, "ann".to_owned()]);
        assert_eq!((uids, settings.learners[0].as_str()), (vec![4_000_000_000], "uid 4000000000"));
    }

    #[test]
    fn somebody_is_there() {
        let person = current();
        assert!(!person.name.is_empty());
        assert_eq!(person.uid, rustix::process::getuid().as_raw());
    }
}
