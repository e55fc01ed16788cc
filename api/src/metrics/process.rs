//! The numbers of the process itself, under the names that Prometheus' own clients give them.

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::unistd::{SysconfVar, sysconf};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Shows what does not change any more.
pub(super) fn began() {
    metrics::gauge!("orders_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    if let Ok(since) = SystemTime::now().duration_since(UNIX_EPOCH) {
        metrics::gauge!("process_start_time_seconds").set(since.as_secs_f64());
    }
    if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
        metrics::gauge!("process_max_fds").set(most as f64);
    }
    measure();
}

/// Shows what does. What the system does not tell is not shown.
pub(crate) fn measure() {
    if let Some(bytes) = resident_bytes() {
        metrics::gauge!("process_resident_memory_bytes").set(bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the directory itself.
        metrics::gauge!("process_open_fds").set(open.count().saturating_sub(1) as f64);
    }
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        let times = [usage.user_time(), usage.system_time()];
        let seconds = times.iter().map(|time| time.tv_sec() as u64).sum::<u64>();
        metrics::counter!("process_cpu_seconds_total").absolute(seconds);
    }
}

fn resident_bytes() -> Option<f64> {
    let pages: f64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * page as f64)
}
