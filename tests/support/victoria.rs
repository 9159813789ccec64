use super::Peer;

/// Debian's `VictoriaMetrics`, which scrapes itself every second.
pub fn victoria_metrics() -> Option<Peer> {
    Peer::start("victoria-metrics", "/health", |addr, dir| {
        vec![
            format!("-httpListenAddr={addr}"),
            format!("-storageDataPath={}", dir.join("data").display()),
            "-selfScrapeInterval=1s".into(),
            "-search.latencyOffset=0s".into(),
            "-search.disableCache".into(),
        ]
    })
}
