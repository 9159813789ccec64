//! What surrounds a workload: limits that bind, what is foreseen, how it scales, and the day as a whole.

use super::*;
use crate::plan::day::day;

const HOUR: u64 = 3600;

fn ceiling(name: &str, allows: u32) -> Ceiling {
    Ceiling {
        name: name.into(),
        allows,
        why: "ResourceQuota team leaves room for 1 more pods".into(),
        hard: true,
    }
}

#[test]
fn the_limit_that_binds_is_named_with_how_many_fit() {
    // 1250 rps at q=.98 need 12 replicas of 110 rps; ten run.
    let mut s = scene(hpa(), hump);
    s.around.highest = Some(ceiling("quota team requests.cpu", 11));
    let p = run(&s);
    assert!(matches!(&p.verdict, Verdict::Change(c) if c.to == 11), "{:?}", p.verdict);
    assert!(
        p.facts.iter().any(
            |f| f.label == "of 2 more replicas fit by quota team requests.cpu" && f.quantity.value == 1.0
        )
    );
    assert!(p.facts.iter().any(|f| f.label.contains("cut by quota team requests.cpu 11")));
    // Where nothing more fits there is nothing to propose, and the reason is the limit.
    s.around.highest = Some(ceiling("quota team requests.cpu", 10));
    let p = run(&s);
    let Verdict::Hold { why } = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!(
        why,
        "quota team requests.cpu binds: 0 of the 2 more asked for fit; ResourceQuota team leaves room for 1 more pods"
    );
    s.around.highest = None;
    assert_eq!(run(&s).binding, None);
    // Partitions let more replicas start, which then stand idle: named, not cut.
    s.signals.signals.extend([signal(SignalKind::Partitions, 11.0, Freshness::Fresh)]);
    let p = run(&s);
    assert!(matches!(&p.verdict, Verdict::Change(c) if c.to == 12));
    assert_eq!(p.binding.unwrap().sentence(), "partitions binds: 1 of the 2 more asked for fit");
}

#[test]
fn a_budget_bounds_a_scale_in_by_name() {
    let mut s = scene(Owner::Nobody, |_| 300.0);
    s.signals.signals.extend([signal(SignalKind::Demand, 300.0, Freshness::Fresh)]);
    s.around.lowest = Some(ceiling("disruption budget checkout", 9));
    let p = run(&s);
    assert!(matches!(&p.verdict, Verdict::Change(c) if c.to == 9), "{:?}", p.verdict);
    assert!(p.facts.iter().any(|f| f.label.contains("cut by disruption budget checkout")));
}

#[test]
fn an_event_or_a_freeze_that_is_about_to_begin_is_prepared_for() {
    // The peak comes in two hours: too far to act on by itself.
    let late = |i: usize| if (24..36).contains(&i) { 1250.0 } else { 1000.0 };
    let mut s = scene(hpa(), late);
    assert!(matches!(run(&s).verdict, Verdict::Hold { .. }));
    let foreseen = |what: &str, from: u64, hours: u64, factor| Foreseen {
        what: what.into(),
        from: NOW + Duration::from_secs(from),
        to: NOW + Duration::from_secs(from + hours * HOUR),
        factor,
        frozen: factor.is_none(),
    };
    s.around.foreseen = vec![foreseen("freeze window release", 3000, 4, None)];
    let p = run(&s);
    assert!(matches!(&p.verdict, Verdict::Change(c) if c.to == 12), "{:?}", p.verdict);
    assert!(p.facts.iter().any(|f| f.label == "freeze window release"));
    s.around.foreseen = vec![foreseen("freeze window release", 3 * HOUR, 4, None)];
    assert!(matches!(run(&s).verdict, Verdict::Hold { .. }), "three hours ahead is not yet");
    // Where there is no forecast yet, demand now times what was declared: 1000 · 1.2 needs 11 of 110 rps.
    let mut young = scene(hpa(), |_| 1000.0);
    young.forecast =
        ForecastState::NotEnough { have: Duration::ZERO, need: Duration::ZERO, why: String::new() };
    assert!(matches!(run(&young).verdict, Verdict::Hold { .. }));
    young.around.foreseen = vec![foreseen("event sale", 1800, 2, Some(1.2))];
    let p = run(&young);
    let Verdict::Change(change) = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!(change.to, 11);
    assert!(change.until.unwrap() >= NOW + Duration::from_secs(1800 + 2 * HOUR), "to the end of the event");
    assert!(p.facts.iter().any(|f| f.label == "event sale" && f.quantity.value == 1.2));
    // A freeze that begins before it does not hide it; nor do smaller events, those behind the freeze, or one that runs.
    let mut short = scene(hpa(), |i| if i < 4 { 1150.0 } else { 1000.0 });
    let ForecastState::Ready(fan) = &mut short.forecast else { panic!("no fan") };
    Arc::make_mut(fan).points.truncate(12);
    let mut until = |foreseen: Vec<Foreseen>| {
        short.around.foreseen = foreseen;
        let p = run(&short);
        let Verdict::Change(change) = p.verdict else { panic!("{:?}", p.verdict) };
        let named = p.facts.iter().any(|f| f.label == "event sale");
        (change.to, change.until.unwrap().since(NOW).as_secs() / HOUR, named)
    };
    assert_eq!(until(vec![]), (11, 0, false));
    let behind = vec![
        Foreseen { from: NOW - Duration::from_secs(60), ..foreseen("event long", 0, 9, Some(1.01)) },
        foreseen("freeze window release", 1500, 4, None),
        foreseen("event mail", 2 * HOUR, 1, Some(1.15)),
        foreseen("event sale", 2 * HOUR, 3, Some(1.25)),
        foreseen("event after", 6 * HOUR, 1, Some(1.4)),
    ];
    assert_eq!(until(behind.clone()), (12, 9, true));
    assert_eq!(until(behind[1..].to_vec()), (12, 5, true));
}

#[test]
fn replicas_that_take_from_each_other_are_worth_less() {
    let law = usl::Usl { gamma: 100.0, sigma: 0.05, kappa: 0.002 };
    let mut s = scene(hpa(), hump);
    s.around.scaling = Some(Scaling { law, seen: (4, 12), counts: 6, about: 10 });
    let p = run(&s);
    // 1 287 rps (q=.98) are 11.7 replicas of 110; with what each takes from the others 13 are too few.
    assert!(p.need_peak.unwrap() > 13, "{:?}", p.need_peak);
    assert_eq!(p.capacity.unwrap().at(10), 1100.0, "where it was learned it is what it was");
}

#[test]
fn what_no_count_holds_is_no_reason_to_take_replicas_away() {
    // √(.95 / .0148) = 8.01: ten replicas hold less than eight, and demand is above what eight hold.
    let law = usl::Usl { gamma: 100.0, sigma: 0.05, kappa: 0.0148 };
    let mut s = scene(Owner::Nobody, |_| 1500.0);
    s.signals.signals.extend([signal(SignalKind::Demand, 1500.0, Freshness::Fresh)]);
    s.around.scaling = Some(Scaling { law, seen: (4, 12), counts: 6, about: 10 });
    let p = run(&s);
    assert_eq!((p.need_now, p.exhaustion), (None, Exhaustion::Now));
    let Verdict::Hold { why } = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!(why, "demand is above what any number of replicas is known to hold: 8 hold the most");
}

#[test]
fn a_day_in_a_few_decisions_and_what_they_cost() {
    // Twelve hours of 1000 rps and as much of 2000, at a quantile near the median.
    let mut s = scene(hpa(), |i| if i < 144 { 1000.0 } else { 2000.0 });
    s.workload.replicas = Some(Replicas { desired: 10, ready: 10, min: Some(4), max: Some(40) });
    let made = with(&s, |input| day(input, &run(&s).capacity.unwrap())).unwrap();
    // The planned quantile lies 3 % above the median: 1031 of 110 are 10 replicas, 2062 are 19.
    let levels: Vec<(u32, bool)> = made.steps.iter().map(|d| (d.replicas, d.decision)).collect();
    assert_eq!(levels, [(10, true), (19, true)], "{made:?}");
    assert_eq!((made.decisions(), made.base, made.left, made.loss()), (2, 4, 6, 0.0));
    let second = made.steps[1];
    assert_eq!(second.decide_by, second.from - Duration::from_secs(180), "a lead time ahead");
    // 48 quarters of 10 and as many of 19, give or take the one in which demand changes.
    assert!((made.planned_hours - (48.0 * 10.0 + 48.0 * 19.0) / 4.0).abs() <= 5.0, "{}", made.planned_hours);
    // With one decision left the higher count is held all day.
    s.around.decided = 5;
    let one = with(&s, |input| day(input, &run(&s).capacity.unwrap())).unwrap();
    assert_eq!((one.steps.len(), one.steps[0].replicas, one.left), (1, 19, 1));
    let loss = one.planned_hours - made.planned_hours;
    assert!((loss - 108.0).abs() < 5.0, "nine replicas for twelve hours: {loss}");
    assert!((one.loss_dollars.unwrap() - loss * 0.12).abs() < 1e-6);
    // A limit cuts it, and is named.
    s.around.highest = Some(ceiling("node room", 15));
    let cut = with(&s, |input| day(input, &run(&s).capacity.unwrap())).unwrap();
    assert_eq!(cut.steps[0].replicas, 15);
    assert!(cut.sentence().contains("; node room cuts 4"), "some twelve hours: {}", cut.sentence());
}

#[test]
fn at_most_six_decisions_of_any_day() {
    let s = scene(hpa(), |i| 600.0 + 500.0 * (i as f64 / 7.0).sin());
    let made = with(&s, |input| day(input, &run(&s).capacity.unwrap())).unwrap();
    assert!(made.steps.len() <= 6 && made.loss() > 0.0, "{made:?}");
    assert!(made.steps.windows(2).all(|w| w[0].to == w[1].from));
    let mut short = scene(hpa(), |_| 1000.0);
    short.forecast =
        ForecastState::NotEnough { have: Duration::ZERO, need: Duration::ZERO, why: String::new() };
    let capacity = run(&s).capacity.unwrap();
    assert_eq!(with(&short, |input| day(input, &capacity)), None);
}
