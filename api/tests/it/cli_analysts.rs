//! `orders x-ray`, `orders what-if` and `orders as-of` as their users meet them.

use crate::http_support::{Instance, Shop, usd};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use testkit::{Finished, Launch};
use uuid::Uuid;

fn orders(shop: &Shop, arguments: &[&str]) -> Launch {
    Launch::orders().args(arguments).env("DATABASE_URL", shop.db.app_url())
}

/// What is to be found nowhere in an x-ray.
const PERSONAL: &[&str] = &[
    "Augusta",
    "Kingsdown",
    "augusta.king@example.com",
    "12 St James's Square",
    "SW1Y 4JH",
    "Ockham Park",
    "transfer of A. King",
    "augusta@example.org",
    "by the back door",
    "a regular",
    "Charles Babbage",
];

/// An order of somebody's with some history, and a mail that a server refused.
async fn an_order(shop: &Shop, api: &Instance) -> (String, u64) {
    let order = json!({
        "customer": { "first_name": "Augusta", "last_name": "Kingsdown", "email": "Augusta.King@example.com" },
        "shipping_address": {
            "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "Ockham Park", "country": "GB",
        },
        "items": [{ "sku": "TEA", "quantity": 2 }, { "sku": "CUP", "quantity": 1 }],
    });
    let placed = api.post("/v1/orders", &order).header("request-id", "Augusta-Kingsdown-1").await.is(201);
    let id = placed.id();
    api.pay(&id, "20.00", "transfer of A. King").await.is(200);
    let correction = json!({ "customer": { "email": "augusta@example.org" } });
    let corrected = api.patch(&format!("/v1/orders/{id}"), &correction).header("if-match", "*");
    let corrected = corrected.header("content-type", "application/merge-patch+json").await.is(200);
    api.caught_up(corrected.position()).await;
    let pool = shop.db.pool().await;
    for insert in [
        "INSERT INTO consumer_groups (consumer, started_after, finished_up_to) VALUES ('order_mail', 0, 0)",
        "INSERT INTO consumer_progress (consumer, topic, partition, position, log_offset, changed_at)
         SELECT 'order_mail', 'orders.events', p, 99, 7, now() FROM generate_series(0, 99) AS p",
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position, event_type,
                state, due_at, attempts, tries, reason, message_id, decided_by, noted_at, changed_at, partition, log_offset)
         SELECT 'order_mail', event_id, (payload->'OrderPlaced'->'customer'->>'subject_id')::uuid, aggregate_type, aggregate_id,
                sequence, position, event_type, 'parked', 'infinity', 3, 4, '550 <AUGUSTA.KING@example.com>: no such user',
                'm1@localhost', 'command line, augusta', now(), now(), 5, 17
           FROM events WHERE event_type = 'OrderPlaced'",
        "INSERT INTO consumer_attempts (entry_id, try, at, state, answer)
         SELECT id, 4, now(), 'parked', 'RCPT TO: 550 <augusta.king@example.com> is unknown' FROM consumer_ledger",
        "INSERT INTO order_messages (order_id, author, body, sent_at)
         SELECT aggregate_id::uuid, 'customer', 'Leave it by the back door, Augusta', now()
           FROM events WHERE event_type = 'OrderPlaced'",
        "WITH clerk AS (
             INSERT INTO staff_accounts (id, email, email_key, name, role, created_at, changed_at)
             VALUES (gen_random_uuid(), 'cb@example.com', 'cb@example.com', 'Charles Babbage', 'clerk', now(), now())
             RETURNING id)
         INSERT INTO order_notes (order_id, account_id, body, written_at)
         SELECT events.aggregate_id::uuid, clerk.id, 'She is a regular', now()
           FROM clerk, events WHERE event_type = 'OrderPlaced'",
    ] {
        sqlx::query(insert).execute(&pool).await.unwrap();
    }
    (id, placed.json()["number"].as_u64().unwrap())
}

async fn x_rayed(shop: &Shop, order: &str, directory: &Path) -> (PathBuf, Value) {
    let path = directory.join("order.json");
    let written = orders(shop, &["x-ray", order, "-o", path.to_str().unwrap()]).run().await;
    let told = written.succeeded();
    assert!(told.starts_with(&format!("{}: order ", path.display())), "{told}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "for whoever asked alone");
    (path.clone(), serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
}

async fn replayed(path: &Path) -> Finished {
    // No database is configured: none is needed.
    Launch::orders().args(["x-ray", "--replay", path.to_str().unwrap()]).run().await
}

/// All texts of a document, with the names of its members.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.push(name.clone());
            texts(value, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test]
async fn an_order_may_be_named_by_its_number_wherever_one_is_asked_for() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (id, number) = an_order(&shop, &api).await;
    let number = number.to_string();
    for arguments in [&["events", "--order"][..], &["mails", "--order"], &["parked", "list", "--json", "--order"]] {
        let of = async |order: &str| orders(&shop, &[arguments, &[order][..]].concat()).run().await;
        let told = of(&id).await.succeeded();
        assert!(told.contains(&id), "{arguments:?}: {told}");
        assert_eq!(of(&number).await.succeeded(), told, "{arguments:?}");
        assert_eq!(of(&format!("#{number}")).await.succeeded(), told, "{arguments:?}");
        let none = of("99999").await;
        assert_eq!(none.status.code(), Some(1), "{none:?}");
        assert!(none.stderr.contains("no order of the list has the number 99999"), "{none:?}");
    }
    let counted = orders(&shop, &["parked", "retry", "--order", &number]).run().await.succeeded();
    assert_eq!(counted, "To be tried again: 1 item. Nothing is done yet: --yes does it.\n");
    // What waits is listed on request alone, and tried at once.
    let waits =
        "UPDATE consumer_ledger SET state = 'waiting', due_at = now() + interval '1 hour' WHERE state = 'parked'";
    sqlx::query(waits).execute(&shop.db.pool().await).await.unwrap();
    let parked = async |arguments: &[&str]| orders(&shop, &[&["parked"][..], arguments].concat()).run().await;
    assert_eq!(parked(&["list"]).await.succeeded(), "Nothing is parked.\n");
    let listed = parked(&["list", "--state", "waiting", "--order", &number]).await.succeeded();
    assert!(listed.contains("NEXT TRY (UTC)") && listed.contains(&id), "{listed}");
    let refused = parked(&["discard", "--state", "waiting", "--yes"]).await;
    assert!(refused.status.code() == Some(1) && refused.stderr.contains("tried again by itself"), "{refused:?}");
    let retried = parked(&["retry", "--state", "waiting", "--yes"]).await.succeeded();
    assert_eq!(retried, "To be tried again: 1 item.\n");
    let refused = api.get(&format!("/v1/ops/mails?order={number}")).await.problem(400, "invalid_query");
    assert!(refused.text.contains("which is a UUID"), "{}", refused.text);
}

#[tokio::test]
async fn an_x_ray_shows_all_but_whom_it_is_about() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (id, number) = an_order(&shop, &api).await;
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = x_rayed(&shop, &number.to_string(), directory.path()).await;

    let subject: String = sqlx::query_scalar("SELECT subject_id::text FROM order_list_v3_1.orders")
        .fetch_one(&shop.db.pool().await)
        .await
        .unwrap();
    let mut found = Vec::new();
    texts(&file, &mut found);
    assert!(found.len() > 150, "{}", found.len());
    for text in &found {
        let low = text.to_lowercase();
        for personal in PERSONAL.iter().copied().chain([&*subject]) {
            assert!(!low.contains(&personal.to_lowercase()), "{personal} is in {text}");
        }
        assert_ne!(text, "GB");
    }

    let types: Vec<&str> =
        file["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["ItemAdded", "ItemAdded", "OrderPlaced", "PaymentRecorded", "EmailCorrected"]);
    assert_eq!((&file["order"], &file["format"]), (&json!(id), &json!("orders x-ray")));
    let placed = &file["events"][2]["payload"]["OrderPlaced"];
    assert_eq!((&placed["total"], &placed["lines"][0]["sku"]), (&usd("33.00"), &json!("TEA")));
    let names: Vec<&str> =
        file["views"].as_array().unwrap().iter().map(|view| view["view"].as_str().unwrap()).collect();
    for name in ["order_list", "order_totals"] {
        assert!(names.contains(&name), "{names:?}");
    }
    // The same person is the same in events, rows and mails.
    let row = &file["views"][0]["tables"][0]["rows"][0];
    let customer = &file["events"][4]["payload"]["EmailCorrected"]["customer"];
    for name in ["subject_id", "first_name", "last_name", "email"] {
        assert_eq!(row[name], customer[name], "{name}");
    }
    let mail = &file["effects"][0];
    assert_eq!(
        (&mail["recipient"], &mail["attempts"], &mail["state"]),
        (&row["subject_id"], &json!(3), &json!("parked"))
    );
    let email = placed["customer"]["email"].as_str().unwrap();
    assert_eq!(mail["reason"], format!("550 <{email}>: no such user"));
    assert_eq!((&mail["failed_attempts"][0]["number"], &mail["tries"]), (&json!(4), &json!(4)));
    assert_eq!(mail["failed_attempts"][0]["answer"], format!("RCPT TO: 550 <{email}> is unknown"));
    let record = json!([{ "consumer": "order_mail", "partition": 5, "offset": 17 }]);
    assert_eq!((&file["events"][2]["records"], &file["events"][0]["records"]), (&record, &json!([])));
    // Those that nobody was handed, and those that the rules do not call for.
    let mails: Vec<_> = file["mails"].as_array().unwrap().iter().map(|mail| (&mail["cause"], &mail["state"])).collect();
    assert_eq!(mails[0], (&json!("EmailCorrected"), &json!("not_noted")));
    assert_eq!(mails[1], (&json!("OrderPaid"), &json!("not_called_for")));
    assert_eq!((&file["messages"][0]["author"], file["messages"].as_array().unwrap().len()), (&json!("customer"), 1));
    assert_eq!(file["notes"][0]["by"].as_str().map(|by| by.starts_with("actor-")), Some(true));
    assert_eq!((&file["kafka"]["topic"], &file["kafka"]["groups"][0]["offset"]), (&json!("orders.events"), &json!(7)));
    assert_eq!(file["traces"].as_array().unwrap().len(), 5);

    let same = replayed(&path).await;
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    for line in
        ["5 events lead to a placed order of 33.00 USD, not paid.", "order_list: agrees", "order_totals: agrees"]
    {
        assert!(same.stdout.contains(line), "{line} in {}", same.stdout);
    }
}

/// Changes one value of a file and folds it again.
async fn tampered(file: &Value, pointer: &str, value: Value, path: &Path) -> Finished {
    let mut file = file.clone();
    *file.pointer_mut(pointer).expect(pointer) = value;
    fs::write(path, file.to_string()).unwrap();
    replayed(path).await
}

#[tokio::test]
async fn a_replay_names_what_differs_and_refuses_what_it_can_not_read() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (id, _) = an_order(&shop, &api).await;
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = x_rayed(&shop, &id, directory.path()).await;
    let row = "/views/0/tables/0/rows/0";
    for (pointer, value, told) in [
        (
            format!("{row}/total"),
            json!("34.00"),
            "order_list.orders.total: the events lead to \"33.00\", the row has \"34.00\"",
        ),
        (
            format!("{row}/paid"),
            json!("true"),
            "order_list.orders.paid: the events lead to \"false\", the row has \"true\"",
        ),
        (format!("{row}/items/0/quantity"), json!(9), "order_list.orders.items: "),
        (format!("{row}/updated_at"), json!("2020-01-01T00:00:00+00:00"), "order_list.orders.updated_at: "),
        ("/views/1/tables/0/rows/0/day".to_owned(), json!("2020-01-01"), "order_totals.placed_orders.day: "),
        (
            "/views/1/tables/0/rows".to_owned(),
            json!([]),
            "order_totals.placed_orders: the events lead to 1 rows, there are 0",
        ),
        (
            "/events/3/payload/PaymentRecorded/paid_amount/amount".to_owned(),
            json!("21.00"),
            "order_list.orders.paid_amount: ",
        ),
        ("/events/3/sequence".to_owned(), json!(7), "events: 7 stands where sequence 4 should"),
        ("/events/3/payload".to_owned(), json!({ "PaymentRecorded": {} }), "can't be read"),
    ] {
        let differs = tampered(&file, &pointer, value, &path).await;
        assert_eq!(differs.status.code(), Some(1), "{pointer}: {differs:?}");
        assert!(differs.stdout.contains(told), "{told} in {}", differs.stdout);
    }
    let newer = tampered(&file, "/version", json!(2), &path).await;
    assert_eq!(newer.status.code(), Some(2), "{newer:?}");
    assert!(newer.stderr.contains("it is an x-ray of form 2, and this program reads form 1 alone"), "{newer:?}");
    for (text, told) in [
        ("no JSON", "it is no x-ray of an order"),
        ("{}", "it is no x-ray of an order"),
        (r#"{"format":"another","version":1}"#, "its format is another than `orders x-ray`"),
        (r#"{"format":"orders x-ray","version":1}"#, "it is damaged"),
    ] {
        fs::write(&path, text).unwrap();
        let refused = replayed(&path).await;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told} in {refused:?}");
    }
    let gone = replayed(&directory.path().join("none.json")).await;
    assert_eq!(gone.status.code(), Some(2), "{gone:?}");
    for (order, told, code) in [
        (Uuid::now_v7().to_string(), "nothing happened under this id", 1),
        ("99999".to_owned(), "no order of the list has the number 99999", 1),
        ("ada".to_owned(), "neither the id nor the number of an order", 2),
    ] {
        let refused = orders(&shop, &["x-ray", &order]).run().await;
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told} in {refused:?}");
    }
}

#[tokio::test]
async fn what_if_tells_in_tables_and_in_json_and_leaves_what_is_kept() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 2), ("CUP", 1)]).await;
    let other = api.place(&[("CUP", 1)]).await;
    let number = order.json()["number"].to_string();
    let what_if = |arguments: &[&str]| orders(&shop, &[&["what-if"][..], arguments].concat());

    let told = what_if(&["dearer", "--price-factor", "1.10", "--limit", "1"]).run().await.succeeded();
    for line in [
        "dearer: prices times 1.10, up to position ",
        "placed  USD       2 of 2 differ  41.00  45.10     +4.10",
        &format!("#{number} {}", order.id()),
        "… and 1 more",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
    assert_eq!(what_if(&["--list"]).run().await.succeeded(), "Nothing is kept.\n");
    assert_eq!(what_if(&["--list", "--json"]).run().await.succeeded(), "");

    let json = ["tea", "--price-factor", "0.5", "--sku", "TEA", "--json", "--keep"];
    let document: Value = serde_json::from_str(&what_if(&json).run().await.succeeded()).unwrap();
    assert_eq!(
        document["sums"][0]["placed"],
        json!({ "was": usd("41.00"), "becomes": usd("28.50"), "difference": usd("-12.50") })
    );
    assert_eq!(document["products"]["count"], 1);
    assert_eq!(document["orders"]["listed"][0]["id"], json!(order.id()));
    assert_eq!((&document["orders"]["count"], &document["position"]), (&json!(1), &json!(other.position())));
    let list = what_if(&["--list"]).run().await.succeeded();
    assert!(list.contains("tea") && list.contains("prices of TEA times 0.5, up to position"), "{list}");
    let list: Value = serde_json::from_str(&what_if(&["--list", "--json"]).run().await.succeeded()).unwrap();
    let kept = &list;
    assert!(kept["name"] == "tea" && kept["bytes"].as_u64() > Some(0), "{list}");
    assert!(kept["about"].as_str().unwrap().starts_with("prices of TEA times 0.5"), "{list}");
    let again = what_if(&json).run().await;
    assert!(!again.status.success() && again.stderr.contains("`orders what-if tea --drop`"), "{again:?}");
    assert_eq!(what_if(&["tea", "--drop", "--json"]).run().await.succeeded(), "{\"dropped\":\"tea\"}\n");
    what_if(&["tea", "--price-factor", "2", "--keep"]).run().await.succeeded();
    assert_eq!(what_if(&["tea", "--drop"]).run().await.succeeded(), "Dropped: tea.\n");
    let unsold = ["none", "--price-factor", "2", "--sku", "TEA", "--sku", "NOPE"];
    let told = what_if(&unsold).run().await.succeeded();
    assert!(told.contains("\nNobody ever ordered NOPE.\n") && !told.contains("Nothing that was ordered"), "{told}");
    let document: Value =
        serde_json::from_str(&what_if(&[&unsold[..], &["--json"]].concat()).run().await.succeeded()).unwrap();
    assert_eq!(document["unsold"], json!(["NOPE"]));
    let told = what_if(&["later", "--price-factor", "2", "--from", "2999-01-01"]).run().await.succeeded();
    assert!(told.contains("\nNothing that was ordered has another price by that.\n"), "{told}");
    for (arguments, told) in [
        (&["--list", "--sku", "TEA"][..], "cannot be used with"),
        (&["--list", "--from", "2026-01-01"][..], "cannot be used with"),
        (&["--list", "--keep"][..], "cannot be used with"),
        (&["tea", "--drop", "--limit", "1"][..], "cannot be used with"),
        (&["tea", "--drop"][..], "nothing is kept under the name `tea`"),
        (&["tea", "--price-factor", "0"][..], "the factor must be above 0"),
        (&["tea", "--price-factor", "abc"][..], "must be a number such as 1.05"),
        (&["tea", "--price-factor", "2", "--from", "2026-02-01", "--to", "2026-01-31"][..], "the range holds no day"),
        (&["Tea", "--price-factor", "2"][..], "`Tea` is no name for it"),
        (&["tea"][..], "--price-factor"),
    ] {
        let refused = what_if(arguments).run().await;
        assert!(!refused.status.success() && refused.stderr.contains(told), "{told} in {refused:?}");
    }
}

#[tokio::test]
async fn what_if_holds_the_code_of_this_program_against_what_serves() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.place(&[("TEA", 2), ("CUP", 1)]).await;
    let other = api.place(&[("CUP", 1)]).await;
    api.caught_up(other.position()).await;
    let what_if = |arguments: &[&str]| orders(&shop, &[&["what-if"][..], arguments].concat());

    let same = what_if(&["same", "--code"]).run().await.succeeded();
    for line in [
        "same: the projections of this program instead of what serves, up to position ",
        "order_totals: version 1 of this program instead of order_totals_v1_1 (version 1), at position ",
        "placed  USD       0 of 2 differ  41.00  41.00     0.00",
        "By day: no difference",
        "By product: no difference",
        "By order, the greatest difference first: no difference",
    ] {
        assert!(same.contains(line), "{line} in\n{same}");
    }

    let pool = shop.db.superuser_pool().await;
    for tamper in [
        "UPDATE order_totals_v1_1.days SET placed_revenue = placed_revenue - 1",
        "DELETE FROM order_list_v3_1.orders WHERE total = 8.00",
    ] {
        assert_eq!(sqlx::query(tamper).execute(&pool).await.unwrap().rows_affected(), 1, "{tamper}");
    }
    let document: Value =
        serde_json::from_str(&what_if(&["fixed", "--code", "--json"]).run().await.succeeded()).unwrap();
    let by_day = json!({ "was": usd("40.00"), "becomes": usd("41.00"), "difference": usd("1.00") });
    assert_eq!((&document["sums"][0]["placed"], &document["days"]["listed"][0]["placed"]), (&by_day, &by_day));
    assert_eq!(document["products"]["count"], 0);
    let by_order = &document["orders"]["listed"][0];
    assert_eq!((&by_order["id"], &by_order["total"]["becomes"]), (&json!(other.id()), &usd("8.00")));
    assert_eq!(document["served"][0]["build"], "order_list_v3_1");

    let both = what_if(&["both", "--code", "--price-factor", "2"]).run().await;
    assert!(!both.status.success() && both.stderr.contains("cannot be used with"), "{both:?}");
    assert_eq!(what_if(&["--list"]).run().await.succeeded(), "Nothing is kept.\n");
}

#[tokio::test]
async fn totals_of_an_earlier_moment_are_told_without_a_bound() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let first = api.place(&[("TEA", 2)]).await;
    let last = api.place(&[("CUP", 1)]).await;
    api.caught_up(last.position()).await;
    let position = first.position().to_string();
    let as_of = |arguments: &[&str]| orders(&shop, &[&["as-of"][..], arguments].concat());
    let told = as_of(&[&position, "--by", "product"]).run().await.succeeded();
    assert!(told.starts_with(&format!("As of position {position}, recorded ")), "{told}");
    assert!(told.contains("TEA  2       25.00 USD  0     0.00 USD") && !told.contains("CUP"), "{told}");
    for by in ["day", "product"] {
        let document: Value =
            serde_json::from_str(&as_of(&[&position, "--by", by, "--json"]).run().await.succeeded()).unwrap();
        let answer = api.get(&format!("/v1/totals?by={by}&as_of={position}")).await.is(200);
        assert_eq!(document, answer.json());
    }
    for time in ["2999-01-01T00:00:00Z", "2999-01-01", "2999-01-01 08:00:44"] {
        let future = as_of(&[time]).run().await;
        assert!(!future.status.success() && future.stderr.contains("has not passed"), "{future:?}");
    }
    let long_ago = as_of(&["2020-01-01"]).run().await.succeeded();
    assert!(long_ago.starts_with("As of position 0\n"), "a day is its beginning: {long_ago}");
    let backwards = as_of(&[&position, "--from", "2026-02-01", "--to", "2026-01-31"]).run().await;
    assert!(!backwards.status.success() && backwards.stderr.contains("the range holds no day"), "{backwards:?}");
    let beyond = as_of(&["99999"]).run().await;
    assert!(!beyond.status.success() && beyond.stderr.contains("beyond the end of the log"), "{beyond:?}");
    assert_eq!(as_of(&["yesterday"]).run().await.status.code(), Some(2));
}
