//! Read models and their builds, as operators see them and decide on them.

use super::http_support::{BOUND, Instance, Shop, buys};
use api::auth::Scope;
use projections::Views;
use serde_json::{Value, json};
use testkit::eventually;

const LIST: &str = "/v1/ops/projections/order_list";

async fn projection(api: &Instance) -> Value {
    api.get(LIST).await.is(200).json()
}

/// The name and the state of each build.
fn builds(projection: &Value) -> Vec<(String, String)> {
    let text = |build: &Value, member: &str| build[member].as_str().unwrap().to_owned();
    let builds = projection["builds"].as_array().unwrap().iter();
    builds.map(|build| (text(build, "name"), text(build, "state"))).collect()
}

#[tokio::test]
async fn a_build_is_made_in_the_background_compared_promoted_and_rolled_back() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.post("/v1/orders", &buys("ada@example.com", &[("TEA", 2)])).await.is(201);
    api.caught_up(placed.header("orders-position").parse().unwrap()).await;
    let all = api.get("/v1/ops/projections").await.is(200).json();
    let names: Vec<&str> = all["data"].as_array().unwrap().iter().map(|view| view["name"].as_str().unwrap()).collect();
    assert_eq!(names, Views::names().collect::<Vec<_>>());
    let first = all["data"][0]["active_build"].as_str().unwrap().to_owned();
    assert!(all["data"][0]["leader"].is_string(), "{all}");

    let asked = api.post(&format!("{LIST}/rebuild"), &json!({ "promote": false })).await.is(202).json();
    let second = builds(&asked)[1].0.clone();
    eventually("it is ready", BOUND, async || builds(&projection(&api).await)[1].1 == "ready").await;
    let kept = api.post(&format!("{LIST}/rebuild"), &json!({})).await.problem(409, "build_unfit");
    assert!(kept.text.contains("is kept to be compared"), "{}", kept.text);
    let diff = api.get(&format!("{LIST}/diff")).await.is(200).json();
    assert_eq!((&diff["agree"], &diff["differences"]), (&json!(true), &json!(0)), "{diff}");
    assert_eq!((&diff["a"]["build"], &diff["b"]["build"]), (&json!(first), &json!(second)));

    let wrong = json!({ "build": second, "active_build": second });
    let refused = api.post(&format!("{LIST}/promote"), &wrong).await.problem(409, "other_active_build");
    assert_eq!(refused.json()["active_build"], json!(first));
    let right = json!({ "build": second, "active_build": first });
    let promoted = api.post(&format!("{LIST}/promote"), &right).await.is(200).json();
    assert_eq!(promoted["active_build"], json!(second));
    assert_eq!(builds(&promoted)[0].1, "retired");
    let back = api.post(&format!("{LIST}/rollback"), &json!({ "active_build": second })).await.is(200).json();
    assert_eq!(back["active_build"], json!(first));
    api.post(&format!("{LIST}/rollback"), &json!({ "active_build": second })).await.problem(409, "other_active_build");
    let orders = api.get("/v1/orders").await.is(200).json();
    assert_eq!(orders["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn values_of_rows_are_for_who_may_read_history() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.post("/v1/orders", &buys("ada@example.com", &[("TEA", 2)])).await.is(201);
    api.caught_up(placed.header("orders-position").parse().unwrap()).await;
    let asked = api.post(&format!("{LIST}/rebuild"), &json!({ "promote": false })).await.is(202).json();
    let second = builds(&asked)[1].0.clone();
    eventually("it is ready", BOUND, async || builds(&projection(&api).await)[1].1 == "ready").await;
    let damage = format!("UPDATE {second}.orders SET city = 'Paris'");
    sqlx::query(&damage).execute(&shop.db.superuser_pool().await).await.unwrap();

    let operator = shop.key(&[Scope::Operator]).await;
    let told = api.get(&format!("{LIST}/diff")).key(&operator).await.is(200).json();
    let row = &told["rows"][0];
    assert_eq!((&row["columns"], &row["only_in"]), (&json!(["city"]), &Value::Null), "{told}");
    assert_eq!((&row["a"], &row["b"]), (&Value::Null, &Value::Null), "{told}");
    let analyst = shop.key(&[Scope::Operator, Scope::Analyst]).await;
    let told = api.get(&format!("{LIST}/diff")).key(&analyst).await.is(200).json();
    assert_eq!(told["rows"][0]["b"], json!({ "city": "Paris" }), "{told}");
}

#[tokio::test]
async fn one_comparison_is_on_at_a_time_and_what_was_refused_is_taken_down() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let first = projection(&api).await["active_build"].clone();
    api.post(&format!("{LIST}/rebuild"), &json!({ "promote": false })).await.is(202);
    eventually("it is ready", BOUND, async || builds(&projection(&api).await)[1].1 == "ready").await;
    let mut other = shop.db.pool().await.acquire().await.unwrap();
    let lock = "SELECT pg_advisory_lock(hashtextextended('orders diff', 0))";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    let refused = api.get(&format!("{LIST}/diff")).await.problem(409, "build_unfit");
    assert!(refused.text.contains("another comparison of builds is on"), "{}", refused.text);
    drop(other.detach());
    eventually("the other has ended", BOUND, async || api.get(&format!("{LIST}/diff")).await.status == 200).await;

    api.post(&format!("{LIST}/rollback"), &json!({ "active_build": first })).await.problem(409, "build_unfit");
    let lines = api.get("/v1/ops/audit?action=projection.rollback").await.is(200).json();
    let line = &lines["data"][0];
    assert_eq!((&line["outcome"], &line["target"]), (&json!("refused"), &json!("order_list")), "{lines}");
    assert!(line["detail"].as_str().unwrap().starts_with("no build of order_list was read before"), "{lines}");
}

#[tokio::test]
async fn what_is_not_there_or_not_fit_is_refused_and_only_operators_are_let_in() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let first = projection(&api).await["active_build"].clone();
    api.get("/v1/ops/projections/orders").await.problem(404, "projection_not_found");
    api.get("/v1/ops/projections/orders/diff").await.problem(404, "projection_not_found");
    api.get("/v1/ops/projections/Orders").await.problem(404, "projection_not_found");
    let only = api.get(&format!("{LIST}/diff")).await.problem(404, "build_not_found").json();
    assert!(only["detail"].as_str().unwrap().contains("POST /v1/ops/projections/order_list/rebuild"), "{only}");
    let itself = format!("{LIST}/diff?a={0}&b={0}", first.as_str().unwrap());
    api.get(&itself).await.problem(409, "build_unfit");
    let unknown = api.get(&format!("{LIST}/diff?b=nope")).await.problem(404, "build_not_found").json();
    assert!(!unknown["detail"].as_str().unwrap().contains("`orders "), "{unknown}");
    let nothing = json!({ "build": "order_list_v9_9", "active_build": first });
    api.post(&format!("{LIST}/promote"), &nothing).await.problem(404, "build_not_found");
    api.post(&format!("{LIST}/rollback"), &json!({ "active_build": first })).await.problem(409, "build_unfit");
    api.post(&format!("{LIST}/rollback"), &json!({})).await.problem(422, "invalid_body");

    let staff = shop.key(&[Scope::Staff]).await;
    for path in ["/v1/ops/projections", LIST, "/v1/ops/instances"] {
        api.get(path).key(&staff).await.problem(403, "forbidden");
    }
    let operator = shop.key(&[Scope::Operator]).await;
    let instances = api.get("/v1/ops/instances").key(&operator).await.is(200).json();
    let leads: Vec<&str> = instances["data"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|instance| instance["leads"].as_array().unwrap())
        .map(|lead| lead["name"].as_str().unwrap())
        .collect();
    assert!(leads.contains(&"projection order_list v3"), "{instances}");
}
