//! The operations on products, as the API's document tells them.

use super::super::paging::PageResource;
use super::add;
use super::change;
use super::history::ChangeResource;
use super::resource::ProductResource;
use crate::auth::permission::{ReadProductHistory, ReadProducts, WriteProducts};
use crate::http::body::{Accepts, Shaped};
use crate::openapi::{Operation, Tag, examples};
use crate::problem::Code;
use domain::product::{Command, Product};
use domain::{Prices, Sku};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/products";
const ONE: &str = "/v1/products/{sku}";
const SKU: &str = "TEA-GREEN";
const DONE: [&str; 3] = ["Orders-Position", "ETag", "Idempotent-Replayed"];
const ADDED: [&str; 4] = ["Location", "Orders-Position", "ETag", "Idempotent-Replayed"];
const READ: [&str; 2] = ["Orders-Position", "ETag"];
const LISTED: [&str; 2] = ["Orders-Position", "Preference-Applied"];

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let on = |method, path, id, summary| Operation::new(method, path, Tag::Products, id, summary);
    let product = shown();
    let sale = |path, id, summary, about, done| {
        on(Method::POST, path, id, summary)
            .about(about)
            .allowed::<WriteProducts>()
            .at("sku", Sku::shape(), SKU)
            .command()
            .of_version()
            .empty_body()
            .refuses(&[Code::ProductNotFound])
            .answers::<ProductResource<'_>>(StatusCode::OK, done, &DONE, shown())
    };
    vec![
        on(Method::GET, PATH, "listProducts", "List products in the order of skus")
            .about("Those that were withdrawn included.")
            .allowed::<ReadProducts>()
            .in_pages()
            .waits()
            .answers::<PageResource<ProductResource<'_>>>(
                StatusCode::OK,
                "A page of them.",
                &LISTED,
                examples::page(std::slice::from_ref(&product)),
            ),
        on(Method::POST, PATH, "addProduct", "Add a product")
            .allowed::<WriteProducts>()
            .command()
            .body(Accepts::JSON, "AddProduct", add::product, added())
            .refuses(&[Code::ProductExists, Code::PriceTooHigh, Code::TooMany])
            .answers::<ProductResource<'_>>(StatusCode::CREATED, "It is added.", &ADDED, product.clone()),
        on(Method::GET, ONE, "getProduct", "Read a product")
            .allowed::<ReadProducts>()
            .at("sku", Sku::shape(), SKU)
            .versioned()
            .refuses(&[Code::ProductNotFound])
            .answers::<ProductResource<'_>>(StatusCode::OK, "The product.", &READ, product.clone())
            .answers_nothing(StatusCode::NOT_MODIFIED, "It is the version that the client has.", &READ),
        on(Method::PATCH, ONE, "changeProduct", "Change a product")
            .about("A merge patch (RFC 7396): what is not named stays, what is `null` is taken away.")
            .allowed::<WriteProducts>()
            .at("sku", Sku::shape(), SKU)
            .command()
            .of_version_required()
            .body(Accepts::MERGE_PATCH, "ChangeProduct", change::changes, json!({ "featured": true }))
            .refuses(&[Code::ProductNotFound, Code::PriceTooHigh, Code::TooMany])
            .answers::<ProductResource<'_>>(StatusCode::OK, "It is changed.", &DONE, product),
        history(),
        picture(),
        sale(
            "/v1/products/{sku}/withdraw",
            "withdrawProduct",
            "Take a product out of sale",
            "It can't be ordered any more. Doing so again changes nothing.",
            "It is out of sale.",
        ),
        sale(
            "/v1/products/{sku}/restore",
            "restoreProduct",
            "Put a product back into sale",
            "It can be ordered again. Doing so again changes nothing.",
            "It is in sale.",
        ),
    ]
}

fn history() -> Operation {
    let price = |amount| json!({ "amount": amount, "currency": "USD" });
    let repriced = json!({
        "version": 2, "at": "2026-01-31T08:00:00.000000Z", "actor": "operator", "event": "ProductRepriced",
        "price": price("12.00"), "previous_price": price("11.00"),
    });
    Operation::new(
        Method::GET,
        "/v1/products/{sku}/history",
        Tag::Products,
        "getProductHistory",
        "What happened to a product, the newest first",
    )
    .allowed::<ReadProductHistory>()
    .at("sku", Sku::shape(), SKU)
    .query("prices", json!({ "type": "boolean" }), "Whether what it cost is told, and nothing else.")
    .in_pages()
    .refuses(&[Code::ProductNotFound, Code::NewerEvent])
    .answers::<PageResource<ChangeResource<'_>>>(StatusCode::OK, "A page of it.", &[], examples::page(&[repriced]))
}

fn picture() -> Operation {
    Operation::new(
        Method::PUT,
        "/v1/products/{sku}/picture",
        Tag::Products,
        "setProductPicture",
        "Make a file the product's picture",
    )
    .about("A PNG, JPEG or WebP, told by what is in it. `\"picture\": null` in a change of the product takes it away.")
    .allowed::<WriteProducts>()
    .at("sku", Sku::shape(), SKU)
    .command()
    .of_version_required()
    .file(Accepts::PICTURE)
    .refuses(&[Code::ProductNotFound, Code::PictureRejected, Code::StorageFull, Code::StorageUnavailable])
    .answers::<ProductResource<'_>>(StatusCode::OK, "It is the picture.", &DONE, shown())
}

fn added() -> Value {
    json!({
        "sku": SKU,
        "name": "Green tea",
        "description": "A hundred grams, from the first picking.",
        "price": { "amount": "12.00", "currency": "USD" },
        "translations": { "ko": { "name": "녹차" } },
    })
}

/// What the example of an addition asks for.
pub(in crate::v1) fn example() -> Option<(Sku, Command)> {
    examples::read(&added(), add::product)
}

fn shown() -> Value {
    let commands: Vec<Command> = example().map(|(_, command)| command).into_iter().collect();
    examples::resource::<Product>(SKU, &commands, &Prices::default())
}
