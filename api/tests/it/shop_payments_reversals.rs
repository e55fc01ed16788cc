//! Money that PayPal takes back: refunded, reversed, denied. A fact like any other: the order keeps what it says, and
//! is flagged.

use crate::shop_payments_support::Market;
use api::payments::Settled;
use commands::payments::intents::IntentState;
use domain::ids::OrderId;
use serde_json::{Value, json};
use testkit::paypal::{At, Fate, Fault, Notice};
use uuid::Uuid;

/// An order that was paid by PayPal, and the payment as PayPal knows it.
async fn paid(market: &Market) -> (OrderId, String) {
    let order = market.place().await;
    let (intent, payment) = market.approved(order).await;
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    market.paypal.take_notices();
    (order, payment)
}

async fn tell(market: &Market, notice: &Notice) {
    assert_eq!(market.deliver(notice).await, 204);
    market.work_off().await;
}

/// The flags of an order, as they are stored.
async fn flags(market: &Market, order: OrderId) -> Vec<Value> {
    let payloads: Vec<Value> = sqlx::query_scalar(
        "SELECT payload FROM events WHERE aggregate_id = $1 AND event_type = 'PaymentFlagged' ORDER BY sequence",
    )
    .bind(order.to_string())
    .fetch_all(&market.shop.db.pool().await)
    .await
    .unwrap();
    payloads.into_iter().map(|payload| payload["PaymentFlagged"].clone()).collect()
}

#[tokio::test]
async fn what_is_refunded_flags_the_order_once_and_part_by_part() {
    let market = Market::open().await;
    let (order, payment) = paid(&market).await;
    let [(_, recorded, _)] = &market.payments(order).await[..] else { panic!("one payment") };
    let (first, second) = (market.paypal.refund(&payment, "5.00"), market.paypal.refund(&payment, "20.00"));
    for notice in [&first, &first, &second] {
        tell(&market, notice).await;
    }
    let flags = flags(&market, order).await;
    let amounts: Vec<&str> = flags.iter().filter_map(|flag| flag["amount"]["amount"].as_str()).collect();
    assert_eq!(amounts, ["5.00", "20.00"]);
    for flag in &flags {
        assert_eq!((&flag["conflict"], &flag["payment"]), (&json!("refunded"), &json!(recorded)));
    }
    let shown = market.order(order).await.json();
    assert_eq!((&shown["paid"], &shown["needs_review"]), (&json!(true), &json!(true)));
    assert!(market.notices().await.iter().all(|(state, _)| state == "done"), "{:?}", market.notices().await);
}

#[tokio::test]
async fn what_paypal_takes_back_is_told_apart_from_what_we_give_back() {
    let market = Market::open().await;
    let (order, payment) = paid(&market).await;
    tell(&market, &market.paypal.reverse(&payment, "-25.00")).await;
    let flags = flags(&market, order).await;
    assert_eq!((flags.len(), &flags[0]["conflict"]), (1, &json!("reversed")));
    assert_eq!(flags[0]["amount"], json!({ "amount": "25.00", "currency": "USD" }));
}

#[tokio::test]
async fn a_refund_whose_order_can_not_be_asked_for_is_tried_again() {
    let market = Market::open().await;
    let (order, payment) = paid(&market).await;
    for _ in 0..2 {
        market.paypal.fail(At::ShowCapture, Fault::Status(503));
    }
    tell(&market, &market.paypal.refund(&payment, "25.00")).await;
    assert_eq!(flags(&market, order).await, Vec::<Value>::new());
    market.hours.pass(3_601);
    market.work_off().await;
    assert_eq!(flags(&market, order).await.len(), 1);
}

#[tokio::test]
async fn a_refund_that_names_the_order_needs_no_question() {
    let market = Market::open().await;
    let (order, _) = paid(&market).await;
    let amount = json!({ "currency_code": "USD", "value": "25.00" });
    let refund = |custom_id: Value| json!({ "id": "1Y107995YT783435V", "amount": amount, "custom_id": custom_id });
    tell(&market, &Notice::new("PAYMENT.CAPTURE.REFUNDED", "refund", refund(json!(order)))).await;
    assert_eq!((flags(&market, order).await.len(), market.paypal.asked(At::ShowCapture)), (1, 0));
    // What was never ours stays visible.
    tell(&market, &Notice::new("PAYMENT.CAPTURE.REFUNDED", "refund", refund(json!(Uuid::now_v7())))).await;
    tell(&market, &Notice::new("PAYMENT.CAPTURE.REFUNDED", "refund", refund(Value::Null))).await;
    let notices = market.notices().await;
    let states: Vec<&str> = notices.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["done", "unmatched", "unmatched"], "{notices:?}");
}

#[tokio::test]
async fn what_is_denied_after_it_was_recorded_is_flagged_and_else_only_ends_the_payment() {
    let market = Market::open().await;
    let (order, payment) = paid(&market).await;
    market.paypal.decide(&payment, Fate::Declined);
    tell(&market, &market.paypal.captured(&payment)).await;
    let flags_of_paid = flags(&market, order).await;
    assert_eq!((flags_of_paid.len(), &flags_of_paid[0]["conflict"]), (1, &json!("denied")));

    let other = market.place().await;
    let (intent, payment) = market.approved(other).await;
    market.paypal.decide(&payment, Fate::Pending);
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Pending);
    market.paypal.decide(&payment, Fate::Declined);
    tell(&market, &market.paypal.captured(&payment)).await;
    assert_eq!(market.happened(other).await, Vec::<String>::new());
    let last = market.till.payments.last_of(other).await.unwrap().unwrap();
    assert_eq!(last.state, IntentState::Declined, "the customer may try again");
}
