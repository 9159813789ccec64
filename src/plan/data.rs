//! Where state binds: partitions that cap consumers, connections, disks that fill, reads that replicas could take.

use std::time::Duration;

use crate::series::{Timestamp, Unit, Window};
use crate::signals::SignalKind;

use super::Dimension;
use super::advice::{Advice, Lack, Report, Urgency};
use super::survey::{Member, Survey};

/// Connections are near their limit above this share.
const TIGHT: f64 = 0.8;
/// A database whose rows are read rather than written by at least this share gains from read replicas.
const MOSTLY_READ: f64 = 0.8;
/// Below this share of reads only splitting the data helps.
const MOSTLY_WRITE: f64 = 0.5;
/// A replica older than this gives answers that people notice.
const STALE: f64 = 5.0;
/// Disks that are full within these times.
const SOON: Duration = Duration::from_secs(7 * 86_400);
const NOW: Duration = Duration::from_secs(86_400);
/// History a trend of a disk needs.
const TREND: usize = 12;

/// Looks at every queue, pool, database and volume.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Data, "stores, queues and volumes");
    let mut fullest = 0.0_f64;
    for member in &survey.members {
        let get = |kind| member.signals.fresh(kind);
        if let Some(partitions) = get(SignalKind::Partitions) {
            report.judged += 1;
            report.advice.extend(consumers(survey, member, partitions));
        }
        if let Some((used, max)) =
            get(SignalKind::PoolUsed).zip(get(SignalKind::PoolMax)).filter(|(_, m)| *m > 0.0)
        {
            report.judged += 1;
            fullest = fullest.max(used / max);
            report.advice.extend(connections(survey, member, used, max));
        }
        if let Some(free) = get(SignalKind::DiskFree) {
            report.judged += 1;
            report.advice.extend(disk(survey, member, free));
        }
    }
    for kind in [SignalKind::Partitions, SignalKind::PoolUsed, SignalKind::DiskFree] {
        if survey.members.iter().all(|m| m.signals.get(kind).is_none()) {
            report.lack(Lack::signal(survey.catalogue, kind));
        }
    }
    report.fine = format!("the fullest pool is at {:.0} %", fullest * 100.0);
    report
}

/// More consumers than partitions stand idle, however many an autoscaler asks for.
fn consumers(survey: &Survey<'_>, member: &Member<'_>, partitions: f64) -> Option<Advice> {
    let replicas = member.workload.replicas?;
    let needed = member.plan.and_then(|p| p.need_peak.max(p.need_now)).unwrap_or(0).max(replicas.desired);
    let allowed = replicas.max.unwrap_or(needed).max(needed);
    if f64::from(allowed) <= partitions {
        return None;
    }
    let short = f64::from(needed) > partitions;
    let what = if short {
        format!("raise the partitions {partitions:.0} → {}: more replicas would stand idle", round_up(needed))
    } else {
        format!(
            "lower the autoscaler's maximum {allowed} → {partitions:.0}, or raise the partitions to {allowed}"
        )
    };
    let mut advice = Advice::on(Dimension::Data, &member.workload.id, what, survey.now)
        .fact("partitions", partitions, Unit::Count)
        .fact("replicas", f64::from(replicas.desired), Unit::Count)
        .fact("replicas allowed", f64::from(allowed), Unit::Count)
        .fact("replicas needed", f64::from(needed), Unit::Count)
        .fact_if("messages waiting", member.signals.fresh(SignalKind::QueueDepth), Unit::Count)
        .sure(0.95, "a partition is read by one consumer of a group");
    advice.urgency = if short { Urgency::Now } else { Urgency::Soon };
    advice.not_approvable =
        "partitions are the topic's; adding some moves keys, so order within a key breaks once: its owner decides".into();
    Some(advice)
}

/// Partitions are best a number that many counts of consumers divide.
fn round_up(n: u32) -> u32 {
    n.div_ceil(6) * 6
}

/// Busy connections grow with the rate of requests (Little's law), so the peak's are known before it comes.
fn connections(survey: &Survey<'_>, member: &Member<'_>, used: f64, max: f64) -> Option<Advice> {
    let at_peak = member
        .demand()
        .zip(member.peak(survey.now))
        .map(|(now, (at, peak))| (at, used * (peak / now).max(1.0)));
    let crossing = at_peak.filter(|(_, n)| *n >= max * 0.95);
    if used / max < TIGHT && crossing.is_none() {
        return None;
    }
    let reads = member.signals.fresh(SignalKind::ReadShare);
    let lag = member.signals.fresh(SignalKind::ReplicationLag);
    let what = match (reads, lag) {
        (Some(r), Some(l)) if r >= MOSTLY_READ && l <= STALE => {
            format!("send reads to a replica: {:.0} % of the rows are only read", r * 100.0)
        }
        (Some(r), None) if r >= MOSTLY_READ => {
            format!("add a read replica: {:.0} % of the rows are only read", r * 100.0)
        }
        (Some(r), Some(_)) if r >= MOSTLY_READ => {
            "find why the read replica lags before reads are sent there; meanwhile raise the limit or pool connections"
                .into()
        }
        (Some(r), _) if r < MOSTLY_WRITE => {
            "split the data into shards or batch its writes: most rows are written, replicas would not help".into()
        }
        _ => "put a pooler before the database, or raise its limit: more replicas would queue at it".to_owned(),
    };
    let mut advice = Advice::on(Dimension::Data, &member.workload.id, what, survey.now)
        .fact("of connections in use", used / max, Unit::Ratio)
        .fact("connections allowed", max, Unit::Count)
        .fact_if("requests waiting for one", member.signals.fresh(SignalKind::PoolWaiting), Unit::Count)
        .fact_if("of rows only read", reads, Unit::Ratio)
        .fact_if("replica behind by", lag, Unit::Seconds);
    if let Some((at, n)) = at_peak {
        let mut fact = super::advice::fact("connections needed at the peak", n, Unit::Count);
        fact.at = Some(at);
        advice.evidence.insert(0, fact);
    }
    let now = used / max >= 0.95;
    advice.urgency = if now { Urgency::Now } else { Urgency::Soon };
    advice.not_approvable =
        "the database's configuration and the callers' pools: no provider writes them".into();
    Some(advice.sure(
        if now { 0.9 } else { 0.7 },
        "connections in use grow with the rate of requests (Little's law)",
    ))
}

/// When a volume is full at the pace of the last days.
fn disk(survey: &Survey<'_>, member: &Member<'_>, free: f64) -> Option<Advice> {
    let window = survey.window(member, SignalKind::DiskFree, Duration::from_secs(3 * 86_400));
    let size = member.signals.fresh(SignalKind::DiskSize).filter(|s| *s > 0.0);
    let tight = size.is_some_and(|s| free / s < 0.1);
    let pace = slope(&window).filter(|s| *s < 0.0);
    let left = pace.map(|s| Duration::try_from_secs_f64(free / -s).unwrap_or(Duration::MAX));
    if left.is_none_or(|l| l > SOON) && !tight {
        return None;
    }
    let what = match left {
        Some(l) if l < Duration::from_secs(2 * 86_400) => {
            format!("enlarge the volume or delete: it is full in {} h", l.as_secs() / 3600)
        }
        Some(l) => format!("enlarge the volume or delete: it is full in {} days", l.as_secs() / 86_400),
        None => "enlarge the volume or delete: less than a tenth is free".into(),
    };
    let observed = window.points().next().map_or(0.0, |(at, _)| survey.now.since(at).as_secs_f64() / 3600.0);
    let mut advice = Advice::on(Dimension::Data, &member.workload.id, what, survey.now)
        .fact("free", free, Unit::Bytes)
        .fact_if("of", size, Unit::Bytes)
        .fact_if("fills by a day", pace.map(|s| -s * 86_400.0), Unit::Bytes)
        .sure((observed / 24.0).clamp(0.2, 0.9), format!("pace of the last {observed:.1} h"));
    advice.urgency = if left.is_some_and(|l| l <= NOW) { Urgency::Now } else { Urgency::Soon };
    advice.not_approvable =
        "a claim grows where its storage class allows expansion and never shrinks: its owner decides".into();
    Some(advice)
}

/// Bytes a second: the median of slopes between the points of the first and of the second half (Theil–Sen over such
/// pairs, so that a clean-up does not turn the trend); `None` with too little history.
fn slope(window: &Window) -> Option<f64> {
    let points: Vec<(Timestamp, f64)> = window.points().collect();
    if points.len() < TREND {
        return None;
    }
    let half = points.len() / 2;
    let pairs = points.iter().zip(points.iter().skip(half));
    let slopes = pairs.map(|((t0, v0), (t1, v1))| (v1 - v0) / (t1.millis_since(*t0).max(1) as f64 / 1000.0));
    super::survey::quantile(slopes.collect(), 0.5)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fleet, has};
    use super::*;
    use SignalKind as K;

    #[test]
    fn partitions_cap_consumers() {
        let mut fleet = Fleet::default();
        fleet.add("mailer", &[(K::Partitions, 4.0), (K::QueueDepth, 900.0)]).replicas(6, 2, 20);
        assert!(has(&fleet.report(advise), "raise the partitions 4 → 6"));
        let mut fleet = Fleet::default();
        fleet.add("mailer", &[(K::Partitions, 4.0)]).replicas(3, 2, 20);
        assert!(has(&fleet.report(advise), "lower the autoscaler's maximum 20 → 4"));
        let mut fleet = Fleet::default();
        fleet.add("mailer", &[(K::Partitions, 24.0)]).replicas(3, 2, 20);
        assert!(fleet.report(advise).advice.is_empty());
    }

    #[test]
    fn connections_ask_for_replicas_pools_or_shards() {
        let pool = |used, reads: Option<f64>, lag: Option<f64>| {
            let mut fleet = Fleet::default();
            let mut values = vec![(K::Demand, 100.0), (K::PoolUsed, used), (K::PoolMax, 40.0)];
            values.extend(reads.map(|r| (K::ReadShare, r)));
            values.extend(lag.map(|l| (K::ReplicationLag, l)));
            fleet.add("payments", &values);
            fleet.report(advise)
        };
        assert!(has(&pool(36.0, Some(0.92), None), "add a read replica: 92 %"));
        assert!(has(&pool(36.0, Some(0.92), Some(0.2)), "send reads to a replica"));
        assert!(has(&pool(36.0, Some(0.92), Some(60.0)), "lags"));
        assert!(has(&pool(36.0, Some(0.3), None), "shards"));
        assert!(has(&pool(36.0, None, None), "pooler"));
        assert_eq!(pool(10.0, None, None).fine, "the fullest pool is at 25 %");
    }

    #[test]
    fn connections_are_short_at_a_peak_that_is_known_now() {
        let mut fleet = Fleet::default();
        let values = [(K::Demand, 100.0), (K::PoolUsed, 20.0), (K::PoolMax, 40.0)];
        fleet.add("payments", &values).fan(100.0, (3, 5));
        let report = fleet.report(advise);
        assert!(has(&report, "pooler"), "{report:?}");
        // The fan's 95 % quantile at the peak is 290 rps: 20 · 290 / 100.
        let needed = &report.advice[0].evidence[0];
        assert!((needed.quantity.value - 58.0).abs() < 1e-9 && needed.at.is_some());
    }

    #[test]
    fn a_disk_is_full_at_the_pace_it_fills() {
        let gib = 1_073_741_824.0;
        let mut fleet = Fleet::default();
        fleet.add("orders", &[(K::DiskFree, 24.0 * gib), (K::DiskSize, 100.0 * gib)]);
        // 1 GiB an hour over the last six hours, with one clean-up measured wrong.
        for i in 0..72 {
            let odd = if i == 20 { 50.0 * gib } else { 0.0 };
            fleet.past("orders", K::DiskFree, 72 - i, (30.0 - f64::from(i) / 12.0) * gib + odd);
        }
        let report = fleet.report(advise);
        assert!(has(&report, "full in 24 h") || has(&report, "full in 23 h"), "{report:?}");
        assert_eq!(report.advice[0].urgency, Urgency::Now);
    }
}
