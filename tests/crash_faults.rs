//! Faults from outside a running program: hang-up, a stopped process, a full disk, power cuts, a damaged
//! journal and a very long one, two people who want opposite things at once, and a day of running.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests fail loudly, say which peers they lack and what they measured; the terminal is shared"
)]

#[path = "crash_faults/damage.rs"]
mod damage;
#[path = "crash_faults/disk.rs"]
mod disk;
#[path = "crash_faults/injection.rs"]
mod injection;
#[path = "crash_faults/many.rs"]
mod many;
#[path = "crash_faults/people.rs"]
mod people;
#[path = "crash_faults/power.rs"]
mod power;
#[path = "crash_faults/service.rs"]
mod service;
#[path = "crash_faults/soak.rs"]
mod soak;
#[path = "crash_faults/stopped.rs"]
mod stopped;
mod terminal;
