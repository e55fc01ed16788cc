//! What is kept in memory of the catalogue: read once, by one for all, and never shown past a change that is known.

use super::caught_up;
use super::wire::Wire;
use crate::browser::Browser;
use crate::http_support::{BOUND, Instance};
use crate::shop_pages::stocked;
use crate::shop_statements::Statements;
use serde_json::json;
use testkit::eventually;

/// What the first page needs besides the categories: what is featured.
const READS: usize = 1;

async fn page(instance: &Instance, path: &str) -> String {
    Browser::new(instance).get(path).await.is(200).text
}

#[tokio::test]
async fn a_hundred_visitors_at_once_cost_one_read_and_those_behind_them_none() {
    let (shop, writer) = stocked().await;
    let instance = shop.instance().await;
    // Where the views are is known, and what categories there are.
    page(&writer, "/").await;
    page(&instance, "/products/?q=cup").await;
    let statements = Statements::of_this_thread();
    let wire = Wire::to(instance.address);
    for expected in [READS, 0] {
        let visitors = (0..100).map(|_| wire.get("/", &[("accept", "text/html")]));
        for answer in futures::future::join_all(visitors).await {
            assert!(answer.is(200).text().contains("Sencha"));
        }
        let asked = statements.taken();
        assert_eq!(asked.len(), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn a_change_shows_at_once_where_it_was_made_and_soon_at_another_process() {
    let (shop, writer) = stocked().await;
    let (one, other) = (shop.instance().await, shop.instance().await);
    for instance in [&one, &other] {
        for path in ["/", "/products/", "/categories/green/", "/products/SENCHA/"] {
            assert!(page(instance, path).await.contains("$1,234.50"), "{path}");
        }
    }
    for (number, price) in ["1.25", "2.50", "3.75"].into_iter().enumerate() {
        let patch = json!({ "price": { "amount": price, "currency": "USD" } });
        let changed = one.patch("/v1/products/SENCHA", &patch).header("if-match", "*").await.is(200);
        caught_up(&writer, &changed).await;
        for path in ["/", "/products/", "/categories/green/", "/products/SENCHA/"] {
            assert!(page(&one, path).await.contains(&format!("${price}")), "change {number} on {path}");
        }
        eventually("the other process has heard of it", BOUND, async || {
            page(&other, "/").await.contains(&format!("${price}"))
        })
        .await;
    }
    let renamed = one.patch("/v1/categories/green", &json!({ "name": "Leaves" })).header("if-match", "*").await.is(200);
    caught_up(&writer, &renamed).await;
    assert!(page(&one, "/").await.contains("Leaves"));
    eventually("a category's new name is heard of, too", BOUND, async || page(&other, "/").await.contains("Leaves"))
        .await;
}

#[tokio::test]
async fn pages_show_what_the_views_have_while_none_keeps_up() {
    let (shop, writer) = stocked().await;
    let instance = shop.instance().await;
    assert!(page(&instance, "/").await.contains("$1,234.50"));
    // Nobody writes the views any more.
    writer.end().await;
    let stopped = shop.instance().await;
    let price = json!({ "price": { "amount": "1", "currency": "USD" } });
    stopped.patch("/v1/products/SENCHA", &price).header("if-match", "*").await.is(200);
    for path in ["/", "/products/SENCHA/"] {
        let shown = page(&stopped, path).await;
        assert!(shown.contains("$1,234.50") && !shown.contains("$1.00"), "{path}: {shown}");
    }
}
