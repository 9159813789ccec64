//! The recipes that ship with weescale, and how a user's own take their place.

use super::recipe::{Recipe, RecipeError};

/// One line per recipe file.
const EMBEDDED: &[(&str, &str)] = &[
    ("cadvisor.toml", include_str!("../../assets/recipes/cadvisor.toml")),
    ("cloudwatch.toml", include_str!("../../assets/recipes/cloudwatch.toml")),
    ("envoy.toml", include_str!("../../assets/recipes/envoy.toml")),
    ("grpc.toml", include_str!("../../assets/recipes/grpc.toml")),
    ("haproxy.toml", include_str!("../../assets/recipes/haproxy.toml")),
    ("http_requests_total.toml", include_str!("../../assets/recipes/http_requests_total.toml")),
    ("ingress_nginx.toml", include_str!("../../assets/recipes/ingress_nginx.toml")),
    ("istio.toml", include_str!("../../assets/recipes/istio.toml")),
    ("kafka.toml", include_str!("../../assets/recipes/kafka.toml")),
    ("kube_state_metrics.toml", include_str!("../../assets/recipes/kube_state_metrics.toml")),
    ("kubelet_volumes.toml", include_str!("../../assets/recipes/kubelet_volumes.toml")),
    ("linkerd.toml", include_str!("../../assets/recipes/linkerd.toml")),
    ("locale.toml", include_str!("../../assets/recipes/locale.toml")),
    ("memcached.toml", include_str!("../../assets/recipes/memcached.toml")),
    ("micrometer.toml", include_str!("../../assets/recipes/micrometer.toml")),
    ("micrometer_cache.toml", include_str!("../../assets/recipes/micrometer_cache.toml")),
    ("node_exporter.toml", include_str!("../../assets/recipes/node_exporter.toml")),
    ("node_network.toml", include_str!("../../assets/recipes/node_network.toml")),
    ("opencost.toml", include_str!("../../assets/recipes/opencost.toml")),
    ("otel_db.toml", include_str!("../../assets/recipes/otel_db.toml")),
    ("otel_http.toml", include_str!("../../assets/recipes/otel_http.toml")),
    ("postgresql.toml", include_str!("../../assets/recipes/postgresql.toml")),
    ("probes.toml", include_str!("../../assets/recipes/probes.toml")),
    ("process.toml", include_str!("../../assets/recipes/process.toml")),
    ("prometheus_self.toml", include_str!("../../assets/recipes/prometheus_self.toml")),
    ("rabbitmq.toml", include_str!("../../assets/recipes/rabbitmq.toml")),
    ("redis.toml", include_str!("../../assets/recipes/redis.toml")),
    ("retries.toml", include_str!("../../assets/recipes/retries.toml")),
    ("session_affinity.toml", include_str!("../../assets/recipes/session_affinity.toml")),
    ("traefik.toml", include_str!("../../assets/recipes/traefik.toml")),
];

/// The recipes in use, in order of preference: by priority, then by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue(Vec<Recipe>);

impl Catalogue {
    /// The recipes that ship with weescale.
    pub fn embedded() -> Result<Self, RecipeError> {
        Self::with_overrides(&[])
    }

    /// The shipped recipes and `files` (name for errors, TOML text): a recipe of a known name replaces that one.
    pub fn with_overrides(files: &[(String, String)]) -> Result<Self, RecipeError> {
        let mut recipes: Vec<Recipe> = Vec::new();
        let own = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        for (file, text) in EMBEDDED.iter().copied().chain(own) {
            let recipe = Recipe::parse(file, text)?;
            recipes.retain(|r| r.name != recipe.name);
            recipes.push(recipe);
        }
        recipes.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        Ok(Self(recipes))
    }

    /// The recipes, preferred first.
    pub fn recipes(&self) -> &[Recipe] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::recipe::Target;

    #[test]
    fn every_recipe_parses_is_valid_promql_and_can_be_detected() {
        let catalogue = Catalogue::embedded().unwrap();
        assert_eq!(catalogue.recipes().len(), EMBEDDED.len());
        for recipe in catalogue.recipes() {
            assert!(!recipe.entries.is_empty(), "{}", recipe.name);
            for entry in &recipe.entries {
                let expr = entry.expr(&recipe.identity.by(), "1m");
                promql_parser::parser::parse(&expr)
                    .unwrap_or_else(|e| panic!("{}: {expr}: {e}", recipe.name));
                assert!(!expr.contains("$by") && !expr.contains("$window"), "{expr}");
                if entry.target == Target::Histogram {
                    assert!(expr.contains("by (le, "), "{expr}");
                }
            }
        }
    }

    #[test]
    fn each_file_is_named_after_its_recipe_and_is_listed() {
        for (file, text) in EMBEDDED {
            assert_eq!(format!("{}.toml", Recipe::parse(file, text).unwrap().name), *file);
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/recipes");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), EMBEDDED.len());
    }

    #[test]
    fn a_users_recipe_replaces_the_one_of_its_name() {
        let own = "name = \"redis\"\ntitle = \"Mine\"\npriority = 1\n[detect]\nany = [\"a\"]\n[[signal]]\nkind = \"demand\"\nexpr = 'sum by ($by) (a)'\n";
        let catalogue = Catalogue::with_overrides(&[("mine.toml".into(), own.into())]).unwrap();
        assert_eq!(catalogue.recipes().len(), EMBEDDED.len());
        assert_eq!(catalogue.recipes()[0].title, "Mine");
        let error = Catalogue::with_overrides(&[("mine.toml".into(), "name = 3".into())]).unwrap_err();
        assert!(error.to_string().contains("mine.toml"));
    }
}
