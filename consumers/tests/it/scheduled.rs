//! Mails that are due at a time: once each, and only where they are still called for.

use super::process::mail;
use super::shop::{Order, Shop};
use chrono::{TimeDelta, Utc};
use commands::Clock;
use commands::schedule::{JobState, Schedule, Task, Worker};
use consumers::Mailer;
use consumers::order_mail::again::{self, OrderMailAgain, Which};
use consumers::order_mail::reminder::{PayLink, PaymentReminder, UnpaidOrders};
use domain::ids::OrderId;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::smtp::{Mail, MailServer};

/// A day, and a little more than a task's pause.
const DAY_S: i64 = 24 * 60 * 60 + 120;

/// A shop, and a clock that runs ahead of the log's by what a test says.
struct Tomorrow {
    shop: Shop,
    schedule: Schedule,
    ahead_s: Arc<AtomicI64>,
}

impl Tomorrow {
    async fn new() -> Self {
        let (shop, ahead_s) = (Shop::open().await, Arc::new(AtomicI64::new(0)));
        let ahead = Arc::clone(&ahead_s);
        let clock = Clock::new(move || Utc::now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst)));
        let schedule = Schedule::new(shop.pool().clone(), clock);
        Self { shop, schedule, ahead_s }
    }

    fn wait_s(&self, seconds: i64) {
        self.ahead_s.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Runs what is due, as another start of the program does.
    async fn run_due(&self) {
        let server = MailServer::shared();
        let settings = mail(&server.starttls_url(), Some(&server.certificates().authority()));
        let (log, mailer) = (self.shop.log.clone(), Mailer::new(settings).unwrap());
        let link: PayLink = Arc::new(|id: OrderId| format!("https://leaf.example/pay/{id}?a=1&b=2"));
        let tasks: Vec<Arc<dyn Task>> = vec![
            Arc::new(UnpaidOrders::new(log.clone(), self.schedule.clone())),
            Arc::new(PaymentReminder::new(log.clone(), mailer.clone(), link)),
            Arc::new(OrderMailAgain::new(log, mailer)),
        ];
        Worker::new(self.schedule.clone(), tasks).run_due().await.unwrap();
    }

    fn mailbox(order: &Order) -> Vec<Mail> {
        MailServer::shared().mailbox(&order.email)
    }

    async fn states(&self, task: &str) -> Vec<JobState> {
        let jobs = self.schedule.list(0, 100, true).await.unwrap();
        jobs.into_iter().filter(|job| job.task == task).map(|job| job.state).collect()
    }
}

#[tokio::test]
async fn who_has_not_paid_after_a_day_is_reminded_once() {
    let day = Tomorrow::new().await;
    let (unpaid, paid) = (day.shop.place("Ada").await, day.shop.place("Grace").await);
    day.shop.pay(&paid).await;
    day.run_due().await;
    assert!(day.states("payment_reminder").await.is_empty(), "a day has not gone by");
    day.wait_s(DAY_S);
    day.run_due().await;
    day.wait_s(DAY_S);
    day.run_due().await;
    assert_eq!(day.states("payment_reminder").await, [JobState::Done]);
    assert!(Tomorrow::mailbox(&paid).is_empty());
    let mails = Tomorrow::mailbox(&unpaid);
    let [reminder] = &mails[..] else { panic!("{} mails", mails.len()) };
    assert_eq!(reminder.subject(), format!("Order nr. {} is not paid yet", unpaid.number));
    let (text, html) = (reminder.text().unwrap(), reminder.html().unwrap());
    let link = format!("https://leaf.example/pay/{}?a=1&b=2", unpaid.id);
    assert!(text.contains("Still to be paid: $25.00") && text.contains(&link), "{text}");
    assert!(html.contains("$25.00") && html.contains(&link.replace('&', "&#38;")), "{html}");
}

#[tokio::test]
async fn who_is_paying_is_not_asked_to_and_what_does_not_fit_is_a_person_s_business() {
    let day = Tomorrow::new().await;
    day.run_due().await;
    let (paying, flagged) = (day.shop.place("Ada").await, day.shop.place("Grace").await);
    day.shop.pay_wrongly(&flagged).await;
    let begin = sqlx::query(
        "INSERT INTO payment_intents (id, order_id, provider, amount, currency, state, expires_at, created_at, changed_at)
         VALUES (gen_random_uuid(), $1::uuid, 'paypal', 25, 'USD', 'pending', now(), now(), now())",
    );
    begin.bind(&paying.id).execute(day.shop.pool()).await.unwrap();
    day.wait_s(DAY_S);
    for _ in 0..2 {
        day.run_due().await;
        day.wait_s(60);
    }
    assert_eq!(day.states("payment_reminder").await, [JobState::Waiting], "of the one who is paying");

    // It came to nothing.
    sqlx::query("UPDATE payment_intents SET state = 'declined'").execute(day.shop.pool()).await.unwrap();
    day.wait_s(6 * 60 * 60);
    day.run_due().await;
    assert_eq!((Tomorrow::mailbox(&paying).len(), Tomorrow::mailbox(&flagged).len()), (1, 0));
}

#[tokio::test]
async fn orders_from_before_there_were_reminders_are_left_in_peace() {
    let day = Tomorrow::new().await;
    let old = day.shop.place("Ada").await;
    day.wait_s(DAY_S);
    day.run_due().await;
    let young = day.shop.place("Grace").await;
    day.wait_s(DAY_S);
    day.run_due().await;
    assert!(Tomorrow::mailbox(&old).is_empty());
    assert_eq!(Tomorrow::mailbox(&young).len(), 1);
}

#[tokio::test]
async fn a_mail_is_sent_once_more_when_it_is_asked_for() {
    let day = Tomorrow::new().await;
    let order = day.shop.place("Ada").await;
    let id: OrderId = order.id.parse().unwrap();
    assert!(again::ask(&day.schedule, id, Which::Confirmation).await.unwrap());
    assert!(!again::ask(&day.schedule, id, Which::Confirmation).await.unwrap(), "it is under way");
    day.run_due().await;
    assert!(!again::ask(&day.schedule, id, Which::Confirmation).await.unwrap(), "it was sent just now");
    day.wait_s(601);
    assert!(again::ask(&day.schedule, id, Which::Confirmation).await.unwrap());
    day.run_due().await;
    let mails = Tomorrow::mailbox(&order);
    let [first, second] = &mails[..] else { panic!("{} mails", mails.len()) };
    assert_eq!(first.subject(), format!("Order nr. {}", order.number));
    assert_eq!(first.text(), second.text());
    assert_ne!(first.message_id(), second.message_id(), "another mail for another cause");
}

#[tokio::test]
async fn a_mail_that_there_never_was_is_not_sent_again() {
    let day = Tomorrow::new().await;
    let order = day.shop.place("Ada").await;
    assert!(again::ask(&day.schedule, order.id.parse().unwrap(), Which::Receipt).await.unwrap());
    day.run_due().await;
    assert_eq!(day.states("order_mail_again").await, [JobState::Failed]);
    assert!(Tomorrow::mailbox(&order).is_empty());
}
