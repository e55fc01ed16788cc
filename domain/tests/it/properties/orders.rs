//! Orders under any sequence of commands, at prices that change underneath.

use super::strategies::{of_units, quantities};
use crate::given::state_after;
use crate::samples::{NUMBER, ada, added, currency, reference, sku};
use domain::order::{
    Command, Line, MAX_LINES, Order, OrderEvent, Place, Placed, Rejection, RequestedItem, decide, evolve,
};
use domain::product::{ProductRepriced, ProductWithdrawn};
use domain::{Decision, Money, Prices, Quantity};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a shop with few products lives through.
#[derive(Debug, Clone)]
enum Step {
    Place { items: Vec<(u8, Quantity)>, expected_total: Option<u32> },
    Add { product: u8, quantity: Quantity },
    Pay { reference: u8, part: Part },
    Reprice { product: u8, units: u32 },
    Withdraw { product: u8 },
}

/// How much is paid, seen from what is owed.
#[derive(Debug, Clone)]
enum Part {
    Units(u32),
    Half,
    Rest,
    More,
    InYen(u32),
}

/// Five products in dollars, one in yen, and one that was never added.
const PRODUCTS: u8 = 7;
const IN_YEN: u8 = 5;
const NEVER_ADDED: u8 = 6;

fn quantities_of_any_size() -> impl Strategy<Value = Quantity> {
    prop_oneof![(1..4_u32).prop_map(|number| Quantity::try_from(number).unwrap()), quantities()]
}

/// Mostly what can be ordered: else few sequences get anywhere.
fn products() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 0..IN_YEN, 1 => 0..PRODUCTS]
}

fn steps() -> impl Strategy<Value = Step> {
    let part = prop_oneof![
        any::<u32>().prop_map(Part::Units),
        Just(Part::Half),
        Just(Part::Half),
        Just(Part::Rest),
        Just(Part::More),
        any::<u32>().prop_map(Part::InYen),
    ];
    let expected_total = prop_oneof![8 => Just(None), 1 => any::<u32>().prop_map(Some)];
    prop_oneof![
        4 => (vec((products(), quantities_of_any_size()), 0..6), expected_total)
            .prop_map(|(items, expected_total)| Step::Place { items, expected_total }),
        4 => (products(), quantities_of_any_size()).prop_map(|(product, quantity)| Step::Add { product, quantity }),
        4 => (0..4_u8, part).prop_map(|(reference, part)| Step::Pay { reference, part }),
        2 => (0..NEVER_ADDED, 0..2_000_u32).prop_map(|(product, units)| Step::Reprice { product, units }),
        1 => (0..NEVER_ADDED).prop_map(|product| Step::Withdraw { product }),
    ]
}

fn key(product: u8) -> String {
    format!("SKU-{product}")
}

fn price(product: u8, units: u32) -> Money {
    of_units(units.into(), currency(if product == IN_YEN { "JPY" } else { "USD" }))
}

fn opening_prices() -> Prices {
    let mut prices = Prices::default();
    for product in 0..NEVER_ADDED {
        prices.apply(&sku(&key(product)), &added(&key(product), price(product, u32::from(product) * 125)));
    }
    prices
}

/// An order, the shop, and all that happened.
struct Life {
    prices: Prices,
    order: Order,
    history: Vec<OrderEvent>,
}

impl Life {
    fn live(&mut self, step: Step) -> Result<(), TestCaseError> {
        let command = match step {
            Step::Place { items, expected_total } => Command::Place(Place {
                number: NUMBER,
                customer: ada(),
                items: items.into_iter().map(|(product, quantity)| requested(product, quantity)).collect(),
                expected_total: expected_total.map(|units| price(0, units)),
            }),
            Step::Add { product, quantity } => Command::AddItem(requested(product, quantity)),
            Step::Pay { reference: key, part } => {
                Command::RecordPayment { reference: reference(&key.to_string()), amount: self.amount(&part) }
            }
            Step::Reprice { product, units } => {
                let (sku, price) = (sku(&key(product)), price(product, units));
                self.prices.apply(&sku, &ProductRepriced { sku: sku.clone(), price, previous_price: price }.into());
                return Ok(());
            }
            Step::Withdraw { product } => {
                let sku = sku(&key(product));
                self.prices.apply(&sku, &ProductWithdrawn { sku: sku.clone() }.into());
                return Ok(());
            }
        };
        self.take(&command)
    }

    fn amount(&self, part: &Part) -> Money {
        let balance = self.order.placed().map_or(price(0, 100), |order| order.balance().unwrap());
        let cent = price(0, 1);
        match *part {
            Part::Units(units) => price(0, units),
            Part::Half => of_units(balance.amount().mantissa() / 2, balance.currency()),
            Part::Rest => balance,
            Part::More => {
                balance.checked_add(if balance.currency() == cent.currency() { cent } else { balance }).unwrap()
            }
            Part::InYen(units) => price(IN_YEN, units),
        }
    }

    fn take(&mut self, command: &Command) -> Result<(), TestCaseError> {
        match decide(&self.order, command, &self.prices) {
            Decision::Events(events) => {
                prop_assert!(!events.is_empty());
                for event in events {
                    self.order = evolve(std::mem::take(&mut self.order), &event);
                    self.event_tells_the_state(&event)?;
                    self.history.push(event);
                }
                prop_assert!(self.order.placed().is_some(), "a decision leaves no draft");
            }
            Decision::AlreadySo => {
                let Command::RecordPayment { reference, amount } = command else {
                    return Err(TestCaseError::fail("only a payment can be so already"));
                };
                prop_assert_eq!(self.order.placed().unwrap().payments.get(reference), Some(amount));
            }
            Decision::Rejected(Rejection::Items(faults)) => prop_assert!(!faults.is_empty()),
            Decision::Rejected(_) => {}
        }
        self.order_adds_up()
    }

    /// What an event says of the order is so once it has happened.
    fn event_tells_the_state(&self, event: &OrderEvent) -> Result<(), TestCaseError> {
        match (event, &self.order) {
            (OrderEvent::ItemAdded(added), Order::Draft(draft)) => prop_assert_eq!(added.total, sum(&draft.lines)),
            (OrderEvent::ItemAdded(added), Order::Placed(order)) => prop_assert_eq!(added.total, order.total),
            (OrderEvent::OrderPlaced(placed), Order::Placed(order)) => {
                prop_assert_eq!((&placed.lines, placed.total), (&order.lines, order.total));
                let added: Vec<_> = self.history.iter().filter_map(item_of).collect();
                prop_assert!(added.iter().copied().eq(placed.lines.iter()), "one ItemAdded for each line, in order");
            }
            (OrderEvent::PaymentRecorded(payment), Order::Placed(order)) => {
                prop_assert_eq!(payment.paid_amount, order.paid_amount);
                prop_assert_eq!(order.payments.get(&payment.reference), Some(&payment.amount));
            }
            (OrderEvent::OrderPaid(paid), Order::Paid(order)) => {
                prop_assert_eq!((&paid.lines, paid.total), (&order.lines, order.total));
                prop_assert_eq!((paid.number, &paid.customer), (order.number, &order.customer));
            }
            (event, _) => return Err(TestCaseError::fail(format!("{event:?} led to another phase"))),
        }
        Ok(())
    }

    fn order_adds_up(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(&state_after(&self.history), &self.order, "the history alone gives the state");
        let Some(order) = self.order.placed() else {
            prop_assert!(self.history.is_empty());
            return Ok(());
        };
        prop_assert_eq!(order.total, sum(&order.lines));
        let payments =
            order.payments.values().try_fold(Money::zero(order.total.currency()), |sum, paid| sum.checked_add(*paid));
        prop_assert_eq!(Ok(order.paid_amount), payments);
        prop_assert!(order.paid_amount.amount() <= order.total.amount());
        let times_paid = self.history.iter().filter(|event| matches!(event, OrderEvent::OrderPaid(_))).count();
        prop_assert_eq!(times_paid, usize::from(order.paid_amount == order.total), "paid once, when it is covered");
        prop_assert_eq!(times_paid == 1, self.order.is_paid());
        lines_keep_their_limits(order)
    }
}

fn requested(product: u8, quantity: Quantity) -> RequestedItem {
    RequestedItem { sku: sku(&key(product)), quantity }
}

fn item_of(event: &OrderEvent) -> Option<&Line> {
    match event {
        OrderEvent::ItemAdded(added) => Some(&added.line),
        _ => None,
    }
}

fn sum(lines: &[Line]) -> Money {
    let costs = lines.iter().map(|line| line.cost().unwrap());
    costs.reduce(|sum, cost| sum.checked_add(cost).unwrap()).unwrap()
}

fn lines_keep_their_limits(order: &Placed) -> Result<(), TestCaseError> {
    prop_assert!((1..=MAX_LINES).contains(&order.lines.len()));
    let distinct: BTreeSet<_> = order.lines.iter().map(|line| (line.sku.as_str(), line.unit_price.amount())).collect();
    prop_assert_eq!(distinct.len(), order.lines.len(), "a sku at one price is one line");
    for line in &*order.lines {
        prop_assert_eq!(line.unit_price.currency(), order.total.currency());
        prop_assert!((1..=Quantity::MAX).contains(&line.quantity.get()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_order_adds_up_whatever_is_asked_of_it(steps in vec(steps(), 1..40)) {
        let mut life = Life { prices: opening_prices(), order: Order::Empty, history: Vec::new() };
        for step in steps {
            life.live(step)?;
        }
    }
}
