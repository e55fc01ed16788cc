//! What views say of an earlier position is what they said when the log ended there.

use crate::history::{AnOrder, Happened, History, at, line, many_orders, product, seconds, usd};
use crate::paging::Statements;
use crate::process::Process;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use commands::{AsOf, Moment};
use domain::product::ProductWithdrawn;
use domain::{AggregateType, Position, Sku};
use projections::order_list::{self, Filter, Whose};
use projections::order_totals::{self, Bounds, Days, Past};
use projections::{AsOfError, Page, ReadError};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use testkit::Db;

const START: &str = "2026-03-01T10:00:00Z";
/// More than any history here holds.
const MOST: Bounds = Bounds { events: 100_000, rows: 1_000 };

/// A shop to which things happen at random.
struct Town {
    random: StdRng,
    orders: Vec<AnOrder>,
    now: DateTime<Utc>,
}

impl Town {
    fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), orders: Vec::new(), now: at(START) }
    }

    /// What happens next. Clocks of writers differ, so that times go back and forth.
    fn next(&mut self) -> Vec<Happened> {
        self.now += seconds(self.random.random_range(0..20_000));
        let now = self.now - seconds(self.random.random_range(0..5_000));
        let skus = ["TEA", "CUP", "POT"];
        let sku = *skus.choose(&mut self.random).unwrap();
        let price = *["0.00", "8.00", "12.50"].choose(&mut self.random).unwrap();
        let one = line(sku, usd(price), self.random.random_range(1..4));
        let (roll, corrections) = (self.random.random_range(0..10), self.random.random_range(0..1_000));
        let order = self.orders.len().checked_sub(1).map(|last| self.random.random_range(0..=last));
        let Some(order) = order.filter(|_| roll >= 4).and_then(|order| self.orders.get_mut(order)) else {
            if roll == 0 {
                let withdrawn = ProductWithdrawn { sku: Sku::parse(sku).unwrap() };
                return product(sku, withdrawn, now);
            }
            let mut order = AnOrder::of("ada@example.com", vec![one]);
            // Some are of one customer.
            if let Some(earlier) = self.orders.first().filter(|_| roll == 1) {
                order.customer = earlier.customer.clone();
            }
            let placed = order.placed(now);
            if order.total().is_zero() {
                return placed;
            }
            self.orders.push(order);
            return placed;
        };
        let is_paid = order.paid_amount == order.total();
        match roll {
            4 | 5 if order.paid_amount.is_zero() => order.item_added(one, now),
            6 | 7 if !is_paid => {
                let balance = order.total().checked_sub(order.paid_amount).unwrap();
                let half = usd("1.00");
                let amount = if roll == 6 && balance.amount() > half.amount() { half } else { balance };
                order.payment(amount, now)
            }
            8 => order.flagged(now),
            _ => order.corrected(&format!("ada{corrections}@example.org"), now),
        }
    }
}

/// What is asked of the views, with what they answer.
type Answers = Vec<(String, String)>;

fn filters(now: DateTime<Utc>) -> Vec<Filter> {
    let middle = at(START) + (now - at(START)) / 2;
    let all = Filter::default;
    vec![
        all(),
        Filter { paid: Some(true), ..all() },
        Filter { paid: Some(false), ..all() },
        Filter { placed_from: Some(middle), ..all() },
        Filter { updated_to: Some(middle), paid: Some(false), ..all() },
        Filter { updated_from: Some(middle), placed_to: Some(middle), ..all() },
    ]
}

fn ranges() -> Vec<Days> {
    let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
    vec![
        Days::default(),
        Days { from: day("2026-03-03"), to: day("2026-03-06") },
        Days { from: day("2026-03-05"), to: None },
    ]
}

/// What the views say now.
async fn now(process: &Process, town: &Town) -> Answers {
    let mut answers = Answers::new();
    for whose in whose(town) {
        for filter in filters(town.now) {
            let (mut rows, mut after) = (Vec::new(), None);
            loop {
                let page = order_list::list(&process.views, whose, &filter, after, 3).await.unwrap().value;
                rows.extend(page.rows.iter().map(|row| format!("{row:?}")));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            answers.push((format!("{whose:?} {filter:?}"), rows.join("\n")));
        }
    }
    for days in ranges() {
        let by_day = order_totals::by_day(&process.views, days, None, 1_000).await.unwrap().value.rows;
        let by_product = order_totals::by_product(&process.views, days, None, 1_000).await.unwrap().value.rows;
        answers.push((format!("{days:?}"), format!("{by_day:?}\n{by_product:?}")));
    }
    answers
}

/// What they say of that position, for the same questions.
async fn then(process: &Process, town: &Town, asked_at: DateTime<Utc>, position: Position) -> Answers {
    let (mut answers, then) = (Answers::new(), moment(process, position).await);
    for whose in whose(town) {
        for filter in filters(asked_at) {
            let (mut rows, mut after) = (Vec::new(), None);
            loop {
                let page = order_list::list_as_of(&process.views, whose, &filter, then, after, 3).await.unwrap();
                assert!(page.rows.len() <= 3);
                rows.extend(page.rows.iter().map(|row| format!("{row:?}")));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            answers.push((format!("{whose:?} {filter:?}"), rows.join("\n")));
        }
    }
    for days in ranges() {
        let views = &process.views;
        let past = Past::of(views, days, position).await.unwrap();
        let by_day = order_totals::by_day_as_of(views, &past, MOST, &mut |_, _| ()).await.unwrap();
        let by_product = order_totals::by_product_as_of(views, &past, MOST, &mut |_, _| ()).await.unwrap();
        answers.push((format!("{days:?}"), format!("{by_day:?}\n{by_product:?}")));
    }
    answers
}

async fn moment(process: &Process, position: Position) -> AsOf {
    process.log.locate(Moment::Position(position)).await.unwrap()
}

fn whose(town: &Town) -> Vec<Whose> {
    let one = town.orders.first().map(|order| Whose::Of(order.customer.subject_id));
    std::iter::once(Whose::All).chain(one).collect()
}

/// Random histories, and random positions in them, in the middle of checkouts too.
#[tokio::test]
async fn what_was_is_what_a_view_that_knew_no_more_said() {
    for seed in 0..4 {
        let db = Db::new().await;
        let (mut history, process) = (History::of(&db).await, Process::open_in(&db, Tz::Asia__Seoul).await);
        let running = [process.run("order_list"), process.run("order_totals")];
        let mut town = Town::new(seed);
        history.append(town.next()).await;
        while town.orders.is_empty() {
            history.append(town.next()).await;
        }
        let mut said = Vec::new();
        for _ in 0..70 {
            let mut events = town.next();
            let cut = town.random.random_range(0..=events.len());
            let behind = events.split_off(cut);
            for some in [events, behind] {
                if !some.is_empty() {
                    history.append(some).await;
                }
                if town.random.random_ratio(1, 6) {
                    let position = process.caught_up("order_list").await;
                    assert_eq!(process.caught_up("order_totals").await, position);
                    said.push((position, town.now, now(&process, &town).await));
                }
            }
        }
        for name in ["order_list", "order_totals"] {
            process.caught_up(name).await;
        }
        assert!(said.len() > 10, "{}", said.len());
        for (position, asked_at, answers) in said {
            let then = then(&process, &town, asked_at, position).await;
            assert_eq!(then, answers, "seed {seed}, position {position}");
        }
        for running in running {
            running.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_order_s_row_is_folded_from_its_own_events() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 2)]);
    let running = process.run("order_list");
    let mut events = order.placed(at(START));
    events.extend(order.item_added(line("CUP", usd("8.00"), 1), at(START) + seconds(1)));
    events.extend(order.flagged(at(START) + seconds(2)));
    events.extend(order.corrected("ada@example.org", at(START) + seconds(3)));
    events.extend(order.payment(usd("33.00"), at(START) + seconds(4)));
    let mut rows = Vec::new();
    for event in events {
        history.append(vec![event]).await;
        process.caught_up("order_list").await;
        let id = domain::ids::OrderId(order.id);
        rows.push(order_list::get(&process.views, id).await.unwrap().value.map(|row| format!("{row:?}")));
    }
    let stream = process.log.read_stream(AggregateType::Order, &order.id.to_string(), 1).await.unwrap();
    for (position, row) in (1..).zip(&rows) {
        let folded = order_list::row_of(&stream, Position(position)).unwrap();
        assert_eq!(&folded.map(|row| format!("{row:?}")), row, "position {position}");
    }
    assert!(rows[0].is_none() && rows[1].is_some());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_read_for_totals_is_bounded_and_the_shorter_way_is_taken() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    for order in many_orders(20) {
        history.append(order.placed(at(START))).await;
    }
    process.catch_up("order_totals").await;
    let read = async |at: u64, events| {
        let mut read = 0;
        let past = Past::of(&process.views, Days::default(), Position(at)).await.unwrap();
        let tell = &mut |_, total| read = total;
        let rows = order_totals::by_product_as_of(&process.views, &past, Bounds { events, ..MOST }, tell).await;
        rows.map(|rows| (rows.first().map(|row| row.placed.quantity), read))
    };
    assert_eq!(read(40, 5).await.unwrap().1, 0, "today's rows are those of then");
    assert_eq!(read(37, 5).await.unwrap().1, 3);
    assert_eq!(read(4, 5).await.unwrap(), (Some(3), 4));
    assert_eq!(read(0, 5).await.unwrap(), (None, 0));
    assert!(matches!(read(20, 19).await, Err(AsOfError::TooMuch { events: 20, most: 19 })));
    assert!(matches!(read(41, 5).await, Err(AsOfError::Behind { at: Position(40), wanted: Position(41) })));
}

#[tokio::test]
async fn pages_of_totals_follow_each_other_without_gap_or_overlap() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    for (n, sku) in (0..).zip(["TEA", "CUP", "POT", "JAR", "TEA"]) {
        let order = AnOrder::of("ada@example.com", vec![line(sku, usd("1.00"), 1)]);
        history.append(order.placed(at(START) + seconds(86_400 * n))).await;
    }
    process.catch_up("order_totals").await;
    let views = &process.views;
    let past = Past::of(views, Days::default(), Position(8)).await.unwrap();
    let by_day = order_totals::by_day_as_of(views, &past, MOST, &mut |_, _| ()).await.unwrap();
    let by_product = order_totals::by_product_as_of(views, &past, MOST, &mut |_, _| ()).await.unwrap();
    assert_eq!((by_day.len(), by_product.len()), (4, 4));
    // From today's rows, and from the origin.
    for (at, rows) in [(8, 4), (4, 2)] {
        let past = Past { at: Position(at), ..past.clone() };
        let few = Bounds { rows: 1, ..MOST };
        let refused = order_totals::by_product_as_of(views, &past, few, &mut |_, _| ()).await;
        assert!(matches!(refused, Err(AsOfError::TooManyRows { most: 1 })), "{refused:?}");
        let all = order_totals::by_product_as_of(views, &past, Bounds::NONE, &mut |_, _| ()).await.unwrap();
        assert_eq!(all.len(), rows);
    }
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let Page { rows: some, next } = order_totals::page_of_days(&by_day, after.as_ref(), 3);
        rows.extend(some);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(rows, by_day);
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let Page { rows: some, next } = order_totals::page_of_products(&by_product, after.as_ref(), 2);
        rows.extend(some);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(rows, by_product);
}

/// However few of the orders are what is asked for, and however many there are: a page ends early, and the next goes
/// on.
#[tokio::test]
async fn a_page_looks_at_so_many_rows_and_no_more() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let orders = many_orders(10_100);
    for some in orders.chunks(1_000) {
        history.append(some.iter().flat_map(|order| order.placed(at(START))).collect()).await;
    }
    let head = process.catch_up("order_list").await;
    let pay = "UPDATE order_list_v3_1.orders SET paid = placed_position > 2";
    sqlx::query(pay).execute(&db.superuser_pool().await).await.unwrap();
    let then = moment(&process, head).await;
    let unpaid = Filter { paid: Some(false), ..Filter::default() };
    let page = async |after| {
        let page = order_list::list_as_of(&process.views, Whose::All, &unpaid, then, after, 50).await.unwrap();
        (page.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), page.next)
    };
    let (none, next) = page(None).await;
    assert!(none.is_empty() && next.is_some(), "the first page has nothing and goes on: {none:?}");
    assert_eq!(page(next).await, (vec![orders[0].id], None));
}

/// What was placed since is not walked through.
#[tokio::test]
async fn a_page_of_an_early_moment_touches_no_more_than_one_of_now() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    for (n, some) in (0..).zip(many_orders(8_000).chunks(500)) {
        let time = at(START) + seconds(n * 3_600);
        history.append_at(some.iter().flat_map(|order| order.placed(time)).collect(), time).await;
    }
    let head = process.catch_up("order_list").await;
    let statements = Statements::of_this_thread();
    let pages_touched = async |position| {
        let then = moment(&process, position).await;
        statements.take();
        let page = order_list::list_as_of(&process.views, Whose::All, &Filter::default(), then, None, 50).await;
        assert_eq!(page.unwrap().rows.len(), 50);
        let sql = statements.take().remove(0);
        let time = format!("'{}'::timestamptz", then.recorded_at.unwrap().to_rfc3339());
        let sql = sql.replace("$1::timestamptz", &time).replace("$2::bigint", &format!("{position}::bigint"));
        assert!(!sql.contains('$'), "{sql}");
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
        let plan: serde_json::Value = sqlx::query_scalar(&explain).fetch_one(process.pool()).await.unwrap();
        let node = &plan[0]["Plan"];
        node["Shared Hit Blocks"].as_i64().unwrap() + node["Shared Read Blocks"].as_i64().unwrap()
    };
    let (early, now) = (pages_touched(Position(1_000)).await, pages_touched(head).await);
    assert!(early <= now + 10, "{early} against {now}");
}

#[tokio::test]
async fn totals_are_never_made_of_two_builds_that_count_other_days() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let order = AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]);
    history.append(order.placed(at("2026-03-01T23:30:00Z"))).await;
    history.append(order.flagged(at("2026-03-02T10:00:00Z"))).await;
    let head = process.catch_up("order_totals").await;
    let views = &process.views;
    let days = async |past: &Past| {
        let rows = order_totals::by_day_as_of(views, past, MOST, &mut |_, _| ()).await?;
        Ok::<_, AsOfError>(rows.into_iter().map(|row| row.day.to_string()).collect::<Vec<_>>())
    };
    let before = Past::of(views, Days::default(), head).await.unwrap();
    assert_eq!(days(&before).await.unwrap(), ["2026-03-01"]);
    Process::open_in(&db, Tz::Asia__Tokyo).await.rebuild("order_totals").await.unwrap();

    let stale = days(&before).await;
    assert!(matches!(stale, Err(AsOfError::Read(ReadError::Exchanged { .. }))), "{stale:?}");
    let after = Past::of(views, Days::default(), head).await.unwrap();
    assert_eq!((after.build.time_zone, after == before), (Tz::Asia__Tokyo, false));
    assert_eq!(days(&after).await.unwrap(), ["2026-03-02"]);
}
