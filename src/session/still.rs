//! What screens that stand still are sent, with what comes when it is due: the views of a simulated fleet, each at its own time,
//! so that minutes need not be waited for.

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
use super::sight::Sight;

/// How much faster than the machine's clock the fleet is.
const SPEED: f64 = 30.0;
/// New values come so often, in the fleet's time.
const INTERVAL: Duration = Duration::from_secs(10);
/// So long is looked at, in the fleet's time; then comes what is due.
const LOOKED: Duration = Duration::from_secs(280);
/// Panels, with the most that a screen there may be sent, bytes a second with what comes when it is due: half as much again as
/// the most that was measured.
const PANELS: [(&str, f64); 3] = [("1", 140.0), ("2", 100.0), ("7", 20.0)];

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
    while views.last().unwrap().at.since(views[0].at) < LOOKED {
        view.changed().await.unwrap();
        views.push(view.borrow_and_update().clone());
    }
    engine.stop().await;
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_screen_is_sent_little_counting_what_comes_when_it_is_due() {
    let views = tokio::time::timeout(Duration::from_secs(120), views()).await.unwrap();
    let sights: BTreeSet<Sight> = PANELS.iter().map(|(panel, _)| Sight::from(*panel)).collect();
    let at = |view: &View| Monotonic::default().plus(view.at.since(views[0].at));
    let mut round = Round::after(&Round::default(), &views[0], &[], &sights, at(&views[0])).unwrap();
    let mut sent = PANELS.map(|_| 0);
    for view in &views[1..] {
        let next = Round::after(&round, view, &[], &sights, at(view)).unwrap();
        for ((panel, _), all) in PANELS.iter().zip(&mut sent) {
            let (before, now) = (round.at(&Sight::from(*panel)), next.at(&Sight::from(*panel)));
            assert_eq!(now.full, before.full, "nothing is due yet");
            *all += now.from(Some(&before)).unwrap().len();
        }
        round = next;
    }
    let last = views.last().unwrap();
    let due = Round::after(&round, last, &[], &sights, at(last).plus(DUE)).unwrap();
    let seconds = last.at.since(views[0].at).as_secs_f64();
    println!("{seconds:.0} s of {} pictures", views.len());
    for ((panel, most), all) in PANELS.into_iter().zip(sent) {
        let (before, now) = (round.at(&Sight::from(panel)), due.at(&Sight::from(panel)));
        assert_ne!(now.full, before.full, "everything comes once in each interval");
        let bytes = now.from(Some(&before)).unwrap().len();
        let (still, rest) = (all as f64 / seconds, bytes as f64 / DUE.as_secs_f64());
        println!(
            "panel {panel}: {:.1} bytes/s, {rest:.1} of it what comes when it is due, {bytes} bytes each time",
            still + rest
        );
        assert!(still + rest < most, "panel {panel}: {still} and {rest} bytes/s");
    }
}
