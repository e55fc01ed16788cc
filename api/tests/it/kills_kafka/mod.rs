//! The program is killed at its failpoints again and again, under load, on real servers, and started again each time. What
//! clients were told is compared with the log, with Kafka and with the mailboxes.
//!
//! How many kills, and a seed to run again, are told by `TESTKIT_KILLS` and `TESTKIT_KILLS_SEED`: see `docs/ARCHITECTURE.md`.

mod audit;
mod crew;
mod deck;
mod effects;
mod load;
mod shop;
mod tally;
mod told;
mod wire;

use audit::Audit;
use crew::Crew;
use deck::Decks;
use load::Load;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shop::{Servers, Shop};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tally::Tally;
use tokio::runtime::Runtime;

/// How many processes are killed, unless `TESTKIT_KILLS` says otherwise.
const KILLS: usize = 100;
/// How many shops there are side by side: a consumer that was killed keeps its group waiting for ten seconds, in which the
/// others have the machine.
const SHOPS: usize = 6;
/// How many clients come to each.
const CLIENTS: usize = 5;
/// After so many kills a shop is stopped in order, and goes on in another shape.
const KILLS_PER_SHAPE: usize = 8;
/// How often processes are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[test]
fn killed_at_any_failpoint_it_keeps_what_it_promised() {
    let kills = number("TESTKIT_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = number("TESTKIT_KILLS_SEED").unwrap_or_else(rand::random);
    // Shown with a failure.
    println!("to run this again: TESTKIT_KILLS={kills} TESTKIT_KILLS_SEED={seed} cargo test -p api kills_kafka");
    let begun = Instant::now();
    let (servers, left) = (Servers::start(), AtomicUsize::new(kills));
    let mut seeds = StdRng::seed_from_u64(seed);
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let shops: Vec<_> = (0..SHOPS)
            .map(|number| {
                let (seed, servers, left) = (seeds.random(), &servers, &left);
                scope.spawn(move || Runtime::new().unwrap().block_on(run(servers, number, seed, left)))
            })
            .collect();
        for shop in shops {
            tally.add(shop.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    println!("{tally}\nin {:.0?}", begun.elapsed());
    assert!(tally.kills() >= kills);
    assert!(kills < KILLS || tally.missed().is_empty(), "nothing was killed at {:?}", tally.missed());
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// One shop, whose processes are killed until no kills are left.
async fn run(servers: &Servers, number: usize, seed: u64, left: &AtomicUsize) -> Tally {
    let mut rng = StdRng::seed_from_u64(seed);
    let shop = Shop::open(servers, number).await;
    let (mut decks, mut tally) = (Decks::new(rng.random()), Tally::default());
    let mut audit = Audit::open(&shop.db).await;
    let mut load = Load::start(&shop, CLIENTS, rng.random());
    // Shops begin in different shapes, so that a short run has all of them.
    let mut shape = number;
    while left.load(Ordering::Relaxed) > 0 {
        let mut crew = Crew::start(&shop, shape, &mut decks);
        load.turn_to(crew.ports().into_iter().map(|port| shop.address(port)).collect());
        let mut killed = 0;
        while killed < KILLS_PER_SHAPE && left.load(Ordering::Relaxed) > 0 {
            let now = crew.look_after(&mut decks, &mut tally).await;
            load.check();
            if now > 0 {
                audit.compare(load.told()).await;
                let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(now)));
                killed += now;
            }
            tally.outage(load.since_last_success());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        crew.stop(&mut tally).await;
        shape = rng.random_range(0..usize::MAX);
    }
    finish(servers, &shop, load, audit, tally).await
}

/// Lets the shop come to rest with nothing killed any more, and compares everything.
async fn finish(servers: &Servers, shop: &Shop, mut load: Load, mut audit: Audit, mut tally: Tally) -> Tally {
    let superuser = shop.db.superuser_pool().await;
    effects::let_leases_run_out(&superuser).await;
    let crew = Crew::unharmed(shop);
    load.turn_to(crew.ports().into_iter().map(|port| shop.address(port)).collect());
    tokio::time::timeout(shop::BOUND, load.close()).await.expect("every client is told what it wants to know");
    audit.compare_finally(load.told(), &mut tally).await;
    let events = audit.order_events();
    effects::streamed_once(shop, &events).await;
    effects::mailed_once(shop, &superuser, &servers.mail, &events, &mut tally).await;
    crew.stop(&mut tally).await;
    tally
}
