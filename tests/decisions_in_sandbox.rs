//! What the decision engine learns and plans live, on a simulated fleet over real HTTP: lead time from pods, how replicas
//! scale, fans within their budget, and the plan of the day, on the screen and from the command line.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod fleet;

use std::collections::BTreeSet;
use std::process;
use std::time::Duration;

use fleet::{Ports, options};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::timeout;
use weescale::clock::Clock;
use weescale::config::ServiceRule;
use weescale::engine::{self, EngineHandle};
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::session::{ServiceOptions, serve};
use weescale::view::{Caller, Command, Part, Person, View, Wish, day_hash};

/// Fifteen days are read back and a dozen services fitted before there is a plan, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn is_planned(view: &View) -> bool {
    let days = view.forecasts.data.iter().filter(|f| f.day.is_some()).count();
    let pods = view.services.data.iter().any(|s| s.lead.from.contains("pods seen to start"));
    days >= 3 && pods && view.forecasting.fans > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_is_planned_by_what_was_learned() {
    let scenario = Scenario::named("morning-ramp").unwrap();
    let clock = Clock::accelerated(scenario.start, 20.0);
    let simulated = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports {
        scrape: simulated.scrape_urls.iter().map(|u| (u.job.clone(), u.url.clone())).collect(),
        history: Some(simulated.history_url.clone()),
        provider: simulated.provider_url.clone(),
        token: simulated.token.clone(),
        objectives: vec![],
        regions: vec![],
    };
    let mut settings = ports.settings(None);
    let capacity = Some(15.0);
    settings.services = vec![ServiceRule { name: "*".into(), capacity, ..ServiceRule::default() }];
    let engine = engine::start(settings, options(clock.clone())).await.unwrap();
    let socket = folder.path().join("run/engine.sock");
    let name_of = engine::name_of;
    let service = ServiceOptions { socket, groups: vec![], learners: vec![], clock, name_of };
    let service = serve(service, engine.view.clone(), engine.wishes.clone()).unwrap();
    let mut views = engine.view.clone();
    let planned = timeout(PATIENCE, views.wait_for(|v| is_planned(v))).await;
    let view = planned.unwrap_or_else(|_| panic!("no plan: {:#?}", engine.view.borrow().forecasts.state));
    let view = view.unwrap().clone();
    for day in view.forecasts.data.iter().filter_map(|f| f.day.as_ref()) {
        assert!(day.decisions() <= 6 && day.steps.len() <= 6, "{day:?}");
        assert!(day.loss() >= 0.0 && day.planned_hours >= day.needed_hours - 1e-9, "{day:?}");
        assert!(day.steps.windows(2).all(|w| w[0].to == w[1].from), "{day:?}");
        let lead = view.services.data.iter().find(|s| s.workload == day.workload).unwrap().lead.total;
        assert!(day.steps.iter().all(|s| s.from.since(s.decide_by) <= lead.max(Duration::from_secs(900))));
    }
    // The sandbox says when each pod was placed, started and became ready.
    let lead = view.services.data.iter().map(|s| &s.lead).find(|l| l.from.contains("pods seen")).unwrap();
    let known: Vec<Part> = lead.parts.iter().map(|(part, _)| *part).collect();
    assert!(known.contains(&Part::Schedule) && known.contains(&Part::Ready), "{}", lead.sentence());
    assert!(
        lead.total > Duration::from_secs(5) && lead.total < Duration::from_secs(1800),
        "{}",
        lead.sentence()
    );
    let load = view.forecasting;
    assert!(load.fits > 0 && load.fits <= load.fans && load.oldest.is_some(), "{load:?}");
    let socket = service.socket().to_owned();
    let printed = tokio::task::spawn_blocking(move || {
        let run = |format: &str| {
            process::Command::new(env!("CARGO_BIN_EXE_weescale"))
                .args(["plan", "--format", format, "--socket"])
                .arg(&socket)
                .output()
                .unwrap()
        };
        (run("text"), run("json"))
    });
    let (text, json) = printed.await.unwrap();
    assert!(text.status.success(), "{}", String::from_utf8_lossy(&text.stderr));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("of 6 decisions") && text.contains("replicas"), "{text}");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let plans = json["plans"].as_array().unwrap();
    assert!(plans.len() >= 3 && plans.iter().all(|p| p["decisions"].as_u64().unwrap() <= 6), "{json}");
    carried_out_within_an_approved_day(&engine).await;
    engine.stop().await;
}

/// Whoever approves a day is not asked for its steps; another plan than the one that is known is refused.
async fn carried_out_within_an_approved_day(engine: &EngineHandle) {
    let person = engine.view.borrow().header.person.clone();
    let caller = Caller { person: Person { uid: 4242, name: person }, tty: "pts/9".into(), company: None };
    let ask = async |command: Command| {
        let (reply, answer) = oneshot::channel();
        engine.wishes.send(Wish { command, caller: caller.clone(), reply }).await.unwrap();
        answer.await.unwrap()
    };
    let mut views = engine.view.clone();
    let mut asked = BTreeSet::new();
    let carried = timeout(PATIENCE * 2, async {
        loop {
            let view = views.borrow_and_update().clone();
            let plans = view.forecasts.data.iter().filter(|f| f.approved_day.is_none());
            for day in plans.filter_map(|f| f.day.as_ref()).filter(|d| d.decisions() > 0) {
                let workload = day.workload.clone();
                if asked.insert(workload.clone()) {
                    let wrong =
                        Command::ApproveDay { workload: workload.clone(), hash: "other".into(), typed: None };
                    let refused = ask(wrong).await;
                    assert!(!refused.accepted && refused.text.contains("changed"), "{refused:?}");
                }
                // The plan may have moved on since this view: then it is asked for as it is now.
                ask(Command::ApproveDay { workload, hash: day_hash(day), typed: None }).await;
            }
            if let Some(operation) = view.operations.data.first() {
                return operation.clone();
            }
            views.changed().await.unwrap();
        }
    });
    let operation = carried.await.unwrap();
    let view = engine.view.borrow().clone();
    let day = view.forecasts.data.iter().find(|f| f.workload == operation.workload);
    let day = day.and_then(|f| f.approved_day.clone()).unwrap();
    let most = day.corridors.iter().map(|c| c.most).max().unwrap();
    assert!(operation.change.to <= most && operation.change.until.unwrap() <= day.ends(), "{operation:?}");
    let line = view.journal.iter().find(|l| l.text.contains("within the approved day"));
    assert!(line.is_some(), "{:#?}", view.journal);
    // Who stops one step wants to be asked for the next.
    let aborted = ask(Command::Abort(operation.id.clone())).await;
    assert!(aborted.accepted, "{aborted:?}");
    let ended = views.wait_for(|v| {
        let of = v.forecasts.data.iter().find(|f| f.workload == operation.workload);
        of.is_some_and(|f| f.approved_day.is_none())
    });
    let view = timeout(PATIENCE, ended).await.unwrap().unwrap().clone();
    let said = format!("{} was aborted by", operation.id);
    assert!(view.journal.iter().any(|l| l.text.contains(&said)), "{:#?}", view.journal);
}
