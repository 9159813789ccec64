//! What is in force, and where each value came from.

use std::fmt::Write;

use crate::series::text::clean;

use super::Settings;

/// Longest value shown, characters: a path may have so many.
const SHOWN: usize = 4096;

/// The commented template that `weescale config init` writes.
pub const TEMPLATE: &str = include_str!("../../assets/config.toml");

/// The settings in force as text, one value a line, with its origin.
pub fn show(settings: &Settings) -> String {
    let mut out = String::new();
    let mut line = |field: &str, value: &str| {
        let origin = settings.origins.iter().find(|o| {
            o.field == field && (!matches!(field, "source" | "kubernetes" | "haproxy") || o.value == value)
        });
        // Writing to a string cannot fail.
        let (value, origin) = (clean(value, SHOWN), clean(origin.map_or("default", |o| &o.origin), SHOWN));
        let _ = writeln!(out, "{field:<18} {value:<48} {origin}");
    };
    line("context.name", &settings.context.name);
    line("context.protected", &settings.context.protected.to_string());
    line("mode", &settings.mode.label().to_lowercase());
    line("theme", settings.theme.as_deref().unwrap_or("terminal"));
    line(
        "journal",
        &settings.journal.as_ref().map_or_else(|| "in memory".into(), |p| p.display().to_string()),
    );
    let socket = settings.socket.as_ref().map_or_else(|| "none".into(), |p| p.display().to_string());
    line("session.socket", &socket);
    for target in settings.prometheus.iter().chain(&settings.scrape) {
        line("source", target.id().as_str());
    }
    for source in &settings.cloudwatch {
        line("source", source.id().as_str());
    }
    for account in &settings.aws {
        for service in &account.services {
            let endpoint = account.setup.endpoint.as_deref().unwrap_or("AWS's own addresses");
            let name = format!("{}/{}/{}", account.name, account.setup.region, service.name());
            line("aws", &format!("{name} at {endpoint}"));
        }
    }
    for provider in &settings.providers {
        line("provider", &format!("{} {}", provider.name, provider.url));
    }
    for cluster in &settings.kubernetes {
        line("kubernetes", &cluster.name);
    }
    for h in &settings.haproxy {
        line("haproxy", &h.words());
    }
    for rule in &settings.services {
        line("service", &rule.name);
    }
    people(settings).for_each(|(field, value)| line(field, &value));
    for region in &settings.regions {
        line("region", &format!("{} {}", region.name, region.time_zone));
    }
    line("forecast.cpu", &settings.forecast_cpu.to_string());
    if let Some(keep) = settings.record {
        line("record.days", &keep.days.to_string());
        line("record.max_mib", &(keep.bytes >> 20).to_string());
    }
    for (region, countries) in &settings.days.holidays {
        line("region.holidays", &format!("{region} {}", format!("{countries:?}").to_uppercase()));
    }
    for e in &settings.days.events {
        line("event", &format!("{} {} to {}", e.name, e.event.from, e.event.to));
    }
    line("proposals.expiry", &format!("{}s", settings.lifetimes.expiry.as_secs()));
    line("proposals.quiet", &format!("{}s", settings.lifetimes.quiet.as_secs()));
    budgets(settings).for_each(|(field, value)| line(field, &value));
    out
}

/// What may be spent.
fn budgets(settings: &Settings) -> impl Iterator<Item = (&'static str, String)> {
    let month = settings.budget_month.map(|limit| ("budget.month", format!("${limit}")));
    let hourly = |field, limit: Option<f64>| limit.map(|limit| (field, format!("${limit}/h")));
    let held = hourly("budget.held", settings.budget_held);
    month.into_iter().chain(held).chain(hourly("budget.second_person_above", settings.second_person_above))
}

/// Teams, and whose lessons are taken in.
fn people(settings: &Settings) -> impl Iterator<Item = (&'static str, String)> {
    let teams = settings.teams.iter().map(|t| ("team", format!("{} ({})", t.name, t.people.join(", "))));
    let learners = settings.learners.iter().map(|l| ("session.learners", l.clone()));
    teams.chain(learners).chain(settings.trusted_keys.iter().map(|k| ("lessons.trust", k.clone())))
}
