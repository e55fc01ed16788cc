//! Payments that a provider leaves us waiting for: pending for days, or silent for long. They are found all the same,
//! and what can't be found is shown.

use crate::shop_payments_support::Market;
use api::payments::{BeginError, Settled};
use commands::payments::intents::{self, IntentState, Next};
use commands::payments::{MAX_ATTEMPTS, notices, open};
use domain::ids::OrderId;
use std::time::Duration;
use testkit::paypal::{At, Fate, Fault};
use uuid::Uuid;

const HOUR_S: i64 = 3_600;

/// An order whose payment PayPal looks at, and says nothing of.
async fn pending(market: &Market) -> (OrderId, Uuid, String) {
    let order = market.place().await;
    let (intent, payment) = market.approved(order).await;
    market.paypal.decide(&payment, Fate::Pending);
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Pending);
    (order, intent.id, payment)
}

#[tokio::test]
async fn what_is_pending_is_looked_at_in_growing_steps_until_it_is_known() {
    let market = Market::open().await;
    let (order, intent, payment) = pending(&market).await;
    for hours in [1, 2, 4] {
        let (state, due_in_s, reason) = market.stands(intent).await;
        assert_eq!((state.as_str(), reason.as_deref()), ("pending", Some("PENDING_REVIEW")));
        let due_in_s = due_in_s.unwrap();
        assert!((hours * HOUR_S - 300..=hours * HOUR_S).contains(&due_in_s), "{due_in_s} s, not {hours} h");
        assert!(!market.till.payments.work_off().await.unwrap(), "not before");
        market.hours.pass(hours * HOUR_S);
        market.work_off().await;
    }
    assert_eq!(
        (market.paypal.asked(At::Capture), market.paypal.asked(At::Show)),
        (1, 3),
        "the money is not taken again"
    );
    // No notice of it comes.
    market.paypal.decide(&payment, Fate::Completed);
    market.hours.pass(8 * HOUR_S);
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
    assert_eq!(market.stands(intent).await, ("paid".to_owned(), None, None));
}

#[tokio::test]
async fn a_customer_who_comes_back_to_a_pending_payment_has_it_looked_at() {
    let market = Market::open().await;
    let (order, intent, payment) = pending(&market).await;
    market.paypal.decide(&payment, Fate::Completed);
    assert_eq!(market.till.payments.returned(intent).await.unwrap(), Settled::Pending);
    assert_eq!(market.paypal.asked(At::Show), 0, "it was looked at just now");
    market.hours.pass(61);
    assert_eq!(market.till.payments.returned(intent).await.unwrap(), Settled::Noted);
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn what_was_pending_and_is_refused_can_be_paid_anew() {
    let market = Market::open().await;
    let (order, intent, payment) = pending(&market).await;
    market.paypal.decide(&payment, Fate::Declined);
    market.hours.pass(HOUR_S);
    market.work_off().await;
    assert_eq!(market.stands(intent).await.0, "declined");
    assert_ne!(market.begin(order).await.id, intent);
}

#[tokio::test]
async fn what_is_pending_stays_so_while_paypal_can_not_be_asked() {
    let market = Market::open().await;
    let (order, intent, _) = pending(&market).await;
    for _ in 0..2 {
        market.paypal.fail(At::Show, Fault::Status(503));
    }
    market.hours.pass(HOUR_S);
    market.work_off().await;
    let (state, due_in_s, reason) = market.stands(intent).await;
    assert_eq!(state, "pending");
    assert!(due_in_s.is_some_and(|due_in_s| due_in_s > HOUR_S), "{due_in_s:?}");
    assert!(reason.is_some_and(|reason| reason.contains("503")));
    assert!(matches!(market.till.payments.begin(order, "en").await, Err(BeginError::UnderWay)));
}

#[tokio::test]
async fn what_a_person_has_to_look_at_is_counted() {
    let market = Market::open().await;
    let pool = market.shop.db.pool().await;
    let (order, ..) = pending(&market).await;
    let now = chrono::Utc::now();
    let counted = open::count(&pool, now).await.unwrap();
    assert_eq!(counted, open::Open { pending: 1, ..open::Open::default() });
    let counted = open::count(&pool, now + open::LONG + chrono::TimeDelta::hours(1)).await.unwrap();
    assert_eq!((counted.pending, counted.pending_long), (1, 1));
    assert!(intents::under_way(&pool, order).await.unwrap());

    let other = market.place().await;
    assert!(!intents::under_way(&pool, other).await.unwrap());
    let (intent, _) = market.approved(other).await;
    assert!(intents::under_way(&pool, other).await.unwrap(), "the customer may be agreeing just now");
    // Whoever was at it ended each time.
    let mut claimed = intents::to_settle(&pool, intent.id, now).await.unwrap().unwrap();
    claimed.attempts = MAX_ATTEMPTS;
    assert_eq!(intents::not_settled(&pool, &claimed, "it is away", now).await.unwrap(), Next::GivenUp);
    assert_eq!(open::count(&pool, now).await.unwrap().failed, 1);
    assert!(intents::under_way(&pool, other).await.unwrap(), "nobody knows how it ended");
    // It is not lost for that: the customer's return has it tried again.
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Noted);
    assert_eq!(open::count(&pool, now).await.unwrap().failed, 0);
}

#[tokio::test]
async fn what_comes_after_the_lease_does_not_undo_what_another_found() {
    let market = Market::open().await;
    let pool = market.shop.db.pool().await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    let now = chrono::Utc::now();
    let late = intents::to_settle(&pool, intent.id, now).await.unwrap().unwrap();
    let then = now + chrono::TimeDelta::seconds(61);
    let [next] = &intents::claim(&pool, 8, then).await.unwrap()[..] else { panic!("one") };
    assert!(intents::settled(&pool, next, IntentState::Pending, Some("PENDING_REVIEW"), then).await.unwrap());
    for state in [IntentState::Open, IntentState::Declined, IntentState::Cancelled] {
        assert!(!intents::settled(&pool, &late, state, None, then).await.unwrap(), "{state:?}");
    }
    intents::not_settled(&pool, &late, "too late", then).await.unwrap();
    let (state, _, reason) = market.stands(intent.id).await;
    assert_eq!((state.as_str(), reason.as_deref()), ("pending", Some("PENDING_REVIEW")));
    // But that it is paid is a fact, whoever says so.
    assert!(intents::settled(&pool, &late, IntentState::Paid, None, then).await.unwrap());
    assert!(!intents::settled(&pool, next, IntentState::Paid, None, then).await.unwrap(), "and stays so");
}

#[tokio::test]
async fn a_provider_that_is_silent_for_longer_than_a_payment_may_take_is_asked_in_growing_steps() {
    // PayPal would be waited for for 3 s twice, and twice once more to look.
    let market = Market::patient_for(Duration::from_secs(2)).await;
    let order = market.place().await;
    let (intent, _) = market.approved(order).await;
    let silence = || {
        for at in [At::Capture, At::Show] {
            market.paypal.fail(at, Fault::Silence);
        }
    };
    silence();
    assert_eq!(market.till.payments.returned(intent.id).await.unwrap(), Settled::Later);
    for pause_s in [5, 15] {
        let (state, due_in_s, reason) = market.stands(intent.id).await;
        assert_eq!(state, "settling");
        assert!(due_in_s.is_some_and(|due_in_s| due_in_s <= pause_s), "{due_in_s:?}, not {pause_s} s");
        assert!(reason.is_some_and(|reason| reason.contains("did not answer in time")));
        silence();
        market.hours.pass(pause_s);
        market.work_off().await;
    }
    assert_eq!(market.till.payments.intent(intent.id).await.unwrap().unwrap().attempts, 3);
    market.hours.pass(45);
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
}

#[tokio::test]
async fn a_notice_whose_handler_never_comes_to_an_end_is_given_up() {
    let market = Market::open().await;
    let order = market.place().await;
    market.approved(order).await;
    let [approved] = &market.paypal.take_notices()[..] else { panic!("one notice") };
    assert_eq!(market.deliver(approved).await, 204);
    let pool = market.shop.db.pool().await;
    let mut now = chrono::Utc::now();
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(notices::claim(&pool, 8, now).await.unwrap().len(), 1, "attempt {attempt}");
        assert_eq!(notices::claim(&pool, 8, now).await.unwrap().len(), 0, "it is somebody's");
        now += chrono::TimeDelta::seconds(61);
    }
    assert_eq!(notices::claim(&pool, 8, now).await.unwrap().len(), 0);
    let [(state, outcome)] = &market.notices().await[..] else { panic!("one notice") };
    assert_eq!(state, "stuck");
    assert!(outcome.as_ref().is_some_and(|outcome| outcome.contains("ended each time")), "{outcome:?}");
}
