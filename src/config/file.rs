//! The configuration file as typed. Unknown keys are errors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::span::Written;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `observe` or `ask`.
    pub mode: Option<String>,
    /// Theme name, or path of a theme file.
    pub theme: Option<String>,
    /// Path of the journal.
    pub journal: Option<PathBuf>,
    /// Folder with own recipes.
    pub recipes: Option<PathBuf>,
    /// Where we are.
    #[serde(default)]
    pub context: Context,
    /// PromQL servers.
    #[serde(default)]
    pub prometheus: Vec<Source>,
    /// Exposition endpoints.
    #[serde(default)]
    pub scrape: Vec<Source>,
    /// Platforms that can be scaled.
    #[serde(default)]
    pub provider: Vec<Provider>,
    /// Kubernetes clusters.
    #[serde(default)]
    pub kubernetes: Vec<Kubernetes>,
    /// AWS accounts whose capacity can be scaled.
    #[serde(default)]
    pub aws: Vec<super::aws::Account>,
    /// Metrics of `CloudWatch`.
    #[serde(default)]
    pub cloudwatch: Vec<super::aws::Watch>,
    /// Load balancers.
    #[serde(default)]
    pub haproxy: Vec<super::haproxy::Haproxy>,
    /// Services.
    #[serde(default)]
    pub service: Vec<Service>,
    /// Regions.
    #[serde(default)]
    pub region: Vec<Region>,
    /// Events that change demand.
    #[serde(default)]
    pub event: Vec<Event>,
    /// Times in which nothing is changed.
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    /// What forecasts may take.
    #[serde(default)]
    pub forecast: Forecast,
    /// What is kept of what was shown.
    #[serde(default)]
    pub record: Record,
    /// Budget.
    #[serde(default)]
    pub budget: Budget,
    /// Times of a proposal's life.
    #[serde(default)]
    pub proposals: Proposals,
    /// Sessions.
    #[serde(default)]
    pub session: Session,
    /// Teams.
    #[serde(default)]
    pub team: Vec<super::team::Team>,
    /// Lessons of others.
    #[serde(default)]
    pub lessons: super::team::Lessons,
    /// Keys: action name to key.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
}

/// `[session]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Path of the socket.
    pub socket: Option<PathBuf>,
    /// Groups whose members may attach beside the engine's own user.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Login names or user ids of those who learn: what they decide is recorded and has no effect.
    #[serde(default)]
    pub learners: Vec<String>,
}

/// `[forecast]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// Share of a core that renewing forecasts may take.
    pub cpu: Option<f64>,
}

/// `[record]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Days kept.
    pub days: Option<u32>,
    /// Most that frames may take, MiB; 0 keeps none.
    pub max_mib: Option<u32>,
}

/// `[context]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Shown in the header.
    pub name: Option<String>,
    /// Approving asks for the name to be typed.
    pub protected: Option<bool>,
}

/// `[[prometheus]]` and `[[scrape]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Address.
    pub url: String,
    /// `[[prometheus]]` only: ask it for history and nothing else.
    #[serde(default)]
    pub history_only: bool,
    /// Poll interval.
    pub interval: Option<Written>,
    /// Request timeout.
    pub timeout: Option<Written>,
    /// `gzip` or `identity`: how bodies may be sent.
    pub encoding: Option<crate::scrape::Encoding>,
    /// `job` label.
    pub job: Option<String>,
    /// Further labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Bearer token from a file.
    pub bearer_file: Option<PathBuf>,
    /// Bearer token from an environment variable.
    pub bearer_env: Option<String>,
    /// Basic authentication.
    pub user: Option<String>,
    /// Its password from a file.
    pub password_file: Option<PathBuf>,
    /// Its password from an environment variable.
    pub password_env: Option<String>,
    /// Further headers, such as `X-Scope-OrgID`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// `[[prometheus]]` only: parameters of every request, such as Thanos' `dedup`.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// `[[prometheus]]` only: what the server may be asked.
    #[serde(default)]
    pub budget: QueryBudget,
    /// PEM file with the only authorities trusted.
    pub ca_file: Option<PathBuf>,
    /// PEM file with our certificate.
    pub cert_file: Option<PathBuf>,
    /// PEM file with its private key.
    pub key_file: Option<PathBuf>,
}

/// `prometheus.budget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryBudget {
    /// Requests a second.
    pub requests_per_s: Option<u64>,
    /// Points a second.
    pub points_per_s: Option<u64>,
    /// Bytes a second.
    pub bytes_per_s: Option<u64>,
}

/// `[[provider]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Name on cards and in the journal.
    pub name: String,
    /// `http`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Base address of the contract.
    pub url: String,
    /// Bearer token from a file.
    pub token_file: Option<PathBuf>,
    /// Bearer token from an environment variable.
    pub token_env: Option<String>,
    /// PEM file with the only authorities trusted.
    pub ca_file: Option<PathBuf>,
}

/// `[[kubernetes]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// Name on cards and in the journal; the context if absent.
    pub name: Option<String>,
    /// Which kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// Folder of a mounted service account, instead of one.
    pub service_account: Option<PathBuf>,
    /// Which context of it.
    pub context: Option<String>,
    /// Namespaces to look at; all if absent.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Region its workloads are in.
    pub region: Option<String>,
    /// PEM file with the only authorities trusted.
    pub ca_file: Option<PathBuf>,
    /// Proxy, instead of the one of kubeconfig and environment.
    pub proxy: Option<String>,
    /// For the whole of one request.
    pub timeout: Option<Written>,
}

/// `[[service]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Workload or service name; `namespace/name@region`; a `*` at the end matches any rest.
    pub name: String,
    /// Owning team.
    pub team: Option<String>,
    /// Objective.
    pub slo: Option<Slo>,
    /// Requests a second one replica holds.
    pub capacity: Option<f64>,
    /// $ a replica-minute short costs.
    pub short_cost: Option<f64>,
    /// $/h of one replica.
    pub price: Option<f64>,
    /// Never below.
    pub min: Option<u32>,
    /// Never above.
    pub max: Option<u32>,
    /// Largest step up as a share of the present count.
    pub step_up: Option<f64>,
    /// No scale-in this long after a scale-up.
    pub cooldown: Option<Written>,
    /// The steps in which raises are made, per cent of the way, the last 100; without it as it is learned.
    pub stages: Option<Vec<u8>>,
    /// Least time from one such step to the next.
    pub stage_wait: Option<Written>,
    /// Routes that may be shed.
    #[serde(default)]
    pub optional_routes: Vec<String>,
    /// Regions in which its data may be; empty: anywhere.
    #[serde(default)]
    pub residency: Vec<String>,
}

/// `service.slo`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Share of requests that must be good.
    pub target: f64,
    /// Response time within which a request is good.
    pub latency: Written,
    /// The quantile the latency applies to; 0.95.
    pub quantile: Option<f64>,
    /// Window of the error budget; 30d.
    pub window: Option<Written>,
}

/// `[[region]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// As in labels.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Countries whose public holidays its users keep, by their codes.
    #[serde(default)]
    pub holidays: Vec<crate::forecast::calendar::Region>,
}

/// `[[event]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Shown on charts.
    pub name: String,
    /// First moment: local time of `time_zone`, or with its offset.
    pub from: String,
    /// First moment after, written likewise.
    pub to: String,
    /// IANA time zone of both.
    pub time_zone: Option<String>,
    /// Demand over what is usual; measured from earlier events where absent.
    pub factor: Option<f64>,
    /// Services it is about, as in `service.name`; all if absent.
    #[serde(default)]
    pub services: Vec<String>,
}

/// `[[freeze]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// First moment, RFC 3339.
    pub from: String,
    /// First moment after, RFC 3339.
    pub to: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// `[budget]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// $ a calendar month.
    pub month: Option<f64>,
    /// A change that adds more than this, $/h, is for two people.
    pub second_person_above: Option<f64>,
    /// What all changes that are held may add together, $/h.
    pub held: Option<f64>,
}

/// `[proposals]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposals {
    /// A proposal nobody decided on expires after this.
    pub expiry: Option<Written>,
    /// After a rejection the workload is left alone this long.
    pub quiet: Option<Written>,
}
