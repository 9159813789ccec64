//! Recipes: how one metric convention is recognised and what it says, read from TOML.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::expr;
use super::identity::Identity;
use super::limits::MAX_RECIPE_BYTES;
use super::{PartKind, SignalKind};

/// Why a recipe file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// Not TOML of the expected shape: wrong syntax, unknown key, wrong type, unknown kind.
    #[error("recipe file {file}, line {line}: {message}; correct or remove that key")]
    Shape {
        /// The file as named by the caller.
        file: String,
        /// Line in the file, from 1.
        line: usize,
        /// What the TOML reader says.
        message: String,
    },
    /// A value that cannot work.
    #[error("recipe file {file}, {field}: {problem}; {fix}")]
    Field {
        /// The file as named by the caller.
        file: String,
        /// The field, with its position: `signal[2].expr`.
        field: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        fix: &'static str,
    },
}

/// When a recipe applies to a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// One of these metric names is there (or the list is empty).
    #[serde(default)]
    pub any: Vec<String>,
    /// All of these are there.
    #[serde(default)]
    pub all: Vec<String>,
}

impl Detect {
    /// Whether a source with the metric names that `has` says yes to follows this convention.
    pub fn matches(&self, has: &dyn Fn(&str) -> bool) -> bool {
        (self.any.is_empty() || self.any.iter().any(|m| has(m))) && self.all.iter().all(|m| has(m))
    }
}

/// What an expression's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Values of one signal.
    Signal(SignalKind),
    /// Cumulative bucket rates by `le`: response times, and their quantiles.
    Histogram,
    /// Only its labels matter: they name the owning team.
    Team,
    /// Values by the parts that [`Entry::label`] names.
    Part(PartKind),
}

/// One expression of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it measures.
    pub target: Target,
    /// PromQL with `$by` and `$window`.
    template: String,
    /// Factor to the signal's unit (1000 in a second's milliseconds: 0.001); for a histogram, of its bounds.
    pub scale: f64,
    /// Metric names without which it is not asked.
    pub needs: BTreeSet<String>,
    /// Not asked where an earlier entry of this recipe with the same target is.
    pub fallback: bool,
    /// Computed from the metric it would be compared with: no witness for or against a zero.
    pub derived: bool,
    /// For a breakdown, the label that names the parts; empty otherwise.
    pub label: String,
}

impl Entry {
    /// The expression for grouping labels `by` and rate window `window`; a signal's is brought to its unit.
    pub fn expr(&self, by: &str, window: &str) -> Arc<str> {
        let plain = expr::fill(&self.template, by, window);
        if self.target == Target::Histogram || self.scale == 1.0 {
            plain.into()
        } else {
            format!("{} * ({plain})", self.scale).into()
        }
    }
}

/// How one metric convention is recognised and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Unique name; a later recipe of the same name replaces it.
    pub name: Arc<str>,
    /// For people.
    pub title: String,
    /// Lower is preferred.
    pub priority: i32,
    /// What its demand counts. A workload's demand, errors and response times never change to another
    /// family's when the preferred one stops: commands a second are no stand-in for requests a second.
    pub family: Arc<str>,
    /// When it applies.
    pub detect: Detect,
    /// Which labels name a workload.
    pub identity: Identity,
    /// Its expressions, preferred first.
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecipe {
    name: String,
    title: String,
    priority: i32,
    #[serde(default = "requests")]
    family: String,
    detect: Detect,
    #[serde(default)]
    identity: Identity,
    #[serde(default)]
    signal: Vec<RawEntry>,
    #[serde(default)]
    histogram: Vec<RawEntry>,
    #[serde(default)]
    team: Vec<RawEntry>,
    #[serde(default)]
    part: Vec<RawPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    kind: Option<SignalKind>,
    expr: String,
    scale: Option<f64>,
    needs: Option<BTreeSet<String>>,
    #[serde(default)]
    fallback: bool,
    #[serde(default)]
    derived: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    kind: PartKind,
    label: String,
    expr: String,
    scale: Option<f64>,
    needs: Option<BTreeSet<String>>,
    #[serde(default)]
    fallback: bool,
}

fn requests() -> String {
    "requests".into()
}

impl Recipe {
    /// Reads one recipe. `file` is only named in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, RecipeError> {
        if text.len() > MAX_RECIPE_BYTES {
            let problem = format!("the file has {} bytes", text.len());
            return Err(field(file, "size", problem, "a recipe may have 256 KiB: split it"));
        }
        let raw: RawRecipe = toml::from_str(text).map_err(|e| RecipeError::Shape {
            file: file.into(),
            line: e.span().map_or(1, |s| 1 + text.get(..s.start).unwrap_or_default().matches('\n').count()),
            message: e.message().lines().collect::<Vec<_>>().join(" "),
        })?;
        check_head(file, &raw)?;
        let mut entries = Vec::new();
        let lists = [("signal", raw.signal), ("histogram", raw.histogram), ("team", raw.team)];
        for (list, raws) in lists {
            for (i, entry) in raws.into_iter().enumerate() {
                let target = target(file, list, i, entry.kind)?;
                entries.push(Self::entry(file, &format!("{list}[{i}]"), target, entry)?);
            }
        }
        for (i, RawPart { kind, label, expr, scale, needs, fallback }) in raw.part.into_iter().enumerate() {
            let place = format!("part[{i}]");
            if !plain(&label) || !expr.contains(&label) {
                let fix = "name the label that the parts are told apart by, and group by ($by, LABEL)";
                return Err(field(file, &format!("{place}.label"), format!("{label:?} is not in expr"), fix));
            }
            let entry = RawEntry { kind: None, expr, scale, needs, fallback, derived: false };
            let entry = Self::entry(file, &place, Target::Part(kind), entry)?;
            entries.push(Entry { label, ..entry });
        }
        Ok(Self {
            name: raw.name.into(),
            title: raw.title,
            priority: raw.priority,
            family: raw.family.into(),
            detect: raw.detect,
            identity: raw.identity,
            entries,
        })
    }

    fn entry(file: &str, place: &str, target: Target, raw: RawEntry) -> Result<Entry, RecipeError> {
        let at = |key: &str| format!("{place}.{key}");
        if !raw.expr.contains("$by") {
            let fix = "group by ($by), or the answer says nothing about single workloads";
            return Err(field(file, &at("expr"), "does not contain $by".into(), fix));
        }
        if target == Target::Histogram && !raw.expr.contains("le") {
            return Err(field(file, &at("expr"), "does not keep le".into(), "group by (le, $by)"));
        }
        let scale = raw.scale.unwrap_or(1.0);
        if !(scale.is_finite() && scale > 0.0) {
            return Err(field(
                file,
                &at("scale"),
                format!("{scale} is not a factor"),
                "give a number above 0",
            ));
        }
        let names = expr::metric_names(&expr::fill(&raw.expr, "namespace, job", "1m")).map_err(|e| {
            field(file, &at("expr"), format!("is not valid PromQL: {e}"), "correct the expression")
        })?;
        Ok(Entry {
            target,
            template: raw.expr,
            scale,
            needs: raw.needs.unwrap_or(names),
            fallback: raw.fallback,
            derived: raw.derived,
            label: String::new(),
        })
    }
}

/// What an entry of `list` measures.
fn target(file: &str, list: &str, index: usize, kind: Option<SignalKind>) -> Result<Target, RecipeError> {
    let at = format!("{list}[{index}].kind");
    match (list, kind) {
        ("signal", Some(kind)) => Ok(Target::Signal(kind)),
        ("histogram", None) => Ok(Target::Histogram),
        ("team", None) => Ok(Target::Team),
        ("signal", None) => Err(field(file, &at, "is absent".into(), "name the signal, for example demand")),
        _ => Err(field(file, &at, "does not belong here".into(), "remove it")),
    }
}

fn plain(s: &str) -> bool {
    !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn check_head(file: &str, raw: &RawRecipe) -> Result<(), RecipeError> {
    if !plain(&raw.name) {
        let problem = format!("{:?} is not a plain name", raw.name);
        return Err(field(file, "name", problem, "use letters, digits and _"));
    }
    if raw.detect.any.is_empty() && raw.detect.all.is_empty() {
        let fix = "list metric names under any or all";
        return Err(field(file, "detect", "names no metric".into(), fix));
    }
    let pods = raw.identity.pod.iter().map(String::as_str);
    let labels = raw.identity.labels();
    if let Some(bad) =
        labels.into_iter().chain(pods).find(|l| !plain(l) || l.starts_with(|c: char| c.is_ascii_digit()))
    {
        let problem = format!("{bad:?} is not a label name");
        return Err(field(
            file,
            "identity",
            problem,
            "use letters, digits and _, not beginning with a digit",
        ));
    }
    if raw.identity.name.is_empty() {
        return Err(field(file, "identity.name", "is empty".into(), "list the labels that name a workload"));
    }
    Ok(())
}

fn field(file: &str, field: &str, problem: String, fix: &'static str) -> RecipeError {
    RecipeError::Field { file: file.into(), field: field.into(), problem, fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "t"
title = "Test"
priority = 1
[detect]
any = ["x_total"]
[[signal]]
kind = "demand"
expr = 'sum by ($by) (rate(x_total[$window]))'
"#;

    fn error(text: &str) -> String {
        Recipe::parse("t.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn reads_fills_and_knows_what_it_needs() {
        let recipe = Recipe::parse("t.toml", GOOD).unwrap();
        let entry = &recipe.entries[0];
        assert_eq!(entry.needs.iter().collect::<Vec<_>>(), ["x_total"]);
        assert_eq!(&*entry.expr("job", "2m"), "sum by (job) (rate(x_total[2m]))");
        assert!(recipe.detect.matches(&|m| m == "x_total"));
        assert!(!recipe.detect.matches(&|_| false));
    }

    #[test]
    fn errors_name_file_field_and_fix() {
        let unknown = error(&GOOD.replace("priority = 1", "priority = 1\ncolour = 2"));
        assert!(
            unknown.contains("t.toml") && unknown.contains("line 5") && unknown.contains("colour"),
            "{unknown}"
        );
        assert!(error(&GOOD.replace("demand", "demnd")).contains("demnd"));
        assert!(error(&GOOD.replace("kind = \"demand\"", "")).contains("signal[0].kind"));
        assert!(error(&GOOD.replace("(rate(", "(rate((")).contains("not valid PromQL"));
        assert!(error(&GOOD.replace("by ($by) ", "")).contains("$by"));
        assert!(error(&GOOD.replace("any = [\"x_total\"]", "")).contains("detect"));
        assert!(error(&GOOD.replace("\"t\"", "\"a b\"")).contains("name"));
        assert!(error(&format!("{GOOD}scale = 0.0")).contains("signal[0].scale"));
        assert!(error(&GOOD.replace("[[signal]]", "[[histogram]]")).contains("histogram[0].kind"));
        assert!(
            error(&GOOD.replace("[[signal]]", "[identity]\nname = [\"a-b\"]\n[[signal]]")).contains("a-b")
        );
        let part = |label: &str| {
            GOOD.replace("[[signal]]", "[[part]]")
                .replace("\"demand\"", &format!("\"route_demand\"\nlabel = \"{label}\""))
        };
        assert!(error(&part("http_route")).contains("part[0].label"));
        let good =
            Recipe::parse("t.toml", &part("http_route").replace("($by)", "($by, http_route)")).unwrap();
        assert_eq!(good.entries[0].label, "http_route");
        assert!(error(&"#".repeat(300_000)).contains("256 KiB"));
    }
}
