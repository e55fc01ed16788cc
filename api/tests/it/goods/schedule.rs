//! The schedule behind the counter.

use super::support::{Goods, says};
use crate::http_support::BOUND;
use chrono::{TimeDelta, Utc};
use commands::Clock;
use commands::schedule::{JobState, NewJob, Schedule};
use commands::staff::Role;
use serde_json::json;
use testkit::eventually;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

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

/// Plans so many jobs; says which.
async fn planned(schedule: &Schedule, jobs: usize) -> Vec<String> {
    for key in 0..jobs {
        let run_at = Utc::now() + TimeDelta::days(1);
        let job = NewJob { task: "letter", key: &key.to_string(), payload: json!({}), run_at };
        assert!(schedule.put(&job).await.unwrap());
    }
    schedule.list(0, 50, true).await.unwrap().iter().map(|job| job.id.to_string()).collect()
}

#[tokio::test]
async fn a_row_that_is_none_leaves_all_as_they_are() {
    let goods = Goods::open().await;
    let schedule = Schedule::new(goods.pool.clone(), Clock::system());
    let jobs = planned(&schedule, 2).await;
    let staff = goods.staff(Role::Owner).await;
    let rows = [("act", "cancel"), ("row", &jobs[0]), ("row", &jobs[1]), ("row", "none")];
    staff.post("/admin/schedule/", &rows).await.is(400);
    let jobs = schedule.list(0, 10, true).await.unwrap();
    assert!(jobs.iter().all(|job| job.state == JobState::Waiting), "{jobs:?}");
}

/// What was begun with several is done to all of them, and told, when nobody waits for it any more.
#[tokio::test]
async fn whoever_hangs_up_cuts_nothing_short() {
    let goods = Goods::open().await;
    let schedule = Schedule::new(goods.pool.clone(), Clock::system());
    let jobs = planned(&schedule, 5).await;
    let staff = goods.staff(Role::Owner).await;
    let mut held = goods.pool.begin().await.unwrap();
    let hold = sqlx::query("SELECT FROM scheduled_jobs WHERE id = $1 FOR UPDATE");
    hold.bind(jobs[1].parse::<i64>().unwrap()).execute(&mut *held).await.unwrap();

    let rows: String = jobs.iter().map(|job| format!("&row={job}")).collect();
    let body = format!("csrf={}&act=cancel{rows}", staff.csrf);
    let address = goods.instance.address;
    let head = format!(
        "POST /admin/schedule/ HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\naccept: text/html\r\n\
         cookie: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        staff.cookie,
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let cancelled = async || {
        let jobs = schedule.list(0, 10, true).await.unwrap();
        jobs.iter().filter(|job| job.state == JobState::Cancelled).count()
    };
    eventually("the first is done, and the second waits", BOUND, async || cancelled().await == 1).await;
    drop(connection);
    held.commit().await.unwrap();
    eventually("all are done", BOUND, async || cancelled().await == jobs.len()).await;
    eventually("it is told", BOUND, async || {
        let told = staff.get("/admin/").await.is(200);
        told.text.contains("Done, for all 5 that were chosen.")
    })
    .await;
}
