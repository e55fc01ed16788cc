//! The log of what operators did.

use commands::audit::{self, Action, Filter, Outcome};
use serde_json::json;
use sqlx::PgPool;
use testkit::Db;

async fn lines(pool: &PgPool, filter: Filter) -> Vec<(String, String)> {
    let lines = audit::list(pool, &filter, None, audit::PAGE_LINES).await.unwrap();
    lines.into_iter().map(|line| (line.action, line.target)).collect()
}

fn pair(action: &str, target: &str) -> (String, String) {
    (action.to_owned(), target.to_owned())
}

#[tokio::test]
async fn a_line_is_there_if_its_action_is() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let mut kept = pool.begin().await.unwrap();
    let retry = Action {
        arguments: json!({ "reason": "server mended" }),
        count: Some(3),
        ..Action::done("key-1", "parked.retry", "7")
    };
    audit::append(&mut kept, &retry).await.unwrap();
    kept.commit().await.unwrap();
    let mut undone = pool.begin().await.unwrap();
    audit::append(&mut undone, &Action::done("key-1", "parked.discard", "8")).await.unwrap();
    undone.rollback().await.unwrap();

    let all = audit::list(&pool, &Filter::default(), None, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    let line = &all[0];
    assert_eq!((line.actor.as_str(), line.action.as_str(), line.target.as_str()), ("key-1", "parked.retry", "7"));
    assert_eq!((line.count, line.outcome, line.detail.as_deref()), (Some(3), Outcome::Done, None));
    assert_eq!(line.arguments, json!({ "reason": "server mended" }));
}

#[tokio::test]
async fn lines_are_found_by_who_what_and_about_what_and_come_in_pages() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let refused = Action {
        outcome: Outcome::Refused,
        detail: Some("there is no such item"),
        ..Action::done("staff:1", "parked.retry", "9")
    };
    let actions =
        [Action::done("key-1", "consumer.pause", "order_mail"), refused, Action::done("key-1", "parked.discard", "7")];
    for action in &actions {
        audit::record(&pool, action).await.unwrap();
    }
    let (discard, retry, pause) =
        (pair("parked.discard", "7"), pair("parked.retry", "9"), pair("consumer.pause", "order_mail"));
    assert_eq!(lines(&pool, Filter::default()).await, [discard.clone(), retry.clone(), pause.clone()]);
    let parked = Filter { action: Some("parked.".to_owned()), ..Filter::default() };
    assert_eq!(lines(&pool, parked).await, [discard.clone(), retry.clone()]);
    let exact = Filter { action: Some("parked".to_owned()), ..Filter::default() };
    assert_eq!(lines(&pool, exact).await, []);
    let by_key = Filter { actor: Some("key-1".to_owned()), ..Filter::default() };
    assert_eq!(lines(&pool, by_key).await, [discard, pause.clone()]);
    let about = Filter { target: Some("order_mail".to_owned()), ..Filter::default() };
    assert_eq!(lines(&pool, about).await, [pause]);

    let first = audit::list(&pool, &Filter::default(), None, 2).await.unwrap();
    let second = audit::list(&pool, &Filter::default(), Some(first[1].id), 2).await.unwrap();
    assert_eq!((first.len(), second.len(), first[1].detail.as_deref()), (2, 1, Some("there is no such item")));
}

#[tokio::test]
async fn the_program_can_change_no_line() {
    let db = Db::new().await;
    let pool = db.pool().await;
    audit::record(&pool, &Action::done("key-1", "parked.retry", "7")).await.unwrap();
    for sql in ["UPDATE operator_actions SET actor = 'x'", "DELETE FROM operator_actions"] {
        let refused = sqlx::query(sql).execute(&pool).await.unwrap_err();
        assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"), "{sql}");
    }
}
