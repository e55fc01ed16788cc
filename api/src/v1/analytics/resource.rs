//! The answers, as JSON.

use crate::analytics::{Conversion, Figures};
use crate::openapi::MoneyValue;
use crate::v1::totals::{AmountsResource, UnitsResource};
use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::Money;
use projections::sales::{CitySales, DayRange, DaySales, PaymentTime, ProductSales, TakenBack};
use schemars::JsonSchema;
use serde::Serialize;

/// Rows of a range of days, which is told with them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{R}Figures")]
pub(super) struct Rows<'a, R> {
    from: NaiveDate,
    /// The day behind the last.
    to: NaiveDate,
    /// Whose days they are, by its IANA name.
    time_zone: &'a str,
    data: Vec<R>,
}

/// The same of what has no rows.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{R}Figures")]
pub(super) struct One<'a, R> {
    from: NaiveDate,
    /// The day behind the last.
    to: NaiveDate,
    /// Whose days they are, by its IANA name.
    time_zone: &'a str,
    data: R,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProductSales")]
pub(super) struct ProductResource<'a> {
    sku: &'a str,
    /// What it was called when it was last sold in the range.
    name: &'a str,
    currency: &'static str,
    placed: UnitsResource,
    paid: UnitsResource,
}

impl<'a> From<&'a ProductSales> for ProductResource<'a> {
    fn from(ProductSales { sku, name, placed, paid }: &'a ProductSales) -> Self {
        let currency = placed.revenue.currency().code();
        Self { sku, name, currency, placed: (*placed).into(), paid: (*paid).into() }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CitySales")]
pub(super) struct CityResource<'a> {
    /// As customers write it, with the country where there is one; empty where nothing was sent.
    city: &'a str,
    currency: &'static str,
    placed: AmountsResource,
    paid: AmountsResource,
}

impl<'a> From<&'a CitySales> for CityResource<'a> {
    fn from(CitySales { city, placed, paid }: &'a CitySales) -> Self {
        let currency = placed.revenue.currency().code();
        Self { city, currency, placed: (*placed).into(), paid: (*paid).into() }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PaymentTime")]
pub(super) struct TimeResource {
    /// The longest time of this row; `null` in the last, which has no end. Each row begins where the one before it
    /// ends.
    within_s: Option<u32>,
    /// Orders placed in the range that were paid within this time.
    orders: u64,
    /// How long they took together.
    waited_ms: u64,
}

impl From<&PaymentTime> for TimeResource {
    fn from(PaymentTime { span, orders, waited_ms }: &PaymentTime) -> Self {
        Self { within_s: span.within_s(), orders: *orders, waited_ms: *waited_ms }
    }
}

/// Each step is counted by itself: they are not the same purchases. `null` where it can't be counted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Conversion")]
pub(super) struct ConversionResource {
    /// Carts that got their first line in the range; a cart begins anew after each order of it. An order over the API
    /// needs none.
    carts: Option<u64>,
    /// Orders placed in the range.
    orders: u64,
    /// Orders whose customers were led to a payment provider in the range for the first time.
    payments: Option<u64>,
    /// Orders placed in the range that are paid by now.
    paid: u64,
}

/// What was sold on one day in one currency.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DaySales")]
pub(super) struct DayResource {
    day: NaiveDate,
    currency: &'static str,
    placed: AmountsResource,
    /// Gross: what was taken back later is in there.
    paid: AmountsResource,
    taken_back: TakenBackResource,
}

/// What payment providers took back on that day, by refund, reversal or denial, whenever it was paid.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TakenBack")]
pub(super) struct TakenBackResource {
    /// How many times: a payment may be refunded in parts.
    payments: u64,
    #[schemars(with = "MoneyValue")]
    amount: Money,
}

impl From<&DaySales> for DayResource {
    fn from(DaySales { day, placed, paid, taken_back }: &DaySales) -> Self {
        let TakenBack { payments, amount } = *taken_back;
        Self {
            day: *day,
            currency: placed.revenue.currency().code(),
            placed: (*placed).into(),
            paid: (*paid).into(),
            taken_back: TakenBackResource { payments, amount },
        }
    }
}

/// Figures of a range of one time zone's days.
pub(crate) fn json(time_zone: Tz, range: DayRange, figures: &Figures) -> String {
    match figures {
        Figures::Days(days) => rows(time_zone, range, days.iter().map(DayResource::from)),
        Figures::Products(products) => rows(time_zone, range, products.iter().map(ProductResource::from)),
        Figures::Cities(cities) => rows(time_zone, range, cities.iter().map(CityResource::from)),
        Figures::PaymentTimes(times) => rows(time_zone, range, times.iter().map(TimeResource::from)),
    }
}

pub(super) fn conversion_json(time_zone: Tz, range: DayRange, conversion: Conversion) -> String {
    let Conversion { carts, orders, payments, paid } = conversion;
    let data = ConversionResource { carts, orders, payments, paid };
    text(&One { from: range.from(), to: range.to(), time_zone: time_zone.name(), data })
}

fn rows<R: Serialize>(time_zone: Tz, range: DayRange, rows: impl Iterator<Item = R>) -> String {
    text(&Rows { from: range.from(), to: range.to(), time_zone: time_zone.name(), data: rows.collect() })
}

fn text(answer: &impl Serialize) -> String {
    // Structs of texts and numbers are always JSON.
    serde_json::to_string(answer).unwrap_or_default()
}
