//! What some series give of each workload's demand.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::WorkloadId;
use crate::scrape::SourceId;
use crate::series::Labels;

use super::expr::narrow;
use super::recipe::{Recipe, Target};
use super::{Resolver, SignalKind};

impl Resolver {
    /// Workloads that series with these `labels` would be of, by the recipes for demand that apply to `source`: what the labels of
    /// the series themselves say beside these is not known.
    pub fn named(&self, source: &SourceId, labels: &Labels) -> BTreeSet<WorkloadId> {
        let asked = self.sources.iter().filter(|s| s.id == *source).flat_map(|s| s.asked.values().flatten());
        let recipes: BTreeSet<usize> = asked.map(|asked| asked.recipe).collect();
        let tells = |recipe: &&Recipe| {
            recipe.entries.iter().any(|entry| entry.target == Target::Signal(SignalKind::Demand))
        };
        let recipes = recipes.into_iter().filter_map(|index| self.recipes.get(index)).filter(tells);
        recipes.filter_map(|recipe| recipe.identity.workload(labels)).collect()
    }

    /// How much of workloads' demand, requests a second, series with these `labels` give, by what `evaluate` answers to the
    /// expressions asked of `source`. Where several recipes tell of one workload, what the one says that says most.
    pub fn given(
        &self,
        source: &SourceId,
        labels: &[(&str, &str)],
        evaluate: &dyn Fn(&str) -> Vec<(Labels, f64)>,
    ) -> BTreeMap<WorkloadId, f64> {
        let mut most: BTreeMap<WorkloadId, f64> = BTreeMap::new();
        let asked = self.sources.iter().filter(|s| s.id == *source).flat_map(|s| &s.asked);
        for (expr, users) in asked {
            let recipes = users.iter().filter_map(|asked| {
                let recipe = self.recipes.get(asked.recipe)?;
                let entry = recipe.entries.get(asked.entry)?;
                (entry.target == Target::Signal(SignalKind::Demand)).then_some(recipe)
            });
            for recipe in recipes {
                let Some(expr) = narrow(expr, labels) else { continue };
                let mut sums: BTreeMap<WorkloadId, f64> = BTreeMap::new();
                for (labels, value) in evaluate(&expr).into_iter().filter(|(_, v)| v.is_finite() && *v > 0.0)
                {
                    if let Some(id) = recipe.identity.workload(&labels) {
                        *sums.entry(self.meant_by(&id)).or_default() += value;
                    }
                }
                for (id, sum) in sums {
                    let known = most.entry(id).or_default();
                    *known = known.max(sum);
                }
            }
        }
        most
    }
}
