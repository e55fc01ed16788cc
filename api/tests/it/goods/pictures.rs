//! Pictures of products, from a file to the page that shows them.

use super::support::{Goods, field, says};
use crate::http_support::{Reply, faults};
use api::auth::Scope;
use commands::staff::Role;
use http::Method;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::json;
use std::fs;
use std::io::Cursor;

/// A drawing of the product that nobody could take for another.
pub fn drawing(shade: u8) -> Vec<u8> {
    let picture: DynamicImage =
        RgbImage::from_fn(300, 200, |x, y| Rgb([shade, (x % 256) as u8, (y % 256) as u8])).into();
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn put(goods: &Goods, sku: &str, version: &str, bytes: Vec<u8>) -> Reply {
    let call = goods.instance.call(Method::PUT, &format!("/v1/products/{sku}/picture"));
    call.header("content-type", "image/png").header("if-match", version).body(bytes).await
}

#[tokio::test]
async fn a_client_gives_a_product_a_picture_that_pages_show_in_their_sizes() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let pictured = put(&goods, "TEA", "\"1\"", drawing(10)).await.is(200);
    let name = pictured.json()["picture"].as_str().unwrap().to_owned();
    assert!(name.ends_with("-1200.jpg") && pictured.header("etag") == "\"2\"", "{name}");
    goods.caught_up(pictured.position()).await;
    for (path, size) in [("/products/TEA/", "1200"), ("/products/", "600")] {
        let page = goods.instance.get(path).without("authorization").header("accept", "text/html").await.is(200);
        says(&page, &[&format!("/media/{}", name.replace("1200", size))]);
    }
    for size in ["1200", "600", "200"] {
        let shown = goods.instance.get(&format!("/media/{}", name.replace("1200", size))).head_only().await.is(200);
        assert_eq!((shown.header("content-type"), shown.header("x-content-type-options")), ("image/jpeg", "nosniff"));
        assert_eq!(shown.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let again = put(&goods, "TEA", "*", drawing(10)).await.is(200);
    assert_eq!((again.json()["picture"].as_str(), again.header("etag")), (Some(name.as_str()), "\"2\""));
    let gone = goods.instance.patch("/v1/products/TEA", &json!({ "picture": null })).header("if-match", "*").await;
    assert!(gone.is(200).json().get("picture").is_none());
}

#[tokio::test]
async fn what_is_no_picture_changes_nothing() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let whole = drawing(10);
    for (bytes, fault) in [
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>".to_vec(), "unknown_format"),
        (whole[..whole.len() / 2].to_vec(), "damaged"),
    ] {
        let refused = put(&goods, "TEA", "\"1\"", bytes).await.problem(422, "picture_rejected");
        assert_eq!(refused.faults(), faults(&[("", fault)]));
    }
    put(&goods, "TEA", "\"7\"", whole.clone()).await.problem(412, "version_mismatch");
    put(&goods, "NONE", "\"1\"", whole.clone()).await.problem(404, "product_not_found");
    put(&goods, "TEA", "\"1\"", vec![0; (10 << 20) + 1]).await.problem(413, "body_too_large");
    let path = "/v1/products/TEA/picture";
    let call = || goods.instance.call(Method::PUT, path).body(whole.clone());
    call().header("content-type", "image/png").await.problem(428, "version_required");
    call().header("content-type", "image/svg+xml").header("if-match", "*").await.problem(415, "unsupported_media_type");
    let client = goods.shop.key(&[Scope::OrdersWrite, Scope::OrdersRead, Scope::Analyst, Scope::Operator]).await;
    let forbidden = call().header("content-type", "image/png").header("if-match", "*").key(&client).await;
    forbidden.problem(403, "forbidden");
    assert_eq!(goods.instance.get("/v1/products/TEA").await.is(200).json()["version"], 1);
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_loses_nothing() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let first = put(&goods, "TEA", "*", drawing(10)).await.is(200).json()["picture"].clone();
    let unfinished = goods.media().join(".unfinished");
    fs::remove_dir_all(&unfinished).unwrap();
    fs::write(&unfinished, "in the way").unwrap();
    put(&goods, "TEA", "*", drawing(20)).await.problem(503, "storage_unavailable");
    assert_eq!(goods.instance.get("/v1/products/TEA").await.is(200).json()["picture"], first);
    goods.instance.get(&format!("/media/{}", first.as_str().unwrap())).head_only().await.is(200);
    fs::remove_file(&unfinished).unwrap();
    put(&goods, "TEA", "*", drawing(20)).await.is(200);
}

#[tokio::test]
async fn staff_hand_in_a_picture_and_take_it_away() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let staff = goods.staff(Role::Manager).await;
    let (page, upload) = ("/admin/products/TEA/", "/admin/products/TEA/picture/");
    let shown = staff.get(page).await.is(200);
    says(&shown, &["enctype=\"multipart/form-data\"", "No picture yet"]);
    let version = field(&shown, "version");

    let none = staff.upload(upload, &[("version", &version), ("act", "set")], b"").await.is(422);
    says(&none, &["Choose a file first."]);
    let wrong = staff.upload(upload, &[("version", &version), ("act", "set")], b"GIF89a").await.is(422);
    says(&wrong, &["the file is no PNG, JPEG or WebP picture", "aria-invalid"]);
    let set = staff.upload(upload, &[("version", &version), ("act", "set")], &drawing(30)).await.is(303);
    let shown = staff.get(set.header("location")).await.is(200);
    says(&shown, &["The picture is there.", "-600.jpg", "Given another picture", "The manager"]);
    // The version of before the picture: somebody changed it since.
    let stale = staff.upload(upload, &[("version", &version), ("act", "set")], &drawing(40)).await.is(422);
    says(&stale, &["Somebody changed this product"]);
    let version = field(&stale, "version");
    staff.upload(upload, &[("version", &version), ("act", "remove")], b"").await.is(303);
    says(&staff.get(page).await.is(200), &["No picture yet"]);
    // A token of another session, and none.
    let other = goods.staff(Role::Manager).await;
    let version = field(&staff.get(page).await, "version");
    for csrf in [&[][..], &[("csrf", other.csrf.as_str())]] {
        let fields = [csrf, &[("version", &version), ("act", "set")]].concat();
        staff.file(upload, &fields, &drawing(50)).await.is(403);
    }
    says(&staff.get(page).await.is(200), &["No picture yet"]);
}

#[tokio::test]
async fn what_happened_to_a_product_is_told_newest_first() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let patch = json!({ "price": { "amount": "13.00", "currency": "USD" }, "name": "Green tea" });
    goods.instance.patch("/v1/products/TEA", &patch).header("if-match", "*").await.is(200);
    let all = goods.instance.get("/v1/products/TEA/history").await.is(200).json();
    let events: Vec<_> = all["data"].as_array().unwrap().iter().map(|change| change["event"].clone()).collect();
    assert_eq!(events, ["ProductRepriced", "ProductDescribed", "ProductAdded"]);
    let newest = &all["data"][0];
    assert_eq!((&newest["version"], &newest["price"]["amount"]), (&json!(3), &json!("13.00")));
    assert_eq!(newest["previous_price"]["amount"], "12.50");
    assert!(newest["actor"].as_str().is_some_and(|actor| actor.len() == 36) && newest["at"].is_string());

    let first = goods.instance.get("/v1/products/TEA/history?prices=true&limit=1").await.is(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/products/TEA/history?prices=true&limit=1&cursor={cursor}");
    let rest = goods.instance.get(&path).await.is(200).json();
    assert_eq!((&rest["data"][0]["event"], &rest["next_cursor"]), (&json!("ProductAdded"), &json!(null)));
    assert!(rest["data"][0].get("previous_price").is_none());
    goods.instance.get(&format!("/v1/products/TEA/history?cursor={cursor}")).await.problem(400, "invalid_cursor");
    goods.instance.get("/v1/products/NONE/history").await.problem(404, "product_not_found");
    let client = goods.shop.key(&[Scope::OrdersRead]).await;
    goods.instance.get("/v1/products/TEA/history").key(&client).await.problem(403, "forbidden");
}
