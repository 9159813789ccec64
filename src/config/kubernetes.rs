//! Kubernetes clusters: from the file, from `--context`, or from what `KUBECONFIG` and the pod's own account say.

use std::time::Duration;

use crate::execution::providers::KubernetesSettings;
use crate::series::text::clean;

use super::file;
use super::merge::{Given, Merge, NAME_CHARS};
use super::settings::ProviderSettings;

/// Longest time one request may be given.
const LONGEST: Duration = Duration::from_secs(120);

impl Merge {
    /// Clusters to use. `--context` chooses among those of the file, or adds one; with neither, what the environment
    /// says is used where nothing else can be scaled.
    pub(super) fn kubernetes(
        &mut self,
        given: &Given,
        clusters: &[file::Kubernetes],
        providers: &[ProviderSettings],
    ) -> Vec<KubernetesSettings> {
        let origin = self.origin.clone();
        let mut made: Vec<KubernetesSettings> = Vec::new();
        for (i, cluster) in clusters.iter().enumerate() {
            let field = format!("kubernetes[{i}]");
            let settings = self.cluster(&field, cluster);
            let taken =
                |name: &str| made.iter().any(|m| m.name == name) || providers.iter().any(|p| p.name == name);
            if taken(&settings.name) {
                self.problem(format!("{field}.name"), "must be unlike any other provider's");
            }
            if let Some(region) = made.iter().find(|m| m.region == settings.region) {
                let what = format!(
                    "must differ from that of {}: workloads of both would have one name",
                    region.name
                );
                self.problem(format!("{field}.region"), what);
            }
            made.push(settings);
        }
        if let Some(context) = &given.kube_context {
            let wanted = |s: &KubernetesSettings| s.context.as_deref() == Some(context) || s.name == *context;
            made.retain(wanted);
            if made.is_empty() {
                let settings = KubernetesSettings::new(&clean(context, NAME_CHARS));
                made.push(KubernetesSettings { context: Some(context.clone()), ..settings });
            }
            self.note("kubernetes", context.clone(), "command line");
        } else if made.is_empty() && providers.is_empty() && given.kube_found {
            self.note("kubernetes", "kubernetes", "environment");
            made.push(KubernetesSettings::new("kubernetes"));
        } else {
            for cluster in &made {
                self.note("kubernetes", cluster.name.clone(), &origin);
            }
        }
        made
    }

    fn cluster(&mut self, field: &str, cluster: &file::Kubernetes) -> KubernetesSettings {
        self.readable(&format!("{field}.kubeconfig"), cluster.kubeconfig.as_deref());
        self.authorities(&format!("{field}.ca_file"), cluster.ca_file.as_deref());
        let named = cluster.name.as_ref().or(cluster.context.as_ref()).map_or("kubernetes", String::as_str);
        let mut settings = KubernetesSettings::new(&clean(named, NAME_CHARS));
        if named.trim().is_empty() {
            self.problem(format!("{field}.name"), "must not be empty");
        }
        if let Some(timeout) = cluster.timeout {
            if timeout.0 < Duration::from_secs(1) || timeout.0 > LONGEST {
                self.problem(format!("{field}.timeout"), "must be between 1s and 2m");
            }
            settings.timeout = timeout.0;
        }
        if cluster.proxy.as_ref().is_some_and(|p| !p.starts_with("http://") && !p.starts_with("https://")) {
            self.problem(format!("{field}.proxy"), "must be an http or https address");
        }
        if cluster.service_account.is_some() && (cluster.kubeconfig.is_some() || cluster.context.is_some()) {
            let what = "give either it, or kubeconfig and context";
            self.problem(format!("{field}.service_account"), what);
        }
        settings.service_account.clone_from(&cluster.service_account);
        settings.kubeconfig.clone_from(&cluster.kubeconfig);
        settings.context.clone_from(&cluster.context);
        settings.namespaces.clone_from(&cluster.namespaces);
        settings.region = cluster.region.as_deref().map(|r| clean(r, NAME_CHARS)).unwrap_or_default();
        settings.ca_file.clone_from(&cluster.ca_file);
        settings.proxy.clone_from(&cluster.proxy);
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Given, load};

    fn loaded(text: &str, given: Given) -> Result<Vec<super::KubernetesSettings>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let given = Given { config: Some(file.path().to_owned()), ..given };
        load(&given).map(|s| s.kubernetes).map_err(|e| e.to_string())
    }

    #[test]
    fn clusters_come_from_file_command_line_and_environment() {
        let two = "[[kubernetes]]\ncontext = \"eu\"\nregion = \"eu\"\nnamespaces = [\"shop\"]\n[[kubernetes]]\nname = \"us\"\nregion = \"us\"\n";
        let all = loaded(two, Given::default()).unwrap();
        assert_eq!((all[0].name.as_str(), all[1].name.as_str()), ("eu", "us"));
        let with = |context: &str| Given {
            kube_context: Some(context.into()),
            kube_found: true,
            ..Given::default()
        };
        let chosen = loaded(two, with("eu")).unwrap();
        assert_eq!((chosen.len(), chosen[0].namespaces.len()), (1, 1), "the file's own entry");
        assert_eq!(loaded("", with("prod")).unwrap()[0].context.as_deref(), Some("prod"));
        let found = Given { kube_found: true, ..Given::default() };
        assert_eq!(loaded("", found.clone()).unwrap().len(), 1);
        assert!(loaded("", Given::default()).unwrap().is_empty());
        let other = "[[provider]]\nname = \"p\"\nurl = \"http://h:1\"\n";
        assert!(loaded(other, found).unwrap().is_empty(), "something else is scaled");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let bad = "[[kubernetes]]\nname = \"a\"\nservice_account = \"/mnt\"\ncontext = \"x\"\ntimeout = \"0s\"\nproxy = \"socks\"\nca_file = \"/no/such\"\n[[kubernetes]]\nname = \"a\"\n";
        let error = loaded(bad, Given::default()).unwrap_err();
        for part in [
            "kubernetes[0].timeout",
            "kubernetes[0].service_account",
            "kubernetes[0].proxy",
            "kubernetes[0].ca_file",
            "kubernetes[1].name",
            "kubernetes[1].region",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
