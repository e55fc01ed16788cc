//! Categories, and how the shop shows products.

use crate::http_support::{Shop, ada_buys, faults, usd};
use serde_json::json;

#[tokio::test]
async fn a_category_is_added_changed_removed_and_restored() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let green = json!({ "slug": "green", "name": "Green tea", "translations": { "ko": "녹차", "fr": null } });
    let added = api.post("/v1/categories", &green).await.is(201);
    assert_eq!((added.header("location"), added.header("etag")), ("/v1/categories/green", "\"2\""));
    assert_eq!(added.json()["translations"], json!({ "ko": "녹차" }));
    assert_eq!((added.json()["slug"].as_str(), added.json()["removed"].as_bool()), (Some("green"), Some(false)));
    api.post("/v1/categories", &green).await.problem(409, "category_exists");

    let path = "/v1/categories/green";
    api.patch(path, &json!({ "name": "Greens" })).await.problem(428, "version_required");
    let patch = json!({ "name": "Greens", "translations": { "ko": null, "ZH_hans": "绿茶" } });
    let changed = api.patch(path, &patch).header("if-match", "\"2\"").await.is(200);
    assert_eq!(changed.json()["translations"], json!({ "zh-Hans": "绿茶" }));
    api.patch(path, &patch).header("if-match", "\"2\"").await.problem(412, "version_mismatch");

    for _ in 0..2 {
        let removed = api.post("/v1/categories/green/remove", &json!({})).await.is(200);
        assert_eq!(removed.json()["removed"].as_bool(), Some(true));
    }
    let restored = api.post("/v1/categories/green/restore", &json!({})).await.is(200);
    let position = restored.header("orders-position").to_owned();
    let one = api.get(path).await.is(200);
    assert_eq!(one.json(), restored.json());
    let listed = api.get("/v1/categories").header("orders-min-position", &position).await.is(200);
    assert_eq!(listed.json(), json!({ "data": [one.json()], "next_cursor": null }));
    api.get("/v1/categories/none").await.problem(404, "category_not_found");
    api.post("/v1/categories/none/remove", &json!({})).await.problem(404, "category_not_found");
}

#[tokio::test]
async fn what_is_wrong_with_a_category_is_told_where_it_is() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let wrong = json!({ "slug": "Green!", "name": "", "translations": { "nolanguage": "x", "ko": 7, "fr": "" } });
    let told = api.post("/v1/categories", &wrong).await.problem(422, "invalid_body");
    assert_eq!(
        told.faults(),
        faults(&[
            ("/slug", "invalid_slug"),
            ("/name", "empty"),
            ("/translations/nolanguage", "invalid_language"),
            ("/translations/ko", "wrong_type"),
            ("/translations/fr", "empty"),
        ])
    );
    let twice = json!({ "slug": "a", "name": "A", "translations": { "zh-hans": "a", "zh_Hans": "b" } });
    let told = api.post("/v1/categories", &twice).await.problem(422, "invalid_body");
    assert_eq!(told.faults(), faults(&[("/translations/zh_Hans", "duplicate_member")]));
}

#[tokio::test]
async fn a_product_is_shown_as_it_was_asked_for() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let guide = json!({
        "sku": "GUIDE", "name": "Brewing guide", "price": usd("5.00"),
        "categories": ["books", "gifts", "books"], "featured": true, "requires_shipping": false, "picture": "guide.svg",
        "translations": { "ko": { "name": "우리는 법", "description": "PDF, 24쪽" } },
    });
    let added = api.post("/v1/products", &guide).await.is(201);
    let shown = added.json();
    assert_eq!(shown["categories"], json!(["books", "gifts"]));
    assert_eq!((shown["featured"].as_bool(), shown["requires_shipping"].as_bool()), (Some(true), Some(false)));
    assert_eq!((shown["picture"].as_str(), &shown["translations"]), (Some("guide.svg"), &guide["translations"]));

    let position = added.header("orders-position").to_owned();
    let listed = api.get("/v1/products?limit=100").header("orders-min-position", &position).await.is(200);
    let row = listed.json()["data"].as_array().unwrap().iter().find(|row| row["sku"] == "GUIDE").cloned();
    assert_eq!(row, Some(shown.clone()), "the list says the same");

    let patch = json!({ "featured": false, "picture": null, "translations": { "ko": null }, "categories": [] });
    let changed = api.patch("/v1/products/GUIDE", &patch).header("if-match", added.header("etag")).await.is(200);
    let shown = changed.json();
    assert_eq!((shown["featured"].as_bool(), shown.get("picture")), (Some(false), None));
    assert_eq!((&shown["translations"], &shown["categories"]), (&json!({}), &json!([])));

    let wrong = json!({
        "featured": "yes", "requires_shipping": null, "picture": "../../etc/passwd", "categories": ["A", 1],
        "translations": { "ko": { "description": "no name" }, "xx-toolong-tag-": {} },
    });
    let told = api.patch("/v1/products/GUIDE", &wrong).header("if-match", "*").await.problem(422, "invalid_body");
    assert_eq!(
        told.faults(),
        faults(&[
            ("/categories/0", "invalid_slug"),
            ("/categories/1", "wrong_type"),
            ("/featured", "wrong_type"),
            ("/requires_shipping", "required"),
            ("/picture", "invalid_picture"),
            ("/translations/ko/name", "missing"),
            ("/translations/xx-toolong-tag-", "invalid_language"),
        ])
    );
}

#[tokio::test]
async fn what_is_not_sent_needs_no_address() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let guide = json!({ "sku": "GUIDE", "name": "Guide", "price": usd("5.00"), "requires_shipping": false });
    api.post("/v1/products", &guide).await.is(201);
    let mut digital = ada_buys(&[("GUIDE", 1)]);
    digital.as_object_mut().unwrap().remove("shipping_address");
    let placed = api.post("/v1/orders", &digital).await.is(201);
    assert_eq!(placed.json().get("shipping_address"), None);
    let path = placed.header("location").to_owned();
    let position = placed.header("orders-position").to_owned();
    let read = api.get(&path).header("orders-min-position", &position).await.is(200);
    assert_eq!(read.json(), placed.json());
    let tea = json!({ "sku": "TEA", "quantity": 1 });
    let told = api.post(&format!("{path}/items"), &tea).await.problem(422, "address_required");
    assert_eq!(told.faults(), faults(&[("/shipping_address", "missing")]));

    let mut both = ada_buys(&[("GUIDE", 1), ("TEA", 1)]);
    both["shipping_address"] = json!(null);
    api.post("/v1/orders", &both).await.problem(422, "address_required");
}
