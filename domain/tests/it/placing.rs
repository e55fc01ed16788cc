//! Placing an order.

use crate::given::{given, given_no_order};
use crate::samples::*;
use domain::order::{Command, ItemFault, ItemProblem, LineError, Order, OrderEvent, Place, Rejection, RequestedItem};
use domain::product::{ProductDescribed, ProductRepriced, ProductRestored};
use domain::{Money, Prices};

fn fault(index: usize, key: &str, problem: ItemProblem) -> ItemFault {
    ItemFault { index, sku: sku(key), problem }
}

fn rejected_items(faults: impl IntoIterator<Item = ItemFault>) -> Rejection {
    Rejection::Items(faults.into_iter().collect())
}

/// A shop of `count` products, `SKU-0` and on, each at one dollar.
fn wide_shop(count: usize) -> Prices {
    let mut prices = Prices::default();
    (0..count).for_each(|n| list(&mut prices, &format!("SKU-{n}"), usd("1.00")));
    prices
}

fn one_of_each(count: usize) -> Vec<RequestedItem> {
    (0..count).map(|n| item(1, &format!("SKU-{n}"))).collect()
}

fn place_at(expected_total: Money) -> Command {
    Command::Place(Place { expected_total: Some(expected_total), ..checkout([item(2, "TEA-GREEN")]) })
}

#[test]
fn a_checkout_adds_its_items_and_is_placed_at_the_prices_of_the_shop() {
    given_no_order().when(place([(2, "TEA-GREEN"), (1, "CUP")])).then_events(placed());
}

#[test]
fn an_order_is_placed_once() {
    given(placed()).when(place([(1, "CUP")])).then_rejected(Rejection::AlreadyPlaced);
    given(paid()).when(place([(1, "CUP")])).then_rejected(Rejection::AlreadyPlaced);
    given([item_added(line(1, "CUP"), usd("4.20"))]).when(place([(1, "CUP")])).then_rejected(Rejection::AlreadyPlaced);
}

#[test]
fn an_order_of_nothing_is_refused() {
    given_no_order().when(place([])).then_rejected(Rejection::NoItems);
}

#[test]
fn the_same_sku_twice_is_one_line_where_it_stood_first() {
    given_no_order().when(place([(1, "TEA-GREEN"), (1, "CUP"), (1, "TEA-GREEN")])).then_events(placed());
}

#[test]
fn a_line_holds_9999_and_no_more() {
    given_no_order().when(place([(9_999, "CUP")])).then_events([
        item_added(line(9_999, "CUP"), usd("41995.80")),
        order_placed(lines([(9_999, "CUP")]), usd("41995.80")),
    ]);
    given_no_order().when(place([(9_998, "CUP"), (1, "CUP")])).then_events([
        item_added(line(9_999, "CUP"), usd("41995.80")),
        order_placed(lines([(9_999, "CUP")]), usd("41995.80")),
    ]);
}

#[test]
fn items_that_merge_into_more_than_9999_are_refused_where_they_overflow() {
    given_no_order().when(place([(9_000, "CUP"), (1, "COFFEE"), (1_000, "CUP"), (9_999, "CUP")])).then_rejected(
        rejected_items([
            fault(2, "CUP", ItemProblem::Line(LineError::QuantityTooLarge)),
            fault(3, "CUP", ItemProblem::Line(LineError::QuantityTooLarge)),
        ]),
    );
}

#[test]
fn an_order_has_500_lines() {
    let events = given_no_order().at(wide_shop(500)).when(Command::Place(checkout(one_of_each(500)))).events();
    assert_eq!(events.len(), 501, "an event for each line, and the order");
    let OrderEvent::OrderPlaced(order) = &events[500] else { panic!("the last is {:?}", events[500]) };
    assert_eq!((order.lines.len(), order.total), (500, usd("500.00")));
}

#[test]
fn the_501st_line_is_refused_but_not_the_501st_item() {
    let too_many = fault(500, "SKU-500", ItemProblem::Line(LineError::TooMany));
    given_no_order()
        .at(wide_shop(501))
        .when(Command::Place(checkout(one_of_each(501))))
        .then_rejected(rejected_items([too_many]));

    let mut items = one_of_each(500);
    items.push(item(1, "SKU-7"));
    let events = given_no_order().at(wide_shop(500)).when(Command::Place(checkout(items))).events();
    assert_eq!(events.len(), 501);
}

#[test]
fn every_item_that_cannot_be_ordered_is_named() {
    given_no_order()
        .when(place([(1, "NO-SUCH"), (1, "CUP"), (1, "OLD-MUG"), (1, "MATCHA"), (2, "NO-SUCH")]))
        .then_rejected(rejected_items([
            fault(0, "NO-SUCH", ItemProblem::UnknownSku),
            fault(2, "OLD-MUG", ItemProblem::Withdrawn),
            fault(3, "MATCHA", ItemProblem::OtherCurrency { expected: currency("USD"), actual: currency("JPY") }),
            fault(4, "NO-SUCH", ItemProblem::UnknownSku),
        ]));
}

#[test]
fn the_first_item_on_sale_sets_the_currency() {
    let expected = currency("JPY");
    given_no_order().when(place([(1, "OLD-MUG"), (1, "MATCHA"), (1, "CUP")])).then_rejected(rejected_items([
        fault(0, "OLD-MUG", ItemProblem::Withdrawn),
        fault(2, "CUP", ItemProblem::OtherCurrency { expected, actual: currency("USD") }),
    ]));
}

#[test]
fn an_order_in_yen_has_no_places() {
    given_no_order().when(place([(3, "MATCHA")])).then_events([
        item_added(line(3, "MATCHA"), money("5400", "JPY")),
        order_placed(lines([(3, "MATCHA")]), money("5400", "JPY")),
    ]);
}

#[test]
fn the_total_that_the_customer_saw_has_to_hold() {
    let events = given_no_order().when(place_at(usd("25.00"))).events();
    assert_eq!(events.len(), 2);
    let (expected, actual) = (usd("24.99"), usd("25.00"));
    given_no_order().when(place_at(expected)).then_rejected(Rejection::TotalChanged { expected, actual });
    let expected = money("25.00", "EUR");
    given_no_order().when(place_at(expected)).then_rejected(Rejection::TotalChanged { expected, actual });
}

#[test]
fn an_order_of_zero_is_paid_when_it_is_placed() {
    let free = || lines([(2, "SAMPLE")]);
    given_no_order().when(place([(2, "SAMPLE")])).then_events([
        item_added(line(2, "SAMPLE"), usd("0.00")),
        order_placed(free(), usd("0.00")),
        order_paid(free(), usd("0.00")),
    ]);
    assert!(given_no_order().when(place([(2, "SAMPLE")])).then_state().is_paid());
}

#[test]
fn a_total_that_cannot_be_held_is_refused_in_words() {
    let mut prices = shop();
    list(&mut prices, "MOON", usd("790000000000000000000000000.00"));
    let refused = domain::order::decide(&Order::Empty, &place([(2, "MOON")]), &prices);
    let domain::Decision::Rejected(rejection) = refused else { panic!("decided {refused:?}") };
    assert_eq!(rejection.to_string(), "the order can't be added up: the amount is too large");
}

#[test]
fn a_product_that_changed_is_ordered_as_it_is_now() {
    let mut prices = shop();
    let mug = sku("OLD-MUG");
    let described = ProductDescribed { sku: mug.clone(), name: name("Mug, blue"), description: None };
    prices.apply(&mug, &ProductRestored { sku: mug.clone() }.into());
    prices.apply(&mug, &described.into());
    prices.apply(&mug, &ProductRepriced { sku: mug.clone(), price: usd("7.00"), previous_price: usd("6.00") }.into());
    let events = given_no_order().at(prices).when(place([(1, "OLD-MUG")])).events();
    let OrderEvent::ItemAdded(added) = &events[0] else { panic!("the first is {:?}", events[0]) };
    assert_eq!((&added.line.name, added.line.unit_price), (&name("Mug, blue"), usd("7.00")));
}

#[test]
fn what_has_to_be_sent_needs_an_address() {
    let without = |items: &[(u32, &str)]| {
        let items: Vec<_> = items.iter().map(|(number, key)| item(*number, key)).collect();
        Command::Place(Place { customer: ada_without_address(), ..checkout(items) })
    };
    given_no_order().when(without(&[(1, "TEA-GREEN")])).then_rejected(Rejection::AddressRequired);
    given_no_order().when(without(&[(1, "GUIDE"), (1, "CUP")])).then_rejected(Rejection::AddressRequired);
    let events = given_no_order().when(without(&[(2, "GUIDE")])).events();
    let Some(OrderEvent::OrderPlaced(placed)) = events.last() else { panic!("it is placed") };
    assert_eq!(placed.customer.shipping_address, None);
    given(events).when(add_item(1, "CUP")).then_rejected(Rejection::AddressRequired);
}
