//! The list as it was at an earlier position.
//!
//! Which orders there were, and in which order, never changes: whoever was placed up to there. A row whose last event is not behind
//! that position is as it was; of the others the state of then is folded from their own events. So a page costs what its orders
//! cost, however long ago it was.

use super::fold::{Changes, NewOrder};
use super::reads::{Conditions, Order, OrderPage, conditions, rows};
use super::row::{CustomerRow, OrderRow, ShippingAddressRow, Status, items_of};
use super::{Filter, ListKey, OrderList, Whose};
use crate::as_of::{AsOfError, check_reached, of_fold};
use crate::read::Plan;
use crate::{Page, Projection, ProjectionError, ReadError, Views};
use commands::StoredEvent;
use domain::ids::OrderId;
use domain::{AggregateType, Event, Position, Recorded};
use futures::future::try_join_all;
use std::collections::HashMap;
use std::sync::Arc;

/// How many orders are looked at for one page at most, where few of them are what is asked for.
const LOOKED_AT_MOST: usize = 2_000;
/// How many events are read for one page, about: the page ends behind the orders of which these were.
const EVENTS_AT_MOST: usize = 20_000;

/// The orders of then behind `after`, newest first; at most `limit`. The view must have reached `at`.
///
/// A page may hold fewer, and even none, although there is a next one: where what is asked for is rare among the orders that have
/// changed since.
pub async fn list_as_of(
    views: &Views,
    whose: Whose,
    filter: &Filter,
    at: Position,
    after: Option<ListKey>,
    limit: u32,
) -> Result<OrderPage, AsOfError> {
    let order = Order::of_list(whose);
    let (mut found, mut behind, mut looked, mut events) = (Vec::new(), after, 0, 0);
    loop {
        let conditions = conditions_as_of(whose, filter, at, behind);
        let seen = rows(views, conditions, order, Plan::Fresh, limit).await?;
        check_reached(seen.position, at)?;
        let mut candidates = seen.value;
        let is_last = candidates.len() <= limit as usize;
        candidates.truncate(limit as usize);
        let (then, read) = as_they_were(views, candidates, at).await?;
        (looked, events) = (looked + then.len(), events + read);
        for row in then {
            let key = ListKey::of(&row);
            if matches(filter, &row) {
                if found.len() == limit as usize {
                    return Ok(Page { rows: found, next: behind });
                }
                found.push(row);
            }
            behind = Some(key);
        }
        if is_last {
            return Ok(Page { rows: found, next: None });
        }
        if looked >= LOOKED_AT_MOST || events >= EVENTS_AT_MOST {
            return Ok(Page { rows: found, next: behind });
        }
    }
}

/// What can't have changed is asked of today's rows as it is; the rest only where nothing has changed.
fn conditions_as_of(whose: Whose, filter: &Filter, at: Position, after: Option<ListKey>) -> Conditions {
    let lasting = Filter { paid: None, updated_from: None, updated_to: None, ..filter.clone() };
    let mut found = conditions(&lasting, after);
    found.add_whose(whose);
    found.add("placed_position <= ?", at.as_i64());
    let at = at.as_i64();
    match filter.paid {
        // What was paid then still is.
        Some(true) => found.add("paid = ?", true),
        Some(false) => found.add(format!("(position > {at} OR paid = ?)"), false),
        None => {}
    }
    if let Some(from) = filter.updated_from {
        found.add(format!("(position > {at} OR updated_at >= ?)"), from);
    }
    if let Some(to) = filter.updated_to {
        found.add(format!("(position > {at} OR updated_at < ?)"), to);
    }
    found
}

fn matches(filter: &Filter, row: &OrderRow) -> bool {
    filter.paid.is_none_or(|paid| row.paid == paid)
        && filter.updated_from.is_none_or(|from| row.updated_at >= from)
        && filter.updated_to.is_none_or(|to| row.updated_at < to)
}

/// The rows as they were, and how many events that took.
async fn as_they_were(views: &Views, rows: Vec<OrderRow>, at: Position) -> Result<(Vec<OrderRow>, usize), AsOfError> {
    let now = rows.into_iter().map(|row| async move {
        if row.position <= at {
            return Ok((Some(row), 0));
        }
        let id = row.id.to_string();
        let events = views.log().read_stream(AggregateType::Order, &id, 1).await.map_err(ReadError::Log)?;
        Ok::<_, AsOfError>((row_of(&events, at)?, events.len()))
    });
    let then = try_join_all(now).await?;
    let read = then.iter().map(|(_, read)| read).sum();
    Ok((then.into_iter().filter_map(|(row, _)| row).collect(), read))
}

/// The row that an order's events up to a position lead to; none before it is placed.
pub fn row_of(events: &[Arc<StoredEvent>], at: Position) -> Result<Option<OrderRow>, AsOfError> {
    let then: Result<Vec<&Recorded<Event>>, _> =
        events.iter().take_while(|event| event.position <= at).map(|event| event.recorded()).collect();
    let then = then.map_err(|error| ReadError::Log(error.clone().into()))?;
    fold(&then).map_err(of_fold(OrderList::NAME))
}

fn fold(events: &[&Recorded<Event>]) -> Result<Option<OrderRow>, ProjectionError> {
    let mut changes = Changes::default();
    for recorded in events {
        let Event::Order(event) = &recorded.event else { continue };
        changes.take(recorded, event)?;
    }
    let (placed, _) = changes.into_rows(&HashMap::new())?;
    placed.first().map(row).transpose()
}

/// What is inserted for the order, as it would be read again.
fn row(order: &NewOrder<'_>) -> Result<OrderRow, ProjectionError> {
    let customer = order.customer();
    let items = items_of(&order.items).map_err(|error| ProjectionError::unusable(order.position, error))?;
    Ok(OrderRow {
        id: OrderId(order.id),
        number: order.placed.number,
        status: Status::Placed,
        paid: order.change.paid,
        needs_review: order.change.flagged,
        customer: CustomerRow {
            subject_id: customer.subject_id,
            first_name: customer.first_name.to_string(),
            last_name: customer.last_name.to_string(),
            email: order.email().to_string(),
        },
        shipping_address: order.ships_to().map(|to| ShippingAddressRow {
            address: to.address.to_string(),
            postal_code: to.postal_code.to_string(),
            city: to.city.to_string(),
            country: to.country.as_ref().map(ToString::to_string),
        }),
        items,
        total: order.total(),
        paid_amount: order.paid_amount(),
        version: order.change.version,
        placed_at: order.placed_at,
        updated_at: order.change.updated_at,
        placed_recorded_at: order.recorded_at,
        placed_position: order.position,
        position: order.change.position,
    })
}
