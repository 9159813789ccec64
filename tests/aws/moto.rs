//! moto's server, as an account with users, groups, services and metrics.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weescale::scrape::aws::{Access, AwsClient, AwsSetup, Credentials, Files};

use crate::support::Peer;

pub const REGION: &str = "us-east-1";

/// A running server. Until [`Moto::lock`] it believes everybody.
pub struct Moto {
    peer: Peer,
    dir: tempfile::TempDir,
}

impl Moto {
    /// The server, unless it is not installed: `WEESCALE_MOTO`, the PATH, or where `tests/run` puts it.
    pub fn start() -> Option<Self> {
        let given = std::env::var_os("WEESCALE_MOTO").map(PathBuf::from);
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/venv/bin/moto_server");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|p| p.join("moto_server")).find(|p| p.is_file());
        let binary = given.or(on_path).unwrap_or(ours);
        let peer = Peer::start(&binary.display().to_string(), "/moto-api/", |addr, _| {
            vec!["-H".into(), addr.ip().to_string(), "-p".into(), addr.port().to_string()]
        })?;
        Some(Self { peer, dir: tempfile::tempdir().unwrap() })
    }

    pub fn url(&self) -> String {
        self.peer.url("")
    }

    /// A call of the Query protocol by nobody in particular; fails loudly.
    pub fn query(&self, service: &str, form: &str) -> String {
        self.post("/", &[auth(service)], "application/x-www-form-urlencoded", form)
    }

    /// A call of the JSON protocol.
    pub fn json(&self, service: &str, target: &str, body: &str) -> String {
        let target = format!("X-Amz-Target: {target}");
        self.post("/", &[auth(service), target], "application/x-amz-json-1.1", body)
    }

    /// From now on signatures and rights count.
    pub fn lock(&self) {
        self.post("/moto-api/reset-auth", &[], "text/plain", "0");
    }

    /// A user with the rights of `policy`, as a profile of that name in the shared file.
    pub fn user(&self, name: &str, policy: &str) {
        self.query("iam", &format!("Action=CreateUser&Version=2010-05-08&UserName={name}"));
        let policy = encode(policy);
        self.query(
            "iam",
            &format!(
                "Action=PutUserPolicy&Version=2010-05-08&UserName={name}&PolicyName=p&PolicyDocument={policy}"
            ),
        );
        let made = self.query("iam", &format!("Action=CreateAccessKey&Version=2010-05-08&UserName={name}"));
        let part = |tag: &str| {
            let (_, rest) = made.split_once(&format!("<{tag}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        self.profile(name, &part("AccessKeyId"), &part("SecretAccessKey"));
        self.profile(&format!("{name}-wrong"), &part("AccessKeyId"), "not/the/secret");
    }

    /// A role with the rights of `policy`, as a profile of that name whose source is `source`.
    pub fn role(&self, name: &str, source: &str, policy: &str) {
        let trust = encode(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#,
        );
        self.query(
            "iam",
            &format!("Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument={trust}"),
        );
        let policy = encode(policy);
        self.query(
            "iam",
            &format!(
                "Action=PutRolePolicy&Version=2010-05-08&RoleName={name}&PolicyName=p&PolicyDocument={policy}"
            ),
        );
        let path = self.dir.path().join("config");
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str(&format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{name}\nsource_profile = {source}\n"
        ));
        std::fs::write(path, text).unwrap();
    }

    fn profile(&self, name: &str, id: &str, secret: &str) {
        let path = self.dir.path().join("credentials");
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str(&format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
        std::fs::write(path, text).unwrap();
    }

    /// The shared files.
    pub fn files(&self) -> Files {
        Files { credentials: self.dir.path().join("credentials"), config: self.dir.path().join("config") }
    }

    pub fn access(&self, profile: &str) -> Access {
        Access { profile: Some(profile.into()), files: self.files(), metadata: None }
    }

    pub fn setup(&self) -> AwsSetup {
        AwsSetup {
            region: REGION.into(),
            endpoint: Some(self.url()),
            ca_file: None,
            timeout: Duration::from_secs(30),
        }
    }

    /// A client that signs as `profile`.
    pub fn client(&self, profile: &str) -> AwsClient {
        AwsClient::new(&self.setup(), Arc::new(Credentials::new(self.access(profile)))).unwrap()
    }

    fn post(&self, path: &str, headers: &[String], content_type: &str, body: &str) -> String {
        let (status, answer) = post(self.peer.addr(), path, headers, content_type, body);
        assert_eq!(status, 200, "{path} {body}: {answer}");
        answer
    }
}

/// The scope by which moto tells services apart; nobody checks the signature yet.
fn auth(service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

fn post(addr: SocketAddr, path: &str, headers: &[String], content_type: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let headers: String = headers.iter().map(|h| format!("{h}\r\n")).collect();
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {addr}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Percent-encoding.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The shipped policy.
pub const SHIPPED: &str = include_str!("../../assets/aws-iam-policy.json");

/// A policy that allows `actions`.
pub fn allow(actions: &[&str]) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
    .to_string()
}
