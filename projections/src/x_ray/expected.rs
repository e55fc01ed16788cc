//! The rows that an order's events lead to, by the folds that write the views and without a database.

use super::{Row, TableRows, ViewRows};
use crate::as_of::AsOfError;
use crate::order_list::{self, OrderList, OrderRow};
use crate::order_totals::OrderTotals;
use crate::view_transaction::day_of;
use crate::{Projection, ReadError};
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use commands::StoredEvent;
use domain::Event;
use domain::order::OrderEvent;
use domain::text::Email;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a view should hold of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// These rows.
    Rows(Vec<TableRows>),
    /// This program makes another version of it.
    OtherVersion {
        /// This program's.
        own: u32,
    },
    /// It is none that one order's events alone lead to.
    NotFolded,
}

/// What the view should hold at its position.
pub fn expected(view: &ViewRows, events: &[Arc<StoredEvent>]) -> Result<Expected, AsOfError> {
    let own = match &*view.view {
        OrderList::NAME => OrderList::VERSION,
        OrderTotals::NAME => OrderTotals::VERSION,
        _ => return Ok(Expected::NotFolded),
    };
    if view.version != own {
        return Ok(Expected::OtherVersion { own });
    }
    let (table, row) = if view.view == OrderList::NAME {
        ("orders", order_list::row_of(events, view.position)?.map(|row| listed(&row)))
    } else {
        ("placed_orders", placed(view, events)?)
    };
    Ok(Expected::Rows(vec![TableRows {
        table: table.to_owned(),
        rows: row.into_iter().collect(),
        plain: BTreeSet::new(),
    }]))
}

fn listed(row: &OrderRow) -> Row {
    let address = row.shipping_address.as_ref();
    let customer = &row.customer;
    let email_key =
        Email::parse(&customer.email).map_or_else(|_| customer.email.to_lowercase(), |email| email.search_key());
    let columns = [
        ("id", text(row.id)),
        ("number", text(row.number)),
        ("status", text(row.status.as_str())),
        ("paid", text(row.paid)),
        ("needs_review", text(row.needs_review)),
        ("subject_id", text(customer.subject_id)),
        ("first_name", text(&customer.first_name)),
        ("last_name", text(&customer.last_name)),
        ("email", text(&customer.email)),
        ("email_key", text(email_key)),
        ("address", some(address.map(|to| &to.address))),
        ("postal_code", some(address.map(|to| &to.postal_code))),
        ("city", some(address.map(|to| &to.city))),
        ("country", some(address.and_then(|to| to.country.as_ref()))),
        ("items", serde_json::from_str(row.items.get()).unwrap_or(Value::Null)),
        ("currency", text(row.total.currency())),
        ("total", text(row.total.amount())),
        ("paid_amount", text(row.paid_amount.amount())),
        ("version", text(row.version)),
        ("placed_at", time(row.placed_at)),
        ("updated_at", time(row.updated_at)),
        ("placed_recorded_at", time(row.placed_recorded_at)),
        ("placed_position", text(row.placed_position)),
        ("position", text(row.position)),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The day on which an order counts, in the time zone of the view.
fn placed(view: &ViewRows, events: &[Arc<StoredEvent>]) -> Result<Option<Row>, AsOfError> {
    let zone = view.settings.get("time_zone").map_or(Ok(Tz::UTC), |name| name.parse());
    let zone = zone.map_err(|_| ReadError::Registry(format!("the time zone of {} is not a known one", view.schema)))?;
    for stored in events.iter().take_while(|event| event.position <= view.position) {
        let recorded = stored.recorded().map_err(|error| ReadError::Log(error.clone().into()))?;
        if let Event::Order(OrderEvent::OrderPlaced(_)) = &recorded.event {
            let day = day_of(recorded.metadata.occurred_at, zone);
            let columns = [("order_id", text(&recorded.aggregate_id)), ("day", text(day))];
            return Ok(Some(columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
        }
    }
    Ok(None)
}

fn text(value: impl std::fmt::Display) -> Value {
    Value::String(value.to_string())
}

fn some(value: Option<&String>) -> Value {
    value.map_or(Value::Null, text)
}

fn time(time: DateTime<Utc>) -> Value {
    text(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
