//! Whether a tool that applies manifests from Git holds a field, and will set it back.

use super::super::object::Meta;
use super::super::writer::{self, Written};
use crate::series::text::clean;

const TRACKING: &str = "argocd.argoproj.io/tracking-id";
const INSTANCE: &str = "argocd.argoproj.io/instance";
const FLUX: &str = "kustomize.toolkit.fluxcd.io/name";
const FLUX_HELM: &str = "helm.toolkit.fluxcd.io/name";

/// What applies an object's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// An application of Argo CD.
    ArgoCd(String),
    /// A kustomization or release of Flux.
    Flux(String),
    /// A release that somebody upgrades by hand.
    Helm(String),
}

impl Tool {
    pub(super) fn label(&self) -> String {
        match self {
            Self::ArgoCd(name) => format!("argocd {name}").trim_end().to_owned(),
            Self::Flux(name) => format!("flux {name}").trim_end().to_owned(),
            Self::Helm(name) => format!("helm {name}").trim_end().to_owned(),
        }
    }
}

/// The tool that applies the object at all, by annotation and labels.
pub(super) fn tracked(meta: &Meta) -> Option<Tool> {
    let named = |text: &str| clean(text, 120);
    if let Some(id) = meta.annotations.get(TRACKING) {
        return Some(Tool::ArgoCd(named(id.split(':').next().unwrap_or_default())));
    }
    if let Some(name) = meta.labels.get(INSTANCE).or_else(|| meta.annotations.get(INSTANCE)) {
        return Some(Tool::ArgoCd(named(name)));
    }
    if let Some(name) = meta.labels.get(FLUX).or_else(|| meta.labels.get(FLUX_HELM)) {
        return Some(Tool::Flux(named(name)));
    }
    let release = meta.annotations.get("meta.helm.sh/release-name");
    release.map(|name| Tool::Helm(named(name)))
}

/// The tool that sets `field` of the object back by itself, if one does.
pub(in super::super) fn tool_of(meta: &Meta, field: Written) -> Option<String> {
    holder(meta, field).filter(|tool| !matches!(tool, Tool::Helm(_))).map(|tool| tool.label())
}

/// The tool that holds `field` of the object, if one does.
///
/// Where the server says who wrote what, only a writer of the field counts: a manifest without the field leaves it
/// alone. Where it does not, a tracked object is taken to hold all its fields.
pub(super) fn holder(meta: &Meta, field: Written) -> Option<Tool> {
    let name = |tool: Option<Tool>| match tool {
        Some(Tool::ArgoCd(n) | Tool::Flux(n) | Tool::Helm(n)) => n,
        None => String::new(),
    };
    if meta.writers.is_empty() {
        return tracked(meta);
    }
    writer::of(&meta.writers, field).iter().find_map(|w| match w.manager.as_str() {
        m if m.starts_with("argocd") || m == "argo-cd" => Some(Tool::ArgoCd(name(tracked(meta)))),
        "kustomize-controller" | "helm-controller" | "flux" => Some(Tool::Flux(name(tracked(meta)))),
        // Argo CD renders charts itself, so Helm as writer is a person's or a pipeline's.
        "helm" => Some(Tool::Helm(name(tracked(meta)))),
        // Argo CD and Flux may apply under kubectl's name.
        "kubectl-client-side-apply" => match tracked(meta) {
            Some(tool @ (Tool::ArgoCd(_) | Tool::Flux(_))) => Some(tool),
            _ => None,
        },
        _ => None,
    })
}
