//! Given what happened, when a command comes, then this follows: a test of a decision reads as that sentence.

use crate::samples::shop;
use domain::category::{self, Category, CategoryEvent};
use domain::newsletter::{self, Newsletter, NewsletterEvent};
use domain::order::{self, Order, OrderEvent};
use domain::product::{self, Product, ProductEvent};
use domain::{Decision, Event, Prices, wire};
use std::fmt::Debug;

/// An event of an aggregate, and with it all that belongs to that aggregate.
pub trait Happened: Clone + Debug + PartialEq + Into<Event> {
    type State: Default;
    type Command;
    type Rejection: Debug + PartialEq;

    fn decide(state: &Self::State, command: &Self::Command, prices: &Prices) -> Decision<Self, Self::Rejection>;
    fn evolve(state: Self::State, event: &Self) -> Self::State;
}

impl Happened for OrderEvent {
    type State = Order;
    type Command = order::Command;
    type Rejection = order::Rejection;

    fn decide(state: &Order, command: &order::Command, prices: &Prices) -> Decision<Self, order::Rejection> {
        order::decide(state, command, prices)
    }

    fn evolve(state: Order, event: &Self) -> Order {
        order::evolve(state, event)
    }
}

impl Happened for ProductEvent {
    type State = Product;
    type Command = product::Command;
    type Rejection = product::Rejection;

    fn decide(state: &Product, command: &product::Command, _: &Prices) -> Decision<Self, product::Rejection> {
        product::decide(state, command)
    }

    fn evolve(state: Product, event: &Self) -> Product {
        product::evolve(state, event)
    }
}

impl Happened for CategoryEvent {
    type State = Category;
    type Command = category::Command;
    type Rejection = category::Rejection;

    fn decide(state: &Category, command: &category::Command, _: &Prices) -> Decision<Self, category::Rejection> {
        category::decide(state, command)
    }

    fn evolve(state: Category, event: &Self) -> Category {
        category::evolve(state, event)
    }
}

impl Happened for NewsletterEvent {
    type State = Newsletter;
    type Command = newsletter::Command;
    type Rejection = newsletter::Rejection;

    fn decide(state: &Newsletter, command: &newsletter::Command, _: &Prices) -> Decision<Self, newsletter::Rejection> {
        newsletter::decide(state, command)
    }

    fn evolve(state: Newsletter, event: &Self) -> Newsletter {
        newsletter::evolve(state, event)
    }
}

/// The state that `history` leaves.
pub fn state_after<'a, E: Happened + 'a>(history: impl IntoIterator<Item = &'a E>) -> E::State {
    history.into_iter().fold(E::State::default(), E::evolve)
}

/// Starts a test with what happened before, and the prices of [`shop`].
pub fn given<E: Happened>(history: impl IntoIterator<Item = E>) -> Given<E> {
    Given { history: history.into_iter().collect(), prices: shop() }
}

/// An id under which no order was placed.
pub fn given_no_order() -> Given<OrderEvent> {
    given([])
}

/// A sku under which no product was added.
pub fn given_no_product() -> Given<ProductEvent> {
    given([])
}

/// A slug under which no category was added.
pub fn given_no_category() -> Given<CategoryEvent> {
    given([])
}

#[must_use]
pub struct Given<E> {
    history: Vec<E>,
    prices: Prices,
}

impl<E: Happened> Given<E> {
    /// More of what happened before.
    pub fn and(mut self, history: impl IntoIterator<Item = E>) -> Self {
        self.history.extend(history);
        self
    }

    /// Other prices than those of [`shop`].
    pub fn at(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    pub fn when(self, command: E::Command) -> Then<E> {
        Then { decision: E::decide(&state_after(&self.history), &command, &self.prices), history: self.history }
    }
}

#[must_use]
pub struct Then<E: Happened> {
    history: Vec<E>,
    decision: Decision<E, E::Rejection>,
}

impl<E: Happened> Then<E> {
    /// Exactly these events, in this order.
    #[track_caller]
    pub fn then_events(self, expected: impl IntoIterator<Item = E>) {
        let events = self.events();
        let expected: Vec<E> = expected.into_iter().collect();
        // Shown as they would be stored: `{:?}` hides personal data.
        assert!(events == expected, "decided:\n{}\nexpected:\n{}", stored(&events), stored(&expected));
    }

    /// The events, to look at in part.
    #[track_caller]
    pub fn events(self) -> Vec<E> {
        match self.decision {
            Decision::Events(events) => events,
            other => panic!("no events were decided, but {other:?}"),
        }
    }

    /// The state that the events leave.
    #[track_caller]
    pub fn then_state(self) -> E::State {
        let mut history = self.history.clone();
        history.extend(self.events());
        state_after(&history)
    }

    #[track_caller]
    pub fn then_rejected(self, expected: E::Rejection) {
        match self.decision {
            Decision::Rejected(rejection) => assert_eq!(rejection, expected),
            other => panic!("not rejected, but {other:?}"),
        }
    }

    /// A success that changes nothing.
    #[track_caller]
    pub fn then_nothing(self) {
        assert_eq!(self.decision, Decision::AlreadySo);
    }
}

fn stored<E: Happened>(events: &[E]) -> String {
    let lines: Vec<String> = events.iter().map(|event| wire::encode(&event.clone().into()).payload).collect();
    lines.join("\n")
}
