//! What screens that stand still are sent, over whole intervals in which everything comes once: the views of a simulated fleet,
//! each at its own time, so that minutes need not be waited for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::approval::Mode;
use crate::clock::{Clock, Monotonic};
use crate::config::{Given, ProviderSettings, ServiceRule, Settings, load_without_file};
use crate::engine::{self, Options, Tuning};
use crate::execution::Pacing;
use crate::fleet::Context;
use crate::sandbox::{self, Sandbox, Scenario};
use crate::scrape::{Credential, Secret, Target};
use crate::view::View;

use super::picture::{DUE, Round};

/// How much faster than the machine's clock the fleet is.
const SPEED: f64 = 30.0;
/// New values come so often, in the fleet's time.
const INTERVAL: Duration = Duration::from_secs(10);
/// Intervals in which everything comes once.
const TIMES: u32 = 2;
/// Panels, with the most that a screen there may be sent, bytes a second over whole intervals: half as much again as the most
/// that was measured.
const PANELS: [(&str, f64); 3] = [("1", 175.0), ("2", 120.0), ("7", 120.0)];

fn settings(fleet: &Sandbox) -> Settings {
    let mut settings = load_without_file(&Given::default()).unwrap();
    settings.context = Context { name: "demo".into(), protected: false };
    settings.mode = Mode::Ask;
    for url in &fleet.scrape_urls {
        let mut target = Target::exposition(&url.url).unwrap();
        target.interval = INTERVAL;
        target.job.clone_from(&url.job);
        settings.scrape.push(target);
    }
    settings.providers.push(ProviderSettings {
        name: "sandbox".into(),
        url: fleet.provider_url.clone(),
        token: Some(Credential::Value(Secret::new(fleet.token.clone()))),
        ca_file: None,
    });
    // So little that every autoscaled workload asks for more at once.
    let capacity = Some(15.0);
    settings.services = vec![ServiceRule { name: "*".into(), capacity, ..ServiceRule::default() }];
    settings
}

/// Views as they came, over as long as is counted.
async fn views() -> Vec<Arc<View>> {
    let scenario = Scenario::named("morning-ramp").unwrap();
    let clock = Clock::accelerated(scenario.start, SPEED);
    let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
    let tuning = Tuning { tick: INTERVAL, platforms: INTERVAL, ..Tuning::default() };
    let options = Options { clock, tuning, pacing: Pacing::default(), simulated: "test".into() };
    let engine = engine::start(settings(&fleet), options).await.unwrap();
    let mut view = engine.view.clone();
    let open = |v: &Arc<View>| v.proposals.data.iter().any(|p| p.not_approvable.is_none());
    let first = view.wait_for(open).await.unwrap().clone();
    let mut views = vec![first];
    // Each may be due a picture late.
    while views.last().unwrap().at.since(views[0].at) < (DUE + INTERVAL * 2) * TIMES {
        view.changed().await.unwrap();
        views.push(view.borrow_and_update().clone());
    }
    engine.stop().await;
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_screen_is_sent_little_counting_what_comes_when_it_is_due() {
    let views = tokio::time::timeout(Duration::from_secs(120), views()).await.unwrap();
    let panels: BTreeSet<String> = PANELS.iter().map(|(panel, _)| (*panel).to_owned()).collect();
    let at = |view: &View| Monotonic::default().plus(view.at.since(views[0].at));
    let mut round = Round::after(&Round::default(), &views[0], &[], &panels, at(&views[0])).unwrap();
    let mut sent = PANELS.map(|_| (0, 0, 0));
    let mut seconds = 0.0;
    for view in &views[1..] {
        let next = Round::after(&round, view, &[], &panels, at(view)).unwrap();
        for ((panel, _), (all, due, times)) in PANELS.iter().zip(&mut sent) {
            let (before, now) = (round.at(panel), next.at(panel));
            let bytes = now.from(Some(&before)).unwrap().len();
            *all += bytes;
            if now.full != before.full {
                (*due, *times) = (*due + bytes, *times + 1);
            }
        }
        round = next;
        seconds = view.at.since(views[0].at).as_secs_f64();
        if sent.iter().all(|(.., times)| *times == TIMES) {
            break;
        }
    }
    println!("{seconds:.0} s of {} pictures", views.len());
    for ((panel, most), (all, due, times)) in PANELS.into_iter().zip(sent) {
        let mean = all as f64 / seconds;
        println!(
            "panel {panel}: {mean:.1} bytes/s, {:.1} of it what comes when it is due, {} bytes each time",
            due as f64 / seconds,
            due / times.max(1) as usize
        );
        assert_eq!(times, TIMES, "everything comes once in each interval");
        assert!(mean < most, "panel {panel}: {mean} bytes/s");
    }
}
