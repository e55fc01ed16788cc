//! Events with other prices. Each price is rounded to the currency's smallest unit by itself, as a shop would print it;
//! sums are made anew of the lines. Payments stay as they were made.

use super::WhatIfError;
use crate::order_totals::Days;
use crate::view_transaction::day_of;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::money::MoneyError;
use domain::order::{ItemAdded, Line, OrderEvent};
use domain::{Event, Money, Position, Recorded, Sku};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Uuid;
use std::collections::HashMap;
use std::sync::Arc;

/// The most that a price may become, as many times what it was.
const MAX_FACTOR: u32 = 1_000;

/// The most decimal places of that, so that every product is exact before it is rounded.
const MAX_FACTOR_PLACES: u32 = 10;

/// Which prices are others, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceChange {
    factor: Decimal,
    skus: Vec<Sku>,
    placed: Days,
}

/// A change that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceChangeError {
    /// Not above zero, too large, or too fine.
    #[error("the factor must be above 0, at most {MAX_FACTOR}, and of at most {MAX_FACTOR_PLACES} decimal places")]
    Factor,
    /// No day is meant.
    #[error("the range of days is empty: it ends before it begins")]
    Days,
}

impl PriceChange {
    /// Prices multiplied by `factor`: of these products, of all where none is named; in orders placed on these days.
    pub fn new(factor: Decimal, skus: Vec<Sku>, placed: Days) -> Result<Self, PriceChangeError> {
        let places = factor.normalize().scale();
        if factor <= Decimal::ZERO || factor > Decimal::from(MAX_FACTOR) || places > MAX_FACTOR_PLACES {
            return Err(PriceChangeError::Factor);
        }
        if matches!((placed.from, placed.to), (Some(from), Some(to)) if from >= to) {
            return Err(PriceChangeError::Days);
        }
        Ok(Self { factor, skus, placed })
    }

    /// What it changes, in words.
    pub fn words(&self) -> String {
        let skus: Vec<&str> = self.skus.iter().map(Sku::as_str).collect();
        let of = if skus.is_empty() { String::new() } else { format!(" of {}", skus.join(", ")) };
        let day = |word: &str, day: Option<NaiveDate>| day.map_or_else(String::new, |day| format!(" {word} {day}"));
        let last = self.placed.to.and_then(|to| to.pred_opt());
        format!("prices{of} times {}{}{}", self.factor, day("from", self.placed.from), day("to", last))
    }

    /// The products that it names, and of which no order in the totals of a schema has a piece.
    pub(super) async fn unsold(&self, session: &mut PgConnection, schema: &str) -> Result<Vec<String>, sqlx::Error> {
        let named: Vec<&str> = self.skus.iter().map(Sku::as_str).collect();
        let sql = format!(
            "SELECT DISTINCT named.sku FROM unnest($1::text[]) AS named (sku)
              WHERE NOT EXISTS (SELECT FROM {schema}.product_days AS sold WHERE sold.sku = named.sku) ORDER BY 1"
        );
        sqlx::query_scalar(&sql).persistent(false).bind(named).fetch_all(session).await
    }

    fn line(&self, line: &Line) -> Result<Line, MoneyError> {
        if !self.skus.is_empty() && !self.skus.contains(&line.sku) {
            return Ok(line.clone());
        }
        Ok(Line { unit_price: line.unit_price.scaled(self.factor)?, ..line.clone() })
    }

    fn lines(&self, lines: &[Line]) -> Result<(Arc<[Line]>, Option<Money>), MoneyError> {
        let lines: Arc<[Line]> = lines.iter().map(|line| self.line(line)).collect::<Result<_, _>>()?;
        let mut total: Option<Money> = None;
        for line in &*lines {
            let cost = line.cost()?;
            total = Some(total.map_or(Ok(cost), |total| total.checked_add(cost))?);
        }
        Ok((lines, total))
    }
}

/// What is known of an order that was placed.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Whether its prices are others.
    is_meant: bool,
    /// Its total with them.
    total: Money,
}

/// Rewrites batches, one after another.
pub(super) struct Rewriter<'a> {
    change: &'a PriceChange,
    time_zone: Tz,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(change: &'a PriceChange, time_zone: Tz) -> Self {
        Self { change, time_zone }
    }

    /// The events with their prices. What was placed in earlier batches is looked up in the rows that those led to: the
    /// connection's search path is their schema.
    pub(super) async fn rewrite(
        &self,
        batch: &[&Recorded<Event>],
        connection: &mut PgConnection,
    ) -> Result<Vec<Recorded<Event>>, WhatIfError> {
        let mut known = self.placed_before(batch, connection).await?;
        let placed_here = placed_in(batch);
        let mut rewritten = Vec::with_capacity(batch.len());
        for recorded in batch {
            let mut other = Recorded::clone(recorded);
            if let Event::Order(event) = &mut other.event {
                let at = recorded.position;
                let placed_at = placed_here.get(&*recorded.aggregate_id).copied();
                self.reprice(&recorded.aggregate_id, event, placed_at, &mut known)
                    .map_err(|source| WhatIfError::Price { position: at, source })?;
            }
            rewritten.push(other);
        }
        Ok(rewritten)
    }

    fn reprice(
        &self,
        id: &str,
        event: &mut OrderEvent,
        placed_at: Option<DateTime<Utc>>,
        known: &mut HashMap<String, Known>,
    ) -> Result<(), MoneyError> {
        let is_meant = match (known.get(id), placed_at) {
            (Some(known), _) => known.is_meant,
            (None, Some(placed_at)) => self.is_meant(placed_at),
            // A checkout that the batch cuts off: what counts is its last event, which has all lines.
            (None, None) => return Ok(()),
        };
        match event {
            OrderEvent::ItemAdded(added) => {
                let line = if is_meant { self.change.line(&added.line)? } else { added.line.clone() };
                let mut total = added.total;
                if let Some(order) = known.get_mut(id) {
                    order.total = order.total.checked_add(line.cost()?)?;
                    total = order.total;
                }
                *added = ItemAdded { line, total };
            }
            OrderEvent::OrderPlaced(placed) => {
                if is_meant {
                    let (lines, total) = self.change.lines(&placed.lines)?;
                    (placed.lines, placed.total) = (lines, total.unwrap_or(placed.total));
                }
                known.insert(id.to_owned(), Known { is_meant, total: placed.total });
            }
            OrderEvent::OrderPaid(paid) if is_meant => {
                let (lines, total) = self.change.lines(&paid.lines)?;
                (paid.lines, paid.total) = (lines, total.unwrap_or(paid.total));
            }
            OrderEvent::EmailCorrected(corrected) if is_meant => {
                let (lines, total) = self.change.lines(&corrected.lines)?;
                (corrected.lines, corrected.total) = (lines, total.unwrap_or(corrected.total));
            }
            OrderEvent::OrderPaid(_)
            | OrderEvent::EmailCorrected(_)
            | OrderEvent::PaymentRecorded(_)
            | OrderEvent::PaymentFlagged(_) => {}
        }
        Ok(())
    }

    fn is_meant(&self, placed_at: DateTime<Utc>) -> bool {
        self.change.placed.hold(day_of(placed_at, self.time_zone))
    }

    async fn placed_before(
        &self,
        batch: &[&Recorded<Event>],
        connection: &mut PgConnection,
    ) -> Result<HashMap<String, Known>, WhatIfError> {
        let mut ids: Vec<Uuid> = batch.iter().filter_map(|recorded| recorded.aggregate_id.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        let ask = sqlx::query_as("SELECT id, placed_at, total, currency FROM orders WHERE id = ANY($1)").bind(ids);
        let rows: Vec<(Uuid, DateTime<Utc>, Decimal, String)> = ask.fetch_all(connection).await?;
        let mut known = HashMap::with_capacity(rows.len());
        for (id, placed_at, total, currency) in rows {
            let total = domain::money::Currency::parse(&currency).and_then(|currency| Money::new(total, currency));
            let total = total.map_err(|source| WhatIfError::Price { position: Position::ORIGIN, source })?;
            known.insert(id.to_string(), Known { is_meant: self.is_meant(placed_at), total });
        }
        Ok(known)
    }
}

/// When each order of the batch was placed in it.
fn placed_in<'e>(batch: &[&'e Recorded<Event>]) -> HashMap<&'e str, DateTime<Utc>> {
    let placed = batch.iter().filter(|recorded| matches!(&recorded.event, Event::Order(OrderEvent::OrderPlaced(_))));
    placed.map(|recorded| (&*recorded.aggregate_id, recorded.metadata.occurred_at)).collect()
}
