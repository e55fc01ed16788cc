//! Who may see and do what.

use super::support::Goods;
use commands::staff::Role;

const PAGES: [&str; 8] = [
    "/admin/products/",
    "/admin/new/product/",
    "/admin/products/TEA/",
    "/admin/categories/",
    "/admin/new/category/",
    "/admin/newsletters/",
    "/admin/members/",
    "/admin/schedule/",
];

#[tokio::test]
async fn each_page_is_for_those_roles_that_may() {
    let goods = Goods::open().await;
    goods.product("TEA", "1.00").await;
    let (owner, clerk) = (goods.staff(Role::Owner).await, goods.staff(Role::Clerk).await);
    for path in PAGES {
        let page = owner.get(path).await.is(200);
        assert_eq!(page.header("cache-control"), "private, no-store", "{path}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        for inline in ["<style", " style=", "onclick", "<script>", "javascript:"] {
            assert!(!page.text.contains(inline), "{path} holds {inline}");
        }
        clerk.get(path).await.is(403);
        let outside = goods.instance.get(path).without("authorization").header("accept", "text/html").await.is(303);
        assert!(outside.header("location").starts_with("/admin/login/?next="), "{path}");
    }
    // An order for somebody who calls is everybody's to place.
    clerk.get("/admin/new/order/").await.is(200);
}

#[tokio::test]
async fn nothing_is_changed_by_who_may_not_or_by_another_site() {
    let goods = Goods::open().await;
    goods.product("TEA", "1.00").await;
    let (manager, clerk) = (goods.staff(Role::Manager).await, goods.staff(Role::Clerk).await);
    let withdraw = [("act", "withdraw"), ("row", "TEA")];
    for path in ["/admin/products/", "/admin/products/TEA/sale/", "/admin/schedule/", "/admin/new/category/"] {
        clerk.post(path, &withdraw).await.is(403);
        manager.form(path, &withdraw).await.is(403);
        let csrf = [&[("csrf", "AAAA")][..], &withdraw[..]].concat();
        manager.form(path, &csrf).await.is(403);
        manager.form(path, &withdraw).header("origin", "https://evil.test").await.is(403);
    }
    clerk.upload("/admin/products/TEA/picture/", &[("version", "1")], b"").await.is(403);
    assert_eq!(goods.instance.get("/v1/products/TEA").await.is(200).json()["version"], 1);
}
