//! Two processes of the program behind a balancer: one of them ends.

use super::client::{Socket, path};
use crate::http_support::Shop;
use crate::walk::client::Client;
use crate::walk::served_address;
use api::auth::Scope;
use serde_json::json;
use testkit::Launch;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_goes_on_at_another_process() {
    let shop = Shop::new().await;
    let key = shop.key(&Scope::ALL).await;
    let api = Launch::orders().args(["api", "--listen", "127.0.0.1:0"]).env("DATABASE_URL", shop.db.app_url());
    let (mut one, mut other) = (api.spawn(), api.spawn());
    let (here, there) = (served_address(&mut one).await, served_address(&mut other).await);
    let staff = Client::new(&there, &key);
    let tea = json!({ "sku": "TEA", "name": "Tea", "price": { "amount": "12.50", "currency": "USD" } });
    staff.post("/v1/products", &[], &tea).await.is(201);
    let placed = staff.post("/v1/orders", &[], &crate::http_support::ada_buys(&[("TEA", 2)])).await.is(201).json();
    let order = placed["id"].as_str().unwrap();
    let path = path(&shop, order).await;

    let mut tab = Socket::at(here.parse().unwrap(), &path).await;
    tab.told("state").await;
    let messages = format!("/v1/orders/{order}/messages");
    staff.post(&messages, &[], &json!({ "text": "It is packed." })).await.is(201);
    let told = tab.told("message").await;
    assert_eq!(told["message"]["text"], "It is packed.");

    one.sigterm();
    assert_eq!(tab.closed().await, 1001, "going away");
    let status = one.wait().await;
    assert!(status.success(), "{status}: {}", one.output());
    let payment = json!({ "amount": { "amount": "25.00", "currency": "USD" }, "reference": "wire-1" });
    staff.post(&format!("/v1/orders/{order}/payments"), &[("idempotency-key", "p-1")], &payment).await.is(200);
    let after = told["at"].as_str().unwrap();
    let mut again = Socket::at(there.parse().unwrap(), &format!("{path}&after={after}")).await;
    assert_eq!(again.told("step").await["step"], "paid");
    staff.post(&messages, &[], &json!({ "text": "Sent." })).await.is(201);
    assert_eq!(again.told("message").await["message"]["text"], "Sent.");
}
