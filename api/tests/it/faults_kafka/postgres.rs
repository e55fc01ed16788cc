//! PostgreSQL: its server processes, its sessions, its transactions.

use super::APART;
use super::trial::{SOON, Trial};
use crate::shop_under_load::shop::{Role, Servers, Shop};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::eventually;
use tokio::task::block_in_place;

/// How often each of these happens, one right after the other.
const TIMES: usize = 3;
/// How many commands succeed in between.
const BETWEEN: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_all_ways_postgres_keeps_what_was_told() {
    let servers = Servers::start();
    let shop = Shop::open(&servers, "postgres").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    trial.survives("one server process killed", kill_server_processes).await;
    trial
        .survives("all pooled connections ended", async |trial| {
            for _ in 0..TIMES {
                assert!(trial.end_sessions("true").await > 0);
                trial.orders_go_on(BETWEEN).await;
            }
        })
        .await;
    trial.survives("those who listen for NOTIFY ended", end_listeners).await;
    trial
        .survives("the postmaster killed", async |trial| {
            block_in_place(|| servers.postgres.kill());
            trial.clients_notice(BETWEEN).await;
            for role in [Role::Relay, Role::Projections, Role::Consumers] {
                trial.staff.member(role).unready().await;
            }
            block_in_place(|| servers.postgres.restart());
        })
        .await;
    trial
        .survives("stopped at once, again and again", async |trial| {
            for _ in 0..TIMES {
                block_in_place(|| {
                    servers.postgres.stop_immediate();
                    servers.postgres.restart();
                });
                trial.orders_go_on(BETWEEN).await;
            }
        })
        .await;
    trial.close().await;
}

/// PostgreSQL ends all other sessions when one of its processes dies, and recovers.
async fn kill_server_processes(trial: &mut Trial<'_>) {
    for (held, statement) in [
        ("SELECT FROM log_head FOR NO KEY UPDATE", "log_lock"),
        ("LOCK TABLE projection_checkpoints IN EXCLUSIVE MODE", "projection_checkpoints"),
        ("LOCK TABLE consumer_ledger IN EXCLUSIVE MODE", "consumer_ledger"),
    ] {
        // It is held up in the midst of its statement.
        let mut gate = trial.admin.begin().await.unwrap();
        sqlx::query(held).execute(&mut *gate).await.unwrap();
        let find = format!(
            "SELECT pid FROM pg_stat_activity
              WHERE datname = current_database() AND usename = 'orders_login' AND query LIKE '%{statement}%'
                AND state = 'active' AND wait_event_type = 'Lock' LIMIT 1"
        );
        let pid: i32 = eventually("somebody is at work there", SOON, async || {
            sqlx::query_scalar(&find).fetch_optional(&trial.admin).await.unwrap()
        })
        .await;
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        let survived = "the session that held it up is ended as all others are";
        eventually(survived, SOON, async || sqlx::query("SELECT").execute(&mut *gate).await.is_err()).await;
        drop(gate);
        recovered(trial).await;
        trial.orders_go_on(BETWEEN).await;
    }
}

/// Waits until PostgreSQL takes questions again.
async fn recovered(trial: &Trial<'_>) {
    eventually("PostgreSQL has recovered", SOON, async || sqlx::query("SELECT").execute(&trial.admin).await).await;
}

/// What a session has said last that listens.
const LISTENING: &str = "query LIKE 'LISTEN%'";
/// Or that was asked, after a silence, whether it still does. Others say the same.
const ASKED: &str = "query = 'SELECT 1' AND state = 'idle'";

/// Readers in other processes then learn of events by looking now and then.
async fn end_listeners(trial: &mut Trial<'_>) {
    // So that all have said last what tells them.
    trial.end_sessions(ASKED).await;
    for _ in 0..TIMES {
        all_listen(trial).await;
        assert!(trial.end_sessions(LISTENING).await >= LISTENERS);
        trial.orders_go_on(BETWEEN).await;
        let head = trial.head().await;
        trial.views_reach(head).await;
        trial.kafka_reaches(head).await;
    }
    all_listen(trial).await;
}

/// Each process, and the comparison, which reads the log as all do.
const LISTENERS: i64 = APART.len() as i64 + 1;

async fn all_listen(trial: &Trial<'_>) {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND usename = 'orders_login' AND {LISTENING}"
    );
    eventually("each process listens", SOON, async || {
        let listening: i64 = sqlx::query_scalar(&count).fetch_one(&trial.admin).await.unwrap();
        if listening >= LISTENERS { Ok(()) } else { Err(listening.to_string()) }
    })
    .await;
}
