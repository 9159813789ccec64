//! Work on all cores, results in the order of the work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

/// Results that may wait for their turn, per thread.
const AHEAD: usize = 4;

/// Applies `work` to each of `items` on all cores and hands the results to `take` in the order of `items`. When
/// `take` fails, work that has begun is finished, no more is begun, and the failure is returned.
pub fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads =
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(threads * AHEAD);
        for _ in 0..threads {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if send.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let (mut early, mut turn) = (BTreeMap::new(), 0);
        for (index, result) in receive {
            early.insert(index, result);
            while let Some(result) = early.remove(&turn) {
                take(result)?;
                turn += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_a_failure_ends_the_work() {
        let items: Vec<u64> = (0..500).collect();
        let mut seen = Vec::new();
        let slow = |i: &u64| {
            // The first of each ten takes longest.
            (0..(10 - i % 10) * 1000).fold(*i, |a, b| std::hint::black_box(a ^ b ^ b))
        };
        in_order(&items, slow, |r| {
            seen.push(r);
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(seen, items);
        let mut taken = 0;
        let end = in_order(
            &items,
            |i| *i,
            |i| {
                taken += 1;
                if i == 7 { Err(i) } else { Ok(()) }
            },
        );
        assert_eq!((end, taken), (Err(7), 8));
        in_order(&[] as &[u64], |i| *i, |_| Ok::<(), ()>(())).unwrap();
    }
}
