//! `orders verify` as its users meet it: what it prints, what it exits with, and that what happens meanwhile is nothing
//! to it. Which damage it finds is tested where it is looked for.

use crate::embedded_support::{Place, order_as_printed};
use crate::http_support::{BOUND, Instance, Shop};
use serde_json::Value;
use sqlx::Executor;
use std::collections::BTreeSet;
use testkit::{Db, Finished, Launch, eventually};

const OPERATIONS: &str = include_str!("../../../docs/OPERATIONS.md");

fn verify(db: &Db, arguments: &[&str]) -> Launch {
    Launch::orders().arg("verify").args(arguments).env("DATABASE_URL", db.app_url())
}

async fn damage(db: &Db, sql: &str) {
    let superuser = db.superuser_pool().await;
    superuser.execute("ALTER TABLE events DISABLE TRIGGER events_are_never_changed").await.unwrap();
    assert!(superuser.execute(sql).await.unwrap().rows_affected() > 0, "{sql}");
}

/// A shop with two products and an order of two lines, in all views.
async fn shop_with_an_order() -> (Shop, Instance, String) {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let order = instance.place(&[("TEA", 2), ("CUP", 1)]).await.json()["id"].as_str().unwrap().to_owned();
    instance.caught_up(5).await;
    (shop, instance, order)
}

fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

fn document(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

#[tokio::test]
async fn what_agrees_is_told_with_what_was_checked() {
    let (shop, _instance, _) = shop_with_an_order().await;
    let found = verify(&shop.db, &["--only", "log,views,mails"]).run().await;
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    assert_eq!(found.stderr, "", "a short run shows no progress where there is no terminal");
    for line in [
        "Up to position 5 of the log:",
        "log    log           agrees  5 events, 1 order, 2 products, 0 categories, 0 newsletters: dense, readable, and loaded alike by postgres-es",
        "views  order_list    agrees  2 rows at position 5, as a rebuild has them",
        "mails  order_mail    -       it was never started",
        "Everything agrees. It took ",
    ] {
        assert!(found.stdout.contains(line), "{line} in\n{}", found.stdout);
    }
}

#[tokio::test]
async fn what_differs_is_told_with_its_ids() {
    let (shop, _instance, order) = shop_with_an_order().await;
    damage(&shop.db, "DELETE FROM events WHERE position = 4").await;
    damage(&shop.db, "UPDATE order_totals_v1_1.product_days SET placed_quantity = 7 WHERE sku = 'CUP'").await;
    let found = verify(&shop.db, &["--only", "log,views"]).run().await;
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    for line in [
        "log    log           DIFFERS",
        "    position 4 holds no event\n",
        &format!("    order {order} has no event with sequence 2\n"),
        "views  products      agrees",
        "    product_days: the row sku CUP, currency USD, day ",
        " differs in placed_quantity\n",
    ] {
        assert!(found.stdout.contains(line), "{line} in\n{}", found.stdout);
    }
    let found = verify(&shop.db, &["--only", "log", "--limit", "1"]).run().await;
    assert!(found.stdout.contains("    and 1 more\n") && found.stdout.contains("\n2 differences. "), "{found:?}");
}

#[tokio::test]
async fn one_document_has_the_keys_that_are_documented() {
    let (shop, _instance, order) = shop_with_an_order().await;
    damage(&shop.db, "DELETE FROM events WHERE position = 4").await;
    let found = verify(&shop.db, &["--only", "log,views,mails", "--json"]).run().await;
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let document = document(&found);
    assert_eq!(
        (&document["agrees"], &document["complete"], &document["position"]),
        (&false.into(), &true.into(), &5.into())
    );
    let log = check(&document, "log");
    assert_eq!((&log["part"], &log["result"], &log["differences"]), (&"log".into(), &"differs".into(), &2.into()));
    let missing = &log["listed"][1];
    assert_eq!((&missing["kind"], &missing["aggregate_id"]), (&"sequences_missing".into(), &order.as_str().into()));
    assert_eq!(missing["text"], format!("order {order} has no event with sequence 2"));
    assert_eq!(check(&document, "products")["facts"]["rows"], 2);
    assert_eq!(["log", "products", "order_mail"].map(|name| &check(&document, name)["checked"]), [true, true, false]);

    let documented: BTreeSet<&str> = documented_keys();
    let mut keys: BTreeSet<String> = document.as_object().unwrap().keys().cloned().collect();
    for check in document["checks"].as_array().unwrap() {
        keys.extend(check.as_object().unwrap().keys().map(|key| format!("checks[].{key}")));
    }
    assert_eq!(keys.iter().map(String::as_str).collect::<BTreeSet<_>>(), documented);
}

/// The first column of the table of keys.
fn documented_keys() -> BTreeSet<&'static str> {
    let (_, section) = OPERATIONS.split_once("## Verifying").expect("the section");
    let (_, table) = section.split_once("| key | what it is |\n").expect("its table of keys");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[tokio::test]
async fn without_a_kafka_it_says_how_to_go_on() {
    let (shop, _instance, _) = shop_with_an_order().await;
    let found = verify(&shop.db, &["--only", "topics"]).run().await;
    assert_eq!(found.status.code(), Some(2), "{found:?}");
    let advice = "no Kafka is configured, and whose this database is can't be told: set KAFKA_BROKERS as it has it, or \
                  leave Kafka out by `--only log,views,mails`";
    assert!(found.stdout.contains(advice) && found.stdout.contains("1 check could not be done"), "{found:?}");

    let found = verify(&shop.db, &["--only", "topics", "--json"]).env("KAFKA_BROKERS", "127.0.0.1:1").run().await;
    assert_eq!(found.status.code(), Some(2), "{found:?}");
    let document = document(&found);
    assert_eq!((&document["agrees"], &document["complete"]), (&Value::Null, &false.into()));
    assert_eq!(check(&document, "Kafka")["checked"], false);
    let text = check(&document, "Kafka")["text"].as_str().unwrap();
    assert!(text.starts_with("Kafka at 127.0.0.1:1 can't be reached: "), "{text}");
}

#[tokio::test]
async fn what_can_not_begin_is_an_error_of_its_own() {
    let db = Db::empty().await;
    let found = verify(&db, &[]).run().await;
    assert_eq!((found.status.code(), found.stdout.as_str()), (Some(2), ""), "{found:?}");
    assert!(found.stderr.contains("run `orders migrate`"), "{found:?}");
    let refused = Launch::orders().args(["verify", "--only", "everything"]).run().await;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}

/// With nothing configured it finds the system that runs on the data directory, the Kafka inside it too.
#[tokio::test]
async fn a_running_system_is_found_by_its_data_directory() {
    let place = Place::new();
    let mut program = place.start().await;
    let order = order_as_printed(&program).await;
    assert!(order["id"].is_string());
    let verify = |arguments: &[&str]| place.orders(&["verify"]).args(arguments);
    eventually("the mail is sent, and its group's progress is kept", BOUND, async || {
        let found = verify(&["--json"]).run().await;
        assert_eq!(found.status.code(), Some(0), "{found:?}");
        let document = document(&found);
        let (relay, mails) = (check(&document, "relay"), check(&document, "order_mail"));
        if relay["facts"]["position"] == document["position"] && mails["facts"]["states"]["sent"] == 1 {
            assert_eq!(check(&document, "orders.events")["result"], "agrees");
            Ok(())
        } else {
            Err(found.stdout)
        }
    })
    .await;
    program.sigterm();
    assert!(program.wait().await.success());

    // Afterwards that Kafka is gone, and there is nothing in it that could differ.
    let found = verify(&[]).run().await;
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    assert!(
        found.stdout.contains("Kafka") && found.stdout.contains("holds nothing while that does not run"),
        "{found:?}"
    );
    assert!(found.stdout.contains("1 effect called for, each with its entry: 1 sent"), "{found:?}");
    let nothing = document(&verify(&["--only", "topics", "--json"]).run().await);
    assert_eq!((&nothing["agrees"], &nothing["complete"]), (&Value::Null, &true.into()), "there was nothing to agree");
}
