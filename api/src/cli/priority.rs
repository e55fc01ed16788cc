//! Commands that take long on the machine of those who can't wait.

use rustix::process::{Pid, setpriority_process};
use std::fs;

/// The lowest there is (`nice`).
const LOWEST: i32 = 19;

/// Has this program's work give way to all other programs of its session, service or container. Between those it is up
/// to whoever set them up: systemd's `CPUWeight`, for one. On a machine where nothing else is to be done it is as fast
/// as ever.
///
/// Called behind the start of a private PostgreSQL, which others may join: what is started later is as low.
pub(super) fn give_way() {
    for thread in threads() {
        if let Err(error) = setpriority_process(thread, LOWEST) {
            tracing::debug!(%error, "the priority stays as it is");
        }
    }
}

/// Linux has a priority for each thread, and new threads have that of the one which makes them; elsewhere it is that of
/// the process.
fn threads() -> Vec<Option<Pid>> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return vec![None] };
    let ids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(|id| Some(Some(Pid::from_raw(id)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;
    use std::thread;

    #[test]
    fn every_thread_gives_way_also_those_that_come_later() {
        // In a thread of its own, as the others run tests: those after it are not to be slow.
        let of_thread = |id| getpriority_process(Some(id)).unwrap();
        let (own, later) = thread::spawn(move || {
            let own = rustix::thread::gettid();
            setpriority_process(Some(own), LOWEST).unwrap();
            let later = thread::spawn(move || of_thread(rustix::thread::gettid())).join().unwrap();
            (of_thread(own), later)
        })
        .join()
        .unwrap();
        assert_eq!((own, later), (LOWEST, LOWEST));
        let here = rustix::thread::gettid();
        assert!(threads().contains(&Some(here)), "{here:?}");
    }
}
