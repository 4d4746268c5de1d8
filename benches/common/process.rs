//! What a process takes, as Linux tells it.

// Several benchmarks include this module and none of them uses all of it.
#![allow(dead_code)]

use std::time::Duration;

use anyhow::Context;

/// What a process takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub rss: usize,
    pub pss: usize,
    pub peak: usize,
}

impl Memory {
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let (status, rollup) = (read(pid, "status")?, read(pid, "smaps_rollup")?);
        let kilobytes = |text: &str, field: &str| -> anyhow::Result<usize> {
            let value =
                text.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
            Ok(value.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
        };
        Ok(Self {
            rss: kilobytes(&status, "VmRSS:")?,
            pss: kilobytes(&rollup, "Pss:")?,
            peak: kilobytes(&status, "VmHWM:")?,
        })
    }

    /// From now on the peak is that of what follows.
    pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
        let path = format!("/proc/{pid}/clear_refs");
        std::fs::write(&path, "5").with_context(|| format!("cannot write {path}, which only Linux has"))
    }
}

/// How long a process has run on processors so far, in user mode and in the kernel for it.
pub fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = read(pid, "stat")?;
    // The name of the program is in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || anyhow::Ok(fields.next().context("no times in stat")?.parse::<u32>()?);
    let ticks = ticks()? + ticks()?;
    let each = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(Duration::from_secs(1) * ticks / each)
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}, which only Linux has"))
}
