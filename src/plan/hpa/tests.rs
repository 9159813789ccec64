//! The Kubernetes documentation's worked examples, and the edges of the controller's code.

use std::time::Duration;

use crate::series::Timestamp;

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn pods(values: &[f64], target: f64) -> Metric {
    Metric::PerPod { pods: values.iter().map(|v| PodSample::Ready(*v)).collect(), target, full: 1.0 }
}

fn ask(metric: &Metric, current: u32) -> Option<u32> {
    replicas(metric, current, TOLERANCE)
}

#[test]
fn the_documentation_s_ratios() {
    // "if the current metric value is 200m and the desired value is 100m, the number of replicas will be doubled … if
    // the current value is instead 50m, you'll halve the number of replicas", and nothing within 10 %.
    assert_eq!(ask(&pods(&[0.2, 0.2], 0.1), 2), Some(4));
    assert_eq!(ask(&pods(&[0.05; 4], 0.1), 4), Some(2));
    assert_eq!(ask(&pods(&[0.109; 4], 0.1), 4), Some(4));
    assert_eq!(ask(&pods(&[0.111; 4], 0.1), 4), Some(5));
    assert_eq!(ask(&pods(&[], 0.1), 4), None);
}

#[test]
fn totals_are_shared_by_all_replicas() {
    assert_eq!(ask(&Metric::Average { value: 900.0, target: 100.0 }, 4), Some(9));
    assert_eq!(ask(&Metric::Average { value: 430.0, target: 100.0 }, 4), Some(4), "within 10 %");
    assert_eq!(ask(&Metric::Average { value: f64::NAN, target: 100.0 }, 4), None);
    assert_eq!(ask(&Metric::Value { value: 30.0, target: 20.0, ready: 4 }, 5), Some(6));
    assert_eq!(ask(&Metric::Failed, 4), None);
}

#[test]
fn pods_without_a_sample_argue_against_the_move() {
    use PodSample::{Missing, Unready};
    let with = |values: &[f64], extra: &[PodSample]| {
        let mut all: Vec<PodSample> = values.iter().map(|v| PodSample::Ready(*v)).collect();
        all.extend(extra);
        Metric::PerPod { pods: all, target: 0.5, full: 1.0 }
    };
    // Twice the target on two pods: four; a missing one counts as idle: 2.0/3/0.5 = 1.33, 4 pods.
    assert_eq!(ask(&with(&[1.0, 1.0], &[Missing]), 3), Some(4));
    // Two unready ones carry it: 2.0/4/0.5 = 1: keep.
    assert_eq!(ask(&with(&[1.0, 1.0], &[Unready, Unready]), 4), Some(4));
    // Falling: the missing one is taken for full: 1.2/3/0.5 = 0.8: 3 of 3 pods, keep.
    assert_eq!(ask(&with(&[0.1, 0.1], &[Missing]), 3), Some(3));
    // Falling: unready ones are left out.
    assert_eq!(ask(&with(&[0.1, 0.1], &[Unready]), 3), Some(1));
    // The fill turns the direction: keep.
    assert_eq!(ask(&with(&[0.6], &[Missing, Missing]), 3), Some(3));
}

#[test]
fn the_documentation_s_step_down() {
    // Pods 4 and Percent 10 in 60 s: from 80, 8 pods go, then 8 of 72 (7.2 rounded up), and below 40 four at a time.
    let mut settings = Settings::new(1, 100);
    settings.down.window = Duration::ZERO;
    let minute = Duration::from_secs(60);
    settings.down.policies = vec![
        Policy { step: Step::Pods(4), period: minute },
        Policy { step: Step::Percent(10), period: minute },
    ];
    let mut hpa = Emulator::new(settings);
    let low = [Metric::Average { value: 10.0, target: 1.0 }];
    let first = hpa.sync(at(0), 80, &low);
    assert_eq!((first.desired, first.recommended, first.reason), (72, Some(10), Reason::ScaleDownLimit));
    assert_eq!(hpa.sync(at(15), 72, &low).desired, 72, "the period is used up");
    assert_eq!(hpa.sync(at(60), 72, &low).desired, 64);
    assert_eq!(hpa.sync(at(600), 39, &low).desired, 35);
}

#[test]
fn up_at_once_within_the_default_policies() {
    let mut hpa = Emulator::new(Settings::new(1, 100));
    let high = [Metric::Average { value: 60.0, target: 1.0 }];
    let first = hpa.sync(at(0), 2, &high);
    assert_eq!((first.desired, first.reason), (6, Reason::ScaleUpLimit), "four pods beat 100 % of two");
    assert_eq!(hpa.sync(at(15), 6, &high).desired, 12);
    assert_eq!(hpa.sync(at(30), 12, &high).desired, 24);
}

#[test]
fn down_only_after_the_window() {
    let mut hpa = Emulator::new(Settings::new(2, 20));
    let load = |v: f64| [Metric::Average { value: v, target: 1.0 }];
    assert_eq!(hpa.sync(at(0), 10, &load(10.0)).desired, 10);
    let held = hpa.sync(at(299), 10, &load(4.0));
    assert_eq!((held.desired, held.reason), (10, Reason::ScaleDownStabilized));
    let free = hpa.sync(at(301), 10, &load(4.0));
    assert_eq!((free.desired, free.reason), (4, Reason::DesiredWithinRange));
    let floor = hpa.sync(at(700), 4, &load(0.5));
    assert_eq!((floor.desired, floor.reason), (2, Reason::TooFewReplicas));
    assert_eq!(hpa.sync(at(700), 20, &load(70.0)).desired, 20);
}

#[test]
fn a_window_upwards_waits_and_a_disabled_direction_never_moves() {
    let mut settings = Settings::new(1, 20);
    settings.up.window = Duration::from_secs(60);
    settings.down.select = Select::Disabled;
    settings.down.window = Duration::ZERO;
    let mut hpa = Emulator::new(settings);
    let load = |v: f64| [Metric::Average { value: v, target: 1.0 }];
    assert_eq!(hpa.sync(at(0), 4, &load(4.0)).desired, 4);
    assert_eq!(hpa.sync(at(30), 4, &load(8.0)).reason, Reason::ScaleUpStabilized);
    assert_eq!(hpa.sync(at(61), 4, &load(8.0)).desired, 8);
    assert_eq!(hpa.sync(at(90), 8, &load(1.0)).desired, 8);
}

#[test]
fn blind_disabled_and_out_of_bounds() {
    let mut hpa = Emulator::new(Settings::new(2, 10));
    assert_eq!(hpa.sync(at(0), 0, &[Metric::Failed]).reason, Reason::ScalingDisabled);
    assert_eq!(hpa.sync(at(0), 5, &[Metric::Failed]).reason, Reason::FailedGetMetrics);
    let one_down = [Metric::Failed, Metric::Average { value: 2.0, target: 1.0 }];
    assert_eq!(hpa.sync(at(0), 5, &one_down).desired, 5, "no scale-in on half the metrics");
    let one_up = [Metric::Failed, Metric::Average { value: 8.0, target: 1.0 }];
    assert_eq!(hpa.sync(at(0), 5, &one_up).desired, 8);
    assert_eq!(hpa.sync(at(0), 14, &one_up).desired, 10);
    // A floor that is raised acts at once, whatever the metrics say.
    hpa.settings.min = 7;
    let raised = hpa.sync(at(20), 5, &[Metric::Average { value: 2.0, target: 1.0 }]);
    assert_eq!((raised.desired, raised.reason), (7, Reason::TooFewReplicas));
}
