//! Redis between processes: it saves questions, and whatever becomes of it nothing is lost and nothing comes back.

use super::caught_up;
use crate::browser::{Browser, value};
use crate::http_support::{BOUND, Instance, Shop};
use crate::shop_members::{Club, PASSWORD, log_in, member};
use crate::shop_pages::stocked;
use crate::shop_statements::Statements;
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::shared::SharedSettings;
use serde_json::json;
use testkit::eventually;
use testkit::redis::RedisServer;

const COOKIE: &str = "__Host-orders";

async fn instance(shop: &Shop, url: &str) -> Instance {
    let http = HttpSettings { shared: SharedSettings::parse(url).unwrap(), ..HttpSettings::default() };
    shop.instance_with(http, ServerSettings::default()).await
}

async fn connected(shop: &Shop, redis: &RedisServer) -> Instance {
    let instance = instance(shop, &redis.url()).await;
    answers(&instance).await;
    instance
}

async fn answers(instance: &Instance) {
    eventually("Redis answers", BOUND, async || instance.shared.is_connected()).await;
}

/// How many things are in the cart, as a page's frame says.
async fn in_cart(browser: &Browser<'_>) -> u32 {
    let page = browser.get("/").await.is(200);
    let Some((_, count)) = page.text.split_once("<span class=\"cart-count\">") else { return 0 };
    count.split('<').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_one_process_read_the_others_need_not() {
    let (redis, (shop, writer)) = (RedisServer::start(), stocked().await);
    let (one, other) = (connected(&shop, &redis).await, connected(&shop, &redis).await);
    let ada = Browser::new(&one);
    ada.add("TEA", 2).await;
    // The first page renews the session that was begun, and the second leaves a copy.
    for _ in 0..2 {
        assert_eq!(in_cart(&ada).await, 2);
    }
    let there = ada.at(&other);
    let statements = Statements::of_this_thread();
    assert_eq!(in_cart(&there).await, 2);
    assert_eq!(statements.taken(), Vec::<String>::new(), "the catalogue and the session are there");
    // What changes something asks PostgreSQL, and is seen at once everywhere.
    there.add("CUP", 1).await;
    assert!(!statements.taken().is_empty());
    for browser in [&ada, &there] {
        assert_eq!(in_cart(browser).await, 3);
        assert_eq!(in_cart(browser).await, 3);
    }
    let price = json!({ "price": { "amount": "1.25", "currency": "USD" } });
    let changed = one.patch("/v1/products/SENCHA", &price).header("if-match", "*").await.is(200);
    caught_up(&writer, &changed).await;
    assert!(ada.get("/").await.text.contains("$1.25"), "what stands in Redis is of before");
    eventually("the other one hears of it", BOUND, async || there.get("/").await.text.contains("$1.25")).await;
}

#[tokio::test]
async fn a_redis_that_is_killed_hangs_is_full_or_emptied_takes_nothing_with_it() {
    let (mut redis, (shop, _writer)) = (RedisServer::start(), stocked().await);
    let (one, other) = (connected(&shop, &redis).await, connected(&shop, &redis).await);
    let ada = Browser::new(&one);
    ada.add("TEA", 1).await;
    assert_eq!(in_cart(&ada).await, 1);

    redis.tell(&["FLUSHALL"]).await;
    assert_eq!(in_cart(&ada).await, 1);
    redis.tell(&["CONFIG", "SET", "maxmemory", "1"]).await;
    ada.add("CUP", 1).await;
    assert_eq!(in_cart(&ada).await, 2);
    redis.tell(&["CONFIG", "SET", "maxmemory", "0"]).await;

    redis.pause();
    ada.add("CUP", 1).await;
    assert!(!one.shared.is_connected(), "it is not waited for again");
    assert_eq!((in_cart(&ada).await, in_cart(&ada.at(&other)).await), (3, 3));
    redis.go_on();
    answers(&one).await;
    answers(&other).await;
    assert_eq!((in_cart(&ada).await, in_cart(&ada.at(&other)).await), (3, 3));

    redis.kill();
    ada.add("CUP", 1).await;
    assert_eq!((in_cart(&ada).await, in_cart(&ada.at(&other)).await), (4, 4));
    redis.start_again();
    answers(&one).await;
    assert_eq!(in_cart(&ada).await, 4);
}

#[tokio::test]
async fn what_somebody_else_wrote_there_is_none_of_ours() {
    let (redis, (shop, _writer)) = (RedisServer::start(), stocked().await);
    let one = connected(&shop, &redis).await;
    let ada = Browser::new(&one);
    ada.add("TEA", 1).await;
    for _ in 0..2 {
        ada.get("/").await.is(200);
    }
    let keys = redis.tell(&["KEYS", "*"]).await;
    assert!(
        keys.lines().any(|key| key.contains(":session:")) && keys.lines().any(|key| key.contains(":catalogue:")),
        "{keys}"
    );
    let secret = ada.cookie(COOKIE).unwrap();
    assert!(!keys.contains(&secret), "a key tells no secret");
    for garbage in [["SET", "{\"id\":1}"], ["SET", "\u{feff}"], ["LPUSH", "a"], ["SET", "ticket of another"]] {
        for key in keys.lines() {
            redis.tell(&["DEL", key]).await;
            redis.tell(&[garbage[0], key, garbage[1]]).await;
        }
        // A process that has nothing in memory.
        let fresh = connected(&shop, &redis).await;
        let there = ada.at(&fresh);
        assert_eq!(in_cart(&there).await, 1, "{garbage:?}");
        assert!(there.get("/").await.text.contains("Sencha"));
        assert!(fresh.shared.is_connected());
    }
}

#[tokio::test]
async fn no_log_out_and_no_exchange_of_a_secret_is_undone() {
    let (mut redis, (shop, _writer)) = (RedisServer::start(), stocked().await);
    let (one, other) = (connected(&shop, &redis).await, connected(&shop, &redis).await);
    let (club, ada) = (Club::of(&shop).await, Browser::new(&one));
    member(&club, &ada, "ada@example.com").await;
    // Looked at by both, so that whatever is kept is kept.
    let look = async |browser: &Browser<'_>| {
        for _ in 0..2 {
            browser.get("/").await.is(200);
        }
    };
    let account = async |browser: &Browser<'_>| browser.get("/account/").await.status.as_u16();
    look(&ada).await;
    let stolen = [ada.at(&one), ada.at(&other)];
    for browser in &stolen {
        look(browser).await;
        assert_eq!(account(browser).await, 200);
    }
    redis.tell(&["SAVE"]).await;
    redis.pause();
    let token = value(&ada.get("/account/").await.is(200), "csrf").unwrap();
    ada.post("/account/logout/", &[("csrf", &token)]).await.is(303);
    redis.go_on();
    for instance in [&one, &other] {
        answers(instance).await;
    }
    for browser in &stolen {
        assert_eq!(account(browser).await, 303, "the page where one logs in");
    }

    // A guest's secret is worth nothing once its owner has logged in, also when Redis comes back as it was before.
    let guest = Browser::new(&one);
    guest.add("TEA", 1).await;
    look(&guest).await;
    let planted = [guest.at(&one), guest.at(&other)];
    redis.tell(&["SAVE"]).await;
    log_in(&guest, "ada@example.com", PASSWORD).await.is(303);
    redis.kill();
    redis.start_again();
    assert!(redis.tell(&["KEYS", "*:session:*"]).await.contains(":session:"), "it has what it saved");
    for (instance, browser) in [&one, &other].into_iter().zip(&planted) {
        look(browser).await;
        answers(instance).await;
        assert_eq!(in_cart(browser).await, 0, "it is nobody's session");
    }
}

#[tokio::test]
async fn a_wrong_password_or_nobody_at_the_address_keeps_no_process_from_serving() {
    let (redis, (shop, _writer)) = (RedisServer::start_with_password("right"), stocked().await);
    let right = connected(&shop, &redis).await;
    Browser::new(&right).get("/").await.is(200);
    let wrong = format!("redis://:wrong@127.0.0.1:{}", redis.port());
    let nobody = format!("redis://127.0.0.1:{}", testkit::free_port());
    for url in [wrong, nobody] {
        let instance = instance(&shop, &url).await;
        let ada = Browser::new(&instance);
        ada.add("TEA", 2).await;
        assert_eq!(in_cart(&ada).await, 2);
        assert!(!instance.shared.is_connected());
    }
}
