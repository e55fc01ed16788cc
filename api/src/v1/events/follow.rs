//! The history that goes on: what there is behind a position, and then what is appended, as it is committed.
//!
//! A follower holds its position and one chunk, however far behind it is, and reads as fast as its client takes. All
//! followers at the head read the same events in memory; those that are further back look through history at the few
//! places for that. It ends with a word and the position to go on from: after as many events as were asked for, at the
//! server's stop, when its key is revoked, when its time is over, when its client takes too long for a chunk, and when
//! the log can't be read.
//!
//! As lines: an empty one says that the connection is alive; the last one is `{"end":"stopping","position":42}`. As
//! server-sent events (WHATWG HTML, section 9.2): the `id` is the position, also of the comments that keep the
//! connection alive, so that a client that comes again with `Last-Event-ID` goes on behind all that was looked at,
//! however rare what it waits for is. An `EventSource` takes every end for a cut, so a client that wants no more closes
//! it on an event of the type `end`.

use super::format::Format;
use super::looks::Looks;
use super::pace::Pace;
use super::{ExportError, Found, READ_ROWS, line, respond};
use crate::app::App;
use crate::auth::permission::ReadEvents;
use crate::auth::{Keys, Token, still_allows};
use crate::http::Stopping;
use crate::problem::{Code, Place, Problem};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commands::{EventFilter, FilteredEvents, StoredEvent};
use domain::Position;
use futures::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// What a browser's `EventSource` sends when it comes again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// nginx would keep back what comes in small pieces.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// After how long an `EventSource` comes again.
const RETRY_MS: u32 = 2_000;

/// The bounds of following.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowSettings {
    /// How many follow at once.
    pub max_followers: usize,
    /// For how long nothing is said at most. So often the key is looked up again.
    pub keep_alive_every: Duration,
    /// How long a client may take for one chunk. One that reads nothing at all is cut by the server's own bound.
    pub slow_at_most: Duration,
    /// For how long one answer goes on.
    pub follow_at_most: Duration,
}

impl Default for FollowSettings {
    fn default() -> Self {
        Self {
            max_followers: 64,
            keep_alive_every: Duration::from_secs(15),
            slow_at_most: Duration::from_secs(20),
            follow_at_most: Duration::from_secs(3_600),
        }
    }
}

/// Reads `Last-Event-ID`.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let position = digits.and_then(|text| text.parse::<u64>().ok()).filter(|position| i64::try_from(*position).is_ok());
    position.map(Position).map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidHeader, "Last-Event-ID is not understood.").error(
            Place::Header("Last-Event-ID"),
            "not_a_position",
            "must be the id of an earlier event",
        )
    })
}

pub(super) fn answer(
    app: &App,
    found: Found,
    format: Format,
    token: Token,
    stopping: Stopping,
    place: OwnedSemaphorePermit,
) -> Response {
    let settings = app.settings().follow;
    let now = Instant::now();
    let follower = Follower {
        looks: app.looks.clone(),
        pace: Pace::new(app.log.known_head()),
        keys: app.keys.clone(),
        token,
        filter: found.filter,
        from: found.from,
        position: found.after,
        left: found.limit.map(u64::from),
        format,
        settings,
        stopping,
        until: now + settings.follow_at_most,
        said: now,
        verified: now,
        is_begun: false,
        is_over: false,
        _place: place,
    };
    let mut response = respond(Body::from_stream(follower.chunks()), format, found.after, found.took);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// Why an answer ends though there may be more.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It held as many events as were asked for.
    Limit,
    Stopping,
    /// The key was revoked.
    KeyEnded,
    TimeOver,
    TooSlow,
    Unavailable,
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Stopping => "stopping",
            Self::KeyEnded => "key_ended",
            Self::TimeOver => "time_over",
            Self::TooSlow => "too_slow",
            Self::Unavailable => "unavailable",
        }
    }
}

struct Follower {
    looks: Looks,
    pace: Pace,
    keys: Keys,
    /// Of who follows.
    token: Token,
    filter: EventFilter,
    /// What is recorded before this time is passed over. A time that is to come is no position yet.
    from: Option<DateTime<Utc>>,
    /// All up to here is on its way.
    position: Position,
    /// How many more events it takes; `None` for all.
    left: Option<u64>,
    format: Format,
    settings: FollowSettings,
    stopping: Stopping,
    until: Instant,
    /// When the last chunk was handed over.
    said: Instant,
    /// When the key was last looked up.
    verified: Instant,
    is_begun: bool,
    is_over: bool,
    /// Given back at the end, or when the client is gone.
    _place: OwnedSemaphorePermit,
}

impl Follower {
    fn chunks(self) -> impl Stream<Item = Result<Bytes, ExportError>> {
        stream::try_unfold(self, |mut follower| async move {
            let chunk = follower.next().await.inspect_err(|error| {
                tracing::warn!(%error, "following the history breaks off");
            })?;
            follower.said = Instant::now();
            Ok(chunk.map(|chunk| (chunk, follower)))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        if self.is_over {
            return Ok(None);
        }
        if self.left == Some(0) {
            return Ok(Some(self.end(End::Limit)));
        }
        if !self.is_begun {
            self.is_begun = true;
            if self.format == Format::EventStream {
                return Ok(Some(Bytes::from(format!("retry: {RETRY_MS}\nid: {}\n\n", self.position))));
            }
        } else if self.said.elapsed() >= self.settings.slow_at_most && self.position < self.looks.log.known_head() {
            return Ok(Some(self.end(End::TooSlow)));
        }
        loop {
            if self.stopping.is_stopping() {
                return Ok(Some(self.end(End::Stopping)));
            }
            if Instant::now() >= self.until {
                return Ok(Some(self.end(End::TimeOver)));
            }
            if !self.is_still_allowed().await {
                return Ok(Some(self.end(End::KeyEnded)));
            }
            let head = self.looks.log.known_head();
            if self.position < head {
                match self.read(head).await? {
                    Some(read) if !read.events.is_empty() => {
                        let begun = Instant::now();
                        let chunk = self.chunk(&read.events)?;
                        self.pace.made_of_it(begun.elapsed());
                        return Ok(Some(chunk));
                    }
                    Some(_) => {}
                    None => return Ok(Some(self.end(End::Unavailable))),
                }
            } else {
                self.wait().await;
            }
            if self.said.elapsed() >= self.settings.keep_alive_every {
                return Ok(Some(self.alive()));
            }
        }
    }

    /// Looks the key up again where it is time for that: also whoever is told something all the while is not told it
    /// for ever.
    async fn is_still_allowed(&mut self) -> bool {
        if self.verified.elapsed() < self.settings.keep_alive_every {
            return true;
        }
        self.verified = Instant::now();
        let allowed = self.stopping.run_until(still_allows::<ReadEvents>(&self.keys, &self.token)).await;
        allowed.unwrap_or(true)
    }

    /// What the filter lets through of the next events, nothing where there was no place to look for them; `None` while
    /// the log can't be read.
    async fn read(&mut self, head: Position) -> Result<Option<FilteredEvents>, ExportError> {
        let rows = self.left.and_then(|left| u32::try_from(left).ok()).unwrap_or(READ_ROWS).min(READ_ROWS);
        let next_word = self.next_word();
        // It owes a rest only for what it read far behind the head.
        let _ = self.stopping.run_until(timeout_at(next_word, self.pace.rest(head))).await;
        let place = self.looks.place(&self.filter, self.position);
        let Some(Ok(_place)) = self.stopping.run_until(timeout_at(next_word, place)).await else {
            return Ok(Some(FilteredEvents { events: Vec::new(), up_to: self.position }));
        };
        let (begun, is_export) = (Instant::now(), head.0 - self.position.0 > u64::from(READ_ROWS));
        let read = self.looks.log.read_filtered(&self.filter, self.position, head, rows).await;
        if is_export {
            self.pace.took(begun.elapsed());
        }
        match read {
            Ok(read) if read.up_to == self.position => Err(ExportError::Missing(self.position)),
            Ok(mut read) => {
                read.events.retain(|event| self.from.is_none_or(|from| event.recorded_at >= from));
                self.position = read.up_to;
                self.left = self.left.map(|left| left.saturating_sub(read.events.len() as u64));
                Ok(Some(read))
            }
            Err(error) => {
                tracing::warn!(%error, "following the history ends");
                Ok(None)
            }
        }
    }

    /// Until there is something behind the position, or something to say.
    async fn wait(&self) {
        let at_most = self.next_word().saturating_duration_since(Instant::now());
        let _ = self.stopping.run_until(self.looks.log.wait_beyond(self.position, at_most)).await;
    }

    /// When something is to be said at the latest.
    fn next_word(&self) -> Instant {
        let every = self.settings.keep_alive_every;
        (self.said + every).min(self.verified + every).min(self.until)
    }

    fn chunk(&self, events: &[Arc<StoredEvent>]) -> Result<Bytes, ExportError> {
        let mut out = Vec::with_capacity(events.iter().map(|event| event.size_bytes()).sum());
        for event in events {
            match self.format {
                Format::EventStream => write_event(&mut out, event)?,
                _ => line::write(&mut out, event)?,
            }
        }
        Ok(Bytes::from(out))
    }

    fn alive(&self) -> Bytes {
        match self.format {
            Format::EventStream => Bytes::from(format!(": alive\nid: {}\n\n", self.position)),
            _ => Bytes::from_static(b"\n"),
        }
    }

    fn end(&mut self, why: End) -> Bytes {
        self.is_over = true;
        let end = json!({ "end": why.word(), "position": self.position.0 });
        Bytes::from(match self.format {
            Format::EventStream => format!("event: end\nid: {}\ndata: {end}\n\n", self.position),
            _ => format!("{end}\n"),
        })
    }
}

fn write_event(out: &mut Vec<u8>, event: &StoredEvent) -> Result<(), ExportError> {
    let mut document = Vec::with_capacity(event.size_bytes());
    line::write_bare(&mut document, event)?;
    out.extend_from_slice(format!("id: {}\n", event.position).as_bytes());
    // A line feed is white space in JSON, but would end a field here.
    for part in document.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(part);
        out.push(b'\n');
    }
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_id_is_a_position() {
        let of = |value: &'static str| {
            last_event_id(&HeaderMap::from_iter([(LAST_EVENT_ID, HeaderValue::from_static(value))])).ok()
        };
        assert_eq!(of("42"), Some(Some(Position(42))));
        assert_eq!([of(""), of("-1"), of("x"), of("9223372036854775808")], [None; 4]);
        assert_eq!(last_event_id(&HeaderMap::new()).ok(), Some(None));
    }
}
