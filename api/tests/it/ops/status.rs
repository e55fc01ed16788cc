//! How the system is, for whoever runs it.

use super::super::embedded_support::{BOUND, Place, order_as_printed};
use super::super::http_support::Shop;
use super::metrics::base;
use api::auth::Scope;
use api::ops::status::{History, ReaderKind, ReaderState, Status};
use std::fs;
use testkit::{Launch, eventually};

#[tokio::test]
async fn operators_see_how_all_is_whichever_process_runs_it() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 2)]).await;
    let position: u64 = placed.header("orders-position").parse().unwrap();
    api.caught_up(position).await;
    let operator = shop.key(&[Scope::Operator]).await;
    let status = eventually("the answer is of now", BOUND, async || {
        let text = api.get("/v1/ops/status").key(&operator).await.is(200).text;
        let status: Status = serde_json::from_str(&text).unwrap();
        if status.log.head == position { Ok(status) } else { Err(text) }
    })
    .await;
    assert!(status.log.recorded_at.is_some(), "{status:?}");
    let kinds: Vec<_> = status.readers.iter().map(|reader| reader.kind).collect();
    assert!(kinds.is_sorted(), "views, relay, consumers: {kinds:?}");
    let names: Vec<_> = status.readers.iter().map(|reader| reader.name.as_str()).collect();
    for name in ["order_list", "order_totals", "relay", "order_mail"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let list = status.readers.iter().find(|reader| reader.name == "order_list").unwrap();
    assert_eq!(
        (list.kind, list.state),
        (ReaderKind::Projection, ReaderState::Elsewhere),
        "no process of the program runs it"
    );
    assert_eq!((list.position, list.lag_events), (Some(position), Some(0)));

    // A mail server that is away is told, whichever process finds it so.
    let fails = sqlx::query(
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                event_type, state, due_at, attempts, tries, reason, noted_at, changed_at)
         SELECT 'order_mail', event_id, gen_random_uuid(), 'order', aggregate_id, sequence, position, event_type, 'waiting',
                now() + interval '1 hour', 2, 2, 'connecting to the mail server: refused', now(), now()
           FROM events WHERE event_type = 'OrderPlaced'",
    );
    assert_eq!(fails.execute(&shop.db.pool().await).await.unwrap().rows_affected(), 1);
    eventually("its last error is shown", BOUND, async || {
        let text = api.get("/v1/ops/status").key(&operator).await.is(200).text;
        let status: Status = serde_json::from_str(&text).unwrap();
        let mail = status.readers.iter().find(|reader| reader.name == "order_mail").unwrap();
        if mail.last_error.as_deref() == Some("connecting to the mail server: refused") { Ok(()) } else { Err(text) }
    })
    .await;

    api.get("/v1/ops/status?all=true").key(&operator).await.problem(400, "invalid_query");
    let history: History =
        serde_json::from_str(&api.get("/v1/ops/status/history?minutes=5").key(&operator).await.is(200).text).unwrap();
    assert_eq!((history.every_s, history.samples.len()), (10, 0), "nobody looks in this process");
    api.get("/v1/ops/status/history?minutes=61").key(&operator).await.problem(400, "invalid_query");
    let staff = shop.key(&[Scope::Staff]).await;
    for path in ["/v1/ops/status", "/v1/ops/status/history"] {
        api.get(path).key(&staff).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_running_system_is_shown_to_people_and_to_programs() {
    let place = Place::new();
    let none = place.orders(&["status"]).run().await;
    assert!(!none.status.success() && none.stderr.contains("--url"), "{none:?}");
    let other = place.orders(&["status", "--url", "ftp://shop.example.com"]).run().await;
    assert!(other.status.code() == Some(2) && other.stderr.contains("by http or https"), "{other:?}");
    let keyless = place.orders(&["status", "--url", "http://127.0.0.1:1"]).run().await;
    assert!(keyless.stderr.contains("the data directory's own is sent to no --url"), "{keyless:?}");

    let program = place.start().await;
    order_as_printed(&program).await;
    let json = async |arguments: &[&str]| {
        let text = place.orders(&[&["status", "--json"][..], arguments].concat()).run().await.succeeded();
        serde_json::from_str::<Status>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let status = eventually("the mail is sent, and all have caught up", BOUND, async || {
        let status = json(&[]).await;
        let behind = |reader: &&api::ops::status::ReaderStatus| reader.lag_events != Some(0);
        let behind: Vec<_> = status.readers.iter().filter(behind).map(|reader| reader.name.clone()).collect();
        if behind.is_empty() { Ok(status) } else { Err(format!("behind: {behind:?}")) }
    })
    .await;
    assert_eq!((status.instance.pid, status.version.as_str()), (program.pid(), env!("CARGO_PKG_VERSION")));
    assert!(status.readers.iter().all(|reader| reader.state == ReaderState::Running), "{status:?}");
    assert!(status.tasks.iter().any(|task| task.task == "sweep"), "{status:?}");
    let mail = status.readers.iter().find(|reader| reader.name == "order_mail").unwrap();
    assert_eq!(mail.open.map(|open| (open.parked, open.unknown)), Some((0, 0)));

    let table = place.orders(&["status"]).run().await.succeeded();
    for part in ["READER", "projection order_list", "relay", "consumer order_mail", "running", "TASK", "sweep"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    let key = fs::read_to_string(place.data().join("dev-api-key")).unwrap();
    let asked =
        |key: &str| Launch::orders().args(["status", "--url", &base(&program)]).env("ORDERS_API_KEY", key.trim());
    assert!(asked(&key).run().await.succeeded().contains("READER"));
    let refused = asked("orders_none").run().await;
    assert!(!refused.status.success() && refused.stderr.contains("401"), "{refused:?}");

    eventually("the hour has begun", BOUND, async || {
        let url = format!("{}/v1/ops/status/history", base(&program));
        let bearer = format!("authorization: Bearer {}", key.trim());
        let text = Launch::of("curl").args(["-sS", "--fail", "-H", &bearer, &url]).run().await.succeeded();
        let history: History = serde_json::from_str(&text).unwrap();
        let samples = history.samples.iter().filter(|sample| sample.readers.len() == status.readers.len());
        if samples.count() > 0 { Ok(()) } else { Err(text) }
    })
    .await;
}

/// What is on for hours is not to end when what it looks at is started again.
#[tokio::test]
async fn a_watch_goes_on_while_nothing_answers() {
    let place = Place::new();
    let mut program = place.start().await;
    let mut watch = place.orders(&["status", "--watch"]).spawn();
    watch.wait_for_line("READER").await;
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
    watch.wait_for_line("not answering since ").await;
    let mut program = place.start().await;
    watch.wait_for_line(&format!("process {} on", program.pid())).await;
    watch.sigint();
    assert_eq!(watch.wait().await.code(), Some(0), "{}", watch.output());
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
    // What can't be told is no success.
    for arguments in [&["--help"][..], &["--version"], &["parked", "--help"]] {
        let full = format!("exec {} {} > /dev/full", env!("CARGO_BIN_EXE_orders"), arguments.join(" "));
        let failed = Launch::of("sh").args(["-c", &full]).run().await;
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
        assert!(failed.stderr.contains("standard output can't be written: No space left"), "{failed:?}");
    }
}
