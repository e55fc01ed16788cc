//! The aggregates as `cqrs-es` sees them, in its own words: given events, when a command comes, then expect events.

use commands::aggregate::{Cqrs, CqrsEvent, upcasters};
use cqrs_es::DomainEvent;
use cqrs_es::persist::SerializedEvent;
use cqrs_es::test::TestFramework;
use domain::ids::{OrderNumber, SubjectId};
use domain::order::{
    Command, Customer, ItemAdded, ItemFault, ItemProblem, Line, Order, OrderEvent, OrderPaid, OrderPlaced,
    PaymentRecorded, Place, Rejection, RequestedItem, ShippingAddress,
};
use domain::product::{self, Product, ProductAdded, ProductEvent, ProductRepriced, ProductRestored, ProductWithdrawn};
use domain::text::{City, Email, PaymentReference, PersonName, PostalCode, ProductName, StreetAddress};
use domain::{Money, Prices, Quantity, Sku};
use serde_json::json;
use std::sync::Arc;

type OrderTest = TestFramework<Cqrs<Order>>;
type ProductTest = TestFramework<Cqrs<Product>>;

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn usd(amount: &str) -> Money {
    Money::parse(amount, "USD").unwrap()
}

fn added(key: &str, price: &str) -> ProductEvent {
    ProductAdded { sku: sku(key), name: ProductName::parse(key).unwrap(), description: None, price: usd(price) }.into()
}

/// Tea at 12.50, a cup at 4.20, a sample for nothing.
fn prices() -> Prices {
    let mut prices = Prices::default();
    for (key, price) in [("TEA", "12.50"), ("CUP", "4.20"), ("SAMPLE", "0.00")] {
        prices.apply(&sku(key), &added(key, price));
    }
    prices
}

fn customer() -> Arc<Customer> {
    Arc::new(Customer {
        subject_id: SubjectId("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
        first_name: PersonName::parse("Ada").unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        email: Email::parse("ada@example.com").unwrap(),
        shipping_address: Some(ShippingAddress {
            address: StreetAddress::parse("12 St James's Square").unwrap(),
            postal_code: PostalCode::parse("SW1Y 4JH").unwrap(),
            city: City::parse("London").unwrap(),
            country: None,
        }),
    })
}

fn item(number: u32, key: &str) -> RequestedItem {
    RequestedItem { sku: sku(key), quantity: Quantity::try_from(number).unwrap() }
}

fn place<const N: usize>(items: [(u32, &str); N]) -> Command {
    let items = items.into_iter().map(|(number, key)| item(number, key)).collect();
    Command::Place(Place { number: OrderNumber(7), customer: customer(), items, expected_total: None })
}

fn pay(reference: &str, amount: &str) -> Command {
    Command::RecordPayment { reference: PaymentReference::parse(reference).unwrap(), amount: usd(amount) }
}

fn line(number: u32, key: &str) -> Line {
    let listing = prices().listing(&sku(key)).unwrap().clone();
    let RequestedItem { sku, quantity } = item(number, key);
    Line { sku, name: listing.name, unit_price: listing.price, quantity }
}

fn item_added(number: u32, key: &str, total: &str) -> CqrsEvent<OrderEvent> {
    CqrsEvent(ItemAdded { line: line(number, key), total: usd(total) }.into())
}

fn order_placed(lines: &[Line], total: &str) -> CqrsEvent<OrderEvent> {
    let (number, customer) = (OrderNumber(7), customer());
    CqrsEvent(OrderPlaced { number, customer, lines: lines.into(), total: usd(total) }.into())
}

fn order_paid(lines: &[Line], total: &str) -> CqrsEvent<OrderEvent> {
    let (number, customer) = (OrderNumber(7), customer());
    CqrsEvent(OrderPaid { number, customer, lines: lines.into(), total: usd(total) }.into())
}

fn payment_recorded(reference: &str, amount: &str, paid_amount: &str) -> CqrsEvent<OrderEvent> {
    let reference = PaymentReference::parse(reference).unwrap();
    CqrsEvent(PaymentRecorded { reference, amount: usd(amount), paid_amount: usd(paid_amount) }.into())
}

/// Two teas and a cup.
fn placed() -> Vec<CqrsEvent<OrderEvent>> {
    let lines = [line(2, "TEA"), line(1, "CUP")];
    vec![item_added(2, "TEA", "25.00"), item_added(1, "CUP", "29.20"), order_placed(&lines, "29.20")]
}

#[test]
fn a_checkout_places_an_order() {
    OrderTest::with(prices())
        .given_no_previous_events()
        .when(place([(1, "TEA"), (1, "CUP"), (1, "TEA")]))
        .then_expect_events(placed());
}

#[test]
fn an_order_of_zero_is_paid_when_it_is_placed() {
    let lines = [line(1, "SAMPLE")];
    OrderTest::with(prices()).given_no_previous_events().when(place([(1, "SAMPLE")])).then_expect_events(vec![
        item_added(1, "SAMPLE", "0.00"),
        order_placed(&lines, "0.00"),
        order_paid(&lines, "0.00"),
    ]);
}

#[test]
fn an_order_is_placed_once() {
    OrderTest::with(prices())
        .given(placed())
        .when(place([(1, "CUP")]))
        .then_expect_error_message("an order with this id exists already");
}

#[test]
fn what_is_not_in_the_catalogue_is_not_ordered() {
    let fault = ItemFault { index: 1, sku: sku("UNICORN"), problem: ItemProblem::UnknownSku };
    OrderTest::with(prices())
        .given_no_previous_events()
        .when(place([(1, "TEA"), (1, "UNICORN")]))
        .then_expect_error(Rejection::Items(vec![fault]));
}

#[test]
fn an_item_is_added_until_a_payment_is_recorded() {
    OrderTest::with(prices())
        .given(placed())
        .when(Command::AddItem(item(1, "TEA")))
        .then_expect_events(vec![item_added(1, "TEA", "41.70")]);
    OrderTest::with(prices())
        .given(placed())
        .and(vec![payment_recorded("P-1", "1.00", "1.00")])
        .when(Command::AddItem(item(1, "TEA")))
        .then_expect_error(Rejection::PaymentRecorded);
}

#[test]
fn payments_pay_an_order_once_they_cover_it() {
    OrderTest::with(prices())
        .given(placed())
        .when(pay("P-1", "9.20"))
        .then_expect_events(vec![payment_recorded("P-1", "9.20", "9.20")]);
    let part_paid = || OrderTest::with(prices()).given(placed()).and(vec![payment_recorded("P-1", "9.20", "9.20")]);
    part_paid().when(pay("P-2", "20.00")).then_expect_events(vec![
        payment_recorded("P-2", "20.00", "29.20"),
        order_paid(&[line(2, "TEA"), line(1, "CUP")], "29.20"),
    ]);
    part_paid().when(pay("P-2", "20.01")).then_expect_error(Rejection::AboveBalance { balance: usd("20.00") });
    part_paid().when(pay("P-1", "9.21")).then_expect_error(Rejection::ReferenceReused { recorded: usd("9.20") });
    part_paid().when(pay("P-1", "9.20")).then_expect_events(vec![]);
}

#[test]
fn nothing_is_asked_of_an_order_that_is_not_there() {
    for command in [Command::AddItem(item(1, "TEA")), pay("P-1", "1.00")] {
        OrderTest::with(prices()).given_no_previous_events().when(command).then_expect_error(Rejection::NotFound);
    }
}

fn product_history(events: impl IntoIterator<Item = ProductEvent>) -> Vec<CqrsEvent<ProductEvent>> {
    events.into_iter().map(CqrsEvent).collect()
}

fn reprice(price: &str) -> product::Command {
    product::Command::Change(product::Changes { price: Some(usd(price)), ..product::Changes::default() })
}

#[test]
fn a_product_is_added_repriced_withdrawn_and_restored() {
    let tea = sku("TEA");
    let add = product::Command::Add {
        sku: tea.clone(),
        name: ProductName::parse("TEA").unwrap(),
        description: None,
        price: usd("12.50"),
        presentation: product::Presentation::default(),
    };
    let repriced: ProductEvent =
        ProductRepriced { sku: tea.clone(), price: usd("13.00"), previous_price: usd("12.50") }.into();
    let withdrawn: ProductEvent = ProductWithdrawn { sku: tea.clone() }.into();
    let restored: ProductEvent = ProductRestored { sku: tea }.into();
    let steps = [
        (add, added("TEA", "12.50")),
        (reprice("13.00"), repriced),
        (product::Command::Withdraw, withdrawn),
        (product::Command::Restore, restored),
    ];
    let mut history = Vec::new();
    for (command, event) in steps {
        ProductTest::with(prices())
            .given(product_history(history.clone()))
            .when(command)
            .then_expect_events(product_history([event.clone()]));
        history.push(event);
    }
}

#[test]
fn a_product_keeps_its_rules() {
    let tea = || ProductTest::with(prices()).given(product_history([added("TEA", "12.50")]));
    tea().when(reprice("100000000.00")).then_expect_error(product::Rejection::PriceTooHigh);
    tea().when(reprice("12.50")).then_expect_events(vec![]);
    tea().when(product::Command::Restore).then_expect_events(vec![]);
    let never_added = ProductTest::with(prices()).given_no_previous_events();
    never_added.when(reprice("1.00")).then_expect_error(product::Rejection::NotFound);
}

#[test]
fn an_event_of_ours_passes_through_cqrs_es_unchanged() {
    for event in placed() {
        let payload = serde_json::to_value(&event).unwrap();
        assert_eq!(payload.as_object().unwrap().keys().collect::<Vec<_>>(), [&event.event_type()]);
        let version = if event.event_type() == "OrderPlaced" { "2" } else { "1" };
        assert_eq!(event.event_version(), version);
        assert!(serde_json::from_value::<CqrsEvent<OrderEvent>>(payload).unwrap() == event);
    }
    let of_a_product = serde_json::to_value(CqrsEvent(added("TEA", "12.50"))).unwrap();
    assert!(serde_json::from_value::<CqrsEvent<OrderEvent>>(of_a_product).is_err());
}

#[test]
fn a_state_is_written_and_read_whole() {
    let mut order = Cqrs::<Order>::default();
    for event in placed().into_iter().chain([payment_recorded("P-1", "9.20", "9.20")]) {
        cqrs_es::Aggregate::apply(&mut order, event);
    }
    let written = serde_json::to_string(&order).unwrap();
    assert!(serde_json::from_str::<Cqrs<Order>>(&written).unwrap() == order);
    assert_eq!(order.0.placed().unwrap().paid_amount, usd("9.20"));
}

#[test]
fn only_what_can_be_read_is_upcast() {
    let [upcaster] = <[_; 1]>::try_from(upcasters()).ok().unwrap();
    assert!(!upcaster.can_upcast("ItemAdded", "1"), "what is current stays as it is");
    assert!(upcaster.can_upcast("ItemAdded", "0"));
    let unknown = SerializedEvent::new(
        "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        1,
        "order".to_owned(),
        "ItemAdded".to_owned(),
        "0".to_owned(),
        json!({"ItemAdded": {}}),
        json!({}),
    );
    assert!(upcaster.upcast(unknown.clone()) == unknown, "what can't be read is left for cqrs-es to refuse");
}
