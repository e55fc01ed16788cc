//! What a consumer holds while it acts: the sole right to one effect, and the ways to have it.

use crate::consumer::{Done, Failure};
use crate::ledger::moves::{Move, apply};
use crate::ledger::writer::Writer;
use crate::ledger::{Entry, LedgerError, State};
use crate::mail::{Letter, Mailer, Outcome};
use crate::time_limit::TimeLimit;
use sqlx::{PgPool, PgTransaction};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What PostgreSQL allows a statement of a consumer's own beyond the time that the consumer has.
const STATEMENT_OUTLASTS_BY: Duration = Duration::from_secs(5);

/// The sole right to one effect of one event.
pub struct Claim<'a> {
    tools: &'a Tools,
    entry: &'a Entry,
    consumer: &'static str,
    phase: State,
    transaction: Option<PgTransaction<'static>>,
    time_limit: Arc<TimeLimit>,
}

/// What claims work with.
pub(crate) struct Tools {
    /// For the ledger.
    pub ledger: PgPool,
    /// For what consumers write.
    pub pool: PgPool,
    pub writer: Writer,
    pub mailer: Mailer,
    pub owner: Uuid,
    /// How long an effect outside may take at most; afterwards its outcome counts as unknown.
    pub sending_lease: Duration,
    /// How long a consumer may take for one event, the time apart in which it waits for its turn to send a mail.
    pub time_limit: Duration,
    /// Ends what has not begun.
    pub stop: CancellationToken,
}

impl<'a> Claim<'a> {
    pub(crate) fn new(tools: &'a Tools, entry: &'a Entry, consumer: &'static str) -> Self {
        Self { tools, entry, consumer, phase: State::Claimed, transaction: None, time_limit: Arc::default() }
    }

    /// Whom the effect reaches, as [`crate::Consumer::recipient`] said; the nil UUID for nobody.
    pub fn recipient(&self) -> Uuid {
        self.entry.recipient
    }

    /// The shop's name, as mails bear it.
    pub fn shop_name(&self) -> &str {
        self.tools.mailer.shop_name()
    }

    /// A transaction of PostgreSQL that commits with the outcome, and only if that is success and the claim still ours.
    pub async fn transaction(&mut self) -> Result<&mut PgTransaction<'static>, Failure> {
        let begun = match self.transaction.take() {
            Some(begun) => begun,
            None => self.begin().await?,
        };
        Ok(self.transaction.insert(begun))
    }

    async fn begin(&self) -> Result<PgTransaction<'static>, sqlx::Error> {
        let mut begun = self.tools.pool.begin().await?;
        // What waits for a lock goes on in the server when nobody waits for it any more, and keeps its connection.
        let at_most = self.tools.time_limit + STATEMENT_OUTLASTS_BY;
        sqlx::query("SELECT set_config('statement_timeout', $1, true)")
            .bind(format!("{}ms", at_most.as_millis()))
            .execute(&mut *begun)
            .await?;
        Ok(begun)
    }

    /// Marks, durably, that the effect is about to begin outside. From here on a crash leaves it `unknown`.
    pub async fn sending(&mut self, message_id: Option<&str>) -> Result<(), Failure> {
        let step = Move {
            due_in: Some(self.tools.sending_lease),
            message_id: message_id.map(str::to_owned),
            ..Move::new(self.entry.id, State::Claimed, State::Sending)
        };
        fail::fail_point!("sending.before");
        match self.tools.writer.carry_out(step).await {
            Ok(true) => {
                fail::fail_point!("sending.after");
                self.phase = State::Sending;
                Ok(())
            }
            Ok(false) => Err(Failure::Lost),
            // Whether it is written is open; nothing has begun, so it may be tried again once the lease has run out.
            Err(error) => {
                tracing::warn!(%error, "an effect is put off");
                Err(Failure::Lost)
            }
        }
    }

    /// Sends a mail, marked as being sent before it begins. The Message-ID depends on consumer, event and recipient
    /// alone, so a receiver can tell a second copy.
    pub async fn send_mail(&mut self, letter: &Letter<'_>) -> Result<Done, Failure> {
        let mailer = &self.tools.mailer;
        let message_id = mailer.message_id(self.consumer, self.entry.event_id, self.entry.recipient);
        let message = mailer.compose(letter, &message_id).map_err(|error| Failure::Permanent(error.to_string()))?;
        // Waiting for a free connection comes first: it is no part of the sending, and a stop ends it.
        let slot = self.time_limit.in_turn(self.tools.stop.run_until_cancelled(mailer.slot())).await;
        let slot = slot.ok_or(Failure::Lost)?;
        self.sending(Some(&message_id)).await?;
        fail::fail_point!("send.before");
        let outcome = slot.send(&message).await;
        fail::fail_point!("send.after");
        match outcome {
            Outcome::Sent(answer) => Ok(Done { answer: Some(answer) }),
            Outcome::Temporary(reason) | Outcome::Unreachable(reason) => Err(Failure::Temporary(reason)),
            Outcome::Permanent(reason) | Outcome::NoRecipient(reason) => Err(Failure::Permanent(reason)),
            Outcome::Unknown(reason) => Err(Failure::Unknown(reason)),
        }
    }

    /// The state that the effect is in by now: claimed or sending.
    pub(crate) fn phase(&self) -> State {
        self.phase
    }

    /// The time limit of whoever acts.
    pub(crate) fn time_limit(&self) -> Arc<TimeLimit> {
        Arc::clone(&self.time_limit)
    }

    /// Lets go of what a consumer has begun that was ended in the midst of it.
    pub(crate) fn abandon(&mut self) {
        // It is rolled back once PostgreSQL has answered; nobody waits for that.
        drop(self.transaction.take());
    }

    /// Writes the outcome, in the claim's own transaction if it has one.
    pub(crate) async fn settle(mut self, step: Move) -> Result<bool, LedgerError> {
        match self.transaction.take() {
            Some(mut transaction) if step.to == State::Sent => {
                let moved = apply(&mut *transaction, self.tools.owner, std::slice::from_ref(&step)).await?;
                if moved.ids.is_empty() {
                    transaction.rollback().await?;
                    return Ok(false);
                }
                transaction.commit().await?;
                Ok(true)
            }
            Some(transaction) => {
                transaction.rollback().await?;
                self.tools.writer.carry_out(step).await
            }
            None => self.tools.writer.carry_out(step).await,
        }
    }
}
