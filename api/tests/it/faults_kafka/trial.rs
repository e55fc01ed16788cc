//! One shop, and the faults that pass over it.

use super::seed;
use crate::shop_under_load::audit::Audit;
use crate::shop_under_load::effects;
use crate::shop_under_load::figures::{Effects, Figures};
use crate::shop_under_load::load::Load;
use crate::shop_under_load::shop::{Post, Role, Servers, Shop};
use crate::shop_under_load::staff::Staff;
use crate::shop_under_load::told::Told;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::eventually;
use testkit::smtp::Scripted;

/// Longer than any step takes, also on a busy machine.
pub const SOON: Duration = Duration::from_secs(300);

/// How many clients come, and how many where they have a long time.
const CLIENTS: usize = 3;
const FEW_CLIENTS: usize = 2;
/// How many commands succeed before a fault, and after it.
const BEFORE: u64 = 15;
const AFTER: u64 = 25;

/// A shop that is open for the length of a test. Clients come for each fault anew.
pub struct Trial<'a> {
    pub servers: &'a Servers,
    pub shop: &'a Shop,
    pub staff: Staff<'a>,
    pub admin: PgPool,
    pub told: Arc<Told>,
    pub load: Load,
    clients: usize,
    audit: Audit,
    rng: StdRng,
    taking_orders: Vec<Role>,
}

impl<'a> Trial<'a> {
    /// Starts the processes of a shop.
    pub async fn open(servers: &'a Servers, shop: &'a Shop, roles: &[Role]) -> Self {
        let mut rng = StdRng::seed_from_u64(seed());
        let told = Arc::new(Told::default());
        let mut staff = Staff::start(shop, roles);
        staff.ready().await;
        Self {
            servers,
            shop,
            staff,
            admin: shop.db.superuser_pool().await,
            load: Load::start(shop, &told, 0, rng.random()),
            told,
            clients: CLIENTS,
            audit: Audit::open(&shop.db).await,
            rng,
            taking_orders: roles.iter().copied().filter(|role| role.port().is_some()).collect(),
        }
    }

    /// For a long fault: what comes of it is to be compared in a short time.
    pub fn with_few_clients(self) -> Self {
        Self { clients: FEW_CLIENTS, ..self }
    }

    /// Lets a fault happen in the midst of business, lets business go on, and compares everything. Gives what became of
    /// mails so far.
    pub async fn survives(&mut self, fault: &str, happens: impl AsyncFnOnce(&mut Self)) -> Effects {
        let begun = Instant::now();
        self.clients_come().await;
        happens(self).await;
        self.staff.ready().await;
        self.orders_go_on(AFTER).await;
        self.clients_leave().await;
        let left = begun.elapsed();
        let figures = self.compare().await;
        self.shop.verify().await;
        self.open_again();
        println!("{}{fault}: {left:.1?}, compared in {:.1?}; {figures}", self.shop.prefix, begun.elapsed() - left);
        figures.effects
    }

    /// Lets clients come, and business begin.
    pub async fn clients_come(&mut self) {
        self.load = Load::start(self.shop, &self.told, self.clients, self.rng.random());
        self.load.turn_to(self.staff.addresses());
        self.orders_go_on(BEFORE).await;
    }

    /// Waits until each client was told what it wants to know; ends all who take commands, so that nothing is written
    /// any more.
    pub async fn clients_leave(&mut self) {
        tokio::time::timeout(SOON, self.load.close()).await.expect("every client is told what it wants to know");
        self.staff.check();
        self.staff.close().await;
    }

    /// Starts those again who take commands.
    pub fn open_again(&mut self) {
        for role in &self.taking_orders {
            self.staff.hire(*role);
        }
    }

    /// Compares what clients were told with the log, and the log with Kafka and the mailboxes, once the others have
    /// caught up.
    pub async fn compare(&mut self) -> Figures {
        let mut figures = Figures::default();
        self.audit.compare_finally(&self.told, &mut figures).await;
        let events = self.audit.order_events();
        effects::streamed_once(self.shop, &events).await;
        figures.effects = effects::mailed_once(self.shop, &self.admin, &self.servers.mail, &events).await;
        let head = self.head().await;
        self.views_reach(head).await;
        figures
    }

    /// Ends everything, in order.
    pub async fn close(mut self) {
        self.staff.ready().await;
        self.staff.stop().await;
        self.admin.close().await;
    }

    /// Waits until so many more commands have succeeded.
    pub async fn orders_go_on(&mut self, more: u64) {
        let before = self.load.successes();
        eventually("orders are taken", SOON, async || {
            self.load.check();
            self.staff.check();
            let now = self.load.successes() - before;
            if now >= more { Ok(()) } else { Err(format!("{now} of {more}")) }
        })
        .await;
    }

    /// Waits until so many more requests were in vain.
    pub async fn clients_notice(&mut self, more: u64) {
        let before = self.load.failures();
        eventually("clients notice", SOON, async || {
            self.load.check();
            let now = self.load.failures() - before;
            if now >= more { Ok(()) } else { Err(format!("{now} of {more}")) }
        })
        .await;
    }

    /// Where the log ends.
    pub async fn head(&self) -> i64 {
        self.shop.head(&self.admin).await
    }

    /// How far each view is.
    pub async fn views(&self) -> Vec<(String, i64)> {
        self.shop.views(&self.admin).await
    }

    /// Waits until every view holds all up to a position.
    pub async fn views_reach(&self, position: i64) {
        self.shop.views_reach(&self.admin, position).await;
    }

    /// Waits until Kafka holds all events of orders up to a position.
    pub async fn kafka_reaches(&self, position: i64) {
        eventually("Kafka holds it", SOON, async || {
            let records = self.shop.records().await;
            let last = records.iter().filter_map(|record| record.header("ce_position")?.parse::<i64>().ok()).max();
            let of_orders = "SELECT max(position) FROM events WHERE aggregate_type = 'order' AND position <= $1";
            let wanted: Option<i64> =
                sqlx::query_scalar(of_orders).bind(position).fetch_one(&self.admin).await.unwrap();
            if last >= wanted { Ok(()) } else { Err(format!("{last:?}, {wanted:?}")) }
        })
        .await;
    }

    /// Waits until the consumers have nothing more to do for events up to a position.
    pub async fn mails_reach(&self, position: i64) {
        eventually("the consumers have done with it", SOON, async || {
            let left: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM events WHERE event_type IN ('OrderPlaced', 'OrderPaid') AND position <= $1
                    AND NOT EXISTS (SELECT FROM consumer_ledger AS entry
                         WHERE entry.event_id = events.event_id AND state IN ('sent', 'unknown', 'parked', 'discarded'))",
            )
            .bind(position)
            .fetch_one(&self.admin)
            .await
            .unwrap();
            if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
        })
        .await;
    }

    /// How many entries the ledger has of a state.
    pub async fn entries(&self, state: &str) -> i64 {
        let count = "SELECT count(*) FROM consumer_ledger WHERE state = $1";
        sqlx::query_scalar(count).bind(state).fetch_one(&self.admin).await.unwrap()
    }

    /// Ends the sessions of the shop's processes of which this holds; says how many.
    pub async fn end_sessions(&self, which: &str) -> i64 {
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE datname = current_database() AND usename = 'orders_login' AND {which}"
        );
        sqlx::query_scalar(&end).fetch_one(&self.admin).await.unwrap()
    }
}

/// The mail server that fails to order.
pub fn script<'a>(trial: &Trial<'a>) -> &'a Scripted {
    match &trial.servers.mail {
        Post::Scripted(server) => server,
        Post::Real(_) => panic!("the mail server of this shop does not fail to order"),
    }
}
