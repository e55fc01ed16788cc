//! What processes use: CPU time and memory, as the kernel counts them.

use std::fs;
use std::time::{Duration, Instant};
use testkit::postgres::PostgresServer;

/// Kernel ticks per second as `/proc` shows them to programs, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The CPU time of some processes over some time.
pub struct CpuWatch {
    begun: Instant,
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    pids: Vec<u32>,
    before: f64,
}

impl CpuWatch {
    /// Begins with this process, which is the load.
    pub fn begin() -> Self {
        Self { begun: Instant::now(), parts: Vec::new() }.and("load", &[std::process::id()])
    }

    /// And these.
    pub fn and(mut self, name: &'static str, pids: &[u32]) -> Self {
        self.parts.push(Part { name, pids: pids.to_vec(), before: total(pids) });
        self
    }

    /// And a server with all its backends.
    pub fn and_postgres(self, server: &PostgresServer) -> Self {
        self.and("postgres", &[server.pid()])
    }

    /// How many cores each used on average, in words.
    pub fn end(self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        let share = |part: &Part| format!("{} {:.2}", part.name, (total(&part.pids) - part.before) / seconds);
        self.parts.iter().map(share).collect::<Vec<_>>().join(", ")
    }
}

/// CPU seconds of these processes and of their children, those that have ended included.
fn total(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| seconds(*pid) + children(*pid).into_iter().map(seconds).sum::<f64>()).sum()
}

fn children(pid: u32) -> Vec<u32> {
    // This process' children are the servers, which are counted by themselves.
    if pid == std::process::id() {
        return Vec::new();
    }
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// User and system time of a process, and of the children that it has waited for.
fn seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let own = if pid == std::process::id() { 2 } else { 4 };
    let times = fields.split_whitespace().skip(11).take(own);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// What a process has in RAM, and the most it ever had, in megabytes (10⁶ bytes).
pub fn memory_mb(pid: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process of ours");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says so");
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number of KiB");
        kib * 1_024.0 / 1_000_000.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// The most that a process ever had in RAM, in megabytes; `None` once it has ended.
pub fn peak_mb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1_024.0 / 1_000_000.0)
}

/// Looks until it is so, and gives how long that took since `since`.
///
/// # Panics
/// After `at_most`.
pub async fn until(what: &str, since: Instant, at_most: Duration, mut so: impl AsyncFnMut() -> bool) -> Duration {
    loop {
        if so().await {
            return since.elapsed();
        }
        assert!(since.elapsed() < at_most, "not within {at_most:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
