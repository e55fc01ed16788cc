//! `GET /analytics/days.csv` and its kind: a table of the page, for the range that the page shows.

use super::wrong;
use crate::admin::StaffVisit;
use crate::admin::list::Query;
use crate::analytics::{Conversion, Figures, Picked, Sheet, Subject, Unfit, conversion, time_zone};
use crate::app::App;
use crate::auth::permission::ReadTotals;
use crate::csv::{self, Reader};
use crate::http::timing;
use crate::shop::{Fault, Reads};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use http::{HeaderValue, StatusCode, header};
use projections::Projection;
use projections::sales::{self, DayRange, MAX_RANKED, Sales};
use std::sync::Arc;

/// What is not of the view alone.
const CONVERSION: &str = "conversion";

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<ReadTotals>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let name = file.strip_suffix(".csv").ok_or(Fault::NotFound)?;
    let zone = time_zone(&app.views).await?;
    let today = visit.now().with_timezone(&zone).date_naive();
    let picked = match Picked::of(&Query::parse(query.as_deref()), today) {
        Ok(picked) => picked,
        Err(unfit) => return Ok(refused(unfit)),
    };
    let mut reads = Reads::default();
    let sheet = match Subject::ALL.into_iter().find(|subject| subject.as_str() == name) {
        Some(subject) => {
            let figures = Figures::read(&app.views, subject, picked.range, MAX_RANKED);
            reads.run(Sales::NAME, figures).await?.sheet()
        }
        None if name == CONVERSION => converted(&app, &mut reads, zone, picked.range, visit.now()).await?,
        None => return Err(Fault::NotFound),
    };
    let file = format!("attachment; filename=\"{name}-{}-{}.csv\"", picked.range.from(), picked.last_day());
    let mut response = Response::new(Body::from(format!("{}{}", csv::MARK, sheet.csv(Reader::Spreadsheet))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, csv::MEDIA_TYPE);
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(file).map_err(|_| Fault::Internal)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(timing::SERVER_TIMING, timing::of_read(reads.took));
    Ok(response)
}

/// Not a table of other days than were asked for: what is wrong, in words.
fn refused(unfit: Unfit) -> Response {
    let words = wrong(unfit) + "\n";
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "private, no-store")];
    (StatusCode::UNPROCESSABLE_ENTITY, headers, words).into_response()
}

async fn converted(
    app: &App,
    reads: &mut Reads,
    zone: Tz,
    range: DayRange,
    now: DateTime<Utc>,
) -> Result<Sheet, Fault> {
    let days = reads.run(Sales::NAME, sales::by_day(&app.views, range)).await?;
    let times = reads.run(Sales::NAME, sales::payment_times(&app.views, range)).await?;
    let begun = conversion(app.log.pool(), zone, range, now).await;
    Ok(Conversion::of(begun, &days, &times).sheet())
}
