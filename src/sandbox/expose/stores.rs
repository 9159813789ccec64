//! Caches and databases, in the names of `redis_exporter` and `postgres_exporter`.

use super::super::store::Store;
use super::super::world::World;
use super::text::{Text, workload_labels};

/// Memory a cache may use, bytes.
const CACHE_BYTES: f64 = 4.0 * 1_073_741_824.0;

/// A cache or database with the labels of the workload that uses it.
fn stores(world: &World, cached: bool) -> Vec<(&Store, String)> {
    world
        .workloads
        .iter()
        .filter_map(|w| w.store.as_ref().map(|s| (s, workload_labels(w))))
        .filter(|(s, _)| !cached || s.spec.cache.is_some())
        .map(|(s, labels)| {
            let label = if cached {
                format!("{labels},instance=\"{}:6379\"", s.spec.cache.unwrap_or_default())
            } else {
                format!("{labels},datname=\"{}\",server=\"{}:5432\"", s.spec.database, s.spec.database)
            };
            (s, label)
        })
        .collect()
}

/// Caches of the whole fleet.
pub fn redis(world: &World) -> String {
    let mut text = Text::new();
    let caches = stores(world, true);
    let mut family = |name: &str, kind: &str, value: &dyn Fn(&Store) -> f64| {
        text.family(name, kind, "From the cache's INFO.");
        for (store, labels) in &caches {
            text.sample(name, labels, value(store));
        }
    };
    family("redis_keyspace_hits_total", "counter", &|s| s.hits.floor());
    family("redis_keyspace_misses_total", "counter", &|s| s.misses.floor());
    family("redis_evicted_keys_total", "counter", &|s| s.evicted.floor());
    family("redis_expired_keys_total", "counter", &|s| (s.misses * 0.3).floor());
    family("redis_memory_used_bytes", "gauge", &|s| (CACHE_BYTES * (0.05 + 0.9 * s.warmth)).round());
    family("redis_memory_max_bytes", "gauge", &|_| CACHE_BYTES);
    text.finish()
}

/// Databases of the whole fleet.
pub fn postgres(world: &World) -> String {
    let mut text = Text::new();
    let databases = stores(world, false);
    let mut family = |name: &str, kind: &str, value: &dyn Fn(&Store) -> f64| {
        text.family(name, kind, "From the database's statistics.");
        for (store, labels) in &databases {
            text.sample(name, labels, value(store));
        }
    };
    family("pg_stat_database_numbackends", "gauge", &|s| s.in_use.round());
    family("pg_settings_max_connections", "gauge", &|s| f64::from(s.spec.connections));
    family("pg_stat_database_xact_commit", "counter", &|s| s.queries.floor());
    family("pg_stat_database_active_time_seconds_total", "counter", &|s| s.query_seconds);
    family("pg_stat_database_deadlocks", "counter", &|_| 0.0);
    text.finish()
}
