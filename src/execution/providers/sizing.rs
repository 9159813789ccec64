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
    /// The same by a new template, whose rolling update has more replicas than there are for a while.
    pub rolled: Option<Bound>,
    /// The highest request with which the replicas that a rolling update brings first fit beside the old ones.
    pub beside: Option<Bound>,
    /// Why those do not fit whatever they ask for of this.
    pub no_surge: Option<String>,
    /// Whether a resize in place restarts the container.
    pub restarts: bool,
    /// Why it must not be changed at all.
    pub blocked: Option<String>,
    /// Why it must not be changed in place.
    pub not_in_place: Option<String>,
}

/// A running replica that asks for something else than the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// Its name.
    pub pod: String,
    /// CPU it asks for, thousandths of a core; `None` if nothing.
    pub cpu: Option<u32>,
    /// Memory it asks for, MiB; `None` if nothing.
    pub memory: Option<u32>,
    /// Who wrote that last, where the platform tells and it was not us.
    pub by: String,
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
    /// Replicas that ask for something else than the template.
    pub odd: Vec<Odd>,
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

    /// The highest request that may be written: by a new template, or in place.
    pub fn most(&self, field: Field) -> Option<&Bound> {
        let dial = self.dial(field);
        if field.is_in_place() {
            return dial.highest.as_ref();
        }
        let most = dial.rolled.as_ref().or(dial.highest.as_ref());
        most.into_iter().chain(dial.beside.as_ref()).min_by_key(|b| b.value)
    }

    /// Why a request must not go from `from` to `to`, in one sentence. Less is refused only where a rolling update's first
    /// replicas do not fit beside the old ones.
    pub fn forbid(&self, field: Field, from: u32, to: u32) -> Option<String> {
        let dial = self.dial(field);
        if let Some(why) =
            dial.blocked.as_ref().or(dial.not_in_place.as_ref().filter(|_| field.is_in_place()))
        {
            return Some(why.clone());
        }
        let by_template = !field.is_in_place();
        if let Some(why) = dial.no_surge.as_ref().filter(|_| by_template) {
            return Some(why.clone());
        }
        // Smaller ones need their place beside the old ones as well.
        let beside = dial.beside.as_ref().filter(|b| by_template && to > b.value);
        let most = dial.rolled.as_ref().filter(|_| by_template).or(dial.highest.as_ref());
        let bound = beside.or(most.filter(|b| to > from && to > b.value))?;
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

        let beside = Some(Bound { value: 200, why: "quota team".into(), limit: String::new() });
        let dial = Dial { beside, ..sizing.cpu.clone() };
        let tight = Sizing { cpu: dial, ..Sizing::default() };
        let refused = tight.forbid(Field::CpuRequest, 500, 300).unwrap();
        assert!(refused.starts_with("300m is refused, 200m is the highest at present"), "{refused}");
        assert_eq!(tight.forbid(Field::CpuPods, 500, 600), None, "in place brings no more replicas");
        let most = |field| tight.most(field).map(|b| b.value);
        assert_eq!((most(Field::CpuRequest), most(Field::CpuPods)), (Some(200), Some(600)));
        let full = Dial { no_surge: Some("no pods left".into()), ..Dial::default() };
        let full = Sizing { cpu: full, ..Sizing::default() };
        assert_eq!(full.forbid(Field::CpuRequest, 500, 300).as_deref(), Some("no pods left"));
        assert_eq!(full.forbid(Field::CpuPods, 500, 300), None);
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
