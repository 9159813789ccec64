//! What the process does for its secrets and its size before anything else.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core file: it would hold tokens. One byte instead of none, because the kernel hands a dump to a program that
/// collects them whatever the limit is, unless it is one.
pub fn no_core_files() {
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    // Refused only where the limit is lower already.
    let _ = setrlimit(Resource::Core, none);
}

/// No huge pages: the kernel would put memory that was given back together with what lies around it into pages of 2 MiB,
/// filled up anew. A store of small pieces that come and go grows by a quarter that way.
pub fn no_huge_pages() {
    // Fails where there are none.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
