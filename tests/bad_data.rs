//! Missing data is not zero demand: thirteen kinds of bad data, on one target and on all, never lower anything, and
//! low demand that is really there still does.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod fleet;
#[path = "fleet/ports.rs"]
mod ports;
#[path = "fleet/wire.rs"]
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::options;
use weescale::clock::Clock;
use weescale::engine;
use weescale::plan::Verdict;
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::view::View;

const SPEED: f64 = 40.0;
/// Workloads whose replicas nobody else decides: the only ones a scale-in is ever proposed for.
const OURS: [&str; 2] = ["find/catalog@eu-west", "find/recommend@us-east"];

/// A kind of bad data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    Absent,
    NotANumber,
    Infinite,
    StaleMarker,
    Zero,
    Status500,
    EmptyBody,
    Html,
    Timeout,
    Negative,
    CounterReset,
    Truncated,
    UnitThousandth,
}

const ALL: [Bad; 13] = [
    Bad::Absent,
    Bad::NotANumber,
    Bad::Infinite,
    Bad::StaleMarker,
    Bad::Zero,
    Bad::Status500,
    Bad::EmptyBody,
    Bad::Html,
    Bad::Timeout,
    Bad::Negative,
    Bad::CounterReset,
    Bad::Truncated,
    Bad::UnitThousandth,
];

/// Replaces the value of every sample of traffic.
fn values(body: &str, new: impl Fn(f64) -> String) -> String {
    let traffic = ["http_", "haproxy_", "container_cpu"];
    body.lines()
        .map(|line| match line.rsplit_once(' ') {
            Some((name, value)) if traffic.iter().any(|t| line.starts_with(t)) => {
                format!("{name} {}\n", new(value.parse().unwrap_or(0.0)))
            }
            _ => format!("{line}\n"),
        })
        .collect()
}

fn spoil(bad: Bad, (status, body): (u16, String)) -> wire::Answer {
    let ok = |body: String| Some((status, body));
    match bad {
        Bad::Absent => ok(body.lines().filter(|l| !l.contains("http_")).map(|l| format!("{l}\n")).collect()),
        Bad::NotANumber => ok(values(&body, |_| "NaN".into())),
        Bad::Infinite => ok(values(&body, |_| "+Inf".into())),
        // What a server sends where a series ended: a NaN; the text format has no other way to say it.
        Bad::StaleMarker => ok(values(&body, |_| "nan".into())),
        Bad::Zero => ok(values(&body, |_| "0".into())),
        Bad::Status500 => Some((500, "the exporter cannot reach its target\n".into())),
        Bad::EmptyBody => ok(String::new()),
        Bad::Html => ok("<!DOCTYPE html><html><body>Please sign in</body></html>\n".into()),
        Bad::Timeout => None,
        Bad::Negative => ok(values(&body, |v| (-v).to_string())),
        Bad::CounterReset => ok(values(&body, |v| (v * 0.001).floor().to_string())),
        Bad::Truncated => {
            let half = body.char_indices().nth(body.chars().count() / 2).map_or(0, |(i, _)| i);
            ok(body.get(..half).unwrap_or_default().to_owned())
        }
        Bad::UnitThousandth => ok(values(&body, |v| (v / 1000.0).to_string())),
    }
}

/// An engine whose scrapes pass a proxy that spoils what `fault` says, for paths that contain its text.
struct Rig {
    fault: Arc<Mutex<Option<(Bad, &'static str)>>>,
    engine: engine::EngineHandle,
    clock: Clock,
    _fleet: Sandbox,
}

/// Requests a second one replica holds, so that what is there is just needed.
const TIGHT: [Option<f64>; 2] = [Some(155.0), Some(70.0)];

async fn start(capacity: [Option<f64>; 2]) -> Rig {
    let scenario = Scenario::named("calm").unwrap();
    let clock = Clock::accelerated(scenario.start, SPEED);
    let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
    let fault: Arc<Mutex<Option<(Bad, &'static str)>>> = Arc::default();
    let held = Arc::clone(&fault);
    let between: wire::Between = Arc::new(move |request, answer| {
        let fault = *held.lock().unwrap();
        match fault {
            Some((bad, part)) if request.line().1.contains(part) => spoil(bad, answer),
            _ => Some(answer),
        }
    });
    let upstream = fleet.base_url.trim_start_matches("http://").to_owned();
    let proxy = wire::proxy(upstream, between).await;
    let mut ports = ports::ports(&fleet);
    for (_, url) in &mut ports.scrape {
        *url = url.replace(&fleet.base_url, &proxy);
    }
    let mut settings = ports.settings(None);
    for (name, capacity) in OURS.iter().zip(capacity) {
        for rule in settings.services.iter_mut().filter(|r| r.name == *name) {
            rule.capacity = capacity;
        }
    }
    let mut options = options(clock.clone());
    options.tuning.backfill = Duration::from_secs(3 * 86_400);
    let engine = engine::start(settings, options).await.unwrap();
    Rig { fault, engine, clock, _fleet: fleet }
}

impl Rig {
    async fn next(&mut self) -> Arc<View> {
        let wait = tokio::time::timeout(Duration::from_secs(60), self.engine.view.changed()).await;
        wait.expect("a view within a minute").expect("the engine runs");
        self.engine.view.borrow_and_update().clone()
    }

    /// Looks at every view until `done` or for `seconds` of simulated time; whether it was done.
    async fn look(&mut self, seconds: u64, mut done: impl FnMut(&View) -> bool) -> bool {
        let end = self.clock.now() + Duration::from_secs(seconds);
        while self.clock.now() < end {
            if done(&*self.next().await) {
                return true;
            }
        }
        false
    }

    /// The first lowering within `seconds`, if any.
    async fn first_lowered(&mut self, seconds: u64) -> Option<String> {
        let mut wrong = None;
        self.look(seconds, |view| {
            wrong = lowered(view);
            wrong.is_some()
        })
        .await;
        wrong
    }
}

fn lowered(view: &View) -> Option<String> {
    let verdict =
        view.services.data.iter().find(|r| matches!(&r.verdict, Verdict::Change(c) if c.to < c.from));
    let live = |p: &&weescale::view::ProposalView| {
        p.proposal.state.is_live() && p.proposal.change.to < p.proposal.change.from
    };
    let proposal = view.proposals.data.iter().find(live).map(|p| p.proposal.sentence.clone());
    verdict.map(|r| format!("{} at demand {:?}: {:?}", r.workload, r.demand, r.verdict)).or(proposal)
}

fn ready(view: &View) -> bool {
    let fan = |name: &&str| {
        let mut all = view.forecasts.data.iter();
        all.any(|f| f.workload.to_string() == **name && f.forecast.fan().is_some())
    };
    OURS.iter().all(fan)
}

async fn spoiled(kinds: &[Bad]) {
    for bad in kinds {
        let mut rig = start(TIGHT).await;
        assert!(rig.look(2400, ready).await, "{bad:?}: fans before the fault");
        // Long enough that the first minutes no longer stand against a scale-in by themselves.
        let wrong = rig.first_lowered(660).await;
        assert_eq!(wrong, None, "{bad:?} before");
        for part in ["/metrics/app/eu-west", "/metrics/"] {
            *rig.fault.lock().unwrap() = Some((*bad, part));
            let wrong = rig.first_lowered(150).await;
            assert_eq!(wrong, None, "{bad:?} at {part}");
        }
        // And back: what comes right after an outage is no more to be trusted.
        *rig.fault.lock().unwrap() = None;
        let wrong = rig.first_lowered(60).await;
        assert_eq!(wrong, None, "{bad:?} after");
        rig.engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_numbers_lower_nothing() {
    spoiled(&ALL[..4]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_answers_lower_nothing() {
    spoiled(&ALL[4..9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_counters_lower_nothing() {
    spoiled(&ALL[9..]).await;
}

/// The same fleet with the same demand, whose replicas hold as much as they really do: too many of them.
#[tokio::test(flavor = "multi_thread")]
async fn real_low_demand_is_proposed() {
    let mut rig = start([None; 2]).await;
    let proposed = rig
        .look(2400, |view| {
            let mut live = view.proposals.data.iter().filter(|p| p.proposal.state.is_live());
            live.any(|p| {
                p.proposal.workload.to_string() == OURS[0] && p.proposal.change.to < p.proposal.change.from
            })
        })
        .await;
    assert!(proposed, "real, fresh, low demand gets its scale-in");
    rig.engine.stop().await;
}
