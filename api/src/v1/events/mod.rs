//! `GET /v1/events`: the history, in order, in the form that `Accept` asks for.
//!
//! - Lines (NDJSON, where nothing else is asked for) and tables (CSV): [`export`]. The answer is made while it is read,
//!   so its length costs no memory.
//! - Pages (JSON): [`page`].
//! - With `follow=true`, lines, or server-sent events, that go on with what is appended: [`follow`].
//!
//! Whatever the form, it holds the events behind `after`, and says in `Orders-Position` up to where it is complete:
//! send that as the next `after`. Filters and limits change nothing of that: where they end an answer is found before
//! its first byte, at one of few places for that ([`looks`]), in bounded time. A long answer rests between its reads
//! while orders come in ([`pace`]). `Orders-Min-Position` is met by every answer, which comes from the log; beyond the
//! head it is refused as `after` is.

pub(crate) mod columns;
pub(crate) mod csv;
mod export;
mod follow;
mod format;
pub mod line;
pub(crate) mod looks;
mod operations;
pub(crate) mod pace;
mod page;
pub(crate) mod selection;

pub use follow::FollowSettings;
pub use looks::LookSettings;
pub(super) use operations::operations;

use super::incoming::ORDERS_POSITION;
use super::paging;
use super::reads::{Wanted, beyond_head};
use crate::app::App;
use crate::auth::permission::ReadEvents;
use crate::auth::{Allowed, bearer};
use crate::http::query::Query;
use crate::http::{Stopping, overloaded, timing};
use crate::problem::{Problem, within};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::{EventFilter, LogError};
use domain::Position;
use format::Format;
use http::{HeaderMap, header};
use line::LineError;
use selection::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const DEFAULT_LIMIT: u32 = 1_000;
const MAX_LIMIT: u32 = 100_000;
/// Events per read of the log, and so per chunk.
const READ_ROWS: u32 = 500;

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

/// What is asked for, as it stands in the request.
struct Asked {
    filter: EventFilter,
    range: Range,
    limit: Option<u32>,
}

impl Asked {
    fn of(query: &mut Query<'_>, max_limit: u32) -> Self {
        let range = Range::of(query);
        Self { range, limit: query.number("limit", 1, max_limit), filter: selection::filter(query) }
    }
}

/// The same, found in the log.
struct Found {
    filter: EventFilter,
    limit: Option<u32>,
    /// Behind this position.
    after: Position,
    /// Up to this one.
    last: Position,
    /// Recorded at this time or later, also of what is appended from now on.
    from: Option<DateTime<Utc>>,
    /// How long the log was asked.
    took: Duration,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadEvents>,
    stopping: Stopping,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let follow = query.boolean("follow");
    let format = Format::of(&headers, follow)?;
    let follows = follow == Some(true) || format == Format::EventStream;
    let asked = Asked::of(&mut query, if format == Format::Json { paging::MAX_LIMIT } else { MAX_LIMIT });
    if follows && asked.range.has_end() {
        query.fault("follow", "no_end", "goes on with what comes: up_to and to end what is there");
    }
    query.finish()?;
    let wanted = Wanted::of(&headers)?;
    let seen = follow::last_event_id(&headers)?;
    let place = place(if follows { &app.followers } else { &app.exports })?;
    let found = find(&app, asked, &wanted, seen).await?;
    if format == Format::Json {
        return page::answer(&app, found).await;
    }
    if follows {
        Ok(follow::answer(&app, found, format, bearer(&headers)?, stopping, place))
    } else {
        export::answer(&app, found, format, place).await
    }
}

fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(places).try_acquire_owned().map_err(|_| overloaded())
}

/// Finds where in the log what is asked for stands. `seen` is what the client has already, whatever else it asks for.
async fn find(app: &App, asked: Asked, wanted: &Wanted, seen: Option<Position>) -> Result<Found, Problem> {
    let Asked { filter, mut range, limit } = asked;
    let started = Instant::now();
    let head = within(app.log.head()).await?;
    range.after = seen.unwrap_or(range.after);
    if range.after > head {
        return Err(beyond_head(head));
    }
    wanted.check_given_out(head)?;
    let (after, last) = within(range.resolve(&app.log, head)).await?;
    Ok(Found { filter, limit, after, last, from: range.from, took: started.elapsed() })
}

/// An answer with its headers.
fn respond(body: Body, format: Format, position: Position, took: Duration) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.content_type());
    headers.insert(ORDERS_POSITION, position.0.into());
    headers.insert(timing::SERVER_TIMING, timing::of_read(took));
    response
}
