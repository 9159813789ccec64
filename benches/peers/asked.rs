//! weescale's collecting and keeping, with queries that never rest: sources, poller and store as the engine has them, and
//! a thread that asks snapshots of the store one query after the other.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use color_eyre::eyre::{Result, eyre};
use weescale::clock::Clock;
use weescale::scrape::{Delivery, Encoding, Poller, Target, Wires, spawn_exposition_over};
use weescale::store::query::{Options, Prepared, instant, range};
use weescale::store::{Limits, Snapshot, Store};

/// What is asked in turn, of all targets: of the latest values, of rates, of quantiles, and of the last minutes.
pub const QUERIES: [&str; 4] = [
    "count by (job) ({job=\"fleet\"})",
    "sum by (instance) (rate(http_requests_total[30s]))",
    "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[30s])))",
    "sum(rate(node_cpu_seconds_total{mode!=\"idle\"}[30s]))",
];

/// How far back the range query reaches, and its step: an answer to the last query at each.
const BACK: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_secs(5);

/// Deliveries that wait at most.
const QUEUE: usize = 1024;

/// Scrapes `targets` at `port` and answers queries until killed.
///
/// # Errors
/// A target or query cannot be read, or the sources end.
pub fn serve(port: u16, targets: usize, interval_s: u64) -> Result<()> {
    let poller = Poller::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (out, mut deliveries) = tokio::sync::mpsc::channel(QUEUE);
    let (wires, clock) = (Wires::default(), Clock::real());
    let mut handles = Vec::new();
    {
        let _inside = poller.enter();
        for index in 0..targets {
            let mut target = Target::new(&format!("http://127.0.0.1:{port}/t/{index}/metrics"))?;
            target.interval = Duration::from_secs(interval_s);
            target.job = "fleet".into();
            target.labels = [("instance".to_owned(), format!("t{index}"))].into();
            target.encoding = Some(Encoding::Identity);
            handles.push(spawn_exposition_over(&wires, target, clock.clone(), out.clone())?);
        }
    }
    let (give, wished) = sync_channel::<Snapshot>(1);
    let (tell, want) = sync_channel::<()>(1);
    let asking = std::thread::spawn({
        let clock = clock.clone();
        move || ask(&wished, &tell, &clock)
    });
    let mut store = Store::new(Limits::default());
    runtime.block_on(async {
        while let Some(delivery) = deliveries.recv().await {
            if let Delivery::Scraped(block) = delivery {
                store.append_block(&block);
            }
            if want.try_recv().is_ok() {
                // Nobody asks any more only when the thread has failed, which is told below.
                let _ = give.send(store.snapshot());
            }
            if asking.is_finished() {
                break;
            }
        }
    });
    asking.join().map_err(|_| eyre!("the asking thread panicked"))?
}

/// One query after the other, each on a snapshot of its own.
fn ask(snapshots: &Receiver<Snapshot>, want: &SyncSender<()>, clock: &Clock) -> Result<()> {
    let queries = QUERIES.into_iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
    let options = Options::default();
    for (number, query) in queries.iter().cycle().enumerate() {
        want.send(())?;
        let (snapshot, now) = (snapshots.recv()?, clock.now());
        if number % QUERIES.len() == QUERIES.len() - 1 {
            range(&snapshot, query, now - BACK, now, STEP, &options)?;
        } else {
            instant(&snapshot, query, now, &options)?;
        }
    }
    Ok(())
}
