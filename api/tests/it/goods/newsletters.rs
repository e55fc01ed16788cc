//! Issues of the newsletter behind the counter.

use super::support::{Goods, field, says};
use chrono::{TimeDelta, Utc};
use commands::staff::Role;

fn issue<'f>(version: &'f str, subject: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
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
    let refused = staff.post("/admin/new/newsletter/", &[("subject", "Spring"), ("text", "")]).await.is(422);
    says(&refused, &["value=\"Spring\"", "id=\"text-error\""]);
    let written = staff.post("/admin/new/newsletter/", &issue("", "The first flush")).await.is(303);
    let path = written.header("location").to_owned();
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
    says(&staff.get("/admin/newsletters/?state=draft").await.is(200), &["No issue fits"]);
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
