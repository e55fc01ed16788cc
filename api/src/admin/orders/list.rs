//! `GET /admin/orders/`: the table of orders, newest first.

use super::asked;
use super::{PATH, path};
use crate::admin::list::{Filters, Pager, Query, counted};
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::{ReadOrders, RecordPayments};
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use projections::Projection;
use projections::order_list::{self, OrderList, OrderRow};
use std::sync::Arc;
use uuid::Uuid;

/// How many orders stand on a page; as many may be acted on at once.
pub(super) const PAGE_ORDERS: u32 = 50;
/// The count stops here: beyond, how many more there are is nobody's question, and counting would cost as much.
const MOST_COUNTED: u32 = 10_000;

struct Row {
    id: String,
    path: String,
    /// As much of the id as tells two apart.
    short_id: String,
    number: String,
    first_name: String,
    last_name: String,
    email: String,
    address: String,
    postal_code: String,
    city: String,
    total: String,
    paid: bool,
    needs_review: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "admin/orders.html")]
struct Shown {
    page: AdminPage,
    filters: Filters,
    pager: Pager,
    rows: Vec<Row>,
    /// Where what is filtered is had as a file.
    csv: String,
    may_record: bool,
    /// What makes what is done by this page's form one thing, however often it is sent.
    form: Uuid,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<ReadOrders>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = Query::parse(query.as_deref());
    let desk = asked::desk(&query, app.views.time_zone(), visit.now());
    let mut reads = Reads::default();
    let found = order_list::desk(&app.views, &desk, asked::after(&query), PAGE_ORDERS);
    let found = reads.run(OrderList::NAME, found).await?;
    let count = reads.run(OrderList::NAME, order_list::count(&app.views, &desk, MOST_COUNTED)).await?;
    let page = visit.page(Section::Orders);
    let next = found.next.as_ref().map(asked::cursor);
    let shown = Shown {
        filters: asked::filters(&query),
        pager: Pager::new(PATH, &query, counted(count, MOST_COUNTED.into()), next.as_deref()),
        rows: found.rows.into_iter().map(|row| shown(row, &page)).collect(),
        csv: format!("{PATH}orders.csv{}", query.without_cursor()),
        may_record: visit.may::<RecordPayments>(),
        form: Uuid::now_v7(),
        page,
    };
    visit.show(&shown, reads.took).await
}

fn shown(row: OrderRow, page: &AdminPage) -> Row {
    let id = row.id.to_string();
    let (address, postal_code, city) =
        row.shipping_address.map_or_else(Default::default, |place| (place.address, place.postal_code, place.city));
    Row {
        path: path(row.id),
        short_id: id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned(),
        id,
        number: row.number.to_string(),
        first_name: row.customer.first_name,
        last_name: row.customer.last_name,
        email: row.customer.email,
        address,
        postal_code,
        city,
        total: page.money(&row.total),
        paid: row.paid,
        needs_review: row.needs_review,
        created: row.placed_at,
        updated: row.updated_at,
    }
}
