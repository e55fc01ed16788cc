//! What each page asks of the database: a number of statements that does not grow with what is in it. Where there is a
//! session, one of them is left for renewing it.

use crate::browser::{Browser, value};
use crate::http_support::{Shop, usd};
use crate::shop_members::{join, member, order, stocked as club};
use crate::shop_pages::{add, browse, stocked};
use crate::shop_payments_pages::{ordered, press, sandboxed, thanks};
use chrono::Utc;
use commands::subscribers::letters;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, Once};
use std::thread::{self, ThreadId};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Of the catalogue's pages, for a visitor without a session.
const MOST_OF_CATALOGUE: usize = 4;
/// The same for one with a session and a cart.
const MOST_WITH_CART: usize = 5;
/// Of a change of the cart.
const MOST_OF_CHANGE: usize = 3;

/// Holds a page to a number of statements, the second time that it is asked for: the first time, where the views are is
/// looked up besides.
async fn bounded(statements: &Statements, browser: &Browser<'_>, path: &str, most: usize) {
    browser.get(path).await;
    statements.taken();
    let answer = browser.get(path).await;
    let asked = statements.taken();
    assert!(answer.status.is_success() || answer.status.is_redirection(), "{path} answered {}", answer.status);
    assert!(asked.len() <= most, "{path} asked {} times: {asked:#?}", asked.len());
}

/// On one thread, so that all that the server does is seen.
#[tokio::test(flavor = "current_thread")]
async fn the_catalogue_s_pages_ask_little_however_much_is_in_it() {
    let (shop, filled) = stocked().await;
    let mut last = None;
    for n in 0..40 {
        let body = json!({ "sku": format!("G-{n:02}"), "name": "Tea", "price": usd("1"), "categories": ["green"], "featured": true });
        last = Some(add(&filled, &body).await);
    }
    filled.caught_up(last.unwrap().position()).await;
    let statements = Statements::of_this_thread();
    for path in ["/", "/products/", "/products/?q=tea", "/categories/green/", "/products/SENCHA/", "/products/NONE/"] {
        // Nothing is kept in a fresh process. The first time, where the views are is looked up besides.
        let instance = shop.instance().await;
        browse(&instance, "/products/?q=cup").await;
        statements.taken();
        browse(&instance, path).await;
        let asked = statements.taken();
        assert!((1..=MOST_OF_CATALOGUE).contains(&asked.len()), "{path} asked {asked:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn pages_ask_as_much_however_full_the_cart_is() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let (ada, looker) = (Browser::new(&instance), Browser::new(&instance));
    ada.add("TEA", 1).await;
    let line = "INSERT INTO cart_lines (cart_id, sku, quantity, added_at) SELECT id, 'P-' || n, 1, now() FROM carts, generate_series(1, 400) AS n";
    let statements = Statements::of_this_thread();
    for filled in [false, true] {
        if filled {
            sqlx::query(line).execute(&shop.db.pool().await).await.unwrap();
        }
        for path in ["/", "/cart/", "/orders/create/", "/products/TEA/"] {
            bounded(&statements, &ada, path, MOST_WITH_CART).await;
        }
    }
    looker.get("/cart/").await.is(200);
    assert_eq!(statements.taken(), Vec::<String>::new(), "of who has no session nothing is asked");
}

#[tokio::test(flavor = "current_thread")]
async fn changing_the_cart_asks_little() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    let token = ada.token().await;
    let statements = Statements::of_this_thread();
    for (path, fields) in [
        ("/cart/add/", &[("csrf", token.as_str()), ("sku", "CUP"), ("quantity", "2")][..]),
        ("/cart/change/", &[("csrf", &token), ("sku", "CUP"), ("quantity", "3")]),
        ("/cart/remove/", &[("csrf", &token), ("sku", "CUP")]),
    ] {
        statements.taken();
        ada.post(path, fields).await.is(303);
        let asked = statements.taken();
        assert!((1..=MOST_OF_CHANGE).contains(&asked.len()), "{path} asked {} times: {asked:#?}", asked.len());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_member_s_pages_ask_as_much_however_many_orders_there_are() {
    let (shop, instance, club) = club().await;
    let ada = Browser::new(&instance);
    member(&club, &ada, "ada@example.com").await;
    let statements = Statements::of_this_thread();
    for orders in [1, 4] {
        let mut last = String::new();
        for _ in 0..orders {
            ada.add("TEA", 1).await;
            last = order(&ada).await;
        }
        let shown = instance.get(&format!("/v1/orders/{last}")).await.is(200);
        instance.caught_up(shown.position()).await;
        for (path, most) in [
            ("/account/", 4),
            ("/account/person/", 3),
            ("/account/password/", 3),
            (&format!("/account/orders/{last}/"), 5),
            (&thanks(&shop, last.parse().unwrap()).await, 4),
            ("/", MOST_WITH_CART),
        ] {
            bounded(&statements, &ada, path, most).await;
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn forms_of_accounts_and_of_the_newsletter_ask_little() {
    let (shop, instance, club) = club().await;
    let (ada, guest) = (Browser::new(&instance), Browser::new(&instance));
    join(&ada, "ada@example.com").await.is(200);
    let join_token = club.link().await.expose();
    let csrf = value(&guest.get("/newsletter/").await.is(200), "csrf").unwrap_or_default();
    guest.post("/newsletter/", &[("csrf", &csrf), ("email", "grace@example.com")]).await.is(200);
    let pool = shop.db.pool().await;
    let asked: Value = sqlx::query_scalar("SELECT payload FROM scheduled_jobs WHERE task = 'subscription_mail'")
        .fetch_one(&pool)
        .await
        .unwrap();
    let letter = letters::write(&pool, &asked, Utc::now()).await.unwrap().expect("a mail to write");
    let (confirm, leave) = (letter.confirm.expect("a link").expose(), letter.subscriber.leave.expose());
    let statements = Statements::of_this_thread();
    for path in ["/account/join/", "/account/login/", "/account/forgotten/", "/newsletter/"] {
        for browser in [&guest, &ada] {
            bounded(&statements, browser, path, 0).await;
        }
    }
    for (path, most) in [
        (format!("/account/confirm/?token={join_token}"), 1),
        (format!("/newsletter/confirm/?token={confirm}"), 1),
        (format!("/newsletter/leave/?who={leave}"), 0),
    ] {
        bounded(&statements, &guest, &path, most).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_order_is_placed_shown_and_paid_for_by_few_statements() {
    let (shop, front, till) = sandboxed().await;
    let (order, ada) = (ordered(&front, "TEA").await, Browser::new(&till));
    let thanks = thanks(&shop, order).await;
    let statements = Statements::of_this_thread();
    bounded(&statements, &ada, &thanks, 4).await;
    let page = ada.get(&thanks).await.is(200);
    let sandbox = press(&ada, &page).await;
    bounded(&statements, &ada, &sandbox, 1).await;
}

/// The statements that requests led to which this test's thread served. One subscriber hears all threads: of several,
/// each its own thread's, tracing may take one thread's indifference for everybody's.
#[derive(Clone, Copy)]
pub struct Statements(ThreadId);

/// Of each thread that asked to be heard.
static SENT: LazyLock<Mutex<HashMap<ThreadId, Vec<String>>>> = LazyLock::new(Mutex::default);

impl Statements {
    pub fn of_this_thread() -> Self {
        static HEARD: Once = Once::new();
        HEARD.call_once(|| {
            let told = Targets::new().with_target("sqlx::query", Level::DEBUG).with_target("api", Level::INFO);
            let hearing = tracing_subscriber::registry().with(Hearing.with_filter(told));
            tracing::subscriber::set_global_default(hearing).expect("nobody else hears all threads");
        });
        let thread = thread::current().id();
        SENT.lock().unwrap().insert(thread, Vec::new());
        Self(thread)
    }

    /// What was sent since this was asked last.
    pub fn taken(&self) -> Vec<String> {
        SENT.lock().unwrap().get_mut(&self.0).map(std::mem::take).unwrap_or_default()
    }
}

struct Hearing;

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Hearing {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let of_a_request =
            || context.event_scope(event).is_some_and(|mut scope| scope.any(|span| span.name() == "request"));
        if event.metadata().target() == "sqlx::query" && of_a_request() {
            let mut summary = Summary(String::new());
            event.record(&mut summary);
            if let Some(sent) = SENT.lock().unwrap().get_mut(&thread::current().id()) {
                sent.push(summary.0);
            }
        }
    }
}

struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            self.0 = value.to_owned();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}
