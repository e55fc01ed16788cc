//! A mail about an order once more, as its customer asks for it.
//!
//! The ledger goes on saying what was done because of the event, once. This is another cause, a job of the schedule,
//! with a Message-ID of its own.

use super::history::History;
use super::letter_of;
use crate::mail::{Letter, Mailer};
use crate::scheduled;
use commands::Log;
use commands::schedule::{Done, Failure, Job, NewJob, Run, Schedule, Task};
use domain::ids::OrderId;
use domain::order::OrderEvent;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use std::time::Duration;

/// The name of the task.
pub(crate) const AGAIN: &str = "order_mail_again";
/// How long after one such mail another can be asked for.
const PAUSE: Duration = Duration::from_secs(600);

/// Which mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one that confirms the order.
    Confirmation,
    /// The one that confirms that it is paid.
    Receipt,
}

impl Which {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Confirmation, Self::Receipt];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Receipt => "receipt",
        }
    }

    /// The one of a text; `None` for a text that stands for none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.as_str() == text)
    }

    fn is_about(self, event: &OrderEvent) -> bool {
        match self {
            Self::Confirmation => matches!(event, OrderEvent::OrderPlaced(_)),
            Self::Receipt => matches!(event, OrderEvent::OrderPaid(_)),
        }
    }
}

/// Has a mail about an order sent once more; says whether it will be: not while one is under way, nor within ten
/// minutes. Whether whoever asks may have it is the caller's to know.
pub async fn ask(schedule: &Schedule, order: OrderId, which: Which) -> Result<bool, sqlx::Error> {
    let job = NewJob { task: AGAIN, key: &key(order, which), payload: json!({}), run_at: schedule.now() };
    schedule.put_again(&job, PAUSE).await
}

/// What became of the mails about an order that were asked for once more. Those that went out long ago are gone.
pub async fn of_order(schedule: &Schedule, order: OrderId) -> Result<Vec<(Which, Job)>, sqlx::Error> {
    let jobs = schedule.of_keys(AGAIN, &Which::ALL.map(|which| key(order, which))).await?;
    let which = |job: &Job| Which::ALL.into_iter().find(|which| key(order, *which) == job.key);
    Ok(jobs.into_iter().filter_map(|job| Some((which(&job)?, job))).collect())
}

fn key(order: OrderId, which: Which) -> String {
    format!("{order}:{}", which.as_str())
}

/// Sends them.
pub struct OrderMailAgain {
    log: Log,
    mailer: Mailer,
}

impl OrderMailAgain {
    /// Sends by this mailer.
    pub fn new(log: Log, mailer: Mailer) -> Self {
        Self { log, mailer }
    }

    async fn send(&self, run: &mut Run) -> Result<Done, Failure> {
        let nothing = || Failure::Permanent("there is no such mail".to_owned());
        let (order, which) = run.key().split_once(':').ok_or_else(nothing)?;
        let which = Which::parse(which).ok_or_else(nothing)?;
        let history = History::load(&self.log, order).await?;
        let event = history.find(|event| which.is_about(event)).ok_or_else(nothing)?;
        // Where mails go by now: the address may have been corrected since.
        let customer = &history.order.placed().ok_or_else(nothing)?.customer;
        let letter = letter_of(event, self.mailer.shop_name()).map_err(Failure::Permanent)?.ok_or_else(nothing)?;
        let letter = Letter { address: customer.email.as_str(), ..letter };
        // Asked for at another time it is another mail.
        let name = format!("{AGAIN} {}", run.run_at().timestamp_micros());
        let message_id = self.mailer.message_id(&name, event.event_id, customer.subject_id.0);
        scheduled::send(&self.mailer, run, &letter, &message_id, None).await
    }
}

impl Task for OrderMailAgain {
    fn name(&self) -> &'static str {
        AGAIN
    }

    fn at_most(&self) -> Duration {
        scheduled::at_most(&self.mailer)
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        self.send(run).boxed()
    }
}
