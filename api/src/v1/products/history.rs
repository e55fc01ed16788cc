//! `GET /v1/products/{sku}/history`: what happened to a product, the newest first, from its own events; with
//! `prices=true` what it cost, and nothing else.

use super::super::paging::{List, PageRequest};
use super::super::reads::json;
use super::super::time;
use super::sku;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadProductHistory;
use crate::http::query::Query;
use crate::openapi::{Instant, MoneyValue};
use crate::problem::{Problem, rejection, within};
use crate::product_history::{self, Change};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::Money;
use domain::product::Product;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProductChange")]
pub(super) struct ChangeResource<'c> {
    /// The product's version from then on.
    version: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    at: DateTime<Utc>,
    /// Who did it: an API key's id, somebody of staff, or the system's own name for itself.
    actor: &'c str,
    /// The type of the event.
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<MoneyValue>")]
    price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<MoneyValue>")]
    previous_price: Option<Money>,
}

impl<'c> ChangeResource<'c> {
    fn of(change: &'c Change) -> Self {
        Self {
            version: change.version,
            at: change.at,
            actor: &change.actor,
            event: change.event,
            price: change.price.map(|changed| changed.price),
            previous_price: change.price.and_then(|changed| changed.previous),
        }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadProductHistory>,
    sku::InPath(sku): sku::InPath,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let (prices, page) = (query.boolean("prices").unwrap_or(false), PageRequest::of(&mut query));
    query.finish()?;
    let list = List::new("product history", &format!("sku={sku} prices={prices}"));
    let before: Option<u64> = page.after(&list)?;
    let mut changes = within(product_history::of(&app.log, &sku)).await?;
    if changes.is_empty() {
        return Err(rejection::not_found::<Product>());
    }
    changes.retain(|change| (!prices || change.price.is_some()) && before.is_none_or(|before| change.version < before));
    let limit = page.limit as usize;
    let is_more = changes.len() > limit;
    changes.truncate(limit);
    let next = changes.last().filter(|_| is_more).map(|change| change.version);
    Ok(json(list.page(changes.iter().map(ChangeResource::of).collect(), next.as_ref())))
}
