//! Reading and refusing.

use std::io::Write;

use super::*;

fn load_text(text: &str) -> Result<Settings, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load(&Given { config: Some(file.path().to_owned()), ..Given::default() })
}

#[test]
fn the_template_is_valid_with_and_without_its_examples() {
    load_text(TEMPLATE).unwrap();
    let examples = "
        [[prometheus]]\nurl = \"http://127.0.0.1:9090\"\ninterval = \"15s\"\nheaders = { \"X-Scope-OrgID\" = \"t\" }
        [[scrape]]\nurl = \"127.0.0.1:9100\"\njob = \"node\"\nlabels = { region = \"eu\" }\nencoding = \"gzip\"
        [[service]]\nname = \"check*\"\nslo = { target = 0.999, latency = \"250ms\" }\nmin = 2\nmax = 40
        [[region]]\nname = \"eu-west\"\ntime_zone = \"Europe/Dublin\"\nlatitude = 53.3\nlongitude = -6.3
        [[freeze]]\nfrom = \"2026-12-24T00:00:00Z\"\nto = \"2026-12-27T00:00:00Z\"";
    let s = load_text(&format!("{TEMPLATE}\n{examples}")).unwrap();
    assert_eq!(s.scrape[0].id().as_str(), "http://127.0.0.1:9100/metrics");
    assert_eq!(s.scrape[0].encoding, Some(crate::scrape::Encoding::Gzip));
    let rule = s.rule_for(&"shop/checkout@eu".parse().unwrap(), "");
    assert_eq!((rule.min, rule.max), (Some(2), Some(40)));
    assert!(rule.objective.unwrap().is_declared());
    assert!(s.rule_for(&"shop/search".parse().unwrap(), "").min.is_none());
}

#[test]
fn a_load_balancer_is_taken_with_its_defaults_and_refused_with_reasons() {
    let one = "[[haproxy]]\nsocket = \"/run/h.sock\"\nbackend = \"shop\"\nworkload = \"checkout\"\n";
    let s = load_text(&format!("{one}slow_start = \"30s\"\nmatch = \"order\"")).unwrap();
    let rules = s.haproxy[0].rules;
    assert_eq!((rules.slow_start.as_secs(), rules.steps, rules.drain.as_secs()), (30, 5, 120));
    assert_eq!(rules.matching, crate::execution::Matching::Order);
    assert!(show(&s).contains("shop at /run/h.sock for checkout"));
    let two = one.replace("socket =", "sockets = [\"/run/h.sock\", \"127.0.0.1:9999\"] #");
    let s = load_text(&two).unwrap();
    assert!(show(&s).contains("shop at /run/h.sock and 127.0.0.1:9999 for checkout"));
    for (text, said) in [
        (format!("{one}{one}"), "one only"),
        (format!("{one}{}", one.replace("checkout", "cart")), "another workload"),
        (one.replace("/run/h.sock", "h.sock"), "haproxy[0].socket"),
        (one.replace("shop", ""), "haproxy[0].backend"),
        (format!("{one}slow_start = \"9m\""), "at most 8m"),
        (format!("{one}steps = 1"), "between 2 and 20"),
        (format!("{one}drain = \"2h\""), "at most 1h"),
        (format!("{one}match = \"name\""), "\"order\""),
        (format!("{one}sockets = [\"/run/i.sock\"]"), "either socket, or sockets"),
        (one.replace("socket =", "sockets = [\"/run/i.sock\", \"/run/i.sock\"] #"), "twice"),
        (format!("{two}match = \"order\""), "several sockets"),
    ] {
        let error = load_text(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{said} in {error}");
    }
}

#[test]
fn all_problems_at_once() {
    let text = "
        mode = \"yolo\"
        [[scrape]]\nurl = \"ftp://x\"
        [[service]]\nname = \"a\"\nmin = 5\nmax = 4\nslo = { target = 1.5, latency = \"1s\" }
        [[region]]\nname = \"r\"\ntime_zone = \"Mars/Olympus\"\nlatitude = 0\nlongitude = 0
        [[freeze]]\nfrom = \"2026-12-24\"\nto = \"2026-12-27T00:00:00Z\"";
    let text = load_text(text).unwrap_err().to_string();
    for needed in
        ["mode", "scrape[0].url", "service[0].min", "service[0].slo", "region[0].time_zone", "freeze[0].from"]
    {
        assert!(text.contains(needed), "{needed} in {text}");
    }
}

#[test]
fn unknown_keys_name_line_and_alternatives() {
    let error =
        load_text("mode = \"ask\"\n[[service]]\nname = \"a\"\nmax_replicas = 4\n").unwrap_err().to_string();
    assert!(error.contains(":4:") && error.contains("max_replicas") && error.contains("max"), "{error}");
    assert!(load_text("mode = 3").unwrap_err().to_string().contains(":1:"));
    let error = load_text("[[scrape]]\nurl = \"h\"\nencoding = \"zstd\"").unwrap_err().to_string();
    assert!(error.contains(":3:") && error.contains("identity"), "{error}");
    assert!(load_text("service = [{ name = \"a\", cooldown = \"-5m\" }]").is_err());
}

#[test]
fn command_line_beats_file_beats_environment() {
    let given = Given { prometheus_env: Some("http://env:9090".into()), ..Given::default() };
    let none = Given { config: Some("/dev/null".into()), ..given.clone() };
    assert!(matches!(load(&none), Err(ConfigError::Unreadable { .. })), "not a plain file");
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.toml");
    std::fs::write(&empty, "").unwrap();
    let given = Given { config: Some(empty), ..given };
    assert_eq!(load(&given).unwrap().prometheus[0].id().as_str(), "http://env:9090");
    let flagged = Given { scrape: vec!["h:1".into()], allow_actions: true, ..given };
    let s = load(&flagged).unwrap();
    assert!(s.prometheus.is_empty());
    assert_eq!(s.mode, crate::approval::Mode::Ask);
    assert!(show(&s).contains("command line"));
    let twice = Given { scrape: vec!["h:1".into(), "http://h:1/metrics".into()], ..flagged };
    assert!(load(&twice).unwrap_err().to_string().contains("given twice"));
}

#[test]
fn a_secret_in_a_providers_address_is_refused_and_not_repeated() {
    for url in ["http://ann:hunter2@p.example", "http://p.example/?token=hunter2"] {
        let text = format!("[[provider]]\nname = \"p\"\nurl = \"{url}\"");
        let error = load_text(&text).unwrap_err().to_string();
        assert!(error.contains("provider[0].url") && !error.contains("hunter2"), "{error}");
    }
    load_text("[[provider]]\nname = \"p\"\nurl = \"http://p.example/api\"").unwrap();
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    for (mode, good) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = load(&Given { config: Some(file.path().to_owned()), ..Given::default() });
        assert_eq!(loaded.is_ok(), good, "{mode:o}");
    }
}

#[test]
fn parameters_headers_budget_and_certificates_of_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("x.pem");
    std::fs::write(&pem, "x").unwrap();
    let pem = pem.display();
    let good = format!(
        "[[prometheus]]\nurl = \"https://thanos\"\nparams = {{ dedup = \"true\" }}\nheaders = {{ \"X-Scope-OrgID\" = \"a\" }}
        budget = {{ requests_per_s = 3 }}\ncert_file = \"{pem}\"\nkey_file = \"{pem}\""
    );
    let target = &load_text(&good).unwrap().prometheus[0];
    assert_eq!(target.params, [("dedup".to_owned(), "true".to_owned())]);
    assert_eq!(target.headers[0].0, "X-Scope-OrgID");
    assert_eq!(target.limits.requests_per_s, 3);
    assert_eq!(target.limits.points_per_s, crate::scrape::Limits::default().points_per_s);
    assert!(target.tls.cert_file.is_some() && target.tls.key_file.is_some());
    let bad = format!(
        "[[prometheus]]\nurl = \"https://a\"\nparams = {{ partial_response = \"true\" }}\nheaders = {{ Host = \"b\" }}
        budget = {{ bytes_per_s = 0 }}\nkey_file = \"{pem}\"\n[[scrape]]\nurl = \"b\"\nparams = {{ a = \"b\" }}"
    );
    let text = load_text(&bad).unwrap_err().to_string();
    for needed in [
        "prometheus[0].params",
        "prometheus[0].headers",
        "budget.bytes_per_s",
        "prometheus[0].cert_file",
        "scrape[0]",
    ] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
}

#[test]
fn aws_accounts_are_taken_region_by_region() {
    let s = load_text(
        "[[aws]]\nname = \"prod\"\nregions = [\"eu-west-1\", \"us-east-1\"]\nservices = [\"ecs\"]\nprofile = \"p\"
         [[cloudwatch]]\nname = \"prod\"\nregion = \"eu-west-1\"
         [[cloudwatch.metric]]\nnamespace = \"AWS/ECS\"\nmetric = \"CPUUtilization\"\nstat = \"Average\"\nperiod = \"5m\"",
    )
    .unwrap();
    assert_eq!(s.aws.iter().map(|a| a.setup.region.as_str()).collect::<Vec<_>>(), ["eu-west-1", "us-east-1"]);
    assert_eq!(s.aws[0].services, [AwsService::Ecs]);
    assert!(s.aws[0].access.metadata.is_none(), "metadata services are asked only where that is said");
    assert_eq!(s.cloudwatch[0].id().as_str(), "cloudwatch:prod/eu-west-1");
    assert_eq!(s.cloudwatch[0].metrics[0].period, std::time::Duration::from_secs(300));
    assert!(show(&s).contains("prod/us-east-1/ecs at AWS's own addresses"), "{}", show(&s));
}

#[test]
fn what_cannot_work_with_aws_is_said_at_once() {
    let error = load_text(
        "[[aws]]\nname = \"\"\nregions = [\"EU West\"]\nservices = [\"lambda\"]
         [[aws]]\nname = \"b\"\nregions = []\nendpoint = \"http://u:hunter2@h/x\"
         [[aws]]\nname = \"c\"\nregions = [\"eu-west-1\"]\nendpoint = \"http://u:hunter2@h/x\"
         [[cloudwatch]]\nname = \"w\"\nregion = \"eu-west-1\"\ninterval = \"1s\"\nca_file = \"/nowhere\"
         [[cloudwatch.metric]]\nnamespace = \"\"\nmetric = \"m\"\nstat = \"Sum\"\nperiod = \"90s\"",
    );
    let error = error.unwrap_err().to_string();
    for needed in [
        "aws[0].name",
        "\"EU West\" is not a region",
        "aws[0].services",
        "aws[1].regions",
        "endpoint: h/x is not",
        "cloudwatch[0].interval",
        "ca_file /nowhere",
        "metric[0].namespace",
        "metric[0].period",
    ] {
        assert!(error.contains(needed), "{needed} in {error}");
    }
    assert!(!error.contains("hunter2"), "{error}");
}
