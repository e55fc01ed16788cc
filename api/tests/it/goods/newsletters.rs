//! Issues of the newsletter behind the counter.

use super::support::{Goods, field, says};
use crate::http_support::BOUND;
use chrono::{TimeDelta, Utc};
use commands::Clock;
use commands::schedule::{NewJob, Schedule};
use commands::staff::Role;
use serde_json::json;
use testkit::eventually;

/// What makes what is sent one issue.
const FORM: &str = "0190a0b0-0000-7000-8000-000000000001";

fn issue<'f>(version: &'f str, subject: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("form", FORM),
        ("version", version),
        ("subject", subject),
        ("text", "It is here.\r\n\r\nCome and taste it."),
        ("title_ko", "첫물차"),
        ("text_ko", "도착했습니다."),
        ("title_zh", ""),
        ("text_zh", ""),
    ]
}

#[tokio::test]
async fn an_issue_is_written_looked_at_and_released() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    says(&staff.get("/admin/newsletters/").await.is(200), &["No issue fits", "0 subscribers"]);
    let refused =
        staff.post("/admin/new/newsletter/", &[("form", FORM), ("subject", "Spring"), ("text", "")]).await.is(422);
    says(&refused, &["value=\"Spring\"", "id=\"text-error\""]);
    let written = staff.post("/admin/new/newsletter/", &issue("", "The first flush")).await.is(303);
    let path = written.header("location").to_owned();
    let again = staff.post("/admin/new/newsletter/", &issue("", "The first flush")).await.is(303);
    assert_eq!(again.header("location"), path, "one form writes one issue");
    let other = staff.post("/admin/new/newsletter/", &issue("", "Another one")).await.is(303);
    assert_ne!(other.header("location"), path);
    let page = staff.get(&path).await.is(200);
    says(&page, &["The draft is saved", "The first flush", "첫물차", "Come and taste it."]);

    let preview = staff.get(&format!("{path}preview/ko/")).await.is(200);
    says(&preview, &["lang=\"ko\"", "첫물차", "도착했습니다."]);
    assert!(preview.header("content-security-policy").contains("sandbox"), "{:?}", preview.headers);
    staff.get(&format!("{path}preview/de/")).await.is(404);

    let version = field(&page, "version");
    let page = staff.done(&path, &issue(&version, "The second flush")).await;
    says(&page, &["Saved.", "The second flush"]);
    let stale = staff.post(&path, &issue(&version, "The third flush")).await.is(422);
    says(&stale, &["Somebody changed this", "Stored now: The second flush"]);
    // Somebody rewrote it since it was looked at: it does not go out unseen.
    let release = format!("{path}release/");
    says(&staff.done(&release, &[("act", "now"), ("version", &version)]).await, &["it was not released"]);
    let version = field(&page, "version");
    let released = staff.done(&release, &[("act", "now"), ("version", &version)]).await;
    says(&released, &["It is released.", "What became of it"]);
    assert!(!released.text.contains("name=\"subject\""), "it stays as it is");
    says(&staff.done(&path, &issue(&version, "Again")).await, &["It went out while you were writing"]);
    says(&staff.get("/admin/newsletters/?state=released").await.is(200), &["The second flush", "Released"]);
    says(&staff.get("/admin/newsletters/?state=draft").await.is(200), &["1 shown", "Another one"]);
}

#[tokio::test]
async fn an_issue_is_put_on_the_schedule_and_taken_off() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    let written = staff.post("/admin/new/newsletter/", &issue("", "Spring")).await.is(303);
    let path = written.header("location").to_owned();
    let version = field(&staff.get(&path).await.is(200), "version");
    let release = format!("{path}release/");
    let hour = |hour| [("act", "schedule"), ("version", version.as_str()), ("hour", hour)];
    for wrong in ["", "tomorrow", "2020-01-01T09:00"] {
        let refused = staff.post(&release, &hour(wrong)).await.is(422);
        says(&refused, &["an hour that is still to come", &format!("value=\"{wrong}\"")]);
    }
    let ahead = (Utc::now() + TimeDelta::days(7)).format("%Y-%m-%dT%H:%M").to_string();
    let page = staff.done(&release, &hour(&ahead)).await;
    says(&page, &["It is scheduled.", &ahead.replace('T', " "), "Do not release it then"]);
    says(&staff.get("/admin/newsletters/").await.is(200), &["Scheduled"]);
    says(&staff.get("/admin/schedule/").await.is(200), &["newsletter_release"]);
    says(&staff.done(&format!("{path}cancel/"), &[]).await, &["not released by itself"]);
    says(&staff.done(&format!("{path}cancel/"), &[]).await, &["It was not scheduled"]);
    says(&staff.done(&release, &hour(&ahead)).await, &["It is scheduled."]);
    // Released now, it has nothing to wait for.
    says(&staff.done(&release, &[("act", "now"), ("version", &version)]).await, &["It is released."]);
    says(&staff.get("/admin/schedule/").await.is(200), &["Nothing is planned"]);
}

#[tokio::test]
async fn what_goes_out_at_its_hour_is_what_was_looked_at() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    let path = staff.post("/admin/new/newsletter/", &issue("", "Spring")).await.is(303).header("location").to_owned();
    let version = field(&staff.get(&path).await.is(200), "version");
    let ahead = (Utc::now() + TimeDelta::days(7)).format("%Y-%m-%dT%H:%M").to_string();
    let hour = |version| [("act", "schedule"), ("version", version), ("hour", ahead.as_str())];
    let release = format!("{path}release/");
    says(&staff.done(&release, &hour(&version)).await, &["It is scheduled."]);
    says(&staff.done(&path, &issue(&version, "Spring")).await, &["Saved."]);
    let rewritten = staff.done(&path, &issue(&version, "Sprung")).await;
    says(&rewritten, &["On the schedule it is as it was before"]);

    goods.release_due().await;
    says(&staff.get("/admin/newsletters/?state=draft").await.is(200), &["Sprung"]);
    let failed = staff.get("/admin/schedule/").await.is(200);
    says(&failed, &["newsletter_release", "Failed", "it was rewritten after it was scheduled and is in version 2 now"]);
    let version = field(&rewritten, "version");
    says(&staff.done(&release, &hour(&version)).await, &["It is scheduled."]);
    goods.release_due().await;
    eventually("it is released", BOUND, async || {
        let page = staff.get("/admin/newsletters/?state=released").await.is(200);
        if page.text.contains("Sprung") { Ok(()) } else { Err(page.text) }
    })
    .await;
}

#[tokio::test]
async fn what_was_scheduled_before_versions_were_kept_goes_out() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    let path = staff.post("/admin/new/newsletter/", &issue("", "Spring")).await.is(303).header("location").to_owned();
    let id = path.split('/').nth(3).unwrap();
    let payload = json!({ "actor": staff.account.actor() });
    let job = NewJob { task: "newsletter_release", key: id, payload, run_at: Utc::now() + TimeDelta::days(7) };
    assert!(Schedule::new(goods.pool.clone(), Clock::system()).put(&job).await.unwrap());
    let version = field(&staff.get(&path).await.is(200), "version");
    staff.post(&path, &issue(&version, "Sprung")).await.is(303);
    goods.release_due().await;
    let issue = goods.instance.get(&format!("/v1/newsletters/{id}")).await.is(200).json();
    assert_eq!((&issue["released"], &issue["subject"]), (&json!(true), &json!("Sprung")));
}
