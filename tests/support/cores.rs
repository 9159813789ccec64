//! On how many cores a program runs: weescale has as many threads for what it makes on all of them.

use std::process::Command;

/// The cores this process may run on.
pub fn allowed() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        from.parse::<usize>().unwrap()..=to.parse().unwrap()
    };
    list.split(',').flat_map(range).collect()
}

/// What is put before a command so that it runs on `cores` only; `None` without the program that does it.
pub fn only(cores: &[usize]) -> Option<Vec<String>> {
    let there = Command::new("taskset").arg("-V").output().is_ok_and(|o| o.status.success());
    let list: Vec<String> = cores.iter().map(ToString::to_string).collect();
    there.then(|| ["taskset", "-c", &list.join(",")].map(str::to_owned).to_vec())
}
