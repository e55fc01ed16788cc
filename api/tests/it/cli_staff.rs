//! `orders staff`: the first of those who work behind the counter, for whoever runs the server.

use testkit::{Db, Launch};

fn staff(db: &Db, arguments: &[&str]) -> Launch {
    Launch::orders().arg("staff").args(arguments).env("DATABASE_URL", db.app_url())
}

#[tokio::test]
async fn staff_are_let_in_listed_and_kept_out() {
    let db = Db::new().await;
    let invite = ["invite", "ada@example.com", "--role", "owner", "--name", "Ada Lovelace"];
    let first = staff(&db, &invite).env("ORDERS_PUBLIC_URL", "https://shop.test").run().await.succeeded();
    assert!(first.starts_with("https://shop.test/admin/password/?token=") && first.lines().count() == 1, "{first}");
    let again = staff(&db, &invite).run().await;
    assert_eq!(again.status.code(), Some(1));
    assert!(again.stderr.contains("there is an account of this address already"), "{again:?}");
    let reset = staff(&db, &["reset", "ADA@example.com"]).run().await;
    assert!(reset.stderr.contains("ORDERS_PUBLIC_URL"), "{reset:?}");
    assert!(reset.succeeded().starts_with("/admin/password/?token="));

    staff(&db, &["invite", "bob@example.com", "--role", "clerk"]).run().await.succeeded();
    assert_eq!(
        staff(&db, &["disable", "bob@example.com"]).run().await.succeeded(),
        "bob@example.com is let in no longer.\n"
    );
    let disabled = staff(&db, &["reset", "bob@example.com"]).run().await;
    assert!(disabled.stderr.contains("`orders staff enable` it first"), "{disabled:?}");
    let list = staff(&db, &["list"]).run().await.succeeded();
    let rows: Vec<&str> = list.lines().collect();
    assert!(rows[1].contains("Ada Lovelace  owner") && rows[1].ends_with("invited"), "{list}");
    assert!(rows[2].starts_with("bob@example.com") && rows[2].contains("disabled 2"), "{list}");
    let lines = staff(&db, &["list", "--json"]).run().await.succeeded();
    let accounts: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<_> = accounts.iter().map(|account| (account["role"].as_str(), account["state"].as_str())).collect();
    assert_eq!(states, [(Some("owner"), Some("invited")), (Some("clerk"), Some("disabled"))]);
    staff(&db, &["enable", "bob@example.com"]).run().await.succeeded();

    let last = staff(&db, &["disable", "ada@example.com"]).run().await;
    assert!(last.stderr.contains("the last owner"), "{last:?}");
    let unknown = staff(&db, &["invite", "eve@example.com", "--role", "queen"]).run().await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(unknown.stderr.contains("there are owner, manager and clerk"), "{unknown:?}");
    let nobody = staff(&db, &["enable", "eve@example.com"]).run().await;
    assert!(nobody.stderr.contains("there is no such account of staff"), "{nobody:?}");
}
