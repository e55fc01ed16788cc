//! A projection that is added to a system with history begins where it declares, and each of its builds does.

use crate::history::{History, at, many_orders};
use crate::process::BOUND;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use commands::{Log, LogError, StartError, db};
use domain::order::OrderPlaced;
use domain::{Event, Position, Recorded};
use projections::{Definition, Projection, ProjectionError, RunError, Settings, Start, ViewTransaction, Views, Wants};
use testkit::Db;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Where each order was placed.
struct Placed<const FROM: u8>;

/// Beginning in each way that there is, and in two that there are not yet.
static ALL: &[Definition] = &[
    Definition::of::<Placed<0>>(),
    Definition::of::<Placed<1>>(),
    Definition::of::<Placed<2>>(),
    Definition::of::<Placed<3>>(),
    Definition::of::<Placed<4>>(),
];

const NAMES: [&str; 5] =
    ["placed_since_origin", "placed_from_now_on", "placed_behind_four", "placed_behind_all", "placed_in_time_to_come"];
const STARTS: [Start; 5] = [
    Start::Origin,
    Start::Now,
    Start::Position(Position(4)),
    Start::Position(Position(1_000)),
    Start::Time(DateTime::<Utc>::MAX_UTC),
];

impl<const FROM: u8> Projection for Placed<FROM> {
    const NAME: &'static str = NAMES[FROM as usize];
    const VERSION: u32 = 1;
    const TABLES: &'static str = "CREATE TABLE placed (position bigint PRIMARY KEY)";
    const WANTS: Wants = Wants::types(&[OrderPlaced::TYPE]);
    const START: Start = STARTS[FROM as usize];

    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let positions: Vec<i64> = batch.iter().map(|event| event.position.as_i64()).collect();
        view.execute(sqlx::query("INSERT INTO placed SELECT unnest($1::bigint[])").bind(positions)).await?;
        Ok(())
    }
}

struct Process {
    views: Views,
    _stop: DropGuard,
}

impl Process {
    async fn open(db: &Db) -> Self {
        let stop = CancellationToken::new();
        let pool = db::connect(&db.app_url(), 8).await.unwrap();
        let log = Log::open(pool, stop.clone(), &TaskTracker::new()).await.unwrap();
        let views = Views::of(log, Settings { time_zone: Tz::UTC }, ALL);
        Self { views, _stop: stop.drop_guard() }
    }

    async fn rebuild(&self, name: &str) {
        projections::rebuild(&self.views, name, "test", &CancellationToken::new(), &mut |_| ()).await.unwrap();
    }

    /// What the view holds once it has everything.
    async fn placed(&self, name: &'static str) -> Vec<i64> {
        let (views, stop) = (self.views.clone(), CancellationToken::new());
        let cancel = stop.clone();
        let running = tokio::spawn(async move { projections::run(&views, name, &cancel).await });
        let head = self.views.log().head().await.unwrap();
        self.views.wait_for(name, head, BOUND).await.unwrap();
        stop.cancel();
        running.await.unwrap().unwrap();
        let schema: String = sqlx::query_scalar("SELECT active_schema FROM projections WHERE name = $1")
            .bind(name)
            .fetch_one(self.views.log().pool())
            .await
            .unwrap();
        let rows = format!("SELECT position FROM {schema}.placed ORDER BY 1");
        sqlx::query_scalar(&rows).fetch_all(self.views.log().pool()).await.unwrap()
    }
}

#[tokio::test]
async fn it_begins_where_it_says_and_a_rebuild_begins_there_too() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    let orders = many_orders(4);
    // Two events each.
    for order in &orders[..3] {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
    let process = Process::open(&db).await;
    let [origin, now, behind] = [ALL[0].name, ALL[1].name, ALL[2].name];
    for (name, before) in [(origin, vec![2, 4, 6]), (now, vec![]), (behind, vec![6])] {
        assert_eq!(process.placed(name).await, before, "{name}");
    }
    history.append(orders[3].placed(at("2026-03-01T10:00:00Z"))).await;
    for (name, after) in [(origin, vec![2, 4, 6, 8]), (now, vec![8]), (behind, vec![6, 8])] {
        assert_eq!(process.placed(name).await, after, "{name}");
        process.rebuild(name).await;
        assert_eq!(process.placed(name).await, after, "{name}, made anew");
    }
}

#[tokio::test]
async fn a_time_is_the_first_event_that_was_recorded_then_or_later() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    for order in many_orders(3) {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
    let process = Process::open(&db).await;
    let log = process.views.log();
    let second: DateTime<Utc> =
        sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = 3").fetch_one(log.pool()).await.unwrap();
    let first: DateTime<Utc> =
        sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = 1").fetch_one(log.pool()).await.unwrap();
    assert!(first < second);
    assert_eq!(Start::Time(second).position(log).await.unwrap(), Position(2));
    assert_eq!(Start::Time(first).position(log).await.unwrap(), Position::ORIGIN);
}

#[tokio::test]
async fn where_the_log_has_not_come_nothing_begins_and_the_reason_is_said() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    history.append(many_orders(1)[0].placed(at("2026-03-01T10:00:00Z"))).await;
    let process = Process::open(&db).await;
    for (name, words) in [(NAMES[3], "behind position 1000, which"), (NAMES[4], "which has not passed")] {
        let error = projections::run(&process.views, name, &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, RunError::NoStart { .. }), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(name) && text.contains(words) && !text.contains("restored"), "{text}");
        assert!(error.is_refusal() && !error.is_transient(), "{text}");
        let builds = sqlx::query_scalar("SELECT count(*) FROM projection_builds WHERE projection = $1").bind(name);
        let builds: i64 = builds.fetch_one(process.views.log().pool()).await.unwrap();
        assert_eq!(builds, 0, "{name} begins where it says once the log is there");
    }
    let log = process.views.log();
    let head = log.head().await.unwrap();
    assert_eq!(Start::Position(head).position(log).await.unwrap(), head);
    let beyond = Start::Position(Position(head.0 + 1)).position(log).await;
    let Err(LogError::Start(StartError::BeyondHead { wanted, head: ends })) = beyond else { panic!("{beyond:?}") };
    assert_eq!((wanted.0, ends), (head.0 + 1, head));
}
