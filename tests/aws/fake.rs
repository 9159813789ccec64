//! A strict Auto Scaling API, written from AWS's documentation (Auto Scaling API reference: `UpdateAutoScalingGroup`,
//! `CommonErrors`). **Unverified against AWS.** It holds one group, refuses what AWS documents to refuse, and
//! misbehaves as told.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use weescale::execution::providers::aws::ScalingGroups;
use weescale::scrape::aws::{Access, AwsClient, AwsSetup, Credentials, Files};

/// What is done with the next update of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As documented.
    Honest,
    /// `ScalingActivityInProgress`, HTTP 400, no effect.
    InProgress,
    /// `Throttling`, HTTP 400, no effect.
    Throttles,
    /// `ResourceContention`, HTTP 500, no effect: which one cannot know.
    Contention,
    /// Takes effect, then says HTTP 500.
    FailsAfter,
    /// Takes effect, then closes the connection.
    ClosesAfter,
    /// Takes effect, then says nothing.
    HangsAfter,
    /// HTTP 503 without effect.
    Down,
    /// A redirect to itself.
    Redirects,
    /// Says 200 and does nothing, for ever.
    Forgets,
    /// Takes effect, and reads show it only after a while.
    Lags,
}

pub struct Group {
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    pub mood: Mood,
    pub suspended: &'static str,
    /// Actions received, in order.
    pub log: Vec<String>,
    shown: (u32, u32, u32),
    lag: u32,
    /// How many reads are throttled before one is answered.
    pub throttled_reads: u32,
}

#[derive(Clone)]
pub struct Fake {
    addr: SocketAddr,
    pub group: Arc<Mutex<Group>>,
}

const ARN: &str =
    "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:7c8ab2c5:autoScalingGroupName/web";

impl Fake {
    pub fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let group = Group {
            min: 1,
            max: 6,
            desired: 2,
            mood,
            suspended: "",
            log: Vec::new(),
            shown: (1, 6, 2),
            lag: 0,
            throttled_reads: 0,
        };
        let fake = Self { addr: listener.local_addr().unwrap(), group: Arc::new(Mutex::new(group)) };
        serve(listener, &fake, Self::serve);
        fake
    }

    /// How many updates of the group arrived.
    pub fn updates(&self) -> usize {
        self.group.lock().unwrap().log.iter().filter(|a| *a == "UpdateAutoScalingGroup").count()
    }

    pub fn provider(&self) -> ScalingGroups {
        ScalingGroups::new(client(self.addr, "eu-west-1"))
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(form) = request(&mut stream) else { return };
        let action = form["Action"].clone();
        self.group.lock().unwrap().log.push(action.clone());
        let answer = match action.as_str() {
            "DescribeAutoScalingGroups" => Some(self.describe()),
            "DescribePolicies" => Some(ok(
                &action,
                "<ScalingPolicies><member><AutoScalingGroupName>web</AutoScalingGroupName><PolicyName>cpu</PolicyName><PolicyType>TargetTrackingScaling</PolicyType></member></ScalingPolicies>",
            )),
            "DescribeScheduledActions" => Some(ok(&action, "<ScheduledUpdateGroupActions/>")),
            "DescribeScalingActivities" => Some(ok(&action, "<Activities/>")),
            "UpdateAutoScalingGroup" => self.update(&form),
            _ => Some(ok(&action, "")),
        };
        match answer {
            Some(answer) => {
                let _ = stream.write_all(answer.as_bytes());
            }
            // Longer than the client waits.
            None => sleep(Duration::from_secs(3)),
        }
    }

    fn describe(&self) -> String {
        let mut group = self.group.lock().unwrap();
        if group.throttled_reads > 0 {
            group.throttled_reads -= 1;
            return error(400, "Throttling", "Rate exceeded");
        }
        if group.lag > 0 {
            group.lag -= 1;
        } else {
            group.shown = (group.min, group.max, group.desired);
        }
        let (min, max, desired) = group.shown;
        let suspended = if group.suspended.is_empty() {
            String::new()
        } else {
            format!("<member><ProcessName>{}</ProcessName></member>", group.suspended)
        };
        ok(
            "DescribeAutoScalingGroups",
            &format!(
                "<AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName>\
                 <AutoScalingGroupARN>{ARN}</AutoScalingGroupARN><MinSize>{min}</MinSize><MaxSize>{max}</MaxSize>\
                 <DesiredCapacity>{desired}</DesiredCapacity><CreatedTime>2026-01-01T00:00:00Z</CreatedTime>\
                 <SuspendedProcesses>{suspended}</SuspendedProcesses><Instances/><Tags/></member></AutoScalingGroups>"
            ),
        )
    }

    fn update(&self, form: &BTreeMap<String, String>) -> Option<String> {
        let mut group = self.group.lock().unwrap();
        let mood = group.mood;
        match mood {
            Mood::InProgress => {
                let why = "Scaling activity 1234 in progress, for group web.";
                return Some(error(400, "ScalingActivityInProgress", why));
            }
            Mood::Throttles => return Some(error(400, "Throttling", "Rate exceeded")),
            Mood::Contention => return Some(error(500, "ResourceContention", "There is a pending update.")),
            Mood::Down => {
                return Some(
                    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                        .into(),
                );
            }
            Mood::Redirects => {
                return Some(format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                    self.addr
                ));
            }
            Mood::Forgets => return Some(ok("UpdateAutoScalingGroup", "")),
            _ => {}
        }
        let number = |key: &str, present: u32| form.get(key).map_or(present, |v| v.parse().unwrap());
        let (min, max) = (number("MinSize", group.min), number("MaxSize", group.max));
        let desired = number("DesiredCapacity", group.desired);
        if min > max {
            let why = format!("Min bound, {min}, must be less than or equal to max bound, {max}");
            return Some(error(400, "ValidationError", &why));
        }
        if form.contains_key("DesiredCapacity") && !(min..=max).contains(&desired) {
            let why = format!(
                "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
            );
            return Some(error(400, "ValidationError", &why));
        }
        // "If a new value for MinSize is specified without setting a value for DesiredCapacity, and the new MinSize
        // is larger than the current size of the group, this sets the group's DesiredCapacity to the new MinSize."
        (group.min, group.max, group.desired) = (min, max, desired.clamp(min, max));
        match mood {
            Mood::FailsAfter => Some(error(500, "InternalFailure", "An internal error has occurred.")),
            Mood::ClosesAfter => Some(String::new()),
            Mood::HangsAfter => None,
            Mood::Lags => {
                group.lag = 3;
                Some(ok("UpdateAutoScalingGroup", ""))
            }
            _ => Some(ok("UpdateAutoScalingGroup", "")),
        }
    }
}

/// Answers whoever connects, each beside the others.
pub fn serve<F: Clone + Send + 'static>(listener: TcpListener, fake: &F, answer: fn(&F, TcpStream)) {
    let fake = fake.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let fake = fake.clone();
            std::thread::spawn(move || answer(&fake, stream));
        }
    });
}

/// A client of what listens there, of a region, which signs as `AK`.
pub fn client(addr: SocketAddr, region: &str) -> AwsClient {
    let dir = tempfile::tempdir().unwrap();
    let files = Files { credentials: dir.path().join("credentials"), config: dir.path().join("config") };
    std::fs::write(&files.credentials, "[t]\naws_access_key_id=AK\naws_secret_access_key=s\n").unwrap();
    // The files must outlive the provider, which reads them for each request.
    let _ = dir.keep();
    let access = Access { profile: Some("t".into()), files, metadata: None };
    let setup = AwsSetup {
        region: region.into(),
        endpoint: Some(format!("http://{addr}")),
        ca_file: None,
        timeout: Duration::from_millis(1500),
    };
    AwsClient::new(&setup, Arc::new(Credentials::new(access))).unwrap()
}

fn ok(action: &str, inner: &str) -> String {
    answer(
        "200 OK",
        &format!(
            "<{action}Response xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><{action}Result>{inner}</{action}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

fn error(status: u16, code: &str, why: &str) -> String {
    answer(
        &format!("{status} X"),
        &format!(
            "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{why}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

fn answer(status: &str, body: &str) -> String {
    http(status, "text/xml", body)
}

/// An answer of HTTP/1.1, after which the connection ends.
pub fn http(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// The form of a signed request; `None` if it is not one.
fn request(stream: &mut TcpStream) -> Option<BTreeMap<String, String>> {
    let (head, body) = signed(stream)?;
    assert!(head.contains("/eu-west-1/autoscaling/aws4_request"), "{head}");
    let pairs = body.split('&').map(|p| p.split_once('=').unwrap());
    Some(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

/// Head, in small letters, and body of a signed request; `None` if none comes.
pub fn signed(stream: &mut TcpStream) -> Option<(String, String)> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut chunk).ok()?;
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_lowercase();
            let length =
                lower.lines().find_map(|l| l.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
            if body.len() >= length {
                assert!(lower.contains("authorization: aws4-hmac-sha256 credential=ak/"), "{head}");
                return Some((lower, body.to_owned()));
            }
        }
        if n == 0 {
            return None;
        }
    }
}
