//! A friendly word to whoever ordered a day ago and has not paid: once per order.
//!
//! [`UnpaidOrders`] reads the log a day behind its head, and puts in a job for each order that it finds unpaid there;
//! most are paid by then, and cost no row. [`PaymentReminder`] looks once more, and writes: not to whom somebody behind
//! the counter has to write first, as what came in does not fit, nor to whoever is paying.

use super::full_name;
use super::history::{History, unread};
use super::letter::{Content, html, text};
use crate::language::Lang;
use crate::mail::{Letter, Mailer};
use crate::scheduled;
use chrono::{DateTime, Utc};
use commands::payments::intents;
use commands::schedule::{Done, Failure, Job, NewJob, Retry, Run, Schedule, Task};
use commands::{Log, StoredEvent};
use domain::Position;
use domain::ids::{EventId, OrderId};
use domain::order::{Order, OrderPlaced};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The name of the task that writes.
pub(crate) const REMINDER: &str = "payment_reminder";
/// How long after an order was placed.
const AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// How much later than that nobody is reminded any more: reminders may have been off for a while.
const MOST_LATE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often it is looked for such orders.
const EVERY: Duration = Duration::from_secs(60);
/// How long one look goes on, about, where there is a lot to catch up on; the next goes on from there.
const LOOK_FOR: Duration = Duration::from_secs(40);
/// How many events are read at a time.
const READ_ROWS: u32 = 500;
/// How many orders are looked at at once.
const AT_ONCE: usize = 8;
/// How long it is put off while a payment is under way, and how often: whose payment never ends is not asked for
/// another one.
const WHILE_PAYING: Duration = Duration::from_secs(6 * 60 * 60);
const MAX_PUT_OFF: u64 = 8;
/// What one look leaves the next one takes.
const INSIST: Retry = Retry { first: Duration::from_secs(5), longest: Duration::from_secs(30), attempts: 3 };

/// Makes the address under which an order is paid.
pub type PayLink = Arc<dyn Fn(OrderId) -> String + Send + Sync>;

/// Finds the orders that were placed a day ago and are not paid.
pub struct UnpaidOrders {
    log: Log,
    schedule: Schedule,
}

impl UnpaidOrders {
    /// Finds them in this log.
    pub fn new(log: Log, schedule: Schedule) -> Self {
        Self { log, schedule }
    }

    async fn look(&self, run: &Run) -> Result<Done, Failure> {
        let placed_before = run.now() - AFTER;
        let mut after = match run.payload()["after"].as_u64() {
            Some(position) => Position(position),
            // Whoever ordered before there were reminders is left in peace.
            None => self.log.position_at(placed_before).await.map_err(unread)?,
        };
        let started = Instant::now();
        while started.elapsed() < LOOK_FOR {
            let events = self.log.read(after, READ_ROWS).await.map_err(unread)?;
            let due = events.iter().take_while(|event| event.recorded_at <= placed_before).count();
            let Some(last) = due.checked_sub(1).and_then(|last| events.get(last)) else { break };
            let placed = events[..due].iter().filter(|event| event.event_type == OrderPlaced::TYPE);
            let placed = placed.filter(|event| event.recorded_at > placed_before - MOST_LATE);
            let looks: Vec<_> = placed.map(|event| self.put_if_unpaid(event, run)).collect();
            stream::iter(looks).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            after = last.position;
        }
        Ok(Done::keeping(json!({ "after": after.0 })))
    }

    async fn put_if_unpaid(&self, event: &StoredEvent, run: &Run) -> Result<(), Failure> {
        let is_asked_for = match History::load(&self.log, &event.aggregate_id).await {
            Ok(history) => is_asked_for(&history.order),
            // It must not keep the others from being found: its own job will say what is the matter.
            Err(Failure::Permanent(_)) => true,
            Err(failure) => return Err(failure),
        };
        if is_asked_for {
            let (key, run_at) = (&*event.aggregate_id, run.now());
            self.schedule.put(&NewJob { task: REMINDER, key, payload: json!({}), run_at }).await?;
        }
        Ok(())
    }
}

impl Task for UnpaidOrders {
    fn name(&self) -> &'static str {
        "unpaid_orders"
    }

    fn every(&self) -> Option<Duration> {
        Some(EVERY)
    }

    fn at_most(&self) -> Duration {
        LOOK_FOR * 3
    }

    fn retry(&self) -> Retry {
        INSIST
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        self.look(run).boxed()
    }
}

/// Writes to who has still not paid.
pub struct PaymentReminder {
    log: Log,
    mailer: Mailer,
    link: PayLink,
}

impl PaymentReminder {
    /// Writes by this mailer, with a link to where it is paid.
    pub fn new(log: Log, mailer: Mailer, link: PayLink) -> Self {
        Self { log, mailer, link }
    }

    async fn remind(&self, run: &mut Run) -> Result<Done, Failure> {
        let history = History::load(&self.log, run.key()).await?;
        if !is_asked_for(&history.order) {
            return Ok(Done::plainly());
        }
        let (Some(order), Some(placed), Ok(id)) =
            (history.order.placed(), history.placed(), run.key().parse::<OrderId>())
        else {
            return Err(Failure::Permanent("there is no such order".to_owned()));
        };
        if placed.recorded_at < run.now() - AFTER - MOST_LATE {
            return Ok(Done::plainly());
        }
        if intents::under_way(run.pool(), id).await? {
            return Ok(put_off(run));
        }
        let lang = Lang::accepted(placed.metadata.locale.as_deref().unwrap_or_default());
        let content = Content::reminder(lang, order).map_err(|error| Failure::Permanent(error.to_string()))?;
        let content = content.leading_to(Some((self.link)(id))).signed(self.mailer.shop_name());
        let unwritten = |error: askama::Error| Failure::Permanent(format!("the mail's template: {error}"));
        let letter = Letter {
            address: order.customer.email.as_str(),
            name: full_name(&order.customer),
            subject: content.subject.clone(),
            text: text(&content).map_err(unwritten)?,
            html: html(&content).map_err(unwritten)?,
        };
        let message_id = self.mailer.message_id(REMINDER, EventId(id.0), order.customer.subject_id.0);
        scheduled::send(&self.mailer, run, &letter, &message_id, None).await
    }
}

/// What became of the reminder about an order, if there was to be one lately.
pub async fn of_order(schedule: &Schedule, order: OrderId) -> Result<Option<Job>, sqlx::Error> {
    Ok(schedule.of_keys(REMINDER, &[order.to_string()]).await?.into_iter().next())
}

/// Why nobody is reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoReminder {
    /// Nothing is to be paid any more.
    Paid,
    /// A provider said what does not fit: money may have been taken.
    Flagged,
    /// It was placed less than a day ago.
    Early,
}

/// Why nobody is reminded of an order at `now`, if so. Whoever is paying is not reminded either; that is not looked at
/// here.
pub(crate) fn why_not(order: &Order, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<NoReminder> {
    if order.is_paid() {
        Some(NoReminder::Paid)
    } else if order.needs_review() {
        Some(NoReminder::Flagged)
    } else {
        (placed_at > now - AFTER).then_some(NoReminder::Early)
    }
}

/// Whether the shop waits for its customer: not where a provider said what does not fit, as money may have been taken.
fn is_asked_for(order: &Order) -> bool {
    !order.is_paid() && !order.needs_review()
}

fn put_off(run: &Run) -> Done {
    let times = run.payload()["put_off"].as_u64().unwrap_or_default();
    if times >= MAX_PUT_OFF {
        return Done::plainly();
    }
    Done::in_part(json!({ "put_off": times + 1 }), run.now() + WHILE_PAYING)
}

impl Task for PaymentReminder {
    fn name(&self) -> &'static str {
        REMINDER
    }

    fn at_most(&self) -> Duration {
        scheduled::at_most(&self.mailer)
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        self.remind(run).boxed()
    }
}
