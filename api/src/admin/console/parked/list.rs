//! `GET /ops/parked/`: all that needs a person, or waits, page by page, by a filter; and what can be done to all that
//! it finds.

use super::super::deed::{Act, Deed};
use super::asked::{self, CONSUMER, EVENT_TYPE, MAX_CHARS, ORDER, REASON, STATE};
use super::{PATH, Row, row};
use crate::admin::list::{Filters, Pager, Query, counted};
use crate::admin::texts::text;
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::order_name::OrderName;
use crate::problem::within;
use crate::shop::Fault;
use crate::v1::ops::parked::STATES;
use crate::v1::unreadable_view;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use consumers::parked::{self, COUNTED_AT_MOST, Decision, Filter};
use projections::Projection;
use projections::order_list::OrderList;
use std::sync::Arc;
use std::time::Instant;

/// How many items stand on a page.
const PAGE_ITEMS: u32 = 50;

#[derive(Template)]
#[template(path = "admin/console_parked.html")]
struct Shown {
    page: AdminPage,
    console: &'static str,
    filters: Filters,
    pager: Pager,
    rows: Vec<Row>,
    /// How many the filter finds, on all pages.
    count: u64,
    /// What can be done to all of them.
    retry: Act,
    /// Nothing for what waits.
    discard: Option<Act>,
}

pub(in super::super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let (query, begun) = (Query::parse(query.as_deref()), Instant::now());
    let filter = by_id(&app, asked::of_query(&query).ok_or(Fault::Invalid)?).await?;
    let after = query.after().map_or(Ok(0), str::parse).map_err(|_| Fault::Invalid)?;
    let pool = app.log.pool();
    let count = within(parked::count(pool, &filter)).await?;
    let items = within(parked::list_of(pool, &filter, after, PAGE_ITEMS)).await?;
    // A full page may be the last one; the next is empty then.
    let is_full = u32::try_from(items.len()).is_ok_and(|rows| rows == PAGE_ITEMS);
    let next = items.last().filter(|_| is_full).map(|item| item.id.to_string());
    let (back, page) = (visit.here.as_str(), visit.page(Section::Console));
    let all = |decision, filter: Filter| Deed::Items(decision, filter).act_from(Some(back));
    let shown = Shown {
        console: super::super::PATH,
        filters: filters(&query),
        pager: Pager::new(PATH, &query, counted(count, COUNTED_AT_MOST), next.as_deref()),
        rows: items.into_iter().map(|item| Row::of(&page, item, Some(back))).collect(),
        count,
        retry: all(Decision::Retry, filter.clone()),
        discard: (!filter.is_of_waiting()).then(|| all(Decision::Discard, filter)),
        page,
    };
    visit.show(&shown, begun.elapsed()).await
}

/// An order that is named by its number is looked for by its id. A number that the list does not know finds nothing.
async fn by_id(app: &App, filter: Filter) -> Result<Filter, Fault> {
    let Some(Ok(name)) = filter.aggregate_id.as_deref().map(str::parse::<OrderName>) else { return Ok(filter) };
    let found = name.id(&app.views).await.map_err(|error| unreadable_view(OrderList::NAME, error))?;
    Ok(Filter { aggregate_id: found.map(|id| id.to_string()).or(filter.aggregate_id), ..filter })
}

fn filters(query: &Query) -> Filters {
    let as_they_are =
        |names: Vec<&'static str>| names.into_iter().map(|name| (name, name.to_owned())).collect::<Vec<_>>();
    let states = STATES.map(|state| (state, row::word(state)));
    Filters::new(PATH, query)
        .typed(&[(REASON, text("ops-reason-has")), (ORDER, text("ops-order"))], MAX_CHARS)
        .choices(text("ops-consumer"), CONSUMER, &as_they_are(consumers::NAMES.to_vec()))
        .choices(text("job-state"), STATE, &states.map(|(state, id)| (state.as_str(), text(id))))
        .choices(text("ops-event"), EVENT_TYPE, &as_they_are(consumers::wanted_types().into_iter().collect()))
}
