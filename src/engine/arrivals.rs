//! What reaches the loop from sources, platforms, the executor and the forecasters, and where it goes.

use crate::execution::{LeaseState, Receipt};
use crate::journal::StoredFan;
use crate::scrape::{Delivery, Health};
use crate::series::Timestamp;
use crate::view::NoticeLevel;

use super::forecast_worker::Issued;
use super::platforms::Listing;
use super::run::Engine;
use super::{described, fleet, sources};

impl Engine {
    pub(super) fn delivery(&mut self, delivery: Delivery) {
        let now = self.clock.now();
        match delivery {
            Delivery::Scraped(scrape) => {
                let appended = self.state.store.append_block(&scrape);
                if let Some(facts) = self.state.sources.get_mut(&scrape.source) {
                    facts.kept_out.add(&appended);
                }
                if appended.unmapped > 0 {
                    sources::announce(&mut self.state, &self.handles, &scrape.source, now);
                }
                self.scraped = true;
                self.first_scrape.get_or_insert(scrape.at);
            }
            Delivery::Answered { source, answers } => {
                self.answers.insert(source, answers);
            }
            Delivery::Names { source, names } => {
                let known = self.state.sources.get_mut(&source);
                if let Some(facts) = known.filter(|f| f.names != names) {
                    facts.names = names;
                    let pods = self.pods.of(&source);
                    sources::named(&mut self.state, &self.handles, &source, pods, now);
                }
            }
            Delivery::Described { source, families } => {
                let said = described::read_by(self.state.catalogue.recipes(), families);
                if let Some(facts) = self.state.sources.get_mut(&source) {
                    facts.described = said;
                }
            }
            Delivery::Backfilled { source, answer } => {
                let filled = self.state.resolver.absorb(&source, &answer, &mut self.state.history);
                self.backfilled |= filled > 0;
            }
            Delivery::Status(status) => self.status(status, now),
        }
    }

    fn status(&mut self, status: crate::scrape::SourceStatus, now: Timestamp) {
        let Some(facts) = self.state.sources.get_mut(&status.id) else { return };
        let was_failing = matches!(facts.status.health, Health::Failing { .. });
        let text = match &status.health {
            Health::Failing { error, .. } if !was_failing => Some((NoticeLevel::Warning, error.clone())),
            Health::Stopped { reason } => Some((NoticeLevel::Error, format!("{}: {reason}", status.id))),
            Health::Healthy if was_failing => {
                Some((NoticeLevel::Info, format!("{} answers again", status.id)))
            }
            _ => None,
        };
        let failing = matches!(status.health, Health::Failing { .. } | Health::Stopped { .. });
        let id = status.id.clone();
        facts.status = status;
        if failing && self.state.store.mark_source_stale(&id, now) > 0 {
            self.scraped = true;
        }
        if let Some((level, text)) = text {
            self.say(level, text);
        }
    }

    pub(super) fn listing(&mut self, listing: Listing) {
        for note in &listing.notes {
            self.say(NoticeLevel::Info, format!("provider {}: {note}", listing.provider));
        }
        match listing.result {
            Ok(workloads) => {
                if self.state.platform_errors.remove(&listing.provider).is_some() {
                    self.say(NoticeLevel::Info, format!("provider {} answers again", listing.provider));
                }
                let heard = (listing.at, workloads.len());
                self.state.platforms_heard.insert(listing.provider.clone(), heard);
                fleet::list(&mut self.state, &listing.provider, workloads, listing.at);
            }
            Err(error) => {
                let text = format!("provider {}: {error}", listing.provider);
                if self.state.platform_errors.insert(listing.provider, error).is_none() {
                    self.say(NoticeLevel::Warning, text);
                }
            }
        }
    }

    pub(super) fn issued(&mut self, mut issued: Issued) {
        let now = self.clock.now();
        let keep = now - self.state.tuning.keep_fans;
        self.state.pool(&mut issued);
        if let Some(fan) = issued.forecast.fan()
            && self.state.learned.accuracy.record(&issued.workload, fan)
            && let Some(body) = fan.to_record(now)
        {
            let stored = StoredFan { workload: issued.workload.to_string(), issued: fan.issued, body };
            self.journal.store_fan(stored, keep);
        }
        self.forecasts.note(&issued, now);
        if let Some(facts) = self.state.fleet.get_mut(&issued.workload) {
            issued.put(facts);
        }
    }

    pub(super) fn receipt(&mut self, receipt: Receipt) {
        match receipt {
            Receipt::Operation(operation) => {
                let known = self.state.operations.get(&operation.id).map(|o| o.state.label());
                if known != Some(operation.state.label()) {
                    let text =
                        format!("{} {}: {}", operation.id, operation.workload, operation.state.label());
                    self.say(NoticeLevel::Info, text);
                    self.state.learned.people.days.watch(&operation);
                }
                self.state.operations.insert(operation.id.clone(), *operation);
            }
            Receipt::Lease(lease) => {
                let said = self.state.leases.get(&lease.operation).is_some_and(|l| l.state == lease.state);
                if let LeaseState::Failing { why } = &lease.state
                    && !said
                {
                    self.say(
                        NoticeLevel::Error,
                        format!("{}: the floor could not be given back: {why}", lease.workload),
                    );
                }
                self.state.leases.insert(lease.operation.clone(), *lease);
            }
            Receipt::Trouble { operation, text } => {
                self.say(NoticeLevel::Error, format!("{operation}: {text}"));
            }
            Receipt::Halted(why) => self.halt(why),
        }
    }
}
