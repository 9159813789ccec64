//! Another size of the replicas as a plan.

use super::*;
use crate::fleet::Field;

/// Three days of a minute each at `cores` a replica.
fn used(cores: f64) -> Usage {
    let mut usage = Usage::default();
    let begin = NOW - Duration::from_secs(3 * 86_400);
    for minute in 0..3 * 1440 {
        let reading = Reading { cpu: Some(cores), ..Reading::default() };
        usage.observe(begin + Duration::from_secs(60 * minute), reading);
    }
    usage
}

fn asks(s: &mut Scene, cores: f64) {
    s.workload.pod.cpu_cores = Some(cores);
}

fn planned(s: &Scene, usage: &Usage, lever: Lever) -> Plan {
    let size = SizeFacts { usage, cpu: Some(lever), memory: None };
    with(s, |input| plan(&PlanInput { size: Some(&size), ..*input }))
}

fn lever(request: u32) -> Lever {
    Lever { request, in_place: Some(10), template: true, ..Lever::default() }
}

#[test]
fn a_calm_workload_of_the_wrong_size_is_resized_a_step() {
    let mut s = scene(Owner::Nobody, |_| 800.0);
    asks(&mut s, 1.0);
    let usage = used(0.2);
    let found = planned(&s, &usage, lever(1000));
    let Verdict::Change(change) = &found.verdict else {
        panic!("{:?} {:?}", found.verdict, found.guardrails)
    };
    assert_eq!((change.field, change.from, change.to, change.until), (Field::CpuPods, 0, 10, None));
    assert_eq!(change.size, Some(Resize { from: 1000, to: 667 }), "two thirds at once at least");
    assert!(!change.is_more());
    assert!(found.cost.per_hour().is_some_and(|d| d < 0.0), "{:?}", found.cost);
    assert!(found.facts.iter().any(|f| f.label == "right by what it used"), "{:?}", found.facts);
    assert!(found.guardrails.iter().any(|g| g.name == "largest step" && g.passed), "{:?}", found.guardrails);
    // As it comes, with less room than it would take, and by somebody who does not say.
    let template = planned(&s, &usage, Lever { in_place: None, ..lever(1000) });
    assert!(
        matches!(&template.verdict, Verdict::Change(c) if c.field == Field::CpuRequest && (c.from, c.to) == (1000, 667))
    );
    let none = with(&s, |input| plan(&PlanInput { size: None, ..*input }));
    assert!(!matches!(none.verdict, Verdict::Change(PlannedChange { dimension: Dimension::Vertical, .. })));
}

#[test]
fn what_is_right_or_unsure_or_short_is_left_alone() {
    let is_resize = |found: &Plan| matches!(&found.verdict, Verdict::Change(c) | Verdict::Blocked { change: c, .. } if c.field.is_size());
    let mut s = scene(Owner::Nobody, |_| 800.0);
    asks(&mut s, 0.25);
    assert!(!is_resize(&planned(&s, &used(0.2), lever(250))), "a fifth more than what is used");
    asks(&mut s, 1.0);
    let mut little = Usage::default();
    little.observe(NOW, Reading { cpu: Some(0.2), ..Reading::default() });
    assert!(!is_resize(&planned(&s, &little, lever(1000))), "one sample says nothing");
    // Ten replicas hold 1100: at 1095 nothing is taken away from them.
    let mut short = scene(Owner::Nobody, |_| 1095.0);
    asks(&mut short, 1.0);
    short.signals.signals.extend([signal(SignalKind::Demand, 1095.0, Freshness::Fresh)]);
    assert!(!is_resize(&planned(&short, &used(0.2), lever(1000))));
    // Without fresh data nothing is lowered.
    let mut stale = scene(Owner::Nobody, |_| 800.0);
    asks(&mut stale, 1.0);
    stale.signals.signals.extend([signal(SignalKind::Demand, 800.0, Freshness::Stale)]);
    assert!(!matches!(planned(&stale, &used(0.2), lever(1000)).verdict, Verdict::Change(_)));
}

#[test]
fn what_fails_its_users_does_not_shrink() {
    let shrinks = |s: &Scene| {
        let found = planned(s, &used(0.2), lever(1000));
        matches!(&found.verdict, Verdict::Change(c) | Verdict::Blocked { change: c, .. } if c.field.is_size())
    };
    let mut s = scene(Owner::Nobody, |_| 800.0);
    asks(&mut s, 1.0);
    assert!(shrinks(&s));
    // One in ten requests fails: replicas wait for something, and use little because they wait.
    s.signals.signals.extend([signal(SignalKind::Errors, 100.0, Freshness::Fresh)]);
    assert!(!shrinks(&s));
    s.signals.signals.extend([
        signal(SignalKind::Errors, 0.0, Freshness::Fresh),
        signal(SignalKind::LatencyP95, 2.4, Freshness::Fresh),
    ]);
    assert!(!shrinks(&s), "slow");
}
