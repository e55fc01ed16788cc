//! The list as it is worked with behind the counter.

use crate::history::{AnOrder, History, at, many_orders, seconds};
use crate::paging::Statements;
use crate::process::Process;
use domain::text::{Email, PersonName};
use projections::order_list::{self, Desk, DeskSearch, Filter};
use std::sync::Arc;
use testkit::Db;
use uuid::Uuid;

const NAME: &str = "order_list";

fn named(first_name: &str, last_name: &str, email: &str) -> AnOrder {
    let mut order = many_orders(1).remove(0);
    let customer = Arc::make_mut(&mut order.customer);
    customer.first_name = PersonName::parse(first_name).unwrap();
    customer.last_name = PersonName::parse(last_name).unwrap();
    customer.email = Email::parse(email).unwrap();
    order
}

async fn found(process: &Process, text: &str) -> Vec<Uuid> {
    let desk = Desk { search: DeskSearch::parse(text), ..Desk::default() };
    let page = order_list::desk(&process.views, &desk, None, 50).await.unwrap().value;
    let count = order_list::count(&process.views, &desk, 50).await.unwrap().value;
    assert_eq!(count, page.rows.len() as u64, "{text}");
    page.rows.into_iter().map(|row| row.id.0).collect()
}

#[tokio::test]
async fn orders_are_found_by_words_number_address_and_id() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let (ada, zoe, li) = (
        named("Ada", "Lovelace", "ada@example.com"),
        named("Zoë", "O'Connor", "zoe@example.com"),
        named("小龙", "李", "li@example.com"),
    );
    for order in [&ada, &zoe, &li] {
        history.append(order.placed(time)).await;
    }
    process.catch_up(NAME).await;
    assert_eq!(found(&process, "love").await, [ada.id]);
    assert_eq!(found(&process, "LOVELACE ada").await, [ada.id]);
    assert_eq!(found(&process, "ada connor").await, Vec::<Uuid>::new());
    assert_eq!(found(&process, "o'conn").await, [zoe.id]);
    assert_eq!(found(&process, "小").await, [li.id]);
    assert_eq!(found(&process, "ZOE@example.com").await, [zoe.id]);
    assert_eq!(found(&process, &ada.id.to_string()).await, [ada.id]);
    assert_eq!(found(&process, "ada@exam").await, [ada.id]);
    assert_eq!(found(&process, "example zoe").await, [zoe.id]);
    assert_eq!(found(&process, "\0").await.len(), 3, "nothing that could be looked for");
    assert_eq!(found(&process, "!!! ' \\ :*").await, Vec::<Uuid>::new(), "nothing in it means anything");
    let number = order_list::get(&process.views, domain::ids::OrderId(zoe.id)).await.unwrap().value.unwrap().number;
    assert_eq!(found(&process, &format!("#{number}")).await, [zoe.id]);
    assert_eq!(found(&process, &number.to_string()).await, [zoe.id]);
}

#[tokio::test]
async fn a_corrected_address_is_shown_and_found_and_the_old_one_is_not() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let mut order = named("Ada", "Lovelace", "adda@example.com");
    // Once in the batch that placed it, once in a later one.
    for (round, address) in ["ada@example.com", "ada@example.org"].into_iter().enumerate() {
        let mut events = if round == 0 { order.placed(time) } else { Vec::new() };
        events.extend(order.corrected(address, time + seconds(round as i64 + 1)));
        history.append(events).await;
        process.catch_up(NAME).await;
        assert_eq!(found(&process, address).await, [order.id]);
        assert_eq!(found(&process, "adda@example.com").await, Vec::<Uuid>::new());
        let row = order_list::get(&process.views, domain::ids::OrderId(order.id)).await.unwrap().value.unwrap();
        assert_eq!((row.customer.email.as_str(), row.updated_at), (address, time + seconds(round as i64 + 1)));
    }
}

#[tokio::test]
async fn those_that_need_a_review_are_listed_and_counted_with_a_bound() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let orders = many_orders(9);
    for order in &orders {
        history.append(order.placed(time)).await;
    }
    history.append(orders[3].flagged(time)).await;
    process.catch_up(NAME).await;
    let review = Desk { needs_review: true, ..Desk::default() };
    let listed = order_list::desk(&process.views, &review, None, 5).await.unwrap().value.rows;
    assert_eq!(listed.iter().map(|row| row.id.0).collect::<Vec<_>>(), [orders[3].id]);
    for (most, expected) in [(20, 9), (9, 9), (8, 9), (5, 6)] {
        let counted = order_list::count(&process.views, &Desk::default(), most).await.unwrap().value;
        assert_eq!(counted, expected, "up to {most}");
    }
    let early = Desk { filter: Filter { placed_to: Some(time), ..Filter::default() }, ..Desk::default() };
    assert_eq!(order_list::count(&process.views, &early, 20).await.unwrap().value, 0);
}

/// How PostgreSQL carries out the statement of this list: the very one that was sent, its values put in.
async fn plan_of(process: &Process, statements: &Statements, desk: &Desk, values: &[&str]) -> String {
    statements.take();
    order_list::desk(&process.views, desk, None, 50).await.unwrap();
    let mut sql = statements.take().pop().unwrap();
    for (index, value) in values.iter().enumerate() {
        sql = sql.replace(&format!("${}::", index + 1), &format!("{value}::"));
    }
    assert!(!sql.contains('$'), "{sql}");
    let lines: Vec<String> = sqlx::query_scalar(&format!("EXPLAIN {sql}")).fetch_all(process.pool()).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn each_list_is_found_by_an_index() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let ada = named("Ada", "Byron", "ada@example.com");
    history.append(ada.placed(time)).await;
    // More have the other name than are gathered.
    for chunk in many_orders(10_001).chunks(1_000) {
        history.append(chunk.iter().flat_map(|order| order.placed(time)).collect()).await;
    }
    process.catch_up(NAME).await;
    sqlx::query("ANALYZE order_list_v3_1.orders").execute(&db.superuser_pool().await).await.unwrap();
    let statements = Statements::of_this_thread();
    let search = |text: &str| Desk { search: DeskSearch::parse(text), ..Desk::default() };
    let paid = Desk { filter: Filter { paid: Some(true), ..Filter::default() }, ..Desk::default() };
    let late = time + seconds(60);
    let changed = Desk { filter: Filter { updated_from: Some(late), ..Filter::default() }, ..Desk::default() };
    let review = Desk { needs_review: true, ..Desk::default() };
    for (desk, values, index) in [
        (Desk::default(), vec![], "orders_placed"),
        (paid, vec!["true"], "orders_paid"),
        (changed, vec!["'2026-03-01T10:01:00Z'"], "orders_updated"),
        (review, vec!["true"], "orders_review"),
        (search("byron"), vec!["'''byron'':*'"], "orders_words"),
        (search("lovelace"), vec!["'''lovelace'':*'"], "orders_placed"),
        (search("c7@example.com"), vec!["'c7@example.com'"], "orders_email"),
        (search("#7"), vec!["7"], "orders_number"),
    ] {
        let plan = plan_of(&process, &statements, &desk, &values).await;
        assert!(plan.contains(index) && !plan.contains("Seq Scan on orders"), "{desk:?}:\n{plan}");
    }
    assert_eq!(found(&process, "byron").await, [ada.id]);
    let all = order_list::desk(&process.views, &search("lovelace"), None, 50).await.unwrap().value;
    assert_eq!(all.rows.len(), 50);
    assert!(all.rows.is_sorted_by(|one, next| one.placed_position > next.placed_position));
}
