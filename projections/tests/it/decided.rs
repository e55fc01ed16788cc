//! What several persons decide on builds at the same time, and what each of them is told.

use crate::history::{History, at, many_orders};
use crate::process::{BOUND, Process};
use projections::{
    Asked, BuildOverview, BuildState, Rebuilt, RunError, ask_for_build, build_beside, drop_build, overview, promote,
    rollback,
};
use sqlx::{PgPool, Postgres, Transaction};
use testkit::postgres::PostgresServer;
use testkit::{Db, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const NAME: &str = "order_list";
const FIRST: &str = "order_list_v3_1";
const SECOND: &str = "order_list_v3_2";
const THIRD: &str = "order_list_v3_3";

const ANYHOW: Asked<'static> = Asked { expected: None, by: "test" };

async fn place(history: &mut History, orders: u32) {
    for order in many_orders(orders) {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
}

async fn beside(process: &Process) -> Result<Rebuilt, RunError> {
    build_beside(&process.views, NAME, "test", &CancellationToken::new(), &mut |_| ()).await
}

async fn promoted(process: &Process, schema: &str) -> Result<Rebuilt, RunError> {
    promote(&process.views, NAME, schema, ANYHOW, &CancellationToken::new(), &mut |_| ()).await
}

async fn builds(process: &Process, name: &str) -> Vec<BuildOverview> {
    let (_, views) = overview(&process.views).await.unwrap();
    views.into_iter().find(|view| view.name == name).unwrap().builds
}

async fn states(process: &Process) -> Vec<(String, BuildState)> {
    builds(process, NAME).await.into_iter().map(|build| (build.schema, build.state)).collect()
}

/// What was taken down, the oldest first: action and outcome.
async fn taken_down(process: &Process) -> Vec<(String, String)> {
    let ask = sqlx::query_as("SELECT action, outcome FROM operator_actions ORDER BY id");
    ask.fetch_all(process.pool()).await.unwrap()
}

fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(action, outcome)| (format!("projection.{action}"), (*outcome).to_owned())).collect()
}

/// Begins a build and is cut off before it has anything.
async fn begun(process: &Process) {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let cut_off = process.rebuild_until(NAME, &cancel, |_| ()).await.unwrap_err();
    assert!(matches!(cut_off, RunError::Cancelled), "{cut_off}");
}

/// Rows can be written to the build, and no index made.
async fn held(pool: &PgPool, schema: &str) -> Transaction<'static, Postgres> {
    let mut holder = pool.begin().await.unwrap();
    sqlx::query(&format!("LOCK TABLE {schema}.orders IN ROW EXCLUSIVE MODE")).execute(&mut *holder).await.unwrap();
    holder
}

/// Waits until somebody waits for a lock with a statement like that.
async fn waits(pool: &PgPool, statement: &str) {
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                    AND query LIKE $1";
    eventually("it waits", BOUND, async || {
        sqlx::query_scalar::<_, i64>(waits).bind(statement).fetch_one(pool).await.unwrap() == 1
    })
    .await;
}

/// Goes on with the build, up to the indexes that can't be made.
async fn goes_on(process: Process, pool: &PgPool) -> JoinHandle<Result<Rebuilt, RunError>> {
    let rebuild = tokio::spawn(async move { process.rebuild(NAME).await });
    waits(pool, "%CREATE INDEX%").await;
    rebuild
}

#[tokio::test]
async fn a_build_does_not_take_the_place_of_one_that_somebody_let_serve_meanwhile() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    place(&mut history, 2).await;
    process.catch_up(NAME).await;
    process.rebuild(NAME).await.unwrap();
    begun(&process).await;
    let pool = db.superuser_pool().await;
    let holder = held(&pool, THIRD).await;
    let rebuild = goes_on(other, &pool).await;
    rollback(&process.views, NAME, ANYHOW, &CancellationToken::new(), &mut |_| ()).await.unwrap();
    holder.rollback().await.unwrap();

    let left = rebuild.await.unwrap().unwrap_err();
    let told = "order_list_v3_3 has everything and waits for a person, as the build that serves is order_list_v3_1 by now, \
                and was order_list_v3_2 when it was begun: ";
    assert!(left.to_string().starts_with(told), "{left}");
    let found = [(FIRST, BuildState::Active), (SECOND, BuildState::Retired), (THIRD, BuildState::Ready)];
    assert_eq!(states(&process).await, found.map(|(schema, state)| (schema.to_owned(), state)));
    assert_eq!(builds(&process, NAME).await[2].error, Some(left.to_string()), "everybody sees why it waits");
    promoted(&process, THIRD).await.unwrap();
    assert_eq!(builds(&process, NAME).await[2].error, None);
    let expected = [("rebuild", "done"), ("rebuild", "failed"), ("rollback", "done"), ("rebuild", "refused")];
    assert_eq!(taken_down(&process).await, lines(&[&expected[..], &[("promote", "done")]].concat()));
}

#[tokio::test]
async fn of_a_build_under_way_what_was_asked_for_last_counts() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    place(&mut history, 2).await;
    process.catch_up(NAME).await;
    begun(&process).await;
    let pool = db.superuser_pool().await;
    let holder = held(&pool, SECOND).await;
    let rebuild = goes_on(other, &pool).await;
    // While its indexes are made: that takes long, and keeps nobody from asking.
    assert_eq!(ask_for_build(&process.views, NAME, "key:1", false).await.unwrap(), SECOND);
    holder.rollback().await.unwrap();
    let left = rebuild.await.unwrap().unwrap_err();
    assert!(matches!(&left, RunError::LeftReady { build, .. } if build == SECOND), "{left}");
    assert!(left.to_string().contains("somebody asked for that meanwhile"), "{left}");
    let found = [(FIRST.to_owned(), BuildState::Active), (SECOND.to_owned(), BuildState::Ready)];
    assert_eq!(states(&process).await, found);
}

#[tokio::test]
async fn a_build_that_is_kept_to_be_compared_is_let_serve_by_no_rebuild() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    beside(&process).await.unwrap();
    let before = builds(&process, NAME).await;
    let refused = [process.rebuild(NAME).await.err(), ask_for_build(&process.views, NAME, "key:1", true).await.err()];
    for refused in refused {
        let refused = refused.expect("it is refused");
        assert!(matches!(&refused, RunError::IsKept { build, .. } if build == SECOND), "{refused}");
        let does = ["promote", "drop"].map(|what| format!("`orders projections {what} order_list order_list_v3_2`"));
        assert!(does.iter().all(|command| refused.to_string().contains(command)), "{refused}");
    }
    assert_eq!(builds(&process, NAME).await, before, "nothing was touched");
    let told = lines(&[("rebuild", "done"), ("rebuild", "refused"), ("rebuild", "refused")]);
    assert_eq!(taken_down(&process).await, told);
    // To have it brought up to date and wait on is another thing.
    place(&mut history, 1).await;
    assert_eq!(beside(&process).await.unwrap().schema, SECOND);
    drop_build(&process.views, NAME, SECOND, "test").await.unwrap();
    process.rebuild(NAME).await.unwrap();
}

#[tokio::test]
async fn who_would_leave_a_build_that_is_gone_is_told_so() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    beside(&process).await.unwrap();
    let pool = db.superuser_pool().await;
    let mut drops = pool.begin().await.unwrap();
    let drop = "DELETE FROM projection_builds WHERE schema_name = $1";
    sqlx::query(drop).bind(SECOND).execute(&mut *drops).await.unwrap();
    let again = tokio::spawn(async move { beside(&other).await });
    waits(&pool, "%SET state = 'ready'%").await;
    drops.commit().await.unwrap();
    let gone = again.await.unwrap().unwrap_err();
    assert!(matches!(gone, RunError::Overtaken { .. }), "{gone}");
    assert_eq!(taken_down(&process).await, lines(&[("rebuild", "done"), ("rebuild", "failed")]));
}

#[tokio::test]
async fn whoever_leads_says_why_it_does_not_make_what_is_asked_for_with_other_settings() {
    const TOTALS: &str = "order_totals";
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    let running = process.run(TOTALS);
    process.caught_up(TOTALS).await;
    let elsewhere = Process::open_in(&db, chrono_tz::Asia::Tokyo).await;
    let asked = ask_for_build(&elsewhere.views, TOTALS, "key:1", true).await.unwrap();
    let error = async || {
        builds(&process, TOTALS).await.into_iter().find(|build| build.schema == asked).and_then(|build| build.error)
    };
    let told = eventually("it says so", BOUND, error).await;
    let expected = "it was asked for with time_zone Asia/Tokyo, and whoever leads the view has time_zone UTC configured, so it is \
                    not made: `orders projections rebuild order_totals --time-zone Asia/Tokyo` makes it";
    assert!(told.starts_with(expected), "{told}");
    running.stop().await.unwrap();
    assert_eq!(elsewhere.rebuild(TOTALS).await.unwrap().schema, asked, "that command goes on with it");
    assert_eq!(builds(&process, TOTALS).await[1].error, None);
}

#[tokio::test]
async fn whoever_holds_the_registry_is_not_waited_for_for_ever() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    let pool = db.superuser_pool().await;
    let mut session = pool.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('orders projection order_list', 0))";
    sqlx::query(lock).execute(&mut *session).await.unwrap();
    let asked = tokio::time::timeout(BOUND, ask_for_build(&process.views, NAME, "key:1", false)).await;
    let busy = asked.expect("it ends").unwrap_err();
    assert!(matches!(busy, RunError::RegistryBusy { .. }), "{busy}");
    session.rollback().await.unwrap();
    assert_eq!(ask_for_build(&process.views, NAME, "key:1", false).await.unwrap(), SECOND);
    assert_eq!(taken_down(&process).await, lines(&[("rebuild", "refused"), ("rebuild", "done")]));
}

/// A commit that is written, and whose answer does not come: it waits for a standby that there is not, and its session
/// is ended.
#[tokio::test]
async fn a_promotion_whose_answer_is_lost_is_told_as_done_and_taken_down_once() {
    let server = PostgresServer::start();
    let db = server.database().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    place(&mut history, 1).await;
    process.catch_up(NAME).await;
    beside(&process).await.unwrap();
    let pool = db.superuser_pool().await;
    for set in ["ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"] {
        sqlx::raw_sql(set).execute(&pool).await.unwrap();
    }
    let writes = pool.clone();
    let write = tokio::spawn(async move {
        loop {
            sqlx::raw_sql("CREATE SCHEMA probe; DROP SCHEMA probe").execute(&writes).await.unwrap();
        }
    });
    let waiting = async |query: &str| -> Option<i32> {
        let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE $1";
        sqlx::query_scalar(waiting).bind(query).fetch_optional(&pool).await.unwrap()
    };
    eventually("commits wait", BOUND, async || waiting("%probe%").await).await;
    let (promotes, ended) = (process.views.clone(), "SELECT pg_terminate_backend($1)");
    let promotion =
        tokio::spawn(
            async move { promote(&promotes, NAME, SECOND, ANYHOW, &CancellationToken::new(), &mut |_| ()).await },
        );
    let session = eventually("it has committed", BOUND, async || waiting("COMMIT").await).await;
    sqlx::query(ended).bind(session).execute(&pool).await.unwrap();
    assert_eq!(promotion.await.unwrap().unwrap().schema, SECOND);
    assert_eq!(process.active_schema(NAME).await, SECOND);
    assert_eq!(taken_down(&process).await, lines(&[("rebuild", "done"), ("promote", "done")]));
    write.abort();
    for reset in ["ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"] {
        sqlx::raw_sql(reset).execute(&pool).await.unwrap();
    }
}
