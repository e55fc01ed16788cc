//! Everything in one process, with real servers in place of all that it would bring along; and what consumers could not
//! do, decided on by a person.

use super::client::Client;
use super::{BOUND, PLACED, ada_buys, newest_listed, serve, streamed};
use testkit::kafka::KafkaBroker;
use testkit::smtp::{Fault, Scripted, Step};
use testkit::{Db, Launch, Program, eventually};

/// A shop whose process is `orders serve`.
struct Shop {
    db: Db,
    mail: Scripted,
    prefix: String,
    program: Program,
    client: Client,
}

impl Shop {
    async fn open() -> Self {
        let (db, mail) = (Db::empty().await, Scripted::start());
        let prefix = format!("served{:08x}.", rand::random::<u32>());
        let owner = db.owner_url();
        let settings = [("MIGRATION_DATABASE_URL", &*owner), ("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>")];
        let (program, client) = serve(&db, &prefix, &mail, &settings).await;
        Self { db, mail, prefix, program, client }
    }

    /// The id of an order that was placed for that address.
    async fn place(&self, email: &str) -> String {
        let body = ada_buys(email, &[("TEA-GREEN", 2), ("CUP", 1)]);
        let placed = self.client.post("/v1/orders", &[], &body).await.is(201);
        let order = placed.json();
        assert_eq!(newest_listed(&self.client, &placed).await, order);
        order["id"].as_str().unwrap().to_owned()
    }

    /// How many mails to that address the server took.
    fn mails(&self, email: &str) -> usize {
        self.mail.received().iter().filter(|mail| mail.is_for(email)).count()
    }

    /// `orders parked ARGUMENTS`, which succeeds.
    async fn parked(&self, arguments: &[&str]) -> String {
        let parked = Launch::orders().arg("parked").args(arguments).env("DATABASE_URL", self.db.app_url());
        parked.run().await.succeeded()
    }

    /// `orders verify`, which finds nothing.
    async fn verify(&self) -> String {
        let verify = Launch::orders().arg("verify").env("DATABASE_URL", self.db.app_url());
        let verify = verify.env("KAFKA_BROKERS", KafkaBroker::shared().brokers());
        verify.env("ORDERS_KAFKA_PREFIX", &self.prefix).run().await.succeeded()
    }

    /// The item of an order, once it is listed as parked.
    async fn item_of(&self, order: &str) -> String {
        eventually("the order's mail is parked", BOUND, async || {
            let list = self.parked(&["list"]).await;
            let line = list.lines().find(|line| line.contains(order)).ok_or_else(|| list.clone())?;
            assert!(line.contains("parked") && line.contains("order_mail") && line.contains("550"), "{line}");
            line.split_whitespace().next().map(str::to_owned).ok_or_else(|| list.clone())
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_reaches_the_mailbox_or_is_parked_for_a_person() {
    let mut shop = Shop::open().await;
    let (ada, bob, eve) = ("ada@example.com", "bob@example.com", "eve@example.com");
    let order = shop.place(ada).await;
    let topic = format!("{}orders.events", shop.prefix);
    assert_eq!(streamed(&KafkaBroker::shared().brokers(), &topic, &order, &PLACED).await.len(), 3);
    eventually("the confirmation is sent", BOUND, async || shop.mails(ada) == 1).await;
    assert_eq!(shop.parked(&["list"]).await, "Nothing is parked.\n");

    for nobody in [bob, eve] {
        shop.mail.script(Fault::reply(Step::Recipient, 550, "5.1.1 no such mailbox").only_for(nobody));
    }
    let (bobs, eves) = (shop.place(bob).await, shop.place(eve).await);
    let (bobs, eves) = (shop.item_of(&bobs).await, shop.item_of(&eves).await);

    shop.mail.behave();
    assert_eq!(shop.parked(&["retry", &bobs]).await, format!("To be tried again: item {bobs}.\n"));
    eventually("the mail is sent after all", BOUND, async || shop.mails(bob) == 1).await;
    assert_eq!(shop.parked(&["discard", &eves]).await, format!("Discarded: item {eves}.\n"));
    eventually("nothing is parked", BOUND, async || {
        let list = shop.parked(&["list"]).await;
        if list == "Nothing is parked.\n" { Ok(()) } else { Err(list) }
    })
    .await;

    eventually("the offsets are committed, and all agrees", BOUND, async || {
        let verified = shop.verify().await;
        let all = "3 effects called for, each with its entry: 2 sent, 1 discarded";
        if verified.contains(all) { Ok(()) } else { Err(verified) }
    })
    .await;

    shop.program.sigterm();
    let status = shop.program.wait().await;
    assert!(status.success(), "{status}: {}", shop.program.output());
    assert_eq!([ada, bob, eve].map(|address| shop.mails(address)), [1, 1, 0]);
}
