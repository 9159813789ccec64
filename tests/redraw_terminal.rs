//! What an attached screen takes on a line, beside what a terminal multiplexer sends to show the same screen.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test may fail loudly, and says which peers it lacks; world and terminal are shared with other tests"
)]

mod terminal;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use terminal::Terminal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use world::World;

const SOON: Duration = Duration::from_secs(30);
/// Every panel, with how many seconds are counted on it: forecasts are issued anew each minute of the fleet's time.
const PANELS: [(&str, &str, u64); 10] = [
    ("1", "Status", 12),
    ("2", "Predictive", 24),
    ("3", "Experience", 12),
    ("4", "Intelligence", 8),
    ("5", "KPIs", 8),
    ("6", "Proposals", 24),
    ("7", "Operations", 16),
    ("8", "Journal", 16),
    ("9", "Sources", 12),
    ("0", "Logs", 16),
];
/// A picture comes so often.
const PICTURE: Duration = Duration::from_secs(2);
/// Where next to nothing but the clock moves: the first pictures there tell how it goes on.
const QUIET: [&str; 3] = ["Operations", "Journal", "Logs"];
/// So often is counted at most: a new proposal is sent whole, whatever of it is shown, and no screen stands still then.
const TRIES: u32 = 6;

/// A socket beside the engine's that counts what goes to the screen.
fn counted(engine: &Path) -> (PathBuf, Arc<AtomicU64>) {
    let socket = engine.with_file_name("counted.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let (engine, bytes) = (engine.to_owned(), Arc::clone(&count));
    tokio::spawn(async move {
        while let Ok((screen, _)) = listener.accept().await {
            let (mut screen_in, mut screen_out) = screen.into_split();
            let (mut engine_in, mut engine_out) = UnixStream::connect(&engine).await.unwrap().into_split();
            tokio::spawn(async move { tokio::io::copy(&mut screen_in, &mut engine_out).await });
            let bytes = Arc::clone(&bytes);
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(n @ 1..) = engine_in.read(&mut buffer).await {
                    bytes.fetch_add(n as u64, Ordering::Relaxed);
                    if screen_out.write_all(&buffer[..n]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (socket, count)
}

/// Which proposals there are, and what became of them.
fn states(world: &World) -> Vec<String> {
    let view = world.view();
    view.proposals.data.iter().map(|p| format!("{} {:?}", p.proposal.id, p.proposal.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_around_takes_less_than_a_multiplexer_paints() {
    let (Some(inner), Some(outer)) = (Terminal::open(200, 50), Terminal::open(200, 50)) else { return };
    // A picture every two seconds, each with new values, as the product makes them.
    let mut world = World::at_speed(5.0, None, &[]).await;
    world.proposal().await;
    let (socket, count) = counted(&world.socket());
    inner.line(&Terminal::program(&format!("attach --socket {}", socket.display())));
    inner.sees(SOON, "1 here");
    outer.line(&inner.client());
    outer.sees(SOON, "1 here");
    let folder = tempfile::tempdir().unwrap();
    let painted = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |m| m.len());
    inner.copy_to(&folder.path().join("inner"));
    outer.copy_to(&folder.path().join("outer"));
    for (panel, name, seconds) in PANELS {
        inner.keys(&[panel]);
        tokio::time::sleep(if QUIET.contains(&name) { 3 * PICTURE } else { PICTURE }).await;
        let mut tries = 0..TRIES;
        let (line, own, multiplexer) = loop {
            let proposals = states(&world);
            let before = (count.load(Ordering::Relaxed), painted("inner"), painted("outer"));
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            let all = (count.load(Ordering::Relaxed), painted("inner"), painted("outer"));
            let each = |before: u64, all: u64| (all - before) as f64 / seconds as f64;
            let counted = (each(before.0, all.0), each(before.1, all.1), each(before.2, all.2));
            if states(&world) == proposals {
                break counted;
            }
            println!("{name}: not counted, as a proposal came or went: {counted:?}");
            assert!(tries.next().is_some(), "proposals never stand still");
        };
        println!(
            "{name}: {line:.1} bytes/s on the line to the screen; {own:.1} painted by it, {multiplexer:.1} by a multiplexer \
             that shows it"
        );
        assert!(line > 0.0 && multiplexer > 0.0, "nothing was counted");
        assert!(line < multiplexer, "{name}: {line} bytes/s, {multiplexer} by a multiplexer");
    }
    // Somebody who looks around: the line carries nothing for it, a multiplexer paints the screen anew.
    let before = (count.load(Ordering::Relaxed), painted("outer"));
    for _ in 0..3 {
        for panel in ["1", "2", "3", "4", "6", "7"] {
            inner.keys(&[panel]);
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
    }
    let line = (count.load(Ordering::Relaxed) - before.0) / 18;
    let multiplexer = (painted("outer") - before.1) / 18;
    println!(
        "looking around, a panel each 0.7 s: {line} bytes a panel on the line, {multiplexer} by a multiplexer"
    );
    assert!(line < multiplexer, "{line} bytes a panel, {multiplexer} by a multiplexer");
    inner.keys(&["C-c"]);
    world.engine.stop().await;
}
