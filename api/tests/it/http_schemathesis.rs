//! Programs that know nothing of the API but its document: one that tries everything out, and a client made of it.
//!
//! `SCHEMATHESIS_EXAMPLES=500` tries more for each operation, `SCHEMATHESIS_SEED=…` the same again.

use crate::http_support::{Instance, Shop};
use api::app::{FollowSettings, HttpSettings};
use api::auth::Scope;
use api::http::ServerSettings;
use api::shop::ShopSettings;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::{Launch, api_tool};

/// Requests made up for each operation, where it is not said how many.
const EXAMPLES: &str = "12";
/// Longer than trying out takes, also with many more of them.
const LONGEST: Duration = Duration::from_secs(3_600);

fn testkit_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("testkit/api").join(name)
}

fn url(instance: &Instance) -> String {
    format!("http://{}", instance.address)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finds_nothing() {
    let (shop, directory) = (Shop::new().await, tempfile::tempdir().unwrap());
    let pictures = ShopSettings { media: Some(directory.path().join("media")), ..ShopSettings::default() };
    // What would go on for an hour ends soon.
    let follow = FollowSettings { follow_at_most: Duration::from_millis(50), ..FollowSettings::default() };
    let instance = shop.open_with(HttpSettings { shop: pictures, follow, ..HttpSettings::default() }).await;
    instance.add_product("TEA-GREEN", "12.00").await;
    let said = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let key = shop.key(&Scope::ALL).await;
    let schemathesis = Launch::of(api_tool("schemathesis"))
        .arg("--config-file")
        .arg(testkit_file("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", url(&instance)), "--checks", "all", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .args(["--max-examples", &said("SCHEMATHESIS_EXAMPLES", EXAMPLES)])
        .args(["--seed", &said("SCHEMATHESIS_SEED", "1")])
        .args(["--continue-on-failure", "--no-shrink", "--generation-database", "none"])
        .env("HOME", directory.path())
        .env("SCHEMATHESIS_HOOKS", testkit_file("hooks.py"))
        .in_directory(directory.path());
    let finished = schemathesis.run_within(LONGEST).await;
    assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_made_of_the_document_places_an_order() {
    let shop = Shop::new().await;
    let instance = shop.instance_with(HttpSettings::default(), ServerSettings::default()).await;
    instance.add_product("TEA-GREEN", "12.00").await;
    let directory = tempfile::tempdir().unwrap();
    let generator = Launch::of(api_tool("openapi-python-client"))
        .args(["generate", "--url", &format!("{}/openapi.json", url(&instance)), "--meta", "none", "--fail-on-warning"])
        .args(["--output-path", "orders_client", "--config"])
        .arg(testkit_file("client.yaml"))
        .env("HOME", directory.path())
        .in_directory(directory.path());
    generator.run().await.succeeded();
    let client = Launch::of(api_tool("python3"))
        .arg(testkit_file("place_an_order.py"))
        .args([url(&instance), shop.key(&[Scope::OrdersRead, Scope::OrdersWrite]).await])
        .env("PYTHONPATH", directory.path());
    let printed = client.run().await.succeeded();
    assert!(printed.ends_with(" 24.00 USD\n"), "{printed}");
    let listed = instance.get("/v1/orders").await;
    assert!(listed.status.is_success() || listed.status == 503, "{listed:?}");
}
