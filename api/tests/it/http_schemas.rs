//! What is published about events: the documents are those that are kept in `docs/api`, are true of what is stored, and
//! are served to everybody.
//!
//! A schema that was published is a promise: a change of the stored type behind it fails here, until it is another
//! version.

use crate::http_support::Shop;
use api::schemas::{ASYNCAPI, Document, INDEX, documents};
use domain::wire;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::{Finished, Launch};

/// Set to anything, it has the documents written that are to be kept.
const RENEW: &str = "RENEW_DOCUMENTS";
const HOW: &str = "run `RENEW_DOCUMENTS=1 cargo test --workspace --test it http_schemas`, and look at what it changed";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn kept() -> PathBuf {
    root().join("docs/api")
}

fn file_of(directory: &Path, document: &Document) -> PathBuf {
    directory.join(document.path.trim_start_matches('/'))
}

fn is_of_event(document: &Document) -> bool {
    document.path.starts_with("/schemas/events/")
}

/// What a schema asks for: all of it but its words.
fn shape(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let told = members.iter().filter(|(name, _)| !matches!(name.as_str(), "title" | "description"));
            let shape_of = |name: &str, member: &Value| match (name, member) {
                // Their names are those of members of an event.
                ("properties" | "definitions", Value::Object(named)) => {
                    named.iter().map(|(name, schema)| (name.clone(), shape(schema))).collect()
                }
                (_, member) => shape(member),
            };
            let shape: Map<String, Value> = told.map(|(name, member)| (name.clone(), shape_of(name, member))).collect();
            // In draft 7 what has words stands around a reference.
            match shape.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
                Some([only]) if shape.len() == 1 => only.clone(),
                _ => Value::Object(shape),
            }
        }
        Value::Array(members) => members.iter().map(shape).collect(),
        other => other.clone(),
    }
}

/// The versions of events whose stored type is not any more what it was when their schema was written into `directory`.
fn changed(directory: &Path) -> Vec<String> {
    let is_changed = |document: &&Document| {
        let Ok(text) = fs::read_to_string(file_of(directory, document)) else { return false };
        let [was, is] =
            [text.as_bytes(), &document.text[..]].map(|text| serde_json::from_slice::<Value>(text).unwrap());
        shape(&was) != shape(&is)
    };
    documents()
        .iter()
        .filter(|document| is_of_event(document))
        .filter(is_changed)
        .map(|found| found.path.clone())
        .collect()
}

/// Writes what is to be kept, except over the schema of a version that was something else.
fn renew(directory: &Path) {
    let changed = changed(directory);
    for document in documents().iter().filter(|document| !changed.contains(&document.path)) {
        let file = file_of(directory, document);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &document.text).unwrap();
    }
}

/// The files below `directory`, as the paths that they are served under.
fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(inner) = directories.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.insert(format!("/{}", path.strip_prefix(directory).unwrap().display()));
            }
        }
    }
    found
}

fn check(pairs: &[(PathBuf, PathBuf)]) -> Launch {
    let pairs = pairs.iter().flat_map(|(schema, document)| [schema, document]);
    let script = root().join("testkit/schemas/check.py");
    pairs.fold(Launch::of(testkit::python()).arg("-I").arg(script), |launch, path| launch.arg(path))
}

async fn fails(finished: Finished) -> String {
    assert_eq!(finished.status.code(), Some(1), "{finished:?}");
    finished.stdout
}

#[test]
fn what_is_kept_is_what_is_served() {
    if env::var_os(RENEW).is_some() {
        renew(&kept());
    }
    for document in documents() {
        let file = file_of(&kept(), document);
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}: {HOW}", file.display()));
        assert!(text.as_bytes() == &document.text[..], "{} is not what is served: {HOW}", file.display());
    }
    let served: BTreeSet<String> = documents().iter().map(|document| document.path.clone()).collect();
    let schemas = files(&kept()).into_iter().filter(|path| path.starts_with("/schemas/"));
    let more: Vec<_> = schemas.filter(|path| !served.contains(path)).collect();
    assert!(more.is_empty(), "{more:?}: what was stored and published once must be readable for ever");
}

#[test]
fn a_version_that_was_published_stays_what_it_is() {
    assert!(
        changed(&kept()).is_empty(),
        "another shape was published under {:?}: leave the old struct as it is, and make the next version with an upcaster, as \
         domain/src/wire/mod.rs says under \"Evolving an event\"",
        changed(&kept())
    );
}

#[test]
fn a_stored_type_that_is_changed_without_a_version_is_found() {
    let directory = tempfile::tempdir().unwrap();
    renew(directory.path());
    assert_eq!(changed(directory.path()), Vec::<String>::new());
    let file = directory.path().join("schemas/events/OrderPlaced/2.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let line = "/definitions/LineV1";
    assert!(schema.pointer(line).is_some(), "{schema}");
    type Change = fn(&mut Value);
    let changes: [(&str, Change, bool); 5] = [
        ("a member that was there", |line| line["properties"]["gift"] = json!({ "type": "string" }), true),
        ("a member of another type", |line| line["properties"]["quantity"] = json!({ "type": "string" }), true),
        ("a member that might be missing", |line| drop(line["required"].as_array_mut().unwrap().pop()), true),
        ("more members", |line| line["additionalProperties"] = json!(true), true),
        ("other words", |line| line["description"] = json!("A line."), false),
    ];
    for (what, change, is_found) in changes {
        let mut other = schema.clone();
        change(other.pointer_mut(line).unwrap());
        let other = format!("{other:#}\n");
        fs::write(&file, &other).unwrap();
        let expected: &[&str] = if is_found { &["/schemas/events/OrderPlaced/2.json"] } else { &[] };
        assert_eq!(changed(directory.path()), expected, "{what}");
        renew(directory.path());
        let stays = fs::read_to_string(&file).unwrap() == other;
        assert_eq!(stays, is_found, "{what}: what was published is not written over");
    }
}

#[tokio::test]
async fn every_golden_event_is_of_the_schema_of_its_version() {
    let golden = |event_type: &str, version: &str, extent: &str| {
        root().join(format!("domain/tests/golden/{event_type}.v{version}.{extent}.json"))
    };
    let schema = |event_type: &str, version: &str| kept().join(format!("schemas/events/{event_type}/{version}.json"));
    let pairs: Vec<_> = wire::versions()
        .flat_map(|(_, name, version)| {
            ["full", "minimal"].map(|extent| (schema(name, version), golden(name, version, extent)))
        })
        .collect();
    check(&pairs).run().await.succeeded();

    // One that is not is found: an address that the first version did not have to do without.
    let foreign = [(schema("OrderPlaced", "1"), golden("OrderPlaced", "2", "minimal"))];
    let found = fails(check(&foreign).run().await).await;
    assert!(found.contains("shipping_address"), "{found}");
}

#[tokio::test]
async fn what_kafka_and_sockets_carry_is_described_as_asyncapi_asks() {
    let document = kept().join("asyncapi.json");
    check(&[(testkit::asyncapi_schema(), document.clone())]).run().await.succeeded();
    let directory = tempfile::tempdir().unwrap();
    let wrong = directory.path().join("asyncapi.json");
    let text = fs::read_to_string(document).unwrap();
    fs::write(&wrong, text.replacen("\"action\": \"send\"", "\"action\": \"publish\"", 1)).unwrap();
    let found = fails(check(&[(testkit::asyncapi_schema(), wrong)]).run().await).await;
    assert!(found.contains("publish"), "{found}");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = |path: &str| documents().iter().find(|document| document.path == path);
    let asyncapi: Value = serde_json::from_slice(&document(ASYNCAPI).unwrap().text).unwrap();
    let mut references = vec![];
    let mut values = vec![&asyncapi];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(members) => {
                references.extend(members.get("$ref").and_then(Value::as_str));
                values.extend(members.values());
            }
            Value::Array(members) => values.extend(members),
            _ => {}
        }
    }
    assert!(references.len() > 2 * wire::versions().count());
    for reference in references {
        let leads = match reference.strip_prefix('#') {
            Some(pointer) => asyncapi.pointer(pointer).is_some(),
            None => document(reference.trim_start_matches('.')).is_some(),
        };
        assert!(leads, "{reference} leads nowhere");
    }
    let index: Value = serde_json::from_slice(&document(INDEX).unwrap().text).unwrap();
    let events = index["events"].as_array().unwrap();
    assert_eq!(events.len(), wire::versions().count());
    assert!(events.iter().all(|event| document(event["schema"].as_str().unwrap()).is_some()), "{index}");
}

#[tokio::test]
async fn documents_are_open_to_all_and_not_sent_twice() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    for (path, document) in [
        ("/asyncapi.json", "/asyncapi.json"),
        ("/schemas", INDEX),
        ("/schemas/", INDEX),
        ("/schemas/index.json", INDEX),
        ("/schemas/events/OrderPlaced/2.json", "/schemas/events/OrderPlaced/2.json"),
    ] {
        let get = || api.get(path).without("authorization");
        let answer = get().await.is(200);
        let expected = documents().iter().find(|known| known.path == document).unwrap();
        assert_eq!(answer.text.as_bytes(), &expected.text[..], "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        let again = get().header("if-none-match", answer.header("etag")).await.is(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", answer.header("etag")));
    }
    for none in ["/schemas/events/OrderPlaced/99.json", "/schemas/events/None/1.json", "/schemas/../Cargo.toml"] {
        api.get(none).without("authorization").await.problem(404, "not_found");
    }
}
