//! As the API's document tells them.

use super::DEFAULT_RANKED;
use super::resource::{CityResource, ConversionResource, DayResource, One, ProductResource, Rows, TimeResource};
use crate::auth::permission::ReadTotals;
use crate::openapi::{Operation, Tag};
use http::{Method, StatusCode};
use projections::sales::MAX_RANKED;
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

const HEADERS: [&str; 2] = ["Orders-Position", "Preference-Applied"];

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let money = json!({ "amount": "72.00", "currency": "USD" });
    let (amounts, units) = (json!({ "orders": 3, "revenue": money }), json!({ "quantity": 6, "revenue": money }));
    let taken_back = json!({ "payments": 1, "amount": { "amount": "12.00", "currency": "USD" } });
    let by_day = json!([
        { "day": "2026-01-31", "currency": "USD", "placed": amounts, "paid": amounts, "taken_back": taken_back },
    ]);
    let by_product =
        json!([{ "sku": "TEA-GREEN", "name": "Green tea", "currency": "USD", "placed": units, "paid": units }]);
    let by_city = json!([{ "city": "London, GB", "currency": "USD", "placed": amounts, "paid": amounts }]);
    let times = json!([{ "within_s": 60, "orders": 3, "waited_ms": 42_000 }]);
    let steps = json!({ "carts": 5, "orders": 4, "payments": 3, "paid": 3 });
    vec![
        answers::<Rows<'_, DayResource>>(
            asked("/v1/analytics/days", "getDays", "What was sold on each day").about(
                "In order; days on which nothing was sold are left out. What was placed counts on the day of the order, what was \
                 paid on the day of its payment, and what a payment provider took back on the day on which it said so; `paid` is \
                 gross of that. As CSV with the average basket.",
            ),
            "day,currency,placed_orders,placed_revenue,paid_orders,paid_revenue,average_basket,taken_back_payments,taken_back_amount",
            by_day,
        ),
        answers::<Rows<'_, ProductResource<'_>>>(
            ranked("/v1/analytics/products", "getProducts", "Which products brought most"),
            "sku,name,currency,placed_quantity,placed_revenue,paid_quantity,paid_revenue",
            by_product,
        ),
        answers::<Rows<'_, CityResource<'_>>>(
            ranked("/v1/analytics/cities", "getCities", "Which cities brought most")
                .about("As customers write them, small and capital letters as one."),
            "city,currency,placed_orders,placed_revenue,paid_orders,paid_revenue",
            by_city,
        ),
        answers::<Rows<'_, TimeResource>>(
            asked("/v1/analytics/payment-times", "getPaymentTimes", "How long after placing orders are paid")
                .about("Of the orders placed in the range, those that are paid by now."),
            "within_s,orders,waited_ms",
            times,
        ),
        answers::<One<'_, ConversionResource>>(
            asked("/v1/analytics/conversion", "getConversion", "From carts to payments").about(
                "Carts and payments begun are kept for 800 days, and `null` in a range that begins before. As CSV with the rate from step \
                 to step.",
            ),
            "step,count,percent_of_step_before",
            steps,
        ),
    ]
}

fn asked(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let day = json!({ "type": "string", "format": "date" });
    Operation::new(Method::GET, path, Tag::Totals, id, summary)
        .allowed::<ReadTotals>()
        .required_query("from", day.clone(), "The first of the shop's days.")
        .required_query("to", day, "The day behind the last; at most two years later.")
        .waits()
}

fn ranked(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_RANKED, "default": DEFAULT_RANKED });
    asked(path, id, summary).query("limit", limit, "The most of each currency; those that brought most come first.")
}

fn answers<A: JsonSchema>(operation: Operation, heads: &'static str, data: Value) -> Operation {
    let example = json!({ "from": "2026-01-01", "to": "2026-02-01", "time_zone": "UTC", "data": data });
    operation
        .answers::<A>(StatusCode::OK, "The figures.", &HEADERS, example)
        .or_in::<Csv>("text/csv", format!("{heads}\r\n").into())
}

/// A file with a line of heads.
struct Csv;

impl JsonSchema for Csv {
    fn schema_name() -> Cow<'static, str> {
        "Csv".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A table by RFC 4180, with a line of heads." })
    }
}
