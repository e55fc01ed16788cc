//! `orders projections` and `orders instances` as their users meet them: what they print, what they exit with.

use crate::http_support::{BOUND, Shop};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Db, Finished, Launch, eventually};

const FIRST: &str = "order_list_v3_1";
const SECOND: &str = "order_list_v3_2";

fn projections(db: &Db, arguments: &[&str]) -> Launch {
    Launch::orders().arg("projections").args(arguments).env("DATABASE_URL", db.app_url())
}

fn document(finished: Finished) -> Value {
    let text = finished.succeeded();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The builds of the list, with their states and positions.
async fn builds(db: &Db) -> Vec<(String, String, u64)> {
    let listed = document(projections(db, &["list", "--json"]).run().await);
    let builds = listed["data"][0]["builds"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    builds.map(|build| (text(&build["name"]), text(&build["state"]), build["position"].as_u64().unwrap())).collect()
}

/// Makes the log long: lines of checkouts that were never completed.
async fn lengthen(pool: &PgPool, events: i64) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position,
                             event_id, recorded_at)
         SELECT e.aggregate_type, gen_random_uuid()::text, 1, e.event_type, e.event_version, e.payload, e.metadata,
                last.position + n, gen_random_uuid(), last.recorded_at
           FROM (SELECT * FROM events WHERE event_type = 'ItemAdded' LIMIT 1) AS e,
                (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) AS last,
                generate_series(1, $1) AS n",
    )
    .bind(events)
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_build_that_is_killed_goes_on_is_compared_promoted_rolled_back_and_dropped() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = api.place(&[("TEA", 2), ("CUP", 1)]).await.id();
    let db = &shop.db;
    lengthen(&db.pool().await, 12_000).await;
    api.caught_up(12_005).await;

    let rebuild = projections(db, &["rebuild", "order_list", "--no-promote"]);
    let killed = rebuild.clone().env("FAILPOINT_KILL", "projection_commit.after:2").run().await;
    assert!(!killed.status.success(), "{killed:?}");
    let half_way = builds(db).await;
    assert_eq!(half_way[1].1, "filling");
    assert!((1..12_005).contains(&half_way[1].2), "{half_way:?}");
    let told = rebuild.run().await.succeeded();
    assert!(told.contains(&format!("{SECOND} is built up to position 12005, and does not serve.")), "{told}");
    assert_eq!(builds(db).await[1], (SECOND.to_owned(), "ready".to_owned(), 12_005));

    let same = projections(db, &["diff", "order_list"]).run().await;
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(same.stdout.ends_with("both as of position 12005\nEvery row says the same.\n"), "{same:?}");
    let damage = format!("UPDATE {SECOND}.orders SET city = 'Paris'");
    sqlx::query(&damage).execute(&db.superuser_pool().await).await.unwrap();
    let differs = projections(db, &["diff", "order_list", FIRST, SECOND]).run().await;
    assert_eq!(differs.status.code(), Some(1), "{differs:?}");
    let row = format!("orders id {order}\n  a  city=London\n  b  city=Paris\nOne row differs.\n");
    assert!(differs.stdout.ends_with(&row), "{differs:?}");
    let json = projections(db, &["diff", "order_list", "--json", "--limit", "0"]).run().await;
    let found: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&found["differences"], &found["rows"]), (&1.into(), &Value::Array(vec![])));
    let itself = projections(db, &["diff", "order_list", FIRST, FIRST]).run().await;
    assert_eq!(itself.status.code(), Some(2), "{itself:?}");
    assert!(itself.stderr.contains("can't be compared with itself"), "{itself:?}");
    let unknown = projections(db, &["diff", "order_list", "order_list_v9_9"]).run().await;
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");

    let promoted = projections(db, &["promote", "order_list", SECOND]).run().await.succeeded();
    assert_eq!(promoted, format!("order_list is served by {SECOND} instead of {FIRST}, up to position 12005.\n"));
    let refused = projections(db, &["drop", "order_list", SECOND]).run().await;
    assert!(!refused.status.success() && refused.stderr.contains("only others can be dropped"), "{refused:?}");
    let back = projections(db, &["rollback", "order_list"]).run().await.succeeded();
    assert!(back.starts_with(&format!("order_list is served by {FIRST} instead of {SECOND}")), "{back}");
    projections(db, &["drop", "order_list", SECOND]).run().await.succeeded();
    let listed = projections(db, &["list"]).run().await.succeeded();
    assert!(listed.contains(FIRST) && !listed.contains(SECOND), "{listed}");
    let row = listed.lines().find(|line| line.contains(FIRST)).unwrap();
    assert!(row.contains("  2  ") && !row.contains('~'), "an order, and how far clocks are apart: {listed}");
}

/// What was taken down, the oldest first: action, outcome.
async fn taken_down(db: &Db) -> Vec<(String, String)> {
    let ask = sqlx::query_as("SELECT action, outcome FROM operator_actions ORDER BY id");
    ask.fetch_all(&db.pool().await).await.unwrap()
}

#[tokio::test]
async fn an_exchange_that_is_killed_leaves_one_build_that_serves_and_is_done_again() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.place(&[("TEA", 2)]).await;
    let db = &shop.db;
    let done = |action: &str| (format!("projection.{action}"), "done".to_owned());
    let state = async || builds(db).await.into_iter().map(|(name, state, _)| (name, state)).collect::<Vec<_>>();
    let serves = |serving: usize, other: &str| {
        let mut builds = [FIRST, SECOND].map(|name| (name.to_owned(), other.to_owned()));
        builds[serving].1 = "active".to_owned();
        builds
    };
    projections(db, &["rebuild", "order_list", "--no-promote"]).run().await.succeeded();
    let mut lines = vec![done("rebuild")];
    let deeds: [(&[&str], usize); 2] = [(&["promote", "order_list", SECOND], 1), (&["rollback", "order_list"], 0)];
    for (deed, then) in deeds {
        let before = state().await;
        let killed = projections(db, deed).env("FAILPOINT_KILL", "promotion_commit.before:1").run().await;
        assert!(!killed.status.success(), "{killed:?}");
        assert_eq!(
            (state().await, taken_down(db).await),
            (before, lines.clone()),
            "neither is there without the other"
        );
        projections(db, deed).run().await.succeeded();
        lines.push(done(deed[0]));
        assert_eq!((state().await, taken_down(db).await), (serves(then, "retired").to_vec(), lines.clone()));
        api.get("/v1/orders").await.is(200);
    }
    let again = projections(db, &["promote", "order_list", SECOND]);
    let killed = again.clone().env("FAILPOINT_KILL", "promotion_commit.after:1").run().await;
    assert!(!killed.status.success(), "{killed:?}");
    lines.push(done("promote"));
    assert_eq!((state().await, taken_down(db).await), (serves(1, "retired").to_vec(), lines.clone()));
    assert!(again.run().await.succeeded().contains(&format!("is served by {SECOND} already")));
    assert_eq!(taken_down(db).await, lines);
    api.place(&[("TEA", 1)]).await;
    let rebuilt = projections(db, &["rebuild", "order_list"]);
    let killed = rebuilt.clone().env("FAILPOINT_KILL", "promotion_commit.after:1").run().await;
    assert!(!killed.status.success(), "{killed:?}");
    lines.push(done("rebuild"));
    assert_eq!(taken_down(db).await, lines, "the line is the promotion's");
    assert_eq!(state().await.last(), Some(&("order_list_v3_3".to_owned(), "active".to_owned())));
}

#[tokio::test]
async fn what_is_done_to_a_build_is_told_to_programs() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let position = api.place(&[("TEA", 2)]).await.position();
    api.caught_up(position).await;
    let told = async |arguments: &[&str]| document(projections(&shop.db, arguments).arg("--json").run().await);
    let built =
        |state: &str| json!({ "projection": "order_list", "build": SECOND, "state": state, "position": position });
    assert_eq!(told(&["rebuild", "order_list", "--no-promote"]).await, built("ready"));
    let exchanged = |build: &str, instead_of: Value| {
        json!({
            "projection": "order_list", "build": build, "state": "active", "position": position, "instead_of": instead_of,
        })
    };
    assert_eq!(told(&["promote", "order_list", SECOND]).await, exchanged(SECOND, FIRST.into()));
    assert_eq!(told(&["promote", "order_list", SECOND]).await, exchanged(SECOND, Value::Null), "it served already");
    assert_eq!(told(&["rollback", "order_list"]).await, exchanged(FIRST, SECOND.into()));
    let dropped = json!({ "projection": "order_list", "build": SECOND, "state": "dropped" });
    assert_eq!(told(&["drop", "order_list", SECOND]).await, dropped);
}

#[tokio::test]
async fn who_rolls_back_what_somebody_else_did_is_told_so() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.place(&[("TEA", 2)]).await;
    let db = &shop.db;
    projections(db, &["rebuild", "order_list"]).run().await.succeeded();
    // Nobody but the two asks for the registry's lock.
    api.end().await;

    // Two at once: both have seen the same build serve when they wait for each other.
    let (holder, admin) = (db.pool().await, db.superuser_pool().await);
    let mut holds = holder.begin().await.unwrap();
    let registry = "SELECT pg_advisory_xact_lock(hashtextextended('orders projection order_list', 0))";
    sqlx::query(registry).execute(&mut *holds).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
                      AND application_name = 'orders' AND query LIKE '%orders projection%'";
    let rollback = projections(db, &["rollback", "order_list"]);
    let both = async { tokio::join!(rollback.run(), rollback.run()) };
    let released = async {
        eventually("both wait", BOUND, async || {
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&admin).await.unwrap();
            waiting == 2
        })
        .await;
        holds.commit().await.unwrap();
    };
    let ((one, other), ()) = tokio::join!(both, released);
    let refused = format!("{FIRST} is the build that is read, not {SECOND}");
    let outcomes = [&one, &other].map(|finished| (finished.status.success(), finished.stderr.contains(&refused)));
    assert!(outcomes.contains(&(true, false)) && outcomes.contains(&(false, true)), "{one:?} {other:?}");

    // Whose terminal was lost names what was to be replaced.
    let again = projections(db, &["rollback", "order_list", "--instead-of", SECOND]).run().await;
    assert!(!again.status.success() && again.stderr.contains(&refused), "{again:?}");
    let states: Vec<String> = builds(db).await.into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, ["active", "retired"]);
}

#[tokio::test]
async fn instances_are_listed_with_what_they_lead() {
    let db = Db::new().await;
    let instances = Launch::orders().arg("instances").env("DATABASE_URL", db.app_url());
    assert_eq!(instances.run().await.succeeded(), "Nothing runs.\n");
    let run = || projections(&db, &["run", "products"]).spawn();
    let mut leads = run();
    let json = instances.clone().arg("--json");
    let listed = async || document(json.run().await)["data"].clone();
    eventually("it leads", BOUND, async || listed().await[0]["leads"][0]["name"] == "projection products v2").await;
    let mut stands_by = run();
    eventually("both are there", BOUND, async || listed().await.as_array().unwrap().len() == 2).await;
    let told = instances.run().await.succeeded();
    assert_eq!(told.matches("orders projections run").count(), 2, "{told}");
    assert_eq!(told.matches("projection products v2").count(), 1, "{told}");

    leads.sigterm();
    assert!(leads.wait().await.success());
    eventually("the other leads, and the first has left", BOUND, async || {
        let now = listed().await;
        let one = &now.as_array().unwrap()[..];
        one.len() == 1 && one[0]["pid"] == stands_by.pid() && one[0]["leads"][0]["taken"] == 2
    })
    .await;
    stands_by.sigterm();
    assert!(stands_by.wait().await.success());
}
