//! The fixture view with every widget, KPI and outcome filled, and the same in each designed state.

use std::time::Duration;

use crate::execution::OperationId;
use crate::fleet::{Region, WorkloadId};
use crate::learning::{HorizonSkill, Scoreboard, ScoredProposal};
use crate::outcome::{Comparison, Outcome, OutcomeVerdict};
use crate::proposal::ProposalId;
use crate::screen::fixture;
use crate::series::{Timestamp, Unit, Window};
use crate::view::{
    Continuity, CostProjection, DecisionPace, DecisionStats, Effect, Growth, Health, Heatmap, Knowledge, Kpi,
    KpiState, LearningView, Lesson, Progress, Reading, RegionView, ResourceRow, Satisfaction, Stance, View,
    Waits, Widget, WidgetState,
};

const MINUTE: Duration = Duration::from_secs(60);

/// The fixture with everything filled.
pub fn full() -> View {
    let mut view = fixture::view();
    let ids: Vec<WorkloadId> = view.services.data.iter().map(|s| s.workload.clone()).collect();
    view.resources = Widget::live(ids.iter().enumerate().flat_map(|(i, id)| resources(i, id)).collect());
    view.projection = Widget::live(projection(view.at));
    view.satisfaction =
        Widget::live(ids.iter().enumerate().map(|(i, id)| satisfaction(i, id, view.at)).collect());
    view.continuity = Widget::live(ids.iter().take(4).enumerate().map(|(i, id)| continuity(i, id)).collect());
    view.heatmaps = Widget::live(ids.iter().map(|id| heatmap(id, view.at)).collect());
    view.regions = Widget::live(regions());
    view.learning = Widget::live(learning(&ids, view.at));
    view.knowledge = Widget::live(ids.iter().enumerate().map(|(i, id)| knowledge(i, id)).collect());
    view.growth = Widget::live(Growth {
        covered: (7, 8),
        pooled_gain: Some(0.27),
        n: 6,
        lessons_validated: 2,
        autonomy: (1, 4),
        earned: vec!["raising shop/checkout".into()],
        shared: (0, 0),
    });
    view.lessons = Widget::live(lessons());
    view.kpis = kpis();
    view.outcomes = vec![outcome(&ids, view.at)];
    if let Some(source) = view.sources.get_mut(1) {
        source.health = Health::Failing {
            since: view.at - MINUTE * 3,
            error: "http://10.0.0.7:9100/metrics answered 401 Unauthorized: set sources[1].bearer_file"
                .into(),
            failures: 7,
            next_try: view.at + Duration::from_secs(42),
        };
        source.dropped.series = 1204;
        source.limits_hit = vec!["samples_per_scrape".into()];
    }
    view
}

fn resources(i: usize, id: &WorkloadId) -> Vec<ResourceRow> {
    let mib = 1024.0 * 1024.0;
    let row = |resource, requested: f64, p95: f64, want: f64| ResourceRow {
        workload: id.clone(),
        resource,
        replicas: 6,
        requested: Some(requested),
        p50: Some(p95 * 0.7),
        p95: Some(p95),
        max: Some(p95 * 1.1),
        recommended: Some(want),
        throttle: Some(if i == 0 { 0.18 } else { 0.01 }),
        oom: Some(if i == 2 { 1.0 } else { 0.0 }),
        slack_dollars: Some(0.12 * i as f64),
    };
    let cpu = 1.0 + i as f64 * 0.25;
    vec![row("cpu".into(), 2.0, cpu * 0.8, cpu), row("memory".into(), 512.0 * mib, 300.0 * mib, 380.0 * mib)]
}

fn projection(now: Timestamp) -> CostProjection {
    let ahead = |h: u32| {
        let middle = 12.0 + 3.0 * (f64::from(h) / 4.0).sin();
        (now + MINUTE * 60 * h, [middle * 0.85, middle, middle * (1.1 + f64::from(h) * 0.004)])
    };
    CostProjection {
        spent: Some(612.4),
        observed_since: Some(now - MINUTE * 60 * 36),
        estimated: None,
        rest: Some([7_900.0, 8_310.0, 8_960.0]),
        rest_with_proposals: Some(8_325.0),
        budget: Some(9_200.0),
        month_end: Some(now + MINUTE * 60 * 24 * 29),
        ahead: (0..24).map(ahead).collect(),
    }
}

fn satisfaction(i: usize, id: &WorkloadId, now: Timestamp) -> Satisfaction {
    let apdex = 0.68 + 0.04 * i as f64;
    let recent = (0..72u32).map(|k| (k % 29 != 11).then(|| apdex + 0.1 * (f64::from(k) / 9.0).cos()));
    Satisfaction {
        workload: id.clone(),
        apdex: Some(apdex),
        recent: Window::new(now - MINUTE * 360, MINUTE * 5, recent),
        budget_left: Some(-0.12 + 0.15 * i as f64),
        budget_over: MINUTE * 60 * 24 * 14,
        threshold: 0.25,
    }
}

fn continuity(i: usize, id: &WorkloadId) -> Continuity {
    Continuity {
        workload: id.clone(),
        affinity: Reading::derived(0.99 - 0.07 * i as f64, Unit::Ratio),
        cache_hits: Reading::derived(0.91, Unit::Ratio),
        moved_by_last: (i == 1).then_some(0.08),
        will_move: (i == 0).then_some(0.31),
        recent: (0..30u32).map(|k| (k != 7).then(|| 0.9 + 0.05 * f64::from(k % 3))).collect(),
    }
}

fn heatmap(id: &WorkloadId, now: Timestamp) -> Heatmap {
    let bounds = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let column = |k: u32| {
        let centre = 3.0 + f64::from(k) / 20.0;
        let rate = |b: usize| 400.0 * (-(b as f64 - centre).powi(2) / 2.2).exp();
        (k != 21).then(|| (0..=10).map(rate).collect())
    };
    Heatmap {
        workload: id.clone(),
        start: now - MINUTE * 60,
        step: MINUTE,
        bounds,
        columns: (0..60).map(column).collect(),
        threshold: 0.25,
    }
}

fn regions() -> Vec<RegionView> {
    let place = |name: &str, latitude, longitude, apdex, headroom| RegionView {
        region: Region { name: name.into(), time_zone: "UTC".into(), latitude, longitude },
        placed: true,
        local_time: "19:32 Mon".into(),
        demand: Some(1900.0),
        p95: Some(0.231),
        apdex: Some(apdex),
        headroom: Some(headroom),
        locale: Some(0.97),
        cost: Some(4.2),
        workloads: 3,
        unseen: 0,
        stale: false,
        dark: None,
    };
    vec![
        place("eu-west", 53.3, -6.3, 0.66, 0.03),
        place("us-east", 38.9, -77.5, 0.93, 0.41),
        place("ap-south", 19.1, 72.9, 0.83, 0.2),
        RegionView { placed: false, local_time: String::new(), ..place("lab", 0.0, 0.0, 0.99, 0.9) },
    ]
}

fn learning(ids: &[WorkloadId], now: Timestamp) -> LearningView {
    let skill =
        |minutes: u32, skill, coverage, n| HorizonSkill { horizon: MINUTE * minutes, skill, coverage, n };
    let scored = |i: usize, needed| ScoredProposal {
        proposal: ProposalId::new(&format!("p-{i}")),
        workload: ids[i].clone(),
        created: now - MINUTE * 90 * i as u32,
        decision: if i == 1 { "rejected: bad time".into() } else { "approved".into() },
        from: 6,
        to: 9,
        minutes_short: Some(9.0),
        minutes_short_with: Some(0.0),
        minutes_short_without: Some(41.0),
        cost: Some(1.31),
        hours: None,
        settled: i != 3,
        needed,
        ..ScoredProposal::example()
    };
    LearningView {
        horizons: vec![
            skill(15, Some(0.31), Some(0.91), 1440),
            skill(120, Some(0.22), Some(0.88), 1310),
            skill(720, Some(-0.02), Some(0.79), 800),
            skill(1440, None, None, 0),
        ],
        decisions: DecisionStats {
            proposed: 14,
            approved: 9,
            rejected: 3,
            expired: 2,
            kept: 8,
            rolled_back: 1,
            precision: Some((11, 13)),
            decision_seconds: Some(74.0),
            pace: DecisionPace {
                alone: Waits { n: 12, median: Some(74.0), interval: Some((40.0, 130.0)) },
                together: Waits { n: 3, median: None, interval: None },
                effect: None,
            },
            ..DecisionStats::default()
        },
        scoreboard: Scoreboard {
            rows: vec![scored(0, Some(true)), scored(1, Some(true)), scored(2, Some(false)), scored(3, None)],
            summary: "If you had approved all 14: 0 min short (you had 9), +$18.".into(),
        },
        shadows: Vec::new(),
        utilities: Vec::new(),
        approvals: Vec::new(),
        taught: Vec::new(),
    }
}

fn knowledge(i: usize, id: &WorkloadId) -> Knowledge {
    Knowledge {
        workload: id.clone(),
        model: i != 7,
        fresh: i != 6,
        skilled: (i != 7).then_some(i != 3),
        calibrated: (i < 5).then_some(true),
        load_points: i * 31,
        reviewers: i % 3,
        best_model: "damped Holt with day season".into(),
    }
}

fn lessons() -> Vec<Lesson> {
    let plain = Lesson {
        rule: String::new(),
        support: 0,
        success: 0.0,
        interval: (0.0, 1.0),
        counter_example: None,
        key: "l-1".into(),
        stands_out: true,
        q: Some(0.02),
        stance: Stance::Candidate,
        said: None,
        source: String::new(),
        effect: Effect::Prior,
        learnt: None,
    };
    vec![
        Lesson {
            rule: "Raising shop/checkout before 20:00 avoids the evening shortage.".into(),
            support: 14,
            success: 0.86,
            interval: (0.62, 0.96),
            counter_example: Some("op-1 on 21 Feb: demand stayed flat after the sale was called off".into()),
            ..plain.clone()
        },
        Lesson {
            rule: "Cold caches make search slower for 6 min after every step up.".into(),
            support: 6,
            success: 1.0,
            interval: (0.69, 1.0),
            key: "l-2".into(),
            ..plain
        },
    ]
}

fn kpis() -> Vec<Kpi> {
    let titles: [(&'static str, &'static str); 16] = [
        ("horizontal_scaling_efficiency", "capacity gained per replica added"),
        ("vertical_scaling_effectiveness", "relief per resize, as predicted"),
        ("scaling_response_time", "time from need to warm capacity"),
        ("auto_scaling_accuracy", "minutes at the right size"),
        ("performance_degradation_during_scaling", "good requests lost by scaling"),
        ("user_experience_consistency", "users served as well as usual"),
        ("latency_increase_during_scaling", "slower while scaling"),
        ("availability_during_scaling", "requests answered while scaling"),
        ("cost_efficiency_improvement", "cheaper per good request"),
        ("resource_utilization_optimization", "used of what is safe to use"),
        ("scaling_cost_overhead", "money spent on changing size"),
        ("budget_adherence", "within budget"),
        ("learning_quality_preservation", "forecasts as good as at best"),
        ("knowledge_distribution_efficiency", "services fully known"),
        ("collective_intelligence_growth", "gained by learning together"),
        ("personalization_maintenance", "sessions kept while scaling"),
    ];
    let states = [KpiState::Ok, KpiState::Ok, KpiState::Bad, KpiState::NoData, KpiState::Warn];
    let make = |(i, (name, title)): (usize, &(&'static str, &'static str))| {
        let state = states[i % states.len()];
        Kpi {
            number: i as u8 + 1,
            name: (*name).into(),
            title: (*title).into(),
            target: if i == 2 { 300.0 } else { 0.9 },
            higher_is_better: i != 2,
            unit: if i == 2 { Unit::Seconds } else { Unit::Ratio },
            value: (state != KpiState::NoData).then_some(if i == 2 { 412.0 } else { 0.93 }),
            interval: Some(if i == 2 { (380.0, 455.0) } else { (0.88, 0.96) }),
            trend: Some(if i == 2 { 31.0 } else { 0.021 }),
            n: if state == KpiState::NoData { 2 } else { 17 },
            n_min: 5,
            window: "30 d".into(),
            state,
            note: if i == 2 { "people took 3 min of it".into() } else { String::new() },
        }
    };
    titles.iter().enumerate().map(make).collect()
}

fn outcome(ids: &[WorkloadId], now: Timestamp) -> Outcome {
    let row = |label: &str, unit, before, expected, observed| Comparison {
        label: label.into(),
        unit,
        before: Some(before),
        expected: Some(expected),
        observed,
    };
    Outcome {
        operation: OperationId::new("op-3"),
        workload: ids[0].clone(),
        at: now - MINUTE,
        settled: false,
        verdict: OutcomeVerdict::AsExpected,
        summary: "p95 fell from 412 ms to 190 ms; 180 ms was expected".into(),
        comparisons: vec![
            row("p95", Unit::Seconds, 0.412, 0.18, Some(0.19)),
            row("capacity", Unit::RequestsPerSecond, 1310.0, 1840.0, Some(1822.0)),
            row("minutes short", Unit::Count, 9.0, 0.0, Some(0.0)),
            row("cost", Unit::DollarsPerHour, 3.1, 5.41, None),
        ],
    }
}

/// The designed states, by name.
pub const STATES: [&str; 6] = ["live", "loading", "empty", "stale", "degraded", "error"];

/// One of [`STATES`].
pub fn state(name: &str) -> WidgetState {
    match name {
        "loading" => WidgetState::Loading {
            waiting_for: "14 days of history from http://prometheus:9090".into(),
            progress: Some(Progress { done: 31, total: 96 }),
        },
        "empty" => WidgetState::Empty {
            lacks: "a latency histogram".into(),
            provide: "expose http_server_request_duration_seconds_bucket, or set \
                      [signals] latency_p95 = 'histogram_quantile(0.95, sum by (le, service) (rate(my_bucket[5m])))'"
                .into(),
        },
        "stale" => WidgetState::Stale { age: Duration::from_secs(252) },
        "degraded" => WidgetState::Degraded { missing: vec!["cpu_requested".into(), "cost".into()] },
        "error" => WidgetState::Error {
            what: "http://prometheus:9090 answered 503 Service Unavailable: is it starting?".into(),
            next_try: Some(Duration::from_secs(12)),
        },
        _ => WidgetState::Live,
    }
}

/// The full view with every widget in one state.
pub fn all_in(name: &str) -> View {
    let mut v = full();
    let (state, keep) = (state(name), state(name).has_data());
    macro_rules! put {
        ($($field:ident),*) => { $(
            v.$field.state = state.clone();
            if !keep { v.$field.data = Default::default(); }
        )* };
    }
    put!(services, operations, capacity, performance, cost, forecasts, proposals, resources, projection);
    put!(satisfaction, continuity, heatmaps, regions, learning, knowledge, growth, lessons);
    if !keep {
        (v.kpis, v.leases, v.outcomes, v.journal, v.sources) = Default::default();
    }
    v
}
