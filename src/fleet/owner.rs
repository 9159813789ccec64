//! Who owns a workload's replica count, and which field holds the floor.

use serde::{Deserialize, Serialize};

/// The controller that decides the replica count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Owner {
    /// Not known: nothing may be written.
    #[default]
    Unknown,
    /// No autoscaler: the replica count itself is the field.
    Nobody,
    /// A horizontal pod autoscaler (or a platform's own equivalent): its minimum is the field.
    Autoscaler {
        /// Its name as the platform shows it: `hpa/checkout`.
        name: String,
    },
    /// The field is under version control and will be reverted by the named tool.
    Git {
        /// `argocd shop`, `flux apps`.
        tool: String,
        /// Whether it writes its own value back within seconds.
        self_heal: bool,
    },
    /// Somebody that nothing is written through: another operator's resource, or several who fight.
    Elsewhere {
        /// Named as people know it: `kafka/bus`, `hpa/a and hpa/b`.
        name: String,
    },
}

/// A field that can be written, named as people know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The workload's replica count.
    Replicas,
    /// The autoscaler's minimum: the floor.
    MinReplicas,
    /// The autoscaler's maximum.
    MaxReplicas,
    /// Whether the autoscaler may take replicas away: a [`super::ScaleIn`] by its value.
    ScaleIn,
    /// CPU that each replica asks for, thousandths of a core: in the template replicas are made from.
    CpuRequest,
    /// Memory that each replica asks for, MiB: in the template.
    MemoryRequest,
    /// Running replicas whose CPU request differs from the template's: how far a resize in place has come.
    CpuPods,
    /// Running replicas whose memory request differs from the template's.
    MemoryPods,
}

impl Field {
    /// As shown and as written in the HTTP contract: `replicas`, `min_replicas`, `max_replicas`, `scale_in`; the
    /// sizes, which that contract does not have, `cpu_request`, `memory_request`, `cpu_pods`, `memory_pods`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Replicas => "replicas",
            Self::MinReplicas => "min_replicas",
            Self::MaxReplicas => "max_replicas",
            Self::ScaleIn => "scale_in",
            Self::CpuRequest => "cpu_request",
            Self::MemoryRequest => "memory_request",
            Self::CpuPods => "cpu_pods",
            Self::MemoryPods => "memory_pods",
        }
    }

    /// Whether its value is a number of replicas to be there.
    pub const fn is_count(self) -> bool {
        matches!(self, Self::Replicas | Self::MinReplicas | Self::MaxReplicas)
    }

    /// Whether it is about the size of a replica.
    pub const fn is_size(self) -> bool {
        self.is_in_place() || matches!(self, Self::CpuRequest | Self::MemoryRequest)
    }

    /// Whether running replicas are resized one by one.
    pub const fn is_in_place(self) -> bool {
        matches!(self, Self::CpuPods | Self::MemoryPods)
    }

    /// The field of the template behind a field of the size; itself for all others.
    #[must_use]
    pub const fn in_template(self) -> Self {
        match self {
            Self::CpuPods => Self::CpuRequest,
            Self::MemoryPods => Self::MemoryRequest,
            other => other,
        }
    }

    /// A value of it, for people: `6`, `held`, `pinned at 7`, `250m`, `512Mi`.
    pub fn word(self, value: u32) -> String {
        match self {
            Self::ScaleIn => match (super::ScaleIn::of(value), super::ScaleIn::count_of(value)) {
                (Some(policy), Some(count)) => format!("{} at {count}", policy.word()),
                (Some(policy), None) => policy.word().to_owned(),
                (None, _) => value.to_string(),
            },
            Self::CpuRequest => format!("{value}m"),
            Self::MemoryRequest => format!("{value}Mi"),
            _ => value.to_string(),
        }
    }
}

impl Owner {
    /// The field a floor is written to, if anything may be written.
    pub const fn floor_field(&self) -> Option<Field> {
        match self {
            Self::Nobody => Some(Field::Replicas),
            Self::Autoscaler { .. } => Some(Field::MinReplicas),
            Self::Unknown | Self::Git { .. } | Self::Elsewhere { .. } => None,
        }
    }

    /// Whether a write of `field` stays: the floor, and of an autoscaler also its maximum and whether it may take
    /// replicas away. Of sizes, who owns them is asked: a write stays where nobody does.
    pub fn respects(&self, field: Field) -> bool {
        if field.is_size() {
            return *self == Self::Nobody;
        }
        let bound = matches!(field, Field::MaxReplicas | Field::ScaleIn);
        self.floor_field() == Some(field) || bound && matches!(self, Self::Autoscaler { .. })
    }

    /// Short form for tables and cards.
    pub fn label(&self) -> String {
        match self {
            Self::Unknown => "unknown".into(),
            Self::Nobody => "nobody".into(),
            Self::Autoscaler { name } | Self::Elsewhere { name } => name.clone(),
            Self::Git { tool, self_heal } => {
                format!("git {tool}{}", if *self_heal { ", self-heal" } else { "" })
            }
        }
    }
}
