//! What came after the moment that is shown, from later frames: to be laid beside what was forecast then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::series::{Timestamp, Window};
use crate::view::View;

use super::Recording;

/// A frame holds the demand of the twelve hours before it; so far apart they are read, and each only once.
const APART: Duration = Duration::from_secs(6 * 3600);
/// How far ahead is looked: as far as a fan reaches.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// Frames of which demand is held at most.
const HELD: usize = 8;
/// Points of one workload at most.
const POINTS: usize = 600;

/// Demand by workload, as a frame tells it.
type Demand = Arc<BTreeMap<WorkloadId, Window>>;

/// Later demand, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// By frame, the one read first in front.
    held: VecDeque<(usize, Demand)>,
    now: Vec<(usize, Demand)>,
}

impl Came {
    /// Reads what tells of the time after the frame `shown`. A frame that cannot be read tells nothing.
    pub fn read(&mut self, recording: &mut Recording, shown: usize) {
        let wanted = wanted(&recording.frames().iter().map(|f| f.at).collect::<Vec<_>>(), shown);
        self.now =
            wanted.into_iter().filter_map(|index| Some((index, self.demand(recording, index)?))).collect();
    }

    fn demand(&mut self, recording: &mut Recording, index: usize) -> Option<Demand> {
        if let Some((_, known)) = self.held.iter().find(|(held, _)| *held == index) {
            return Some(Arc::clone(known));
        }
        let view = recording.view(index).ok()?;
        let rows = view.forecasts.data.iter().map(|f| (f.workload.clone(), f.history.clone()));
        let demand = Arc::new(rows.collect::<BTreeMap<_, _>>());
        while self.held.len() >= HELD {
            self.held.pop_front();
        }
        self.held.push_back((index, Arc::clone(&demand)));
        Some(demand)
    }

    /// Lays what came beside the fans of `view`.
    pub fn lay(&self, view: &mut View) {
        let now = view.at;
        for row in &mut view.forecasts.data {
            let Some(end) = row.forecast.fan().map(|fan| fan.end()) else { continue };
            let mut points: BTreeMap<Timestamp, f64> = BTreeMap::new();
            for window in self.now.iter().filter_map(|(_, demand)| demand.get(&row.workload)) {
                // What an earlier frame told of an instant stays: both were measured, and one is enough.
                let ahead = window.points().filter(|(at, _)| now < *at && *at <= end);
                ahead.for_each(|(at, value)| _ = points.entry(at).or_insert(value));
            }
            row.came = points.into_iter().take(POINTS).collect();
        }
    }
}

/// The frames that tell of the day after the one `shown`: the last before each quarter of a day ends, and the last of all.
fn wanted(times: &[Timestamp], shown: usize) -> Vec<usize> {
    let Some(now) = times.get(shown).copied() else { return Vec::new() };
    let first = now.floor_to(APART) + APART;
    let quarters = AHEAD.as_secs().div_ceil(APART.as_secs()) + 1;
    let ends = (0..quarters).map(|i| first + APART * u32::try_from(i).unwrap_or(u32::MAX));
    let mut out: Vec<usize> =
        ends.filter_map(|end| times.partition_point(|t| *t <= end).checked_sub(1)).collect();
    out.retain(|index| *index > shown);
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use crate::journal::{Encoder, Journal, Keep, NewFrame};
    use crate::screen::fixture;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn few_frames_tell_of_a_day_and_they_are_the_same_for_hours() {
        let start = Timestamp::from_secs(1_780_272_000);
        let times: Vec<Timestamp> = (0..40 * 60).map(|i| start + MINUTE * i).collect();
        let at_one = wanted(&times, 60);
        assert_eq!(at_one, [360, 720, 1080, 1440, 1800]);
        assert_eq!(wanted(&times, 300), at_one, "nothing more is read");
        assert_eq!(wanted(&times, 360), [720, 1080, 1440, 1800, 2160]);
        assert_eq!(wanted(&times, 39 * 60), [2399], "the last of all");
        assert!(wanted(&times, 2399).is_empty() && wanted(&[], 0).is_empty());
    }

    #[test]
    fn what_came_is_what_later_frames_measured_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path).unwrap();
        let mut encoder = Encoder::new(journal.next_frame_group().unwrap());
        let first = fixture::view();
        for i in 0..14_u32 {
            let mut view = first.clone();
            view.at = first.at + MINUTE * 60 * i;
            let step = Duration::from_secs(300);
            for row in &mut view.forecasts.data {
                let start = (view.at - MINUTE * 720).floor_to(step);
                let values = (0..144).map(|s| Some((start + step * s).as_secs_f64() / 1e6));
                row.history = Window::new(start, step, values);
            }
            let encoded = encoder.encode(serde_json::to_value(&view).unwrap()).unwrap();
            journal
                .store_frame(&NewFrame { at: view.at, mark: String::new(), encoded }, Keep::default())
                .unwrap();
        }
        drop(journal);
        let mut recording = Recording::journal(&path, None, None).unwrap();
        let mut came = Came::default();
        came.read(&mut recording, 0);
        let mut view = View::clone(&recording.view(0).unwrap());
        came.lay(&mut view);
        let row = view.forecasts.data.iter().find(|f| f.forecast.fan().is_some()).unwrap();
        assert!(row.came.len() > 140, "thirteen hours of five minutes: {}", row.came.len());
        assert!(row.came.is_sorted_by_key(|(at, _)| *at));
        for (at, value) in &row.came {
            assert!(*at > view.at && (value - at.as_secs_f64() / 1e6).abs() < 1.0, "{at} {value}");
        }
        // At the end nothing is known of what came after.
        came.read(&mut recording, 13);
        let mut last = View::clone(&recording.view(13).unwrap());
        came.lay(&mut last);
        assert!(last.forecasts.data.iter().all(|f| f.came.is_empty()));
        assert!(came.held.len() <= HELD);
    }
}
