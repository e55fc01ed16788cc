//! Carrying out one effect, and writing down what it came to.

use super::Member;
use super::record::unquoted;
use crate::claim::Claim;
use crate::consumer::{Consumer, Done, Failure, FromEvent};
use crate::ledger::moves::Move;
use crate::ledger::{Entry, State};
use crate::pause::growing;
use commands::trace;
use domain::Recorded;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, Span, field};

impl<C: Consumer> Member<C> {
    /// Begins the work on an entry, beside whatever else is in hand.
    pub(super) fn begin(
        self: &Arc<Self>,
        entry: Entry,
        event: Option<Box<Recorded<C::Event>>>,
        place: OwnedSemaphorePermit,
    ) {
        let member = Arc::clone(self);
        // A lease can run out while PostgreSQL is away, though its holder lives: the entry is claimed anew then, but
        // not begun a second time.
        if !self.hand().insert(entry.id) {
            return;
        }
        self.tracker.spawn(async move {
            member.carry_out(&entry, event).await;
            member.hand().remove(&entry.id);
            drop(place);
        });
    }

    async fn carry_out(&self, entry: &Entry, event: Option<Box<Recorded<C::Event>>>) {
        // What has not begun at the stop is given back.
        if self.stop.is_cancelled() {
            return;
        }
        match self.event(entry, event).await {
            Ok(event) => {
                let spans = Spans::of::<C>(entry, &event);
                let exported = spans.exported.clone();
                let acting = async { self.act(entry, Ok(&event), &spans).await };
                acting.instrument(exported).instrument(spans.logged.clone()).await;
            }
            Err(failure) => self.act(entry, Err(failure), &Spans::none()).await,
        }
    }

    /// Has the effect, and writes down what it came to.
    async fn act(&self, entry: &Entry, event: Result<&Recorded<C::Event>, Failure>, spans: &Spans) {
        let mut claim = Claim::new(&self.tools, entry, C::NAME);
        let outcome = match event {
            Ok(event) => self.handle(event, &mut claim).await,
            Err(failure) => Err(failure),
        };
        let Some(step) = self.step(entry, claim.phase(), outcome) else { return };
        let to = step.to;
        let failed_for_now = step.reason.as_ref().filter(|_| to == State::Waiting).cloned();
        spans.exported.record("outcome", to.as_str());
        fail::fail_point!("outcome.before");
        let settled = claim.settle(step).await;
        fail::fail_point!("outcome.after");
        match settled {
            Ok(true) => {
                self.tell(entry, to);
                self.tell_trouble(to, failed_for_now);
            }
            Ok(false) => tracing::warn!(
                consumer = C::NAME,
                entry = entry.id,
                "an effect was taken over by another run of the program before its outcome was written"
            ),
            Err(error) => tracing::error!(
                consumer = C::NAME,
                entry = entry.id,
                %error,
                "the outcome of an effect could not be written: its lease decides"
            ),
        }
    }

    /// The event of an entry: as Kafka brought it, or else from the log.
    async fn event(
        &self,
        entry: &Entry,
        event: Option<Box<Recorded<C::Event>>>,
    ) -> Result<Box<Recorded<C::Event>>, Failure> {
        if let Some(event) = event {
            return Ok(event);
        }
        let stored = self.log.read_event(&entry.aggregate_type, &entry.aggregate_id, entry.sequence).await;
        let stored = stored.map_err(|error| Failure::Temporary(error.to_string()))?;
        let Some(stored) = stored.filter(|stored| stored.event_id == entry.event_id) else {
            return Err(Failure::Permanent("the log has no such event".to_owned()));
        };
        let recorded = stored.recorded().map_err(|error| Failure::Permanent(unquoted(&error.to_string())))?.clone();
        recorded
            .filter_map(C::Event::from_event)
            .map(Box::new)
            .ok_or_else(|| Failure::Permanent("the consumer does not take events of this type".to_owned()))
    }

    async fn handle(&self, event: &Recorded<C::Event>, claim: &mut Claim<'_>) -> Result<Done, Failure> {
        let (limit, at_most) = (claim.time_limit(), self.tools.time_limit);
        let handled = AssertUnwindSafe(self.consumer.handle(event, claim)).catch_unwind();
        match limit.keep(at_most, handled).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(_panic)) => Err(cut_short(claim.phase(), PANICKED.to_owned())),
            None => {
                claim.abandon();
                Err(cut_short(claim.phase(), format!("the consumer took longer than {} s", at_most.as_secs())))
            }
        }
    }

    /// What is to be written, if anything.
    fn step(&self, entry: &Entry, phase: State, outcome: Result<Done, Failure>) -> Option<Move> {
        let step = |to| Move { ends_attempt: true, ..Move::new(entry.id, phase, to) };
        let attempt = entry.attempts + 1;
        Some(match outcome {
            Ok(done) => Move { reason: done.answer, ..step(State::Sent) },
            Err(Failure::Lost) => return None,
            Err(Failure::Unknown(reason)) => Move { reason: Some(reason), ..step(State::Unknown) },
            Err(Failure::Permanent(reason)) => Move { reason: Some(reason), ..step(State::Parked) },
            Err(Failure::Temporary(reason)) if attempt >= self.retry.attempts => {
                Move { reason: Some(format!("given up after {attempt} attempts: {reason}")), ..step(State::Parked) }
            }
            Err(Failure::Temporary(reason)) => Move {
                due_in: Some(growing(self.retry.first, self.retry.longest, attempt)),
                reason: Some(reason),
                ..step(State::Waiting)
            },
        })
    }

    fn tell(&self, entry: &Entry, to: State) {
        metrics::counter!("orders_consumer_outcomes_total", "consumer" => C::NAME, "outcome" => to.as_str())
            .increment(1);
        if matches!(to, State::Parked | State::Unknown) {
            tracing::warn!(
                consumer = C::NAME,
                entry = entry.id,
                event = %entry.event_id,
                state = to.as_str(),
                "an effect needs a person; see `orders parked list`"
            );
        }
    }

    /// Tells when effects begin to fail, whatever they are about, and when that is over.
    fn tell_trouble(&self, to: State, failed_for_now: Option<String>) {
        match (to, failed_for_now) {
            (State::Waiting, Some(reason)) if self.trouble.failed() => tracing::warn!(
                consumer = C::NAME,
                reason,
                "effects fail, and are tried again; see `orders parked list --state waiting`"
            ),
            (State::Sent, _) if self.trouble.succeeded() => {
                tracing::info!(consumer = C::NAME, "effects that failed go out again");
            }
            _ => {}
        }
    }
}

/// What is told of the work on one effect.
struct Spans {
    /// In the log's lines.
    logged: Span,
    /// To whoever collects traces: a part of the trace of the request that the effect is due to, however late it comes.
    exported: Span,
}

impl Spans {
    fn of<C: Consumer>(entry: &Entry, event: &Recorded<C::Event>) -> Self {
        let traceparent = event.metadata.traceparent.as_deref();
        let logged = tracing::info_span!("effect", consumer = C::NAME, trace_id = field::Empty);
        if let Some(trace_id) = traceparent.and_then(trace::trace_id) {
            logged.record("trace_id", trace_id);
        }
        let exported = tracing::info_span!(
            target: trace::TARGET,
            "consume",
            otel.kind = "consumer",
            messaging.system = "kafka",
            messaging.consumer.group.name = C::NAME,
            event = %entry.event_id,
            position = event.position.0,
            attempt = entry.attempts + 1,
            outcome = field::Empty,
        );
        trace::continues(&exported, traceparent);
        Self { logged, exported }
    }

    fn none() -> Self {
        Self { logged: Span::none(), exported: Span::none() }
    }
}

const PANICKED: &str = "the consumer panicked: this is a fault of the program, see its log";

/// A handler that did not come to its end may be tried again where nothing has begun outside.
fn cut_short(phase: State, reason: String) -> Failure {
    if phase == State::Sending { Failure::Unknown(reason) } else { Failure::Temporary(reason) }
}
