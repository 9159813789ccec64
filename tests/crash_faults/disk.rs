//! A disk that is full: what cannot be recorded is not executed, everything else goes on.

use std::time::Duration;

use serde_json::Value;

use super::service::{PATIENCE, Service, export, verify};
use super::terminal::until;

#[test]
fn on_a_full_disk_nothing_is_executed_and_the_journal_stays_whole() {
    let service = Service::in_folder(tempfile::tempdir().unwrap(), 40, Some(700));
    let full = until(PATIENCE, || {
        let journal = service.status()["journal"].as_str().unwrap_or_default().to_owned();
        !journal.is_empty() && journal != "ok"
    });
    assert!(full, "the disk is not full: {}", service.status()["journal"]);
    let refused = until(Duration::from_secs(60), || {
        let open = service.open();
        let Some(p) = open.first() else { return false };
        let (id, hash) = (p["id"].as_str().unwrap(), p["hash"].as_str().unwrap());
        let (good, said) = service.ask(&["approve", id, "--hash", hash]);
        // Where a large record found no room a small one may: then it is recorded, see below.
        assert!(good || !said.contains("op-"), "{said}");
        !good && said.contains("journal")
    });
    if !refused {
        println!("nothing was left to approve on the full disk");
    }
    let status = service.status();
    assert!(status["services"].as_array().is_some_and(|s| !s.is_empty()), "it goes on showing");
    only_recorded(&status, &export(&service.journal()));
    let before = export(&service.journal()).len();
    let folder = service.end();
    let (code, said) = verify(&folder.path().join("journal.db"));
    assert_eq!(code, Some(0), "{said}");
    // With room again the same journal goes on.
    let service = Service::in_folder(folder, 40, None);
    assert!(until(PATIENCE, || service.status()["journal"] == "ok"), "{}", service.status()["journal"]);
    assert!(export(&service.journal()).len() > before);
}

/// Whatever operation is past its turn, its beginning is in the journal.
fn only_recorded(status: &Value, records: &[Value]) {
    let shown = status["operations"].as_array().cloned().unwrap_or_default();
    let not_begun = |state: &str| state.starts_with("queued") || state.starts_with("cancelled");
    for operation in shown.iter().filter(|o| !not_begun(o["state"].as_str().unwrap_or_default())) {
        let begun = |r: &&Value| r["kind"] == "begin" && r["body"]["operation"] == operation["id"];
        assert!(records.iter().any(|r| begun(&r)), "{} is not recorded", operation["id"]);
    }
}
