//! Paying on the shop's pages, by the built-in provider and by forms alone.

use crate::browser::{Browser, value};
use crate::http_support::{Instance, Reply, Shop, usd};
use crate::shop_payments_support::happened;
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::payments::{ChosenProvider, PaymentSettings};
use commands::shop::links::LinkKey;
use domain::ids::OrderId;
use serde_json::json;

/// A shop, a process that takes orders, and one that takes payments by the sandbox.
pub async fn sandboxed() -> (Shop, Instance, Instance) {
    let shop = Shop::new().await;
    let front = shop.open().await;
    let unlucky = json!({ "sku": "UNLUCKY", "name": "Unlucky", "price": usd("20.13") });
    front.post("/v1/products", &unlucky).await.is(201);
    let payments = PaymentSettings { provider: ChosenProvider::Sandbox, ..PaymentSettings::default() };
    let settings = HttpSettings { payments, ..HttpSettings::default() };
    let till = shop.instance_with(settings, ServerSettings::default()).await;
    (shop, front, till)
}

pub async fn ordered(front: &Instance, sku: &str) -> OrderId {
    front.place(&[(sku, 1)]).await.id().parse().unwrap()
}

async fn key(shop: &Shop, order: OrderId) -> String {
    LinkKey::load(&shop.db.pool().await).await.unwrap().sign(order)
}

pub async fn thanks(shop: &Shop, order: OrderId) -> String {
    format!("/orders/{order}/thanks/?key={}", key(shop, order).await)
}

/// Presses the button on an order's page; where it leads.
pub async fn press(browser: &Browser<'_>, page: &Reply) -> String {
    let (_, rest) = page.text.split_once("action=\"/orders/").expect("a form that pays");
    let (action, _) = rest.split_once('"').unwrap();
    let action = format!("/orders/{}", action.replace("&#38;", "&"));
    let csrf = value(page, "csrf").unwrap_or_default();
    browser.post(&action, &[("csrf", &csrf)]).await.is(303).header("location").to_owned()
}

/// The path and query of an address.
fn path(location: &str) -> &str {
    location.strip_prefix("http://127.0.0.1:8080").unwrap_or(location)
}

#[tokio::test]
async fn an_order_is_paid_on_the_test_page() {
    let (shop, front, till) = sandboxed().await;
    let (order, ada) = (ordered(&front, "TEA").await, Browser::new(&till));
    let page = ada.get(&thanks(&shop, order).await).await.is(200);
    for part in ["Pay · $12.50", "This is a test shop"] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    let sandbox = press(&ada, &page).await;
    assert!(sandbox.starts_with("/sandbox/"), "{sandbox}");
    assert_eq!(press(&ada, &page).await, sandbox, "pressed twice, it is the same payment");
    let test_page = ada.get(&sandbox).await.is(200);
    for part in ["Test page: no money moves here.", "$12.50", "Cancel"] {
        assert!(test_page.text.contains(part), "{part} in {}", test_page.text);
    }
    assert!(!test_page.text.contains("<style") && !test_page.text.contains(" style="));
    let back = ada.post(&sandbox, &[]).await.is(303).header("location").to_owned();
    assert!(back.starts_with(&format!("/orders/{order}/paid/?intent=")), "{back}");
    let to_order = ada.get(&back).await.is(303).header("location").to_owned();
    assert_eq!(to_order, thanks(&shop, order).await);
    assert_eq!(happened(&shop, order).await, ["PaymentRecorded", "OrderPaid"]);
    let page = ada.get(&to_order).await.is(200);
    assert!(!page.text.contains("Pay ·"), "{}", page.text);
    // Its notice waits in the inbox, and changes nothing when it is handled.
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT kind FROM payment_notices").fetch_all(&shop.db.pool().await).await.unwrap();
    assert_eq!(kept, ["payment.captured"]);
    // Paid once: the test page says that it is over, and its button leads back.
    assert!(ada.get(&sandbox).await.is(200).text.contains("decided already"));
    ada.post(&sandbox, &[]).await.is(303);
    assert_eq!(happened(&shop, order).await, ["PaymentRecorded", "OrderPaid"]);
}

#[tokio::test]
async fn a_declined_payment_is_told_and_may_be_tried_again() {
    let (shop, front, till) = sandboxed().await;
    let (order, ada) = (ordered(&front, "UNLUCKY").await, Browser::new(&till));
    let page = ada.get(&thanks(&shop, order).await).await.is(200);
    let sandbox = press(&ada, &page).await;
    let back = ada.post(&sandbox, &[]).await.is(303).header("location").to_owned();
    let to_order = ada.get(&back).await.is(303).header("location").to_owned();
    let page = ada.get(&to_order).await.is(200);
    assert!(page.text.contains("has declined this payment") && page.text.contains("Pay · $20.13"), "{}", page.text);
    assert_eq!(happened(&shop, order).await, Vec::<String>::new());
    assert_ne!(press(&ada, &page).await, sandbox, "another payment");
}

#[tokio::test]
async fn a_cancelled_payment_leaves_the_order_as_it_is() {
    let (shop, front, till) = sandboxed().await;
    let (order, ada) = (ordered(&front, "TEA").await, Browser::new(&till));
    let page = ada.get(&thanks(&shop, order).await).await.is(200);
    let sandbox = press(&ada, &page).await;
    let test_page = ada.get(&sandbox).await.is(200);
    let (_, rest) = test_page.text.split_once("href=\"/orders/").expect("a link back");
    let cancel = format!("/orders/{}", rest.split_once('"').unwrap().0.replace("&#38;", "&"));
    let to_order = ada.get(&cancel).await.is(303).header("location").to_owned();
    let page = ada.get(path(&to_order)).await.is(200);
    assert!(page.text.contains("You did not pay") && page.text.contains("Pay · $12.50"), "{}", page.text);
}

#[tokio::test]
async fn nobody_pays_or_looks_without_the_key() {
    let (shop, front, till) = sandboxed().await;
    let (order, other) = (ordered(&front, "TEA").await, ordered(&front, "CUP").await);
    let ada = Browser::new(&till);
    let foreign = key(&shop, other).await;
    for query in ["", "?key=", "?key=abc", &format!("?key={foreign}")] {
        ada.post(&format!("/orders/{order}/pay/{query}"), &[]).await.is(404);
    }
    let page = ada.get(&thanks(&shop, order).await).await.is(200);
    let sandbox = press(&ada, &page).await;
    let intent = sandbox.trim_start_matches("/sandbox/").trim_end_matches('/');
    for ending in ["paid", "pay/cancelled", "pay"] {
        ada.get(&format!("/orders/{other}/{ending}/?intent={intent}")).await.is(404);
        ada.get(&format!("/orders/{order}/{ending}/?intent={other}")).await.is(404);
        ada.get(&format!("/orders/{order}/{ending}/")).await.is(404);
    }
    ada.get(&format!("/sandbox/{other}/")).await.is(404);
    // From another site's page.
    let forged = ada.form(&sandbox, &[]).header("origin", "http://evil.test");
    forged.await.is(403);
    assert_eq!(happened(&shop, order).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_shop_without_a_provider_offers_no_payment() {
    let (shop, front, till) = sandboxed().await;
    let order = ordered(&front, "TEA").await;
    let (there, here) = (Browser::new(&till), Browser::new(&front));
    let address = thanks(&shop, order).await;
    let sandbox = press(&there, &there.get(&address).await.is(200)).await;
    assert!(!here.get(&address).await.is(200).text.contains("Pay ·"));
    here.get(&sandbox).await.is(404);
    let key = key(&shop, order).await;
    here.post(&format!("/orders/{order}/pay/?key={key}"), &[]).await.is(404);
}
