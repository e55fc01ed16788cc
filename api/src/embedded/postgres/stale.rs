//! What a server that was killed leaves behind, and a server that still runs after its owner was killed.
//!
//! Only one process of ours uses a data directory at a time (see [`super::super::directory`]). A server that runs on it
//! when we start is an orphan: most likely it has been told to end at this moment and is writing its last checkpoint.

use super::PostgresError;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an orphan gets to write its checkpoint, and then to end without one.
const FAST_AT_MOST: Duration = Duration::from_secs(60);
const IMMEDIATE_AT_MOST: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Ends an orphan of this directory, and removes lock files that would keep a new server from starting although their
/// process is none of this directory: ids are given again, above all in containers.
pub(super) async fn clear(data: &Path, sockets: &Path) -> Result<(), PostgresError> {
    if let Some(pid) = recorded_pid(data) {
        if is_server_of(pid, data) {
            end(pid, data).await?;
        } else if is_alive(pid) {
            tracing::warn!(%pid, "postmaster.pid names a process that is no PostgreSQL of this directory: removing it");
            remove(&data.join("postmaster.pid"))?;
        }
    }
    for entry in fs::read_dir(sockets).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), PostgresError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(PostgresError::Io { path: path.display().to_string(), source })
        }
        _ => Ok(()),
    }
}

fn recorded_pid(data: &Path) -> Option<Pid> {
    let lines = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    lines.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)
}

fn is_alive(pid: Pid) -> bool {
    // Without the right to signal it, it lives.
    matches!(kill(pid, None), Ok(()) | Err(Errno::EPERM))
}

async fn end(pid: Pid, data: &Path) -> Result<(), PostgresError> {
    tracing::warn!(%pid, "a PostgreSQL of this directory has outlived its owner: ending it");
    for (signal, at_most) in [(Signal::SIGINT, FAST_AT_MOST), (Signal::SIGQUIT, IMMEDIATE_AT_MOST)] {
        // It may be gone by now.
        let _ = kill(pid, signal);
        let deadline = Instant::now() + at_most;
        while is_server_of(pid, data) {
            if Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
    }
    if is_server_of(pid, data) { Err(PostgresError::Orphan(pid.as_raw())) } else { Ok(()) }
}

/// A server works in its data directory.
#[cfg(target_os = "linux")]
fn is_server_of(pid: Pid, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let is_postgres = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("postgres"));
    match fs::read_link(process.join("cwd")) {
        Ok(directory) => is_postgres && Some(directory) == data.canonicalize().ok(),
        // Not ours to look at: better an honest refusal by the server than two servers on one directory.
        Err(error) => is_postgres && error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// `ps` shows its command line, which names the directory.
#[cfg(not(target_os = "linux"))]
fn is_server_of(pid: Pid, data: &Path) -> bool {
    let output = std::process::Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let line = String::from_utf8_lossy(&output.stdout);
        line.contains("postgres") && line.contains(&*data.to_string_lossy())
    })
}
