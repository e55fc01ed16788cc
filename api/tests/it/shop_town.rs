//! A shop as it runs: the built program with real servers for its database and its mail, and a second process of it
//! that has pages alone. Visitors come with a real browser.

use crate::walk::client::Client;
use crate::walk::{address_printed, make_key, served_address};
use serde_json::json;
use std::time::Duration;
use testkit::smtp::{Mail, MailServer};
use testkit::{Db, Launch, Program};
use uuid::Uuid;

/// Longer than a mail takes, also on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

pub struct Town {
    // They end before their database does.
    _programs: [Program; 2],
    pub db: Db,
    /// Where the whole system is reached, and where the process with pages alone is.
    pub here: String,
    pub there: String,
    pub staff: Client,
}

impl Town {
    /// One that sells tea and cups.
    pub async fn open() -> Self {
        let (db, mail) = (Db::new().await, MailServer::shared());
        let of =
            |role: &str| Launch::orders().args([role, "--listen", "127.0.0.1:0"]).env("DATABASE_URL", db.app_url());
        let serve = of("serve").env("SMTP_URL", mail.starttls_url());
        let mut serve = serve.env("ORDERS_SMTP_CA_FILE", mail.certificates().authority()).spawn();
        let here = address_printed(&mut serve).await;
        let mut pages = of("api").spawn();
        let there = served_address(&mut pages).await;
        let staff = Client::new(&here, &make_key(&db.app_url()).await);
        let (here, there) = (format!("http://{here}"), format!("http://{there}"));
        let town = Self { _programs: [serve, pages], db, here, there, staff };
        for (sku, price) in [("TEA", "12.50"), ("CUP", "8.00")] {
            let product = json!({ "sku": sku, "name": sku, "price": { "amount": price, "currency": "USD" } });
            let added = town.staff.post("/v1/products", &[], &product).await.is(201);
            let seen = [("orders-min-position", added.header("orders-position")), ("prefer", "wait=10")];
            town.staff.get(&format!("/v1/products/{sku}"), &seen).await.is(200);
        }
        town
    }
}

/// A mail address that nobody else has.
pub fn address(name: &str) -> String {
    format!("{name}.{}@example.com", Uuid::now_v7().simple())
}

/// Waits until so many mails have come for somebody; gives the newest.
pub async fn newest_mail(address: &str, count: usize) -> Mail {
    let mut mails = MailServer::shared().wait_for(address, count, BOUND).await;
    assert_eq!(mails.len(), count, "{:?}", mails.iter().map(Mail::subject).collect::<Vec<_>>());
    mails.pop().unwrap()
}

/// The address in a mail's text that holds `part`.
pub fn link(mail: &Mail, part: &str) -> String {
    let text = mail.text().unwrap();
    let link = text.split_whitespace().find(|word| word.starts_with("http") && word.contains(part));
    link.unwrap_or_else(|| panic!("{part} in {text}")).to_owned()
}
