//! Examples of answers: what the domain itself makes of the examples of requests, so that they are real.

use crate::http::body::{self, Fields};
use crate::v1::Resource;
use chrono::{DateTime, TimeZone, Utc};
use commands::Snapshot;
use domain::product::{self, Product};
use domain::{Decision, Position, Prices, Sku};
use serde_json::{Value, json};

/// The id of the order in all examples.
pub(crate) const ORDER: &str = "01960000-0000-7000-8000-000000000001";
/// The id of the cart in all examples.
pub(crate) const CART: &str = "01960000-0000-7000-8000-000000000002";
/// The id of the newsletter's issue in all examples.
pub(crate) const ISSUE: &str = "01960000-0000-7000-8000-000000000003";
/// The id of the request in all examples.
pub(super) const REQUEST: &str = "01960000-0000-7000-8000-000000000004";

/// When everything in the examples happened.
pub(crate) fn instant() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 31, 8, 0, 0).single().unwrap_or_default()
}

/// An aggregate after these commands, one after another, at these prices. One that is refused changes nothing.
fn after<A: Resource>(id: &str, commands: &[A::Command], prices: &Prices) -> Snapshot<A> {
    let (mut state, mut version) = (A::default(), 0);
    for command in commands {
        if let Decision::Events(events) = state.decide(command, prices) {
            version += events.len() as u64;
            state = events.iter().fold(state, |state, event| state.evolve(event));
        }
    }
    let position = Position(41 + version);
    Snapshot { id: id.to_owned(), state, version, position, created_at: instant(), updated_at: instant() }
}

/// What the catalogue charges where these products were added.
pub(crate) fn prices(products: &[(Sku, product::Command)]) -> Prices {
    let mut prices = Prices::default();
    for (sku, command) in products {
        if let Decision::Events(events) = product::decide(&Product::Absent, command) {
            events.iter().for_each(|event| prices.apply(sku, event));
        }
    }
    prices
}

/// A list that ends with this page.
pub(crate) fn page(rows: &[Value]) -> Value {
    json!({ "data": rows, "next_cursor": null })
}

/// What a reader makes of the example of a request; `None` where it refuses it.
pub(crate) fn read<T>(example: &Value, read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>) -> Option<T> {
    body::read(example.to_string().as_bytes(), read).ok()
}

/// A resource as it is answered, after these commands.
pub(crate) fn resource<A: Resource>(id: &str, commands: &[A::Command], prices: &Prices) -> Value {
    let json = A::json(&after::<A>(id, commands, prices));
    json.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
