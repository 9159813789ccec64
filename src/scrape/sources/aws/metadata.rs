//! Keys of the machine or container we run on. Asked only where the configuration says `metadata = true`.

use std::time::Duration;

use reqwest::{Client, Method, Url};
use serde::Deserialize;

use crate::scrape::read_plain_text;
use crate::series::Timestamp;

use super::Keys;
use super::words::transport;

/// Time for one request: the service is on this machine or it is not there.
const TIME: Duration = Duration::from_secs(2);
/// Largest answer read, bytes.
const MAX_ANSWER: usize = 64 << 10;
/// Largest token read from a file, bytes.
const TOKEN_BYTES: u64 = 64 << 10;

/// Where metadata services are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The instance's service.
    pub instance: String,
    /// The container's: an address with keys.
    pub container: Option<String>,
    /// File with what the container's service wants in `Authorization`.
    pub container_token_file: Option<std::path::PathBuf>,
}

impl Metadata {
    /// As AWS's own environment variables say: `AWS_EC2_METADATA_SERVICE_ENDPOINT`,
    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, `AWS_CONTAINER_CREDENTIALS_FULL_URI`,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub fn from_environment() -> Self {
        let var = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        let relative = var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        Self {
            instance: var("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                .unwrap_or_else(|| "http://169.254.169.254".to_owned()),
            container: relative
                .map(|path| format!("http://169.254.170.2{path}"))
                .or_else(|| var("AWS_CONTAINER_CREDENTIALS_FULL_URI")),
            container_token_file: var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(Into::into),
        }
    }

    /// Keys of the container, or else of the instance.
    pub(super) async fn keys(&self) -> Result<Keys, String> {
        let client = client()?;
        let answer = match &self.container {
            Some(address) => self.container(&client, address).await,
            None => self.instance(&client).await,
        };
        let answer = answer.map_err(|why| format!("metadata service: {why}"))?;
        // The parser's own words may quote the secret.
        let told: Told = serde_json::from_slice(&answer)
            .map_err(|_| "metadata service: its answer holds no keys".to_owned())?;
        let expires = told.expiration.parse::<jiff::Timestamp>().map(Timestamp::from);
        let expires = expires.map_err(|_| "metadata service: its Expiration is not RFC 3339".to_owned())?;
        Keys::new(&told.access_key_id, &told.secret_access_key, told.token.as_deref(), Some(expires))
            .map_err(|why| format!("metadata service: {why}"))
    }

    /// Version 2 of the instance's service: a session token first, which a forwarded request cannot get.
    async fn instance(&self, client: &Client) -> Result<Vec<u8>, String> {
        let base = self.instance.trim_end_matches('/');
        let token = ask(client, Method::PUT, &format!("{base}/latest/api/token"), |r| {
            r.header("x-aws-ec2-metadata-token-ttl-seconds", "300")
        })
        .await?;
        let token = String::from_utf8(token).map_err(|_| "its token is not text".to_owned())?;
        let path = format!("{base}/latest/meta-data/iam/security-credentials/");
        let get = |url: String| {
            let token = token.trim().to_owned();
            async move { ask(client, Method::GET, &url, |r| r.header("x-aws-ec2-metadata-token", token)).await }
        };
        let roles = get(path.clone()).await?;
        let role = String::from_utf8_lossy(&roles).lines().next().unwrap_or_default().trim().to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
        if role.is_empty() || role.len() > 128 || !role.chars().all(plain) {
            return Err("this machine has no role; attach an instance profile".into());
        }
        get(format!("{path}{role}")).await
    }

    async fn container(&self, client: &Client, address: &str) -> Result<Vec<u8>, String> {
        let url = Url::parse(address).map_err(|_| "the container's address is not a URL".to_owned())?;
        // What these hosts are is in AWS's SDK reference guide, "Container credential provider".
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let loopback =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let known = loopback || ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].contains(&host);
        if url.scheme() != "https" && !known {
            return Err("the container's address is neither https nor a known local one".into());
        }
        let token = match &self.container_token_file {
            None => std::env::var("AWS_CONTAINER_AUTHORIZATION_TOKEN").ok(),
            Some(path) => {
                let text = read_plain_text(path, TOKEN_BYTES);
                Some(text.map_err(|e| format!("cannot read {}: {e}", path.display()))?.trim().to_owned())
            }
        };
        ask(client, Method::GET, url.as_str(), |request| match token {
            Some(token) if !token.is_empty() => request.header(reqwest::header::AUTHORIZATION, token),
            _ => request,
        })
        .await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: String,
}

fn client() -> Result<Client, String> {
    super::client::builder(TIME).no_proxy().build().map_err(|e| transport(&e))
}

async fn ask(
    client: &Client,
    method: Method,
    url: &str,
    with: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Result<Vec<u8>, String> {
    let mut response = with(client.request(method, url)).send().await.map_err(|e| transport(&e))?;
    if !response.status().is_success() {
        return Err(format!("answered HTTP {}", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| transport(&e))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(format!("its answer is larger than {MAX_ANSWER} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
