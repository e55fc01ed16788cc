//! An order's page in a real browser, in two tabs at two processes.

use super::{note_mail, ordered};
use crate::http_support::Instance;
use crate::window::{fits, shows};
use serde_json::json;
use testkit::browser::{Browser, Looks};

const STEPS: &str = "return [...document.querySelectorAll('li.done')].map((step) => step.dataset.step).join()";
const MESSAGES: &str = "return [...document.querySelectorAll('.message-text')].map((said) => said.textContent)";
const TROUBLES: &str = "return [...document.querySelectorAll('[data-when]')].filter((part) => !part.hidden).length";
const SAYS: &str = "return document.querySelector('[data-live-status]').textContent";

async fn open(instance: &Instance, page: &str, looks: &Looks) -> Browser {
    let browser = Browser::open(looks).await;
    browser.goto(&format!("http://{}{page}", instance.address)).await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_follow_an_order_and_speak_with_staff() {
    let (shop, one, order, path) = ordered().await;
    let other = shop.instance().await;
    let page = path.replace("/live?", "/thanks/?");
    let dark = Looks { dark: true, ..Looks::phone() };
    let tabs = [open(&one, &page, &Looks::desk()).await, open(&other, &page, &dark).await];
    for tab in &tabs {
        shows(tab, SAYS, json!("This page keeps itself up to date.")).await;
        assert_eq!(tab.run(STEPS).await, "placed");
    }
    note_mail(&shop, &order, "parked").await;
    for tab in &tabs {
        shows(tab, TROUBLES, json!(1)).await;
    }
    note_mail(&shop, &order, "sent").await;
    for tab in &tabs {
        shows(tab, STEPS, json!("placed,mailed")).await;
        assert_eq!(tab.run(TROUBLES).await, 0);
    }
    other.pay(&order, "25.00", "wire-1").await.is(200);
    for tab in &tabs {
        shows(tab, STEPS, json!("placed,paid,mailed")).await;
    }

    let asked = "Is it <b>wrapped</b>?";
    tabs[0].run(&format!("document.querySelector('#message-text').value = {asked:?}")).await;
    tabs[0].run("document.querySelector('[data-message-form] button').click()").await;
    for tab in &tabs {
        shows(tab, MESSAGES, json!([asked])).await;
    }
    shows(&tabs[0], "return document.querySelector('#message-text').value", json!("")).await;
    one.post(&format!("/v1/orders/{order}/messages"), &json!({ "text": "Gladly." })).await.is(201);
    for (tab, looks, name) in [(&tabs[0], Looks::desk(), "desk"), (&tabs[1], dark, "phone-dark")] {
        shows(tab, MESSAGES, json!([asked, "Gladly."])).await;
        fits(tab, &looks, &format!("followed-{name}")).await;
    }

    tabs[0].look(&Looks { scripts: false, ..Looks::desk() }).await;
    tabs[0].goto(&format!("http://{}{page}", one.address)).await;
    assert_eq!(tabs[0].run(MESSAGES).await, json!([asked, "Gladly."]), "without a script it is the same");
    assert_eq!(tabs[0].run(STEPS).await, "placed,paid,mailed");
    for tab in tabs {
        tab.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_that_it_lost_its_connection() {
    let (_shop, one, _, path) = ordered().await;
    let tab = open(&one, &path.replace("/live?", "/thanks/?"), &Looks::desk()).await;
    shows(&tab, SAYS, json!("This page keeps itself up to date.")).await;
    one.stop.cancel();
    shows(&tab, SAYS, json!("The connection is lost. We are trying again…")).await;
    tab.close().await;
}
