//! `POST /v1/orders/search`: orders by e-mail address or number. A POST, so that no personal data stands in a URL, and
//! with it in the logs of whatever is on the way.

use super::super::paging::{List, PageRequest};
use super::super::reads::Read;
use super::list;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadOrders;
use crate::http::body::{self, Accepts, Fields};
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use domain::ids::OrderNumber;
use domain::text::Email;
use projections::Projection;
use projections::order_list::{self, Search};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<ReadOrders>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let page = PageRequest::of(&mut query);
    query.finish()?;
    let (head, body) = request.into_parts();
    let body = body::receive(&head, body, Accepts::JSON).await?;
    let search = body::read(&body, search)?;
    let list = List::new("orders/search", &written_out(&search));
    let after = page.after(&list)?;
    let mut read = Read::begin(&app, order_list::OrderList::NAME, &head.headers).await?;
    let seen = read.run(order_list::search(&app.views, allowed.key.whose, &search, after, page.limit)).await?;
    Ok(read.answer(seen.position, list::page(&list, &seen.value)))
}

/// Either an e-mail address or a number.
pub fn search(body: &mut Fields<'_, '_>) -> Option<Search> {
    let email = body.optional_text("email", Email::parse);
    let number = body.optional_number("number");
    match (email?, number?) {
        (Some(email), None) => Some(Search::Email(email)),
        (None, Some(number)) => Some(Search::Number(OrderNumber(number))),
        _ => body.whole("one_of", "must have either email or number"),
    }
}

/// What the cursors are bound to. `Debug` would hide the address.
fn written_out(search: &Search) -> String {
    match search {
        Search::Email(email) => format!("email {}", email.search_key()),
        Search::Number(number) => format!("number {number}"),
    }
}
