//! The operations on categories, as the API's document tells them.

use super::super::paging::PageResource;
use super::add;
use super::change;
use super::resource::CategoryResource;
use crate::auth::permission::{ReadProducts, WriteProducts};
use crate::http::body::{Accepts, Shaped};
use crate::openapi::{Operation, Tag, examples};
use crate::problem::Code;
use domain::category::{Category, Command};
use domain::{Prices, Slug};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/categories";
const ONE: &str = "/v1/categories/{slug}";
const SLUG: &str = "green-tea";
const DONE: [&str; 3] = ["Orders-Position", "ETag", "Idempotent-Replayed"];
const ADDED: [&str; 4] = ["Location", "Orders-Position", "ETag", "Idempotent-Replayed"];
const READ: [&str; 2] = ["Orders-Position", "ETag"];

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let on = |method, path, id, summary| Operation::new(method, path, Tag::Categories, id, summary);
    let category = shown();
    let turn = |path, id, summary, about, done| {
        on(Method::POST, path, id, summary)
            .about(about)
            .allowed::<WriteProducts>()
            .at("slug", Slug::shape(), SLUG)
            .command()
            .of_version()
            .empty_body()
            .refuses(&[Code::CategoryNotFound])
            .answers::<CategoryResource<'_>>(StatusCode::OK, done, &DONE, shown())
    };
    vec![
        on(Method::GET, PATH, "listCategories", "List all categories in the order of their slugs")
            .about("Those that were removed included. They are few: there is one page.")
            .allowed::<ReadProducts>()
            .waits()
            .answers::<PageResource<CategoryResource<'_>>>(
                StatusCode::OK,
                "All of them.",
                &["Orders-Position", "Preference-Applied"],
                examples::page(std::slice::from_ref(&category)),
            ),
        on(Method::POST, PATH, "addCategory", "Add a category")
            .allowed::<WriteProducts>()
            .command()
            .body(Accepts::JSON, "AddCategory", add::category, added())
            .refuses(&[Code::CategoryExists, Code::TooMany])
            .answers::<CategoryResource<'_>>(StatusCode::CREATED, "It is added.", &ADDED, category.clone()),
        on(Method::GET, ONE, "getCategory", "Read a category")
            .allowed::<ReadProducts>()
            .at("slug", Slug::shape(), SLUG)
            .versioned()
            .refuses(&[Code::CategoryNotFound])
            .answers::<CategoryResource<'_>>(StatusCode::OK, "The category.", &READ, category.clone())
            .answers_nothing(StatusCode::NOT_MODIFIED, "It is the version that the client has.", &READ),
        on(Method::PATCH, ONE, "changeCategory", "Change a category")
            .about("A merge patch (RFC 7396): what is not named stays, a translation that is `null` is taken away.")
            .allowed::<WriteProducts>()
            .at("slug", Slug::shape(), SLUG)
            .command()
            .of_version_required()
            .body(Accepts::MERGE_PATCH, "ChangeCategory", change::changes, json!({ "name": "Green teas" }))
            .refuses(&[Code::CategoryNotFound, Code::TooMany])
            .answers::<CategoryResource<'_>>(StatusCode::OK, "It is changed.", &DONE, category),
        turn(
            "/v1/categories/{slug}/remove",
            "removeCategory",
            "Remove a category",
            "Nothing is shown under it any more. Doing so again changes nothing.",
            "It is removed.",
        ),
        turn(
            "/v1/categories/{slug}/restore",
            "restoreCategory",
            "Restore a category",
            "It is shown again. Doing so again changes nothing.",
            "It is shown.",
        ),
    ]
}

fn added() -> Value {
    json!({ "slug": SLUG, "name": "Green tea", "translations": { "ko": "녹차" } })
}

fn shown() -> Value {
    let added = examples::read(&added(), add::category);
    let commands: Vec<Command> = added.map(|(_, command)| command).into_iter().collect();
    examples::resource::<Category>(SLUG, &commands, &Prices::default())
}
