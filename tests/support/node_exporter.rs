use super::Peer;

/// Debian's `node_exporter`; metrics at `/metrics`.
pub fn node_exporter() -> Option<Peer> {
    Peer::start("prometheus-node-exporter", "/", |addr, _| {
        vec![format!("--web.listen-address={addr}"), "--log.level=error".into()]
    })
}
