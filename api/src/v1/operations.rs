//! Every operation under `/v1`, as the API's document tells them, and those that are a module's only one.

use super::totals::TotalsPage;
use super::{analytics, as_of, cart, categories, events, newsletters, ops, orders, products};
use crate::auth::permission::ReadTotals;
use crate::openapi::examples;
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use http::{Method, StatusCode};
use serde_json::json;

pub(crate) fn operations() -> Vec<Operation> {
    [
        orders::operations(),
        cart::operations(),
        products::operations(),
        categories::operations(),
        newsletters::operations(),
        analytics::operations(),
        events::operations(),
        vec![totals()],
        ops::operations(),
    ]
    .concat()
}

fn totals() -> Operation {
    let day = json!({ "type": "string", "format": "date" });
    let amounts = json!({ "orders": 3, "revenue": { "amount": "72.00", "currency": "USD" } });
    let example = json!({ "day": "2026-01-31", "currency": "USD", "placed": amounts, "paid": amounts });
    Operation::new(Method::GET, "/v1/totals", Tag::Totals, "getTotals", "How many, and how much")
        .about(
            "Per currency, placed and paid apart. Days are the shop's, in its time zone; the range is `[from, to)`. `paid` is gross: what \
             a payment provider took back later is in there; `/v1/analytics/days` tells how much that is.",
        )
        .allowed::<ReadTotals>()
        .required_query("by", json!({ "type": "string", "enum": ["day", "product"] }), "What is counted by.")
        .query("from", day.clone(), "The first day.")
        .query("to", day, "The day behind the last.")
        .query("as_of", as_of::shape(), as_of::ABOUT)
        .refuses(&as_of::REFUSES)
        .refuses(&[Code::TooMuchHistory])
        .in_pages()
        .waits()
        .answers::<TotalsPage>(
            StatusCode::OK,
            "A page of them.",
            &["Orders-Position", "Preference-Applied"],
            examples::page(&[example]),
        )
}
