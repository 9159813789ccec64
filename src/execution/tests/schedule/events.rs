//! What can happen, and how often.

use std::time::Duration;

use super::balance::Balance;
use crate::execution::tests::platform::{Fault, Inner};
use crate::execution::{FleetHealth, ProviderError};
use crate::fleet::Owner;

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// So many seconds pass.
    Run(u32),
    /// A person approves a change of a platform's object.
    Approve {
        platform: usize,
        to: u32,
        /// That the autoscaler's scale-in be held, where there is one, instead of a count.
        hold: bool,
        lease: Option<u64>,
        dollars: Option<f64>,
        stale: bool,
        old: bool,
    },
    /// A person wishes something of the newest operations, counted from the last.
    Pause(usize),
    Resume(usize),
    Abort(usize),
    Release(usize),
    /// The next write goes wrong.
    Write(usize, Fault),
    /// The next reads fail.
    Unreadable(usize, u32),
    /// The next reads answer with an old state.
    OldReads(usize, u32),
    /// Somebody else writes.
    Foreign(usize, u32),
    /// Deleted and made anew.
    Recreated(usize),
    /// Somebody else owns the field from now on, or nobody any more.
    Owned(usize, bool),
    /// Pods come up, hang, or crash.
    Pods(usize, Pods),
    /// Budgets and room: least and most that is allowed.
    Limits(usize, Option<u32>, Option<u32>),
    /// The disk is full, or not any more.
    Disk(bool),
    /// How the fleet fares.
    Fleet(FleetHealth),
    /// Users are well, hurt, or nobody can tell.
    Users(Option<f64>),
    /// The process stands still for so long.
    Stopped(u64),
    /// The wall clock is set.
    WallStep(i64),
    /// Something of a load balancer, drawn for itself.
    Balance(usize, Balance),
    /// kill −9, and started again after so many seconds.
    Killed(u64),
}

#[derive(Clone, Copy, Debug)]
pub enum Pods {
    Well,
    Stuck,
    Crash,
}

impl Pods {
    pub fn apply(self, inner: &mut Inner) {
        inner.never_ready = matches!(self, Self::Stuck);
        inner.crash_reason = matches!(self, Self::Crash).then(|| "OOMKilled".to_owned());
    }
}

/// Draws the next event.
pub fn choose(random: &mut fastrand::Rng, platforms: usize) -> Event {
    let on = random.usize(..platforms);
    match random.u32(..100) {
        0..30 => Event::Run(random.u32(1..40)),
        30..48 => Event::Approve {
            platform: on,
            to: random.u32(0..24),
            hold: random.u32(..5) == 0,
            lease: random.bool().then(|| random.u64(20..400)),
            dollars: (random.u32(..4) > 0).then(|| f64::from(random.u32(..300)) / 100.0),
            stale: random.u32(..12) == 0,
            old: random.u32(..12) == 0,
        },
        48..50 => Event::Pause(random.usize(..3)),
        50..58 => Event::Resume(random.usize(..4)),
        58..61 => Event::Abort(random.usize(..3)),
        61..64 => Event::Release(random.usize(..5)),
        64..72 => Event::Write(on, fault(random)),
        72..74 => Event::Unreadable(on, random.u32(1..6)),
        74..76 => Event::OldReads(on, random.u32(1..4)),
        76..78 => Event::Foreign(on, random.u32(1..24)),
        78 => Event::Recreated(on),
        79..81 => Event::Owned(on, random.bool()),
        81..85 => Event::Pods(
            on,
            *random.choice(&[Pods::Well, Pods::Well, Pods::Stuck, Pods::Crash]).unwrap_or(&Pods::Well),
        ),
        85..87 => {
            let (low, high) = (random.u32(1..10), random.u32(8..24));
            Event::Limits(on, random.bool().then_some(low), random.bool().then_some(high))
        }
        87..89 => Event::Disk(random.u32(..3) == 0),
        89..92 => Event::Fleet(fleet(random)),
        92..94 => Event::Users(*random.choice(&[Some(0.2), Some(0.2), Some(20.0), None]).unwrap_or(&None)),
        94..96 => Event::Stopped(random.u64(3..900)),
        96 => Event::WallStep(random.i64(-7_200_000..7_200_000)),
        _ => Event::Killed(random.u64(0..120)),
    }
}

fn fault(random: &mut fastrand::Rng) -> Fault {
    let refusal = match random.u32(..4) {
        0 => ProviderError::Forbidden("403".into()),
        1 => ProviderError::Precondition { why: "412".into(), current: None },
        2 => ProviderError::Unauthenticated("401".into()),
        _ => ProviderError::Unavailable { why: "429".into(), retry_after: Some(Duration::from_secs(1)) },
    };
    match random.u32(..6) {
        0 => Fault::TimeoutAfterEffect,
        1 => Fault::TimeoutWithoutEffect,
        2 => Fault::Late(random.u32(2..7)),
        3 if matches!(refusal, ProviderError::Forbidden(_) | ProviderError::Precondition { .. }) => {
            Fault::RefuseWithEffect(refusal)
        }
        _ => Fault::Refuse(refusal),
    }
}

fn fleet(random: &mut fastrand::Rng) -> FleetHealth {
    let well = FleetHealth { unready: Some(0.1), fresh: Some(1.0) };
    match random.u32(..8) {
        0 => FleetHealth { unready: Some(0.6), ..well },
        1 => FleetHealth { unready: None, ..well },
        2 => FleetHealth { fresh: Some(0.5), ..well },
        3 => FleetHealth { fresh: None, ..well },
        _ => well,
    }
}

/// An owner that respects no write of ours.
pub fn git() -> Owner {
    Owner::Git { tool: "argocd".into(), self_heal: true }
}
