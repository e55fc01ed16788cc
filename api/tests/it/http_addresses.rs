//! What anybody may do is limited by address: of the connection, or what a trusted proxy says of it.

use crate::browser::{Browser, value};
use crate::http_support::{Call, Instance, Reply, Shop};
use crate::shop_payments_support::Market;
use api::app::HttpSettings;
use api::http::{AddressLimits, RateLimit, ServerSettings};
use std::net::{IpAddr, Ipv4Addr};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// So few that a test gets beyond them, and so slow that none comes back while it runs.
const FEW: RateLimit = RateLimit { per_second: 0.001, burst: 2 };
const LIMITS: AddressLimits =
    AddressLimits { log_ins: FEW, mails: FEW, sessions: FEW, checkouts: FEW, notices: FEW, forgeries: FEW };

async fn instance(shop: &Shop, trusted: &[&str]) -> Instance {
    limited(shop, trusted, LIMITS).await
}

async fn limited(shop: &Shop, trusted: &[&str], address_limits: AddressLimits) -> Instance {
    let trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
    let http = HttpSettings { address_limits, trusted_proxies, ..HttpSettings::default() };
    shop.instance_with(http, ServerSettings::default()).await
}

/// Somebody else each time: what is counted is the address alone.
fn log_in<'i>(instance: &'i Instance, who: &str) -> Call<'i> {
    let fields = [("email", &*format!("{who}@example.com")), ("password", "darjeeling & fog")];
    Browser::new(instance).form("/account/login/", &fields)
}

#[track_caller]
fn refused(reply: Reply) {
    let reply = reply.is(429);
    assert!((1..=1_001).contains(&reply.header("retry-after").parse::<u32>().unwrap()), "{:?}", reply.headers);
    assert!(!reply.text.contains("127.0.0."), "{}", reply.text);
}

#[tokio::test]
async fn each_address_has_its_own_tries_of_a_password() {
    let shop = Shop::new().await;
    let instance = instance(&shop, &[]).await;
    for who in ["ada", "grace"] {
        log_in(&instance, who).sent_from(THERE).await.is(422);
    }
    refused(log_in(&instance, "joan").sent_from(THERE).await);
    log_in(&instance, "joan").sent_from(HERE).await.is(422);
    refused(log_in(&instance, "joan").sent_from(THERE).await);
}

fn add<'i>(browser: &Browser<'i>) -> Call<'i> {
    browser.form("/cart/add/", &[("sku", "TEA")]).sent_from(THERE)
}

#[tokio::test]
async fn only_so_many_visits_begin_at_an_address_and_those_that_have_go_on() {
    let shop = Shop::new().await;
    let instance = instance(&shop, &[]).await;
    instance.add_product("TEA", "12.50").await;
    let browsers = [Browser::new(&instance), Browser::new(&instance)];
    for browser in &browsers {
        browser.keep(add(browser).await.is(303));
    }
    refused(add(&Browser::new(&instance)).await);
    for browser in &browsers {
        add(browser).await.is(303);
    }
    add(&Browser::new(&instance)).sent_from(HERE).await.is(303);
    let sessions: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&shop.db.pool().await).await.unwrap();
    assert_eq!(sessions, 3);
}

#[tokio::test]
async fn forms_that_have_a_mail_written_are_counted_together() {
    let shop = Shop::new().await;
    let instance = instance(&shop, &[]).await;
    let newsletter = |who: &str| {
        let email = format!("{who}@example.com");
        Browser::new(&instance).form("/newsletter/", &[("email", &*email)]).sent_from(THERE)
    };
    let forgotten = |who: &str| {
        let email = format!("{who}@example.com");
        Browser::new(&instance).form("/account/forgotten/", &[("email", &*email)])
    };
    let join = |who: &str| {
        let email = format!("{who}@example.com");
        let names = [("first_name", "Ada"), ("last_name", "Lovelace"), ("new_password", "oolong & steam")];
        let fields = [&names[..], &[("email", &*email)]].concat();
        Browser::new(&instance).form("/account/join/", &fields)
    };
    newsletter("ada").await.is(200);
    forgotten("grace").sent_from(THERE).await.is(200);
    refused(join("joan").sent_from(THERE).await);
    refused(newsletter("joan").await);
    refused(forgotten("joan").sent_from(THERE).await);
    join("joan").sent_from(HERE).await.is(200);
}

#[tokio::test]
async fn visitors_of_one_address_share_its_checkouts() {
    let shop = Shop::new().await;
    let sessions = AddressLimits::default().sessions;
    let instance = limited(&shop, &[], AddressLimits { sessions, ..LIMITS }).await;
    instance.add_product("TEA", "12.50").await;
    let order = async |address: Ipv4Addr| {
        let visitor = Browser::new(&instance);
        visitor.add("TEA", 1).await;
        let page = visitor.get("/orders/create/").await.is(200);
        let hidden = ["csrf", "key", "total", "currency"].map(|name| (name, value(&page, name).expect(name)));
        let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("first_name", "Ada"), ("last_name", "Lovelace"), ("email", "ada@example.com")]);
        fields.extend([("address", "12 St James's Square"), ("postal_code", "SW1Y 4JH"), ("city", "London")]);
        visitor.form("/orders/create/", &fields).sent_from(address).await
    };
    for _ in 0..2 {
        order(THERE).await.is(303);
    }
    refused(order(THERE).await);
    order(HERE).await.is(303);
}

#[tokio::test]
async fn a_header_that_anybody_may_write_changes_nothing() {
    let shop = Shop::new().await;
    for trusted in [&[][..], &["10.0.0.0/8", "::1/128"]] {
        let instance = instance(&shop, trusted).await;
        for number in 0..2 {
            let spoofed = format!("198.51.100.{number}");
            log_in(&instance, "ada").header("x-forwarded-for", &spoofed).await.is(422);
        }
        refused(log_in(&instance, "ada").header("x-forwarded-for", "198.51.100.9").await);
        refused(log_in(&instance, "ada").await);
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_visitors_are_told_apart() {
    let shop = Shop::new().await;
    let instance = instance(&shop, &["127.0.0.1/32", "10.0.0.0/8"]).await;
    let from = |way: &str| log_in(&instance, "ada").header("x-forwarded-for", way);
    for _ in 0..2 {
        from("198.51.100.1").await.is(422);
    }
    refused(from("198.51.100.1").await);
    refused(from("192.0.2.1, 198.51.100.1").await);
    refused(from("192.0.2.2, 198.51.100.1, 10.0.0.3").await);
    from("198.51.100.2").await.is(422);
    from("2001:db8:1:2::3").await.is(422);
    from("2001:db8:1:2::4").await.is(422);
    refused(from("2001:db8:1:2::5").await);
    // Whoever comes round the proxy is believed nothing.
    for number in 0..2 {
        from(&format!("198.51.100.{number}")).sent_from(THERE).await.is(422);
    }
    refused(from("198.51.100.9").sent_from(THERE).await);
}

#[tokio::test]
async fn a_flood_of_notices_from_elsewhere_keeps_no_provider_out() {
    let market = Market::open().await;
    let order = market.place().await;
    market.approved(order).await;
    let elsewhere = reqwest::Client::builder().local_address(IpAddr::from(THERE)).no_proxy().build().unwrap();
    let unsigned = async || elsewhere.post(&market.till.webhook).body("{}").send().await.unwrap();
    let limits = AddressLimits::default();
    let most = limits.forgeries.burst * 2;
    assert!(most < limits.notices.burst, "what is forged is limited sooner");
    let mut sent = 0;
    let refused = loop {
        let reply = unsigned().await;
        if reply.status().as_u16() == 429 {
            break reply;
        }
        sent += 1;
        assert!(sent < most, "nobody is slowed down");
    };
    assert!(sent >= limits.forgeries.burst, "one or the other may fail: {sent}");
    let wait: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait} s");
    for notice in market.paypal.take_notices() {
        assert_eq!(market.deliver(&notice).await, 204, "{}", notice.event_type);
    }
}
