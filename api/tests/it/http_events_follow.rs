//! The history that goes on with what is appended.

use crate::http_support::{BOUND, Instance, Shop, Streamed};
use api::app::{FollowSettings, HttpSettings, LookSettings};
use api::auth::{Scope, keys};
use api::http::ServerSettings;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;
use testkit::{Launch, eventually};

const EVENTS: &str = "text/event-stream";

fn settings(follow: FollowSettings) -> HttpSettings {
    HttpSettings { follow, ..HttpSettings::default() }
}

/// The next event among the lines.
async fn next(stream: &mut Streamed) -> Value {
    loop {
        let line = stream.line().await.expect("it goes on");
        if !line.is_empty() {
            return serde_json::from_str(&line).unwrap();
        }
    }
}

/// The next server-sent event: its fields by their names. What has no data moves the id alone.
async fn next_event(stream: &mut Streamed) -> Vec<(String, String)> {
    let block = stream.block().await;
    assert!(!block.is_empty(), "it goes on");
    let field = |line: &String| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    };
    block.iter().map(field).collect()
}

fn field<'e>(event: &'e [(String, String)], name: &str) -> Option<&'e str> {
    event.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

async fn place(api: &Instance) -> String {
    api.place(&[("TEA", 1)]).await.id()
}

#[tokio::test]
async fn lines_go_on_with_what_is_appended_here_and_elsewhere() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let other = shop.instance().await;
    let mut all = other.get("/v1/events?follow=true").stream().await;
    assert_eq!((all.status.as_u16(), &all.headers["content-type"]), (200, &"application/x-ndjson".parse().unwrap()));
    assert_eq!(
        (&all.headers["cache-control"], &all.headers["x-accel-buffering"]),
        (&"no-store".parse().unwrap(), &"no".parse().unwrap())
    );
    let mut placed = api.get("/v1/events?follow=true&type=OrderPlaced&after=2").stream().await;
    for position in [1, 2] {
        assert_eq!(next(&mut all).await["position"], position);
    }
    for nth in 0..3 {
        let order = place(&api).await;
        for position in [3 + 2 * nth, 4 + 2 * nth] {
            assert_eq!(next(&mut all).await["position"], position);
        }
        let event = next(&mut placed).await;
        assert_eq!(
            (event["type"].as_str(), event["aggregate_id"].as_str()),
            (Some("OrderPlaced"), Some(order.as_str()))
        );
    }
    let mut two = api.get("/v1/events?follow=true&limit=2&after=5").stream().await;
    for position in [6, 7] {
        assert_eq!(next(&mut two).await["position"], position);
        place(&api).await;
    }
    assert_eq!(next(&mut two).await, serde_json::json!({ "end": "limit", "position": 7 }), "as many as were asked for");
    assert_eq!(two.line().await, None);
    // An event source that does not close on it would come again and again.
    let mut one = api.get("/v1/events?type=OrderPlaced&limit=1").header("accept", EVENTS).stream().await;
    assert_eq!(field(&next_event(&mut one).await, "retry"), Some("2000"));
    assert_eq!(field(&next_event(&mut one).await, "id"), Some("4"));
    let end = next_event(&mut one).await;
    assert_eq!((field(&end, "event"), field(&end, "id")), (Some("end"), Some("4")));
    assert_eq!(field(&end, "data"), Some(r#"{"end":"limit","position":4}"#));
    assert_eq!(one.line().await, None);
}

#[tokio::test]
async fn an_event_source_comes_again_where_it_was() {
    let shop = Shop::new().await;
    let follow = FollowSettings { keep_alive_every: Duration::from_millis(50), ..FollowSettings::default() };
    let api = shop.open_with(settings(follow)).await;
    let order = place(&api).await;
    let path = "/v1/events?type=OrderPlaced,OrderPaid";
    let mut stream = api.get(path).header("accept", EVENTS).stream().await;
    assert_eq!(stream.headers["content-type"], EVENTS);
    let first = next_event(&mut stream).await;
    assert_eq!((field(&first, "id"), field(&first, "retry")), (Some("0"), Some("2000")));
    let placed = next_event(&mut stream).await;
    assert_eq!(field(&placed, "id"), Some("4"));
    let data: Value = serde_json::from_str(field(&placed, "data").unwrap()).unwrap();
    assert_eq!((data["position"].as_u64(), data["aggregate_id"].as_str()), (Some(4), Some(order.as_str())));
    // What is not asked for moves the id, so that it is not looked through again.
    api.add_product("POT", "30.00").await;
    let moved = loop {
        let event = next_event(&mut stream).await;
        assert_eq!((field(&event, "data"), field(&event, "")), (None, Some("alive")));
        if field(&event, "id") == Some("5") {
            break event;
        }
    };
    drop(stream);
    let order = place(&api).await;
    let id = field(&moved, "id").unwrap();
    let mut stream = api.get(path).header("accept", EVENTS).header("last-event-id", id).stream().await;
    assert_eq!(field(&next_event(&mut stream).await, "id"), Some("5"));
    let placed = next_event(&mut stream).await;
    assert_eq!(field(&placed, "id"), Some("7"));
    assert!(field(&placed, "data").unwrap().contains(&order));
}

#[tokio::test]
async fn a_stop_ends_all_who_follow_with_the_position_to_go_on_from() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    place(&api).await;
    let mut lines = api.get("/v1/events?follow=true&after=3").stream().await;
    let mut events = api.get("/v1/events?after=4").header("accept", EVENTS).stream().await;
    assert_eq!(next(&mut lines).await["position"], 4);
    next_event(&mut events).await;
    api.stop.cancel();
    assert_eq!(next(&mut lines).await, serde_json::json!({ "end": "stopping", "position": 4 }));
    assert_eq!(lines.line().await, None);
    let end = next_event(&mut events).await;
    assert_eq!((field(&end, "event"), field(&end, "id")), (Some("end"), Some("4")));
    assert_eq!(field(&end, "data"), Some(r#"{"end":"stopping","position":4}"#));
    tokio::time::timeout(BOUND, api.served).await.expect("nobody is waited for").unwrap();
}

#[tokio::test]
async fn who_is_too_slow_is_told_where_to_go_on() {
    let shop = Shop::new().await;
    // Whatever time a chunk takes is too long.
    let follow = FollowSettings { slow_at_most: Duration::ZERO, ..FollowSettings::default() };
    let api = shop.open_with(settings(follow)).await;
    for _ in 0..300 {
        place(&api).await;
    }
    let (mut after, mut found) = (0, Vec::new());
    while after < 602 {
        let mut stream = api.get(&format!("/v1/events?follow=true&after={after}")).stream().await;
        loop {
            let line = next(&mut stream).await;
            if line["end"] == "too_slow" {
                assert_eq!(line["position"], *found.last().unwrap());
                break;
            }
            found.push(line["position"].as_u64().unwrap());
            if found.len() == 602 {
                break;
            }
        }
        after = *found.last().unwrap();
    }
    assert_eq!(found, (1..=602).collect::<Vec<_>>());
}

#[tokio::test]
async fn so_many_follow_and_none_for_ever() {
    let shop = Shop::new().await;
    let follow = FollowSettings { max_followers: 2, ..FollowSettings::default() };
    let api = shop.open_with(settings(follow)).await;
    let mut following = [
        api.get("/v1/events?follow=true&after=2").stream().await,
        api.get("/v1/events?after=2").header("accept", EVENTS).stream().await,
    ];
    next_event(&mut following[1]).await;
    api.get("/v1/events?follow=true").await.problem(503, "overloaded");
    api.get("/v1/events").await.is(200);
    drop(following);
    eventually("there is room again", BOUND, async || {
        api.get("/v1/events?follow=true&limit=1").stream().await.status == 200
    })
    .await;

    let follow = FollowSettings { follow_at_most: Duration::from_millis(1), ..FollowSettings::default() };
    let brief = shop.instance_with(settings(follow), ServerSettings::default()).await;
    let mut stream = brief.get("/v1/events?follow=true&after=2").stream().await;
    assert_eq!(next(&mut stream).await, serde_json::json!({ "end": "time_over", "position": 2 }));
    assert_eq!(stream.line().await, None);
}

#[tokio::test]
async fn who_follows_with_a_key_that_is_revoked_is_told_so_and_nothing_more() {
    let shop = Shop::new().await;
    let follow = FollowSettings { keep_alive_every: Duration::from_millis(50), ..FollowSettings::default() };
    let api = shop.open_with(settings(follow)).await;
    let (ended, kept) = (shop.key(&[Scope::Analyst]).await, shop.key(&[Scope::Analyst]).await);
    let path = "/v1/events?follow=true&after=2";
    let mut quiet = api.get(path).key(&ended).stream().await;
    let mut busy = api.get(path).key(&ended).stream().await;
    let mut events = api.get("/v1/events?type=OrderPaid&after=2").key(&ended).header("accept", EVENTS).stream().await;
    let mut other = api.get(path).key(&kept).stream().await;
    next_event(&mut events).await;
    let prefix = ended.split('_').nth(1).unwrap();
    keys::revoke(&shop.db.pool().await, prefix).await.unwrap();
    assert_eq!(next(&mut quiet).await, serde_json::json!({ "end": "key_ended", "position": 2 }));
    assert_eq!(quiet.line().await, None);
    // Also who is told something all the while, so that there is never a silence.
    let last = loop {
        place(&api).await;
        let line = next(&mut busy).await;
        if line.get("end").is_some() {
            break line;
        }
    };
    assert_eq!(last["end"], "key_ended");
    assert_eq!(busy.line().await, None);
    let end = loop {
        let event = next_event(&mut events).await;
        if field(&event, "data").is_some() {
            break event;
        }
    };
    assert_eq!(field(&end, "event"), Some("end"));
    assert!(field(&end, "data").unwrap().starts_with(r#"{"end":"key_ended","position":"#));
    assert_eq!(next(&mut other).await["position"], 3, "another key goes on");
    api.get(path).key(&ended).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_is_recorded_before_a_time_to_come_is_passed_over() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let pool = shop.db.owner_pool().await;
    let (now, text) = (Utc::now(), |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let (from, tomorrow) = (text(now + TimeDelta::hours(1)), now + TimeDelta::days(1));
    let mut lines = api.get(&format!("/v1/events?follow=true&type=OrderPlaced&from={from}")).stream().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'";
    let (admin, listening) = (shop.db.superuser_pool().await, async |pool: &PgPool| -> i64 {
        sqlx::query_scalar(sessions).fetch_one(pool).await.unwrap()
    });
    let before = listening(&admin).await;
    let mut program = Launch::orders()
        .args(["events", "--follow", "--type", "OrderPlaced,ProductAdded", "--from", &from])
        .env("DATABASE_URL", shop.db.app_url())
        .spawn();
    eventually("the program has opened the log", BOUND, async || listening(&admin).await > before).await;
    let early = place(&api).await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             position, event_id, recorded_at)
         SELECT 'product', 'POT', 1, event_type, event_version, replace(payload::text, sku, 'POT')::json, metadata, head + 1,
                gen_random_uuid(), $1
           FROM (SELECT *, payload #>> '{ProductAdded,sku}' AS sku, max(position) OVER () AS head FROM events) AS e
          WHERE position = 1",
    )
    .bind(tomorrow)
    .execute(&pool)
    .await
    .unwrap();
    // The log goes on from there: its times never run backwards.
    let late = place(&api).await;
    let first = next(&mut lines).await;
    assert_eq!(first["aggregate_id"].as_str(), Some(&*late), "{early} was before the time");
    program.wait_for_line(&late).await;
    program.sigterm();
    program.wait().await;
    assert!(!program.stdout().contains(&early), "{}", program.stdout());
    assert!(program.stdout().contains("\"POT\""), "{}", program.stdout());
}

/// Stands before PostgreSQL's own: waits for whoever holds the lock. Nothing but a look through history asks for it
/// here.
const SLOW_LOOKS: [&str; 2] = [
    "CREATE FUNCTION public.strpos(text, text) RETURNS integer LANGUAGE plpgsql AS $$
     BEGIN
         PERFORM pg_catalog.pg_advisory_xact_lock_shared(77);
         RETURN pg_catalog.strpos($1, $2);
     END $$",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
];

#[tokio::test]
async fn commands_go_on_while_many_followers_look_through_history() {
    let shop = Shop::new().await;
    drop(shop.open().await);
    let (admin, owner) = (shop.db.superuser_pool().await, shop.db.owner_pool().await);
    for statement in SLOW_LOOKS {
        sqlx::query(statement).execute(&admin).await.unwrap();
    }
    // Has nothing in memory, and fewer sessions than there are followers.
    let api = shop.instance().await;
    let mut holds = owner.acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(77)").execute(&mut *holds).await.unwrap();
    let mut followers = Vec::new();
    for _ in 0..32 {
        followers.push(api.get("/v1/events?follow=true&sku=TEA").stream().await);
    }
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    eventually("all places are taken", BOUND, async || {
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&admin).await.unwrap();
        waiting.unsigned_abs() >= LookSettings::default().at_once as u64
    })
    .await;
    for _ in 0..8 {
        place(&api).await;
    }
    sqlx::query("SELECT pg_advisory_unlock(77)").execute(&mut *holds).await.unwrap();
    // Those whose statement took too long were told where to go on.
    let told = next(followers.last_mut().unwrap()).await;
    assert!(told["position"] == 1 || told["end"] == "unavailable", "{told}");
}
