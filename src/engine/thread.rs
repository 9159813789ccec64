//! The thread on which the engine runs.

use std::future::Future;
use std::sync::mpsc::sync_channel;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs `work` on a thread of its own, so that a long tick holds up neither screens nor what is being executed; the
/// receiver wakes when it has ended. Memory that one thread takes and another gives back stays unused with the first
/// for long: the store is filled and emptied here only.
///
/// # Errors
/// The system gives no thread, or not what a runtime needs.
pub(super) fn run(work: impl Future<Output = ()> + Send + 'static) -> std::io::Result<oneshot::Receiver<()>> {
    let (end, ended) = oneshot::channel();
    let (made, is_made) = sync_channel(1);
    // Made there: a runtime may not be dropped where others run, and would be if there were no thread.
    std::thread::Builder::new().name("engine".into()).spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = made.send(Err(error));
                return;
            }
        };
        let _ = made.send(Ok(()));
        runtime.block_on(work);
        // What blocks elsewhere holds up nobody.
        runtime.shutdown_background();
        let _ = end.send(());
    })?;
    is_made.recv().unwrap_or(Ok(()))?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_runs_elsewhere_while_this_thread_is_busy() {
        let (go, gone) = std::sync::mpsc::sync_channel(1);
        let ended = run(async move {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            go.send(std::thread::current().name().map(str::to_owned)).unwrap();
        });
        // Waiting here without giving way: on one thread this would wait for ever.
        let name = gone.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        assert_eq!(name.as_deref(), Some("engine"));
        ended.unwrap().await.unwrap();
    }
}
