//! Numbers out of many: medians and percentiles, and what the disk and a process cost.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::place;

/// The value below which `share` of the values lie.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// What making 8 KiB durable takes in a folder, in milliseconds: the median of 200.
pub fn fsync(folder: &Path) -> f64 {
    let path = folder.join("fsync-probe");
    let mut file = std::fs::File::create(&path).expect("the folder can be written");
    let took: Vec<f64> = (0..200)
        .map(|_| {
            file.write_all(&[7; 8_192]).expect("the disk has room");
            let started = Instant::now();
            file.sync_all().expect("the disk syncs");
            ms(started.elapsed())
        })
        .collect();
    drop(std::fs::remove_file(path));
    median(&took)
}

/// The disk, as every table about writing states it.
pub fn disk(folder: &Path) -> String {
    let here = fsync(folder);
    match place::variable("FSYNC_MEDIAN_MS") {
        Some(stated) => format!("fsync median {here:.2} ms here, {stated} ms by with-services.sh"),
        None => format!("fsync median {here:.2} ms"),
    }
}

/// Processor time of a process so far, in microseconds, to a hundredth of a second.
pub fn cpu_us(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // the name of the program may hold spaces; what follows its bracket does not
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|t| t.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) * 10_000.0
}

/// Memory a process holds, in KiB.
pub fn rss_kib(pid: u32) -> f64 {
    status_kib(pid, "VmRSS:")
}

/// The most memory it has held, in KiB.
pub fn peak_kib(pid: u32) -> f64 {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
