//! The running server: a child in the foreground, kept by a thread of its own.
//!
//! The thread starts the child and lives as long as it does: the kernel's request to end the child with us hangs on the
//! thread that started it. A server that ends by itself is started again after a pause that grows.

use super::cluster::Cluster;
use super::{PostgresError, stale};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// After a crash the server replays what it wrote since its last checkpoint, at most `max_wal_size` of it.
const READY_AT_MOST: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(3);

/// A fast shutdown ends sessions and writes a checkpoint; beyond this the server is told to do without.
const FAST_AT_MOST: Duration = Duration::from_secs(30);
const IMMEDIATE_AT_MOST: Duration = Duration::from_secs(5);

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerState {
    /// It does not take connections yet.
    Starting,
    /// It takes connections.
    Ready,
    /// It ended by itself, for this reason, and will be started again.
    Down(String),
    /// It has ended because it was to.
    Stopped,
}

/// The thread that keeps the server.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: CancellationToken,
    state: watch::Receiver<ServerState>,
}

impl Keeper {
    /// Starts the server and waits until it takes connections.
    pub async fn start(cluster: Cluster) -> Result<Self, PostgresError> {
        let stop = CancellationToken::new();
        let (sender, mut state) = watch::channel(ServerState::Starting);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| PostgresError::Start(error.to_string()))?;
        let stopping = stop.clone();
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || runtime.block_on(keep(&cluster, &stopping, &sender)))
            .map_err(|error| PostgresError::Start(error.to_string()))?;
        let first = state.wait_for(|state| *state != ServerState::Starting).await.map(|state| state.clone());
        match first {
            Ok(ServerState::Ready) => Ok(Self { stop, state }),
            Ok(ServerState::Down(reason)) => {
                stop.cancel();
                Err(PostgresError::Start(reason))
            }
            _ => Err(PostgresError::Start("its keeper has ended".to_owned())),
        }
    }

    pub fn state(&self) -> watch::Receiver<ServerState> {
        self.state.clone()
    }

    /// Ends the server and waits for that.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // An error means that the keeper has ended, which is as good.
        let _ = self.state.wait_for(|state| *state == ServerState::Stopped).await;
    }
}

async fn keep(cluster: &Cluster, stop: &CancellationToken, state: &watch::Sender<ServerState>) {
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let started = Instant::now();
        let Err(reason) = run(cluster, stop, state).await else { break };
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        // The first start is its caller's to report.
        let was_up = matches!(*state.borrow(), ServerState::Ready);
        state.send_replace(ServerState::Down(reason.clone()));
        if was_up {
            tracing::error!(%reason, pause_ms = pause.as_millis(), "PostgreSQL has ended by itself: starting it again");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    state.send_replace(ServerState::Stopped);
}

/// One life of the server. `Ok` when it ended because it was to; otherwise why it ended.
async fn run(cluster: &Cluster, stop: &CancellationToken, state: &watch::Sender<ServerState>) -> Result<(), String> {
    stale::clear(&cluster.data, &cluster.sockets).await.map_err(|error| error.to_string())?;
    let command = cluster.server().map_err(|error| error.to_string())?;
    let log_bytes = cluster.log_bytes();
    let mut child = tokio::process::Command::from(command).spawn().map_err(|error| error.to_string())?;
    let deadline = Instant::now() + READY_AT_MOST;
    while !is_ready(&child, &cluster.data) {
        tokio::select! {
            status = child.wait() => return Err(describe(&status, cluster, || cluster.cause_since(log_bytes))),
            () = stop.cancelled() => return end(child).await,
            () = tokio::time::sleep(POLL) => {}
        }
        if Instant::now() >= deadline {
            end(child).await?;
            return Err(format!("it took no connections within {} s", READY_AT_MOST.as_secs()));
        }
    }
    state.send_replace(ServerState::Ready);
    tokio::select! {
        status = child.wait() => Err(describe(&status, cluster, || cluster.last_words())),
        () = stop.cancelled() => end(child).await,
    }
}

/// The first line of `postmaster.pid` is the server's process, the eighth its state.
fn is_ready(child: &Child, data: &Path) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    pid.is_some() && pid == child.id() && lines.nth(6).is_some_and(|state| state.trim_end() == "ready")
}

fn describe(status: &std::io::Result<ExitStatus>, cluster: &Cluster, words: impl FnOnce() -> String) -> String {
    match status {
        Ok(status) => format!("{status}; its log {} says: {}", cluster.log.display(), words()),
        Err(error) => error.to_string(),
    }
}

/// Ends it: with a checkpoint (SIGINT), else without (SIGQUIT), else by force.
async fn end(mut child: Child) -> Result<(), String> {
    for (signal, at_most) in [(Signal::SIGINT, FAST_AT_MOST), (Signal::SIGQUIT, IMMEDIATE_AT_MOST)] {
        // `id` is there until the child was waited for, so it can't be another's by now.
        let Some(pid) = child.id() else { return Ok(()) };
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        if tokio::time::timeout(at_most, child.wait()).await.is_ok() {
            return Ok(());
        }
    }
    child.kill().await.map_err(|error| error.to_string())
}
