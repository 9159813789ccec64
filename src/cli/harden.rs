//! What the process does for its secrets before anything else.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core file: it would hold tokens. One byte instead of none, because the kernel hands a dump to a program that
/// collects them whatever the limit is, unless it is one.
pub fn no_core_files() {
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    // Refused only where the limit is lower already.
    let _ = setrlimit(Resource::Core, none);
}
