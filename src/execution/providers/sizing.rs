//! The size of a workload's replicas, as a platform that can change it tells of it.

use crate::fleet::{Field, Owner};

use super::contract::{Bound, ManifestField};

/// Present values of the fields of the size; an absent one cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeFields {
    /// CPU request in the template, thousandths of a core.
    pub cpu_request: Option<u32>,
    /// Memory request in the template, MiB.
    pub memory_request: Option<u32>,
    /// Running replicas whose CPU request is not the template's.
    pub cpu_pods: Option<u32>,
    /// Running replicas whose memory request is not the template's.
    pub memory_pods: Option<u32>,
}

/// One resource of a replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dial {
    /// What the other containers of a replica ask for, in the unit of the field.
    pub others: f64,
    /// The highest request that quota and nodes have room for.
    pub highest: Option<Bound>,
    /// Whether a resize in place restarts the container.
    pub restarts: bool,
    /// Why it must not be changed at all.
    pub blocked: Option<String>,
    /// Why it must not be changed in place.
    pub not_in_place: Option<String>,
}

/// The size of the replicas and how it can be changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizing {
    /// The container that is meant.
    pub container: String,
    /// Who sets its requests: nobody, version control, a vertical autoscaler.
    pub owner: Owner,
    /// Replicas that can be resized in place; `None` where the platform cannot, or this identity may not.
    pub in_place: Option<u32>,
    /// Whether its template may be written, and rolls over the replicas.
    pub template: bool,
    /// Its CPU.
    pub cpu: Dial,
    /// Its memory.
    pub memory: Dial,
    /// Replicas whose resize can never be carried out, and why.
    pub stuck: Vec<String>,
    /// Replicas whose resize waits, and why.
    pub waiting: Vec<String>,
    /// What a person should know before deciding: one sentence each.
    pub notes: Vec<String>,
    /// Where the requests stand in a manifest.
    pub manifest: ManifestField,
}

impl Sizing {
    /// The resource behind a field of the size.
    pub const fn dial(&self, field: Field) -> &Dial {
        match field {
            Field::MemoryRequest | Field::MemoryPods => &self.memory,
            _ => &self.cpu,
        }
    }

    /// Why a request must not go from `from` to `to`, in one sentence; no bound refuses less.
    pub fn forbid(&self, field: Field, from: u32, to: u32) -> Option<String> {
        let dial = self.dial(field);
        if let Some(why) =
            dial.blocked.as_ref().or(dial.not_in_place.as_ref().filter(|_| field.is_in_place()))
        {
            return Some(why.clone());
        }
        let bound = self.dial(field).highest.as_ref().filter(|b| to > from && to > b.value)?;
        let word = |v| field.in_template().word(v);
        Some(format!(
            "{} is refused, {} is the highest at present: {}",
            word(to),
            word(bound.value),
            bound.why
        ))
    }

    /// A patch of the manifest with another request: YAML.
    pub fn patch(&self, namespace: &str, field: Field, value: u32) -> String {
        let ManifestField { api_version, kind, name, .. } = &self.manifest;
        let field = field.in_template();
        let resource = if field == Field::MemoryRequest { "memory" } else { "cpu" };
        let (container, value) = (&self.container, field.word(value));
        format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\nspec:\n  \
             template:\n    spec:\n      containers:\n      - name: {container}\n        resources:\n          \
             requests:\n            {resource}: {value}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_refuses_more_and_never_less() {
        let highest = Some(Bound { value: 600, why: "quota team".into(), limit: String::new() });
        let sizing = Sizing { cpu: Dial { highest, ..Dial::default() }, ..Sizing::default() };
        let refused = sizing.forbid(Field::CpuPods, 500, 700).unwrap();
        assert_eq!(refused, "700m is refused, 600m is the highest at present: quota team");
        assert_eq!(sizing.forbid(Field::CpuRequest, 500, 600), None);
        assert_eq!(sizing.forbid(Field::CpuRequest, 900, 700), None, "back towards it");
        assert_eq!(sizing.forbid(Field::MemoryRequest, 500, 700), None);
    }

    #[test]
    fn a_manifest_patch_names_the_container() {
        let manifest = ManifestField {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            name: "web".into(),
            field: String::new(),
        };
        let sizing = Sizing { container: "app".into(), manifest, ..Sizing::default() };
        let text = sizing.patch("shop", Field::MemoryPods, 512);
        assert!(text.contains(
            "      - name: app\n        resources:\n          requests:\n            memory: 512Mi\n"
        ));
        assert!(text.starts_with("apiVersion: apps/v1\nkind: Deployment\n"), "{text}");
    }
}
