//! Paying in a real browser: on the built-in test page, and on a PayPal that is on another origin.
//!
//! `SHOP_PICTURES=/directory` keeps a picture of each page.

use crate::http_support::BOUND;
use crate::shop_payments_pages::{ordered, sandboxed, thanks};
use crate::shop_payments_support::{Market, happened};
use std::path::PathBuf;
use testkit::browser::{Browser, Looks};
use testkit::eventually;

async fn picture(browser: &Browser, name: &str) {
    if let Some(directory) = std::env::var_os("SHOP_PICTURES") {
        browser.picture(&PathBuf::from(directory).join(format!("{name}.png"))).await;
    }
}

/// Holds the page that is shown to what all pages are held to.
pub async fn fits(browser: &Browser, looks: &Looks, name: &str) {
    let wider = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
    assert_eq!(wider, 0, "{name} is wider than the window");
    if looks.scripts {
        assert_eq!(browser.axe().await, Vec::<String>::new(), "{name}");
    }
    picture(browser, name).await;
}

/// Presses what this selector finds, and waits until another page is shown.
pub async fn press(browser: &Browser, selector: &str, leads_to: &str) {
    browser.run(&format!("document.querySelector({selector:?}).click()")).await;
    arrived(browser, leads_to).await;
}

pub async fn arrived(browser: &Browser, part: &str) {
    eventually("another page is shown", BOUND, async || {
        let at = browser.run("return location.href + ' ' + document.readyState").await.to_string();
        if at.contains(part) && at.contains("complete") { Ok(()) } else { Err(at) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_an_order_is_paid_on_the_test_page() {
    let (shop, front, till) = sandboxed().await;
    for (look, looks) in [
        ("desk", Looks::desk()),
        ("phone-dark", Looks { dark: true, languages: "ko-KR,ko".to_owned(), ..Looks::phone() }),
        ("phone-without-script", Looks { scripts: false, languages: "zh-CN,zh".to_owned(), ..Looks::phone() }),
    ] {
        let browser = Browser::open(&looks).await;
        let order = ordered(&front, "TEA").await;
        browser.goto(&format!("http://{}{}", till.address, thanks(&shop, order).await)).await;
        fits(&browser, &looks, &format!("to-pay-{look}")).await;
        press(&browser, ".payment button", "/sandbox/").await;
        fits(&browser, &looks, &format!("sandbox-{look}")).await;
        press(&browser, "main button", "/thanks/").await;
        fits(&browser, &looks, &format!("paid-{look}")).await;
        assert_eq!(happened(&shop, order).await, ["PaymentRecorded", "OrderPaid"], "{look}");
        assert_eq!(browser.run("return document.querySelectorAll('.payment button').length").await, 0);
        let unlucky = ordered(&front, "UNLUCKY").await;
        browser.goto(&format!("http://{}{}", till.address, thanks(&shop, unlucky).await)).await;
        press(&browser, ".payment button", "/sandbox/").await;
        press(&browser, "main button", "/thanks/").await;
        fits(&browser, &looks, &format!("declined-{look}")).await;
        assert_eq!(happened(&shop, unlucky).await, Vec::<String>::new());
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_an_order_is_paid_on_paypals_own_page() {
    let market = Market::open().await;
    market.paypal.notify(&market.till.webhook);
    let order = market.place().await;
    let browser = Browser::open(&Looks::desk()).await;
    let shop = market.till.webhook.trim_end_matches("/payments/paypal/webhook").to_owned();
    browser.goto(&format!("{shop}{}", thanks(&market.shop, order).await)).await;
    // Through a page of ours: a form may lead to nobody else's.
    press(&browser, ".payment button", "/checkoutnow").await;
    press(&browser, "#cancel", "/thanks/").await;
    fits(&browser, &Looks::desk(), "cancelled").await;
    press(&browser, ".payment button", "/checkoutnow").await;
    press(&browser, "#pay", "/thanks/").await;
    market.work_off().await;
    market.paid_once(&market.happened(order).await);
    browser.close().await;
}
