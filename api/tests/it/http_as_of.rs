//! What was: an order, lists and totals as of a position or a time, and an order's history in words.

use crate::http_support::{Instance, Reply, Shop, buys, usd};
use api::app::HttpSettings;
use api::auth::{Scope, keys};
use api::http::ServerSettings;
use chrono::{DateTime, SecondsFormat, Utc};
use projections::Views;
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

/// What `as_of` adds to an answer is taken out, once it is what it should be.
fn without_moment(reply: &Reply, position: u64) -> Value {
    let mut answer = reply.json();
    let moment = answer.as_object_mut().unwrap().remove("as_of").unwrap_or_else(|| panic!("{}", reply.text));
    assert_eq!((&moment["position"], reply.position()), (&json!(position), position), "{moment}");
    answer
}

async fn as_of(api: &Instance, path: &str, moment: impl std::fmt::Display) -> Reply {
    let between = if path.contains('?') { '&' } else { '?' };
    api.get(&format!("{path}{between}as_of={moment}")).await
}

/// An order to which three things happen, with what each command answered.
async fn an_order(api: &Instance) -> (String, Vec<Reply>) {
    let placed = api.place(&[("TEA", 2)]).await;
    let id = placed.id();
    let item = api.post(&format!("/v1/orders/{id}/items"), &json!({ "sku": "CUP", "quantity": 1 })).await.is(200);
    let paid = api.pay(&id, "33.00", "r-1").await.is(200);
    (id, vec![placed, item, paid])
}

#[tokio::test]
async fn an_order_is_shown_as_each_command_left_it() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (id, answers) = an_order(&api).await;
    let path = format!("/v1/orders/{id}");
    for answer in &answers {
        let then = as_of(&api, &path, answer.position()).await.is(200);
        assert_eq!(without_moment(&then, answer.position()), answer.json());
        assert_eq!(then.header("etag"), answer.header("etag"));
        let moment = &then.json()["as_of"];
        // It is written down after it occurred, and both are told.
        assert!(moment["recorded_at"].as_str().unwrap() >= moment["occurred_at"].as_str().unwrap(), "{moment}");
        let at = moment["recorded_at"].as_str().unwrap();
        let by_time = as_of(&api, &path, at).await.is(200);
        assert_eq!(by_time.json(), then.json(), "what was recorded at that very time is in it");
    }
    let placed = answers[0].position();
    as_of(&api, &path, placed - 1).await.problem(404, "order_not_found");
    as_of(&api, &path, 0).await.problem(404, "order_not_found");
    as_of(&api, &path, "2020-01-01T00:00:00Z").await.problem(404, "order_not_found");
    let not_modified = api.get(&format!("{path}?as_of={placed}")).header("if-none-match", answers[0].header("etag"));
    not_modified.await.is(304);
}

#[tokio::test]
async fn lists_and_totals_are_what_they_were() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut said = Vec::new();
    let paths = ["/v1/orders", "/v1/orders?paid=false", "/v1/totals?by=day", "/v1/totals?by=product"];
    for n in 1..=3 {
        let (_, answers) = an_order(&api).await;
        api.place(&[("CUP", n)]).await;
        for answer in answers {
            let position = api.get("/v1/events?limit=100000").await.is(200).position();
            api.caught_up(position).await;
            for path in paths {
                said.push((path, position, api.get(path).await.is(200).json()));
            }
            assert!(answer.position() <= position);
        }
    }
    for (path, position, was) in said {
        assert_eq!(without_moment(&as_of(&api, path, position).await.is(200), position), was, "{path} {position}");
    }
    for path in paths {
        let none = without_moment(&as_of(&api, path, 0).await.is(200), 0);
        assert_eq!(none, json!({ "data": [], "next_cursor": null }));
    }
}

#[tokio::test]
async fn pages_of_what_was_stay_as_they_are_while_the_shop_goes_on() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(api.place(&[("TEA", 1)]).await);
    }
    let position = orders[4].position();
    let at = as_of(&api, "/v1/orders", position).await.json()["as_of"]["recorded_at"].as_str().unwrap().to_owned();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for (page, order) in orders.iter().take(3).enumerate() {
        let moment = if page == 1 { at.clone() } else { position.to_string() };
        let answer = as_of(&api, &format!("/v1/orders?limit=2&paid=false{cursor}"), moment).await.is(200);
        seen.extend(answer.json()["data"].as_array().unwrap().iter().map(|order| order["id"].clone()));
        cursor = format!("&cursor={}", answer.json()["next_cursor"].as_str().unwrap_or("end"));
        // Each of them is paid before the next page is asked for.
        api.pay(&order.id(), "12.50", "late").await.is(200);
        api.place(&[("CUP", 1)]).await;
    }
    assert!(cursor.ends_with("=end"));
    let expected: Vec<Value> = orders.iter().rev().map(|order| order.json()["id"].clone()).collect();
    assert_eq!(seen, expected);
    let first = as_of(&api, "/v1/orders?limit=2", position).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    as_of(&api, &format!("/v1/orders?limit=2&cursor={cursor}"), position + 1).await.problem(400, "invalid_cursor");
    api.get(&format!("/v1/orders?limit=2&cursor={cursor}")).await.problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_moment_that_has_not_come_is_refused() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 1)]).await;
    let path = format!("/v1/orders/{}", order.id());
    for path in [&*path, "/v1/orders", "/v1/totals?by=day"] {
        let beyond = as_of(&api, path, order.position() + 1).await.problem(400, "position_beyond_head");
        assert_eq!(beyond.json()["head"], json!(order.position()));
        let future = as_of(&api, path, "2999-01-01T00:00:00Z").await.problem(400, "time_not_passed");
        assert!(future.json()["now"].is_string());
        let wrong = as_of(&api, path, "yesterday").await.problem(400, "invalid_query");
        assert_eq!(wrong.faults(), [("as_of".to_owned(), "not_a_moment".to_owned())]);
    }
    // The clock that gives events their times goes on: what was the future a moment ago has passed soon.
    let now = as_of(&api, &path, "2999-01-01T00:00:00Z").await.json()["now"].as_str().unwrap().to_owned();
    let passed = as_of(&api, &path, now).await.is(200);
    assert_eq!(without_moment(&passed, order.position()), order.json());
}

#[tokio::test]
async fn what_one_request_reads_of_the_past_is_bounded() {
    let shop = Shop::new().await;
    let http = HttpSettings { max_as_of_events: 2, max_as_of: 0, max_as_of_orders: 0, ..HttpSettings::default() };
    let busy = shop.instance_with(http, ServerSettings::default()).await;
    let http = HttpSettings { max_as_of_events: 2, ..HttpSettings::default() };
    let api = shop.instance_with(http, ServerSettings::default()).await;
    api.project();
    eventually("the views are built", crate::http_support::BOUND, async || {
        for name in Views::names() {
            api.views.position(name).await?;
        }
        Ok::<_, projections::ReadError>(())
    })
    .await;
    api.add_product("TEA", "12.50").await;
    let mut last = 0;
    for _ in 0..4 {
        last = api.place(&[("TEA", 1)]).await.position();
    }
    api.caught_up(last).await;
    as_of(&api, "/v1/totals?by=day", last - 2).await.is(200);
    let refused = as_of(&api, "/v1/totals?by=day", last - 4).await.problem(422, "too_much_history");
    assert_eq!((&refused.json()["events"], &refused.json()["most"]), (&json!(4), &json!(2)));
    assert!(refused.json()["detail"].as_str().unwrap().contains("`orders as-of`"));
    as_of(&api, "/v1/orders", last - 4).await.is(200);
    // Before anything is asked of the database.
    for path in ["/v1/orders", "/v1/totals?by=product", &format!("/v1/orders/{}", Uuid::now_v7())] {
        for moment in [last.to_string(), "2999-01-01T00:00:00Z".to_owned()] {
            as_of(&busy, path, moment).await.problem(503, "overloaded");
        }
    }
}

#[tokio::test]
async fn whoever_asks_for_a_time_holds_up_nobody_who_writes() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 1)]).await;
    let path = format!("/v1/orders/{}", order.id());
    let (pool, admin) = (shop.db.owner_pool().await, shop.db.superuser_pool().await);
    // Whoever locks a row leaves a mark on it.
    let mark =
        async || sqlx::query_scalar::<_, String>("SELECT xmax::text FROM log_head").fetch_one(&pool).await.unwrap();
    let clock =
        async || sqlx::query_scalar::<_, DateTime<Utc>>("SELECT clock_timestamp()").fetch_one(&pool).await.unwrap();
    let before = mark().await;
    as_of(&api, &path, "2999-01-01T00:00:00Z").await.problem(400, "time_not_passed");
    let passed = clock().await.to_rfc3339_opts(SecondsFormat::Micros, true);
    as_of(&api, &path, &passed).await.is(200);
    assert_eq!(mark().await, before, "the log's lock was taken");

    // An append that has read its time, and is not committed.
    let mut append = pool.begin().await.unwrap();
    sqlx::query("SELECT log_lock()").execute(&mut *append).await.unwrap();
    let recorded_at = clock().await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             position, event_id, recorded_at)
         SELECT aggregate_type, gen_random_uuid()::text, 1, event_type, event_version, payload, metadata, position + 1,
                gen_random_uuid(), $1 FROM events ORDER BY position DESC LIMIT 1",
    )
    .bind(recorded_at)
    .execute(&mut *append)
    .await
    .unwrap();
    // The future is known for what it is all the same; a time at which that event may be is not answered before it is
    // there.
    as_of(&api, &path, "2999-01-01T00:00:00Z").await.problem(400, "time_not_passed");
    let at = recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let (asking, ended) = tokio::join!(as_of(&api, &path, &at), async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_locks%' AND query_start > $1
                         AND datname = current_database() AND pid <> pg_backend_pid()";
        eventually("the time is waited for", crate::http_support::BOUND, async || {
            let waiting: i64 = sqlx::query_scalar(waits).bind(recorded_at).fetch_one(&admin).await.unwrap();
            if waiting > 0 { Ok(()) } else { Err("nobody waits") }
        })
        .await;
        append.commit().await
    });
    ended.unwrap();
    assert_eq!(asking.is(200).position(), order.position() + 1);
}

#[tokio::test]
async fn a_member_s_key_sees_its_own_past_alone() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let member = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO members (id, email, email_key, first_name, last_name, password_hash, lang, created_at, changed_at)
         VALUES ($1, 'ada@example.com', 'ada@example.com', 'Ada', 'Lovelace', '$argon2id$none', 'en', now(), now())",
    )
    .bind(member)
    .execute(&shop.db.pool().await)
    .await
    .unwrap();
    let scopes = [Scope::OrdersRead, Scope::OrdersWrite];
    let made = keys::create_for_member(&shop.db.pool().await, "app", scopes.into_iter(), &member.to_string()).await;
    let key = made.unwrap().1.to_string();
    let foreign = api.place(&[("TEA", 1)]).await;
    let own = api.post("/v1/orders", &buys("ada@example.com", &[("TEA", 2)])).key(&key).await.is(201);
    api.pay(&own.id(), "25.00", "r").await.is(200);
    let position = own.position();

    let list = api.get(&format!("/v1/orders?as_of={position}")).key(&key).await.is(200);
    assert_eq!(list.json()["data"], json!([own.json()]));
    let one = api.get(&format!("/v1/orders/{}?as_of={position}", own.id())).key(&key).await.is(200);
    assert_eq!(without_moment(&one, position), own.json());
    for path in ["", "/history"] {
        let path = format!("/v1/orders/{}{path}", foreign.id());
        api.get(&path).key(&key).await.problem(404, "order_not_found");
    }
    let path = format!("/v1/orders/{}?as_of={position}", foreign.id());
    api.get(&path).key(&key).await.problem(404, "order_not_found");
    api.get(&format!("/v1/totals?by=day&as_of={position}")).key(&key).await.problem(403, "forbidden");
    let history = api.get(&format!("/v1/orders/{}/history", own.id())).key(&key).await.is(200).json();
    assert_eq!(history["data"].as_array().unwrap().len(), 4);
    assert!(history["data"].as_array().unwrap().iter().all(|step| step.get("actor").is_none()), "{history}");
}

#[tokio::test]
async fn the_history_of_an_order_is_told_in_words_with_what_changed() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (id, answers) = an_order(&api).await;
    let correction = json!({ "customer": { "email": "ada@example.org" } });
    let corrected = api.patch(&format!("/v1/orders/{id}"), &correction).header("if-match", "*");
    let corrected = corrected.header("content-type", "application/merge-patch+json").await.is(200);
    let history = api.get(&format!("/v1/orders/{id}/history")).await.is(200).json();
    let steps = history["data"].as_array().unwrap();
    let told: Vec<(&str, &str)> =
        steps.iter().map(|step| (step["type"].as_str().unwrap(), step["words"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("EmailCorrected", "Mails go to ada@example.org from now on."),
            ("OrderPaid", "The order was paid in full."),
            ("PaymentRecorded", "A payment of $33.00 was recorded."),
            ("ItemAdded", "1 × The CUP was added."),
            ("OrderPlaced", "The order was placed, for $25.00."),
            ("ItemAdded", "2 × The TEA was added."),
        ]
    );
    let changed = |step: usize| steps[step]["changes"].clone();
    assert_eq!(changed(0), json!([{ "field": "email", "from": "ada@example.com", "to": "ada@example.org" }]));
    assert_eq!(changed(1), json!([{ "field": "paid", "from": false, "to": true }]));
    assert_eq!(changed(2), json!([{ "field": "paid_amount", "from": usd("0.00"), "to": usd("33.00") }]));
    let fields = |step: usize| -> Vec<String> {
        let changes = changed(step);
        let names = changes.as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(fields(3), ["items", "total"]);
    assert_eq!(changed(3)[1], json!({ "field": "total", "from": usd("25.00"), "to": usd("33.00") }));
    // The line that came to it, and not those that were there.
    assert_eq!(changed(3)[0], json!({ "field": "items", "from": [], "to": [answers[1].json()["items"][1]] }));
    assert_eq!(fields(4), ["status", "number", "name", "email", "shipping_address", "total", "paid_amount"]);
    assert_eq!(changed(4)[0], json!({ "field": "status", "from": null, "to": "placed" }));
    assert_eq!(fields(5), ["items"]);
    // Each names the position under which the order is what it left.
    assert_eq!(steps[0]["position"], json!(corrected.position()));
    for step in steps {
        assert!(step["actor"].is_string() && step["occurred_at"].as_str() <= step["recorded_at"].as_str(), "{step}");
    }
    let first = api.get(&format!("/v1/orders/{id}/history?limit=4")).await.is(200).json();
    let rest = format!("/v1/orders/{id}/history?limit=4&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = api.get(&rest).await.is(200).json();
    let pages = [&first, &rest].map(|page| page["data"].as_array().unwrap().clone());
    assert_eq!(&pages.concat(), steps);
    assert_eq!(rest["next_cursor"], Value::Null);
    api.get(&format!("/v1/orders/{}/history", Uuid::now_v7())).await.problem(404, "order_not_found");
    let analyst = shop.key(&[Scope::Analyst]).await;
    api.get(&format!("/v1/orders/{id}/history")).key(&analyst).await.problem(403, "forbidden");
}
