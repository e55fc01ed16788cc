//! The list of orders behind the counter, and what is done to several at once.

use crate::admin_support::{Staff, main_of};
use crate::browser::value;
use crate::http_support::{BOUND, Instance, Reply, Shop, ada_buys};
use crate::shop_statements::Statements;
use commands::staff::Role;
use projections::Projection;
use projections::order_list::OrderList;
use serde_json::json;
use std::time::Duration;
use testkit::eventually;

/// A page of orders asks: whose session, the list, its count.
const MAX_STATEMENTS: usize = 4;

/// Waits until the view holds what an answer tells of.
pub async fn caught_up(instance: &Instance, reply: &Reply) {
    let position = domain::Position(reply.position());
    instance.views.wait_for(OrderList::NAME, position, BOUND).await.unwrap();
}

/// Places an order by somebody of that name; says which.
pub async fn place(instance: &Instance, first_name: &str, email: &str) -> String {
    let mut body = ada_buys(&[("TEA", 2)]);
    body["customer"]["first_name"] = json!(first_name);
    body["customer"]["email"] = json!(email);
    let placed = instance.post("/v1/orders", &body).await.is(201);
    caught_up(instance, &placed).await;
    placed.id()
}

/// The ids of the orders on a page, in order.
fn listed(page: &Reply) -> Vec<String> {
    let rows = page.text.split("name=\"row\" value=\"").skip(1);
    rows.map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
}

fn count(page: &Reply) -> String {
    page.text.split_once("admin-count\">").unwrap().1.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
async fn orders_are_listed_newest_first_filtered_searched_and_paged() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let mut placed = Vec::new();
    for n in 0..52 {
        placed.push(place(&instance, if n == 7 { "Zoë" } else { "Ada" }, &format!("c{n}@example.com")).await);
    }
    let paid = instance.pay(&placed[3], "25.00", "till-1").await.is(200);
    caught_up(&instance, &paid).await;
    placed.reverse();
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;

    let first = clerk.get("/admin/orders/").await.is(200);
    assert_eq!((listed(&first), count(&first).as_str()), (placed[..50].to_vec(), "52 in all"));
    for cell in ["Ada", "Lovelace", "c51@example.com", "12 St James&#39;s Square", "SW1Y 4JH", "London", "$25.00"] {
        assert!(main_of(&first).contains(cell), "{cell}");
    }
    let next =
        first.text.split_once("rel=\"next\" href=\"").unwrap().1.split_once('"').unwrap().0.replace("&#38;", "&");
    let second = clerk.get(&next).await.is(200);
    assert_eq!(listed(&second), placed[50..]);

    for (query, expected) in [
        ("paid=yes", vec![placed[48].clone()]),
        ("q=zo%C3%AB+love", vec![placed[44].clone()]),
        ("q=C7%40example.com", vec![placed[44].clone()]),
        ("q=zo%C3%AB&paid=yes", vec![]),
        ("q=zo%C3%AB&created=today", vec![placed[44].clone()]),
        ("paid=yes&updated=7d", vec![placed[48].clone()]),
        ("created_to=2020-01-01", vec![]),
        ("review=yes", vec![]),
    ] {
        let page = clerk.get(&format!("/admin/orders/?{query}")).await.is(200);
        assert_eq!(listed(&page), expected, "{query}");
        assert_eq!(count(&page), format!("{} in all", expected.len()), "{query}");
    }
    assert!(main_of(&clerk.get("/admin/orders/?q=nobody").await).contains("No orders here"));
    assert!(!main_of(&first).contains("Record as paid"), "a clerk does not");
}

#[tokio::test]
async fn what_is_filtered_is_had_as_a_file_in_which_nothing_is_a_formula() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let plain = place(&instance, "Ada", "ada@example.com").await;
    let mut body = ada_buys(&[("TEA", 1)]);
    body["customer"]["first_name"] = json!("=HYPERLINK(\"http://evil.test\")");
    body["customer"]["last_name"] = json!("Lovelace;=1+1");
    body["shipping_address"]["city"] = json!("Saint-Étienne, \"Loire\"");
    let odd = instance.post("/v1/orders", &body).await.is(201);
    caught_up(&instance, &odd).await;
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    let file = clerk.get("/admin/orders/orders.csv").await.is(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"orders-2"));
    let lines: Vec<&str> = file.text.trim_start_matches('\u{feff}').trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("\"id\",\"number\",\"first_name\",\"last_name\",\"email\",\"address\",\"postal_code\"")
    );
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"http://evil.test\"\")\",\"Lovelace;'=1+1\","), "{}", lines[1]);
    assert!(lines[1].contains(",\"Saint-Étienne, \"\"Loire\"\"\",\"GB\",\"12.50\",\"USD\",\"no\","), "{}", lines[1]);
    assert!(lines[2].starts_with(&format!("\"{plain}\",")));
    let none = clerk.get("/admin/orders/orders.csv?paid=yes").await.is(200);
    assert_eq!(none.text.matches("\r\n").count(), 1, "the head alone");
}

#[tokio::test]
async fn what_is_done_to_several_has_a_result_for_each_and_is_done_once() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let (one, other) = (place(&instance, "Ada", "a@example.com").await, place(&instance, "Bob", "b@example.com").await);
    instance.pay(&other, "25.00", "till-1").await.is(200);
    let manager = Staff::logged_in(&shop, &instance, Role::Manager).await;
    let form = value(&manager.get("/admin/orders/").await.is(200), "form").unwrap();
    let gone = uuid::Uuid::now_v7().to_string();
    let fields = [
        ("act", "pay"),
        ("form", form.as_str()),
        ("back", "/admin/orders/?paid=no"),
        ("row", one.as_str()),
        ("row", other.as_str()),
        ("row", gone.as_str()),
    ];
    let done = manager.post("/admin/orders/act/", &fields).await.is(303);
    assert_eq!(done.header("location"), "/admin/orders/?paid=no");
    let told = manager.get("/admin/orders/").await.is(200);
    for words in ["Done for 1 of 3.", "25.00 USD recorded as paid.", "It is paid already.", "There is no such order."] {
        assert!(main_of(&told).contains(words), "{words} in {}", main_of(&told));
    }
    let again = manager.get("/admin/orders/").await.is(200);
    assert!(!again.text.contains("Done for"), "it is told once");
    manager.post("/admin/orders/act/", &fields).await.is(303);
    assert!(manager.get("/admin/orders/").await.text.contains("It was recorded before."));
    let order = instance.get(&format!("/v1/orders/{one}")).await.is(200).json();
    assert_eq!(order["paid"], true);

    let pool = shop.db.pool().await;
    let actor: String = sqlx::query_scalar(
        "SELECT metadata ->> 'actor' FROM events WHERE event_type = 'OrderPaid' ORDER BY position DESC LIMIT 1",
    )
    .fetch_one(&shop.db.owner_pool().await)
    .await
    .unwrap();
    assert_eq!(actor, manager.account.actor());
    manager.post("/admin/orders/act/", &[("act", "confirmation"), ("row", &one)]).await.is(303);
    assert!(manager.get("/admin/orders/").await.text.contains("The mail is on its way."));
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM scheduled_jobs WHERE task = 'order_mail_again'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(jobs, 1);
    for elsewhere in ["//evil.test/", "https://evil.test/", "/admin/orders/../staff/", "/account/"] {
        let led = manager.post("/admin/orders/act/", &[("act", "receipt"), ("back", elsewhere)]).await.is(303);
        assert_eq!(led.header("location"), "/admin/orders/", "{elsewhere}");
    }
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    clerk.post("/admin/orders/act/", &fields).await.is(403);
    clerk.post("/admin/orders/act/", &[("act", "burn"), ("row", &one)]).await.is(400);
}

/// What a program can't read stands in the way of nothing else that was chosen.
#[tokio::test]
async fn what_can_not_be_done_to_one_is_told_beside_what_was_done_to_the_others() {
    let shop = Shop::new().await;
    let writer = shop.open().await;
    let mut placed = Vec::new();
    for name in ["Ada", "Bob", "Cyd"] {
        placed.push(place(&writer, name, &format!("{name}@example.com")).await);
    }
    let superuser = shop.db.superuser_pool().await;
    sqlx::query("ALTER TABLE events DISABLE TRIGGER events_are_never_changed").execute(&superuser).await.unwrap();
    sqlx::query("UPDATE events SET event_version = '99' WHERE aggregate_id = $1")
        .bind(&placed[1])
        .execute(&superuser)
        .await
        .unwrap();
    // The one that wrote it has it in memory.
    let instance = shop.instance().await;
    let manager = Staff::logged_in(&shop, &instance, Role::Manager).await;
    let form = uuid::Uuid::now_v7().to_string();
    let fields = |rows: &[String]| {
        let mut fields = vec![("act".to_owned(), "pay".to_owned()), ("form".to_owned(), form.clone())];
        fields.extend(rows.iter().map(|row| ("row".to_owned(), row.clone())));
        fields
    };
    let act = async |rows: &[String]| {
        let fields = fields(rows);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        manager.post("/admin/orders/act/", &fields).await
    };

    // Nothing is done where one of them is none, or where they are too many.
    act(&[placed[0].clone(), placed[2].clone(), "none".to_owned()]).await.is(400);
    let many: Vec<String> = (0..51).map(|_| placed[0].clone()).collect();
    act(&many).await.is(303);
    let told = manager.get("/admin/orders/?paid=yes").await.is(200);
    assert!(main_of(&told).contains("More than 50 were chosen") && listed(&told).is_empty(), "{}", main_of(&told));

    act(&placed).await.is(303);
    let told = manager.get("/admin/orders/?paid=yes").await.is(200);
    for words in ["Done for 2 of 3.", "It could not be reached just now.", &placed[1]] {
        assert!(main_of(&told).contains(words), "{words} in {}", main_of(&told));
    }
    assert_eq!(listed(&told), [placed[2].clone(), placed[0].clone()], "the list shows what was done");
}

/// A page that can't be made tells nothing, and so forgets nothing.
#[tokio::test]
async fn what_there_is_to_tell_outlives_a_page_that_fails() {
    let shop = Shop::new().await;
    let writer = shop.open().await;
    let path = format!("/admin/orders/{}/", place(&writer, "Ada", "ada@example.com").await);
    let manager = Staff::logged_in(&shop, &writer, Role::Manager).await;
    let fields = [("act", "note"), ("form", "0190a0b0-0000-7000-8000-000000000001"), ("note", "Call first.")];
    manager.post(&path, &fields).await.is(303);
    // The key that signs what the customer sees is the last that the page reads, once in a process.
    let fresh = shop.instance().await;
    let browser = manager.browser.at(&fresh);
    let superuser = shop.db.superuser_pool().await;
    sqlx::query("ALTER TABLE signing_keys RENAME TO away").execute(&superuser).await.unwrap();
    browser.get(&path).await.is(503);
    sqlx::query("ALTER TABLE away RENAME TO signing_keys").execute(&superuser).await.unwrap();
    let page = browser.get(&path).await.is(200);
    assert!(main_of(&page).contains("The note is kept."), "{}", main_of(&page));
    assert!(!main_of(&browser.get(&path).await.is(200)).contains("The note is kept."), "it is told once");
}

/// On one thread, so that all that the server does is seen.
#[tokio::test(flavor = "current_thread")]
async fn a_page_asks_little_of_the_database_however_many_orders_there_are() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let mut last = String::new();
    for n in 0..30 {
        last = place(&instance, "Ada", &format!("c{n}@example.com")).await;
    }
    let clerk = Staff::logged_in(&shop, &instance, Role::Clerk).await;
    let statements = Statements::of_this_thread();
    let order = format!("/admin/orders/{last}/");
    for (path, most) in
        [("/admin/orders/", MAX_STATEMENTS), ("/admin/orders/?q=ada+love&paid=no", MAX_STATEMENTS), (&order, 8)]
    {
        clerk.get(path).await.is(200);
        statements.taken();
        clerk.get(path).await.is(200);
        let asked = statements.taken();
        assert!((1..=most).contains(&asked.len()), "{path} asked {asked:?}");
    }
}

#[tokio::test]
async fn today_shows_what_came_in_and_who_waits() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let order = place(&instance, "Ada", "ada@example.com").await;
    let manager = Staff::logged_in(&shop, &instance, Role::Manager).await;
    eventually("the totals have it", BOUND, async || {
        let page = manager.get("/admin/").await.is(200);
        if page.text.contains("<dd>$25.00</dd>") { Ok(()) } else { Err(page.text) }
    })
    .await;
    let pool = shop.db.pool().await;
    let text = domain::text::MessageText::parse("Is it on its way?").unwrap();
    let author = commands::messages::Author::Customer;
    let new = commands::messages::NewMessage { order: order.parse().unwrap(), author: &author, key: None, text: &text };
    commands::messages::write(&pool, &new, chrono::Utc::now()).await.unwrap();
    let path = format!("href=\"/admin/orders/{order}/\"");
    assert!(main_of(&manager.get("/admin/").await.is(200)).contains(&path), "the customer waits for an answer");
    let form = uuid::Uuid::now_v7().to_string();
    let fields = [("act", "message"), ("form", form.as_str()), ("message", "It is.")];
    manager.post(&format!("/admin/orders/{order}/"), &fields).await.is(303);
    tokio::time::timeout(Duration::from_secs(30), async {
        assert!(!main_of(&manager.get("/admin/").await.is(200)).contains(&path), "and has it");
    })
    .await
    .unwrap();
}
