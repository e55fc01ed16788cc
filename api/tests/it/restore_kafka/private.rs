//! A data directory, copied and put back.

use super::docs;
use super::shop::stop;
use crate::http_support::{BOUND, buys};
use crate::walk::client::Client;
use std::fs;
use std::path::Path;
use testkit::{Launch, Program, eventually, free_port};

async fn start(data: &Path) -> (Program, Client) {
    let address = format!("127.0.0.1:{}", free_port());
    let mut program = Launch::orders().args(["--listen", &address]).env("ORDERS_DATA_DIR", data).spawn();
    program.wait_for_line("orders is ready").await;
    (program, Client::new(&address, &fs::read_to_string(data.join("dev-api-key")).unwrap()))
}

fn mails(data: &Path) -> usize {
    let Ok(files) = fs::read_dir(data.join("mail")) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "eml")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_data_directory_put_back_goes_on_from_there() {
    let top = tempfile::Builder::new().prefix("orders-copy").tempdir_in("/var/tmp").unwrap();
    let (data, copy) = (top.path().join("shop"), top.path().join("copy"));
    let (program, shop) = start(&data).await;
    let first = shop.post("/v1/orders", &[], &buys("ada@example.com", &[("CUP", 1)])).await.is(201).json();
    eventually("it is confirmed", BOUND, async || mails(&data) == 1).await;
    stop(program).await;
    let replaced = [("~/.local/state/orders", data.to_str().unwrap()), ("/srv/backups/orders", copy.to_str().unwrap())];
    let script = docs::commands("Backup", "cp ", &replaced);
    Launch::of("bash").args(["-euc", &script]).run().await.succeeded();
    let (program, shop) = start(&data).await;
    let lost = shop.post("/v1/orders", &[], &buys("bob@example.com", &[("CUP", 1)])).await.is(201).json();
    stop(program).await;

    fs::remove_dir_all(&data).unwrap();
    fs::rename(&copy, &data).unwrap();
    let (program, shop) = start(&data).await;
    let path = |order: &serde_json::Value| format!("/v1/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(shop.get(&path(&first), &[]).await.is(200).json(), first);
    shop.get(&path(&lost), &[]).await.is(404);
    shop.post("/v1/orders", &[], &buys("cleo@example.com", &[("CUP", 1)])).await.is(201);
    eventually("it goes on", BOUND, async || mails(&data) == 2).await;
    stop(program).await;
    assert_eq!(mails(&data), 2, "nobody was written to again");
}
