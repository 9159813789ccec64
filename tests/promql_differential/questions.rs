//! The questions.

const COUNTERS: [&str; 2] = ["http_requests_total", "latency_seconds_bucket"];
const GAUGES: [&str; 3] = ["memory_bytes", "balance", "up"];
const WINDOWS: [u32; 4] = [30, 60, 300, 1800];
const RATES: [&str; 5] = ["rate", "increase", "irate", "resets", "changes"];
const OVER_TIME: [&str; 10] = [
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "changes",
];
const SLOPES: [&str; 3] = ["delta", "deriv", "idelta"];
const AGGREGATIONS: [&str; 8] = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
const GROUPINGS: [&str; 5] = ["", "by (job) ", "by (job, code) ", "without (instance) ", "by (nothing) "];
const UNARY: [&str; 12] =
    ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "round", "sort", "sort_desc"];
const TIMES: [&str; 7] = ["hour", "minute", "day_of_month", "day_of_week", "month", "year", "days_in_month"];
const BINARY: [&str; 6] = ["+", "-", "*", "/", "%", "^"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", ">", "<=", ">="];

/// Functions over windows whose answer does not depend on where the window's edge lies.
pub fn over_windows<T>(make: impl Fn(&str, &str, u32) -> T) -> Vec<T> {
    let functions = OVER_TIME.iter().chain(&["irate", "idelta", "resets", "deriv"]);
    let mut all = Vec::new();
    for function in functions {
        for metric in ["http_requests_total", "memory_bytes"] {
            all.extend(WINDOWS.iter().map(|w| make(function, metric, *w)));
        }
    }
    all
}

/// All of them.
pub fn all() -> Vec<String> {
    let mut all = selectors();
    windows(&mut all);
    aggregations(&mut all);
    arithmetic(&mut all);
    matching(&mut all);
    subqueries(&mut all);
    instants(&mut all);
    many_to_one(&mut all);
    histograms(&mut all);
    one_side_empty(&mut all);
    beside_scalars(&mut all);
    odd_values(&mut all);
    super::expressions::questions(&mut all);
    all.extend(OTHERS.iter().map(|q| (*q).to_owned()));
    all
}

fn selectors() -> Vec<String> {
    let mut all = Vec::new();
    for metric in COUNTERS.iter().chain(&GAUGES) {
        all.push((*metric).to_owned());
        for matcher in [
            "job=\"shop\"",
            "job!=\"shop\"",
            "instance=~\"shop-.*\"",
            "instance!~\".*-[01]:80\"",
            "code=\"\"",
        ] {
            all.push(format!("{metric}{{{matcher}}}"));
        }
        for offset in ["offset 1m", "offset 17m", "@ 1699999999.5", "@ 1699999999 offset 90s"] {
            all.push(format!("{metric} {offset}"));
        }
    }
    all
}

fn windows(all: &mut Vec<String>) {
    for window in WINDOWS {
        for metric in COUNTERS {
            all.extend(RATES.iter().map(|f| format!("{f}({metric}[{window}s])")));
        }
        for metric in GAUGES {
            all.extend(OVER_TIME.iter().chain(&SLOPES).map(|f| format!("{f}({metric}[{window}s])")));
            all.push(format!("quantile_over_time(0.9, {metric}[{window}s])"));
            all.push(format!("predict_linear({metric}[{window}s], 600)"));
            all.push(format!("max_over_time(avg({metric})[{window}s:10s])"));
        }
        all.push(format!("absent_over_time(nothing{{a=\"b\"}}[{window}s])"));
        for q in ["0", "0.5", "0.95", "1", "-1", "2"] {
            all.push(format!(
                "histogram_quantile({q}, sum by (le, job) (rate(latency_seconds_bucket[{window}s])))"
            ));
        }
    }
}

fn aggregations(all: &mut Vec<String>) {
    for metric in ["http_requests_total", "memory_bytes", "rate(http_requests_total[2m])"] {
        for grouping in GROUPINGS {
            all.extend(AGGREGATIONS.iter().map(|f| format!("{f} {grouping}({metric})")));
            all.push(format!("topk {grouping}(2, {metric})"));
            all.push(format!("bottomk {grouping}(1, {metric})"));
            all.push(format!("quantile {grouping}(0.3, {metric})"));
            all.push(format!("count_values {grouping}(\"value\", up)"));
        }
    }
}

fn arithmetic(all: &mut Vec<String>) {
    for metric in GAUGES {
        all.extend(UNARY.iter().map(|f| format!("{f}({metric})")));
        all.extend(TIMES.iter().map(|f| format!("{f}({metric} * 3)")));
        all.extend(BINARY.iter().map(|op| format!("{metric} {op} 3.5")));
        all.extend(BINARY.iter().map(|op| format!("2 {op} {metric}")));
        all.extend(COMPARISONS.iter().map(|op| format!("{metric} {op} 1")));
        all.extend(COMPARISONS.iter().map(|op| format!("{metric} {op} bool 1")));
        all.push(format!("clamp({metric}, 0, 1e9)"));
        all.push(format!("clamp_min({metric}, 5) - clamp_max({metric}, 5)"));
        all.push(format!("round({metric}, 0.25)"));
        all.push(format!("timestamp({metric})"));
        all.push(format!("-{metric}"));
    }
}

fn matching(all: &mut Vec<String>) {
    for op in BINARY.iter().chain(&COMPARISONS) {
        all.push(format!("memory_bytes {op} memory_limit_bytes"));
        all.push(format!("memory_bytes {op} on (instance) memory_limit_bytes"));
        all.push(format!("sum by (job) (memory_bytes) {op} ignoring (x) sum by (job) (memory_limit_bytes)"));
        all.push(format!("memory_bytes {op} on (job, instance) group_left (version) build_info"));
        all.push(format!("build_info {op} on (job) group_right () memory_bytes"));
    }
    for op in ["and", "or", "unless"] {
        all.push(format!("memory_bytes {op} up"));
        all.push(format!("up == 1 {op} on (instance) memory_bytes > 1e9"));
        all.push(format!("http_requests_total {op} ignoring (code) up"));
    }
}

/// Subqueries with and without a step, nested, with `offset` and `@`.
fn subqueries(all: &mut Vec<String>) {
    for (range, step) in [("5m", "30s"), ("10m", "1m"), ("17m", "47s"), ("20m", ""), ("3m", "7s")] {
        for function in
            ["sum_over_time", "avg_over_time", "max_over_time", "count_over_time", "stddev_over_time"]
        {
            all.push(format!("{function}(memory_bytes[{range}:{step}])"));
            all.push(format!("{function}(rate(http_requests_total[1m])[{range}:{step}])"));
        }
        for function in ["rate", "increase", "changes", "resets", "deriv", "delta"] {
            all.push(format!("{function}(http_requests_total[{range}:{step}])"));
        }
        all.push(format!("quantile_over_time(0.75, sum by (job) (memory_bytes)[{range}:{step}])"));
        all.push(format!("max_over_time((balance > -20)[{range}:{step}] offset 4m)"));
        all.push(format!("min_over_time(memory_bytes[{range}:{step}] @ 1700001501.25)"));
        all.push(format!("sum_over_time(balance[{range}:{step}] @ 1700001501.25 offset 3m)"));
        // A millisecond keeps the inner window off the left edge.
        all.push(format!("max_over_time(sum_over_time(up[120001ms:20s])[{range}:{step}])"));
        all.push(format!("sum_over_time(vector(time())[{range}:{step}])"));
        all.push(format!("absent_over_time(nothing[{range}:{step}])"));
        all.push(format!("count_over_time(topk(2, memory_bytes)[{range}:{step}])"));
    }
}

/// `@` and `offset`, forwards and backwards, on selectors and windows.
fn instants(all: &mut Vec<String>) {
    for shift in [
        "offset 1m",
        "offset -2m",
        "offset 90s",
        "@ 1700001000.5",
        "@ start()",
        "@ end()",
        "@ 1700001000.5 offset 10m",
        "@ end() offset -1m",
        "offset 5m @ start()",
    ] {
        for metric in GAUGES {
            all.push(format!("{metric} {shift}"));
            if !(shift.contains('@') && shift.contains("offset")) {
                all.push(format!("timestamp({metric} {shift})"));
            }
            all.push(format!("avg_over_time({metric}[5m] {shift})"));
            all.push(format!("predict_linear({metric}[5m] {shift}, 60)"));
        }
        all.push(format!("rate(http_requests_total[3m] {shift})"));
        all.push(format!("sum(memory_bytes {shift}) - sum(memory_bytes)"));
        all.push(format!("memory_bytes {shift} > memory_bytes"));
    }
}

/// Many to one and one to many, with labels from the other side, and sets by some labels.
fn many_to_one(all: &mut Vec<String>) {
    for op in ["+", "-", "*", "/", ">", "<=", "!=", "== bool", "> bool"] {
        for include in ["", "(version)", "(version, instance)"] {
            all.push(format!("http_requests_total {op} on (job, instance) group_left {include} build_info"));
            all.push(format!("build_info {op} on (instance) group_right {include} http_requests_total"));
            all.push(format!(
                "http_requests_total {op} ignoring (code, version) group_left {include} build_info"
            ));
        }
        all.push(format!("http_requests_total {op} on (job) group_left () sum by (job) (memory_bytes)"));
        all.push(format!("sum by (job) (up) {op} on (job) http_requests_total"));
        all.push(format!("http_requests_total {op} on (instance) memory_bytes"));
        all.push(format!("{{job=\"shop\"}} {op} on (instance) group_left () up"));
    }
    for op in ["and", "or", "unless"] {
        for matching in
            ["", "on ()", "on (job)", "on (instance, job)", "ignoring (code)", "ignoring (code, le)"]
        {
            all.push(format!("http_requests_total {op} {matching} up"));
            all.push(format!("latency_seconds_bucket {op} {matching} (http_requests_total > 1e6)"));
        }
    }
    all.push("1 + 2 ^ 3 ^ 0.5 - -2 ^ 2 % 3".into());
    all.push("up or memory_bytes and balance unless up == 0".into());
    all.push("-up ^ 2 * 3".into());
}

/// Classic histograms, whole, in part and damaged.
fn histograms(all: &mut Vec<String>) {
    for q in ["-0.1", "0", "0.001", "0.25", "0.5", "0.9", "0.99", "1", "1.1", "NaN"] {
        for buckets in [
            "latency_seconds_bucket",
            "rate(latency_seconds_bucket[2m])",
            "sum by (le) (rate(latency_seconds_bucket[5m]))",
            "sum by (le, job) (increase(latency_seconds_bucket[10m] offset 5m))",
            "latency_seconds_bucket{le!=\"+Inf\"}",
            "latency_seconds_bucket{le=\"+Inf\"}",
            "latency_seconds_bucket{le=~\"0.1|\\\\+Inf\"}",
            "latency_seconds_bucket * 0",
            "-latency_seconds_bucket",
            "label_replace(latency_seconds_bucket, \"le\", \"0.1\", \"le\", \"0.05\")",
            "label_replace(latency_seconds_bucket, \"le\", \"what\", \"le\", \"0.05\")",
            "memory_bytes",
        ] {
            all.push(format!("histogram_quantile({q}, {buckets})"));
        }
    }
}

/// Nothing on one side, duplicates on the other.
fn one_side_empty(all: &mut Vec<String>) {
    for op in BINARY.iter().chain(&COMPARISONS).chain(&["and", "or", "unless"]) {
        for nothing in ["nothing", "(up > 100)", "up{job=\"none\"}"] {
            all.push(format!("{nothing} {op} on (job) up"));
            all.push(format!("up {op} on (job) {nothing}"));
            all.push(format!("{nothing} {op} on (job) group_left () up"));
            all.push(format!("up {op} on (job) group_right () {nothing}"));
        }
        all.push(format!("up{{job=\"shop\"}} {op} on (job) up{{job=\"search\"}}"));
    }
}

/// Matching and grouping where they mean little.
fn beside_scalars(all: &mut Vec<String>) {
    for op in BINARY.iter().chain(&COMPARISONS).chain(&["== bool", "and"]) {
        for matching in
            ["on ()", "ignoring ()", "on () group_left ()", "ignoring () group_right ()", "on (job)"]
        {
            all.push(format!("up {op} {matching} 1"));
            all.push(format!("2 {op} {matching} up"));
            all.push(format!("2 {op} {matching} 1"));
        }
    }
    for grouping in ["", "by (job) ", "without (job) ", "without (instance) ", "without (job, instance) "] {
        for label in ["job", "instance", "__name__", "value"] {
            all.push(format!("count_values {grouping}(\"{label}\", up)"));
        }
    }
}

/// Numbers that are none or do not fit, and names that look like numbers.
fn odd_values(all: &mut Vec<String>) {
    for bound in ["NaN", "Inf", "-Inf", "0", "2"] {
        all.push(format!("clamp_min(odd, {bound})"));
        all.push(format!("clamp_max(odd, {bound})"));
        all.push(format!("odd > {bound}"));
        all.push(format!(
            "histogram_quantile(0.5, latency_seconds_bucket{{le!=\"+Inf\"}} * 1 or \
             latency_seconds_bucket{{le=\"+Inf\"}} * {bound})"
        ));
    }
    for function in ["sum", "avg", "min", "max", "stddev", "quantile (0.5, odd) or count"] {
        all.push(format!("{function} (odd)"));
        all.push(format!("{function} (odd{{of!=\"nan\"}})"));
    }
    for number in [
        "1e400",
        "-1e400",
        "1e308",
        "1e-400",
        "0xFFFFFFFFFFFFFFFF",
        "0x7FFFFFFFFFFFFFFF",
        "0x8000000000000000",
        "010",
        "08",
        "0777777777777777777777777",
        "9223372036854775808",
        "1e308 * 10",
    ] {
        all.push(number.to_owned());
    }
    for name in ["Inf", "inf", "NaN", "nan"] {
        all.push(format!("words{{{name}=\"y\"}}"));
        all.push(format!("sum by ({name}) (words)"));
        all.push(format!("words + on ({name}) words"));
    }
}

const OTHERS: &[&str] = &[
    "1 + 2 * 3 ^ 2 % 5",
    "vector(2) * vector(3)",
    "scalar(up)",
    "scalar(sum(up))",
    "time() - timestamp(up)",
    "absent(nothing{job=\"a\", code=~\"b\"})",
    "absent(up)",
    "pi() * 2",
    "label_replace(up, \"host\", \"$1\", \"instance\", \"(.*):.*\")",
    "label_replace(up, \"job\", \"\", \"job\", \".*\")",
    "label_join(up, \"both\", \"/\", \"job\", \"instance\")",
    "sum(rate(http_requests_total{code=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))",
    "1 - sum by (job) (rate(http_requests_total{code=\"500\"}[5m])) / sum by (job) (rate(http_requests_total[5m]))",
    "histogram_quantile(0.95, rate(latency_seconds_bucket[5m]))",
    "histogram_quantile(0.95, latency_seconds_bucket)",
    "sum_over_time((up == bool 1)[10m:1m])",
    "rate(http_requests_total[5m] offset 10m)",
    "rate(http_requests_total[5m] @ 1700000500)",
    "max_over_time(rate(http_requests_total[1m])[20m:30s])",
    "avg_over_time(memory_bytes[10m] offset 5m) / memory_limit_bytes",
    "count(count by (instance) (up))",
    "sum(up) / count(up) > bool 0.5",
    "min by (job) (memory_limit_bytes - on (job, instance) memory_bytes)",
    "topk(3, sum by (instance) (rate(http_requests_total[5m])))",
    "memory_bytes + on (job) memory_limit_bytes",
    "http_requests_total / on (instance) up",
    "up{job=~\"\"}",
    "{__name__=~\"memory_.*\", job=\"shop\"}",
    "{job=\"shop\"}",
];
