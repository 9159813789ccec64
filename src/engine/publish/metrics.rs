//! What targets and servers say of the metrics that recipes read.

use crate::engine::{State, described};
use crate::store::Metadata;
use crate::view::MetricView;

/// By name; metrics of which nothing was said are left out. What was scraped here counts before what a server says.
pub fn said(state: &State) -> Vec<MetricView> {
    let servers = |name: &str| state.sources.values().find_map(|facts| facts.described.get(name));
    let names = described::metrics(state.catalogue.recipes());
    let shown = names.into_iter().filter_map(|name| {
        let said = state.store.metadata(name).or_else(|| servers(name))?;
        Some(view(name, said))
    });
    shown.collect()
}

fn view(name: &str, said: &Metadata) -> MetricView {
    MetricView {
        name: name.to_owned(),
        kind: said.kind.word().to_owned(),
        help: said.help.to_string(),
        unit: said.unit.to_string(),
    }
}
