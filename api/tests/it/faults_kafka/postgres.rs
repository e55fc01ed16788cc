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
    for of in ["query LIKE '%log_lock%'", "query LIKE '%projection_checkpoints%'", "query LIKE '%consumer_ledger%'"] {
        let find = format!(
            "SELECT pid FROM pg_stat_activity
              WHERE datname = current_database() AND usename = 'orders_login' AND {of} LIMIT 1"
        );
        let pid: i32 = eventually("somebody is at work there", SOON, async || {
            sqlx::query_scalar(&find).fetch_optional(&trial.admin).await.unwrap_or_default()
        })
        .await;
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        trial.orders_go_on(BETWEEN).await;
    }
}

/// What a session has said last that listens, or was asked whether it still does.
const LISTENING: &str = "(query LIKE 'LISTEN%' OR query = 'SELECT 1')";

/// Readers in other processes then learn of events by looking now and then.
async fn end_listeners(trial: &mut Trial<'_>) {
    for _ in 0..TIMES {
        eventually("each process listens", SOON, async || {
            let count = format!(
                "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND usename = 'orders_login' AND {LISTENING}"
            );
            let listening: i64 = sqlx::query_scalar(&count).fetch_one(&trial.admin).await.unwrap();
            // And the comparison, which reads the log as all do.
            if listening > 5 { Ok(()) } else { Err(listening.to_string()) }
        })
        .await;
        assert!(trial.end_sessions(LISTENING).await > 5);
        trial.orders_go_on(BETWEEN).await;
        let head = trial.head().await;
        trial.views_reach(head).await;
        trial.kafka_reaches(head).await;
    }
}
