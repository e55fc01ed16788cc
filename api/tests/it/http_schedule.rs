//! What the schedule shows of itself.

use super::http_support::Shop;
use api::auth::Scope;
use chrono::{TimeDelta, Utc};
use commands::schedule::{NewJob, Schedule};
use commands::{Clock, db};
use serde_json::json;

#[tokio::test]
async fn jobs_are_shown_to_operators_page_by_page_without_what_they_know() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let pool = db::connect(&shop.db.app_url(), 1).await.unwrap();
    let schedule = Schedule::new(pool, Clock::system());
    for key in ["a", "b", "c"] {
        let run_at = Utc::now() + TimeDelta::days(1);
        let job = NewJob { task: "letter", key, payload: json!({ "to": "ada@example.com" }), run_at };
        assert!(schedule.put(&job).await.unwrap());
    }
    let first = api.get("/v1/ops/schedule?limit=2").await.is(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("/v1/ops/schedule?limit=2&cursor={cursor}")).await.is(200).json();
    let keys = |page: &serde_json::Value| {
        let jobs = page["data"].as_array().unwrap().iter();
        jobs.map(|job| job["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((keys(&first), keys(&rest)), (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]));
    assert_eq!(rest["next_cursor"], json!(null));
    let job = &first["data"][0];
    assert_eq!((&job["state"], &job["attempts"], &job["last_error"]), (&json!("waiting"), &json!(0), &json!(null)));
    assert!(!first.to_string().contains("ada@example.com"));
    api.get(&format!("/v1/ops/schedule?all=true&cursor={cursor}")).await.problem(400, "invalid_cursor");

    let staff = shop.key(&[Scope::Staff]).await;
    api.get("/v1/ops/schedule").key(&staff).await.problem(403, "forbidden");
    let operator = shop.key(&[Scope::Operator]).await;
    api.get("/v1/ops/schedule").key(&operator).await.is(200);
}
