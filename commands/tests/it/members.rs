//! Accounts: who shows that an address is theirs gets one, and nobody else learns of it.

use chrono::{DateTime, TimeDelta, Utc};
use commands::Clock;
use commands::members::joining::{self, Applicant};
use commands::members::letters::{self, AccountLetter, Says};
use commands::members::staff::Wanted;
use commands::members::{self, LinkToken, recovery, staff};
use commands::schedule::Schedule;
use domain::ids::SubjectId;
use domain::order::ShippingAddress;
use domain::text::{City, Email, PersonName, PostalCode, StreetAddress};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::postgres::Db;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn applicant(address: &str) -> Applicant {
    Applicant {
        email: email(address),
        first_name: PersonName::parse("Ada").unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        lang: "ko".to_owned(),
        password_hash: HASH.to_owned(),
    }
}

struct Desk {
    pool: PgPool,
    schedule: Schedule,
}

impl Desk {
    async fn new(db: &Db) -> Self {
        let pool = db.pool().await;
        Self { schedule: Schedule::new(pool.clone(), Clock::new(|| at(0))), pool }
    }

    async fn ask(&self, address: &str) {
        joining::ask(&self.pool, &self.schedule, &applicant(address)).await.unwrap();
    }

    /// What the newest job knows.
    async fn newest(&self) -> Value {
        let sql = "SELECT payload FROM scheduled_jobs WHERE task = 'account_mail' ORDER BY id DESC LIMIT 1";
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// The mail of the newest job, written at that time.
    async fn letter(&self, now_s: i64) -> Option<AccountLetter> {
        letters::write(&self.pool, &self.newest().await, at(now_s)).await.unwrap()
    }

    async fn link(&self) -> LinkToken {
        match self.letter(0).await.unwrap().says {
            Says::Confirm(token) | Says::Reset(token) => token,
            Says::HasAccount => panic!("no link"),
        }
    }

    async fn member(&self, address: &str) -> SubjectId {
        self.ask(address).await;
        joining::admit(&self.pool, &self.link().await, at(1)).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn who_follows_the_link_is_a_member_and_the_link_is_good_once() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    desk.ask("Ada@Example.com").await;
    assert!(members::by_email(&desk.pool, &email("ada@example.com")).await.unwrap().is_none(), "not yet");
    let letter = desk.letter(0).await.unwrap();
    assert_eq!((letter.email.as_str(), letter.lang.as_str()), ("Ada@Example.com", "ko"));
    let Says::Confirm(token) = letter.says else { panic!("{letter:?}") };
    let (asked_by, hash) = joining::asked(&desk.pool, &token, at(1)).await.unwrap().unwrap();
    assert_eq!((asked_by.as_str(), hash.as_str()), ("Ada@Example.com", HASH));
    let id = joining::admit(&desk.pool, &token, at(1)).await.unwrap().unwrap();
    assert_eq!(joining::admit(&desk.pool, &token, at(1)).await.unwrap(), None);
    let (member, hash) = members::by_email(&desk.pool, &email("ADA@example.com")).await.unwrap().unwrap();
    assert_eq!((member.id, member.credentials, hash.as_str()), (id, 1, HASH));
    assert_eq!(members::get(&desk.pool, id).await.unwrap(), Some(member));
}

#[tokio::test]
async fn a_link_ends_and_only_that_of_the_last_mail_is_good() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    desk.ask("ada@example.com").await;
    let (first, second) = (desk.link().await, desk.link().await);
    let end = i64::try_from(joining::LINK_LASTS.as_secs()).unwrap();
    assert_eq!(joining::admit(&desk.pool, &first, at(1)).await.unwrap(), None);
    assert_eq!(joining::admit(&desk.pool, &second, at(end)).await.unwrap(), None);
    assert_eq!(joining::asked(&desk.pool, &second, at(end)).await.unwrap(), None);
    assert_eq!(desk.letter(end).await, None, "nor is a mail written any more");
    assert!(joining::admit(&desk.pool, &second, at(end - 1)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_address_that_has_an_account_is_told_so_by_mail_alone() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let id = desk.member("ada@example.com").await;
    desk.ask("ADA@example.com").await;
    assert_eq!(desk.letter(0).await.unwrap().says, Says::HasAccount);
    let (member, _) = members::by_email(&desk.pool, &email("ada@example.com")).await.unwrap().unwrap();
    assert_eq!(member.id, id);
}

#[tokio::test]
async fn of_two_who_ask_for_one_address_the_first_to_show_it_gets_it() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    desk.ask("ada@example.com").await;
    let first = desk.link().await;
    desk.ask("ada@example.com").await;
    let second = desk.link().await;
    assert!(joining::admit(&desk.pool, &second, at(1)).await.unwrap().is_some());
    assert_eq!(joining::admit(&desk.pool, &first, at(1)).await.unwrap(), None);
}

#[tokio::test]
async fn only_so_many_can_ask_for_one_address() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    for _ in 0..9 {
        desk.ask("ada@example.com").await;
    }
    desk.ask("grace@example.com").await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM sign_ups").fetch_one(&desk.pool).await.unwrap();
    assert_eq!(rows, 6);
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once_and_ends_what_the_old_one_let_in() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let id = desk.member("ada@example.com").await;
    recovery::ask(&desk.schedule, &email("Ada@example.com"), "en").await.unwrap();
    let token = desk.link().await;
    assert!(recovery::is_good(&desk.pool, &token, at(1)).await.unwrap());
    assert!(!recovery::is_good(&desk.pool, &LinkToken::random(), at(1)).await.unwrap());
    let end = i64::try_from(recovery::LINK_LASTS.as_secs()).unwrap();
    assert!(!recovery::is_good(&desk.pool, &token, at(end)).await.unwrap());
    let other = HASH.replace("$AAAA", "$BBBB");
    assert_eq!(recovery::set_password(&desk.pool, &token, &other, at(end)).await.unwrap(), None);
    assert_eq!(recovery::set_password(&desk.pool, &token, &other, at(1)).await.unwrap(), Some((id, 2)));
    assert_eq!(recovery::set_password(&desk.pool, &token, HASH, at(1)).await.unwrap(), None);
    let (member, hash) = members::by_email(&desk.pool, &email("ada@example.com")).await.unwrap().unwrap();
    assert_eq!((member.credentials, hash), (2, other));
}

#[tokio::test]
async fn asking_once_more_voids_no_link_and_using_one_voids_all() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    desk.member("ada@example.com").await;
    let mut links = Vec::new();
    for _ in 0..70 {
        recovery::ask(&desk.schedule, &email("ada@example.com"), "en").await.unwrap();
        match desk.letter(0).await.map(|letter| letter.says) {
            Some(Says::Reset(token)) => links.push(token),
            None => break,
            Some(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(links.len(), 64, "so many are made, and no more");
    let good = async || {
        let mut good = 0;
        for link in &links {
            good += usize::from(recovery::is_good(&desk.pool, link, at(1)).await.unwrap());
        }
        good
    };
    assert_eq!(good().await, 64, "none is made void by another");
    assert!(recovery::set_password(&desk.pool, &links[0], HASH, at(1)).await.unwrap().is_some());
    assert_eq!(good().await, 0);
}

#[tokio::test]
async fn nobody_is_written_to_who_is_no_member() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    recovery::ask(&desk.schedule, &email("nobody@example.com"), "en").await.unwrap();
    assert_eq!(desk.letter(0).await, None);
    let newer = letters::write(&desk.pool, &json!({ "kind": "greeting" }), at(0)).await;
    assert!(newer.is_err(), "what is not understood is not passed over: {newer:?}");
}

#[tokio::test]
async fn no_secret_stands_in_the_tables() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    desk.member("grace@example.com").await;
    desk.ask("ada@example.com").await;
    recovery::ask(&desk.schedule, &email("grace@example.com"), "en").await.unwrap();
    let token = desk.link().await.expose();
    let dump: String = sqlx::query_scalar(
        "SELECT concat((SELECT json_agg(t) FROM members t), (SELECT json_agg(t) FROM sign_ups t),
                       (SELECT json_agg(t) FROM password_resets t), (SELECT json_agg(t) FROM scheduled_jobs t))",
    )
    .fetch_one(&desk.pool)
    .await
    .unwrap();
    assert!(dump.contains("grace@example.com") && !dump.contains(&token));
}

#[tokio::test]
async fn what_a_member_changes_is_kept() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let id = desk.member("ada@example.com").await;
    let address = ShippingAddress {
        address: StreetAddress::parse("12 St James's Square").unwrap(),
        postal_code: PostalCode::parse("SW1Y 4JH").unwrap(),
        city: City::parse("London").unwrap(),
        country: None,
    };
    let (first, last) = (PersonName::parse("Augusta").unwrap(), PersonName::parse("King").unwrap());
    members::set_person(&desk.pool, id, (&first, &last), Some(&address), at(5)).await.unwrap();
    let member = members::get(&desk.pool, id).await.unwrap().unwrap();
    assert_eq!((member.first_name, member.address), (first.clone(), Some(address)));
    members::set_person(&desk.pool, id, (&first, &last), None, at(6)).await.unwrap();
    assert_eq!(members::get(&desk.pool, id).await.unwrap().unwrap().address, None);

    let (newer, newest) = (HASH.replace("$AAAA", "$BBBB"), HASH.replace("$AAAA", "$CCCC"));
    members::rehash(&desk.pool, id, HASH, &newer).await.unwrap();
    members::rehash(&desk.pool, id, HASH, &newest).await.unwrap();
    let (member, hash) = members::by_email(&desk.pool, &email("ada@example.com")).await.unwrap().unwrap();
    assert_eq!((member.credentials, hash), (1, newer), "the same password, and not over another one");
    assert_eq!(members::set_password(&desk.pool, id, &newest, at(7)).await.unwrap(), Some(2));
    let nobody = SubjectId(uuid::Uuid::nil());
    assert_eq!(members::set_password(&desk.pool, nobody, &newest, at(7)).await.unwrap(), None);
}

#[tokio::test]
async fn links_that_nobody_followed_are_swept() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    desk.member("grace@example.com").await;
    desk.ask("ada@example.com").await;
    recovery::ask(&desk.schedule, &email("grace@example.com"), "en").await.unwrap();
    desk.link().await;
    assert_eq!(members::sweep(&desk.pool, at(60)).await.unwrap(), 0);
    let end = i64::try_from(joining::LINK_LASTS.as_secs()).unwrap();
    assert_eq!(members::sweep(&desk.pool, at(end)).await.unwrap(), 2);
    assert_eq!(members::sweep(&desk.pool, at(end)).await.unwrap(), 0);
}

#[tokio::test]
async fn who_is_kept_out_is_shown_no_way_around_it_until_let_in_again() {
    let db = Db::new().await;
    let desk = Desk::new(&db).await;
    let id = desk.member("ada@example.com").await;
    recovery::ask(&desk.schedule, &email("ada@example.com"), "en").await.unwrap();
    let token = desk.link().await;
    for _ in 0..2 {
        assert!(staff::disable(&desk.pool, id, "staff:1", at(5)).await.unwrap());
    }
    let member = members::get(&desk.pool, id).await.unwrap().unwrap();
    assert_eq!((member.credentials, member.disabled_at), (2, Some(at(5))), "twice is once");
    assert!(!recovery::is_good(&desk.pool, &token, at(6)).await.unwrap());
    assert_eq!(desk.letter(6).await, None);
    let listed = async |disabled| {
        let wanted = Wanted { begins: Some("LOVE"), disabled };
        staff::list(&desk.pool, &wanted, None, 10).await.unwrap().len()
    };
    assert_eq!((listed(Some(true)).await, listed(Some(false)).await, listed(None).await), (1, 0, 1));

    assert!(staff::enable(&desk.pool, id, at(7)).await.unwrap());
    let member = members::get(&desk.pool, id).await.unwrap().unwrap();
    assert_eq!((member.credentials, member.disabled_at), (2, None), "old sessions stay out");
    assert!(desk.letter(8).await.is_some());
    assert!(!staff::enable(&desk.pool, SubjectId(uuid::Uuid::nil()), at(9)).await.unwrap());
}
