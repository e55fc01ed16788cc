//! Reads of a view: waiting for the position that a client asks for, and answering with the view's own.
//!
//! `Orders-Min-Position: N` asks for a view that holds everything up to N, the `Orders-Position` of an earlier answer.
//! `Prefer: wait=S` (RFC 7240) says for how many seconds at most; the answer says what was granted.

use super::incoming::{JSON, ORDERS_POSITION, Resource};
use crate::app::App;
use crate::http::{conditions, timing};
use crate::problem::{Code, Place, Problem, within};
use axum::body::Body;
use axum::response::Response;
use commands::Snapshot;
use domain::Position;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use projections::order_totals::OrderTotals;
use projections::{AsOfError, Projection, ReadError, Seen, WaitError};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ORDERS_MIN_POSITION: HeaderName = HeaderName::from_static("orders-min-position");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long a read waits when the client does not say.
const WAIT: Duration = Duration::from_secs(3);
/// How long a read may go through history.
const AS_OF_AT_MOST: Duration = Duration::from_secs(20);
/// What to do where totals of an earlier moment are too much for one request.
const BY_COMMAND: &str = "The command `orders as-of` answers without this bound.";
/// How long a read waits at most.
const MAX_WAIT_S: u64 = 10;

/// A read of one view, from waiting for it to answering.
pub(super) struct Read<'a> {
    app: &'a App,
    view: &'static str,
    database: Duration,
    granted_s: Option<u64>,
    /// What the client asked to see.
    at_least: Option<Position>,
}

/// What a read was asked to wait for.
#[derive(Debug)]
pub struct Wanted {
    /// Up to where the view must hold everything.
    pub position: Option<Position>,
    prefer_s: Option<u64>,
}

impl Wanted {
    /// Reads `Orders-Min-Position` and `Prefer`.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let position = match headers.get(ORDERS_MIN_POSITION) {
            None => None,
            Some(value) => Some(position(value)?),
        };
        let prefer_s = position.and_then(|_| preferred_wait(headers));
        Ok(Self { position, prefer_s })
    }

    /// Up to where a read of the log itself sees, if it begins now: not below the position that was asked for. One that
    /// the log has not reached is refused.
    pub(super) async fn known_head(&self, app: &App) -> Result<Position, Problem> {
        let known = app.log.known_head();
        match self.position {
            Some(position) if position > known => {
                let head = within(app.log.head()).await?;
                self.check_given_out(head)?;
                Ok(head)
            }
            _ => Ok(known),
        }
    }

    /// Refuses a position beyond the head of the log.
    pub(super) fn check_given_out(&self, head: Position) -> Result<(), Problem> {
        if self.position.is_some_and(|position| position > head) { Err(beyond_head(head)) } else { Ok(()) }
    }
}

impl<'a> Read<'a> {
    /// A read that waits for nothing.
    pub(super) fn new(app: &'a App, view: &'static str) -> Self {
        Self { app, view, database: Duration::ZERO, granted_s: None, at_least: None }
    }

    /// Waits until the view is where the client wants it.
    pub(super) async fn begin(app: &'a App, view: &'static str, headers: &HeaderMap) -> Result<Self, Problem> {
        let wanted = Wanted::of(headers)?;
        let position = wanted.position;
        Self::wait(app, view, wanted, position).await
    }

    /// Waits until the view is where the client wants it, and where it must be to say what was at `then`.
    pub(super) async fn begin_as_of(
        app: &'a App,
        view: &'static str,
        headers: &HeaderMap,
        then: Position,
    ) -> Result<Self, Problem> {
        let wanted = Wanted::of(headers)?;
        let position = wanted.position.unwrap_or(then).max(then);
        Self::wait(app, view, wanted, Some(position)).await
    }

    async fn wait(
        app: &'a App,
        view: &'static str,
        wanted: Wanted,
        at_least: Option<Position>,
    ) -> Result<Self, Problem> {
        let granted_s = wanted.prefer_s.map(|seconds| seconds.min(MAX_WAIT_S));
        if let Some(position) = at_least {
            let wait = granted_s.map_or(WAIT, Duration::from_secs);
            app.views.wait_for(view, position, wait).await.map_err(|error| behind(view, error))?;
        }
        Ok(Self { granted_s, at_least, ..Self::new(app, view) })
    }

    /// Runs the read, bounded and timed.
    pub(super) async fn run<T>(
        &mut self,
        read: impl Future<Output = Result<Seen<T>, ReadError>>,
    ) -> Result<Seen<T>, Problem> {
        let started = Instant::now();
        let outcome = within(async { read.await.map_err(|error| unreadable(self.view, error)) }).await;
        self.database += started.elapsed();
        let seen = outcome?;
        // A view was waited for, but a crash of PostgreSQL may take its last moment back before it is read.
        if let Some(wanted) = self.at_least.filter(|wanted| seen.position < *wanted) {
            return Err(behind(self.view, WaitError::Behind { at: seen.position, wanted }));
        }
        Ok(seen)
    }

    /// Runs a read of an earlier moment, timed, and bounded as one that goes through history has to be.
    pub(super) async fn run_as_of<T>(
        &mut self,
        read: impl Future<Output = Result<T, AsOfError>>,
    ) -> Result<T, Problem> {
        let started = Instant::now();
        let outcome = tokio::time::timeout(AS_OF_AT_MOST, read).await;
        self.database += started.elapsed();
        match outcome {
            Ok(outcome) => outcome.map_err(|error| unreadable_then(self.view, error)),
            Err(_elapsed) => Err(took_too_long(self.view)),
        }
    }

    /// Loads an aggregate as it was, bounded and timed.
    pub(super) async fn load_as_of<A: Resource>(&mut self, id: &str, then: Position) -> Result<Snapshot<A>, Problem> {
        let started = Instant::now();
        let outcome = within(self.app.gateway.load_as_of(id, then)).await;
        self.database += started.elapsed();
        outcome
    }

    /// Loads an aggregate from the log, bounded and timed, and says up to where the log was seen. That is not below
    /// what was asked for, also when the aggregate's own last event is.
    pub(super) async fn load<A: Resource>(
        &mut self,
        id: &str,
        wanted: &Wanted,
    ) -> Result<(Arc<Snapshot<A>>, Position), Problem> {
        // Before the load: what was known to be there by then, it has seen.
        let head = wanted.known_head(self.app).await?;
        let started = Instant::now();
        let outcome = within(self.app.gateway.load(id)).await;
        self.database += started.elapsed();
        outcome.map(|snapshot: Arc<Snapshot<A>>| {
            let position = head.max(snapshot.position);
            (snapshot, position)
        })
    }

    /// The answer.
    pub(super) fn answer(&self, position: Position, body: String) -> Response {
        let mut response = json(body);
        let headers = response.headers_mut();
        headers.insert(ORDERS_POSITION, position.0.into());
        headers.insert(timing::SERVER_TIMING, timing::of_read(self.database));
        if let Some(applied) = self.granted_s.and_then(|seconds| HeaderValue::try_from(format!("wait={seconds}")).ok())
        {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        response
    }
}

/// 200 with JSON.
pub(super) fn json(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// 200 with that as JSON.
pub(super) fn json_of(body: &impl Serialize) -> Result<Response, Problem> {
    Ok(json(serde_json::to_string(body).map_err(|_| Problem::internal())?))
}

/// Adds the version's tag to an answer, and takes the body away where the client has it already.
pub(super) fn versioned(mut response: Response, version: u64, request: &HeaderMap) -> Response {
    if conditions::has_already(request, version) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response.headers_mut().insert(header::ETAG, conditions::etag(version));
    response
}

fn position(value: &HeaderValue) -> Result<Position, Problem> {
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).map(Position).ok_or_else(|| {
        Problem::new(Code::InvalidHeader, "Orders-Min-Position is not understood.").error(
            Place::Header("Orders-Min-Position"),
            "not_a_position",
            "must be the Orders-Position of an earlier answer",
        )
    })
}

/// A preference that can't be read is none (RFC 7240 section 2).
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    let preferences = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|list| list.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse().ok())?
    })
}

fn behind(view: &'static str, error: WaitError) -> Problem {
    match error {
        WaitError::Behind { at, .. } => {
            Problem::new(Code::ProjectionBehind, format!("The view {view} is still on its way there; try again."))
                .with("view", view)
                .with("position", at.0)
        }
        WaitError::BeyondHead { head, .. } => beyond_head(head),
        WaitError::Unavailable(error) => unreadable(view, error),
    }
}

/// What is told where an earlier moment of a view can't be shown. Only totals are refused for what they would take: a
/// page of a list ends early.
fn unreadable_then(view: &'static str, error: AsOfError) -> Problem {
    match error {
        AsOfError::TooMuch { events, most } => {
            let problem = too_much(&format!("{events} events would have to be read."), BY_COMMAND);
            problem.with("events", events).with("most", most)
        }
        AsOfError::TooManyRows { most } => {
            too_much(&format!("It has more than {most} rows."), &format!("Ask for fewer days. {BY_COMMAND}"))
        }
        AsOfError::Behind { at, wanted } => behind(view, WaitError::Behind { at, wanted }),
        AsOfError::Read(error) => unreadable(view, error),
    }
}

fn took_too_long(view: &'static str) -> Problem {
    let remedy = if view == OrderTotals::NAME { BY_COMMAND } else { "Ask for fewer at once, by `limit`." };
    too_much(&format!("It took longer than {} s.", AS_OF_AT_MOST.as_secs()), remedy)
}

fn too_much(why: &str, remedy: &str) -> Problem {
    Problem::new(Code::TooMuchHistory, format!("{why} {remedy}"))
}

/// A position that was never given out.
pub(super) fn beyond_head(head: Position) -> Problem {
    Problem::new(Code::PositionBeyondHead, "No answer ever gave this position.").with("head", head.0)
}

/// What is told of a view that can't be read.
pub(crate) fn unreadable(view: &'static str, error: ReadError) -> Problem {
    match error {
        ReadError::NotBuilt { .. } => {
            Problem::new(Code::ProjectionBehind, format!("The view {view} is not built yet; try again."))
                .with("view", view)
        }
        ReadError::Log(error) => error.into(),
        ReadError::Database(error) => error.into(),
        ReadError::OtherVersion { .. } | ReadError::Exchanged { .. } | ReadError::Registry(_) => {
            tracing::warn!(%error, "a view can't be read");
            let detail = format!("The view {view} is being exchanged; try again.");
            Problem::new(Code::ProjectionBehind, detail).with("view", view)
        }
        ReadError::Unknown(_) | ReadError::Malformed { .. } => {
            tracing::error!(%error, "a view can't be read");
            Problem::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_totals_are_told_of_the_command_that_answers_totals() {
        let told = |problem: Problem| problem.document("");
        let (rows, events) = (AsOfError::TooManyRows { most: 2 }, AsOfError::TooMuch { events: 9, most: 2 });
        for problem in [
            unreadable_then(OrderTotals::NAME, rows),
            unreadable_then(OrderTotals::NAME, events),
            took_too_long(OrderTotals::NAME),
        ] {
            assert!(told(problem).contains("`orders as-of`"));
        }
        assert!(!told(took_too_long("order_list")).contains("orders as-of"));
    }

    #[test]
    fn the_wait_is_found_among_other_preferences() {
        let wait =
            |value: &'static str| preferred_wait(&HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]));
        assert_eq!(wait("wait=5"), Some(5));
        assert_eq!(wait("return=minimal, Wait=\"7\"; x=1"), Some(7));
        assert_eq!(wait("wait=soon"), None);
        assert_eq!(wait("respond-async"), None);
    }
}
