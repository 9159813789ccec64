//! The demand of a workload as it was recorded: by a journal minute by minute, in a bundle as it was shown.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::cli::args::Live;
use crate::cli::exit::Failure;
use crate::cli::{journal, named};
use crate::journal::recorded;
use crate::replay::Recording;
use crate::series::{Timestamp, Window};
use crate::signals::SignalKind;

const MINUTE: Duration = Duration::from_secs(60);
/// A frame shows demand of the last twelve hours by five minutes: one in six hours leaves none out.
const SHOWN: Duration = Duration::from_secs(300);
const APART: Duration = Duration::from_secs(6 * 3600);
/// Slots at most: 400 days of minutes.
const MOST: usize = 400 * 1_440;

/// Its name and its slots; `step` other than what was recorded averages.
pub fn history(
    live: &Live,
    workload: &str,
    bundle: Option<&Path>,
    step: Option<Duration>,
) -> Result<(String, Window), Failure> {
    let (place, own) = match bundle {
        Some(path) => (path.to_owned(), SHOWN),
        None => (journal::path(live)?, MINUTE),
    };
    let found = |workload: &str| match bundle {
        Some(path) => {
            from_frames(Recording::bundle(path).map_err(|e| Failure::Usage(e.to_string()))?, workload)
        }
        None => from_journal(&place, workload),
    };
    let mut name = workload.to_owned();
    let mut held = found(workload)?;
    if let Err(names) = &held {
        // A part of a name that only one has is enough.
        let known = names.iter().map(|name| named::typed(name));
        let one = named::one(workload, known)
            .map_err(|e| Failure::Usage(format!("--recording: in {}: {e}", place.display())))?;
        name = one.to_string();
        held = found(&name)?;
    }
    let (workload, place) = (name.as_str(), place.display().to_string());
    let values = held.unwrap_or_default();
    let window = slots(&values, own)
        .ok_or_else(|| Failure::Other(format!("{place}: no demand of {workload} was recorded")))?;
    let factor = step.map_or(1, |s| (s.as_secs() / own.as_secs()).max(1));
    let window = window.coarsened(usize::try_from(factor).unwrap_or(1));
    Ok((format!("{workload} in {place}"), window))
}

type Found = Result<BTreeMap<Timestamp, f64>, Vec<String>>;

/// What a journal holds.
fn from_journal(path: &Path, workload: &str) -> Result<Found, Failure> {
    let found = recorded(path, workload, SignalKind::Demand.name()).map_err(Failure::other)?;
    let at = |minute: i64| Timestamp::from_millis(minute.saturating_mul(60_000));
    Ok(found.map(|minutes| minutes.into_iter().map(|(m, v)| (at(m), v)).collect()))
}

/// What the frames of a bundle show.
fn from_frames(mut recording: Recording, workload: &str) -> Result<Found, Failure> {
    let id = named::typed(workload);
    let frames: Vec<Timestamp> = recording.frames().iter().map(|f| f.at).collect();
    let (mut values, mut names) = (BTreeMap::new(), Vec::new());
    let mut last: Option<Timestamp> = None;
    for (index, at) in frames.iter().enumerate() {
        let next = frames.get(index + 1);
        // The last frame before the next would leave a gap, and the very last.
        let wanted = last.is_none_or(|last| next.is_none_or(|next| next.since(last) >= APART));
        if !wanted {
            continue;
        }
        last = Some(*at);
        let view = recording.view(index).map_err(Failure::other)?;
        let shown = view.forecasts.data.iter().find(|f| f.workload == id);
        if let Some(shown) = shown {
            values.extend(shown.history.points());
        } else if names.is_empty() {
            names = view.forecasts.data.iter().map(|f| f.workload.to_string()).collect();
        }
    }
    Ok(if values.is_empty() { Err(names) } else { Ok(values) })
}

/// Regular slots from the first value to the last; a slot without one is a gap.
fn slots(values: &BTreeMap<Timestamp, f64>, step: Duration) -> Option<Window> {
    let (first, last) = (values.first_key_value()?.0, values.last_key_value()?.0);
    let step_ms = i64::try_from(step.as_millis()).ok()?;
    let place = |at: &Timestamp| usize::try_from(at.millis_since(*first) / step_ms).ok();
    let mut slots = vec![None; place(last)?.min(MOST) + 1];
    for (at, value) in values {
        if let Some(slot) = place(at).and_then(|i| slots.get_mut(i)) {
            *slot = Some(*value);
        }
    }
    Some(Window::new(*first, step, slots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Encoder, Journal, Keep, NewFrame};
    use crate::screen::fixture;

    #[test]
    fn a_minute_that_was_not_recorded_is_a_gap() {
        let at = |minute: i64| Timestamp::from_secs(60 * (29_000_000 + minute));
        let values = BTreeMap::from([(at(0), 1.0), (at(1), 2.0), (at(4), 3.0)]);
        let window = slots(&values, MINUTE).unwrap();
        assert_eq!(window.values(), [Some(1.0), Some(2.0), None, None, Some(3.0)]);
        assert_eq!(slots(&BTreeMap::new(), MINUTE), None);
    }

    /// A bundle as `weescale bundle` cuts it, of a screen that was looked at once an hour for two days.
    #[test]
    fn a_bundle_gives_the_demand_that_its_pictures_showed_and_names_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bundle) = (folder.path().join("journal.db"), folder.path().join("incident.wee"));
        let mut journal = Journal::open(&path).unwrap();
        let mut encoder = Encoder::new(journal.next_frame_group().unwrap());
        let demand = |at: Timestamp| (at.as_millis() / 300_000 % 288) as f64;
        let first = fixture::view().at.floor_to(SHOWN);
        for hour in 0..48 {
            let mut view = fixture::view();
            view.at = first + Duration::from_secs(hour * 3600);
            let from = view.at - SHOWN * 144;
            let shown = (0..144).map(|i| Some(demand(from + SHOWN * i)));
            view.forecasts.data[0].history = Window::new(from, SHOWN, shown);
            let encoded = encoder.encode(serde_json::to_value(&view).unwrap()).unwrap();
            let frame = NewFrame { at: view.at, mark: String::new(), encoded };
            assert!(journal.store_frame(&frame, Keep::default()).unwrap());
        }
        drop(journal);
        let mut file = Recording::journal(&path, None, None).unwrap().into_file();
        assert_eq!(file.cut(&bundle, 64 << 20, &mut |_| {}).unwrap().frames, 48);

        let id = fixture::view().forecasts.data[0].workload.to_string();
        let (name, window) = history(&Live::default(), &id, Some(&bundle), None).unwrap();
        assert!(name.starts_with(&id), "{name}");
        // Two days, and the twelve hours that the first picture showed, less the hour after the last.
        assert_eq!((window.step(), window.len(), window.present()), (SHOWN, 59 * 12, 59 * 12));
        assert!(window.points().all(|(at, v)| (v - demand(at)).abs() < 1e-6));
        let unknown = history(&Live::default(), "shop/nothing", Some(&bundle), None).unwrap_err();
        assert!(format!("{unknown:?}").contains(&id), "{unknown:?}");
    }
}
