//! The resources that are read: where they live, and the rule that lets them be seen.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    Rollout,
    Hpa,
    ScaledObject,
    Vpa,
    Pdb,
    Quota,
    Pod,
    Node,
    Application,
    Event,
    PodMetrics,
}

impl Kind {
    /// In the order in which they are started.
    pub(super) const ALL: [Self; 13] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::Rollout,
        Self::Hpa,
        Self::ScaledObject,
        Self::Vpa,
        Self::Pdb,
        Self::Quota,
        Self::Pod,
        Self::Node,
        Self::Application,
        Self::Event,
        Self::PodMetrics,
    ];

    /// What can be scaled.
    pub(super) const SCALABLE: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::Rollout];

    /// API group, empty for the core.
    pub(super) const fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet => "apps",
            Self::Rollout | Self::Application => "argoproj.io",
            Self::Hpa => "autoscaling",
            Self::ScaledObject => "keda.sh",
            Self::Vpa => "autoscaling.k8s.io",
            Self::Pdb => "policy",
            Self::PodMetrics => "metrics.k8s.io",
            Self::Quota | Self::Pod | Self::Node | Self::Event => "",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Rollout | Self::Application | Self::ScaledObject => "v1alpha1",
            Self::Hpa => "v2",
            Self::PodMetrics => "v1beta1",
            _ => "v1",
        }
    }

    /// `apps/v1`, as written in an object's `apiVersion`.
    pub(super) fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// Resource name as in paths and rules.
    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::Rollout => "rollouts",
            Self::Hpa => "horizontalpodautoscalers",
            Self::ScaledObject => "scaledobjects",
            Self::Vpa => "verticalpodautoscalers",
            Self::Pdb => "poddisruptionbudgets",
            Self::Quota => "resourcequotas",
            Self::Pod | Self::PodMetrics => "pods",
            Self::Event => "events",
            Self::Node => "nodes",
            Self::Application => "applications",
        }
    }

    /// As told to people: two kinds are called pods.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::PodMetrics => "pods.metrics.k8s.io",
            other => other.plural(),
        }
    }

    /// As written in an object's `kind`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::Rollout => "Rollout",
            Self::Hpa => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
            Self::Vpa => "VerticalPodAutoscaler",
            Self::Pdb => "PodDisruptionBudget",
            Self::Quota => "ResourceQuota",
            Self::Pod => "Pod",
            Self::Event => "Event",
            Self::PodMetrics => "PodMetrics",
            Self::Node => "Node",
            Self::Application => "Application",
        }
    }

    /// What is not known while it cannot be read.
    pub(super) const fn purpose(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::Rollout => "they are not shown",
            Self::Hpa => "owners are unknown, so nothing can be written",
            Self::ScaledObject => "what KEDA scales can only be looked at",
            Self::Vpa => "conflicts with vertical autoscaling are not noticed",
            Self::Pdb => "disruption budgets are not respected",
            Self::Quota => "quota refusals come only when writing",
            Self::Pod => "pods are not shown one by one",
            Self::Node => "room on nodes is not known",
            Self::Application => "whether Argo CD heals by itself is not known",
            Self::Event => "what the cluster warns of is not told",
            Self::PodMetrics => "what pods use is known from other sources only",
        }
    }

    /// Part of every cluster; the others are only there when somebody installed them.
    pub(super) const fn is_built_in(self) -> bool {
        !matches!(self, Self::Rollout | Self::ScaledObject | Self::Vpa | Self::Application)
    }

    /// Whether it lives in no namespace, or is read from all of them.
    pub(super) const fn is_cluster_wide(self) -> bool {
        matches!(self, Self::Node | Self::Application)
    }

    /// What is left out while reading: only warnings are of interest.
    pub(super) const fn selector(self) -> &'static str {
        match self {
            Self::Event => "&fieldSelector=type%3DWarning",
            _ => "",
        }
    }

    /// Whether changes can be followed; the others are listed again and again.
    pub(super) const fn is_followed(self) -> bool {
        !matches!(self, Self::PodMetrics)
    }

    /// `/apis/apps/v1/namespaces/shop/deployments`; without namespace those of all.
    pub(super) fn path(self, namespace: Option<&str>) -> String {
        let root = match self.group() {
            "" => format!("/api/{}", self.version()),
            group => format!("/apis/{group}/{}", self.version()),
        };
        match namespace.filter(|_| self != Self::Node) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural()),
            None => format!("{root}/{}", self.plural()),
        }
    }

    /// `…/deployments/web`.
    pub(super) fn object(self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.path(Some(namespace)))
    }

    /// The verbs that reading takes.
    pub(super) const fn verbs(self) -> &'static [&'static str] {
        if self.is_followed() { &["get", "list", "watch"] } else { &["get", "list"] }
    }

    /// The rule of a (Cluster)Role that is missing, on one line of YAML.
    pub(super) fn rule(self, verbs: &[&str], subresource: &str) -> String {
        let verbs = verbs.join(", ");
        let slash = if subresource.is_empty() { "" } else { "/" };
        format!(
            "- {{apiGroups: [\"{}\"], resources: [{}{slash}{subresource}], verbs: [{verbs}]}}",
            self.group(),
            self.plural()
        )
    }
}

/// Whether `name` can be part of a path: a DNS name, as the API demands.
pub(super) fn is_name(name: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.len() <= 253 && name.chars().all(ok) && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_rules() {
        assert_eq!(Kind::Hpa.path(None), "/apis/autoscaling/v2/horizontalpodautoscalers");
        assert_eq!(Kind::Pod.object("shop", "web-1"), "/api/v1/namespaces/shop/pods/web-1");
        assert_eq!(Kind::Node.path(Some("shop")), "/api/v1/nodes");
        assert_eq!(
            Kind::Deployment.rule(&["patch"], "scale"),
            "- {apiGroups: [\"apps\"], resources: [deployments/scale], verbs: [patch]}"
        );
        assert!(is_name("web-1.x") && !is_name("a/b") && !is_name("..") && !is_name("A") && !is_name(""));
    }
}
