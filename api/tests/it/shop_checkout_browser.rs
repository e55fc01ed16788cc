//! Buying in a real browser: by keys alone, on a phone without a script, twice at once, and at a price that changes
//! meanwhile.

use crate::http_support::{Instance, Shop};
use crate::shop_checkout::{ADA, orders, reprice};
use crate::shop_payments_pages::sandboxed;
use crate::window::{arrived, enter, fill, fits, press, shows, status, tab_to, texts};
use serde_json::json;
use testkit::browser::{Browser, Key, Looks};

const FOCUS: &str = "return document.activeElement.id";
/// As impatient people do, past what the script does against it.
const SEND_TWICE: &str = "window.isOld = true;
    for (let click = 0; click < 2; click++) HTMLFormElement.prototype.submit.call(document.querySelector('form.checkout'))";
const CLICK_TWICE: &str = "window.isOld = true;
    const button = document.querySelector('.checkout button'); button.click(); button.click()";

async fn goto(browser: &Browser, instance: &Instance, path: &str) {
    browser.goto(&format!("http://{}{path}", instance.address)).await;
}

/// Puts tea into the cart and goes on to the form.
async fn to_checkout(browser: &Browser, instance: &Instance) {
    goto(browser, instance, "/products/TEA/").await;
    press(browser, ".buy button[type=submit]", "/cart/").await;
    press(browser, ".summary a.button", "/orders/create/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_to_a_paid_order_is_gone_by_keys_alone() {
    let (_shop, _front, till) = sandboxed().await;
    let looks = Looks::desk();
    let browser = Browser::open(&looks).await;
    goto(&browser, &till, "/products/TEA/").await;
    tab_to(&browser, ".skip").await;
    tab_to(&browser, ".buy button[type=submit]").await;
    enter(&browser, "/cart/").await;
    fits(&browser, &looks, "cart-desk").await;
    tab_to(&browser, "a[href='/orders/create/']").await;
    enter(&browser, "/orders/create/").await;
    fits(&browser, &looks, "checkout-desk").await;
    for (name, text) in ADA {
        tab_to(&browser, &format!("#{name}")).await;
        browser.keys(if name == "email" { "ada" } else { text }).await;
    }
    enter(&browser, "/orders/create/").await;
    assert_eq!(status(&browser).await, 422);
    shows(&browser, FOCUS, json!("email")).await;
    assert_eq!(texts(&browser, ".field-error").await.as_array().map(Vec::len), Some(1));
    fits(&browser, &looks, "checkout-wrong-desk").await;
    browser.keys(Key::End).await;
    browser.keys("@example.com").await;
    tab_to(&browser, ".checkout button[type=submit]").await;
    enter(&browser, "/thanks/").await;
    tab_to(&browser, ".payment button").await;
    enter(&browser, "/sandbox/").await;
    tab_to(&browser, "main button").await;
    enter(&browser, "/thanks/").await;
    assert_eq!(texts(&browser, "li.done").await, json!(["Placed", "Paid"]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_a_script_buys_once_however_often_it_sends() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let looks = Looks { dark: true, scripts: false, languages: "ko-KR,ko".to_owned(), ..Looks::phone() };
    let browser = Browser::open(&looks).await;
    goto(&browser, &instance, "/cart/").await;
    fits(&browser, &looks, "cart-empty-phone-dark").await;
    goto(&browser, &instance, "/products/TEA/").await;
    press(&browser, ".buy button[type=submit]", "/cart/").await;
    fill(&browser, &[("quantity", "2")]).await;
    press(&browser, ".line-quantity button[type=submit]", "/cart/").await;
    assert_eq!(texts(&browser, ".sum .price").await, json!(["US$25.00"]));
    fits(&browser, &looks, "cart-phone-dark").await;
    press(&browser, ".summary a.button", "/orders/create/").await;
    fill(&browser, &ADA[..3]).await;
    press(&browser, ".checkout button[type=submit]", "/orders/create/").await;
    assert_eq!(status(&browser).await, 422);
    assert_eq!(texts(&browser, ".field-error").await.as_array().map(Vec::len), Some(3), "of the address");
    assert_eq!(browser.run("return document.querySelector('#email').value").await, "ada@example.com");
    fits(&browser, &looks, "checkout-wrong-phone-dark").await;
    fill(&browser, &ADA[3..]).await;
    browser.run(SEND_TWICE).await;
    arrived(&browser, "/thanks/").await;
    fits(&browser, &looks, "thanks-phone-dark").await;
    assert_eq!(orders(&shop).await, 1);
    goto(&browser, &instance, "/cart/").await;
    assert_eq!(texts(&browser, ".line").await, json!([]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changes_at_the_checkout_is_asked_about_again() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let looks = Looks::phone();
    let browser = Browser::open(&looks).await;
    to_checkout(&browser, &instance).await;
    fill(&browser, &ADA).await;
    reprice(&instance, "TEA", "13.00").await;
    press(&browser, ".checkout button[type=submit]", "/orders/create/").await;
    assert_eq!(status(&browser).await, 409);
    let told = texts(&browser, ".notice").await;
    assert!(told[0].as_str().is_some_and(|told| told.starts_with("A price has changed")), "{told}");
    assert_eq!(texts(&browser, ".checkout button").await, json!(["Place order · $13.00"]));
    let kept = "return [...document.querySelectorAll('.fields input')].map((field) => field.value)";
    assert_eq!(browser.run(kept).await, json!(ADA.map(|(_, text)| text)));
    fits(&browser, &looks, "checkout-asked-again-phone").await;
    assert_eq!(orders(&shop).await, 0);
    browser.run(CLICK_TWICE).await;
    arrived(&browser, "/thanks/").await;
    assert_eq!(texts(&browser, ".sum .price").await, json!(["$13.00"]));
    assert_eq!(orders(&shop).await, 1);
    browser.close().await;
}
