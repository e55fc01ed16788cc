//! `GET /v1/events?after&limit`: the history as NDJSON, one event per line, in order.
//!
//! An answer holds the events behind `after`, at most `limit` of them (1,000; at most 100,000), up to the head of the
//! log at the time of the request. `Orders-Position` is the position of its last event: send it as the next `after`.
//! `Orders-Min-Position` is met by every answer, which comes from the log; beyond the head it is refused as `after` is.
//! Positions are dense, so it is known before the first line. The answer is made while it is read, so its length costs
//! no memory; if the history can't be read on, the connection is cut in the middle of the chunked body.

pub mod line;

use super::incoming::ORDERS_POSITION;
use super::reads::{Wanted, beyond_head};
use crate::auth::Allowed;
use crate::auth::permission::ReadEvents;
use crate::http::query::Query;
use crate::http::{App, overloaded, timing};
use crate::problem::{Problem, within};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use commands::{Log, LogError};
use domain::Position;
use futures::stream;
use http::{HeaderMap, HeaderValue, header};
use line::LineError;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

pub(super) const DEFAULT_LIMIT: u32 = 1_000;
pub(super) const MAX_LIMIT: u32 = 100_000;
/// Events per read of the log, and so per chunk.
const READ_ROWS: u32 = 500;
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadEvents>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let after = Position(query.number("after", 0, i64::MAX.unsigned_abs()).unwrap_or(0));
    let limit = query.number("limit", 1, MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
    query.finish()?;
    let wanted = Wanted::of(&headers)?;
    let place = Arc::clone(&app.exports).try_acquire_owned().map_err(|_| overloaded())?;
    let started = Instant::now();
    let head = within(app.log.head()).await?;
    if after > head {
        return Err(beyond_head(head));
    }
    wanted.check_given_out(head)?;
    let last = Position(head.0.min(after.0 + u64::from(limit)));
    let mut response = Response::new(Body::from_stream(chunks(app.log.clone(), after, last, place)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, NDJSON);
    headers.insert(ORDERS_POSITION, last.0.into());
    headers.insert(timing::SERVER_TIMING, timing::of_read(started.elapsed()));
    Ok(response)
}

/// Why the history breaks off in the middle.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("the log has nothing behind position {0}, where it had more before")]
    Missing(Position),
}

/// The events behind `after` up to `last`, a chunk per read. Nothing is read before the chunk before has been taken. The `place`
/// is given back at the end, or when the client is gone.
fn chunks(
    log: Log,
    after: Position,
    last: Position,
    place: OwnedSemaphorePermit,
) -> impl futures::Stream<Item = Result<Bytes, ExportError>> {
    stream::try_unfold((after, place), move |(after, place)| {
        let log = log.clone();
        async move {
            if after >= last {
                return Ok(None);
            }
            let read = chunk(&log, after, last).await;
            let (lines, reached) = read.inspect_err(|error| {
                tracing::warn!(%error, "an export of the history breaks off");
            })?;
            Ok(Some((lines, (reached, place))))
        }
    })
}

async fn chunk(log: &Log, after: Position, last: Position) -> Result<(Bytes, Position), ExportError> {
    let rows = u32::try_from(last.0 - after.0).unwrap_or(READ_ROWS).min(READ_ROWS);
    let events = log.read(after, rows).await?;
    let reached = events.last().ok_or(ExportError::Missing(after))?.position;
    let mut lines = Vec::with_capacity(events.iter().map(|event| event.size_bytes()).sum());
    for event in &events {
        line::write(&mut lines, event)?;
    }
    Ok((Bytes::from(lines), reached))
}
