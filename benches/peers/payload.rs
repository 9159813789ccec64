//! What a synthetic target exposes: families as real exporters have them, most of them still, counters monotone.

use std::io::Write;

/// How a value moves from one scrape to the next.
#[derive(Clone, Copy)]
enum Motion {
    /// Never.
    Still,
    /// A counter of whole things, by so much a scrape.
    Count(u64),
    /// A gauge with three decimals, around its start.
    Gauge,
}

struct Series {
    /// End of its text in the arena; the start is the end of the one before.
    end: u32,
    motion: Motion,
    /// Thousandths for gauges, whole units otherwise.
    value: u64,
}

/// One target and its state.
pub struct Target {
    text: Vec<u8>,
    series: Vec<Series>,
    random: u64,
}

impl Target {
    /// Target number `index` with `count` series; the kinds take turns as in a mixed fleet: of ten targets four are
    /// nodes, four applications, one is kube-state-metrics and one is cAdvisor.
    pub fn new(index: usize, count: usize) -> Self {
        let mut target = Self {
            text: Vec::new(),
            series: Vec::with_capacity(count),
            random: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index as u64 + 1) | 1,
        };
        let mut row = 0;
        while target.series.len() < count {
            match index % 10 {
                0..4 => target.node(row),
                4..8 => target.application(row),
                8 => target.kube_state(row),
                _ => target.cadvisor(row),
            }
            row += 1;
        }
        target.series.truncate(count);
        target
    }

    /// Series of this target.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Moves every value one scrape on and writes the body.
    pub fn render(&mut self, out: &mut Vec<u8>) {
        out.clear();
        let mut start = 0;
        for series in &mut self.series {
            let end = series.end as usize;
            out.extend_from_slice(self.text.get(start..end).unwrap_or_default());
            start = end;
            match series.motion {
                Motion::Still => integer(out, series.value),
                Motion::Count(step) => {
                    series.value += step;
                    integer(out, series.value);
                }
                Motion::Gauge => {
                    let noise = next(&mut self.random) % 2001;
                    series.value = (series.value + noise).saturating_sub(1000);
                    integer(out, series.value / 1000);
                    out.push(b'.');
                    let part = series.value % 1000;
                    out.extend([part / 100, part / 10 % 10, part % 10].map(|digit| b'0' + digit as u8));
                }
            }
            out.push(b'\n');
        }
    }

    fn add(&mut self, key: &str, motion: Motion) {
        let random = next(&mut self.random);
        self.text.extend_from_slice(key.as_bytes());
        self.text.push(b' ');
        let value = match motion {
            Motion::Still => match random % 6 {
                0 | 1 => 0,
                2 | 3 => 1,
                4 => 4096,
                _ => 1_732_406_400,
            },
            Motion::Count(_) => random % 10_000_000,
            Motion::Gauge => random % 90_000_000,
        };
        self.series.push(Series { end: self.text.len() as u32, motion, value });
    }

    fn kind(&mut self, type_line: &str) {
        self.text.extend_from_slice(type_line.as_bytes());
    }

    fn node(&mut self, row: usize) {
        if row == 0 {
            self.kind("# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.\n# TYPE node_cpu_seconds_total counter\n");
        }
        for mode in ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"] {
            let motion = match mode {
                "idle" | "system" | "user" => Motion::Gauge,
                _ => Motion::Still,
            };
            self.add(&format!("node_cpu_seconds_total{{cpu=\"{row}\",mode=\"{mode}\"}}"), motion);
        }
        let device = format!("device=\"sd{row}\"");
        self.add(&format!("node_disk_reads_completed_total{{{device}}}"), Motion::Count(3));
        self.add(&format!("node_disk_io_now{{{device}}}"), Motion::Still);
        self.add(
            &format!("node_filesystem_avail_bytes{{{device},fstype=\"ext4\",mountpoint=\"/d{row}\"}}"),
            Motion::Gauge,
        );
        self.add(
            &format!("node_filesystem_readonly{{{device},fstype=\"ext4\",mountpoint=\"/d{row}\"}}"),
            Motion::Still,
        );
    }

    fn application(&mut self, row: usize) {
        let route = format!("method=\"GET\",route=\"/api/v1/resource{row}\"");
        self.add(&format!("http_requests_total{{code=\"200\",{route}}}"), Motion::Count(17));
        self.add(&format!("http_requests_total{{code=\"500\",{route}}}"), Motion::Still);
        for le in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"] {
            let motion = if le.len() > 3 && le != "+Inf" { Motion::Still } else { Motion::Count(17) };
            self.add(&format!("http_request_duration_seconds_bucket{{{route},le=\"{le}\"}}"), motion);
        }
        self.add(&format!("http_request_duration_seconds_sum{{{route}}}"), Motion::Gauge);
        self.add(&format!("http_request_duration_seconds_count{{{route}}}"), Motion::Count(17));
    }

    fn kube_state(&mut self, row: usize) {
        let pod = format!(
            "namespace=\"shop\",pod=\"checkout-7c9d8b6f5-{row:05}\",uid=\"6f1c2c0e-0000-4000-8000-{row:012}\""
        );
        for phase in ["Pending", "Succeeded", "Failed", "Unknown", "Running"] {
            self.add(&format!("kube_pod_status_phase{{{pod},phase=\"{phase}\"}}"), Motion::Still);
        }
        self.add(&format!("kube_pod_start_time{{{pod}}}"), Motion::Still);
        self.add(
            &format!("kube_pod_container_status_restarts_total{{{pod},container=\"checkout\"}}"),
            Motion::Still,
        );
        let node = "node=\"ip-10-20-30-40.eu-central-1.compute.internal\",created_by_kind=\"ReplicaSet\"";
        self.add(
            &format!("kube_pod_info{{{pod},{node},created_by_name=\"checkout-7c9d8b6f5\"}}"),
            Motion::Still,
        );
    }

    fn cadvisor(&mut self, row: usize) {
        let id = format!("{:064x}", next(&mut self.random));
        let labels = format!(
            "container=\"checkout\",id=\"/kubepods.slice/kubepods-burstable.slice/cri-containerd-{id}.scope\",\
             image=\"registry.example/shop/checkout:1.42.0\",name=\"{id}\",namespace=\"shop\",pod=\"checkout-7c9d8b6f5-{row:05}\""
        );
        for (name, motion) in [
            ("container_cpu_usage_seconds_total", Motion::Gauge),
            ("container_memory_working_set_bytes", Motion::Gauge),
            ("container_memory_rss", Motion::Gauge),
            ("container_cpu_cfs_throttled_periods_total", Motion::Still),
            ("container_fs_writes_bytes_total", Motion::Count(4096)),
            ("container_spec_memory_limit_bytes", Motion::Still),
            ("container_spec_cpu_quota", Motion::Still),
            ("container_last_seen", Motion::Count(15)),
        ] {
            self.add(&format!("{name}{{{labels}}}"), motion);
        }
    }
}

fn integer(out: &mut Vec<u8>, value: u64) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{value}");
}

/// xorshift64.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
