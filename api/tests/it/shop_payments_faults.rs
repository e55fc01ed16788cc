//! Payments while PayPal, the way there, or a process of ours fails: nothing is lost, nothing is paid twice.

use crate::http_support::BOUND;
use crate::shop_payments_support::Market;
use api::payments::provider::ProviderError;
use api::payments::{BeginError, Settled};
use testkit::eventually;
use testkit::paypal::{At, Delivery, Fault};

#[tokio::test]
async fn the_notice_comes_before_the_reply() {
    let market = Market::open().await;
    market.paypal.notify(&market.till.webhook);
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    market.paypal.fail(At::Capture, Fault::NoticeFirst);
    let payments = market.till.payments.clone();
    let stop = market.till.stop.clone();
    let task = tokio::spawn(async move { payments.run(&stop).await });
    // The notice of approval may have been the first.
    let returned = market.till.payments.returned(intent.id).await.unwrap();
    assert!(matches!(returned, Settled::Noted | Settled::Later), "{returned:?}");
    eventually("both notices are handled", BOUND, async || {
        let notices = market.notices().await;
        if notices.len() == 2 && notices.iter().all(|(state, _)| state == "done") {
            Ok(())
        } else {
            Err(format!("{notices:?}"))
        }
    })
    .await;
    market.paid_once(&market.happened(order).await);
    market.till.stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_reply_that_is_lost_is_asked_for_again() {
    let market = Market::open().await;
    let order = market.place().await;
    market.paypal.fail(At::Create, Fault::ReplyLost);
    let (intent, _) = market.approved(order).await;
    assert_eq!((market.paypal.asked(At::Create), market.paypal.payments().len()), (2, 1));
    market.paypal.fail(At::Capture, Fault::ReplyLost);
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn where_every_reply_to_a_capture_is_lost_the_order_itself_is_looked_at() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    for _ in 0..2 {
        market.paypal.fail(At::Capture, Fault::ReplyLost);
    }
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    assert_eq!((market.paypal.asked(At::Capture), market.paypal.asked(At::Show)), (2, 1));
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_provider_that_fails_now_and_then_is_asked_again() {
    let market = Market::open().await;
    for (at, status) in [(At::Token, 503), (At::Create, 500), (At::Capture, 429)] {
        market.paypal.fail(at, Fault::Status(status));
    }
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    assert_eq!(market.paypal.payments().len(), 1);
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_to_the_customer_and_nothing_is_asked_twice() {
    let market = Market::open().await;
    let order = market.place().await;
    for fault in [Fault::Status(503), Fault::Status(503), Fault::Silence, Fault::Silence] {
        market.paypal.fail(At::Create, fault);
    }
    for _ in 0..2 {
        let away = market.till.payments.begin(order, "en").await;
        assert!(matches!(away, Err(BeginError::Provider(ProviderError::Unavailable(_)))), "{away:?}");
    }
    let (intent, _) = market.approved(order).await;
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    assert_eq!(market.paypal.payments().len(), 1);
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_capture_that_no_answer_comes_to_is_settled_later_without_the_customer() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    for (at, fault) in [
        (At::Capture, Fault::Silence),
        (At::Capture, Fault::Silence),
        (At::Show, Fault::Status(503)),
        (At::Show, Fault::Status(503)),
    ] {
        market.paypal.fail(at, fault);
    }
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Later);
    assert!(matches!(market.till.payments.begin(order, "en").await, Err(BeginError::UnderWay)));
    market.hours.pass(10);
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_renewed_when_it_is_refused() {
    let market = Market::open().await;
    let orders = [market.place().await, market.place().await, market.place().await];
    let [one, two, three] = orders.map(|order| market.begin(order));
    let (one, ..) = tokio::join!(one, two, three);
    assert_eq!(market.paypal.asked(At::Token), 1);
    market.paypal.revoke_tokens();
    market.paypal.approve(one.reference.as_deref().unwrap());
    assert_eq!(market.till.payments.returned(one.id).await.unwrap(), Settled::Noted);
    assert_eq!(market.paypal.asked(At::Token), 2);
}

#[tokio::test]
async fn only_what_paypal_signed_is_taken() {
    let market = Market::open().await;
    let order = market.place().await;
    let (_, payment) = market.approved(order).await;
    let capture = market.paypal.capture(&payment);
    let foreign = testkit::paypal::PayPal::start().await;
    let forged = [
        Delivery { other_webhook: true, ..Delivery::default() },
        Delivery { other_body: Some(capture.body.replace("25.00", "99.00")), ..Delivery::default() },
        Delivery { cert_url: Some("https://evil.test/v1/notifications/certs/C".to_owned()), ..Delivery::default() },
        Delivery { cert_url: Some(format!("{}/v1/notifications/certs/C", foreign.base_url())), ..Delivery::default() },
        Delivery {
            cert_url: Some(format!("{}/v1/notifications/certs/none", market.paypal.base_url())),
            ..Delivery::default()
        },
        Delivery { cert_url: Some("no address".to_owned()), ..Delivery::default() },
    ];
    for delivery in &forged {
        assert_eq!(market.deliver_as(&capture, delivery).await, 400, "{delivery:?}");
    }
    assert_eq!(foreign.asked(At::Certificate), 0, "nobody else is asked for a certificate");
    assert_eq!(market.notices().await, []);
    assert_eq!(market.deliver(&capture).await, 204, "the one that is signed is taken");
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn the_certificate_is_kept_and_one_that_can_not_be_fetched_has_the_notice_come_again() {
    let market = Market::open().await;
    let order = market.place().await;
    let (_, payment) = market.approved(order).await;
    let capture = market.paypal.capture(&payment);
    market.paypal.fail(At::Certificate, Fault::Status(503));
    assert_eq!(market.deliver(&capture).await, 503);
    market.hours.pass(5);
    for _ in 0..3 {
        assert_eq!(market.deliver(&capture).await, 204);
    }
    assert_eq!(market.paypal.asked(At::Certificate), 2);
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_process_that_ends_before_the_command_loses_nothing() {
    let market = Market::open().await;
    let order = market.place().await;
    let (_, payment) = market.approved(order).await;
    let capture = market.paypal.capture(&payment);
    assert_eq!(market.deliver(&capture).await, 204);
    // Another had taken it up, and is gone.
    let pool = market.shop.db.pool().await;
    let claimed = commands::payments::notices::claim(&pool, 10, chrono::Utc::now()).await.unwrap();
    assert_eq!(claimed.len(), 1);
    market.till.stop.cancel();
    let next = market.another_till().await;
    assert!(!next.payments.work_off().await.unwrap(), "it is another's for as long as its lease");
    assert_eq!(market.happened(order).await, Vec::<String>::new());
    market.hours.pass(61);
    assert!(next.payments.work_off().await.unwrap());
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_process_that_ends_after_the_customer_s_return_loses_nothing() {
    let market = Market::open().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    // It was noted that the customer came back, and nothing else was done.
    let pool = market.shop.db.pool().await;
    commands::payments::intents::to_settle(&pool, intent.id, chrono::Utc::now()).await.unwrap().unwrap();
    market.till.stop.cancel();
    market.hours.pass(61);
    let next = market.another_till().await;
    assert!(next.payments.work_off().await.unwrap());
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn two_processes_share_the_notices() {
    let market = Market::open().await;
    let other = market.another_till().await;
    let mut orders = vec![];
    for _ in 0..8 {
        let order = market.place().await;
        let (_, payment) = market.approved(order).await;
        let capture = market.paypal.capture(&payment);
        for url in [&market.till.webhook, &other.webhook] {
            assert_eq!(market.paypal.deliver(&capture, url, &Delivery::default()).await, 204);
        }
        orders.push(order);
    }
    let (one, two) = tokio::join!(market.till.payments.work_off(), other.payments.work_off());
    one.unwrap();
    two.unwrap();
    market.work_off().await;
    for order in orders {
        assert_eq!(market.happened(order).await, ["PaymentRecorded", "OrderPaid"]);
    }
}

#[tokio::test]
async fn what_can_never_be_handled_is_given_up_and_stays_visible() {
    let market = Market::open().await;
    let resource = serde_json::json!({ "id": "5O190127TN364715T" });
    let unknown = testkit::paypal::Notice::new("CHECKOUT.ORDER.APPROVED", "checkout-order", resource);
    assert_eq!(market.deliver(&unknown).await, 204);
    for _ in 0..commands::payments::MAX_ATTEMPTS {
        market.work_off().await;
        market.hours.pass(3_601);
    }
    let notices = market.notices().await;
    assert_eq!(notices[0].0, "stuck", "{notices:?}");
    assert!(notices[0].1.as_ref().is_some_and(|outcome| outcome.contains("no payment of this reference")));
}

#[tokio::test]
async fn the_webhook_is_open_to_providers_alone_and_bounded() {
    let market = Market::open().await;
    let http = &market.front;
    // The process that takes orders takes no payments.
    http.post("/payments/paypal/webhook", &serde_json::json!({})).await.problem(404, "not_found");
    let long = testkit::paypal::Notice {
        event_type: "PAYMENT.CAPTURE.COMPLETED".to_owned(),
        body: format!("{{\"id\":\"{}\"}}", "x".repeat(200 << 10)),
    };
    assert_eq!(market.deliver(&long).await, 413);
    let elsewhere = market.till.webhook.replace("paypal", "sandbox");
    assert_eq!(market.paypal.deliver(&long, &elsewhere, &Delivery::default()).await, 404);
    assert_eq!(market.notices().await, []);
}
