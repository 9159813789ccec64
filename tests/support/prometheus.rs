use std::net::SocketAddr;

use super::Peer;

/// Debian's Prometheus, which scrapes `targets`, and itself if `itself` (and nothing else), as job `peer` every
/// second. Ready at once, but its first scrape comes after about 5 s: its target discovery waits that long.
pub fn prometheus(targets: &[SocketAddr], itself: bool) -> Option<Peer> {
    Peer::start("prometheus", "/-/ready", |addr, dir| {
        let own = itself.then_some(&addr);
        let targets: Vec<_> = targets.iter().chain(own).map(|t| format!("'{t}'")).collect();
        let config = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: peer\n  static_configs: [{{targets: [{}]}}]\n",
            targets.join(", ")
        );
        let file = dir.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        vec![
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address={addr}"),
            "--log.level=error".into(),
        ]
    })
}
