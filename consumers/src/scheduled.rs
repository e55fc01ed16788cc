//! Mail as the work of a job of the schedule: what is due at a time, and not because of an event just now.

use crate::mail::{Letter, Mailer, Outcome};
use crate::mails;
use commands::schedule::{Done, Failure, Run};
use std::time::Duration;

/// How long a mail may wait until a connection to the server is free.
const SLOT_AT_MOST: Duration = Duration::from_secs(60);

/// How long a job that sends one mail may take.
pub(crate) fn at_most(mailer: &Mailer) -> Duration {
    SLOT_AT_MOST + mailer.longest_send()
}

/// Sends the mail of a job, marked as being sent before it begins: a crash in the midst of it leaves the job `unknown`,
/// and the mail is not sent again by itself. `leave` is where whoever gets it can end that, for mails that go to a
/// list.
pub(crate) async fn send(
    mailer: &Mailer,
    run: &mut Run,
    letter: &Letter<'_>,
    message_id: &str,
    leave: Option<&str>,
) -> Result<Done, Failure> {
    ended(attempt(mailer, run, letter, message_id, leave).await?)
}

async fn attempt(
    mailer: &Mailer,
    run: &mut Run,
    letter: &Letter<'_>,
    message_id: &str,
    leave: Option<&str>,
) -> Result<Outcome, Failure> {
    let message =
        mailer.compose_for_list(letter, message_id, leave).map_err(|error| Failure::Permanent(error.to_string()))?;
    let slot = mailer.slot().await;
    run.sending().await?;
    let note = mails::scheduled::begin(run, letter.address, message_id).await;
    let outcome = slot.send(&message).await;
    mails::scheduled::end(run, note, &outcome).await;
    Ok(outcome)
}

fn ended(outcome: Outcome) -> Result<Done, Failure> {
    match outcome {
        Outcome::Sent(_) => Ok(Done::plainly()),
        Outcome::Temporary(reason) | Outcome::Unreachable(reason) => Err(Failure::Temporary(reason)),
        Outcome::Permanent(reason) | Outcome::NoRecipient(reason) => Err(Failure::Permanent(reason)),
        Outcome::Unknown(reason) => Err(Failure::Unknown(reason)),
    }
}

/// The same for an address that anybody may have typed: where the server knows no such recipient, that is all, and
/// nobody behind the counter can do anything about it. What else it refuses for good (the sender, the content) is
/// theirs to mend.
pub(crate) async fn send_to_stranger(
    mailer: &Mailer,
    run: &mut Run,
    letter: &Letter<'_>,
    message_id: &str,
    leave: Option<&str>,
) -> Result<Done, Failure> {
    match attempt(mailer, run, letter, message_id, leave).await? {
        Outcome::NoRecipient(reason) => {
            tracing::info!(reason, "a mail that somebody asked for can't be delivered");
            Ok(Done::plainly())
        }
        outcome => ended(outcome),
    }
}
