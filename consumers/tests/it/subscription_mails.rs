//! The mails about getting the newsletter, with a link to leave that people and mail programs find.

use super::process::mail;
use chrono::Utc;
use commands::Clock;
use commands::members::LinkToken;
use commands::schedule::{Schedule, Worker};
use commands::subscribers::{self, LeaveLink};
use consumers::Mailer;
use consumers::subscription_mail::SubscriptionMail;
use domain::text::Email;
use sqlx::PgPool;
use std::sync::Arc;
use testkit::Db;
use testkit::smtp::{Mail, MailServer};
use uuid::Uuid;

async fn ask(pool: &PgPool, email: &Email, lang: &str) -> Mail {
    let server = MailServer::shared();
    let schedule = Schedule::new(pool.clone(), Clock::system());
    subscribers::ask(&schedule, email, lang).await.unwrap();
    let settings = mail(&server.starttls_url(), Some(&server.certificates().authority()));
    let task = SubscriptionMail::new(Mailer::new(settings).unwrap(), Some("https://leaf.example".to_owned()));
    Worker::new(schedule, vec![Arc::new(task)]).run_due().await.unwrap();
    server.mailbox(email.as_str()).pop().expect("a mail")
}

/// What stands behind that in the text, up to the next blank.
fn behind<'t>(text: &'t str, start: &str) -> &'t str {
    text.split_once(start).and_then(|(_, rest)| rest.split_whitespace().next()).expect(start)
}

#[tokio::test]
async fn it_is_confirmed_by_the_link_and_left_by_one_click() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let email = Email::parse(&format!("{}@example.com", Uuid::now_v7())).unwrap();
    let confirm = ask(&pool, &email, "zh-Hans").await;
    assert_eq!(confirm.subject(), "请确认订阅 Leaf & Kettle 的资讯邮件");
    let text = confirm.text().unwrap();
    let token = LinkToken::parse(behind(&text, "https://leaf.example/newsletter/confirm/?token=")).unwrap();
    let leave = behind(&text, "https://leaf.example/newsletter/leave/?who=");
    let header = confirm.header("List-Unsubscribe").unwrap();
    assert_eq!(header, format!("<https://leaf.example/newsletter/leave/?who={leave}>"));
    assert_eq!(confirm.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert!(subscribers::confirm(&pool, &token, Utc::now()).await.unwrap());

    let told = ask(&pool, &email, "en").await;
    assert_eq!(told.subject(), "您已订阅 Leaf & Kettle 的资讯邮件", "in the language of the subscription");
    assert!(!told.text().unwrap().contains("token="));
    assert!(subscribers::leave(&pool, &LeaveLink::parse(leave).unwrap()).await.unwrap());
    assert!(subscribers::page(&pool, Utc::now(), Uuid::nil(), 10).await.unwrap().is_empty());
}
