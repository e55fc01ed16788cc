//! An event of a version that nobody here knows, in the midst of the log.

use super::APART;
use super::trial::{SOON, Trial};
use crate::shop_under_load::shop::{Role, Servers, Shop, VIEWS};
use crate::shop_under_load::told::Asks;
use crate::walk::upgrade;
use serde_json::Value;
use testkit::eventually;

/// How many commands succeed while the view stands.
const MEANWHILE: u64 = 40;
/// What the request is called by which a newer program wrote the order.
const CAUSE: &str = "of a newer program";
const NUMBER: &str = "9000001";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_an_unknown_version_stops_the_view_before_it_and_nothing_is_skipped() {
    let servers = Servers::start();
    let shop = Shop::open(&servers, "unknown").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    trial.clients_come().await;
    let unreadable = write_as_a_newer_program(&trial).await;

    let why = format!(
        "the event at position {unreadable} can't be read: unknown version `99` of the event type `OrderPlaced`"
    );
    let reasons = trial.staff.member(Role::Projections).unready().await;
    assert!(reasons.contains(&why), "{reasons}");
    trial.orders_go_on(MEANWHILE).await;
    // The others go on: the catalogue has no use for orders, the relay passes it on, the consumer holds it for a
    // person.
    let head = trial.head().await;
    let stands = |name: &str| !["products", "categories", "newsletters"].contains(&name);
    eventually("the views stand right before it", SOON, async || {
        let views = trial.views().await;
        let wanted = |(name, at): &(String, i64)| if stands(name) { *at == unreadable - 1 } else { *at >= head };
        if views.len() == VIEWS && views.iter().all(wanted) { Ok(()) } else { Err(format!("{views:?}")) }
    })
    .await;
    trial.kafka_reaches(head).await;
    trial.mails_reach(head).await;
    assert_eq!(trial.entries("parked").await, 1);
    for role in [Role::Api(0), Role::Relay, Role::Consumers] {
        trial.staff.member(role).ready().await;
    }
    trial.clients_leave().await;
    let views = trial.views().await;
    assert!(views.iter().all(|(name, at)| !stands(name) || *at == unreadable - 1), "{views:?}");
    verification_names(&trial, unreadable).await;

    replace_stopped(&mut trial).await;
    trial.staff.ready().await;
    let figures = trial.compare().await;
    // What Kafka has of it is as the newer program wrote it.
    trial.shop.orders(&["verify", "--only", "log,views,mails"]).run().await.succeeded();
    println!("{}an event of an unknown version: {figures}", shop.prefix);
    trial.close().await;
}

/// Copies the first order as a newer program would have written it, which this one can't read. Gives where its last
/// event stands.
async fn write_as_a_newer_program(trial: &Trial<'_>) -> i64 {
    let (like, number, email, lines): (String, String, String, i64) = sqlx::query_as(
        "SELECT aggregate_id, payload->'OrderPlaced'->>'number', payload->'OrderPlaced'->'customer'->>'email', sequence - 1
           FROM events WHERE event_type = 'OrderPlaced' ORDER BY position LIMIT 1",
    )
    .fetch_one(&trial.admin)
    .await
    .unwrap();
    // As if a client had asked for it, and had heard nothing.
    let place = trial.told.note(CAUSE.to_owned(), Asks::Order { lines: usize::try_from(lines).unwrap() });
    trial.told.update(place, |intent| intent.open_tries = 1);
    sqlx::query_scalar(
        "WITH place AS MATERIALIZED (SELECT * FROM log_lock()), written AS (
             INSERT INTO events
             SELECT 'order', $2, sequence, event_type, CASE event_type WHEN 'OrderPlaced' THEN '99' ELSE event_version END,
                    replace(replace(payload::text, $3, $4), $5, $6)::json,
                    jsonb_set(metadata::jsonb, '{correlation_id}', to_jsonb($7::text))::json,
                    last_position + sequence, gen_random_uuid(), at
               FROM place CROSS JOIN events WHERE aggregate_id = $1 AND sequence <= $8 ORDER BY sequence
             RETURNING position)
         SELECT max(position) FROM written",
    )
    .bind(like)
    .bind("0198a000-0000-7000-8000-000000000001")
    .bind(&email)
    .bind(format!("{}newer@example.com", trial.shop.prefix))
    .bind(format!("\"number\":{number}"))
    .bind(format!("\"number\":{NUMBER}"))
    .bind(CAUSE)
    .bind(lines + 1)
    .fetch_one(&trial.admin)
    .await
    .unwrap()
}

/// The verification says which event can't be read, finds nothing else, and compares the views where they stand.
async fn verification_names(trial: &Trial<'_>, unreadable: i64) {
    let found = trial.shop.orders(&["verify", "--json"]).run().await;
    let document: Value = serde_json::from_str(&found.stdout).unwrap_or_else(|error| panic!("{error}: {found:?}"));
    assert_eq!(found.status.code(), Some(1), "{document:#}");
    let checks = document["checks"].as_array().unwrap();
    let differing: Vec<&Value> = checks.iter().filter(|check| check["result"] != "agrees").collect();
    assert_eq!((differing.len(), &differing[0]["name"]), (1, &"log".into()), "{document:#}");
    let listed = &differing[0]["listed"];
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{document:#}");
    assert_eq!((&listed[0]["kind"], &listed[0]["position"]), (&"unreadable".into(), &unreadable.into()));
}

/// Who has stopped is replaced by one who reads that event.
async fn replace_stopped(trial: &mut Trial<'_>) {
    upgrade(&trial.admin).await;
    for role in [Role::Projections, Role::Consumers] {
        let mut old = trial.staff.take(role);
        old.program.sigterm();
        old.ends().await;
        trial.staff.hire(role);
    }
    let parked: i64 = sqlx::query_scalar("SELECT id FROM consumer_ledger WHERE state = 'parked'")
        .fetch_one(&trial.admin)
        .await
        .unwrap();
    trial.shop.orders(&["parked", "retry", &parked.to_string()]).run().await.succeeded();
}
