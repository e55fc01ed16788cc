//! Behind the counter in a real browser, on the system as it starts with nothing configured: from the link that it
//! prints to a mail at the corrected address.
//!
//! `SHOP_PICTURES=/directory` keeps a picture of each page.

use crate::embedded_support::{BOUND, Place, order_as_printed, ready};
use crate::window::{arrived, keeps_nobody_out, press};
use std::path::Path;
use testkit::browser::{Browser, Looks};
use testkit::{Program, eventually};

/// Where the welcome says that the administrator's password is set.
fn link(program: &Program) -> String {
    let output = program.stdout();
    let (_, rest) = output.split_once("password, once, by ").expect("the welcome has the link");
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Types into a field, as a person would.
async fn fill(browser: &Browser, name: &str, value: &str) {
    let script = format!(
        "const field = document.querySelector('main [name={name}]'); field.value = {value:?}; return field.value"
    );
    assert_eq!(browser.run(&script).await, value);
}

async fn text(browser: &Browser) -> String {
    browser.run("return document.querySelector('main').innerText").await.as_str().unwrap().to_owned()
}

async fn rows(browser: &Browser) -> u64 {
    browser.run("return document.querySelectorAll('.admin-table tbody tr').length").await.as_u64().unwrap()
}

/// How many mails were written to that address.
fn mails(data: &Path, address: &str) -> usize {
    let Ok(files) = std::fs::read_dir(data.join("mail")) else { return 0 };
    let whole = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml"));
    whole.filter(|path| std::fs::read_to_string(path).unwrap().contains(address)).count()
}

/// Presses keys of the page's own shortcuts.
async fn keys(browser: &Browser, keys: &str) {
    for key in keys.chars() {
        let script =
            format!("document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))");
        browser.run(&script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_printed_link_to_a_mail_at_the_corrected_address() {
    let place = Place::new();
    let program = ready(place.orders(&["--listen", "127.0.0.1:0"])).await;
    let link = link(&program);
    let base = link.split("/admin/").next().unwrap().to_owned();
    for _ in 0..3 {
        order_as_printed(&program).await;
    }
    let looks = Looks::desk();
    let browser = Browser::open(&looks).await;
    browser.goto(&format!("{base}/admin/orders/")).await;
    arrived(&browser, "/admin/login/").await;
    keeps_nobody_out(&browser, &looks, "admin-log-in").await;
    browser.goto(&link).await;
    keeps_nobody_out(&browser, &looks, "admin-password").await;
    fill(&browser, "name", "Grace").await;
    fill(&browser, "password", "oolong & steam").await;
    press(&browser, "main form button", "/admin/").await;
    assert!(text(&browser).await.contains("Good to see you, Grace"));
    keeps_nobody_out(&browser, &looks, "admin-today").await;

    press(&browser, ".admin-nav a[href='/admin/orders/']", "/admin/orders/").await;
    eventually("the list has all three", BOUND, async || {
        browser.goto(&format!("{base}/admin/orders/")).await;
        rows(&browser).await == 3
    })
    .await;
    keeps_nobody_out(&browser, &looks, "admin-orders").await;
    press(&browser, ".admin-filters a[href*='paid=yes']", "paid=yes").await;
    assert!(text(&browser).await.contains("No orders here"));
    keeps_nobody_out(&browser, &looks, "admin-orders-none").await;
    press(&browser, ".admin-clear", "/admin/orders/").await;
    fill(&browser, "q", "love").await;
    press(&browser, ".admin-search button", "q=love").await;
    assert_eq!(rows(&browser).await, 3);
    // The bar rises once something is chosen, by mouse or keys.
    let hidden = "return document.querySelector('[data-actions]').hidden";
    assert_eq!(browser.run(hidden).await, true);
    keys(&browser, "jxjx").await;
    assert_eq!(browser.run(hidden).await, false);
    assert!(text(&browser).await.contains("2 chosen"));
    keeps_nobody_out(&browser, &looks, "admin-orders-chosen").await;
    press(&browser, "[name=act][value=pay]", "/admin/orders/").await;
    eventually("both are told of", BOUND, async || text(&browser).await.contains("Done, for all 2 that were chosen."))
        .await;
    keeps_nobody_out(&browser, &looks, "admin-orders-done").await;

    press(&browser, ".admin-table tbody a", "/admin/orders/").await;
    eventually("the order is shown", BOUND, async || {
        text(&browser).await.contains("WHAT HAPPENED") || text(&browser).await.contains("What happened")
    })
    .await;
    keeps_nobody_out(&browser, &looks, "admin-order").await;
    let before = mails(&place.data(), "right@example.com");
    browser.run("document.querySelector('.admin-more').open = true").await;
    fill(&browser, "email", "right@example.com").await;
    press(&browser, "[name=act][value=email]", "/admin/orders/").await;
    eventually("it is corrected", BOUND, async || text(&browser).await.contains("The address is corrected.")).await;
    keeps_nobody_out(&browser, &looks, "admin-order-corrected").await;
    assert_eq!(before, 0);
    eventually("the mail is there", BOUND, async || mails(&place.data(), "right@example.com") == 1).await;
    press(&browser, "[name=which][value=confirmation]", "/admin/orders/").await;
    eventually("it is told of", BOUND, async || text(&browser).await.contains("The mail is on its way.")).await;
    eventually("it is there again", BOUND, async || mails(&place.data(), "right@example.com") == 2).await;
    let order = browser.run("return location.href").await;
    eventually("its state is shown", BOUND, async || {
        browser.goto(order.as_str().unwrap()).await;
        text(&browser).await.contains("Confirmation, sent again Sent")
    })
    .await;

    press(&browser, ".admin-nav a[href='/admin/staff/']", "/admin/staff/").await;
    keeps_nobody_out(&browser, &looks, "admin-staff").await;
    on_a_phone(&browser, &base).await;
    browser.close().await;
}

/// Every page once more, small and dark, and without a script.
async fn on_a_phone(browser: &Browser, base: &str) {
    for (look, looks) in [
        ("phone-dark", Looks { dark: true, ..Looks::phone() }),
        ("phone-without-script", Looks { scripts: false, ..Looks::phone() }),
    ] {
        browser.look(&looks).await;
        for (name, path) in [("today", "/admin/"), ("orders", "/admin/orders/"), ("staff", "/admin/staff/")] {
            browser.goto(&format!("{base}{path}")).await;
            keeps_nobody_out(browser, &looks, &format!("admin-{name}-{look}")).await;
        }
        browser.goto(&format!("{base}/admin/orders/")).await;
        let first = browser.run("return document.querySelector('.admin-table tbody a').href").await;
        browser.goto(first.as_str().unwrap()).await;
        keeps_nobody_out(browser, &looks, &format!("admin-order-{look}")).await;
    }
}
