//! Where somebody looks who knows the old shop.

use crate::browser::Browser;
use crate::shop_pages::stocked;

#[tokio::test]
async fn the_pages_are_where_they_were_with_and_without_a_slash() {
    let (_shop, instance) = stocked().await;
    let browser = Browser::new(&instance);
    browser.add("TEA", 1).await;
    for path in ["/", "/cart/", "/orders/create/"] {
        let page = browser.get(path).await.is(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) else { continue };
        let moved = browser.get(bare).await.is(308);
        assert_eq!(moved.header("location"), path);
        let moved = browser.get(&format!("{bare}?from=mail")).await.is(308);
        assert_eq!(moved.header("location"), format!("{path}?from=mail"));
    }
}

#[tokio::test]
async fn who_has_nothing_in_the_cart_is_led_to_it() {
    let (_shop, instance) = stocked().await;
    let created = Browser::new(&instance).get("/orders/create/").await.is(303);
    assert_eq!(created.header("location"), "/cart/");
}
