//! Auto Scaling groups against moto.

use std::process::Command;

use weescale::approval::{LeaseNote, Way};
use weescale::execution::providers::aws::ScalingGroups;
use weescale::execution::providers::contract::{Fields, PodPhase, WorkloadState};
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::{Field, Owner, ScaleIn};

use super::moto::{Moto, SHIPPED, allow, encode};
use super::orders::{mandate, note};

/// One group `web` with a target tracking policy and a schedule, one group `idle` without.
pub fn account(moto: &Moto) {
    let asg = |action: &str, rest: &str| {
        moto.query("autoscaling", &format!("Action={action}&Version=2011-01-01&{rest}"));
    };
    asg("CreateLaunchConfiguration", "LaunchConfigurationName=lc&ImageId=ami-12c6146b&InstanceType=t2.micro");
    for (name, service) in [("web", "checkout"), ("idle", "idle")] {
        asg(
            "CreateAutoScalingGroup",
            &format!(
                "AutoScalingGroupName={name}&LaunchConfigurationName=lc&MinSize=1&MaxSize=6&DesiredCapacity=2&\
                 AvailabilityZones.member.1=us-east-1a&Tags.member.1.Key=service&Tags.member.1.Value={service}&\
                 Tags.member.1.ResourceId={name}&Tags.member.1.ResourceType=auto-scaling-group&\
                 Tags.member.1.PropagateAtLaunch=false"
            ),
        );
    }
    asg(
        "PutScalingPolicy",
        "AutoScalingGroupName=web&PolicyName=cpu&PolicyType=TargetTrackingScaling&\
         TargetTrackingConfiguration.PredefinedMetricSpecification.PredefinedMetricType=ASGAverageCPUUtilization&\
         TargetTrackingConfiguration.TargetValue=50",
    );
    asg(
        "PutScheduledUpdateGroupAction",
        &format!(
            "AutoScalingGroupName=web&ScheduledActionName=night&Recurrence={}&MinSize=1",
            encode("0 22 * * *")
        ),
    );
    moto.user("ops", SHIPPED);
    moto.user("reader", &allow(&["autoscaling:Describe*"]));
    moto.user("blind", &allow(&["autoscaling:DescribeAutoScalingGroups"]));
    moto.user("nobody", &allow(&["s3:ListAllMyBuckets"]));
    moto.user("base", &allow(&["sts:AssumeRole"]));
    moto.role("seer", "base", &allow(&["autoscaling:Describe*"]));
    moto.role("barred", "nobody", &allow(&["autoscaling:Describe*"]));
    moto.lock();
}

async fn find(provider: &ScalingGroups, name: &str) -> WorkloadState {
    let listed = provider.list().await.unwrap();
    listed.workloads.into_iter().find(|w| w.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_seen_rehearsed_written_and_given_back() {
    let Some(moto) = Moto::start() else { return };
    account(&moto);
    let as_user = |name: &str| ScalingGroups::new(moto.client(name));
    identity_and_rights(&moto).await;

    let ops = as_user("ops");
    let web = find(&ops, "web").await;
    let Owner::Autoscaler { name } = &web.owner else { panic!("{:?}", web.owner) };
    assert_eq!(name, "asg: schedule night sets min 1 at 0 22 * * *, target tracking cpu");
    assert_eq!(
        (web.fields.replicas, web.fields.min_replicas, web.fields.max_replicas),
        (Some(2), Some(1), Some(6))
    );
    assert_eq!((web.region.as_str(), web.service.as_str(), web.ready), ("us-east-1", "checkout", 2));
    assert_eq!(find(&ops, "idle").await.owner, Owner::Nobody);
    assert_eq!(ops.gaps().take(), Vec::<String>::new());
    let read = ops.read(&web.uid).await.unwrap();
    assert_eq!(read.pods.iter().filter(|p| p.phase == PodPhase::Ready).count(), 2);
    assert!(read.pods.iter().all(|p| p.created_ms > 0 && p.name.starts_with("i-")), "{:?}", read.pods);

    // A dry run changes nothing, and says what would be refused.
    let mut leave = mandate(&web, Field::MinReplicas, 3);
    ops.write(&leave.rehearsal(3)).await.unwrap();
    assert_eq!(find(&ops, "web").await, web);
    let beyond = ops.write(&mandate(&web, Field::MinReplicas, 9).rehearsal(9)).await.unwrap_err();
    assert!(
        matches!(&beyond, ProviderError::Invalid(why) if why.contains("above the maximum of 6")),
        "{beyond}"
    );

    // Up, with the lease on the group; only the floor was written.
    let order = leave.order(Way::Forward, 1, 3).unwrap().with_note(Some(&note()));
    let after = ops.write(&order).await.unwrap();
    assert_eq!((after.fields.min_replicas, after.fields.max_replicas), (Some(3), Some(6)));
    let seen = find(&ops, "web").await;
    assert_eq!(seen.fields.min_replicas, Some(3));
    assert_eq!(seen.annotations[LeaseNote::OWNER], "ann_x op-1 key");
    assert_eq!(seen.annotations[LeaseNote::PREVIOUS], "1");

    // The same order again finds another value than it expects.
    let stale = ops.write(&order).await.unwrap_err();
    assert!(
        matches!(&stale, ProviderError::Precondition { current: Some(now), .. }
        if now.fields.min_replicas == Some(3)),
        "{stale}"
    );

    let back = leave.order(Way::Back, 3, 1).unwrap().with_note(None);
    ops.write(&back).await.unwrap();
    let seen = find(&ops, "web").await;
    assert_eq!(seen.fields.min_replicas, Some(1));
    assert!(seen.annotations.is_empty(), "{:?}", seen.annotations);
    held(&ops, &seen).await;
    identity(&ops, &web).await;
}

/// Scale-in is held by the one process that ends instances, and given back; nothing else is suspended or resumed.
async fn held(ops: &ScalingGroups, web: &WorkloadState) {
    let (allowed, held) = (ScaleIn::Allowed.value(), ScaleIn::Held.value());
    assert_eq!(web.fields.scale_in, Some(allowed));
    let mut leave = mandate(web, Field::ScaleIn, held);
    ops.write(&leave.rehearsal(held)).await.unwrap();
    ops.write(&leave.rehearsal_back()).await.unwrap();
    assert_eq!(find(ops, "web").await.fields.scale_in, Some(allowed), "a rehearsal suspends nothing");

    let order = leave.order(Way::Forward, allowed, held).unwrap().with_note(Some(&note()));
    let after = ops.write(&order).await.unwrap();
    assert_eq!(after.fields, Fields { scale_in: Some(held), ..web.fields }, "no count was touched");
    let seen = find(ops, "web").await;
    assert!(seen.notes.iter().any(|n| n.contains("Terminate is suspended")), "{:?}", seen.notes);
    assert_eq!(seen.annotations[LeaseNote::keys(Field::ScaleIn)[2]], "ann_x op-1 key");
    let stale = ops.write(&order).await.unwrap_err();
    assert!(matches!(stale, ProviderError::Precondition { .. }), "{stale}");

    let back = leave.order(Way::Back, held, allowed).unwrap().with_note(None);
    ops.write(&back).await.unwrap();
    let seen = find(ops, "web").await;
    assert_eq!((seen.fields, seen.notes.is_empty(), seen.annotations.is_empty()), (web.fields, true, true));
}

/// A group made again under an old name is not the group that was approved.
async fn identity(ops: &ScalingGroups, web: &WorkloadState) {
    let (head, name) = web.uid.split_once(":autoScalingGroupName/").unwrap();
    let (head, _) = head.rsplit_once(':').unwrap();
    let other = WorkloadState {
        uid: format!("{head}:00000000-0000-0000-0000-000000000000:autoScalingGroupName/{name}"),
        ..web.clone()
    };
    let order = mandate(&other, Field::MinReplicas, 3).order(Way::Forward, 1, 3).unwrap();
    let refused = ops.write(&order).await.unwrap_err();
    assert!(matches!(refused, ProviderError::Conflict { .. }), "{refused}");
    assert!(matches!(ops.read(&other.uid).await, Err(ProviderError::NotFound(_))));
    assert_eq!(find(ops, "web").await.fields.min_replicas, Some(1));
    let gone = format!("{head}:autoScalingGroupName/none");
    assert!(matches!(ops.read(&gone).await, Err(ProviderError::NotFound(_))));
}

async fn identity_and_rights(moto: &Moto) {
    let as_user = |name: &str| ScalingGroups::new(moto.client(name));
    let wrong = as_user("ops-wrong").list().await.unwrap_err();
    assert!(matches!(wrong, ProviderError::Unauthenticated(_)), "{wrong}");
    // A role has its own rights: what its source may not do it may, and no more.
    assert!(as_user("base").list().await.is_err());
    let seer = as_user("seer");
    let web = find(&seer, "web").await;
    let order = mandate(&web, Field::MinReplicas, 3).order(Way::Forward, 1, 3).unwrap();
    let denied = seer.write(&order).await.unwrap_err();
    assert!(matches!(denied, ProviderError::Forbidden(_)), "{denied}");
    let barred = as_user("barred").list().await.unwrap_err().to_string();
    assert!(
        barred.contains("role/barred cannot be assumed") && barred.contains("sts:AssumeRole"),
        "{barred}"
    );
    let denied = as_user("nobody").list().await.unwrap_err();
    assert!(
        matches!(&denied, ProviderError::Forbidden(why) if why.contains("allow autoscaling:DescribeAutoScalingGroups")),
        "{denied}"
    );
    // Who cannot see policies does not know the owner, and everything else goes on.
    let blind = as_user("blind");
    let web = find(&blind, "web").await;
    assert_eq!((web.owner.clone(), web.fields.min_replicas), (Owner::Unknown, Some(1)));
    let gaps = blind.gaps().take();
    assert!(gaps.iter().any(|g| g.contains("allow autoscaling:DescribePolicies")), "{gaps:?}");
    assert!(gaps.iter().any(|g| g.contains("allow autoscaling:DescribeScheduledActions")), "{gaps:?}");
    // Who may read and not write is refused, and nothing changes.
    let reader = as_user("reader");
    let web = find(&reader, "web").await;
    let order = mandate(&web, Field::MinReplicas, 3).order(Way::Forward, 1, 3).unwrap();
    let denied = reader.write(&order).await.unwrap_err();
    assert!(
        matches!(&denied, ProviderError::Forbidden(why) if why.contains("allow autoscaling:UpdateAutoScalingGroup")),
        "{denied}"
    );
    assert_eq!(find(&reader, "web").await, web);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_platforms_and_missing_rights() {
    let Some(moto) = Moto::start() else { return };
    account(&moto);
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    let text = format!(
        "[[aws]]\nname = \"prod\"\nregions = [\"us-east-1\", \"us-west-2\"]\nendpoint = \"{}\"\nprofile = \"blind\"\n",
        moto.url()
    );
    std::fs::write(&config, text).unwrap();
    let files = moto.files();
    let output = Command::new(env!("CARGO_BIN_EXE_weescale"))
        .args(["check", "--config"])
        .arg(&config)
        .env_remove("PROMETHEUS_URL")
        .env("AWS_SHARED_CREDENTIALS_FILE", &files.credentials)
        .env("AWS_CONFIG_FILE", &files.config)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    for wanted in [
        "ok       provider prod/us-east-1/autoscaling: 2 workloads",
        "ok       provider prod/us-west-2/autoscaling: 0 workloads",
        "allow autoscaling:DescribePolicies in the policy",
        "failing  provider prod/us-east-1/ecs: not allowed: ListClusters",
        "allow ecs:ListClusters in the policy",
    ] {
        assert!(text.contains(wanted), "{wanted}\nin {text}{}", String::from_utf8_lossy(&output.stderr));
    }
}
