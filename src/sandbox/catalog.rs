//! What the simulated company runs: regions, services, teams, sizes.

use std::time::Duration;

use crate::fleet::{Objective, Owner, Region};

use super::demand::Profile;
use super::noise;

/// Names of the regions, in the order of [`regions`].
pub const REGIONS: [&str; 3] = ["eu-west", "us-east", "ap-southeast"];

/// The three regions with their local time and place.
pub fn regions() -> Vec<Region> {
    let region = |name: &str, zone: &str, latitude: f64, longitude: f64| Region {
        name: name.into(),
        time_zone: zone.into(),
        latitude,
        longitude,
    };
    vec![
        region("eu-west", "Europe/Dublin", 53.35, -6.26),
        region("us-east", "America/New_York", 38.95, -77.45),
        region("ap-southeast", "Asia/Singapore", 1.35, 103.82),
    ]
}

/// Which metric names a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenTelemetry's `http_server_request_duration_seconds`.
    Otel,
    /// `http_requests_total` and `http_request_duration_seconds`.
    Legacy,
    /// No metrics of its own: the `HAProxy` in front of it speaks.
    Haproxy,
}

/// Database and cache behind a workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoreSpec {
    /// Name of the database.
    pub database: &'static str,
    /// Connections it allows.
    pub connections: u32,
    /// Time of a query, seconds.
    pub query: f64,
    /// Queries of a request whose data is in no cache.
    pub queries: f64,
    /// Name of the shared cache in front of it.
    pub cache: Option<&'static str>,
    /// Share of look-ups a warm cache answers.
    pub hit: f64,
}

/// A workload as its makers sized it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Namespace, which here is also the team's name.
    pub namespace: &'static str,
    /// Deployment and service.
    pub name: &'static str,
    /// Region.
    pub region: &'static str,
    /// Who decides the replica count.
    pub owner: Owner,
    /// Shape of its day.
    pub profile: Profile,
    /// Requests per second at the weekly peak's hour of an ordinary day.
    pub peak: f64,
    /// Lowest replica count.
    pub min: u32,
    /// Highest replica count.
    pub max: u32,
    /// Utilisation the autoscaler aims at, share of the CPU request.
    pub target: f64,
    /// Requests a pod works on at a time.
    pub workers: u32,
    /// Mean time of a request on a warm pod without its queries, seconds.
    pub service: f64,
    /// Clients give up after this, seconds.
    pub timeout: f64,
    /// CPU request and limit of a pod, cores.
    pub cpu: f64,
    /// Memory request of a pod, bytes.
    pub memory: f64,
    /// Price of a pod, $/h.
    pub price: f64,
    /// Seconds to pull the image; to start; time constant of warming up.
    pub pace: (f64, f64, f64),
    /// Metric names.
    pub dialect: Dialect,
    /// Database and cache.
    pub store: Option<StoreSpec>,
    /// Whether sessions stick to pods.
    pub sticky: bool,
    /// Latency promise in milliseconds and its quantile.
    pub promise: (u64, f64),
}

impl Spec {
    /// `namespace-name-region`: the identity at the provider.
    pub fn uid(&self) -> String {
        format!("{}-{}-{}", self.namespace, self.name, self.region)
    }

    /// Its own stream of randomness.
    pub fn stream(&self) -> u64 {
        noise::stream(&self.uid())
    }

    /// Requests per second a warm pod serves at most.
    pub fn pod_capacity(&self) -> f64 {
        f64::from(self.workers) / (self.service + self.query_time())
    }

    /// Time a request spends in its queries when caches are warm and the database is idle, seconds.
    pub fn query_time(&self) -> f64 {
        self.store.map_or(0.0, |s| s.queries * s.query * (1.0 - s.hit))
    }

    /// The promise to its users.
    pub fn objective(&self) -> Option<Objective> {
        let (millis, quantile) = self.promise;
        let month = Duration::from_secs(30 * 86_400);
        Objective::declared(0.99, Duration::from_millis(millis), quantile, month).ok()
    }
}

fn base(namespace: &'static str, name: &'static str, region: &'static str) -> Spec {
    Spec {
        namespace,
        name,
        region,
        owner: Owner::Autoscaler { name: format!("hpa/{name}") },
        profile: Profile::Shop,
        peak: 600.0,
        min: 3,
        max: 20,
        target: 0.7,
        workers: 8,
        service: 0.05,
        timeout: 2.0,
        cpu: 1.0,
        memory: 1.0 * GIB,
        price: 0.048,
        pace: (10.0, 14.0, 20.0),
        dialect: Dialect::Otel,
        store: None,
        sticky: false,
        promise: (250, 0.95),
    }
}

const GIB: f64 = 1_073_741_824.0;

/// Every workload of the fleet, in a fixed order.
pub fn workloads() -> Vec<Spec> {
    let mut all = shop();
    all.extend(find());
    all.extend(platform());
    all
}

fn shop() -> Vec<Spec> {
    // The target of 0.85 is a common mistake: with the tolerance of 0.1 the autoscaler acts at 0.935, when
    // users already wait. This is what a forecast can help with.
    let checkout = |region| Spec { target: 0.85, sticky: true, ..base("shop", "checkout", region) };
    let cart =
        |region| Spec { service: 0.02, sticky: true, promise: (100, 0.95), ..base("shop", "cart", region) };
    let orders =
        StoreSpec { database: "orders", connections: 40, query: 0.012, queries: 3.0, cache: None, hit: 0.0 };
    vec![
        Spec { peak: 1660.0, min: 8, max: 24, ..checkout("eu-west") },
        Spec { peak: 1100.0, min: 4, max: 16, ..checkout("us-east") },
        Spec { peak: 700.0, min: 3, max: 12, ..checkout("ap-southeast") },
        Spec { peak: 2000.0, min: 3, ..cart("eu-west") },
        Spec { peak: 1300.0, ..cart("us-east") },
        Spec {
            profile: Profile::Billing,
            peak: 520.0,
            min: 4,
            max: 16,
            // CPU is idle while a request waits for its queries: 0.45 of it means 0.78 of the workers.
            target: 0.45,
            price: 0.096,
            memory: 2.0 * GIB,
            store: Some(orders),
            promise: (500, 0.95),
            ..base("shop", "payments", "eu-west")
        },
    ]
}

fn find() -> Vec<Spec> {
    let search = |region| Spec {
        profile: Profile::Browse,
        service: 0.08,
        cpu: 2.0,
        memory: 4.0 * GIB,
        price: 0.11,
        pace: (16.0, 20.0, 40.0),
        promise: (500, 0.95),
        ..base("find", "search", region)
    };
    let products = StoreSpec {
        database: "products",
        connections: 30,
        query: 0.01,
        queries: 4.0,
        cache: Some("catalog-cache"),
        hit: 0.92,
    };
    vec![
        Spec { peak: 900.0, min: 4, ..search("eu-west") },
        Spec { peak: 700.0, min: 4, ..search("us-east") },
        Spec {
            owner: Owner::Nobody,
            profile: Profile::Browse,
            peak: 1500.0,
            min: 9,
            max: 30,
            service: 0.03,
            dialect: Dialect::Legacy,
            store: Some(products),
            ..base("find", "catalog", "eu-west")
        },
        Spec {
            owner: Owner::Nobody,
            profile: Profile::Browse,
            peak: 450.0,
            min: 6,
            service: 0.06,
            cpu: 2.0,
            memory: 6.0 * GIB,
            price: 0.14,
            pace: (30.0, 25.0, 60.0),
            promise: (400, 0.95),
            ..base("find", "recommend", "us-east")
        },
    ]
}

fn platform() -> Vec<Spec> {
    let accounts = StoreSpec {
        database: "accounts",
        connections: 24,
        query: 0.008,
        queries: 2.0,
        cache: None,
        hit: 0.0,
    };
    vec![
        Spec {
            profile: Profile::Office,
            peak: 900.0,
            min: 4,
            target: 0.4,
            workers: 16,
            service: 0.02,
            store: Some(accounts),
            promise: (200, 0.95),
            ..base("platform", "identity", "eu-west")
        },
        Spec {
            owner: Owner::Git { tool: "argocd media".into(), self_heal: true },
            profile: Profile::Leisure,
            peak: 420.0,
            min: 5,
            service: 0.09,
            dialect: Dialect::Haproxy,
            promise: (750, 0.95),
            ..base("platform", "media", "ap-southeast")
        },
        Spec {
            profile: Profile::Office,
            peak: 380.0,
            min: 3,
            service: 0.04,
            ..base("platform", "notifications", "us-east")
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_fleet_is_as_large_as_promised() {
        let all = workloads();
        let count = |of: fn(&Spec) -> &'static str| all.iter().map(of).collect::<BTreeSet<_>>().len();
        assert!(count(|w| w.name) >= 8);
        assert_eq!(count(|w| w.namespace), 3);
        assert_eq!(count(|w| w.region), 3);
        assert_eq!(all.iter().map(Spec::uid).collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().filter(|w| w.owner == Owner::Nobody).count() >= 2);
        assert!(all.iter().all(|w| w.objective().is_some() && w.min <= w.max));
        assert_eq!(regions().iter().map(|r| r.name.clone()).collect::<Vec<_>>(), REGIONS);
    }
}
