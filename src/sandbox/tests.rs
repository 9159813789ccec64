//! The fleet as a whole.

use super::*;
use crate::series::Timestamp;
use std::time::Duration;

fn world(name: &str) -> World {
    World::new(7, Scenario::named(name).unwrap())
}

fn at(world: &World, seconds: u64) -> Timestamp {
    world.scenario().start + Duration::from_secs(seconds)
}

fn everything(world: &World) -> String {
    let mut text: String = catalog::REGIONS.iter().filter_map(|r| expose::application(world, r)).collect();
    for part in
        [expose::kube_state_metrics, expose::cadvisor, expose::opencost, expose::redis, expose::postgres]
    {
        text.push_str(&part(world));
    }
    text.push_str(&expose::haproxy(world).unwrap_or_default());
    text
}

#[test]
fn looking_more_often_changes_nothing() {
    let (mut often, mut once) = (world("flash-crowd"), world("flash-crowd"));
    for second in 0..200 {
        often.advance_to(at(&often, second * 3));
        if second % 17 == 0 {
            let _ = everything(&often);
        }
    }
    once.advance_to(at(&once, 597));
    assert!(everything(&often) == everything(&once));
    let mut other = World::new(8, Scenario::named("flash-crowd").unwrap());
    other.advance_to(at(&other, 597));
    assert!(everything(&often) != everything(&other));
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    for name in Scenario::NAMES {
        let mut w = world(name);
        println!("== {name}");
        for minute in 0..60_u64 {
            w.advance_to(at(&w, minute * 60));
            if minute % 6 > 0 {
                continue;
            }
            let row: Vec<String> = w
                .workloads
                .iter()
                .map(|x| {
                    let cpu: f64 = x.pods.iter().map(|p| p.cpu).sum::<f64>()
                        / x.spec.cpu
                        / f64::from(x.ready(w.second()).max(1));
                    format!(
                        "{}@{} {:.0}rps N{} u{:.2} bad{:.3} rt{:.0}",
                        &x.spec.name[..4],
                        &x.spec.region[..2],
                        x.offered,
                        x.ready(w.second()),
                        cpu,
                        x.done.failed / x.offered.max(1.0),
                        x.balance.response_time * 1000.0
                    )
                })
                .collect();
            println!("{minute:3} {}", row.join(" | "));
        }
    }
}
