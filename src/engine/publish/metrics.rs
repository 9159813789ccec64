//! What targets and servers say of the metrics that recipes read.

use crate::engine::{State, described};
use crate::store::Metadata;
use crate::view::MetricView;

/// By name and who told it; metrics of which nothing was said are left out.
pub fn said(state: &State) -> Vec<MetricView> {
    let names = described::metrics(state.catalogue.recipes());
    let scraped = names.into_iter().filter_map(|name| Some(view(name, "", state.store.metadata(name)?)));
    let told = state.sources.iter().flat_map(|(source, facts)| {
        facts.described.iter().map(move |(name, said)| view(name, &source.to_string(), said))
    });
    scraped.chain(told).collect()
}

fn view(name: &str, source: &str, said: &Metadata) -> MetricView {
    MetricView {
        name: name.to_owned(),
        source: source.to_owned(),
        kind: said.kind.word().to_owned(),
        help: said.help.to_string(),
        unit: said.unit.to_string(),
    }
}
