//! The size of a workload's replicas as its template and its pods have it, who sets it, and how it can be changed. Pure.

use crate::execution::providers::contract::{Dial, ManifestField, Odd, SizeFields, Sizing};
use crate::fleet::{Field, Owner};
use crate::series::text::clean;

use super::assemble::{STALE, View};
use super::cache::Cache;
use super::kind::Kind;
use super::limits::Room;
use super::object::{Amounts, Container, Pod, PodSpec, Scalable, Template, requests};
use super::owner::{Verdict, size_owner};
use super::rights::SizeRights;
use super::rolling::Rolling;
use super::size_room::{Stock, beside, highest, no_surge};
use super::writer::{self, Written};
use super::writing::MANAGER;
use crate::clock::Monotonic;

/// Names the container that is meant where a pod has several.
const MAIN: &str = "kubectl.kubernetes.io/default-container";
/// Replicas named at most.
const NAMED: usize = 5;
/// Resized replicas looked at one by one at most: more are not resized in place.
const ODD: usize = 200;

/// What is read of the size.
#[derive(Clone, Debug, Default)]
pub(super) struct Sizes {
    pub(super) fields: SizeFields,
    pub(super) sizing: Option<Box<Sizing>>,
    /// Fields whose value is written and not carried out yet.
    pub(super) pending: Vec<Field>,
}

/// What surrounds a workload whose size is read.
pub(super) struct Surroundings<'a> {
    pub(super) cache: &'a Cache,
    pub(super) verdict: &'a Verdict,
    /// Its pods; `None` where they are not seen.
    pub(super) pods: Option<&'a [&'a Pod]>,
    pub(super) room: Option<&'a Room>,
    pub(super) now: Monotonic,
}

/// The container whose size is meant: the only one, or the one that is named.
pub(super) fn main_container(template: &Template) -> Result<&Container, String> {
    let containers = &template.spec.containers;
    if let [only] = containers.as_slice() {
        return Ok(only);
    }
    let named = template.metadata.annotations.get(MAIN);
    let found = named.and_then(|name| containers.iter().find(|c| c.name == *name));
    found.ok_or_else(|| {
        let n = containers.len();
        format!(
            "its pods have {n} containers: name the one to be resized in the template's annotation {MAIN}"
        )
    })
}

/// Reads the size. Nothing where the kind of workload has none that could be changed.
pub(super) fn read(view: &View<'_>, around: &Surroundings<'_>) -> Sizes {
    let workload = view.workload;
    if !matches!(view.kind, Kind::Deployment | Kind::StatefulSet) || workload.spec.replicas == Some(0) {
        return Sizes::default();
    }
    let manifest = ManifestField {
        api_version: view.kind.api_version(),
        kind: view.kind.name().to_owned(),
        name: clean(&workload.metadata.name, 253),
        field: String::new(),
    };
    let main = match main_container(&workload.spec.template) {
        Ok(main) => main,
        Err(why) => {
            let owner = Owner::Elsewhere { name: "nobody yet".into() };
            let sizing = Sizing { owner, notes: vec![why], manifest, ..Sizing::default() };
            return Sizes { sizing: Some(Box::new(sizing)), ..Sizes::default() };
        }
    };
    let rights = around.cache.size_rights(&workload.metadata.namespace);
    let vpas = around.cache.health.keys().any(|(k, _)| *k == Kind::Vpa);
    let seen = !vpas || around.cache.is_known(Kind::Vpa, &workload.metadata.namespace, around.now, STALE);
    let (owner, mut notes) = view.with_facts(around.cache, |f| size_owner(f, around.verdict, seen));
    let under_way = is_rolling(workload);
    let amounts = main.resources.requests;
    let pods = around.pods.unwrap_or_default();
    let mut sizes =
        Sizes { fields: fields(amounts, main, pods, around.pods.is_some(), rights), ..Sizes::default() };
    let whole = !under_way && around.pods.is_some() && is_whole(workload, pods, main);
    let in_place = (rights.resize == Some(true) && whole).then_some(pods.len() as u32);
    let template = template_is_ours(view.kind, workload, rights, &mut notes);
    remark(main, rights, &mut notes);
    let mut sizing = Sizing {
        container: clean(&main.name, 120),
        owner,
        in_place,
        template,
        odd: odd(amounts, main, pods),
        notes,
        manifest,
        ..Sizing::default()
    };
    progress(workload, pods, main, &mut sizing);
    let rolling = in_place.is_none();
    let stock = Stock {
        workload,
        amounts,
        name: &main.name,
        pods,
        quotas: Cache::within(&around.cache.quotas, &workload.metadata.namespace),
        room: around.room,
    };
    sizing.cpu = dial(Field::CpuRequest, main, &stock, rolling);
    sizing.memory = dial(Field::MemoryRequest, main, &stock, rolling);
    if let Owner::Autoscaler { name } = &around.verdict.owner {
        sizing.cpu.blocked = Some(format!(
            "{name} may aim at a share of the CPU request: another one would change the count, so that it is left"
        ));
    }
    if under_way {
        sizes.pending.extend([Field::CpuRequest, Field::MemoryRequest]);
    }
    if pods.iter().any(|p| !is_settled(p, main)) {
        sizes.pending.extend([Field::CpuPods, Field::MemoryPods]);
    }
    sizes.sizing = Some(Box::new(sizing));
    sizes
}

fn fields(amounts: Amounts, main: &Container, pods: &[&Pod], seen: bool, rights: SizeRights) -> SizeFields {
    let some = |value: Option<u32>| value.filter(|v| *v > 0);
    let cpu_request = some(amounts.cpu.and_then(super::quantity::Quantity::thousandths));
    let memory_request = some(amounts.memory.and_then(super::quantity::Quantity::mib));
    let countable = seen && rights.resize.is_some();
    let differ = |of: fn(Amounts) -> Option<u32>, request: Option<u32>| {
        let request = request.filter(|_| countable)?;
        let other =
            pods.iter().filter(|p| is_live(p) && own(p, main).is_some_and(|a| of(a) != Some(request)));
        Some(other.count() as u32)
    };
    SizeFields {
        cpu_request,
        memory_request,
        cpu_pods: differ(cpu, cpu_request),
        memory_pods: differ(memory, memory_request),
    }
}

/// Replicas that ask for something else than the template, and whose doing that is.
fn odd(amounts: Amounts, main: &Container, pods: &[&Pod]) -> Vec<Odd> {
    let differs = |a: &Amounts| cpu(*a) != cpu(amounts) || memory(*a) != memory(amounts);
    let all = pods.iter().filter(|p| is_live(p)).filter_map(|p| Some((p, own(p, main)?)));
    all.filter(|(_, a)| differs(a))
        .take(ODD)
        .map(|(pod, a)| Odd {
            pod: clean(&pod.metadata.name, 253),
            cpu: cpu(a),
            memory: memory(a),
            by: writer::other(&pod.metadata.writers, Written::PodResources, MANAGER),
        })
        .collect()
}

/// What one replica asks for, cores and bytes: what all that run ask for alike, or else what the template says.
pub(super) fn of_each(template: &PodSpec, pods: Option<&[&Pod]>) -> (Option<f64>, Option<f64>) {
    let live = || pods.unwrap_or_default().iter().filter(|p| is_live(p) && !p.spec.containers.is_empty());
    let Some(first) = live().next().map(|p| requests(&p.spec)) else { return requests(template) };
    if live().all(|p| requests(&p.spec) == first) { first } else { requests(template) }
}

/// CPU of requests in thousandths of a core.
pub(super) fn cpu(amounts: Amounts) -> Option<u32> {
    amounts.cpu.and_then(super::quantity::Quantity::thousandths)
}

/// Memory of requests in MiB.
pub(super) fn memory(amounts: Amounts) -> Option<u32> {
    amounts.memory.and_then(super::quantity::Quantity::mib)
}

/// Whether a pod counts: it is not on its way out, and has not ended.
pub(super) fn is_live(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
}

/// What the pod's container of this name asks for.
fn own(pod: &Pod, main: &Container) -> Option<Amounts> {
    pod.spec.containers.iter().find(|c| c.name == main.name).map(|c| c.resources.requests)
}

/// Whether all replicas are there, running, with the container that is meant.
fn is_whole(workload: &Scalable, pods: &[&Pod], main: &Container) -> bool {
    let wanted = workload.spec.replicas.unwrap_or(1);
    let running = |p: &&&Pod| is_live(p) && p.status.phase == "Running" && own(p, main).is_some();
    i64::try_from(pods.iter().filter(running).count()) == Ok(wanted) && pods.len() as i64 == wanted
}

/// Whether what is asked of a pod is what its kubelet has given it. One that never changed need not say so.
fn is_settled(pod: &Pod, main: &Container) -> bool {
    if !is_live(pod) || pod.status.phase != "Running" {
        return true;
    }
    if pod.status.conditions.iter().any(|c| c.kind.starts_with("PodResize") && c.status == "True") {
        return false;
    }
    let status = pod.status.container_statuses.iter().find(|c| c.name == main.name);
    let given = status.and_then(|c| c.resources).map(|r| r.requests);
    let asked = own(pod, main).unwrap_or_default();
    let changed =
        (cpu(asked), memory(asked)) != (cpu(main.resources.requests), memory(main.resources.requests));
    match given {
        Some(given) => (cpu(given), memory(given)) == (cpu(asked), memory(asked)),
        None => !changed,
    }
}

/// Whether a new template is on its way to the pods.
fn is_rolling(workload: &Scalable) -> bool {
    let (spec, status) = (&workload.spec, &workload.status);
    let wanted = spec.replicas.unwrap_or(1);
    let unseen = status.observed_generation.is_some_and(|seen| seen < workload.metadata.generation);
    let missing =
        status.updated_replicas.is_some_and(|n| n < wanted || status.ready_replicas.unwrap_or(0) < wanted);
    unseen || missing || Rolling::of(workload).is_some()
}

/// Whether its template may be written: with the right to, where that rolls over the replicas.
fn template_is_ours(kind: Kind, workload: &Scalable, rights: SizeRights, notes: &mut Vec<String>) -> bool {
    if !workload.spec.strategy.rolls() {
        let strategy = clean(&workload.spec.strategy.kind, 40);
        notes.push(format!("its strategy is {strategy}: a new template does not roll over its replicas, so that it is not written here"));
        return false;
    }
    if kind == Kind::StatefulSet {
        notes.push("its pods keep their names when they are replaced, so that a new template is not watched: it is not written here".into());
        return false;
    }
    let allowed = rights.deployments;
    if !allowed {
        notes.push(format!("its template may not be written: that takes {}", kind.rule(&["patch"], "")));
    }
    allowed
}

/// What a resize does to users and to others, for the card.
fn remark(main: &Container, rights: SizeRights, notes: &mut Vec<String>) {
    match rights.resize {
        Some(true) => {
            let restarts = |p: &&super::object::ResizePolicy| p.restart_policy == "RestartContainer";
            let on: Vec<String> = main
                .resize_policy
                .iter()
                .filter(restarts)
                .take(2)
                .map(|p| clean(&p.resource_name, 20))
                .collect();
            if !on.is_empty() {
                notes.push(format!(
                    "resizePolicy restarts container {} when its {} is changed in place: what it is serving is cut off",
                    clean(&main.name, 120),
                    on.join(" or ")
                ));
            }
        }
        Some(false) => notes.push(format!(
            "its pods may not be resized in place: that takes {}",
            Kind::Pod.rule(&["patch"], "resize")
        )),
        None => notes.push("this cluster cannot resize pods in place".into()),
    }
}

fn dial(field: Field, main: &Container, stock: &Stock<'_>, rolling: bool) -> Dial {
    let memory = field == Field::MemoryRequest;
    let (all_cpu, all_memory) = requests(&stock.workload.spec.template.spec);
    let (all, own, unit) = if memory {
        (all_memory, stock.amounts.memory, 1_048_576.0)
    } else {
        (all_cpu, stock.amounts.cpu, 1e-3)
    };
    let others = (all.unwrap_or(0.0) - own.map_or(0.0, |q| q.0)).max(0.0) / unit;
    let name = if memory { "memory" } else { "cpu" };
    let restarts =
        main.resize_policy.iter().any(|p| p.resource_name == name && p.restart_policy == "RestartContainer");
    // Nothing waits for a replica that restarts, and a limit of memory cannot be taken back in place everywhere.
    let not_in_place = if restarts {
        Some(format!("its {name} is not changed in place, as that restarts the container"))
    } else if memory && main.resources.limits.memory.is_some() {
        Some(
            "its memory is not changed in place: its limit could not be taken back before Kubernetes 1.34"
                .into(),
        )
    } else {
        None
    };
    Dial {
        others,
        highest: highest(field, others, stock, rolling),
        rolled: highest(field, others, stock, true),
        beside: beside(field, others, stock),
        no_surge: no_surge(field, stock),
        restarts,
        blocked: None,
        not_in_place,
    }
}

/// Replicas whose resize waits or can never be carried out, and a rolling update that stands still.
fn progress(workload: &Scalable, pods: &[&Pod], main: &Container, sizing: &mut Sizing) {
    for pod in pods.iter().filter(|p| is_live(p)) {
        let name = clean(&pod.metadata.name, 253);
        for c in pod.status.conditions.iter().filter(|c| c.status == "True") {
            let told = || format!("{name}: {} {}", clean(&c.reason, 40), clean(&c.message, 160));
            match (c.kind.as_str(), c.reason.as_str()) {
                ("PodResizePending", "Infeasible") if sizing.stuck.len() < NAMED => sizing.stuck.push(told()),
                ("PodResizePending" | "PodResizeInProgress", _) if sizing.waiting.len() < NAMED => {
                    sizing.waiting.push(told());
                }
                _ => {}
            }
        }
        if sizing.waiting.is_empty() && !is_settled(pod, main) && sizing.stuck.is_empty() {
            sizing.waiting.push(format!("{name}: its kubelet has not given it the new size"));
        }
    }
    let still = |c: &&super::object::Condition| c.kind == "Progressing" && c.status == "False";
    if let Some(c) = workload.status.conditions.iter().find(still) {
        sizing.stuck.push(format!(
            "the rolling update stands still: {} {}",
            clean(&c.reason, 40),
            clean(&c.message, 160)
        ));
    }
}
