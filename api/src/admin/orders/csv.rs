//! `GET /admin/orders/orders.csv`: what is filtered, as a file for spreadsheets (RFC 4180, UTF-8). It is made while it
//! is read, so its length costs no memory.

use super::asked;
use crate::admin::StaffVisit;
use crate::admin::list::Query;
use crate::app::App;
use crate::auth::permission::ReadOrders;
use crate::csv::{self, Reader};
use crate::http::{overloaded, timing};
use crate::shop::Fault;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::SecondsFormat;
use futures::stream;
use http::{HeaderValue, header};
use projections::ReadError;
use projections::order_list::{DeskPages, ListKey, OrderRow};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Orders per read, and so per chunk.
const READ_ORDERS: u32 = 500;
const HEADS: [&str; 14] = [
    "id",
    "number",
    "first_name",
    "last_name",
    "email",
    "address",
    "postal_code",
    "city",
    "country",
    "total",
    "currency",
    "paid",
    "created",
    "updated",
];

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<ReadOrders>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let place = Arc::clone(&app.exports).try_acquire_owned().map_err(|_| overloaded())?;
    let desk = asked::desk(&Query::parse(query.as_deref()), app.views.time_zone(), visit.now());
    let name = format!("attachment; filename=\"orders-{}.csv\"", visit.now().format("%Y-%m-%d"));
    // The first chunk before the answer begins: that the view can't be read is still a page of its own.
    let unreadable = |error| crate::v1::unreadable_view("order_list", error);
    let desk = DeskPages::open(&app.views, desk).await.map_err(unreadable)?;
    let first = chunk(&app, &desk, None).await.map_err(unreadable)?;
    let mut head = String::from(csv::MARK);
    csv::line(&mut head, Reader::Spreadsheet, HEADS);
    let mut response = Response::new(Body::from_stream(chunks(app, desk, head, first, place)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, csv::MEDIA_TYPE);
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(|_| Fault::Internal)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(timing::SERVER_TIMING, timing::of_read(Duration::ZERO));
    Ok(response)
}

/// How far a file is.
enum Made {
    Begun(String, Chunk),
    Behind(ListKey),
    Whole,
}

type Chunk = (String, Option<ListKey>);

/// Nothing is read before the chunk before has been taken. The `place` is given back at the end, or when the browser is
/// gone.
fn chunks(
    app: Arc<App>,
    desk: DeskPages,
    head: String,
    first: Chunk,
    place: OwnedSemaphorePermit,
) -> impl futures::Stream<Item = Result<Bytes, ReadError>> {
    stream::try_unfold((Made::Begun(head, first), place), move |(made, place)| {
        let (app, desk) = (Arc::clone(&app), desk.clone());
        async move {
            let (lines, next) = match made {
                Made::Begun(head, (lines, next)) => (head + lines.as_str(), next),
                Made::Behind(key) => chunk(&app, &desk, Some(key)).await.inspect_err(|error| {
                    tracing::warn!(%error, "a file of orders breaks off");
                })?,
                Made::Whole => return Ok(None),
            };
            Ok(Some((Bytes::from(lines), (next.map_or(Made::Whole, Made::Behind), place))))
        }
    })
}

async fn chunk(app: &App, desk: &DeskPages, after: Option<ListKey>) -> Result<Chunk, ReadError> {
    let page = desk.read(&app.views, after, READ_ORDERS).await?.value;
    let mut lines = String::new();
    for row in &page.rows {
        order(&mut lines, row);
    }
    Ok((lines, page.next))
}

fn order(lines: &mut String, row: &OrderRow) {
    let place = row.shipping_address.as_ref();
    let time = |at: &chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let cells: [&str; 14] = [
        &row.id.to_string(),
        &row.number.to_string(),
        &row.customer.first_name,
        &row.customer.last_name,
        &row.customer.email,
        place.map_or("", |place| place.address.as_str()),
        place.map_or("", |place| place.postal_code.as_str()),
        place.map_or("", |place| place.city.as_str()),
        place.and_then(|place| place.country.as_deref()).unwrap_or_default(),
        &row.total.amount().to_string(),
        row.total.currency().code(),
        if row.paid { "yes" } else { "no" },
        &time(&row.placed_at),
        &time(&row.updated_at),
    ];
    csv::line(lines, Reader::Spreadsheet, cells);
}
