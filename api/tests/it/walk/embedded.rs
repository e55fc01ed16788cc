//! With nothing configured, killed in between.

use super::client::Client;
use super::{BOUND, ada_buys, usd};
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;
use testkit::{Launch, Program, eventually};

/// The program with nothing configured but where its data are and a free port.
fn launch(data: &Path) -> Program {
    Launch::orders().args(["--listen", "127.0.0.1:0"]).env("ORDERS_DATA_DIR", data).spawn()
}

async fn client(program: &mut Program, data: &Path) -> Client {
    program.wait_for_line("orders is ready").await;
    let line = program.wait_for_line("  API ").await;
    let address = line.trim().trim_start_matches("API").trim().trim_start_matches("http://").to_owned();
    Client::new(&address, &std::fs::read_to_string(data.join("dev-api-key")).unwrap())
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
async fn an_order_reaches_the_mailbox_across_a_kill() {
    let data = tempfile::Builder::new().prefix("orders-walk").tempdir_in("/var/tmp").unwrap();
    let data = data.path().join("shop");
    let mut program = launch(&data);
    let shop = client(&mut program, &data).await;
    let placed =
        shop.post("/v1/orders", &[], &ada_buys("ada@example.com", &[("TEA-GREEN", 2), ("CUP", 1)])).await.is(201);
    let order = placed.json();
    let id = order["id"].as_str().unwrap().to_owned();
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
