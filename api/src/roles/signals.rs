//! Being asked to stop.

use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that was told twice: 128 + SIGINT.
const TOLD_TWICE: i32 = 130;

/// Signals that come so soon after the first are the same one: `timeout` and some wrappers send it to the process and
/// again to its group.
const SAME_SIGNAL_WITHIN: Duration = Duration::from_millis(300);

/// A token that is cancelled by SIGINT (Ctrl-C) or SIGTERM. A second signal ends the process at once: durable is what
/// is committed, and the private PostgreSQL is told by the kernel.
pub fn stop_token() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping; a second signal ends the process at once");
        told.cancel();
        let same = async {
            loop {
                next(&mut interrupt, &mut terminate).await;
            }
        };
        let _ = tokio::time::timeout(SAME_SIGNAL_WITHIN, same).await;
        next(&mut interrupt, &mut terminate).await;
        std::process::exit(TOLD_TWICE);
    });
    Ok(stop)
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
