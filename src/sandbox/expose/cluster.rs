//! The cluster's objects, in kube-state-metrics' names.

use crate::execution::providers::contract::PodPhase;
use crate::fleet::Owner;

use super::super::pod::Pod;
use super::super::workload::Running;
use super::super::world::World;
use super::super::{catalog, nodes};
use super::text::{Text, placed_labels, pod_labels, workload_labels};

/// Deployments, autoscalers and pods of the whole fleet.
pub fn kube_state_metrics(world: &World) -> String {
    let mut text = Text::new();
    deployments(&mut text, world);
    autoscalers(&mut text, world);
    pods(&mut text, world);
    requests(&mut text, world);
    versions(&mut text, world);
    machines(&mut text);
    text.finish()
}

fn deployments(text: &mut Text, world: &World) {
    let now = world.second();
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&Running) -> f64| {
        text.family(name, "gauge", help);
        for workload in &world.workloads {
            text.sample(name, &workload_labels(workload), value(workload));
        }
    };
    gauge("kube_deployment_spec_replicas", "Number of desired pods.", &|w| f64::from(w.desired));
    gauge("kube_deployment_status_replicas", "Number of pods.", &|w| {
        w.pods.iter().filter(|p| p.ends.is_none()).count() as f64
    });
    gauge("kube_deployment_status_replicas_ready", "Number of ready pods.", &|w| f64::from(w.ready(now)));
    gauge("kube_deployment_status_replicas_available", "Number of available pods.", &|w| {
        f64::from(w.ready(now))
    });
    gauge("kube_deployment_metadata_generation", "Sequence number of the desired state.", &|w| {
        w.generation as f64
    });
    let name = "kube_deployment_labels";
    text.family(name, "gauge", "Kubernetes labels converted to Prometheus labels.");
    for workload in &world.workloads {
        let labels = format!(
            "{},label_team=\"{}\",label_app_kubernetes_io_part_of=\"{}\",label_topology_kubernetes_io_region=\"{}\"",
            workload_labels(workload),
            workload.spec.namespace,
            workload.spec.name,
            workload.spec.region
        );
        text.sample(name, &labels, 1.0);
    }
}

fn autoscalers(text: &mut Text, world: &World) {
    let prefix = "kube_horizontalpodautoscaler";
    let owned: Vec<(&Running, String)> = world
        .workloads
        .iter()
        .filter(|w| matches!(w.spec.owner, Owner::Autoscaler { .. }))
        .map(|w| (w, format!("{},horizontalpodautoscaler=\"{}\"", workload_labels(w), w.spec.name)))
        .collect();
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&Running) -> f64| {
        let name = format!("{prefix}_{name}");
        text.family(&name, "gauge", help);
        for (workload, labels) in &owned {
            text.sample(&name, labels, value(workload));
        }
    };
    gauge("spec_min_replicas", "Lower limit of replicas.", &|w| f64::from(w.bounds.0));
    gauge("spec_max_replicas", "Upper limit of replicas.", &|w| f64::from(w.bounds.1));
    gauge("status_current_replicas", "Current replicas.", &|w| f64::from(w.desired));
    gauge("status_desired_replicas", "Desired replicas.", &|w| f64::from(w.desired));
    let name = format!("{prefix}_info");
    text.family(&name, "gauge", "Information about this autoscaler.");
    for (workload, labels) in &owned {
        let target = format!(
            "{labels},scaletargetref_kind=\"Deployment\",scaletargetref_name=\"{}\"",
            workload.spec.name
        );
        text.sample(&name, &target, 1.0);
    }
    let name = format!("{prefix}_spec_target_metric");
    text.family(&name, "gauge", "The metric specification.");
    for (workload, labels) in &owned {
        let labels = format!("{labels},metric_name=\"cpu\",metric_target_type=\"utilization\"");
        text.sample(&name, &labels, (workload.spec.target * 100.0).round());
    }
}

fn pods(text: &mut Text, world: &World) {
    let now = world.second();
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&Pod) -> Option<f64>| {
        text.family(name, "gauge", help);
        for workload in &world.workloads {
            for pod in &workload.pods {
                if let Some(value) = value(pod) {
                    text.sample(name, &pod_labels(workload, pod), value);
                }
            }
        }
    };
    let passed = |second: i64| (second <= now).then_some(second as f64);
    gauge("kube_pod_created", "Unix creation time.", &|p| Some(p.created as f64));
    gauge("kube_pod_status_scheduled_time", "Unix time when the pod was scheduled.", &|p| {
        passed(p.scheduled)
    });
    gauge("kube_pod_container_state_started", "Unix time when the container started.", &|p| {
        passed(p.started)
    });
    gauge("kube_pod_status_ready_time", "Unix time when the pod became ready.", &|p| passed(p.ready));
    gauge("kube_pod_deletion_timestamp", "Unix deletion time.", &|p| p.ends.map(|end| end as f64));
    gauge("kube_pod_status_unschedulable", "Whether the pod cannot be placed.", &|p| {
        p.reason(now).starts_with("Unschedulable").then_some(1.0)
    });
    gauge("kube_pod_container_status_restarts_total", "Container restarts.", &|p| {
        Some(f64::from(p.restarts(now)))
    });
    let name = "kube_pod_status_phase";
    text.family(name, "gauge", "The pod's current phase.");
    for workload in &world.workloads {
        for pod in &workload.pods {
            let phase = match pod.phase(now) {
                PodPhase::Pending | PodPhase::Pulling => "Pending",
                _ => "Running",
            };
            text.sample_with(name, &pod_labels(workload, pod), ("phase", phase), 1.0);
        }
    }
    let name = "kube_pod_status_ready";
    text.family(name, "gauge", "Whether the pod serves requests.");
    for workload in &world.workloads {
        for pod in &workload.pods {
            let ready = pod.is_ready(now);
            let labels = pod_labels(workload, pod);
            text.sample_with(name, &labels, ("condition", "true"), f64::from(u8::from(ready)));
            text.sample_with(name, &labels, ("condition", "false"), f64::from(u8::from(!ready)));
        }
    }
}

fn requests(text: &mut Text, world: &World) {
    for name in ["kube_pod_container_resource_requests", "kube_pod_container_resource_limits"] {
        text.family(name, "gauge", "Resources asked for or allowed, by container.");
        for workload in &world.workloads {
            for pod in &workload.pods {
                let labels = format!("{},container=\"{}\"", placed_labels(workload, pod), workload.spec.name);
                let cpu = format!("{labels},resource=\"cpu\",unit=\"core\"");
                text.sample(name, &cpu, workload.spec.cpu);
                let memory = format!("{labels},resource=\"memory\",unit=\"byte\"");
                text.sample(name, &memory, workload.spec.memory);
            }
        }
    }
}

/// Pods' labels, of which kube-state-metrics shows those it is allowed to.
fn versions(text: &mut Text, world: &World) {
    let name = "kube_pod_labels";
    text.family(name, "gauge", "Kubernetes labels converted to Prometheus labels.");
    for workload in &world.workloads {
        for pod in &workload.pods {
            let labels = pod_labels(workload, pod);
            text.sample_with(name, &labels, ("label_app_kubernetes_io_version", pod.version.0), 1.0);
        }
    }
}

/// What the machines can give.
fn machines(text: &mut Text) {
    let name = "kube_node_status_allocatable";
    text.family(name, "gauge", "Resources of a node that are available for scheduling.");
    for region in catalog::REGIONS {
        for index in 0..nodes::count(region) {
            let labels = format!("node=\"{}\",region=\"{region}\"", nodes::name(region, index));
            text.sample(name, &format!("{labels},resource=\"cpu\",unit=\"core\""), nodes::NODE.0);
            text.sample(name, &format!("{labels},resource=\"memory\",unit=\"byte\""), nodes::NODE.1);
        }
    }
}
