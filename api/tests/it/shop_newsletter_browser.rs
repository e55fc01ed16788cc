//! The newsletter's way in a real browser and a real mailbox: asked for, confirmed, received, left.

use crate::http_support::BOUND;
use crate::shop_town::{Town, address, link, newest_mail};
use crate::window::{fill, fits, press, texts};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use testkit::browser::{Browser, Looks};
use testkit::eventually;
use testkit::smtp::MailServer;

const BUTTON: &str = "main form button[type=submit]";

/// Writes an issue and releases it; says which.
async fn release(town: &Town, subject: &str) -> String {
    let issue = json!({ "subject": subject, "text": "It is here.\n\nCome and taste it." });
    let written = town.staff.post("/v1/newsletters", &[], &issue).await.is(201).json();
    let id = written["id"].as_str().unwrap().to_owned();
    town.staff.post(&format!("/v1/newsletters/{id}/release"), &[], &json!({})).await.is(200);
    id
}

/// What a mail program does when its reader presses "unsubscribe": no cookie, no origin (RFC 8058, section 3.2).
async fn one_click(url: &str) -> StatusCode {
    let request = Request::post(url).header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Full::new(Bytes::from_static(b"List-Unsubscribe=One-Click"))).unwrap();
    Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap().status()
}

async fn mailed(town: &Town, issue: &str) {
    let pool = town.db.pool().await;
    eventually("the issue has been mailed to all", BOUND, async || {
        let sql = "SELECT state FROM scheduled_jobs WHERE task = 'newsletter_issue' AND job_key = $1";
        let state: Option<String> = sqlx::query_scalar(sql).bind(issue).fetch_optional(&pool).await.unwrap();
        if state.as_deref() == Some("done") { Ok(()) } else { Err(format!("{state:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newsletter_is_confirmed_received_and_left_by_one_click_and_by_its_page() {
    let town = Town::open().await;
    let (ada, grace) = (address("ada"), address("grace"));
    let looks = Looks { dark: true, languages: "ko-KR,ko".to_owned(), ..Looks::phone() };
    let browser = Browser::open(&looks).await;
    let is_good = async |name: &str| fits(&browser, &looks, &format!("{name}-phone-dark")).await;
    for email in [&ada, &grace] {
        browser.goto(&format!("{}/newsletter/", town.here)).await;
        is_good("newsletter").await;
        fill(&browser, &[("email", email.as_str())]).await;
        press(&browser, BUTTON, "/newsletter/").await;
        is_good("newsletter-asked").await;
        let mail = newest_mail(email, 1).await;
        browser.goto(&link(&mail, "/newsletter/confirm/")).await;
        is_good("newsletter-confirm").await;
        press(&browser, BUTTON, "/newsletter/confirm/").await;
        is_good("newsletter-confirmed").await;
    }

    release(&town, "The first flush").await;
    let (to_ada, to_grace) = (newest_mail(&ada, 2).await, newest_mail(&grace, 2).await);
    assert_eq!(to_ada.subject(), "The first flush");
    assert!(to_ada.text().unwrap().contains("Come and taste it."), "{:?}", to_ada.text());
    assert_eq!(to_ada.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    let header = to_ada.header("List-Unsubscribe").unwrap();
    let leave = header.trim_matches(['<', '>']).to_owned();
    assert_eq!(leave, link(&to_ada, "/newsletter/leave/"));
    assert_eq!(one_click(&leave).await, StatusCode::NO_CONTENT);

    browser.goto(&link(&to_grace, "/newsletter/leave/")).await;
    is_good("newsletter-leave").await;
    press(&browser, BUTTON, "/newsletter/left/").await;
    assert_eq!(texts(&browser, "form.account-fields").await, json!([]));
    is_good("newsletter-left").await;

    let second = release(&town, "The second flush").await;
    mailed(&town, &second).await;
    for email in [&ada, &grace] {
        assert_eq!(MailServer::shared().mailbox(email).len(), 2, "who has left gets nothing");
    }
    browser.close().await;
}
