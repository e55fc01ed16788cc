//! `as_of`: reads of what was, at a position of the log or at a time.
//!
//! A position is the `Orders-Position` of any answer. A time is meant as the log keeps time: everything is in the
//! answer that was recorded by then (`recorded_at`), and nothing that was recorded later, whenever it is said to have
//! occurred (`occurred_at`; orders' `placed_at` and `updated_at` are such times). The answer names its position, and is
//! the same for ever.

use super::reads::{Wanted, beyond_head};
use super::time;
use crate::app::App;
use crate::http::overloaded;
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::problem::{Code, Problem, within};
use chrono::{DateTime, Utc};
use commands::{AsOf, Moment, MomentError};
use domain::Position;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most events of the history that are read for one answer.
pub(crate) const MAX_EVENTS: u64 = 250_000;
/// The most rows of totals that are held for one answer, of all its pages.
pub(super) const MAX_ROWS: u32 = 50_000;
/// How many lists and totals of earlier moments are made at once.
pub(crate) const MAX_AT_ONCE: usize = 4;
/// How many orders of earlier moments are looked up at once.
pub(crate) const MAX_ORDERS_AT_ONCE: usize = 16;

/// Which moment an answer is of.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "AsOf")]
pub(super) struct AsOfResource {
    /// Of the last event that is in the answer; all events up to it are, and none behind it.
    position: u64,
    /// When that event was recorded. A time in `as_of` is compared with this.
    #[serde(serialize_with = "known")]
    #[schemars(with = "Option<Instant>")]
    recorded_at: Option<DateTime<Utc>>,
    /// When it occurred, by the clock of whoever made it: nearly always a little earlier, and not in the order of
    /// positions.
    #[serde(serialize_with = "known")]
    #[schemars(with = "Option<Instant>")]
    occurred_at: Option<DateTime<Utc>>,
}

impl From<AsOf> for AsOfResource {
    fn from(AsOf { position, recorded_at, occurred_at }: AsOf) -> Self {
        Self { position: position.0, recorded_at, occurred_at }
    }
}

fn known<S: serde::Serializer>(instant: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match instant {
        Some(instant) => time::serialize(instant, serializer),
        None => serializer.serialize_none(),
    }
}

/// Reads `as_of`: a position, or a time by RFC 3339.
pub(super) fn moment(query: &mut Query<'_>) -> Option<Moment> {
    let moment = parse(&query.raw("as_of")?);
    if moment.is_none() {
        let detail = "must be a position such as 1204, or a time by RFC 3339 such as 2026-01-31T00:00:00Z (a + is \
                      written %2B)";
        query.fault("as_of", "not_a_moment", detail);
    }
    moment
}

/// A position, or a time by RFC 3339; `None` for what is neither.
pub(crate) fn parse(text: &str) -> Option<Moment> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let position = text.parse().ok().filter(|position| *position <= i64::MAX.unsigned_abs());
        return position.map(|position| Moment::Position(Position(position)));
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| Moment::Time(time.with_timezone(&Utc)))
}

/// Finds a moment in the log, at one of the few places for reads that go through history: all of them taken is 503. The
/// place is kept for what is read then. What the client asks to see besides must have been given out.
pub(super) async fn locate(
    app: &App,
    places: &Arc<Semaphore>,
    moment: Moment,
    headers: &HeaderMap,
) -> Result<(AsOf, OwnedSemaphorePermit), Problem> {
    let wanted = Wanted::of(headers)?;
    let place = Arc::clone(places).try_acquire_owned().map_err(|_| overloaded())?;
    wanted.known_head(app).await?;
    Ok((within(app.log.locate(moment)).await?, place))
}

impl From<MomentError> for Problem {
    fn from(error: MomentError) -> Self {
        match error {
            MomentError::BeyondHead { head, .. } => beyond_head(head),
            MomentError::Future { now, .. } => {
                let detail = "What will have been recorded by then is not known yet. Ask for a time that has passed.";
                Self::new(Code::TimeNotPassed, detail).with("now", time::text(now))
            }
            MomentError::Log(error) => error.into(),
        }
    }
}

/// What `as_of` is, for the API's document.
pub(super) fn shape() -> Value {
    json!({ "oneOf": [
        { "type": "integer", "minimum": 0, "maximum": i64::MAX },
        { "type": "string", "format": "date-time" },
    ] })
}

/// What it may be refused with.
pub(super) const REFUSES: [Code; 3] = [Code::PositionBeyondHead, Code::TimeNotPassed, Code::InvalidQuery];

/// What it means there.
pub(super) const ABOUT: &str = "As it was: when the log ended at this position (an `Orders-Position`), or at this time. A time counts what was \
     recorded by then, whenever it occurred. `as_of` in the answer names the position, under which it is the same for ever.";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Moment> {
        let query = format!("as_of={text}");
        moment(&mut Query::new(Some(&query)))
    }

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        assert_eq!(read("0"), Some(Moment::Position(Position(0))));
        assert_eq!(read("1204"), Some(Moment::Position(Position(1_204))));
        assert_eq!(read("2026-01-31T01:00:00%2B01:00"), Some(Moment::Time("2026-01-31T00:00:00Z".parse().unwrap())));
        for wrong in ["", "-1", "+1", "9223372036854775808", "2026-01-31", "now", "1.5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
