use std::net::SocketAddr;

use super::Peer;

/// `HAProxy` with its own exporter at `/metrics` of frontend `stats`; everything else goes to `server` as backend
/// `shop`, which without one has a dead server.
pub fn haproxy(server: Option<SocketAddr>) -> Option<Peer> {
    let server = server.map_or_else(|| "server a 127.0.0.1:1 disabled".into(), |s| format!("server a {s}"));
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
