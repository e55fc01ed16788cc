//! The mail that lets somebody behind the counter: with a link that is good, to the address of the account alone.

use super::process::mail;
use chrono::Utc;
use commands::Clock;
use commands::members::LinkToken;
use commands::schedule::{Schedule, Worker};
use commands::staff::accounts::{self, Invitation};
use commands::staff::{Role, letters, links};
use consumers::Mailer;
use consumers::staff_mail::StaffMail;
use domain::text::{Email, PersonName};
use std::sync::Arc;
use testkit::Db;
use testkit::smtp::MailServer;
use uuid::Uuid;

#[tokio::test]
async fn who_is_invited_gets_a_link_that_is_good() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let schedule = Schedule::new(pool.clone(), Clock::system());
    let email = Email::parse(&format!("{}@example.com", Uuid::now_v7())).unwrap();
    let whom = Invitation { email: email.clone(), name: PersonName::parse("Ada <Tea>").unwrap(), role: Role::Clerk };
    let account = accounts::invite(&pool, &whom, Utc::now()).await.unwrap();
    letters::ask(&schedule, account.id).await.unwrap();
    let server = MailServer::shared();
    let settings = mail(&server.starttls_url(), Some(&server.certificates().authority()));
    let task = StaffMail::new(Mailer::new(settings).unwrap(), Some("https://leaf.example".to_owned()));
    Worker::new(schedule, vec![Arc::new(task)]).run_due().await.unwrap();
    let mails = server.mailbox(email.as_str());
    assert_eq!(mails.len(), 1);
    let text = mails[0].text().unwrap();
    let (_, rest) = text.split_once("https://leaf.example/admin/password/?token=").expect("a link");
    let token = LinkToken::parse(rest.split_whitespace().next().unwrap()).expect("a token");
    let found = links::find(&pool, &token, Utc::now()).await.unwrap();
    assert_eq!(found.map(|account| account.email), Some(email));
}
