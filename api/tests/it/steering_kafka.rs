//! The program is killed while it does what operators ordered, or while it publishes what was parked: each step is
//! repeated, and no effect is lost or doubled.

use crate::http_support::buys;
use crate::shop_under_load::shop::{BOUND, Post, Role, Servers, Shop};
use crate::shop_under_load::staff::Staff;
use crate::walk::client::Client;
use api::failpoints;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use testkit::eventually;
use testkit::kafka::{KafkaBroker, read_topic};
use testkit::postgres::PostgresServer;
use testkit::smtp::{Fault, Scripted, Step};

const SIGKILL: i32 = 9;
const ORDERS: usize = 30;

/// A shop whose orders are placed and published; its consumers are started by the test.
struct Scene {
    servers: Servers,
    shop: Shop,
    superuser: PgPool,
}

impl Scene {
    async fn open(name: &str) -> Self {
        let (postgres, kafka) = (PostgresServer::start(), KafkaBroker::shared().clone());
        let servers = Servers { postgres, kafka, mail: Post::Scripted(Scripted::start()) };
        let shop = Shop::open(&servers, name).await;
        let superuser = shop.db.superuser_pool().await;
        Self { servers, shop, superuser }
    }

    fn mail(&self) -> &Scripted {
        let Post::Scripted(server) = &self.servers.mail else { panic!("it was made so") };
        server
    }

    async fn place(&self, emails: impl Iterator<Item = String>) {
        let client = Client::new(&self.shop.address(0).to_string(), &self.shop.token);
        for email in emails {
            let key = format!("place-{email}");
            let order = buys(&email, &[("TEA", 1)]);
            client.post("/v1/orders", &[("idempotency-key", &key)], &order).await.is(201);
        }
    }

    async fn count(&self, what: &str) -> i64 {
        sqlx::query_scalar(&format!("SELECT count(*) FROM {what}")).fetch_one(&self.superuser).await.unwrap()
    }

    async fn until(&self, count: usize, what: &str) {
        let wanted = i64::try_from(count).unwrap();
        eventually(&format!("there are {count} of {what}"), BOUND, async || {
            let found = self.count(what).await;
            if found == wanted { Ok(()) } else { Err(found) }
        })
        .await;
    }

    /// Runs consumers that kill themselves there, and waits until they have.
    async fn killed_at(&self, failpoint: &str, nth: u32) {
        let launch = self.shop.launch(Role::Consumers).env(failpoints::VARIABLE, format!("{failpoint}:{nth}"));
        let mut doomed = launch.spawn();
        eventually(&format!("it is killed at {failpoint}"), BOUND, async || doomed.has_ended()).await;
        let status = doomed.wait().await;
        assert_eq!(status.signal(), Some(SIGKILL), "{status}:\n{}", doomed.output());
    }
}

const SENT: &str = "consumer_ledger WHERE consumer = 'order_mail' AND state = 'sent'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_goes_back_a_group_skips_nothing_and_sends_nothing_twice() {
    let scene = Scene::open("back").await;
    let mut staff = Staff::start(&scene.shop, &[Role::Api(0), Role::Relay, Role::Consumers]);
    staff.ready().await;
    scene.place((0..ORDERS).map(|number| format!("ada{number}@example.com"))).await;
    scene.until(ORDERS, SENT).await;
    let mut mails = ORDERS;
    for failpoint in ["offset_commit.before", "offset_commit.after"] {
        let mut consumers = staff.take(Role::Consumers);
        consumers.program.sigterm();
        consumers.ends().await;
        // What the ledger does not know is acted on when it is handed over again: so it shows that it was.
        let forgotten = "DELETE FROM consumer_ledger WHERE consumer = 'order_mail' AND id % 3 = 0";
        let forgotten = sqlx::query(forgotten).execute(&scene.superuser).await.unwrap().rows_affected();
        let rewind = ["consumers", "rewind", "order_mail", "--to-position", "0", "--yes"];
        scene.shop.orders(&rewind).run().await.succeeded();
        scene.until(3, "consumer_rewinds").await;
        scene.killed_at(failpoint, 1).await;
        scene.until(3, "consumer_rewinds").await;

        staff.hire(Role::Consumers);
        scene.until(0, "consumer_rewinds").await;
        scene.until(ORDERS, SENT).await;
        mails += usize::try_from(forgotten).unwrap();
        assert_eq!(scene.mail().attempts().len(), mails, "after {failpoint}");
    }
    let ids: BTreeSet<_> = scene.mail().attempts().iter().map(|attempt| attempt.mail.message_id().unwrap()).collect();
    assert_eq!(ids.len(), ORDERS);
    staff.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_publishing_a_letter_and_noting_that_it_repeats_that_one_alone() {
    let scene = Scene::open("letters").await;
    let mut staff = Staff::start(&scene.shop, &[Role::Api(0), Role::Relay, Role::Consumers]);
    staff.ready().await;
    scene.mail().script(Fault::reply(Step::Recipient, 550, "mailbox unavailable"));
    scene.place((0..4).map(|number| format!("zoe{number}@example.com"))).await;
    scene.until(4, "consumer_ledger WHERE consumer = 'order_mail' AND state = 'parked'").await;
    scene.until(0, "consumer_letters").await;
    let mut consumers = staff.take(Role::Consumers);
    consumers.program.sigterm();
    consumers.ends().await;
    // As if each were parked once more, and nobody published that.
    let again = sqlx::query(
        "INSERT INTO consumer_letters (consumer, parked_at, entry_id, attempts, reason, due_at)
         SELECT consumer, changed_at + interval '1 s', id, attempts, reason, now() FROM consumer_ledger
          WHERE state = 'parked'",
    );
    assert_eq!(again.execute(&scene.superuser).await.unwrap().rows_affected(), 4);
    scene.killed_at("letter.after", 2).await;
    scene.until(3, "consumer_letters").await;
    // Its claim runs out.
    let over = sqlx::query("UPDATE consumer_letters SET due_at = now() WHERE owner IS NOT NULL");
    assert_eq!(over.execute(&scene.superuser).await.unwrap().rows_affected(), 1);
    staff.hire(Role::Consumers);
    scene.until(0, "consumer_letters").await;
    let topic = format!("{}orders.dead-letters", scene.shop.prefix);
    let letters = read_topic(&scene.servers.kafka.brokers(), &topic).await.unwrap();
    let mut parkings: BTreeMap<(String, String), usize> = BTreeMap::new();
    for letter in &letters {
        let header = |name| letter.header(name).unwrap().to_owned();
        *parkings.entry((header("deadletter_item"), header("deadletter_parkedtime"))).or_default() += 1;
    }
    let mut copies: Vec<usize> = parkings.into_values().collect();
    copies.sort_unstable();
    assert_eq!(copies, [1, 1, 1, 1, 1, 1, 1, 2], "one was published, and not noted");
    staff.stop().await;
}
