//! A shop whose system has something to look at, and to do.

use crate::goods::support::{Goods, Staff};
use crate::http_support::BOUND;
use chrono::{TimeDelta, Utc};
use commands::schedule::NewJob;
use commands::{Clock, Schedule};
use serde_json::json;
use testkit::eventually;

pub struct System {
    pub goods: Goods,
}

impl System {
    /// With two orders whose mails are parked, a group that was started, and a job.
    pub async fn open() -> Self {
        let goods = Goods::open().await;
        goods.product("TEA", "12.50").await;
        let system = Self { goods };
        for _ in 0..2 {
            system.order().await;
        }
        system.park("RCPT TO: 550 5.1.1 mailbox unavailable").await;
        system
            .execute(
                "INSERT INTO consumer_groups (consumer, started_after, finished_up_to, kafka_prefix, partitions)
                 VALUES ('order_mail', 0, 0, '', 2) ON CONFLICT (consumer) DO UPDATE SET kafka_prefix = '', partitions = 2",
            )
            .await;
        system
            .execute(
                "INSERT INTO consumer_progress (consumer, topic, partition, position, log_offset, changed_at)
                 SELECT 'order_mail', 'orders.events', partition, (SELECT max(position) FROM events), 7, now()
                   FROM generate_series(0, 1) AS partition",
            )
            .await;
        let schedule = Schedule::new(system.goods.pool.clone(), Clock::system());
        let run_at = Utc::now() + TimeDelta::days(1);
        let job = NewJob { task: "letter", key: "a", payload: json!({}), run_at };
        assert!(schedule.put(&job).await.unwrap());
        system
    }

    pub async fn order(&self) -> u64 {
        let placed = self.goods.instance.place(&[("TEA", 1)]).await;
        self.goods.caught_up(placed.position()).await;
        placed.position()
    }

    /// Parks the confirmation of each order that is not in the ledger yet.
    pub async fn park(&self, reason: &str) {
        self.execute(&format!(
            "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                                          event_type, state, due_at, attempts, tries, reason, noted_at, changed_at)
             SELECT 'order_mail', event_id, (payload #>> '{{OrderPlaced,customer,subject_id}}')::uuid, 'order', aggregate_id,
                    sequence, position, event_type, 'parked', 'infinity', 3, 3, '{reason}', now(), now()
               FROM events WHERE event_type = 'OrderPlaced' ORDER BY position
             ON CONFLICT ON CONSTRAINT consumer_ledger_cause DO NOTHING"
        ))
        .await;
    }

    pub async fn execute(&self, sql: &str) {
        sqlx::query(sql).execute(&self.goods.shop.db.superuser_pool().await).await.unwrap();
    }

    /// The state of each entry of the ledger, in order.
    pub async fn states(&self) -> Vec<String> {
        let ask = sqlx::query_scalar("SELECT state FROM consumer_ledger ORDER BY id");
        ask.fetch_all(&self.goods.pool).await.unwrap()
    }

    /// What was written down of what operators did and had done, the oldest first: action, target, count.
    pub async fn actions(&self) -> Vec<(String, String, Option<i64>)> {
        let ask =
            sqlx::query_as("SELECT action, target, affected FROM operator_actions WHERE outcome = 'done' ORDER BY id");
        ask.fetch_all(&self.goods.pool).await.unwrap()
    }

    /// What was refused of it, the oldest first: action, target, why.
    pub async fn refused(&self) -> Vec<(String, String, Option<String>)> {
        let ask = "SELECT action, target, detail FROM operator_actions WHERE outcome = 'refused' ORDER BY id";
        sqlx::query_as(ask).fetch_all(&self.goods.pool).await.unwrap()
    }

    /// The state of each build of a view, in order.
    pub async fn builds(&self, view: &str) -> Vec<(String, String)> {
        let ask = sqlx::query_as(
            "SELECT schema_name, state FROM projection_builds WHERE projection = $1 ORDER BY version, build",
        );
        ask.bind(view).fetch_all(&self.goods.pool).await.unwrap()
    }

    /// Waits until a view's newest build is in this state.
    pub async fn built(&self, view: &str, state: &str) -> String {
        eventually("the build is there", BOUND, async || {
            let builds = self.builds(view).await;
            match builds.last() {
                Some((name, found)) if found == state => Ok(name.clone()),
                _ => Err(format!("{builds:?}")),
            }
        })
        .await
    }
}

/// The address that asks about a deed.
pub fn ask(deed: &str) -> String {
    format!("/ops/ask/?do={}", form_urlencoded::byte_serialize(deed.as_bytes()).collect::<String>())
}

/// Does something, and says what the page that follows tells.
pub async fn done(staff: &Staff<'_>, fields: &[(&str, &str)]) -> String {
    let page = staff.done("/ops/", fields).await;
    let (_, rest) = page.text.split_once("<div class=\"admin-notice").expect("a notice");
    rest.split_once("</div>").unwrap().0.to_owned()
}
