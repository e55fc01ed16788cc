//! Accounts, as a browser without a script has them.

use crate::browser::{Browser, value};
use crate::http_support::{Instance, Reply, Shop};
use chrono::Utc;
use commands::members::LinkToken;
use commands::members::letters::{self, Says};
use serde_json::Value;
use sqlx::PgPool;
use std::net::Ipv4Addr;
use std::time::Duration;
use testkit::eventually;
use uuid::Uuid;

pub const PASSWORD: &str = "oolong & steam";
const BOUND: Duration = Duration::from_secs(60);

/// What stands in the text of the page's main part.
fn main_of(page: &Reply) -> &str {
    page.text.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).expect("a main part").0
}

pub struct Club {
    pool: PgPool,
}

impl Club {
    pub async fn of(shop: &Shop) -> Self {
        Self { pool: shop.db.pool().await }
    }

    async fn jobs(&self) -> Vec<Value> {
        let sql = "SELECT payload FROM scheduled_jobs WHERE task = 'account_mail' ORDER BY id";
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    /// What the newest mail says, as it would be written now.
    async fn says(&self) -> Option<Says> {
        let payload = self.jobs().await.pop().expect("a mail was asked for");
        letters::write(&self.pool, &payload, Utc::now()).await.unwrap().map(|letter| letter.says)
    }

    pub async fn link(&self) -> LinkToken {
        match self.says().await {
            Some(Says::Confirm(token) | Says::Reset(token)) => token,
            other => panic!("no link: {other:?}"),
        }
    }
}

pub async fn join(browser: &Browser<'_>, email: &str) -> Reply {
    let token = csrf(browser, "/account/join/").await;
    let fields = [
        ("csrf", token.as_str()),
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("email", email),
        ("new_password", PASSWORD),
    ];
    browser.post("/account/join/", &fields).await
}

pub async fn log_in(browser: &Browser<'_>, email: &str, password: &str) -> Reply {
    let token = csrf(browser, "/account/login/").await;
    browser.post("/account/login/", &[("csrf", token.as_str()), ("email", email), ("password", password)]).await
}

/// The token of the forms on that page; empty for a visitor without a session.
async fn csrf(browser: &Browser<'_>, path: &str) -> String {
    value(&browser.get(path).await.is(200), "csrf").expect("a form")
}

async fn confirm(browser: &Browser<'_>, token: &LinkToken, password: &str) -> Reply {
    let token = token.expose();
    let csrf = csrf(browser, &format!("/account/confirm/?token={token}")).await;
    let fields = [("csrf", csrf.as_str()), ("token", token.as_str()), ("password", password)];
    browser.post("/account/confirm/", &fields).await
}

/// Makes a member of that address, and leaves the browser logged in.
pub async fn member(club: &Club, browser: &Browser<'_>, email: &str) {
    join(browser, email).await.is(200);
    let joined = confirm(browser, &club.link().await, PASSWORD).await.is(303);
    assert_eq!(joined.header("location"), "/account/");
}

/// Orders what is in the cart; says which order that is.
pub async fn order(browser: &Browser<'_>) -> String {
    let page = browser.get("/orders/create/").await.is(200);
    let hidden = ["csrf", "key", "total", "currency"].map(|name| (name, value(&page, name).expect(name)));
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend([("first_name", "Ada"), ("last_name", "Lovelace"), ("email", "ada@example.com")]);
    fields.extend([("address", "12 St James's Square"), ("postal_code", "SW1Y 4JH"), ("city", "London")]);
    let placed = browser.post("/orders/create/", &fields).await.is(303);
    placed.header("location").strip_prefix("/orders/").unwrap().split('/').next().unwrap().to_owned()
}

pub async fn stocked() -> (Shop, Instance, Club) {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let club = Club::of(&shop).await;
    (shop, instance, club)
}

#[tokio::test]
async fn who_joins_confirms_by_link_and_password_and_is_logged_in_by_another_secret() {
    let (_shop, instance, club) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    let before = ada.cookie("__Host-orders").unwrap();
    let told = join(&ada, "ada@example.com").await.is(200);
    assert!(main_of(&told).contains("check your inbox"), "{}", told.text);
    let guest = ada.get("/account/").await.is(303);
    assert_eq!(guest.header("location"), "/account/login/?next=%2Faccount%2F");

    let token = club.link().await;
    let wrong = confirm(&ada, &token, "darjeeling & fog").await.is(422);
    assert!(main_of(&wrong).contains("another password"), "{}", wrong.text);
    confirm(&ada, &token, PASSWORD).await.is(303);
    assert_ne!(ada.cookie("__Host-orders").unwrap(), before, "a secret planted before is worth nothing");
    let account = ada.get("/account/").await.is(200);
    assert!(main_of(&account).contains("Ada Lovelace") && main_of(&account).contains("ada@example.com"));
    let again = ada.get(&format!("/account/confirm/?token={}", token.expose())).await.is(200);
    assert!(main_of(&again).contains("no longer works"), "{}", again.text);
    let old = Browser::new(&instance);
    old.set_cookie("__Host-orders", &before);
    old.get("/account/").await.is(303);
}

#[tokio::test]
async fn nobody_learns_from_an_answer_who_is_a_member() {
    let (_shop, instance, club) = stocked().await;
    member(&club, &Browser::new(&instance), "ada@example.com").await;
    let stranger = Browser::new(&instance);
    let known = join(&stranger, "ADA@example.com").await.is(200);
    assert_eq!(club.says().await, Some(Says::HasAccount));
    let unknown = join(&stranger, "grace@example.com").await.is(200);
    assert_eq!(main_of(&known), main_of(&unknown));

    let forgotten = async |email: &str| {
        let csrf = csrf(&stranger, "/account/forgotten/").await;
        stranger.post("/account/forgotten/", &[("csrf", csrf.as_str()), ("email", email)]).await.is(200)
    };
    let (known, unknown) = (forgotten("ada@example.com").await, forgotten("nobody@example.com").await);
    assert_eq!(main_of(&known), main_of(&unknown));
    assert_eq!((club.jobs().await.len(), club.says().await), (5, None), "and yet nobody is written to");

    let known = log_in(&stranger, "ada@example.com", "darjeeling & fog").await.is(422);
    let unknown = log_in(&stranger, "nobody@example.com", "darjeeling & fog").await.is(422);
    let shown = |reply: &Reply, email: &str| main_of(reply).replace(email, "…");
    assert_eq!(shown(&known, "ada@example.com"), shown(&unknown, "nobody@example.com"));
    assert!(!known.text.contains("darjeeling"), "a password is never shown again");
}

#[tokio::test]
async fn guessing_and_flooding_are_slowed_down_for_known_and_unknown_alike() {
    let (_shop, instance, club) = stocked().await;
    member(&club, &Browser::new(&instance), "ada@example.com").await;
    let stranger = Browser::new(&instance);
    // Following the link to the account counted as a try.
    for (email, tries) in [("ada@example.com", 7), ("nobody@example.com", 8)] {
        for _ in 0..tries {
            log_in(&stranger, email, "darjeeling & fog").await.is(422);
        }
        let refused = log_in(&stranger, email, PASSWORD).await.is(429);
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    for _ in 0..4 {
        join(&stranger, "grace@example.com").await.is(200);
    }
    join(&stranger, "grace@example.com").await.is(429);
    // Nobody is kept out by what others do elsewhere.
    let (ada, elsewhere) = (Browser::new(&instance), Ipv4Addr::new(127, 0, 0, 2));
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    ada.form("/account/login/", &fields).sent_from(elsewhere).await.is(303);
    let forgotten = ada.form("/account/forgotten/", &[("email", "grace@example.com")]);
    forgotten.sent_from(elsewhere).await.is(200);
}

#[tokio::test]
async fn the_password_of_a_link_to_an_account_is_tried_a_few_times() {
    let (_shop, instance, club) = stocked().await;
    let stranger = Browser::new(&instance);
    join(&stranger, "grace@example.com").await.is(200);
    let token = club.link().await;
    for _ in 0..5 {
        confirm(&stranger, &token, "darjeeling & fog").await.is(422);
    }
    confirm(&stranger, &token, PASSWORD).await.is(429);
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_its_field_and_what_was_typed_is_kept() {
    let (_shop, instance, club) = stocked().await;
    let ada = Browser::new(&instance);
    let fields = [("first_name", "Ada <b>"), ("last_name", ""), ("email", "ada"), ("new_password", "short")];
    let page = ada.post("/account/join/", &fields).await.is(422);
    for part in ["last_name-error", "email-error", "new_password-error", "value=\"Ada &#60;b&#62;\"", "at least 10"] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    assert!(!page.text.contains("value=\"short\""));
    assert!(club.jobs().await.is_empty());
}

#[tokio::test]
async fn the_carts_of_visit_and_member_become_one_at_login() {
    let (_shop, instance, club) = stocked().await;
    let home = Browser::new(&instance);
    member(&club, &home, "ada@example.com").await;
    home.add("TEA", 1).await;
    let phone = Browser::new(&instance);
    phone.add("TEA", 2).await;
    phone.add("CUP", 1).await;
    log_in(&phone, "ada@example.com", PASSWORD).await.is(303);
    for browser in [&phone, &home] {
        let cart = browser.get("/cart/").await.is(200);
        assert!(cart.text.contains("The TEA") && cart.text.contains("The CUP"), "{}", cart.text);
        assert!(cart.text.contains("$45.50"), "three of the one and one of the other: {}", cart.text);
    }
}

/// A process that ended between placing an order and emptying the cart leaves what was ordered in it.
#[tokio::test]
async fn what_a_crash_left_in_a_cart_is_not_taken_along_at_login() {
    let (shop, instance, club) = stocked().await;
    let (home, phone) = (Browser::new(&instance), Browser::new(&instance));
    member(&club, &home, "ada@example.com").await;
    phone.add("TEA", 2).await;
    let order = order(&phone).await;
    let pool = shop.db.pool().await;
    let last = "SELECT id FROM carts WHERE member_id IS NULL AND session_id =
                    (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1)";
    let cart: Uuid = sqlx::query_scalar(last).fetch_one(&pool).await.unwrap();
    let untaken = "UPDATE idempotency_keys SET cart_id = $1 WHERE body = $2";
    sqlx::query(untaken).bind(cart).bind(&order).execute(&pool).await.unwrap();
    let line = "INSERT INTO cart_lines (cart_id, sku, quantity, added_at) VALUES ($1, 'TEA', 2, now())";
    sqlx::query(line).bind(cart).execute(&pool).await.unwrap();
    log_in(&phone, "ada@example.com", PASSWORD).await.is(303);
    for browser in [&phone, &home] {
        assert!(browser.get("/cart/").await.is(200).text.contains("Your cart is empty"));
    }
}

#[tokio::test]
async fn what_a_member_looked_at_is_known_in_every_session_and_what_a_visit_did_is_added() {
    let (_shop, instance, club) = stocked().await;
    let (home, phone) = (Browser::new(&instance), Browser::new(&instance));
    member(&club, &home, "ada@example.com").await;
    let shown = async |browser: &Browser<'_>, sku: &str| {
        let cart = browser.get("/cart/").await.is(200).text;
        let viewed = cart.split_once("Most viewed by you").map(|(_, viewed)| viewed.to_owned());
        viewed.and_then(|viewed| viewed.find(&format!("/products/{sku}/")))
    };
    let look = async |browser: &Browser<'_>, sku: &str, times: usize| {
        for _ in 0..times {
            browser.get(&format!("/products/{sku}/")).await.is(200);
        }
    };
    // A visitor without a session is counted nowhere.
    let looker = Browser::new(&instance);
    eventually("the newest product is shown", BOUND, async || {
        let page = looker.get("/products/CUP/").await;
        if page.status.as_u16() == 200 { Ok(()) } else { Err(page.status) }
    })
    .await;
    look(&home, "TEA", 2).await;
    // A visit begins with the first thing that is done in it.
    instance.add_product("POT", "30.00").await;
    phone.add("POT", 1).await;
    look(&phone, "CUP", 1).await;
    assert_eq!(shown(&phone, "TEA").await, None, "it is nobody's yet");
    log_in(&phone, "ada@example.com", PASSWORD).await.is(303);
    for browser in [&phone, &home] {
        let (tea, cup) = (shown(browser, "TEA").await, shown(browser, "CUP").await);
        assert!(tea.is_some() && tea < cup, "{tea:?} {cup:?}");
    }
    look(&phone, "CUP", 2).await;
    assert!(shown(&home, "CUP").await < shown(&home, "TEA").await, "three times by now");
    let token = csrf(&phone, "/account/person/").await;
    phone.post("/account/logout/", &[("csrf", token.as_str())]).await.is(303);
    phone.add("POT", 1).await;
    assert_eq!(shown(&phone, "CUP").await, None, "the next who sits there learns nothing");
    assert!(shown(&home, "CUP").await.is_some());
}

#[tokio::test]
async fn members_see_their_own_orders_with_history_and_nobody_elses() {
    let (shop, instance, club) = stocked().await;
    let (ada, grace) = (Browser::new(&instance), Browser::new(&instance));
    member(&club, &ada, "ada@example.com").await;
    member(&club, &grace, "grace@example.com").await;
    ada.add("TEA", 1).await;
    let id = order(&ada).await;
    let path = format!("/account/orders/{id}/");
    eventually("the order is in the list", BOUND, async || {
        let account = ada.get("/account/").await.is(200);
        if account.text.contains(&path) { Ok(()) } else { Err(account.text) }
    })
    .await;
    assert!(!grace.get("/account/").await.is(200).text.contains(&path));
    let page = ada.get(&path).await.is(200);
    for part in ["You placed the order.", "The TEA", "$12.50", "Pay now"] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    assert_eq!(grace.get(&path).await.status.as_u16(), 404);
    assert_eq!(Browser::new(&instance).get(&path).await.status.as_u16(), 303);
    let messages = format!("/orders/{id}/messages/");
    let write = async |browser: &Browser<'_>, page: &str| {
        let csrf = csrf(browser, page).await;
        let form = Uuid::now_v7().to_string();
        let fields = [("csrf", csrf.as_str()), ("form", form.as_str()), ("text", "Is it on its way?")];
        browser.post(&messages, &fields).await
    };
    write(&ada, &path).await.is(303);
    assert!(ada.get(&path).await.is(200).text.contains("Is it on its way?"));
    assert_eq!(write(&grace, "/account/person/").await.status.as_u16(), 404, "neither a key nor their order");
    // The order's own page, which guests reach by a key, is the member's without one.
    let thanks = format!("/orders/{id}/thanks/");
    assert!(ada.get(&thanks).await.is(200).text.contains("Thank you, Ada!"));
    for stranger in [&grace, &Browser::new(&instance)] {
        assert_eq!(stranger.get(&thanks).await.status.as_u16(), 404);
    }
    assert_eq!(ada.get(&format!("{thanks}?key=wrong")).await.status.as_u16(), 404);
    instance.pay(&id, "12.50", "till-1").await.is(200);
    let page = ada.get(&path).await.is(200);
    assert!(page.text.contains("We received $12.50.") && page.text.contains("The order is paid."), "{}", page.text);

    let mail = format!("{path}mail/");
    let csrf = value(&page, "csrf").unwrap();
    let ask = async |browser: &Browser<'_>, csrf: &str, which: &str| {
        browser.post(&mail, &[("csrf", csrf), ("which", which)]).await
    };
    assert!(ask(&ada, &csrf, "receipt").await.is(200).text.contains("on its way"));
    assert!(ask(&ada, &csrf, "receipt").await.is(200).text.contains("just now"));
    assert_eq!(ask(&ada, &csrf, "advertisement").await.status.as_u16(), 400);
    let theirs = self::csrf(&grace, "/account/person/").await;
    assert_eq!(ask(&grace, &theirs, "receipt").await.status.as_u16(), 404);
    assert_eq!(ask(&grace, &csrf, "receipt").await.status.as_u16(), 403, "another visitor's token");
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM scheduled_jobs WHERE task = 'order_mail_again'")
        .fetch_one(&shop.db.pool().await)
        .await
        .unwrap();
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn a_new_password_logs_everybody_else_out() {
    let (_shop, instance, club) = stocked().await;
    let (home, stolen) = (Browser::new(&instance), Browser::new(&instance));
    member(&club, &home, "ada@example.com").await;
    log_in(&stolen, "ada@example.com", PASSWORD).await.is(303);
    stolen.get("/account/").await.is(200);

    let csrf_token = csrf(&home, "/account/forgotten/").await;
    home.post("/account/forgotten/", &[("csrf", csrf_token.as_str()), ("email", "ada@example.com")]).await.is(200);
    let token = club.link().await.expose();
    let csrf_token = csrf(&home, &format!("/account/reset/?token={token}")).await;
    let fields = [("csrf", csrf_token.as_str()), ("token", token.as_str()), ("new_password", "lapsang & smoke")];
    assert!(home.post("/account/reset/", &fields).await.is(200).text.contains("Your password is set"));
    home.get("/account/").await.is(200);
    assert!(home.get(&format!("/account/reset/?token={token}")).await.is(200).text.contains("no longer works"));
    stolen.get("/account/").await.is(303);
    log_in(&stolen, "ada@example.com", PASSWORD).await.is(422);

    log_in(&home, "ada@example.com", "lapsang & smoke").await.is(303);
    log_in(&stolen, "ada@example.com", "lapsang & smoke").await.is(303);
    let csrf_token = csrf(&home, "/account/password/").await;
    let fields = [("csrf", csrf_token.as_str()), ("password", "lapsang & smoke"), ("new_password", "keemun & honey")];
    home.post("/account/password/", &fields).await.is(303);
    home.get("/account/").await.is(200);
    stolen.get("/account/").await.is(303);
}

#[tokio::test]
async fn details_are_changed_and_kept_and_logging_out_ends_the_visit() {
    let (_shop, instance, club) = stocked().await;
    let ada = Browser::new(&instance);
    member(&club, &ada, "ada@example.com").await;
    let csrf_token = csrf(&ada, "/account/person/").await;
    let half = [("csrf", csrf_token.as_str()), ("first_name", "Ada"), ("last_name", "King"), ("city", "London")];
    assert!(ada.post("/account/person/", &half).await.is(422).text.contains("postal_code-error"));
    let whole = [half.as_slice(), &[("address", "12 St James's Square"), ("postal_code", "SW1Y 4JH")]].concat();
    ada.post("/account/person/", &whole).await.is(303);
    let account = ada.get("/account/").await.is(200);
    assert!(account.text.contains("Ada King") && account.text.contains("SW1Y 4JH London"), "{}", account.text);

    ada.add("TEA", 1).await;
    let checkout = ada.get("/orders/create/").await.is(200);
    for known in ["King", "ada@example.com", "SW1Y 4JH"] {
        assert!(checkout.text.contains(&format!("value=\"{known}\"")), "{known} in {}", checkout.text);
    }

    ada.post("/account/logout/", &[("csrf", "")]).await.is(403);
    ada.post("/account/logout/", &[("csrf", csrf_token.as_str())]).await.is(303);
    ada.get("/account/").await.is(303);
}

#[tokio::test]
async fn a_form_from_before_logging_in_is_shown_again_with_what_was_typed() {
    let (_shop, instance, club) = stocked().await;
    let (home, ada) = (Browser::new(&instance), Browser::new(&instance));
    member(&club, &home, "ada@example.com").await;
    ada.add("TEA", 1).await;
    let (checkout, other_tab) = (ada.get("/orders/create/").await.is(200), csrf(&ada, "/account/login/").await);
    log_in(&ada, "ada@example.com", PASSWORD).await.is(303);
    let hidden = ["csrf", "key", "total", "currency"].map(|name| (name, value(&checkout, name).expect(name)));
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend([("first_name", "Augusta"), ("last_name", "King"), ("email", "ada@example.com")]);
    fields.extend([("address", "12 St James's Square"), ("postal_code", "SW1Y 4JH"), ("city", "London")]);
    let asked = ada.post("/orders/create/", &fields).await.is(409);
    assert!(asked.text.contains("You logged in or out in another tab"), "{}", asked.text);
    assert_eq!(value(&asked, "first_name").as_deref(), Some("Augusta"), "what was typed is kept");
    let hidden = ["csrf", "key", "total", "currency"].map(|name| (name, value(&asked, name).expect(name)));
    for (field, (_, fresh)) in fields.iter_mut().zip(&hidden) {
        field.1 = fresh;
    }
    ada.post("/orders/create/", &fields).await.is(303);
    let again = [("csrf", other_tab.as_str()), ("email", "ada@example.com"), ("password", PASSWORD)];
    let asked = ada.post("/account/login/", &again).await.is(422);
    assert_eq!(value(&asked, "email").as_deref(), Some("ada@example.com"));
    assert!(!asked.text.contains(PASSWORD) && asked.text.contains("in another tab"), "{}", asked.text);
}

#[tokio::test]
async fn who_does_not_stay_logged_in_is_so_until_the_browser_is_closed() {
    let (_shop, instance, club) = stocked().await;
    member(&club, &Browser::new(&instance), "ada@example.com").await;
    let cookie = async |stay: &[(&str, &str)]| {
        let fields = [[("email", "ada@example.com"), ("password", PASSWORD)].as_slice(), stay].concat();
        let logged_in = Browser::new(&instance).post("/account/login/", &fields).await.is(303);
        logged_in.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
    };
    let (leaves, stays): (Vec<String>, Vec<String>) = (cookie(&[]).await, cookie(&[("stay", "on")]).await);
    assert!(leaves.len() == 1 && !leaves[0].contains("Max-Age"), "{leaves:?}");
    assert!(stays.len() == 1 && stays[0].contains("Max-Age=1209600"), "{stays:?}");
}
