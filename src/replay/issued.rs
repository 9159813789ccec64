//! Forecasts as they were issued, from the journal or a bundle of it. A frame holds the fans of some minutes before it, and what was forecast an
//! hour before only as far as the engine then knew; where the recording has what was issued, that is what is shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::journal::{FrameFile, ISSUED_BEFORE};
use crate::series::Timestamp;
use crate::view::{Fan, ForecastState, ForecastView, View};

/// So far ahead what was forecast is laid beside what came.
const AHEAD: Duration = Duration::from_secs(3600);
/// A fan that was issued longer before that says nothing of an hour ahead.
const OLDEST: Duration = Duration::from_secs(3600);
/// A point of a fan is the one meant if it is no further away.
const NEAR: Duration = Duration::from_secs(300);
/// Points held; above, those that the chart of the moment shown cannot have are dropped.
const HELD: usize = 100_000;
/// Fans of one workload held, and how many of the latest may not have come when a frame was taken.
const LATEST: usize = 4;

/// A fan of the record, with when it came.
type Recorded = (Arc<Fan>, Timestamp);

/// Forecasts of a recording as they were issued.
#[derive(Debug, Default)]
pub(super) struct Issued {
    times: BTreeMap<String, Vec<Timestamp>>,
    /// Those read last, by workload.
    shown: BTreeMap<String, VecDeque<Recorded>>,
    /// What was forecast an hour before an instant, by instant and workload; `None` where no fan tells.
    ahead: BTreeMap<(Timestamp, String), Option<f64>>,
}

impl Issued {
    /// Of a recording; what cannot be read is not there.
    pub fn of(file: &FrameFile) -> Self {
        let at = |info: Option<&crate::journal::FrameInfo>| info.map_or(Timestamp::default(), |f| f.at);
        let (first, last) = (at(file.frames().first()), at(file.frames().last()));
        let times = file.issues(first - ISSUED_BEFORE, last).unwrap_or_default();
        Self { times, ..Self::default() }
    }

    /// Puts what was issued into a view: the fans in force unless it `shows` them, and what was forecast an hour before,
    /// for which `most` fans are read. Whether that was all of it; the same again goes on from there.
    pub fn lay(&mut self, file: &FrameFile, view: &mut View, shows: bool, most: usize) -> bool {
        if self.ahead.len() > HELD {
            let chart = view.at - ISSUED_BEFORE..=view.at;
            self.ahead.retain(|(at, _), _| chart.contains(at));
        }
        let (at, mut left, mut all) = (view.at, most, true);
        for place in asked_first(view) {
            let Some(row) = view.forecasts.data.get_mut(place) else { continue };
            let name = row.workload.to_string();
            if !shows && let Some(fan) = self.in_force(file, &name, &row.forecast, at) {
                row.forecast = ForecastState::Ready(fan);
            }
            all &= self.before(file, &name, row, &mut left);
        }
        all
    }

    /// The latest fan that had come by `at`, unless the frame has a later one that was issued by then too, or none.
    fn in_force(
        &mut self,
        file: &FrameFile,
        name: &str,
        held: &ForecastState,
        at: Timestamp,
    ) -> Option<Arc<Fan>> {
        let held = held.fan()?;
        let times = self.times.get(name)?;
        let known = self.shown.entry(name.to_owned()).or_default();
        for issued in times.iter().rev().skip_while(|issued| **issued > at).take(LATEST) {
            if held.issued <= at && held.issued > *issued {
                return None;
            }
            if !known.iter().any(|(fan, _)| fan.issued == *issued) {
                let (fan, came) = read(file, name, *issued)?;
                known.truncate(LATEST - 1);
                known.push_front((Arc::new(fan), came));
            }
            let found = known.iter().find(|(fan, _)| fan.issued == *issued);
            if let Some((fan, _)) = found.filter(|(_, came)| *came <= at) {
                return Some(Arc::clone(fan));
            }
        }
        None
    }

    /// Adds what was forecast an hour before each instant of the chart of which the frame does not tell; whether all that
    /// the record has.
    fn before(&mut self, file: &FrameFile, name: &str, row: &mut ForecastView, left: &mut usize) -> bool {
        let Some(times) = self.times.get(name) else { return true };
        let told: BTreeMap<Timestamp, f64> = row.issued_before.iter().copied().collect();
        let mut all = told.clone();
        // Instants that one fan tells of come one after the other: it is read once for them.
        let mut last: Option<(Timestamp, Vec<(Timestamp, f64)>)> = None;
        let mut whole = true;
        for (at, _) in row.history.points().filter(|(at, _)| !told.contains_key(at)) {
            let asked = at - AHEAD;
            let Some(issued) = latest(times, asked).filter(|issued| asked.since(*issued) <= OLDEST) else {
                continue;
            };
            let key = (at, name.to_owned());
            if !self.ahead.contains_key(&key) {
                if last.as_ref().is_none_or(|(of, _)| *of != issued) {
                    let Some(fewer) = left.checked_sub(1) else {
                        whole = false;
                        break;
                    };
                    *left = fewer;
                    let medians = read(file, name, issued).map(|(fan, _)| medians(&fan));
                    last = Some((issued, medians.unwrap_or_default()));
                }
                let near = |(t, _): &&(Timestamp, f64)| t.since(at).max(at.since(*t));
                let point = last.iter().flat_map(|(_, medians)| medians).min_by_key(near);
                let point = point.filter(|point| near(point) <= NEAR).map(|(_, median)| *median);
                self.ahead.insert(key.clone(), point);
            }
            if let Some(median) = self.ahead.get(&key).copied().flatten() {
                all.insert(at, median);
            }
        }
        row.issued_before = all.into_iter().collect();
        whole
    }
}

/// Places of the forecasts of a view: those about which something is or was asked, then by urgency.
fn asked_first(view: &View) -> Vec<usize> {
    let asked: BTreeSet<&WorkloadId> = view.proposals.data.iter().map(|p| &p.proposal.workload).collect();
    let urgent = view.services.data.iter().enumerate().map(|(i, s)| (&s.workload, i));
    let urgent: BTreeMap<&WorkloadId, usize> = urgent.collect();
    let mut places: Vec<(bool, usize, usize)> = view
        .forecasts
        .data
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let turn = urgent.get(&row.workload).copied().unwrap_or(usize::MAX);
            (!asked.contains(&row.workload), turn, place)
        })
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(.., place)| place).collect()
}

/// The latest of `times` that is not after `at`.
fn latest(times: &[Timestamp], at: Timestamp) -> Option<Timestamp> {
    times.get(times.partition_point(|t| *t <= at).checked_sub(1)?).copied()
}

fn read(file: &FrameFile, name: &str, issued: Timestamp) -> Option<(Fan, Timestamp)> {
    Fan::of_record(file.issued(name, issued).ok()??)
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
    use crate::view::{Command, Proposal, ProposalState, ReplayWish};

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
            row.forecast = ForecastState::Ready(Arc::new(flat(
                &fan,
                (view.at - MINUTE * 3).floor_to(MINUTE * 10),
                99_999.0,
            )));
            row.issued_before.clear();
            let step = Duration::from_secs(300);
            let from = (view.at - MINUTE * 720).floor_to(step);
            row.history = Window::new(from, step, (0..144).map(|_| Some(100.0)));
            if i == 240 {
                // What was asked for ten minutes ago and had come; that of this minute had not.
                row.forecast = ForecastState::Ready(Arc::new(flat(&fan, view.at - MINUTE * 10, 230.0)));
            }
            let decided = ProposalState::Approved { by: "ann".into(), at: start + MINUTE * 240 };
            let card = &mut view.proposals.data[0];
            let state = if i >= 240 { decided } else { ProposalState::Open };
            card.proposal = Proposal { state, workload: workload.clone(), ..card.proposal.clone() };
            let encoded = encoder.encode(serde_json::to_value(&view).unwrap()).unwrap();
            let mark = if i == 240 { "approve: p-1".to_owned() } else { String::new() };
            let frame = NewFrame { at: view.at, mark, encoded };
            journal.store_frame(&frame, Keep::default()).unwrap();
            if i % 10 == 0 {
                // Three minutes later it had come; earlier versions did not say.
                let issued = flat(&fan, view.at, f64::from(i));
                let plain = serde_json::to_string(&issued).unwrap();
                let body = if i < 60 { plain } else { issued.to_record(view.at + MINUTE * 3).unwrap() };
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
        for (minute, issued) in [(122, 110), (123, 120), (52, 50), (122, 110)] {
            let fan = fan_of(&recording.told(minute).unwrap()).1;
            assert_eq!(fan.issued, start + MINUTE * issued, "what had come by minute {minute}");
        }
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
        assert!((track.known[0].2 - 230.0).abs() < 1.0, "as it was shown: {:?}", track.known[0]);
        let ahead = track.ahead.get(&(start + MINUTE * 200)).unwrap();
        assert!((ahead - 140.0).abs() < 0.5, "{ahead}");
    }

    #[test]
    fn what_is_not_read_at_once_is_read_next_and_does_not_depend_on_what_was_seen_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let (_, place) = journal(&path);
        let whole = Recording::journal(&path, None, None).unwrap().told(290).unwrap();
        let mut recording = Recording::journal(&path, None, None).unwrap();
        let mut points = 0;
        let mut passes = 0;
        loop {
            let (told, all) = recording.told_within(290, 3).unwrap();
            let now = told.forecasts.data[place].issued_before.len();
            assert!(now > points || all, "{now} points after {passes} passes");
            (points, passes) = (now, passes + 1);
            if all {
                assert_eq!(told.forecasts.data, whole.forecasts.data);
                break;
            }
        }
        assert!((5..60).contains(&passes), "{passes} passes");
        // Every frame seen before, in either direction.
        for index in (0..=300).step_by(20).chain((0..=300).rev().step_by(30)) {
            recording.told_within(index, 2).unwrap();
        }
        assert_eq!(recording.told(290).unwrap().forecasts.data, whole.forecasts.data);
    }

    #[test]
    fn a_bundle_says_what_was_issued_as_its_journal_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let (start, place) = journal(&path);
        let interval = (Some(start + MINUTE * 100), Some(start + MINUTE * 200));
        let mut live = Recording::journal(&path, interval.0, interval.1).unwrap();
        let bundle = |name: &str, most: u64| {
            let to = folder.path().join(name);
            let mut file = Recording::journal(&path, interval.0, interval.1).unwrap().into_file();
            let cut = file.cut(&to, most, &mut |_| {}).unwrap();
            (Recording::bundle(&to).unwrap(), cut)
        };
        let (mut carried, cut) = bundle("all.wee", 64 << 20);
        assert!(cut.issued > 15 && cut.issued_left == 0, "{cut:?}");
        let count = live.frames().len();
        assert_eq!(carried.frames().len(), count);
        let mut beside = 0;
        for index in 0..count {
            let [told, here] = [&mut live, &mut carried].map(|r| r.told(index).unwrap());
            assert_eq!(told.forecasts, here.forecasts, "frame {index}");
            beside += here.forecasts.data[place].issued_before.len();
        }
        assert!(beside > count * 10, "{beside} points beside {count} frames");
        // With little room the latest are there, and frames tell what they hold of the time before.
        let (mut less, cut) = bundle("less.wee", 8 << 10);
        assert!(cut.issued > 0 && cut.issued_left > 0, "{cut:?}");
        let last = less.frames().len() - 1;
        assert_eq!(fan_of(&less.told(last).unwrap()).1, fan_of(&live.told(count - 1).unwrap()).1);
        assert_eq!(fan_of(&less.told(0).unwrap()).1, fan_of(&less.view(0).unwrap()).1);
    }

    #[tokio::test]
    async fn a_replay_that_is_paused_goes_on_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let (_, place) = journal(&path);
        let mut whole = Recording::journal(&path, None, None).unwrap();
        let wanted = whole.told(0).unwrap().forecasts.data[place].issued_before.len();
        let recording = Recording::journal(&path, None, None).unwrap();
        let mut replay =
            super::super::player::play_reading(recording, crate::clock::Clock::real(), 1).unwrap();
        replay.commands.send(Command::Replay(ReplayWish::Jump("end".into()))).await.unwrap();
        let last = whole.told(300).unwrap().forecasts.data[place].issued_before.len();
        assert!(last > wanted + 10, "{last} {wanted}");
        let all = |v: &Arc<View>| v.forecasts.data[place].issued_before.len() == last;
        let read = tokio::time::timeout(Duration::from_secs(20), replay.view.wait_for(all)).await;
        assert!(read.is_ok_and(|r| r.is_ok()), "the rest never comes");
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
