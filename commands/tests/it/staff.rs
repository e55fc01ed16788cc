//! Accounts of staff: links that work once, sessions that end, and an owner who stays.

use chrono::{DateTime, TimeDelta, Utc};
use commands::members::LinkToken;
use commands::shop::sessions::SessionSecret;
use commands::staff::accounts::{self, Invitation, StaffError};
use commands::staff::notes::{self, NoteError};
use commands::staff::{self, Account, Role, letters, links, sessions};
use commands::{Clock, Schedule};
use domain::ids::OrderId;
use domain::text::{Email, PersonName};
use sqlx::PgPool;
use testkit::Db;
use uuid::Uuid;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn later(hours: i64) -> DateTime<Utc> {
    now() + TimeDelta::hours(hours)
}

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

async fn invited(pool: &PgPool, email: &str, role: Role) -> Account {
    let whom = Invitation { email: Email::parse(email).unwrap(), name: name("Somebody"), role };
    accounts::invite(pool, &whom, now()).await.unwrap()
}

/// An account that somebody set a password for.
async fn active(pool: &PgPool, email: &str, role: Role) -> Account {
    let account = invited(pool, email, role).await;
    let token = links::make(pool, account.id, now()).await.unwrap().unwrap();
    links::redeem(pool, &token, &name("Ada"), HASH, now()).await.unwrap().unwrap()
}

async fn log_in(pool: &PgPool, account: &Account) -> SessionSecret {
    let secret = SessionSecret::random();
    sessions::begin(pool, account, &secret, now()).await.unwrap();
    secret
}

async fn is_in(pool: &PgPool, secret: &SessionSecret, at: DateTime<Utc>) -> bool {
    sessions::find(pool, secret, at).await.unwrap().is_some()
}

#[tokio::test]
async fn a_link_works_once_until_it_expires_and_only_the_newest_does() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let account = invited(&pool, "Ada@Example.com", Role::Clerk).await;
    assert!(!account.has_password);
    let first = links::make(&pool, account.id, now()).await.unwrap().unwrap();
    let second = links::make(&pool, account.id, now()).await.unwrap().unwrap();
    let find = async |token: &LinkToken, at| links::find(&pool, token, at).await.unwrap().map(|account| account.id);
    assert_eq!(find(&first, now()).await, None, "the one before is void");
    assert_eq!(find(&second, later(47)).await, Some(account.id));
    assert_eq!(find(&second, later(48)).await, None);
    let redeem = async |at| links::redeem(&pool, &second, &name("Ada Lovelace"), HASH, at).await.unwrap();
    assert_eq!(redeem(later(48)).await, None);
    let redeemed = redeem(later(1)).await.unwrap();
    assert!(redeemed.has_password && redeemed.name == name("Ada Lovelace"));
    assert_eq!(redeem(later(1)).await, None, "it worked once");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM staff_links").fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn an_address_has_one_account_however_it_is_written() {
    let db = Db::new().await;
    let pool = db.pool().await;
    invited(&pool, "ada@example.com", Role::Owner).await;
    let again = Invitation { email: Email::parse("ADA@example.com").unwrap(), name: name("Ada"), role: Role::Clerk };
    assert!(matches!(accounts::invite(&pool, &again, now()).await, Err(StaffError::Exists)));
}

#[tokio::test]
async fn a_session_ends_by_idleness_by_age_by_another_password_and_when_the_account_is_disabled() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let (owner, ada) =
        (active(&pool, "o@example.com", Role::Owner).await, active(&pool, "a@example.com", Role::Clerk).await);
    let secret = log_in(&pool, &ada).await;
    assert!(is_in(&pool, &secret, later(11)).await);
    assert!(!is_in(&pool, &secret, later(24)).await, "twelve hours after it was seen last");
    for hour in (22..168).step_by(10) {
        assert!(is_in(&pool, &secret, later(hour)).await, "{hour}");
    }
    assert!(!is_in(&pool, &secret, later(168)).await, "after a week, however often it was seen");

    let secret = log_in(&pool, &ada).await;
    let token = links::make(&pool, ada.id, now()).await.unwrap().unwrap();
    let ada = links::redeem(&pool, &token, &name("Ada"), HASH, now()).await.unwrap().unwrap();
    assert!(!is_in(&pool, &secret, now()).await, "there is another password");
    let secret = log_in(&pool, &ada).await;
    let token = links::make(&pool, ada.id, now()).await.unwrap().unwrap();
    assert!(accounts::disable(&pool, ada.id, now()).await.unwrap().disabled_at.is_some());
    assert!(!is_in(&pool, &secret, now()).await);
    assert_eq!(links::find(&pool, &token, now()).await.unwrap(), None);
    assert_eq!(links::make(&pool, ada.id, now()).await.unwrap(), None);
    accounts::enable(&pool, ada.id, now()).await.unwrap();
    assert!(!is_in(&pool, &secret, now()).await, "what ended stays so");
    assert!(is_in(&pool, &log_in(&pool, &owner).await, now()).await);
    assert!(staff::sweep(&pool, later(1_000)).await.unwrap() > 0);
}

#[tokio::test]
async fn there_is_always_an_owner_who_can_log_in() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let first = active(&pool, "first@example.com", Role::Owner).await;
    invited(&pool, "invited@example.com", Role::Owner).await;
    let last = |outcome: Result<Account, StaffError>| matches!(outcome, Err(StaffError::LastOwner));
    assert!(last(accounts::disable(&pool, first.id, now()).await), "who was only invited can't log in");
    assert!(last(accounts::set_role(&pool, first.id, Role::Clerk, now()).await));
    let second = active(&pool, "second@example.com", Role::Owner).await;
    let (one, other) = tokio::join!(
        accounts::disable(&pool, first.id, now()),
        accounts::set_role(&pool, second.id, Role::Clerk, now())
    );
    assert!(one.is_ok() != other.is_ok(), "of two at once one is refused: {one:?} {other:?}");
}

#[tokio::test]
async fn the_first_owner_is_there_until_somebody_has_a_password() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let whom = Invitation { email: Email::parse("admin@example.com").unwrap(), name: name("Admin"), role: Role::Owner };
    let first = accounts::first_owner(&pool, &whom, now()).await.unwrap().unwrap();
    let again = accounts::first_owner(&pool, &whom, now()).await.unwrap().unwrap();
    assert_eq!(first.id, again.id);
    let token = links::make(&pool, first.id, now()).await.unwrap().unwrap();
    links::redeem(&pool, &token, &name("Ada"), HASH, now()).await.unwrap().unwrap();
    assert_eq!(accounts::first_owner(&pool, &whom, now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_mail_s_link_is_made_when_it_is_written() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let account = invited(&pool, "ada@example.com", Role::Manager).await;
    letters::ask(&Schedule::new(pool.clone(), Clock::system()), account.id).await.unwrap();
    let payload = sqlx::query_scalar("SELECT payload FROM scheduled_jobs WHERE task = 'staff_mail'");
    let payload: serde_json::Value = payload.fetch_one(&pool).await.unwrap();
    let letter = letters::write(&pool, &payload, now()).await.unwrap().unwrap();
    assert!(!payload.to_string().contains(&letter.token.expose()));
    assert_eq!(links::find(&pool, &letter.token, now()).await.unwrap().map(|account| account.id), Some(account.id));
}

#[tokio::test]
async fn notes_are_kept_in_order_and_bounded() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let (ada, order) = (active(&pool, "ada@example.com", Role::Clerk).await, OrderId(Uuid::now_v7()));
    let form = Uuid::now_v7();
    notes::write(&pool, order, &ada, form, " Call first.\r\nThen send. ", now()).await.unwrap();
    for again in 1..=3 {
        notes::write(&pool, order, &ada, form, "Done.", later(again)).await.unwrap();
    }
    let bodies: Vec<String> = notes::of_order(&pool, order).await.unwrap().into_iter().map(|note| note.body).collect();
    assert_eq!(bodies, ["Call first.\nThen send.", "Done."], "one form brings a text once");
    for wrong in ["  ", "\u{7}", &"x".repeat(notes::MAX_CHARS + 1)] {
        assert!(matches!(notes::write(&pool, order, &ada, form, wrong, now()).await, Err(NoteError::NotANote)));
    }
    assert!(notes::of_order(&pool, OrderId(Uuid::now_v7())).await.unwrap().is_empty());
}
