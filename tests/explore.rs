#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "x")]
mod fleet;
use weescale::plan::Verdict;
#[tokio::test(flavor = "multi_thread")]
async fn explore() {
    let scenario = std::env::var("SCENARIO").unwrap_or("morning-ramp".into());
    let speed: f64 = std::env::var("SPEED").unwrap_or("20".into()).parse().unwrap();
    let until: i64 = std::env::var("UNTIL").unwrap_or("1200".into()).parse().unwrap();
    let began = std::time::Instant::now();
    let mut rig = fleet::Rig::start(&scenario, speed, None).await;
    eprintln!("started {:?}", began.elapsed());
    let mut last: std::collections::BTreeMap<String, String> = Default::default();
    let mut said = 0;
    let mut lines = 0;
    let mut dumped = -1000;
    loop {
        let view = rig.next().await;
        let s = rig.second(&view);
        for row in &view.services.data {
            let v = match &row.verdict {
                Verdict::Hold { why } => format!("hold {}", why.split("in ").next().unwrap_or("")),
                Verdict::Change(c) => {
                    format!("CHANGE {:?} {}->{} until {:?}", c.field, c.from, c.to, c.until)
                }
                Verdict::Blocked { change, by } => format!("BLOCKED {}->{} {by}", change.from, change.to),
                Verdict::NotScaling { cause, .. } => format!("NOTSCALING {cause}"),
                Verdict::NoData { why } => format!("NODATA {why}"),
            };
            let key = row.workload.to_string();
            if last.get(&key) != Some(&v) {
                eprintln!(
                    "{s:5} {:.1?} {key}: {v} | d={:?} r={:?} cap={:?} p95={:?} fresh={:?}",
                    began.elapsed(),
                    row.demand.value,
                    row.replicas.map(|r| (r.desired, r.ready, r.min, r.max)),
                    row.capacity.as_ref().map(|c| (c.per_replica, c.method, c.observations, c.tested_to)),
                    row.p95.value,
                    row.freshness
                );
                last.insert(key, v);
            }
        }
        if s - dumped >= 120 {
            dumped = s;
            for f in &view.forecasts.data {
                if f.workload
                    .to_string()
                    .contains(&std::env::var("FOCUS").unwrap_or("checkout@eu-west".into()))
                {
                    let row = view.services.data.iter().find(|r| r.workload == f.workload).unwrap();
                    if let Some(fan) = f.forecast.fan() {
                        let pts: Vec<String> = fan
                            .points
                            .iter()
                            .take(14)
                            .map(|p| {
                                format!(
                                    "{:.0}/{:.0}/{:.0}",
                                    p.quantile(0.05),
                                    p.quantile(0.5),
                                    p.quantile(0.98)
                                )
                            })
                            .collect();
                        eprintln!(
                            "   {s} FAN {} d={:?} cap={:?} ready={:?} p95={:?}: {}  skill {:?} cov {:?}",
                            f.workload,
                            row.demand.value,
                            f.capacity_now,
                            row.replicas,
                            row.p95.value,
                            pts.join(" "),
                            fan.skill,
                            fan.coverage
                        );
                    } else {
                        eprintln!("   {s} {:?}", f.forecast);
                    }
                    let sig: Vec<String> = row
                        .signals
                        .iter()
                        .map(|g| {
                            format!(
                                "{}={:.3?}{}",
                                g.kind.name(),
                                g.value.map(|v| v.get()),
                                match g.freshness {
                                    weescale::signals::Freshness::Fresh => "",
                                    weescale::signals::Freshness::Stale => "(stale)",
                                    weescale::signals::Freshness::Missing => "(missing)",
                                    _ => "(suspect)",
                                }
                            )
                        })
                        .collect();
                    eprintln!("      {}", sig.join(" "));
                }
            }
        }
        for l in &view.journal {
            if l.seq > lines {
                lines = l.seq;
                eprintln!("{s:5} J {} {}: {}", l.seq, l.kind, l.text);
            }
        }
        for n in &view.notices {
            if n.seq > said {
                said = n.seq;
                eprintln!("{s:5} {:.1?} notice {}", began.elapsed(), n.text);
            }
        }
        if s > until {
            break;
        }
    }
    rig.engine.stop().await;
}
