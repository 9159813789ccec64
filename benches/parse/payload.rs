//! Bodies as exporters of four kinds write them, made from a seed. A second scrape has the same series, half of them
//! with other values.

use std::fmt::{self, Write};

/// Whose metrics.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A machine's exporter: short lines, few labels, many families.
    Machine,
    /// A service's client library: histograms.
    Service,
    /// An exporter of a cluster's objects: many labels.
    Cluster,
    /// An exporter of containers: long identifiers.
    Containers,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Machine, Self::Service, Self::Cluster, Self::Containers];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A body with `samples` samples, as the scrape numbered `scrape` finds it.
pub fn body(kind: Kind, samples: usize, scrape: u64) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let mut moves = fastrand::Rng::with_seed(scrape);
    let mut out = String::new();
    let mut family = 0;
    let mut left = samples;
    while left > 0 {
        let name = format!("a_family_of_metrics_{family}_total");
        let _ = writeln!(out, "# HELP {name} One of the things that are counted.\n# TYPE {name} gauge");
        let wanted = match kind {
            Kind::Machine => 4,
            Kind::Service => 60,
            Kind::Cluster | Kind::Containers => 40,
        };
        for member in 0..wanted.min(left) {
            let labels = labels(kind, member);
            let value = value(&mut random, &mut moves);
            let _ = writeln!(out, "{name}{{{labels}}} {value}");
        }
        left -= wanted.min(left);
        family += 1;
    }
    out
}

fn labels(kind: Kind, member: usize) -> String {
    let id = |salt: u64| format!("{:016x}", fastrand::Rng::with_seed(member as u64 * 31 + salt).u64(..));
    match kind {
        Kind::Machine => format!("device=\"nvme{member}n1\",mode=\"idle\""),
        Kind::Service => {
            let (route, bucket) = (member / 12, member % 12);
            format!("service=\"shop\",method=\"GET\",route=\"/api/v1/things/{route}\",le=\"0.{bucket:03}\"")
        }
        Kind::Cluster => format!(
            "namespace=\"prod\",pod=\"checkout-{}\",uid=\"{}{}\",node=\"ip-10-0-{member}-7.internal\",\
             host_ip=\"10.0.{member}.7\",created_by_kind=\"ReplicaSet\",created_by_name=\"checkout\"",
            id(1).get(..10).unwrap_or_default(),
            id(2),
            id(3)
        ),
        Kind::Containers => format!(
            "container=\"checkout\",id=\"/kubepods.slice/kubepods-burstable.slice/pod{}.slice/cri-{}{}{}{}.scope\",\
             image=\"registry.example.com/checkout:1.0.0\",name=\"{}{}{}{}\",namespace=\"prod\",pod=\"checkout-{}\"",
            id(1),
            id(2),
            id(3),
            id(4),
            id(5),
            id(2),
            id(3),
            id(4),
            id(5),
            id(6)
        ),
    }
}

/// Mostly whole numbers, some with decimals or an exponent; half of them do not move.
fn value(random: &mut fastrand::Rng, moves: &mut fastrand::Rng) -> String {
    let (shape, base, moved) = (random.u8(..10), random.u32(1..1_000_000), moves.u32(..100));
    let number = f64::from(base) + if shape % 2 == 0 { f64::from(moved) } else { 0.0 };
    match shape {
        0..=3 => "0".into(),
        4..=6 => format!("{number}"),
        7 | 8 => format!("{:.3}", number / 1000.0),
        _ => format!("{:.6}e+09", number / 1_000_000.0),
    }
}
