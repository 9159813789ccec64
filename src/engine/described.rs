//! What servers say of the metrics that recipes read.

use std::collections::{BTreeMap, BTreeSet};

use crate::scrape::answers::Described;
use crate::scrape::exposition::MetricKind;
use crate::signals::Recipe;
use crate::store::{Metadata, family_of};

/// The metrics that `recipes` read.
pub fn metrics(recipes: &[Recipe]) -> BTreeSet<&String> {
    recipes.iter().flat_map(|recipe| &recipe.entries).flat_map(|entry| &entry.needs).collect()
}

/// Of `families`, which a server told, what is said of metrics that `recipes` read: a server may have very many others.
pub fn read_by(recipes: &[Recipe], families: Vec<(String, Described)>) -> BTreeMap<String, Metadata> {
    let known: BTreeMap<String, Metadata> =
        families.into_iter().map(|(name, d)| (name, metadata(d))).collect();
    let said = |metric: &String| {
        let family = family_of(metric, |name| known.get(name))?;
        Some((metric.clone(), family.clone()))
    };
    metrics(recipes).into_iter().filter_map(said).collect()
}

fn metadata(described: Described) -> Metadata {
    Metadata {
        kind: MetricKind::from_word(&described.kind),
        help: described.help.into(),
        unit: described.unit.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::Catalogue;

    #[test]
    fn series_of_a_family_are_found_and_what_no_recipe_reads_is_left_out() {
        let catalogue = Catalogue::embedded().unwrap();
        let told = |name: &str, kind: &str| {
            (name.to_owned(), Described { kind: kind.into(), help: "Words.".into(), unit: String::new() })
        };
        let families = vec![
            told("http_server_request_duration_seconds", "histogram"),
            told("nobody_reads_this", "gauge"),
            told("http_requests_total", "something else"),
        ];
        let said = read_by(catalogue.recipes(), families);
        assert_eq!(
            said.get("http_server_request_duration_seconds_count").map(|m| m.kind),
            Some(MetricKind::Histogram)
        );
        assert_eq!(said.get("http_requests_total").map(|m| m.kind), Some(MetricKind::Unknown));
        assert!(
            !said.contains_key("nobody_reads_this")
                && !said.contains_key("http_server_request_duration_seconds")
        );
    }
}
