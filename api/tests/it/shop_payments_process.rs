//! The program itself, killed between what PayPal told and what came of it.

use crate::http_support::{BOUND, Shop, ada_buys, usd};
use crate::shop_payments_support::happened;
use crate::walk::client::Client;
use crate::walk::served_address;
use api::auth::Scope;
use domain::ids::OrderId;
use serde_json::json;
use std::time::Duration;
use testkit::paypal::{self, Delivery, Notice, PayPal};
use testkit::{Launch, Program, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_between_notice_and_command_loses_nothing() {
    let (shop, paypal) = (Shop::new().await, PayPal::start().await);
    let key = shop.key(&Scope::ALL).await;
    let (mut program, address) = started(&shop, &paypal).await;
    let client = Client::new(&address, &key);
    let product = json!({ "sku": "TEA", "name": "Tea", "price": usd("12.50") });
    client.post("/v1/products", &[], &product).await.is(201);
    let placed = client.post("/v1/orders", &[], &ada_buys(&[("TEA", 1)])).await.is(201);
    let order: OrderId = placed.json()["id"].as_str().unwrap().parse().unwrap();

    // Whoever writes to the log has to wait.
    let pool = shop.db.superuser_pool().await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE").execute(&mut *holder).await.unwrap();
    let resource = json!({
        "id": "42311647XV020574X",
        "status": "COMPLETED",
        "amount": { "currency_code": "USD", "value": "12.50" },
        "custom_id": order,
    });
    let notice = Notice::new("PAYMENT.CAPTURE.COMPLETED", "capture", resource);
    let webhook = |address: &str| format!("http://{address}/payments/paypal/webhook");
    let status = paypal.deliver(&notice, &webhook(&address), &Delivery::default()).await;
    assert_eq!(status, 204, "{}", program.output());
    program.kill9();
    // What it had asked of the database goes with it, as it does where both are on one machine that loses its power.
    shop.db.cut_sessions().await;
    holder.rollback().await.unwrap();
    let kept: (String, i32) =
        sqlx::query_as("SELECT state, attempts FROM payment_notices").fetch_one(&pool).await.unwrap();
    assert_eq!(kept.0, "waiting");
    assert_eq!(happened(&shop, order).await, Vec::<String>::new());
    // Its lease would be over in a minute.
    sqlx::query("UPDATE payment_notices SET due_at = now()").execute(&pool).await.unwrap();

    let (mut program, address) = started(&shop, &paypal).await;
    eventually("the payment is noted", BOUND, async || match happened(&shop, order).await {
        events if events == ["PaymentRecorded", "OrderPaid"] => Ok(()),
        events => Err(events.join(" ")),
    })
    .await;
    // PayPal did not hear of it, and tells again.
    assert_eq!(paypal.deliver(&notice, &webhook(&address), &Delivery::default()).await, 204);
    tokio::time::timeout(Duration::from_secs(60), async {
        program.sigterm();
        assert!(program.wait().await.success());
    })
    .await
    .expect("it ends");
    assert_eq!(happened(&shop, order).await, ["PaymentRecorded", "OrderPaid"]);
}

async fn started(shop: &Shop, paypal: &PayPal) -> (Program, String) {
    let launch = Launch::orders()
        .args(["api", "--listen", "127.0.0.1:0", "--payment-provider", "paypal"])
        .env("DATABASE_URL", shop.db.app_url())
        .env("PAYPAL_BASE_URL", paypal.base_url())
        .env("PAYPAL_CA_FILE", paypal.authority_file())
        .env("PAYPAL_CLIENT_ID", paypal::CLIENT_ID)
        .env("PAYPAL_CLIENT_SECRET", paypal::CLIENT_SECRET)
        .env("PAYPAL_WEBHOOK_ID", paypal::WEBHOOK_ID);
    let mut program = launch.spawn();
    let address = served_address(&mut program).await;
    (program, address)
}
