//! What the how-tos add starts on a system with history, beside its writer: a second program joins, and nothing is
//! started again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use testkit::kafka::KafkaBroker;
use testkit::smtp::Scripted;
use testkit::{Db, Launch, Program, eventually};
use tokio::task::JoinHandle;

/// Longer than anything here takes, also on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

const PRODUCT: &str = r#"{"sku":"TEA","name":"Tea","price":{"amount":"12.50","currency":"USD"}}"#;
const ORDER: &str = r#"{"customer":{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com"},"shipping_address":{"address":"12 St James's Square","postal_code":"SW1Y 4JH","city":"London","country":"GB"},"items":[{"sku":"TEA","quantity":1}]}"#;
const PAYMENT: &str = r#"{"amount":{"amount":"12.50","currency":"USD"},"reference":"till-1"}"#;

/// A system of the program as it is here, whose database and Kafka another program joins.
struct System {
    db: Db,
    prefix: String,
    mail: Scripted,
    running: Vec<Program>,
    api: Api,
}

/// Where an API is, and who asks it.
#[derive(Clone)]
struct Api {
    address: String,
    key: String,
}

impl System {
    async fn start() -> Self {
        let (db, mail) = (Db::new().await, Scripted::start());
        let prefix = format!("beside{:08x}.", rand::random::<u32>());
        let scopes = ["orders:write", "orders:read", "staff"].map(|scope| ["--scope", scope]).concat();
        let create = Launch::orders().args(["keys", "create", "--name", "test"]).args(scopes);
        let key = create.env("DATABASE_URL", db.app_url()).run().await.succeeded().trim().to_owned();
        let mut system = Self { db, prefix, mail, running: Vec::new(), api: Api { address: String::new(), key } };
        let (api, address) = system.serves(Launch::orders()).await;
        system.api.address = address;
        let others = [vec!["relay"], vec!["projections", "run"], vec!["consumers", "run"]];
        let others = others.map(|arguments| system.joins(Launch::orders().args(arguments)).spawn());
        system.running = [api].into_iter().chain(others).collect();
        system.api.send("/v1/products", PRODUCT).await;
        system
    }

    /// An API of that program, and where it is.
    async fn serves(&self, program: Launch) -> (Program, String) {
        let mut api = self.joins(program.args(["api", "--listen", "127.0.0.1:0"])).spawn();
        let line = api.wait_for_line("serving the API").await;
        let address = line.split("address=").nth(1).and_then(|text| text.split_whitespace().next());
        (api, address.expect("an address").to_owned())
    }

    /// A program on this system's database and Kafka.
    fn joins(&self, program: Launch) -> Launch {
        program
            .env("DATABASE_URL", self.db.app_url())
            .env("KAFKA_BROKERS", KafkaBroker::shared().brokers())
            .env("ORDERS_KAFKA_PREFIX", &self.prefix)
            .env("SMTP_URL", self.mail.url())
    }

    /// Brings the database up to what that program needs.
    async fn migrate(&self, program: &Path) {
        let migrate = Launch::of(program).arg("migrate").env("MIGRATION_DATABASE_URL", self.db.owner_url());
        migrate.run().await.succeeded();
    }
}

impl Api {
    /// Has a command carried out; gives the resource.
    async fn send(&self, path: &str, body: &'static str) -> serde_json::Value {
        let post = reqwest::Client::new().post(format!("http://{}{path}", self.address));
        let post = post.bearer_auth(&self.key).header("content-type", "application/json");
        let answer = post.header("idempotency-key", format!("{:032x}", rand::random::<u128>())).body(body).send().await;
        let answer = answer.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a whole body"));
        assert!(status.is_success(), "{path} answered {status}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The totals by day, or why they are not to be had.
    async fn totals(&self) -> (u16, String) {
        let get = reqwest::Client::new().get(format!("http://{}/v1/totals?by=day", self.address));
        let answer = get.bearer_auth(&self.key).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a whole body"))
    }

    /// Waits until the totals hold so much.
    async fn totals_are(&self, revenue: &str) {
        eventually("the totals are served", BOUND, async || {
            let (status, text) = self.totals().await;
            if status == 200 && text.contains(revenue) { Ok(()) } else { Err(text) }
        })
        .await;
    }

    /// Places an order and pays it; gives its id.
    async fn paid_order(&self) -> String {
        let id = self.send("/v1/orders", ORDER).await["id"].as_str().expect("an id").to_owned();
        self.send(&format!("/v1/orders/{id}/payments"), PAYMENT).await;
        id
    }
}

/// The orders that earned points.
async fn earned(pool: &PgPool) -> Vec<String> {
    let earned = sqlx::query_scalar("SELECT order_id::text FROM loyalty_points ORDER BY 1");
    earned.fetch_all(pool).await.expect("the table is there")
}

/// How many orders the view counts in London.
async fn in_london(pool: &PgPool) -> i64 {
    let schema: Option<String> =
        sqlx::query_scalar("SELECT active_schema FROM projections WHERE name = 'orders_by_city'")
            .fetch_optional(pool)
            .await
            .expect("the registry");
    let Some(schema) = schema else { return 0 };
    let orders = format!("SELECT orders FROM {schema}.orders_by_city WHERE city = 'London'");
    sqlx::query_scalar(&orders).fetch_optional(pool).await.expect("the view").unwrap_or(0)
}

/// The program with what the how-tos add joins a system of the program without.
pub async fn starts_beside_a_writer(program: &Path) {
    let mut system = System::start().await;
    for _ in 0..2 {
        system.api.paid_order().await;
    }
    system.migrate(program).await;
    let added = [["projections", "run", "orders_by_city"], ["consumers", "run", "loyalty_points"]];
    let _added = added.map(|arguments| system.joins(Launch::of(program).args(arguments)).spawn());
    let pool = system.db.pool().await;
    eventually("the view has what came before", BOUND, async || in_london(&pool).await == 2).await;
    let known = "SELECT count(*) FROM consumer_groups WHERE consumer = 'loyalty_points'";
    eventually("the consumer has begun", BOUND, async || {
        sqlx::query_scalar::<_, i64>(known).fetch_one(&pool).await.expect("the groups") == 1
    })
    .await;

    let order = system.api.paid_order().await;
    eventually("the view has what came since", BOUND, async || in_london(&pool).await == 3).await;
    eventually("the order has its points", BOUND, async || !earned(&pool).await.is_empty()).await;
    assert_eq!(earned(&pool).await, [order], "what was paid from now on, and nothing before");
    let ended = system.running.iter_mut().filter_map(|program| program.has_ended().then(|| program.output()));
    assert_eq!(ended.collect::<Vec<_>>(), Vec::<String>::new(), "nobody was started again, and nobody ended");
}

/// Something that is done again and again until it is told to stop; says how often.
struct Again {
    stop: Arc<AtomicBool>,
    task: JoinHandle<u32>,
}

impl Again {
    fn and_again<F: Future<Output = ()> + Send + 'static>(mut deed: impl FnMut() -> F + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut times = 0;
            while !stopped.load(Ordering::Relaxed) {
                deed().await;
                times += 1;
            }
            times
        });
        Self { stop, task }
    }

    /// Reads the totals without a pause, and is never refused.
    fn reads(api: &Api) -> Self {
        let api = api.clone();
        Self::and_again(move || {
            let api = api.clone();
            async move {
                let (status, text) = api.totals().await;
                assert_eq!(status, 200, "{} refused: {text}", api.address);
            }
        })
    }

    async fn end(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("it was never refused")
    }
}

/// The program of a newer version of the totals builds them while the one that is here serves, and takes over by one
/// row. From then on both answer, each from its own version, also after a rollback and under load.
pub async fn takes_over_a_view(program: &Path) {
    let system = System::start().await;
    let old = &system.api;
    old.paid_order().await;
    old.totals_are("12.50").await;
    system.migrate(program).await;
    let (newer, older) = (system.joins(Launch::of(program)), system.joins(Launch::orders()));
    let newer = |arguments: &[&str]| newer.clone().arg("projections").args(arguments);
    let older = |arguments: &[&str]| older.clone().arg("projections").args(arguments);
    let built = newer(&["rebuild", "order_totals", "--no-promote"]).run().await.succeeded();
    assert!(built.starts_with("order_totals_v2_1 is built"), "{built}");
    let same = newer(&["diff", "order_totals"]).run().await.succeeded();
    assert!(same.contains("order_totals_v1_1 (version 1)") && same.contains("Every row says the same."), "{same}");

    let mut follows = newer(&["run", "order_totals"]).spawn();
    follows.wait_for_line("order_totals_v2_1 is of version 2 of order_totals").await;
    let (_api, address) = system.serves(Launch::of(program)).await;
    let new = Api { address, ..old.clone() };
    assert_eq!(new.totals().await.0, 503, "it is not let serve by itself");

    let reads_old = Again::reads(old);
    let orders = {
        let api = old.clone();
        Again::and_again(move || {
            let api = api.clone();
            async move { drop(api.paid_order().await) }
        })
    };
    newer(&["promote", "order_totals", "order_totals_v2_1"]).run().await.succeeded();
    eventually("the new program answers", BOUND, async || new.totals().await.0 == 200).await;
    let reads_new = Again::reads(&new);
    let pool = system.db.pool().await;
    let led = "SELECT until > clock_timestamp() FROM leases WHERE name = 'projection order_totals v2'";
    eventually("the new program follows it", BOUND, async || {
        sqlx::query_scalar::<_, bool>(led).fetch_one(&pool).await.expect("the lease")
    })
    .await;
    older(&["rollback", "order_totals"]).run().await.succeeded();
    newer(&["promote", "order_totals", "order_totals_v2_1"]).run().await.succeeded();
    let paid = 1 + orders.end().await;
    let revenue = format!("{}.{}", paid * 25 / 2, if paid % 2 == 0 { "00" } else { "50" });
    for api in [old, &new] {
        api.totals_are(&revenue).await;
    }
    assert!(reads_old.end().await > 0 && reads_new.end().await > 0);
}
