//! What a process and all that it started have used: CPU and memory, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// Reads what processes use; knows the length of the kernel's tick.
pub(crate) struct Meter {
    ticks_per_second: u64,
}

/// Resident memory, in megabytes of a million bytes. Pages that several processes share count in each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) resident: f64,
    /// The most it ever was, of each process.
    pub(crate) peak: f64,
}

impl Meter {
    /// Asks the system for its tick.
    pub(crate) fn new() -> Result<Self> {
        let output = Command::new("getconf").arg("CLK_TCK").output();
        let text = String::from_utf8(output.context("getconf")?.stdout)?;
        let ticks_per_second = text.trim().parse().context("getconf CLK_TCK")?;
        Ok(Self { ticks_per_second })
    }

    /// User and system time so far, all threads, of the process and of its living descendants.
    pub(crate) fn cpu(&self, pid: u32) -> Result<Duration> {
        let family = family(pid)?;
        let ticks: u64 = family.iter().map(|stat| stat.ticks).sum();
        Ok(Duration::from_millis(ticks * 1000 / self.ticks_per_second))
    }
}

/// What the process and its living descendants occupy.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let mut sum = Memory::default();
    for stat in family(pid)? {
        // One that has just ended occupies nothing.
        let status = fs::read_to_string(format!("/proc/{}/status", stat.pid)).unwrap_or_default();
        sum.resident += megabytes(&status, "VmRSS:");
        sum.peak += megabytes(&status, "VmHWM:");
    }
    Ok(sum)
}

/// How many descriptors the process may have.
pub(crate) fn descriptors(pid: u32) -> Result<usize> {
    let text = fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.context("no limit of open files")?
        .parse()
        .context("the limit of open files")
}

/// A line of `/proc/PID/status`, which tells kB (proc_pid_status(5)).
fn megabytes(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
    f64::from(number.unwrap_or_default()) * 1024.0 / 1e6
}

struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
}

impl Stat {
    /// `/proc/PID/stat`, fields 4, 14 and 15 (proc(5)). Field 2 is the name, which may hold anything but ends with the last `)`.
    fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, rest) = text.rsplit_once(')').context("no name in stat")?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |field: usize| {
            fields
                .get(field - 3)
                .and_then(|text| text.parse::<u64>().ok())
                .context("a number in stat")
        };
        Ok(Self {
            pid,
            parent: u32::try_from(number(4)?)?,
            ticks: number(14)? + number(15)?,
        })
    }
}

/// The process and its living descendants.
fn family(pid: u32) -> Result<Vec<Stat>> {
    let mut children: HashMap<u32, Vec<Stat>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process that ended between the listing and the reading is nobody's child.
        if let Ok(stat) = Stat::of(other) {
            children.entry(stat.parent).or_default().push(stat);
        }
    }
    let mut family = vec![Stat::of(pid)?];
    let mut next = 0;
    while next < family.len() {
        family.extend(children.remove(&family[next].pid).unwrap_or_default());
        next += 1;
    }
    Ok(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_use() {
        let own = std::process::id();
        let memory = memory(own).expect("memory");
        assert!(memory.resident > 0.5 && memory.peak >= memory.resident);
        assert!(descriptors(own).expect("a limit") > 10);
        let meter = Meter::new().expect("a tick");
        meter.cpu(own).expect("a time");
    }

    #[test]
    fn tells_megabytes_of_a_million_bytes() {
        let figure = megabytes("Name:\tx\nVmRSS:\t   1000 kB\n", "VmRSS:");
        assert!((figure - 1.024).abs() < 1e-9);
    }
}
