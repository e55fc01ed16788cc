//! What follows from the log outside of PostgreSQL: the relay streams it to Kafka, and consumers act on what Kafka
//! hands them.
//!
//! - [`relay`]: the log to Kafka, each event once and in order.
//! - [`consumer`]: what a consumer declares; one file each, such as [`order_mail`], listed in the registry below.
//! - [`runner`]: runs consumers: notes, claims, retries, parks.
//! - [`account_mail`], [`subscription_mail`]: mails about accounts, and about getting the newsletter.
//! - [`staff_mail`]: the mail that lets somebody behind the counter.
//! - [`newsletter`]: has issues of it mailed. [`newsletter_mail`]: an issue of the newsletter, to its subscribers.
//! - `scheduled`: mail as the work of a job of the schedule, see [`scheduled_tasks`].
//! - [`ledger`]: what became of each effect. [`parked`]: what needs a person. [`groups`]: how far consumers are, and
//!   running them.
//! - [`mails`]: whether a customer got a mail, and why (not).
//! - [`verify`]: whether Kafka and the ledger agree with the log.
//! - [`x_ray`]: one order's events, as the consumers know them.
//! - [`cloud_event`]: an event as a Kafka record. [`mail`]: sending mail. [`kafka`], [`topics`], [`embedded_broker`]:
//!   reaching Kafka.
//! - [`language`]: the languages that the shop speaks, in mails and on its pages. [`money`]: how amounts are shown in
//!   them.
//!
//! Only this crate knows Kafka and mail.

pub mod account_mail;
pub mod cloud_event;
pub mod consumer;
pub mod embedded_broker;
pub mod groups;
pub mod kafka;
pub mod language;
pub mod ledger;
pub mod mail;
pub mod mails;
pub mod money;
pub mod newsletter_mail;
pub mod parked;
pub mod relay;
pub mod runner;
pub mod staff_mail;
pub mod status;
pub mod subscription_mail;
pub mod topics;
pub mod verify;
pub mod x_ray;

mod claim;
mod note;
mod partitioner;
mod pause;
mod scheduled;
mod time_limit;
#[macro_use]
mod registry;

registry![order_mail::OrderMail, newsletter::Newsletter];

pub use claim::Claim;
pub use consumer::{Consumer, Done, Failure, Retry, Start, Wants};
pub use embedded_broker::EmbeddedBroker;
pub use kafka::{BrokerError, KafkaSettings};
pub use mail::{MailBackend, MailSettings, Mailer};
pub use relay::{RelayError, run_relay};
pub use runner::{ConsumerSettings, RunError, Services, run_consumer, run_consumers};
pub use status::{ReaderState, ReaderStatus};

use commands::Log;
use commands::schedule::{Schedule, Task};
use std::sync::Arc;

/// The tasks of the schedule that send mail. `base` is where visitors reach the shop (scheme, host and port), where
/// that is known; `pay_link` makes the address under which an order is paid: without, as where no provider takes
/// payments, nobody is reminded.
pub fn scheduled_tasks(
    log: &Log,
    schedule: &Schedule,
    mailer: &Mailer,
    base: Option<String>,
    pay_link: Option<order_mail::reminder::PayLink>,
) -> Vec<Arc<dyn Task>> {
    let mut tasks: Vec<Arc<dyn Task>> = vec![
        Arc::new(account_mail::AccountMail::new(mailer.clone(), base.clone())),
        Arc::new(staff_mail::StaffMail::new(mailer.clone(), base.clone())),
        Arc::new(subscription_mail::SubscriptionMail::new(mailer.clone(), base.clone())),
        Arc::new(order_mail::again::OrderMailAgain::new(log.clone(), mailer.clone())),
    ];
    if let Some(link) = pay_link {
        tasks.push(Arc::new(order_mail::reminder::UnpaidOrders::new(log.clone(), schedule.clone())));
        tasks.push(Arc::new(order_mail::reminder::PaymentReminder::new(log.clone(), mailer.clone(), link)));
    }
    // Without an address no issue could say how one leaves: they wait until it is known.
    if let Some(base) = base {
        let issues = Arc::new(newsletter_mail::ReleasedIssues(log.clone()));
        tasks.push(Arc::new(newsletter_mail::NewsletterMail::new(issues, mailer.clone(), base)));
    }
    tasks
}
