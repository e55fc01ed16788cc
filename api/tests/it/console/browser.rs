//! The console in a real browser: it goes on without being loaded, and each action is done by a click.
//!
//! `SHOP_PICTURES=/directory` keeps a picture of each page.

use super::support::System;
use crate::goods::support::Staff;
use crate::http_support::BOUND;
use crate::window::{enter, fill, keeps_nobody_out, press, shows, tab_to};
use commands::staff::Role;
use serde_json::json;
use testkit::browser::{Browser, Key, Looks};
use testkit::eventually;

/// What a page says.
async fn says(browser: &Browser, words: &str) {
    eventually("the page says it", BOUND, async || {
        let text = browser.run("return document.querySelector('main').innerText").await.as_str().unwrap().to_owned();
        if text.contains(words) { Ok(()) } else { Err(format!("no `{words}` in {text}")) }
    })
    .await;
}

async fn is_live(browser: &Browser) {
    shows(browser, "return document.querySelector('[data-live-state]').textContent", json!("Live")).await;
}

/// Presses what is about this deed, and then the button of the page that asks about it.
async fn asked_and_done(browser: &Browser, looks: &Looks, deed: &str, name: &str, told: &str) {
    press(browser, &format!("a[data-key='{deed}']"), "/ops/ask/").await;
    keeps_nobody_out(browser, looks, name).await;
    if deed.starts_with("consumer.pause") {
        fill(browser, &[("reason", "the mail server moves")]).await;
    }
    press(browser, ".admin-ask form button", "/ops/").await;
    says(browser, told).await;
}

/// A browser in which somebody is logged in, and where the process is reached.
async fn opened(system: &System, staff: &Staff<'_>, looks: &Looks) -> (Browser, String) {
    let browser = Browser::open(looks).await;
    let base = format!("http://localhost:{}", system.goods.instance.address.port());
    let (name, value) = staff.cookie.split_once('=').expect("a cookie");
    let cookie = json!({ "name": name, "value": value, "url": base, "secure": true, "httpOnly": true, "path": "/" });
    assert_eq!(browser.tell("Network.setCookie", cookie).await["success"], true);
    (browser, base)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_action_is_a_click_and_the_page_follows_by_itself() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let looks = Looks::desk();
    let (browser, base) = opened(&system, &staff, &looks).await;

    browser.goto(&format!("{base}/admin/")).await;
    press(&browser, ".admin-nav a[href='/ops/']", "/ops/").await;
    is_live(&browser).await;
    keeps_nobody_out(&browser, &looks, "console").await;

    // Something happens, and is shown where one is; what has the focus keeps it.
    browser.run("window.isOld = true; document.querySelector(\"[data-key='parked.retry 1']\").focus()").await;
    system.order().await;
    system.park("greylisted for ever").await;
    says(&browser, "greylisted for ever").await;
    assert_eq!(
        browser.run("return [window.isOld, document.activeElement.dataset.key]").await,
        json!([true, "parked.retry 1"])
    );

    press(&browser, "button[data-key='parked.retry 1']", "/ops/").await;
    says(&browser, "1 item is tried again.").await;
    asked_and_done(&browser, &looks, "parked.discard 2", "console-discard", "1 item is discarded.").await;
    system.order().await;
    system.park("greylisted for ever").await;
    says(&browser, "All of order_mail").await;
    asked_and_done(
        &browser,
        &looks,
        "parked.discard.all consumer=order_mail",
        "console-discard-all",
        "2 items are discarded.",
    )
    .await;
    says(&browser, "Nothing is parked").await;

    press(&browser, "a[data-key='order_mail']", "/ops/ask/").await;
    keeps_nobody_out(&browser, &looks, "console-pause").await;
    fill(&browser, &[("reason", "the mail server moves")]).await;
    press(&browser, ".admin-ask form button", "/ops/").await;
    says(&browser, "the mail server moves").await;
    press(&browser, "button[data-key='order_mail']", "/ops/").await;
    says(&browser, "It goes on.").await;
    press(&browser, "a[data-key='consumer.rewind order_mail']", "/ops/ask/").await;
    fill(&browser, &[("to", "0")]).await;
    press(&browser, ".admin-ask form button", "to=0").await;
    says(&browser, "This would hand").await;
    keeps_nobody_out(&browser, &looks, "console-rewind").await;
    press(&browser, ".admin-ask form button", "/ops/").await;
    says(&browser, "handed over again").await;

    asked_and_done(&browser, &looks, "projection.rebuild order_totals", "console-rebuild", "is being built").await;
    let build = system.built("order_totals", "ready").await;
    says(&browser, &build).await;
    says(&browser, "Ready").await;
    keeps_nobody_out(&browser, &looks, "console-builds").await;
    press(&browser, &format!("a[data-key='diff {build}']"), "/diff/").await;
    says(&browser, "Both say the same").await;
    keeps_nobody_out(&browser, &looks, "console-diff").await;
    browser.goto(&format!("{base}/ops/")).await;
    let promote = format!("projection.promote order_totals/{build}");
    asked_and_done(&browser, &looks, &promote, "console-promote", "It serves.").await;
    asked_and_done(&browser, &looks, "projection.rollback order_totals", "console-rollback", "It serves.").await;

    press(&browser, "button[data-key='schedule.run 1']", "/ops/").await;
    says(&browser, "It runs now.").await;
    asked_and_done(&browser, &looks, "schedule.cancel 1", "console-cancel", "It is cancelled.").await;

    // By keyboard alone.
    tab_to(&browser, "a[data-key='projection.rebuild order_list']").await;
    browser.keys(Key::Enter).await;
    says(&browser, "Build order_list anew?").await;

    browser.goto(&format!("{base}/ops/parked/1/")).await;
    keeps_nobody_out(&browser, &looks, "console-item").await;
    on_other_looks(&browser, &base).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_person_is_found_by_a_filter_and_decided_on() {
    let system = System::open().await;
    for _ in 0..3 {
        system.order().await;
    }
    system.park("greylisted for ever by a server whose name is as long as names of servers can be").await;
    let staff = system.goods.staff(Role::Manager).await;
    let looks = Looks::desk();
    let (browser, base) = opened(&system, &staff, &looks).await;
    browser.goto(&format!("{base}/ops/")).await;
    press(&browser, "a[data-key=items]", "/ops/parked/").await;
    says(&browser, "5 in all").await;
    keeps_nobody_out(&browser, &looks, "console-parked").await;

    fill(&browser, &[("reason", "greylisted")]).await;
    press(&browser, ".admin-typed button", "reason=greylisted").await;
    says(&browser, "3 in all").await;
    press(&browser, ".admin-filter a[href*='state=parked']", "?reason=greylisted&state=parked").await;
    press(&browser, ".admin-ops button", "?reason=greylisted&state=parked").await;
    says(&browser, "1 item is tried again.").await;
    press(&browser, "a[data-key^='parked.discard']", "/ops/ask/").await;
    press(&browser, ".admin-ask a.quiet", "?reason=greylisted&state=parked").await;
    says(&browser, "2 in all").await;

    // By keyboard alone: to all that match, asked about, and done.
    tab_to(&browser, "a[data-key='discard all']").await;
    enter(&browser, "/ops/ask/").await;
    says(&browser, "Discard 2 items that match?").await;
    keeps_nobody_out(&browser, &looks, "console-parked-ask").await;
    tab_to(&browser, ".admin-ask form button").await;
    enter(&browser, "?reason=greylisted&state=parked").await;
    says(&browser, "2 items are discarded.").await;
    says(&browser, "Nothing is like that").await;
    keeps_nobody_out(&browser, &looks, "console-parked-none").await;
    press(&browser, ".admin-clear", "/ops/parked/").await;
    press(&browser, "a[data-key='retry all']", "/ops/ask/").await;
    press(&browser, ".admin-ask form button", "/ops/parked/").await;
    says(&browser, "2 items are tried again.").await;

    system.order().await;
    system.park("no such mailbox").await;
    for (name, looks) in [
        ("console-parked-dark", Looks { dark: true, ..Looks::desk() }),
        ("console-parked-phone", Looks::phone()),
        ("console-parked-phone-dark", Looks { dark: true, ..Looks::phone() }),
        ("console-parked-without-script", Looks { scripts: false, ..Looks::phone() }),
    ] {
        browser.look(&looks).await;
        browser.goto(&format!("{base}/ops/parked/")).await;
        keeps_nobody_out(&browser, &looks, name).await;
    }
    browser.close().await;
}

async fn on_other_looks(browser: &Browser, base: &str) {
    for (name, looks) in [
        ("console-dark", Looks { dark: true, ..Looks::desk() }),
        ("console-phone", Looks::phone()),
        ("console-phone-dark", Looks { dark: true, ..Looks::phone() }),
    ] {
        browser.look(&looks).await;
        browser.goto(&format!("{base}/ops/")).await;
        is_live(browser).await;
        keeps_nobody_out(browser, &looks, name).await;
    }
    let looks = Looks { scripts: false, ..Looks::desk() };
    browser.look(&looks).await;
    browser.goto(&format!("{base}/ops/")).await;
    keeps_nobody_out(browser, &looks, "console-without-script").await;
}
