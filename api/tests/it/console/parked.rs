//! What needs a person, by a filter: which items it finds, page by page, and what is done to all of them.

use super::support::{System, ask};
use crate::goods::support::{Staff, field, says};
use crate::http_support::Reply;
use commands::staff::Role;

const PATH: &str = "/ops/parked/";

impl System {
    /// Adds items of newsletters, each of an issue of its own, of unknown outcome.
    async fn letters(&self, count: u32) {
        self.execute(&format!(
            "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                                          event_type, state, due_at, attempts, tries, reason, noted_at, changed_at)
             SELECT 'newsletter', gen_random_uuid(), gen_random_uuid(), 'newsletter', 'issue-' || n, 1, n, 'IssueReleased',
                    'unknown', 'infinity', 1, 1, 'the reply to DATA was lost (100% of <it>)', now(), now()
               FROM generate_series(1, {count}) AS n"
        ))
        .await;
    }

    /// What was written down of what operators did by a filter, the oldest first.
    async fn filters_of_actions(&self) -> Vec<(String, serde_json::Value, Option<i64>)> {
        let ask = sqlx::query_as(
            "SELECT action, arguments, affected FROM operator_actions WHERE target = '' AND outcome = 'done' ORDER BY id",
        );
        ask.fetch_all(&self.goods.pool).await.unwrap()
    }
}

/// Which items stand on a page, by their numbers.
fn items(page: &Reply) -> Vec<u32> {
    let links = page.text.split("<a href=\"/ops/parked/").skip(1);
    links.filter_map(|rest| rest.split_once("/\" data-key=\"item ")?.0.parse().ok()).collect()
}

/// Where a page's link with this key leads.
fn link(page: &Reply, key: &str) -> String {
    let (_, rest) = page.text.split_once(&format!("data-key=\"{key}\" href=\"")).expect("a link of this key");
    rest.split_once('"').unwrap().0.replace("&#38;", "&")
}

async fn found(staff: &Staff<'_>, query: &str) -> Vec<u32> {
    items(&staff.get(&format!("{PATH}{query}")).await.is(200))
}

#[tokio::test]
async fn each_filter_finds_its_items_and_they_narrow_each_other_down() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    system.letters(2).await;
    let order: String = sqlx::query_scalar("SELECT aggregate_id FROM consumer_ledger WHERE id = 2")
        .fetch_one(&system.goods.pool)
        .await
        .unwrap();
    let number: String = sqlx::query_scalar(
        "SELECT payload #>> '{OrderPlaced,number}' FROM events WHERE event_type = 'OrderPlaced' AND aggregate_id = $1",
    )
    .bind(&order)
    .fetch_one(&system.goods.pool)
    .await
    .unwrap();
    for (query, expected) in [
        ("", &[1, 2, 3, 4][..]),
        ("?consumer=newsletter", &[3, 4]),
        ("?type=OrderPlaced", &[1, 2]),
        ("?state=unknown", &[3, 4]),
        ("?state=parked", &[1, 2]),
        ("?state=waiting", &[]),
        ("?reason=MAILBOX+unavailable", &[1, 2]),
        ("?reason=100%25+of+%3Cit%3E", &[3, 4]),
        (&format!("?order={order}"), &[2]),
        (&format!("?order={number}"), &[2]),
        (&format!("?order=%23{number}"), &[2]),
        ("?order=99999999", &[]),
        (&format!("?order={order}&consumer=newsletter"), &[]),
        ("?reason=lost&state=unknown&order=issue-1", &[3]),
        ("?reason=++&consumer=", &[1, 2, 3, 4]),
    ] {
        assert_eq!(found(&staff, query).await, expected, "{query}");
    }
    // What was typed stays, and what was chosen is marked; nothing of it is markup.
    let page = staff.get(&format!("{PATH}?reason=%3Cit%3E&state=unknown")).await.is(200);
    says(
        &page,
        &["name=\"reason\"", "value=\"&#60;it&#62;\"", "aria-current=\"true\">Unknown", "2 in all", "Clear all"],
    );
    assert!(!page.text.contains("<it>"), "{}", page.text);
    says(&staff.get(&format!("{PATH}?reason=nothing")).await.is(200), &["Nothing is like that", "0 in all"]);
    says(&staff.get("/ops/").await.is(200), &["href=\"/ops/parked/\""]);
    let too_long = format!("?reason={}", "a".repeat(201));
    for wrong in ["?state=done", "?reason=a%00b", "?after=x", too_long.as_str()] {
        staff.get(&format!("{PATH}{wrong}")).await.is(400);
    }
}

#[tokio::test]
async fn what_waits_is_shown_by_its_filter_and_tried_at_once() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    system
        .execute("UPDATE consumer_ledger SET state = 'waiting', due_at = now() + interval '1 hour' WHERE id = 2")
        .await;
    assert_eq!(found(&staff, "").await, [1]);
    let list = format!("{PATH}?state=waiting");
    let page = staff.get(&list).await.is(200);
    assert_eq!(items(&page), [2]);
    says(&page, &["Next try ", "data-key=\"retry all\"", "data-key=\"parked.retry 2\""]);
    assert!(!page.text.contains("parked.discard"), "{}", page.text);
    let item = staff.get(&format!("{PATH}2/")).await.is(200);
    says(&item, &["Next try", "parked.retry 2"]);
    assert!(!item.text.contains("parked.discard"), "{}", item.text);
    let asked = staff.get(&link(&page, "retry all")).await.is(200);
    let fields = ["do", "count", "back"].map(|name| (name, field(&asked, name)));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    says(&staff.done("/ops/", &fields).await, &["1 item is tried again."]);
    let is_due: (bool, i32) =
        sqlx::query_as("SELECT due_at <= now(), attempts FROM consumer_ledger WHERE id = 2 AND state = 'waiting'")
            .fetch_one(&system.goods.pool)
            .await
            .unwrap();
    assert_eq!(is_due, (true, 3), "its attempts are as they were");
    staff.post("/ops/", &[("do", "parked.discard.all state=waiting"), ("count", "1"), ("back", &list)]).await.is(303);
    says(&staff.get(&list).await.is(200), &["What waits is tried again by itself"]);
}

#[tokio::test]
async fn a_long_list_has_pages_that_keep_the_filter() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    system.letters(60).await;
    let first = staff.get(&format!("{PATH}?consumer=newsletter")).await.is(200);
    says(&first, &["60 in all", "Retry all 60 that match"]);
    assert_eq!(items(&first), (3..=52).collect::<Vec<_>>());
    let (_, next) = first.text.split_once("rel=\"next\" href=\"").expect("a next page");
    let next = next.split_once('"').unwrap().0.replace("&#38;", "&");
    let second = staff.get(&next).await.is(200);
    assert_eq!(items(&second), (53..=62).collect::<Vec<_>>());
    assert!(!second.text.contains("rel=\"next\""), "{}", second.text);
    says(&second, &["60 in all", "href=\"/ops/parked/?consumer=newsletter\""]);
}

#[tokio::test]
async fn one_item_is_decided_on_and_the_list_comes_back_as_it_was() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let list = format!("{PATH}?reason=mailbox+unavailable");
    let page = staff.get(&list).await.is(200);
    assert_eq!(field(&page, "back"), list);
    let told = staff.post("/ops/", &[("do", "parked.retry 1"), ("back", &list)]).await.is(303);
    assert_eq!(told.header("location"), list);
    let page = staff.get(&list).await.is(200);
    says(&page, &["1 item is tried again."]);
    assert_eq!(items(&page), [2]);
    let asked = staff.get(&link(&page, "parked.discard 2")).await.is(200);
    says(&asked, &["Discard item #2?"]);
    assert_eq!(field(&asked, "back"), list);
    let fields = [("do", field(&asked, "do")), ("back", field(&asked, "back"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let page = staff.done("/ops/", &fields).await;
    says(&page, &["1 item is discarded.", "Nothing is like that"]);
    let elsewhere = staff.post("/ops/", &[("do", "parked.retry 1"), ("back", "https://evil.test/")]).await.is(303);
    assert_eq!(elsewhere.header("location"), PATH);
}

#[tokio::test]
async fn all_that_a_filter_finds_are_decided_on_if_they_are_as_many_as_was_said() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Owner).await;
    system.letters(3).await;
    let list = format!("{PATH}?reason=lost&state=unknown");
    let asked = staff.get(&link(&staff.get(&list).await.is(200), "discard all")).await.is(200);
    says(&asked, &["Discard 3 items that match?", "Reason contains", "lost", "unknown", "Discard 3 items</button>"]);
    let fields = ["do", "count", "back"].map(|name| (name, field(&asked, name)));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    // Others have come since it was asked about.
    system.letters(1).await;
    let told = staff.done("/ops/", &fields).await;
    says(&told, &["There are 4 by now: nothing was done.", "Discard all 4 that match"]);
    assert!(!system.states().await.contains(&"discarded".to_owned()));

    let asked = staff.get(&link(&told, "discard all")).await.is(200);
    let fields = ["do", "count", "back"].map(|name| (name, field(&asked, name)));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    says(&staff.done("/ops/", &fields).await, &["4 items are discarded.", "0 in all"]);
    assert_eq!(system.states().await[..2], ["parked", "parked"]);

    let page = staff.get(&format!("{PATH}?type=OrderPlaced&consumer=order_mail")).await.is(200);
    let asked = staff.get(&link(&page, "retry all")).await.is(200);
    says(&asked, &["Retry 2 items that match?", "OrderPlaced"]);
    let fields = ["do", "count", "back"].map(|name| (name, field(&asked, name)));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    says(&staff.done("/ops/", &fields).await, &["2 items are tried again."]);
    assert_eq!(system.states().await[..2], ["waiting", "waiting"]);

    let done = system.filters_of_actions().await;
    let expected = [
        // What people searched reasons by is not kept.
        ("parked.discard".to_owned(), serde_json::json!({ "reason": "…", "state": "unknown" }), Some(4)),
        ("parked.retry".to_owned(), serde_json::json!({ "consumer": "order_mail", "type": "OrderPlaced" }), Some(2)),
    ];
    assert_eq!(done, expected);
    for wrong in
        ["parked.discard.all", "parked.discard.all ", "parked.discard.all shop=a", "parked.discard.all order_mail"]
    {
        staff.get(&ask(wrong)).await.is(404);
        staff.post("/ops/", &[("do", wrong), ("count", "2")]).await.is(400);
    }
}
