//! Machines that could go: whether what runs on one fits on the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::series::Unit;
use crate::signals::PartKind;

use super::advice::{Advice, Lack, Report, Urgency};
use super::survey::{Member, Survey};
use super::{Dimension, Plan};

/// Room left on every machine that stays.
const RESERVE: f64 = 0.1;
/// Machines of a pool that always stay: one may fail.
const STAY: usize = 2;
/// A workload with the same on at least this share of all machines runs on each of them and moves nowhere.
const EVERYWHERE: f64 = 0.9;

/// Cores and bytes.
type Size = [f64; 2];

/// One machine.
#[derive(Clone, Debug)]
struct Node {
    name: Arc<str>,
    /// What it can give.
    gives: Size,
    /// What is asked for on it.
    taken: Size,
    /// Replicas that can move, largest first.
    movable: Vec<Size>,
    /// $/h.
    price: Option<f64>,
    /// Machines of one pool are named alike; replicas stay within their pool's region.
    pool: String,
}

/// Looks at all machines.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Consolidation, "machines");
    let nodes = nodes(survey);
    report.judged = nodes.len();
    if nodes.is_empty() {
        report.lack(Lack::part(survey.catalogue, PartKind::NodeCpu));
        return report;
    }
    if nodes.iter().all(|n| n.price.is_none()) {
        report.lack(Lack::part(survey.catalogue, PartKind::NodePrice));
    }
    let mut pools: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    for node in &nodes {
        pools.entry(&node.pool).or_default().push(node.clone());
    }
    let idle: Vec<String> =
        pools.iter().map(|(pool, nodes)| format!("{pool} {:.0} %", slack(nodes) * 100.0)).collect();
    report.fine =
        format!("of CPU not asked for: {}; no machine's replicas fit on the others", idle.join(", "));
    let mut left_out = Vec::new();
    for (pool, nodes) in pools {
        match needed_as_it_is(survey, pool) {
            Some(why) => left_out.push(format!("{pool}, {why}")),
            None => report.advice.extend(pool_advice(survey, pool, nodes)),
        }
    }
    report.left_out(&left_out);
    report
}

/// Why no machine of `pool` should go now: what runs there is short or nearly so, or another region may send its users.
fn needed_as_it_is(survey: &Survey<'_>, pool: &str) -> Option<String> {
    let on_it = |m: &&Member<'_>| {
        let mut nodes = survey.parts(m, PartKind::NodeCpuRequested).iter();
        nodes.any(|(name, cores)| *cores > 0.0 && pool_of(name) == pool)
    };
    survey.members.iter().filter(on_it).find_map(|m| {
        let strained = m.plan.is_some_and(Plan::is_strained);
        let own = strained.then(|| format!("{} is short of capacity or nearly so", m.workload.id));
        own.or_else(|| m.around.needed())
    })
}

fn pool_advice(survey: &Survey<'_>, pool: &str, nodes: Vec<Node>) -> Option<Advice> {
    let before = nodes.len();
    let (slack, price) = (slack(&nodes), nodes.iter().find_map(|n| n.price));
    let removable = removable(nodes);
    if removable.is_empty() {
        return None;
    }
    let count = removable.len();
    let names: Vec<&str> = removable.iter().take(3).map(|n| &*n.name).collect();
    let more = if count > 3 { format!(" and {} more", count - 3) } else { String::new() };
    let moved: usize = removable.iter().map(|n| n.movable.len()).sum();
    let what = format!(
        "drain {}{more}: what runs there fits on the other {} machines",
        names.join(", "),
        before - count
    );
    let mut advice = Advice::about(Dimension::Consolidation, format!("machines {pool}"), what, survey.now)
        .fact("machines that could go", count as f64, Unit::Count)
        .fact("of CPU not asked for", slack, Unit::Ratio)
        .fact("replicas to move", moved as f64, Unit::Count)
        .sure(
            0.6,
            "first-fit by requests with a tenth left free; affinity and disruption budgets are not seen",
        );
    advice.saving = price.map(|_| removable.iter().filter_map(|n| n.price).sum());
    advice.urgency = Urgency::Eventually;
    advice.not_approvable =
        "kubectl drain, or let Karpenter or the cluster autoscaler consolidate: they own the machines".into();
    Some(advice)
}

/// How many more replicas of `member` fit on the machines of its region that are there; `None` if those are not known
/// or do not say what a replica asks for.
pub fn room_for(survey: &Survey<'_>, member: &Member<'_>) -> Option<usize> {
    let one = [member.workload.pod.cpu_cores?, member.workload.pod.memory_bytes?];
    let mine: Vec<&Arc<str>> =
        survey.parts(member, PartKind::NodeCpuRequested).iter().map(|(name, _)| name).collect();
    let nodes = nodes(survey);
    let pools: Vec<String> = mine.iter().map(|name| pool_of(name)).collect();
    let here = nodes.iter().filter(|n| pools.contains(&n.pool));
    let fits = here.map(|n| {
        let times = n.gives.iter().zip(n.taken).zip(one).filter(|(_, one)| *one > 0.0);
        times.map(|((gives, taken), one)| ((gives - taken) / one).max(0.0) as usize).min().unwrap_or(0)
    });
    (!pools.is_empty() && one.iter().any(|o| *o > 0.0)).then(|| fits.sum())
}

/// Share of CPU on `nodes` that nobody asks for.
fn slack(nodes: &[Node]) -> f64 {
    let sum = |of: fn(&Node) -> f64| nodes.iter().map(of).sum::<f64>();
    let gives = sum(|n| n.gives[0]);
    if gives > 0.0 { 1.0 - sum(|n| n.taken[0]) / gives } else { 0.0 }
}

fn nodes(survey: &Survey<'_>) -> Vec<Node> {
    let find =
        |kind, name: &Arc<str>| survey.fleet_parts(kind).iter().find(|(n, _)| n == name).map(|(_, v)| *v);
    let mut nodes: BTreeMap<Arc<str>, Node> = BTreeMap::new();
    for (name, cores) in survey.fleet_parts(PartKind::NodeCpu) {
        let Some(bytes) = find(PartKind::NodeMemory, name) else { continue };
        let node = Node {
            name: Arc::clone(name),
            gives: [*cores, bytes],
            taken: [0.0; 2],
            movable: Vec::new(),
            price: find(PartKind::NodePrice, name),
            pool: pool_of(name),
        };
        nodes.insert(Arc::clone(name), node);
    }
    let all = nodes.len();
    for member in &survey.members {
        let cpu = survey.parts(member, PartKind::NodeCpuRequested);
        let memory = survey.parts(member, PartKind::NodeMemoryRequested);
        let stays = all > 2 && cpu.len() as f64 >= EVERYWHERE * all as f64 && is_even(cpu);
        let pod = member.workload.pod.cpu_cores.filter(|c| *c > 0.0);
        for (name, cores) in cpu {
            let Some(node) = nodes.get_mut(name) else { continue };
            let bytes = memory.iter().find(|(n, _)| n == name).map_or(0.0, |(_, v)| *v);
            node.taken = [node.taken[0] + cores, node.taken[1] + bytes];
            // Without the size of a replica all of them move as one.
            let count = pod.map_or(1.0, |pod| (cores / pod).round().max(1.0));
            if !stays {
                let one = [cores / count, bytes / count];
                node.movable.extend(std::iter::repeat_n(one, count as usize));
            }
        }
    }
    nodes.into_values().collect()
}

fn is_even(parts: &[(Arc<str>, f64)]) -> bool {
    let (low, high) = parts.iter().fold((f64::MAX, 0.0_f64), |(l, h), (_, v)| (l.min(*v), h.max(*v)));
    low > 0.0 && high / low < 1.01
}

/// `node-eu-west-3` → `node-eu-west`: machines of a pool differ by the end of their name.
fn pool_of(name: &str) -> String {
    let host = name.split('.').next().unwrap_or(name);
    host.rsplit_once('-').map_or(host, |(pool, _)| pool).to_owned()
}

/// Machines whose replicas fit on the rest, least used first; first-fit, larger replicas first (Johnson 1974).
fn removable(mut nodes: Vec<Node>) -> Vec<Node> {
    for node in &mut nodes {
        node.movable.sort_by(|a, b| b[0].total_cmp(&a[0]));
    }
    nodes.sort_by(|a, b| a.taken[0].total_cmp(&b.taken[0]).then_with(|| a.name.cmp(&b.name)));
    let mut gone: Vec<Node> = Vec::new();
    let mut index = 0;
    while nodes.len() > STAY && index < nodes.len() {
        let Some(candidate) = nodes.get(index).cloned() else { break };
        let mut rest: Vec<Node> = nodes.iter().filter(|n| n.name != candidate.name).cloned().collect();
        // The fullest that has room: others empty out and may go next.
        rest.sort_by(|a, b| b.taken[0].total_cmp(&a.taken[0]));
        if candidate.movable.iter().all(|one| place(&mut rest, *one)) {
            nodes = rest;
            nodes.sort_by(|a, b| a.taken[0].total_cmp(&b.taken[0]).then_with(|| a.name.cmp(&b.name)));
            gone.push(candidate);
        } else {
            index += 1;
        }
    }
    gone
}

fn place(nodes: &mut [Node], one: Size) -> bool {
    let fits = |n: &&mut Node| {
        let mut sizes = n.gives.iter().zip(n.taken).zip(one);
        sizes.all(|((gives, taken), more)| taken + more <= gives * (1.0 - RESERVE))
    };
    let Some(node) = nodes.iter_mut().find(fits) else { return false };
    node.taken = [node.taken[0] + one[0], node.taken[1] + one[1]];
    node.movable.push(one);
    true
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fleet, has, id, now};
    use super::super::{Exhaustion, Verdict};
    use super::*;
    use crate::signals::SignalKind as K;

    const GIB: f64 = 1_073_741_824.0;

    fn fleet(requested: &[(&str, f64)], pod: f64) -> Fleet {
        let mut fleet = Fleet::default();
        fleet.add("web", &[(K::Demand, 1.0)]).workload.pod.cpu_cores = Some(pod);
        let who = id("web");
        let all = |v: f64| [("n-a-1", v), ("n-a-2", v), ("n-a-3", v)];
        let memory: Vec<(&str, f64)> = requested.iter().map(|(n, c)| (*n, c * GIB)).collect();
        fleet.parts = std::mem::take(&mut fleet.parts)
            .with(None, PartKind::NodeCpu, now(), &all(10.0))
            .with(None, PartKind::NodeMemory, now(), &all(64.0 * GIB))
            .with(None, PartKind::NodePrice, now(), &all(0.5))
            .with(Some(&who), PartKind::NodeCpuRequested, now(), requested)
            .with(Some(&who), PartKind::NodeMemoryRequested, now(), &memory);
        fleet
    }

    #[test]
    fn the_least_used_machine_goes_if_its_replicas_fit() {
        let report = fleet(&[("n-a-1", 6.0), ("n-a-2", 5.0), ("n-a-3", 3.0)], 1.0).report(advise);
        assert!(has(&report, "drain n-a-3: what runs there fits on the other 2 machines"), "{report:?}");
        assert_eq!(report.advice[0].saving, Some(0.5));
        // Nine of ten cores are used at most: 6 + 3 = 9 fits, 7 + 3 does not, and 5 has room for three of four.
        assert!(
            fleet(&[("n-a-1", 8.0), ("n-a-2", 8.0), ("n-a-3", 3.0)], 1.0).report(advise).advice.is_empty()
        );
    }

    #[test]
    fn no_machine_goes_while_a_region_is_dark_or_short() {
        let quiet = || fleet(&[("n-a-1", 6.0), ("n-a-2", 5.0), ("n-a-3", 3.0)], 1.0);
        let hold = || Verdict::Hold { why: String::new() };
        let mut two = quiet();
        two.items[0].workload.id = id("web@eu");
        two.items[0].replicas(3, 1, 9).planned(1.0, hold());
        two.parts = std::mem::take(&mut two.parts).with(
            Some(&id("web@eu")),
            PartKind::NodeCpuRequested,
            now(),
            &[("n-a-3", 3.0)],
        );
        assert!(has(&two.report(advise), "drain "), "{:?}", two.report(advise));
        two.items[0].around.elsewhere = Some("shop/web@us has no ready replica".into());
        let dark = two.report(advise);
        assert!(dark.advice.is_empty() && dark.fine.contains("shop/web@us has no ready replica"), "{dark:?}");
        two.items[0].around.elsewhere = None;
        two.items[0].plan.as_mut().unwrap().exhaustion = Exhaustion::Now;
        assert!(two.report(advise).fine.contains("shop/web@eu is short of capacity"));
    }

    #[test]
    fn room_is_counted_in_whole_replicas_machine_by_machine() {
        let mut fleet = fleet(&[("n-a-1", 8.5), ("n-a-2", 9.0), ("n-a-3", 3.0)], 2.0);
        fleet.items[0].workload.pod.memory_bytes = Some(2.0 * GIB);
        // 0, 0 and 3 more of two cores each.
        let report = fleet.report(|survey| {
            let mut report = Report::new(Dimension::Horizontal, "x");
            report.judged = room_for(survey, &survey.members[0]).unwrap();
            report
        });
        assert_eq!(report.judged, 3);
    }

    #[test]
    fn a_replica_moves_whole() {
        let full = fleet(&[("n-a-1", 6.0), ("n-a-2", 6.0), ("n-a-3", 4.5)], 4.5).report(advise);
        assert!(full.advice.is_empty(), "3 cores are free on each of two, 4.5 are needed on one");
        assert!(full.sentence().contains("n-a 45 %"), "{}", full.sentence());
    }

    #[test]
    fn what_runs_everywhere_moves_nowhere() {
        let report = fleet(&[("n-a-1", 1.0), ("n-a-2", 1.0), ("n-a-3", 1.0)], 1.0).report(advise);
        assert_eq!(report.advice[0].evidence[2].quantity.value, 0.0, "no replica to move");
    }

    #[test]
    fn without_machines_it_says_what_it_lacks() {
        assert!(Fleet::default().report(advise).sentence().contains("kube_node_status_allocatable"));
    }
}
