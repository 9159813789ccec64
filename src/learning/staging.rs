//! Which steps a raise is made in: Thompson sampling (Thompson 1933) over a few ways of staging, by what operations made like
//! that lost (`algorithms.md` §15). Only the order of staging parameters is explored, never a value that a person did not see,
//! and never what takes replicas away.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;

use crate::fleet::WorkloadId;
use crate::outcome::Figures;
use crate::proposal::{Chosen, Staging};

use super::approvals::service_of;
use super::normal::Normal;
use super::utility::disruption;

/// The ways: shares of the way, per cent, and seconds from one step to the next. The first is how raises were always made.
const WAYS: [(&[u8], u64); 4] = [(&[100], 0), (&[50, 100], 0), (&[25, 50, 100], 0), (&[25, 50, 100], 60)];
/// Raises of a service that must have been measured before anything but the first way is tried.
pub const SEASONED: usize = 5;
/// Spread of the loss of raises that nothing is known of, minutes.
const SPREAD: f64 = 2.0;
/// Raises of a way that count, the latest.
const MOST: usize = 100;

/// What a raise lost while it was made, minutes: users' minutes short until capacity was there, and requests lost meanwhile
/// as minutes; one that was rolled back lost all the time it took. `None` where that was not measured.
pub fn lost(figures: &Figures) -> Option<f64> {
    if !figures.kept {
        return Some(figures.until.since(figures.started).as_secs_f64() / 60.0);
    }
    Some(figures.response?.seconds / 60.0 + disruption(figures)?)
}

/// What raises lost, by service and way.
#[derive(Clone, Debug, Default)]
pub struct Stagings {
    lost: BTreeMap<(WorkloadId, usize), Vec<f64>>,
    /// Raises that were measured and whose way was not drawn, by service. They tell nothing of ways: those that had no time
    /// are among them.
    undrawn: BTreeMap<WorkloadId, usize>,
}

fn way_of(staging: &Staging) -> Option<usize> {
    WAYS.iter()
        .position(|(shares, wait)| staging.shares == *shares && staging.wait == Duration::from_secs(*wait))
}

impl Stagings {
    /// Learns from operations, in the order in which they began.
    pub fn of<'a>(figures: impl Iterator<Item = &'a Figures>) -> Self {
        let mut stagings = Self::default();
        let mut raises: Vec<&Figures> = figures.filter(|f| f.to > f.from).collect();
        raises.sort_by_key(|f| f.started);
        for figures in raises {
            let Some(lost) = lost(figures) else { continue };
            // Fewer steps for want of time are no choice either.
            let drawn = figures.staging.as_ref().filter(|s| s.chosen != Chosen::Hastened);
            let Some(staging) = drawn else {
                *stagings.undrawn.entry(service_of(&figures.workload)).or_default() += 1;
                continue;
            };
            if let Some(way) = way_of(staging) {
                let of = stagings.lost.entry((service_of(&figures.workload), way)).or_default();
                of.push(lost);
                if of.len() > MOST {
                    of.remove(0);
                }
            }
        }
        stagings
    }

    fn held(&self, service: &WorkloadId, way: usize) -> &[f64] {
        self.lost.get(&(service.clone(), way)).map_or(&[], Vec::as_slice)
    }

    /// What is believed of a way at a service: what others lost by it is worth one observation.
    fn belief(&self, service: &WorkloadId, way: usize) -> Normal {
        let others: Vec<f64> = self
            .lost
            .iter()
            .filter(|((of, at), _)| *at == way && of != service)
            .flat_map(|(_, lost)| lost.iter().copied())
            .collect();
        let general = Normal::prior(0.0, SPREAD).after(&others);
        Normal::prior(general.mean, SPREAD).after(self.held(service, way))
    }

    /// The way to raise a workload from `from` to `to`; `None` if it is made at once. `room` is the time there is before
    /// capacity is needed, `lead` what one step takes: a way that takes longer is not tried. The choice is drawn with `seed`
    /// and nothing else.
    pub fn choose(
        &self,
        workload: &WorkloadId,
        (from, to): (u32, u32),
        (room, lead): (Duration, Duration),
        seed: u64,
    ) -> Option<Staging> {
        let service = service_of(workload);
        let drawn: usize = (0..WAYS.len()).map(|way| self.held(&service, way).len()).sum();
        let measured = drawn + self.undrawn.get(&service).copied().unwrap_or_default();
        if measured < SEASONED || to <= from {
            return None;
        }
        let mut random = Rng::with_seed(seed);
        let mut possible: Vec<(usize, Staging, f64)> = Vec::new();
        for (way, (shares, wait)) in WAYS.iter().enumerate() {
            // Drawn for each, possible or not: which are possible changes no other's luck.
            let draw = self.belief(&service, way).draw(&mut random);
            let Some(staging) = Staging::configured(shares, Duration::from_secs(*wait)) else { continue };
            let stops = staging.stops(from, to);
            let takes = staging.takes((from, to), lead);
            let same = possible
                .iter()
                .any(|(_, other, _)| other.stops(from, to) == stops && other.wait == staging.wait);
            // One step has nothing to wait for; the first way is always possible.
            let idle = stops.len() < 2 && way > 0;
            if way == 0 || (!same && !idle && takes < room) {
                possible.push((way, staging, draw));
            }
        }
        let of = possible.len();
        let mean = |way: usize| self.belief(&service, way).mean;
        // What was never tried is not the best so far.
        let known = possible.iter().map(|(way, ..)| *way).filter(|way| !self.held(&service, *way).is_empty());
        let best = known.min_by(|a, b| mean(*a).total_cmp(&mean(*b)));
        let (way, staging, _) = possible.into_iter().min_by(|a, b| a.2.total_cmp(&b.2))?;
        let chosen = if Some(way) == best { Chosen::Best } else { Chosen::Tried };
        (of > 1).then(|| Staging { chosen, of, n: self.held(&service, way).len(), seed, ..staging })
    }
}

#[cfg(test)]
mod tests {
    use super::super::kpi::sample;
    use super::*;
    use crate::outcome::Response;
    use crate::series::Timestamp;

    const ROOM: (Duration, Duration) = (Duration::from_secs(7200), Duration::from_secs(60));

    fn id() -> WorkloadId {
        WorkloadId::new("", "a", "eu")
    }

    /// A raise made in a way that lost so many minutes.
    fn raise(number: u32, way: usize, minutes: f64) -> Figures {
        let (shares, wait) = WAYS[way];
        let mut figures = sample::operation(number);
        figures.during.failed = 0.0;
        figures.response = Some(Response { seconds: minutes * 60.0, still_short: false });
        figures.staging = Staging::configured(shares, Duration::from_secs(wait));
        figures
    }

    fn learnt(lost: [f64; 4], each: u32) -> Stagings {
        let raises: Vec<Figures> = (0..4)
            .flat_map(|way| {
                (0..each).map(move |i| raise(way as u32 * 100 + i, way, lost[way] + f64::from(i % 3) * 0.1))
            })
            .collect();
        Stagings::of(raises.iter())
    }

    fn shares(stagings: &Stagings, seeds: u64) -> [usize; 4] {
        let mut counts = [0; 4];
        for seed in 0..seeds {
            let chosen = stagings.choose(&id(), (6, 14), ROOM, seed).unwrap();
            counts[way_of(&chosen).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn what_lost_least_is_chosen_and_the_rest_is_tried_as_long_as_it_is_not_sure() {
        let sure = shares(&learnt([9.0, 6.0, 1.0, 7.0], 30), 400);
        assert!(sure[2] > 380, "{sure:?}");
        let unsure = shares(&learnt([3.0, 2.5, 2.0, 2.2], 2), 400);
        assert!(unsure.iter().all(|n| *n > 20) && unsure[2] > unsure[0], "{unsure:?}");
        let chosen = learnt([9.0, 6.0, 1.0, 7.0], 30).choose(&id(), (6, 14), ROOM, 1).unwrap();
        assert_eq!((chosen.chosen, chosen.of, chosen.n), (Chosen::Best, 4, 30));
    }

    #[test]
    fn it_learns_from_its_own_choices() {
        // Way 1 loses a minute, all others four: of the last fifty of two hundred raises most are made in it.
        let mut raises: Vec<Figures> =
            (0..SEASONED as u32).map(|i| Figures { staging: None, ..raise(i, 0, 4.0) }).collect();
        let mut late = 0;
        for seed in 0..200_u64 {
            let chosen = Stagings::of(raises.iter()).choose(&id(), (6, 14), ROOM, seed).unwrap();
            let way = way_of(&chosen).unwrap();
            late += usize::from(seed >= 150 && way == 1);
            let minutes = if way == 1 { 1.0 } else { 4.0 } + (seed % 5) as f64 * 0.2;
            raises.push(raise(1000 + seed as u32, way, minutes));
        }
        assert!(late >= 40, "{late} of 50");
    }

    #[test]
    fn the_same_record_and_seed_give_the_same_and_nothing_else_does_anything() {
        let stagings = learnt([3.0, 2.5, 2.0, 2.2], 2);
        let choose = |seed| stagings.choose(&id(), (6, 14), ROOM, seed).unwrap();
        assert!((0..50).all(|seed| choose(seed) == choose(seed)));
        assert!((0..50).any(|seed| choose(seed).shares != choose(seed + 1).shares));
    }

    #[test]
    fn it_is_bounded_by_time_by_the_number_of_steps_and_by_what_was_seen() {
        let stagings = learnt([9.0, 9.0, 0.5, 9.0], 10);
        let chosen = stagings.choose(&id(), (6, 14), (Duration::from_secs(150), ROOM.1), 1).unwrap();
        assert_eq!((chosen.of, chosen.shares.len() < 3), (2, true), "three steps would take three minutes");
        assert_eq!(stagings.choose(&id(), (6, 14), (Duration::ZERO, ROOM.1), 1), None, "needed now: at once");
        assert_eq!(stagings.choose(&id(), (6, 7), ROOM, 1), None, "one replica has one step");
        assert_eq!(stagings.choose(&id(), (14, 6), ROOM, 1), None, "nothing is explored on the way down");
        let young = learnt([1.0, 1.0, 1.0, 1.0], 1);
        assert_eq!(young.choose(&id(), (6, 14), ROOM, 1), None, "four raises are too few");
        let urgent: Vec<Figures> = (0..9).map(|i| Figures { staging: None, ..raise(i, 0, 20.0) }).collect();
        let first = Stagings::of(urgent.iter()).choose(&id(), (6, 14), ROOM, 3).unwrap();
        assert_eq!((first.chosen, first.n), (Chosen::Tried, 0), "what had no choice says nothing of ways");
        let hasten = |f: Figures| Figures {
            staging: f.staging.map(|s| Staging { chosen: Chosen::Hastened, ..s }),
            ..f
        };
        let hastened: Vec<Figures> = (0..9).map(|i| hasten(raise(i, 1, 20.0))).collect();
        let next = Stagings::of(hastened.iter()).choose(&id(), (6, 14), ROOM, 3).unwrap();
        assert_eq!(next.n, 0, "nor does what time forced");
        let elsewhere = WorkloadId::new("", "other", "");
        assert_eq!(stagings.choose(&elsewhere, (6, 14), ROOM, 1), None);
    }

    #[test]
    fn what_was_rolled_back_lost_all_its_time_and_what_was_not_measured_is_no_loss() {
        let mut back = raise(1, 1, 0.0);
        (back.kept, back.started, back.until) = (false, Timestamp::from_secs(0), Timestamp::from_secs(600));
        assert_eq!(lost(&back), Some(10.0));
        let mut blind = raise(1, 1, 2.0);
        blind.before.requests = 0.0;
        assert_eq!(lost(&blind), None);
        let unknown = Figures { response: None, ..raise(1, 1, 2.0) };
        assert_eq!(lost(&unknown), None, "when capacity is not known");
        assert!(Stagings::of([blind].iter()).lost.is_empty());
    }
}
