//! Caches: what they keep from the backend, what stands in their way, and the surge that new replicas bring.

use crate::series::Unit;
use crate::signals::SignalKind;

use super::advice::{Advice, Lack, Report, Urgency};
use super::survey::{Member, Survey};
use super::{Dimension, Verdict};

/// Above this share of hits a cache does what it can; a larger one is not worth much.
const GOOD: f64 = 0.9;
/// A cache is full above this share of its memory.
const FULL: f64 = 0.9;
/// And mostly empty below this one.
const EMPTY: f64 = 0.4;
/// One reason of misses dominates the other by this factor.
const DOMINATES: f64 = 3.0;
/// A surge on the backend below this share of its load is not worth a word.
const SURGE: f64 = 0.05;

/// Looks at every cache.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Caching, "caches");
    let mut worst = 1.0_f64;
    for member in &survey.members {
        if let Some(hits) = member.signals.fresh(SignalKind::CacheHitRatio) {
            report.judged += 1;
            worst = worst.min(hits);
            report.advice.extend(sized(survey, member, hits, &mut report.lacks));
        }
        report.advice.extend(surge(survey, member));
    }
    if report.judged == 0 {
        report.lack(Lack::signal(survey.catalogue, SignalKind::CacheHitRatio));
    }
    report.fine = format!("the worst of them answers {:.0} %", worst * 100.0);
    report
}

/// Too small, too short-lived, or larger than it needs to be.
fn sized(survey: &Survey<'_>, member: &Member<'_>, hits: f64, lacks: &mut Vec<Lack>) -> Option<Advice> {
    let get = |kind| member.signals.fresh(kind);
    // A cache inside the replicas has no memory and no evictions of its own to look at.
    if get(SignalKind::LocalCacheHitRatio) == Some(hits) {
        return None;
    }
    let (Some(evicted), Some(expired)) = (get(SignalKind::CacheEvictions), get(SignalKind::CacheExpirations))
    else {
        let lack = Lack::signal(survey.catalogue, SignalKind::CacheEvictions);
        if !lacks.contains(&lack) {
            lacks.push(lack);
        }
        return None;
    };
    let fill = get(SignalKind::CacheUsed).zip(get(SignalKind::CacheMax)).filter(|(_, m)| *m > 0.0);
    let fill = fill.map(|(used, max)| (used / max, max));
    let usual = member.usual.cache_hits;
    let (what, urgency, why) = if hits < GOOD
        && evicted > DOMINATES * expired
        && fill.is_none_or(|(f, _)| f >= FULL)
    {
        let what = match fill {
            Some((_, max)) => {
                format!("enlarge the cache {:.1} → {:.1} GiB, then look again", gib(max), gib(max * 1.5))
            }
            None => "enlarge the cache by half, then look again".into(),
        };
        (what, Urgency::Soon, "entries go for want of room, not of age: it is bound by size")
    } else if hits < GOOD && expired > DOMINATES * evicted && usual.is_none_or(|u| u - hits < 0.05) {
        let what = "let entries live longer, with jitter so that they do not all end at once".to_owned();
        (what, Urgency::Soon, "entries go because their time is over while there is room: it is bound by TTL")
    } else if hits >= GOOD && evicted < 0.01 && fill.is_some_and(|(f, _)| f < EMPTY) {
        let (share, max) = fill.unwrap_or((0.0, 0.0));
        let to = max * share / 0.7;
        let what = format!("shrink the cache {:.1} → {:.1} GiB: nothing is evicted", gib(max), gib(to));
        (what, Urgency::Eventually, "the working set fits with room to spare")
    } else {
        return None;
    };
    let mut advice = Advice::on(Dimension::Caching, &member.workload.id, what, survey.now)
        .fact("of look-ups hit", hits, Unit::Ratio)
        .fact("evicted", evicted, Unit::PerSecond)
        .fact("expired", expired, Unit::PerSecond)
        .fact_if("of its memory in use", fill.map(|(f, _)| f), Unit::Ratio)
        .fact_if("usually hit", usual, Unit::Ratio)
        .sure(0.6, format!("{why}; how much more would hit is learned from the next change of size"));
    // Each point of hits is a point of demand that the backend does not see.
    advice.effect = member.demand().filter(|_| hits < GOOD).map(|x| {
        super::advice::fact("less on the backend at 90 % hits", x * (GOOD - hits), Unit::RequestsPerSecond)
    });
    advice.urgency = urgency;
    advice.not_approvable = "the cache's own configuration: no provider writes it".into();
    Some(advice)
}

fn gib(bytes: f64) -> f64 {
    bytes / 1_073_741_824.0
}

/// New replicas start with empty caches: `ΔN / N′ · X · h` more reaches the backend until they are warm, as the share
/// `ΔN / N′` of requests goes to them.
fn surge(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let hits = member.signals.fresh(SignalKind::LocalCacheHitRatio).filter(|h| *h > 0.0)?;
    let demand = member.demand()?;
    let plan = member.plan?;
    let (Verdict::Change(change) | Verdict::Blocked { change, .. }) = &plan.verdict else { return None };
    let now = member.workload.replicas.map(|r| f64::from(r.ready)).filter(|n| *n > 0.0)?;
    let to = f64::from(change.count()?);
    if to <= now {
        return None;
    }
    let (more, backend) = cold_surge(now, to, demand, hits);
    if backend <= 0.0 || more / backend < SURGE {
        return None;
    }
    let what =
        format!("before going from {now:.0} to {to:.0} replicas, warm their caches or add them one by one");
    let mut advice = Advice::on(Dimension::Caching, &member.workload.id, what, survey.now)
        .fact("more on the backend while they are cold", more, Unit::RequestsPerSecond)
        .fact("on the backend now", backend, Unit::RequestsPerSecond)
        .fact("of look-ups hit in the replicas", hits, Unit::Ratio)
        .sure(0.8, "from the hit ratio now and the share of requests that new replicas get");
    advice.effect = Some(super::advice::fact("surge", more / backend, Unit::Ratio));
    advice.urgency = Urgency::Soon;
    advice.not_approvable =
        "it is a matter of how the proposal is carried out; stages already wait until new replicas are warm"
            .into();
    Some(advice)
}

/// Requests a second more on the backend when `now` replicas become `to` and the new ones answer nothing from memory,
/// and what it gets now.
fn cold_surge(now: f64, to: f64, demand: f64, hits: f64) -> (f64, f64) {
    ((to - now) / to * demand * hits, demand * (1.0 - hits))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fleet, has};
    use super::*;
    use SignalKind as K;

    #[test]
    fn the_surge_has_worked_numbers() {
        // Four of ten replicas are new and get 400 of 1 000 requests, of which 90 % would have been hits.
        let (more, backend) = cold_surge(6.0, 10.0, 1000.0, 0.9);
        assert!((more - 360.0).abs() < 1e-9 && (backend - 100.0).abs() < 1e-9);
    }

    #[test]
    fn size_bound_ttl_bound_oversized_and_content() {
        let cache = |hits, evicted, expired, used| {
            let mut fleet = Fleet::default();
            let values = [
                (K::Demand, 500.0),
                (K::CacheHitRatio, hits),
                (K::CacheEvictions, evicted),
                (K::CacheExpirations, expired),
                (K::CacheUsed, used),
                (K::CacheMax, 4.0 * 1_073_741_824.0),
            ];
            fleet.add("catalog", &values);
            fleet.report(advise)
        };
        let gib = 1_073_741_824.0;
        let small = cache(0.7, 12.0, 1.0, 3.9 * gib);
        assert!(has(&small, "enlarge the cache 4.0 → 6.0 GiB"), "{small:?}");
        assert!((small.advice[0].effect.as_ref().unwrap().quantity.value - 100.0).abs() < 1e-9);
        assert!(has(&cache(0.7, 1.0, 12.0, 2.0 * gib), "live longer"));
        assert!(has(&cache(0.97, 0.0, 12.0, 1.0 * gib), "shrink the cache 4.0 → 1.4 GiB"));
        let content = cache(0.95, 2.0, 2.0, 3.0 * gib);
        assert!(content.advice.is_empty());
        assert_eq!(content.sentence(), "nothing to do for 1 caches: the worst of them answers 95 %");
    }

    #[test]
    fn without_a_cache_it_says_what_it_lacks() {
        let mut fleet = Fleet::default();
        fleet.add("cart", &[(K::Demand, 1.0)]);
        let report = fleet.report(advise);
        assert!(
            report.sentence().starts_with("cannot tell: lacks cache hit ratio (redis_keyspace_hits_total")
        );
    }
}
