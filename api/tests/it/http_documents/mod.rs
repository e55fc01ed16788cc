//! The API as a document: that it says what the program does, and that people and programs can work with it.

mod browser;
mod guide;

use crate::http_support::Shop;
use api::http::Produces;
use http::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};
use testkit::Launch;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Each operation as `GET /v1/orders`.
fn documented() -> BTreeSet<String> {
    let document = api::openapi::document();
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, operations)| {
        operations
            .as_object()
            .expect("operations")
            .keys()
            .map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[tokio::test]
async fn the_document_and_the_routes_agree() {
    let shop = Shop::new().await;
    let instance = shop.instance().await;
    let mut served = BTreeSet::new();
    for (template, produces) in api::app::paths() {
        // Pages are for people.
        if produces == Produces::Html {
            continue;
        }
        // No path has it, so that each says which methods it has.
        let refused =
            instance.call(Method::TRACE, &template.replace(['{', '}'], "")).await.problem(405, "method_not_allowed");
        let methods = refused.header("allow").split(',').map(str::trim).filter(|method| *method != "HEAD");
        served.extend(methods.map(|method| format!("{method} {template}")));
    }
    let documented = documented();
    let missing: Vec<_> = served.difference(&documented).collect();
    let too_many: Vec<_> = documented.difference(&served).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "not in the document: {missing:?}; in the document, but not served: {too_many:?}. Each handler is described in the \
         `operations.rs` beside it."
    );
}

#[test]
fn the_committed_document_is_the_one_that_is_made() {
    let (file, text) = (root().join("docs/api/openapi.json"), api::openapi::text());
    if env::var_os("RENEW_DOCUMENTS").is_some() {
        fs::write(&file, &text).expect("the document can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    // Not shown: the first line that differs says more than both.
    let differs = committed.lines().zip(text.lines()).position(|(committed, made)| committed != made);
    assert!(
        committed == text,
        "docs/api/openapi.json is not what the code says, from line {} on. Look at the difference: what is published changes by \
         addition alone. Then renew it: orders openapi >docs/api/openapi.json, or RENEW_DOCUMENTS=1 cargo test -p api \
         the_committed_document",
        differs.unwrap_or_default() + 1
    );
}

#[tokio::test]
async fn the_program_prints_what_it_serves() {
    let shop = Shop::new().await;
    let instance = shop.instance().await;
    let served = instance.get("/openapi.json").without("authorization").await.is(200);
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.json()["openapi"], "3.1.0");
    let printed = Launch::orders().arg("openapi").run().await;
    assert_eq!(printed.succeeded(), served.text);
    let etag = served.header("etag").to_owned();
    let again = instance.get("/openapi.json").header("if-none-match", &etag).await.is(304);
    assert_eq!((again.text.as_str(), again.header("etag")), ("", etag.as_str()));
}

/// What a reference within the document leads to; anything else is itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(value, |pointer| document.pointer(pointer).expect("it leads somewhere"))
}

#[test]
fn every_code_is_an_answer_of_some_operation() {
    let document = api::openapi::document();
    let mut told = BTreeSet::new();
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            for answer in operation["responses"].as_object().expect("answers").values() {
                let examples =
                    resolved(&document, answer)["content"]["application/problem+json"]["examples"].as_object();
                told.extend(examples.into_iter().flatten().map(|(code, _)| code.clone()));
            }
        }
    }
    // Of paths, not of operations; and of ids that only the program makes.
    let of_none = ["method_not_allowed", "order_exists", "newsletter_exists"];
    let silent: Vec<&str> = api::problem::Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !told.contains(*code) && !of_none.contains(code))
        .collect();
    assert!(silent.is_empty(), "no operation says that it is refused with {silent:?}");
}

#[tokio::test]
async fn the_viewers_come_from_here_alone_under_a_policy_of_their_own() {
    let shop = Shop::new().await;
    let instance = shop.instance().await;
    for path in ["/docs", "/redoc"] {
        let page = instance.get(path).without("authorization").await.is(200);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(!page.text.contains("//"), "{path} refers to another server");
        for file in page.text.split('"').filter(|part| part.starts_with("/docs/files/")) {
            let file = instance.get(file).without("authorization").header("accept-encoding", "gzip");
            let head = file.head_only().await.is(200);
            assert!(head.header("cache-control").contains("immutable"));
        }
        // The pages beside them keep theirs.
        let other = instance.get("/").without("authorization").await.header("content-security-policy").to_owned();
        assert!(!other.contains("data:") && !other.contains("blob:"), "{other}");
    }
    let guide = instance.get("/docs/guide").without("authorization").await.is(303);
    assert_eq!(guide.header("location"), "/redoc#tag/guide");
}

#[test]
fn what_an_operation_needs_is_told() {
    let document = api::openapi::document();
    let place = &document["paths"]["/v1/orders"]["post"];
    assert_eq!(place["security"][0]["apiKey"], serde_json::json!(["orders:write", "staff"]));
    let statuses: Vec<&String> = place["responses"].as_object().expect("answers").keys().collect();
    for status in ["201", "400", "401", "403", "409", "413", "415", "422", "429", "503"] {
        assert!(statuses.iter().any(|known| *known == status), "{status} is not among {statuses:?}");
    }
    let codes = |status: &str| -> Vec<Value> {
        let schema = &resolved(&document, &place["responses"][status])["content"]["application/problem+json"]["schema"];
        schema["allOf"][1]["properties"]["code"]["enum"].as_array().cloned().unwrap_or_default()
    };
    for code in ["items_rejected", "address_required", "invalid_body", "idempotency_key_reused"] {
        assert!(codes("422").contains(&code.into()), "{code} is not told");
    }
    assert!(codes("409").contains(&"total_changed".into()));
    let order = &place["responses"]["201"]["content"]["application/json"]["example"];
    assert_eq!(order["total"]["amount"], "24.00", "the example is what the domain makes of the request's");
}
