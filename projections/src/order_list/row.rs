//! An order as the list has it.

use crate::read::money;
use chrono::{DateTime, Utc};
use domain::ids::{OrderId, OrderNumber, SubjectId};
use domain::money::MoneyError;
use domain::order::Line;
use domain::{Money, Position, Sku};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::types::{Json, Uuid};
use sqlx::{FromRow, Row};

/// What an order has come to. Payment is told apart by `paid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was ordered.
    Placed,
}

impl Status {
    /// The text that stands for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
        }
    }

    /// The status of a text; `None` for one that stands for none.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Placed].into_iter().find(|status| status.as_str() == text)
    }
}

/// A line of an order, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Item<'l> {
    sku: &'l Sku,
    name: &'l str,
    unit_price: Money,
    quantity: u32,
    cost: Money,
}

impl<'l> Item<'l> {
    /// A line with what it costs.
    pub fn of(line: &'l Line) -> Result<Self, MoneyError> {
        let cost = line.cost()?;
        let Line { sku, name, unit_price, quantity } = line;
        Ok(Self { sku, name: name.as_str(), unit_price: *unit_price, quantity: quantity.get(), cost })
    }
}

/// Lines as the JSON that the list holds and shows: `[{"sku","name","unit_price","quantity","cost"}]`.
pub fn items_json(lines: &[Line]) -> Result<String, serde_json::Error> {
    struct Items<'l>(&'l [Line]);

    impl Serialize for Items<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let items: Result<Vec<Item<'_>>, MoneyError> = self.0.iter().map(Item::of).collect();
            items.map_err(serde::ser::Error::custom)?.serialize(serializer)
        }
    }

    serde_json::to_string(&Items(lines))
}

/// That JSON, as a row holds it.
pub(super) fn items_of(json: &str) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(json.to_owned())
}

/// An order.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// Its id.
    pub id: OrderId,
    /// The number to read out.
    pub number: OrderNumber,
    /// What it has come to.
    pub status: Status,
    /// Whether the payments cover the total.
    pub paid: bool,
    /// Whether a payment provider said what does not fit, so that someone has to look.
    pub needs_review: bool,
    /// Who ordered.
    pub customer: CustomerRow,
    /// Where it goes; nowhere when nothing of it is sent.
    pub shipping_address: Option<ShippingAddressRow>,
    /// Its lines, as [`items_json`] writes them.
    pub items: Box<RawValue>,
    /// The sum of its lines.
    pub total: Money,
    /// The sum of its payments.
    pub paid_amount: Money,
    /// Counts its events; its `ETag`.
    pub version: u64,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When the event that placed it was recorded.
    pub placed_recorded_at: DateTime<Utc>,
    /// Where that event stands in the log.
    pub placed_position: Position,
    /// Where its last event stands.
    pub position: Position,
}

/// Who ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerRow {
    /// Whose data this is.
    #[serde(skip)]
    pub subject_id: SubjectId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Where mails about the order go.
    pub email: String,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShippingAddressRow {
    /// Street and number.
    pub address: String,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// Country, where it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// The columns of an [`OrderRow`].
pub(super) const COLUMNS: &str = "id, number, status, paid, needs_review, subject_id, first_name, last_name, email, address, \
     postal_code, city, country, items, currency, total, paid_amount, version, placed_at, updated_at, \
     placed_recorded_at, placed_position, position";

impl<'r> FromRow<'r, PgRow> for OrderRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status = Status::parse(row.try_get("status")?)
            .ok_or_else(|| sqlx::Error::Decode("the status is not a known one".into()))?;
        Ok(Self {
            id: OrderId(row.try_get::<Uuid, _>("id")?),
            number: OrderNumber(row.try_get::<i64, _>("number")?.unsigned_abs()),
            status,
            paid: row.try_get("paid")?,
            needs_review: row.try_get("needs_review")?,
            customer: CustomerRow {
                subject_id: SubjectId(row.try_get::<Uuid, _>("subject_id")?),
                first_name: row.try_get("first_name")?,
                last_name: row.try_get("last_name")?,
                email: row.try_get("email")?,
            },
            shipping_address: ships_to(row)?,
            items: row.try_get::<Json<Box<RawValue>>, _>("items")?.0,
            total: money(row, "total")?,
            paid_amount: money(row, "paid_amount")?,
            version: row.try_get::<i64, _>("version")?.unsigned_abs(),
            placed_at: row.try_get("placed_at")?,
            updated_at: row.try_get("updated_at")?,
            placed_recorded_at: row.try_get("placed_recorded_at")?,
            placed_position: Position::from_i64(row.try_get("placed_position")?),
            position: Position::from_i64(row.try_get("position")?),
        })
    }
}

/// An address is there whole or not at all.
fn ships_to(row: &PgRow) -> Result<Option<ShippingAddressRow>, sqlx::Error> {
    let Some(address) = row.try_get("address")? else { return Ok(None) };
    Ok(Some(ShippingAddressRow {
        address,
        postal_code: row.try_get("postal_code")?,
        city: row.try_get("city")?,
        country: row.try_get("country")?,
    }))
}
