//! Correcting the mistyped address of an order's mails.

use crate::given::{given, given_no_order};
use crate::samples::*;
use domain::order::{Command, Customer, EmailCorrected, Order, OrderEvent, OrderPlaced, Rejection};
use domain::text::Email;
use std::sync::Arc;

fn correct(address: &str) -> Command {
    Command::CorrectEmail { email: Email::parse(address).unwrap() }
}

fn placed_event() -> OrderPlaced {
    let placed = placed().into_iter().find_map(|event| match event {
        OrderEvent::OrderPlaced(placed) => Some(placed),
        _ => None,
    });
    placed.unwrap_or_else(|| panic!("it was not placed"))
}

fn corrected(address: &str) -> OrderEvent {
    let OrderPlaced { number, customer, lines, total } = placed_event();
    let customer = Customer { email: Email::parse(address).unwrap(), ..Customer::clone(&customer) };
    EmailCorrected { number, customer: Arc::new(customer), lines, total }.into()
}

#[test]
fn the_event_holds_the_whole_order_with_the_address_as_it_is_now() {
    given(placed()).when(correct("right@example.com")).then_events([corrected("right@example.com")]);
    let Order::Placed(order) = given(placed()).when(correct("right@example.com")).then_state() else { panic!() };
    assert_eq!(order.customer.email.as_str(), "right@example.com");
    assert_eq!(order.customer.subject_id, placed_event().customer.subject_id);
}

#[test]
fn the_address_that_it_has_is_no_correction() {
    let email = placed_event().customer.email.to_string();
    given(placed()).when(correct(&email)).then_nothing();
    given(placed()).and([corrected("right@example.com")]).when(correct("right@example.com")).then_nothing();
}

#[test]
fn what_follows_goes_to_the_new_address() {
    let then = given(placed()).and([corrected("right@example.com")]).when(record_payment("P-1", usd("29.20")));
    let paid = then.events().into_iter().find_map(|event| match event {
        OrderEvent::OrderPaid(paid) => Some(paid.customer.email.to_string()),
        _ => None,
    });
    assert_eq!(paid.as_deref(), Some("right@example.com"));
}

#[test]
fn a_paid_order_is_corrected_too() {
    let paid = given(placed()).when(record_payment("P-1", usd("29.20"))).events();
    let state = given(placed()).and(paid).when(correct("right@example.com")).then_state();
    assert!(state.is_paid());
    assert_eq!(state.placed().unwrap().customer.email.as_str(), "right@example.com");
}

#[test]
fn an_order_that_there_is_not_can_t_be_corrected() {
    given_no_order().when(correct("right@example.com")).then_rejected(Rejection::NotFound);
}
