//! Replicas from one metric.

/// A ratio this close to 1 is left alone (`--horizontal-pod-autoscaler-tolerance`).
pub const TOLERANCE: f64 = 0.1;

/// What is known of one pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PodSample {
    /// Ready, with its metric: usage over request for utilisation, a plain value otherwise.
    Ready(f64),
    /// Not ready yet: left out, and taken as idle when the others ask for more.
    Unready,
    /// Ready, without a sample.
    Missing,
}

/// One metric of an autoscaler.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// A mean over pods, as `Resource` and `Pods` metrics are. `full` is what a pod without a sample is taken for when
    /// the others are below target: 1 for utilisation (a pod at its request), the target for plain values.
    PerPod {
        /// The pods.
        pods: Vec<PodSample>,
        /// Wanted mean.
        target: f64,
        /// Taken for a missing sample when scaling in; never less than the target.
        full: f64,
    },
    /// A total that is shared by all replicas: `AverageValue` of an object or external metric.
    Average {
        /// The total.
        value: f64,
        /// Wanted per replica.
        target: f64,
    },
    /// A value to be kept at a target as such: `Value` of an object or external metric.
    Value {
        /// The value.
        value: f64,
        /// Wanted.
        target: f64,
        /// Ready pods.
        ready: u32,
    },
    /// Could not be read.
    Failed,
}

/// Replicas that `metric` asks for with `current` replicas in the spec; `None` when it cannot be computed.
pub fn replicas(metric: &Metric, current: u32, tolerance: f64) -> Option<u32> {
    let keep = |ratio: f64| (ratio - 1.0).abs() <= tolerance;
    match metric {
        Metric::Failed => None,
        Metric::Average { value, target } => {
            let ratio = valid(*value, *target)? / f64::from(current.max(1));
            Some(if current > 0 && keep(ratio) { current } else { count(value / target) })
        }
        Metric::Value { value, target, ready } => {
            let ratio = valid(*value, *target)?;
            Some(if keep(ratio) { current } else { count(ratio * f64::from(*ready)) })
        }
        Metric::PerPod { pods, target, full } => per_pod(pods, *target, full.max(*target), current, &keep),
    }
}

fn valid(value: f64, target: f64) -> Option<f64> {
    (value.is_finite() && value >= 0.0 && target > 0.0).then(|| value / target)
}

fn count(n: f64) -> u32 {
    // A hair above an integer is rounding, not a pod.
    (n - 1e-9).ceil().max(0.0) as u32
}

fn per_pod(
    pods: &[PodSample],
    target: f64,
    full: f64,
    current: u32,
    keep: &dyn Fn(f64) -> bool,
) -> Option<u32> {
    let ready: Vec<f64> =
        pods.iter().filter_map(|p| if let PodSample::Ready(v) = p { Some(*v) } else { None }).collect();
    let of = |kind: PodSample| pods.iter().filter(|p| **p == kind).count();
    let (unready, missing) = (of(PodSample::Unready), of(PodSample::Missing));
    if ready.is_empty() {
        return None;
    }
    let sum: f64 = ready.iter().sum();
    let ratio = valid(sum / ready.len() as f64, target)?;
    let rising = ratio > 1.0;
    if missing == 0 && !(unready > 0 && rising) {
        return Some(if keep(ratio) { current } else { count(ratio * ready.len() as f64) });
    }
    // What is not known is taken to argue against the move: idle when rising, full when falling.
    let filled = if rising { 0.0 } else { full * missing as f64 };
    let counted = ready.len() + missing + if rising { unready } else { 0 };
    let ratio = (sum + filled) / counted as f64 / target;
    if keep(ratio) || (ratio > 1.0) != rising {
        return Some(current);
    }
    let wanted = count(ratio * counted as f64);
    Some(if (wanted < current) == rising { current } else { wanted })
}
