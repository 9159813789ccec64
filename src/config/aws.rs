//! AWS: accounts whose capacity can be scaled, and `CloudWatch` as a source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::scrape::aws::{Access, AwsClient, AwsSetup, Credentials};
use crate::scrape::{CloudWatch, CloudWatchMetric};
use crate::series::text::clean;

use super::merge::{Merge, NAME_CHARS};
use super::span::Written;

/// How long ago a period must have ended, unless said otherwise.
const DELAY: Duration = Duration::from_secs(120);
/// How often `CloudWatch` is asked, unless said otherwise.
const INTERVAL: Duration = Duration::from_secs(60);
/// For the whole of one request.
const TIMEOUT: Duration = Duration::from_secs(20);

/// `[[aws]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// First part of the providers' names.
    pub name: String,
    /// Regions to look at.
    #[serde(default)]
    pub regions: Vec<String>,
    /// `autoscaling`, `ecs`; both if not given.
    pub services: Option<Vec<String>>,
    /// Profile of the shared files.
    pub profile: Option<String>,
    /// Address to use for every service.
    pub endpoint: Option<String>,
    /// PEM file with the only authorities trusted.
    pub ca_file: Option<PathBuf>,
    /// Whether keys may come from the metadata service of this machine or container.
    #[serde(default)]
    pub metadata: bool,
    /// Whether prices are read from AWS's lists; they are unless this says no.
    pub prices: Option<bool>,
    /// For the whole of one request.
    pub timeout: Option<Written>,
}

/// `[[cloudwatch]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Shown; `instance` of what the source says about itself.
    pub name: String,
    /// Region.
    pub region: String,
    /// As for `[[aws]]`.
    pub profile: Option<String>,
    /// As for `[[aws]]`.
    pub endpoint: Option<String>,
    /// As for `[[aws]]`.
    pub ca_file: Option<PathBuf>,
    /// As for `[[aws]]`.
    #[serde(default)]
    pub metadata: bool,
    /// As for `[[aws]]`.
    pub timeout: Option<Written>,
    /// How often it is asked.
    pub interval: Option<Written>,
    /// How long ago a period must have ended.
    pub delay: Option<Written>,
    /// What is asked.
    #[serde(default)]
    pub metric: Vec<Query>,
}

/// `[[cloudwatch.metric]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// `AWS/ApplicationELB`.
    pub namespace: String,
    /// `RequestCount`.
    pub metric: String,
    /// `Sum`, `Average`, `p95`.
    pub stat: String,
    /// Length of a period; 60 s.
    pub period: Option<Written>,
    /// By name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// Further labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Name of the series.
    pub name: Option<String>,
}

/// A kind of AWS capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AwsService {
    /// EC2 Auto Scaling groups.
    Autoscaling,
    /// ECS services.
    Ecs,
}

impl AwsService {
    /// As written in the configuration and in a provider's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Autoscaling => "autoscaling",
            Self::Ecs => "ecs",
        }
    }
}

/// One region of an account: a provider for each of its services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSettings {
    /// `[[aws]]`'s name.
    pub name: String,
    /// Region, endpoint, authorities.
    pub setup: AwsSetup,
    /// Which keys.
    pub access: Access,
    /// What is looked at.
    pub services: Vec<AwsService>,
    /// Whether prices are read from AWS's lists.
    pub prices: bool,
}

impl Merge {
    pub(super) fn aws(&mut self, accounts: &[Account]) -> Vec<AwsSettings> {
        let mut made = Vec::new();
        let mut names = BTreeSet::new();
        for (i, account) in accounts.iter().enumerate() {
            let field = format!("aws[{i}]");
            let name = clean(&account.name, NAME_CHARS);
            if name.trim().is_empty() || !names.insert(name.clone()) {
                self.problem(format!("{field}.name"), "must be given and unlike any other account's");
            }
            if account.regions.is_empty() {
                self.problem(
                    format!("{field}.regions"),
                    "must name at least one, for example [\"eu-west-1\"]",
                );
            }
            let services = self.services(&field, account.services.as_deref());
            let access = Access::new(account.profile.clone(), account.metadata);
            let mut regions = BTreeSet::new();
            for region in &account.regions {
                if !regions.insert(region) {
                    self.problem(
                        format!("{field}.regions"),
                        format!("{region:?} is given twice; remove one"),
                    );
                }
                let setup = AwsSetup {
                    region: region.clone(),
                    endpoint: account.endpoint.clone(),
                    ca_file: account.ca_file.clone(),
                    timeout: self.timeout(&field, account.timeout),
                };
                self.usable(&field, &setup, &access);
                let (name, access, services) = (name.clone(), access.clone(), services.clone());
                let prices = account.prices.unwrap_or(true);
                made.push(AwsSettings { name, setup, access, services, prices });
            }
        }
        made
    }

    fn services(&mut self, field: &str, given: Option<&[String]>) -> Vec<AwsService> {
        let Some(given) = given else { return vec![AwsService::Autoscaling, AwsService::Ecs] };
        let mut services = BTreeSet::new();
        for name in given {
            match name.as_str() {
                "autoscaling" => services.insert(AwsService::Autoscaling),
                "ecs" => services.insert(AwsService::Ecs),
                other => {
                    let what = format!("{other:?} is not known; write \"autoscaling\" or \"ecs\"");
                    self.problem(format!("{field}.services"), what);
                    true
                }
            };
        }
        if services.is_empty() {
            self.problem(
                format!("{field}.services"),
                "must name at least one of \"autoscaling\" and \"ecs\"",
            );
        }
        services.into_iter().collect()
    }

    fn timeout(&mut self, field: &str, given: Option<Written>) -> Duration {
        let timeout = given.map_or(TIMEOUT, |w| w.0);
        if timeout.is_zero() {
            self.problem(format!("{field}.timeout"), "must be longer than zero");
        }
        timeout
    }

    /// A client is made and thrown away: what is wrong with region, endpoint or CA file is said at once.
    fn usable(&mut self, field: &str, setup: &AwsSetup, access: &Access) {
        if let Err(error) = AwsClient::new(setup, Credentials::new(access.clone()).into()) {
            self.problem(field, error.to_string());
        }
    }

    pub(super) fn cloudwatch(&mut self, sources: &[Watch]) -> Vec<CloudWatch> {
        let mut made: Vec<CloudWatch> = Vec::new();
        for (i, source) in sources.iter().enumerate() {
            let field = format!("cloudwatch[{i}]");
            let setup = AwsSetup {
                region: source.region.clone(),
                endpoint: source.endpoint.clone(),
                ca_file: source.ca_file.clone(),
                timeout: self.timeout(&field, source.timeout),
            };
            let access = Access::new(source.profile.clone(), source.metadata);
            self.usable(&field, &setup, &access);
            let interval = source.interval.map_or(INTERVAL, |w| w.0);
            if interval < Duration::from_secs(10) {
                self.problem(
                    format!("{field}.interval"),
                    "must be at least 10s: every metric asked for costs money",
                );
            }
            if source.metric.is_empty() {
                self.problem(format!("{field}.metric"), "add at least one [[cloudwatch.metric]]");
            }
            let metrics = source.metric.iter().enumerate();
            let metrics = metrics.map(|(j, q)| self.query(&format!("{field}.metric[{j}]"), q)).collect();
            let delay = source.delay.map_or(DELAY, |w| w.0);
            let name = clean(&source.name, NAME_CHARS);
            let settings = CloudWatch { name, setup, access, interval, delay, metrics };
            if settings.name.is_empty() || made.iter().any(|m| m.id() == settings.id()) {
                self.problem(format!("{field}.name"), "must be given and unlike any other of its region");
            }
            let origin = self.origin.clone();
            self.note("source", settings.id().as_str(), &origin);
            made.push(settings);
        }
        made
    }

    fn query(&mut self, field: &str, query: &Query) -> CloudWatchMetric {
        for (name, text) in
            [("namespace", &query.namespace), ("metric", &query.metric), ("stat", &query.stat)]
        {
            if text.is_empty() || text.len() > 255 || clean(text, 255) != *text {
                self.problem(format!("{field}.{name}"), "must be given, as CloudWatch writes it");
            }
        }
        // As GetMetricData documents: 1, 5, 10, 20, 30 or a multiple of 60 seconds.
        let period = query.period.map_or(Duration::from_secs(60), |w| w.0);
        let seconds = period.as_secs();
        let whole = seconds > 0 && seconds.is_multiple_of(60) && seconds <= 86_400;
        if period.subsec_nanos() != 0 || !(whole || [1, 5, 10, 20, 30].contains(&seconds)) {
            self.problem(
                format!("{field}.period"),
                "must be 1s, 5s, 10s, 20s, 30s or whole minutes up to a day",
            );
        }
        if query.dimensions.len() > 30 {
            self.problem(format!("{field}.dimensions"), "CloudWatch knows 30 at most");
        }
        let texts = |map: &BTreeMap<String, String>| {
            map.iter().map(|(n, v)| (clean(n, NAME_CHARS), clean(v, 1024))).collect::<BTreeMap<_, _>>()
        };
        CloudWatchMetric {
            namespace: query.namespace.clone(),
            metric: query.metric.clone(),
            stat: query.stat.clone(),
            period,
            dimensions: texts(&query.dimensions),
            labels: texts(&query.labels),
            name: query.name.as_deref().map(|n| clean(n, NAME_CHARS)),
        }
    }
}
