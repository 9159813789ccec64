//! The writer: one thread owns the file, everybody else asks and waits for the disk.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;

use super::{Entry, Journal, JournalError, Keep, NewFrame, Record, Remembered, SignalPoint, StoredFan};
use crate::series::Timestamp;

/// Requests that may wait for the writer.
const QUEUE: usize = 1024;
/// How long a record may take to be on the disk; whoever waits longer would hang with the disk.
const DEADLINE: Duration = Duration::from_secs(10);

enum Request {
    Record(Vec<Entry>, oneshot::Sender<Result<Vec<Record>, JournalError>>),
    Signals(Vec<SignalPoint>, i64),
    Fan(StoredFan, Timestamp),
    Remembered(Vec<Remembered>, Timestamp),
    Frame(NewFrame, Keep),
    Flush(oneshot::Sender<()>),
}

/// Asks the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JournalHandle(mpsc::Sender<Request>);

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}

impl JournalHandle {
    /// Records `entries` together; when this answers `Ok` they are on the disk. A disk that takes longer than ten
    /// seconds is an error ([`JournalError::Slow`]); the entries may still get there.
    pub async fn record(&self, entries: Vec<Entry>) -> Result<Vec<Record>, JournalError> {
        self.record_within(entries, DEADLINE).await
    }

    async fn record_within(
        &self,
        entries: Vec<Entry>,
        deadline: Duration,
    ) -> Result<Vec<Record>, JournalError> {
        let (reply, answer) = oneshot::channel();
        let written = async {
            self.0.send(Request::Record(entries, reply)).await.map_err(|_| JournalError::Closed)?;
            answer.await.map_err(|_| JournalError::Closed)?
        };
        tokio::time::timeout(deadline, written).await.unwrap_or(Err(JournalError::Slow(deadline)))
    }

    /// Keeps signal minutes; returns `false` if the writer is too busy or gone (they are lost then, decisions are not).
    pub fn store_signals(&self, points: Vec<SignalPoint>, keep_from: i64) -> bool {
        self.0.try_send(Request::Signals(points, keep_from)).is_ok()
    }

    /// Keeps a forecast as issued; returns `false` if the writer is too busy or gone.
    pub fn store_fan(&self, fan: StoredFan, keep_from: Timestamp) -> bool {
        self.0.try_send(Request::Fan(fan, keep_from)).is_ok()
    }

    /// Keeps what was learned in place of what was known before; returns `false` if the writer is too busy or gone.
    pub fn store_remembered(&self, rows: Vec<Remembered>, keep_from: Timestamp) -> bool {
        self.0.try_send(Request::Remembered(rows, keep_from)).is_ok()
    }

    /// Keeps a frame; returns `false` if the writer is too busy or gone.
    pub fn store_frame(&self, frame: NewFrame, keep: Keep) -> bool {
        // Frames are the first to give way: decisions must always find room in the queue.
        self.0.capacity() > QUEUE / 2 && self.0.try_send(Request::Frame(frame, keep)).is_ok()
    }

    /// Waits until everything asked for so far is done.
    pub async fn flush(&self) {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Request::Flush(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }
}

/// Gives the journal to a thread of its own.
pub fn spawn(journal: Journal, clock: Clock) -> std::io::Result<JournalHandle> {
    let (requests, queue) = mpsc::channel(QUEUE);
    std::thread::Builder::new().name("journal".into()).spawn(move || serve(journal, &clock, queue))?;
    Ok(JournalHandle(requests))
}

fn serve(mut journal: Journal, clock: &Clock, mut queue: mpsc::Receiver<Request>) {
    while let Some(request) = queue.blocking_recv() {
        match request {
            Request::Record(entries, reply) => {
                let result = journal.append(clock.now(), &entries);
                if let Err(error) = &result {
                    tracing::error!("{error}");
                }
                let _ = reply.send(result);
            }
            Request::Signals(points, keep_from) => {
                if let Err(error) = journal.store_signals(&points, keep_from) {
                    tracing::error!("{error}");
                }
            }
            Request::Fan(fan, keep_from) => {
                if let Err(error) = journal.store_fan(&fan, keep_from) {
                    tracing::error!("{error}");
                }
            }
            Request::Remembered(rows, keep_from) => {
                if let Err(error) = journal.store_remembered(&rows, keep_from) {
                    tracing::error!("{error}");
                }
            }
            Request::Frame(frame, keep) => {
                if let Err(error) = journal.store_frame(&frame, keep) {
                    tracing::error!("{error}");
                }
            }
            Request::Flush(reply) => {
                let _ = reply.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Kind;

    #[tokio::test]
    async fn a_disk_that_hangs_is_an_error_in_time() {
        let (requests, _nobody_serves) = mpsc::channel(1);
        let handle = JournalHandle(requests);
        // The first waits for its answer, the second for room.
        for _ in 0..2 {
            let entry = Entry::new(Kind::Note, "note", serde_json::json!({}));
            let told = handle.record_within(vec![entry], Duration::from_millis(20)).await;
            assert!(matches!(told, Err(JournalError::Slow(_))), "{told:?}");
        }
    }
}
