//! `CloudWatch` as a source, against moto.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use weescale::clock::Clock;
use weescale::scrape::{
    CloudWatch, CloudWatchMetric, Delivery, Health, ScrapeBlock, SourceStatus, spawn_cloudwatch,
};
use weescale::store::Store;
use weescale::store::query::{Options, Prepared, Value, instant};

use super::moto::{Moto, SHIPPED, allow, encode};

fn metric(name: &str, stat: &str) -> CloudWatchMetric {
    CloudWatchMetric {
        namespace: "AWS/ApplicationELB".into(),
        metric: name.into(),
        stat: stat.into(),
        period: Duration::from_secs(60),
        dimensions: BTreeMap::from([("LoadBalancer".to_owned(), "app/shop/1".to_owned())]),
        labels: BTreeMap::from([("service".to_owned(), "checkout".to_owned())]),
        name: None,
    }
}

fn settings(moto: &Moto, user: &str) -> CloudWatch {
    CloudWatch {
        name: "prod".into(),
        setup: moto.setup(),
        access: moto.access(user),
        interval: Duration::from_secs(60),
        delay: Duration::from_secs(120),
        metrics: vec![metric("RequestCount", "Sum"), metric("NoSuchThing", "Average")],
    }
}

/// The first block and the status after it.
async fn first(settings: CloudWatch) -> (ScrapeBlock, SourceStatus) {
    let (out, mut deliveries) = mpsc::channel(64);
    let _handle = spawn_cloudwatch(settings, Clock::real(), out).unwrap();
    let mut block = None;
    tokio::time::timeout(Duration::from_secs(60), async {
        while let Some(delivery) = deliveries.recv().await {
            match (delivery, &block) {
                (Delivery::Scraped(scraped), _) => block = Some(scraped),
                (Delivery::Status(status), Some(_)) => return (block.unwrap(), status),
                _ => {}
            }
        }
        panic!("it ended")
    })
    .await
    .unwrap()
}

/// The store answers with the newest value, also after a poll that brought nothing new, until it is too old.
fn in_the_store(block: &ScrapeBlock, newest: f64) {
    let mut store = Store::new(weescale::store::Limits::default());
    let stored = store.append_block(block);
    assert_eq!((stored.out_of_order, stored.out_of_bounds, stored.unmapped), (0, 0, 0), "{stored:?}");
    let expr = Prepared::new("aws_applicationelb_request_count_sum").unwrap();
    let ask = |store: &Store, at| {
        let Ok(Value::Vector(series)) = instant(store, &expr, at, &Options::default()) else { panic!() };
        series.into_iter().map(|(_, v)| v).collect::<Vec<_>>()
    };
    assert_eq!(ask(&store, block.at), [newest]);
    let later = block.at + Duration::from_secs(60);
    let quiet = ScrapeBlock { at: later, born: Arc::default(), timed: vec![], ..block.clone() };
    store.append_block(&quiet);
    assert_eq!(ask(&store, later), [newest], "it has not ended");
    assert_eq!(ask(&store, block.at + Duration::from_secs(600)), [0.0; 0], "it is missing by then");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_complete_period_is_used_at_its_own_time() {
    let Some(moto) = Moto::start() else { return };
    let now = Clock::real().now();
    let minute = now.as_millis() / 60_000 * 60;
    // One value a minute; the last ones are of periods that are not over, or not old enough.
    for back in 0..8_i64 {
        let at = jiff::Timestamp::from_second(minute - back * 60 + 1).unwrap().to_string();
        let value = 100 + back;
        moto.query("monitoring", &format!(
            "Action=PutMetricData&Version=2010-08-01&Namespace={}&MetricData.member.1.MetricName=RequestCount&\
             MetricData.member.1.Value={value}&MetricData.member.1.Timestamp={}&MetricData.member.1.Unit=Count&\
             MetricData.member.1.Dimensions.member.1.Name=LoadBalancer&MetricData.member.1.Dimensions.member.1.Value={}",
            encode("AWS/ApplicationELB"), encode(&at), encode("app/shop/1")
        ));
    }
    // AWS calls the right after the service, moto after the name in the signature.
    moto.user("ops", &SHIPPED.replace("cloudwatch:", "monitoring:"));
    moto.user("blind", &allow(&["autoscaling:Describe*"]));
    moto.lock();

    let (block, status) = first(settings(&moto, "ops")).await;
    assert_eq!(status.health, Health::Healthy, "{status:?}");
    let labels: Vec<String> = block.born.announced().map(|(_, l)| l.to_string()).collect();
    let wanted = "aws_applicationelb_request_count_sum{dimension_LoadBalancer=\"app/shop/1\",region=\"us-east-1\",\
                  service=\"checkout\"}";
    let slot = labels.iter().position(|l| l == wanted).unwrap_or_else(|| panic!("{labels:?}"));
    let points: Vec<_> = block.timed.iter().filter(|(s, _)| *s as usize == slot).map(|(_, p)| *p).collect();
    let newest = points.last().unwrap();
    let age = block.at.since(newest.at);
    assert!(age >= Duration::from_secs(120), "its period ended {age:?} ago");
    assert!(age < Duration::from_secs(240), "the newest one: {age:?}");
    // The value of the minute that ends there, whole.
    let back = (minute - (newest.at.as_millis() / 1000 - 60)) / 60;
    assert_eq!(newest.value, (100 + back) as f64);
    assert!(points.is_sorted_by(|a, b| a.at < b.at) && points.len() >= 4, "{points:?}");
    let (_, rate) = block.timed.iter().rev().find(|(s, _)| *s as usize == slot + 1).unwrap();
    assert_eq!((rate.at, rate.value), (newest.at, newest.value / 60.0));
    let has_none = |s: usize| s != slot && s != slot + 1;
    assert!(
        !block.timed.iter().any(|(s, _)| has_none(*s as usize)),
        "what has no value is missing, not zero"
    );
    in_the_store(&block, newest.value);
    let refresh = status.refresh.unwrap();
    assert_eq!((refresh.queries, refresh.requests), (2, 1), "what a poll costs is shown");
    assert!(
        status.warnings.iter().any(|w| w.contains("1 of 2 metrics have no value")),
        "{:?}",
        status.warnings
    );
    let age_slot = labels.iter().position(|l| l.starts_with("weescale_cloudwatch_age_seconds")).unwrap();
    assert!((block.values[age_slot] - age.as_secs_f64()).abs() < 0.01);

    let (block, status) = first(settings(&moto, "blind")).await;
    let Health::Failing { error, .. } = &status.health else { panic!("{status:?}") };
    assert!(error.contains("allow cloudwatch:GetMetricData"), "{error}");
    assert!(block.timed.is_empty());
    assert_eq!(block.values[0], 0.0, "up");
}
