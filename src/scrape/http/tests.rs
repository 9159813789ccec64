//! Which targets share what, and what headers say.

use std::time::Duration;

use reqwest::header::{self, HeaderName, HeaderValue};

use crate::scrape::{Encoding, Target};

use super::headers::retry_after;
use super::{Http, Wires};

#[tokio::test]
async fn what_is_asked_in_the_same_manner_shares_a_client() {
    let wires = Wires::default();
    let way = |address: &str, change: fn(&mut Target)| {
        let mut target = Target::exposition(address).unwrap();
        change(&mut target);
        Http::new(target, &wires).unwrap()
    };
    let asks = Http::accepts;
    assert_eq!(asks(&way("http://10.0.0.5:9100", |_| {})), "gzip");
    assert_eq!(asks(&way("http://10.0.0.6:9100", |t| t.encoding = Some(Encoding::Identity))), "identity");
    assert_eq!(wires.manners(), 1);
    assert_eq!(asks(&way("http://localhost:9100", |_| {})), "identity");
    assert_eq!(wires.manners(), 2, "a proxy is never asked for loopback");
    way("http://10.0.0.7:9100", |t| t.limits.timeout = Duration::from_secs(3));
    way("https://10.0.0.7:9100", |_| {});
    way("https://10.0.0.8:9100", |t| t.tls.insecure_skip_verify = true);
    assert_eq!(wires.manners(), 5);
}

#[test]
fn retry_after_in_both_forms() {
    let parse = |pairs: &[(HeaderName, &'static str)]| {
        let headers = pairs.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect();
        retry_after(&headers)
    };
    assert_eq!(parse(&[(header::RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
    let later = (header::RETRY_AFTER, "Wed, 21 Oct 2026 07:28:30 GMT");
    let date = (header::DATE, "Wed, 21 Oct 2026 07:28:00 GMT");
    assert_eq!(parse(&[later.clone(), date]), Some(Duration::from_secs(30)));
    assert_eq!(parse(&[later]), None);
    assert_eq!(parse(&[(header::RETRY_AFTER, "-5")]), None);
}
