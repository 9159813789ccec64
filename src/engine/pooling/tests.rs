use super::*;
use crate::forecast::pooled::OURS;
use crate::forecast::{Forecaster, Settings};
use crate::series::Sample;

/// Monday 2026-06-01, 00:00 UTC.
const BEGIN: Timestamp = Timestamp::from_secs(1_780_272_000);

fn at(slot: u32) -> Timestamp {
    BEGIN + STEP * slot
}

fn fill(
    history: &mut History,
    name: &str,
    slots: std::ops::Range<u32>,
    demand: impl Fn(u32) -> f64,
) -> WorkloadId {
    let id = WorkloadId::new("shop", name, "");
    let samples: Vec<Sample> = slots.map(|s| Sample::new(at(s), demand(s))).collect();
    history.backfill(&id, SignalKind::Demand, &samples, STEP);
    id
}

fn own(history: &History, id: &WorkloadId, now: u32) -> Fan {
    let window = history.window(id, SignalKind::Demand, at(0), at(now), STEP);
    Forecaster::new(Settings::default()).issue(&window, at(now)).fan().cloned().unwrap().as_ref().clone()
}

#[test]
fn a_young_service_is_forecast_both_ways_and_scored() {
    let wave = |slot: u32| 1.0 + 0.5 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin();
    let mut history = History::new();
    let (now, end) = (15 * 288 + 36, 15 * 288 + 48);
    let old: Vec<WorkloadId> = (0..4)
        .map(|i| fill(&mut history, &format!("old-{i}"), 0..end, |s| 100.0 * f64::from(i + 1) * wave(s)))
        .collect();
    let young = fill(&mut history, "young", now - 36..end, |s| 40.0 * wave(s));
    let mut pool = Pool::default();
    let issue = |pool: &mut Pool, id: &WorkloadId| pool.issued(id, &own(&history, id, now), &history, false);
    assert!(issue(&mut pool, &young).is_none());
    pool.look_back(&history, at(end), |_| true);
    assert!(pool.scores().is_empty(), "without a fleet there is nothing to pool");
    for id in &old {
        assert!(issue(&mut pool, id).is_none(), "an old service forecasts itself");
    }
    assert_eq!(pool.shapes(), 4);
    let used = issue(&mut pool, &young).unwrap();
    assert!(used.models.iter().any(|m| m.name == OURS && m.weight > 0.02), "{:?}", used.models);
    pool.look_back(&history, at(end), |_| true);
    let scores = pool.scores();
    assert_eq!(scores.len(), 1);
    assert!(scores[0].pooled > 0.0 && scores[0].own > 0.0, "{scores:?}");
    let soon = at(now) + Duration::from_secs(60);
    assert!(!pool.is_due(&young, soon) && pool.is_due(&young, at(now) + SPACING));
    pool.look_back(&history, at(now) + SCORED + STEP, |_| true);
    assert_eq!(pool.told.recorded().count(), 0, "what is scored makes room for others");
    pool.look_back(&history, at(end), |id| *id != young);
    assert_eq!(pool.scores().len(), 1, "what it scored stays for ninety days");
}

#[test]
fn shapes_of_a_team_are_named_replaced_and_bounded() {
    let wave = |slot: u32| 1.0 + 0.5 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin();
    let mut history = History::new();
    let mut theirs = Pool::default();
    let end = 15 * 288 + 48;
    for i in 0..4 {
        let id = fill(&mut history, &format!("old-{i}"), 0..end, |s| f64::from(i + 1) * wave(s));
        theirs.issued(&id, &own(&history, &id, end - 1), &history, false);
    }
    let shared = theirs.shared();
    assert_eq!(shared.iter().map(|s| s.services).collect::<Vec<_>>(), [4], "one kind");
    let young = fill(&mut history, "young", end - 48..end, |s| 40.0 * wave(s));
    let mut pool = Pool::default();
    let strange = SharedShape { services: 9, quarters: vec![7; 3], zone: String::new() };
    assert_eq!(pool.take_in("k", "team search", &[shared.clone(), vec![strange]].concat()), 1);
    let used = pool.issued(&young, &own(&history, &young, end - 1), &history, false).unwrap();
    assert!(used.models.iter().any(|m| m.name == "shape from team search"), "{:?}", used.models);
    pool.take_in("k", "team search", &shared);
    assert_eq!(pool.foreign(), 1, "what a team sends replaces what it sent before");
    pool.take_in("k", "team search", &[]);
    assert_eq!(pool.foreign(), 1, "a file of lessons alone says nothing of shapes");
    for i in 0..TEAMS + 5 {
        pool.take_in(&i.to_string(), "x", &vec![shared[0].clone(); MOST_SHAPES + 3]);
    }
    assert_eq!(pool.foreign(), TEAMS * MOST_SHAPES);
}

#[test]
fn the_engine_journals_its_shapes_once_a_day_and_uses_those_that_it_read_back() {
    let wave = |slot: u32| 1.0 + 0.5 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin();
    let end = 15 * 288 + 48;
    let settings = crate::config::load_without_file(&crate::config::Given::default()).unwrap();
    let clock = crate::clock::Clock::paused(at(end - 1));
    let made = || {
        let (settings, restored) = (Arc::new(settings.clone()), crate::engine::restore::Restored::default());
        crate::engine::start::state(
            &settings,
            crate::engine::Tuning::default(),
            "",
            &clock,
            BTreeMap::new(),
            &restored,
        )
        .unwrap()
    };
    let mut state = made();
    assert_eq!(state.learned.pool.record(at(end)), None);
    for i in 0..3 {
        let id = fill(&mut state.history, &format!("old-{i}"), 0..end, |s| f64::from(i + 1) * wave(s));
        let mut issued = issued(&id, own(&state.history, &id, end - 1));
        state.pool(&mut issued);
    }
    let now = at(end - 1);
    assert_eq!(state.learned.pool.record(now), None, "at the start they come one by one");
    let entry = state.learned.pool.record(now + SPACING).unwrap();
    assert_eq!(entry.text, "1 shape of 3 services for other teams");
    assert!(
        state.learned.pool.record(now + DAY).is_none()
            && state.learned.pool.record(now + DAY + SPACING).is_some()
    );
    // Another weescale that took them in, restarted: its young service is forecast by them, and says so.
    let mut journal = crate::journal::Journal::in_memory().unwrap();
    let mut body = entry.body.clone();
    (body["key"], body["source"]) = ("k".into(), "team search".into());
    journal.append(now, &[Entry::new(Kind::Import, "", body)]).unwrap();
    let mut state = made();
    let restored = crate::engine::restore::read(&journal, &clock, &state.tuning, &settings).unwrap();
    crate::engine::restore::into_state(&mut state, restored);
    assert_eq!(state.learned.pool.foreign(), 1);
    let young = fill(&mut state.history, "young", end - 48..end, |s| 40.0 * wave(s));
    let plain = own(&state.history, &young, end - 1);
    let mut issued = issued(&young, plain.clone());
    state.pool(&mut issued);
    let used = issued.forecast.fan().unwrap();
    assert!(used.points != plain.points);
    // A spike, or an event that was declared for it: others' shapes know nothing of that.
    let alone = |state: &mut crate::engine::State, spike: bool| {
        let mut again = Issued { spike, ..self::issued(&young, plain.clone()) };
        state.pool(&mut again);
        again.forecast.fan().unwrap().points == plain.points
    };
    assert!(alone(&mut state, true) && !alone(&mut state, false));
    let event = |from: u32, to: u32| crate::config::DeclaredEvent {
        name: "sale".into(),
        services: vec![],
        event: crate::forecast::calendar::Event { from: at(from), to: at(to), factor: Some(3.0) },
    };
    for (from, to, special) in
        [(end + 6, end + 12, true), (end - 12, end - 6, true), (end - 60, end - 48, false)]
    {
        let mut settings = settings.clone();
        settings.days.events = vec![event(from, to)];
        state.settings = Arc::new(settings);
        assert_eq!(alone(&mut state, false), special, "{from}");
    }
    assert!(used.models.iter().any(|m| m.name == "shape from team search"), "{:?}", used.models);
}

fn issued(id: &WorkloadId, fan: Fan) -> Issued {
    Issued {
        workload: id.clone(),
        forecast: ForecastState::Ready(Arc::new(fan)),
        busy: None,
        fitted: true,
        overdue: false,
        spike: false,
        burst: None,
        bursts_known: false,
        dip: None,
        structure: Arc::default(),
    }
}

mod past;
mod restart;
mod young;
mod zones;
