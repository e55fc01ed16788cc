//! Adding an item to a placed order.

use crate::given::{given, given_no_order};
use crate::samples::*;
use domain::Prices;
use domain::order::{ItemFault, ItemProblem, LineError, OrderEvent, Rejection};
use domain::product::{ProductDescribed, ProductRepriced};

fn only_item(key: &str, problem: ItemProblem) -> Rejection {
    Rejection::Items(vec![ItemFault { index: 0, sku: sku(key), problem }])
}

/// The shop on a later day: green tea costs a dollar more.
fn later_shop() -> Prices {
    let mut prices = shop();
    let tea = sku("TEA-GREEN");
    let repriced = ProductRepriced { sku: tea.clone(), price: usd("13.50"), previous_price: usd("12.50") };
    prices.apply(&tea, &repriced.into());
    prices
}

#[test]
fn an_item_raises_the_total() {
    given(placed()).when(add_item(1, "COFFEE")).then_events([item_added(line(1, "COFFEE"), usd("38.20"))]);
}

#[test]
fn an_item_at_the_same_price_joins_its_line() {
    let state = given(placed()).when(add_item(3, "TEA-GREEN")).then_state();
    let order = state.placed().unwrap();
    assert_eq!(order.lines, lines([(5, "TEA-GREEN"), (1, "CUP")]));
    assert_eq!(order.total, usd("66.70"));
}

#[test]
fn an_item_at_the_price_of_another_day_is_another_line() {
    let state = given(placed()).at(later_shop()).when(add_item(1, "TEA-GREEN")).then_state();
    let order = state.placed().unwrap();
    let seen: Vec<_> =
        order.lines.iter().map(|line| (line.sku.as_str(), line.unit_price, line.quantity.get())).collect();
    let expected = [("TEA-GREEN", usd("12.50"), 2), ("CUP", usd("4.20"), 1), ("TEA-GREEN", usd("13.50"), 1)];
    assert_eq!(seen, expected);
    assert_eq!(order.total, usd("42.70"));
}

#[test]
fn a_line_keeps_the_name_of_its_first_day() {
    let mut prices = shop();
    let cup = sku("CUP");
    prices.apply(&cup, &ProductDescribed { sku: cup.clone(), name: name("Goblet"), description: None }.into());
    let state = given(placed()).at(prices).when(add_item(1, "CUP")).then_state();
    assert_eq!(state.placed().unwrap().lines, lines([(2, "TEA-GREEN"), (2, "CUP")]));
}

#[test]
fn a_line_does_not_grow_beyond_9999() {
    let events = given(placed()).when(add_item(9_997, "TEA-GREEN")).events();
    assert_eq!(events.len(), 1);
    given(placed())
        .when(add_item(9_998, "TEA-GREEN"))
        .then_rejected(only_item("TEA-GREEN", ItemProblem::Line(LineError::QuantityTooLarge)));
}

#[test]
fn an_order_does_not_grow_beyond_500_lines() {
    let mut prices = Prices::default();
    (0..=500).for_each(|n| list(&mut prices, &format!("SKU-{n}"), usd("1.00")));
    let items = (0..500).map(|n| item(1, &format!("SKU-{n}")));
    let full =
        || given_no_order().at(prices.clone()).when(domain::order::Command::Place(checkout(items.clone()))).events();

    given(full())
        .at(prices.clone())
        .when(add_item(1, "SKU-500"))
        .then_rejected(only_item("SKU-500", ItemProblem::Line(LineError::TooMany)));
    let OrderEvent::ItemAdded(added) = &given(full()).at(prices.clone()).when(add_item(1, "SKU-3")).events()[0] else {
        panic!("no item was added")
    };
    assert_eq!(added.total, usd("501.00"));
}

#[test]
fn what_is_not_on_sale_is_not_added() {
    given(placed()).when(add_item(1, "NO-SUCH")).then_rejected(only_item("NO-SUCH", ItemProblem::UnknownSku));
    given(placed()).when(add_item(1, "OLD-MUG")).then_rejected(only_item("OLD-MUG", ItemProblem::Withdrawn));
}

#[test]
fn an_item_in_another_currency_is_not_added() {
    let (expected, actual) = (currency("USD"), currency("JPY"));
    given(placed())
        .when(add_item(1, "MATCHA"))
        .then_rejected(only_item("MATCHA", ItemProblem::OtherCurrency { expected, actual }));
}

#[test]
fn no_item_is_added_once_a_payment_is_recorded() {
    given(placed())
        .and([payment_recorded("P-1", usd("1.00"), usd("1.00"))])
        .when(add_item(1, "CUP"))
        .then_rejected(Rejection::PaymentRecorded);
}

#[test]
fn no_item_is_added_to_a_paid_order() {
    given(paid()).when(add_item(1, "CUP")).then_rejected(Rejection::AlreadyPaid);
    let free = lines([(1, "SAMPLE")]);
    given([
        item_added(line(1, "SAMPLE"), usd("0.00")),
        order_placed(free.clone(), usd("0.00")),
        order_paid(free, usd("0.00")),
    ])
    .when(add_item(1, "CUP"))
    .then_rejected(Rejection::AlreadyPaid);
}

#[test]
fn no_item_is_added_to_an_order_that_was_never_placed() {
    given_no_order().when(add_item(1, "CUP")).then_rejected(Rejection::NotFound);
    given([item_added(line(1, "CUP"), usd("4.20"))]).when(add_item(1, "CUP")).then_rejected(Rejection::NotFound);
}

#[test]
fn a_free_item_may_join() {
    given(placed()).when(add_item(1, "SAMPLE")).then_events([item_added(line(1, "SAMPLE"), usd("29.20"))]);
}
