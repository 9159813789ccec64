//! Help and palette: the action table, searchable.

use super::super::action::ActionInfo;
use super::super::keymap::Keymap;
use super::super::rows::matches;
use super::super::state::PanelId;

/// Actions of a panel that match the query: by name first, then by words of their help, then by fuzzy match; in
/// the order of the table within each.
pub fn entries(keymap: &Keymap, panel: PanelId, query: &str) -> Vec<&'static ActionInfo> {
    let wanted = query.to_lowercase();
    let rank = |info: &ActionInfo| {
        if info.name.contains(&wanted) {
            Some(0)
        } else if info.help.to_lowercase().contains(&wanted) {
            Some(1)
        } else {
            matches(query, &format!("{} {}", info.name, info.help)).then_some(2)
        }
    };
    let mut found: Vec<_> = keymap.actions(panel).filter_map(|info| Some((rank(info)?, info))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, info)| info).collect()
}
