//! The operations on carts, as the API's document tells them.

use super::super::orders::place;
use super::change_item;
use super::resource::CartResource;
use crate::auth::permission::UseCarts;
use crate::http::body::{Accepts, Shaped};
use crate::openapi::examples::CART;
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use domain::Sku;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const ITEM: &str = "/v1/cart/items/{sku}";
const SKU: &str = "TEA-GREEN";
const HEADERS: [&str; 1] = ["Orders-Cart"];
const ADDED: [&str; 2] = ["Orders-Cart", "Idempotent-Replayed"];

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let on = |method, path, id, summary| Operation::new(method, path, Tag::Carts, id, summary).allowed::<UseCarts>();
    vec![
        on(Method::GET, "/v1/cart", "getCart", "Read a cart")
            .about("At today's prices.")
            .cart(true)
            .answers::<CartResource<'_>>(StatusCode::OK, "The cart.", &HEADERS, example()),
        on(Method::POST, "/v1/cart/items", "addToCart", "Add to a cart")
            .about(
                "Makes a cart where the request names none, and the key is not bound to a member. Adding adds each time, \
                 unless the request has an `Idempotency-Key`.",
            )
            .cart(false)
            .keyed()
            .body(Accepts::JSON, "AddToCart", place::item, json!({ "sku": SKU, "quantity": 2 }))
            .refuses(&[Code::ItemsRejected])
            .answers::<CartResource<'_>>(StatusCode::OK, "The cart with it.", &ADDED, example())
            .answers::<CartResource<'_>>(
                StatusCode::CREATED,
                "A new cart with it.",
                &["Orders-Cart", "Location", "Idempotent-Replayed"],
                example(),
            ),
        on(Method::PATCH, ITEM, "changeInCart", "Say how many of a product are in a cart")
            .cart(true)
            .at("sku", Sku::shape(), SKU)
            .body(Accepts::MERGE_PATCH, "ChangeInCart", change_item::quantity, json!({ "quantity": 3 }))
            .refuses(&[Code::ProductNotFound, Code::NotInCart, Code::ItemsRejected])
            .answers::<CartResource<'_>>(StatusCode::OK, "The cart with that many.", &HEADERS, example()),
        on(Method::DELETE, ITEM, "removeFromCart", "Take a product out of a cart")
            .cart(true)
            .at("sku", Sku::shape(), SKU)
            .refuses(&[Code::ProductNotFound, Code::NotInCart])
            .answers::<CartResource<'_>>(StatusCode::OK, "The cart without it.", &HEADERS, example()),
    ]
}

fn example() -> Value {
    let price = |amount| json!({ "amount": amount, "currency": "USD" });
    json!({
        "id": CART,
        "items": [{
            "sku": SKU, "name": "Green tea", "quantity": 2, "available": true,
            "unit_price": price("12.00"), "total": price("24.00"),
        }],
        "total": price("24.00"),
        "requires_shipping": true,
    })
}
