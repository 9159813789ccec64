//! Sources: addresses, credentials, TLS, what a server may be asked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scrape::{self, Auth, Credential, Secret, Target};
use crate::series::text::clean;

use super::file::{self, File};
use super::merge::{Given, Merge, NAME_CHARS};

/// Sources by what is done with them.
pub(super) struct Sources {
    pub(super) prometheus: Vec<Target>,
    pub(super) history: Vec<Target>,
    pub(super) scrape: Vec<Target>,
}

impl Merge {
    pub(super) fn sources(&mut self, given: &Given, file: &File) -> Sources {
        let mut prometheus = Vec::new();
        let mut history = Vec::new();
        let mut scrape = Vec::new();
        for url in &given.prometheus {
            self.simple(url, "--prometheus", given.interval, Target::new, &mut prometheus);
        }
        for url in &given.scrape {
            self.simple(url, "--scrape", given.interval, Target::exposition, &mut scrape);
        }
        for (i, source) in file.prometheus.iter().enumerate() {
            let list = if source.history_only { &mut history } else { &mut prometheus };
            let field = format!("prometheus[{i}]");
            if let Some(mut target) = self.source(&field, source, Target::new) {
                self.server(&field, source, &mut target);
                list.push(target);
            }
        }
        for (i, source) in file.scrape.iter().enumerate() {
            let field = format!("scrape[{i}]");
            if !source.params.is_empty() || source.budget != file::QueryBudget::default() {
                self.problem(
                    &*field,
                    "params and budget are for [[prometheus]]; an endpoint's parameters go into url",
                );
            }
            scrape.extend(self.source(&field, source, Target::exposition));
        }
        if prometheus.is_empty()
            && scrape.is_empty()
            && let Some(url) = &given.prometheus_env
        {
            self.simple(url, "environment PROMETHEUS_URL", given.interval, Target::new, &mut prometheus);
        }
        let mut seen = std::collections::BTreeSet::new();
        for target in prometheus.iter().chain(&history).chain(&scrape) {
            if !seen.insert(target.id().clone()) {
                self.problem("sources", format!("{} is given twice; remove one", target.id()));
            }
        }
        Sources { prometheus, history, scrape }
    }

    fn simple(
        &mut self,
        url: &str,
        origin: &str,
        interval: Option<Duration>,
        make: impl Fn(&str) -> Result<Target, crate::scrape::ScrapeError>,
        out: &mut Vec<Target>,
    ) {
        match make(url) {
            Ok(mut target) => {
                self.note("source", target.id().as_str(), origin);
                if interval.is_some_and(|i| i < Duration::from_secs(1)) {
                    self.problem("--interval", "must be at least 1s");
                }
                target.interval = interval.unwrap_or(target.interval);
                out.push(target);
            }
            Err(error) => self.problem(origin, error.to_string()),
        }
    }

    fn source(
        &mut self,
        field: &str,
        source: &file::Source,
        make: impl Fn(&str) -> Result<Target, crate::scrape::ScrapeError>,
    ) -> Option<Target> {
        let mut target = match make(&source.url) {
            Ok(target) => target,
            Err(error) => {
                self.problem(format!("{field}.url"), error.to_string());
                return None;
            }
        };
        let origin = self.origin.clone();
        self.note("source", target.id().as_str(), &origin);
        if let Some(interval) = source.interval {
            if interval.0 < Duration::from_secs(1) {
                self.problem(format!("{field}.interval"), "must be at least 1s");
            }
            target.interval = interval.0;
        }
        if let Some(timeout) = source.timeout {
            if timeout.0.is_zero() {
                self.problem(format!("{field}.timeout"), "must be longer than zero");
            }
            target.limits.timeout = timeout.0;
        }
        target.encoding = source.encoding;
        if let Some(job) = &source.job {
            target.job = clean(job, NAME_CHARS);
        }
        target.labels.extend(source.labels.iter().map(|(n, v)| (clean(n, NAME_CHARS), clean(v, 4096))));
        if let Some(auth) = self.auth(field, source) {
            target.auth = auth;
        }
        self.headers(field, source, &mut target);
        self.tls(field, source, &mut target);
        Some(target)
    }

    fn headers(&mut self, field: &str, source: &file::Source, target: &mut Target) {
        for (name, value) in &source.headers {
            match scrape::check_header(name, value) {
                Ok(()) => {
                    target.headers.push((name.clone(), Credential::Value(Secret::new(value.as_str()))));
                }
                Err(why) => self.problem(format!("{field}.headers"), why),
            }
        }
    }

    fn tls(&mut self, field: &str, source: &file::Source, target: &mut Target) {
        self.authorities(&format!("{field}.ca_file"), source.ca_file.as_deref());
        for (name, path) in [("cert_file", &source.cert_file), ("key_file", &source.key_file)] {
            self.readable(&format!("{field}.{name}"), path.as_deref());
        }
        if source.cert_file.is_some() != source.key_file.is_some() {
            self.problem(
                format!("{field}.cert_file"),
                "needs key_file, and key_file needs cert_file; give both",
            );
        }
        target.tls.ca_file.clone_from(&source.ca_file);
        target.tls.cert_file.clone_from(&source.cert_file);
        target.tls.key_file.clone_from(&source.key_file);
    }

    /// What only PromQL servers have: parameters of every request, and a budget.
    fn server(&mut self, field: &str, source: &file::Source, target: &mut Target) {
        for (name, value) in &source.params {
            match scrape::check_param(name, value) {
                Ok(()) => target.params.push((name.clone(), value.clone())),
                Err(why) => self.problem(format!("{field}.params"), why),
            }
        }
        let limits = &mut target.limits;
        let budget = [
            ("requests_per_s", source.budget.requests_per_s, &mut limits.requests_per_s),
            ("points_per_s", source.budget.points_per_s, &mut limits.points_per_s),
            ("bytes_per_s", source.budget.bytes_per_s, &mut limits.bytes_per_s),
        ];
        for (name, given, limit) in budget {
            if given == Some(0) {
                self.problem(format!("{field}.budget.{name}"), "must be above 0");
            }
            *limit = given.unwrap_or(*limit);
        }
    }

    fn auth(&mut self, field: &str, source: &file::Source) -> Option<Auth> {
        let bearer = self.credential(
            &format!("{field}.bearer"),
            source.bearer_file.as_ref(),
            source.bearer_env.as_ref(),
        );
        let password = self.credential(
            &format!("{field}.password"),
            source.password_file.as_ref(),
            source.password_env.as_ref(),
        );
        match (bearer, &source.user, password) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                self.problem(field, "give either a bearer token or user and password, not both");
                None
            }
            (Some(token), None, None) => Some(Auth::Bearer(token)),
            (None, Some(user), Some(password)) => Some(Auth::Basic { user: user.clone(), password }),
            (None, Some(_), None) => {
                self.problem(format!("{field}.user"), "needs password_file or password_env");
                None
            }
            (None, None, Some(_)) => {
                self.problem(format!("{field}.password"), "needs user");
                None
            }
            (None, None, None) => None,
        }
    }

    pub(super) fn credential(
        &mut self,
        field: &str,
        file: Option<&PathBuf>,
        env: Option<&String>,
    ) -> Option<Credential> {
        match (file, env) {
            (Some(_), Some(_)) => {
                self.problem(field, "give either the _file or the _env form, not both");
                None
            }
            (Some(path), None) => {
                self.readable(&format!("{field}_file"), Some(path));
                Some(Credential::File(path.clone()))
            }
            (None, Some(name)) => {
                if std::env::var_os(name).is_none() {
                    self.problem(format!("{field}_env"), format!("environment variable {name} is not set"));
                }
                Some(Credential::Env(name.clone()))
            }
            (None, None) => None,
        }
    }

    /// A PEM file with at least one certificate.
    pub(super) fn authorities(&mut self, field: &str, path: Option<&Path>) {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        let Some(path) = path else { return };
        match scrape::read_plain(path, scrape::PEM_BYTES) {
            Err(error) => self.problem(field, format!("cannot read {}: {error}", path.display())),
            Ok(bytes) if !bytes.windows(BEGIN.len()).any(|w| w == BEGIN) => {
                let what = "holds no certificate; give a PEM file with -----BEGIN CERTIFICATE----- in it";
                self.problem(field, format!("{} {what}", path.display()));
            }
            Ok(_) => {}
        }
    }

    pub(super) fn readable(&mut self, field: &str, path: Option<&Path>) {
        if let Some(path) = path
            && let Err(error) = scrape::open_plain(path)
        {
            self.problem(field, format!("cannot read {}: {error}", path.display()));
        }
    }
}
