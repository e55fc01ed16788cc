//! The catalogue over HTTP.

use crate::http_support::{Shop, ada_buys, faults, usd};
use serde_json::json;

#[tokio::test]
async fn a_product_is_added_read_and_listed() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let body = json!({ "sku": "POT.1", "name": "A pot", "description": "Holds\ntea", "price": usd("19.9") });
    let added = api.post("/v1/products", &body).await.is(201);
    let product = added.json();
    assert_eq!((added.header("location"), added.header("etag")), ("/v1/products/POT.1", "\"1\""));
    assert_eq!(
        product,
        json!({
            "sku": "POT.1", "name": "A pot", "description": "Holds\ntea", "price": usd("19.90"), "status": "active",
            "requires_shipping": true, "categories": [], "featured": false, "translations": {}, "version": 1, "added_at": product["added_at"], "updated_at": product["added_at"],
        })
    );
    let read = api.get("/v1/products/POT.1").await.is(200);
    assert_eq!((read.json(), read.header("etag")), (product.clone(), "\"1\""));
    let listed = api.get("/v1/products").header("orders-min-position", added.header("orders-position")).await.is(200);
    let skus: Vec<_> = listed.json()["data"].as_array().unwrap().iter().map(|row| row["sku"].clone()).collect();
    assert_eq!(skus, ["CUP", "POT.1", "TEA"]);
    assert_eq!(listed.json()["data"][1], product);

    api.post("/v1/products", &body).await.problem(409, "product_exists");
    let bare = api.add_product("BARE", "1.00").await.json();
    assert!(bare.get("description").is_none(), "what has no value is left out: {bare}");
    let dots = json!({ "sku": "..", "name": "Dots", "price": usd("1") });
    let dots = api.post("/v1/products", &dots).await.problem(422, "invalid_body");
    assert_eq!(dots.faults(), faults(&[("/sku", "invalid_sku")]));
    api.get("/v1/products/NONE").await.problem(404, "product_not_found");
    api.get("/v1/products/no%20sku").await.problem(404, "product_not_found");
}

#[tokio::test]
async fn a_product_is_changed_by_a_merge_patch_of_a_named_version() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let tea = "/v1/products/TEA";
    let missing = api.patch(tea, &json!({ "name": "Tea" })).await.problem(428, "version_required");
    assert_eq!(missing.faults(), faults(&[("If-Match", "missing")]));
    let patch = json!({ "price": usd("13.00"), "description": "Green" });
    let changed = api.patch(tea, &patch).header("if-match", "\"1\"").await.is(200);
    assert_eq!(changed.json()["price"], usd("13.00"));
    assert_eq!((changed.json()["name"].as_str(), changed.header("etag")), (Some("The TEA"), "\"3\""));

    let stale = api.patch(tea, &json!({ "name": "Tea" })).header("if-match", "\"1\"").await;
    let stale = stale.problem(412, "version_mismatch");
    assert_eq!((stale.header("etag"), stale.json()["current"]["version"].as_u64()), ("\"3\"", Some(3)));
    let merge = "application/merge-patch+json";
    let removed = api.patch(tea, &json!({ "description": null })).header("content-type", merge);
    let removed = removed.header("if-match", "\"2\", \"3\"").await.is(200);
    assert_eq!((removed.json().get("description"), removed.header("etag")), (None, "\"4\""));
    let same = api.patch(tea, &json!({ "name": "The TEA" })).header("if-match", "*").await.is(200);
    assert_eq!(same.header("etag"), "\"4\"", "nothing changed, so there is no new version");
    api.patch(tea, &json!({})).header("if-match", "W/\"4\"").await.problem(412, "version_mismatch");
    api.patch(tea, &json!({})).header("if-match", "4").await.problem(400, "invalid_header");

    let faulty = json!({ "name": null, "price": null, "sku": "X" });
    let faulty = api.patch(tea, &faulty).header("if-match", "*").await.problem(422, "invalid_body");
    assert_eq!(faulty.faults(), faults(&[("/name", "required"), ("/price", "required"), ("/sku", "unknown_member")]));
    let none = api.patch("/v1/products/NONE", &json!({})).header("if-match", "\"1\"").await;
    none.problem(404, "product_not_found");
}

#[tokio::test]
async fn a_product_goes_out_of_sale_and_comes_back() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for _ in 0..2 {
        // No body, no content type: the path says all.
        let gone = api.call(http::Method::POST, "/v1/products/TEA/withdraw").await.is(200);
        assert_eq!((gone.json()["status"].as_str(), gone.header("etag")), (Some("withdrawn"), "\"2\""));
    }
    api.post("/v1/orders", &ada_buys(&[("TEA", 1)])).await.problem(422, "items_rejected");
    for _ in 0..2 {
        let back = api.post("/v1/products/TEA/restore", &json!({})).await.is(200);
        assert_eq!((back.json()["status"].as_str(), back.header("etag")), (Some("active"), "\"3\""));
    }
    api.place(&[("TEA", 1)]).await;
    api.post("/v1/products/TEA/restore", &json!({ "now": true })).await.problem(422, "invalid_body");
    api.post("/v1/products/NONE/withdraw", &json!({})).await.problem(404, "product_not_found");
}

#[tokio::test]
async fn a_price_has_its_limit() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let most = json!({ "sku": "GOLD", "name": "Gold", "price": usd("99999999.99") });
    api.post("/v1/products", &most).await.is(201);
    let more = json!({ "sku": "MORE", "name": "More", "price": usd("100000000") });
    let more = api.post("/v1/products", &more).await.problem(422, "price_too_high");
    assert_eq!(more.faults(), faults(&[("/price/amount", "out_of_range")]));
}

#[tokio::test]
async fn a_new_product_can_be_ordered_on_another_process_at_once() {
    let shop = Shop::new().await;
    let (one, other) = (shop.open().await, shop.instance().await);
    for n in 0..20 {
        let sku = format!("NEW-{n}");
        one.add_product(&sku, "1.00").await;
        other.place(&[(&sku, 1)]).await;
    }
}
