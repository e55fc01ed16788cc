//! What customer and staff write to each other.

use super::client::Socket;
use super::ordered;
use crate::browser::{Browser, value};
use crate::http_support::{BOUND, faults};
use api::auth::Scope;
use api::shop::{Close, Group};
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

fn texts(list: &Value) -> Vec<(String, String)> {
    let text = |message: &Value, member: &str| message[member].as_str().unwrap().to_owned();
    let list = list.as_array().unwrap();
    list.iter().map(|message| (text(message, "from"), text(message, "text"))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(from, text)| ((*from).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn a_customer_writes_and_staff_answer_in_every_tab() {
    let (shop, one, order, path) = ordered().await;
    let other = shop.instance().await;
    let mut tabs = [Socket::open(&one, &path).await, Socket::open(&other, &path).await];
    for tab in &mut tabs {
        tab.told("state").await;
    }
    let (key, text) = (Uuid::now_v7(), "Is it <b>wrapped</b>?\nIt is a present.");
    tabs[0].write(key, text).await;
    let mut told = [tabs[0].next().await, tabs[0].next().await];
    told.sort_by_key(|frame| frame["type"].as_str().map(str::to_owned));
    let id = told[0]["id"].as_i64().expect("it is accepted");
    assert_eq!((&told[0]["type"], &told[0]["key"]), (&json!("accepted"), &json!(key)));
    assert_eq!((&told[1]["message"]["id"], &told[1]["message"]["text"]), (&json!(id), &json!(text)));
    assert_eq!(tabs[1].told("message").await["message"]["from"], "customer");

    // Sent again, as its answer was lost: it is the same one, told to nobody again.
    tabs[1].write(key, text).await;
    assert_eq!(tabs[1].told("accepted").await["id"], json!(id));
    let messages = format!("/v1/orders/{order}/messages");
    let answer = json!({ "text": "Yes, gladly." });
    for _ in 0..2 {
        other.post(&messages, &answer).header("idempotency-key", "answer-1").await.is(201);
    }
    for tab in &mut tabs {
        let told = tab.told("message").await;
        assert_eq!((&told["message"]["from"], &told["message"]["text"]), (&json!("staff"), &json!("Yes, gladly.")));
    }
    let listed = one.get(&messages).await.is(200).json();
    assert_eq!(texts(&listed["data"]), pairs(&[("customer", text), ("staff", "Yes, gladly.")]));
    let state = Socket::open(&one, &path).await.told("state").await;
    assert_eq!(texts(&state["messages"]), texts(&listed["data"]));
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_the_socket_stays() {
    let (_shop, one, _, path) = ordered().await;
    let mut tab = Socket::open(&one, &path).await;
    tab.told("state").await;
    for (text, why) in [("  ", "empty"), (&*"x".repeat(1_001), "too_long"), ("a\u{7}b", "control_character")] {
        let key = Uuid::now_v7();
        tab.write(key, text).await;
        let refused = tab.told("refused").await;
        assert_eq!((&refused["key"], &refused["why"]), (&json!(key), &json!(why)));
    }
    let mut answers = vec![];
    for _ in 0..10 {
        tab.write(Uuid::now_v7(), "Hello?").await;
        answers.push(answer(&mut tab).await);
    }
    assert!(answers.starts_with(&["accepted".to_owned(), "accepted".to_owned()]), "{answers:?}");
    assert!(answers.contains(&"too_fast".to_owned()), "{answers:?}");
}

/// What a message was answered with; the messages themselves come as they come.
async fn answer(tab: &mut Socket) -> String {
    loop {
        let told = tab.next().await;
        match told["type"].as_str() {
            Some("message") => {}
            Some("refused") => return told["why"].as_str().unwrap().to_owned(),
            other => return other.unwrap_or_default().to_owned(),
        }
    }
}

#[tokio::test]
async fn staff_alone_read_and_answer_by_the_api() {
    let (shop, one, order, _) = ordered().await;
    let messages = format!("/v1/orders/{order}/messages");
    let front = shop.key(&[Scope::OrdersRead, Scope::OrdersWrite, Scope::Analyst]).await;
    one.get(&messages).key(&front).await.problem(403, "forbidden");
    one.post(&messages, &json!({ "text": "Hello" })).key(&front).await.problem(403, "forbidden");
    let unknown = "/v1/orders/00000000-0000-7000-8000-000000000000/messages";
    one.get(unknown).await.problem(404, "order_not_found");
    one.post(unknown, &json!({ "text": "Hello" })).await.problem(404, "order_not_found");
    let wrong = one.post(&messages, &json!({ "text": " ", "from": "customer" })).await.problem(422, "invalid_body");
    assert_eq!(wrong.faults(), faults(&[("/text", "empty"), ("/from", "unknown_member")]));
    one.get(&format!("{messages}?after=1")).await.problem(400, "invalid_query");
    let write = |text: &str| one.post(&messages, &json!({ "text": text })).header("idempotency-key", "k");
    write("Hello").await.is(201);
    write("Goodbye").await.problem(422, "idempotency_key_reused");
    let fill = "INSERT INTO order_messages (order_id, author, actor, body, sent_at)
                SELECT $1::uuid, 'staff', 'tests', 'Hello', now() FROM generate_series(1, 99)";
    sqlx::query(fill).bind(&order).execute(&shop.db.pool().await).await.unwrap();
    one.post(&messages, &json!({ "text": "One more" })).await.problem(422, "too_many");
    assert_eq!(one.get(&messages).await.is(200).json()["data"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn a_page_without_a_script_sends_a_form() {
    let (_shop, one, order, path) = ordered().await;
    let mut tab = Socket::open(&one, &path).await;
    tab.told("state").await;
    let key = path.split("key=").nth(1).unwrap();
    let (ada, form) = (Browser::new(&one), Uuid::now_v7().to_string());
    let action = format!("/orders/{order}/messages/?key={key}");
    let fields = [("form", form.as_str()), ("text", "By\r\nform")];
    for _ in 0..2 {
        let sent = ada.post(&action, &fields).await.is(303);
        assert_eq!(sent.header("location"), format!("/orders/{order}/thanks/?key={key}#messages"));
    }
    assert_eq!(tab.told("message").await["message"]["text"], "By\nform");
    ada.post(&format!("/orders/{order}/messages/?key=none"), &fields).await.is(404);
    ada.post(&action, &[("form", "none"), ("text", "Hello")]).await.is(400);
    ada.form(&action, &fields).header("origin", "http://evil.test").await.is(403);
    let listed = one.get(&format!("/v1/orders/{order}/messages")).await.is(200).json();
    assert_eq!(texts(&listed["data"]), pairs(&[("customer", "By\nform")]), "sent twice, it is one");

    let page = ada.get(&format!("/orders/{order}/thanks/?key={key}")).await.is(200);
    for part in ["data-live=\"/orders/", "By\nform", "data-step=\"paid\"", "/static/live-"] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    assert_ne!(value(&page, "form").expect("a form"), form, "the next is another message");
    let from_page = page.text.split("data-live=\"").nth(1).unwrap().split('"').next().unwrap();
    let from_page = from_page.replace("&#38;", "&").replace("&amp;", "&");
    let mut later = Socket::open(&one, &from_page).await;
    one.post(&format!("/v1/orders/{order}/messages"), &json!({ "text": "Read." })).await.is(201);
    assert_eq!(later.told("message").await["message"]["text"], "Read.", "what the page shows is not told again");
}

#[tokio::test]
async fn what_happens_while_nobody_looks_is_there_for_who_looks_next() {
    let (_shop, one, order, path) = ordered().await;
    let mut tab = Socket::open(&one, &path).await;
    tab.told("state").await;
    drop(tab);
    let watched = Group::Order(order.parse().unwrap());
    eventually("it has left", BOUND, async || one.live.hub().close(watched, Close::Ended) == 0).await;
    one.post(&format!("/v1/orders/{order}/messages"), &json!({ "text": "Still there?" })).await.is(201);
    one.pay(&order, "25.00", "wire-1").await.is(200);
    let state = Socket::open(&one, &path).await.told("state").await;
    assert_eq!((&state["paid"], state["messages"].as_array().unwrap().len()), (&json!(true), 1));
}
