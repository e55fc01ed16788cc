//! An event as a row of a table: what most events have in common in columns of its own, typed; the whole of it as JSON
//! besides.
//!
//! Events are not understood for this: a column is empty where an event has no such member, or a newer program wrote it
//! in another way.

use super::line::{self, LineError};
use chrono::{DateTime, Utc};
use commands::StoredEvent;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

/// The names of the columns.
pub const NAMES: [&str; 21] = [
    "position",
    "event_id",
    "type",
    "version",
    "aggregate_type",
    "aggregate_id",
    "sequence",
    "recorded_at",
    "occurred_at",
    "actor",
    "correlation_id",
    "order_number",
    "subject_id",
    "sku",
    "quantity",
    "unit_price",
    "amount",
    "total",
    "currency",
    "data",
    "metadata",
];

/// A row.
#[derive(Debug)]
pub struct Row<'e> {
    pub position: u64,
    pub event_id: Uuid,
    pub event_type: &'e str,
    pub version: &'e str,
    pub aggregate_type: &'e str,
    pub aggregate_id: &'e str,
    /// The place within the aggregate, from 1.
    pub sequence: u64,
    pub recorded_at: DateTime<Utc>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub actor: Option<Cow<'e, str>>,
    pub correlation_id: Option<Cow<'e, str>>,
    /// The number that people read out.
    pub order_number: Option<u64>,
    /// Whose personal data is in it.
    pub subject_id: Option<Uuid>,
    /// Of the line, or of the product.
    pub sku: Option<Cow<'e, str>>,
    /// Of the line.
    pub quantity: Option<u32>,
    /// Of the line, or of the product from then on.
    pub unit_price: Option<Decimal>,
    /// Of the payment.
    pub amount: Option<Decimal>,
    /// The order's.
    pub total: Option<Decimal>,
    /// Of all money in the row: an order has one currency.
    pub currency: Option<Cow<'e, str>>,
    /// What happened, as JSON; personal data is here.
    pub data: &'e str,
    pub metadata: &'e str,
}

impl<'e> Row<'e> {
    /// The row of an event.
    pub fn of(event: &'e StoredEvent) -> Result<Self, LineError> {
        let data = line::data(event)?;
        let facts: Facts<'e> = serde_json::from_str(data.get()).unwrap_or_default();
        let metadata: Meta<'e> = serde_json::from_str(&event.metadata).unwrap_or_default();
        let added = facts.line.and_then(read::<LineFacts<'e>>).unwrap_or_default();
        let unit_price = added.unit_price.or(facts.price).and_then(read::<Money<'e>>);
        let [amount, total] = [facts.amount, facts.total].map(|money| money.and_then(read::<Money<'e>>));
        let currency = [&total, &amount, &unit_price].into_iter().flatten().next().map(|money| money.currency.clone());
        let decimal = |money: Option<Money<'e>>| money.and_then(|money| Decimal::from_str_exact(&money.amount).ok());
        Ok(Self {
            position: event.position.0,
            event_id: event.event_id.0,
            event_type: &event.event_type,
            version: &event.event_version,
            aggregate_type: &event.aggregate_type,
            aggregate_id: &event.aggregate_id,
            sequence: event.sequence,
            recorded_at: event.recorded_at,
            occurred_at: metadata.occurred_at.and_then(read),
            actor: metadata.actor.and_then(text),
            correlation_id: metadata.correlation_id.and_then(text),
            order_number: facts.number.and_then(read),
            subject_id: facts.customer.and_then(read::<Subject>).map(|subject| subject.subject_id),
            sku: added.sku.or(facts.sku).and_then(text),
            quantity: added.quantity.and_then(read),
            unit_price: decimal(unit_price),
            amount: decimal(amount),
            total: decimal(total),
            currency,
            data: data.get(),
            metadata: &event.metadata,
        })
    }
}

/// A member as what is expected; nothing where it is something else.
fn read<'e, T: Deserialize<'e>>(member: &'e RawValue) -> Option<T> {
    serde_json::from_str(member.get()).ok()
}

fn text(member: &RawValue) -> Option<Cow<'_, str>> {
    read::<Text<'_>>(member).map(|text| text.0)
}

#[derive(Deserialize)]
struct Text<'e>(#[serde(borrow)] Cow<'e, str>);

#[derive(Default, Deserialize)]
struct Facts<'e> {
    #[serde(borrow, default)]
    number: Option<&'e RawValue>,
    #[serde(borrow, default)]
    customer: Option<&'e RawValue>,
    #[serde(borrow, default)]
    line: Option<&'e RawValue>,
    #[serde(borrow, default)]
    sku: Option<&'e RawValue>,
    #[serde(borrow, default)]
    price: Option<&'e RawValue>,
    #[serde(borrow, default)]
    amount: Option<&'e RawValue>,
    #[serde(borrow, default)]
    total: Option<&'e RawValue>,
}

#[derive(Default, Deserialize)]
struct LineFacts<'e> {
    #[serde(borrow, default)]
    sku: Option<&'e RawValue>,
    #[serde(borrow, default)]
    quantity: Option<&'e RawValue>,
    #[serde(borrow, default)]
    unit_price: Option<&'e RawValue>,
}

#[derive(Default, Deserialize)]
struct Meta<'e> {
    #[serde(borrow, default)]
    occurred_at: Option<&'e RawValue>,
    #[serde(borrow, default)]
    actor: Option<&'e RawValue>,
    #[serde(borrow, default)]
    correlation_id: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct Money<'e> {
    #[serde(borrow)]
    amount: Cow<'e, str>,
    #[serde(borrow)]
    currency: Cow<'e, str>,
}

#[derive(Deserialize)]
struct Subject {
    subject_id: Uuid,
}
