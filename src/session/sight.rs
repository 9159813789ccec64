//! What a screen looks at, as far as it decides what it is sent at once and what later.

use crate::view::{Spot, Turn};

/// Members of a service by which rows can be sorted.
const COLUMNS: [&str; 4] = ["demand", "headroom", "p95", "cost"];

/// Panels whose rows are services.
const LISTED: [&str; 4] = ["1", "2", "3", "4"];

/// What a screen looks at. By default, and at panels that are not known: at everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sight {
    /// Key of the panel.
    panel: String,
    /// Evidence, or a sheet, lies over it.
    evidence: bool,
    /// The member that rows of services are sorted by, beside their own order.
    sorted: Option<&'static str>,
    /// One line is all there is.
    tiny: bool,
}

impl Sight {
    /// Of where somebody is.
    pub fn of(spot: &Spot) -> Self {
        let listed = LISTED.contains(&spot.panel.as_str());
        Self {
            panel: spot.panel.clone(),
            evidence: spot.evidence,
            sorted: COLUMNS.into_iter().find(|column| listed && *column == spot.sorted),
            tiny: spot.tiny,
        }
    }

    /// Parts that are needed beside those that always are; `None`: everything.
    pub fn needed(&self) -> Option<&'static [&'static str]> {
        match self.panel.as_str() {
            _ if self.evidence => None,
            "1" => Some(&["services", "status", "operations"]),
            "2" | "6" => Some(&["predictive"]),
            "3" => Some(&["experience"]),
            "4" => Some(&["intelligence"]),
            "5" => Some(&["kpis"]),
            "7" => Some(&["operations", "record"]),
            "8" => Some(&["record"]),
            "9" => Some(&["sources"]),
            "0" => Some(&[]),
            _ => None,
        }
    }

    /// What is seen of the order of services: who chose nothing acts on the first of them, on every panel.
    pub fn turn(&self) -> Turn<'static> {
        match self.sorted {
            Some(member) => Turn::By(member),
            None if LISTED.contains(&self.panel.as_str()) => Turn::Rows,
            None => Turn::First,
        }
    }

    /// Whether only the smallest terminals show what it shows.
    pub const fn is_tiny(&self) -> bool {
        self.tiny
    }

    /// As both ends write it.
    pub fn text(&self) -> String {
        let evidence = if self.evidence { "?" } else { "" };
        let tiny = if self.tiny { "." } else { "" };
        format!("{}{evidence}{tiny}{}", self.panel, self.sorted.unwrap_or_default())
    }
}

#[cfg(test)]
impl From<&str> for Sight {
    fn from(text: &str) -> Self {
        let panel = text.chars().take(1).collect();
        let sorted = COLUMNS.into_iter().find(|column| text.ends_with(column));
        Self { panel, evidence: text.contains('?'), sorted, tiny: text.contains('.') }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sight_has_a_text_of_its_own_and_unknown_ones_need_everything() {
        let spot = |panel: &str, evidence, sorted: &str, tiny| Spot {
            panel: panel.into(),
            evidence,
            sorted: sorted.into(),
            tiny,
            ..Spot::default()
        };
        let all = [
            spot("1", false, "", false),
            spot("1", true, "", false),
            spot("1", false, "demand", false),
            spot("1", false, "", true),
            spot("2", false, "p95", false),
        ];
        let texts: std::collections::BTreeSet<String> = all.iter().map(|s| Sight::of(s).text()).collect();
        assert_eq!(texts.len(), all.len());
        assert!(texts.iter().all(|text| Sight::from(text.as_str()).text() == *text));
        assert_eq!(Sight::of(&spot("1", false, "workload", false)), Sight::from("1"), "no number to sort by");
        assert_eq!(Sight::default().needed(), None);
        assert_eq!(Sight::from("x").needed(), None);
        assert_eq!(Sight::from("1?").needed(), None);
        assert_eq!(Sight::from("2p95").turn(), Turn::By("p95"));
        assert_eq!(Sight::of(&spot("7", false, "p95", false)), Sight::from("7"), "its rows are no services");
        assert_eq!((Sight::from("3").turn(), Sight::from("7").turn()), (Turn::Rows, Turn::First));
    }
}
