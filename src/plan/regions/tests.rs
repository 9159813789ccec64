use super::super::Exhaustion;
use super::super::fixture::{Fleet, Item, id, now};
use super::*;
use crate::plan::Verdict;

const MINUTE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(3 * 3600);

/// A fleet with what is known of each of its workloads, an age of three hours.
#[derive(Default)]
struct Bench {
    fleet: Fleet,
    sights: Vec<Sight>,
    left: Vec<(WorkloadId, Timestamp, bool)>,
}

impl Bench {
    /// `name@region` of the service `service` with ten replicas, all ready, and demand.
    fn add(&mut self, name: &str, service: &str) -> usize {
        self.fleet.add(name, &[]).replicas(10, 1, 20).workload.service = service.into();
        let mut sight = Sight::met(now() - LONG, None);
        sight.observe(Some(100.0), true, now() - LONG);
        sight.observe(Some(100.0), true, now());
        self.sights.push(sight);
        self.sights.len() - 1
    }

    fn of_web(regions: &[&str]) -> Self {
        let mut bench = Self::default();
        for region in regions {
            bench.add(&format!("web@{region}"), "web");
        }
        bench
    }

    fn item(&mut self, which: usize) -> &mut Item {
        &mut self.fleet.items[which]
    }

    /// Counts of one: asked for and ready.
    fn counts(&mut self, which: usize, desired: u32, ready: u32) {
        let counts = self.item(which).workload.replicas.as_mut().unwrap();
        (counts.desired, counts.ready) = (desired, ready);
    }

    fn strained(&mut self, which: usize) {
        let item = self.item(which).planned(1.0, Verdict::Hold { why: String::new() });
        item.plan.as_mut().unwrap().exhaustion = Exhaustion::Now;
    }

    fn regions(&self) -> Regions {
        let items = self.fleet.items.iter().zip(&self.sights);
        let fleet =
            items.map(|(item, sight)| Present { workload: &item.workload, plan: item.plan.as_ref(), sight });
        let left = self.left.iter().map(|(id, since, young)| Absent {
            id,
            service: &id.name,
            since: *since,
            young: *young,
        });
        Regions::of(fleet, left, now())
    }

    /// Why nothing may be taken away from one.
    fn why(&self, which: usize) -> String {
        let regions = self.regions();
        regions.elsewhere(&self.fleet.items[which].workload).unwrap_or_default().to_owned()
    }
}

/// What happens to one of two regions, and what the other is told.
#[test]
fn a_region_that_cannot_be_seen_needs_help_as_a_dark_one_does() {
    let two = || Bench::of_web(&["eu", "us"]);
    assert_eq!((two().why(0), two().why(1)), (String::new(), String::new()));
    // Metrics and API die: what is left are old counts, ten ready.
    let mut blind = two();
    blind.sights[0].observe(None, false, now());
    assert!(
        blind
            .why(1)
            .starts_with("shop/web@eu cannot be seen, its demand is not known since 2026-06-09T12:00:00Z")
    );
    let told = "its users may come here; if it was removed on purpose: weescale gone shop/web@eu";
    assert!(blind.why(1).ends_with(told), "{}", blind.why(1));
    assert_eq!(blind.why(0), "", "nothing is wrong where it looks from");
    // The platform's word goes missing: the count is unknown at once.
    let mut uncounted = two();
    uncounted.sights[0].observe(Some(100.0), false, now());
    uncounted.item(0).workload.replicas = None;
    assert!(uncounted.why(1).contains("its replica count is not known"), "{}", uncounted.why(1));
    // The load balancer fails: ten are ready, demand fell to zero and is suspect.
    let mut suspect = two();
    suspect.sights[0].observe(None, true, now());
    assert!(suspect.why(1).contains("its demand is not known"), "{}", suspect.why(1));
    suspect.counts(0, 10, 0);
    assert_eq!(
        suspect.why(1),
        "shop/web@eu has no ready replica: its users may come here",
        "the worst is told"
    );
    // Back again.
    suspect.counts(0, 10, 10);
    suspect.sights[0].observe(Some(80.0), true, now());
    assert_eq!(suspect.why(1), "");
}

#[test]
fn a_zero_that_is_believed_may_be_users_on_their_way() {
    let mut bench = Bench::of_web(&["eu", "us"]);
    bench.sights[0].observe(Some(0.0), true, now());
    assert_eq!(
        bench.why(1),
        "no request reaches shop/web@eu since 2026-06-09T12:00:00Z: its users may come here"
    );
    // Scaled to none on purpose.
    bench.counts(0, 0, 0);
    assert_eq!(bench.why(1), "");
    bench.sights[0].observe(None, true, now());
    assert_eq!(bench.why(1), "", "what is not there is not measured");
    // An hour later they are where they went.
    let mut idle = Bench::of_web(&["eu", "us"]);
    idle.sights[0] = Sight::met(now() - LONG, None);
    idle.sights[0].observe(Some(100.0), true, now() - MINUTE * 61);
    idle.sights[0].observe(Some(0.0), true, now());
    assert_eq!(idle.why(1), "");
}

#[test]
fn what_was_never_measured_bars_nothing_for_ever_and_is_named() {
    let mut bench = Bench::of_web(&["eu", "us"]);
    bench.sights[0] = Sight::met(now() - MINUTE * 9, None);
    bench.sights[0].observe(None, true, now());
    assert_eq!(
        bench.why(1),
        "shop/web@eu is not known well enough yet",
        "the first minutes: no alarm, and no scale-in"
    );
    bench.sights[0] = Sight::met(now() - MINUTE * 10, None);
    bench.sights[0].observe(None, true, now());
    assert_eq!(bench.why(1), "");
    let said = |bench: &Bench, which: usize| {
        bench.regions().unmeasured(&bench.fleet.items[which].workload).map(str::to_owned)
    };
    assert_eq!(said(&bench, 1).unwrap(), "nothing counts the requests of shop/web@eu");
    assert_eq!(said(&bench, 0), None);
    bench.sights[0].observe(Some(1.0), false, now());
    let mut uncounted = Sight::met(now() - LONG, None);
    uncounted.observe(Some(1.0), false, now());
    bench.sights[0] = uncounted;
    assert_eq!(
        (bench.why(1), said(&bench, 1).unwrap()),
        (String::new(), "nothing counts the replicas of shop/web@eu".into())
    );
    // What was known before a restart is no alarm in its first minutes either, and is one after them.
    let before = |met| {
        let mut sight = Sight::met(met, None);
        sight.recall(now() - LONG, None);
        sight
    };
    bench.sights[0] = before(now() - MINUTE);
    assert_eq!(bench.why(1), "shop/web@eu is not known well enough yet");
    bench.sights[0] = before(now() - MINUTE * 20);
    assert!(bench.why(1).contains("cannot be seen"), "{}", bench.why(1));
    // A metric that was taken away is not waited for longer than a day.
    let mut old = Sight::met(now() - LONG, None);
    old.recall(now() - Duration::from_secs(86_401), None);
    old.observe(None, true, now());
    bench.sights[0] = old;
    assert_eq!(bench.why(1), "");
}

#[test]
fn a_crash_loop_of_another_service_bars_its_own_service_alone() {
    let mut bench = Bench::of_web(&["eu", "us"]);
    let (here, there) = (bench.add("test@eu", "test"), bench.add("test@us", "test"));
    bench.counts(there, 1, 0);
    bench.sights[there].observe(None, true, now());
    assert!(bench.why(here).contains("shop/test@us has no ready replica"));
    assert_eq!((bench.why(0), bench.why(1)), (String::new(), String::new()));
    // Nor does one of several workloads of a service, as long as another serves it there.
    let canary = bench.add("web-canary@us", "web");
    bench.counts(canary, 1, 0);
    assert_eq!(bench.why(0), "");
    bench.counts(1, 10, 0);
    assert!(bench.why(0).contains("shop/web@us has no ready replica"), "{}", bench.why(0));
}

#[test]
fn with_a_dead_region_goes_what_nobody_counts_there() {
    let mut bench = Bench::of_web(&["eu", "us"]);
    let uncounted = bench.add("mail@us", "mail");
    let here = bench.add("mail@eu", "mail");
    bench.item(uncounted).workload.replicas = None;
    bench.sights[uncounted] = Sight::met(now() - LONG, None);
    bench.counts(1, 10, 0);
    bench.sights[1].observe(None, true, now());
    assert_eq!(bench.why(here), "nothing in region us is ready or can be seen: its users may come here");
    bench.add("other@us", "other");
    assert_eq!(bench.why(here), "", "something lives there");
}

#[test]
fn each_region_that_is_short_is_kept_and_another_one_is_named() {
    let mut bench = Bench::of_web(&["ap", "eu", "us"]);
    bench.strained(0);
    bench.strained(2);
    assert_eq!(bench.why(0), "shop/web@us is short of capacity or nearly so", "not its own");
    assert_eq!(bench.why(2), "shop/web@ap is short of capacity or nearly so");
    assert!(bench.why(1).contains("is short"));
    bench.sights[2].observe(None, true, now());
    assert!(bench.why(1).contains("web@us cannot be seen"), "the worst first: {}", bench.why(1));
}

#[test]
fn a_region_of_which_nothing_is_heard_any_more_is_waited_for() {
    let mut bench = Bench::of_web(&["us"]);
    bench.left = vec![(id("web@eu"), now() - LONG, false)];
    assert_eq!(
        bench.why(0),
        "shop/web@eu cannot be seen, nothing is heard of it since 2026-06-09T09:00:00Z: its users may come here; if it \
         was removed on purpose: weescale gone shop/web@eu"
    );
    bench.left[0].2 = true;
    assert_eq!(bench.why(0), "shop/web@eu is not known well enough yet", "right after a start");
    bench.left = vec![(id("web@us"), now() - LONG, false), (id("old@eu"), now() - LONG, false)];
    assert_eq!(bench.why(0), "", "others of its service are there, and another service says nothing");
}
