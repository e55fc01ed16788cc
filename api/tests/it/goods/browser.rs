//! The counter in a real browser: every page, then a picture from a file to the product's page, and an issue from a
//! draft to a mailbox.
//!
//! `SHOP_PICTURES=/directory` keeps a picture of each page.

use super::pictures::drawing;
use super::support::Goods;
use crate::http_support::BOUND;
use crate::window::keep_picture;
use chrono::Utc;
use commands::schedule::Worker;
use commands::staff::Role;
use commands::{Clock, Log, Schedule, db, subscribers};
use consumers::newsletter_mail::{self, NewsletterMail};
use consumers::{MailBackend, MailSettings, Mailer};
use serde_json::json;
use sqlx::PgPool;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use testkit::browser::{Browser, Looks};
use testkit::eventually;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Logs the browser in as whom this cookie stands for.
async fn log_in(browser: &Browser, goods: &Goods, cookie: &str) {
    let (name, value) = cookie.split_once('=').expect("a cookie");
    let url = format!("http://localhost:{}/", goods.instance.address.port());
    let set = json!({ "name": name, "value": value, "url": url, "secure": true, "httpOnly": true, "path": "/" });
    let set = browser.tell("Network.setCookie", set).await;
    assert_eq!(set["success"], true, "{set}");
}

async fn open(browser: &Browser, goods: &Goods, path: &str) {
    browser.goto(&format!("http://localhost:{}{path}", goods.instance.address.port())).await;
}

async fn press(browser: &Browser, selector: &str, shows: &str) {
    browser.run(&format!("document.querySelector({selector:?}).click()")).await;
    eventually("another page is shown", BOUND, async || {
        let page = browser.run("return document.readyState + ' ' + document.body.innerText").await.to_string();
        if page.contains("complete") && page.contains(shows) { Ok(()) } else { Err(page) }
    })
    .await;
}

async fn type_into(browser: &Browser, name: &str, text: &str) {
    browser.run(&format!("document.querySelector('[name={name}]').value = {text:?}")).await;
}

/// What is wrong with the page that is shown by what all pages are held to.
async fn faults(browser: &Browser, name: &str) -> Vec<String> {
    keep_picture(browser, name).await;
    let mut faults = browser.axe().await;
    let wider = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
    if wider != 0 {
        faults.push(format!("wider than the window by {wider}"));
    }
    let hidden = browser.run(OVERLAPPING).await;
    if hidden != json!([]) {
        faults.push(format!("stands over its neighbour: {hidden}"));
    }
    faults.into_iter().map(|fault| format!("{name}: {fault}")).collect()
}

/// What is wider than the part of the page that it stands in.
const OVERLAPPING: &str = "return [...document.querySelectorAll('.admin-list > *, .admin-two > *, .admin-card')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)";

/// A shop with something on each page.
async fn stocked(goods: &Goods) -> Vec<(&'static str, String)> {
    let staff = goods.staff(Role::Manager).await;
    staff.post("/admin/new/category/", &[("slug", "green"), ("name", "Green tea"), ("title_ko", "녹차")]).await.is(303);
    for (sku, price) in [("SENCHA", "12.50"), ("A-POT-WITH-A-VERY-LONG-SKU-THAT-GOES-ON-AND-ON", "1234567.00")] {
        goods.product(sku, price).await;
    }
    let upload = "/admin/products/SENCHA/picture/";
    staff.upload(upload, &[("version", "1"), ("act", "set")], &drawing(90)).await.is(303);
    let form = uuid::Uuid::now_v7().to_string();
    let issue =
        [("form", form.as_str()), ("subject", "The first flush"), ("text", "It is here.\n\nCome and taste it.")];
    let issue = staff.post("/admin/new/newsletter/", &issue).await.is(303).header("location").to_owned();
    let member = super::members::join(&goods.pool, "ada@example.com", "Ada").await;
    vec![
        ("products", "/admin/products/".to_owned()),
        ("products-none", "/admin/products/?q=nothing".to_owned()),
        ("product", "/admin/products/SENCHA/".to_owned()),
        ("product-add", "/admin/new/product/".to_owned()),
        ("categories", "/admin/categories/".to_owned()),
        ("category", "/admin/categories/green/".to_owned()),
        ("newsletters", "/admin/newsletters/".to_owned()),
        ("newsletter", issue),
        ("newsletter-write", "/admin/new/newsletter/".to_owned()),
        ("members", "/admin/members/".to_owned()),
        ("member", format!("/admin/members/{member}/")),
        ("schedule", "/admin/schedule/".to_owned()),
        ("counter", "/admin/new/order/".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_and_keeps_nobody_out() {
    let goods = Goods::open().await;
    let pages = stocked(&goods).await;
    let staff = goods.staff(Role::Owner).await;
    let mut found = Vec::new();
    for (look, looks) in [("desk", Looks::desk()), ("phone-dark", Looks { dark: true, ..Looks::phone() })] {
        let browser = Browser::open(&looks).await;
        log_in(&browser, &goods, &staff.cookie).await;
        for (name, path) in &pages {
            open(&browser, &goods, path).await;
            found.extend(faults(&browser, &format!("admin-{name}-{look}")).await);
        }
        browser.close().await;
    }
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_from_a_file_to_the_page_of_its_product() {
    let goods = Goods::open().await;
    goods.product("SENCHA", "12.50").await;
    let staff = goods.staff(Role::Manager).await;
    let file = goods.media().with_file_name("a photo.png");
    fs::write(&file, drawing(200)).unwrap();
    let browser = Browser::open(&Looks::desk()).await;
    log_in(&browser, &goods, &staff.cookie).await;
    open(&browser, &goods, "/admin/products/SENCHA/").await;
    choose(&browser, "#picture", &file).await;
    press(&browser, "[value=set]", "The picture is there.").await;
    open(&browser, &goods, "/products/SENCHA/").await;
    let shown = "const image = document.querySelector('.product-drawing img');
                 return image && image.complete ? [image.naturalWidth, image.naturalHeight] : null";
    eventually("the picture is shown", BOUND, async || {
        let size = browser.run(shown).await;
        if size == json!([300, 200]) { Ok(()) } else { Err(size) }
    })
    .await;
    browser.close().await;
}

async fn choose(browser: &Browser, selector: &str, file: &Path) {
    let root = browser.tell("DOM.getDocument", json!({})).await["root"]["nodeId"].clone();
    let node = browser.tell("DOM.querySelector", json!({ "nodeId": root, "selector": selector })).await;
    let files = json!({ "nodeId": node["nodeId"], "files": [file] });
    browser.tell("DOM.setFileInputFiles", files).await;
}

/// Makes somebody a subscriber, as if they had followed the link in the mail.
async fn subscribe(pool: &PgPool, email: &str) {
    let asked = json!({ "email": email, "lang": "en" });
    let letter = subscribers::letters::write(pool, &asked, Utc::now()).await.unwrap().expect("a mail");
    assert!(subscribers::confirm(pool, &letter.confirm.expect("a link"), Utc::now()).await.unwrap());
}

/// Sends the mails of an issue that was released, as the consumer has it done, into a folder.
async fn send(goods: &Goods, issue: Uuid, folder: &Path) {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let log = Log::open(db::connect(&goods.shop.db.app_url(), 2).await.unwrap(), stop.clone(), &tasks).await.unwrap();
    let mailer = Mailer::new(MailSettings {
        backend: MailBackend::Files(folder.to_owned()),
        from: "shop@shop.test".parse().unwrap(),
        reply_to: None,
        shop_name: "Leaf & Kettle".to_owned(),
    });
    let schedule = Schedule::new(goods.pool.clone(), Clock::system());
    let issues = Arc::new(newsletter_mail::ReleasedIssues(log));
    let mail = NewsletterMail::new(issues, mailer.unwrap(), "https://shop.test".to_owned());
    let worker = Worker::new(schedule.clone(), vec![Arc::new(mail)]);
    newsletter_mail::put(&schedule, issue, Utc::now()).await.unwrap();
    assert_eq!(worker.run_due().await.unwrap(), 1);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_is_written_released_and_arrives() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    subscribe(&goods.pool, "ada@example.com").await;
    let browser = Browser::open(&Looks::desk()).await;
    log_in(&browser, &goods, &staff.cookie).await;
    open(&browser, &goods, "/admin/new/newsletter/").await;
    type_into(&browser, "subject", "The first flush").await;
    type_into(&browser, "text", "It is here.").await;
    press(&browser, "main form button", "The draft is saved").await;
    press(&browser, "[value=now]", "What became of it").await;
    let path = browser.run("return location.pathname").await;
    let issue = path.as_str().and_then(|path| path.split('/').nth(3)).expect("the issue's page").parse().unwrap();

    let folder = tempfile::tempdir().unwrap();
    send(&goods, issue, folder.path()).await;
    let mails: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = fs::read_to_string(&mails[0]).unwrap();
    assert!(mail.contains("Subject: The first flush") && mail.contains("ada@example.com"), "{mail}");
    open(&browser, &goods, path.as_str().unwrap()).await;
    let sent = browser.run("return document.querySelector('.admin-facts dd').innerText").await;
    assert_eq!(sent, "1");
    assert_eq!(faults(&browser, "admin-newsletter-released").await, Vec::<String>::new());
    browser.close().await;
}
