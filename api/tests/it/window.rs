//! Pages in a real browser, as a person has them: looked at, typed into, pressed.
//!
//! `SHOP_PICTURES=/directory` keeps a picture of each page that is held to what all pages are held to.

use crate::http_support::BOUND;
use serde_json::{Value, json};
use std::path::PathBuf;
use testkit::browser::{Browser, Key, Looks};
use testkit::eventually;

/// Buttons and fields less than 44 pixels high, but for those that are not shown.
const SMALL_TARGETS: &str = "return [...document.querySelectorAll('button, input, textarea, .button')]
    .filter((e) => e.type !== 'hidden' && e.checkVisibility() && e.getBoundingClientRect().height < 44)
    .map((e) => e.outerHTML)";

/// More than any page has that can have the focus.
const MOST_TABS: usize = 80;

/// Holds a page of the shop to what all its pages are held to: nothing sticks out, all can be touched, nobody is kept
/// out.
pub async fn fits(browser: &Browser, looks: &Looks, name: &str) {
    assert_eq!(browser.run(SMALL_TARGETS).await, json!([]), "{name} has controls too small to touch");
    keeps_nobody_out(browser, looks, name).await;
}

/// Holds a page, also one whose tables are dense, to this: nothing sticks out, nobody is kept out.
pub async fn keeps_nobody_out(browser: &Browser, looks: &Looks, name: &str) {
    let wider = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
    assert_eq!(wider, 0, "{name} is wider than the window");
    if looks.scripts {
        assert_eq!(browser.axe().await, Vec::<String>::new(), "{name}");
    }
    keep_picture(browser, name).await;
}

/// Keeps a picture of the page, where that is asked for.
pub async fn keep_picture(browser: &Browser, name: &str) {
    if let Some(directory) = std::env::var_os("SHOP_PICTURES") {
        browser.picture(&PathBuf::from(directory).join(format!("{name}.png"))).await;
    }
}

/// Presses what this selector finds, and waits until another page is shown, whose address holds `part`.
pub async fn press(browser: &Browser, selector: &str, part: &str) {
    browser.run(&format!("window.isOld = true; document.querySelector({selector:?}).click()")).await;
    arrived(browser, part).await;
}

/// Presses Enter on what has the focus, and waits in the same way.
pub async fn enter(browser: &Browser, part: &str) {
    browser.run("window.isOld = true").await;
    browser.keys(Key::Enter).await;
    arrived(browser, part).await;
}

/// Waits until a page is shown that is not the one marked as old.
pub async fn arrived(browser: &Browser, part: &str) {
    eventually("another page is shown", BOUND, async || {
        let at = browser.run("return [window.isOld === true, document.readyState, location.href].join(' ')").await;
        let at = at.as_str().unwrap_or_default().to_owned();
        if at.starts_with("false complete ") && at.contains(part) { Ok(()) } else { Err(at) }
    })
    .await;
}

/// Fills in the fields of these names of the page's main part.
pub async fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (name, text) in fields {
        browser.run(&format!("document.querySelector('main [name={name}]').value = {text:?}")).await;
    }
}

/// Goes on by the tabulator until what this selector finds has the focus, and can be seen to have it.
pub async fn tab_to(browser: &Browser, selector: &str) {
    let has_it = format!("return document.activeElement.matches({selector:?})");
    for _ in 0..MOST_TABS {
        browser.keys(Key::Tab).await;
        if browser.run(&has_it).await == true {
            let style = browser.run("return getComputedStyle(document.activeElement).outlineStyle").await;
            assert_eq!(style, "solid", "{selector} is not seen to have the focus");
            return;
        }
    }
    panic!("{selector} is not reached by the tabulator");
}

/// Waits until what the script returns is this.
pub async fn shows(browser: &Browser, script: &str, expected: Value) {
    eventually("the page shows it", BOUND, async || {
        let shown = browser.run(script).await;
        if shown == expected { Ok(()) } else { Err(format!("{shown} and not {expected}")) }
    })
    .await;
}

/// The text of what this selector finds, each without the space around it.
pub async fn texts(browser: &Browser, selector: &str) -> Value {
    browser.run(&format!("return [...document.querySelectorAll({selector:?})].map((e) => e.textContent.trim())")).await
}

/// The status that the page was answered with.
pub async fn status(browser: &Browser) -> Value {
    browser.run("return performance.getEntriesByType('navigation')[0].responseStatus").await
}
