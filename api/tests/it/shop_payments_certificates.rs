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
    assert_eq!(market.paypal.asked(At::Certificate), 2 * Credential::FORGED.len(), "no redirect is followed");
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
        assert_eq!(market.deliver(&notice).await, 503, "{fault:?}");
    }
    assert_eq!(market.deliver(&notice).await, 204);
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
