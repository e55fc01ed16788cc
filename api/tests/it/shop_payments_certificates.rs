//! What a notice is signed with: nothing but PayPal's own certificate, from PayPal's own address, is believed.

use crate::http_support::BOUND;
use crate::shop_payments_support::Market;
use futures::future::join_all;
use testkit::eventually;
use testkit::paypal::{At, Credential, Delivery, Fault, Notice};

/// A notice of money that was taken: believed, it pays an order.
async fn captured(market: &Market) -> Notice {
    let order = market.place().await;
    let (_, payment) = market.approved(order).await;
    market.paypal.capture(&payment)
}

#[tokio::test]
async fn a_certificate_that_is_not_paypals_is_refused_whatever_it_signs() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    for credential in Credential::FORGED {
        let delivery = Delivery { credential, ..Delivery::default() };
        // A redirect may be an error of theirs, so that the notice is to come again.
        let expected = if credential == Credential::Moved { 503 } else { 400 };
        assert_eq!(market.deliver_as(&notice, &delivery).await, expected, "{credential:?}");
        assert_eq!(market.deliver_as(&notice, &delivery).await, expected, "{credential:?}, a second time");
    }
    let forged = Credential::FORGED.len();
    assert_eq!(market.paypal.asked(At::Certificate), forged, "no redirect is followed, and nothing is asked for again");
    assert_eq!(market.notices().await, []);
    assert_eq!(market.deliver(&notice).await, 204, "PayPal's own is believed");
}

#[tokio::test]
async fn a_signature_of_another_certificate_than_the_one_that_is_named_is_refused() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    let cert_url = Some(market.paypal.cert_url(Credential::Genuine));
    for credential in [Credential::WeakKey, Credential::OtherKind] {
        let delivery = Delivery { credential, cert_url: cert_url.clone(), ..Delivery::default() };
        assert_eq!(market.deliver_as(&notice, &delivery).await, 400, "{credential:?}");
    }
    assert_eq!(market.notices().await, []);
}

#[tokio::test]
async fn an_address_that_is_not_paypals_is_not_asked() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    let base = market.paypal.base_url();
    let host = base.strip_prefix("http://").expect("http").to_owned();
    let port: u16 = host.rsplit_once(':').expect("a port").1.parse().expect("a port");
    let path = "/v1/notifications/certs/CERT-360caa42";
    for url in [
        format!("https://{host}{path}"),
        format!("ftp://{host}{path}"),
        format!("//{host}{path}"),
        format!("http://127.0.0.1:{}{path}", port ^ 1),
        format!("http://127.0.0.1{path}"),
        format!("http://localhost:{port}{path}"),
        format!("http://paypal@{host}{path}"),
        format!("http://paypal:secret@{host}{path}"),
        format!("http://{host}@evil.test{path}"),
        format!("http://{host}.evil.test{path}"),
        format!("http://evil.test/{host}{path}"),
        format!("http://{host}/elsewhere/CERT-360caa42"),
        format!("http://{host}/v1/notifications/certs/../../../elsewhere"),
        format!("http://{host}/v1/notifications/certs/%2e%2e/elsewhere"),
        format!("http://{host}/v1/notifications/certs/..%2felsewhere"),
        format!("http://{host}{path}/more"),
        format!("http://{host}{path}?to=evil.test"),
        format!("http://{host}{path}#evil.test"),
        format!("http://{host}{path}{}", "A".repeat(1_000)),
        "file:///etc/passwd".to_owned(),
        "data:,-----BEGIN".to_owned(),
    ] {
        let delivery = Delivery { cert_url: Some(url.clone()), ..Delivery::default() };
        assert_eq!(market.deliver_as(&notice, &delivery).await, 400, "{url}");
    }
    assert_eq!(market.paypal.asked(At::Certificate), 0);
    assert_eq!(market.notices().await, []);
}

#[tokio::test]
async fn no_algorithm_is_believed_but_the_one_that_paypal_signs_by() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    for algorithm in ["SHA1withRSA", "SHA256withECDSA", "sha256withrsa", "SHA256withRSA ,none", "none", ""] {
        let delivery = Delivery { algorithm: Some(algorithm), ..Delivery::default() };
        assert_eq!(market.deliver_as(&notice, &delivery).await, 400, "{algorithm}");
    }
    assert_eq!(market.paypal.asked(At::Certificate), 0, "that is seen before anything is fetched");
}

#[tokio::test]
async fn a_certificate_that_does_not_come_in_time_has_the_notice_come_again() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    for fault in [Fault::Silence, Fault::Status(500), Fault::Status(429)] {
        market.paypal.fail(At::Certificate, fault);
        for _ in 0..2 {
            assert_eq!(market.deliver(&notice).await, 503, "{fault:?}");
        }
        market.hours.pass(5);
    }
    assert_eq!(market.paypal.asked(At::Certificate), 3, "PayPal is left in peace for a moment");
    assert_eq!(market.deliver(&notice).await, 204);
}

#[tokio::test]
async fn an_address_without_a_certificate_is_asked_again_after_a_while() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    let cert_url = Some(format!("{}/v1/notifications/certs/made-up", market.paypal.base_url()));
    let delivery = Delivery { cert_url, ..Delivery::default() };
    for asked in [1, 1, 2] {
        if asked == 2 {
            market.hours.pass(60);
        }
        assert_eq!(market.deliver_as(&notice, &delivery).await, 400);
        assert_eq!(market.paypal.asked(At::Certificate), asked);
    }
}

#[tokio::test]
async fn certificates_beyond_a_few_are_not_waited_for() {
    const FETCHED: usize = 4;
    let market = Market::open().await;
    let notice = captured(&market).await;
    for _ in 0..FETCHED {
        market.paypal.fail(At::Certificate, Fault::Silence);
    }
    let base = market.paypal.base_url();
    let (notice, market) = (&notice, &market);
    let forge = |name: String| {
        let cert_url = Some(format!("{base}/v1/notifications/certs/{name}"));
        async move { market.deliver_as(notice, &Delivery { cert_url, ..Delivery::default() }).await }
    };
    let silent = join_all((0..FETCHED).map(|nth| forge(format!("silent-{nth}"))));
    let refused = async {
        eventually("certificates are asked for", BOUND, async || match market.paypal.asked(At::Certificate) {
            FETCHED => Ok(()),
            fewer => Err(fewer.to_string()),
        })
        .await;
        join_all((0..10).map(|nth| forge(format!("beyond-{nth}")))).await
    };
    tokio::select! {
        statuses = refused => assert_eq!(statuses, [503; 10]),
        _ = silent => panic!("they waited for the others"),
    }
    assert_eq!(market.paypal.asked(At::Certificate), FETCHED);
}

#[tokio::test]
async fn who_forges_notices_is_not_looked_at_any_more() {
    let market = Market::open().await;
    let notice = captured(&market).await;
    let forged = Delivery { other_webhook: true, ..Delivery::default() };
    let mut statuses = vec![];
    while statuses.last() != Some(&429) && statuses.len() < 100 {
        statuses.push(market.deliver_as(&notice, &forged).await);
    }
    let looked_at = statuses.iter().filter(|status| **status == 400).count();
    assert!((40..60).contains(&looked_at) && looked_at + 1 == statuses.len(), "{statuses:?}");
    assert_eq!(market.notices().await, []);
}

#[tokio::test]
async fn notices_of_strangers_keep_no_customer_from_paying() {
    const STRANGERS: usize = 80;
    let market = Market::open().await;
    let (notice, order) = (captured(&market).await, market.place().await);
    for _ in 0..STRANGERS {
        market.paypal.fail(At::Certificate, Fault::Silence);
    }
    let base = market.paypal.base_url();
    let flood = join_all((0..STRANGERS).map(|nth| {
        let cert_url = Some(format!("{base}/v1/notifications/certs/{nth}"));
        let delivery = Delivery { cert_url, ..Delivery::default() };
        let (notice, market) = (&notice, &market);
        async move { market.deliver_as(notice, &delivery).await }
    }));
    let pay = async {
        eventually("certificates are asked for", BOUND, async || match market.paypal.asked(At::Certificate) {
            0 | 1 => Err("not yet"),
            _ => Ok(()),
        })
        .await;
        market.begin(order).await
    };
    let answered = tokio::select! {
        intent = pay => { assert!(intent.approve_url.is_some()); true }
        _ = flood => false,
    };
    assert!(answered, "who pays does not wait for strangers");
    assert_eq!(market.notices().await, []);
}
