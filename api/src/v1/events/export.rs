//! The history as lines or a table, up to an end that is known before the first of them.

use super::format::Format;
use super::{DEFAULT_LIMIT, ExportError, Found, READ_ROWS, csv, line, respond};
use crate::csv::Reader;
use crate::http::App;
use crate::problem::{Problem, within};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use commands::{EventFilter, Log, LogError, StoredEvent};
use domain::Position;
use futures::{Stream, stream};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// How many positions one answer looks through for what has no key. It ends there, however little was found.
const MAX_SCANNED: u64 = 1_000_000;
/// How much of what is found on the way to the answer's end is kept, about; what is behind it is read once more.
const KEPT_BYTES: usize = 1 << 20;

pub(super) async fn answer(
    app: &App,
    found: Found,
    format: Format,
    place: OwnedSemaphorePermit,
) -> Result<Response, Problem> {
    let started = Instant::now();
    let Found { filter, limit, after, last, took, from: _ } = found;
    let left = u64::from(limit.unwrap_or(DEFAULT_LIMIT));
    let span = match &filter {
        filter if filter.is_everything() => left,
        filter if filter.scans() => MAX_SCANNED,
        _ => u64::MAX,
    };
    let last = last.min(Position(after.0.saturating_add(span)));
    let log = app.log.clone();
    let kept = Vec::new();
    let mut export = Export { log, filter, after, last, left, kept, format, is_begun: false, _place: place };
    if !export.filter.is_everything() {
        within(export.look_ahead()).await?;
    }
    let (last, took) = (export.last, took + started.elapsed());
    Ok(respond(Body::from_stream(export.chunks()), format, last, took))
}

/// An answer on its way.
struct Export {
    log: Log,
    filter: EventFilter,
    /// All up to here is on its way, or kept.
    after: Position,
    last: Position,
    /// How many more events it may hold, besides those that are kept.
    left: u64,
    /// What was found already.
    kept: Vec<Arc<StoredEvent>>,
    format: Format,
    is_begun: bool,
    /// Given back at the end, or when the client is gone.
    _place: OwnedSemaphorePermit,
}

impl Export {
    /// Finds where the answer ends, as that is told before its first byte: a filter lets fewer events through than there are positions,
    /// so only reading tells where the limit is reached.
    async fn look_ahead(&mut self) -> Result<(), LogError> {
        let (mut reached, mut left, mut kept_bytes) = (self.after, self.left, 0);
        while left > 0 && reached < self.last {
            let read = self.log.read_filtered(&self.filter, reached, self.last, rows(left)).await?;
            if read.up_to == reached {
                break;
            }
            reached = read.up_to;
            left = left.saturating_sub(read.events.len() as u64);
            if kept_bytes < KEPT_BYTES {
                kept_bytes += read.events.iter().map(|event| event.size_bytes()).sum::<usize>();
                (self.after, self.left) = (reached, left);
                self.kept.extend(read.events);
            }
        }
        self.last = reached;
        Ok(())
    }

    /// A chunk per read. Nothing is read before the chunk before has been taken.
    fn chunks(self) -> impl Stream<Item = Result<Bytes, ExportError>> {
        stream::try_unfold(self, |mut export| async move {
            let chunk = export.next().await.inspect_err(|error| {
                tracing::warn!(%error, "an export of the history breaks off");
            })?;
            Ok(chunk.map(|chunk| (chunk, export)))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        if self.format == Format::Csv && !self.is_begun {
            self.is_begun = true;
            let mut head = String::new();
            csv::write_head(&mut head, Reader::Program);
            return Ok(Some(Bytes::from(head)));
        }
        if !self.kept.is_empty() {
            return Ok(Some(chunk(&std::mem::take(&mut self.kept), self.format)?));
        }
        while self.left > 0 && self.after < self.last {
            let read = self.log.read_filtered(&self.filter, self.after, self.last, rows(self.left)).await?;
            if read.up_to == self.after {
                return Err(ExportError::Missing(self.after));
            }
            self.after = read.up_to;
            self.left = self.left.saturating_sub(read.events.len() as u64);
            if !read.events.is_empty() {
                return Ok(Some(chunk(&read.events, self.format)?));
            }
        }
        Ok(None)
    }
}

/// How many events are read at once, of so many that are left.
fn rows(left: u64) -> u32 {
    u32::try_from(left).unwrap_or(READ_ROWS).min(READ_ROWS)
}

fn chunk(events: &[Arc<StoredEvent>], format: Format) -> Result<Bytes, ExportError> {
    let size_bytes: usize = events.iter().map(|event| event.size_bytes()).sum();
    if format == Format::Csv {
        let mut lines = String::with_capacity(size_bytes);
        events.iter().try_for_each(|event| csv::write(&mut lines, Reader::Program, event))?;
        return Ok(Bytes::from(lines));
    }
    let mut lines = Vec::with_capacity(size_bytes);
    events.iter().try_for_each(|event| line::write(&mut lines, event))?;
    Ok(Bytes::from(lines))
}
