//! CPU time of a process and of those it started, from `/proc`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// Reads CPU times; knows the length of the kernel's tick.
pub(crate) struct Clock {
    ticks_per_second: u64,
}

impl Clock {
    /// Asks the system for its tick.
    pub(crate) fn new() -> Result<Self> {
        let output = Command::new("getconf")
            .arg("CLK_TCK")
            .output()
            .context("getconf")?;
        let ticks_per_second = String::from_utf8(output.stdout)?
            .trim()
            .parse()
            .context("getconf CLK_TCK")?;
        Ok(Self { ticks_per_second })
    }

    /// User and system time so far, all threads, of the process and of its living children.
    pub(crate) fn of(&self, pid: u32) -> Result<Duration> {
        let mut ticks = Stat::of(pid)?.ticks;
        for entry in fs::read_dir("/proc")? {
            let Some(child) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // A process that ended between the listing and the reading is no child of ours.
            if let Ok(stat) = Stat::of(child)
                && stat.parent == pid
            {
                ticks += stat.ticks;
            }
        }
        Ok(Duration::from_millis(ticks * 1000 / self.ticks_per_second))
    }
}

struct Stat {
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
            parent: u32::try_from(number(4)?)?,
            ticks: number(14)? + number(15)?,
        })
    }
}
