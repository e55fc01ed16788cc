//! Recording what was paid elsewhere.

use crate::given::{given, given_no_order};
use crate::samples::*;
use domain::order::{Order, OrderEvent, PaymentConflict, Rejection, Reversal};

/// The order of [`placed`], with ten dollars paid.
fn partly_paid() -> Vec<OrderEvent> {
    let mut history = placed();
    history.push(payment_recorded("P-1", usd("10.00"), usd("10.00")));
    history
}

#[test]
fn a_part_is_recorded_and_the_rest_is_owed() {
    let when = || given(placed()).when(record_payment("P-1", usd("10.00")));
    when().then_events([payment_recorded("P-1", usd("10.00"), usd("10.00"))]);
    let Order::Placed(order) = when().then_state() else { panic!("the order is not open any more") };
    assert_eq!(order.balance().unwrap(), usd("19.20"));
}

#[test]
fn the_payment_that_covers_the_total_pays_the_order() {
    given(placed()).when(record_payment("P-1", usd("29.20"))).then_events([
        payment_recorded("P-1", usd("29.20"), usd("29.20")),
        order_paid(lines([(2, "TEA-GREEN"), (1, "CUP")]), usd("29.20")),
    ]);
    given(partly_paid()).when(record_payment("P-2", usd("19.20"))).then_events([
        payment_recorded("P-2", usd("19.20"), usd("29.20")),
        order_paid(lines([(2, "TEA-GREEN"), (1, "CUP")]), usd("29.20")),
    ]);
}

#[test]
fn what_is_paid_includes_what_was_added_later() {
    given(placed())
        .and([item_added(line(1, "COFFEE"), usd("38.20"))])
        .when(record_payment("P-1", usd("38.20")))
        .then_events([
            payment_recorded("P-1", usd("38.20"), usd("38.20")),
            order_paid(lines([(2, "TEA-GREEN"), (1, "CUP"), (1, "COFFEE")]), usd("38.20")),
        ]);
}

#[test]
fn a_payment_above_the_balance_is_refused() {
    let balance = usd("29.20");
    given(placed()).when(record_payment("P-1", usd("29.21"))).then_rejected(Rejection::AboveBalance { balance });
    let balance = usd("19.20");
    given(partly_paid()).when(record_payment("P-2", usd("19.21"))).then_rejected(Rejection::AboveBalance { balance });
}

#[test]
fn a_payment_in_another_currency_is_refused() {
    let expected = currency("USD");
    given(placed())
        .when(record_payment("P-1", money("29.20", "EUR")))
        .then_rejected(Rejection::PaymentCurrency { expected });
}

#[test]
fn a_payment_of_nothing_is_refused() {
    given(placed()).when(record_payment("P-1", usd("0.00"))).then_rejected(Rejection::PaymentOfZero);
}

#[test]
fn the_same_payment_again_changes_nothing() {
    given(partly_paid()).when(record_payment("P-1", usd("10.00"))).then_nothing();
    given(paid()).when(record_payment("P-1", usd("29.20"))).then_nothing();
}

#[test]
fn a_reference_stands_for_one_amount() {
    let recorded = usd("10.00");
    let refused = || Rejection::ReferenceReused { recorded };
    given(partly_paid()).when(record_payment("P-1", usd("10.01"))).then_rejected(refused());
    given(partly_paid()).when(record_payment("P-1", money("10.00", "EUR"))).then_rejected(refused());
    given(partly_paid()).when(record_payment("P-1", usd("0.00"))).then_rejected(refused());
    let recorded = usd("29.20");
    given(paid()).when(record_payment("P-1", usd("1.00"))).then_rejected(Rejection::ReferenceReused { recorded });
}

#[test]
fn a_paid_order_takes_no_more_payments() {
    given(paid()).when(record_payment("P-2", usd("0.01"))).then_rejected(Rejection::AlreadyPaid);
}

#[test]
fn there_is_nothing_to_pay_before_an_order_is_placed() {
    given_no_order().when(record_payment("P-1", usd("1.00"))).then_rejected(Rejection::NotFound);
    given([item_added(line(1, "CUP"), usd("4.20"))])
        .when(record_payment("P-1", usd("4.20")))
        .then_rejected(Rejection::NotFound);
}

#[test]
fn references_differ_by_case_but_not_by_spaces_around() {
    given(partly_paid()).when(record_payment(" P-1 ", usd("10.00"))).then_nothing();
    let events = given(partly_paid()).when(record_payment("p-1", usd("10.00"))).events();
    assert_eq!(events, [payment_recorded("p-1", usd("10.00"), usd("20.00"))]);
}

#[test]
fn what_a_provider_says_is_recorded_like_any_payment() {
    given(placed()).when(note_payment("P-1", usd("29.20"))).then_events([
        payment_recorded("P-1", usd("29.20"), usd("29.20")),
        order_paid(lines([(2, "TEA-GREEN"), (1, "CUP")]), usd("29.20")),
    ]);
    given(partly_paid()).when(note_payment("P-1", usd("10.00"))).then_nothing();
    given(paid()).when(note_payment("P-1", usd("29.20"))).then_nothing();
}

#[test]
fn what_a_provider_says_and_does_not_fit_is_flagged_and_never_refused() {
    use PaymentConflict::{AboveBalance, Nothing, OtherAmount, OtherCurrency};
    for (history, key, amount, conflict) in [
        (placed(), "P-1", usd("29.21"), AboveBalance),
        (placed(), "P-1", money("29.20", "EUR"), OtherCurrency),
        (placed(), "P-1", usd("0.00"), Nothing),
        (partly_paid(), "P-1", usd("10.01"), OtherAmount),
        (partly_paid(), "P-2", usd("19.21"), AboveBalance),
        (paid(), "P-2", usd("29.20"), AboveBalance),
        (paid(), "P-1", usd("1.00"), OtherAmount),
    ] {
        let flagged = payment_flagged(key, amount, conflict);
        given(history.clone()).when(note_payment(key, amount)).then_events([flagged.clone()]);
        given(history).and([flagged]).when(note_payment(key, amount)).then_nothing();
    }
    given_no_order().when(note_payment("P-1", usd("1.00"))).then_rejected(Rejection::NotFound);
}

#[test]
fn what_a_provider_takes_back_is_flagged_once_and_never_refused() {
    use Reversal::{Denied, Refunded, Reversed};
    for (history, key, reversal, payment) in [
        (paid(), "R-1", Refunded, "P-1"),
        (paid(), "R-1", Reversed, "P-1"),
        // The provider may deny what it said was paid, under the same name.
        (paid(), "P-1", Denied, "P-1"),
        // Of a payment that nobody has told of yet.
        (placed(), "R-1", Refunded, "P-1"),
    ] {
        let flagged = taken_back(key, usd("29.20"), reversal, payment);
        let note = || note_reversal(key, usd("29.20"), reversal, payment);
        given(history.clone()).when(note()).then_events([flagged.clone()]);
        given(history).and([flagged]).when(note()).then_nothing();
    }
    given_no_order().when(note_reversal("R-1", usd("1.00"), Refunded, "P-1")).then_rejected(Rejection::NotFound);
}

#[test]
fn what_is_given_back_in_parts_is_flagged_part_by_part_and_leaves_the_order_paid() {
    let flagged = taken_back("R-1", usd("5.00"), Reversal::Refunded, "P-1");
    let mut history = paid();
    history.push(flagged);
    let note = note_reversal("R-2", usd("5.00"), Reversal::Refunded, "P-1");
    let state = given(history).when(note).then_state();
    assert!(state.needs_review() && state.is_paid());
    assert_eq!(state.placed().unwrap().flagged.len(), 2);
}

#[test]
fn what_is_denied_and_was_never_recorded_changes_nothing() {
    let note = || note_reversal("P-9", usd("29.20"), Reversal::Denied, "P-9");
    given(placed()).when(note()).then_nothing();
    given(paid()).when(note()).then_nothing();
}

#[test]
fn a_flagged_payment_counts_in_no_sum_and_asks_for_a_look() {
    let flagged = payment_flagged("P-9", usd("50.00"), PaymentConflict::AboveBalance);
    let state = given(placed()).and([flagged.clone()]).when(note_payment("P-1", usd("10.00"))).then_state();
    assert!(state.needs_review() && !state.is_paid());
    assert_eq!(state.placed().unwrap().balance().unwrap(), usd("19.20"));
    let mut history = paid();
    history.push(flagged);
    let state = crate::given::state_after(&history);
    assert!(state.needs_review() && state.is_paid());
}
