//! A member's way in a real browser, with the mails that really arrived: from joining to a new password.

use crate::http_support::{BOUND, ada_buys};
use crate::shop_checkout::ADA;
use crate::shop_town::{Town, address, link, newest_mail};
use crate::window::{fill, fits, press, shows, status, texts};
use serde_json::json;
use testkit::browser::{Browser, Looks};
use testkit::eventually;

const PASSWORD: &str = "oolong & steam";
const NEW_PASSWORD: &str = "lapsang & smoke";
const BUTTON: &str = "main form button[type=submit]";
const STEPS: &str = "return [...document.querySelectorAll('li.done')].map((step) => step.dataset.step).join()";
const CONNECTED: &str = "return document.querySelector('[data-live-status]').textContent";

/// Somebody with a browser.
struct Visitor<'t> {
    town: &'t Town,
    browser: Browser,
    email: String,
    looks: Looks,
}

impl Visitor<'_> {
    async fn goto(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.town.here)).await;
    }

    async fn fits(&self, name: &str) {
        fits(&self.browser, &self.looks, &format!("{name}-desk")).await;
    }

    async fn press(&self, selector: &str, part: &str) {
        press(&self.browser, selector, part).await;
    }

    async fn joins(&self) {
        self.goto("/account/join/").await;
        let person = [("first_name", "Ada"), ("last_name", "Lovelace"), ("email", self.email.as_str())];
        fill(&self.browser, &person).await;
        fill(&self.browser, &[("new_password", "short")]).await;
        self.press(BUTTON, "/account/join/").await;
        assert_eq!(status(&self.browser).await, 422);
        shows(&self.browser, "return document.activeElement.id", json!("new_password")).await;
        self.fits("join-wrong").await;
        fill(&self.browser, &[("new_password", PASSWORD)]).await;
        self.press(BUTTON, "/account/join/").await;
        assert_eq!(texts(&self.browser, "h1").await, json!(["Please check your inbox"]));
        self.fits("joining").await;
        let mail = newest_mail(&self.email, 1).await;
        self.browser.goto(&link(&mail, "/account/confirm/")).await;
        self.fits("confirm").await;
        fill(&self.browser, &[("password", PASSWORD)]).await;
        self.press(BUTTON, "/account/").await;
        assert_eq!(texts(&self.browser, ".account-email").await, json!([self.email]));
        self.fits("account-empty").await;
    }

    async fn adds(&self, sku: &str) {
        self.goto(&format!("/products/{sku}/")).await;
        self.press(".buy button[type=submit]", "/cart/").await;
    }

    async fn logs_out(&self) {
        self.goto("/account/").await;
        self.press("form[action='/account/logout/'] button", "/").await;
        self.goto("/account/").await;
        let at = self.browser.run("return location.pathname").await;
        assert_eq!(at, "/account/login/", "nobody is logged in");
    }

    async fn logs_in(&self, password: &str) {
        self.goto("/account/login/").await;
        fill(&self.browser, &[("email", self.email.as_str()), ("password", password)]).await;
        self.press(BUTTON, "/account/").await;
    }

    /// Orders what is in the cart; says which order that is.
    async fn orders(&self) -> String {
        self.goto("/orders/create/").await;
        assert_eq!(self.browser.run("return document.querySelector('#email').value").await, self.email.as_str());
        fill(&self.browser, &ADA[3..]).await;
        self.press(".checkout button[type=submit]", "/thanks/").await;
        let path = self.browser.run("return location.pathname").await;
        path.as_str().unwrap().split('/').nth(2).unwrap().to_owned()
    }

    /// Opens the order from the list; reads the list until it is there.
    async fn opens_the_order(&self, path: &str) {
        eventually("the order is in the list", BOUND, async || {
            self.goto("/account/").await;
            let listed = texts(&self.browser, ".account-number").await;
            if listed == json!([]) { Err(listed) } else { Ok(()) }
        })
        .await;
        self.fits("account").await;
        self.press(&format!("a[href='{path}']"), path).await;
        shows(&self.browser, CONNECTED, json!("This page keeps itself up to date.")).await;
        assert_eq!(texts(&self.browser, ".small-name").await, json!(["TEA × 1", "CUP × 1"]));
    }
}

async fn visitor(town: &Town) -> Visitor<'_> {
    let looks = Looks::desk();
    Visitor { town, browser: Browser::open(&looks).await, email: address("ada"), looks }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_joins_by_mail_orders_and_follows_it_in_two_tabs_at_two_processes() {
    let town = Town::open().await;
    let ada = visitor(&town).await;
    ada.joins().await;
    ada.adds("TEA").await;
    ada.logs_out().await;
    ada.adds("CUP").await;
    assert_eq!(texts(&ada.browser, ".line-name").await, json!(["CUP"]), "a guest's own");
    ada.logs_in(PASSWORD).await;
    ada.goto("/cart/").await;
    assert_eq!(texts(&ada.browser, ".line-name").await, json!(["TEA", "CUP"]), "both carts are one");

    let order = ada.orders().await;
    let path = format!("/account/orders/{order}/");
    let confirmation = newest_mail(&ada.email, 2).await;
    ada.opens_the_order(&path).await;
    let here = ada.browser.tab().await;
    let there = ada.browser.open_tab(&ada.looks).await;
    ada.browser.goto(&format!("{}{path}", town.there)).await;
    shows(&ada.browser, CONNECTED, json!("This page keeps itself up to date.")).await;
    let payment = json!({ "amount": { "amount": "20.50", "currency": "USD" }, "reference": "wire-1" });
    town.staff.post(&format!("/v1/orders/{order}/payments"), &[("idempotency-key", "wire-1")], &payment).await.is(200);
    let answer = json!({ "text": "It is packed." });
    town.staff.post(&format!("/v1/orders/{order}/messages"), &[], &answer).await.is(201);
    for tab in [&here, &there] {
        ada.browser.go_to_tab(tab).await;
        shows(&ada.browser, STEPS, json!("placed,paid,mailed")).await;
        let said = "return [...document.querySelectorAll('.message-text')].map((said) => said.textContent)";
        shows(&ada.browser, said, json!(["It is packed."])).await;
    }
    ada.browser.go_to_tab(&here).await;
    ada.goto(&path).await;
    ada.fits("order").await;
    newest_mail(&ada.email, 3).await;
    ada.press("button[value=confirmation]", "/mail/").await;
    ada.fits("mail-again").await;
    let again = newest_mail(&ada.email, 4).await;
    assert_eq!((again.subject(), again.text()), (confirmation.subject(), confirmation.text()));
    assert_ne!(again.message_id(), confirmation.message_id());

    let foreign = town.staff.post("/v1/orders", &[], &ada_buys(&[("TEA", 1)])).await.is(201).json();
    ada.goto(&format!("/account/orders/{}/", foreign["id"].as_str().unwrap())).await;
    assert_eq!(status(&ada.browser).await, 404);
    ada.fits("foreign-order").await;
    ada.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_link_that_came_by_mail() {
    let town = Town::open().await;
    let ada = visitor(&town).await;
    ada.joins().await;
    ada.goto("/account/person/").await;
    ada.fits("person").await;
    ada.goto("/account/password/").await;
    ada.fits("password").await;
    ada.logs_out().await;
    ada.goto("/account/login/").await;
    fill(&ada.browser, &[("email", ada.email.as_str()), ("password", NEW_PASSWORD)]).await;
    ada.press(BUTTON, "/account/login/").await;
    assert_eq!(status(&ada.browser).await, 422);
    ada.fits("log-in-wrong").await;

    ada.press("a[href='/account/forgotten/']", "/account/forgotten/").await;
    ada.fits("forgotten").await;
    fill(&ada.browser, &[("email", ada.email.as_str())]).await;
    ada.press(BUTTON, "/account/forgotten/").await;
    ada.fits("recovering").await;
    let mail = newest_mail(&ada.email, 2).await;
    let reset = link(&mail, "/account/reset/");
    ada.browser.goto(&reset).await;
    ada.fits("reset").await;
    fill(&ada.browser, &[("new_password", NEW_PASSWORD)]).await;
    ada.press(BUTTON, "/account/reset/").await;
    ada.fits("was-reset").await;
    ada.browser.goto(&reset).await;
    assert_eq!(texts(&ada.browser, "h1").await, json!(["This link no longer works"]));
    ada.fits("void").await;
    ada.logs_in(NEW_PASSWORD).await;
    assert_eq!(texts(&ada.browser, ".account-email").await, json!([ada.email]));
    ada.browser.close().await;
}
