//! The accounts of customers behind the counter.

use super::support::{Goods, says};
use crate::browser::Browser;
use chrono::Utc;
use commands::members::passwords::{Password, Passwords};
use commands::members::{by_email, joining};
use commands::staff::Role;
use commands::{Clock, Schedule};
use domain::text::{Email, PersonName};
use sqlx::PgPool;
use uuid::Uuid;

const PASSWORD: &str = "a kettle of oolong";

/// Makes somebody a member, as if they had followed the link in the mail.
pub async fn join(pool: &PgPool, email: &str, first_name: &str) -> Uuid {
    let hash = Passwords::new().unwrap().hash(Password::parse(PASSWORD).unwrap()).await.unwrap();
    let applicant = joining::Applicant {
        email: Email::parse(email).unwrap(),
        first_name: PersonName::parse(first_name).unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        lang: "en".to_owned(),
        password_hash: hash,
    };
    let schedule = Schedule::new(pool.clone(), Clock::system());
    joining::ask(pool, &schedule, &applicant).await.unwrap();
    let job = schedule.list(0, 200, false).await.unwrap().pop().expect("a mail to be written");
    let payload = serde_json::json!({ "kind": "sign_up", "id": job.key });
    let letter = commands::members::letters::write(pool, &payload, Utc::now()).await.unwrap().expect("a mail");
    let commands::members::letters::Says::Confirm(token) = letter.says else { panic!("they are a member already") };
    joining::admit(pool, &token, Utc::now()).await.unwrap().expect("a member").0
}

#[tokio::test]
async fn a_member_is_found_and_kept_out() {
    let goods = Goods::open().await;
    let ada = join(&goods.pool, "ada@example.com", "Ada").await;
    join(&goods.pool, "50%_off@example.com", "Grace").await;
    let staff = goods.staff(Role::Manager).await;
    let all = staff.get("/admin/members/").await.is(200);
    says(&all, &["Ada Lovelace", "Grace Lovelace", "2 shown"]);
    for (search, found) in [("ADA@", 1), ("lovel", 2), ("grace", 1), ("50%25_", 1), ("%25", 0), ("nobody", 0)] {
        let page = staff.get(&format!("/admin/members/?q={search}")).await.is(200);
        let rows = page.text.matches("<td><a class=\"admin-strong\"").count();
        assert_eq!(rows, found, "{search}");
    }
    let path = format!("/admin/members/{ada}/");
    says(&staff.get(&path).await.is(200), &["ada@example.com", "Place an order for them", "None yet."]);

    let customer = Browser::new(&goods.instance);
    let log_in = [("email", "ada@example.com"), ("password", PASSWORD)];
    customer.post("/account/login/", &log_in).await.is(303);
    customer.get("/account/").await.is(200);
    says(&staff.done(&path, &[("act", "disable")]).await, &["logged out everywhere", "Disabled"]);
    says(&staff.done(&path, &[("act", "disable")]).await, &["Disabled"]);
    customer.get("/account/").await.is(303);
    let outside = Browser::new(&goods.instance);
    outside.post("/account/login/", &log_in).await.is(422);
    let (member, _) = by_email(&goods.pool, &Email::parse("ada@example.com").unwrap()).await.unwrap().unwrap();
    assert!(member.disabled_at.is_some());
    says(&staff.get("/admin/members/?state=disabled").await.is(200), &["Ada Lovelace", "1 shown"]);

    says(&staff.done(&path, &[("act", "enable")]).await, &["They can log in again"]);
    outside.post("/account/login/", &log_in).await.is(303);
    staff.get("/admin/members/00000000-0000-7000-8000-000000000000/").await.is(404);
    staff.get("/admin/members/nobody/").await.is(404);
    goods.staff(Role::Clerk).await.get(&path).await.is(403);
}

#[tokio::test]
async fn an_order_for_a_member_is_in_their_account() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let ada = join(&goods.pool, "ada@example.com", "Ada").await;
    let staff = goods.staff(Role::Manager).await;
    let form = staff.get(&format!("/admin/new/order/?member={ada}")).await.is(200);
    says(&form, &["value=\"Ada\"", "value=\"ada@example.com\"", &format!("value=\"{ada}\"")]);
    let key = super::support::field(&form, "key");
    let member = ada.to_string();
    let place = [
        ("act", "place"),
        ("key", &*key),
        ("member", &*member),
        ("sku", "TEA"),
        ("quantity", "2"),
        ("total", "25.00"),
        ("currency", "USD"),
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("email", "ada@example.com"),
        ("lang", "en"),
        ("address", "12 St James's Square"),
        ("postal_code", "SW1Y 4JH"),
        ("city", "London"),
    ];
    let placed = staff.post("/admin/new/order/", &place).await.is(303);
    let order = placed.header("location").trim_start_matches("/admin/orders/").trim_end_matches('/').to_owned();
    let position = goods.instance.get(&format!("/v1/orders/{order}")).await.is(200).position();
    goods.caught_up(position).await;
    let customer = Browser::new(&goods.instance);
    customer.post("/account/login/", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.is(303);
    says(&customer.get("/account/").await.is(200), &[&order]);
    // Whose data this is a clerk is not shown.
    let clerk = goods.staff(Role::Clerk).await.get(&format!("/admin/new/order/?member={ada}")).await.is(200);
    assert!(!clerk.text.contains("ada@example.com"));
}
