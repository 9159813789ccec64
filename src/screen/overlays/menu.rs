//! Help and palette: the action table, searchable.

use super::super::action::ActionInfo;
use super::super::keymap::Keymap;
use super::super::rows::matches;
use super::super::state::PanelId;

/// Actions of a panel that match the query, in the order of the table.
pub fn entries(keymap: &Keymap, panel: PanelId, query: &str) -> Vec<&'static ActionInfo> {
    keymap
        .actions(panel)
        .filter(|info| query.is_empty() || matches(query, &format!("{} {}", info.name, info.help)))
        .collect()
}
