//! Orders that are followed while their page is open: in several tabs, through several processes.

mod bounds;
pub mod client;
mod messages;
mod programs;
mod tabs;

use crate::http_support::{Instance, Shop};
use client::{Socket, path};
use serde_json::{Value, json};

/// Writes down what became of the confirmation of an order, as the consumer does.
async fn note_mail(shop: &Shop, order: &str, state: &str) {
    let noted = sqlx::query(
        "INSERT INTO consumer_ledger
                (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position, event_type, state,
                 due_at, noted_at, changed_at)
         SELECT 'order_mail', event_id, '00000000-0000-0000-0000-000000000001'::uuid, aggregate_type, aggregate_id,
                sequence, position, event_type, $2, 'infinity'::timestamptz, now(), now()
           FROM events WHERE aggregate_type = 'order' AND aggregate_id = $1 AND event_type = 'OrderPlaced'
         ON CONFLICT ON CONSTRAINT consumer_ledger_cause DO UPDATE SET state = excluded.state",
    )
    .bind(order)
    .bind(state)
    .execute(&shop.db.pool().await)
    .await
    .unwrap();
    assert_eq!(noted.rows_affected(), 1);
}

/// A shop with tea, and an order of it: its id, and where it is followed.
async fn ordered() -> (Shop, Instance, String, String) {
    let shop = Shop::new().await;
    let instance = shop.instance().await;
    instance.add_product("TEA", "12.50").await;
    let order = instance.place(&[("TEA", 2)]).await.id();
    let path = path(&shop, &order).await;
    (shop, instance, order, path)
}

fn steps(state: &Value) -> Value {
    json!([state["paid"], state["mail"], state["needs_review"]])
}

#[tokio::test]
async fn two_tabs_at_two_processes_follow_an_order_to_its_end() {
    let (shop, one, order, path) = ordered().await;
    let other = shop.instance().await;
    let mut tabs = [Socket::open(&one, &path).await, Socket::open(&other, &path).await];
    for tab in &mut tabs {
        let state = tab.told("state").await;
        assert_eq!(steps(&state), json!([false, "awaited", false]), "{state}");
        assert_eq!(state["messages"], json!([]));
    }
    note_mail(&shop, &order, "parked").await;
    for tab in &mut tabs {
        assert_eq!(tab.told("mail").await["mail"], "troubled");
    }
    note_mail(&shop, &order, "sent").await;
    for tab in &mut tabs {
        assert_eq!(tab.told("mail").await["mail"], "sent");
    }
    let paid = other.pay(&order, "25.00", "wire-1").await.is(200);
    for tab in &mut tabs {
        let step = tab.told("step").await;
        assert_eq!((&step["step"], &step["position"]), (&json!("paid"), &json!(paid.position())), "{step}");
    }
    let state = Socket::open(&one, &path).await.told("state").await;
    assert_eq!(steps(&state), json!([true, "sent", false]), "whoever comes later sees the same");
}

#[tokio::test]
async fn whoever_comes_again_is_told_what_was_missed_and_nothing_twice() {
    let (shop, one, order, path) = ordered().await;
    let state = Socket::open(&one, &path).await.told("state").await;
    let at = state["at"].as_str().unwrap().to_owned();
    note_mail(&shop, &order, "sent").await;
    one.pay(&order, "25.00", "wire-1").await.is(200);
    let other = shop.instance().await;
    let mut tab = Socket::open(&other, &format!("{path}&after={at}")).await;
    assert_eq!(tab.told("step").await["step"], "paid");
    let sent = tab.told("mail").await;
    assert_eq!(sent["mail"], "sent");

    // Nothing is new: the next is what happens next.
    let mut again = Socket::open(&one, &format!("{path}&after={}", sent["at"].as_str().unwrap())).await;
    let answer = json!({ "text": "Thank you!" });
    one.post(&format!("/v1/orders/{order}/messages"), &answer).await.is(201);
    for tab in [&mut tab, &mut again] {
        assert_eq!(tab.told("message").await["message"]["text"], "Thank you!");
    }
    for foreign in ["", "0.0.sent", "999999.0.sent", "1.77.sent", "never"] {
        let state = Socket::open(&one, &format!("{path}&after={foreign}")).await.told("state").await;
        assert_eq!(steps(&state), json!([true, "sent", false]), "{foreign} is no cursor of this order");
    }
}

#[tokio::test]
async fn news_between_the_page_and_its_socket_is_not_lost() {
    let (_shop, one, order, path) = ordered().await;
    let mut opening = vec![];
    for tab in 0..6 {
        if tab == 3 {
            one.pay(&order, "25.00", "wire-1").await.is(200);
        }
        opening.push(Socket::open(&one, &path).await);
    }
    for mut tab in opening {
        if tab.told("state").await["paid"] == json!(false) {
            assert_eq!(tab.told("step").await["step"], "paid");
        }
    }
}

#[tokio::test]
async fn only_who_may_see_the_order_is_let_in() {
    let (shop, one, order, own) = ordered().await;
    let other = one.place(&[("TEA", 1)]).await.id();
    let foreign = path(&shop, &other).await;
    let key = foreign.split("key=").nth(1).unwrap();
    let origin = format!("http://{}", one.address);
    let from_here = [("origin", origin.as_str())];
    for path in [
        format!("/orders/{order}/live"),
        format!("/orders/{order}/live?key="),
        format!("/orders/{order}/live?key={key}"),
        format!("/orders/00000000-0000-7000-8000-000000000000/live?key={key}"),
        format!("/orders/none/live?key={key}"),
    ] {
        assert_eq!(Socket::try_open(one.address, &path, &from_here).await.err(), Some(404), "{path}");
        one.get(&path).await.is(404);
    }
    for foreign in ["http://evil.test", "null", "https://shop.evil.test"] {
        assert_eq!(Socket::try_open(one.address, &own, &[("origin", foreign)]).await.err(), Some(403), "{foreign}");
    }
    let fetched = [("origin", origin.as_str()), ("sec-fetch-site", "cross-site")];
    assert_eq!(Socket::try_open(one.address, &own, &fetched).await.err(), Some(403));
    assert_eq!(Socket::try_open(one.address, &own, &[]).await.err(), Some(403), "a browser that says nothing");
    one.get(&own).header("origin", &origin).await.is(400);
    assert!(Socket::try_open(one.address, &own, &from_here).await.is_ok());
}
