//! Builds beside the one that serves: compared, promoted, rolled back, dropped, and made by whoever leads.

use crate::history::{History, at, many_orders};
use crate::process::{BOUND, Process};
use commands::verify::Watch;
use domain::Position;
use projections::diff::{Compared, diff};
use projections::order_list::{self, Filter, Whose};
use projections::{
    Asked, BuildOverview, BuildState, Rebuilt, RunError, ask_for_build, build_beside, drop_build, overview,
    overview_counted, promote, rollback,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Db, eventually};
use tokio_util::sync::CancellationToken;

const NAME: &str = "order_list";
const FIRST: &str = "order_list_v3_1";
const SECOND: &str = "order_list_v3_2";

const ANYHOW: Asked<'static> = Asked { expected: None, by: "test" };

async fn beside(process: &Process) -> Rebuilt {
    build_beside(&process.views, NAME, "test", &CancellationToken::new(), &mut |_| ()).await.unwrap()
}

async fn promoted(process: &Process, schema: &str, asked: Asked<'_>) -> Result<Rebuilt, RunError> {
    promote(&process.views, NAME, schema, asked, &CancellationToken::new(), &mut |_| ()).await
}

async fn rolled_back(process: &Process, asked: Asked<'_>) -> Result<Rebuilt, RunError> {
    rollback(&process.views, NAME, asked, &CancellationToken::new(), &mut |_| ()).await
}

async fn compared(process: &Process, a: Option<&str>, b: Option<&str>) -> Result<Compared, RunError> {
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 2, cancel: &cancel, progress: &mut |_| () };
    diff(&process.views, NAME, a, b, None, &mut watch).await
}

async fn builds(process: &Process) -> Vec<BuildOverview> {
    let (_, views) = overview(&process.views).await.unwrap();
    views.into_iter().find(|view| view.name == NAME).unwrap().builds
}

async fn states(process: &Process) -> Vec<(String, BuildState)> {
    builds(process).await.into_iter().map(|build| (build.schema, build.state)).collect()
}

async fn place(history: &mut History, orders: u32) {
    for order in many_orders(orders) {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
}

/// Says that a build was made by a program of another version.
async fn of_version(db: &Db, schema: &str, version: i32) {
    sqlx::query("UPDATE projection_builds SET version = $2, build = 77 WHERE schema_name = $1")
        .bind(schema)
        .bind(version)
        .execute(&db.superuser_pool().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_build_beside_serves_nobody_until_it_is_promoted_and_is_brought_up_to_date_then() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 3).await;
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    assert_eq!(beside(&process).await, Rebuilt { schema: SECOND.to_owned(), position: Position(6) });
    let ready = [(FIRST.to_owned(), BuildState::Active), (SECOND.to_owned(), BuildState::Ready)];
    assert_eq!(states(&process).await, ready);

    place(&mut history, 2).await;
    process.caught_up(NAME).await;
    let now = builds(&process).await;
    assert_eq!((now[0].lag_events, now[1].lag_events, now[1].position), (0, 4, Position(6)), "it does not follow");
    assert!(now[0].bytes > 0 && now[0].error.is_none());

    let wrong = Asked { expected: Some(SECOND), by: "test" };
    let refused = promoted(&process, SECOND, wrong).await.unwrap_err();
    assert!(matches!(&refused, RunError::OtherActive { active, .. } if active == FIRST), "{refused}");
    assert_eq!(states(&process).await, ready, "nothing was changed");

    let right = Asked { expected: Some(FIRST), by: "test" };
    assert_eq!(promoted(&process, SECOND, right).await.unwrap().position, Position(10));
    place(&mut history, 1).await;
    process.caught_up(NAME).await;
    assert_eq!(process.rows(&format!("{SECOND}.orders")).await.len(), 6, "the one who leads goes on with it");
    running.stop().await.unwrap();

    let actions: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT action, outcome, arguments::text FROM operator_actions WHERE actor = 'test' ORDER BY id",
    )
    .fetch_all(process.pool())
    .await
    .unwrap();
    let line = |action: &str, outcome: &str, arguments: String| (action.to_owned(), outcome.to_owned(), arguments);
    let expected = [
        line("projection.rebuild", "done", format!(r#"{{"build": "{SECOND}", "promote": false}}"#)),
        line("projection.promote", "refused", format!(r#"{{"build": "{SECOND}"}}"#)),
        line("projection.promote", "done", format!(r#"{{"build": "{SECOND}", "instead_of": "{FIRST}"}}"#)),
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn a_rollback_is_not_stale_and_readers_never_see_the_view_go_back() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    let nothing = rolled_back(&process, ANYHOW).await.unwrap_err();
    assert!(matches!(nothing, RunError::NothingBefore { .. }), "{nothing}");
    process.rebuild(NAME).await.unwrap();

    let (reader, done, reads) = (Process::open(&db).await, CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let (stop, count) = (done.clone(), Arc::clone(&reads));
    let reading = tokio::spawn(async move {
        let (mut last, mut rows) = (Position::ORIGIN, 0);
        while !stop.is_cancelled() {
            let seen = order_list::list(&reader.views, Whose::All, &Filter::default(), None, 200).await.unwrap();
            assert!(seen.position >= last, "{} after {last}", seen.position);
            assert!(seen.value.rows.len() >= rows, "no order vanishes");
            (last, rows) = (seen.position, seen.value.rows.len());
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    for _ in 0..6 {
        place(&mut history, 10).await;
        process.caught_up(NAME).await;
        let before = reads.load(Ordering::Relaxed);
        eventually("somebody reads", BOUND, async || reads.load(Ordering::Relaxed) > before).await;
        rolled_back(&process, ANYHOW).await.unwrap();
    }
    process.caught_up(NAME).await;
    done.cancel();
    reading.await.unwrap();
    running.stop().await.unwrap();
    let served = [(FIRST.to_owned(), BuildState::Retired), (SECOND.to_owned(), BuildState::Active)];
    assert_eq!(states(&process).await, served, "back and forth");
    assert_eq!(process.rows(&format!("{SECOND}.orders")).await.len(), 61);
}

#[tokio::test]
async fn only_what_does_not_serve_is_dropped() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    beside(&process).await;
    let refused = drop_build(&process.views, NAME, FIRST, "test").await.unwrap_err();
    assert!(matches!(refused, RunError::IsActive { .. }), "{refused}");
    drop_build(&process.views, NAME, SECOND, "test").await.unwrap();
    let gone = drop_build(&process.views, NAME, SECOND, "test").await.unwrap_err();
    assert!(matches!(gone, RunError::NoBuild { .. }), "{gone}");
    assert_eq!(states(&process).await, [(FIRST.to_owned(), BuildState::Active)]);
    let schemas: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'order\\_list\\_%'")
        .fetch_one(process.pool())
        .await
        .unwrap();
    assert_eq!(schemas, 1);
}

#[tokio::test]
async fn a_comparison_shows_keys_and_both_values_as_of_one_position() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let orders = many_orders(4);
    for order in &orders[..3] {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
    process.catch_up(NAME).await;
    beside(&process).await;
    // The one that serves is ahead of the other.
    history.append(orders[3].placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let same = compared(&process, None, None).await.unwrap();
    assert!(same.agree(), "{same:?}");
    assert_eq!((same.position, same.a.rows, same.b.rows), (Position(8), 5, 5), "orders, and how far clocks are apart");
    assert_eq!(builds(&process).await[1].position, Position(6), "the builds themselves are not touched");

    for (a, b) in [(Some(SECOND), Some(SECOND)), (Some(FIRST), None), (None, Some(FIRST))] {
        let itself = compared(&process, a, b).await.unwrap_err();
        assert!(matches!(itself, RunError::SameBuild { .. }), "{itself}");
    }
    let tamper = db.superuser_pool().await;
    for change in [
        format!("UPDATE {SECOND}.orders SET paid = true, city = 'Paris' WHERE id = '{}'", orders[0].id),
        format!("DELETE FROM {SECOND}.orders WHERE id = '{}'", orders[1].id),
        format!("DELETE FROM {FIRST}.orders WHERE id = '{}'", orders[2].id),
    ] {
        sqlx::query(&change).execute(&tamper).await.unwrap();
    }
    let found = compared(&process, Some(FIRST), Some(SECOND)).await.unwrap();
    assert_eq!((found.rows.count(), found.rows.listed().len()), (3, 2), "all are counted, the first are listed");
    let row = |index: usize| serde_json::to_value(&found.rows.listed()[index]).unwrap();
    let key = serde_json::json!({ "id": orders[0].id });
    let (a, b) = (
        serde_json::json!({ "paid": "false", "city": "London" }),
        serde_json::json!({ "paid": "true", "city": "Paris" }),
    );
    assert_eq!(row(0), serde_json::json!({ "table": "orders", "key": key, "a": a, "b": b }));
    assert_eq!((&row(1)["b"], &row(1)["a"]["city"]), (&serde_json::Value::Null, &"London".into()));

    let none = compared(&process, Some("order_list_v3_9"), None).await.unwrap_err();
    assert!(matches!(none, RunError::NoBuild { .. }), "{none}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '\\_verify%'")
        .fetch_one(process.pool())
        .await
        .unwrap();
    assert_eq!(left, 0, "what was copied is dropped");
}

#[tokio::test]
async fn the_only_build_has_none_to_be_compared_with() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    let only = compared(&process, None, None).await.unwrap_err();
    assert!(matches!(&only, RunError::OnlyBuild { build, .. } if build == FIRST), "{only}");
    assert!(only.to_string().contains("`orders projections rebuild order_list --no-promote`"), "{only}");
}

#[tokio::test]
async fn few_rows_are_counted_and_many_are_told_about() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 3).await;
    process.catch_up(NAME).await;
    beside(&process).await;
    let counted = async || {
        let (_, views) = overview_counted(&process.views).await.unwrap();
        let builds = views.into_iter().find(|view| view.name == NAME).unwrap().builds;
        builds.into_iter().map(|build| (build.rows, build.rows_exact)).collect::<Vec<_>>()
    };
    assert_eq!(counted().await, [(4, true), (4, true)], "orders, and how far clocks are apart");
    let many = format!(
        "CREATE TABLE {SECOND}.many AS SELECT generate_series(1, 10001) AS n; GRANT SELECT ON {SECOND}.many TO orders_app"
    );
    sqlx::raw_sql(&many).execute(&db.superuser_pool().await).await.unwrap();
    let found = counted().await;
    assert_eq!(found[0], (4, true));
    assert!(found[1].0 >= 10_001 && !found[1].1, "{found:?}");
}

#[tokio::test]
async fn versions_are_compared_by_the_columns_that_both_have() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 2).await;
    process.catch_up(NAME).await;
    beside(&process).await;
    of_version(&db, FIRST, 2).await;
    let tamper = db.superuser_pool().await;
    sqlx::query(&format!("ALTER TABLE {FIRST}.orders DROP COLUMN needs_review")).execute(&tamper).await.unwrap();
    let found = compared(&process, None, None).await.unwrap();
    let shape = &found.shapes[0];
    assert_eq!((&shape.only_in_a[..], &shape.only_in_b[..]), (&[][..], &["needs_review boolean".to_owned()][..]));
    assert!(shape.compared && found.rows.count() == 0, "{found:?}");
}

#[tokio::test]
async fn whoever_leads_makes_what_is_asked_for_and_goes_on_following() {
    let db = Db::new().await;
    let (mut history, process, api) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    place(&mut history, 2).await;
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    assert_eq!(ask_for_build(&api.views, NAME, "key:1", false).await.unwrap(), SECOND);
    eventually("it is ready", BOUND, async || states(&api).await[1].1 == BuildState::Ready).await;
    assert_eq!(api.active_schema(NAME).await, FIRST);
    assert_eq!(ask_for_build(&api.views, NAME, "key:1", false).await.unwrap(), SECOND, "the same is gone on with");
    eventually("it is ready again", BOUND, async || states(&api).await[1].1 == BuildState::Ready).await;
    drop_build(&api.views, NAME, SECOND, "key:1").await.unwrap();
    assert_eq!(ask_for_build(&api.views, NAME, "key:1", true).await.unwrap(), SECOND);
    eventually("it serves", BOUND, async || api.active_schema(NAME).await == SECOND).await;
    place(&mut history, 1).await;
    process.caught_up(NAME).await;
    assert_eq!(process.rows(&format!("{SECOND}.orders")).await.len(), 3);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn who_leads_stops_at_once_while_indexes_are_made_and_another_leads() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    place(&mut history, 2).await;
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    assert_eq!(ask_for_build(&process.views, NAME, "key:1", false).await.unwrap(), SECOND);
    // Rows can be written, and no index made.
    let pool = db.superuser_pool().await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query(&format!("LOCK TABLE {SECOND}.orders IN ROW EXCLUSIVE MODE")).execute(&mut *holder).await.unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                    AND query LIKE '%CREATE INDEX%'";
    let waiting = async || sqlx::query_scalar::<_, i64>(waits).fetch_one(&pool).await.unwrap();
    eventually("an index is made", BOUND, async || waiting().await == 1).await;
    running.stop().await.unwrap();
    eventually("nothing of it goes on", BOUND, async || waiting().await == 0).await;
    let running = other.run(NAME);
    place(&mut history, 1).await;
    other.caught_up(NAME).await;
    holder.rollback().await.unwrap();
    eventually("it is ready", BOUND, async || states(&other).await[1].1 == BuildState::Ready).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn one_comparison_is_on_at_a_time_and_ends_when_nobody_waits_for_it() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    beside(&process).await;
    let pool = db.superuser_pool().await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query(&format!("LOCK TABLE {FIRST}.orders")).execute(&mut *holder).await.unwrap();
    let (views, cancel) = (process.views.clone(), CancellationToken::new());
    let stop = cancel.clone();
    let first = tokio::spawn(async move {
        let mut watch = Watch { most_listed: 2, cancel: &stop, progress: &mut |_| () };
        diff(&views, NAME, None, None, None, &mut watch).await
    });
    let copies =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let copying = async || sqlx::query_scalar::<_, i64>(copies).fetch_one(&pool).await.unwrap();
    eventually("it copies", BOUND, async || copying().await == 1).await;
    let refused = compared(&process, None, None).await.unwrap_err();
    assert!(matches!(refused, RunError::OtherComparison), "{refused}");
    cancel.cancel();
    let ended = tokio::time::timeout(BOUND, first).await.expect("it ends").unwrap().unwrap_err();
    assert!(matches!(ended, RunError::Cancelled), "{ended}");
    assert_eq!(copying().await, 0);
    holder.rollback().await.unwrap();
    assert!(compared(&process, None, None).await.unwrap().agree());
}

#[tokio::test]
async fn what_a_person_keeps_is_not_dropped() {
    const TOTALS: &str = "order_totals";
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(TOTALS).await;
    let elsewhere = Process::open_in(&db, chrono_tz::Asia::Tokyo).await;
    let kept = build_beside(&elsewhere.views, TOTALS, "test", &CancellationToken::new(), &mut |_| ()).await.unwrap();
    // One that was asked for and stopped says why, until it is asked for again, or dropped.
    let tokyo = kept.schema.clone();
    let sydney = Process::open_in(&db, chrono_tz::Australia::Sydney).await;
    let stopped = ask_for_build(&sydney.views, TOTALS, "key:1", true).await.unwrap();
    let fail = "UPDATE projection_builds SET error = 'no room' WHERE schema_name = $1";
    sqlx::query(fail).bind(&stopped).execute(&db.superuser_pool().await).await.unwrap();
    process.rebuild(TOTALS).await.unwrap();
    process.rebuild(TOTALS).await.unwrap();
    let left: Vec<String> =
        sqlx::query_scalar("SELECT schema_name FROM projection_builds WHERE schema_name = ANY($1) ORDER BY build")
            .bind(vec![tokyo.clone(), stopped.clone()])
            .fetch_all(process.pool())
            .await
            .unwrap();
    assert_eq!(left, [tokyo, stopped]);
    let of_it: Option<String> = sqlx::query_scalar("SELECT state FROM projection_builds WHERE schema_name = $1")
        .bind(&kept.schema)
        .fetch_optional(process.pool())
        .await
        .unwrap();
    assert_eq!(of_it.as_deref(), Some("ready"));
}

#[tokio::test]
async fn a_build_that_can_not_be_dropped_keeps_no_other() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    let pool = db.superuser_pool().await;
    let mut reader = pool.begin().await.unwrap();
    sqlx::query(&format!("LOCK TABLE {FIRST}.orders IN ACCESS SHARE MODE")).execute(&mut *reader).await.unwrap();
    for _ in 0..3 {
        process.rebuild(NAME).await.unwrap();
    }
    let left: Vec<String> = states(&process).await.into_iter().map(|(schema, _)| schema).collect();
    assert_eq!(left, [FIRST, "order_list_v3_3", "order_list_v3_4"]);
    reader.rollback().await.unwrap();
    process.rebuild(NAME).await.unwrap();
    assert_eq!(states(&process).await.len(), 2, "the next promotion drops it");
}

/// All of it or nothing: what is begun and asked for by nobody would be made, and dropped, by nobody.
#[tokio::test]
async fn a_build_that_can_not_be_asked_for_is_not_begun() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    let owner = db.owner_pool().await;
    sqlx::raw_sql(
        "CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
         CREATE TRIGGER refuse_all BEFORE INSERT ON operator_actions EXECUTE FUNCTION refuse_all()",
    )
    .execute(&owner)
    .await
    .unwrap();
    let refused = ask_for_build(&process.views, NAME, "key:1", true).await.unwrap_err();
    assert!(matches!(refused, RunError::Database(_)), "{refused}");
    assert_eq!(states(&process).await, [(FIRST.to_owned(), BuildState::Active)]);
    sqlx::raw_sql("DROP TRIGGER refuse_all ON operator_actions").execute(&owner).await.unwrap();
    assert_eq!(ask_for_build(&process.views, NAME, "key:1", true).await.unwrap(), SECOND);
    let asked = "SELECT asked_by, promotes FROM projection_builds WHERE schema_name = $1";
    let asked: (Option<String>, bool) = sqlx::query_as(asked).bind(SECOND).fetch_one(process.pool()).await.unwrap();
    assert_eq!(asked, (Some("key:1".to_owned()), true));
}
