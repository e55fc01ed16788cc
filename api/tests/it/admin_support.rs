//! Somebody behind the counter, with a browser without a script.

use crate::browser::{Browser, value};
use crate::http_support::{Instance, Reply, Shop};
use chrono::Utc;
use commands::staff::accounts::{self, Invitation};
use commands::staff::{Account, Role, links};
use domain::text::{Email, PersonName};
use sqlx::PgPool;

pub const PASSWORD: &str = "oolong & steam";
pub const COOKIE: &str = "__Host-orders-staff";

/// Makes an account without a password, and the link that sets one.
pub async fn invited(pool: &PgPool, email: &str, role: Role) -> (Account, String) {
    let email = Email::parse(email).unwrap();
    let whom = Invitation { email, name: PersonName::parse("Somebody").unwrap(), role };
    let account = accounts::invite(pool, &whom, Utc::now()).await.unwrap();
    let token = links::make(pool, account.id, Utc::now()).await.unwrap().unwrap();
    let path = format!("/admin/password/?token={}", token.expose());
    (account, path)
}

/// Follows a link: sets name and password, and is logged in.
pub async fn follow(browser: &Browser<'_>, link: &str, name: &str) -> Reply {
    let page = browser.get(link).await.is(200);
    let token = value(&page, "token").expect("a form");
    browser.post("/admin/password/", &[("token", &token), ("name", name), ("password", PASSWORD)]).await
}

pub async fn log_in(browser: &Browser<'_>, email: &str, password: &str) -> Reply {
    browser.post("/admin/login/", &[("email", email), ("password", password), ("next", "/admin/orders/")]).await
}

/// Somebody who is logged in.
pub struct Staff<'i> {
    pub browser: Browser<'i>,
    pub account: Account,
}

impl<'i> Staff<'i> {
    pub async fn logged_in(shop: &Shop, instance: &'i Instance, role: Role) -> Self {
        let pool = shop.db.pool().await;
        let (account, link) = invited(&pool, &format!("{role}@example.com"), role).await;
        let browser = Browser::new(instance);
        follow(&browser, &link, &format!("The {role}")).await.is(303);
        Self { browser, account }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.browser.get(path).await
    }

    /// What this session's forms carry.
    pub async fn csrf(&self) -> String {
        value(&self.get("/admin/").await.is(200), "csrf").expect("a form")
    }

    /// Sends a form as a page of ours would.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf().await;
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.browser.post(path, &fields).await
    }
}

/// The text of the page's main part.
pub fn main_of(page: &Reply) -> &str {
    page.text.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).expect("a main part").0
}
