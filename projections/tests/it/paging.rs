//! Lists are complete and stable, filtered exactly, and cost one statement whatever their length.

use crate::history::{AnOrder, History, at, line, many_orders, seconds, usd};
use crate::process::Process;
use chrono::{DateTime, Utc};
use domain::Position;
use projections::order_list::{self, Filter, ListKey, OrderRow, Status, Whose};
use projections::order_totals::{self, Days};
use projections::products;
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, Once};
use std::thread::{self, ThreadId};
use testkit::Db;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const NAME: &str = "order_list";

async fn all_pages(process: &Process, filter: &Filter, limit: u32) -> Vec<OrderRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = order_list::list(&process.views, Whose::All, filter, after, limit).await.unwrap().value;
        assert!(page.rows.len() <= limit as usize);
        rows.extend(page.rows);
        match page.next {
            Some(key) => after = Some(key),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn pages_are_complete_and_stable_while_orders_come_in() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let running = process.run(NAME);
    let time = at("2026-03-01T10:00:00Z");
    let before = many_orders(50);
    for order in &before {
        history.append(order.placed(time)).await;
    }
    process.caught_up(NAME).await;

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = order_list::list(&process.views, Whose::All, &Filter::default(), after, 7).await.unwrap().value;
        seen.extend(page.rows.iter().map(|row| row.id.0));
        // Orders that come in between two pages are newer than any page that follows.
        for order in many_orders(3) {
            history.append(order.placed(time)).await;
        }
        process.caught_up(NAME).await;
        match page.next {
            Some(key) => after = Some(key),
            None => break,
        }
    }
    let expected: Vec<_> = before.iter().rev().map(|order| order.id).collect();
    assert_eq!(seen, expected);
    running.stop().await.unwrap();
}

/// Orders whose clocks ran ahead and behind, out of the order in which they were recorded.
async fn orders_of_many_times(history: &mut History) -> Vec<(AnOrder, DateTime<Utc>, DateTime<Utc>)> {
    let start = at("2026-03-01T10:00:00Z");
    let mut orders = Vec::new();
    for (n, mut order) in many_orders(60).into_iter().enumerate() {
        let n = n as i64;
        let placed_at = start + seconds((n * 37) % 60 * 10);
        history.append(order.placed(placed_at)).await;
        let updated_at = placed_at + seconds(n % 7 * 5);
        if n % 3 == 0 {
            history.append(order.payment(order.total(), updated_at)).await;
            orders.push((order, placed_at, updated_at));
        } else {
            orders.push((order, placed_at, placed_at));
        }
    }
    orders
}

#[tokio::test]
async fn filters_are_exact_in_every_combination() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let orders = orders_of_many_times(&mut history).await;
    process.catch_up(NAME).await;
    let start = at("2026-03-01T10:00:00Z");
    let bounds = [None, Some(start + seconds(150)), Some(start + seconds(400))];
    for paid in [None, Some(true), Some(false)] {
        for status in [None, Some(Status::Placed)] {
            for (placed_from, placed_to) in pairs(&bounds) {
                for (updated_from, updated_to) in pairs(&bounds) {
                    let filter = Filter { paid, status, placed_from, placed_to, updated_from, updated_to };
                    let within = |time: DateTime<Utc>, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| {
                        from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to)
                    };
                    let expected: Vec<_> = orders
                        .iter()
                        .filter(|(order, placed_at, updated_at)| {
                            paid.is_none_or(|paid| paid == (order.paid_amount == order.total()))
                                && within(*placed_at, placed_from, placed_to)
                                && within(*updated_at, updated_from, updated_to)
                        })
                        .rev()
                        .map(|(order, _, _)| order.id)
                        .collect();
                    let listed: Vec<_> =
                        all_pages(&process, &filter, 9).await.into_iter().map(|row| row.id.0).collect();
                    assert_eq!(listed, expected, "{filter:?}");
                }
            }
        }
    }
}

type Bound = Option<DateTime<Utc>>;

fn pairs(bounds: &[Bound]) -> Vec<(Bound, Bound)> {
    bounds.iter().flat_map(|from| bounds.iter().map(move |to| (*from, *to))).collect()
}

/// A page costs the same however deep it lies, alone or within a range of times: what it touches is counted in pages of
/// the buffer cache.
#[tokio::test]
async fn a_deep_page_touches_no_more_than_the_first() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let start = at("2026-03-01T00:00:00Z");
    for (n, chunk) in many_orders(8_000).chunks(500).enumerate() {
        // As in a shop that was open for sixteen hours: what occurred is what was recorded, but for milliseconds.
        let time = start + seconds(n as i64 * 3_600);
        history.append_at(chunk.iter().flat_map(|order| order.placed(time)).collect(), time).await;
    }
    process.catch_up(NAME).await;
    let statements = Statements::of_this_thread();
    let deep = ListKey { recorded_at: start + seconds(3_600), position: Position(1_500) };
    let early = Filter { placed_to: Some(start + seconds(7_200)), ..Filter::default() };
    let unpaid = Filter { paid: Some(false), ..early.clone() };

    let first = pages_touched(&process, &statements, &Filter::default(), None).await;
    for (filter, after) in
        [(&Filter::default(), Some(deep)), (&early, None), (&early, Some(deep)), (&unpaid, None), (&unpaid, Some(deep))]
    {
        let touched = pages_touched(&process, &statements, filter, after).await;
        assert!(touched <= first + 10, "{touched} against {first}: {filter:?} {after:?}");
    }
}

/// How many pages the statement of a list touches: the very statement that was sent, its values put in.
async fn pages_touched(process: &Process, statements: &Statements, filter: &Filter, after: Option<ListKey>) -> i64 {
    statements.take();
    let page = order_list::list(&process.views, Whose::All, filter, after, 50).await.unwrap().value;
    assert_eq!(page.rows.len(), 50);
    let mut sql = statements.take().pop().unwrap();
    let time = |time: DateTime<Utc>| format!("'{}'::timestamptz", time.to_rfc3339());
    let mut values: Vec<String> = Vec::new();
    values.extend(filter.paid.map(|paid| format!("{paid}::boolean")));
    values.extend(filter.placed_to.map(time));
    values.extend(filter.updated_to.map(time));
    values.extend(after.map(|key| format!("{}::bigint", key.position)));
    values.extend(after.map(|key| time(key.recorded_at)));
    for (index, value) in values.iter().enumerate() {
        let sql_type = value.rsplit_once(':').unwrap().1;
        sql = sql.replace(&format!("${}::{sql_type}", index + 1), value);
    }
    assert!(!sql.contains('$'), "{sql}");
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
    let plan: serde_json::Value = sqlx::query_scalar(&explain).fetch_one(process.pool()).await.unwrap();
    let node = &plan[0]["Plan"];
    node["Shared Hit Blocks"].as_i64().unwrap() + node["Shared Read Blocks"].as_i64().unwrap()
}

/// The statements on views that this test's thread has sent, as sqlx tells of them. One subscriber hears all threads:
/// of several, each its own thread's, tracing may take one thread's indifference for everybody's.
pub struct Statements(ThreadId);

static SENT: LazyLock<Mutex<HashMap<ThreadId, Vec<String>>>> = LazyLock::new(Mutex::default);

impl Statements {
    pub fn of_this_thread() -> Self {
        static HEARD: Once = Once::new();
        HEARD.call_once(|| {
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Hearing)).unwrap();
        });
        Self(thread::current().id())
    }

    /// What was sent since this was asked last.
    pub fn take(&self) -> Vec<String> {
        SENT.lock().unwrap().remove(&self.0).unwrap_or_default()
    }
}

struct Hearing;

impl<S: tracing::Subscriber> Layer<S> for Hearing {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Statement(Option<String>);
        impl tracing::field::Visit for Statement {
            fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}

            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                if field.name() == "db.statement"
                    && ["_v1_1", "_v2_1", "_v3_1"].iter().any(|build| value.contains(build))
                {
                    self.0 = Some(value.to_owned());
                }
            }
        }
        if event.metadata().target() == "sqlx::query" {
            let mut statement = Statement(None);
            event.record(&mut statement);
            SENT.lock().unwrap().entry(thread::current().id()).or_default().extend(statement.0);
        }
    }
}

#[tokio::test]
async fn a_read_is_one_statement_for_one_row_and_for_two_hundred() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let orders: Vec<AnOrder> =
        (0..200).map(|n| AnOrder::of("ada@example.com", vec![line(&format!("S{n}"), usd("1.00"), 1)])).collect();
    history.append(orders.iter().flat_map(|order| order.placed(time)).collect()).await;
    history.append(crate::history::product("TEA", crate::history::added("TEA", usd("1.00")), time)).await;
    for name in ["order_list", "order_totals", "products"] {
        process.catch_up(name).await;
    }
    let statements = Statements::of_this_thread();
    let count = async |rows: u32| {
        statements.take();
        let listed = order_list::list(&process.views, Whose::All, &Filter::default(), None, rows).await.unwrap();
        assert_eq!(listed.value.rows.len(), rows as usize);
        let totals = order_totals::by_product(&process.views, Days::default(), None, rows).await.unwrap();
        assert_eq!(totals.value.rows.len(), rows as usize);
        products::list(&process.views, None, rows).await.unwrap();
        statements.take().len()
    };
    // The first read asks the registry too, by a statement that names no schema.
    assert_eq!((count(1).await, count(200).await, count(1).await), (3, 3, 3));
    let ids: HashSet<_> = all_pages(&process, &Filter::default(), 200).await.into_iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), 200);
}

#[tokio::test]
async fn a_subjects_orders_are_all_its_own_newest_first() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let running = process.run(NAME);
    let time = at("2026-03-01T10:00:00Z");
    let subject = many_orders(1)[0].customer.subject_id;
    let mut own = Vec::new();
    for (n, mut order) in many_orders(12).into_iter().enumerate() {
        if n % 2 == 0 {
            std::sync::Arc::make_mut(&mut order.customer).subject_id = subject;
            own.insert(0, order.id);
        }
        history.append(order.placed(time)).await;
    }
    process.caught_up(NAME).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = order_list::of_subject(&process.views, subject, after, 4).await.unwrap().value;
        assert!(page.rows.len() <= 4 && page.rows.iter().all(|row| row.customer.subject_id == subject));
        seen.extend(page.rows.iter().map(|row| row.id.0));
        match page.next {
            Some(key) => after = Some(key),
            None => break,
        }
    }
    assert_eq!(seen, own);
    running.stop().await.unwrap();
}
