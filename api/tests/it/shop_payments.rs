//! Payments by PayPal: two ways back, one payment; and a fact is never refused.

use crate::shop_payments_support::{Market, happened};
use api::payments::provider::ProviderError;
use api::payments::{BeginError, Settled};
use commands::payments::intents::IntentState;
use domain::ids::OrderId;
use serde_json::json;
use testkit::paypal::{At, Fate, Notice};
use uuid::Uuid;

#[tokio::test]
async fn the_customer_s_return_and_the_notice_are_one_payment() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    market.paid_once(&market.happened(order).await);
    for notice in market.paypal.take_notices() {
        assert_eq!(market.deliver(&notice).await, 204, "{}", notice.event_type);
    }
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
    assert!(market.notices().await.iter().all(|(state, _)| state == "done"), "{:?}", market.notices().await);
    let shown = market.order(order).await.json();
    assert_eq!((&shown["paid"], &shown["needs_review"]), (&json!(true), &json!(false)));
    let [(kind, reference, amount)] = &market.payments(order).await[..] else { panic!("one payment") };
    assert_eq!((kind.as_str(), amount.as_str()), ("PaymentRecorded", "25.00"));
    assert!(reference.starts_with("paypal:"), "{reference}");
    // Coming back again changes nothing.
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn the_events_name_who_told_and_the_customer_s_language() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, payment) = market.approved(order).await;
    market.till.payments.returned(intent.id).await.unwrap();
    let metadata: serde_json::Value =
        sqlx::query_scalar("SELECT metadata FROM events WHERE aggregate_id = $1 AND event_type = 'OrderPaid'")
            .bind(order.to_string())
            .fetch_one(&market.shop.db.pool().await)
            .await
            .unwrap();
    assert_eq!((&metadata["actor"], &metadata["locale"]), (&json!("provider:paypal"), &json!("ko")));
    assert_eq!(metadata["correlation_id"], json!(intent.id));
    assert_eq!(market.paypal.payments(), [payment]);
}

#[tokio::test]
async fn without_coming_back_the_notice_of_approval_is_enough() {
    let market = Market::open().await;
    let order = market.place().await;
    market.approved(order).await;
    let [approved] = &market.paypal.take_notices()[..] else { panic!("one notice") };
    assert_eq!(market.deliver(approved).await, 204);
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn notices_come_twice_and_in_any_order() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    market.till.payments.returned(intent.id).await.unwrap();
    let mut notices = market.paypal.take_notices();
    notices.reverse();
    for notice in notices.iter().chain(&notices) {
        assert_eq!(market.deliver(notice).await, 204);
        market.work_off().await;
    }
    assert_eq!(market.notices().await.len(), 2, "each is kept once");
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn pressing_twice_asks_once() {
    let market = Market::open().await;
    let order = market.place().await;
    let other = market.another_till().await;
    let (one, two, three) =
        tokio::join!(market.begin(order), market.begin(order), async { other.payments.begin(order, "en").await });
    assert_eq!((one.id, one.id), (two.id, three.unwrap().id));
    assert_eq!(market.paypal.payments().len(), 1);
    assert_eq!(market.begin(order).await.approve_url, one.approve_url);
}

#[tokio::test]
async fn what_is_paid_or_on_its_way_is_not_asked_for_again() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, payment) = market.approved(order).await;
    market.paypal.decide(&payment, Fate::Pending);
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Pending);
    assert!(matches!(market.till.payments.begin(order, "en").await, Err(BeginError::UnderWay)));
    assert_eq!(market.happened(order).await, Vec::<String>::new());
    // PayPal has made up its mind.
    market.paypal.decide(&payment, Fate::Completed);
    let completed = market.paypal.captured(&payment);
    assert_eq!(market.deliver(&completed).await, 204);
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
    assert!(matches!(market.till.payments.begin(order, "en").await, Err(BeginError::NothingToPay)));
    let unknown = OrderId(Uuid::now_v7());
    assert!(matches!(market.till.payments.begin(unknown, "en").await, Err(BeginError::NoOrder)));
}

#[tokio::test]
async fn after_a_refusal_the_customer_may_try_again() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, payment) = market.approved(order).await;
    market.paypal.decide(&payment, Fate::Declined);
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Declined);
    let last = market.till.payments.last_of(order).await.unwrap().unwrap();
    assert_eq!((last.state, last.reason.as_deref()), (IntentState::Declined, Some("INSTRUMENT_DECLINED")));
    let (again, _) = market.approved(order).await;
    assert_ne!(again.id, intent.id);
    assert_eq!(market.till.payments.returned(again.id).await.unwrap(), Settled::Noted);
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn who_comes_back_without_agreeing_has_not_paid() {
    let market = Market::open().await;
    let order = market.place().await;
    let intent = market.begin(order).await;
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::NotApproved);
    assert_eq!(market.begin(order).await.id, intent.id, "it still may be agreed to");
    market.till.payments.cancelled(intent.id).await.unwrap();
    let again = market.begin(order).await;
    assert_ne!(again.id, intent.id);
    // Agreed to in another tab, after all.
    market.paypal.approve(intent.reference.as_deref().unwrap());
    let [approved] = &market.paypal.take_notices()[..] else { panic!("one notice") };
    market.deliver(approved).await;
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn what_nobody_agreed_to_in_time_is_asked_for_anew() {
    let market = Market::open().await;
    let order = market.place().await;
    let intent = market.begin(order).await;
    market.hours.pass(3 * 60 * 60);
    assert_ne!(market.begin(order).await.id, intent.id);
    let old = market.till.payments.intent(intent.id).await.unwrap().unwrap();
    assert_eq!(old.state, IntentState::Expired);
}

#[tokio::test]
async fn what_is_not_owed_any_more_is_not_taken() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    market.front.pay(&order.to_string(), "25.00", "cash").await.is(200);
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::NotOwed);
    assert_eq!(market.paypal.captures(), 0);
    for notice in market.paypal.take_notices() {
        assert_eq!(market.deliver(&notice).await, 204);
    }
    market.work_off().await;
    assert_eq!(market.paypal.captures(), 0);
    assert_eq!(market.happened(order).await, ["PaymentRecorded", "OrderPaid"]);
}

#[tokio::test]
async fn what_was_taken_and_does_not_fit_is_flagged() {
    let market = Market::open().await;
    let order = market.place().await;
    let (_, payment) = market.approved(order).await;
    // PayPal took it, and the shop learns of it after it was paid elsewhere.
    let capture = market.paypal.capture(&payment);
    market.front.pay(&order.to_string(), "25.00", "cash").await.is(200);
    for _ in 0..2 {
        assert_eq!(market.deliver(&capture).await, 204);
        market.work_off().await;
    }
    assert_eq!(market.happened(order).await, ["PaymentRecorded", "OrderPaid", "PaymentFlagged"]);
    let shown = market.order(order).await.json();
    assert_eq!((&shown["paid"], &shown["needs_review"]), (&json!(true), &json!(true)));
    let last = market.till.payments.last_of(order).await.unwrap().unwrap();
    assert_eq!(last.state, IntentState::Paid, "it is the order's matter now");
}

#[tokio::test]
async fn a_part_of_the_total_may_be_paid_elsewhere() {
    let market = Market::open().await;
    let order = market.place().await;
    market.front.pay(&order.to_string(), "10.00", "voucher").await.is(200);
    let (intent, _) = market.approved(order).await;
    assert_eq!(intent.amount.to_string(), "15.00 USD");
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    assert_eq!(market.happened(order).await, ["PaymentRecorded", "PaymentRecorded", "OrderPaid"]);
}

#[tokio::test]
async fn a_second_payment_of_an_order_is_not_taken_for_the_first_one_again() {
    let market = Market::open().await;
    let order = market.place().await;
    let (first, first_payment) = market.approved(order).await;
    market.till.payments.cancelled(first.id).await.unwrap();
    let (second, _) = market.approved(order).await;
    // PayPal took the first one's money, and nobody knows yet.
    let capture = market.paypal.capture(&first_payment);
    assert_eq!(market.till.payments.returned(second.id).await.unwrap(), Settled::Noted);
    assert_eq!(market.happened(order).await, ["PaymentRecorded", "OrderPaid"]);
    assert_eq!(market.deliver(&capture).await, 204);
    market.work_off().await;
    assert_eq!(market.happened(order).await, ["PaymentRecorded", "OrderPaid", "PaymentFlagged"]);
}

#[tokio::test]
async fn a_notice_of_no_order_of_ours_stays_visible() {
    let market = Market::open().await;
    let amount = json!({ "currency_code": "USD", "value": "5.00" });
    let capture = |custom_id: serde_json::Value| json!({ "id": "42311647XV020574X", "status": "COMPLETED", "amount": amount, "custom_id": custom_id });
    let of_nobody = Notice::new("PAYMENT.CAPTURE.COMPLETED", "capture", capture(json!(null)));
    let of_another = Notice::new("PAYMENT.CAPTURE.COMPLETED", "capture", capture(json!(Uuid::now_v7())));
    let dispute = Notice::new("CUSTOMER.DISPUTE.CREATED", "dispute", json!({ "dispute_id": "PP-D-1" }));
    for notice in [&of_nobody, &of_another, &dispute] {
        assert_eq!(market.deliver(notice).await, 204);
    }
    market.work_off().await;
    let notices = market.notices().await;
    let states: Vec<&str> = notices.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["unmatched", "unmatched", "ignored"]);
    assert!(notices.iter().all(|(_, outcome)| outcome.as_ref().is_some_and(|outcome| !outcome.is_empty())));
    // Much later they are still there, and what was ignored is not.
    market.hours.pass(40 * 24 * 60 * 60);
    let pool = market.shop.db.pool().await;
    commands::payments::notices::sweep(&pool, chrono::Utc::now() + chrono::TimeDelta::days(40)).await.unwrap();
    assert_eq!(market.notices().await.len(), 2);
}

#[tokio::test]
async fn currencies_without_decimals_are_paid_without() {
    let market = Market::open().await;
    let yen = json!({ "sku": "SENCHA", "name": "Sencha", "price": { "amount": "900", "currency": "JPY" } });
    let forint = json!({ "sku": "TOKAJI", "name": "Tokaji", "price": { "amount": "4500", "currency": "HUF" } });
    let odd = json!({ "sku": "ODD", "name": "Odd", "price": { "amount": "4500.50", "currency": "HUF" } });
    let won = json!({ "sku": "NOKCHA", "name": "Nokcha", "price": { "amount": "9000", "currency": "KRW" } });
    for product in [yen, forint, odd, won] {
        market.front.post("/v1/products", &product).await.is(201);
    }
    for (sku, shown) in [("SENCHA", "900 JPY"), ("TOKAJI", "4500.00 HUF")] {
        let order: OrderId = market.front.place(&[(sku, 1)]).await.id().parse().unwrap();
        let (intent, _) = market.approved(order).await;
        assert_eq!(intent.amount.to_string(), shown);
        assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
        assert_eq!(happened(&market.shop, order).await, ["PaymentRecorded", "OrderPaid"]);
    }
    for sku in ["ODD", "NOKCHA"] {
        let order: OrderId = market.front.place(&[(sku, 1)]).await.id().parse().unwrap();
        let refused = market.till.payments.begin(order, "en").await;
        assert!(matches!(refused, Err(BeginError::Provider(ProviderError::Amount(_)))), "{refused:?}");
    }
    assert_eq!(market.paypal.asked(At::Create), 2, "what PayPal does not take is not asked for");
}
