//! Series that a reader met first, in one piece.

use std::sync::Arc;

use crate::series::Labels;

/// Announced series: slots with their label sets.
///
/// A label is written once for all series that have it one after the other, and a set is a list of numbers: a target
/// that is met first announces all its series at once, and what crosses from one thread to another in a few large
/// pieces costs neither many allocations nor memory that lies scattered afterwards.
#[derive(Clone, Debug, Default)]
pub struct Born {
    /// Names and values, one behind the other.
    texts: String,
    labels: Vec<Place>,
    /// Numbers of labels, set after set.
    sets: Vec<u32>,
    /// Slots, and where the set of each ends.
    series: Vec<(u32, usize)>,
}

/// Where a label is among the texts, and how long name and value are, in bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    name: usize,
    value: usize,
}

impl Born {
    /// Series announced.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether none is announced.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Slots and the numbers of their labels, which are in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &[u32])> {
        let mut start = 0;
        self.series.iter().map(move |(slot, end)| {
            let set = self.sets.get(std::mem::replace(&mut start, *end)..*end);
            (*slot, set.unwrap_or_default())
        })
    }

    /// Slots and their labels.
    pub fn announced(&self) -> impl ExactSizeIterator<Item = (u32, Labels)> {
        self.iter().map(|(slot, set)| (slot, self.set(set)))
    }

    /// Slots.
    pub fn slots(&self) -> impl Iterator<Item = u32> {
        self.series.iter().map(|(slot, _)| *slot)
    }

    /// All labels by number.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.labels_from(0)
    }

    /// Labels from number `first` on, without a look at those before: a body may announce very many.
    pub(super) fn labels_from(&self, first: usize) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.labels.get(first..).unwrap_or_default().iter().map(|place| self.text(*place))
    }

    /// Name and value of a label; empty for a number that is none.
    pub fn label(&self, number: u32) -> (&str, &str) {
        self.labels.get(number as usize).map_or(("", ""), |place| self.text(*place))
    }

    /// The labels of a set of numbers.
    pub fn set(&self, set: &[u32]) -> Labels {
        Labels::from_sorted(set.iter().map(|number| {
            let (name, value) = self.label(*number);
            (Arc::from(name), Arc::from(value))
        }))
    }

    /// Announces a series.
    pub fn push(&mut self, slot: u32, labels: &Labels) {
        let before =
            self.series.len().checked_sub(2).and_then(|i| self.series.get(i)).map_or(0, |(_, end)| *end);
        let start = self.sets.len();
        for (place, (name, value)) in labels.iter().enumerate() {
            let near = self.sets.get(before..start).and_then(|set| set.get(place)).copied();
            let known = near.filter(|number| self.label(*number) == (name, value));
            let number = known.unwrap_or_else(|| self.enter(name, value));
            self.sets.push(number);
        }
        self.series.push((slot, self.sets.len()));
    }

    /// Writes a label down; its number.
    pub(super) fn enter(&mut self, name: &str, value: &str) -> u32 {
        let start = self.texts.len();
        self.texts.push_str(name);
        self.texts.push_str(value);
        self.labels.push(Place { start, name: name.len(), value: value.len() });
        (self.labels.len() - 1) as u32
    }

    /// Announces a series by the numbers of its labels, which are in the order of their names.
    pub(super) fn add(&mut self, slot: u32, set: &[u32]) {
        self.sets.extend_from_slice(set);
        self.series.push((slot, self.sets.len()));
    }

    fn text(&self, place: Place) -> (&str, &str) {
        let middle = place.start + place.name;
        let name = self.texts.get(place.start..middle).unwrap_or_default();
        (name, self.texts.get(middle..middle + place.value).unwrap_or_default())
    }
}

impl FromIterator<(u32, Labels)> for Born {
    fn from_iter<I: IntoIterator<Item = (u32, Labels)>>(series: I) -> Self {
        let mut born = Self::default();
        series.into_iter().for_each(|(slot, labels)| born.push(slot, &labels));
        born
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_announced_and_writes_what_neighbours_share_once() {
        let series: Vec<(u32, Labels)> = (0..9_u32)
            .map(|i| {
                let (i, name) = (i.to_string(), if i < 5 { "up" } else { "down" });
                (7 * i.len() as u32, Labels::from_pairs([("__name__", name), ("i", &i), ("job", "x")]))
            })
            .chain([(3, Labels::empty()), (4, Labels::from_pairs([("job", "x")]))])
            .collect();
        let born: Born = series.iter().cloned().collect();
        assert_eq!(born.announced().collect::<Vec<_>>(), series);
        assert_eq!(
            born.slots().collect::<Vec<_>>(),
            series.iter().map(|(slot, _)| *slot).collect::<Vec<_>>()
        );
        assert_eq!(born.labels().filter(|label| label.1 == "down").count(), 1);
        assert_eq!((born.len(), born.label(9999)), (11, ("", "")));
    }
}
