//! `GET /v1/analytics/…`: what was sold in a range of the shop's days, as JSON or, where `Accept` prefers it, CSV.
//!
//! `from` and `to` must be there: days such as `2026-01-31`, the range is `[from, to)` and of at most two years. Placed
//! and paid stand apart, currencies too.

mod operations;
mod resource;

pub(super) use operations::operations;
pub(crate) use resource::json as figures_json;

use super::reads::Read;
use super::totals::day;
use crate::analytics::{self, Conversion, Figures, Sheet, Subject};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadTotals;
use crate::csv::{self, Reader};
use crate::http::Produces;
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::Position;
use http::{HeaderMap, HeaderValue, header};
use projections::sales::{DayRange, MAX_RANKED, RangeError, Sales, by_day};
use projections::{Projection, Seen};
use resource::{conversion_json, json};
use std::sync::Arc;

/// How many products, or cities, of each currency are answered where nothing is said.
const DEFAULT_RANKED: u32 = 100;

type Asked = (State<Arc<App>>, Allowed<ReadTotals>, RawQuery, HeaderMap);

pub(super) async fn days(asked: Asked) -> Result<Response, Problem> {
    of_view(Subject::Days, asked).await
}

pub(super) async fn products(asked: Asked) -> Result<Response, Problem> {
    of_view(Subject::Products, asked).await
}

pub(super) async fn cities(asked: Asked) -> Result<Response, Problem> {
    of_view(Subject::Cities, asked).await
}

pub(super) async fn payment_times(asked: Asked) -> Result<Response, Problem> {
    of_view(Subject::PaymentTimes, asked).await
}

pub(super) async fn conversion((State(app), _, RawQuery(query), headers): Asked) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let range = range(&mut query);
    query.finish()?;
    let range = range.ok_or_else(Problem::internal)?;
    let mut read = Read::begin(&app, Sales::NAME, &headers).await?;
    let times = Figures::read(&app.views, Subject::PaymentTimes, range, 0);
    let Seen { value: times, .. } = read.run(times).await?;
    let Seen { value: days, position } = read.run(by_day(&app.views, range)).await?;
    let zone = analytics::time_zone(&app.views).await?;
    let begun = analytics::conversion(app.log.pool(), zone, range, app.settings().sessions.clock.now()).await;
    let Figures::PaymentTimes(times) = times else { return Err(Problem::internal()) };
    let found = Conversion::of(begun, &days, &times);
    Ok(answer(&read, position, &headers, &found.sheet(), || conversion_json(zone, range, found)))
}

async fn of_view(subject: Subject, (State(app), _, RawQuery(query), headers): Asked) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let range = range(&mut query);
    let is_ranked = matches!(subject, Subject::Products | Subject::Cities);
    let limit = if is_ranked { query.number("limit", 1, MAX_RANKED) } else { None };
    query.finish()?;
    let range = range.ok_or_else(Problem::internal)?;
    let mut read = Read::begin(&app, Sales::NAME, &headers).await?;
    let found = Figures::read(&app.views, subject, range, limit.unwrap_or(DEFAULT_RANKED));
    let Seen { value: figures, position } = read.run(found).await?;
    let zone = analytics::time_zone(&app.views).await?;
    Ok(answer(&read, position, &headers, &figures.sheet(), || json(zone, range, &figures)))
}

/// Reads `from` and `to`. Where they are no range, that is noted with the query's other faults.
fn range(query: &mut Query<'_>) -> Option<DayRange> {
    query.required("from");
    query.required("to");
    let (from, to) = (day(query, "from"), day(query, "to"));
    match DayRange::new(from?, to?) {
        Ok(range) => Some(range),
        Err(error) => {
            let code = match error {
                RangeError::Empty => "empty_range",
                RangeError::TooLong => "range_too_long",
            };
            query.fault("to", code, error.to_string());
            None
        }
    }
}

fn answer(
    read: &Read<'_>,
    position: Position,
    headers: &HeaderMap,
    sheet: &Sheet,
    make_json: impl FnOnce() -> String,
) -> Response {
    let as_csv = Produces::best(headers, &["application/json", "text/csv"]) == Some(1);
    let mut response = read.answer(position, if as_csv { sheet.csv(Reader::Program) } else { make_json() });
    let set = response.headers_mut();
    set.insert(header::VARY, HeaderValue::from_static("accept"));
    if as_csv {
        set.insert(header::CONTENT_TYPE, csv::MEDIA_TYPE);
    }
    response
}
