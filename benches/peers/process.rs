//! What the kernel says a process has used.

use color_eyre::eyre::{Result, eyre};

/// User and system CPU seconds of a process, its threads included.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold blanks; what follows the last bracket does not.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |index| rest.split_ascii_whitespace().nth(index).and_then(|n| n.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        // The kernel's unit for these fields is a hundredth of a second on every platform Linux runs on today.
        (Some(user), Some(system)) => Ok((user + system) / 100.0),
        _ => Err(eyre!("cannot read the CPU time of process {pid}")),
    }
}

/// Resident bytes of a process.
pub fn resident_bytes(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.map(|kb| kb * 1024.0).ok_or_else(|| eyre!("cannot read the memory of process {pid}"))
}
