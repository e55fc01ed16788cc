//! Appending while somebody keeps a snapshot open, as an export or a backup does.

use super::rotation;
use crate::bench::Bench;
use crate::contenders::{Contender, Keys, Ours, Turn, checkpoint};
use crate::load::Plan;
use crate::report::Figure;
use crate::shop::Shop;
use sqlx::{Connection, Executor, PgConnection};
use std::time::Duration;

const CONNECTIONS: usize = 16;
const OPEN_FOR: Duration = Duration::from_secs(60);
/// Each takes more than two minutes. An even number, so that each side comes first as often as the other.
const ROUNDS_AT_MOST: u32 = 2;

pub async fn measure(bench: &mut Bench) {
    let (server, orders, turn) = (bench.postgres(), bench.orders.clone(), bench.options.turn());
    let open_for = if bench.options.quick { Duration::from_secs(3) } else { OPEN_FOR };
    let shop = Shop::open(&server, &orders).await;
    let url = shop.db.owner_url();
    let mut ours = Contender::Ours(Ours::start(shop, Keys::Without).await);
    // The end of its time is what is measured: a slowing down would show there. The same without a snapshot: so much
    // load is felt by itself.
    let plan = Plan { connections: CONNECTIONS, warm_up: open_for.saturating_sub(turn), measured: turn };
    let (mut closed, mut open) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds().min(ROUNDS_AT_MOST) {
        for nth in rotation(round, 2) {
            checkpoint(&server).await;
            if nth == 0 {
                eprintln!("  round {round}: {} s without a snapshot", plan.whole().as_secs());
                closed.push(ours.turn(plan).await);
            } else {
                eprintln!("  round {round}: {} s with a snapshot open", plan.whole().as_secs());
                let mut reader = PgConnection::connect(&url).await.expect("the server answers");
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("a transaction");
                reader.execute("SELECT count(*) FROM log_head").await.expect("a snapshot");
                open.push(ours.turn(plan).await);
                reader.execute("COMMIT").await.expect("it was open until now");
            }
        }
    }
    ours.check().await;
    ours.end().await;
    let p50 = |turns: &[Turn]| turns.iter().map(|turn| turn.p50).collect::<Vec<_>>();
    let ratio = p50(&open).iter().zip(p50(&closed)).map(|(open, closed)| open / closed).collect();
    bench.found(Figure::new("snapshot", "append p50 without an open snapshot", "ms", p50(&closed)));
    bench.found(Figure::new("snapshot", "append p50 while a snapshot is open for 60 s", "ms", p50(&open)));
    bench.found(Figure::new("snapshot", "append p50, snapshot open / without", "×", ratio).at_most(1.1));
}
