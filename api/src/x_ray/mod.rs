//! One order with all that the system knows of it, as one JSON document that may leave the house: its events as stored,
//! its rows in the views, what the consumers did about it, what was written about it ([`letters`]). Personal data is
//! replaced ([`pseudonyms`]); amounts, skus and times are kept, so that the events can be folded again and compared
//! with the rows ([`replay`]).

pub mod letters;
pub mod pseudonyms;
pub mod replay;

use chrono::{DateTime, Utc};
use commands::staff::notes;
use commands::{Clock, KeptEvent, Log, LogError, Schedule, StoredEvent, messages};
use consumers::KafkaSettings;
use consumers::groups::GroupError;
use consumers::ledger::LedgerError;
use consumers::mails::Teller;
use consumers::x_ray::{InKafka, LedgerRow, NotedRecord, effects_of, in_kafka, records_of};
use domain::ids::{EventId, OrderId};
use domain::{AggregateType, Position};
use letters::{MailFile, MessageFile, NoteFile};
use projections::ReadError;
use projections::x_ray::{ViewRows, rows_of};
use pseudonyms::Pseudonyms;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// By which a file is known as one of these.
pub const FORMAT: &str = "orders x-ray";
/// Counts the changes of the form. An older program refuses a newer form.
pub const VERSION: u32 = 1;

/// An order, seen through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XRay {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Which log it is of.
    pub log: LogPlace,
    /// The order.
    pub order: OrderId,
    /// Its events, in order.
    pub events: Vec<EventFile>,
    /// Its rows in each view that serves.
    pub views: Vec<ViewRows>,
    /// What became of the effects that its events call for, mails above all.
    pub effects: Vec<LedgerRow>,
    /// Mails beside those: of the schedule, and those that were not sent, with why not.
    pub mails: Vec<MailFile>,
    /// What customer and shop wrote to each other about it, in order.
    pub messages: Vec<MessageFile>,
    /// What staff noted about it, in order.
    pub notes: Vec<NoteFile>,
    /// Where its events are in Kafka.
    pub kafka: InKafka,
    /// By which its requests are found in logs and traces.
    pub traces: Vec<Trace>,
}

/// A log, and how far it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPlace {
    /// Made with its schema.
    pub log_id: Uuid,
    /// Counts restores to an earlier point.
    pub epoch: u64,
    /// Its last position.
    pub head: Position,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    /// Its place in the log.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// The kind of its aggregate.
    pub aggregate_type: String,
    /// Its aggregate.
    pub aggregate_id: String,
    /// Its place in its aggregate.
    pub sequence: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of its shape.
    pub version: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What is known besides.
    pub metadata: Value,
    /// What happened, tagged with the type.
    pub payload: Value,
    /// Where its record is in Kafka, as the consumers noted it that act on it.
    pub records: Vec<NotedRecord>,
}

/// Where a request left its mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The event that it led to.
    pub sequence: u64,
    /// The request's id.
    pub correlation_id: Option<String>,
    /// What led to the request, if that is known.
    pub causation_id: Option<String>,
    /// The trace, by W3C Trace Context.
    pub trace_id: Option<String>,
    /// The span that was the request's parent.
    pub span_id: Option<String>,
}

/// Why there is no picture of an order.
#[derive(Debug, thiserror::Error)]
pub enum XRayError {
    /// Nothing happened under that id.
    #[error("there is no order {0}: nothing happened under this id")]
    NoOrder(OrderId),
    /// An event that is no JSON.
    #[error("the event at position {position} is no JSON: {source}")]
    Malformed {
        /// Where it stands.
        position: Position,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A view can't be read.
    #[error(transparent)]
    View(#[from] ReadError),
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What became of its mails can't be read.
    #[error(transparent)]
    Mails(#[from] GroupError),
    /// What was written about it can't be read.
    #[error("PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
}

/// Takes it all together. `kafka` says how topics are called; none is asked.
pub async fn take(log: &Log, kafka: &KafkaSettings, order: OrderId, made_at: DateTime<Utc>) -> Result<XRay, XRayError> {
    let (identity, pool, id) = (log.identity(), log.pool(), order.to_string());
    let head = log.head().await?;
    // Views first: what they hold is among the events that are read after them.
    let mut views = rows_of(pool, order).await?;
    let stored = log.read_stream(AggregateType::Order, &id, 1).await?;
    if stored.is_empty() {
        return Err(XRayError::NoOrder(order));
    }
    let ids: Vec<EventId> = stored.iter().map(|event| event.event_id).collect();
    let mut effects = effects_of(pool, &ids).await?;
    let event = |event: &Arc<StoredEvent>| EventFile::of(event, records_of(&effects, event.event_id));
    let mut events: Vec<EventFile> = stored.iter().map(event).collect::<Result<_, _>>()?;
    let schedule = Schedule::new(pool.clone(), Clock::system());
    let mails = Teller::open(log, &schedule).await?.of_order(order, None).await?.unwrap_or_default();
    let (messages, notes) = (messages::of_order(pool, order, 0).await?, notes::of_order(pool, order).await?);

    let mut known = Pseudonyms::default();
    for event in &mut events {
        known.replace(&mut event.metadata);
        known.replace(&mut event.payload);
    }
    for table in views.iter_mut().flat_map(|view| &mut view.tables) {
        table.rows.iter_mut().for_each(|row| known.replace_row(row, &table.plain));
    }
    // What the program says is searched for all that is known as personal by then; not for what people say, who use
    // common words.
    effects.iter_mut().for_each(|effect| known.replace_effect(effect));
    let mails = mails.into_iter().filter_map(|mail| MailFile::of(mail, &known)).collect();
    let messages = messages.iter().map(|message| MessageFile::of(message, &mut known)).collect();
    let notes = notes.iter().map(|note| NoteFile::of(note, &mut known)).collect();
    Ok(XRay {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at,
        log: LogPlace { log_id: identity.log_id, epoch: identity.epoch, head },
        order,
        traces: events.iter().map(Trace::of).collect(),
        events,
        views,
        effects,
        mails,
        messages,
        notes,
        kafka: in_kafka(pool, kafka, &id).await?,
    })
}

impl EventFile {
    fn of(event: &StoredEvent, records: Vec<NotedRecord>) -> Result<Self, XRayError> {
        let malformed = |source| XRayError::Malformed { position: event.position, source };
        Ok(Self {
            position: event.position,
            event_id: event.event_id,
            aggregate_type: event.aggregate_type.to_string(),
            aggregate_id: event.aggregate_id.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.to_string(),
            version: event.event_version.to_string(),
            recorded_at: event.recorded_at,
            metadata: serde_json::from_str(&event.metadata).map_err(malformed)?,
            payload: serde_json::from_str(&event.payload).map_err(malformed)?,
            records,
        })
    }

    /// The event as a log would hand it out.
    fn stored(&self) -> Arc<StoredEvent> {
        let kept = KeptEvent {
            position: self.position,
            event_id: self.event_id,
            aggregate_type: self.aggregate_type.clone(),
            aggregate_id: self.aggregate_id.clone(),
            sequence: self.sequence,
            event_type: self.event_type.clone(),
            event_version: self.version.clone(),
            payload: self.payload.to_string(),
            metadata: self.metadata.to_string(),
            recorded_at: self.recorded_at,
        };
        Arc::new(kept.into())
    }
}

impl Trace {
    fn of(event: &EventFile) -> Self {
        let text = |name: &str| event.metadata.get(name).and_then(Value::as_str);
        // 00-<trace>-<span>-<flags>
        let mut parent = text("traceparent").into_iter().flat_map(|parent| parent.split('-')).skip(1);
        let (trace_id, span_id) = (parent.next().map(str::to_owned), parent.next().map(str::to_owned));
        let [correlation_id, causation_id] =
            ["correlation_id", "causation_id"].map(|name| text(name).map(str::to_owned));
        Self { sequence: event.sequence, correlation_id, causation_id, trace_id, span_id }
    }
}
