//! The pages that show the document, in a real browser: nothing of what they do is refused by their own policy, and a
//! command that is tried out is carried out.

use super::root;
use crate::http_support::{BOUND, Shop};
use crate::window::keep_picture;
use serde_json::json;
use std::fs;
use std::process::Command;
use testkit::browser::{Browser, Looks};
use testkit::eventually;

/// Notes whatever a page complains of, from before its first script on.
const COMPLAINTS: &str = "window.complaints = [];
    const note = (...said) => window.complaints.push(said.map(String).join(' '));
    const error = console.error;
    console.error = (...said) => { note('console', ...said); error(...said); };
    addEventListener('error', (e) => note('error', e.message || e.target.src || e.target.href), true);
    addEventListener('unhandledrejection', (e) => note('rejection', e.reason));
    addEventListener('securitypolicyviolation', (e) => note('policy', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber));";

async fn opened(url: &str) -> Browser {
    let browser = Browser::open(&Looks::desk()).await;
    browser.tell("Page.addScriptToEvaluateOnNewDocument", json!({ "source": COMPLAINTS })).await;
    browser.goto(url).await;
    browser
}

async fn shows(browser: &Browser, what: &str, script: &str) {
    eventually(what, BOUND, async || {
        let found = browser.run(script).await;
        if found == json!(true) {
            Ok(())
        } else {
            Err(browser.run("return document.body.innerText.slice(0, 2000)").await)
        }
    })
    .await;
}

/// What types into a field that a script watches over.
fn typed(selector: &str, text: &str) -> String {
    format!(
        "const field = document.querySelector({selector:?});
         Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, {text:?});
         field.dispatchEvent(new Event('input', {{ bubbles: true }}));"
    )
}

async fn complaints(browser: &Browser) -> serde_json::Value {
    browser.run("return window.complaints").await
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_sends_a_real_command() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    instance.add_product("TEA-GREEN", "12.00").await;
    let key = shop.key(&api::auth::Scope::ALL).await;
    let browser = opened(&format!("http://{}/docs", instance.address)).await;
    shows(&browser, "the operations", "return !!document.querySelector('#operations-orders-placeOrder')").await;

    let press = async |selector: &str| {
        shows(&browser, selector, &format!("return !!document.querySelector({selector:?})")).await;
        browser.run(&format!("document.querySelector({selector:?}).click()")).await;
    };
    press(".btn.authorize").await;
    shows(&browser, "the key's field", "return !!document.querySelector('.auth-container input')").await;
    browser.run(&typed(".auth-container input", &key)).await;
    press(".auth-btn-wrapper .authorize").await;
    press(".auth-btn-wrapper .btn-done").await;
    press("#operations-orders-placeOrder .opblock-summary-control").await;
    press("#operations-orders-placeOrder .try-out__btn").await;
    press("#operations-orders-placeOrder .execute").await;
    let answered = "return document.querySelector('#operations-orders-placeOrder .live-responses-table tr.response .response-col_status')\
                    ?.innerText.startsWith('201') ?? false";
    shows(&browser, "the answer to the command", answered).await;
    assert_eq!(complaints(&browser).await, json!([]));
    keep_picture(&browser, "docs").await;

    eventually("the order is in the list", BOUND, async || {
        let list = instance.get("/v1/orders?limit=1").await.is(200).json();
        if list["data"][0]["customer"]["email"] == "ada@example.com" { Ok(()) } else { Err(list) }
    })
    .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redoc_shows_operations_and_the_guide_in_a_browser() {
    let shop = Shop::new().await;
    let instance = shop.instance().await;
    let browser = opened(&format!("http://{}/docs/guide", instance.address)).await;
    for text in ["Place an order", "Idempotent-Replayed", "Record", "total_changed"] {
        shows(&browser, text, &format!("return document.body.textContent.includes({text:?})")).await;
    }
    let styled = "return getComputedStyle(document.querySelector('.menu-content')).display === 'flex'";
    shows(&browser, "its styles", styled).await;
    keep_picture(&browser, "guide").await;
    // It looks for its maker's picture elsewhere, which its policy forbids; nothing else.
    let complaints = complaints(&browser).await;
    let of_others = complaints.as_array().expect("a list").iter().filter(|said| !said.to_string().contains("redoc.ly"));
    assert_eq!(of_others.collect::<Vec<_>>(), Vec::<&serde_json::Value>::new());
    browser.close().await;
}

#[test]
fn the_viewers_are_what_npm_publishes_for_a_browser() {
    for (ours, theirs) in [
        ("swagger-ui.js.gz", "swagger-ui-dist/swagger-ui-bundle.js"),
        ("swagger-ui.css.gz", "swagger-ui-dist/swagger-ui.css"),
        ("redoc.js.gz", "redoc/bundles/redoc.standalone.js"),
    ] {
        let file = root().join("api/static/vendor").join(ours);
        let unpacked = Command::new("gzip").arg("-dc").arg(&file).output().expect("gzip runs");
        assert!(unpacked.status.success(), "{ours} is not compressed by gzip");
        let published = fs::read(testkit::viewer_file(theirs)).expect("a package's file");
        assert!(unpacked.stdout == published, "{ours} is not {theirs} of the version in testkit/api/viewers.txt");
    }
    for (ours, theirs) in [("uplot.js", "uplot/dist/uPlot.iife.min.js"), ("uplot.css", "uplot/dist/uPlot.min.css")] {
        let file = fs::read(root().join("api/static/vendor").join(ours)).expect("a file of ours");
        let published = fs::read(testkit::viewer_file(theirs)).expect("a package's file");
        assert!(file == published, "{ours} is not {theirs} of the version in testkit/api/viewers.txt");
    }
}
