//! Forecasts as they were issued, from the journal. A frame holds the fans of some minutes before it, and what was forecast an
//! hour before only as far as the engine then knew; where the journal has what was issued, that is what is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::journal::FrameFile;
use crate::series::Timestamp;
use crate::view::{Fan, ForecastState, ForecastView, View};

/// So far ahead what was forecast is laid beside what came.
const AHEAD: Duration = Duration::from_secs(3600);
/// A fan that was issued longer before that says nothing of an hour ahead.
const OLDEST: Duration = Duration::from_secs(3600);
/// A point of a fan is the one meant if it is no further away.
const NEAR: Duration = Duration::from_secs(300);
/// Fans are looked for from so long before the first frame on: its chart begins twelve hours before it.
const BEFORE: Duration = Duration::from_secs(14 * 3600);
/// Fans read for what was forecast an hour before, in one view: more are read with the next.
const AT_ONCE: usize = 400;
/// Fans held.
const HELD: usize = 8_192;

/// The part of a fan that an hour ahead is read from: instants and medians.
type Medians = Arc<Vec<(Timestamp, f64)>>;

/// Forecasts of a recording as they were issued.
#[derive(Debug, Default)]
pub(super) struct Issued {
    times: BTreeMap<String, Vec<Timestamp>>,
    /// The last that was in force, by workload.
    shown: BTreeMap<String, Arc<Fan>>,
    ahead: BTreeMap<(String, Timestamp), Medians>,
}

impl Issued {
    /// Of a recording; what cannot be read is not there.
    pub fn of(file: &FrameFile) -> Self {
        let at = |info: Option<&crate::journal::FrameInfo>| info.map_or(Timestamp::default(), |f| f.at);
        let (first, last) = (at(file.frames().first()), at(file.frames().last()));
        let times = file.issues(first - BEFORE, last).unwrap_or_default();
        Self { times, ..Self::default() }
    }

    /// Puts what was issued into a view.
    pub fn lay(&mut self, file: &FrameFile, view: &mut View) {
        let mut left = AT_ONCE;
        for row in &mut view.forecasts.data {
            let name = row.workload.to_string();
            if let Some(fan) = self.in_force(file, &name, &row.forecast, view.at) {
                row.forecast = ForecastState::Ready(fan);
            }
            self.before(file, &name, row, &mut left);
        }
    }

    /// The latest fan that was issued by `at`, unless the frame has a later one that was issued by then too, or none.
    fn in_force(
        &mut self,
        file: &FrameFile,
        name: &str,
        held: &ForecastState,
        at: Timestamp,
    ) -> Option<Arc<Fan>> {
        let held = held.fan()?;
        let issued = latest(self.times.get(name)?, at)?;
        if held.issued <= at && held.issued > issued {
            return None;
        }
        if let Some(known) = self.shown.get(name).filter(|fan| fan.issued == issued) {
            return Some(Arc::clone(known));
        }
        let fan = Arc::new(read(file, name, issued)?);
        self.shown.insert(name.to_owned(), Arc::clone(&fan));
        Some(fan)
    }

    /// Adds what was forecast an hour before each instant of the chart of which the frame does not tell.
    fn before(&mut self, file: &FrameFile, name: &str, row: &mut ForecastView, left: &mut usize) {
        let Some(times) = self.times.get(name) else { return };
        let told: BTreeMap<Timestamp, f64> = row.issued_before.iter().copied().collect();
        let mut all = told.clone();
        for (at, _) in row.history.points().filter(|(at, _)| !told.contains_key(at)) {
            let asked = at - AHEAD;
            let Some(issued) = latest(times, asked).filter(|issued| asked.since(*issued) <= OLDEST) else {
                continue;
            };
            let key = (name.to_owned(), issued);
            if !self.ahead.contains_key(&key) {
                if *left == 0 {
                    break;
                }
                *left -= 1;
                if self.ahead.len() >= HELD {
                    self.ahead.clear();
                }
                let medians = read(file, name, issued).map(|fan| medians(&fan)).unwrap_or_default();
                self.ahead.insert(key.clone(), Arc::new(medians));
            }
            let near = |(t, _): &&(Timestamp, f64)| t.since(at).max(at.since(*t));
            let point = self.ahead.get(&key).and_then(|points| points.iter().min_by_key(near));
            if let Some((_, median)) = point.filter(|point| near(point) <= NEAR) {
                all.insert(at, *median);
            }
        }
        row.issued_before = all.into_iter().collect();
    }
}

/// The latest of `times` that is not after `at`.
fn latest(times: &[Timestamp], at: Timestamp) -> Option<Timestamp> {
    times.get(times.partition_point(|t| *t <= at).checked_sub(1)?).copied()
}

fn read(file: &FrameFile, name: &str, issued: Timestamp) -> Option<Fan> {
    Fan::deserialize(file.issued(name, issued).ok()??).ok()
}

/// What a fan says of an hour ahead and of as long after as it may be asked.
fn medians(fan: &Fan) -> Vec<(Timestamp, f64)> {
    let until = fan.issued + AHEAD + OLDEST + NEAR;
    let points = fan.points.iter().take_while(|p| p.at <= until);
    points.filter(|p| p.at + NEAR >= fan.issued + AHEAD).map(|p| (p.at, p.quantile(0.5))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::journal::{Encoder, Journal, Keep, NewFrame, StoredFan};
    use crate::report::Incident;
    use crate::screen::fixture;
    use crate::series::Window;
    use crate::view::{Proposal, ProposalState};

    use super::super::Recording;
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A fan that says the same of every instant.
    fn flat(from: &Fan, issued: Timestamp, says: f64) -> Fan {
        let mut fan = from.clone();
        fan.issued = issued;
        for (i, point) in fan.points.iter_mut().enumerate() {
            point.at = issued + fan.step * (u32::try_from(i).unwrap() + 1);
            point.quantiles = [says; crate::view::LEVELS.len()];
        }
        fan
    }

    fn fan_of(view: &View) -> (usize, Fan) {
        let found = view.forecasts.data.iter().enumerate().find_map(|(i, f)| Some((i, f.forecast.fan()?)));
        let (i, fan) = found.unwrap();
        (i, Fan::clone(fan))
    }

    /// Five hours by the minute of a journal whose frames hold a forecast that was never issued like that; a fan was issued
    /// every ten minutes and said in which it was. Somebody decided after four hours.
    fn journal(path: &Path) -> (Timestamp, usize) {
        let mut journal = Journal::open(path).unwrap();
        let mut encoder = Encoder::new(journal.next_frame_group().unwrap());
        let first = fixture::view();
        let (place, fan) = fan_of(&first);
        let workload = first.forecasts.data[place].workload.clone();
        let start = first.at.floor_to(MINUTE * 10);
        for i in 0..=300_u32 {
            let mut view = first.clone();
            view.at = start + MINUTE * i;
            let row = &mut view.forecasts.data[place];
            row.forecast =
                ForecastState::Ready(Arc::new(flat(&fan, view.at.floor_to(MINUTE * 10), 99_999.0)));
            row.issued_before.clear();
            let step = Duration::from_secs(300);
            let from = (view.at - MINUTE * 720).floor_to(step);
            row.history = Window::new(from, step, (0..144).map(|_| Some(100.0)));
            let decided = ProposalState::Approved { by: "ann".into(), at: start + MINUTE * 240 };
            let card = &mut view.proposals.data[0];
            let state = if i >= 240 { decided } else { ProposalState::Open };
            card.proposal = Proposal { state, workload: workload.clone(), ..card.proposal.clone() };
            let encoded = encoder.encode(serde_json::to_value(&view).unwrap()).unwrap();
            let frame = NewFrame { at: view.at, mark: String::new(), encoded };
            journal.store_frame(&frame, Keep::default()).unwrap();
            if i % 10 == 0 {
                let body = serde_json::to_string(&flat(&fan, view.at, f64::from(i))).unwrap();
                let stored = StoredFan { workload: workload.to_string(), issued: view.at, body };
                journal.store_fan(&stored, Timestamp::from_secs(0)).unwrap();
            }
        }
        (start, place)
    }

    #[test]
    fn a_replay_and_a_report_say_what_was_issued_and_not_what_a_frame_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let (start, place) = journal(&path);
        let mut recording = Recording::journal(&path, None, None).unwrap();
        let said = |fan: &Fan| fan.points[0].quantile(0.5);
        let held = recording.view(127).unwrap();
        assert!(said(&fan_of(&held).1) > 90_000.0, "the frame alone");
        let told = recording.told(127).unwrap();
        let fan = fan_of(&told).1;
        assert_eq!(fan.issued, start + MINUTE * 120, "the latest by then");
        assert!((said(&fan) - 120.0).abs() < 0.5, "{}", said(&fan));
        // An hour before 01:55 the fan of minute 50 was the latest.
        let before = &told.forecasts.data[place].issued_before;
        let at = start + MINUTE * 115;
        let (_, median) = before.iter().find(|(t, _)| *t == at).unwrap();
        assert!((median - 50.0).abs() < 0.5, "{before:?}");
        assert!(
            before.iter().all(|(t, _)| *t >= start + MINUTE * 60),
            "nothing was issued an hour before that"
        );
        let mut incident = Incident::new(Vec::new(), None);
        for index in 0..recording.frames().len() {
            incident.frame(&recording.told(index).unwrap());
        }
        let subjects = incident.subjects();
        let (_, track) = subjects[0];
        assert!((track.known[0].2 - 240.0).abs() < 1.0, "{:?}", track.known[0]);
        let ahead = track.ahead.get(&(start + MINUTE * 200)).unwrap();
        assert!((ahead - 140.0).abs() < 0.5, "{ahead}");
    }

    #[test]
    fn without_what_was_issued_frames_say_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        journal(&path);
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute("DELETE FROM issued", []).unwrap();
        let mut recording = Recording::journal(&path, None, None).unwrap();
        assert!(fan_of(&recording.told(127).unwrap()).1.points[0].quantile(0.5) > 90_000.0);
        db.execute("DROP TABLE issued", []).unwrap();
        let mut recording = Recording::journal(&path, None, None).unwrap();
        assert_eq!(recording.told(127).unwrap(), recording.view(127).unwrap());
    }
}
