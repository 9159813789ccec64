//! One engine, many screens: the real engine on a simulated fleet, served over a real socket.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};
use weescale::engine;
use weescale::journal::Kind;
use weescale::proposal::RejectReason;
use weescale::series::{Quantity, Unit};
use weescale::session::{Desk, MOST_CLIENTS, PROTOCOL, attach};
use weescale::view::{Command, OperationId, ServiceRow, Spot, View, slim};
use world::{PATIENCE, Raw, World, approve, is_whole, service};

/// How a member of a view is painted, where a screen may be sent any number that is painted alike.
fn painted(of: &serde_json::Map<String, Value>, name: &str, value: &Value) -> Value {
    let unit = match name {
        "slack_dollars" => Some(Unit::DollarsPerHour),
        "values" => Some(Unit::RequestsPerSecond),
        "value" => of.get("unit").and_then(|unit| Unit::deserialize(unit).ok()),
        "requested" | "p50" | "p95" | "max" | "recommended" => {
            of.get("resource").map(|resource| if resource == "memory" { Unit::Bytes } else { Unit::Cores })
        }
        _ => None,
    };
    let text = |v: &Value| unit.zip(v.as_f64()).map(|(unit, v)| Quantity::new(v, unit).to_string().into());
    match value {
        Value::Array(each) => each.iter().map(|v| text(v).unwrap_or_else(|| v.clone())).collect(),
        one => text(one).unwrap_or_else(|| one.clone()),
    }
}

/// Where two views would be painted differently, and what they say there.
fn differing(at: &str, one: &Value, other: &Value) -> Vec<String> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let none = Value::Null;
            let each = |k: &String| {
                let [one, other] = [a, b].map(|of| painted(of, k, of.get(k).unwrap_or(&none)));
                differing(&format!("{at}/{k}"), &one, &other)
            };
            keys.into_iter().flat_map(each).collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let each = a.iter().zip(b).enumerate();
            each.flat_map(|(i, (a, b))| differing(&format!("{at}/{i}"), a, b)).collect()
        }
        (a, b) if a == b => Vec::new(),
        (a, b) => vec![format!("{at}: {a} against {b}")],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attached_screens_see_the_engines_own_view_and_who_else_is_there() {
    let world = World::start(None, &[]).await;
    let clock = world::clock();
    let begin = clock.monotonic();
    let mut link = attach(&world.socket(), false).await.unwrap();
    let took = clock.monotonic().since(begin);
    println!("first picture after {took:?}");
    assert!(took < Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 }), "{took:?}");
    timeout(PATIENCE, link.view.wait_for(|v| is_whole(v))).await.expect("the rest of it").unwrap();

    // The same tick on both sides: the same view to the last digit that is painted.
    let mut same = 0;
    let mut engine = world.engine.view.clone();
    while same < 3 {
        timeout(PATIENCE, engine.changed()).await.unwrap().unwrap();
        let sent = engine.borrow_and_update().clone();
        let Ok(Ok(received)) = timeout(Duration::from_secs(5), link.view.wait_for(|v| v.at >= sent.at)).await
        else {
            panic!("no picture of tick {}", sent.tick);
        };
        if received.at != sent.at {
            continue;
        }
        let plain = |view: &View| {
            let mut view = view.clone();
            (view.people, view.header.person, view.header.screen, view.tick) = (vec![], String::new(), 0, 0);
            // An age is painted in whole seconds.
            view.header.data_age = view.header.data_age.map(|age| Duration::from_secs(age.as_secs()));
            slim(&view).unwrap()
        };
        let differ = differing("", &plain(&sent), &plain(&received));
        assert!(differ.is_empty(), "{differ:#?}");
        same += 1;
    }

    let other = attach(&world.socket(), false).await.unwrap();
    let two = |v: &View| v.people.len() == 2;
    let seen = timeout(PATIENCE, link.view.wait_for(|v| two(v))).await.unwrap().unwrap().clone();
    let me = rustix::process::geteuid().as_raw();
    assert!(seen.people.iter().all(|p| p.uid == me && p.name == engine::name_of(me)), "{:?}", seen.people);
    assert_ne!(seen.people[0].screen, seen.people[1].screen);
    other.spot.send_modify(|spot| (spot.panel, spot.id) = ("6".into(), "p-1\u{1b}[2J".into()));
    let looks = |v: &View| v.people.iter().any(|p| p.spot.panel == "6" && p.spot.id.starts_with("p-1"));
    let seen = timeout(PATIENCE, link.view.wait_for(|v| looks(v))).await.unwrap().unwrap().clone();
    assert!(!format!("{:?}", seen.people).contains('\u{1b}'), "nobody drives another's terminal");
    drop(other);
    timeout(PATIENCE, link.view.wait_for(|v| v.people.len() == 1)).await.unwrap().unwrap();
    world.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_that_somebody_goes_to_shows_what_is_now_and_keeps_the_order_they_sort_by() {
    let mut world = World::start(None, &[]).await;
    world.proposal().await;
    let mut link = attach(&world.socket(), false).await.unwrap();
    timeout(PATIENCE, link.view.wait_for(|v| is_whole(v))).await.expect("all of it").unwrap();
    let age = |v: &View| v.services.data.iter().map(|s| s.demand.age).max().unwrap_or_default();
    let look =
        |panel: &str, sorted: &str| Spot { panel: panel.into(), sorted: sorted.into(), ..Spot::default() };
    // Nothing that panel 9 shows is of a service: what the screen knows of them becomes old.
    link.spot.send(look("9", "")).unwrap();
    let old = |v: &View| age(v) > Duration::from_secs(150);
    timeout(PATIENCE, link.view.wait_for(|v| old(v))).await.expect("it becomes old").unwrap();
    let clock = world::clock();
    let went = clock.monotonic();
    link.spot.send(look("3", "demand")).unwrap();
    let said =
        link.view.wait_for(|v| !old(v) || !v.header.link.is_empty()).await.unwrap().header.link.clone();
    assert!(said.is_empty() || said.contains("asking for what is now"), "{said}");
    let now = |v: &View| age(v) < Duration::from_secs(60) && v.header.link.is_empty();
    link.view.wait_for(|v| now(v)).await.unwrap();
    let took = clock.monotonic().since(went);
    println!("there after {took:?}, and until then: {said:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    // While it stands there, its rows come in the order of the engine's numbers, which it is not sent otherwise.
    let mut engine = world.engine.view.clone();
    let (mut orders, mut pictures) = (BTreeSet::new(), 0);
    while pictures < 25 {
        timeout(PATIENCE, engine.changed()).await.unwrap().unwrap();
        let sent = engine.borrow_and_update().clone();
        let received =
            timeout(PATIENCE, link.view.wait_for(|v| v.at >= sent.at)).await.unwrap().unwrap().clone();
        if received.at != sent.at {
            continue;
        }
        let ranked = |view: &View| {
            let of = |s: &ServiceRow| (s.demand.value.unwrap_or(f64::INFINITY), s.workload.clone());
            let mut rows: Vec<_> = view.services.data.iter().map(of).collect();
            rows.sort_by(|a, b| b.0.total_cmp(&a.0));
            rows
        };
        let truth =
            |name| sent.services.data.iter().find(|s| s.workload == name).and_then(|s| s.demand.value);
        let shown: Vec<f64> = ranked(&received).into_iter().filter_map(|(_, name)| truth(name)).collect();
        // Four digits are sent.
        assert!(shown.is_sorted_by(|a, b| a * 1.001 >= *b), "{shown:?}");
        orders.insert(ranked(&sent).into_iter().map(|(_, name)| name).collect::<Vec<_>>());
        pictures += 1;
    }
    println!("{} orders in {pictures} pictures", orders.len());
    assert!(orders.len() > 1, "they change places, or nothing was tried");
    world.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_other_versions_and_rubbish_are_refused_and_disturb_nobody() {
    let world = World::start(None, &[]).await;
    let socket = world.socket();
    let mut old = Raw::connect(&socket).await;
    old.send(&json!({ "protocol": 99, "version": "9.9.9\u{1b}[2J", "wants": { "odd": 1 } })).await;
    let refusal = old.message().await["refused"].as_str().unwrap().to_owned();
    assert!(refusal.contains("9.9.9") && refusal.contains(env!("CARGO_PKG_VERSION")), "{refusal}");
    assert!(refusal.contains("same version on both ends") && !refusal.contains('\u{1b}'), "{refusal}");
    assert!(old.frame().await.is_none(), "closed");

    let mut random = fastrand::Rng::with_seed(6);
    let deep = format!("{{\"wish\":{}", "[".repeat(40_000));
    let mut hostile: Vec<Vec<u8>> = vec![
        vec![0; 64],
        vec![0xff; 64],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        [&(deep.len() as u32 + 1).to_be_bytes()[..], b"M", deep.as_bytes()].concat(),
        b"\x00\x00\x00\x09W12345678".to_vec(),
        b"\x00\x00\x00\x02M{".to_vec(),
    ];
    hostile.extend((0..40).map(|_| (0..random.usize(1..200)).map(|_| random.u8(..)).collect()));
    for (i, bytes) in hostile.iter().enumerate() {
        // Half of them before the greeting, half after.
        let mut raw =
            if i % 2 == 0 { Raw::connect(&socket).await } else { Raw::greeted(&socket, "nothing").await };
        let _ = raw.0.write_all(bytes).await;
        let _ = raw.0.shutdown().await;
    }
    let mut liar = Raw::greeted(&socket, "nothing").await;
    liar.wish("1", &Command::Unattended).await;
    assert_eq!(liar.message().await["answer"]["answer"]["accepted"], false);

    // As many as there is room for, and one more who is told.
    let mut full = vec![liar];
    while full.len() < MOST_CLIENTS {
        let mut raw = Raw::connect(&socket).await;
        let version = env!("CARGO_PKG_VERSION");
        raw.send(&json!({ "protocol": PROTOCOL, "version": version, "wants": "nothing" })).await;
        // Those refused above may still be on their way out.
        if raw.message().await.get("welcome").is_some() {
            full.push(raw);
        }
    }
    let error = Desk::to_look(&socket, false).await.unwrap_err().to_string();
    assert!(error.contains("40 screens and tools"), "{error}");
    drop(full);
    let view = timeout(PATIENCE, async {
        loop {
            match Desk::to_look(&socket, false).await {
                Ok(mut desk) => return desk.view().await.unwrap(),
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    });
    assert_eq!(view.await.unwrap().header.context.name, "demo");
    world.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_that_stops_reading_slows_nobody_and_catches_up_in_one_step() {
    let mut world = World::start(None, &[]).await;
    world.proposal().await;
    let mut stopped = Raw::greeted(&world.socket(), "pictures").await;
    let mut link = attach(&world.socket(), false).await.unwrap();
    let first = link.view.borrow().tick;
    // Each refusal publishes a view: in all more than a socket's buffers hold, were every picture queued.
    let (clock, mut pictures) = (world::clock(), 0);
    let begin = clock.monotonic();
    while pictures < 60 && clock.monotonic().since(begin) < Duration::from_secs(25) {
        let none = Command::Pause(OperationId::new("none"));
        world.engine.commands.send(none).await.unwrap();
        timeout(Duration::from_secs(5), link.view.changed()).await.expect("the others go on").unwrap();
        pictures += 1;
    }
    let now = link.view.borrow_and_update().tick;
    println!("{pictures} pictures, ticks {first} to {now}, while one did not read");
    assert!(now > first + 3, "{first} to {now}");
    let (mut frames, mut bytes, mut latest) = (0, 0, 0);
    // Until it is up to date, it got far less than there was.
    while let Ok(Some((kind, body))) = timeout(Duration::from_millis(400), stopped.frame()).await {
        (frames, bytes) = (frames + 1, bytes + body.len());
        match kind {
            b'W' => latest = u64::from_be_bytes(body[..8].try_into().unwrap()),
            // So much further, in seven bits a byte.
            b'D' | b'T' => {
                let length = body[1..].iter().take_while(|b| **b & 0x80 != 0).count() + 1;
                latest += (0..length).map(|i| u64::from(body[1 + i] & 0x7f) << (7 * i)).sum::<u64>();
            }
            _ => {}
        }
    }
    println!("it then read {frames} frames, {bytes} bytes, up to picture {latest}");
    assert!(latest >= pictures, "up to date");
    assert!(frames + 3 < latest, "{frames} frames for {latest} pictures: all were queued");
    world.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_is_carried_out_once_whatever_becomes_of_the_client() {
    let mut world = World::start(None, &[]).await;
    let socket = world.socket();
    let p = world.proposal().await;
    // The same number twice: one decision, one answer.
    let mut raw = Raw::greeted(&socket, "nothing").await;
    raw.wish("7", &approve(&p)).await;
    raw.wish("7", &approve(&p)).await;
    let (one, two) = (raw.message().await, raw.message().await);
    assert_eq!((&one["answer"]["answer"]["accepted"], &one), (&json!(true), &two));
    // Another number: the decision stands already.
    let again = Desk::to_wish(&socket, false).await.unwrap().wish(approve(&p)).await.unwrap();
    assert!(!again.accepted, "{again:?}");
    // Of another hash: what was shown is not what is there.
    let q = world.proposal().await;
    let other = Command::Approve { proposal: q.proposal.id.clone(), hash: p.hash.clone(), typed: None };
    let stale = Desk::to_wish(&socket, false).await.unwrap().wish(other).await.unwrap();
    assert!(!stale.accepted && stale.text.contains("is not the hash"), "{stale:?}");
    // Killed right after sending.
    let mut killed = Raw::greeted(&socket, "nothing").await;
    killed.wish("8", &approve(&q)).await;
    drop(killed);
    timeout(PATIENCE, async {
        let gone = |v: &View| {
            !v.proposals.data.iter().any(|x| x.proposal.id == q.proposal.id && x.proposal.state.is_live())
        };
        world.engine.view.wait_for(|v| gone(v)).await.unwrap();
    })
    .await
    .expect("the wish of the killed client is carried out");
    let records = world.records(Kind::Approve).await;
    let id_of = |body: &Value| body["proposal"]["id"].as_str().unwrap().to_owned();
    let approved: Vec<String> = records.iter().map(|(_, body)| id_of(body)).collect();
    assert_eq!(approved, [p.proposal.id.to_string(), q.proposal.id.to_string()], "each once");
    let me = rustix::process::geteuid().as_raw();
    assert!(records.iter().all(|(user, body)| *user == engine::name_of(me) && body["caller"]["uid"] == me));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_engine_is_said_and_found_again_and_nothing_is_sent_later() {
    let mut world = World::start(None, &[]).await;
    let socket = world.socket();
    let p = world.proposal().await;
    let mut link = attach(&socket, false).await.unwrap();
    drop(world.service);
    let lost = |v: &View| v.header.link.starts_with("connection lost");
    timeout(PATIENCE, link.view.wait_for(|v| lost(v))).await.expect("said").unwrap();
    link.commands.send(approve(&p)).await.unwrap();
    let told = |v: &View| v.header.link.contains("not sent and will not be");
    timeout(PATIENCE, link.view.wait_for(|v| told(v))).await.expect("said of the wish").unwrap();
    world.service = service(&socket, &world.clock, &[], &world.engine);
    timeout(PATIENCE, link.view.wait_for(|v| v.header.link.is_empty())).await.expect("found").unwrap();
    sleep(Duration::from_millis(500)).await;
    assert!(world.records(Kind::Approve).await.is_empty(), "nothing was approved afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_change_takes_two_people_never_one_twice() {
    // More than nothing an hour is large here.
    let mut world = World::start(Some(0.000_001), &["nogroup"]).await;
    let socket = world.socket();
    let p = world.proposal().await;
    assert!(p.two_keys.as_ref().unwrap().first.is_none());
    let first = Desk::to_wish(&socket, false).await.unwrap().wish(approve(&p)).await.unwrap();
    assert!(first.accepted && first.text.contains("another person must approve"), "{first:?}");
    let shown = |v: &View| {
        let of = v.proposals.data.iter().find(|x| x.proposal.id == p.proposal.id);
        of.and_then(|x| x.two_keys.clone()?.first)
    };
    assert_eq!(shown(&world.view()).map(|f| f.uid), Some(rustix::process::geteuid().as_raw()));
    let again = Desk::to_wish(&socket, false).await.unwrap().wish(approve(&p)).await.unwrap();
    assert!(!again.accepted && again.text.contains("second key must be another person's"), "{again:?}");
    assert!(world.view().operations.data.is_empty(), "one key opens nothing");

    // Another user of the machine, as the kernel says: the program itself, in a group that may attach.
    let id = p.proposal.id.to_string();
    let program = env!("CARGO_BIN_EXE_weescale");
    let as_nobody = |groups: &str| {
        for folder in [world.folder.path(), socket.parent().unwrap()] {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
        }
        std::process::Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", groups, "--clear-groups", program, "approve", &id])
            .args(["--hash", &p.hash, "--format", "json", "--socket"])
            .arg(&socket)
            .env("HOME", "/nonexistent")
            .output()
    };
    let usable = rustix::process::geteuid().is_root()
        && as_nobody("65534").is_ok_and(|o| !String::from_utf8_lossy(&o.stderr).contains("setpriv"));
    if !usable {
        println!("SKIPPED: acting as another user needs root and setpriv");
        world.engine.stop().await;
        return;
    }
    let begun = |v: &View| v.operations.data.iter().any(|o| o.proposal == p.proposal.id);
    timeout(PATIENCE, world.engine.view.wait_for(|v| begun(v))).await.expect("two keys open it").unwrap();
    // In no group that may attach: the file system or the engine says no.
    let stranger = as_nobody("12345").unwrap();
    assert_eq!(stranger.status.code(), Some(1), "{stranger:?}");
    let approvals = world.records(Kind::Approve).await;
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].1["caller"]["uid"], 65534);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wish_is_recorded_with_who_the_kernel_says_it_was() {
    let mut world = World::start(None, &[]).await;
    let socket = world.socket();
    let desk =
        async |command: Command| Desk::to_wish(&socket, false).await.unwrap().wish(command).await.unwrap();
    let p = world.proposal().await;
    let id = p.proposal.id.clone();
    let edited = desk(Command::Edit { proposal: id.clone(), to: p.proposal.change.to + 1 }).await;
    assert!(edited.accepted, "{edited:?}");
    // An edit is a decision of whoever made it, counted at once.
    let me = rustix::process::geteuid().as_raw();
    let counted = |v: &View| v.teams.decided.iter().any(|d| d.person == engine::name_of(me) && d.count == 1);
    timeout(PATIENCE, world.engine.view.wait_for(|v| counted(v))).await.expect("counted").unwrap();
    // The team's person was configured by user id, and goes by the name that they decide under.
    let view = world.view();
    let team = view.teams.teams.iter().find(|t| t.name == "sre").unwrap();
    assert_eq!(team.people, [engine::name_of(me)]);
    let p = world.proposal().await;
    let hidden = Command::Snooze { proposal: p.proposal.id.clone(), duration: Duration::from_secs(1) };
    assert!(desk(hidden).await.accepted);
    let q = world.proposal().await;
    assert!(desk(approve(&q)).await.accepted);
    let begun = |v: &View| v.operations.data.iter().any(|o| o.proposal == q.proposal.id);
    timeout(PATIENCE, world.engine.view.wait_for(|v| begun(v))).await.unwrap().unwrap();
    let operation =
        world.view().operations.data.iter().find(|o| o.proposal == q.proposal.id).unwrap().id.clone();
    for ask in [Command::Pause, Command::Resume, Command::Abort] {
        assert!(desk(ask(operation.clone())).await.accepted);
    }
    let r = world.proposal().await;
    let rejected = Command::Reject { proposal: r.proposal.id.clone(), reason: RejectReason::BadTime };
    assert!(desk(rejected).await.accepted);
    assert!(desk(Command::HandOver("bob".into())).await.accepted);
    let (journal, _folder) = world.journal().await;
    let starts = journal.of_kinds(&[Kind::Start]).unwrap();
    assert!(
        starts[0].body["freezes"].is_array(),
        "the rules of then are in the record: {:?}",
        starts[0].body
    );
    for kind in [Kind::Edit, Kind::Snooze, Kind::Approve, Kind::Ask, Kind::Reject, Kind::Handover] {
        let records = journal.of_kinds(&[kind]).unwrap();
        let named = |r: &&weescale::journal::Record| {
            let caller = &r.body["caller"];
            caller["uid"] == me && caller["tty"].is_string() && r.user == engine::name_of(me)
        };
        let by_person = records.iter().filter(named).count();
        assert_eq!(by_person, if kind == Kind::Ask { 3 } else { 1 }, "{kind:?}: {records:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wishes_is_slowed_and_what_stops_something_is_not() {
    let world = World::start(None, &[]).await;
    // From many connections at once: one waits for its answers.
    let mut asking = tokio::task::JoinSet::new();
    for client in 0..12 {
        let mut raw = Raw::greeted(&world.socket(), "nothing").await;
        asking.spawn(async move {
            let mut slowed = 0;
            for i in 0..8 {
                raw.wish(&format!("{client} {i}"), &Command::PollNow).await;
                let answer = &raw.message().await["answer"]["answer"];
                slowed += usize::from(answer["text"].as_str().unwrap().contains("too many wishes"));
            }
            slowed
        });
    }
    let slowed: usize = asking.join_all().await.into_iter().sum();
    assert!((1..=76).contains(&slowed), "{slowed} of 96 were slowed");
    let mut raw = Raw::greeted(&world.socket(), "nothing").await;
    for i in 0..40 {
        raw.wish(&format!("stop {i}"), &Command::Abort(OperationId::new("none"))).await;
        let answer = &raw.message().await["answer"]["answer"];
        assert!(answer["text"].as_str().unwrap().contains("no operation none"), "{answer}");
    }
    world.engine.stop().await;
}

/// What attached screens cost, as figures; run it alone for good ones.
#[tokio::test(flavor = "multi_thread")]
async fn idle_pictures_are_small() {
    let mut world = World::start(None, &[]).await;
    world.proposal().await;
    let mut raw = Raw::greeted(&world.socket(), "pictures").await;
    let (kind, whole) = raw.frame().await.unwrap();
    assert_eq!(kind, b'W');
    let text = serde_json::to_string(&*world.view()).unwrap();
    let clock = world::clock();
    let begin = clock.monotonic();
    let (mut steps, mut bytes) = (0, 0);
    while clock.monotonic().since(begin) < Duration::from_secs(5) {
        let (kind, body) = raw.frame().await.unwrap();
        assert!(b"DT".contains(&kind));
        (steps, bytes) = (steps + 1, bytes + body.len());
    }
    let each = bytes / steps;
    println!(
        "view {} bytes, first frame {}, then {steps} steps of {each} on average",
        text.len(),
        whole.len()
    );
    assert!(whole.len() * 40 < text.len() && each * 40 < text.len(), "{each} of {}", text.len());
    world.engine.stop().await;
}
