//! Where the socket is, and whether it may be there.

use std::fs::{DirBuilder, Metadata, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::SessionError;

/// Longest path of a socket, bytes: the system's own bound.
const LONGEST: usize = 107;

fn refuse(path: &Path, why: impl Into<String>) -> SessionError {
    SessionError::Place { path: path.to_owned(), why: why.into() }
}

fn short(path: &Path) -> Result<(), SessionError> {
    let length = path.as_os_str().as_bytes().len();
    if length > LONGEST {
        return Err(refuse(
            path,
            format!("its path has {length} bytes, the system allows {LONGEST}; give a shorter one"),
        ));
    }
    Ok(())
}

/// Whether a socket may be put at `path`; makes its folder, and takes a socket of ours away that nobody serves.
pub fn prepare(path: &Path) -> Result<(), SessionError> {
    short(path)?;
    let me = rustix::process::geteuid().as_raw();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if std::fs::symlink_metadata(folder).is_err() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|e| refuse(path, format!("cannot make its folder: {e}")))?;
    }
    let meta = std::fs::symlink_metadata(folder).map_err(|e| refuse(path, e.to_string()))?;
    if !meta.is_dir() {
        return Err(refuse(
            path,
            format!("{} is no folder of its own (a symbolic link or a file)", folder.display()),
        ));
    }
    if meta.uid() != me && meta.uid() != 0 {
        return Err(refuse(path, format!("its folder belongs to uid {}, neither you nor root", meta.uid())));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(refuse(path, "others may write to its folder; use one of your own, mode 0700"));
    }
    let Ok(there) = std::fs::symlink_metadata(path) else { return Ok(()) };
    ours(path, &there, me)?;
    match UnixStream::connect(path) {
        Ok(_) => Err(refuse(path, "another weescale serves there; attach to it, or stop it first")),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|e| refuse(path, format!("cannot take the dead socket away: {e}"))),
        Err(error) => Err(refuse(path, error.to_string())),
    }
}

fn ours(path: &Path, meta: &Metadata, me: u32) -> Result<(), SessionError> {
    if meta.file_type().is_symlink() {
        return Err(refuse(path, "it is a symbolic link; give the path itself"));
    }
    if !meta.file_type().is_socket() {
        return Err(refuse(path, "there is something else of that name; give another path"));
    }
    if meta.uid() != me {
        return Err(refuse(
            path,
            format!("it belongs to uid {}; only its owner may take it away", meta.uid()),
        ));
    }
    Ok(())
}

/// Who may connect, as the file system sees it: the owner alone, or a group too.
pub fn protect(path: &Path, group: Option<u32>) -> Result<(), SessionError> {
    if group.is_some() {
        std::os::unix::fs::chown(path, None, group)
            .map_err(|e| refuse(path, format!("cannot be given to the group: {e}")))?;
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|e| refuse(path, e.to_string()))
}

/// The first folder on the way to `path` through which members of `group` may not go, and what lets them; `None` if they
/// get there.
pub fn closed_to(path: &Path, group: u32) -> Option<String> {
    let passes = |folder: &&Path| {
        let meta = std::fs::metadata(folder).ok()?;
        let open = meta.mode() & 0o001 != 0 || (meta.gid() == group && meta.mode() & 0o010 != 0);
        (!open).then(|| folder.to_path_buf())
    };
    let absolute = std::path::absolute(path).ok()?;
    let folders: Vec<&Path> = absolute.ancestors().skip(1).collect();
    let closed = folders.iter().rev().find_map(passes)?;
    let shown = closed.display();
    Some(format!(
        "{shown} lets no member of the group through to the socket: `chgrp {group} {shown} && chmod g+x {shown}`, or \
         give a path in another folder with --socket"
    ))
}

/// Whether a client may trust what is at `path`: a socket, by no link, of ours, of root or of whom the person named.
pub fn trusted(path: &Path, named: bool) -> Result<u32, SessionError> {
    short(path)?;
    let absent = |e: std::io::Error| SessionError::Absent { path: path.to_owned(), why: e.to_string() };
    let meta = std::fs::symlink_metadata(path).map_err(absent)?;
    if meta.file_type().is_symlink() || !meta.file_type().is_socket() {
        return Err(refuse(path, "it is no socket (or a symbolic link to one)"));
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me && meta.uid() != 0 && !named {
        return Err(refuse(
            path,
            format!("it belongs to uid {}; name it with --socket if you mean it", meta.uid()),
        ));
    }
    Ok(meta.uid())
}

/// Takes the socket away when the service ends, if it still is the one it made.
#[derive(Debug)]
pub struct Sweep {
    path: PathBuf,
    inode: Option<(u64, u64)>,
}

impl Sweep {
    /// Of the socket that was just made.
    pub fn of(path: &Path) -> Self {
        let inode = std::fs::symlink_metadata(path).ok().map(|m| (m.dev(), m.ino()));
        Self { path: path.to_owned(), inode }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let there = std::fs::symlink_metadata(&self.path).ok().map(|m| (m.dev(), m.ino()));
        if there.is_some() && there == self.inode {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn said(path: &Path) -> String {
        prepare(path).unwrap_err().to_string()
    }

    #[test]
    fn only_a_dead_socket_of_ours_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/engine.sock");
        prepare(&path).unwrap();
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        let listener = UnixListener::bind(&path).unwrap();
        assert!(said(&path).contains("another weescale"), "alive");
        drop(listener);
        prepare(&path).unwrap();
        assert!(!path.exists(), "dead");
        std::fs::write(&path, "precious").unwrap();
        assert!(said(&path).contains("something else"));
        let link = path.with_file_name("link.sock");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(said(&link).contains("symbolic link"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_folder_that_lets_nobody_through_is_named_with_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("run");
        std::fs::create_dir(&inner).unwrap();
        let set = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let socket = inner.join("engine.sock");
        let said = || closed_to(&socket, std::fs::metadata(&inner).unwrap().gid());
        set(&inner, 0o700);
        let outer = said().expect("temporary folders are 0700");
        assert!(
            outer.starts_with(&folder.path().display().to_string()) && outer.contains("chmod g+x"),
            "{outer}"
        );
        set(folder.path(), 0o711);
        assert!(said().unwrap().starts_with(&inner.display().to_string()));
        set(&inner, 0o710);
        assert_eq!(said(), None, "of that group");
        assert!(closed_to(&socket, 4321).is_some(), "of another group");
    }

    #[test]
    fn folders_of_others_links_and_long_paths_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(said(&folder.path().join("x".repeat(120))).contains("107"));
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        assert!(said(&open.join("engine.sock")).contains("others may write"));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(said(&link.join("engine.sock")).contains("symbolic link"));
        if rustix::process::geteuid().is_root() {
            let foreign = folder.path().join("foreign");
            std::fs::create_dir(&foreign).unwrap();
            std::os::unix::fs::chown(&foreign, Some(4321), None).unwrap();
            assert!(said(&foreign.join("engine.sock")).contains("uid 4321"));
        }
    }
}
