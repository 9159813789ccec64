use std::net::SocketAddr;

use super::Peer;

/// `HAProxy` with its own exporter at `/metrics` of frontend `stats`, and a backend `shop` with one dead server.
pub fn haproxy() -> Option<Peer> {
    start("server a 127.0.0.1:1 disabled".into())
}

/// The same with everything else passed to `server` as backend `shop`.
pub fn haproxy_before(server: SocketAddr) -> Option<Peer> {
    start(format!("server a {server}"))
}

fn start(server: String) -> Option<Peer> {
    Peer::start("haproxy", "/metrics", |addr, dir| {
        let config = format!(
            "defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\n\
             frontend stats\n  bind {addr}\n  http-request use-service prometheus-exporter if {{ path /metrics }}\n  \
             default_backend shop\nbackend shop\n  {server}\n"
        );
        let file = dir.join("haproxy.cfg");
        std::fs::write(&file, config).unwrap();
        vec!["-db".into(), "-f".into(), file.display().to_string()]
    })
}
