//! A strict ECS with Application Auto Scaling, written from AWS's documentation (ECS API reference and task lifecycle;
//! Application Auto Scaling API reference: `RegisterScalableTarget`). **Unverified against AWS.** It runs the tasks of two
//! services, which moto does not: moto starts none for a service, gives its tasks no times, and leaves a desired count where it
//! is when the minimum of its scalable target passes it.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use weescale::clock::{Clock, Monotonic};
use weescale::execution::providers::aws::EcsServices;
use weescale::series::Timestamp;

use super::fake::{client, http, serve, signed};

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod";
const SERVICE: &str = "arn:aws:ecs:eu-west-1:123456789012:service/prod/";
/// How long a task is provisioned, pending and activating each, and how long it takes to stop.
const STEP: Duration = Duration::from_millis(400);

struct Task {
    number: u32,
    of: &'static str,
    made: (Monotonic, Timestamp),
    stopping: Option<Monotonic>,
}

impl Task {
    /// Status, and the moments of its pull and its start, where they were.
    fn status(&self, now: Monotonic) -> (&'static str, [Option<Timestamp>; 2]) {
        let at = |steps: u32| self.made.1 + STEP * steps;
        match (self.stopping, now.since(self.made.0).as_millis() / STEP.as_millis()) {
            (Some(since), _) if now.since(since) >= STEP => ("STOPPED", [Some(at(1)), Some(at(3))]),
            (Some(_), _) => ("DEACTIVATING", [Some(at(1)), Some(at(3))]),
            (None, 0) => ("PROVISIONING", [None, None]),
            (None, 1) => ("PENDING", [Some(at(1)), None]),
            (None, 2) => ("ACTIVATING", [Some(at(1)), None]),
            (None, _) => ("RUNNING", [Some(at(1)), Some(at(3))]),
        }
    }
}

struct Account {
    clock: Clock,
    /// `checkout`, which has a scalable target, and `batch`, which has none.
    desired: [u32; 2],
    bounds: (u32, u32),
    tasks: Vec<Task>,
    tags: Vec<[String; 2]>,
}

const NAMES: [&str; 2] = ["checkout", "batch"];

#[derive(Clone)]
pub struct FakeEcs {
    addr: SocketAddr,
    account: Arc<Mutex<Account>>,
}

impl FakeEcs {
    /// Two services of two running tasks each.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let account = Account {
            clock: Clock::real(),
            desired: [2, 2],
            bounds: (2, 8),
            tasks: Vec::new(),
            tags: Vec::new(),
        };
        let fake = Self { addr: listener.local_addr().unwrap(), account: Arc::new(Mutex::new(account)) };
        fake.account.lock().unwrap().schedule();
        std::thread::sleep(STEP * 4);
        serve(listener, &fake, Self::serve);
        fake
    }

    pub fn provider(&self) -> EcsServices {
        EcsServices::new(client(self.addr, "eu-west-1"))
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = signed(&mut stream) else { return };
        let target = head.lines().find_map(|l| l.strip_prefix("x-amz-target: ")).unwrap().to_owned();
        let (service, action) = target.split_once('.').unwrap();
        let scope = if service == "anyscalefrontendservice" { "application-autoscaling" } else { "ecs" };
        assert!(head.contains(&format!("/eu-west-1/{scope}/aws4_request")), "{head}");
        let answer = {
            let mut account = self.account.lock().unwrap();
            account.schedule();
            account.answer(action, &serde_json::from_str(&body).unwrap())
        };
        let (status, body) = match answer {
            Ok(body) => ("200 OK", body),
            Err((code, why)) => ("400 Bad Request", json!({ "__type": code, "message": why })),
        };
        let answer = http(status, "application/x-amz-json-1.1", &body.to_string());
        let _ = stream.write_all(answer.as_bytes());
    }
}

type Refusal = (&'static str, String);

fn invalid(why: &str) -> Refusal {
    ("InvalidParameterException", why.to_owned())
}

impl Account {
    /// Starts and stops tasks: those that have run for longest stay.
    fn schedule(&mut self) {
        let now = self.clock.monotonic();
        self.tasks.retain(|t| t.status(now).0 != "STOPPED");
        for (of, desired) in NAMES.into_iter().zip(self.desired) {
            let of_it = |t: &&mut Task| t.of == of && t.stopping.is_none();
            let there = self.tasks.iter_mut().filter(of_it).count();
            for task in self.tasks.iter_mut().rev().filter(of_it).take(there.saturating_sub(desired as usize))
            {
                task.stopping = Some(now);
            }
            for _ in there..desired as usize {
                let number = self.tasks.iter().map(|t| t.number + 1).max().unwrap_or(1);
                let made = (now, self.clock.now());
                self.tasks.push(Task { number, of, made, stopping: None });
            }
        }
    }

    fn answer(&mut self, action: &str, body: &Value) -> Result<Value, Refusal> {
        match action {
            "listclusters" => Ok(json!({ "clusterArns": [CLUSTER] })),
            "listservices" => Ok(json!({ "serviceArns": NAMES.map(|n| format!("{SERVICE}{n}")) })),
            "describeservices" => {
                let asked = body["services"].as_array().ok_or_else(|| invalid("services is empty"))?;
                let name = |s: &Value| s.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let asked: Vec<String> = asked.iter().map(name).collect();
                let found = (0..2).filter(|i| asked.iter().any(|a| a == NAMES[*i]));
                Ok(json!({ "services": found.map(|i| self.service(i)).collect::<Vec<_>>(), "failures": [] }))
            }
            "listtasks" => {
                let of = body["serviceName"].as_str();
                // Without a desired status those are listed that are to run.
                let listed = self.tasks.iter().filter(|t| t.stopping.is_none());
                let listed = listed.filter(|t| of.is_none_or(|of| of == t.of)).map(arn);
                Ok(json!({ "taskArns": listed.collect::<Vec<_>>() }))
            }
            "describetasks" => {
                let asked = body["tasks"].as_array().filter(|a| (1..=100).contains(&a.len()));
                let asked = asked.ok_or_else(|| invalid("Tasks must have 1 to 100 items."))?;
                let found = self.tasks.iter().filter(|t| asked.iter().any(|a| *a == arn(t).as_str()));
                Ok(
                    json!({ "tasks": found.map(|t| task(t, self.clock.monotonic())).collect::<Vec<_>>(), "failures": [] }),
                )
            }
            "updateservice" => {
                let which = NAMES.iter().position(|n| body["service"] == **n);
                let which = which.ok_or(("ServiceNotFoundException", "Service not found.".to_owned()))?;
                let desired = body["desiredCount"].as_u64().ok_or_else(|| invalid("desiredCount"))?;
                self.desired[which] = u32::try_from(desired).unwrap();
                Ok(json!({ "service": self.service(which) }))
            }
            "describescalabletargets" => Ok(json!({ "ScalableTargets": [{ "ServiceNamespace": "ecs",
                "ResourceId": "service/prod/checkout", "ScalableDimension": "ecs:service:DesiredCount",
                "MinCapacity": self.bounds.0, "MaxCapacity": self.bounds.1 }] })),
            "describescalingpolicies" => Ok(json!({ "ScalingPolicies": [{ "PolicyName": "cpu",
                "ServiceNamespace": "ecs", "ResourceId": "service/prod/checkout",
                "ScalableDimension": "ecs:service:DesiredCount", "PolicyType": "TargetTrackingScaling" }] })),
            "describescheduledactions" => Ok(json!({ "ScheduledActions": [] })),
            "registerscalabletarget" => self.register(body),
            "tagresource" => {
                let tags = body["tags"].as_array().unwrap();
                self.tags
                    .extend(tags.iter().map(|t| ["key", "value"].map(|k| t[k].as_str().unwrap().to_owned())));
                Ok(json!({}))
            }
            "untagresource" => {
                let keys = body["tagKeys"].as_array().unwrap();
                self.tags.retain(|[key, _]| !keys.iter().any(|k| k == key.as_str()));
                Ok(json!({}))
            }
            other => Err(("UnknownOperationException", other.to_owned())),
        }
    }

    /// "If it's below the minimum capacity or above the maximum capacity, Application Auto Scaling adjusts the capacity of the
    /// scalable target to place it within these bounds."
    fn register(&mut self, body: &Value) -> Result<Value, Refusal> {
        let valid = |why: &str| ("ValidationException", why.to_owned());
        if body["ResourceId"] != "service/prod/checkout"
            || body["ScalableDimension"] != "ecs:service:DesiredCount"
        {
            return Err(valid("No scalable target registered"));
        }
        let bound =
            |key: &str, present: u32| body[key].as_u64().map_or(present, |n| u32::try_from(n).unwrap());
        let (min, max) = (bound("MinCapacity", self.bounds.0), bound("MaxCapacity", self.bounds.1));
        if min > max {
            return Err(valid("Maximum capacity cannot be less than minimum capacity"));
        }
        self.bounds = (min, max);
        self.desired[0] = self.desired[0].clamp(min, max);
        Ok(json!({}))
    }

    fn service(&self, which: usize) -> Value {
        let name = NAMES[which];
        let count = |status: fn(&str) -> bool| {
            self.tasks
                .iter()
                .filter(|t| {
                    t.of == name && t.stopping.is_none() && status(t.status(self.clock.monotonic()).0)
                })
                .count()
        };
        let tags: Vec<Value> =
            self.tags.iter().map(|[k, v]| json!({ "key": k, "value": v })).filter(|_| which == 0).collect();
        json!({ "serviceArn": format!("{SERVICE}{name}"), "serviceName": name, "clusterArn": CLUSTER, "status": "ACTIVE",
            "desiredCount": self.desired[which], "runningCount": count(|s| s == "RUNNING"),
            "pendingCount": count(|s| s != "RUNNING"), "createdAt": 1_700_000_000.5, "schedulingStrategy": "REPLICA",
            "deploymentController": { "type": "ECS" }, "tags": tags })
    }
}

fn arn(task: &Task) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{:032x}", task.number)
}

fn task(task_: &Task, now: Monotonic) -> Value {
    let seconds = |at: Timestamp| at.as_millis() as f64 / 1000.0;
    let (status, [pulled, started]) = task_.status(now);
    let desired = if task_.stopping.is_some() { "STOPPED" } else { "RUNNING" };
    let mut told = json!({ "taskArn": arn(task_), "group": format!("service:{}", task_.of), "lastStatus": status,
        "desiredStatus": desired, "healthStatus": "UNKNOWN", "createdAt": seconds(task_.made.1),
        "containers": [{ "networkInterfaces": [{ "privateIpv4Address": format!("10.0.0.{}", task_.number) }] }] });
    // What has not happened is left out.
    for (key, at) in [("pullStartedAt", pulled), ("startedAt", started)] {
        if let Some(at) = at {
            told[key] = seconds(at).into();
        }
    }
    told
}
