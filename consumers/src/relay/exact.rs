//! Exactly once, into a real broker.
//!
//! Kafka's transaction calls block, so one thread of its own makes them all; reading the log goes on meanwhile, at most
//! [`READ_AHEAD`] batches in advance. After any error the producer is thrown away: a new one ends the old one's
//! transaction (that is Kafka's fencing, and holds against a second relay too) and asks Kafka anew how far it is.

use super::position::{self, Published};
use super::producer::{Deliveries, MESSAGE_AT_MOST, ReportingProducer, drain, not_taken, produce, send};
use super::traced::Traced;
use super::{LOOK_EVERY, RELAY, RelayError};
use crate::cloud_event;
use crate::kafka::{BrokerError, KafkaSettings};
use crate::status::{ReaderState, ReaderStatus, tell, tell_position};
use crate::topics::{self, Topics};
use commands::{Lead, Log, LogIdentity, StoredEvent};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::producer::{BaseRecord, Producer};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How many batches are read before the one in hand is committed.
const READ_AHEAD: usize = 2;
/// The most events of one read.
const BATCH_ROWS: u32 = 5_000;
/// About the most events of one transaction: it takes up what has been read meanwhile. A commit takes as long for five
/// as for 5,000.
const TRANSACTION_ROWS: usize = 50_000;
/// How long a transaction takes up more.
const TAKES_UP_WITHIN: Duration = Duration::from_secs(1);
/// The most records that wait for Kafka's answer; beyond it the log is not read on.
const IN_FLIGHT_AT_MOST: usize = 10_000;
/// How long an open transaction may hold readers of committed records back, should this process vanish.
const TRANSACTION_AT_MOST: Duration = Duration::from_secs(15);
/// How long a commit may take: by then Kafka itself has ended the transaction.
const COMMIT_AT_MOST: Duration = TRANSACTION_AT_MOST;
/// How long the first call may take: it waits until an older producer's transaction has ended.
const BEGIN_AT_MOST: Duration = Duration::from_secs(30);
/// How long after a commit the next transaction begins. The coordinator is still writing the last one's markers then;
/// asked too early, it answers CONCURRENT_TRANSACTIONS, and the library waits 20 ms. Of small transactions one right
/// after the other, 1 in 3 hit that without this pause, 1 in 40 with it.
const SETTLES_WITHIN: Duration = Duration::from_millis(2);
/// How long a stop waits for the transaction in hand.
const FINISH_AT_MOST: Duration = Duration::from_secs(20);

type Batch = Vec<Arc<StoredEvent>>;

/// Leads, and streams the log to Kafka until `cancel` or an error.
pub(super) async fn relay(
    log: &Log,
    kafka: &KafkaSettings,
    cancel: &CancellationToken,
    status: &watch::Sender<ReaderStatus>,
) -> Result<(), RelayError> {
    let Some(topics) = cancel.run_until_cancelled(topics::ensure(kafka)).await.transpose()? else { return Ok(()) };
    let name = format!("{}{RELAY}", kafka.prefix);
    tell(status, ReaderState::Standby);
    let Some(lead) = cancel.run_until_cancelled(Lead::acquire(log, &name)).await.transpose()? else {
        return Ok(());
    };
    tracing::info!(name, token = lead.token(), "this instance leads the relay");
    tell(status, ReaderState::Starting);
    let outcome = lead_until(log, kafka, &topics, cancel, status, &lead).await;
    lead.release().await;
    outcome
}

/// Streams as long as the lead is held.
async fn lead_until(
    log: &Log,
    kafka: &KafkaSettings,
    topics: &Topics,
    cancel: &CancellationToken,
    status: &watch::Sender<ReaderStatus>,
    lead: &Lead,
) -> Result<(), RelayError> {
    let mut session = Session::start(log.identity(), kafka.clone(), topics.clone(), status.clone())?;
    let outcome = tokio::select! {
        () = cancel.cancelled() => Ok(()),
        () = lead.lost() => Err(RelayError::LeadLost),
        outcome = session.feed(log, topics, status) => outcome,
    };
    // The lead is kept until the thread is done with its last transaction.
    let end = session.finish().await;
    outcome.and(end)
}

/// The thread that talks to Kafka, seen from outside.
struct Session {
    batches: mpsc::Sender<Batch>,
    started: Option<oneshot::Receiver<Published>>,
    ended: oneshot::Receiver<Result<(), RelayError>>,
}

impl Session {
    fn start(
        identity: LogIdentity,
        kafka: KafkaSettings,
        topics: Topics,
        status: watch::Sender<ReaderStatus>,
    ) -> Result<Self, RelayError> {
        let (batches, queue) = mpsc::channel(READ_AHEAD);
        let (tell_start, started) = oneshot::channel();
        let (tell_end, ended) = oneshot::channel();
        let work = move || {
            let outcome = Transactions::open(identity, kafka, topics).and_then(|(transactions, published)| {
                // Nobody waits any more: then the queue is closed too.
                let _ = tell_start.send(published);
                transactions.run(queue, &status)
            });
            let _ = tell_end.send(outcome);
        };
        thread::Builder::new()
            .name("relay".to_owned())
            .spawn(work)
            .map_err(|error| RelayError::NotTaken(format!("no thread for it: {error}")))?;
        Ok(Self { batches, started: Some(started), ended })
    }

    /// Reads the log and hands it over, from where Kafka is. Ends only with an error, or when the thread has ended.
    async fn feed(
        &mut self,
        log: &Log,
        topics: &Topics,
        status: &watch::Sender<ReaderStatus>,
    ) -> Result<(), RelayError> {
        let Some(started) = self.started.take() else { return Ok(()) };
        let Ok(published) = started.await else { return Ok(()) };
        position::check_history(log, topics, &published).await?;
        let mut position = published.position;
        tell_position(status, position);
        loop {
            let events = log.read(position, BATCH_ROWS).await?;
            match events.last() {
                Some(last) => position = last.position,
                None => {
                    // The thread can end at any time: with nothing to hand over, only this would tell.
                    tokio::select! {
                        _ = log.wait_beyond(position, LOOK_EVERY) => continue,
                        () = self.batches.closed() => return Ok(()),
                    }
                }
            }
            if self.batches.send(events).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Lets the thread finish what it has begun, and gives its error if it had one.
    async fn finish(self) -> Result<(), RelayError> {
        drop(self.batches);
        match tokio::time::timeout(FINISH_AT_MOST, self.ended).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(RelayError::NotTaken("the thread of the relay ended unexpectedly".to_owned())),
            // Whoever comes next fences it.
            Err(_) => Err(RelayError::NotTaken("Kafka did not answer to the last transaction".to_owned())),
        }
    }
}

/// What the thread holds.
struct Transactions {
    producer: ReportingProducer,
    identity: LogIdentity,
    topics: Topics,
    source: String,
}

impl Transactions {
    /// Fences whoever was before, and asks Kafka how far it is.
    fn open(identity: LogIdentity, kafka: KafkaSettings, topics: Topics) -> Result<(Self, Published), RelayError> {
        let mut config = kafka.client()?;
        config
            .set("transactional.id", format!("{}.{}", topics.relay, identity.log_id))
            .set("transaction.timeout.ms", TRANSACTION_AT_MOST.as_millis().to_string())
            .set("message.timeout.ms", MESSAGE_AT_MOST.as_millis().to_string())
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.messages", IN_FLIGHT_AT_MOST.to_string())
            .set("queue.buffering.max.kbytes", "16384")
            // The records of a batch are all there when it is sent: waiting for more would only add to the latency.
            .set("linger.ms", "0");
        let producer = ReportingProducer::from_config_and_context(&config, Deliveries::default())
            .map_err(BrokerError::Settings)?;
        producer.init_transactions(BEGIN_AT_MOST).map_err(|error| not_taken(&error))?;
        let published = position::resume(&kafka, &topics, identity)?;
        Ok((Self { producer, identity, topics, source: cloud_event::source(identity) }, published))
    }

    /// One transaction after the other until the queue is closed.
    fn run(self, mut queue: mpsc::Receiver<Batch>, status: &watch::Sender<ReaderStatus>) -> Result<(), RelayError> {
        let mut committed: Option<Instant> = None;
        while let Some(batch) = queue.blocking_recv() {
            if let Some(committed) = committed {
                thread::sleep(SETTLES_WITHIN.saturating_sub(committed.elapsed()));
            }
            let Some(last) = batch.last().cloned() else { continue };
            let begun = Instant::now();
            let (events, last) = self.publish_traced(batch, last, &mut queue)?;
            committed = Some(Instant::now());
            metrics::counter!("orders_relay_transactions_total").increment(1);
            metrics::counter!("orders_relay_events_total").increment(events as u64);
            metrics::histogram!("orders_relay_transaction_seconds").record(begun.elapsed().as_secs_f64());
            metrics::gauge!("orders_relay_position").set(last.position.0 as f64);
            tell_position(status, last.position);
        }
        Ok(())
    }

    fn publish_traced(
        &self,
        batch: Batch,
        last: Arc<StoredEvent>,
        queue: &mut mpsc::Receiver<Batch>,
    ) -> Result<(usize, Arc<StoredEvent>), RelayError> {
        let transaction = Traced::begin(&batch);
        let published = transaction.span.in_scope(|| self.publish(batch, last, queue));
        match &published {
            Ok((events, last)) => transaction.committed(*events, last.position),
            Err(_) => metrics::counter!("orders_relay_transactions_failed_total").increment(1),
        }
        published
    }

    /// Commits a batch, and what else is read by the time its records are handed over. Gives how many events these
    /// were, and the last.
    fn publish(
        &self,
        mut batch: Batch,
        mut last: Arc<StoredEvent>,
        queue: &mut mpsc::Receiver<Batch>,
    ) -> Result<(usize, Arc<StoredEvent>), RelayError> {
        self.producer.begin_transaction().map_err(|error| not_taken(&error))?;
        let begun = Instant::now();
        let mut events = 0;
        loop {
            for event in &batch {
                produce(&self.producer, &self.topics, &self.source, event, 0)?;
            }
            events += batch.len();
            if events >= TRANSACTION_ROWS || begun.elapsed() >= TAKES_UP_WITHIN {
                break;
            }
            let Ok(more) = queue.try_recv() else { break };
            batch = more;
            last = batch.last().cloned().unwrap_or(last);
        }
        self.note_position(&last)?;
        // Before the commit, and by ourselves: the library's own wait goes in steps of 100 ms.
        drain(&self.producer)?;
        fail::fail_point!("kafka_commit.before");
        // Without one the library waits for ever for a coordinator that is not there. What became of the commit does
        // not matter: the next producer ends the transaction either way, and asks Kafka how far it is.
        self.producer.commit_transaction(COMMIT_AT_MOST).map_err(|error| not_taken(&error))?;
        fail::fail_point!("kafka_commit.after");
        Ok((events, last))
    }

    fn note_position(&self, last: &StoredEvent) -> Result<(), RelayError> {
        let published = serde_json::to_string(&Published::up_to(self.identity, last))
            .map_err(|error| RelayError::NotTaken(error.to_string()))?;

        send(&self.producer, BaseRecord::with_opaque_to(&self.topics.relay, 0).key(position::KEY).payload(&*published))
    }
}
