//! What a screen needs to be there at once: over a slow line a whole view takes many seconds.

use crate::view::{TeamsView, View, Widget, WidgetState};

/// Journal lines and notices that come with it.
const LINES: usize = 2;
/// Services that come with it: as many as a screen shows.
const ROWS: usize = 40;
/// Proposals that come with it: the one that the strip shows.
const CARDS: usize = 1;

/// The view with what a person decides by, and everything else marked as on its way.
pub fn light(view: &View) -> View {
    let mut light = View {
        advice: Vec::new(),
        reports: Vec::new(),
        kpis: Vec::new(),
        outcomes: Vec::new(),
        journal: view.journal.iter().take(LINES).cloned().collect(),
        notes: Vec::new(),
        sources: Vec::new(),
        mutes: Vec::new(),
        teams: TeamsView::default(),
        notices: view.notices.iter().rev().take(LINES).rev().cloned().collect(),
        capacity: later(),
        performance: later(),
        cost: later(),
        forecasts: later(),
        resources: later(),
        projection: later(),
        satisfaction: later(),
        continuity: later(),
        heatmaps: later(),
        regions: later(),
        learning: later(),
        knowledge: later(),
        growth: later(),
        lessons: later(),
        ..view.clone()
    };
    for row in &mut light.services.data {
        row.signals.clear();
        row.capacity = None;
        for reading in [&mut row.demand, &mut row.p95, &mut row.cost] {
            reading.provenance = None;
        }
        row.recent.iter_mut().flatten().for_each(coarse);
        row.ahead.iter_mut().for_each(coarse);
    }
    light.services.data.truncate(ROWS);
    light.proposals.data.truncate(CARDS);
    for proposal in &mut light.proposals.data {
        proposal.similar.clear();
    }
    light.operations.data.retain(|o| !o.state.is_final());
    light
}

/// To two digits: a line of eight heights shows no more.
fn coarse(value: &mut f64) {
    *value = format!("{value:.1e}").parse().unwrap_or(*value);
}

fn later<T: Default>() -> Widget<T> {
    let waiting_for = "the rest of the first picture".to_owned();
    Widget { state: WidgetState::Loading { waiting_for, progress: None }, data: T::default() }
}
