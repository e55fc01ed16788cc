//! `GET /ops/stream`: the board as it changes, as server-sent events.
//!
//! Each process draws it at most once a second, for all who watch; while nobody watches, nobody draws. What is sent is
//! the part of the page that changes, which is the same for everybody: a form's token stands outside of it. While
//! PostgreSQL is slow or away, nobody waits for one drawing after the other: the last board is shown, and that it is
//! old.

use super::board::{self, Memory};
use crate::admin::StaffVisit;
use crate::admin::texts::text_with;
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::http::Stopping;
use crate::shop::Fault;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream;
use http::{HeaderName, HeaderValue, header};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// How often the board is drawn.
const DRAW_EVERY: Duration = Duration::from_secs(1);
/// How long drawing it may take. Then what is known is shown, and that it is old.
const DRAWN_WITHIN: Duration = Duration::from_secs(5);
/// How many may watch at once in a process. The next one is told to come again.
const MAX_WATCHERS: usize = 32;
/// How long a watcher is sent to before it has to come again, and is looked at again: whether it still may.
const WATCH_AT_MOST: Duration = Duration::from_secs(5 * 60);
/// How long nothing may be sent, so that neither side takes the other for gone.
const SILENT_AT_MOST: Duration = Duration::from_secs(15);
/// After how many seconds whoever can be shown nothing is told to come again.
const RETRY_AFTER_S: u32 = 5;
/// After how long a browser comes again.
const COME_AGAIN: &str = "retry: 2000\n\n";

/// What all who watch share.
pub(crate) struct Console {
    watchers: Arc<Semaphore>,
    board: Mutex<Board>,
}

/// What was drawn, and how that went.
#[derive(Default)]
struct Board {
    memory: Memory,
    /// The last that could be drawn, and when.
    last: Option<(DateTime<Utc>, Arc<str>)>,
    /// When drawing ended, and what is shown since.
    shown: Option<(Instant, Option<Arc<str>>)>,
}

impl Console {
    /// With nobody watching.
    pub(crate) fn new() -> Self {
        Self { watchers: Arc::new(Semaphore::new(MAX_WATCHERS)), board: Mutex::default() }
    }

    /// The part of the page that changes, as it was at most a second ago.
    pub(super) async fn drawn(&self, app: &App) -> Result<Arc<str>, Fault> {
        // Whoever comes meanwhile waits, and has what was drawn, or that it could not be.
        let mut board = self.board.lock().await;
        match &board.shown {
            Some((at, html)) if at.elapsed() < DRAW_EVERY => html.clone().ok_or(Fault::Unavailable(RETRY_AFTER_S)),
            _ => board.draw(app).await,
        }
    }

    /// The same as it is now, after something was done.
    pub(super) async fn drawn_anew(&self, app: &App) -> Result<Arc<str>, Fault> {
        let mut board = self.board.lock().await;
        app.monitor.groups_have_changed();
        board.draw(app).await
    }
}

impl Board {
    async fn draw(&mut self, app: &App) -> Result<Arc<str>, Fault> {
        let drawing = tokio::time::timeout(DRAWN_WITHIN, board::draw(app, &mut self.memory)).await;
        let outcome = match drawing.unwrap_or(Err(Fault::Unavailable(RETRY_AFTER_S))) {
            Ok(html) => {
                let html: Arc<str> = html.into();
                self.last = Some((app.settings().sessions.clock.now(), Arc::clone(&html)));
                Ok(html)
            }
            Err(fault) => self.last.as_ref().map(|(at, html)| old(app, *at, html)).ok_or(fault),
        };
        self.shown = Some((Instant::now(), outcome.as_ref().ok().cloned()));
        outcome
    }
}

/// The board as it was, which says so.
fn old(app: &App, at: DateTime<Utc>, html: &str) -> Arc<str> {
    let at = at.with_timezone(&app.views.time_zone()).format("%H:%M:%S").to_string();
    let told = text_with("ops-board-old", &[("time", at.into())]);
    format!("<p class=\"admin-notice\" role=\"status\">{told}</p>\n{html}").into()
}

/// What one watcher was sent.
struct Watch {
    app: Arc<App>,
    stopping: Stopping,
    shown: Option<Arc<str>>,
    begun: Instant,
    sent: Instant,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _: StaffVisit<RunSystem>,
    stopping: Stopping,
) -> Result<Response, Fault> {
    let place = Arc::clone(&app.console.watchers).try_acquire_owned();
    let place = place.map_err(|_| Fault::Unavailable(RETRY_AFTER_S))?;
    let now = Instant::now();
    let watch = Watch { app, stopping, shown: None, begun: now, sent: now, _place: place };
    let begun = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(COME_AGAIN.as_bytes())) });
    let boards = stream::unfold(watch, |watch| async move { watch.next().await });
    let mut response = Response::new(Body::from_stream(futures::StreamExt::chain(begun, boards)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would keep it back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Watch {
    /// What is sent next; `None` when it is time to come again.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if self.begun.elapsed() >= WATCH_AT_MOST {
                return None;
            }
            if self.shown.is_some() {
                self.stopping.run_until(tokio::time::sleep(DRAW_EVERY)).await?;
            }
            let drawn = self.stopping.run_until(self.app.console.drawn(&self.app)).await?;
            // What can't be drawn now may be a second later; the page keeps what it shows.
            let news = drawn.ok().filter(|html| self.shown.as_ref() != Some(html));
            let event = match news {
                Some(html) => {
                    let event = event(&html);
                    self.shown = Some(html);
                    event
                }
                None if self.sent.elapsed() >= SILENT_AT_MOST => Bytes::from_static(b": \n\n"),
                None => {
                    // Also where nothing could be drawn yet.
                    self.stopping.run_until(tokio::time::sleep(DRAW_EVERY / 4)).await?;
                    continue;
                }
            };
            self.sent = Instant::now();
            return Some((Ok(event), self));
        }
    }
}

/// An event whose data are one line: the part of the page as a JSON string.
fn event(html: &str) -> Bytes {
    // A text is always JSON.
    let data = serde_json::to_string(html).unwrap_or_default();
    Bytes::from(format!("event: board\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let event = event("<p>\n\"x\"</p>");
        assert_eq!(&*event, b"event: board\ndata: \"<p>\\n\\\"x\\\"</p>\"\n\n");
    }
}
