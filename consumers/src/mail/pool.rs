//! A bounded pool of SMTP connections.

use super::smtp::{Connection, Sending};
use super::{MailError, Message, Outcome, SmtpServer};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a connection may lie idle: below what servers grant.
const IDLE_AT_MOST: Duration = Duration::from_secs(20);
/// How many messages go over one connection: servers bound it, 100 is common.
const MESSAGES_AT_MOST: u32 = 90;

pub(super) struct Pool {
    connector: super::smtp::Connector,
    room: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// The right to use one connection.
pub(super) struct Room<'a>(#[expect(dead_code, reason = "held, not read")] Option<SemaphorePermit<'a>>);

impl Pool {
    pub(super) fn new(server: SmtpServer) -> Result<Self, MailError> {
        let room = Semaphore::new(server.connections.max(1));
        Ok(Self { connector: super::smtp::Connector::new(server)?, room, idle: Mutex::default() })
    }

    /// Waits until a connection may be used.
    pub(super) async fn room(&self) -> Room<'_> {
        // The semaphore is never closed.
        Room(self.room.acquire().await.ok())
    }

    /// Sends a message over a pooled connection, or a fresh one. A pooled one can have died unnoticed: then there is
    /// one more attempt, on a fresh one.
    pub(super) async fn send(&self, _room: Room<'_>, message: &Message) -> Outcome {
        if let Some(mut connection) = self.idle_connection() {
            match connection.send(message, self.connector.timeouts()).await {
                Sending::Dead(_) => {}
                Sending::Over(outcome) => {
                    self.put_back(connection);
                    return outcome;
                }
            }
        }
        match self.connector.connect().await {
            Err(reason) => Outcome::Unreachable(reason),
            Ok(mut connection) => match connection.send(message, self.connector.timeouts()).await {
                Sending::Dead(reason) => Outcome::Temporary(reason),
                Sending::Over(outcome) => {
                    self.put_back(connection);
                    outcome
                }
            },
        }
    }

    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < IDLE_AT_MOST);
        idle.pop().map(|idle| idle.connection)
    }

    fn put_back(&self, connection: Connection) {
        if connection.is_usable() && connection.messages() < MESSAGES_AT_MOST {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(Idle { connection, since: Instant::now() });
        }
    }
}
