//! What analysts read by SQL, as they do: with `psql`, as a login of their own.

use crate::embedded_support::Place;
use crate::http_support::{BOUND, Instance, Shop, ada_buys};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use testkit::{Db, Finished, Launch, eventually};

/// A login as the program makes it.
struct Analyst<'d> {
    db: &'d Db,
    name: String,
}

/// `orders analysts ARGUMENTS`, as who may make roles.
fn analysts(db: &Db, arguments: &[&str]) -> Launch {
    Launch::orders().arg("analysts").args(arguments).env("MIGRATION_DATABASE_URL", db.superuser_url())
}

impl<'d> Analyst<'d> {
    async fn new(db: &'d Db) -> Self {
        Self::with(db, &[]).await
    }

    /// With the password that all roles of the server have, and further arguments.
    async fn with(db: &'d Db, arguments: &[&str]) -> Self {
        let name = format!("analyst_of_{}", db.name());
        let url = db.url_of(&name);
        let password = url.split(':').nth(2).unwrap().split('@').next().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{password}\n")).unwrap();
        let add =
            analysts(db, &[&["add", &name, "--password-file", file.path().to_str().unwrap()], arguments].concat());
        let added = add.run().await;
        assert!(added.stderr.contains("may read the views"), "{added:?}");
        assert_eq!(added.succeeded(), "", "a password that is known is not shown");
        Self { db, name }
    }

    /// Runs each statement in a transaction of its own.
    async fn psql(&self, statements: &[&str]) -> Finished {
        let psql = Launch::of("psql").args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
        ]);
        let commands = statements.iter().flat_map(|sql| ["--command", *sql]);
        psql.args(commands).arg(self.db.url_of(&self.name)).run().await
    }

    async fn read(&self, sql: &str) -> String {
        self.psql(&[sql]).await.succeeded().trim_end().to_owned()
    }

    async fn refused(&self, statements: &[&str], words: &str) {
        let finished = self.psql(statements).await;
        assert!(!finished.status.success() && finished.stderr.contains(words), "{statements:?}: {finished:?}");
    }
}

/// An order that was added to and paid, and one that was not.
async fn two_orders(api: &Instance) -> [String; 2] {
    let placed = api.post("/v1/orders", &ada_buys(&[("TEA", 2), ("CUP", 1)])).header("request-id", "first/request");
    let first = placed.await.is(201).id();
    api.post(&format!("/v1/orders/{first}/items"), &serde_json::json!({ "sku": "CUP", "quantity": 2 })).await.is(200);
    api.pay(&first, "49.00", "till-1").await.is(200);
    [first, api.place(&[("CUP", 1)]).await.id()]
}

#[tokio::test]
async fn views_say_what_the_api_says() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let [first, second] = two_orders(&api).await;
    let analyst = Analyst::new(&shop.db).await;
    let kinds = analyst
        .read(
            "SELECT string_agg(format('%s.%s %s', table_name, column_name, data_type), E'\\n' ORDER BY table_name, column_name)
               FROM information_schema.columns WHERE table_schema = 'analytics'",
        )
        .await;
    for column in [
        "events.data jsonb",
        "events.total numeric",
        "order_lines.line_total numeric",
        "orders.paid_amount numeric",
        "orders.placed_at timestamp with time zone",
    ] {
        assert!(kinds.contains(column), "{column} in {kinds}");
    }
    let undocumented = "SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                         WHERE c.relnamespace = 'analytics'::regnamespace AND a.attnum > 0
                           AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)";
    assert_eq!(analyst.read(undocumented).await, "0", "columns without a word about them");

    for id in [&first, &second] {
        let order = api.get(&format!("/v1/orders/{id}")).await.is(200).json();
        let sql = format!("SELECT row_to_json(o) FROM analytics.orders AS o WHERE order_id = '{id}'");
        let row: Value = serde_json::from_str(&analyst.read(&sql).await).unwrap();
        let (total, paid) = (order["total"]["amount"].as_str().unwrap(), order["paid"].as_bool().unwrap());
        assert_eq!(row["order_number"], order["number"]);
        let amounts = format!(
            "SELECT total = {total}, paid_amount = {} FROM analytics.orders WHERE order_id = '{id}'",
            if paid { total } else { "0" }
        );
        assert_eq!(analyst.read(&amounts).await, "t|t");
        assert_eq!((row["paid_at"].is_string(), row["city"].as_str()), (paid, Some("London")));
        let sql = format!("SELECT sum(line_total) = {total} FROM analytics.order_lines WHERE order_id = '{id}'");
        assert_eq!(analyst.read(&sql).await, "t");
    }
    let events = "SELECT string_agg(format('%s %s', position, type), ',' ORDER BY position) FROM analytics.events";
    let listed = api.get("/v1/events").await.is(200).text;
    let listed = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let listed: Vec<String> =
        listed.map(|event| format!("{} {}", event["position"], event["type"].as_str().unwrap())).collect();
    assert_eq!(analyst.read(events).await, listed.join(","));
    // By a time, as positions.
    let bounds = "SELECT analytics.position_at('2020-01-01'), analytics.position_at('2999-01-01') = max(position),
                         analytics.position_at(min(recorded_at)) FROM analytics.events";
    assert_eq!(analyst.read(bounds).await, "0|t|0");
    let split = "SELECT bool_and((position > analytics.position_at(at)) = (recorded_at >= at)) FROM analytics.events,
                        (SELECT recorded_at AS at FROM analytics.events WHERE position = 5) AS fifth";
    assert_eq!(analyst.read(split).await, "t");
}

#[tokio::test]
async fn no_view_tells_who_somebody_is() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    two_orders(&api).await;
    let analyst = Analyst::new(&shop.db).await;
    let all = "SELECT e::text FROM analytics.events e UNION ALL SELECT o::text FROM analytics.orders o
               UNION ALL SELECT l::text FROM analytics.order_lines l";
    let all = analyst.read(all).await;
    assert!(all.contains("London") && all.contains("TEA"), "{all}");
    for personal in ["Ada", "Lovelace", "ada@example.com", "St James", "SW1Y", "till-1", "first/request"] {
        assert!(!all.contains(personal), "{personal} in {all}");
    }
    let requests = "SELECT count(*) FILTER (WHERE correlation_id IS NULL), count(*) > 9 FROM analytics.events";
    assert_eq!(analyst.read(requests).await, "3|t", "of the order whose client made an id up, and of nothing else");
}

/// What of an event is shown to nobody, wherever it stands.
const HIDDEN: [&str; 3] = ["customer", "reference", "payment"];

/// All texts below a value.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes an event of this type, version and payload into the log, as only the database's owner can.
async fn record(db: &Db, event_type: &str, version: &str, payload: &str) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             position, event_id, recorded_at)
         SELECT 'order', gen_random_uuid()::text, 1, $1, $2, $3::json, $4::json,
                coalesce(max(position), 0) + 1, gen_random_uuid(), now() FROM events",
    )
    .bind(event_type)
    .bind(version)
    .bind(payload)
    .bind(include_str!("../../../domain/tests/golden/metadata.full.json"))
    .execute(&db.owner_pool().await)
    .await
    .unwrap();
}

#[tokio::test]
async fn of_every_event_ever_stored_only_what_is_listed_is_shown() {
    let db = Db::new().await;
    let analyst = Analyst::new(&db).await;
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/golden");
    let mut personal = 0;
    for (_, event_type, version) in domain::wire::versions() {
        let file = format!("{golden}/{event_type}.v{version}.full.json");
        let payload = std::fs::read_to_string(&file).unwrap();
        record(&db, event_type, version, &payload).await;
        let shown = analyst.read("SELECT data FROM analytics.events ORDER BY position DESC LIMIT 1").await;
        let mut expected: Value = serde_json::from_str(&payload).unwrap();
        let expected = expected[event_type].as_object_mut().unwrap();
        let row = analyst.read("SELECT row_to_json(e) FROM analytics.events AS e ORDER BY position DESC LIMIT 1").await;
        let row: Value = serde_json::from_str(&row).unwrap();
        let mut told = Vec::new();
        texts(&row, &mut told);
        for hidden in HIDDEN.iter().filter_map(|name| expected.remove(*name)) {
            let mut found = Vec::new();
            texts(&hidden, &mut found);
            // Whose data it is has a column of its own.
            for text in found.into_iter().filter(|text| Some(*text) != hidden["subject_id"].as_str()) {
                assert!(!told.iter().any(|told| told.contains(text)), "{text} of {event_type} {version} in {row}");
                personal += 1;
            }
        }
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown, Value::Object(expected.clone()), "{event_type} {version}: list it in analytics.shown");
    }
    assert!(personal > 30, "{personal}");
    // What a newer program writes is not shown before it is known what it is.
    let payload = r#"{"OrderPlaced":{"number":1,"lines":[{"sku":"TEA","gift_to":"Zoe"}],"note":"for Zoe"}}"#;
    record(&db, "OrderPlaced", "3", payload).await;
    assert_eq!(analyst.read("SELECT data FROM analytics.events WHERE version = '3'").await, "{}");
}

#[tokio::test]
async fn the_documented_queries_are_right() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    two_orders(&api).await;
    // A product that costs money of two kinds, at times that are of another day elsewhere.
    for (currency, price, total) in [("EUR", "2.00", "4.00"), ("USD", "3.00", "6.00")] {
        let money = |amount: &str| serde_json::json!({ "amount": amount, "currency": currency });
        let line = serde_json::json!({ "sku": "JAM", "name": "Jam", "quantity": 2, "unit_price": money(price) });
        let added = serde_json::json!({ "ItemAdded": { "line": line, "total": money(total) } });
        record(&shop.db, "ItemAdded", "1", &added.to_string()).await;
    }
    let analyst = Analyst::new(&shop.db).await;
    let documented = include_str!("../../../docs/OPERATIONS.md").split("```sql\n").skip(1);
    let block = documented.map(|rest| rest.split("```").next().unwrap()).find(|sql| sql.contains("date_trunc"));
    let queries: Vec<&str> = block.unwrap().split_terminator(";\n").collect();
    assert_eq!(queries.len(), 3);
    let days = analyst.read(queries[0]).await;
    assert!(days.ends_with("|USD|2|41.00") && days.lines().count() == 1, "{days}");
    assert!(queries[0].contains("AT TIME ZONE"), "a day is one of some place");
    let skus = analyst.read(queries[1]).await;
    let mut skus: Vec<&str> = skus.lines().collect();
    skus.sort_unstable();
    assert_eq!(skus, ["CUP|USD|4|32.00", "JAM|EUR|2|4.00", "JAM|USD|2|6.00", "TEA|USD|2|25.00"]);
    assert_eq!(analyst.read(queries[2]).await, "", "of the order that is an example");
}

#[tokio::test]
async fn logins_are_made_listed_and_removed() {
    let db = Db::new().await;
    let name = format!("ada_of_{}", db.name());
    let made = analysts(&db, &["add", &name]).run().await.succeeded();
    let password = made.trim();
    assert_eq!((password.len(), made.lines().count()), (32, 1), "the password alone");
    let by_hand = format!("by_hand_of_{}", db.name());
    let admin = db.superuser_pool().await;
    sqlx::query(&format!("CREATE ROLE {by_hand} LOGIN IN ROLE orders_analyst")).execute(&admin).await.unwrap();
    let listed = analysts(&db, &["list"]).run().await.succeeded();
    let cells = |name: &str| -> Vec<String> {
        let line = listed.lines().find(|line| line.split_whitespace().next() == Some(name)).expect(name);
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(cells(&name)[1..], ["60s", "on", "2GB", "3", "0"]);
    assert_eq!(cells(&by_hand)[1..], ["none", "none", "none", "none", "0"], "what is missing is seen");
    let lines = analysts(&db, &["list", "--json"]).run().await.succeeded();
    let logins: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let login = |name: &str| logins.iter().find(|login| login["name"] == *name).expect("a login").clone();
    let bounds = |timeout: Value, read_only: Value, files: Value, connections: Value, name: &str| {
        json!({
            "name": name, "statement_timeout": timeout, "default_transaction_read_only": read_only,
            "temp_file_limit": files, "max_connections": connections, "sessions": 0,
        })
    };
    assert_eq!(login(&name), bounds("60s".into(), "on".into(), "2GB".into(), 3.into(), &name));
    assert_eq!(login(&by_hand), bounds(Value::Null, Value::Null, Value::Null, Value::Null, &by_hand));

    let url = db.url_of(&name);
    let (scheme, rest) = url.split_once(&format!("{name}:")).unwrap();
    let url = format!("{scheme}{name}:{password}@{}", rest.split_once('@').unwrap().1);
    let mut session = PgConnection::connect(&url).await.expect("the password is the login's");
    let bounds: (String, String) = sqlx::query_as(
        "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')",
    )
    .fetch_one(&mut session)
    .await
    .unwrap();
    assert_eq!(bounds, ("1min".to_owned(), "1min".to_owned()));

    for (arguments, words) in [
        (&["add", &*name][..], "there is a role of this name already"),
        (&["remove", "orders_app"], "no analyst logs in by this name"),
        (&["add", "Ada"], "lower-case letters"),
    ] {
        let refused = analysts(&db, arguments).run().await;
        assert!(!refused.status.success() && refused.stderr.contains(words), "{refused:?}");
    }
    for login in [&name, &by_hand] {
        let told = analysts(&db, &["remove", login]).run().await.succeeded();
        assert_eq!(told, format!("`{login}` logs in no longer.\n"));
    }
    let cut = eventually("the session has ended", BOUND, async || {
        sqlx::query("SELECT 1").execute(&mut session).await.is_err()
    });
    cut.await;
    assert!(PgConnection::connect(&url).await.is_err());
    let unable = Launch::orders().args(["analysts", "list"]).env("DATABASE_URL", db.app_url()).run().await;
    assert!(!unable.status.success() && unable.stderr.contains("MIGRATION_DATABASE_URL"), "{unable:?}");
    // The owner of the tables may make no role here.
    let owner = analysts(&db, &["add", &name]).env("MIGRATION_DATABASE_URL", db.owner_url()).run().await;
    assert!(!owner.status.success() && owner.stderr.contains("CREATEROLE"), "{owner:?}");
}

#[tokio::test]
async fn with_a_private_server_too() {
    let place = Place::new();
    let mut program = place.start().await;
    let password = place.orders(&["analysts", "add", "ada"]).run().await.succeeded();
    let socket = place.data().join("postgres/socket");
    let url = |password: &str| format!("postgres://ada:{password}@localhost:5432/orders?host={}", socket.display());
    let psql = async |password: &str, sql: &str| {
        Launch::of("psql").args(["--no-psqlrc", "-tA", "--command", sql]).arg(url(password)).run().await
    };
    let read =
        psql(password.trim(), "SELECT count(*) > 0, current_setting('statement_timeout') FROM analytics.events").await;
    assert_eq!(read.succeeded(), "t|1min\n");
    let denied = psql(password.trim(), "SELECT * FROM public.events").await;
    assert!(denied.stderr.contains("permission denied"), "{denied:?}");
    assert!(!psql("wrong", "SELECT 1").await.status.success());
    assert!(place.orders(&["analysts", "list"]).run().await.succeeded().contains("ada"));
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
}

#[tokio::test]
async fn an_analyst_reads_and_nothing_else() {
    let shop = Shop::new().await;
    let analyst = Analyst::new(&shop.db).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&shop.db.owner_pool().await)
    .await
    .unwrap();
    assert!(
        ["public.events", "public.api_keys", "public.sessions", "public.members"]
            .iter()
            .all(|name| tables.contains(&(*name).to_owned())),
        "{tables:?}"
    );
    for table in tables {
        let reads = format!("SELECT has_any_column_privilege('{table}', 'SELECT, INSERT, UPDATE, REFERENCES')");
        assert_eq!(analyst.read(&reads).await, "f", "{table}");
    }
    analyst.refused(&["SELECT * FROM public.events"], "permission denied").await;
    analyst.refused(&["SELECT password_hash FROM members"], "permission denied").await;
    analyst.refused(&["CREATE TABLE analytics.mine (n int)"], "read-only transaction").await;
    // Also without what the login is set up with.
    for (sql, words) in [
        ("INSERT INTO analytics.orders (order_id) VALUES ('x')", "permission denied"),
        ("DELETE FROM analytics.orders", "permission denied"),
        ("UPDATE analytics.orders SET position = 1", "permission denied"),
        ("DELETE FROM analytics.events", "cannot delete from view"),
        ("CREATE TABLE analytics.mine (n int)", "permission denied"),
        ("CREATE SCHEMA mine", "permission denied"),
        ("SELECT log_lock()", "permission denied"),
        ("SET ROLE orders_app", "permission denied"),
    ] {
        analyst.refused(&["SET default_transaction_read_only = off", sql], words).await;
    }
}

#[tokio::test]
async fn what_takes_too_long_is_cut() {
    let shop = Shop::new().await;
    let analyst = Analyst::with(&shop.db, &["--timeout", "3"]).await;
    assert_eq!(analyst.read("SHOW statement_timeout").await, "3s");
    assert_eq!(analyst.read("SELECT count(*) FROM analytics.orders").await, "0");
    analyst.refused(&["SELECT count(*), pg_sleep(60) FROM analytics.events"], "statement timeout").await;
}
