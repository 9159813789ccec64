use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::fixture::{Fixture, Step, answer, next, status};
use crate::clock::Clock;
use crate::scrape::{Answer, Delivery, Handle, Health, QuerySpec, Target, spawn_promql};
use crate::series::Timestamp;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A server that keeps to `most` marked queries a request and fails the query `bad`.
async fn server(most: usize) -> Fixture {
    Fixture::start(move |_, request| {
        if request.contains("/label/__name__/values") {
            return answer("200 OK", &[JSON], br#"{"status":"success","data":["up"]}"#);
        }
        let query = query(request);
        let names: Vec<&str> = query
            .split("label_replace(")
            .skip(1)
            .filter_map(|p| p.split_once('\n'))
            .map(|(n, _)| n)
            .collect();
        let error = |kind: &str, text: &str| {
            let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#);
            answer("422 No", &[JSON], body.as_bytes())
        };
        if query.contains("bad") {
            return error("execution", "unknown function");
        }
        if names.len() > most {
            return error("execution", "query processing would load too many samples into memory");
        }
        let item = |name: &str, mark: String| {
            format!(r#"{{"metric":{{"n":"{name}"{mark}}},"value":[1,"{}"]}}"#, &name[1..])
        };
        let items: Vec<String> = if names.is_empty() && query.starts_with('q') {
            vec![item(&query, String::new())]
        } else {
            // Last first: the order must not matter.
            let marked = |(i, n): (usize, &&str)| item(n, format!(r#","weescale_query":"{i}""#));
            names.iter().enumerate().map(marked).rev().collect()
        };
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
            items.join(",")
        );
        answer("200 OK", &[JSON], body.as_bytes())
    })
    .await
}

/// The parameter `query` of a form, decoded.
fn query(request: &str) -> String {
    let body = request.rsplit("\r\n\r\n").next().unwrap();
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    url.query_pairs().find(|(n, _)| n == "query").map(|(_, v)| v.into_owned()).unwrap_or_default()
}

fn spawn(fixture: &Fixture, change: impl FnOnce(&mut Target)) -> (Handle, mpsc::Receiver<Delivery>) {
    let mut target = Target::new(&fixture.url()).unwrap();
    target.interval = Duration::from_secs(3600);
    change(&mut target);
    let (tx, rx) = mpsc::channel(64);
    (spawn_promql(target, Clock::real(), tx).unwrap(), rx)
}

async fn ask(handle: &Handle, rx: &mut mpsc::Receiver<Delivery>, exprs: &[&str]) -> Vec<Answer> {
    handle.set_queries(exprs.iter().map(|e| QuerySpec { expr: Arc::from(*e) }).collect()).unwrap();
    loop {
        if let Delivery::Answered { answers, .. } = next(rx).await
            && answers.len() == exprs.len()
        {
            return answers;
        }
    }
}

async fn next_answers(rx: &mut mpsc::Receiver<Delivery>) -> Vec<Answer> {
    loop {
        if let Delivery::Answered { answers, .. } = next(rx).await {
            return answers;
        }
    }
}

fn queries(fixture: &Fixture) -> usize {
    fixture
        .requests()
        .iter()
        .filter(|r| r.starts_with("POST /api/v1/query ") && !r.contains("vector%281"))
        .count()
}

fn holds(answers: &[Answer], exprs: &[&str]) {
    for (answer, expr) in answers.iter().zip(exprs) {
        assert_eq!(answer.expr.as_ref(), *expr);
        let series = answer.result.as_ref().unwrap();
        assert_eq!(series.len(), 1, "{expr}");
        assert_eq!(series[0].0.to_string(), format!("{{n=\"{expr}\"}}"));
        assert_eq!(series[0].1, expr[1..].parse::<f64>().unwrap());
    }
}

#[tokio::test]
async fn many_queries_cost_few_requests_and_equal_ones_none() {
    let fixture = server(100).await;
    let (handle, mut rx) = spawn(&fixture, |_| {});
    status(&mut rx).await;
    let names: Vec<String> = (0..40).map(|i| format!("q{}", i % 30)).collect();
    let exprs: Vec<&str> = names.iter().map(String::as_str).collect();
    holds(&ask(&handle, &mut rx, &exprs).await, &exprs);
    assert_eq!(queries(&fixture), 2);
    let told = status(&mut rx).await;
    let refresh = told.refresh.unwrap();
    assert_eq!((refresh.queries, refresh.requests), (40, 2));
    assert!(told.busy > Duration::ZERO && told.budget_used.unwrap() > 0.0);
}

#[tokio::test]
async fn groups_that_are_too_much_are_halved_and_stay_small() {
    let fixture = server(4).await;
    let (handle, mut rx) = spawn(&fixture, |t| t.limits.concurrency = 1);
    status(&mut rx).await;
    let exprs = ["q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12"];
    holds(&ask(&handle, &mut rx, &exprs).await, &exprs);
    let first = queries(&fixture);
    handle.poll_now();
    status(&mut rx).await;
    let answers = next_answers(&mut rx).await;
    holds(&answers, &exprs);
    assert_eq!(queries(&fixture) - first, 4, "twelve queries by three");
}

#[tokio::test]
async fn one_bad_query_does_not_take_its_group_along() {
    let fixture = server(100).await;
    let (handle, mut rx) = spawn(&fixture, |_| {});
    status(&mut rx).await;
    let answers = ask(&handle, &mut rx, &["q1", "bad", "q3", "q4"]).await;
    assert!(answers[1].result.as_ref().unwrap_err().contains("unknown function"));
    holds(&answers[2..], &["q3", "q4"]);
    let first = queries(&fixture);
    handle.poll_now();
    status(&mut rx).await;
    next_answers(&mut rx).await;
    assert_eq!(queries(&fixture) - first, 2, "the bad one alone, the others together");
    assert_eq!(status(&mut rx).await.health, Health::Healthy);
}

#[tokio::test]
async fn parameters_and_headers_go_with_every_request() {
    let fixture = server(100).await;
    let (handle, mut rx) = spawn(&fixture, |t| {
        t.params = vec![("dedup".into(), "true".into())];
        let tenant = crate::scrape::Credential::Value(crate::scrape::Secret::new("team-a"));
        t.headers = vec![("X-Scope-OrgID".into(), tenant)];
    });
    ask(&handle, &mut rx, &["q1"]).await;
    let (from, to) = (Timestamp::from_secs(0), Timestamp::from_secs(60));
    handle
        .backfill(crate::scrape::BackfillRequest {
            expr: "q".into(),
            from,
            to,
            step: Duration::from_secs(60),
        })
        .unwrap();
    while !fixture.requests().iter().any(|r| r.contains("query_range")) {
        next(&mut rx).await;
    }
    for request in fixture.requests() {
        assert!(request.contains("dedup=true") && request.contains("partial_response=false"), "{request}");
        assert!(request.to_lowercase().contains("x-scope-orgid: team-a"), "{request}");
    }
}

#[tokio::test]
async fn the_budget_is_kept_and_its_name_is_told() {
    let fixture = server(100).await;
    let (handle, mut rx) = spawn(&fixture, |t| {
        t.limits.grouped_queries = 1;
        t.limits.requests_per_s = 2;
    });
    status(&mut rx).await;
    let machine = Clock::real();
    let began = machine.monotonic();
    let names: Vec<String> = (0..24).map(|i| format!("q{i}")).collect();
    let exprs: Vec<&str> = names.iter().map(String::as_str).collect();
    holds(&ask(&handle, &mut rx, &exprs).await, &exprs);
    // Two went before (names, heartbeat), 20 are the burst, the other six need three seconds less what has passed.
    let took = machine.monotonic().since(began);
    assert!(took > Duration::from_secs(2), "{took:?}");
    let told = status(&mut rx).await;
    assert!(told.limits_hit.contains(&"requests_per_s".to_owned()), "{told:?}");
}

#[tokio::test]
async fn history_waits_for_a_server_that_is_away_and_goes_on_where_it_was() {
    let fixture = Fixture::start(|index, request| {
        if !request.contains("query_range") {
            return answer("200 OK", &[JSON], br#"{"status":"success","data":[]}"#);
        }
        if index % 3 != 0 {
            return vec![Step::Send(Vec::new())];
        }
        let body = query_range(request);
        answer("200 OK", &[JSON], body.as_bytes())
    })
    .await;
    let (handle, mut rx) = spawn(&fixture, |t| t.limits.backfill_points = 30);
    let (from, step) = (Timestamp::from_secs(0), Duration::from_secs(60));
    let to = Timestamp::from_secs(89 * 60);
    handle.backfill(crate::scrape::BackfillRequest { expr: "q".into(), from, to, step }).unwrap();
    let mut times = Vec::new();
    loop {
        let delivery = tokio::time::timeout(Duration::from_secs(30), rx.recv()).await.unwrap().unwrap();
        if let Delivery::Backfilled { answer, .. } = delivery {
            times.extend(answer.series[0].1.iter().map(|s| s.at.as_millis() / 60_000));
            if answer.last {
                break;
            }
        }
    }
    assert_eq!(times, (0..90).collect::<Vec<_>>());
}

/// One series with a point each minute asked for.
fn query_range(request: &str) -> String {
    let body = request.rsplit("\r\n\r\n").next().unwrap();
    let param = |name: &str| -> i64 {
        let pair = body.split('&').find_map(|p| p.strip_prefix(&format!("{name}="))).unwrap();
        pair.split('.').next().unwrap().parse().unwrap()
    };
    let (start, end) = (param("start"), param("end"));
    let points: Vec<String> = (start..=end).step_by(60).map(|t| format!("[{t},\"1\"]")).collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"a":"b"}},"values":[{}]}}]}}}}"#,
        points.join(",")
    )
}
