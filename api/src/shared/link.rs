//! One connection to Redis.

use super::Inner;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisError};
use std::fmt;
use std::time::Duration;

/// How long connecting may take, and each question while that is done.
pub(super) const CONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// A connection that answers.
pub(super) struct Link {
    connection: MultiplexedConnection,
    /// What keys begin with: which log, and which run of the server. What a server was started with again, or another
    /// that took over, may be older than what was last written to the one before.
    prefix: String,
}

/// Why a question has no answer.
pub(super) enum Trouble {
    /// It was refused: the server is full, or something else stands under the key.
    Refused(RedisError),
    /// Nobody answers.
    Silent(Box<dyn fmt::Display + Send>),
}

/// Why a connection can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("no answer in time")]
    Silent,
    #[error("more sessions changed without it than are remembered; it is used again in a minute")]
    Overflowed,
    #[error("its INFO tells no run_id: it may not be asked, or is no Redis")]
    NoRun,
}

impl Link {
    /// Connects, and finds out which run of the server it is.
    pub(super) async fn open(inner: &Inner) -> Result<Self, LinkError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_AT_MOST))
            .set_response_timeout(Some(CONNECT_AT_MOST));
        let opened = async {
            let mut connection = inner.client.get_multiplexed_async_connection_with_config(&config).await?;
            let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
            Ok::<_, LinkError>((connection, info))
        };
        let (connection, info) =
            tokio::time::timeout(CONNECT_AT_MOST, opened).await.map_err(|_| LinkError::Silent)??;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:")).map(str::trim);
        let run = run.filter(|run| !run.is_empty()).ok_or(LinkError::NoRun)?;
        let prefix = format!("orders:{}:{}:{run}", inner.log.log_id, inner.log.epoch);
        Ok(Self { connection, prefix })
    }

    /// The whole key of what is known as `name` among those of a kind.
    pub(super) fn key(&self, kind: &str, name: &str) -> String {
        format!("{}:{kind}:{name}", self.prefix)
    }

    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd, at_most: Duration) -> Result<T, Trouble> {
        // Clones share the connection, on which questions follow each other without waiting.
        let mut connection = self.connection.clone();
        match tokio::time::timeout(at_most, command.query_async(&mut connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() => {
                Err(Trouble::Silent(Box::new(error)))
            }
            Ok(Err(error)) => Err(Trouble::Refused(error)),
            Err(_elapsed) => Err(Trouble::Silent(Box::new(format!("no answer within {at_most:?}")))),
        }
    }
}
