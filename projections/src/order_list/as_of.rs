//! The list as it was at an earlier position.
//!
//! Which orders there were, and in which order, never changes: whoever was placed up to there. A row whose last event
//! is not behind that position is as it was; of the others the state of then is folded from their own events. So a page
//! costs what its orders cost, however long ago it was; and where what is asked for is rare, it ends early, with a
//! cursor.

use super::fold::{Changes, NewOrder};
use super::reads::{AHEAD, BEHIND, Conditions, Order, OrderPage};
use super::row::{COLUMNS, CustomerRow, OrderRow, ShippingAddressRow, items_of};
use super::{Filter, ListKey, OrderList, Status, Whose};
use crate::as_of::{AsOfError, check_reached, of_fold};
use crate::read::{Plan, rows_of};
use crate::{Page, Projection, ProjectionError, ReadError, Views};
use chrono::{DateTime, Utc};
use commands::{AsOf, StoredEvent};
use domain::ids::OrderId;
use domain::{AggregateType, Event, Position, Recorded};
use futures::future::try_join_all;
use sqlx::Row;
use std::collections::HashMap;
use std::sync::Arc;

/// How many of today's rows are looked at for one page at most, where few of them can be what is asked for. No index
/// knows which have changed since a position.
const LOOKED_AT_MOST: u32 = 10_000;
/// How many of them are weighed for one page, about: the page ends behind them.
const WEIGHED_AT_MOST: usize = 2_000;
/// How many are weighed at once, at least: one by one would be a statement for each.
const WEIGHED_AT_ONCE: u32 = 100;
/// How many events are read for that, about.
const EVENTS_AT_MOST: usize = 20_000;
/// How much further the next statement looks where one found too little.
const FURTHER: u32 = 4;

/// The orders of then behind `after`, newest first; at most `limit`. The view must have reached that moment.
///
/// A page may hold fewer, and even none, although there is a next one: where what is asked for is rare.
pub async fn list_as_of(
    views: &Views,
    whose: Whose,
    filter: &Filter,
    then: AsOf,
    after: Option<ListKey>,
    limit: u32,
) -> Result<OrderPage, AsOfError> {
    // Before the first event there was nothing.
    let Some(recorded_at) = then.recorded_at else { return Ok(Page { rows: Vec::new(), next: None }) };
    let near = limit.saturating_add(1);
    let at_once = near.max(WEIGHED_AT_ONCE);
    let question = Question { whose, filter, at: then.position, recorded_at, at_once };
    let (mut found, mut behind, mut spent) = (Vec::new(), after, Spent::default());
    let mut how_far = near;
    loop {
        let window = how_far.min(LOOKED_AT_MOST - spent.looked);
        let Looked { rows, looked } = question.look(views, behind, window).await?;
        let is_cut = rows.len() >= at_once as usize;
        let (then, events) = as_they_were(views, rows, question.at).await?;
        spent.add(looked, then.len(), events);
        for row in then {
            let key = ListKey::of(&row);
            if question.means(&row) {
                if found.len() == limit as usize {
                    return Ok(Page { rows: found, next: behind });
                }
                found.push(row);
            }
            behind = Some(key);
        }
        if !is_cut && looked < window {
            return Ok(Page { rows: found, next: None });
        }
        if spent.is_enough() {
            return Ok(Page { rows: found, next: behind });
        }
        how_far = if is_cut { at_once } else { how_far.saturating_mul(FURTHER) };
    }
}

/// What a page has cost so far.
#[derive(Debug, Default)]
struct Spent {
    /// Never above [`LOOKED_AT_MOST`].
    looked: u32,
    weighed: usize,
    events: usize,
}

impl Spent {
    fn add(&mut self, looked: u32, weighed: usize, events: usize) {
        self.looked = LOOKED_AT_MOST.min(self.looked.saturating_add(looked));
        (self.weighed, self.events) = (self.weighed + weighed, self.events + events);
    }

    fn is_enough(&self) -> bool {
        self.looked >= LOOKED_AT_MOST || self.weighed >= WEIGHED_AT_MOST || self.events >= EVENTS_AT_MOST
    }
}

/// What is asked for.
struct Question<'a> {
    whose: Whose,
    filter: &'a Filter,
    at: Position,
    /// When the event there was recorded.
    recorded_at: DateTime<Utc>,
    /// How many rows that can be meant come back at once.
    at_once: u32,
}

/// Rows of today, of which some may be meant, and how many were looked at for them.
struct Looked {
    rows: Vec<OrderRow>,
    looked: u32,
}

impl Question<'_> {
    /// Looks at the next `window` rows of the list. Those that can be meant come back, as far as they are not too many
    /// at once; and the last that was looked at, behind which the search goes on.
    async fn look(&self, views: &Views, behind: Option<ListKey>, window: u32) -> Result<Looked, AsOfError> {
        let (conditions, meant) = self.conditions(behind);
        let (order, limit) = (Order::of_list(self.whose), self.at_once);
        let select = |schema: &str| {
            let (conditions, newest_first) = (conditions.sql(schema), order.of(""));
            format!(
                "WITH looked AS MATERIALIZED (
                     SELECT id, paid, placed_at, updated_at, placed_recorded_at, placed_position, position
                       FROM {schema}.orders{conditions} ORDER BY {newest_first} LIMIT {window}
                 ), meant AS (
                     SELECT id FROM looked
                      WHERE ({meant}) OR placed_position = (SELECT min(placed_position) FROM looked)
                      ORDER BY {newest_first} LIMIT {limit}
                 )
                 SELECT true AS present, (SELECT count(*) FROM looked) AS looked, {COLUMNS}
                   FROM {schema}.orders JOIN meant USING (id)"
            )
        };
        let newest_first = order.of("found.");
        let seen =
            views.read::<OrderList>(Plan::Fresh, select, &newest_first, |query| conditions.bind_to(query)).await?;
        check_reached(seen.position, self.at)?;
        let looked = seen.value.first().map_or(Ok(0), |row| row.try_get::<i64, _>("looked"));
        let looked = u32::try_from(looked.map_err(ReadError::Database)?).unwrap_or(u32::MAX);
        Ok(Looked { rows: rows_of::<OrderList, OrderRow>(&seen.value)?, looked })
    }

    /// Which rows are looked at, in the order of an index; and which of them can be meant. Where a row has changed
    /// since, what it says now says nothing.
    fn conditions(&self, behind: Option<ListKey>) -> (Conditions, String) {
        let (filter, at) = (self.filter, self.at.as_i64());
        let (mut looked, mut meant) = (Conditions::default(), vec!["true".to_owned()]);
        looked.add_whose(self.whose);
        // Times never run backwards along positions, so the index is entered here, and not at its end.
        looked.add("placed_recorded_at <= ?", self.recorded_at);
        looked.add("placed_position <= ?", at);
        looked.add_after(behind);
        if let Some(status) = filter.status {
            looked.add("status = ?", status.as_str().to_owned());
        }
        if let Some(from) = filter.placed_from {
            looked.add(format!("placed_recorded_at >= ? - {AHEAD}"), from);
            meant.push(format!("placed_at >= {}", looked.bind(from)));
        }
        if let Some(to) = filter.placed_to {
            looked.add(format!("placed_recorded_at < ? + {BEHIND}"), to);
            meant.push(format!("placed_at < {}", looked.bind(to)));
        }
        match filter.paid {
            // What was paid then still is.
            Some(true) => looked.add("paid = ?", true),
            Some(false) => meant.push(format!("(position > {at} OR NOT paid)")),
            None => {}
        }
        if let Some(from) = filter.updated_from {
            meant.push(format!("(position > {at} OR updated_at >= {})", looked.bind(from)));
        }
        if let Some(to) = filter.updated_to {
            // Placed no later than changed.
            looked.add(format!("placed_recorded_at < ? + {BEHIND}"), to);
            meant.push(format!("(position > {at} OR updated_at < {})", looked.bind(to)));
        }
        (looked, meant.join(" AND "))
    }

    /// Whether a row of then is what is asked for.
    fn means(&self, row: &OrderRow) -> bool {
        let Filter { paid, status: _, placed_from, placed_to, updated_from, updated_to } = self.filter;
        paid.is_none_or(|paid| row.paid == paid)
            && placed_from.is_none_or(|from| row.placed_at >= from)
            && placed_to.is_none_or(|to| row.placed_at < to)
            && updated_from.is_none_or(|from| row.updated_at >= from)
            && updated_to.is_none_or(|to| row.updated_at < to)
    }
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
