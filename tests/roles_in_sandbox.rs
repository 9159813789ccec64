//! Who may do what on one engine: learners, driver and navigator, notes, lessons of others.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "tests fail loudly, and share their world"
)]

mod world;

use tokio::time::timeout;
use weescale::journal::Kind;
use weescale::session::{Desk, Link, attach, attach_as};
use weescale::view::{Command, Dimension, Muted, RejectReason, Role, Spot, Stance, View};
use world::{PATIENCE, SPEED, World, approve};

/// Sends a wish and waits for what is said of it to this person.
async fn ask(link: &mut Link, command: Command) -> String {
    link.commands.send(command).await.unwrap();
    timeout(PATIENCE, link.answers.recv()).await.expect("an answer in time").unwrap()
}

async fn sees(link: &mut Link, what: impl Fn(&View) -> bool) -> View {
    timeout(PATIENCE, link.view.wait_for(|v| what(v))).await.expect("seen in time").unwrap().as_ref().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learners_keys_are_recorded_beside_the_decision_and_execute_nothing() {
    let mut world = World::start(None, &[]).await;
    let socket = world.socket();
    let mut learner = attach_as(&socket, false, true).await.unwrap();
    assert_eq!(sees(&mut learner, |v| v.me().is_some()).await.role(), Role::Learner);
    let p = world.proposal().await;
    let id = p.proposal.id.clone();
    let said = ask(&mut learner, approve(&p)).await;
    assert!(said.contains("would approve") && said.contains("nothing is executed"), "{said}");
    assert!(world.view().operations.data.is_empty(), "nothing was executed");
    // They may change their mind, and do nothing else.
    let reject = Command::Reject { proposal: id.clone(), reason: RejectReason::BadTime };
    assert!(ask(&mut learner, reject).await.contains("would reject"));
    let edited = ask(&mut learner, Command::Edit { proposal: id.clone(), to: 9 }).await;
    assert!(edited.contains("you learn along"), "{edited}");
    let told = ask(&mut learner, Command::WheelTurned("mine".into())).await;
    assert!(told.contains("only weescale itself"), "{told}");
    let shown = |v: &View| v.proposals.data.iter().any(|p| p.proposal.id == id && !p.shadowed.is_empty());
    sees(&mut learner, shown).await;
    let open = |v: &View| v.learning.data.shadows.iter().any(|a| (a.n, a.open) == (0, 1));
    sees(&mut learner, open).await;
    // The decision that counts comes after. Here the same person takes it: that is not compared.
    let decided = Desk::to_wish(&socket, false).await.unwrap().wish(approve(&p)).await.unwrap();
    assert!(decided.accepted, "{decided:?}");
    sees(&mut learner, |v| v.learning.data.shadows.is_empty()).await;
    let late = ask(&mut learner, approve(&p)).await;
    assert!(late.contains("decided already"), "{late}");
    drop(learner);
    let records = world.records(Kind::Shadow).await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].1["approve"], true);
    assert_eq!((&records[1].1["approve"], &records[1].1["reason"]), (&false.into(), &"bad_time".into()));
    assert!(records[0].1["caller"]["uid"].is_u64() && records[0].1["caller"]["tty"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_at_the_engines_own_keyboard_executes_nothing_either() {
    let me = rustix::process::getuid().as_raw().to_string();
    let mut world = World::made(SPEED, None, &[], vec![me]).await;
    let p = world.proposal().await;
    let mut views = world.engine.view.clone();
    let mut told = async |command: Command, text: &str| {
        world.engine.commands.send(command).await.unwrap();
        let told = views.wait_for(|v| v.notices.iter().any(|n| n.text.contains(text)));
        timeout(PATIENCE, told).await.expect("told in time").unwrap().clone()
    };
    told(Command::Edit { proposal: p.proposal.id.clone(), to: 9 }, "you learn along").await;
    let view = told(approve(&p), "would approve; nothing is executed").await;
    assert!(view.operations.data.is_empty(), "nothing was executed");
    assert_eq!(world.records(Kind::Shadow).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_has_a_reason_is_seen_by_all_breaks_through_where_users_wait_and_ends() {
    let mut world = World::start(None, &[]).await;
    let socket = world.socket();
    let (mut one, mut two) = (attach(&socket, false).await.unwrap(), attach(&socket, false).await.unwrap());
    let p = world.proposal().await;
    let muted = Muted::of(&p.proposal);
    let mute = |reason: &str, seconds| Command::Mute {
        muted: muted.clone(),
        duration: std::time::Duration::from_secs(seconds),
        reason: reason.into(),
    };
    let said = ask(&mut one, mute(" ... ", 3600)).await;
    assert!(said.contains("needs a reason"), "{said}");
    assert!(ask(&mut one, mute("deploy", 59)).await.contains("from a minute to thirty days"));
    let elsewhere = Command::Mute {
        muted: Muted { service: "shop/nowhere".parse().unwrap(), ..muted.clone() },
        duration: std::time::Duration::from_secs(3600),
        reason: "deploy".into(),
    };
    assert!(ask(&mut one, elsewhere).await.contains("there is no service shop/nowhere"));
    assert!(ask(&mut one, Command::Unmute(muted.clone())).await.contains("are not muted"));
    let said = ask(&mut one, mute("deploy \u{1b}[2Jat seven", 86_400)).await;
    assert!(said.contains("muted by") && said.contains("at seven") && !said.contains('\u{1b}'), "{said}");
    let view = sees(&mut two, |v| v.mutes.len() == 1).await;
    assert_eq!(view.mutes[0].muted.dimension, Dimension::Horizontal);
    // Every service here is short of capacity: the mute stands, and is set aside.
    let broken = |v: &View| {
        v.proposals.data.iter().any(|p| p.routed.muted.as_ref().is_some_and(|m| m.aside) && p.routed.calls())
    };
    let shown = sees(&mut two, broken).await;
    assert_eq!(shown.header.muted, 0);
    assert!(ask(&mut two, Command::Unmute(muted.clone())).await.contains("are heard again"));
    sees(&mut one, |v| v.mutes.is_empty()).await;
    drop((one, two));
    let records = world.records(Kind::Mute).await;
    assert_eq!(records.len(), 2);
    assert!(records[0].1["mute"]["reason"].is_string() && records[0].1["caller"]["uid"].is_u64());
    assert_eq!(records[1].1["unmute"], serde_json::to_value(&muted).unwrap());
}

/// Nothing that is seen is gone, and nothing is claimed that nobody noted: whoever is mistaken changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_is_not_gone_and_what_nobody_noted_is_not_claimed() {
    let mut world = World::start(None, &[]).await;
    let mut one = attach(&world.socket(), false).await.unwrap();
    let workload = world.proposal().await.proposal.workload;
    let gone = |what: String| Command::Gone { what, reason: "moved".into(), back: false };
    let region = workload.region.to_string();
    assert!(!region.is_empty(), "{workload}");
    let said = ask(&mut one, gone(region)).await;
    assert!(said.contains("is seen now: it is not gone"), "{said}");
    assert!(ask(&mut one, gone(workload.to_string())).await.contains("is seen now"));
    assert!(ask(&mut one, gone("mars".into())).await.contains("nothing is known of mars"));
    let claim = |workload| Command::Claim { workload, owner: "eve op-1 x".into(), reason: "away".into() };
    assert!(ask(&mut one, claim(workload)).await.contains("no other weescale notes a lease"));
    let nowhere = "shop/nowhere@eu".parse().unwrap();
    assert!(ask(&mut one, claim(nowhere)).await.contains("there is no workload shop/nowhere@eu"));
    drop(one);
    assert!(world.records(Kind::Aside).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_drives_the_other_points_stops_and_takes_over() {
    let mut world = World::start(None, &[]).await;
    let socket = world.socket();
    let (mut one, mut two) = (attach(&socket, false).await.unwrap(), attach(&socket, false).await.unwrap());
    let p = world.proposal().await;
    assert!(ask(&mut one, Command::Wheel).await.contains("takes the wheel"));
    assert_eq!(sees(&mut one, |v| v.role() == Role::Driver).await.role(), Role::Driver);
    assert_eq!(sees(&mut two, |v| v.role() == Role::Navigator).await.role(), Role::Navigator);
    let refused = ask(&mut two, approve(&p)).await;
    assert!(refused.contains("drives"), "{refused}");
    assert!(world.view().operations.data.is_empty());
    // Pointing reaches the driver; a note is taken from anybody.
    two.spot
        .send(Spot {
            panel: "6".into(),
            kind: "proposal".into(),
            id: "p-1".into(),
            pointed: 1,
            ..Spot::default()
        })
        .unwrap();
    sees(&mut one, |v| v.people.iter().any(|a| a.spot.pointed == 1 && a.spot.id == "p-1")).await;
    let note = Command::Note { about: p.proposal.id.to_string(), text: "deploy \u{1b}[2Jat seven".into() };
    assert_eq!(ask(&mut two, note).await, "noted");
    let view = sees(&mut one, |v| !v.notes.is_empty()).await;
    assert_eq!(view.notes[0].about, p.proposal.id.to_string());
    assert!(view.notes[0].text.contains("at seven") && !view.notes[0].text.contains('\u{1b}'));
    // Asked, handed over, and let go by leaving.
    assert!(ask(&mut two, Command::Wheel).await.contains("is asked for the wheel"));
    sees(&mut one, |v| v.people.iter().any(|a| a.asks)).await;
    assert!(ask(&mut one, Command::Wheel).await.contains("hands the wheel to"));
    sees(&mut two, |v| v.role() == Role::Driver).await;
    assert!(ask(&mut one, approve(&p)).await.contains("drives"));
    drop(two);
    sees(&mut one, |v| v.role() == Role::Partner).await;
    let now = world.proposal().await;
    let done = ask(&mut one, approve(&now)).await;
    assert!(done.contains("is approved") || done.contains("no longer open"), "{done}");
    if done.contains("is approved") {
        sees(&mut one, |v| v.learning.data.decisions.pace.alone.n == 1).await;
    }
    drop(one);
    let (journal, _folder) = world.journal().await;
    for approval in journal.of_kinds(&[Kind::Approve]).unwrap() {
        let waited = &approval.body["waited"];
        assert_eq!(waited["people"], 1, "two screens of one person are no pair: {:?}", approval.body);
        assert!(waited["seconds"].as_f64().is_some_and(|s| s >= 0.0));
    }
    let wheel: Vec<String> = journal.of_kinds(&[Kind::Wheel]).unwrap().into_iter().map(|r| r.text).collect();
    assert_eq!(wheel.len(), 3, "{wheel:?}");
    assert!(wheel[2].contains("left with the wheel"), "{wheel:?}");
    let notes = journal.of_kinds(&[Kind::Note]).unwrap();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].body["caller"]["uid"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn lessons_of_others_are_taken_in_only_signed_and_trusted_and_do_nothing_until_adopted() {
    use weescale::fleet::WorkloadId;
    use weescale::learning::{Learnt, Subject, share};
    use weescale::series::Timestamp;

    let world = World::start(None, &[]).await;
    let socket = world.socket();
    let mut link = attach(&socket, false).await.unwrap();
    // PKCS #8 of RFC 8410 around a fixed seed.
    let mut key = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    key.extend([7; 32]);
    let raises = Subject::Proposal { workload: WorkloadId::new("shop", "checkout", "eu-west"), raises: true };
    let lesson = Learnt {
        key: String::new(),
        claim: "a proposal for raising shop/checkout@eu-west was needed".into(),
        subject: raises,
        good: 1,
        support: 30,
        counter_example: None,
        source: String::new(),
    };
    let quarters: Vec<u32> =
        (0..192u32).map(|q| 600 + 800 * u32::from((32..72).contains(&(q % 96)))).collect();
    let shapes = vec![share::SharedShape { services: 12, quarters, zone: String::new() }];
    let shared = share::Shared { lessons: vec![lesson], shapes };
    let text = share::seal("team search", shared, Timestamp::from_secs(1), &key).unwrap();
    let name = share::name_of_key(&key).unwrap();
    let import = |trust: Option<String>| Command::ImportLessons { text: text.clone(), trust };
    let refused = ask(&mut link, import(None)).await;
    assert!(refused.contains("is not trusted here") && refused.contains(&name), "{refused}");
    let forged = Command::ImportLessons { text: text.replace("30", "90"), trust: Some(name.clone()) };
    assert!(ask(&mut link, forged).await.contains("does not hold"));
    let taken = ask(&mut link, import(Some(name))).await;
    assert!(
        taken.contains("new lessons: 1;") && taken.contains("1 lesson and 1 shape of 12 services"),
        "{taken}"
    );
    let view = sees(&mut link, |v| v.lessons.data.iter().any(|l| !l.source.is_empty())).await;
    let theirs = view.lessons.data.iter().find(|l| !l.source.is_empty()).unwrap().clone();
    assert!(theirs.source.starts_with("team search (ed25519:") && theirs.stance == Stance::Candidate);
    // Adopted, it names who did; revoked, it is a candidate again.
    let stance = |stance| Command::Lesson { key: theirs.key.clone(), stance };
    assert!(ask(&mut link, stance(Stance::Adopted)).await.contains("lesson adopted"));
    let of = |v: &View| v.lessons.data.iter().find(|l| l.key == theirs.key).cloned().unwrap();
    let view = sees(&mut link, |v| of(v).stance == Stance::Adopted).await;
    assert_eq!(of(&view).said.unwrap().0, view.header.person);
    assert!(ask(&mut link, stance(Stance::Candidate)).await.contains("lesson revoked"));
    sees(&mut link, |v| of(v).stance == Stance::Candidate).await;
    drop(link);
    let (journal, _folder) = world.journal().await;
    let imports = journal.of_kinds(&[Kind::Import]).unwrap();
    assert_eq!((imports.len(), imports[0].body["shapes"][0]["services"].as_u64()), (1, Some(12)));
    let said = journal.of_kinds(&[Kind::Lesson]).unwrap();
    assert_eq!(
        said.iter().map(|r| r.body["stance"].as_str().unwrap()).collect::<Vec<_>>(),
        ["adopted", "candidate"]
    );
}

/// Runs the program without anybody's configuration: exit code, what it printed, what it complained of.
fn program(folder: &std::path::Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn shapes_travel_in_the_signed_file_from_one_journal_to_another() {
    use weescale::journal::{Entry, Journal};

    let mut world = World::start(None, &[]).await;
    world.proposal().await;
    let (mut journal, folder) = world.journal().await;
    // As the engine records them once a day, where services are two weeks old.
    let quarters: Vec<u32> =
        (0..192u32).map(|q| 600 + 800 * u32::from((32..72).contains(&(q % 96)))).collect();
    let body = serde_json::json!({ "shapes": [{ "services": 12, "quarters": quarters }] });
    let at = weescale::series::Timestamp::from_secs(1_780_000_000);
    journal.append(at, &[Entry::new(Kind::Shapes, "1 shape of 12 services", body)]).unwrap();
    drop(journal);
    let run = |args: &[&str]| program(folder.path(), args);
    let export = ["lessons", "export", "--journal", "journal.db", "-o"];
    let (code, told, why) = run(&[&export[..], &["shared.txt", "--source", "team search"]].concat());
    assert_eq!(code, Some(0), "{told}{why}");
    assert!(told.contains("0 lessons and 1 shape of 12 services of team search"), "{told}");
    assert!(told.contains("1 shape of 12 services: peaks 08:00 UTC at 1.5 times the mean"), "{told}");
    let key = told.split("--trust ").nth(1).unwrap().trim().to_owned();
    let (code, _, why) = run(&[&export[..], &["none.txt", "--no-shapes"]].concat());
    assert!(code == Some(1) && why.contains("there is nothing to share yet"), "{code:?} {why}");
    // Elsewhere: refused until trusted, and if a byte was changed; then recorded for the next start.
    let import = ["lessons", "import", "--journal", "other.db"];
    let (code, _, why) = run(&[&import[..], &["shared.txt"]].concat());
    assert!(code == Some(2) && why.contains("is not trusted here"), "{code:?} {why}");
    let text = std::fs::read_to_string(folder.path().join("shared.txt")).unwrap();
    std::fs::write(folder.path().join("forged.txt"), text.replacen("1400", "9900", 1)).unwrap();
    let (code, _, why) = run(&[&import[..], &["forged.txt", "--trust", &key]].concat());
    assert!(code == Some(2) && why.contains("the signature does not hold"), "{code:?} {why}");
    let (code, told, why) = run(&[&import[..], &["shared.txt", "--trust", &key]].concat());
    assert_eq!(code, Some(0), "{told}{why}");
    assert!(told.contains("1 shape of 12 services") && told.contains("from the next start on"), "{told}");
    let other = Journal::open(&folder.path().join("other.db")).unwrap();
    let taken = other.of_kinds(&[Kind::Import]).unwrap();
    assert_eq!((taken.len(), taken[0].body["shapes"][0]["quarters"][40].as_u64()), (1, Some(1400)));
}
