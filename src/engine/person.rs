//! The person at the keyboard, as the operating system names them.

use crate::approval::Person;
use crate::series::text::clean;

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
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| clean(name, 64))
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn somebody_is_there() {
        let person = super::current();
        assert!(!person.name.is_empty());
        assert_eq!(person.uid, rustix::process::getuid().as_raw());
    }
}
