//! Joins scraped labels with the target's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scrape::inert::inert;
use crate::series::{Labels, LabelsBuilder, METRIC_NAME};

/// A label's name and value, shared.
type Pair = (Arc<str>, Arc<str>);

/// The labels every series of a target carries.
#[derive(Clone, Debug)]
pub(super) struct TargetLabels {
    own: Vec<Pair>,
    metric_name: Arc<str>,
    /// Labels of the series before, as scraped: neighbours have most of theirs in common and share the text.
    before: Vec<Pair>,
}

impl TargetLabels {
    pub(super) fn new(labels: &BTreeMap<String, String>) -> Self {
        let own = labels.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into())).collect();
        Self { own, metric_name: METRIC_NAME.into(), before: Vec::new() }
    }

    /// `honor_labels: false`: the target's labels win, and a scraped label of the same name is kept as
    /// `exported_NAME` (prefixed again while that is taken too), as in Prometheus.
    ///
    /// `plain`: the texts are known to be what a terminal shows as they are.
    pub(super) fn attach(
        &mut self,
        name: &str,
        scraped: &[(Cow<'_, str>, Cow<'_, str>)],
        plain: bool,
    ) -> Labels {
        fn safe(text: &str, plain: bool) -> Cow<'_, str> {
            if plain { Cow::Borrowed(text) } else { inert(text) }
        }
        let mut labels = LabelsBuilder::with_room(1 + scraped.len() + self.own.len());
        let metric_name = Arc::clone(&self.metric_name);
        let (_, value) = self.shared(0, METRIC_NAME, &safe(name, plain));
        labels.add_shared(metric_name, value);
        for (at, (name, value)) in scraped.iter().filter(|(_, v)| !v.is_empty()).enumerate() {
            let (name, value) = if self.has(name) {
                let renamed = self.exported(name, scraped);
                self.shared(at + 1, &safe(&renamed, plain), &safe(value, plain))
            } else {
                self.shared(at + 1, &safe(name, plain), &safe(value, plain))
            };
            labels.add_shared(name, value);
        }
        for (name, value) in &self.own {
            labels.add_shared(Arc::clone(name), Arc::clone(value));
        }
        labels.build()
    }

    fn has(&self, name: &str) -> bool {
        self.own.iter().any(|(own, _)| own.as_ref() == name)
    }

    fn exported(&self, name: &str, scraped: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
        let mut renamed = format!("exported_{name}");
        while self.has(&renamed) || scraped.iter().any(|(n, v)| *n == renamed && !v.is_empty()) {
            renamed.insert_str(0, "exported_");
        }
        renamed
    }

    /// A pair that shares its texts with what the series before had in this place, where they are the same.
    fn shared(&mut self, at: usize, name: &str, value: &str) -> Pair {
        let Some(place) = self.before.get_mut(at) else {
            let pair: Pair = (name.into(), value.into());
            self.before.push(pair.clone());
            return pair;
        };
        if place.0.as_ref() != name {
            place.0 = name.into();
        }
        if place.1.as_ref() != value {
            place.1 = value.into();
        }
        place.clone()
    }
}
