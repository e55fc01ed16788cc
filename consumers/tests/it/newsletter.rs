//! An issue goes to the subscribers of its moment, to each once, also across a crash.

use super::process::{Plan, Process, SOON, mail};
use super::shop::Shop;
use chrono::{DateTime, TimeDelta, Utc};
use commands::Clock;
use commands::schedule::{Failure, JobState, Schedule, Worker};
use commands::subscribers::issues::{self, Counts};
use commands::subscribers::letters;
use commands::subscribers::{self, Subscriber};
use consumers::newsletter_mail::{self, Issue, Issues, NewsletterMail, Words};
use consumers::{EmbeddedBroker, Mailer};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::smtp::MailServer;
use testkit::{Db, eventually};
use uuid::Uuid;

/// The one issue that there is.
struct Spring(Uuid);

impl Issues for Spring {
    fn get(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Issue>, Failure>> {
        let words = |subject: &str, text: &str| Words { subject: subject.to_owned(), text: text.to_owned() };
        let issue = Issue {
            words: words("The first flush", "It has <arrived>.\n\nCome and taste it."),
            translations: BTreeMap::from([("ko".to_owned(), words("첫물차", "도착했습니다."))]),
        };
        let found = (id == self.0).then_some(issue);
        async move { Ok(found) }.boxed()
    }
}

struct Desk {
    pool: PgPool,
    schedule: Schedule,
    ahead_s: Arc<AtomicI64>,
    issue: Uuid,
}

impl Desk {
    async fn new(db: &Db) -> Self {
        let (pool, ahead_s) = (db.pool().await, Arc::new(AtomicI64::new(0)));
        let ahead = Arc::clone(&ahead_s);
        let clock = Clock::new(move || Utc::now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst)));
        Self { schedule: Schedule::new(pool.clone(), clock), pool, ahead_s, issue: Uuid::now_v7() }
    }

    /// Somebody who gets the newsletter from that time on.
    async fn subscriber(&self, lang: &str, from: DateTime<Utc>) -> Subscriber {
        let payload = json!({ "email": format!("{}@example.com", Uuid::now_v7()), "lang": lang });
        let letter = letters::write(&self.pool, &payload, from).await.unwrap().unwrap();
        assert!(subscribers::confirm(&self.pool, &letter.confirm.unwrap(), from).await.unwrap());
        letter.subscriber
    }

    /// Runs what is due until nothing is left to do, time going by in between.
    async fn run_all(&self, smtp_url: &str) {
        for _ in 0..20 {
            self.worker(smtp_url).run_due().await.unwrap();
            self.ahead_s.fetch_add(901, Ordering::SeqCst);
        }
    }

    fn worker(&self, smtp_url: &str) -> Worker {
        let authority = MailServer::shared().certificates().authority();
        let authority = smtp_url.contains("tls=").then_some(authority.as_path());
        let mailer = Mailer::new(mail(smtp_url, authority)).unwrap();
        let task = NewsletterMail::new(Arc::new(Spring(self.issue)), mailer, "https://leaf.example".to_owned());
        Worker::new(self.schedule.clone(), vec![Arc::new(task)])
    }

    async fn counts(&self) -> Counts {
        issues::count(&self.pool, self.issue).await.unwrap()
    }

    async fn state(&self) -> JobState {
        self.schedule.list(0, 10, true).await.unwrap()[0].state
    }
}

fn mails_of(subscriber: &Subscriber) -> Vec<testkit::smtp::Mail> {
    MailServer::shared().mailbox(subscriber.email.as_str())
}

#[tokio::test]
async fn each_subscriber_of_the_moment_gets_it_once_in_their_language() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let released_at = Utc::now();
    let before = released_at - TimeDelta::seconds(60);
    let (ada, sun) = (desk.subscriber("en", before).await, desk.subscriber("ko", before).await);
    let late = desk.subscriber("en", released_at + TimeDelta::seconds(1)).await;
    let gone = desk.subscriber("en", before).await;
    assert!(subscribers::leave(&desk.pool, &gone.leave).await.unwrap());
    assert!(newsletter_mail::put(&desk.schedule, desk.issue, released_at).await.unwrap());
    assert!(!newsletter_mail::put(&desk.schedule, desk.issue, released_at).await.unwrap());
    desk.run_all(&MailServer::shared().starttls_url()).await;
    assert_eq!(desk.state().await, JobState::Done);
    assert_eq!(desk.counts().await, Counts { sent: 2, ..Counts::default() });

    let [english] = &mails_of(&ada)[..] else { panic!("not one mail") };
    let [korean] = &mails_of(&sun)[..] else { panic!("not one mail") };
    assert_eq!((english.subject().as_str(), korean.subject().as_str()), ("The first flush", "첫물차"));
    let (text, html) = (english.text().unwrap(), english.html().unwrap());
    assert!(text.contains("It has <arrived>.") && text.contains("Come and taste it."), "{text}");
    assert!(html.contains("It has &#60;arrived&#62;.</p>"), "{html}");
    let leave = format!("https://leaf.example/newsletter/leave/?who={}", ada.leave.expose());
    assert_eq!(english.header("List-Unsubscribe"), Some(format!("<{leave}>")));
    assert!(text.contains(&leave) && !text.contains(&sun.leave.expose()));
    assert!(mails_of(&late).is_empty() && mails_of(&gone).is_empty());
}

#[tokio::test]
async fn a_list_longer_than_a_batch_is_gone_through_whole() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let before = Utc::now() - TimeDelta::seconds(60);
    for _ in 0..120 {
        desk.subscriber("en", before).await;
    }
    newsletter_mail::put(&desk.schedule, desk.issue, Utc::now()).await.unwrap();
    desk.run_all(&MailServer::shared().starttls_url()).await;
    assert_eq!(desk.counts().await, Counts { sent: 120, ..Counts::default() });
    assert_eq!(desk.state().await, JobState::Done);
}

#[tokio::test]
async fn what_was_cut_off_is_gone_on_with_and_nobody_gets_it_twice() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let before = Utc::now() - TimeDelta::seconds(60);
    let (sent, cut_off, open) =
        (desk.subscriber("en", before).await, desk.subscriber("en", before).await, desk.subscriber("en", before).await);
    newsletter_mail::put(&desk.schedule, desk.issue, Utc::now()).await.unwrap();
    // As a run leaves it that ended in the midst of the second mail.
    for subscriber in [&sent, &cut_off] {
        assert_eq!(issues::begin(&desk.pool, desk.issue, subscriber.id, Utc::now()).await.unwrap(), Some(1));
    }
    issues::finish(&desk.pool, desk.issue, sent.id, &issues::Outcome::Sent, Utc::now()).await.unwrap();
    desk.run_all(&MailServer::shared().starttls_url()).await;
    assert_eq!(desk.counts().await, Counts { sent: 2, unknown: 1, ..Counts::default() });
    let numbers = [&sent, &cut_off, &open].map(|subscriber| mails_of(subscriber).len());
    assert_eq!(numbers, [0, 0, 1]);
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let ada = desk.subscriber("en", Utc::now() - TimeDelta::seconds(60)).await;
    newsletter_mail::put(&desk.schedule, desk.issue, Utc::now()).await.unwrap();
    let away = format!("smtp://127.0.0.1:{}", testkit::free_port());
    desk.worker(&away).run_due().await.unwrap();
    assert_eq!(
        (desk.counts().await, desk.state().await),
        (Counts { waiting: 1, ..Counts::default() }, JobState::Waiting)
    );
    desk.ahead_s.fetch_add(901, Ordering::SeqCst);
    desk.run_all(&MailServer::shared().starttls_url()).await;
    assert_eq!((desk.counts().await, mails_of(&ada).len()), (Counts { sent: 1, ..Counts::default() }, 1));

    // However long it is away, that is nobody's attempt.
    let other = Desk { issue: Uuid::now_v7(), ..desk };
    newsletter_mail::put(&other.schedule, other.issue, Utc::now()).await.unwrap();
    other.run_all(&away).await;
    assert_eq!(other.counts().await, Counts { waiting: 1, ..Counts::default() });
    other.run_all(&MailServer::shared().starttls_url()).await;
    assert_eq!((other.counts().await, mails_of(&ada).len()), (Counts { sent: 1, ..Counts::default() }, 2));
}

/// The walk of an issue: released in the log, by Kafka to its group, from there to the schedule, and read back to be
/// mailed.
#[tokio::test]
async fn a_released_issue_is_put_into_the_schedule_once() {
    let shop = Shop::open().await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), "console:"));
    eventually("the group is known", SOON, async || {
        let known = sqlx::query("SELECT FROM consumer_groups WHERE consumer = 'newsletter'");
        known.fetch_optional(shop.pool()).await.unwrap()
    })
    .await;
    let id = shop.release_issue().await;
    let keys = async || -> Vec<String> {
        let keys = sqlx::query_scalar("SELECT job_key FROM scheduled_jobs WHERE task = 'newsletter_issue'");
        keys.fetch_all(shop.pool()).await.unwrap()
    };
    eventually("it is put in", SOON, async || !keys().await.is_empty()).await;
    process.stop().await;
    assert_eq!(keys().await, [id.to_string()]);
    let issues = newsletter_mail::ReleasedIssues(shop.log.clone());
    let issue = issues.get(id).await.unwrap().expect("the issue");
    assert_eq!(issue.words.subject, "The first flush");
    assert_eq!(issues.get(Uuid::now_v7()).await.unwrap(), None);
}
