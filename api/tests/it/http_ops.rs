//! What operators look at and order: parked items, consumer groups, mails, and the log of all that was done.

use super::http_support::{Instance, Shop, ada_buys};
use api::auth::Scope;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::Launch;
use uuid::Uuid;

/// Notes effects of `order_mail` as the consumer would; says their numbers.
async fn note(pool: &PgPool, order: &str, states: &[&str]) -> Vec<i64> {
    let mut ids = Vec::new();
    for (sequence, state) in states.iter().enumerate() {
        let note = sqlx::query_scalar(
            "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                    event_type, state, due_at, attempts, tries, reason, partition, log_offset, noted_at, changed_at)
             VALUES ('order_mail', $1, $2, 'order', $3, $4, $4 + 10, 'OrderPlaced', $5, 'infinity', 1, 1,
                    '550 mailbox unavailable', 2, 7, now(), now()) RETURNING id",
        );
        let sequence = i64::try_from(sequence).unwrap() + 1;
        let note = note.bind(Uuid::now_v7()).bind(Uuid::now_v7()).bind(order).bind(sequence).bind(*state);
        ids.push(note.fetch_one(pool).await.unwrap());
    }
    ids
}

async fn parked(api: &Instance, query: &str) -> Vec<i64> {
    let page = api.get(&format!("/v1/ops/parked?{query}")).await.is(200).json();
    page["data"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

async fn actions(api: &Instance, query: &str) -> Vec<Value> {
    api.get(&format!("/v1/ops/audit?{query}")).await.is(200).json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn parked_items_are_listed_shown_and_decided_on() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let pool = shop.db.pool().await;
    let ids = note(&pool, "first", &["parked", "waiting", "unknown"]).await;
    let other = note(&pool, "second", &["parked"]).await[0];
    assert_eq!(parked(&api, "").await, [ids[0], ids[2], other]);
    assert_eq!(parked(&api, "order=first&state=parked").await, [ids[0]]);
    assert_eq!(parked(&api, "reason=MAILBOX&consumer=order_mail&type=OrderPlaced").await.len(), 3);
    let first = api.get("/v1/ops/parked?limit=2").await.is(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(parked(&api, &format!("limit=2&cursor={cursor}")).await, [other]);
    api.get(&format!("/v1/ops/parked?order=first&cursor={cursor}")).await.problem(400, "invalid_cursor");
    assert_eq!(parked(&api, "state=waiting").await, [ids[1]]);
    api.get("/v1/ops/parked?state=sent").await.problem(400, "invalid_query");
    for (filter, told) in [("consumer=nobody", "no consumer `nobody`"), ("type=Foo", "no event type `Foo`")] {
        let refused = api.get(&format!("/v1/ops/parked?{filter}")).await.problem(400, "invalid_query");
        assert!(refused.text.contains(told), "{}", refused.text);
        let (name, value) = filter.split_once('=').unwrap();
        let refused = api.post("/v1/ops/parked/retry", &json!({ "expected": 0, name: value })).await;
        assert!(refused.problem(422, "invalid_body").text.contains(told), "{filter}");
    }

    let shown = api.get(&format!("/v1/ops/parked/{}", ids[0])).await.is(200).json();
    let item = &shown["item"];
    assert_eq!((&item["holds"], &item["partition"], &item["offset"]), (&json!(1), &json!(2), &json!(7)));
    assert_eq!((&shown["event"], &shown["held"][0]["id"]), (&json!(null), &json!(ids[1])));
    for nothing in ["/v1/ops/parked/999999", "/v1/ops/parked/0", "/v1/ops/parked/x"] {
        api.get(nothing).await.problem(404, "item_not_found");
    }

    let decide = async |path: String, body: Value| api.post(&path, &body).await;
    decide(format!("/v1/ops/parked/{}/retry", ids[0]), json!({})).await.is(200);
    let waits = decide(format!("/v1/ops/parked/{}/discard", ids[0]), json!({})).await.problem(409, "not_parked");
    assert_eq!(waits.json()["state"], json!("waiting"));
    decide("/v1/ops/parked/999999/discard".to_owned(), json!({})).await.problem(404, "item_not_found");
    let asked = json!({ "expected": 3, "reason": "mailbox" });
    let changed = decide("/v1/ops/parked/discard".to_owned(), asked).await.problem(409, "count_changed");
    assert_eq!(changed.json()["count"], json!(2));
    let asked = json!({ "expected": 2, "reason": "mailbox" });
    assert_eq!(decide("/v1/ops/parked/discard".to_owned(), asked).await.is(200).json(), json!({ "count": 2 }));
    assert!(parked(&api, "").await.is_empty());
    decide("/v1/ops/parked/retry".to_owned(), json!({ "consumer": "x" })).await.problem(422, "invalid_body");

    let taken_down = actions(&api, "action=parked.").await;
    let (done, refused): (Vec<_>, Vec<_>) = taken_down.into_iter().partition(|line| line["outcome"] == "done");
    let told: Vec<_> = done.iter().map(|line| (line["action"].clone(), line["count"].clone())).collect();
    assert_eq!(told, [(json!("parked.discard"), json!(2)), (json!("parked.retry"), json!(1))]);
    assert_eq!(done[1]["target"], json!(ids[0].to_string()));
    assert_eq!(done[0]["arguments"], json!({ "reason": "…" }));
    let told: Vec<_> = refused.iter().map(|line| (line["target"].clone(), line["detail"].clone())).collect();
    let not_parked = json!("no such item needs a person");
    let expected = [
        (json!(""), json!("there are 2 such items by now, and not 3")),
        (json!("999999"), not_parked.clone()),
        (json!(ids[0].to_string()), not_parked),
    ];
    assert_eq!(told, expected);
    assert_eq!(refused[0]["arguments"], json!({ "reason": "…" }));

    // What waits is tried at once: the first of the order, and what that holds stays held.
    let shown = async |id: i64| api.get(&format!("/v1/ops/parked/{id}")).await.is(200).json()["item"].clone();
    assert_eq!(shown(ids[1]).await["next_at"], json!(null));
    let none = decide("/v1/ops/parked/discard".to_owned(), json!({ "expected": 2, "state": "waiting" })).await;
    assert!(none.problem(422, "invalid_body").text.contains("parked or unknown"));
    let asked = json!({ "expected": 1, "state": "waiting" });
    assert_eq!(decide("/v1/ops/parked/retry".to_owned(), asked).await.is(200).json(), json!({ "count": 2 }));
    assert_eq!(shown(ids[1]).await["next_at"], json!(null));
    let first = shown(ids[0]).await;
    assert!(first["next_at"].is_string() && first["state"] == "waiting", "{first}");
    let staff = shop.key(&[Scope::Staff]).await;
    api.get("/v1/ops/parked").key(&staff).await.problem(403, "forbidden");
    api.get("/v1/ops/audit").key(&staff).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_long_filter_is_decided_by_and_nothing_is_written_down_of_no_items() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let long = |chars| "\u{1F375}".repeat(chars);
    let by = |chars| json!({ "expected": 0, "consumer": "order_mail", "order": long(chars), "type": "OrderPaid" });
    let decided = api.post("/v1/ops/parked/retry", &by(200)).await.is(200).json();
    assert_eq!(decided, json!({ "count": 0 }));
    assert!(actions(&api, "").await.is_empty(), "nothing was done");
    api.post("/v1/ops/parked/retry", &by(201)).await.problem(422, "invalid_body");
    let mut others = by(200);
    others["expected"] = json!(7);
    api.post("/v1/ops/parked/retry", &others).await.problem(409, "count_changed");
    let taken_down = actions(&api, "").await;
    assert_eq!(taken_down[0]["arguments"]["of"], json!(long(200)));
}

#[tokio::test]
async fn what_an_event_says_is_for_who_may_read_history() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let made_up = "ada.lovelace/basket";
    api.post("/v1/orders", &ada_buys(&[("TEA", 1)])).header("request-id", made_up).await.is(201);
    let park = sqlx::query_scalar(
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                event_type, state, due_at, attempts, tries, reason, noted_at, changed_at)
         SELECT 'order_mail', event_id, gen_random_uuid(), 'order', aggregate_id, sequence, position, event_type, 'parked',
                'infinity', 1, 1, '550 mailbox unavailable', now(), now()
           FROM events WHERE event_type = 'OrderPlaced' RETURNING id",
    );
    let id: i64 = park.fetch_one(&shop.db.pool().await).await.unwrap();
    let path = format!("/v1/ops/parked/{id}");
    let operator = shop.key(&[Scope::Operator]).await;
    let told = api.get(&path).key(&operator).await.is(200).json();
    assert_eq!((&told["event"]["payload"], told["event"]["sequence"].is_u64()), (&Value::Null, true), "{told}");
    assert_eq!(told["correlation_id"], Value::Null, "it may name a person: {told}");
    assert!(told["event"]["metadata"]["actor"].is_string() && !told.to_string().contains("lovelace"), "{told}");
    let analyst = shop.key(&[Scope::Operator, Scope::Analyst]).await;
    let told = api.get(&path).key(&analyst).await.is(200).json();
    assert!(told["event"]["payload"]["OrderPlaced"].is_object(), "{told}");
    assert_eq!(
        (&told["correlation_id"], &told["event"]["metadata"]["correlation_id"]),
        (&json!(made_up), &json!(made_up))
    );
}

#[tokio::test]
async fn a_process_without_kafka_says_so_where_it_is_asked_for_dead_letters() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    api.get("/v1/ops/dead-letters").await.problem(503, "kafka_not_configured");
    api.get("/v1/ops/dead-letters?limit=0").await.problem(400, "invalid_query");
    let staff = shop.key(&[Scope::Staff]).await;
    api.get("/v1/ops/dead-letters").key(&staff).await.problem(403, "forbidden");
}

#[tokio::test]
async fn groups_are_paused_and_resumed_once_they_were_started() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let groups = api.get("/v1/ops/consumers").await.is(200).json();
    let states: Vec<_> = groups["data"].as_array().unwrap().iter().map(|group| group["state"].clone()).collect();
    assert_eq!(states, vec![json!("not_started"); consumers::NAMES.len()]);
    api.get("/v1/ops/consumers/nobody").await.problem(404, "consumer_not_found");
    let (pause, reason) = ("/v1/ops/consumers/order_mail/pause", json!({ "reason": "the server moves" }));
    api.post(pause, &reason).await.problem(409, "consumer_not_started");
    let pool = shop.db.pool().await;
    let started = "INSERT INTO consumer_groups (consumer, started_after, finished_up_to, kafka_prefix, partitions)
                   VALUES ('order_mail', 0, 0, '', 6)";
    sqlx::query(started).execute(&pool).await.unwrap();
    api.post(pause, &json!({ "reason": " " })).await.problem(422, "invalid_body");
    let paused = api.post(pause, &reason).await.is(200).json();
    assert_eq!((&paused["state"], &paused["paused"]["reason"]), (&json!("paused"), &json!("the server moves")));
    assert_eq!(paused["partitions"].as_array().unwrap().len(), 6);
    api.post(pause, &json!({ "reason": "another" })).await.is(200);
    let resumed = api.post("/v1/ops/consumers/order_mail/resume", &json!({})).await.is(200).json();
    assert_eq!((&resumed["state"], &resumed["paused"]), (&json!("no_members"), &json!(null)));
    assert_eq!(actions(&api, "target=order_mail").await.len(), 2, "what was so already was not done");

    let preview = api.get("/v1/ops/consumers/order_mail/rewind?to_position=0").await.is(200).json();
    assert_eq!((&preview["events"], &preview["acts"]), (&json!(0), &json!(0)));
    api.get("/v1/ops/consumers/order_mail/rewind").await.problem(400, "invalid_query");
    api.get("/v1/ops/consumers/order_mail/rewind?to_position=9").await.problem(400, "position_beyond_head");
    let rewind = "/v1/ops/consumers/order_mail/rewind";
    api.post(rewind, &json!({ "token": "x" })).await.problem(422, "invalid_body");
    api.post("/v1/ops/consumers/newsletter/rewind", &json!({ "token": preview["token"] }))
        .await
        .problem(409, "count_changed");
    api.post(rewind, &json!({ "token": preview["token"] })).await.is(200);
}

#[tokio::test]
async fn a_rewind_that_was_not_carried_out_is_withdrawn() {
    const REWIND: &str = "/v1/ops/consumers/order_mail/rewind";
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await.position();
    let withdraw = async || api.call(http::Method::DELETE, REWIND).await;
    withdraw().await.problem(409, "consumer_not_started");
    let pool = shop.db.pool().await;
    // It began behind the order, and was handed all there is.
    for sql in [
        "INSERT INTO consumer_groups (consumer, started_after, finished_up_to, kafka_prefix, partitions)
         SELECT 'order_mail', max(position), 0, '', 2 FROM events",
        "INSERT INTO consumer_progress (consumer, topic, partition, position, log_offset, changed_at)
         SELECT 'order_mail', 'orders.events', partition, (SELECT max(position) FROM events), 7, now()
           FROM generate_series(0, 1) AS partition",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let order = async || {
        let preview = api.get(&format!("{REWIND}?to_position=0")).await.is(200).json();
        assert_eq!((&preview["events"], &preview["acts"]), (&json!(1), &json!(1)));
        api.post(REWIND, &json!({ "token": preview["token"] })).await.is(200).json()
    };
    assert_eq!(order().await["rewinding"].as_array().map(Vec::len), Some(2));
    let withdrawn = withdraw().await.is(200).json();
    assert_eq!((&withdrawn["rewinding"], &withdrawn["started_after"]), (&json!([]), &json!(placed)));
    withdraw().await.is(200);
    api.call(http::Method::DELETE, &format!("{REWIND}?all=1")).await.problem(400, "invalid_query");
    let taken_down = actions(&api, "action=consumer.").await;
    let told: Vec<_> = taken_down.iter().map(|line| (line["action"].clone(), line["count"].clone())).collect();
    assert_eq!(told, [(json!("consumer.withdraw_rewind"), json!(2)), (json!("consumer.rewind"), json!(1))]);

    // The same by the command line.
    order().await;
    let orders = |arguments: &[&str]| Launch::orders().args(arguments).env("DATABASE_URL", shop.db.app_url());
    let shown = orders(&["consumers", "show", "order_mail"]).run().await.succeeded();
    assert!(shown.contains("To go back yet: orders.events/0, orders.events/1"), "{shown}");
    let rewind = ["consumers", "rewind", "order_mail", "--withdraw"];
    let told = orders(&rewind).run().await.succeeded();
    assert_eq!(told, "order_mail does not go back any more, in 2 of its partitions.\n");
    let told = orders(&rewind).run().await.succeeded();
    assert_eq!(told, "order_mail was to go back nowhere: there is nothing to withdraw.\n");
    let both = [&rewind[..], &["--to-position", "0"]].concat();
    assert_eq!(orders(&both).run().await.status.code(), Some(2));

    // A count that has changed is refused, and that is taken down.
    let mut preview = api.get(&format!("{REWIND}?to_position=0")).await.is(200).json();
    api.place(&[("TEA", 1)]).await;
    let forget = "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                         event_type, state, due_at, attempts, tries, noted_at, changed_at)
                  SELECT 'order_mail', event_id, '00000000-0000-0000-0000-000000000000', 'order', aggregate_id, sequence,
                         position, event_type, 'discarded', 'infinity', 1, 1, now(), now()
                    FROM events WHERE event_type = 'OrderPlaced' ORDER BY position LIMIT 1";
    sqlx::query(forget).execute(&pool).await.unwrap();
    api.post(REWIND, &json!({ "token": preview["token"].take() })).await.problem(409, "count_changed");
    let line = actions(&api, "action=consumer.rewind").await[0].clone();
    assert_eq!((&line["outcome"], &line["target"]), (&json!("refused"), &json!("order_mail")));
    assert_eq!(line["detail"], json!("by now it would be 1 events, of which it acts on 0"));
}

#[tokio::test]
async fn mails_are_told_by_order_and_by_an_address_that_stands_in_no_url() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 1)]).await;
    let told = api.get(&format!("/v1/ops/mails?order={}", order.id())).await.is(200).json();
    assert_eq!((&told["data"][0]["cause"], &told["data"][0]["state"]), (&json!("OrderPlaced"), &json!("not_noted")));
    assert_eq!(told["data"][0]["why"], json!("the consumer was never started"));
    api.get("/v1/ops/mails").await.problem(400, "invalid_query");
    api.get("/v1/ops/mails?order=x").await.problem(400, "invalid_query");
    let nobody = Uuid::now_v7();
    api.get(&format!("/v1/ops/mails?order={nobody}")).await.problem(404, "order_not_found");
    api.get("/v1/ops/mails?address=ada@example.com").await.problem(400, "invalid_query");
    api.caught_up(order.position()).await;
    let found = api.post("/v1/ops/mails/search", &json!({ "email": "ADA@example.com" })).await.is(200).json();
    assert_eq!((&found["data"][0]["order"], &found["data"][0]["is_to_address"]), (&json!(order.id()), &json!(true)));
    assert_eq!((&told["is_complete"], &found["is_complete"]), (&json!(true), &json!(true)));
    let nobody = api.post("/v1/ops/mails/search", &json!({ "email": "zoe@example.com" })).await.is(200).json();
    assert_eq!(nobody["data"], json!([]));
    let says_so = |told: &Value| told["leaves_out"].as_str().is_some_and(|words| words.contains("was corrected"));
    assert!(says_so(&found) && says_so(&nobody) && told["leaves_out"].is_null(), "{told} {nobody}");
}

#[tokio::test]
async fn an_order_is_found_by_a_former_address_where_the_schedule_wrote_to_that_and_else_it_is_said() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 1)]).await.id();
    let body = json!({ "customer": { "email": "right@example.com" } });
    let corrected = api.patch(&format!("/v1/orders/{order}"), &body);
    let corrected = corrected.header("content-type", "application/merge-patch+json").header("if-match", "*");
    api.caught_up(corrected.await.is(200).position()).await;
    let by_former =
        async || api.post("/v1/ops/mails/search", &json!({ "email": "ada@example.com" })).await.is(200).json();
    let found = by_former().await;
    assert!(found["data"] == json!([]) && found["leaves_out"].is_string(), "{found}");
    let told = Launch::orders().args(["mails", "--address", "ada@example.com"]).env("DATABASE_URL", shop.db.app_url());
    let told = told.run().await;
    assert!(told.status.success() && told.stderr.contains("whose address was corrected"), "{told:?}");
    let reminded = "INSERT INTO scheduled_mails (task, job_key, address_hash, message_id, state, began_at)
                    SELECT 'payment_reminder', $1, sha256(key || convert_to('ada@example.com', 'UTF8')), 'm1', 'sent', now()
                      FROM signing_keys WHERE name = 'mail_addresses'";
    sqlx::query(reminded).bind(&order).execute(&shop.db.pool().await).await.unwrap();
    let found = by_former().await;
    let first = &found["data"][0];
    assert_eq!((&first["order"], &first["cause"]), (&json!(order), &json!("OrderPlaced")));
    assert_eq!(first["is_to_address"], json!(true), "{found}");
}

#[tokio::test]
async fn of_an_address_with_many_orders_the_newest_are_told_and_that_there_are_more() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let first = api.place(&[("TEA", 1)]).await.id();
    let mut last = api.place(&[("TEA", 1)]).await;
    for _ in 2..51 {
        last = api.place(&[("TEA", 1)]).await;
    }
    api.caught_up(last.position()).await;
    let found = api.post("/v1/ops/mails/search", &json!({ "email": "ada@example.com" })).await.is(200).json();
    assert_eq!(found["is_complete"], json!(false));
    let of = |mail: &Value| mail["order"].as_str().unwrap().to_owned();
    let mut orders: Vec<String> = found["data"].as_array().unwrap().iter().map(of).collect();
    orders.dedup();
    assert_eq!((orders.len(), &orders[0]), (50, &last.id()));
    assert!(!orders.contains(&first), "the oldest one is left out");
}

#[tokio::test]
async fn the_command_line_proves_what_became_of_a_mail() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 1)]).await.id();
    let pool = shop.db.pool().await;
    for insert in [
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                event_type, state, due_at, attempts, tries, reason, message_id, partition, log_offset, decided_by, noted_at,
                changed_at)
         SELECT 'order_mail', event_id, gen_random_uuid(), aggregate_type, aggregate_id, sequence, position, event_type,
                'discarded', 'infinity', 1, 1, '550 mailbox unavailable', 'm1@localhost', 2, 7, 'cli:ada@shop-1', now(), now()
           FROM events WHERE event_type = 'OrderPlaced'",
        "INSERT INTO consumer_attempts (entry_id, try, at, state, answer)
         SELECT id, 1, now(), 'parked', '550 mailbox unavailable' FROM consumer_ledger",
    ] {
        sqlx::query(insert).execute(&pool).await.unwrap();
    }
    let mails = |order: &str| Launch::orders().args(["mails", "--order", order]).env("DATABASE_URL", shop.db.app_url());
    let told = mails(&order).run().await.succeeded();
    for part in [
        "order_mail for OrderPlaced: discarded since ",
        "partition 2, offset 7",
        "why         cli:ada@shop-1 decided against it; the last attempt: 550 mailbox unavailable",
        "Message-ID  m1@localhost",
        "attempt 1 ",
        "parked: 550 mailbox unavailable",
        "order_mail for OrderPaid: not called for",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let nobody = mails(&Uuid::now_v7().to_string()).run().await;
    assert!(!nobody.status.success() && nobody.stderr.contains("there is no order"), "{nobody:?}");
}

#[tokio::test]
async fn the_command_line_counts_before_it_decides_and_says_who_did() {
    let shop = Shop::new().await;
    let pool = shop.db.pool().await;
    let ids = note(&pool, "first", &["parked", "waiting"]).await;
    let orders = |arguments: &[&str]| Launch::orders().args(arguments).env("DATABASE_URL", shop.db.app_url());
    let list = orders(&["parked", "list", "--reason", "550"]).run().await.succeeded();
    assert!(list.lines().count() == 2 && list.contains("550 mailbox unavailable"), "{list}");
    assert_eq!(orders(&["parked", "list", "--type", "OrderPaid"]).run().await.succeeded(), "Nothing is like that.\n");
    for (filter, told) in [
        (["--consumer", "nobody"], "there is no consumer `nobody`; there are: order_mail"),
        (["--type", "Foo"], "there is no event type `Foo`"),
    ] {
        let refused = orders(&["parked", "list"]).args(filter).run().await;
        assert!(refused.status.code() == Some(2) && refused.stderr.contains(told), "{refused:?}");
    }
    let line: Value =
        serde_json::from_str(orders(&["parked", "list", "--json"]).run().await.succeeded().trim()).unwrap();
    assert_eq!((&line["id"], &line["holds"]), (&json!(ids[0]), &json!(1)));
    let shown = orders(&["parked", "show", &ids[0].to_string()]).run().await.succeeded();
    assert!(shown.contains("partition 2, offset 7") && shown.contains("The log has no such event"), "{shown}");
    assert_eq!(orders(&["parked", "retry"]).run().await.status.code(), Some(2), "which ones is to be said");

    let counted = orders(&["parked", "retry", "--consumer", "order_mail"]).run().await.succeeded();
    assert_eq!(counted, "To be tried again: 1 item. Nothing is done yet: --yes does it.\n");
    let done = orders(&["parked", "retry", "--all", "--yes"]).run().await.succeeded();
    assert_eq!(done, "To be tried again: 1 item.\n");
    let audit = orders(&["audit", "--json"]).run().await.succeeded();
    let line: Value = serde_json::from_str(audit.trim()).unwrap();
    assert!(line["actor"].as_str().unwrap().starts_with("cli:"), "{line}");
    assert_eq!((&line["action"], &line["count"]), (&json!("parked.retry"), &json!(1)));
    let audit = orders(&["audit", "--target", "nothing"]).run().await.succeeded();
    assert_eq!(audit, "Nothing like that was done.\n");
    assert_eq!(orders(&["audit", "--limit", "0"]).run().await.status.code(), Some(2));
    orders(&["parked", "retry", "997"]).run().await;
    let audit = orders(&["audit"]).run().await.succeeded();
    assert!(audit.contains("WHY NOT") && audit.contains("refused") && !audit.contains('{'), "{audit}");

    // What can be done is done, whatever can't be.
    let [first, second]: [String; 2] = note(&pool, "second", &["parked", "unknown"])
        .await
        .iter()
        .map(i64::to_string)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let mixed = orders(&["parked", "retry", "999", &first, "998", &second]).run().await;
    assert_eq!(mixed.status.code(), Some(1), "{mixed:?}");
    assert_eq!(mixed.stdout, format!("To be tried again: item {first}.\nTo be tried again: item {second}.\n"));
    let said = "there is no parked item 999; there is no parked item 998: `orders parked list` shows";
    assert!(mixed.stderr.contains(said), "{mixed:?}");
    let told = orders(&["parked", "discard", &first, "--json"]).run().await;
    let line: Value = serde_json::from_str(told.stdout.trim()).unwrap();
    assert_eq!((line["id"].to_string(), &line["done"]), (first, &json!(false)));
    assert!(line["why"].is_string() && told.status.code() == Some(1), "{told:?}");

    let groups = orders(&["consumers", "list"]).run().await.succeeded();
    assert!(groups.contains("order_mail") && groups.contains("not started"), "{groups}");
    let refused = orders(&["consumers", "pause", "order_mail", "--reason", "x"]).run().await;
    assert!(refused.stderr.contains("was never started"), "{refused:?}");
    let refused = orders(&["consumers", "show", "nobody"]).run().await;
    assert!(refused.stderr.contains("there is no consumer `nobody`; there are: order_mail"), "{refused:?}");
    let none = orders(&["mails", "--address", "ada@example.com"]).run().await;
    assert!(!none.status.success(), "the list of orders is not built yet: {none:?}");
}
