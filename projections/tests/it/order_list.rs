//! Given what happened to orders, then the rows of the list.

use crate::history::{AnOrder, Happened, History, at, line, seconds, usd};
use crate::process::Process;
use domain::ids::{OrderId, OrderNumber};
use domain::order::{Order, evolve, merge_line};
use domain::text::Email;
use domain::{Event, Position};
use projections::order_list::{self, OrderRow, Search, Status, Whose, items_json};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use testkit::Db;

const NAME: &str = "order_list";

async fn row(process: &Process, order: &AnOrder) -> OrderRow {
    order_list::get(&process.views, OrderId(order.id)).await.unwrap().value.expect("the order is in the list")
}

#[tokio::test]
async fn a_placed_order_is_one_row_with_all_that_is_known() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let order = AnOrder::of("Ada@Example.com", vec![line("TEA", usd("12.50"), 2), line("CUP", usd("8.00"), 1)]);
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up(NAME).await;

    let seen = order_list::get(&process.views, OrderId(order.id)).await.unwrap();
    assert_eq!(seen.position, Position(3));
    let row = seen.value.unwrap();
    assert_eq!((row.number, row.status, row.paid), (OrderNumber(order.number), Status::Placed, false));
    assert_eq!((row.total, row.paid_amount, row.version), (usd("33.00"), usd("0.00"), 3));
    assert_eq!((row.placed_position, row.position), (Position(3), Position(3)));
    assert_eq!((row.placed_at, row.updated_at), (at("2026-03-01T10:00:00Z"), at("2026-03-01T10:00:00Z")));
    assert_eq!(row.customer.subject_id, order.customer.subject_id);
    assert_eq!((row.customer.first_name.as_str(), row.customer.email.as_str()), ("Ada", "Ada@Example.com"));
    let address = row.shipping_address.unwrap();
    assert_eq!((address.city.as_str(), address.country.as_deref()), ("London", None));
    assert_eq!(
        row.items.get(),
        r#"[{"sku":"TEA","name":"The TEA","unit_price":{"amount":"12.50","currency":"USD"},"quantity":2,"cost":{"amount":"25.00","currency":"USD"}},{"sku":"CUP","name":"The CUP","unit_price":{"amount":"8.00","currency":"USD"},"quantity":1,"cost":{"amount":"8.00","currency":"USD"}}]"#
    );
}

/// The same events, once in one batch and once in a batch each, come to the same row.
#[tokio::test]
async fn a_row_does_not_depend_on_where_batches_end() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 2), line("CUP", usd("8.00"), 1)]);
    let mut events = order.placed(at("2026-03-01T10:00:00Z"));
    events.extend(order.item_added(line("TEA", usd("12.50"), 3), at("2026-03-02T10:00:00Z")));
    events.extend(order.item_added(line("TEA", usd("13.00"), 1), at("2026-03-03T10:00:00Z")));
    events.extend(order.payment(usd("50.00"), at("2026-03-04T10:00:00Z")));
    events.extend(order.payment(usd("33.50"), at("2026-03-05T10:00:00Z")));

    let running = process.run(NAME);
    for event in events {
        history.append(vec![event]).await;
        process.caught_up(NAME).await;
    }
    running.stop().await.unwrap();
    let one_by_one = process.rows(&format!("{}.orders", process.active_schema(NAME).await)).await;
    process.rebuild(NAME).await.unwrap();
    let at_once = process.rows(&format!("{}.orders", process.active_schema(NAME).await)).await;

    assert_eq!(one_by_one, at_once);
    let row = row(&process, &order).await;
    assert!(row.paid);
    assert_eq!((row.total, row.paid_amount, row.version), (usd("83.50"), usd("83.50"), 8));
    assert_eq!((row.placed_at, row.updated_at), (at("2026-03-01T10:00:00Z"), at("2026-03-05T10:00:00Z")));
    assert_eq!((row.placed_position, row.position), (Position(3), Position(8)));
    let items: serde_json::Value = serde_json::from_str(row.items.get()).unwrap();
    let quantities: Vec<_> = items.as_array().unwrap().iter().map(|item| (&item["sku"], &item["quantity"])).collect();
    assert_eq!(serde_json::json!(quantities), serde_json::json!([["TEA", 5], ["CUP", 1], ["TEA", 1]]));
}

#[tokio::test]
async fn a_checkout_that_is_not_complete_is_no_order_yet() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 2)]);
    let mut events = order.placed(at("2026-03-01T10:00:00Z"));
    let placed = events.split_off(1);
    history.append(events).await;
    process.catch_up(NAME).await;
    let seen = order_list::get(&process.views, OrderId(order.id)).await.unwrap();
    assert!(seen.value.is_none());
    assert_eq!(seen.position, Position(1), "an empty answer has its position too");

    history.append(placed).await;
    process.catch_up(NAME).await;
    assert_eq!(row(&process, &order).await.total, usd("25.00"));
}

#[tokio::test]
async fn an_order_of_nothing_is_paid_when_placed() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let order = AnOrder::of("ada@example.com", vec![line("GIFT", usd("0.00"), 1)]);
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let row = row(&process, &order).await;
    assert!(row.paid);
    assert_eq!((row.total, row.paid_amount), (usd("0.00"), usd("0.00")));
}

#[tokio::test]
async fn fed_twice_it_is_the_same() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut paid = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 2)]);
    let mut extended = AnOrder::of("bob@example.com", vec![line("CUP", usd("8.00"), 1)]);
    history.append(paid.placed(at("2026-03-01T10:00:00Z"))).await;
    history.append(extended.placed(at("2026-03-01T11:00:00Z"))).await;
    process.catch_up(NAME).await;
    history.append(paid.payment(usd("25.00"), at("2026-03-01T12:00:00Z"))).await;
    history.append(extended.item_added(line("CUP", usd("8.00"), 1), at("2026-03-01T13:00:00Z"))).await;
    process.catch_up(NAME).await;

    let table = format!("{}.orders", process.active_schema(NAME).await);
    let once = process.rows(&table).await;
    assert_eq!(once.len(), 2);
    process.rewind(NAME).await;
    process.catch_up(NAME).await;
    assert_eq!(process.rows(&table).await, once);
}

#[tokio::test]
async fn orders_are_found_by_address_in_any_case_and_by_number() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let first = AnOrder::of("Ada@Example.com", vec![line("TEA", usd("12.50"), 1)]);
    let other = AnOrder::of("bob@example.com", vec![line("TEA", usd("12.50"), 1)]);
    let second = AnOrder::of("ada@example.com", vec![line("CUP", usd("8.00"), 1)]);
    for order in [&first, &other, &second] {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
    process.catch_up(NAME).await;

    let search = Search::Email(Email::parse("ADA@example.COM").unwrap());
    let page = order_list::search(&process.views, Whose::All, &search, None, 1).await.unwrap().value;
    assert_eq!(page.rows[0].id.0, second.id, "the newest first");
    let page = order_list::search(&process.views, Whose::All, &search, page.next, 1).await.unwrap().value;
    assert_eq!(page.rows[0].id.0, first.id);
    assert!(page.next.is_none());

    let search = Search::Number(OrderNumber(other.number));
    let page = order_list::search(&process.views, Whose::All, &search, None, 50).await.unwrap().value;
    assert_eq!(page.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [other.id]);
    let search = Search::Number(OrderNumber(7));
    assert!(order_list::search(&process.views, Whose::All, &search, None, 50).await.unwrap().value.rows.is_empty());
}

/// Whatever happens to some orders, each row is what the domain makes of the order's events.
#[tokio::test]
async fn rows_are_what_the_domain_makes_of_the_events() {
    const SEED: u64 = 20_260_301;
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut random = StdRng::seed_from_u64(SEED);
    let mut states: HashMap<String, (Order, u64)> = HashMap::new();
    let running = process.run(NAME);
    for events in random_history(&mut random) {
        for Happened { id, event, .. } in &events {
            let Event::Order(event) = event else { continue };
            let (state, version) = states.remove(id).unwrap_or_default();
            states.insert(id.clone(), (evolve(state, event), version + 1));
        }
        history.append(events).await;
        if random.random_ratio(1, 3) {
            process.caught_up(NAME).await;
        }
    }
    process.caught_up(NAME).await;
    running.stop().await.unwrap();
    for (id, (state, version)) in states {
        let placed = state.placed().unwrap();
        let row = order_list::get(&process.views, id.parse().unwrap()).await.unwrap().value.unwrap();
        assert_eq!(row.items.get(), items_json(&placed.lines).unwrap(), "{id}");
        assert_eq!((row.total, row.paid_amount), (placed.total, placed.paid_amount), "{id}");
        assert_eq!((row.paid, row.version), (state.is_paid(), version), "{id}");
    }
}

/// What happens to orders in a random order, cut into appends at random, within a checkout too.
fn random_history(random: &mut StdRng) -> Vec<Vec<Happened>> {
    let mut time = at("2026-03-01T10:00:00Z");
    let (mut orders, mut happened): (Vec<AnOrder>, Vec<Happened>) = Default::default();
    for _ in 0..150 {
        time += seconds(1);
        let some_line = |random: &mut StdRng| {
            let sku = ["TEA", "CUP", "POT"][random.random_range(0..3)];
            line(sku, usd(["1.00", "2.50"][random.random_range(0..2)]), random.random_range(1..4))
        };
        if orders.is_empty() || random.random_ratio(1, 4) {
            let mut lines = Vec::new();
            (0..random.random_range(1..4)).for_each(|_| merge_line(&mut lines, &some_line(random)));
            orders.push(AnOrder::of("ada@example.com", lines));
            happened.extend(orders[orders.len() - 1].placed(time));
            continue;
        }
        let index = random.random_range(0..orders.len());
        let order = &mut orders[index];
        let balance = order.total().checked_sub(order.paid_amount).unwrap();
        if order.paid_amount.is_zero() && random.random_ratio(1, 2) {
            happened.extend(order.item_added(some_line(random), time));
        } else if !balance.is_zero() {
            let amount = if balance.amount() > usd("1.00").amount() && random.random_ratio(1, 2) {
                usd("1.00")
            } else {
                balance
            };
            happened.extend(order.payment(amount, time));
        }
    }
    let mut appends = Vec::new();
    while !happened.is_empty() {
        let rest = happened.split_off(happened.len().min(random.random_range(1..7)));
        appends.push(std::mem::replace(&mut happened, rest));
    }
    appends
}
