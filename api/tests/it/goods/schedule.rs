//! The schedule behind the counter.

use super::support::{Goods, says};
use chrono::{TimeDelta, Utc};
use commands::Clock;
use commands::schedule::{JobState, NewJob, Schedule};
use commands::staff::Role;
use serde_json::json;

#[tokio::test]
async fn jobs_are_seen_run_and_cancelled_without_what_they_know() {
    let goods = Goods::open().await;
    let schedule = Schedule::new(goods.pool.clone(), Clock::system());
    for key in ["a", "b"] {
        let run_at = Utc::now() + TimeDelta::days(1);
        let job = NewJob { task: "letter", key, payload: json!({ "to": "ada@example.com" }), run_at };
        assert!(schedule.put(&job).await.unwrap());
    }
    let jobs = schedule.list(0, 10, true).await.unwrap();
    let (first, second) = (jobs[0].id.to_string(), jobs[1].id.to_string());
    let staff = goods.staff(Role::Owner).await;
    let page = staff.get("/admin/schedule/").await.is(200);
    says(&page, &["letter", "Waiting", "2 shown"]);
    assert!(!page.text.contains("ada@example.com"));

    let told = staff.done("/admin/schedule/", &[("act", "cancel"), ("row", &first), ("row", "999")]).await;
    says(&told, &["Done for 1 of 2.", "It is in no state for that"]);
    says(&staff.done("/admin/schedule/", &[("act", "run"), ("row", &second)]).await, &["It runs now."]);
    let jobs = schedule.list(0, 10, true).await.unwrap();
    assert_eq!((jobs[0].state, jobs[0].decided_by.as_deref()), (JobState::Cancelled, Some(&*staff.account.actor())));
    assert!(jobs[1].due_at.is_some_and(|due| due <= Utc::now()));
    let open = staff.get("/admin/schedule/").await.is(200);
    says(&open, &["1 shown"]);
    says(&staff.get("/admin/schedule/?ended=yes").await.is(200), &["2 shown", "Cancelled"]);
    says(&staff.done("/admin/schedule/", &[("act", "run")]).await, &["Nothing was chosen"]);
}
