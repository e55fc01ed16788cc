//! `Server-Timing`: where an answer's time went, on every answer.

use commands::Timing;
use http::{HeaderName, HeaderValue};
use std::time::Duration;

/// The header.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Of a command.
pub fn of_command(timing: Timing) -> HeaderValue {
    header(timing.decide, timing.append, timing.database)
}

/// Of a read: the database's part alone.
pub fn of_read(database: Duration) -> HeaderValue {
    header(Duration::ZERO, Duration::ZERO, database)
}

/// Of an answer that took neither deciding nor the database.
pub const fn none() -> HeaderValue {
    HeaderValue::from_static("decide;dur=0.000, append;dur=0.000, database;dur=0.000")
}

/// The same with what the whole of it took, from the request's head to the answer's.
pub(super) fn with_total(parts: &HeaderValue, total: Duration) -> HeaderValue {
    let parts = parts.to_str().unwrap_or_default();
    let text = format!("{parts}, total;dur={:.3}", total.as_secs_f64() * 1_000.0);
    HeaderValue::from_str(&text).unwrap_or_else(|_| none())
}

fn header(decide: Duration, append: Duration, database: Duration) -> HeaderValue {
    let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    let text = format!("decide;dur={:.3}, append;dur={:.3}, database;dur={:.3}", ms(decide), ms(append), ms(database));
    HeaderValue::from_str(&text).unwrap_or_else(|_| none())
}
