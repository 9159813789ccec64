//! Caches and databases, in the names of `redis_exporter` and `postgres_exporter`.

use super::super::store::{DISK, Store};
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
    family("redis_expired_keys_total", "counter", &|s| s.expired.floor());
    family("redis_memory_used_bytes", "gauge", &|s| (CACHE_BYTES * s.room * (0.05 + 0.9 * s.warmth)).round());
    family("redis_memory_max_bytes", "gauge", &|s| CACHE_BYTES * s.room);
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
    // Rows: a query finds five, and every tenth writes one.
    family("pg_stat_database_tup_fetched", "counter", &|s| (s.queries * 5.0).floor());
    family("pg_stat_database_tup_inserted", "counter", &|s| (s.queries * 0.06).floor());
    family("pg_stat_database_tup_updated", "counter", &|s| (s.queries * 0.04).floor());
    family("pg_stat_database_tup_deleted", "counter", &|_| 0.0);
    statements(&mut text, &databases);
    text.finish()
}

/// Queries by id: their parts of the calls and of the time, of which the first takes most.
const STATEMENTS: [(&str, f64, f64); 3] =
    [("7301468215", 0.3, 0.64), ("1188502934", 0.5, 0.26), ("9045127733", 0.2, 0.1)];

fn statements(text: &mut Text, databases: &[(&Store, String)]) {
    let mut family = |name: &str, value: &dyn Fn(&Store, f64, f64) -> f64| {
        text.family(name, "counter", "From pg_stat_statements.");
        for (store, labels) in databases {
            for (id, calls, time) in STATEMENTS {
                text.sample_with(name, labels, ("queryid", id), value(store, calls, time));
            }
        }
    };
    family("pg_stat_statements_calls_total", &|s, calls, _| (s.queries * calls).floor());
    family("pg_stat_statements_seconds_total", &|s, _, time| s.query_seconds * time);
}

/// Volumes of the databases, as the kubelet measures them.
pub fn volumes(world: &World) -> String {
    let mut text = Text::new();
    for (name, is_free) in
        [("kubelet_volume_stats_available_bytes", true), ("kubelet_volume_stats_capacity_bytes", false)]
    {
        text.family(name, "gauge", "Bytes of the volume.");
        for workload in &world.workloads {
            let Some(store) = &workload.store else { continue };
            // Named after the workload it serves: the database is not one of the fleet's.
            let spec = &workload.spec;
            let labels = format!(
                "namespace=\"{}\",region=\"{}\",persistentvolumeclaim=\"data-{}-0\"",
                spec.namespace, spec.region, spec.name
            );
            text.sample(name, &labels, if is_free { store.disk } else { DISK });
        }
    }
    text.finish()
}
