//! Database and shared cache behind a workload.

use super::catalog::StoreSpec;
use super::queueing::ResponseTime;
use super::scenario::Effects;

/// Longest wait for a connection before a request fails, seconds.
const POOL_TIMEOUT: f64 = 1.0;
/// Share of a change in the queue that callers and gauges feel within a second.
const LAG: f64 = 0.15;
/// Time constant with which look-ups refill an emptied cache, seconds.
const REFILL: f64 = 900.0;
/// Size of a database's volume, bytes.
pub const DISK: f64 = 200.0 * 1_073_741_824.0;

/// A database with a bounded number of connections, and the cache in front of it.
#[derive(Clone, Debug)]
pub struct Store {
    /// Sizes.
    pub spec: StoreSpec,
    /// How full of useful entries the cache is, `0.0..=1.0`.
    pub warmth: f64,
    queue: f64,
    wait: f64,
    slow: f64,
    /// Share of requests refused a connection in the last second.
    pub refused: f64,
    /// Connections in use.
    pub in_use: f64,
    /// Callers waiting for a connection.
    pub pending: f64,
    /// Cache look-ups answered, since start.
    pub hits: f64,
    /// Cache look-ups not answered, since start.
    pub misses: f64,
    /// Entries the cache pushed out, since start.
    pub evicted: f64,
    /// Queries done, since start.
    pub queries: f64,
    /// Seconds spent in queries, since start.
    pub query_seconds: f64,
    /// Entries whose time was over, since start.
    pub expired: f64,
    /// Room for entries, of what there should be.
    pub room: f64,
    /// Room left on the volume, bytes.
    pub disk: f64,
}

impl Store {
    /// Idle and warm.
    pub fn new(spec: StoreSpec) -> Self {
        Self {
            spec,
            warmth: 1.0,
            queue: 0.0,
            wait: 0.0,
            slow: 1.0,
            refused: 0.0,
            in_use: 0.0,
            pending: 0.0,
            hits: 0.0,
            misses: 0.0,
            evicted: 0.0,
            queries: 0.0,
            query_seconds: 0.0,
            expired: 0.0,
            room: 1.0,
            disk: DISK * 0.6,
        }
    }

    /// Share of look-ups the cache answers now.
    pub fn hit_ratio(&self) -> f64 {
        // With room for a part of the entries, the more popular ones stay: half the room hits more than half as often.
        self.spec.hit * self.warmth * self.room.sqrt()
    }

    /// Time a request spends waiting for and in its queries now, seconds.
    pub fn request_time(&self) -> f64 {
        self.spec.queries * (1.0 - self.hit_ratio()) * (self.spec.query * self.slow + self.wait)
    }

    /// One second in which `requests` are worked on.
    pub fn tick(&mut self, requests: f64, effects: &Effects) {
        let slow = effects.slow_queries;
        (self.slow, self.room) = (slow, effects.cache_room);
        self.disk = (self.disk - effects.disk_fills).max(0.0);
        if effects.flush {
            self.warmth = 0.0;
        }
        let lookups = requests * self.spec.queries;
        let missed = lookups * (1.0 - self.hit_ratio());
        if self.spec.cache.is_some() {
            self.hits += lookups - missed;
            self.misses += missed;
            // A new entry takes the place of an old one if there is no room beside it.
            let crowded = if self.room < 1.0 { 0.6 } else { 0.02 };
            self.evicted += missed * crowded;
            self.expired += missed * 0.05;
            self.warmth += (1.0 - self.warmth) * (1.0 - (-1.0 / REFILL).exp());
        }
        let query = self.spec.query * slow;
        let capacity = f64::from(self.spec.connections) / query;
        let total = self.queue + missed;
        let done = total.min(capacity);
        let left = total - done;
        self.queue = left.min(capacity * POOL_TIMEOUT);
        self.refused = if missed > 0.0 { ((left - self.queue) / missed).clamp(0.0, 1.0) } else { 0.0 };
        let idle = ResponseTime::new(done, self.spec.connections, query, 0.0);
        // Callers feel a queue only when their own query is through it: without this lag, callers and database
        // would take turns to stand still.
        self.wait += LAG * (self.queue / capacity + idle.waiting * idle.wait - self.wait);
        self.in_use += LAG * ((done * query).min(f64::from(self.spec.connections)) - self.in_use);
        self.pending += LAG * (self.queue + done * idle.waiting * idle.wait - self.pending);
        self.queries += done;
        self.query_seconds += done * query;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(flush: bool) -> Effects {
        Effects { flush, ..Effects::at(&[], "", 0) }
    }

    fn store(hit: f64) -> Store {
        let cache = (hit > 0.0).then_some("c");
        Store::new(StoreSpec { database: "d", connections: 40, query: 0.01, queries: 4.0, cache, hit })
    }

    #[test]
    fn a_full_pool_queues_and_then_refuses() {
        let mut s = store(0.0);
        let mut run = |requests: f64| {
            for _ in 0..60 {
                s.tick(requests, &usual(false));
            }
            s.clone()
        };
        let s = run(500.0);
        assert!(s.pending < 1.0 && s.refused == 0.0);
        assert!((s.in_use - 20.0).abs() < 0.01, "2000 queries of 10 ms: Little's law");
        let s = run(1500.0);
        assert!((s.in_use - 40.0).abs() < 0.01);
        assert!(s.request_time() > 1.0 && s.refused > 0.2, "{} {}", s.request_time(), s.refused);
    }

    #[test]
    fn an_emptied_cache_loads_the_database_and_refills() {
        let mut s = store(0.9);
        for _ in 0..60 {
            s.tick(800.0, &usual(false));
        }
        let warm = s.in_use;
        s.tick(800.0, &usual(true));
        assert!(s.hit_ratio() < 0.01);
        for _ in 0..20 {
            s.tick(800.0, &usual(false));
        }
        assert!(s.in_use > 8.0 * warm, "{} {warm}", s.in_use);
        for _ in 0..900 {
            s.tick(800.0, &usual(false));
        }
        assert!(s.hit_ratio() > 0.55);
    }
}
