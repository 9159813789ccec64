//! The thread on which sources poll.

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime, RuntimeFlavor};

/// Bytes from which a body is read aside: a known line takes some 20 ns, a new one fifty times as long. Reading aside
/// hands the rest over to another thread, which then also takes its memory from another place: not worth it for less.
const LARGE: usize = 1 << 20;

/// A runtime with one worker for all polling. Thousands of small requests wake each other all the time: on one thread
/// that is a place in a queue, between several it is a call to the kernel each. Dropping it ends all polling.
#[derive(Debug)]
pub struct Poller(Option<Runtime>);

impl Poller {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("poller").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Sources that are spawned while the guard lives poll there.
    pub fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        // Waiting for the end is not allowed where others run; the sources' tasks end with their handles anyway.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Does `work` on a body of so many bytes. A large one holds up nobody else on this thread.
pub(super) fn aside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let may = Handle::try_current().is_ok_and(|h| h.runtime_flavor() == RuntimeFlavor::MultiThread);
    if may && bytes >= LARGE { tokio::task::block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_spawned_inside_runs_on_its_thread_and_large_work_beside_it() {
        let poller = Poller::start().unwrap();
        let (start, started) = std::sync::mpsc::sync_channel::<()>(1);
        let large = {
            let _inside = poller.enter();
            tokio::spawn(async move { aside(LARGE, || started.recv().unwrap()) })
        };
        let small = {
            let _inside = poller.enter();
            tokio::spawn(async { std::thread::current().name().unwrap_or_default().to_owned() })
        };
        let ran = tokio::time::timeout(std::time::Duration::from_secs(10), small).await;
        assert_eq!(ran.expect("it runs while the large one waits").unwrap(), "poller");
        start.send(()).unwrap();
        large.await.unwrap();
        assert_eq!(aside(LARGE, || 7), 7, "and without such a thread it is simply done");
    }
}
