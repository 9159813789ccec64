//! What attached screens cost: bytes, and waiting over a slow line. Figures are printed; run it alone for good ones.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests fail loudly, and share their world"
)]

mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};
use weescale::clock::Monotonic;
use weescale::session::attach;
use weescale::view::{Command, slim};
use world::{PATIENCE, Raw, World, is_whole};

/// Screens that may be attached at once.
const SCREENS: usize = 32;
/// 56 kbit/s.
const BYTES_A_SECOND: f64 = 7000.0;
/// One way; an answer takes twice as long.
const DELAY: Duration = Duration::from_millis(150);
/// What is sent at once: a packet.
const PACKET: usize = 700;

/// A line of 56 kbit/s and 300 ms there and back, between a socket of its own and another.
struct Line {
    socket: PathBuf,
    received: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    fn to(engine: &Path, number: usize) -> Self {
        let socket = engine.with_file_name(format!("slow{number}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        let received = Arc::new(AtomicU64::new(0));
        let (engine, count) = (engine.to_owned(), Arc::clone(&received));
        let task = tokio::spawn(async move {
            let (down, up) = (Wire::default(), Wire::default());
            while let Ok((screen, _)) = listener.accept().await {
                let engine = UnixStream::connect(&engine).await.unwrap();
                let (screen_in, screen_out) = screen.into_split();
                let (engine_in, engine_out) = engine.into_split();
                tokio::spawn(carry(engine_in, screen_out, down.clone(), Arc::clone(&count)));
                tokio::spawn(carry(screen_in, engine_out, up.clone(), Arc::default()));
            }
        });
        Self { socket, received, task }
    }
}

/// When the wire is free again.
type Wire = Arc<Mutex<Option<Monotonic>>>;

async fn carry<R, W>(mut from: R, mut to: W, wire: Wire, count: Arc<AtomicU64>)
where
    R: AsyncReadExt + Unpin + Send + 'static,
    W: AsyncWriteExt + Unpin + Send + 'static,
{
    let clock = world::clock();
    let (sent, mut arriving) = mpsc::channel::<(Monotonic, Vec<u8>)>(64);
    tokio::spawn(async move {
        let clock = world::clock();
        while let Some((at, packet)) = arriving.recv().await {
            sleep(at.since(clock.monotonic())).await;
            if to.write_all(&packet).await.is_err() {
                break;
            }
            count.fetch_add(packet.len() as u64, Ordering::Relaxed);
        }
    });
    let mut buffer = vec![0; PACKET];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let free = {
            let mut busy = wire.lock().await;
            let now = clock.monotonic();
            let from = busy.map_or(now, |at| at.max(now));
            let free = from.plus(Duration::from_secs_f64(n as f64 / BYTES_A_SECOND));
            *busy = Some(free);
            free
        };
        sleep(free.since(clock.monotonic())).await;
        if sent.send((free.plus(DELAY), buffer[..n].to_vec())).await.is_err() {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_screens_over_56_kbit_and_300_ms() {
    // Five times as fast: a picture every two seconds, as the product makes them, and every one of them with new values.
    let mut world = World::at_speed(5.0, None, &[]).await;
    world.proposal().await;
    let lines: Vec<Line> = (0..5).map(|i| Line::to(&world.socket(), i)).collect();
    let clock = world::clock();
    let begin = clock.monotonic();
    let mut screens = tokio::task::JoinSet::new();
    for line in &lines {
        let socket = line.socket.clone();
        screens.spawn(async move {
            let clock = world::clock();
            let mut link = attach(&socket, false).await.unwrap();
            let there = clock.monotonic();
            assert!(!link.view.borrow().services.data.is_empty(), "the first picture can be worked with");
            timeout(PATIENCE, link.view.wait_for(|v| is_whole(v))).await.expect("the rest in time").unwrap();
            (there, clock.monotonic(), link)
        });
    }
    let screens = screens.join_all().await;
    let there = screens.iter().map(|s| s.0.since(begin)).max().unwrap();
    let complete = screens.iter().map(|s| s.1.since(begin)).max().unwrap();
    let total = || lines.iter().map(|l| l.received.load(Ordering::Relaxed)).sum::<u64>();
    let (first_bytes, from) = (total() / 5, clock.monotonic());
    // All five press keys at once.
    let mut pressing = tokio::task::JoinSet::new();
    for (person, (_, _, screen)) in screens.into_iter().enumerate() {
        pressing.spawn(async move {
            // Whole: a link of which a part is dropped is given up.
            let mut screen = screen;
            let clock = world::clock();
            let mut waits = Vec::new();
            for i in 0..4 {
                let text = format!("note {i} of {person}");
                let asked = clock.monotonic();
                let note = Command::Note { about: String::new(), text: text.clone() };
                screen.commands.send(note).await.unwrap();
                let shown = |v: &weescale::view::View| v.journal.iter().any(|l| l.text == text);
                timeout(PATIENCE, screen.view.wait_for(|v| shown(v))).await.expect("shown").unwrap();
                waits.push(clock.monotonic().since(asked));
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = pressing.join_all().await.into_iter().flatten().collect();
    waits.sort();
    let seconds = clock.monotonic().since(from).as_secs_f64();
    let rate = (total() - first_bytes * 5) as f64 / 5.0 / seconds;
    println!(
        "five screens, each over 56 kbit/s and 300 ms: first picture after {:.2} s, whole after {:.2} s ({first_bytes} \
         bytes); then {rate:.0} bytes/s a screen; from key to picture p50 {:.2} s, worst of 20 {:.2} s",
        there.as_secs_f64(),
        complete.as_secs_f64(),
        waits[waits.len() / 2].as_secs_f64(),
        waits[waits.len() - 1].as_secs_f64(),
    );
    assert!(there < Duration::from_secs(20) && complete < Duration::from_secs(60), "{there:?} {complete:?}");
    assert!(rate < BYTES_A_SECOND, "a screen fits its line: {rate:.0} bytes/s");
    assert!(waits[waits.len() / 2] < Duration::from_secs(20), "{waits:?}");
    world.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pictures_and_frames_take() {
    let mut world = World::start(None, &[]).await;
    world.proposal().await;
    let mut raw = Raw::greeted(&world.socket(), "pictures").await;
    let (kind, light) = raw.frame().await.unwrap();
    assert_eq!(kind, b'W');
    let (kind, rest) = raw.frame().await.unwrap();
    assert_eq!(kind, b'D');
    let view = world.view();
    let written = serde_json::to_string(&*view).unwrap().len();
    let small = slim(&view).unwrap().to_string().len();
    let clock = world::clock();
    let begin = clock.monotonic();
    let mut steps = Vec::new();
    while clock.monotonic().since(begin) < Duration::from_secs(8) {
        let (kind, body) = raw.frame().await.unwrap();
        assert!(b"DT".contains(&kind));
        steps.push(body.len());
    }
    steps.sort_unstable();
    let each = steps.iter().sum::<usize>() / steps.len();
    println!(
        "{} workloads: view {written} bytes, slim {small}; first picture {} bytes, the rest {}; then {} steps, median {}, \
         mean {each}, largest {}",
        view.services.data.len(),
        light.len(),
        rest.len(),
        steps.len(),
        steps[steps.len() / 2],
        steps[steps.len() - 1],
    );
    assert!(
        light.len() * 10 < written && rest.len() * 4 < written,
        "{} {} of {written}",
        light.len(),
        rest.len()
    );
    assert!(each * 3 < rest.len(), "{each} of {}", rest.len());
    drop(raw);
    let (journal, folder) = world.journal().await;
    drop(journal);
    let sizes = weescale::journal::sizes(&folder.path().join("journal.db")).unwrap();
    println!(
        "record: {} keys of {} bytes, {} differences of {}, {} forecasts of {}",
        sizes.keys,
        sizes.key_bytes / sizes.keys.max(1),
        sizes.deltas,
        sizes.delta_bytes / sizes.deltas.max(1),
        sizes.fans,
        sizes.fan_bytes / sizes.fans.max(1),
    );
    assert!(sizes.keys > 0 && sizes.key_bytes / sizes.keys < 120_000, "{sizes:?}");
}

/// Time of the processor that a process took so far, seconds.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    // USER_HZ is 100 wherever Linux runs.
    ticks / 100.0
}

/// A simulated fleet as a process of its own, ended with the test.
struct Served {
    child: std::process::Child,
    folder: tempfile::TempDir,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_weescale"))
            .args(["demo", "--serve", "--speed", "5", "--seed", "1", "--socket"])
            .arg(folder.path().join("engine.sock"))
            .arg("--journal")
            .arg(folder.path().join("journal.db"))
            .arg("--log")
            .arg(folder.path().join("log"))
            .env("HOME", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let served = Self { child, folder };
        let clock = world::clock();
        let begin = clock.monotonic();
        while !served.socket().exists() && clock.monotonic().since(begin) < PATIENCE {
            sleep(Duration::from_millis(100)).await;
        }
        sleep(Duration::from_secs(3)).await;
        served
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// Time of the processor it takes in `span`, seconds.
    async fn takes(&self, span: Duration) -> f64 {
        let before = cpu(self.child.id());
        sleep(span).await;
        cpu(self.child.id()) - before
    }

    /// Another screen that reads whatever comes, until it is dropped with the test.
    async fn screen(&self) -> tokio::task::JoinHandle<()> {
        let mut raw = Raw::greeted(&self.socket(), "pictures").await;
        tokio::spawn(async move { while raw.frame().await.is_some() {} })
    }

    fn end(mut self) {
        let ended = std::process::Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(ended.is_ok_and(|s| s.success()) && self.child.wait().is_ok());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_screen_takes_of_the_processor() {
    let fleet = Served::start().await;
    let span = Duration::from_secs(4);
    let alone = fleet.takes(span).await;
    let mut screens = Vec::new();
    for _ in 0..5 {
        screens.push(fleet.screen().await);
    }
    sleep(Duration::from_secs(1)).await;
    let five = fleet.takes(span).await;
    let second = span.as_secs_f64();
    println!(
        "processor: {:.0} ms a second without a screen, {:.0} with five, {:.1} for each",
        alone / second * 1000.0,
        five / second * 1000.0,
        (five - alone) / second * 1000.0 / 5.0,
    );
    screens.iter().for_each(tokio::task::JoinHandle::abort);
    fleet.end();
    // Many times what it is; only a picture made for each screen would reach it.
    assert!(five < alone * 4.0 + 2.0 * second, "{five} against {alone}");
}

/// Views the engine made while the fleet's process took so many seconds of the processor, both in `span`.
async fn made(fleet: &Served, link: &weescale::session::Link, span: Duration) -> (u64, f64) {
    let before = link.view.borrow().tick;
    let took = fleet.takes(span).await;
    (link.view.borrow().tick - before, took)
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_screens_as_may_be_delay_no_tick_and_one_more_is_told_so() {
    let fleet = Served::start().await;
    let span = Duration::from_secs(8);
    // A real screen, which sees the engine's ticks.
    let link = attach(&fleet.socket(), false).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let (ticks, alone) = made(&fleet, &link, span).await;
    let mut screens = Vec::new();
    for _ in 1..SCREENS {
        screens.push(fleet.screen().await);
    }
    // Refused in a sentence, and again: those who are refused take no place.
    for _ in 0..20 {
        let Err(error) = attach(&fleet.socket(), false).await else { panic!("one screen too many") };
        let said = error.to_string();
        assert!(said.contains("32 screens are attached already; tools still find a place"), "{said}");
    }
    let (ticks_then, all) = made(&fleet, &link, span).await;
    println!(
        "{ticks} ticks and {alone:.2} s of the processor in {span:?} with one screen, {ticks_then} and {all:.2} s with \
         {SCREENS}"
    );
    // Tools are answered all the same.
    let asked = std::process::Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["status", "--format", "json", "--socket"])
        .arg(fleet.socket())
        .env("HOME", fleet.folder.path())
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    // Whoever leaves makes room.
    let gone = screens.pop().unwrap();
    gone.abort();
    let _ = gone.await;
    let clock = world::clock();
    let begin = clock.monotonic();
    let mut again = attach(&fleet.socket(), false).await;
    while again.is_err() && clock.monotonic().since(begin) < Duration::from_secs(20) {
        sleep(Duration::from_millis(100)).await;
        again = attach(&fleet.socket(), false).await;
    }
    assert!(again.is_ok(), "no room after one left: {:?}", again.err());
    drop((link, again));
    screens.iter().for_each(tokio::task::JoinHandle::abort);
    fleet.end();
    assert!(ticks >= 3, "{ticks} ticks only");
    assert!(ticks_then + 1 >= ticks, "{ticks_then} ticks with {SCREENS} screens, {ticks} with one");
    // Pictures are made once for all who look at the same; what is left is the sending. The second is for the measuring.
    assert!(all < alone * 2.0 + 1.0, "{all} s with {SCREENS} screens against {alone} s with one");
}
