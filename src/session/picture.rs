//! Pictures: the view with who is attached, as JSON, with what it takes to get there from the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::Monotonic;
use crate::series::{Timestamp, patch};
use crate::view::ticks::Ticked;
use crate::view::{Attached, View};

use super::first::light;
use super::parts::Parts;
use super::sight::Sight;
use super::{SessionError, pack, wire};

/// What a panel does not show is sent this often: so old is at most what is seen for the moment in which somebody goes where it
/// is shown and it is asked for.
pub(super) const DUE: Duration = Duration::from_secs(3600);

/// One picture, of what one panel shows.
#[derive(Debug, Default)]
pub struct Picture {
    /// Its number; no other has it.
    pub number: u64,
    /// The view as it is sent.
    parts: Parts,
    /// The picture from which `step` leads here; 0 for none.
    base: u64,
    /// The frame that leads here from there.
    step: Vec<u8>,
    /// How clock and age moved when last nothing else did.
    beat: Ticked,
    /// When it last had everything as it was then.
    pub(super) full: (Monotonic, Timestamp),
    /// The view; `None` before there is one.
    view: Option<Arc<View>>,
}

/// Pictures of one moment.
#[derive(Debug, Default)]
pub struct Round {
    /// Counts rounds; the first has 1.
    pub number: u64,
    /// Everything as it is.
    pub newest: Arc<Picture>,
    /// By what is looked at, for those at which somebody looks.
    panels: BTreeMap<Sight, Arc<Picture>>,
    /// The last number that was given to a picture.
    last: u64,
}

impl Round {
    /// The round after `before`; `sights` are what somebody looks at.
    pub fn after(
        before: &Self,
        view: &Arc<View>,
        people: &[Attached],
        sights: &BTreeSet<Sight>,
        now: Monotonic,
    ) -> Result<Self, SessionError> {
        let all = Parts::of(view, json!(people), &before.newest.parts)?;
        let full = (now, view.at);
        let picture = |number, parts: Parts, full: (Monotonic, Timestamp), sight: &Sight| Picture {
            number,
            parts: parts.made_for(sight, full.1),
            full,
            view: Some(Arc::clone(view)),
            ..Picture::default()
        };
        let mut last = before.last + 1;
        let newest = Arc::new(picture(last, all.clone(), full, &Sight::default()));
        let mut of_panels = BTreeMap::new();
        for sight in sights {
            last += 1;
            let made = match before.panels.get(sight) {
                Some(old) if now.since(old.full.0) < DUE => {
                    let made = picture(last, all.held(&old.parts, sight), old.full, sight);
                    let parts = made.parts.in_step(&old.parts, old.beat);
                    let beat = parts.ticked(&old.parts).filter(|by| by.at > 0).unwrap_or(old.beat);
                    let made = Picture { parts, beat, ..made };
                    Picture { base: old.number, step: frame(old, last, &made.parts)?, ..made }
                }
                old => {
                    let made = picture(last, all.clone(), full, sight);
                    let step = old.map(|old| frame(old, last, &made.parts)).transpose()?;
                    Picture { base: old.map_or(0, |old| old.number), step: step.unwrap_or_default(), ..made }
                }
            };
            of_panels.insert(sight.clone(), Arc::new(made));
        }
        Ok(Self { number: before.number + 1, newest, panels: of_panels, last })
    }

    /// The picture for a screen that looks so.
    pub fn at(&self, sight: &Sight) -> Arc<Picture> {
        Arc::clone(self.panels.get(sight).unwrap_or(&self.newest))
    }
}

impl Picture {
    /// The whole of it as a frame.
    pub fn whole(&self) -> Result<Vec<u8>, SessionError> {
        Ok(wire::whole(self.number, &pack::pack(&self.parts.value())?))
    }

    /// The whole of it as a frame for who takes this one alone: every number is as it is, not as a screen was sent it.
    pub fn alone(&self) -> Result<Vec<u8>, SessionError> {
        let Some(view) = &self.view else { return self.whole() };
        let parts = Parts::of(view, self.parts.people(), &Parts::default())?;
        Ok(wire::whole(self.number, &pack::pack(&parts.value())?))
    }

    /// The frame that leads here from what a client was sent last.
    pub fn from(&self, sent: Option<&Arc<Self>>) -> Result<Vec<u8>, SessionError> {
        match sent {
            None => self.whole(),
            Some(sent) if sent.number == self.base => Ok(self.step.clone()),
            Some(sent) => frame(sent, self.number, &self.parts),
        }
    }

    /// What a screen needs to be there at once: the frame, and its value for [`Self::rest`]; `None` before there is a
    /// view.
    pub fn first(&self) -> Result<Option<(Vec<u8>, Value)>, SessionError> {
        let Some(view) = &self.view else { return Ok(None) };
        let first = Parts::of(&light(view), self.parts.people(), &Parts::default())?.value();
        Ok(Some((wire::whole(self.number, &pack::pack(&first)?), first)))
    }

    /// The frame that leads here from the first one.
    pub fn rest(&self, first: &Value) -> Result<Vec<u8>, SessionError> {
        let rest = patch::diff_in_steps(first, &self.parts.value()).unwrap_or_else(|| json!([1, []]));
        Ok(wire::delta(self.number, self.number, &pack::pack(&rest)?))
    }
}

fn frame(before: &Picture, number: u64, parts: &Parts) -> Result<Vec<u8>, SessionError> {
    match parts.ticked(&before.parts) {
        Some(by) => Ok(wire::clock(before.number, number, by)),
        None => Ok(wire::delta(before.number, number, &pack::pack(&parts.after(&before.parts))?)),
    }
}

#[cfg(test)]
mod tests {
    use crate::screen::fixture;
    use crate::view::ResourceRow;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default().plus(Duration::from_secs(seconds))
    }

    fn round(before: &Round, requests: u64, panels: &[&str], now: Monotonic) -> Round {
        let mut view = fixture::view();
        view.sources[0].requests = requests;
        let panels = panels.iter().map(|p| Sight::from(*p)).collect();
        Round::after(before, &Arc::new(view), &[], &panels, now).unwrap()
    }

    fn requests(picture: &Picture) -> u64 {
        super::super::parts::view_of(picture.parts.value()).unwrap().sources[0].requests
    }

    #[test]
    fn what_is_not_shown_comes_when_it_is_due_and_numbers_are_never_given_twice() {
        let first = round(&Round::default(), 1, &["1", "9"], at(0));
        assert_eq!(
            (requests(&first.at(&"1".into())), requests(&first.at(&"9".into()))),
            (1, 1),
            "at first everything"
        );
        let second = round(&first, 2, &["1", "9"], at(10));
        assert_eq!((requests(&second.at(&"1".into())), requests(&second.at(&"9".into()))), (1, 2));
        assert_eq!(requests(&second.at(&"5".into())), 2, "nobody looked at it: all of it, as it is");
        let third = round(&second, 3, &["1", "9"], at(3600));
        assert_eq!(requests(&third.at(&"1".into())), 3, "it is due");
        let fourth = round(&third, 4, &["1"], at(3700));
        assert_eq!(requests(&fourth.at(&"1".into())), 3, "and not again at once");
        let mut numbers: Vec<u64> = [&first, &second, &third]
            .iter()
            .flat_map(|r| [r.newest.number, r.at(&"1".into()).number, r.at(&"9".into()).number])
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((numbers.len(), numbers[0]), (9, 1));
    }

    #[test]
    fn who_takes_one_picture_gets_numbers_as_they_are() {
        let round = |before: &Round, cores: f64| {
            let mut view = fixture::view();
            view.resources.data = vec![ResourceRow {
                workload: view.services.data[0].workload.clone(),
                resource: "cpu".into(),
                replicas: 4,
                requested: None,
                p50: Some(cores),
                p95: None,
                max: None,
                recommended: None,
                throttle: None,
                oom: None,
                slack_dollars: None,
            }];
            Round::after(before, &Arc::new(view), &[], &BTreeSet::new(), at(1)).unwrap()
        };
        let second = round(&round(&Round::default(), 2.561), 2.564);
        let p50 = |frame: Vec<u8>| {
            let packed = &frame[wire::whole(0, &[]).len()..];
            let view = super::super::parts::view_of(pack::unpack(packed).unwrap()).unwrap();
            view.resources.data[0].p50
        };
        assert_eq!(p50(second.newest.whole().unwrap()), Some(2.561), "painted alike");
        assert_eq!(p50(second.newest.alone().unwrap()), Some(2.564));
    }

    #[test]
    fn a_step_is_for_who_has_the_picture_before_and_everybody_else_gets_their_own() {
        let first = round(&Round::default(), 1, &["1", "9"], at(0));
        let second = round(&first, 2, &["1", "9"], at(10));
        let next = second.at(&"1".into());
        assert_eq!(next.base, first.at(&"1".into()).number);
        assert_eq!(next.from(Some(&first.at(&"1".into()))).unwrap(), next.step);
        let other = next.from(Some(&first.at(&"9".into()))).unwrap();
        assert_ne!(other, next.step, "from another number");
        assert!(next.from(None).unwrap().len() > other.len());
    }
}
