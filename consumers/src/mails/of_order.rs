//! The mails about one order.

use super::scheduled::of_jobs;
use super::why_not::{NOT_CALLED_FOR, Standing, no_receipt, no_reminder};
use super::{Event, Mail};
use crate::consumer::{Consumer, FromEvent};
use crate::groups::GroupError;
use crate::ledger::State;
use crate::order_mail::again::{AGAIN, Which};
use crate::order_mail::reminder::REMINDER;
use crate::order_mail::{OrderMail, customer};
use crate::parked::Attempt;
use crate::parked::show::attempts_of;
use chrono::{DateTime, Utc};
use commands::schedule::{Job, JobState};
use commands::{Log, Schedule, StoredEvent, db};
use domain::AggregateType;
use domain::ids::OrderId;
use domain::order::{Order, OrderEvent, OrderPaid, OrderPlaced, evolve};
use domain::text::Email;
use futures::future::try_join_all;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// What the ledger has of an effect.
#[derive(Debug, sqlx::FromRow)]
struct Entry {
    id: i64,
    event_id: Uuid,
    state: String,
    reason: Option<String>,
    attempts: i32,
    tries: i32,
    message_id: Option<String>,
    partition: Option<i32>,
    log_offset: Option<i64>,
    decided_by: Option<String>,
    noted_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    next_at: Option<DateTime<Utc>>,
    waits_for: Option<i64>,
}

/// An order, and its events.
type Stream = (OrderId, Vec<Arc<StoredEvent>>);

/// Tells of the mails about orders, by one look at the consumer that sends them.
pub struct Teller<'a> {
    log: &'a Log,
    schedule: &'a Schedule,
    standing: Standing,
}

impl<'a> Teller<'a> {
    /// Looks how the consumer stands.
    pub async fn open(log: &'a Log, schedule: &'a Schedule) -> Result<Self, GroupError> {
        Ok(Self { log, schedule, standing: Standing::load(log).await? })
    }

    /// All mails about an order, those too that were not called for: first what its events call for, in their order,
    /// then those of the schedule. `address` says which of them go to it. `None` where there is no such order.
    pub async fn of_order(&self, order: OrderId, address: Option<&Email>) -> Result<Option<Vec<Mail>>, GroupError> {
        let told = self.of_orders(&[order], address).await?;
        Ok(told.into_iter().next().map(|(_, mails)| mails))
    }

    /// The same of several orders, by no more questions than of one. An order that does not exist is left out.
    pub async fn of_orders(
        &self,
        orders: &[OrderId],
        address: Option<&Email>,
    ) -> Result<Vec<(OrderId, Vec<Mail>)>, GroupError> {
        // Those who read at the same time share statements.
        let mut streams = try_join_all(orders.iter().map(|order| self.stream(*order))).await?;
        streams.retain(|(_, events)| !events.is_empty());
        let mut known = Known::load(self.log.pool(), self.schedule, &streams).await?;
        Ok(streams
            .iter()
            .map(|(order, events)| (*order, self.of_stream(*order, events, &mut known, address)))
            .collect())
    }

    async fn stream(&self, order: OrderId) -> Result<Stream, GroupError> {
        Ok((order, self.log.read_stream(AggregateType::Order, &order.to_string(), 1).await?))
    }

    fn of_stream(
        &self,
        order: OrderId,
        events: &[Arc<StoredEvent>],
        known: &mut Known,
        address: Option<&Email>,
    ) -> Vec<Mail> {
        let mut mails = self.of_events(events, known, address);
        let state = folded(events);
        if let Some(why) = state.as_ref().and_then(no_receipt) {
            mails.push(not_called_for(OrderMail::NAME, OrderPaid::TYPE.to_owned(), why));
        }
        mails.extend(self.of_schedule(order, state.as_ref(), events, known));
        mails
    }

    fn of_events(&self, events: &[Arc<StoredEvent>], known: &mut Known, address: Option<&Email>) -> Vec<Mail> {
        let mut mails = Vec::new();
        for event in wanted(events) {
            let entries = known.entries.remove(&event.event_id.0).unwrap_or_default();
            if entries.is_empty() {
                let (state, why) = self.standing.without_entry(event);
                mails.push(Mail { state, why: Some(why), ..of_event(event, None, address) });
            }
            mails.extend(entries.into_iter().map(|entry| {
                let failed_attempts = known.attempts.remove(&entry.id).unwrap_or_default();
                self.of_entry(event, entry, failed_attempts, address)
            }));
        }
        mails
    }

    fn of_entry(
        &self,
        event: &StoredEvent,
        entry: Entry,
        failed_attempts: Vec<Attempt>,
        address: Option<&Email>,
    ) -> Mail {
        Mail {
            state: State::parse(&entry.state).map_or("unknown", State::as_str),
            why: self.why(&entry),
            attempts: entry.tries.max(entry.attempts).unsigned_abs(),
            failed_attempts,
            item: Some(entry.id),
            noted_at: Some(entry.noted_at),
            since: Some(entry.changed_at),
            next_at: entry.next_at,
            message_id: entry.message_id,
            ..of_event(event, entry.partition.zip(entry.log_offset), address)
        }
    }

    /// What an entry waits for, or who decided; and what its last attempt came to.
    fn why(&self, entry: &Entry) -> Option<String> {
        let first = match State::parse(&entry.state)? {
            State::Discarded => entry.decided_by.as_ref().map(|who| format!("{who} decided against it")),
            State::Claimed | State::Waiting => {
                let held = entry.waits_for.map(|id| format!("it waits for item {id}, which comes before it"));
                held.or_else(|| self.standing.rests())
            }
            State::Sending | State::Sent | State::Parked | State::Unknown => None,
        };
        match (first, entry.reason.clone()) {
            (Some(first), Some(last)) => Some(format!("{first}; the last attempt: {last}")),
            (first, last) => first.or(last),
        }
    }

    /// The mails of the schedule about an order: once more, as the customer asked, and the reminder that it is not
    /// paid.
    fn of_schedule(
        &self,
        order: OrderId,
        state: Option<&Order>,
        events: &[Arc<StoredEvent>],
        known: &mut Known,
    ) -> Vec<Mail> {
        let mut mails = Vec::new();
        for (task, key) in jobs_of(order) {
            let is_reminder = task == REMINDER;
            let id = (task.to_owned(), key);
            let (job, sent) = (known.jobs.remove(&id), known.sent.remove(&id).unwrap_or_default());
            let is_untold = sent.is_empty();
            // A job that waits, or failed before it came to a mail, is known by itself alone.
            let is_told = sent.iter().any(|mail| mail.state != "waiting");
            mails.extend(sent);
            let job = job.as_ref();
            mails.extend(job.filter(|job| !is_told && job.state != JobState::Done).map(of_open_job));
            if is_reminder && is_untold && job.is_none_or(|job| job.state == JobState::Done) {
                mails.extend(self.no_reminder(id.1, job, state, events));
            }
        }
        mails
    }

    fn no_reminder(
        &self,
        key: String,
        job: Option<&Job>,
        state: Option<&Order>,
        events: &[Arc<StoredEvent>],
    ) -> Option<Mail> {
        let placed = events.iter().find(|event| event.event_type == OrderPlaced::TYPE)?;
        let why = match job {
            Some(_) => "when its time came, the order was paid or being paid",
            None => no_reminder(state?, placed.recorded_at, self.schedule.now()),
        };
        Some(not_called_for(REMINDER, key, why.to_owned()))
    }
}

/// What is kept of the mails about some orders, apart from their events.
struct Known {
    /// By the event.
    entries: HashMap<Uuid, Vec<Entry>>,
    /// By the entry: those that did not end well.
    attempts: HashMap<i64, Vec<Attempt>>,
    /// By task and key.
    jobs: HashMap<(String, String), Job>,
    /// The mails that they sent, likewise.
    sent: HashMap<(String, String), Vec<Mail>>,
}

impl Known {
    async fn load(pool: &PgPool, schedule: &Schedule, streams: &[Stream]) -> Result<Self, GroupError> {
        let ids: Vec<Uuid> =
            streams.iter().flat_map(|(_, events)| wanted(events)).map(|event| event.event_id.0).collect();
        let mut entries: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for entry in entries_of(pool, &ids).await? {
            entries.entry(entry.event_id).or_default().push(entry);
        }
        let numbers: Vec<i64> = entries.values().flatten().map(|entry| entry.id).collect();
        let mut attempts: HashMap<i64, Vec<Attempt>> = HashMap::new();
        for (entry, attempt) in attempts_of(pool, &numbers).await? {
            attempts.entry(entry).or_default().push(attempt);
        }
        let wanted: Vec<(&'static str, String)> = streams.iter().flat_map(|(order, _)| jobs_of(*order)).collect();
        let mut jobs = HashMap::new();
        for task in [AGAIN, REMINDER] {
            let keys: Vec<String> = wanted.iter().filter(|(of, _)| *of == task).map(|(_, key)| key.clone()).collect();
            let found = schedule.of_keys(task, &keys).await?;
            jobs.extend(found.into_iter().map(|job| ((job.task.clone(), job.key.clone()), job)));
        }
        let mut sent: HashMap<(String, String), Vec<Mail>> = HashMap::new();
        for mail in of_jobs(pool, &wanted).await? {
            sent.entry((mail.sender.clone(), mail.cause.clone())).or_default().push(mail);
        }
        Ok(Self { entries, attempts, jobs, sent })
    }
}

/// The events that the consumer sends mail about.
fn wanted(events: &[Arc<StoredEvent>]) -> impl Iterator<Item = &StoredEvent> {
    events.iter().map(|event| &**event).filter(|event| OrderMail::WANTS.contains(&event.event_type))
}

/// The jobs of the schedule that send mail about an order, by task and key.
fn jobs_of(order: OrderId) -> impl Iterator<Item = (&'static str, String)> {
    let again = Which::ALL.into_iter().map(move |which| (AGAIN, format!("{order}:{}", which.as_str())));
    again.chain([(REMINDER, order.to_string())])
}

/// The order that a mail of the schedule is about, by the key of its job; `None` of any other mail.
pub fn order_of(mail: &Mail) -> Option<OrderId> {
    let key = match mail.sender.as_str() {
        AGAIN => mail.cause.split(':').next()?,
        REMINDER => mail.cause.as_str(),
        _ => return None,
    };
    key.parse().ok()
}

async fn entries_of(pool: &PgPool, events: &[Uuid]) -> Result<Vec<Entry>, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT entry.*, CASE WHEN isfinite(entry.due_at) AND entry.state = 'waiting' THEN entry.due_at END AS next_at,
                    (SELECT earlier.id FROM consumer_ledger AS earlier
                      WHERE entry.state = 'waiting' AND NOT isfinite(entry.due_at)
                        AND earlier.consumer = entry.consumer AND earlier.aggregate_type = entry.aggregate_type
                        AND earlier.aggregate_id = entry.aggregate_id AND earlier.sequence < entry.sequence
                        AND earlier.state IN ('claimed', 'sending', 'waiting', 'parked')
                      ORDER BY earlier.sequence LIMIT 1) AS waits_for
               FROM consumer_ledger AS entry WHERE entry.consumer = $1 AND entry.event_id = ANY($2) ORDER BY entry.id",
        )
        .bind(OrderMail::NAME)
        .bind(events)
        .persistent(false)
        .fetch_all(session)
        .await
    })
    .await
}

/// The mail about an event of which nothing else is known.
fn of_event(event: &StoredEvent, record: Option<(i32, i64)>, address: Option<&Email>) -> Mail {
    Mail {
        event: Some(Event {
            id: event.event_id.to_string(),
            position: event.position.0,
            recorded_at: event.recorded_at,
            record,
        }),
        is_to_address: is_to(event, address),
        ..nothing(OrderMail::NAME, event.event_type.to_string())
    }
}

/// Whether the mail about an event goes to an address.
fn is_to(event: &StoredEvent, address: Option<&Email>) -> Option<bool> {
    let recorded = event.recorded().ok()?.event.clone();
    let recipient = OrderEvent::from_event(recorded)?;
    let recipient = customer(&recipient)?.email.search_key();
    Some(address?.search_key() == recipient)
}

/// The order that these events lead to; `None` where one of them can't be read.
fn folded(events: &[Arc<StoredEvent>]) -> Option<Order> {
    events.iter().try_fold(Order::default(), |order, stored| {
        let event = OrderEvent::from_event(stored.recorded().ok()?.event.clone())?;
        Some(evolve(order, &event))
    })
}

fn of_open_job(job: &Job) -> Mail {
    Mail {
        state: job.state.as_str(),
        why: job.last_error.clone(),
        attempts: job.attempts,
        noted_at: Some(job.created_at),
        since: job.last_run_at,
        next_at: job.due_at,
        ..nothing(&job.task, job.key.clone())
    }
}

fn not_called_for(sender: &str, cause: String, why: String) -> Mail {
    Mail { why: Some(why), ..nothing(sender, cause) }
}

/// A mail that nobody began.
fn nothing(sender: &str, cause: String) -> Mail {
    Mail {
        sender: sender.to_owned(),
        cause,
        event: None,
        is_to_address: None,
        state: NOT_CALLED_FOR,
        why: None,
        attempts: 0,
        failed_attempts: Vec::new(),
        message_id: None,
        item: None,
        noted_at: None,
        since: None,
        next_at: None,
    }
}
