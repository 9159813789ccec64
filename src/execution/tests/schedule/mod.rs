//! Random schedules: approvals, wishes, faults of platform, journal and clock, crashes. What must never happen is
//! checked after every step by rules of its own (`check.rs`); at the end everything must have come to an end.
//!
//! One seed is one schedule, the same each time. `WEESCALE_SEEDS=100000` runs so many, `WEESCALE_SEED=7` that one.

mod balance;
mod check;
mod events;
mod rig;

use rig::Rig;

/// Names of platforms.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// Schedules of an ordinary run, in four parts.
const SEEDS: u64 = 1000;
const PARTS: u64 = 4;

async fn schedule(seed: u64) {
    let mut rig = Rig::new(seed);
    for _ in 0..rig.length() {
        let event = rig.choose();
        rig.happen(event).await;
    }
    rig.come_to_an_end().await;
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

async fn part(part: u64) {
    if let Some(seed) = number("WEESCALE_SEED") {
        if part == 0 {
            schedule(seed).await;
        }
        return;
    }
    let seeds = number("WEESCALE_SEEDS").unwrap_or(SEEDS);
    for seed in (0..seeds).filter(|s| s % PARTS == part) {
        schedule(seed).await;
        if seeds > SEEDS && seed % 1000 < PARTS {
            println!("{seed} of {seeds} schedules");
        }
    }
}

#[tokio::test]
async fn schedules_first_part() {
    part(0).await;
}

#[tokio::test]
async fn schedules_second_part() {
    part(1).await;
}

#[tokio::test]
async fn schedules_third_part() {
    part(2).await;
}

#[tokio::test]
async fn schedules_fourth_part() {
    part(3).await;
}
