//! `orders events`: filters, and files that others read.

use crate::history_support::multiply_orders;
use crate::http_support::{BOUND, Instance, Shop};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::toxiproxy::{Slowness, Toxiproxy};
use testkit::{Db, Launch, eventually, free_port};

/// Reads a file of Parquet with `DuckDB`, and writes each row as a line of JSON, every cell as text.
const DUCKDB: &str = r#"
import duckdb, json, sys
events = duckdb.read_parquet(sys.argv[1])
print(json.dumps(dict(zip(events.columns, [str(kind) for kind in events.types]))))
cells = [f'epoch_us("{name}")::varchar' if str(kind).startswith("TIMESTAMP") else f'"{name}"::varchar'
         for name, kind in zip(events.columns, events.types)]
for row in duckdb.sql(f'SELECT {", ".join(cells)} FROM events ORDER BY "position"').fetchall():
    print(json.dumps(dict(zip(events.columns, row))))
"#;

/// The same cells out of the log, by PostgreSQL's own means.
const CELLS: &str = "
    SELECT json_build_object(
               'position', position::text, 'event_id', event_id::text, 'type', event_type, 'version', event_version,
               'aggregate_type', aggregate_type, 'aggregate_id', aggregate_id, 'sequence', sequence::text,
               'recorded_at', (extract(epoch FROM recorded_at) * 1000000)::bigint::text,
               'occurred_at', (extract(epoch FROM (metadata ->> 'occurred_at')::timestamptz) * 1000000)::bigint::text,
               'actor', metadata ->> 'actor', 'correlation_id', metadata ->> 'correlation_id',
               'order_number', data ->> 'number', 'subject_id', data #>> '{customer,subject_id}',
               'sku', coalesce(data #>> '{line,sku}', data ->> 'sku'), 'quantity', data #>> '{line,quantity}',
               'unit_price', coalesce(data #>> '{line,unit_price,amount}', data #>> '{price,amount}')::numeric(38, 4)::text,
               'amount', (data #>> '{amount,amount}')::numeric(38, 4)::text,
               'total', (data #>> '{total,amount}')::numeric(38, 4)::text,
               'currency', coalesce(data #>> '{total,currency}', data #>> '{amount,currency}', data #>> '{price,currency}'),
               'data', data::text, 'metadata', metadata::text)
      FROM events, LATERAL (SELECT payload -> event_type::text AS data) AS untagged
     ORDER BY position";

fn events(db: &Db, arguments: &[&str]) -> Launch {
    Launch::orders().arg("events").args(arguments.iter().copied()).env("DATABASE_URL", db.app_url())
}

async fn shop_with_orders(orders: usize) -> (Shop, Instance) {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for nth in 0..orders {
        let order = api.place(&[("TEA", 2), ("CUP", 1)]).await.id();
        api.pay(&order, "33.00", &format!("till-{nth}")).await.is(200);
    }
    (shop, api)
}

fn positions(lines: &str) -> Vec<u64> {
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap();
    lines.lines().map(line).collect()
}

async fn read_by_duckdb(file: &Path) -> Vec<Value> {
    let script = Launch::of(testkit::python()).args(["-c", DUCKDB]).arg(file).env("HOME", "/nonexistent");
    let printed = script.run().await.succeeded();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_same_is_asked_for_as_over_http() {
    let (shop, api) = shop_with_orders(2).await;
    let order = api.get("/v1/events?type=OrderPlaced&limit=1").await.is(200).json()["aggregate_id"].clone();
    let order = order.as_str().unwrap();
    let paid = ["--type", "OrderPlaced", "--type", "OrderPaid"];
    for (arguments, query) in [
        (vec!["--order", order], format!("order={order}")),
        (paid.to_vec(), "type=OrderPlaced,OrderPaid".to_owned()),
        (vec!["--type", "OrderPlaced,OrderPaid", "--limit", "2"], "type=OrderPlaced,OrderPaid&limit=2".to_owned()),
        (vec!["--sku", "TEA", "--after", "3", "--up-to", "9"], "sku=TEA&after=3&up_to=9".to_owned()),
        (vec!["--from", "2020-01-01", "--to", "2999-01-01T00:00:00Z"], String::new()),
        (vec!["--to", "2020-01-01"], "to=2020-01-01T00:00:00Z".to_owned()),
        (vec!["--correlation-id", "nobody"], "correlation_id=nobody".to_owned()),
    ] {
        let written = events(&shop.db, &arguments).run().await.succeeded();
        assert_eq!(written, api.get(&format!("/v1/events?{query}")).await.is(200).text, "{arguments:?}");
    }
    let table = events(&shop.db, &["--format", "csv"]).run().await.succeeded();
    let of_http = api.get("/v1/events").header("accept", "text/csv").await.is(200).text;
    assert_eq!(table.replace("\r\n", "\n"), of_http.replace("\r\n", "\n"));
    for (arguments, words) in [
        (vec!["--type", "Nothing"], "there is no event type `Nothing`"),
        (vec!["--from", "yesterday"], "2026-01-31"),
        (vec!["--format", "parquet"], "--output"),
        (vec!["--follow", "--to", "2026-01-01"], "--follow"),
        (vec!["--json"], "--output"),
    ] {
        let refused = events(&shop.db, &arguments).run().await;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(refused.stderr.contains(words) && refused.stdout.is_empty(), "{refused:?}");
    }
    for (arguments, words) in [
        (["--after", "3", "--up-to", "2"], "ends before it begins"),
        (["--from", "2026-01-31", "--to", "2026-01-31 00:00"], "is not included"),
    ] {
        let refused = events(&shop.db, &arguments).run().await;
        assert!(!refused.status.success() && refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(
        events(&shop.db, &["--after", "3", "--up-to", "3"]).run().await.succeeded(),
        "",
        "all is written already"
    );
}

#[tokio::test]
async fn who_follows_a_question_is_told_what_comes() {
    let (shop, api) = shop_with_orders(1).await;
    let mut follower = events(&shop.db, &["--follow", "--type", "OrderPlaced"]).spawn();
    follower.wait_for_line("OrderPlaced").await;
    let order = api.place(&[("CUP", 1)]).await.id();
    let line = follower.wait_for_line(&order).await;
    assert!(line.contains(r#""type":"OrderPlaced""#), "{line}");
    follower.sigterm();
    assert_eq!(follower.wait().await.code(), Some(0));
    assert_eq!(positions(&follower.stdout()).len(), 2);
}

#[tokio::test]
async fn a_file_is_there_when_it_is_whole() {
    let (shop, api) = shop_with_orders(1).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.ndjson");
    fs::write(&file, "what was there before").unwrap();
    let path = file.to_str().unwrap();
    let told = events(&shop.db, &["-o", path, "--json"]).run().await.succeeded();
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written, api.get("/v1/events").await.is(200).text);
    let told: Value = serde_json::from_str(&told).unwrap();
    let facts = json!({
        "file": path, "format": "ndjson", "events": 7, "first_position": 1, "last_position": 7, "bytes": written.len()
    });
    assert_eq!(told, facts);
    let words = events(&shop.db, &["-o", path, "--after", "7", "--format", "csv"]).run().await.succeeded();
    assert_eq!(words, format!("{path}: no event\n"));
    // One that fails leaves what was there, and nothing beside it.
    let missing = directory.path().join("nowhere/events.csv");
    let failed = events(&shop.db, &["-o", missing.to_str().unwrap()]).run().await;
    assert!(failed.status.code() == Some(1) && failed.stderr.contains("can't be written"), "{failed:?}");
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["events.ndjson"]);
}

#[tokio::test]
async fn what_stands_where_a_file_is_asked_for_is_kept_unless_it_is_one() {
    let (shop, _api) = shop_with_orders(1).await;
    let directory = tempfile::tempdir().unwrap();
    let (link, file) = (directory.path().join("link.csv"), directory.path().join("events.csv"));
    std::os::unix::fs::symlink("events.csv", &link).unwrap();
    let told = events(&shop.db, &["-o", link.to_str().unwrap(), "--format", "csv"]).run().await.succeeded();
    assert_eq!(told, format!("{}: 7 events, positions 1 to 7\n", link.display()));
    assert!(link.is_symlink() && fs::read_to_string(&file).unwrap().lines().count() == 8);
    for format in ["ndjson", "csv", "parquet"] {
        let full = events(&shop.db, &["-o", "/dev/full", "--format", format]).run().await;
        assert_eq!(full.status.code(), Some(1), "{full:?}");
        assert!(full.stderr.contains("/dev/full can't be written: No space left"), "{full:?}");
    }
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
}

#[tokio::test]
async fn duckdb_reads_each_value_as_it_is_in_the_log() {
    let (shop, api) = shop_with_orders(3).await;
    api.patch("/v1/products/TEA", &json!({ "name": "Tea, \"steamed\" – 煎茶" })).header("if-match", "*").await.is(200);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.parquet");
    let export = events(&shop.db, &["--format", "parquet", "-o", file.to_str().unwrap()]);
    assert!(export.run().await.succeeded().contains("events, positions 1 to"));
    let mut rows = read_by_duckdb(&file).await;
    let types = rows.remove(0);
    for (column, kind) in [
        ("position", "BIGINT"),
        ("event_id", "UUID"),
        ("type", "VARCHAR"),
        ("recorded_at", "TIMESTAMP WITH TIME ZONE"),
        ("occurred_at", "TIMESTAMP WITH TIME ZONE"),
        ("order_number", "BIGINT"),
        ("subject_id", "UUID"),
        ("quantity", "BIGINT"),
        ("unit_price", "DECIMAL(38,4)"),
        ("amount", "DECIMAL(38,4)"),
        ("total", "DECIMAL(38,4)"),
    ] {
        assert_eq!(types[column], kind, "{column}");
    }
    let expected: Vec<Value> = sqlx::query_scalar(CELLS).fetch_all(&shop.db.pool().await).await.unwrap();
    assert!(expected.len() >= 17, "{}", expected.len());
    assert_eq!(rows, expected);
}

/// The most memory that a command takes for the history as Parquet, in KiB.
async fn peak_kib(db: &Db, file: &Path) -> u64 {
    let mut export = events(db, &["--format", "parquet", "-o", file.to_str().unwrap()]).spawn();
    let status = format!("/proc/{}/status", export.pid());
    let (mut peak, begun) = (0, Instant::now());
    while !export.has_ended() {
        // Once it has ended, there is no such line.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(peak);
        assert!(begun.elapsed() < 10 * BOUND, "it goes on for ever");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let code = export.wait().await.code();
    assert_eq!(code, Some(0), "{}", export.output());
    peak
}

/// How many rows a file of Parquet has, the last position, how many groups, and how many rows the largest of them has.
const COUNTS: &str = r#"
import duckdb, sys
print(*duckdb.sql(f"SELECT count(*), max(position) FROM '{sys.argv[1]}'").fetchone(),
      *duckdb.sql("SELECT count(DISTINCT row_group_id), max(row_group_num_rows) "
                  f"FROM parquet_metadata('{sys.argv[1]}')").fetchone())
"#;

#[tokio::test]
async fn a_long_history_takes_no_more_memory_than_a_short_one() {
    let (shop, _api) = shop_with_orders(2).await;
    let directory = tempfile::tempdir().unwrap();
    let (short, long) = (directory.path().join("short.parquet"), directory.path().join("long.parquet"));
    // Both have a group that is full.
    multiply_orders(&shop.db, 13_000).await;
    let before = peak_kib(&shop.db, &short).await;
    let head = multiply_orders(&shop.db, 1).await;
    assert!(head > 2 * 122_880, "{head}");
    let after = peak_kib(&shop.db, &long).await;
    assert!(after < before + 24 * 1_024, "{before} KiB for half, {after} KiB for {head} events");
    let count = Launch::of(testkit::python()).args(["-c", COUNTS]).arg(&long).env("HOME", "/nonexistent");
    // Two groups as large as readers like them, and the rest.
    assert_eq!(count.run().await.succeeded().trim(), format!("{head} {head} 3 122880"));
}

/// Cells of the last two columns but one, as a reader of CSV sees them.
const CSV_CELLS: &str = r#"
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig", newline="")))
print(json.dumps([[row["position"], row["correlation_id"], row["data"]] for row in rows]))
"#;

#[tokio::test]
async fn a_table_holds_what_the_log_holds_unless_it_is_for_a_spreadsheet() {
    let (shop, api) = shop_with_orders(0).await;
    let order = api.place(&[("TEA", 1)]).await.id();
    let item = json!({ "sku": "CUP", "quantity": 1 });
    api.post(&format!("/v1/orders/{order}/items"), &item).header("request-id", "=7").await.is(200);
    api.pay(&order, "12.50", "=1;-2;@3 \"+4\"").await.is(200);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.csv");
    let cells = async |format: &str| -> Vec<[String; 3]> {
        events(&shop.db, &["--format", format, "-o", file.to_str().unwrap()]).run().await.succeeded();
        let script = Launch::of(testkit::python()).args(["-c", CSV_CELLS]).arg(&file).env("HOME", "/nonexistent");
        serde_json::from_str(&script.run().await.succeeded()).unwrap()
    };
    let in_log: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT position::text, metadata ->> 'correlation_id', (payload -> event_type::text)::text FROM events ORDER BY position",
    )
    .fetch_all(&shop.db.pool().await)
    .await
    .unwrap();
    let in_log: Vec<[String; 3]> = in_log.into_iter().map(|(position, id, data)| [position, id, data]).collect();
    assert!(
        in_log.iter().any(|row| row[2].contains("=1;-2;@3")) && in_log.iter().any(|row| row[1] == "=7"),
        "{in_log:?}"
    );
    assert_eq!(cells("csv").await, in_log);
    let of_http = api.get("/v1/events").header("accept", "text/csv").await.is(200).text;
    fs::write(&file, of_http).unwrap();
    let script = Launch::of(testkit::python()).args(["-c", CSV_CELLS]).arg(&file).env("HOME", "/nonexistent");
    assert_eq!(serde_json::from_str::<Vec<[String; 3]>>(&script.run().await.succeeded()).unwrap(), in_log);
    let guarded = cells("spreadsheet").await;
    assert!(
        guarded.iter().any(|row| row[1] == "'=7") && guarded.iter().any(|row| row[2].contains("=1;'-2;'@3")),
        "{guarded:?}"
    );
}

#[tokio::test]
async fn a_file_survives_a_database_that_was_away() {
    let (shop, _api) = shop_with_orders(1).await;
    let head = multiply_orders(&shop.db, 1_000).await.unsigned_abs();
    let (proxy, directory) = (Toxiproxy::start(), tempfile::tempdir().unwrap());
    let link = proxy.link("postgres", free_port(), shop.db.server().port()).await;
    // So slow that the link is cut in the midst of it.
    let (latency, jitter, kilobytes_per_second) = (Duration::ZERO, Duration::ZERO, 500);
    link.slow(Slowness { latency, jitter, kilobytes_per_second }).await;
    let file = directory.path().join("events.ndjson");
    let export = events(&shop.db, &["-o", file.to_str().unwrap()]);
    let mut export = export.env("DATABASE_URL", shop.db.app_url_by(link.port())).spawn();
    eventually("some of it is written", BOUND, async || {
        let files = fs::read_dir(directory.path()).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>() > 0
    })
    .await;
    link.cut().await;
    export.wait_for_line("it is tried again").await;
    link.mend().await;
    assert!(export.wait().await.success(), "{}", export.output());
    assert_eq!(positions(&fs::read_to_string(&file).unwrap()), (1..=head).collect::<Vec<_>>());
}
