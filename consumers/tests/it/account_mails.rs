//! The mails about accounts: each to the owner of the address alone, with a link that is good.

use super::process::mail;
use chrono::Utc;
use commands::Clock;
use commands::members::joining::{self, Applicant};
use commands::members::{self, LinkToken, recovery};
use commands::schedule::{JobState, Schedule, Worker};
use consumers::Mailer;
use consumers::account_mail::AccountMail;
use domain::text::{Email, PersonName};
use sqlx::PgPool;
use std::sync::Arc;
use testkit::Db;
use testkit::smtp::{Fault, Mail, MailServer, Scripted, Step};
use uuid::Uuid;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Office {
    pool: PgPool,
    schedule: Schedule,
}

impl Office {
    async fn new(db: &Db) -> Self {
        let pool = db.pool().await;
        Self { schedule: Schedule::new(pool.clone(), Clock::system()), pool }
    }

    async fn run_due(&self, base: Option<&str>) {
        let server = MailServer::shared();
        let settings = mail(&server.starttls_url(), Some(&server.certificates().authority()));
        self.run_due_by(Mailer::new(settings).unwrap(), base).await;
    }

    async fn run_due_by(&self, mailer: Mailer, base: Option<&str>) {
        let task = AccountMail::new(mailer, base.map(str::to_owned));
        Worker::new(self.schedule.clone(), vec![Arc::new(task)]).run_due().await.unwrap();
    }

    async fn ask(&self, email: &Email, lang: &str) {
        self.put_in(email, lang).await;
        self.run_due(Some("https://leaf.example")).await;
    }

    async fn put_in(&self, email: &Email, lang: &str) {
        let applicant = Applicant {
            email: email.clone(),
            first_name: PersonName::parse("Ada").unwrap(),
            last_name: PersonName::parse("Lovelace").unwrap(),
            lang: lang.to_owned(),
            password_hash: HASH.to_owned(),
        };
        joining::ask(&self.pool, &self.schedule, &applicant).await.unwrap();
    }
}

fn somebody() -> Email {
    Email::parse(&format!("{}@example.com", Uuid::now_v7())).unwrap()
}

fn mails(email: &Email) -> Vec<Mail> {
    MailServer::shared().mailbox(email.as_str())
}

/// The token of the link to that page, as it stands in the text.
fn token(mail: &Mail, page: &str) -> LinkToken {
    let text = mail.text().unwrap();
    let (_, rest) = text.split_once(&format!("https://leaf.example/account/{page}/?token=")).expect("a link");
    assert!(mail.html().unwrap().contains(rest.split_whitespace().next().unwrap()), "text and HTML have one link");
    LinkToken::parse(rest.split_whitespace().next().unwrap()).expect("a token")
}

#[tokio::test]
async fn an_account_is_confirmed_by_the_link_in_the_mail_and_a_password_set_anew() {
    let db = Db::new().await;
    let (office, email) = (Office::new(&db).await, somebody());
    office.ask(&email, "en").await;
    let [confirm] = &mails(&email)[..] else { panic!("not one mail") };
    assert_eq!(confirm.subject(), "Please confirm your account at Leaf & Kettle");
    assert_eq!(confirm.to().as_deref(), Some(email.as_str()));
    let id = joining::admit(&office.pool, &token(confirm, "confirm"), Utc::now()).await.unwrap();
    assert!(id.is_some());

    office.ask(&email, "en").await;
    let told = mails(&email).pop().unwrap();
    assert_eq!(told.subject(), "You already have an account at Leaf & Kettle");
    assert!(!told.text().unwrap().contains("token="), "nothing to confirm");

    recovery::ask(&office.schedule, &email, "ko").await.unwrap();
    office.run_due(Some("https://leaf.example")).await;
    let reset = mails(&email).pop().unwrap();
    assert_eq!(reset.subject(), "Leaf & Kettle 비밀번호 재설정 안내");
    let set = recovery::set_password(&office.pool, &token(&reset, "reset"), HASH, Utc::now()).await.unwrap();
    assert_eq!(set.map(|(member, _)| member), id);
    assert_eq!(mails(&email).len(), 3);
}

#[tokio::test]
async fn who_is_no_member_gets_no_mail() {
    let db = Db::new().await;
    let (office, email) = (Office::new(&db).await, somebody());
    recovery::ask(&office.schedule, &email, "en").await.unwrap();
    office.run_due(Some("https://leaf.example")).await;
    assert!(mails(&email).is_empty());
    let jobs = office.schedule.list(0, 10, true).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Done]);
}

#[tokio::test]
async fn without_an_address_of_the_shop_a_person_is_asked_for_it() {
    let db = Db::new().await;
    let (office, email) = (Office::new(&db).await, somebody());
    recovery::ask(&office.schedule, &email, "en").await.unwrap();
    office.run_due(None).await;
    let [job] = &office.schedule.list(0, 10, false).await.unwrap()[..] else { panic!("not one job") };
    assert_eq!(job.state, JobState::Failed);
    let error = job.last_error.as_deref().unwrap();
    assert!(error.contains("ORDERS_PUBLIC_URL") && !error.contains(email.as_str()), "{error}");
    assert!(members::by_email(&office.pool, &email).await.unwrap().is_none());
}

/// Anybody may type an address that nobody has, and nobody behind the counter can mend that; a sender that is refused,
/// they can.
#[tokio::test]
async fn an_address_without_a_mailbox_ends_its_job_and_a_refused_sender_waits_for_a_person() {
    for (step, expected) in [(Step::Recipient, JobState::Done), (Step::Sender, JobState::Failed)] {
        let (db, server) = (Db::new().await, Scripted::start());
        let office = Office::new(&db).await;
        server.script(Fault::reply(step, 550, "no"));
        office.put_in(&somebody(), "en").await;
        office.run_due_by(Mailer::new(mail(&server.url(), None)).unwrap(), Some("https://leaf.example")).await;
        let states: Vec<JobState> =
            office.schedule.list(0, 10, true).await.unwrap().into_iter().map(|job| job.state).collect();
        assert_eq!(states, [expected], "{step:?}");
    }
}
