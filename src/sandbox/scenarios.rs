//! The table of scenarios.

use crate::series::Timestamp;

use super::scenario::{Expectation, Scenario, Shock, Verdict, What};

const CHECKOUT: &str = "shop/checkout@eu-west";
const FOREVER: i64 = 7 * 86_400;

/// Tuesday 2026-06-09, 07:30 in Dublin.
const MORNING: i64 = 1_780_986_600;
/// The same day, 10:30 in Dublin: demand is high and level.
const FORENOON: i64 = MORNING + 3 * 3600;
/// The same day, 14:00 in Dublin and 09:00 in New York: demand is level everywhere.
const AFTERNOON: i64 = MORNING + 13 * 1800;
/// Tuesday 2026-06-30, 16:30 in Dublin: the last day of the month.
const LAST_AFTERNOON: i64 = MORNING + 21 * 86_400 + 9 * 3600;

/// The scenario called `name`.
pub(super) fn named(name: &str) -> Option<Scenario> {
    let (name, about, start, shocks, expected) = match name {
        "calm" => calm(),
        "morning-ramp" => morning_ramp(),
        "flash-crowd" => flash_crowd(),
        "retry-storm" => retry_storm(),
        "cold-cache" => cold_cache(),
        "db-bound" => db_bound(),
        "region-loss" => region_loss(),
        "metrics-outage" => metrics_outage(),
        "controller-fight" => controller_fight(),
        "month-end" => month_end(),
        "bad-deploy" => bad_deploy(),
        "wear" => wear(),
        _ => return None,
    };
    Some(Scenario { name, about, start: Timestamp::from_secs(start), shocks, expected })
}

type Row = (&'static str, &'static str, i64, Vec<Shock>, Vec<Expectation>);

const fn shock(workload: &'static str, from: i64, until: i64, ramp: i64, what: What) -> Shock {
    Shock { workload, from, until, ramp, what }
}

const fn expect(workload: &'static str, verdict: Verdict, from: i64, by: i64) -> Expectation {
    Expectation { workload, verdict, from, by }
}

fn calm() -> Row {
    let floor = |workload, floor| shock(workload, -3600, FOREVER, 0, What::Floor(floor));
    (
        "calm",
        "An ordinary afternoon with room to spare: nothing needs doing.",
        AFTERNOON,
        vec![floor("checkout@eu-west", 14), floor("checkout@us-east", 9), floor("checkout@ap-southeast", 7)],
        vec![
            expect(CHECKOUT, Verdict::Nothing, 0, 1800),
            expect("shop/cart@eu-west", Verdict::Nothing, 0, 1800),
        ],
    )
}

fn morning_ramp() -> Row {
    (
        "morning-ramp",
        "Europe wakes up: checkout's demand passes what its pods can serve in about a quarter of an hour.",
        MORNING,
        vec![],
        vec![
            expect(CHECKOUT, Verdict::Propose, 0, 900),
            expect("shop/cart@us-east", Verdict::Nothing, 0, 900),
        ],
    )
}

fn flash_crowd() -> Row {
    (
        "flash-crowd",
        "A broadcast sends people to checkout: demand rises by half within three minutes and stays.",
        FORENOON,
        vec![
            shock("checkout@eu-west", 240, 3000, 180, What::Demand(1.55)),
            shock("cart@eu-west", 240, 3000, 180, What::Demand(1.4)),
        ],
        vec![expect(CHECKOUT, Verdict::Propose, 240, 900)],
    )
}

fn retry_storm() -> Row {
    (
        "retry-storm",
        "The index behind search fails and every client asks again: requests multiply, good answers do not.",
        FORENOON,
        vec![shock("search@eu-west", 300, 1500, 20, What::DependencyErrors { share: 0.45, retries: 1.6 })],
        vec![expect("find/search@eu-west", Verdict::NotScaling("retry storm"), 360, 900)],
    )
}

fn cold_cache() -> Row {
    (
        "cold-cache",
        "The catalog cache is emptied: misses load the database. Pods started now never get warm.",
        FORENOON,
        vec![
            shock("catalog@eu-west", 300, FOREVER, 0, What::FlushCache),
            shock("catalog@eu-west", 0, FOREVER, 0, What::NeverWarm),
        ],
        vec![
            expect("find/catalog@eu-west", Verdict::NotScaling("cache is cold"), 330, 900),
            expect("find/catalog@eu-west", Verdict::RolledBack, 330, 3600),
        ],
    )
}

fn db_bound() -> Row {
    (
        "db-bound",
        "A missing index makes identity's queries slow: the connections are all in use and CPU is idle.",
        FORENOON,
        vec![shock("identity@eu-west", 300, FOREVER, 120, What::SlowQueries(4.2))],
        vec![expect(
            "platform/identity@eu-west",
            Verdict::NotScaling("database connections exhausted"),
            420,
            1200,
        )],
    )
}

fn region_loss() -> Row {
    (
        "region-loss",
        "Singapore goes dark for forty minutes: its users arrive in Europe and the United States.",
        MORNING,
        vec![shock("checkout@ap-southeast", 300, 2700, 0, What::RegionDown)],
        vec![
            expect(CHECKOUT, Verdict::Propose, 0, 900),
            expect("shop/checkout@ap-southeast", Verdict::NoScaleIn, 300, 2700),
        ],
    )
}

fn metrics_outage() -> Row {
    (
        "metrics-outage",
        "Checkout's metrics stand still, then Europe's endpoint fails, while the traffic goes on.",
        FORENOON,
        vec![
            shock("checkout@eu-west", 300, 1800, 0, What::MetricsFrozen),
            shock("checkout@eu-west", 900, 1800, 0, What::MetricsGone),
        ],
        vec![
            expect(CHECKOUT, Verdict::NoScaleIn, 300, 2400),
            expect("shop/cart@eu-west", Verdict::NoScaleIn, 900, 2400),
        ],
    )
}

fn controller_fight() -> Row {
    (
        "controller-fight",
        "The morning ramp, but another controller writes checkout's floor back within seconds.",
        MORNING,
        vec![
            shock("checkout@eu-west", 0, FOREVER, 0, What::FloorReverted(8)),
            shock("checkout@eu-west", 0, FOREVER, 0, What::CrashOnStart),
        ],
        vec![expect(CHECKOUT, Verdict::Propose, 0, 900), expect(CHECKOUT, Verdict::RolledBack, 0, 3600)],
    )
}

fn month_end() -> Row {
    (
        "month-end",
        "The last afternoon of the month: invoices double the load on payments, and its autoscaler keeps up.",
        LAST_AFTERNOON,
        vec![],
        // Nobody told weescale of the batch, and none is needed: pods follow at the pace of the load.
        vec![expect("shop/payments@eu-west", Verdict::Nothing, 0, 2700)],
    )
}

fn bad_deploy() -> Row {
    (
        "bad-deploy",
        "A new version of cart is rolled out and costs 38 % more CPU a request: its autoscaler pays for it.",
        AFTERNOON,
        vec![shock("cart@eu-west", 240, FOREVER, 0, What::Deploy { version: "v142", cost: 1.38 })],
        vec![expect("shop/cart@eu-west", Verdict::Advise("do not scale: v142 costs"), 600, 1800)],
    )
}

fn wear() -> Row {
    (
        "wear",
        "Nothing breaks yet: a disk fills, a cache is too small for its keys, a machine's network loses segments.",
        AFTERNOON,
        vec![
            shock("payments@eu-west", 0, FOREVER, 0, What::DiskFills(600_000.0)),
            shock("catalog@eu-west", 0, FOREVER, 0, What::CacheShrunk(0.6)),
            shock("cart@us-east", 0, FOREVER, 0, What::Retransmits(0.03)),
        ],
        vec![
            expect("shop/payments@eu-west", Verdict::Advise("enlarge the volume"), 0, 5400),
            expect("find/catalog@eu-west", Verdict::Advise("enlarge the cache"), 0, 1800),
            expect("platform/notifications@us-east", Verdict::Advise("raise the partitions"), 0, 1800),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_the_local_times_they_claim() {
        let dublin = jiff::tz::TimeZone::get("Europe/Dublin").unwrap();
        let local = |name: &str| {
            let start = named(name).unwrap().start;
            dublin.to_datetime(start.to_jiff()).strftime("%a %F %H:%M").to_string()
        };
        assert_eq!(local("morning-ramp"), "Tue 2026-06-09 07:30");
        assert_eq!(local("calm"), "Tue 2026-06-09 14:00");
        assert_eq!(local("month-end"), "Tue 2026-06-30 16:30");
    }
}
