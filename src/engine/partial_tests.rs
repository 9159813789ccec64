//! Of two endpoints of a service one stops answering.

use std::sync::Arc;
use std::time::Duration;

use crate::scrape::exposition::{Format, Reader};
use crate::scrape::{Answer, Health, SourceId, SourceKind, SourceStatus, Target};
use crate::series::Timestamp;
use crate::signals::SignalKind;
use crate::store::query::{Options, Prepared, Value, instant};

use super::evaluate::scraped;
use super::state::SourceFacts;
use super::tests::{NOW, state};
use super::{State, fleet, partial};

const STEP: Duration = Duration::from_secs(15);

/// Two endpoints of one service, with 20 and 60 requests a second, scraped for five minutes.
fn two() -> (State, [SourceId; 2]) {
    both(|target| target.job = "shop/cart".into())
}

fn both(named: impl Fn(&mut Target)) -> (State, [SourceId; 2]) {
    let mut s = state(vec![]);
    let mut settings = (*s.settings).clone();
    let mut ids = Vec::new();
    for (port, rate) in [(1, 20.0), (2, 60.0)] {
        let mut target = Target::exposition(&format!("http://127.0.0.1:{port}/metrics")).unwrap();
        target.interval = STEP;
        named(&mut target);
        let labels = target.target_labels();
        let mut reader = Reader::new(target.id().clone(), &labels, target.limits);
        for step in 0..=20 {
            let at = NOW + STEP * step;
            let served = rate * (STEP * step).as_secs_f64();
            let body =
                format!("# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {served}\n");
            let reading = reader.read(body.as_bytes(), Format::Text, at, true).unwrap();
            s.store.append_block(&reading.block);
        }
        ids.push(target.id().clone());
        settings.scrape.push(target);
    }
    s.settings = Arc::new(settings);
    for id in &ids {
        let status = SourceStatus::starting(id.clone(), SourceKind::Exposition, STEP);
        s.sources.insert(id.clone(), SourceFacts::of(status, false));
    }
    (s, ids.try_into().unwrap())
}

fn seen(s: &mut State, now: Timestamp) {
    let specs = {
        let State { resolver, store, .. } = s;
        resolver.queries(&scraped(), &|name| store.has_metric(name), STEP)
    };
    let answers: Vec<Answer> = specs
        .into_iter()
        .map(|spec| {
            let value = instant(&s.store, &Prepared::new(&spec.expr).unwrap(), now, &Options::default());
            let Ok(Value::Vector(series)) = value else { panic!("{value:?}") };
            Answer { expr: spec.expr, at: now, result: Ok(series) }
        })
        .collect();
    let sets = s.resolver.resolve(now, &[(scraped(), answers)]);
    fleet::merge(s, sets, now);
}

fn tell(s: &mut State, id: &SourceId, health: Health, at: Timestamp) {
    let facts = s.sources.get_mut(id).unwrap();
    (facts.status.health, facts.status.last_success, facts.status.interval) = (health, Some(at), STEP);
}

#[test]
fn what_a_silent_endpoint_gave_is_not_seen_and_not_gone() {
    let (mut s, [first, second]) = two();
    let last = NOW + STEP * 20;
    seen(&mut s, last);
    let id = s.fleet.keys().next().unwrap().clone();
    let demand = s.fleet[&id].signals.fresh(SignalKind::Demand).unwrap();
    assert!((demand - 80.0).abs() < 1.0, "{demand}");
    let failing = || failing(last);
    tell(&mut s, &first, Health::Healthy, last);
    tell(&mut s, &second, failing(), last);
    let unseen = |s: &mut State, after: u32| {
        partial::look(s, last + STEP * after);
        partial::unseen(s, &id)
    };
    assert_eq!(unseen(&mut s, 2), None, "one scrape that failed is none");
    let why = unseen(&mut s, 3).unwrap();
    assert!(why.contains("an endpoint that gave 60 rps of its demand does not answer"), "{why}");
    tell(&mut s, &first, failing(), last);
    let why = unseen(&mut s, 3).unwrap();
    assert!(why.contains("2 endpoints that gave 80 rps"), "{why}");
    tell(&mut s, &first, Health::Healthy, last + STEP * 4);
    assert!(unseen(&mut s, 5).unwrap().contains("60 rps"));
    assert_eq!(unseen(&mut s, 241), None, "after an hour it has left");
    tell(&mut s, &second, Health::Healthy, last + STEP * 6);
    assert_eq!(unseen(&mut s, 6), None);
}

#[test]
fn what_it_gave_is_found_whichever_way_its_job_was_named() {
    let (mut s, [_, second]) = both(|target| drop(target.labels.insert("job".into(), "shop/cart".into())));
    let last = NOW + STEP * 20;
    seen(&mut s, last);
    let id = s.fleet.keys().next().unwrap().clone();
    tell(&mut s, &second, failing(last), last);
    partial::look(&mut s, last + STEP * 3);
    let why = partial::unseen(&s, &id).unwrap_or_default();
    assert!(why.contains("gave 60 rps"), "{why}");
}

fn failing(last: Timestamp) -> Health {
    Health::Failing { since: last, error: "refused".into(), failures: 2, next_try: last }
}

/// A restart in the middle of an outage: what the silent one gave was known before it, and is not any more.
#[test]
fn an_endpoint_that_is_silent_since_the_start_gave_nobody_knows_what() {
    let (mut s, [first, second]) = two();
    let last = NOW + STEP * 20;
    seen(&mut s, last);
    s.started = last;
    let id = s.fleet.keys().next().unwrap().clone();
    tell(&mut s, &first, Health::Healthy, last);
    s.sources.get_mut(&second).unwrap().status.health = failing(last);
    let unseen = |s: &mut State, after: u32| {
        partial::look(s, last + STEP * after);
        partial::unseen(s, &id)
    };
    assert_eq!(unseen(&mut s, 2), None, "it may come yet");
    let why = unseen(&mut s, 3).unwrap();
    assert!(why.starts_with("an endpoint of it has not answered since weescale was started"), "{why}");
    assert_eq!(unseen(&mut s, 241), None, "after an hour it has left");
    s.sources.get_mut(&second).unwrap().status.health = Health::Starting;
    assert_eq!(unseen(&mut s, 4), None, "not tried yet");

    // Whose it is cannot be told: it may be of any that has less than before.
    let mut settings = (*s.settings).clone();
    settings.scrape.iter_mut().filter(|t| *t.id() == second).for_each(|t| t.job = "gateway".into());
    s.settings = Arc::new(settings);
    s.partial = partial::Partial::default();
    s.sources.get_mut(&second).unwrap().status.health = failing(last);
    assert_eq!(unseen(&mut s, 3), None, "nothing is known of before");
    for (before, told) in [(70.0, false), (90.0, true)] {
        s.history = crate::signals::History::new();
        for minute in 1..=60 {
            s.history.import(&id, SignalKind::Demand, last - Duration::from_secs(60 * minute), before);
        }
        let why = unseen(&mut s, 3);
        assert_eq!(why.is_some_and(|why| why.contains(&format!("endpoint {second} has not answered"))), told);
    }
}
