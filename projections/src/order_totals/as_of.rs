//! The totals as they were at an earlier position.
//!
//! Each event adds to the totals what it says, and nothing else does. So those of then are what all events up to there
//! add up to; and they are today's without what the events since have added. The shorter of the two ways is taken.

use super::OrderTotals;
use super::fold::Sums;
use super::reads::{
    Amounts, DayKey, DayTotals, Days, OfBuild, ProductKey, ProductTotals, Units, read_days, read_products,
};
use crate::as_of::{AsOfError, check_reached, of_feed, of_fold};
use crate::feed::{Batch, Feed};
use crate::sum::Sum;
use crate::view_transaction::day_of;
use crate::{Page, Projection, ReadBuild, ReadError, RunError, Seen, Views};
use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::money::Currency;
use domain::order::OrderEvent;
use domain::{AggregateType, Event, Money, Position};
use futures::future::try_join_all;
use sqlx::types::Uuid;
use std::collections::{BTreeMap, HashMap};

/// How many orders are looked up at once.
const LOOKED_UP_AT_ONCE: usize = 128;

/// What was placed and what was paid, of one row.
#[derive(Debug, Clone, Copy, Default)]
struct Both {
    placed: Sum,
    paid: Sum,
}

/// Rows by their keys. Days count backwards, as the newest come first.
type ByDay = BTreeMap<(std::cmp::Reverse<NaiveDate>, &'static str), (Currency, Both)>;
type ByProduct = BTreeMap<(String, &'static str), (Currency, Both)>;

/// Says how far a fold is: events read, of how many.
pub type Tell<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Totals of an earlier moment that are asked for. The same question has the same answer for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Past {
    /// Where the log ended. The view must have reached it.
    pub at: Position,
    /// Of which days.
    pub days: Days,
    /// Whose days these are. An answer is never made of this build and another one.
    pub build: ReadBuild,
}

impl Past {
    /// Totals in the days of the build that is read now.
    pub async fn of(views: &Views, days: Days, at: Position) -> Result<Self, AsOfError> {
        Ok(Self { at, days, build: views.build_of::<OrderTotals>().await? })
    }
}

/// What one answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Events that are read.
    pub events: u64,
    /// Rows that are held, of all its pages.
    pub rows: u32,
}

impl Bounds {
    /// Whatever it takes.
    pub const NONE: Self = Self { events: u64::MAX, rows: u32::MAX };
}

/// All that [`by_day`](super::by_day) would have listed then. Says how many events of how many it has read.
///
/// [`ReadError::Exchanged`] where another build is read by now: ask anew.
pub async fn by_day_as_of(
    views: &Views,
    past: &Past,
    most: Bounds,
    tell: Tell<'_>,
) -> Result<Vec<DayTotals>, AsOfError> {
    let mut then = ByDay::new();
    let way = Way::of(views, past.at, most.events).await?;
    let base = match way {
        Way::FromOrigin => None,
        Way::BackFromNow => Some(past.whole(read_days(views, past.days, None, most.rows).await?, most.rows)?),
    };
    let range = way.range(past.at, base.as_ref().map(|base| base.position), most.events)?;
    for row in base.into_iter().flat_map(|base| base.value) {
        let currency = row.placed.revenue.currency();
        let both = Both {
            placed: sum_of(row.placed.orders, row.placed.revenue),
            paid: sum_of(row.paid.orders, row.paid.revenue),
        };
        then.insert((std::cmp::Reverse(row.day), currency.code()), (currency, both));
    }
    fold_range(views, past.build.time_zone, range, tell, |sums| {
        for row in sums.into_rows().0.into_iter().filter(|row| past.days.hold(row.day)) {
            let (_, both) = then
                .entry((std::cmp::Reverse(row.day), row.currency.code()))
                .or_insert((row.currency, Both::default()));
            way.add(both, row.placed, row.paid).ok_or_else(unfit)?;
        }
        check_rows(then.len(), most.rows)
    })
    .await?;
    let rows = then.into_iter().filter(|(_, (_, both))| both.is_something());
    rows.map(|((day, _), (currency, both))| {
        let amounts = |sum: Sum| Some(Amounts { orders: count(sum)?, revenue: revenue(sum, currency)? });
        let (placed, paid) = (amounts(both.placed), amounts(both.paid));
        Ok(DayTotals { day: day.0, placed: placed.ok_or_else(unfit)?, paid: paid.ok_or_else(unfit)? })
    })
    .collect()
}

/// All that [`by_product`](super::by_product) would have listed then, as [`by_day_as_of`] does it.
pub async fn by_product_as_of(
    views: &Views,
    past: &Past,
    most: Bounds,
    tell: Tell<'_>,
) -> Result<Vec<ProductTotals>, AsOfError> {
    let mut then = ByProduct::new();
    let way = Way::of(views, past.at, most.events).await?;
    let base = match way {
        Way::FromOrigin => None,
        Way::BackFromNow => Some(past.whole(read_products(views, past.days, None, most.rows).await?, most.rows)?),
    };
    let range = way.range(past.at, base.as_ref().map(|base| base.position), most.events)?;
    for row in base.into_iter().flat_map(|base| base.value) {
        let currency = row.placed.revenue.currency();
        let both = Both {
            placed: sum_of(row.placed.quantity, row.placed.revenue),
            paid: sum_of(row.paid.quantity, row.paid.revenue),
        };
        then.insert((row.sku, currency.code()), (currency, both));
    }
    fold_range(views, past.build.time_zone, range, tell, |sums| {
        for row in sums.into_rows().1.into_iter().filter(|row| past.days.hold(row.day)) {
            let (_, both) =
                then.entry((row.sku.to_owned(), row.currency.code())).or_insert((row.currency, Both::default()));
            way.add(both, row.placed, row.paid).ok_or_else(unfit)?;
        }
        check_rows(then.len(), most.rows)
    })
    .await?;
    let rows = then.into_iter().filter(|(_, (_, both))| both.is_something());
    rows.map(|((sku, _), (currency, both))| {
        let units = |sum: Sum| Some(Units { quantity: count(sum)?, revenue: revenue(sum, currency)? });
        let (placed, paid) = (units(both.placed), units(both.paid));
        Ok(ProductTotals { sku, placed: placed.ok_or_else(unfit)?, paid: paid.ok_or_else(unfit)? })
    })
    .collect()
}

/// The page behind `after` of what [`by_day_as_of`] came to.
pub fn page_of_days(all: &[DayTotals], after: Option<&DayKey>, limit: u32) -> Page<DayTotals, DayKey> {
    let begin = after.map_or(0, |key| {
        all.partition_point(|row| {
            let code = row.placed.revenue.currency().code();
            row.day > key.day || (row.day == key.day && code <= key.currency.as_str())
        })
    });
    Page::cut(all.iter().skip(begin).take(limit as usize + 1).copied().collect(), limit, DayKey::of)
}

/// The page behind `after` of what [`by_product_as_of`] came to.
pub fn page_of_products(
    all: &[ProductTotals],
    after: Option<&ProductKey>,
    limit: u32,
) -> Page<ProductTotals, ProductKey> {
    let begin = after.map_or(0, |key| {
        all.partition_point(|row| {
            let code = row.placed.revenue.currency().code();
            (row.sku.as_str(), code) <= (key.sku.as_str(), key.currency.as_str())
        })
    });
    Page::cut(all.iter().skip(begin).take(limit as usize + 1).cloned().collect(), limit, ProductKey::of)
}

/// How the totals of then are come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    FromOrigin,
    BackFromNow,
}

impl Way {
    /// The shorter one.
    async fn of(views: &Views, at: Position, most_events: u64) -> Result<Self, AsOfError> {
        let now = views.position(OrderTotals::NAME).await?;
        check_reached(now, at)?;
        let (forward, back) = (at.0, now.0 - at.0);
        let events = forward.min(back);
        if events > most_events {
            return Err(AsOfError::TooMuch { events, most: most_events });
        }
        Ok(if forward <= back { Self::FromOrigin } else { Self::BackFromNow })
    }

    /// The events to read: behind the first position up to the second. `base` is what today's rows are of.
    fn range(self, at: Position, base: Option<Position>, most: u64) -> Result<(Position, Position), AsOfError> {
        let range = base.map_or((Position::ORIGIN, at), |base| (at, base));
        let events = range.1.0.saturating_sub(range.0.0);
        // A crash of PostgreSQL may have taken the view's last moment back.
        check_reached(range.1, at)?;
        if events > most { Err(AsOfError::TooMuch { events, most }) } else { Ok(range) }
    }

    /// Adds what events brought, or takes it away again; `None` where that can't be held.
    fn add(self, both: &mut Both, placed: Sum, paid: Sum) -> Option<()> {
        for (sum, change) in [(&mut both.placed, placed), (&mut both.paid, paid)] {
            let (count, revenue) = match self {
                Self::FromOrigin => (sum.count.checked_add(change.count)?, sum.revenue.checked_add(change.revenue)?),
                Self::BackFromNow => (sum.count.checked_sub(change.count)?, sum.revenue.checked_sub(change.revenue)?),
            };
            *sum = Sum { count, revenue };
        }
        Some(())
    }
}

impl Both {
    /// Whatever adds to a row adds an order or a piece.
    fn is_something(&self) -> bool {
        self.placed != Sum::default() || self.paid != Sum::default()
    }
}

/// Sums up what the events of a range add, a batch at a time.
async fn fold_range(
    views: &Views,
    time_zone: Tz,
    (after, through): (Position, Position),
    tell: Tell<'_>,
    mut take: impl FnMut(Sums<'_>) -> Result<(), AsOfError> + Send,
) -> Result<(), AsOfError> {
    let name = OrderTotals::NAME;
    let mut feed = Feed::new(views.log(), OrderTotals::WANTS, after);
    let (mut at, total) = (after, through.0 - after.0);
    while at < through {
        tell(at.0 - after.0, total);
        let batch = feed.next().await.map_err(of_feed)?.up_to(through);
        if batch.is_empty() {
            let fault = batch.fault.map(|fault| RunError::Unreadable { name, fault });
            return Err(of_feed(fault.unwrap_or_else(|| RunError::Registry(format!("nothing behind position {at}")))));
        }
        let wanted = batch.wanted();
        let mut sums = Sums::default();
        for recorded in &wanted {
            let Event::Order(event) = &recorded.event else { continue };
            let day = day_of(recorded.metadata.occurred_at, time_zone);
            sums.take(recorded, event, day).map_err(of_fold(name))?;
        }
        let days = days_of(views, sums.orders_of_late_lines(), &batch, time_zone).await?;
        sums.take_late_lines(&days).map_err(of_fold(name))?;
        take(sums)?;
        at = batch.through();
    }
    tell(total, total);
    Ok(())
}

/// The days of those orders that were placed before the batch. A checkout that the batch cuts off is not placed yet,
/// and counts with its last event.
async fn days_of(
    views: &Views,
    orders: Vec<Uuid>,
    batch: &Batch,
    time_zone: Tz,
) -> Result<HashMap<Uuid, NaiveDate>, AsOfError> {
    let mut days = HashMap::with_capacity(orders.len());
    for some in orders.chunks(LOOKED_UP_AT_ONCE) {
        let streams = some.iter().map(|order| async move {
            let events = views.log().read_stream(AggregateType::Order, &order.to_string(), 1).await;
            events.map(|events| (*order, events))
        });
        for (order, events) in try_join_all(streams).await.map_err(ReadError::Log)? {
            for stored in events.iter().take_while(|event| event.position <= batch.after()) {
                let recorded = stored.recorded().map_err(|error| ReadError::Log(error.clone().into()))?;
                if let Event::Order(OrderEvent::OrderPlaced(_)) = &recorded.event {
                    days.insert(order, day_of(recorded.metadata.occurred_at, time_zone));
                }
            }
        }
    }
    Ok(days)
}

impl Past {
    /// A first page that must be all there is, and of the build whose days are meant.
    fn whole<T, K>(&self, (seen, build): OfBuild<T, K>, most: u32) -> Result<Seen<Vec<T>>, AsOfError> {
        if !build.is(&self.build) {
            return Err(ReadError::Exchanged { name: OrderTotals::NAME }.into());
        }
        if seen.value.next.is_some() {
            return Err(AsOfError::TooManyRows { most });
        }
        Ok(seen.map(|page| page.rows))
    }
}

fn check_rows(rows: usize, most: u32) -> Result<(), AsOfError> {
    if rows > most as usize { Err(AsOfError::TooManyRows { most }) } else { Ok(()) }
}

fn sum_of(count: u64, revenue: Money) -> Sum {
    Sum { count: count.cast_signed(), revenue: revenue.amount() }
}

fn count(sum: Sum) -> Option<u64> {
    u64::try_from(sum.count).ok()
}

fn revenue(sum: Sum, currency: Currency) -> Option<Money> {
    Money::new(sum.revenue, currency).ok()
}

/// Less than nothing, or more than can be held.
fn unfit() -> AsOfError {
    let fault = "the rows are not what the log adds up to: `orders verify --only views` tells which".to_owned();
    ReadError::Malformed { name: OrderTotals::NAME, fault }.into()
}
