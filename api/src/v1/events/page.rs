//! A page of the history as one JSON document.

use super::format::Format;
use super::line::{Line, LineError};
use super::{Found, respond};
use crate::app::App;
use crate::problem::Problem;
use crate::v1::paging;
use axum::body::Body;
use axum::response::Response;
use commands::StoredEvent;
use domain::Position;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// How many positions are looked through for one page.
const MAX_SCANNED: u64 = 200_000;
/// A page ends with the event that makes it this large, about.
const PAGE_BYTES: usize = 4 << 20;

/// Events in order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub(super) struct EventPage<'e> {
    data: Vec<Line<'e>>,
    /// The page is complete up to here, also where it is empty: the next one begins `after` it.
    position: u64,
    /// Where what was asked for ends at this moment. The last page has its `position` here.
    end: u64,
}

pub(super) async fn answer(app: &App, found: Found) -> Result<Response, Problem> {
    let started = Instant::now();
    let (events, reached) = read(app, &found).await?;
    let took = found.took + started.elapsed();
    let page = page(&events, reached, found.last).map_err(|error| {
        tracing::error!(%error, "a page of the history can't be written");
        Problem::internal()
    })?;
    Ok(respond(Body::from(page), Format::Json, reached, took))
}

async fn read(app: &App, found: &Found) -> Result<(Vec<Arc<StoredEvent>>, Position), Problem> {
    let limit = found.limit.unwrap_or(paging::DEFAULT_LIMIT);
    let last = if found.filter.scans() { found.last.min(Position(found.after.0 + MAX_SCANNED)) } else { found.last };
    let (mut events, mut reached, mut bytes) = (Vec::new(), found.after, 0);
    let mut search = app.looks.begin(&found.filter);
    while reached < last && bytes < PAGE_BYTES {
        let rows = limit.saturating_sub(u32::try_from(events.len()).unwrap_or(limit));
        if rows == 0 {
            break;
        }
        let look = app.log.read_filtered(&found.filter, reached, last, rows);
        let Some(read) = search.look(reached, look).await? else { break };
        if read.up_to == reached {
            break;
        }
        reached = read.up_to;
        bytes += read.events.iter().map(|event| event.size_bytes()).sum::<usize>();
        events.extend(read.events);
    }
    Ok((events, reached))
}

fn page(events: &[Arc<StoredEvent>], reached: Position, end: Position) -> Result<String, PageError> {
    let data = events.iter().map(|event| Line::of(event)).collect::<Result<Vec<_>, _>>()?;
    Ok(serde_json::to_string(&EventPage { data, position: reached.0, end: end.0 })?)
}

#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}
