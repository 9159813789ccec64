//! Regions that lean on each other: while one is dark or nearly short, its users may arrive at the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fleet::Workload;

use super::Plan;

/// A service by its namespace and name.
type Service = (Arc<str>, Arc<str>);

/// A workload with its plan, if there is one.
type Planned<'a> = (&'a Workload, Option<&'a Plan>);

/// What keeps capacity from being taken away, by region and by service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regions {
    /// By region: a service that is served there too and has no ready replica elsewhere.
    dark: BTreeMap<Arc<str>, String>,
    /// By namespace and service in several regions: where it is nearly short, and that in words.
    strained: BTreeMap<Service, (Arc<str>, String)>,
}

impl Regions {
    /// Looks at a whole fleet. A workload of which nobody asks for replicas is not dark.
    pub fn of<'a>(fleet: impl Iterator<Item = Planned<'a>>) -> Self {
        let mut services: BTreeMap<Service, Vec<Planned<'a>>> = BTreeMap::new();
        for (workload, plan) in fleet.filter(|(w, _)| !w.id.region.is_empty()) {
            let key = (Arc::clone(&workload.id.namespace), Arc::clone(&workload.service));
            services.entry(key).or_default().push((workload, plan));
        }
        let mut regions = Self::default();
        for (key, members) in services.into_iter().filter(|(_, members)| members.len() > 1) {
            for (workload, plan) in &members {
                let here = &workload.id.region;
                if workload.replicas.is_some_and(|r| r.desired > 0 && r.ready == 0) {
                    let others = members.iter().map(|(w, _)| &w.id.region).filter(|r| *r != here);
                    for other in others {
                        let why = || format!("{} has no ready replica: its users may come here", workload.id);
                        regions.dark.entry(Arc::clone(other)).or_insert_with(why);
                    }
                } else if plan.is_some_and(Plan::is_strained) {
                    let why =
                        || (Arc::clone(here), format!("{} is short of capacity or nearly so", workload.id));
                    regions.strained.entry(key.clone()).or_insert_with(why);
                }
            }
        }
        regions
    }

    /// Why nothing of `workload` may be taken away for the sake of another region.
    pub fn elsewhere(&self, workload: &Workload) -> Option<&str> {
        if let Some(why) = self.dark.get(&workload.id.region) {
            return Some(why);
        }
        let key = (Arc::clone(&workload.id.namespace), Arc::clone(&workload.service));
        let (region, why) = self.strained.get(&key)?;
        (*region != workload.id.region).then_some(why)
    }
}
