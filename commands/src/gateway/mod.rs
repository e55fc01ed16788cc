//! The one way in for commands: load, decide, append; decide again when another was first.
//!
//! What is held in memory (an order's state, the prices) may lead to events, as the append checks the version. It never
//! leads to a refusal, nor to a success that changes nothing: before one is answered, the command is decided again at
//! the head.

mod error;
mod measure;
mod pending;
mod prepare;
mod snapshot;
mod submission;

pub use error::CommandError;
pub use snapshot::Snapshot;
pub use submission::{Admission, Answer, AnswerFn, Context, Done, GatewaySettings, Submission, Timing};

use crate::aggregate::Aggregate;
use crate::catalogue::Catalogue;
use crate::idempotency::{self, IdempotencyKey, InFlight};
use crate::log::{Appender, Log, LogError, Outcome, StreamId};
use crate::numbers::Numbers;
use crate::trace;
use domain::ids::OrderNumber;
use domain::{Position, Prices};
use pending::{Pending, Settled};
use prepare::{Verdict, prepare};
use snapshot::States;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, field};

/// The gateway; cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    log: Log,
    catalogue: Catalogue,
    appender: Appender,
    numbers: Numbers,
    in_flight: InFlight,
    states: Arc<States>,
    settings: GatewaySettings,
}

impl Gateway {
    /// Opens the gateway: starts the task that appends. On `cancel` what was handed in is still written.
    pub fn open(
        log: Log,
        catalogue: Catalogue,
        settings: GatewaySettings,
        cancel: CancellationToken,
        tracker: &TaskTracker,
    ) -> Self {
        let shared = Shared {
            appender: Appender::start(log.clone(), cancel, tracker),
            numbers: Numbers::new(log.pool().clone()),
            in_flight: InFlight::default(),
            states: Arc::new(States::new(settings.kept_states)),
            log,
            catalogue,
            settings,
        };
        Self { shared: Arc::new(shared) }
    }

    /// How many commands wait for the next batch.
    pub fn waiting(&self) -> usize {
        self.shared.appender.waiting()
    }

    /// Whether commands are taken in. They are not when the program is stopping.
    pub fn is_open(&self) -> bool {
        self.shared.appender.is_open()
    }

    /// The catalogue's prices as far as they are known here. They may admit, but never refuse.
    pub fn prices(&self) -> Prices {
        self.shared.catalogue.prices()
    }

    /// The catalogue's prices as the log has them at this moment.
    pub async fn prices_at_head(&self) -> Result<Prices, LogError> {
        self.shared.catalogue.refresh().await?;
        Ok(self.prices())
    }

    /// The answer that was given under this key, if one was: the command itself need not be at hand.
    pub async fn answered(&self, key: &IdempotencyKey) -> Result<Option<Answer>, LogError> {
        let found = idempotency::find(self.shared.log.pool(), key).await?;
        Ok(found.filter(|replay| replay.request_digest == key.request_digest).map(|replay| replay.answer))
    }

    /// The next order number.
    pub async fn next_order_number(&self) -> Result<OrderNumber, LogError> {
        Ok(self.shared.numbers.next().await?)
    }

    /// The aggregate as the log has it at this moment. Version 0: nothing ever happened under this id.
    ///
    /// Of what is known already only the last event is read again, to see that the log still has it.
    pub async fn load<A: Aggregate>(&self, id: &str) -> Result<Arc<Snapshot<A>>, LogError> {
        let Shared { log, states, .. } = &*self.shared;
        let stream = StreamId { kind: A::KIND, id: id.into() };
        if let Some(known) = states.get::<A>(&stream) {
            let events = log.read_stream(A::KIND, id, known.version).await?;
            match events.split_first() {
                Some((last, [])) if last.position == known.position => return Ok(known),
                Some((last, behind)) if last.position == known.position => {
                    return Ok(self.keep(stream, Snapshot::clone(&known).follow(behind)?));
                }
                _ => states.forget::<A>(&stream, known.version),
            }
        }
        let events = log.read_stream(A::KIND, id, 1).await?;
        let snapshot = Snapshot::empty(id).follow(&events)?;
        Ok(if snapshot.version == 0 { Arc::new(snapshot) } else { self.keep(stream, snapshot) })
    }

    /// The aggregate as it was when the log ended at `up_to`; of version 0 where nothing had happened to it yet.
    pub async fn load_as_of<A: Aggregate>(&self, id: &str, up_to: Position) -> Result<Snapshot<A>, LogError> {
        let mut events = self.shared.log.read_stream(A::KIND, id, 1).await?;
        events.truncate(events.partition_point(|event| event.position <= up_to));
        Snapshot::empty(id).follow(&events)
    }

    fn keep<A: Aggregate>(&self, stream: StreamId, snapshot: Snapshot<A>) -> Arc<Snapshot<A>> {
        let snapshot = Arc::new(snapshot);
        self.shared.states.keep(stream, Arc::clone(&snapshot));
        snapshot
    }

    /// Carries a command out. It goes on to its end also when the caller is gone.
    pub async fn submit<A: Aggregate>(&self, submission: Submission<A>) -> Result<Done, CommandError<A>> {
        let gateway = self.clone();
        // A client that hangs up cancels its handler; the command itself must not be cut in the middle.
        let task = tokio::spawn(async move { gateway.measured(Arc::new(submission)).await }.in_current_span());
        match task.await {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(CommandError::OutcomeUnknown),
            },
        }
    }

    async fn measured<A: Aggregate>(&self, submission: Arc<Submission<A>>) -> Result<Done, CommandError<A>> {
        let started = Instant::now();
        let outcome = self.run(submission).await;
        measure::came_to(self.shared.log.meter(), &outcome, started.elapsed());
        outcome
    }

    async fn run<A: Aggregate>(&self, submission: Arc<Submission<A>>) -> Result<Done, CommandError<A>> {
        let shared = &*self.shared;
        let turn = match &submission.key {
            Some(key) => {
                let turn = shared.in_flight.enter(key.digest, shared.settings.duplicate_waits).await;
                Some(turn.map_err(|_| CommandError::KeyInFlight)?)
            }
            None => None,
        };
        let mut attempt = Attempt { look_for_key: turn.as_ref().is_some_and(|turn| turn.waited), at_head: false };
        for number in 1..=shared.settings.max_attempts {
            if let Some(done) = self.attempt(&submission, &mut attempt).await? {
                return Ok(done);
            }
            pause_before(number).await;
        }
        metrics::counter!("orders_commands_contended_total").increment(1);
        Err(CommandError::Contention)
    }

    /// Decides and appends once; `None` when it has to be decided again.
    async fn attempt<A: Aggregate>(
        &self,
        submission: &Arc<Submission<A>>,
        attempt: &mut Attempt,
    ) -> Result<Option<Done>, CommandError<A>> {
        let started = Instant::now();
        if attempt.look_for_key
            && let Some(done) = self.replay(submission).await?
        {
            return Ok(Some(done));
        }
        let span = tracing::info_span!(target: trace::TARGET, "decide", aggregate = A::KIND.as_str());
        let (before, verdict) = self.decide(submission, attempt.at_head).instrument(span).await?;
        if !attempt.at_head && !verdict.is_checked_by_append() {
            attempt.at_head = true;
            return Ok(None);
        }
        let decide = started.elapsed();
        match verdict {
            // Nothing was written under this key before the state that refuses was read, or it is here by now.
            Verdict::Refused(error) => self.replay(submission).await?.map_or(Err(error), |done| Ok(Some(done))),
            Verdict::Accepted(decided) if decided.prepared.events.is_empty() && submission.key.is_none() => {
                let timing = Timing { decide, ..Timing::default() };
                Ok(Some(Done { answer: decided.answer, position: before.position, replayed: false, timing }))
            }
            Verdict::Accepted(decided) => self.append(submission, decided, decide, attempt).await,
        }
    }

    async fn append<A: Aggregate>(
        &self,
        submission: &Arc<Submission<A>>,
        decided: Box<prepare::Decided<A>>,
        decide: Duration,
        attempt: &mut Attempt,
    ) -> Result<Option<Done>, CommandError<A>> {
        let shared = &*self.shared;
        let handed_in = Instant::now();
        let (reply, settled) = oneshot::channel();
        let events = decided.prepared.events.len();
        let span = tracing::info_span!(target: trace::TARGET, "append", events, position = field::Empty);
        let prices = shared.catalogue.prices();
        let states = Arc::clone(&shared.states);
        let pending =
            Pending { submission: Arc::clone(submission), prices, decided, states, reply, span: span.clone() };
        shared.appender.submit(Box::new(pending)).map_err(|_| CommandError::Overloaded)?;
        // The appender settles all that it took in; if it died, nobody knows what it wrote.
        let Ok(Settled { outcome, answer }) = settled.await else {
            return Err(CommandError::OutcomeUnknown);
        };
        match outcome {
            Outcome::Committed { position, database } => {
                let append = handed_in.elapsed();
                metrics::histogram!("orders_append_wait_seconds").record(append.saturating_sub(database).as_secs_f64());
                span.record("position", position.0);
                self.after_commit::<A>().await;
                let timing = Timing { decide, append, database };
                Ok(Some(Done { answer, position, replayed: false, timing }))
            }
            Outcome::Overtaken | Outcome::NotHere => {
                attempt.at_head = true;
                Ok(None)
            }
            Outcome::KeyTaken => {
                attempt.look_for_key = true;
                Ok(None)
            }
            Outcome::Unavailable(reason) => Err(CommandError::Unavailable(reason)),
            Outcome::NotStorable(reason) => Err(CommandError::NotStorable(reason)),
            Outcome::Unknown => Err(CommandError::OutcomeUnknown),
        }
    }

    async fn decide<A: Aggregate>(
        &self,
        submission: &Arc<Submission<A>>,
        at_head: bool,
    ) -> Result<(Arc<Snapshot<A>>, Verdict<A>), CommandError<A>> {
        if at_head {
            self.shared.catalogue.refresh().await?;
        }
        let before = self.snapshot(submission, at_head).await?;
        let verdict = prepare(submission, &before, &self.shared.catalogue.prices());
        Ok((before, verdict))
    }

    async fn snapshot<A: Aggregate>(
        &self,
        submission: &Submission<A>,
        at_head: bool,
    ) -> Result<Arc<Snapshot<A>>, CommandError<A>> {
        if submission.fresh_id {
            return Ok(Arc::new(Snapshot::empty(&submission.id)));
        }
        let stream = StreamId { kind: A::KIND, id: submission.id.as_str().into() };
        if !at_head && let Some(known) = self.shared.states.get(&stream) {
            return Ok(known);
        }
        Ok(self.load(&submission.id).await?)
    }

    /// The answer that was given to this key before.
    async fn replay<A: Aggregate>(&self, submission: &Submission<A>) -> Result<Option<Done>, CommandError<A>> {
        let Some(key) = &submission.key else { return Ok(None) };
        let found = idempotency::find(self.shared.log.pool(), key).await.map_err(LogError::from)?;
        match found {
            None => Ok(None),
            Some(replay) if replay.request_digest != key.request_digest => Err(CommandError::KeyReused),
            Some(replay) => {
                let (answer, position) = (replay.answer, replay.position);
                Ok(Some(Done { answer, position, replayed: true, timing: Timing::default() }))
            }
        }
    }

    /// Whoever changed a product finds the change in the next order through this process.
    async fn after_commit<A: Aggregate>(&self) {
        if A::KIND == domain::AggregateType::Product
            && let Err(error) = self.shared.catalogue.refresh().await
        {
            tracing::warn!(%error, "the catalogue could not be read after a change; it follows by itself");
        }
    }
}

/// What the next attempt has to look at.
struct Attempt {
    /// The key may be taken.
    look_for_key: bool,
    /// Decide on what the log holds now, not on what is in memory.
    at_head: bool,
}

/// Lets others go first for a moment, longer each time, and not all for the same time.
async fn pause_before(attempt: u32) {
    if attempt > 1 {
        let most_ms = u64::from(attempt) * 2;
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..=most_ms))).await;
    }
}
