//! What a batch adds to the counters.

use super::reads::Span;
use crate::ProjectionError;
use crate::sum::Sum;
use chrono::{DateTime, NaiveDate, Utc};
use domain::order::{Customer, ItemAdded, Line, OrderEvent, OrderPaid, OrderPlaced, PaymentFlagged};
use domain::{Event, Money, Position, Recorded};
use sqlx::types::Uuid;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone, Copy)]
enum Stage {
    Placed,
    Paid,
    TakenBack,
}

/// What is counted by. In the order of its words, so that all who write lock rows in the order of the primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    All,
    City,
    Product,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::City => "city",
            Self::Product => "product",
        }
    }
}

/// A row to add to `sold`.
#[derive(Debug)]
pub(super) struct SoldRow {
    pub(super) kind: Kind,
    pub(super) day: NaiveDate,
    pub(super) currency: &'static str,
    pub(super) key: String,
    pub(super) label: String,
    pub(super) placed: Sum,
    pub(super) paid: Sum,
    pub(super) taken_back: Sum,
}

/// A row to add to `payment_times`.
#[derive(Debug)]
pub(super) struct TimeRow {
    pub(super) day: NaiveDate,
    pub(super) span: i16,
    pub(super) orders: i64,
    pub(super) waited_ms: i64,
}

/// What an order's later events count by.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) day: NaiveDate,
    pub(super) placed_at: DateTime<Utc>,
    pub(super) place: String,
}

/// An order placed in this batch.
#[derive(Debug)]
pub(super) struct NewOrder {
    pub(super) id: Uuid,
    pub(super) known: Known,
}

#[derive(Debug)]
struct Counted {
    label: String,
    /// Of the event that wrote the label: the first of the log wins, however the log is cut into batches.
    labelled_at: Position,
    placed: Sum,
    paid: Sum,
    taken_back: Sum,
}

/// What waits until it is known when its order was placed.
#[derive(Debug)]
enum Waiting<'e> {
    /// A line added later, or one of a checkout whose `OrderPlaced`, which has all lines, is still to come.
    Line(Position, &'e ItemAdded),
    Paid(Position, DateTime<Utc>),
}

/// The sums of a batch.
#[derive(Debug, Default)]
pub(super) struct Sums<'e> {
    sold: BTreeMap<(Kind, NaiveDate, &'static str, String), Counted>,
    times: BTreeMap<(NaiveDate, i16), (i64, i64)>,
    /// The orders placed in this batch, in order.
    pub(super) placed: Vec<NewOrder>,
    /// Where in it each is.
    index: HashMap<Uuid, usize>,
    waiting: HashMap<Uuid, Vec<Waiting<'e>>>,
}

impl<'e> Sums<'e> {
    /// Takes in an event that occurred on `day`.
    pub(super) fn take(
        &mut self,
        recorded: &'e Recorded<Event>,
        event: &'e OrderEvent,
        day: NaiveDate,
    ) -> Result<(), ProjectionError> {
        let (at, occurred_at) = (recorded.position, recorded.metadata.occurred_at);
        let id: Uuid = recorded.aggregate_id.parse().map_err(|error| ProjectionError::unusable(at, error))?;
        match event {
            OrderEvent::ItemAdded(added) => self.later(id, Waiting::Line(at, added)),
            OrderEvent::OrderPlaced(order) => self.place(at, id, order, day, occurred_at),
            OrderEvent::OrderPaid(order) => {
                self.pay(at, order, day)?;
                self.later(id, Waiting::Paid(at, occurred_at))
            }
            OrderEvent::PaymentFlagged(flagged) => self.take_back(at, flagged, day),
            OrderEvent::PaymentRecorded(_) | OrderEvent::EmailCorrected(_) => Ok(()),
        }
    }

    /// The orders that must be looked up before [`Sums::take_what_waited`].
    pub(super) fn orders_of_before(&self) -> Vec<Uuid> {
        self.waiting.keys().copied().collect()
    }

    /// Takes in what concerns orders that were placed before this batch.
    pub(super) fn take_what_waited(&mut self, earlier: &HashMap<Uuid, Known>) -> Result<(), ProjectionError> {
        for (id, waiting) in std::mem::take(&mut self.waiting) {
            let Some(known) = earlier.get(&id) else { continue };
            for waiting in waiting {
                self.take_of(known, waiting)?;
            }
        }
        Ok(())
    }

    /// The rows to add.
    pub(super) fn into_rows(self) -> (Vec<SoldRow>, Vec<TimeRow>) {
        let sold = self.sold.into_iter().map(|((kind, day, currency, key), counted)| {
            let Counted { label, placed, paid, taken_back, .. } = counted;
            SoldRow { kind, day, currency, key, label, placed, paid, taken_back }
        });
        let times = self.times.into_iter();
        let times = times.map(|((day, span), (orders, waited_ms))| TimeRow { day, span, orders, waited_ms });
        (sold.collect(), times.collect())
    }

    fn place(
        &mut self,
        at: Position,
        id: Uuid,
        order: &OrderPlaced,
        day: NaiveDate,
        placed_at: DateTime<Utc>,
    ) -> Result<(), ProjectionError> {
        // The lines of its own checkout.
        self.waiting.remove(&id);
        let place = place_of(&order.customer);
        self.add(at, Stage::Placed, (Kind::All, day, ""), 1, order.total)?;
        self.add(at, Stage::Placed, (Kind::City, day, &place), 1, order.total)?;
        for line in order.lines.iter() {
            self.add_line(at, Stage::Placed, day, line)?;
        }
        self.index.insert(id, self.placed.len());
        self.placed.push(NewOrder { id, known: Known { day, placed_at, place } });
        Ok(())
    }

    fn pay(&mut self, at: Position, order: &OrderPaid, day: NaiveDate) -> Result<(), ProjectionError> {
        self.add(at, Stage::Paid, (Kind::All, day, ""), 1, order.total)?;
        self.add(at, Stage::Paid, (Kind::City, day, &place_of(&order.customer)), 1, order.total)?;
        order.lines.iter().try_for_each(|line| self.add_line(at, Stage::Paid, day, line))
    }

    /// What a provider took back, on the day on which it says so. Other flags are of payments that were never counted.
    fn take_back(&mut self, at: Position, flagged: &PaymentFlagged, day: NaiveDate) -> Result<(), ProjectionError> {
        if !flagged.conflict.is_reversal() {
            return Ok(());
        }
        self.add(at, Stage::TakenBack, (Kind::All, day, ""), 1, flagged.amount)
    }

    /// Takes it in now if the order was placed in this batch, else once it is looked up.
    fn later(&mut self, id: Uuid, waiting: Waiting<'e>) -> Result<(), ProjectionError> {
        let known = self.index.get(&id).and_then(|index| self.placed.get(*index)).map(|order| order.known.clone());
        match known {
            Some(known) => self.take_of(&known, waiting),
            None => {
                self.waiting.entry(id).or_default().push(waiting);
                Ok(())
            }
        }
    }

    fn take_of(&mut self, known: &Known, waiting: Waiting<'_>) -> Result<(), ProjectionError> {
        match waiting {
            Waiting::Line(at, added) => {
                let cost = added.line.cost().map_err(|error| ProjectionError::unusable(at, error))?;
                self.add(at, Stage::Placed, (Kind::All, known.day, ""), 0, cost)?;
                self.add(at, Stage::Placed, (Kind::City, known.day, &known.place), 0, cost)?;
                self.add_line(at, Stage::Placed, known.day, &added.line)
            }
            Waiting::Paid(at, paid_at) => {
                // Clocks of two machines may disagree; nobody pays before ordering.
                let waited_ms = paid_at.signed_duration_since(known.placed_at).num_milliseconds().max(0);
                let (orders, sum_ms) = self.times.entry((known.day, Span::of_ms(waited_ms).number())).or_default();
                *orders += 1;
                *sum_ms = sum_ms.checked_add(waited_ms).ok_or_else(|| too_large(at))?;
                Ok(())
            }
        }
    }

    fn add_line(&mut self, at: Position, stage: Stage, day: NaiveDate, line: &Line) -> Result<(), ProjectionError> {
        let cost = line.cost().map_err(|error| ProjectionError::unusable(at, error))?;
        let key = (Kind::Product, day, cost.currency().code(), line.sku.as_str().to_owned());
        self.add_to(at, stage, key, line.name.as_str(), (line.quantity.get(), cost))
    }

    fn add(
        &mut self,
        at: Position,
        stage: Stage,
        (kind, day, label): (Kind, NaiveDate, &str),
        count: u32,
        revenue: Money,
    ) -> Result<(), ProjectionError> {
        let key = (kind, day, revenue.currency().code(), label.to_lowercase());
        self.add_to(at, stage, key, label, (count, revenue))
    }

    fn add_to(
        &mut self,
        at: Position,
        stage: Stage,
        key: (Kind, NaiveDate, &'static str, String),
        label: &str,
        (count, revenue): (u32, Money),
    ) -> Result<(), ProjectionError> {
        let counted = self.sold.entry(key).or_insert_with(|| Counted {
            label: label.to_owned(),
            labelled_at: at,
            placed: Sum::default(),
            paid: Sum::default(),
            taken_back: Sum::default(),
        });
        if at < counted.labelled_at {
            (counted.label, counted.labelled_at) = (label.to_owned(), at);
        }
        let sum = match stage {
            Stage::Placed => &mut counted.placed,
            Stage::Paid => &mut counted.paid,
            Stage::TakenBack => &mut counted.taken_back,
        };
        sum.add(count, revenue).ok_or_else(|| too_large(at))
    }
}

/// The city, with the country where there is one; empty where nothing is sent.
fn place_of(customer: &Customer) -> String {
    let Some(to) = &customer.shipping_address else { return String::new() };
    match &to.country {
        Some(country) => format!("{}, {}", to.city.as_str(), country.as_str()),
        None => to.city.as_str().to_owned(),
    }
}

fn too_large(at: Position) -> ProjectionError {
    ProjectionError::unusable(at, "the sum is too large to be held exactly")
}
