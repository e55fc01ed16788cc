//! Runs a consumer as a member of its Kafka group.
//!
//! Three things go on at once. The [`intake`] notes in the ledger what Kafka hands over, and lets the group's offsets
//! pass what is noted. The [`clock`] claims what is due again: retries, what a crashed run left, and what is [`held`]
//! no more. The [`work`] carries out what either has claimed. So one slow mailbox delays nobody: what can't be done now
//! waits in the ledger, and the partition moves on. What people instruct ([`control`]) all three heed: a group that is
//! paused takes nothing and tries nothing, and one that is to go back is handed its events again ([`go_back`]). Around
//! it all, also where it can't begin, it says that it is there ([`presence`]).

mod clock;
mod control;
mod go_back;
mod held;
mod intake;
mod membership;
mod presence;
mod record;
mod trouble;
mod work;

pub(crate) use presence::GONE_AFTER;

use crate::claim::Tools;
use crate::consumer::{Consumer, Retry};
use crate::kafka::{BrokerError, KafkaSettings};
use crate::ledger::control::{self as instructed, Control};
use crate::ledger::writer::Writer;
use crate::ledger::{LedgerError, connections, due, groups};
use crate::mail::Mailer;
use crate::parked::letters;
use crate::pause::Pauses;
use crate::relay::{self, RelayError};
use crate::status::{ReaderState, ReaderStatus, tell};
use crate::topics::{self, Topics};
use crate::{registry, run_registered};
use commands::{Log, LogError};
use presence::Presence;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trouble::Trouble;
use uuid::Uuid;

/// The pauses before a consumer that failed is started again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a stop waits for effects in hand: a little more than a mail server may take to accept a message. What has
/// not begun is given back.
const FINISH_AT_MOST: Duration = Duration::from_secs(32);

/// How long a stop waits until the group is left, and until the last outcomes are written.
const LEAVE_AT_MOST: Duration = Duration::from_secs(5);

/// Bounds and leases of consumers.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerSettings {
    /// How many effects of one consumer are in hand at once.
    pub in_hand: u32,
    /// How long a claim lasts when its holder vanishes. Renewed while it lives.
    pub claim_lease: Duration,
    /// What the lease of an effect outside has over the longest send of a mail: time to write the outcome down, also
    /// when PostgreSQL is away for a while. See [`Self::sending_lease`].
    pub sending_margin: Duration,
    /// How long a consumer may take for one event besides sending a mail and waiting for its turn to; then it counts as
    /// hung, and its place is free for another.
    pub handle_at_most: Duration,
    /// In place of what consumers declare, for tests that can't wait.
    pub retry: Option<Retry>,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self {
            in_hand: 256,
            claim_lease: Duration::from_secs(15),
            sending_margin: Duration::from_secs(50),
            handle_at_most: Duration::from_secs(300),
            retry: None,
        }
    }
}

impl ConsumerSettings {
    /// How long a consumer may take for one event, the time apart in which it waits for its turn to send a mail.
    pub(crate) fn time_limit(&self, mailer: &Mailer) -> Duration {
        mailer.longest_send() + self.handle_at_most
    }

    /// How long an effect outside may take, from its mark on; then it counts as unknown. A mail whose sender lives
    /// never takes as long.
    pub fn sending_lease(&self, mailer: &Mailer) -> Duration {
        mailer.longest_send() + self.sending_margin
    }
}

/// Why a consumer stops.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Kafka is away, or its topics are not as they must be.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The ledger is away.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Kafka's events are not this log's, or whether they are can't be told.
    #[error(transparent)]
    History(#[from] RelayError),
    /// The library gave up the membership in the group.
    #[error("Kafka's client gave up: {0}")]
    Fatal(String),
    /// No consumer of that name.
    #[error("there is no consumer `{name}`; there are: {known}")]
    NoSuchConsumer {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

impl RunError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Broker(error) => error.is_transient(),
            Self::History(error) => error.is_transient(),
            Self::Ledger(LedgerError::Log(error)) => matches!(error, LogError::Db(_)),
            Self::Ledger(_) | Self::Fatal(_) => true,
            Self::NoSuchConsumer { .. } => false,
        }
    }
}

/// What consumers run with; cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The log, from which events are read again.
    pub log: Log,
    /// Where events come from.
    pub kafka: KafkaSettings,
    /// By which mail goes out.
    pub mailer: Mailer,
    /// Bounds and leases.
    pub settings: ConsumerSettings,
    /// Ends them.
    pub cancel: CancellationToken,
}

/// Runs consumers until `cancel`, one for each status, whose name says which ([`crate::NAMES`], see
/// [`ReaderStatus::channel`]). What may go away by itself is tried again, and shown in the status meanwhile. Returns
/// when all have ended, with the first error that needs a person.
pub async fn run_consumers(
    log: Log,
    kafka: KafkaSettings,
    mailer: Mailer,
    settings: ConsumerSettings,
    statuses: Vec<watch::Sender<ReaderStatus>>,
    cancel: CancellationToken,
) -> Result<(), RunError> {
    let services = Services { log, kafka, mailer, settings, cancel };
    let all = statuses.into_iter().map(|status| run_registered(services.clone(), status));
    futures::future::join_all(all).await.into_iter().collect()
}

/// Runs one consumer, registered or not, until its cancellation, starting it again after what may go away by itself.
pub async fn run_consumer<C: Consumer>(
    consumer: C,
    services: Services,
    status: watch::Sender<ReaderStatus>,
) -> Result<(), RunError> {
    let (presence, ended) = (Presence::new(services.log.pool().clone(), C::NAME), CancellationToken::new());
    let running = async {
        let outcome = keep_running(Arc::new(consumer), &services, &status, &presence).await;
        ended.cancel();
        outcome
    };
    let (outcome, ()) = tokio::join!(running, presence.keep(&status, &ended));
    presence.end().await;
    outcome
}

async fn keep_running<C: Consumer>(
    consumer: Arc<C>,
    services: &Services,
    status: &watch::Sender<ReaderStatus>,
    presence: &Presence,
) -> Result<(), RunError> {
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    // Whoever has an embedded broker is alone on its data.
    let mut takes_over = services.kafka.embedded;
    loop {
        let before = status.borrow().taken_records;
        match Member::start(Arc::clone(&consumer), services, status, presence, &mut takes_over).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_transient() => {
                tracing::warn!(consumer = C::NAME, %error, "a consumer is started again");
                tell(status, ReaderState::Retrying(error.to_string()));
            }
            Err(error) => {
                tell(status, ReaderState::Stopped(error.to_string()));
                return Err(error);
            }
        }
        metrics::counter!("orders_consumer_restarts_total", "consumer" => C::NAME).increment(1);
        if status.borrow().taken_records > before {
            pauses.start_over();
        }
        if services.cancel.run_until_cancelled(tokio::time::sleep(pauses.next())).await.is_none() {
            return Ok(());
        }
    }
}

/// One run of a consumer, from its joining the group to its leaving.
struct Member<C> {
    consumer: Arc<C>,
    log: Log,
    kafka: KafkaSettings,
    topics: Topics,
    settings: ConsumerSettings,
    retry: Retry,
    tools: Tools,
    /// What people instructed, as it was last looked up.
    control: watch::Sender<Control>,
    /// The partitions that it holds.
    holds: membership::Holds,
    /// Places for effects in hand.
    room: Arc<Semaphore>,
    /// Told when entries are due sooner than the clock looks.
    due: Arc<Notify>,
    /// Entries that were noted as held, to be looked at once more.
    noted_held: Mutex<Vec<i64>>,
    /// Ends intake and clock, and lets work that has not begun go.
    stop: CancellationToken,
    tracker: TaskTracker,
    /// The entries in hand.
    hand: Mutex<HashSet<i64>>,
    /// Whether its effects fail.
    trouble: Trouble,
    status: watch::Sender<ReaderStatus>,
}

impl<C: Consumer> Member<C> {
    /// From getting ready to the last effect in hand.
    async fn start(
        consumer: Arc<C>,
        services: &Services,
        status: &watch::Sender<ReaderStatus>,
        presence: &Presence,
        takes_over: &mut bool,
    ) -> Result<(), RunError> {
        let writing = TaskTracker::new();
        let prepared = Self::prepare(consumer, services, status, presence, takes_over, &writing).await?;
        let Some(member) = prepared else { return Ok(()) };
        let outcome = member.run(&services.cancel).await;
        presence.hold_anew();
        writing.close();
        // It ends with the last effect in hand; one that hangs has a lease.
        let _ = tokio::time::timeout(LEAVE_AT_MOST, writing.wait()).await;
        outcome
    }

    /// All that a run needs before it joins its group; `None` when the program is ending. What it writes down is
    /// written in `writing`.
    async fn prepare(
        consumer: Arc<C>,
        services: &Services,
        status: &watch::Sender<ReaderStatus>,
        presence: &Presence,
        takes_over: &mut bool,
        writing: &TaskTracker,
    ) -> Result<Option<Arc<Self>>, RunError> {
        let Some(topics) = services.cancel.run_until_cancelled(topics::ensure(&services.kafka)).await.transpose()?
        else {
            return Ok(None);
        };
        // Else customers would hear of orders that are no more.
        relay::check_history(&services.log, &services.kafka, &topics).await?;
        groups::register(&services.log, &registry::declare::<C>()).await?;
        let owner = Uuid::now_v7();
        let pool = services.log.pool().clone();
        let ledger = connections(&pool);
        groups::keep_names(&ledger, C::NAME, &services.kafka.prefix, services.kafka.partitions).await?;
        let control = watch::Sender::new(instructed::read(&ledger, C::NAME).await?);
        if *takes_over {
            // From a process that is dead. Only once: what an earlier start in this one had in hand comes to its end,
            // or its lease runs out, and the broker has forgotten nothing since.
            note_cut_off::<C>(due::take_over(&ledger, C::NAME, owner).await?);
            *takes_over = false;
        }
        let due = Arc::new(Notify::new());
        let writer = Writer::start(ledger.clone(), owner, Arc::clone(&due), writing);
        let stop = services.cancel.child_token();
        let sending_lease = services.settings.sending_lease(&services.mailer);
        Ok(Some(Arc::new(Self {
            consumer,
            log: services.log.clone(),
            kafka: services.kafka.clone(),
            topics,
            settings: services.settings,
            retry: services.settings.retry.unwrap_or(C::RETRY),
            tools: Tools {
                ledger,
                pool,
                writer,
                mailer: services.mailer.clone(),
                owner,
                sending_lease,
                time_limit: services.settings.time_limit(&services.mailer),
                stop: stop.clone(),
            },
            control,
            holds: presence.hold_anew(),
            room: Arc::new(Semaphore::new(services.settings.in_hand as usize)),
            due,
            noted_held: Mutex::default(),
            stop,
            tracker: TaskTracker::new(),
            hand: Mutex::default(),
            trouble: Trouble::default(),
            status: status.clone(),
        })))
    }

    /// Joins the group, works until something ends that, and leaves it.
    async fn run(self: Arc<Self>, cancel: &CancellationToken) -> Result<(), RunError> {
        let (kinds, owner) = (C::WANTS.kinds(), self.tools.owner);
        let kafka = membership::join(&self.kafka, &self.topics, C::NAME, &kinds, &self.status, &self.holds)?;
        let kafka = Arc::new(kafka);
        let outcome = tokio::select! {
            () = cancel.cancelled() => Ok(()),
            outcome = Arc::clone(&self).take_in(&kafka) => outcome,
            outcome = Arc::clone(&self).keep_time() => outcome,
            never = letters::publish(&self.log, &self.kafka, C::NAME, owner) => match never {},
        };
        // Leaving the group talks with Kafka, and blocks meanwhile.
        let left = tokio::task::spawn_blocking(move || drop(kafka));
        self.leave().await;
        let _ = tokio::time::timeout(LEAVE_AT_MOST, left).await;
        outcome
    }

    /// The entries in hand.
    fn hand(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets what has begun come to its end, and gives the rest back.
    async fn leave(&self) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(FINISH_AT_MOST, self.tracker.wait()).await.is_err() {
            tracing::warn!(consumer = C::NAME, "effects are still under way at the end: their leases decide");
        }
        if let Err(error) = due::give_back(&self.tools.ledger, C::NAME, self.tools.owner).await {
            tracing::warn!(consumer = C::NAME, %error, "claims could not be given back: their leases will run out");
        }
    }
}

fn note_cut_off<C: Consumer>(count: u64) {
    if count > 0 {
        tracing::warn!(
            consumer = C::NAME,
            count,
            "the outcome of effects is unknown: they were under way when the program ended; see `orders parked list`"
        );
        metrics::counter!("orders_consumer_outcomes_total", "consumer" => C::NAME, "outcome" => "unknown")
            .increment(count);
    }
}
