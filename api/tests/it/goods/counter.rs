//! An order on a customer's behalf.

use super::members::join;
use super::support::{Goods, Staff, field, says};
use commands::staff::Role;
use domain::AggregateType;
use serde_json::json;
use uuid::Uuid;

type Fields<'f> = Vec<(&'f str, &'f str)>;

fn ada<'f>(key: &'f str, act: &'f str, lines: &[(&'f str, &'f str)]) -> Fields<'f> {
    let mut fields = vec![
        ("act", act),
        ("key", key),
        ("member", ""),
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("email", "ada@example.com"),
        ("lang", "ko"),
        ("address", "12 St James's Square"),
        ("postal_code", "SW1Y 4JH"),
        ("city", "London"),
        ("country", "gb"),
    ];
    fields.extend(lines.iter().flat_map(|(sku, quantity)| [("sku", *sku), ("quantity", *quantity)]));
    fields
}

fn at<'f>(mut fields: Fields<'f>, total: &'f str) -> Fields<'f> {
    fields.extend([("total", total), ("currency", "USD")]);
    fields
}

const PATH: &str = "/admin/new/order/";
/// What makes what is sent one order.
const FORMS: [&str; 2] = ["0190a0b0-0000-7000-8000-000000000001", "0190a0b0-0000-7000-8000-000000000002"];

#[tokio::test]
async fn an_order_is_priced_shown_and_placed_once() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    goods.product("CUP", "8.00").await;
    let clerk = goods.staff(Role::Clerk).await;
    let key = field(&clerk.get(PATH).await.is(200), "key");
    let lines = [("TEA", "2"), ("", ""), ("CUP", "")];
    let more = clerk.post(PATH, &ada(&key, "more", &lines)).await.is(200);
    assert_eq!(more.text.matches("name=\"sku\"").count(), 8);
    let checked = clerk.post(PATH, &ada(&key, "check", &lines)).await.is(200);
    says(&checked, &["Place order · $33.00", "The TEA", "$25.00", "value=\"ada@example.com\""]);
    assert_eq!((field(&checked, "key"), field(&checked, "total")), (key.clone(), "33.00".to_owned()));

    let placed = clerk.post(PATH, &at(ada(&key, "place", &lines), "33.00")).await.is(303);
    let again = clerk.post(PATH, &at(ada(&key, "place", &lines), "33.00")).await.is(303);
    assert_eq!(placed.header("location"), again.header("location"), "one form places one order");
    let id = placed.header("location").split('/').nth(3).unwrap().to_owned();
    let order = goods.instance.get(&format!("/v1/orders/{id}")).await.is(200).json();
    assert_eq!(order["total"]["amount"], "33.00");
    let other = clerk.post(PATH, &at(ada(&key, "place", &[("TEA", "1")]), "12.50")).await.is(422);
    says(&other, &["This form placed an order already"]);

    let stream = goods.pool.clone();
    let metadata: serde_json::Value = sqlx::query_scalar(
        "SELECT metadata::jsonb FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 ORDER BY sequence LIMIT 1",
    )
    .bind(AggregateType::Order.as_str())
    .bind(&id)
    .fetch_one(&stream)
    .await
    .unwrap();
    assert_eq!((&metadata["actor"], &metadata["locale"]), (&json!(clerk.account.actor()), &json!("ko")));
}

#[tokio::test]
async fn what_is_wrong_is_said_where_it_is_and_what_was_typed_is_kept() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let clerk = goods.staff(Role::Clerk).await;
    let key = field(&clerk.get(PATH).await.is(200), "key");
    let wrong = clerk.post(PATH, &ada(&key, "check", &[("GOLD", "1"), ("TEA", "none")])).await.is(422);
    says(&wrong, &["id=\"line-2-error\"", "value=\"GOLD\"", "value=\"none\""]);
    let unknown = clerk.post(PATH, &ada(&key, "check", &[("GOLD", "1"), ("TEA", "1")])).await.is(422);
    says(&unknown, &["There is no product with this sku.", "id=\"line-1-error\""]);
    says(&clerk.post(PATH, &ada(&key, "check", &[("", "")])).await.is(422), &["Name at least one product."]);
    let mut nobody = ada(&key, "check", &[("TEA", "1")]);
    nobody.retain(|(name, _)| !["email", "city"].contains(name));
    says(&clerk.post(PATH, &nobody).await.is(422), &["id=\"email-error\"", "id=\"city-error\""]);

    let patch = json!({ "price": { "amount": "13.00", "currency": "USD" } });
    goods.instance.patch("/v1/products/TEA", &patch).header("if-match", "*").await.is(200);
    let dearer = clerk.post(PATH, &at(ada(&key, "place", &[("TEA", "1")]), "12.50")).await.is(422);
    says(&dearer, &["Prices changed meanwhile", "Place order · $13.00"]);
    let placed = clerk.post(PATH, &at(ada(&key, "place", &[("TEA", "1")]), "13.00")).await;
    placed.is(303);
    clerk.post(PATH, &[("act", "check")]).await.is(400);
}

/// Whose order the newest one is.
async fn subject(goods: &Goods) -> Uuid {
    sqlx::query_scalar(
        "SELECT (payload -> 'OrderPlaced' -> 'customer' ->> 'subject_id')::uuid FROM events
          WHERE event_type = 'OrderPlaced' ORDER BY position DESC LIMIT 1",
    )
    .fetch_one(&goods.shop.db.superuser_pool().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn whose_order_it_is_is_not_for_the_browser_to_make_up() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let member = join(&goods.pool, "ada@example.com", "Ada").await.to_string();
    let (manager, clerk) = (goods.staff(Role::Manager).await, goods.staff(Role::Clerk).await);
    let send = async |staff: &Staff<'_>, key: &str, whose: &str| {
        let mut fields = at(ada(key, "place", &[("TEA", "1")]), "12.50");
        fields.retain(|(name, _)| *name != "member");
        fields.push(("member", whose));
        staff.post(PATH, &fields).await
    };

    // Into a member's account only those place an order who may see members, and there has to be one.
    send(&clerk, FORMS[0], &member).await.is(403);
    let gone = send(&manager, FORMS[0], &Uuid::now_v7().to_string()).await.is(422);
    says(&gone, &["There is no such member any more", "value=\"ada@example.com\""]);
    assert_eq!(field(&gone, "member"), "");
    let events = "SELECT count(*) FROM events WHERE event_type = 'OrderPlaced'";
    let placed: i64 = sqlx::query_scalar(events).fetch_one(&goods.pool).await.unwrap();
    assert_eq!(placed, 0);
    send(&manager, FORMS[0], &member).await.is(303);
    assert_eq!(subject(&goods).await.to_string(), member);

    // A guest's personal data is nobody else's, though the browser sends the id of a form that somebody's may be.
    send(&clerk, FORMS[1], "").await.is(303);
    let guest = subject(&goods).await;
    assert!(guest.to_string() != FORMS[1] && guest.to_string() != member, "{guest}");
    send(&manager, FORMS[1], "").await.is(303);
    assert_ne!(subject(&goods).await, guest, "the same form of somebody else");
}
