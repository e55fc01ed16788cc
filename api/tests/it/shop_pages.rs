//! The shop's pages, as a browser without a script meets them.

use crate::http_support::{BOUND, Call, Instance, Reply, Shop, usd};
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::shop::ShopSettings;
use serde_json::{Value, json};
use testkit::eventually;

/// What a page may weigh, with all that it needs at first.
const MAX_BYTES: usize = 50_000;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A request as a browser makes it: without a key.
pub fn browse<'i>(instance: &'i Instance, path: &str) -> Call<'i> {
    instance.get(path).without("authorization").header("accept", BROWSER)
}

/// A page with that status: never cached by who should not, never to be framed, never a problem for programs.
async fn page(instance: &Instance, path: &str, status: u16) -> Reply {
    let reply = browse(instance, path).await.is(status);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{path}");
    assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(!reply.header("content-security-policy").contains("unsafe"));
    assert_eq!((reply.header("x-content-type-options"), reply.header("referrer-policy")), ("nosniff", "same-origin"));
    assert!(reply.text.len() < MAX_BYTES, "{path} has {} bytes", reply.text.len());
    for inline in ["<style", " style=", "onclick", "<script>", "javascript:"] {
        assert!(!reply.text.contains(inline), "{path} holds {inline}");
    }
    reply
}

/// A shop with two categories and some teas, and the process that shows it.
pub async fn stocked() -> (Shop, Instance) {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    for (slug, name, ko) in [("green", "Green tea", "녹차"), ("cups", "Cups", "찻잔")] {
        let body = json!({ "slug": slug, "name": name, "translations": { "ko": ko } });
        instance.post("/v1/categories", &body).await.is(201);
    }
    let sencha = json!({
        "sku": "SENCHA", "name": "Sencha <first> & flush", "description": "Steamed.\nBrew at 70 °C.", "price": usd("1234.50"),
        "categories": ["green"], "featured": true, "picture": "sencha.svg",
        "translations": { "ko": { "name": "센차", "description": "쪄 냈습니다." } },
    });
    let guide = json!({
        "sku": "GUIDE", "name": "A guide", "price": usd("6"), "categories": ["green"], "requires_shipping": false,
    });
    let added = [add(&instance, &sencha).await, add(&instance, &guide).await];
    instance.caught_up(added[1].position()).await;
    (shop, instance)
}

pub async fn add(instance: &Instance, product: &Value) -> Reply {
    instance.post("/v1/products", product).await.is(201)
}

#[tokio::test]
async fn the_first_page_shows_what_is_featured_in_the_visitor_s_language() {
    let (_shop, instance) = stocked().await;
    let english = page(&instance, "/", 200).await;
    for words in
        ["<html lang=\"en\"", "Leaf &#38; Kettle", "Sencha &#60;first&#62; &#38; flush", "$1,234.50", "Green tea"]
    {
        assert!(english.text.contains(words), "{words} in {}", english.text);
    }
    assert!(!english.text.contains("A guide"), "it is not featured");
    let korean = browse(&instance, "/").header("accept-language", "ko-KR,ko;q=0.9,en;q=0.5").await.is(200);
    for words in ["<html lang=\"ko\"", "센차", "US$1,234.50", "녹차", "장바구니에 담기"] {
        assert!(korean.text.contains(words), "{words} in {}", korean.text);
    }
}

#[tokio::test]
async fn a_shop_without_products_says_so() {
    let shop = Shop::new().await;
    let instance = shop.instance().await;
    instance.project();
    eventually("the views are built", BOUND, async || {
        let reply = browse(&instance, "/products/").await;
        if reply.status.as_u16() == 200 { Ok(()) } else { Err(reply.status) }
    })
    .await;
    assert!(page(&instance, "/", 200).await.text.contains("The shelves are still empty"));
    assert!(page(&instance, "/products/", 200).await.text.contains("The shelves are still empty"));
}

#[tokio::test]
async fn a_chosen_language_is_kept_and_leads_back() {
    let (_shop, instance) = stocked().await;
    let chosen = browse(&instance, "/language/?lang=zh-Hans&next=%2Fproducts%2F%3Fq%3Dtea").await.is(303);
    assert_eq!(chosen.header("location"), "/products/?q=tea");
    let cookie = chosen.header("set-cookie");
    for part in ["lang=zh-Hans", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let chinese = browse(&instance, "/").header("accept-language", "ko").header("cookie", "lang=zh-Hans").await.is(200);
    assert!(chinese.text.contains("<html lang=\"zh-Hans\"") && chinese.text.contains("加入购物车"));
    for elsewhere in ["https:%2F%2Fevil.test", "%2F%2Fevil.test", "%2F%5Cevil.test"] {
        let reply = browse(&instance, &format!("/language/?lang=ko&next={elsewhere}")).await.is(303);
        assert_eq!(reply.header("location"), "/", "{elsewhere}");
    }
    page(&instance, "/language/?lang=tlh", 404).await;
}

#[tokio::test]
async fn lists_are_paged_searched_and_of_one_category() {
    let (_shop, instance) = stocked().await;
    let category = page(&instance, "/categories/green/", 200).await;
    assert!(
        category.text.contains("SENCHA")
            && category.text.contains("GUIDE")
            && !category.text.contains("/products/CUP/")
    );
    page(&instance, "/categories/none/", 404).await;
    page(&instance, "/categories/-/", 404).await;
    let found = page(&instance, "/products/?q=SENCHA+steam", 200).await;
    assert!(found.text.contains("/products/SENCHA/") && !found.text.contains("/products/GUIDE/"));
    assert!(found.text.contains("value=\"SENCHA steam\""), "what was looked for stays in the field");
    let none = page(&instance, "/products/?q=%3Cscript%3Ealert", 200).await;
    assert!(none.text.contains("We found nothing for “&#60;script&#62;alert”"), "{}", none.text);

    let mut last = None;
    for n in 0..30 {
        let body = json!({ "sku": format!("X-{n:02}"), "name": format!("Thing {n}"), "price": usd("1") });
        last = Some(add(&instance, &body).await);
    }
    instance.caught_up(last.unwrap().position()).await;
    let (mut path, mut seen) = ("/products/".to_owned(), Vec::new());
    loop {
        let list = page(&instance, &path, 200).await;
        seen.extend(
            list.text
                .split("href=\"/products/")
                .skip(1)
                .filter_map(|rest| rest.split_once("/\"").map(|(sku, _)| sku.to_owned()).filter(|sku| sku.len() < 20)),
        );
        let Some((before, _)) = list.text.split_once("\">Next page") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&").replace("&amp;", "&");
    }
    seen.retain(|sku| !sku.is_empty());
    let mut once = seen.clone();
    once.dedup();
    assert_eq!((once.len(), seen.is_sorted()), (34, true), "each product once, in order: {seen:?}");
}

#[tokio::test]
async fn a_product_has_a_page_with_a_form_that_works_without_a_script() {
    let (_shop, instance) = stocked().await;
    let sencha = page(&instance, "/products/SENCHA/", 200).await;
    for part in [
        "<title>Sencha &#60;first&#62; &#38; flush · Leaf &#38; Kettle</title>",
        "<p class=\"product-text\">Steamed.</p>",
        "action=\"/cart/add/\" method=\"post\"",
        "name=\"sku\" value=\"SENCHA\"",
        "name=\"quantity\" type=\"number\"",
        "src=\"/media/sencha.svg\"",
        "More from Green tea",
        "/products/GUIDE/",
    ] {
        assert!(sencha.text.contains(part), "{part} in {}", sencha.text);
    }
    assert!(page(&instance, "/products/GUIDE/", 200).await.text.contains("no delivery address needed"));
    page(&instance, "/products/NONE/", 404).await;
    page(&instance, "/products/no%20sku/", 404).await;

    let etag = instance.get("/v1/products/SENCHA").await.is(200).header("etag").to_owned();
    let withdrawn = instance.post("/v1/products/SENCHA/withdraw", &Value::Null).body("").without("content-type");
    let withdrawn = withdrawn.header("if-match", &etag).await.is(200);
    instance.caught_up(withdrawn.position()).await;
    let gone = page(&instance, "/products/SENCHA/", 200).await;
    assert!(gone.text.contains("Not for sale at the moment") && !gone.text.contains("class=\"buy\""));
    assert!(!page(&instance, "/products/", 200).await.text.contains("/products/SENCHA/"));
}

#[tokio::test]
async fn a_path_without_its_slash_leads_to_the_one_with_it() {
    let (_shop, instance) = stocked().await;
    for (path, to) in [
        ("/products?q=tea", "/products/?q=tea"),
        ("/products/SENCHA", "/products/SENCHA/"),
        ("/categories/green", "/categories/green/"),
    ] {
        assert_eq!(browse(&instance, path).await.is(308).header("location"), to);
    }
}

#[tokio::test]
async fn a_page_that_is_there_already_is_not_sent_again() {
    let (_shop, instance) = stocked().await;
    let first = page(&instance, "/", 200).await;
    let vary = "accept-language, cookie, accept-encoding";
    assert_eq!((first.header("cache-control"), first.header("vary")), ("no-cache", vary));
    let etag = first.header("etag").to_owned();
    let again = browse(&instance, "/").header("if-none-match", &etag).await.is(304);
    assert_eq!((again.text.as_str(), again.header("etag")), ("", etag.as_str()));
    browse(&instance, "/").header("if-none-match", &etag).header("accept-language", "ko").await.is(200);
    let head = instance.call(http::Method::HEAD, "/").without("authorization").await.is(200);
    assert_eq!((head.text.as_str(), head.header("etag")), ("", etag.as_str()));
    assert_eq!(head.header("content-length"), first.text.len().to_string());
    let cookie = format!("__Host-orders={}", "A".repeat(43));
    let alone = browse(&instance, "/").header("cookie", &cookie).header("if-none-match", &etag).await.is(200);
    assert_eq!(
        (alone.header("cache-control"), alone.header("etag")),
        ("private, no-store", ""),
        "a visitor with a session"
    );
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_names_that_say_what_is_in_them() {
    let (_shop, instance) = stocked().await;
    let home = page(&instance, "/", 200).await;
    let names: Vec<&str> = home.text.split('"').filter(|part| part.starts_with("/static/")).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let plain = browse(&instance, name).await.is(200);
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
        let known = browse(&instance, name).header("if-none-match", plain.header("etag")).await.is(304);
        assert_eq!(known.text, "");
        let gzip = browse(&instance, name).header("accept-encoding", "gzip");
        let coded = gzip_length(gzip).await;
        assert!(coded < plain.text.len(), "{name}: {coded} bytes instead of {}", plain.text.len());
    }
    page(&instance, "/static/shop.css", 404).await;
    page(&instance, "/static/shop-0000000000000000.css", 404).await;
}

/// A compressed file is no text, so only its length is looked at.
async fn gzip_length(call: Call<'_>) -> usize {
    let reply = call.head_only().await.is(200);
    assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("gzip", "accept-encoding"));
    reply.header("content-length").parse().unwrap()
}

#[tokio::test]
async fn pictures_come_from_the_data_directory_and_run_nothing() {
    let media = tempfile::tempdir().unwrap();
    std::fs::write(media.path().join("cup.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    std::fs::write(media.path().join("cup.html"), "<script>alert(1)</script>").unwrap();
    std::fs::create_dir(media.path().join("folder.svg")).unwrap();
    let shop = Shop::new().await;
    let settings = ShopSettings { media: Some(media.path().to_owned()), ..ShopSettings::default() };
    let http = HttpSettings { shop: settings, ..HttpSettings::default() };
    let instance = shop.instance_with(http, ServerSettings::default()).await;
    let cup = browse(&instance, "/media/cup.svg").await.is(200);
    assert_eq!((cup.header("content-type"), cup.header("x-content-type-options")), ("image/svg+xml", "nosniff"));
    assert!(cup.header("content-security-policy").contains("sandbox"), "{:?}", cup.headers);
    assert_eq!(cup.header("cache-control"), "public, max-age=31536000, immutable");
    browse(&instance, "/media/cup.svg").header("if-none-match", cup.header("etag")).await.is(304);
    let outside =
        ["cup.html", "none.svg", "folder.svg", "..%2Fcup.svg", "%2Fetc%2Fpasswd", "CUP.svg", ".svg", "cup.svg%00"];
    for name in outside {
        page(&instance, &format!("/media/{name}"), 404).await;
    }
    let without = shop.instance().await;
    page(&without, "/media/cup.svg", 404).await;
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_for_browsers_and_a_problem_for_programs() {
    let (_shop, instance) = stocked().await;
    let missing = page(&instance, "/teas/", 404).await;
    assert!(missing.text.contains(missing.header("request-id")) && missing.text.contains("There is nothing here"));
    assert_eq!(missing.header("cache-control"), "no-store");
    browse(&instance, "/v1/teas").await.problem(404, "not_found");
    instance.get("/teas/").await.problem(404, "not_found");
    let posted = instance.post("/products/", &json!({})).await.is(405);
    assert!(posted.text.contains("<html") && posted.header("allow").contains("GET"), "{posted:?}");

    let http = HttpSettings { max_requests: 0, ..HttpSettings::default() };
    let shop = Shop::new().await;
    let full = shop.instance_with(http, ServerSettings::default()).await;
    let busy = page(&full, "/", 503).await;
    assert_eq!(busy.header("retry-after"), "1");
    assert!(busy.text.contains("We will be back in a moment") && busy.text.contains("href=\"/\">Try again"));
    let unbuilt = shop.instance().await;
    page(&unbuilt, "/", 503).await;
}

#[tokio::test]
async fn tls_is_kept_to_where_the_shop_is_reached_by_it() {
    let shop = Shop::new().await;
    let settings = ShopSettings { public_url: Some("https://shop.test".parse().unwrap()), ..ShopSettings::default() };
    let http = HttpSettings { shop: settings, ..HttpSettings::default() };
    let instance = shop.instance_with(http, ServerSettings::default()).await;
    let chosen = browse(&instance, "/language/?lang=ko").await.is(303);
    assert!(chosen.header("set-cookie").contains("Secure"));
    assert!(chosen.header("strict-transport-security").starts_with("max-age="));
}
