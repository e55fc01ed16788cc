//! Who was let in as a member, or in a session, stays no longer than that lasts, whichever process ends it.

use super::client::Socket;
use crate::browser::{Browser, value};
use crate::http_support::{Instance, Shop};
use crate::shop_members::{PASSWORD, log_in, member, order, stocked};
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::shop::LiveSettings;
use std::time::Duration;
use uuid::Uuid;

async fn pinging(shop: &Shop, every: Duration) -> Instance {
    let live = LiveSettings { ping_every: every, ..LiveSettings::default() };
    shop.instance_with(HttpSettings { live, ..HttpSettings::default() }, ServerSettings::default()).await
}

/// A socket of this browser's, let in without a key.
async fn follow(browser: &Browser<'_>, at: &Instance, order: &str) -> Socket {
    let origin = format!("http://{}", at.address);
    let cookie = format!("__Host-orders={}", browser.cookie("__Host-orders").unwrap());
    let headers = [("origin", origin.as_str()), ("cookie", cookie.as_str())];
    let mut socket = Socket::try_open(at.address, &format!("/orders/{order}/live"), &headers).await.unwrap();
    socket.told("state").await;
    socket
}

async fn log_out(browser: &Browser<'_>) {
    let csrf = value(&browser.get("/account/person/").await.is(200), "csrf").unwrap();
    browser.post("/account/logout/", &[("csrf", csrf.as_str())]).await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_one_process_keeps_no_socket_at_another() {
    let (shop, instance, club) = stocked().await;
    let (other, ada) = (pinging(&shop, Duration::from_secs(1)).await, Browser::new(&instance));
    member(&club, &ada, "ada@example.com").await;
    ada.add("TEA", 1).await;
    let order = order(&ada).await;
    let mut tab = follow(&ada, &other, &order).await;
    let stranger = Browser::new(&instance);
    log_in(&stranger, "ada@example.com", PASSWORD).await.is(303);
    let mut stolen = follow(&stranger, &other, &order).await;

    let csrf = value(&ada.get("/account/password/").await.is(200), "csrf").unwrap();
    let fields = [("csrf", csrf.as_str()), ("password", PASSWORD), ("new_password", "keemun & honey")];
    ada.post("/account/password/", &fields).await.is(303);
    assert_eq!(stolen.closed().await, 1012, "whoever is there now comes again");
    log_out(&ada).await;
    assert_eq!(tab.closed().await, 4001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_by_who_was_logged_out_at_another_process() {
    let (shop, instance, club) = stocked().await;
    let (other, ada) = (pinging(&shop, Duration::from_secs(60)).await, Browser::new(&instance));
    member(&club, &ada, "ada@example.com").await;
    ada.add("TEA", 1).await;
    let order = order(&ada).await;
    let mut tab = follow(&ada, &other, &order).await;
    tab.write(Uuid::now_v7(), "Is it on its way?").await;
    for _ in ["accepted", "message"] {
        tab.next().await;
    }
    log_out(&ada).await;
    tab.write(Uuid::now_v7(), "And where is it now?").await;
    assert_eq!(tab.closed().await, 4001);
    let messages = "SELECT count(*) FROM order_messages";
    let kept: i64 = sqlx::query_scalar(messages).fetch_one(&shop.db.pool().await).await.unwrap();
    assert_eq!(kept, 1);
}
