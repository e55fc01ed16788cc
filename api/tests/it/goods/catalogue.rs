//! Products and categories behind the counter.

use super::support::{Goods, field, says};
use commands::staff::Role;
use serde_json::json;

/// A product as the form sends it.
fn tea<'f>(version: &'f str, price: &'f str, name: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("version", version),
        ("name", name),
        ("description", "Steamed.\r\nBrew at 70 °C."),
        ("price", price),
        ("currency", "USD"),
        ("requires_shipping", "yes"),
        ("category", "green"),
        ("title_ko", "센차"),
        ("text_ko", ""),
        ("title_zh", ""),
        ("text_zh", ""),
    ]
}

#[tokio::test]
async fn a_product_is_added_described_and_repriced() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    let added = staff.post("/admin/new/category/", &[("slug", "green"), ("name", "Green tea")]).await.is(303);
    says(&staff.get(added.header("location")).await.is(200), &["Green tea", "The category is there."]);

    let mut new = tea("", "12.5", "Sencha");
    new.extend([("sku", "no sku")]);
    let refused = staff.post("/admin/new/product/", &new).await.is(422);
    says(&refused, &["value=\"no sku\"", "id=\"sku-error\"", "value=\"12.5\"", "value=\"green\" checked"]);
    new.retain(|(name, _)| *name != "sku");
    new.push(("sku", "SENCHA"));
    let page = staff.done("/admin/new/product/", &new).await;
    says(&page, &["SENCHA is in the shop now", "Sencha", "$12.50", "value=\"센차\"", "The manager"]);
    let product = goods.instance.get("/v1/products/SENCHA").await.is(200).json();
    assert_eq!(product["description"], "Steamed.\nBrew at 70 °C.");
    assert_eq!((&product["categories"], &product["requires_shipping"]), (&json!(["green"]), &json!(true)));
    let taken = staff.post("/admin/new/product/", &new).await.is(422);
    says(&taken, &["a product with this sku exists already"]);

    let version = field(&page, "version");
    let wrong = staff.post("/admin/products/SENCHA/", &tea(&version, "a lot", "Sencha")).await.is(422);
    says(&wrong, &["value=\"a lot\"", "id=\"price-error\"", "autofocus"]);
    assert_eq!(field(&wrong, "version"), version);
    let page = staff.done("/admin/products/SENCHA/", &tea(&version, "13", "Sencha")).await;
    says(&page, &["Saved.", "$13.00", "$12.50", "Given another price"]);
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_asked_about() {
    let goods = Goods::open().await;
    goods.product("SENCHA", "12.50").await;
    let staff = goods.staff(Role::Owner).await;
    let version = field(&staff.get("/admin/products/SENCHA/").await.is(200), "version");
    let patch = json!({ "price": { "amount": "15.00", "currency": "USD" } });
    goods.instance.patch("/v1/products/SENCHA", &patch).header("if-match", "*").await.is(200);

    let asked = staff.post("/admin/products/SENCHA/", &tea(&version, "14", "Sencha")).await.is(422);
    says(&asked, &["Somebody changed this", "value=\"14\"", "Stored now: 15.00", "Save mine all the same"]);
    let now = goods.instance.get("/v1/products/SENCHA").await.is(200).json();
    assert_eq!(now["price"]["amount"], "15.00", "nothing is overwritten unseen");
    let version = field(&asked, "version");
    says(&staff.done("/admin/products/SENCHA/", &tea(&version, "14", "Sencha")).await, &["Saved.", "$14.00"]);
}

#[tokio::test]
async fn the_stock_is_searched_filtered_and_acted_on() {
    let goods = Goods::open().await;
    for sku in ["SENCHA", "MATCHA", "POT"] {
        goods.product(sku, "1.00").await;
    }
    let staff = goods.staff(Role::Manager).await;
    let all = staff.get("/admin/products/").await.is(200);
    says(&all, &["The SENCHA", "The MATCHA", "The POT", "3 shown"]);
    let found = staff.get("/admin/products/?q=cha").await.is(200);
    assert!(found.text.contains("The SENCHA") && !found.text.contains("The POT"));

    let act = [("act", "withdraw"), ("row", "SENCHA"), ("row", "NONE"), ("back", "/admin/products/?q=cha")];
    let told = staff.done("/admin/products/", &act).await;
    says(&told, &["Done for 1 of 2.", "there is no product with this sku", "Withdrawn"]);
    let withdrawn = staff.get("/admin/products/?status=withdrawn").await.is(200);
    assert!(withdrawn.text.contains("The SENCHA") && !withdrawn.text.contains("The MATCHA"));
    says(&staff.done("/admin/products/", &[("act", "feature"), ("row", "POT")]).await, &["Done, for the one"]);
    assert!(staff.get("/admin/products/?featured=yes").await.is(200).text.contains("The POT"));
    says(&staff.done("/admin/products/", &[("act", "feature")]).await, &["Nothing was chosen"]);
    says(&staff.done("/admin/products/SENCHA/sale/", &[("act", "restore")]).await, &["It is on sale."]);
    says(&staff.get("/admin/products/?q=nothing").await.is(200), &["No product fits"]);
    staff.post("/admin/products/", &[("act", "burn"), ("row", "POT")]).await.is(400);
    // Nothing is done where one of them is none; what is done leads back, whatever a form says of the way.
    let none = [("act", "feature"), ("row", "MATCHA"), ("row", "no sku")];
    staff.post("/admin/products/", &none).await.is(400);
    assert!(!staff.get("/admin/products/?featured=yes").await.is(200).text.contains("The MATCHA"));
    let odd = [("act", "feature"), ("row", "MATCHA"), ("back", "/admin/products/?q=\u{1}")];
    assert_eq!(staff.post("/admin/products/", &odd).await.is(303).header("location"), "/admin/products/");
    staff.get("/admin/products/NONE/").await.is(404);
}

#[tokio::test]
async fn a_category_is_renamed_removed_and_shown_again() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    says(&staff.get("/admin/categories/").await.is(200), &["No category yet"]);
    let new = [("slug", "green"), ("name", "Greens"), ("title_ko", "녹차"), ("title_zh", "")];
    staff.post("/admin/new/category/", &new).await.is(303);
    says(&staff.post("/admin/new/category/", &new).await.is(422), &["a category with this slug exists already"]);
    let page = staff.get("/admin/categories/green/").await.is(200);
    let version = field(&page, "version");
    let empty = [("version", version.as_str()), ("name", " "), ("title_ko", "녹차"), ("title_zh", "")];
    says(&staff.post("/admin/categories/green/", &empty).await.is(422), &["must not be empty"]);
    let renamed = [("version", version.as_str()), ("name", "Green tea"), ("title_ko", ""), ("title_zh", "绿茶")];
    says(&staff.done("/admin/categories/green/", &renamed).await, &["Saved.", "Green tea", "绿茶"]);
    let stale = staff.post("/admin/categories/green/", &renamed).await.is(422);
    says(&stale, &["Somebody changed this"]);
    let category = goods.instance.get("/v1/categories/green").await.is(200).json();
    assert_eq!(category["translations"], json!({ "zh-Hans": "绿茶" }));
    let removed = staff.done("/admin/categories/green/shown/", &[("act", "remove")]).await;
    says(&removed, &["Nothing is shown under it any more", "Removed"]);
    says(&staff.done("/admin/categories/green/shown/", &[("act", "restore")]).await, &["It is shown again."]);
}
