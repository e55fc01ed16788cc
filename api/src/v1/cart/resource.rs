//! A cart as clients see it.

use crate::openapi::MoneyValue;
use crate::problem::Problem;
use crate::shop::basket::{Basket, BasketLine, Unavailable};
use commands::shop::carts::Cart;
use domain::{Money, Prices};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Cart")]
pub(super) struct CartResource<'c> {
    id: Uuid,
    items: Vec<ItemResource<'c>>,
    /// What all that can be ordered costs; `null` where that is nothing.
    #[schemars(with = "Option<MoneyValue>")]
    total: Option<Money>,
    /// Whether an order of it needs an address.
    requires_shipping: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CartItem")]
struct ItemResource<'c> {
    sku: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    quantity: u32,
    /// Whether it can be ordered.
    available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Why not: `unknown_sku`, `withdrawn`, `other_currency`, `too_large`.
    unavailable: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<MoneyValue>")]
    unit_price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<MoneyValue>")]
    total: Option<Money>,
}

/// Which cart it is that was told so.
pub(super) fn id_of(json: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Named {
        id: Uuid,
    }
    serde_json::from_str(json).ok().map(|Named { id }| id)
}

/// A cart at these prices, as JSON.
pub(super) fn of(id: Uuid, cart: &Cart, prices: &Prices) -> Result<String, Problem> {
    let basket = Basket::of(cart, prices);
    let items = basket.lines.iter().map(item).collect();
    let resource = CartResource { id, items, total: basket.total, requires_shipping: basket.requires_shipping };
    serde_json::to_string(&resource).map_err(|_| Problem::internal())
}

fn item(line: &BasketLine) -> ItemResource<'_> {
    let price = line.price.ok();
    ItemResource {
        sku: line.sku.as_str(),
        name: line.name.as_deref(),
        quantity: line.quantity.get(),
        available: price.is_some(),
        unavailable: line.price.err().map(reason),
        unit_price: price.map(|price| price.unit),
        total: price.map(|price| price.line),
    }
}

fn reason(unavailable: Unavailable) -> &'static str {
    match unavailable {
        Unavailable::Unknown => "unknown_sku",
        Unavailable::Withdrawn => "withdrawn",
        Unavailable::OtherCurrency => "other_currency",
        Unavailable::TooDear => "too_large",
    }
}
