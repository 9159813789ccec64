//! Regions that lean on each other: while one is dark, cannot be seen or is nearly short, its users may arrive at the
//! others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::{Workload, WorkloadId};
use crate::series::Timestamp;

use super::Plan;
use super::sight::{Known, Sight};

/// A service by its namespace and name.
type Service = (Arc<str>, Arc<str>);

/// A workload of the fleet.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// As known now.
    pub workload: &'a Workload,
    /// The plan made for it last.
    pub plan: Option<&'a Plan>,
    /// What is known of it.
    pub sight: &'a Sight,
}

/// A workload that nothing speaks of any more.
#[derive(Clone, Copy, Debug)]
pub struct Absent<'a> {
    /// Its name.
    pub id: &'a WorkloadId,
    /// The service it belongs to.
    pub service: &'a Arc<str>,
    /// When it was last known.
    pub since: Timestamp,
    /// Whether it has not been listened for long enough to say that it is gone.
    pub young: bool,
}

/// What is the matter, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Dark,
    Unseen,
    Strained,
    /// Not known yet: nothing is wrong, and nothing is taken away.
    Awaited,
}

type Trouble = (Rank, String);

/// All workloads of one service in one region.
#[derive(Clone, Debug, Default)]
struct Place<'a> {
    present: Vec<Present<'a>>,
    absent: Vec<Absent<'a>>,
}

/// What keeps capacity from being taken away, service by service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regions {
    /// By region of a service in several.
    troubles: BTreeMap<Service, BTreeMap<Arc<str>, Trouble>>,
    /// What of such a service nothing measures, by region.
    unmeasured: BTreeMap<Service, BTreeMap<Arc<str>, String>>,
}

impl Regions {
    /// Looks at a whole fleet, and at what has left it.
    pub fn of<'a>(
        fleet: impl Iterator<Item = Present<'a>>,
        left: impl Iterator<Item = Absent<'a>>,
        now: Timestamp,
    ) -> Self {
        let mut services: BTreeMap<Service, BTreeMap<Arc<str>, Place<'a>>> = BTreeMap::new();
        for present in fleet.filter(|p| !p.workload.id.region.is_empty()) {
            let id = &present.workload.id;
            let regions = services.entry(key(id, &present.workload.service)).or_default();
            regions.entry(Arc::clone(&id.region)).or_default().present.push(present);
        }
        for absent in left.filter(|a| !a.id.region.is_empty()) {
            let regions = services.entry(key(absent.id, absent.service)).or_default();
            regions.entry(Arc::clone(&absent.id.region)).or_default().absent.push(absent);
        }
        let dead = dead(&services, now);
        let mut regions = Self::default();
        for (service, places) in services.into_iter().filter(|(_, places)| places.len() > 1) {
            for (region, place) in places {
                // With its region goes whatever is there, also what nobody counts.
                let lost = dead.contains(&region) && place.asked().next().is_some();
                let whole = lost.then(|| {
                    let what = format!("nothing in region {region} is ready or can be seen");
                    (Rank::Unseen, comes(&what))
                });
                let worst = place.trouble(now).into_iter().chain(whole).min_by_key(|(rank, _)| *rank);
                if let Some(trouble) = worst {
                    regions.troubles.entry(service.clone()).or_default().insert(region, trouble);
                } else if let Some(what) = place.unmeasured(now) {
                    regions.unmeasured.entry(service.clone()).or_default().insert(region, what);
                }
            }
        }
        regions
    }

    /// Why nothing of `workload` may be taken away for the sake of another region: the worst reason.
    pub fn elsewhere(&self, workload: &Workload) -> Option<&str> {
        let here = &workload.id.region;
        let troubles = self.troubles.get(&key(&workload.id, &workload.service))?;
        let others = troubles.iter().filter(|(region, _)| *region != here).map(|(_, trouble)| trouble);
        others.min_by_key(|(rank, _)| *rank).map(|(_, why)| why.as_str())
    }

    /// What nothing measures of the service of `workload` in another region, so that nobody knows whether it needs help.
    pub fn unmeasured(&self, workload: &Workload) -> Option<&str> {
        let here = &workload.id.region;
        let regions = self.unmeasured.get(&key(&workload.id, &workload.service))?;
        regions.iter().find(|(region, _)| *region != here).map(|(_, what)| what.as_str())
    }
}

fn key(id: &WorkloadId, service: &Arc<str>) -> Service {
    (Arc::clone(&id.namespace), Arc::clone(service))
}

/// Regions in which nothing shows any life.
fn dead(services: &BTreeMap<Service, BTreeMap<Arc<str>, Place<'_>>>, now: Timestamp) -> BTreeSet<Arc<str>> {
    let places = || services.values().flatten();
    let alive: BTreeSet<&Arc<str>> = places().filter(|(_, p)| p.lives()).map(|(region, _)| region).collect();
    let struck = |p: &Place<'_>| p.trouble(now).is_some_and(|(rank, _)| rank <= Rank::Unseen);
    let struck = places().filter(|(region, place)| !alive.contains(region) && struck(place));
    struck.map(|(region, _)| Arc::clone(region)).collect()
}

fn comes(what: &str) -> String {
    format!("{what}: its users may come here")
}

/// The same of one that cannot be seen, and how to say that it is not there any more.
fn comes_unless_gone(id: &WorkloadId, what: &str) -> String {
    format!(
        "{}; if it was removed on purpose: weescale gone {id}",
        comes(&format!("{id} cannot be seen, {what}"))
    )
}

/// `2026-11-30T16:50:00Z`: a sentence must not change with every look.
fn minute(at: Timestamp) -> Timestamp {
    at.floor_to(Duration::from_secs(60))
}

impl<'a> Place<'a> {
    /// Those of which somebody asks for replicas, as far as is known: no users are missed where nobody does.
    fn asked(&self) -> impl Iterator<Item = &Present<'a>> {
        let none = |p: &Present<'_>| {
            p.sight.ready == Known::Now && p.workload.replicas.is_some_and(|r| r.desired == 0)
        };
        self.present.iter().filter(move |p| !none(p))
    }

    /// Whether a replica is ready or a request comes.
    fn lives(&self) -> bool {
        self.present.iter().any(|p| {
            let ready = p.workload.replicas.is_some_and(|r| r.ready > 0);
            p.sight.is_served() || ready && p.sight.ready == Known::Now
        })
    }

    fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        if self.present.is_empty() {
            return self.absent.iter().map(gone).min();
        }
        let dark = self.dark().map(|p| format!("{} has no ready replica", p.workload.id));
        let lost = || self.asked().filter(|p| !p.sight.is_young(now)).find_map(|p| unseen(p, now));
        let awaited = || {
            let whole = |s: &Sight| s.demand == Known::Now && s.ready == Known::Now;
            let young = self.asked().find(|p| p.sight.is_young(now) && !whole(p.sight))?;
            Some((Rank::Awaited, format!("{} is not known well enough yet", young.workload.id)))
        };
        dark.map(|what| (Rank::Dark, comes(&what)))
            .or_else(|| lost().or_else(|| Some(comes(&self.silent(now)?))).map(|what| (Rank::Unseen, what)))
            .or_else(|| self.strained().map(|what| (Rank::Strained, what)))
            .or_else(awaited)
    }

    /// One of them, where replicas are asked for and not one of all is ready.
    fn dark(&self) -> Option<&Present<'a>> {
        let ready = self.present.iter().any(|p| match p.workload.replicas {
            Some(counts) => counts.ready > 0,
            None => p.sight.is_served(),
        });
        let wanted = |p: &&Present<'_>| p.workload.replicas.is_some_and(|r| r.desired > 0);
        self.present.iter().find(wanted).filter(|_| !ready)
    }

    /// Where requests came a moment ago and none come now, with replicas there to serve them.
    fn silent(&self, now: Timestamp) -> Option<String> {
        let silent = || self.asked().find_map(|p| Some((p, p.sight.fell_silent(now)?)));
        let (one, since) = silent().filter(|_| !self.asked().any(|p| p.sight.is_served()))?;
        Some(format!("no request reaches {} since {}", one.workload.id, minute(since)))
    }

    fn strained(&self) -> Option<String> {
        let short = self.present.iter().find(|p| p.plan.is_some_and(Plan::is_strained))?;
        Some(format!("{} is short of capacity or nearly so", short.workload.id))
    }

    fn unmeasured(&self, now: Timestamp) -> Option<String> {
        let lacks = |known: Known| known != Known::Now && known.lost(now).is_none();
        self.asked().find_map(|p| match (lacks(p.sight.demand), lacks(p.sight.ready)) {
            (true, _) => Some(format!("nothing counts the requests of {}", p.workload.id)),
            (_, true) => Some(format!("nothing counts the replicas of {}", p.workload.id)),
            _ => None,
        })
    }
}

/// What was known of it and is not, and what that may mean.
fn unseen(one: &Present<'_>, now: Timestamp) -> Option<String> {
    let since = one.sight.lost(now)?;
    let what = if one.sight.demand.lost(now).is_some() { "its demand" } else { "its replica count" };
    Some(comes_unless_gone(&one.workload.id, &format!("{what} is not known since {}", minute(since))))
}

fn gone(absent: &Absent<'_>) -> Trouble {
    if absent.young {
        return (Rank::Awaited, format!("{} is not known well enough yet", absent.id));
    }
    let since = minute(absent.since);
    (Rank::Unseen, comes_unless_gone(absent.id, &format!("nothing is heard of it since {since}")))
}

#[cfg(test)]
mod tests;
