//! The shop's pages in a real browser: on a desk and on a phone, light and dark, with and without a script.

use crate::shop_pages::stocked;
use crate::window::fits;
use testkit::browser::{Browser, Looks};

const PAGES: [(&str, &str); 6] = [
    ("home", "/"),
    ("list", "/products/"),
    ("category", "/categories/green/"),
    ("product", "/products/SENCHA/"),
    ("nothing-found", "/products/?q=gold"),
    ("not-found", "/nowhere/"),
];

fn looks() -> [(&'static str, Looks); 4] {
    [
        ("desk", Looks::desk()),
        ("desk-dark", Looks { dark: true, ..Looks::desk() }),
        ("phone", Looks { languages: "ko-KR,ko".to_owned(), ..Looks::phone() }),
        ("phone-dark", Looks { dark: true, languages: "zh-CN,zh".to_owned(), ..Looks::phone() }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_and_keeps_nobody_out() {
    let (_shop, instance) = stocked().await;
    for (look, looks) in looks() {
        let browser = Browser::open(&looks).await;
        for (name, path) in PAGES {
            browser.goto(&format!("http://{}{path}", instance.address)).await;
            fits(&browser, &looks, &format!("{name}-{look}")).await;
        }
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantity_is_stepped_with_a_script_and_typed_without() {
    let (_shop, instance) = stocked().await;
    let product = format!("http://{}/products/SENCHA/", instance.address);
    let browser = Browser::open(&Looks::desk()).await;
    browser.goto(&product).await;
    let value = "return document.querySelector('#quantity').value";
    let press = |index: u8| format!("document.querySelectorAll('.stepper button')[{index}].click(); {value}");
    assert_eq!(browser.run(&press(1)).await, "2");
    assert_eq!(browser.run(&press(0)).await, "1");
    assert_eq!(browser.run(&press(0)).await, "1", "there is no less than one");
    browser.look(&Looks { scripts: false, ..Looks::desk() }).await;
    browser.goto(&product).await;
    assert_eq!(browser.run("return document.querySelectorAll('.stepper button').length").await, 0);
    assert_eq!(browser.run(value).await, "1");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_s_policy_stops_what_got_into_it() {
    let (_shop, instance) = stocked().await;
    let browser = Browser::open(&Looks::desk()).await;
    browser.goto(&format!("http://{}/", instance.address)).await;
    let injected = browser
        .run(
            "const script = document.createElement('script'); script.textContent = 'window.got = 1';
             document.body.append(script);
             const image = document.createElement('div'); image.setAttribute('onclick', 'window.got = 2');
             document.body.append(image); image.click();
             return window.got === undefined",
        )
        .await;
    assert_eq!(injected, true);
    browser.close().await;
}
