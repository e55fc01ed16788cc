//! What a consumer declares, in one file of its own.

use crate::claim::Claim;
use domain::category::CategoryEvent;
use domain::ids::SubjectId;
use domain::newsletter::{IssueReleased, NewsletterEvent};
use domain::order::{EmailCorrected, ItemAdded, OrderEvent, OrderPaid, OrderPlaced, PaymentFlagged, PaymentRecorded};
use domain::product::ProductEvent;
use domain::{AggregateType, Event, Recorded};
use std::future::Future;
use std::time::Duration;

pub use commands::Start;

/// Acts on events, once per event and recipient, as a consumer group of its own. To add one: a file with this, and a
/// line in the registry of `lib.rs`.
pub trait Consumer: Send + Sync + 'static {
    /// What it is handed: [`Event`], all events of an aggregate, or the one event struct that it asks for.
    type Event: FromEvent;

    /// Its name for ever: of its consumer group, and in the ledger.
    const NAME: &'static str;
    /// Where it begins when it is started for the first time.
    const START: Start;
    /// Which events it is handed; it need not know the others.
    const WANTS: Wants;
    /// How often, and at what pace, what failed for now is tried again.
    const RETRY: Retry;

    /// Whom the effect reaches. The event's effect is done once for each.
    fn recipient(&self, event: &Self::Event) -> Option<SubjectId> {
        let _ = event;
        None
    }

    /// Called for a cause that nobody else holds. Rows written through [`Claim::transaction`] commit with its outcome;
    /// an effect outside (a mail) goes through [`Claim::send_mail`] or [`Claim::sending`], so that a lost reply is
    /// known as one.
    fn handle(
        &self,
        event: &Recorded<Self::Event>,
        claim: &mut Claim<'_>,
    ) -> impl Future<Output = Result<Done, Failure>> + Send;
}

/// A type of event that can be taken out of [`Event`].
pub trait FromEvent: Sized + Clone + Send + Sync + 'static {
    /// The event, if it is of this type.
    fn from_event(event: Event) -> Option<Self>;
}

impl FromEvent for Event {
    fn from_event(event: Event) -> Option<Self> {
        Some(event)
    }
}

impl FromEvent for OrderEvent {
    fn from_event(event: Event) -> Option<Self> {
        if let Event::Order(event) = event { Some(event) } else { None }
    }
}

impl FromEvent for ProductEvent {
    fn from_event(event: Event) -> Option<Self> {
        if let Event::Product(event) = event { Some(event) } else { None }
    }
}

impl FromEvent for CategoryEvent {
    fn from_event(event: Event) -> Option<Self> {
        if let Event::Category(event) = event { Some(event) } else { None }
    }
}

impl FromEvent for NewsletterEvent {
    fn from_event(event: Event) -> Option<Self> {
        if let Event::Newsletter(event) = event { Some(event) } else { None }
    }
}

impl FromEvent for IssueReleased {
    fn from_event(event: Event) -> Option<Self> {
        if let Event::Newsletter(NewsletterEvent::IssueReleased(event)) = event { Some(event) } else { None }
    }
}

macro_rules! from_order_event {
    ($($event:ident),+) => {$(
        impl FromEvent for $event {
            fn from_event(event: Event) -> Option<Self> {
                if let Event::Order(OrderEvent::$event(event)) = event { Some(event) } else { None }
            }
        }
    )+};
}
from_order_event!(ItemAdded, OrderPlaced, PaymentRecorded, OrderPaid, PaymentFlagged, EmailCorrected);

/// Which events a consumer is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    types: &'static [&'static str],
}

impl Wants {
    /// Events of these types: `Wants::types(&[OrderPaid::TYPE])`.
    pub const fn types(types: &'static [&'static str]) -> Self {
        Self { types }
    }

    /// Whether an event of that type is wanted.
    pub fn contains(&self, event_type: &str) -> bool {
        self.types.contains(&event_type)
    }

    /// All of them.
    pub(crate) const fn all(&self) -> &'static [&'static str] {
        self.types
    }

    /// The kinds of aggregates that have such events.
    pub(crate) fn kinds(&self) -> Vec<AggregateType> {
        let has = |types: &[&str]| self.types.iter().any(|wanted| types.contains(wanted));
        AggregateType::ALL.into_iter().filter(|kind| has(kind.event_types())).collect()
    }
}

/// How often, and at what pace, what failed for now is tried again. The pauses double, are cut at random to between a
/// half and the whole, and never exceed the longest. After the last attempt the entry is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How many attempts there are.
    pub attempts: u32,
}

impl Retry {
    /// `Retry::growing(from_ms(200), to_s(300), attempts(12))`.
    pub const fn growing(first: Duration, longest: Duration, attempts: u32) -> Self {
        Self { first, longest, attempts }
    }
}

/// The first pause of [`Retry::growing`].
pub const fn from_ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The longest pause of [`Retry::growing`].
pub const fn to_s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How many attempts [`Retry::growing`] makes.
pub const fn attempts(count: u32) -> u32 {
    count
}

/// The effect is done, or the event calls for none.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// What is to be kept of it, in words and without personal data: a server's answer.
    pub answer: Option<String>,
}

impl Done {
    /// Done, with nothing to keep of it.
    pub const fn plainly() -> Self {
        Self { answer: None }
    }
}

/// Why an effect is not done. Texts are kept in the ledger: no personal data in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// For now: it is tried again.
    Temporary(String),
    /// For good: it is parked, and what comes later of its aggregate waits.
    Permanent(String),
    /// It may be done or not: the last reply was lost.
    Unknown(String),
    /// The claim is another's by now: nothing more is done here.
    Lost,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Temporary(format!("PostgreSQL: {error}"))
    }
}
