//! Issues of the newsletter, behind the counter.

use super::http_support::{Instance, Reply, Shop};
use api::auth::Scope;
use api::scheduled::ReleaseIssue;
use chrono::{TimeDelta, Utc};
use commands::schedule::{Schedule, Worker};
use commands::subscribers::issues::{self, Outcome};
use commands::{Catalogue, Clock, Gateway, GatewaySettings, Log, db};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

fn spring() -> Value {
    json!({
        "subject": "The first flush", "text": "It is here.\n\nCome and taste it.",
        "translations": { "ko": { "subject": "첫물차", "text": "도착했습니다." } },
    })
}

async fn drafted(api: &Instance) -> (String, Reply) {
    let reply = api.post("/v1/newsletters", &spring()).await.is(201);
    (reply.json()["id"].as_str().unwrap().to_owned(), reply)
}

#[tokio::test]
async fn an_issue_is_written_rewritten_and_released_once() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let (id, written) = drafted(&api).await;
    let path = format!("/v1/newsletters/{id}");
    assert_eq!((written.header("location"), written.header("etag")), (path.as_str(), "\"1\""));
    assert_eq!(written.json()["translations"]["ko"]["subject"], "첫물차");
    let other = json!({ "subject": "The second flush", "text": "It is here." });
    api.call(Method::PUT, &path).json(&other).await.problem(428, "version_required");
    let rewritten = api.call(Method::PUT, &path).json(&other).header("if-match", "\"1\"").await.is(200);
    assert_eq!(rewritten.json()["subject"], "The second flush");

    let release = format!("{path}/release");
    let released = api.post(&release, &json!({})).await.is(200);
    assert_eq!(released.json()["released"], true);
    api.post(&release, &json!({})).await.is(200);
    assert_eq!(api.get(&path).await.is(200).json()["version"], 3, "twice is once");
    issue_outcomes_are_counted(&shop, &api, &id).await;
    let changed = api.call(Method::PUT, &path).json(&spring()).header("if-match", "*").await;
    changed.problem(409, "newsletter_released");
}

async fn issue_outcomes_are_counted(shop: &Shop, api: &Instance, id: &str) {
    let (pool, issue) = (shop.db.pool().await, id.parse().unwrap());
    let path = format!("/v1/newsletters/{id}/outcomes");
    let none = json!({ "sent": 0, "waiting": 0, "failed": 0, "unknown": 0 });
    assert_eq!(api.get(&path).await.is(200).json(), none);
    for outcome in [Outcome::Sent, Outcome::Sent, Outcome::Failed("550 no such user".to_owned())] {
        let subscriber = Uuid::now_v7();
        issues::begin(&pool, issue, subscriber, Utc::now()).await.unwrap();
        issues::finish(&pool, issue, subscriber, &outcome, Utc::now()).await.unwrap();
    }
    let counted = json!({ "sent": 2, "waiting": 0, "failed": 1, "unknown": 0 });
    assert_eq!(api.get(&path).await.is(200).json(), counted);
}

#[tokio::test]
async fn what_is_wrong_is_told_and_only_staff_may() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let wrong = json!({ "subject": "", "text": "x", "translations": { "ko": { "subject": "x" } } });
    let told = api.post("/v1/newsletters", &wrong).await.problem(422, "invalid_body");
    let expected = super::http_support::faults(&[("/subject", "empty"), ("/translations/ko/text", "missing")]);
    assert_eq!(told.faults(), expected);
    let nothing = "/v1/newsletters/00000000-0000-7000-8000-000000000000";
    api.get(nothing).await.problem(404, "newsletter_not_found");
    api.get(&format!("{nothing}/outcomes")).await.problem(404, "newsletter_not_found");
    api.post(&format!("{nothing}/release"), &json!({})).await.problem(404, "newsletter_not_found");
    let client = shop.key(&[Scope::OrdersWrite, Scope::OrdersRead, Scope::Analyst, Scope::Operator]).await;
    api.post("/v1/newsletters", &spring()).key(&client).await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_issue_goes_out_at_its_hour() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let (id, _) = drafted(&api).await;
    let release = format!("/v1/newsletters/{id}/release");
    let at = Utc::now() + TimeDelta::days(7);
    let asked = json!({ "at": at.to_rfc3339() });
    let scheduled = api.post(&release, &asked).await.is(202);
    assert_eq!(scheduled.json()["released"], false);
    api.post(&release, &asked).await.problem(409, "newsletter_scheduled");
    api.post(&release, &json!({ "at": "tomorrow" })).await.problem(422, "invalid_body");

    // Another process, a week later.
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let log = Log::open(db::connect(&shop.db.app_url(), 4).await.unwrap(), stop.clone(), &tasks).await.unwrap();
    let catalogue = Catalogue::open(log.clone(), stop.clone(), &tasks).await.unwrap();
    let gateway = Gateway::open(log.clone(), catalogue, GatewaySettings::default(), stop.clone(), &tasks);
    for (ahead, expected) in [(TimeDelta::days(6), 0), (TimeDelta::days(8), 1)] {
        let schedule = Schedule::new(log.pool().clone(), Clock::new(move || Utc::now() + ahead));
        let worker = Worker::new(schedule, vec![Arc::new(ReleaseIssue::new(gateway.clone()))]);
        assert_eq!(worker.run_due().await.unwrap(), expected);
    }
    assert_eq!(api.get(&format!("/v1/newsletters/{id}")).await.is(200).json()["released"], true);
    stop.cancel();
}
