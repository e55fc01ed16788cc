//! Writes the moves of all effects in hand together: whatever is waiting at this moment is one statement.

use super::moves::{Move, Moved, apply};
use super::{LedgerError, within_bounds};
use crate::pause::Pauses;
use commands::db::is_about_data;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const QUEUED_MOVES: usize = 1_024;
const BATCH_MOVES: usize = 500;

/// How long a move is tried while PostgreSQL is away, from the moment on at which it was asked for. The lease of what
/// is being sent outlasts it.
const TRY_AT_MOST: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

struct Request {
    step: Move,
    deadline: Instant,
    reply: oneshot::Sender<Result<bool, LedgerError>>,
}

/// A handle on the task that writes moves; cheap to clone. The task ends with its last handle.
#[derive(Clone)]
pub(crate) struct Writer {
    requests: mpsc::Sender<Request>,
}

impl Writer {
    /// Starts the task. `released` is notified when moves made other entries due.
    pub(crate) fn start(pool: PgPool, owner: Uuid, released: Arc<Notify>, tracker: &TaskTracker) -> Self {
        let (requests, queue) = mpsc::channel(QUEUED_MOVES);
        tracker.spawn(write(pool, owner, released, queue));
        Self { requests }
    }

    /// Carries out a move, durably on return. `false`: the entry is no longer ours in that state.
    pub(crate) async fn carry_out(&self, step: Move) -> Result<bool, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + TRY_AT_MOST;
        self.requests.send(Request { step, deadline, reply }).await.map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }
}

async fn write(pool: PgPool, owner: Uuid, released: Arc<Notify>, mut queue: mpsc::Receiver<Request>) {
    let mut requests = Vec::with_capacity(BATCH_MOVES);
    while queue.recv_many(&mut requests, BATCH_MOVES).await > 0 {
        let deadline = requests.iter().map(|request| request.deadline).min().unwrap_or_else(Instant::now);
        let (moves, replies): (Vec<_>, Vec<_>) =
            requests.drain(..).map(|request| (request.step, request.reply)).unzip();
        match repeat(&pool, owner, &moves, deadline).await {
            Ok(moved) => {
                if moved.released {
                    released.notify_one();
                }
                for (step, reply) in moves.iter().zip(replies) {
                    let _ = reply.send(Ok(moved.ids.contains(&step.id)));
                }
            }
            Err(error) => refuse(&error, replies),
        }
    }
}

/// Repeats the statement until `deadline`, whatever it failed for but what it carries: PostgreSQL is away, has no room
/// left, or ended it to resolve a deadlock. Its compare-and-set makes that safe. An outcome that is not written is one
/// that nobody knows.
async fn repeat(pool: &PgPool, owner: Uuid, moves: &[Move], deadline: Instant) -> Result<Moved, LedgerError> {
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match within_bounds(pool, async |session| apply(session, owner, moves).await).await {
            Err(LedgerError::Sql(error)) if !is_about_data(&error) && Instant::now() < deadline => {
                tokio::time::sleep(pauses.next()).await;
            }
            outcome => return outcome,
        }
    }
}

fn refuse(error: &LedgerError, replies: Vec<oneshot::Sender<Result<bool, LedgerError>>>) {
    tracing::error!(%error, effects = replies.len(), "moves of effects could not be written; their leases decide");
    for reply in replies {
        let _ = reply.send(Err(LedgerError::Sql(sqlx::Error::Protocol(error.to_string()))));
    }
}
