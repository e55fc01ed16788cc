//! With nothing configured, killed in between.

use super::client::Client;
use super::{BOUND, PLACED, ada_buys, address_printed, newest_listed, streamed, usd};
use serde_json::json;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testkit::{Launch, Program, eventually};

/// Where the shop's data are; removed at the end.
fn place() -> (TempDir, PathBuf) {
    let top = tempfile::Builder::new().prefix("orders-walk").tempdir_in("/var/tmp").unwrap();
    let data = top.path().join("shop");
    (top, data)
}

/// The program with nothing configured but where its data are and a free port.
fn launch(data: &Path) -> Program {
    Launch::orders().args(["--listen", "127.0.0.1:0"]).env("ORDERS_DATA_DIR", data).spawn()
}

async fn client(program: &mut Program, data: &Path) -> Client {
    let address = address_printed(program).await;
    Client::new(&address, &std::fs::read_to_string(data.join("dev-api-key")).unwrap())
}

/// The brokers and the topic of the `kcat` that the welcome prints.
async fn stream_printed(program: &mut Program) -> (String, String) {
    let line = program.wait_for_line("kcat -C ").await;
    let after = |flag: &str| line.split(flag).nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    (after(" -b "), after(" -t "))
}

/// The subjects of the mails that were written to files, for one address.
fn mails(data: &Path, address: &str) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(data.join("mail")) else { return vec![] };
    // A mail that is being written has another name, and may be gone in a moment.
    let whole = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml"));
    let texts = whole.map(|path| std::fs::read_to_string(path).unwrap());
    texts
        .filter(|text| text.contains(&format!("<{address}>")) || text.contains(&format!("To: {address}")))
        .filter_map(|text| text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_reaches_stream_and_mailbox_across_a_kill() {
    let (_top, data) = place();
    let mut program = launch(&data);
    let shop = client(&mut program, &data).await;
    let placed =
        shop.post("/v1/orders", &[], &ada_buys("ada@example.com", &[("TEA-GREEN", 2), ("CUP", 1)])).await.is(201);
    let order = placed.json();
    let id = order["id"].as_str().unwrap().to_owned();
    assert_eq!(newest_listed(&shop, &placed).await, order);
    let (brokers, topic) = stream_printed(&mut program).await;
    let records = streamed(&brokers, &topic, &id, &PLACED).await;
    assert_eq!(records.len(), 3);
    assert_eq!(records[2].json()["OrderPlaced"]["total"], order["total"]);
    eventually("the confirmation is written", BOUND, async || mails(&data, "ada@example.com").len() == 1).await;

    // Killed with an order acknowledged that nobody has acted on yet.
    let second = shop.post("/v1/orders", &[], &ada_buys("bob@example.com", &[("CUP", 1)])).await.is(201).json();
    program.kill9();

    let mut program = launch(&data);
    let shop = client(&mut program, &data).await;
    for known in [&order, &second] {
        let id = known["id"].as_str().unwrap();
        assert_eq!(&shop.get(&format!("/v1/orders/{id}"), &[]).await.is(200).json(), known);
    }
    let amount = order["total"]["amount"].as_str().unwrap();
    let payment = json!({ "amount": usd(amount), "reference": "till-1" });
    let paid = shop.post(&format!("/v1/orders/{id}/payments"), &[("idempotency-key", "pay")], &payment).await.is(200);
    assert_eq!(paid.json()["paid"], true);
    assert_eq!(newest_listed(&shop, &paid).await["id"], second["id"]);
    // The broker inside the process forgot all; the stream goes on in it with what is not acted on yet.
    let (brokers, topic) = stream_printed(&mut program).await;
    let records = streamed(&brokers, &topic, &id, &["PaymentRecorded", "OrderPaid"]).await;
    assert_eq!(records.last().unwrap().json()["OrderPaid"]["total"], order["total"]);
    eventually("both customers have their mails", BOUND, async || {
        mails(&data, "ada@example.com").len() == 2 && mails(&data, "bob@example.com").len() == 1
    })
    .await;
    let subjects: HashSet<String> = mails(&data, "ada@example.com").into_iter().collect();
    assert_eq!(subjects.len(), 2, "the confirmation was not sent again: {subjects:?}");

    program.sigterm();
    let status = program.wait().await;
    assert!(status.success(), "{status}: {}", program.output());
    assert_eq!(mails(&data, "ada@example.com").len(), 2);
}

/// The commands of the README's first order, for a shop that is elsewhere.
fn first_order_of_the_readme(base: &str, data: &Path) -> String {
    let readme = include_str!("../../../../README.md");
    let (_, section) = readme.split_once("## A first order").expect("the section");
    let (_, block) = section.split_once("```sh\n").expect("its commands");
    let (block, _) = block.split_once("```").expect("their end");
    let key = data.join("dev-api-key");
    for part in ["~/.local/state/orders/dev-api-key", "http://127.0.0.1:8080"] {
        assert!(block.contains(part), "{part} in {block}");
    }
    block.replace("~/.local/state/orders/dev-api-key", key.to_str().unwrap()).replace("http://127.0.0.1:8080", base)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_first_order_is_taken_as_it_stands() {
    let (_top, data) = place();
    let mut program = launch(&data);
    let base = format!("http://{}", address_printed(&mut program).await);
    let answer = Launch::of("bash").args(["-euc", &first_order_of_the_readme(&base, &data)]).run().await.succeeded();
    let answer = answer.replace('\r', "");
    let (head, body) = answer.split_once("\n\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 201"), "{answer}");
    for said in ["\nlocation: /v1/orders/", "\netag: \"3\"", "\norders-position: "] {
        assert!(head.contains(said), "{said} in {head}");
    }
    let order: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(order["shipping_address"]["address"], "12 St James's Square");
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
}
