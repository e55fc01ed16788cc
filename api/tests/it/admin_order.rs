//! One order behind the counter: all that happened to it, and what is done to it.

use crate::admin_orders::{caught_up, place};
use crate::admin_support::{Staff, main_of};
use crate::browser::value;
use crate::http_support::{Shop, faults};
use commands::staff::Role;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

/// What happened to an order, by type, with the language that it is written about in.
async fn happened(pool: &PgPool, order: &str) -> Vec<(String, Option<String>)> {
    sqlx::query_as("SELECT event_type, metadata ->> 'locale' FROM events WHERE aggregate_id = $1 ORDER BY sequence")
        .bind(order)
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_order_shows_all_that_happened_to_it() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let order = place(&instance, "Ada <b>", "ada@example.com").await;
    let path = format!("/admin/orders/{order}/");
    let manager = Staff::logged_in(&shop, &instance, Role::Manager).await;
    let page = manager.get(&path).await.is(200);
    for words in [
        "Ada &#60;b&#62; Lovelace",
        "The TEA",
        "$12.50",
        "$25.00",
        "The order was placed, for $25.00.",
        "API key ",
        "&#34;OrderPlaced&#34;",
        "Record $25.00 as paid",
    ] {
        assert!(main_of(&page).contains(words), "{words} in {}", main_of(&page));
    }
    let form = Uuid::now_v7().to_string();
    manager.post(&path, &[("act", "pay"), ("form", &form), ("reference", "transfer 77")]).await.is(303);
    let page = manager.get(&path).await.is(200);
    for words in [
        "25.00 USD recorded as paid.",
        "transfer 77",
        "A payment of $25.00 was recorded.",
        "The order was paid in full.",
        "The manager",
    ] {
        assert!(main_of(&page).contains(words), "{words}");
    }
    assert!(!main_of(&page).contains("as paid otherwise"));
    let form = value(&page, "form").unwrap();
    let note = |text| [("act", "note"), ("form", form.as_str()), ("note", text)];
    // A double click.
    let (wrapped, other) = (note("Gift wrap <it>."), note("And call first."));
    let (one, again) = tokio::join!(manager.post(&path, &wrapped), manager.post(&path, &wrapped));
    for sent in [one, again, manager.post(&path, &other).await, manager.post(&path, &note("   ")).await] {
        sent.is(303);
    }
    let page = manager.get(&path).await.is(200);
    assert!(main_of(&page).contains("a note has 1 to") && main_of(&page).contains("And call first."));
    assert_eq!(main_of(&page).matches("Gift wrap &#60;it&#62;.").count(), 1);
    let message = [("act", "message"), ("form", form.as_str()), ("message", "It is\r\non its way.")];
    for _ in 0..2 {
        manager.post(&path, &message).await.is(303);
    }
    let page = manager.get(&path).await.is(200);
    assert_eq!(main_of(&page).matches("It is\non its way.").count(), 1, "sent twice it is one");

    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    let page = clerk.get(&path).await.is(200);
    assert!(!page.text.contains("OrderPlaced"), "history as it is stored is not for a clerk");
    clerk.post(&path, &[("act", "pay"), ("form", &form)]).await.is(403);
    clerk.get("/admin/orders/none/").await.is(404);
    clerk.get(&format!("/admin/orders/{}/", Uuid::now_v7())).await.is(404);
}

#[tokio::test]
async fn a_mistyped_address_is_corrected_on_the_page() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let mut body = crate::http_support::buys("adda@example.com", &[("TEA", 1)]);
    body["customer"]["first_name"] = json!("Ada");
    let placed = instance.post("/v1/orders", &body).header("accept-language", "ko").await.is(201);
    caught_up(&instance, &placed).await;
    let order = placed.id();
    let path = format!("/admin/orders/{order}/");
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    let wrong = clerk.post(&path, &[("act", "email"), ("email", "ada@")]).await.is(422);
    assert!(main_of(&wrong).contains("is not an e-mail address") && main_of(&wrong).contains("value=\"ada@\""));
    clerk.post(&path, &[("act", "email"), ("email", "ada@example.com")]).await.is(303);
    let page = clerk.get(&path).await.is(200);
    for words in ["The address is corrected", "Mails go to ada@example.com from now on.", "The clerk"] {
        assert!(main_of(&page).contains(words), "{words} in {}", main_of(&page));
    }
    clerk.post(&path, &[("act", "email"), ("email", "ada@example.com")]).await.is(303);
    assert!(main_of(&clerk.get(&path).await).contains("That is the address that it has."));
    let events = happened(&shop.db.owner_pool().await, &order).await;
    let korean = Some("ko".to_owned());
    assert_eq!(events[2..], [("EmailCorrected".to_owned(), korean)], "its mail is in the customer's language");
}

#[tokio::test]
async fn an_address_is_corrected_by_the_api_of_a_version() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let placed = instance.place(&[("TEA", 1)]).await;
    let path = format!("/v1/orders/{}", placed.id());
    let patch = |email: &str| {
        let body = json!({ "customer": { "email": email } });
        instance.patch(&path, &body).header("content-type", "application/merge-patch+json")
    };
    patch("right@example.com").await.problem(428, "version_required");
    let etag = placed.header("etag").to_owned();
    let wrong = patch("right").header("if-match", &etag).await.problem(422, "invalid_body");
    assert_eq!(wrong.faults(), faults(&[("/customer/email", "invalid_email")]));
    let corrected = patch("right@example.com").header("if-match", &etag).await.is(200);
    assert_eq!(corrected.json()["customer"]["email"], "right@example.com");
    assert_ne!(corrected.header("etag"), etag);
    patch("other@example.com").header("if-match", &etag).await.problem(412, "version_mismatch");
    let same = patch("right@example.com").header("if-match", "*").await.is(200);
    assert_eq!(same.header("etag"), corrected.header("etag"), "what is so already changes nothing");
    let read = instance.get(&path).await.is(200);
    assert_eq!(read.json(), corrected.json());
    let key = shop.key(&[api::auth::Scope::OrdersWrite]).await;
    patch("other@example.com").header("if-match", "*").key(&key).await.problem(403, "forbidden");
    let none = json!({ "customer": { "email": "right@example.com" } });
    let nowhere = instance.patch(&format!("/v1/orders/{}", Uuid::now_v7()), &none);
    let nowhere = nowhere.header("content-type", "application/merge-patch+json").header("if-match", "*");
    nowhere.await.problem(404, "order_not_found");
}

#[tokio::test]
async fn mails_to_the_mistyped_address_are_given_up_and_hold_nothing_up() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let order = place(&instance, "Ada", "adda@example.com").await;
    let pool = shop.db.pool().await;
    let put =
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                                            event_type, state, due_at, attempts, reason, noted_at, changed_at)
               SELECT 'order_mail', event_id, gen_random_uuid(), 'order', aggregate_id, sequence, position, event_type,
                      'parked', 'infinity', 3, 'no such mailbox', now(), now()
                 FROM events WHERE aggregate_id = $1 AND event_type = 'OrderPlaced'";
    sqlx::query(put).bind(&order).execute(&shop.db.superuser_pool().await).await.unwrap();
    let path = format!("/admin/orders/{order}/");
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    let page = clerk.get(&path).await.is(200);
    assert!(main_of(&page).contains("no such mailbox") && main_of(&page).contains("Refused"), "{}", main_of(&page));
    assert!(main_of(&clerk.get("/admin/").await).contains("no such mailbox"));
    let state = async || -> (String, Option<String>) {
        sqlx::query_as("SELECT state, decided_by FROM consumer_ledger").fetch_one(&pool).await.unwrap()
    };
    let mail: i64 = sqlx::query_scalar("SELECT id FROM consumer_ledger").fetch_one(&pool).await.unwrap();
    let other = place(&instance, "Bob", "bob@example.com").await;
    let decide = [("act", "retry"), ("mail", &*mail.to_string())];
    clerk.post(&format!("/admin/orders/{other}/"), &decide).await.is(404);
    clerk.post(&path, &[("act", "email"), ("email", "ada@example.com")]).await.is(303);
    assert_eq!(state().await, ("discarded".to_owned(), Some(clerk.account.actor())));
    clerk.post(&path, &decide).await.is(303);
    assert!(main_of(&clerk.get(&path).await).contains("Nothing is to be decided"));
}

#[tokio::test]
async fn what_became_of_a_mail_that_was_asked_for_again_is_shown_beside_the_others() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let order = place(&instance, "Ada", "ada@example.com").await;
    let path = format!("/admin/orders/{order}/");
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    let again = "Confirmation, sent again";
    assert!(!main_of(&clerk.get(&path).await).contains(again));
    clerk.post(&path, &[("act", "mail"), ("which", "confirmation")]).await.is(303);
    let page = clerk.get(&path).await;
    assert!(main_of(&page).contains(again) && main_of(&page).contains("Waiting"), "{}", main_of(&page));
    let refused = "UPDATE scheduled_jobs SET state = 'failed', due_at = NULL, last_error = 'no such mailbox'
                    WHERE task = 'order_mail_again'";
    sqlx::query(refused).execute(&shop.db.superuser_pool().await).await.unwrap();
    let page = clerk.get(&path).await;
    let shown = main_of(&page);
    assert!(shown.contains(again) && shown.contains("Refused") && shown.contains("no such mailbox"), "{shown}");
    assert!(!shown.contains("Try again"), "it is decided on by sending it again");
}
