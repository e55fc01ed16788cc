//! A reader that hangs is told of, and so is its recovery.

use super::super::http_support::{BOUND, Shop};
use testkit::{Launch, eventually, free_port};

/// The tables of the view that is read, by their qualified names.
async fn tables_of(shop: &Shop, view: &str) -> Vec<String> {
    let sql = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
                WHERE schemaname = (SELECT active_schema FROM projections WHERE name = $1)";
    sqlx::query_scalar(sql).bind(view).fetch_all(&shop.db.superuser_pool().await).await.unwrap()
}

#[tokio::test]
async fn a_view_whose_table_is_locked_stalls_until_the_lock_is_gone() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.stop.cancel();
    let api = shop.instance().await;
    let address = format!("127.0.0.1:{}", free_port());
    let mut views = Launch::orders()
        .args(["projections", "run", "--listen", &address, "--stall-after-s", "2"])
        .env("DATABASE_URL", shop.db.app_url())
        .spawn();
    let get = |path: &str| {
        let url = format!("http://{address}{path}");
        Launch::of("curl").args(["-sS", "--fail", "--retry", "20", "--retry-connrefused", &url])
    };
    let stalled = "orders_stalled{reader=\"projection order_list\"}";
    eventually("the views are followed", BOUND, async || {
        let text = get("/metrics").run().await.succeeded();
        if text.contains(&format!("{stalled} 0")) { Ok(()) } else { Err(text) }
    })
    .await;

    let pool = shop.db.superuser_pool().await;
    let mut lock = pool.begin().await.unwrap();
    for table in tables_of(&shop, "order_list").await {
        sqlx::query(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).execute(&mut *lock).await.unwrap();
    }
    api.place(&[("TEA", 1)]).await;
    let line = views.wait_for_line("there is work, but no progress").await;
    assert!(line.contains("projection order_list") && line.contains("behind"), "{line}");
    let ready: serde_json::Value = serde_json::from_str(&get("/readyz").run().await.succeeded()).unwrap();
    assert_eq!(ready["ready"], true, "no other process could do better: {ready}");
    assert_eq!(ready["watchdog"][0]["reader"], "projection order_list");
    let metrics = get("/metrics").run().await.succeeded();
    assert!(metrics.contains(&format!("{stalled} 1")), "{metrics}");
    assert!(metrics.contains("orders_stalled{reader=\"projection products\"} 0"), "the others go on: {metrics}");

    lock.rollback().await.unwrap();
    let line = views.wait_for_line("there is progress again").await;
    assert!(line.contains("projection order_list"), "{line}");
    eventually("nothing stands any more", BOUND, async || {
        let ready = get("/readyz").run().await.succeeded();
        if ready.contains("watchdog") { Err(ready) } else { Ok(()) }
    })
    .await;
    let told = views.output().matches("there is work, but no progress").count();
    assert_eq!(told, 1, "once: {}", views.output());
}
