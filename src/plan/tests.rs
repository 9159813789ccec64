//! The planner as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::fleet::{Objective, Owner, PodResources, Replicas, Workload, WorkloadId};
use crate::forecast::{Fan, FanPoint, ForecastState, LEVELS};
use crate::series::{Finite, Timestamp};
use crate::signals::{Freshness, Signal, SignalKind, SignalSet};

use super::*;

mod hold;
mod around;
mod promises;
mod resize;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

#[derive(Debug)]
struct Scene {
    workload: Workload,
    signals: SignalSet,
    forecast: ForecastState,
    limits: Limits,
    recent: Recent,
    fleet: FleetState,
    usual: Usual,
    around: Around,
}

fn signal(kind: SignalKind, value: f64, freshness: Freshness) -> (SignalKind, Signal) {
    let value = Finite::new(value);
    (kind, Signal { kind, value, at: NOW, freshness, least: None, note: String::new(), provenance: None })
}

/// Demand 1000 rps on 10 replicas of 110 rps; the forecast has its median at `medians` every five minutes.
fn scene(owner: Owner, medians: impl Fn(usize) -> f64) -> Scene {
    let id = WorkloadId::new("shop", "checkout", "eu");
    let point = |i: usize| FanPoint {
        at: NOW + Duration::from_secs(300 * (i as u64 + 1)),
        quantiles: std::array::from_fn(|k| medians(i) * (1.0 + (k as f64 - 5.0) * 0.01)),
    };
    let fan = Fan {
        issued: NOW,
        step: Duration::from_secs(300),
        points: (0..288).map(point).collect(),
        models: vec![],
        seasons: vec![],
        skill: None,
        coverage: None,
        scored: 0,
        borrowed: None,
    };
    Scene {
        workload: Workload {
            id: id.clone(),
            service: "checkout".into(),
            team: "shop".into(),
            replicas: Some(Replicas { desired: 10, ready: 10, min: Some(4), max: Some(40) }),
            owner,
            objective: Objective::assumed(),
            pod: PodResources { dollars_per_hour: Some(0.12), ..PodResources::default() },
        },
        signals: SignalSet {
            workload: id,
            team: "shop".into(),
            signals: BTreeMap::from([
                signal(SignalKind::Demand, 1000.0, Freshness::Fresh),
                signal(SignalKind::LatencyP95, 0.1, Freshness::Fresh),
            ]),
            latency: None,
        },
        forecast: ForecastState::Ready(Arc::new(fan)),
        limits: Limits { min: 2, ..Limits::default() },
        recent: Recent::default(),
        fleet: FleetState {
            unready: Some(0.0),
            fresh_sources: 1.0,
            frozen_until: None,
            since_recovery: None,
        },
        usual: Usual::default(),
        around: Around::default(),
    }
}

fn run(s: &Scene) -> Plan {
    with(s, plan)
}

fn with<T>(s: &Scene, run: impl FnOnce(&PlanInput<'_>) -> T) -> T {
    let model = CapacityModel::default();
    run(&PlanInput {
        version: None,
        now: NOW,
        workload: &s.workload,
        signals: &s.signals,
        forecast: &s.forecast,
        model: &model,
        declared_capacity: Some(110.0),
        limits: &s.limits,
        lead: Duration::from_secs(180),
        short_cost: None,
        usual: s.usual,
        recent: s.recent,
        fleet: s.fleet,
        hold: HoldFacts::default(),
        size: None,
        around: &s.around,
    })
}

fn hpa() -> Owner {
    Owner::Autoscaler { name: "hpa/checkout".into() }
}

/// Up to 1300 within half an hour, down again after three hours.
fn hump(i: usize) -> f64 {
    if (3..36).contains(&i) { 1250.0 } else { 1000.0 }
}

#[test]
fn a_coming_peak_asks_for_a_leased_floor() {
    let p = run(&scene(hpa(), hump));
    let Verdict::Change(change) = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!((change.from, change.to), (4, 12), "1250 rps at q=.98 need 12 replicas of 110 rps");
    let until = change.until.unwrap();
    assert!(until > NOW + Duration::from_secs(3 * 3600) && until < NOW + Duration::from_secs(4 * 3600));
    assert!((p.cost.per_hour().unwrap() - 0.24).abs() < 1e-9);
    assert!(p.experience.minutes_short_without.unwrap() > 100.0);
    assert!(p.experience.minutes_short_with.unwrap() < 10.0);
    assert!(matches!(p.exhaustion, Exhaustion::In { .. }));
}

/// A fan of a young service lags behind what is there now.
#[test]
fn minutes_short_count_from_now_with_what_the_step_gives() {
    let mut s = scene(hpa(), |_| 300.0);
    s.workload.replicas = Some(Replicas { desired: 4, ready: 4, min: Some(4), max: Some(40) });
    let Verdict::Change(change) = run(&s).verdict else { panic!("no change") };
    let lease = PlannedChange { until: Some(NOW + Duration::from_secs(5400)), ..change };
    let short = |to| {
        let edited = with(&s, |input| instead(input, &PlannedChange { to, ..lease.clone() }));
        (edited.experience.minutes_short_with.unwrap(), edited.experience.minutes_short_without.unwrap())
    };
    let (with_step, without) = short(7);
    assert!(with_step > 0.0 && with_step <= without, "770 rps beside 1000: {with_step} of {without}");
    let (enough, _) = short(12);
    assert!(enough < with_step, "{enough}");
}

#[test]
fn an_edited_value_carries_its_own_cost_and_guardrails() {
    let s = scene(hpa(), hump);
    let Verdict::Change(change) = run(&s).verdict else { panic!("no change") };
    for (to, dollars, passed) in [(11, 0.12, true), (13, 0.36, true), (40, 3.6, false)] {
        let edited = with(&s, |input| instead(input, &PlannedChange { to, ..change.clone() }));
        assert!((edited.cost.per_hour().unwrap() - dollars).abs() < 1e-9, "{to}: {:?}", edited.cost);
        assert_eq!(edited.guardrails.iter().all(|g| g.passed), passed, "{to}");
    }
    // Also when there is nothing to propose any more.
    let calm = scene(hpa(), |_| 500.0);
    let edited = with(&calm, |input| instead(input, &PlannedChange { to: 20, ..change.clone() }));
    assert!((edited.cost.per_hour().unwrap() - 1.2).abs() < 1e-9);
}

#[test]
fn capped_by_step_and_by_the_owners_maximum() {
    let p = run(&scene(hpa(), |_| 5000.0));
    assert!(matches!(&p.verdict, Verdict::Change(c) if c.to == 13), "{:?}", p.verdict);
    let mut s = scene(hpa(), |_| 5000.0);
    s.workload.replicas = Some(Replicas { desired: 10, ready: 10, min: Some(4), max: Some(11) });
    let p = run(&s);
    assert!(matches!(&p.verdict, Verdict::Change(c) if c.to == 11));
    assert!(p.facts.iter().any(|f| f.label.contains("maximum 11")));
    s.workload.replicas = Some(Replicas { desired: 11, ready: 11, min: Some(4), max: Some(11) });
    assert!(matches!(run(&s).verdict, Verdict::Hold { .. }), "nothing to give beyond the maximum");
}

#[test]
fn low_demand_is_scaled_in_only_where_nobody_else_does_and_by_one_step() {
    let p = run(&scene(Owner::Nobody, |_| 300.0));
    assert!(matches!(p.verdict, Verdict::Hold { .. }), "demand now still needs all: {:?}", p.verdict);
    let mut s = scene(Owner::Nobody, |_| 300.0);
    s.signals.signals.extend([signal(SignalKind::Demand, 300.0, Freshness::Fresh)]);
    assert!(matches!(run(&s).verdict, Verdict::Change(PlannedChange { from: 10, to: 8, until: None, .. })));
    s.workload.owner = hpa();
    assert!(matches!(run(&s).verdict, Verdict::Hold { .. }));
}

#[test]
fn nothing_is_taken_away_while_another_region_may_send_its_users() {
    let mut s = scene(Owner::Nobody, |_| 300.0);
    s.signals.signals.extend([signal(SignalKind::Demand, 300.0, Freshness::Fresh)]);
    s.around.elsewhere = Some("shop/checkout@ap has no ready replica: its users may come here".into());
    let Verdict::Blocked { by, .. } = run(&s).verdict else { panic!("{:?}", run(&s).verdict) };
    assert_eq!(by, "other regions: shop/checkout@ap has no ready replica: its users may come here");
    let detail = |s: &Scene| {
        let all = run(s).guardrails;
        all.into_iter().find(|g| g.name == "other regions").map(|g| (g.passed, g.detail)).unwrap()
    };
    s.around.elsewhere = None;
    assert_eq!(detail(&s), (true, "none needs help".into()));
    s.around.unmeasured = Some("nothing counts the requests of shop/checkout@ap".into());
    let what = "none is known to need help, nothing counts the requests of shop/checkout@ap";
    assert_eq!(detail(&s), (true, what.into()));
}

#[test]
fn a_demand_that_comes_back_above_capacity_raises_and_lowers_nothing() {
    let mut s = scene(hpa(), |_| 300.0);
    s.forecast = ForecastState::NotEnough { have: Duration::ZERO, need: Duration::ZERO, why: String::new() };
    let back = |least: f64| {
        let (kind, mut one) = signal(SignalKind::Demand, 2000.0, Freshness::Suspect);
        (one.least, one.note) = (Finite::new(least), "fell at once to exactly zero".into());
        (kind, one)
    };
    s.signals.signals.extend([back(1250.0)]);
    let p = run(&s);
    let Verdict::Change(change) = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!((change.to, p.exhaustion), (12, Exhaustion::Now), "1250 rps need 12 replicas of 110 rps");
    let inputs = p.guardrails.iter().find(|g| g.name == "inputs").unwrap();
    assert!(inputs.detail.contains("comes back, at least"), "{inputs:?}");
    // Less than is held says nothing: neither to raise, nor to lower.
    s.workload.owner = Owner::Nobody;
    s.signals.signals.extend([back(300.0)]);
    let Verdict::NoData { why } = run(&s).verdict else { panic!("{:?}", run(&s).verdict) };
    assert_eq!(why, "demand is suspect: fell at once to exactly zero", "the reason that there is");
}

#[test]
fn a_suspect_demand_runs_out_nowhere() {
    let mut s = scene(hpa(), hump);
    assert!(matches!(run(&s).exhaustion, Exhaustion::In { .. }));
    for freshness in [Freshness::Suspect, Freshness::Missing] {
        s.signals.signals.extend([signal(SignalKind::Demand, 1000.0, freshness)]);
        let p = run(&s);
        assert_eq!((p.exhaustion, p.headroom), (Exhaustion::Unknown, None));
        assert!(matches!(p.verdict, Verdict::NoData { .. }), "{:?}", p.verdict);
    }
}

#[test]
fn causes_that_replicas_do_not_cure() {
    let mut s = scene(hpa(), hump);
    s.signals.signals.extend([
        signal(SignalKind::LatencyP95, 2.0, Freshness::Fresh),
        signal(SignalKind::Retries, 600.0, Freshness::Fresh),
    ]);
    assert!(matches!(&run(&s).verdict, Verdict::NotScaling { cause, .. } if cause == "retry storm"));
    s.signals.signals.extend([
        signal(SignalKind::Retries, 0.0, Freshness::Fresh),
        signal(SignalKind::PoolWaiting, 30.0, Freshness::Fresh),
        signal(SignalKind::PoolUsed, 100.0, Freshness::Fresh),
        signal(SignalKind::PoolMax, 100.0, Freshness::Fresh),
    ]);
    assert!(matches!(&run(&s).verdict, Verdict::NotScaling { cause, .. } if cause.contains("connections")));
    for kind in [SignalKind::PoolWaiting, SignalKind::PoolUsed, SignalKind::PoolMax] {
        s.signals.signals.remove(&kind);
    }
    let change = VersionChange {
        version: "v142".into(),
        before: "v141".into(),
        cost: (0.0069, 0.005),
        since: NOW,
        requests: 9000.0,
    };
    let verdict = |cost| {
        let change = VersionChange { cost, ..change.clone() };
        with(&s, |input| plan(&PlanInput { version: Some(&change), ..*input })).verdict
    };
    assert!(
        matches!(verdict((0.0069, 0.005)), Verdict::NotScaling { advice, .. } if advice.starts_with("v142 costs +38 %"))
    );
    assert!(!matches!(verdict((0.0051, 0.005)), Verdict::NotScaling { .. }), "2 % are noise");
}

#[test]
fn a_freeze_and_a_sick_fleet_block() {
    let mut s = scene(hpa(), hump);
    s.fleet.frozen_until = Some(NOW + Duration::from_secs(60));
    assert!(matches!(&run(&s).verdict, Verdict::Blocked { by, .. } if by.contains("freeze")));
    s.fleet.frozen_until = None;
    s.fleet.unready = Some(0.5);
    assert!(matches!(&run(&s).verdict, Verdict::Blocked { by, .. } if by.contains("unready")));
}

#[test]
fn a_proposal_says_what_the_autoscaler_does_by_itself() {
    let mut s = scene(hpa(), hump);
    s.signals.signals.extend([signal(SignalKind::AutoscalerDesired, 10.0, Freshness::Fresh)]);
    let p = run(&s);
    let Verdict::Change(change) = &p.verdict else { panic!("no change: {:?}", p.verdict) };
    let own = p.facts.iter().find(|f| f.label.contains("by itself")).unwrap();
    assert!(own.label.contains("goes by itself to") && own.quantity.value == 10.0, "{own:?}");
    let after = p.facts.iter().find(|f| f.label.contains("lease has ended")).unwrap();
    // The hump is over: the median is back under 1000 requests a second, of which a replica gets about 105.
    assert!(after.quantity.value <= 10.0 && after.at.unwrap() >= change.until.unwrap(), "{after:?}");
    // At its minimum its target cannot be told.
    s.workload.replicas = Some(Replicas { desired: 10, ready: 10, min: Some(10), max: Some(40) });
    assert!(run(&s).facts.iter().all(|f| !f.label.contains("by itself")));
    s.workload.owner = Owner::Nobody;
    assert!(run(&s).facts.iter().all(|f| !f.label.contains("by itself")));
}

fn lowers(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Change(c) if c.to < c.from)
}

proptest! {
    /// I3: a value is never lowered by absent, stale, suspect or non-finite data.
    #[test]
    fn bad_data_never_lowers(
        value in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(0.0), 0.0..2000.0f64],
        freshness in prop_oneof![Just(Freshness::Stale), Just(Freshness::Suspect), Just(Freshness::Missing)],
        level in 0.0..2000.0f64,
        autoscaled in any::<bool>(),
    ) {
        let mut s = scene(if autoscaled { hpa() } else { Owner::Nobody }, move |_| level);
        s.signals.signals.extend([signal(SignalKind::Demand, value, freshness)]);
        prop_assert!(!lowers(&run(&s).verdict));
        s.signals.signals.remove(&SignalKind::Demand);
        prop_assert!(!lowers(&run(&s).verdict));
    }

    /// PL-01, PL-02, PL-03, PL-08: whatever the numbers, bounds and steps hold.
    #[test]
    fn bounds_hold_for_any_numbers(
        demand in 0.0..1e300f64, level in 0.0..1e300f64,
        desired in 0u32..100_000, min in 0u32..50, max in 0u32..100_000, nobody in any::<bool>(),
    ) {
        let mut s = scene(if nobody { Owner::Nobody } else { hpa() }, move |_| level);
        s.signals.signals.extend([signal(SignalKind::Demand, demand, Freshness::Fresh)]);
        s.workload.replicas = Some(Replicas { desired, ready: desired, min: Some(min), max: Some(max) });
        if let Verdict::Change(c) = run(&s).verdict {
            prop_assert!(c.to <= max.min(s.limits.max) || c.to < c.from);
            prop_assert!(c.to >= s.limits.min.min(c.from));
            prop_assert!(c.to <= s.limits.highest_from(desired.max(min)));
            prop_assert!(c.to >= s.limits.lowest_from(c.from));
        }
        let _ = LEVELS;
    }
}
