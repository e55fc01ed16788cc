//! The history as lines or a table, up to an end that is known before the first of them.

use super::format::Format;
use super::looks::Looks;
use super::pace::Pace;
use super::{DEFAULT_LIMIT, ExportError, Found, READ_ROWS, csv, line, respond};
use crate::app::App;
use crate::csv::Reader;
use crate::problem::Problem;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use commands::{EventFilter, FilteredEvents, StoredEvent};
use domain::Position;
use futures::{Stream, stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// How many positions one answer looks through for what has no key. It ends there, however little was found.
const MAX_SCANNED: u64 = 1_000_000;

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
    let (looks, pace) = (app.looks.clone(), Pace::new(app.log.known_head()));
    let mut export = Export { looks, pace, filter, after, last, ahead: None, format, is_begun: false, _place: place };
    if !export.filter.is_everything() {
        export.look_ahead(left).await?;
    }
    let (last, took) = (export.last, took + started.elapsed());
    Ok(respond(Body::from_stream(export.chunks()), format, last, took))
}

/// An answer on its way.
struct Export {
    looks: Looks,
    pace: Pace,
    filter: EventFilter,
    /// All up to here is on its way.
    after: Position,
    last: Position,
    /// Where the events stand that it still holds; `None` where that is everywhere.
    ahead: Option<VecDeque<Position>>,
    format: Format,
    is_begun: bool,
    /// Given back at the end, or when the client is gone.
    _place: OwnedSemaphorePermit,
}

impl Export {
    /// Finds where the answer ends, as that is told before its first byte: a filter lets fewer events through than
    /// there are positions, so only a look tells where the limit is reached. That takes a position of each event, and
    /// no more.
    async fn look_ahead(&mut self, limit: u64) -> Result<(), Problem> {
        let (mut reached, mut ahead) = (self.after, VecDeque::new());
        let mut search = self.looks.begin(&self.filter);
        while reached < self.last {
            let left = limit.saturating_sub(ahead.len() as u64);
            let rows = u32::try_from(left).unwrap_or(u32::MAX);
            if rows == 0 {
                break;
            }
            let look = self.looks.log.find_filtered(&self.filter, reached, self.last, rows);
            let Some(found) = search.look(reached, look).await? else { break };
            if found.up_to == reached {
                break;
            }
            reached = found.up_to;
            ahead.extend(found.positions);
        }
        (self.last, self.ahead) = (reached, Some(ahead));
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
        while self.after < self.last {
            // Without a place: others look meanwhile.
            self.pace.rest(self.looks.log.known_head()).await;
            let Some(read) = self.read().await? else { return Ok(None) };
            if read.up_to == self.after {
                return Err(ExportError::Missing(self.after));
            }
            self.after = read.up_to;
            if !read.events.is_empty() {
                let begun = Instant::now();
                let chunk = chunk(&read.events, self.format)?;
                self.pace.made_of_it(begun.elapsed());
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    /// The next events; `None` behind the last of those that were found.
    async fn read(&mut self) -> Result<Option<FilteredEvents>, ExportError> {
        let (filter, after, log) = (&self.filter, self.after, &self.looks.log);
        let Some(ahead) = &mut self.ahead else {
            let rows = u32::try_from(self.last.0 - after.0).unwrap_or(READ_ROWS).min(READ_ROWS);
            let _place = self.looks.place(filter, after).await;
            let begun = Instant::now();
            let read = log.read_filtered(filter, after, self.last, rows).await?;
            self.pace.took(begun.elapsed());
            return Ok(Some(read));
        };
        while ahead.front().is_some_and(|position| *position <= after) {
            ahead.pop_front();
        }
        let Some(next) = ahead.front() else { return Ok(None) };
        let wanted: Vec<Position> = ahead.iter().take(READ_ROWS as usize).copied().collect();
        let _place = self.looks.place(filter, Position(next.0.saturating_sub(1))).await;
        let begun = Instant::now();
        let read = log.read_found(filter, after, &wanted).await?;
        self.pace.took(begun.elapsed());
        Ok(Some(read))
    }
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
