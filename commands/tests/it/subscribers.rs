//! Who gets the newsletter: by a link, until they leave by another.

use chrono::{DateTime, TimeDelta, Utc};
use commands::Clock;
use commands::members::LinkToken;
use commands::schedule::Schedule;
use commands::subscribers::letters::{self, SubscriptionLetter};
use commands::subscribers::{self, LINK_LASTS, LeaveLink};
use domain::text::Email;
use serde_json::Value;
use sqlx::PgPool;
use testkit::postgres::Db;
use uuid::Uuid;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

struct List {
    pool: PgPool,
    schedule: Schedule,
}

impl List {
    async fn new(db: &Db) -> Self {
        let pool = db.pool().await;
        Self { schedule: Schedule::new(pool.clone(), Clock::new(|| at(0))), pool }
    }

    /// Asks, and writes the mail.
    async fn ask(&self, address: &str, lang: &str) -> SubscriptionLetter {
        subscribers::ask(&self.schedule, &Email::parse(address).unwrap(), lang).await.unwrap();
        let payload: Value = sqlx::query_scalar("SELECT payload FROM scheduled_jobs ORDER BY id DESC LIMIT 1")
            .fetch_one(&self.pool)
            .await
            .unwrap();
        letters::write(&self.pool, &payload, at(0)).await.unwrap().expect("a mail")
    }

    async fn confirmed(&self, address: &str) -> LeaveLink {
        let letter = self.ask(address, "en").await;
        assert!(subscribers::confirm(&self.pool, &letter.confirm.unwrap(), at(1)).await.unwrap());
        letter.subscriber.leave
    }

    async fn addresses(&self) -> Vec<String> {
        let page = subscribers::page(&self.pool, at(1_000_000), Uuid::nil(), 100).await.unwrap();
        page.into_iter().map(|subscriber| subscriber.email.as_str().to_owned()).collect()
    }
}

#[tokio::test]
async fn who_follows_the_link_gets_it_and_the_link_is_good_once() {
    let db = Db::new().await;
    let list = List::new(&db).await;
    let letter = list.ask("Ada@example.com", "ko").await;
    assert!(list.addresses().await.is_empty(), "not yet");
    let token = letter.confirm.unwrap();
    assert!(subscribers::is_good(&list.pool, &token, at(1)).await.unwrap());
    assert!(!subscribers::is_good(&list.pool, &LinkToken::random(), at(1)).await.unwrap());
    assert!(subscribers::confirm(&list.pool, &token, at(1)).await.unwrap());
    assert!(!subscribers::confirm(&list.pool, &token, at(1)).await.unwrap());
    let page = subscribers::page(&list.pool, at(1), Uuid::nil(), 10).await.unwrap();
    assert_eq!((page.len(), page[0].lang.as_str(), &page[0].leave), (1, "ko", &letter.subscriber.leave));
    let before = subscribers::page(&list.pool, at(0), Uuid::nil(), 10).await.unwrap();
    assert!(before.is_empty(), "an issue goes to the subscribers of its moment");
}

#[tokio::test]
async fn a_link_ends_and_only_that_of_the_last_mail_is_good() {
    let db = Db::new().await;
    let list = List::new(&db).await;
    let first = list.ask("ada@example.com", "en").await.confirm.unwrap();
    let second = list.ask("ADA@example.com", "en").await.confirm.unwrap();
    let end = i64::try_from(LINK_LASTS.as_secs()).unwrap();
    assert!(!subscribers::confirm(&list.pool, &first, at(1)).await.unwrap());
    assert!(!subscribers::confirm(&list.pool, &second, at(end)).await.unwrap());
    assert!(subscribers::confirm(&list.pool, &second, at(end - 1)).await.unwrap());
}

#[tokio::test]
async fn who_gets_it_already_stays_as_they_are() {
    let db = Db::new().await;
    let list = List::new(&db).await;
    let leave = list.confirmed("ada@example.com").await;
    let letter = list.ask("ada@example.com", "ko").await;
    assert_eq!(letter.confirm, None);
    assert_eq!((letter.subscriber.lang.as_str(), &letter.subscriber.leave), ("en", &leave));
    assert_eq!(list.addresses().await, ["ada@example.com"]);
}

#[tokio::test]
async fn one_leaves_by_ones_own_link_alone_and_nothing_is_kept() {
    let db = Db::new().await;
    let list = List::new(&db).await;
    let (ada, grace) = (list.confirmed("ada@example.com").await, list.confirmed("grace@example.com").await);
    let (id, _) = ada.expose().split_once('.').map(|(id, key)| (id.to_owned(), key.to_owned())).unwrap();
    let (_, key) = grace.expose().split_once('.').map(|(id, key)| (id.to_owned(), key.to_owned())).unwrap();
    let forged = LeaveLink::parse(&format!("{id}.{key}")).unwrap();
    assert!(!subscribers::leave(&list.pool, &forged).await.unwrap());
    assert!(subscribers::leave(&list.pool, &ada).await.unwrap());
    assert!(!subscribers::leave(&list.pool, &ada).await.unwrap(), "twice is once");
    assert_eq!(list.addresses().await, ["grace@example.com"]);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM subscribers").fetch_one(&list.pool).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn pages_are_complete_and_hold_none_twice() {
    let db = Db::new().await;
    let list = List::new(&db).await;
    for number in 0..7 {
        list.confirmed(&format!("{number}@example.com")).await;
    }
    list.ask("waiting@example.com", "en").await;
    let (mut seen, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = subscribers::page(&list.pool, at(1), after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.id;
        seen.extend(page.into_iter().map(|subscriber| subscriber.email.as_str().to_owned()));
    }
    assert_eq!(seen, (0..7).map(|number| format!("{number}@example.com")).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_asked_and_never_followed_the_link_is_forgotten() {
    let db = Db::new().await;
    let list = List::new(&db).await;
    list.confirmed("ada@example.com").await;
    list.ask("grace@example.com", "en").await;
    let end = i64::try_from(LINK_LASTS.as_secs()).unwrap();
    assert_eq!(subscribers::sweep(&list.pool, at(end - 1)).await.unwrap(), 0);
    assert_eq!(subscribers::sweep(&list.pool, at(end)).await.unwrap(), 1);
    assert_eq!(list.addresses().await, ["ada@example.com"]);
}
