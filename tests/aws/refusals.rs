//! What AWS refuses, delays or leaves unanswered, against the strict fake. **Unverified against AWS.**

use weescale::approval::Way;
use weescale::execution::providers::contract::WorkloadState;
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::{Field, Owner};

use super::fake::{Fake, Mood};
use super::orders::mandate;

/// Writes minimum 1→3; what came of it, and the minimum that is there afterwards.
async fn write(mood: Mood) -> (Fake, Result<WorkloadState, ProviderError>, u32) {
    let fake = Fake::start(mood);
    let provider = fake.provider();
    let web = provider.list().await.unwrap().workloads.remove(0);
    assert!(matches!(web.owner, Owner::Autoscaler { .. }));
    let order = mandate(&web, Field::MinReplicas, 3).order(Way::Forward, 1, 3).unwrap();
    let result = provider.write(&order).await;
    let min = fake.group.lock().unwrap().min;
    (fake, result, min)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_answered_an_order_is_sent_once() {
    for (mood, effect) in [
        (Mood::Honest, true),
        (Mood::Lags, true),
        (Mood::InProgress, false),
        (Mood::Throttles, false),
        (Mood::Contention, false),
        (Mood::FailsAfter, true),
        (Mood::ClosesAfter, true),
        (Mood::HangsAfter, true),
        (Mood::Down, false),
        (Mood::Redirects, false),
    ] {
        let (fake, result, min) = write(mood).await;
        assert_eq!(fake.updates(), 1, "{mood:?}");
        assert_eq!(min, if effect { 3 } else { 1 }, "{mood:?}");
        let told = format!("{mood:?}: {result:?}");
        match mood {
            Mood::Honest | Mood::Lags => assert_eq!(result.unwrap().fields.min_replicas, Some(3)),
            // Certainly without effect: may be sent again after a pause.
            Mood::InProgress | Mood::Throttles => {
                assert!(matches!(result, Err(ProviderError::Unavailable { .. })), "{told}");
            }
            Mood::Redirects => assert!(matches!(result, Err(ProviderError::Invalid(_))), "{told}"),
            // Who cannot know says so: the executor reads back.
            _ => assert!(matches!(result, Err(ProviderError::Unknown(_))), "{told}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_and_never_seen_is_not_known() {
    let (fake, result, _) = write(Mood::Forgets).await;
    assert_eq!(fake.updates(), 1);
    assert!(
        matches!(&result, Err(ProviderError::Unknown(why)) if why.contains("read back: 1")),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_and_drift_are_seen_before_anything_is_sent() {
    let fake = Fake::start(Mood::Honest);
    let provider = fake.provider();
    let web = provider.list().await.unwrap().workloads.remove(0);
    let to = |to| mandate(&web, Field::MinReplicas, to).order(Way::Forward, 1, to).unwrap();
    assert!(matches!(provider.write(&to(7)).await, Err(ProviderError::Invalid(_))));
    // Somebody else moved it meanwhile.
    fake.group.lock().unwrap().min = 2;
    let moved = provider.write(&to(3)).await.unwrap_err();
    assert!(
        matches!(&moved, ProviderError::Precondition { why, .. } if why.contains("is 2, not 1")),
        "{moved}"
    );
    // Desired capacity is its policy's.
    let taken = WorkloadState { owner: Owner::Nobody, ..web.clone() };
    let order = mandate(&taken, Field::Replicas, 3).order(Way::Forward, 2, 3).unwrap();
    let refused = provider.write(&order).await.unwrap_err();
    assert!(
        matches!(&refused, ProviderError::Invalid(why) if why.contains("target tracking cpu")),
        "{refused}"
    );
    assert_eq!(fake.updates(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_sends_nothing_and_knows_suspended_processes() {
    let fake = Fake::start(Mood::Honest);
    let provider = fake.provider();
    let web = provider.list().await.unwrap().workloads.remove(0);
    let leave = mandate(&web, Field::MinReplicas, 3);
    assert_eq!(provider.write(&leave.rehearsal(3)).await.unwrap().fields.min_replicas, Some(1));
    fake.group.lock().unwrap().suspended = "Launch";
    let refused = provider.write(&leave.rehearsal(3)).await.unwrap_err();
    assert!(
        matches!(&refused, ProviderError::Invalid(why) if why.contains("Launch is suspended")),
        "{refused}"
    );
    assert_eq!(fake.updates(), 0);
    let log = fake.group.lock().unwrap().log.clone();
    assert!(log.iter().all(|a| a.starts_with("Describe")), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_reads_are_asked_again_and_given_up_in_the_end() {
    let fake = Fake::start(Mood::Honest);
    fake.group.lock().unwrap().throttled_reads = 2;
    assert_eq!(fake.provider().list().await.unwrap().workloads.len(), 1);
    fake.group.lock().unwrap().throttled_reads = 1000;
    let before = fake.group.lock().unwrap().log.len();
    let busy = fake.provider().list().await.unwrap_err();
    assert!(matches!(&busy, ProviderError::Unavailable { why, .. } if why.contains("Throttling")), "{busy}");
    assert_eq!(fake.group.lock().unwrap().log.len() - before, 4, "a bounded number of times");
}
