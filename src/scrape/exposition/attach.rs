//! Joins scraped labels with the target's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scrape::inert::inert;
use crate::series::{Labels, LabelsBuilder, METRIC_NAME};

/// The labels every series of a target carries.
#[derive(Clone, Debug)]
pub(super) struct TargetLabels(Vec<(Arc<str>, Arc<str>)>);

impl TargetLabels {
    pub(super) fn new(labels: &BTreeMap<String, String>) -> Self {
        Self(labels.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into())).collect())
    }

    /// `honor_labels: false`: the target's labels win, and a scraped label of the same name is kept as
    /// `exported_NAME` (prefixed again while that is taken too), as in Prometheus.
    pub(super) fn attach(&self, name: &str, scraped: &[(Cow<'_, str>, Cow<'_, str>)]) -> Labels {
        let mut labels = LabelsBuilder::default();
        labels.set(METRIC_NAME, &inert(name));
        let of_target = |name: &str| self.0.iter().any(|(n, _)| n.as_ref() == name);
        for (name, value) in scraped.iter().filter(|(_, v)| !v.is_empty()) {
            if !of_target(name) {
                labels.set(&inert(name), &inert(value));
                continue;
            }
            let mut renamed = format!("exported_{name}");
            while of_target(&renamed) || scraped.iter().any(|(n, v)| *n == renamed && !v.is_empty()) {
                renamed.insert_str(0, "exported_");
            }
            labels.set(&inert(&renamed), &inert(value));
        }
        for (name, value) in &self.0 {
            labels.set_shared(Arc::clone(name), Arc::clone(value));
        }
        labels.build()
    }
}
