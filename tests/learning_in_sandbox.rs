//! What people's decisions and operations teach, end to end on a simulated fleet: a journal with earlier operations is read
//! back, a raise is drawn in the steps that lost least, approved and made in them, and after a restart the program tells the
//! approval rate, the worth and the next raise's steps that the formulas give of what the journal holds.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod fleet;

use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use fleet::{Ports, options};
use serde_json::{Value, json};
use tokio::time::timeout;
use weescale::clock::Clock;
use weescale::config::{ServiceRule, Settings};
use weescale::engine::{self, EngineHandle};
use weescale::execution::OperationId;
use weescale::journal::{Entry, Journal, Kind, Record};
use weescale::learning::{Stagings, UTILITY_FEWEST};
use weescale::outcome::{Figures, Outcome, OutcomeVerdict, Response, Span};
use weescale::plan::Dimension;
use weescale::proposal::{Chosen, Proposal, ProposalId, Staging};
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::series::Timestamp;
use weescale::session::{Service, ServiceOptions, serve};

/// Fifteen days are read back before there is a forecast, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a minute short costs, $.
const MINUTE: f64 = 2.0;
/// Earlier raises at once, each nine minutes short, and as many in three steps, none of them short.
const EARLIER: u32 = 25;
/// Raises that are made at the same time, each of another workload.
const LIVE: usize = 3;
/// Services that were raised before, each in one region; the first is the one whose operations were priced.
const SERVICES: [(&str, &str); 4] = [
    ("shop/checkout", "shop/checkout@eu-west"),
    ("shop/cart", "shop/cart@eu-west"),
    ("find/catalog", "find/catalog@eu-west"),
    ("platform/identity", "platform/identity@eu-west"),
];

fn steps() -> Staging {
    Staging::configured(&[25, 50, 100], Duration::ZERO).unwrap()
}

fn earlier(number: u32, service: usize, now: Timestamp) -> Figures {
    let at_once = number < EARLIER;
    let span = Span {
        requests: 10_000.0,
        failed: 0.0,
        minutes: 30,
        demand: Some(200.0),
        ready: Some(4.0),
        ready_most: Some(4.0),
        p95: Some(0.1),
        utilisation: Some(0.5),
        full_load: Some(400.0),
        affinity: None,
    };
    let name = 900 + number + 100 * service as u32;
    let started = now - Duration::from_secs(3600 * u64::from(2 * EARLIER + 1 - number));
    Figures {
        operation: OperationId::new(&format!("op-{name}")),
        proposal: Some(ProposalId::new(&format!("p-{name}"))),
        staging: (!at_once).then(steps),
        workload: SERVICES[service].1.parse().unwrap(),
        started,
        until: started + Duration::from_secs(900),
        dimension: Dimension::Horizontal,
        from: 4,
        to: 6,
        kept: true,
        before: span.clone(),
        during: span.clone(),
        after: span,
        per_replica: Some(60.0),
        p95_expected: None,
        p95_shift: None,
        response: Some(Response { seconds: if at_once { 540.0 } else { 0.0 }, still_short: false }),
        phases: vec![],
        overhead: None,
        verdict: Some(OutcomeVerdict::AsExpected),
    }
}

/// What the operation of a number was worth, $: minutes avoided at their price, less what it cost.
fn dollars(number: u32) -> f64 {
    MINUTE * f64::from(4 + number) - 1.5
}

/// A journal of operations that settled before.
fn seed(path: &Path, now: Timestamp) {
    let mut entries = Vec::new();
    let all = (0..SERVICES.len()).flat_map(|service| (0..2 * EARLIER).map(move |number| (service, number)));
    for (service, number) in all {
        let figures = earlier(number, service, now);
        let outcome = Outcome {
            operation: figures.operation.clone(),
            workload: figures.workload.clone(),
            at: figures.until,
            settled: true,
            verdict: OutcomeVerdict::AsExpected,
            summary: "as expected".into(),
            comparisons: vec![],
        };
        let mut body = serde_json::to_value(&outcome).unwrap();
        body["figures"] = serde_json::to_value(&figures).unwrap();
        entries.push(Entry::new(Kind::Outcome, "as expected", body));
        if service == 0 && number < UTILITY_FEWEST as u32 {
            let row = json!({
                "proposal": figures.proposal, "workload": figures.workload, "created": figures.started,
                "decision": "approved by ann", "from": 4, "to": 6, "minutes_short": 0.0, "minutes_short_with": 1.0,
                "minutes_short_without": 5.0 + f64::from(number), "cost": 1.5, "hours": 1.0, "settled": true,
                "needed": true,
            });
            entries.push(Entry::new(Kind::Score, "a score", row));
        }
    }
    Journal::open(path).unwrap().append(now - Duration::from_secs(3600), &entries).unwrap();
}

/// The program on the engine's socket: whether it went well, and what it printed.
async fn ask(socket: &Path, args: &[&str]) -> (bool, String) {
    let (socket, args) = (socket.to_owned(), args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
    let run = move || {
        process::Command::new(env!("CARGO_BIN_EXE_weescale"))
            .args(&args)
            .arg("--socket")
            .arg(&socket)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

struct Run {
    engine: EngineHandle,
    service: Service,
}

impl Run {
    async fn start(settings: &Settings, clock: &Clock, folder: &Path) -> Self {
        let engine = engine::start(settings.clone(), options(clock.clone())).await.unwrap();
        let socket: PathBuf = folder.join("run/engine.sock");
        let (clock, name_of) = (clock.clone(), engine::name_of);
        let service = ServiceOptions { socket, groups: vec![], learners: vec![], clock, name_of };
        let service = serve(service, engine.view.clone(), engine.wishes.clone()).unwrap();
        Self { engine, service }
    }

    async fn status(&self) -> Value {
        let (fine, text) = ask(self.service.socket(), &["status", "--format", "json"]).await;
        assert!(fine, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the program's status `holds`.
    async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let waits = async {
            loop {
                let status = self.status().await;
                if holds(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let found = timeout(PATIENCE, waits).await;
        let now = if found.is_err() { self.status().await } else { Value::Null };
        assert!(found.is_ok(), "no {what}: {:#}", now["proposals"]);
        found.unwrap()
    }

    async fn stop(self) {
        drop(self.service);
        self.engine.stop().await;
    }
}

/// Open proposals that raise one of the services and can be approved.
fn raises(status: &Value) -> Vec<&Value> {
    let all = status["proposals"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let of =
        |p: &&Value| p["workload"].as_str().is_some_and(|w| SERVICES.iter().any(|(s, _)| w.starts_with(s)));
    let up = |p: &&Value| p["to"].as_u64() > p["from"].as_u64() && p["not_approvable"].is_null();
    all.iter().filter(of).filter(up).collect()
}

/// The operation of a proposal.
fn operation_of<'a>(status: &'a Value, proposal: &str) -> Option<&'a Value> {
    status["operations"].as_array()?.iter().find(|o| o["proposal"] == proposal)
}

fn utility(status: &Value) -> Option<&Value> {
    status["utilities"]
        .as_array()?
        .iter()
        .find(|u| u["service"] == SERVICES[0].0 && u["dimension"] == "horizontal")
}

/// Beta(α, β) of decisions by level: each level's prior is the mean of the one above without it, worth eight decisions; the
/// highest starts from even odds worth two.
fn beta_of(before: &Value) -> (f64, f64) {
    let of = |level: &str| {
        let votes = &before[level];
        (votes["yes"].as_f64().unwrap(), votes["no"].as_f64().unwrap())
    };
    let (here, team, all) = (of("here"), of("team"), of("all"));
    let inner = if team.0 + team.1 >= here.0 + here.1 { team } else { here };
    let everybody = (all.0 - inner.0 + 1.0) / (all.0 - inner.0 + all.1 - inner.1 + 2.0);
    let (yes, no) = (inner.0 - here.0, inner.1 - here.1);
    let others = (yes + 8.0 * everybody) / (yes + no + 8.0);
    (here.0 + 8.0 * others, here.1 + 8.0 * (1.0 - others))
}

fn near(value: &Value, wanted: f64) -> bool {
    value.as_f64().is_some_and(|v| (v - wanted).abs() < 0.006)
}

/// Of the journal: figures of operations, by the order in which they were kept, and when.
fn figures(journal: &Journal) -> Vec<(Timestamp, Figures)> {
    let records = journal.of_kinds(&[Kind::Outcome]).unwrap();
    let read = |r: Record| Some((r.at, serde_json::from_value(r.body["figures"].clone()).ok()?));
    records.into_iter().filter_map(read).collect()
}

/// The journal, once the engine has given it up: a moment after it has stopped.
async fn opened(path: &Path) -> Journal {
    let opens = async {
        loop {
            match Journal::open(path) {
                Ok(journal) => return journal,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    timeout(PATIENCE, opens).await.unwrap()
}

/// That the steps of a proposal are those that the record and its own hash give.
fn check_steps(journal: &Journal, made: &Value) {
    let records = journal.of_kinds(&[Kind::Propose]).unwrap();
    let read = |r: &Record| serde_json::from_value::<Proposal>(r.body["proposal"].clone()).ok();
    let proposal = records.iter().rev().filter_map(read).find(|p| made["id"] == p.id.to_string()).unwrap();
    assert_eq!(serde_json::to_value(&proposal.staging).unwrap(), made["stages"], "as it is recorded");
    let staging = proposal.staging.clone().unwrap();
    let plain = Proposal { staging: None, ..proposal.clone() };
    let seed = u64::from_str_radix(&plain.hash()[..16], 16).unwrap();
    assert_eq!(staging.seed, seed, "drawn with the hash of what is proposed");
    let held = figures(journal);
    let way = (proposal.change.from, proposal.change.to);
    let room = (Duration::from_secs(86_400), Duration::from_secs(1));
    let before: Vec<&Figures> =
        held.iter().filter(|(at, _)| *at < proposal.created).map(|(_, figures)| figures).collect();
    let drawn = Stagings::of(before.into_iter()).choose(&proposal.workload, way, room, seed).unwrap();
    assert_eq!((&drawn.shares, drawn.wait, drawn.n), (&staging.shares, staging.wait, staging.n));
}

fn is_staged(p: &Value) -> bool {
    !p["stages"].is_null()
}

/// Approves a raise of none of these workloads as it is shown, the first in steps: it, its operation, and how many were approved.
/// On a busy machine no source may be fresh at that very moment: then it is not begun, and the next one is approved.
async fn approved(run: &Run, busy: &[Value]) -> (Value, String, u64) {
    let mut approved = 0;
    let free = |p: &&Value| (is_staged(p) || !busy.is_empty()) && !busy.contains(&p["workload"]);
    loop {
        let status = run.until("raise", |s| raises(s).iter().any(&free)).await;
        let made = raises(&status).into_iter().find(free).unwrap().clone();
        let (id, hash) = (made["id"].as_str().unwrap(), made["hash"].as_str().unwrap());
        // Another may have taken its place meanwhile.
        if !ask(run.service.socket(), &["approve", id, "--hash", hash]).await.0 {
            continue;
        }
        approved += 1;
        let begun = |s: &Value| {
            operation_of(s, id).is_some_and(|o| o["stage"].as_u64() > Some(1) || o["state"] != "inflight")
        };
        let status = run.until("operation", begun).await;
        let operation = operation_of(&status, id).unwrap();
        if operation["state"] != "cancelled" {
            return (made.clone(), operation["id"].as_str().unwrap().to_owned(), approved);
        }
        assert!(approved < 5, "{operation:#}");
    }
}

/// Rejects a raise.
async fn rejected(run: &Run) {
    loop {
        let status = run.until("raise to reject", |s| !raises(s).is_empty()).await;
        let id = raises(&status)[0]["id"].as_str().unwrap().to_owned();
        if ask(run.service.socket(), &["reject", &id, "--reason", "too-costly"]).await.0 {
            return;
        }
    }
}

/// Whether an operation was made in the steps that were shown, or in the last of them where it is told that there was no time
/// for more: a machine that stalls for a second stalls the fleet for half a minute of its time.
fn is_made_as_shown(operation: &Value, shown: &Value) -> bool {
    if operation["steps"] == *shown {
        return true;
    }
    let steps = |of: &Value| serde_json::from_value::<Staging>(of.clone()).ok();
    let (Some(made), Some(shown)) = (steps(&operation["steps"]), steps(shown)) else { return false };
    made.chosen == Chosen::Hastened
        && made.shares.len() < shown.shares.len()
        && shown.shares.ends_with(&made.shares)
        && (made.seed, made.n) == (shown.seed, shown.n)
}

/// Waits for what came of an operation, made in the steps that were approved: those it was made in.
async fn settled(run: &Run, made: &Value, operation: &str) -> Value {
    let mut views = run.engine.view.clone();
    let settled =
        views.wait_for(|v| v.outcomes.iter().any(|o| o.settled && o.operation.as_str() == operation));
    timeout(PATIENCE, settled).await.unwrap().unwrap();
    let status = run.status().await;
    let told = operation_of(&status, made["id"].as_str().unwrap()).unwrap();
    assert_eq!(told["state"], "done", "{told:#}");
    assert!(is_made_as_shown(told, &made["stages"]), "{} was shown: {told:#}", made["stages"]);
    told["steps"].clone()
}

/// That the worth of operations, how people decided and the next raise are told as the formulas give them; the raise.
async fn told(run: &Run, mean: f64, decided: (u64, u64)) -> Value {
    let all = |s: &Value| raises(s).iter().any(|p| is_staged(p)) && utility(s).is_some();
    let status = run.until("raise in steps and worth", all).await;
    let next = raises(&status).into_iter().find(|p| is_staged(p)).unwrap().clone();
    assert_eq!(utility(&status).unwrap()["n"], UTILITY_FEWEST);
    assert!(near(&utility(&status).unwrap()["expected"], mean), "{:?} is not {mean}", utility(&status));
    let approvals = status["approvals"].as_array().unwrap();
    let sum = |of: &str| approvals.iter().filter_map(|a| a[of].as_u64()).sum::<u64>();
    assert_eq!((sum("yes"), sum("no")), decided, "{approvals:?}");
    let before = &next["approved_before"];
    if decided.0 + decided.1 > 0 {
        let (alpha, beta) = beta_of(before);
        assert!(
            near(&before["alpha"], alpha) && near(&before["beta"], beta),
            "{before} is not {alpha} {beta}"
        );
        assert!(near(&before["expected"], alpha / (alpha + beta)), "{before}");
    }
    next
}

/// A simulated fleet that is short of capacity later in the day, and how to run it.
async fn world(folder: &Path) -> (Sandbox, Settings, Clock) {
    let scenario = Scenario::named("morning-ramp").unwrap();
    let clock = Clock::accelerated(scenario.start, 30.0);
    let simulated = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
    let ports = Ports {
        scrape: simulated.scrape_urls.iter().map(|u| (u.job.clone(), u.url.clone())).collect(),
        history: Some(simulated.history_url.clone()),
        provider: simulated.provider_url.clone(),
        token: simulated.token.clone(),
        objectives: vec![],
        regions: vec![],
    };
    let mut settings = ports.settings(Some(folder.join("journal.db")));
    let (capacity, short_cost) = (Some(120.0), Some(MINUTE));
    settings.services =
        vec![ServiceRule { name: "*".into(), capacity, short_cost, ..ServiceRule::default() }];
    (simulated, settings, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_worth_and_steps_are_what_the_journal_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (_simulated, settings, clock) = world(folder.path()).await;
    seed(&path, clock.now());
    let machine = Clock::real();
    let begin = machine.monotonic();
    let elapsed = || machine.monotonic().since(begin).as_secs_f64();
    // What five operations were worth: their sum over one more than there are, as the prior counts for one.
    let mean = (0..UTILITY_FEWEST as u32).map(dollars).sum::<f64>() / (UTILITY_FEWEST + 1) as f64;

    let run = Run::start(&settings, &clock, folder.path()).await;
    told(&run, mean, (0, 0)).await;
    let (mut live, mut yes, mut busy) = (Vec::new(), 0, Vec::new());
    while live.len() < LIVE {
        let (made, operation, more) = approved(&run, &busy).await;
        println!("{:.0} s: {} approved in {}", elapsed(), made["reason"], made["stages"]);
        yes += more;
        busy.push(made["workload"].clone());
        live.push((made, operation));
    }
    rejected(&run).await;
    let mut steps = Vec::new();
    for (made, operation) in &live {
        steps.push(settled(&run, made, operation).await);
        println!("{:.0} s: {operation} settled", elapsed());
    }
    run.stop().await;
    let journal = opened(&path).await;
    let held = figures(&journal);
    for ((made, operation), steps) in live.iter().zip(&steps) {
        if is_staged(made) {
            check_steps(&journal, made);
        }
        let (_, own) = held.iter().find(|(_, f)| f.operation.as_str() == operation).unwrap();
        assert_eq!(serde_json::to_value(&own.staging).unwrap(), *steps, "booked with its steps");
    }
    drop(journal);

    // All of it again, from the journal alone.
    let run = Run::start(&settings, &clock, folder.path()).await;
    let next = told(&run, mean, (yes, 1)).await;
    run.stop().await;
    check_steps(&opened(&path).await, &next);
    println!("{:.0} s in all; next {}", elapsed(), next["stages"]);
}
