use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::fixture::{Fixture, Step, answer, next, status};
use crate::clock::Clock;
use crate::scrape::{
    Answer, BackfillRequest, Delivery, Handle, HandleError, Health, QuerySpec, RangeAnswer, Target,
    spawn_exposition, spawn_promql,
};
use crate::series::Timestamp;

const JSON: (&str, &str) = ("content-type", "application/json");

fn json(body: &str) -> Vec<Step> {
    answer("200 OK", &[JSON], body.as_bytes())
}

fn vector(items: &str) -> Vec<Step> {
    json(&format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{items}]}}}}"#))
}

fn spawn(fixture: &Fixture, change: impl FnOnce(&mut Target)) -> (Handle, mpsc::Receiver<Delivery>) {
    let mut target = Target::new(&fixture.url()).unwrap();
    target.interval = Duration::from_secs(3600);
    target.limits.timeout = Duration::from_millis(500);
    target.limits.grouped_queries = 1;
    change(&mut target);
    let (tx, rx) = mpsc::channel(64);
    (spawn_promql(target, Clock::real(), tx).unwrap(), rx)
}

fn specs(exprs: &[&str]) -> Vec<QuerySpec> {
    exprs.iter().map(|e| QuerySpec { expr: Arc::from(*e) }).collect()
}

async fn answers(rx: &mut mpsc::Receiver<Delivery>) -> Vec<Answer> {
    loop {
        if let Delivery::Answered { answers, .. } = next(rx).await {
            return answers;
        }
    }
}

async fn part(rx: &mut mpsc::Receiver<Delivery>) -> RangeAnswer {
    loop {
        if let Delivery::Backfilled { answer, .. } = next(rx).await {
            return answer;
        }
    }
}

/// Names, and otherwise what `reply` says to a request.
async fn server(reply: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Fixture {
    Fixture::start(move |_, request| {
        if request.contains("/label/__name__/values") {
            json(r#"{"status":"success","data":["up","x\u001by"]}"#)
        } else {
            reply(request)
        }
    })
    .await
}

#[tokio::test]
async fn names_then_answers_in_order_at_one_instant() {
    let fixture = server(|request| {
        let n = request.split("query=q").nth(1).and_then(|r| r.split('&').next()).unwrap_or("0").to_owned();
        vector(&format!(r#"{{"metric":{{"n":"{n}"}},"value":[1,"{n}"]}}"#))
    })
    .await;
    let (handle, mut rx) = spawn(&fixture, |_| {});
    let names = loop {
        if let Delivery::Names { names, .. } = next(&mut rx).await {
            break names;
        }
    };
    assert_eq!(names.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["up", "x\\u{1b}y"]);
    let exprs: Vec<String> = (1..=9).map(|i| format!("q{i}")).collect();
    handle.set_queries(specs(&exprs.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
    let answers = answers(&mut rx).await;
    assert_eq!(answers.len(), 9);
    for (i, answer) in answers.iter().enumerate() {
        let series = answer.result.as_ref().unwrap();
        assert_eq!(series[0].0.get("n"), Some((i + 1).to_string().as_str()));
        assert_eq!(series[0].1, (i + 1) as f64);
        assert_eq!(answer.at, answers[0].at);
    }
    let asked =
        fixture.requests().into_iter().filter(|r| r.starts_with("POST /api/v1/query ")).collect::<Vec<_>>();
    let time = format!("time={}", answers[0].at.as_secs_f64());
    assert!(asked.iter().filter(|r| r.contains(&time)).count() >= 9, "{time}");
}

#[tokio::test]
async fn each_query_has_its_own_error_and_the_server_stays_healthy() {
    let fixture = server(|request| {
        let is = |q: &str| request.contains(&format!("query={q}&"));
        let bad = |t: &str| answer("400 Bad Request", &[JSON], t.as_bytes());
        if is("bad") {
            bad(r#"{"status":"error","errorType":"bad_data","error":"parse error \u001b[2J"}"#)
        } else if is("matrix") {
            json(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#)
        } else if is("partial") {
            json(r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}"#)
        } else if is("thanos") {
            json(r#"{"status":"success","warnings":["store down"],"data":{"resultType":"vector","result":[]}}"#)
        } else if is("warned") {
            json(r#"{"status":"success","infos":["PromQL info: hm"],"data":{"resultType":"vector","result":[]}}"#)
        } else if is("torn") {
            json(r#"{"status":"success","data":{"resultType":"vec"#)
        } else if is("deep") {
            json(&format!(r#"{{"status":"success","data":{}"#, "[".repeat(100_000)))
        } else if is("page") {
            answer("200 OK", &[("content-type", "text/html")], b"<html>")
        } else if is("scalar") {
            json(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#)
        } else {
            vector("")
        }
    })
    .await;
    let (handle, mut rx) = spawn(&fixture, |t| t.limits.timeout = Duration::from_secs(5));
    status(&mut rx).await;
    let exprs = ["bad", "matrix", "partial", "thanos", "torn", "deep", "page", "scalar", "empty", "warned"];
    handle.set_queries(specs(&exprs)).unwrap();
    let answers = answers(&mut rx).await;
    let expected = [
        "bad_data: parse error \\u{1b}[2J",
        "range vector",
        "partial data",
        "store down",
        "not the JSON",
        "not the JSON",
        "web page",
    ];
    for (answer, expected) in answers.iter().zip(expected) {
        let error = answer.result.as_ref().unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with("http://127.0.0.1"), "{error}");
    }
    assert_eq!(answers[7].result.as_ref().unwrap()[0].1, 7.0);
    assert_eq!(answers[8].result, Ok(vec![]));
    let status = status(&mut rx).await;
    assert_eq!(status.health, Health::Healthy);
    assert_eq!(status.dropped.malformed, 7);
    assert_eq!(status.warnings, ["PromQL info: hm"]);
}

#[tokio::test]
async fn a_dead_server_is_not_asked_every_question() {
    let fixture = server(|_| vec![Step::Hang]).await;
    let (handle, mut rx) = spawn(&fixture, |t| t.limits.timeout = Duration::from_millis(200));
    let many: Vec<String> = (0..60).map(|i| format!("q{i}")).collect();
    handle.set_queries(specs(&many.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
    let answers = answers(&mut rx).await;
    assert_eq!(answers.len(), 60);
    assert!(answers.iter().all(|a| a.result.is_err()));
    let failing = loop {
        let status = status(&mut rx).await;
        if matches!(status.health, Health::Failing { .. }) && status.requests > 2 {
            break status;
        }
    };
    assert!(failing.requests < 12, "{}", failing.requests);
}

#[tokio::test]
async fn post_is_given_up_where_it_is_forbidden() {
    let fixture =
        server(|request| if request.starts_with("POST") { answer("405 No", &[], b"") } else { vector("") })
            .await;
    let (handle, mut rx) = spawn(&fixture, |_| {});
    assert_eq!(status(&mut rx).await.health, Health::Healthy);
    handle.set_queries(specs(&["a"])).unwrap();
    assert_eq!(answers(&mut rx).await[0].result, Ok(vec![]));
    assert_eq!(fixture.requests().iter().filter(|r| r.starts_with("POST")).count(), 1);
}

fn request(points: i64) -> BackfillRequest {
    let (from, step) = (Timestamp::from_secs(0), Duration::from_secs(60));
    BackfillRequest { expr: "x".into(), from, to: Timestamp::from_secs((points - 1) * 60), step }
}

fn param(request: &str, name: &str) -> f64 {
    let body = request.rsplit("\r\n\r\n").next().unwrap();
    let pair = body.split('&').find_map(|p| p.strip_prefix(&format!("{name}="))).unwrap();
    pair.parse().unwrap()
}

#[tokio::test]
async fn history_comes_in_bounded_steps_without_gap_or_overlap() {
    let fixture = server(|request| {
        if !request.starts_with("POST /api/v1/query_range") {
            return vector("");
        }
        let (start, end) = (param(request, "start"), param(request, "end"));
        if end - start > 60.0 * 150.0 {
            let error = r#"{"status":"error","errorType":"execution","error":"query would load too many samples"}"#;
            return answer("422 No", &[JSON], error.as_bytes());
        }
        let points: Vec<String> =
            (0..1000).map(|i| start + f64::from(i) * 60.0).take_while(|t| *t <= end).map(|t| format!("[{t},\"{t}\"]")).collect();
        let points = points.join(",");
        json(&format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"a":"b"}},"values":[{points}]}}]}}}}"#))
    })
    .await;
    let (handle, mut rx) = spawn(&fixture, |t| t.limits.backfill_points = 240);
    handle.backfill(request(1000)).unwrap();
    let mut times = Vec::new();
    let mut progress = Vec::new();
    loop {
        match next(&mut rx).await {
            Delivery::Backfilled { answer, .. } => {
                times.extend(answer.series[0].1.iter().map(|s| s.at.as_millis() / 60_000));
                if answer.last {
                    break;
                }
            }
            Delivery::Status(s) => progress.extend(s.backfill.map(|p| (p.done, p.total))),
            _ => {}
        }
    }
    assert_eq!(times, (0..1000).collect::<Vec<_>>());
    assert!(progress.contains(&(2, 5)) && progress.contains(&(4, 5)), "{progress:?}");
    let done = loop {
        let status = status(&mut rx).await;
        if status.backfill.is_none() {
            break status;
        }
    };
    assert!((1000..1003).contains(&done.samples), "{}", done.samples);
}

#[tokio::test]
async fn a_backfill_that_cannot_be_done_ends_and_says_why() {
    let fixture = server(|request| {
        if request.starts_with("POST /api/v1/query_range") {
            let error = r#"{"status":"error","errorType":"bad_data","error":"unknown function"}"#;
            return answer("400 No", &[JSON], error.as_bytes());
        }
        vector("")
    })
    .await;
    let (handle, mut rx) = spawn(&fixture, |_| {});
    handle.backfill(request(10_000)).unwrap();
    let only = part(&mut rx).await;
    assert!(only.last && only.series.is_empty());
    let over = loop {
        let status = status(&mut rx).await;
        if status.backfill.is_none() && !status.warnings.is_empty() {
            break status;
        }
    };
    assert!(over.warnings[0].contains("unknown function"), "{over:?}");
    let backwards =
        BackfillRequest { from: Timestamp::from_secs(10), to: Timestamp::from_secs(0), ..request(1) };
    assert!(matches!(handle.backfill(backwards), Err(HandleError::Empty(_))));
    let (tx, _rx) = mpsc::channel(1);
    let endpoint = spawn_exposition(Target::exposition(&fixture.url()).unwrap(), Clock::real(), tx).unwrap();
    assert!(matches!(endpoint.backfill(request(1)), Err(HandleError::NotAServer(_))));
}
