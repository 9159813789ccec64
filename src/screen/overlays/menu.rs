//! Help and palette: the action table, searchable.

use super::super::action::ActionInfo;
use super::super::keymap::Keymap;
use super::super::rows::matches;
use super::super::state::PanelId;

/// Actions of a panel that match the query: by name first, then by words of their help, then by fuzzy match;
/// within each what only shows before what writes, in the order of the table.
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
    // Enter does the first that was searched for: of equals, that is never a write.
    found.sort_by_key(|(rank, info)| (*rank, !wanted.is_empty() && info.danger));
    found.into_iter().map(|(_, info)| info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::action::Action;

    #[test]
    fn the_first_hit_is_no_write_where_another_matches_as_well() {
        let keymap = Keymap::default();
        let found = entries(&keymap, PanelId::Status, "opens");
        let first = found.iter().position(|i| i.danger).unwrap();
        assert!(found.iter().skip(first).all(|i| i.danger || !i.help.contains("opens")), "{found:?}");
        let all = entries(&keymap, PanelId::Status, "cost");
        assert!(all.iter().skip_while(|i| !i.danger).all(|i| i.danger), "{all:?}");
        assert_eq!(entries(&keymap, PanelId::Status, "day").first().map(|i| i.action), Some(Action::Day));
    }
}
