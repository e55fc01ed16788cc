//! Entity tags and codings, on each kind of answer.

use super::caught_up;
use super::wire::Wire;
use crate::browser::{ACCEPT, Browser};
use crate::http_support::Shop;
use crate::shop_pages::stocked;
use api::auth::Scope;
use flate2::read::GzDecoder;
use http::Method;
use std::io::Read;

fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn every_read_has_a_strong_tag_in_each_coding_and_is_not_sent_twice() {
    let (shop, instance) = stocked().await;
    let (key, wire) = (format!("Bearer {}", shop.key(&Scope::ALL).await), Wire::to(instance.address));
    let order = instance.place(&[("TEA", 1), ("CUP", 2), ("SENCHA", 1), ("GUIDE", 1)]).await;
    caught_up(&instance, &order).await;
    let order = format!("/v1/orders/{}", order.id());
    for path in [
        "/v1/orders",
        "/v1/products",
        "/v1/categories",
        "/v1/totals?by=day",
        &order,
        "/",
        "/products/",
        "/categories/green/",
    ] {
        let asked = |coding| [("authorization", key.as_str()), ("accept-encoding", coding)];
        let asked = |coding| {
            if path.starts_with("/v1") { asked(coding).to_vec() } else { vec![asked(coding)[1], ("accept", ACCEPT)] }
        };
        let plain = wire.get(path, &asked("identity")).await.is(200);
        let coded = wire.get(path, &asked("gzip")).await.is(200);
        let [plain_tag, coded_tag] = [&plain, &coded].map(|answer| answer.header("etag").to_owned());
        assert!(plain_tag.starts_with('"') && coded_tag.starts_with('"'), "{path}: {plain_tag} {coded_tag}");
        if coded.header("content-encoding") == "gzip" {
            assert_ne!(plain_tag, coded_tag, "{path}");
            assert_eq!(unzipped(&coded.body), plain.text(), "{path}");
            assert!(coded.all("vary").contains("accept-encoding") && plain.all("vary").contains("accept-encoding"));
        } else {
            assert!(plain.body.len() < 1_024, "{path} has {} bytes", plain.body.len());
        }
        for (coding, tag) in [("identity", &plain_tag), ("gzip", &coded_tag)] {
            let known = [asked(coding), vec![("if-none-match", tag.as_str())]].concat();
            let unchanged = wire.get(path, &known).await.is(304);
            assert_eq!((unchanged.header("etag"), unchanged.body.len()), (tag.as_str(), 0), "{path}");
            let head = wire.send(Method::HEAD, path, &asked(coding), "").await.is(200);
            assert_eq!((head.header("etag"), head.body.len()), (tag.as_str(), 0), "{path}");
        }
    }
}

#[tokio::test]
async fn a_tag_that_came_with_a_coded_answer_is_a_version_all_the_same() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let key = format!("Bearer {}", shop.key(&Scope::ALL).await);
    let wire = Wire::to(instance.address);
    let description = "A description that is worth being compressed. ".repeat(30);
    let patch = serde_json::json!({ "description": description }).to_string();
    let headers =
        [("authorization", key.as_str()), ("content-type", "application/merge-patch+json"), ("accept-encoding", "br")];
    let whatever = [headers.to_vec(), vec![("if-match", "*")]].concat();
    let changed = wire.send(Method::PATCH, "/v1/products/TEA", &whatever, &patch).await.is(200);
    assert_eq!((changed.header("etag"), changed.header("content-encoding")), ("\"2-br\"", "br"));
    let with = |tag| [headers.to_vec(), vec![("if-match", tag)]].concat();
    let renamed = serde_json::json!({ "name": "Tea" }).to_string();
    let stale = wire.send(Method::PATCH, "/v1/products/TEA", &with("\"1-br\""), &renamed).await.is(412);
    assert_eq!(stale.header("etag"), "\"2\"");
    let done = wire.send(Method::PATCH, "/v1/products/TEA", &with("\"2-br\""), &renamed).await.is(200);
    assert_eq!(done.header("etag"), "\"3-br\"");
}

#[tokio::test]
async fn what_is_for_one_visitor_alone_is_never_compressed() {
    let (_shop, instance) = stocked().await;
    let browser = Browser::new(&instance);
    browser.add("TEA", 1).await;
    let cookie = format!("__Host-orders={}", browser.cookie("__Host-orders").unwrap());
    let wire = Wire::to(instance.address);
    for path in ["/", "/products/?q=tea", "/cart/", "/orders/create/"] {
        let asked = [("accept", ACCEPT), ("accept-encoding", "gzip, br"), ("cookie", cookie.as_str())];
        let answer = wire.get(path, &asked).await.is(200);
        assert!(answer.body.len() > 1_024 && answer.header("content-encoding").is_empty(), "{path}");
        assert!(answer.header("cache-control").contains("no-store"), "{path}");
    }
}
