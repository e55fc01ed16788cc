//! The program is killed at its failpoints again and again, under load, on real servers, and started again each time.
//! What clients were told is compared with the log, with Kafka and with the mailboxes.
//!
//! How many kills, and a seed to run again, are told by `TESTKIT_KILLS` and `TESTKIT_KILLS_SEED`: see
//! `docs/ARCHITECTURE.md`.

mod crew;
mod deck;
mod tally;

use crate::shop_under_load::audit::Audit;
use crate::shop_under_load::effects;
use crate::shop_under_load::load::Load;
use crate::shop_under_load::shop::{BOUND, Role, Servers, Shop};
use crate::shop_under_load::staff::Staff;
use crate::shop_under_load::told::Told;
use api::failpoints;
use crew::{Crew, SHAPES};
use deck::Decks;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tally::Tally;
use tokio::runtime::Runtime;

/// How many processes are killed, unless `TESTKIT_KILLS` says otherwise.
const KILLS: usize = 100;
/// How many shops there are side by side, each beginning in a shape of its own: a consumer that was killed keeps its
/// group waiting for ten seconds, in which the others have the machine.
const SHOPS: usize = SHAPES.len();
/// How many of them begin with the one process that comes by every failpoint: together they begin with all of these.
const WHOLE_SHOPS: usize = SHOPS - 2;
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
    let servers = Servers::start();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut points: Vec<&'static str> = on_the_walk().collect();
    points.shuffle(&mut rng);
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let shops: Vec<_> = (0..SHOPS)
            .map(|number| {
                let mut first = points.clone();
                first.rotate_left(number % WHOLE_SHOPS * points.len() / WHOLE_SHOPS);
                let plan = Plan { number, first, kills: kills.div_ceil(SHOPS), seed: rng.random() };
                let servers = &servers;
                scope.spawn(move || Runtime::new().unwrap().block_on(run(servers, plan)))
            })
            .collect();
        for shop in shops {
            tally.add(shop.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    println!("{tally}\nin {:.0?}", begun.elapsed());
    assert!(tally.kills() >= kills);
    let effects = &tally.figures.effects;
    assert!(effects.sent > effects.unknown, "most mails are known to be sent: {effects:?}");
    assert!(kills < KILLS || tally.missed().is_empty(), "nothing was killed at {:?}", tally.missed());
}

/// What no order comes by that goes well, and is left alone by operators: it has tests of its own.
const ASIDE: [&str; 3] = ["promotion_commit.", "letter.", "offset_commit."];

/// The failpoints that orders come by under load.
fn on_the_walk() -> impl Iterator<Item = &'static str> {
    failpoints::NAMES.into_iter().filter(|name| !ASIDE.iter().any(|aside| name.starts_with(aside)))
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// What becomes of one shop.
struct Plan {
    number: usize,
    /// The order in which its processes are killed at failpoints at first.
    first: Vec<&'static str>,
    kills: usize,
    seed: u64,
}

/// One shop, whose processes are killed so often.
async fn run(servers: &Servers, plan: Plan) -> Tally {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let shop = Shop::open(servers, &format!("kills{}.", plan.number)).await;
    let (mut decks, mut tally) = (Decks::new(plan.first, rng.random()), Tally::default());
    let mut audit = Audit::open(&shop.db).await;
    let mut load = Load::start(&shop, &Arc::new(Told::default()), CLIENTS, rng.random());
    let (mut shape, opened) = (plan.number, Instant::now());
    while tally.kills() < plan.kills {
        let mut crew = Crew::start(&shop, SHAPES[shape], &mut decks);
        let begun = Instant::now();
        load.turn_to(crew.ports().into_iter().map(|port| shop.address(port)).collect());
        let mut killed = 0;
        while killed < KILLS_PER_SHAPE && tally.kills() < plan.kills {
            let now = crew.look_after(&mut decks, &mut tally).await;
            load.check();
            if now > 0 {
                audit.compare(load.told()).await;
                killed += now;
            }
            tally.outage(load.since_last_success().min(begun.elapsed()));
            tokio::time::sleep(LOOK_EVERY).await;
        }
        crew.stop(&mut tally).await;
        println!("{}: {} of {} kills in {:.0?}", shop.prefix, tally.kills(), plan.kills, opened.elapsed());
        shape = rng.random_range(0..SHAPES.len());
    }
    finish(servers, &shop, load, audit, tally).await
}

/// Lets the shop come to rest with nothing killed any more, and compares everything.
async fn finish(servers: &Servers, shop: &Shop, mut load: Load, mut audit: Audit, mut tally: Tally) -> Tally {
    let superuser = shop.db.superuser_pool().await;
    effects::let_leases_run_out(&superuser).await;
    let mut staff = Staff::start(shop, &[Role::Serve]);
    load.turn_to(staff.addresses());
    tokio::time::timeout(BOUND, load.close()).await.expect("every client is told what it wants to know");
    audit.compare_finally(load.told(), &mut tally.figures).await;
    let events = audit.order_events();
    effects::streamed_once(shop, &events).await;
    tally.figures.effects = effects::mailed_once(shop, &superuser, &servers.mail, &events).await;
    tally.explains_unknown_mails();
    // The verification compares views as far as they are.
    staff.ready().await;
    shop.views_reach(&superuser, shop.head(&superuser).await).await;
    shop.verify().await;
    staff.stop().await;
    println!("{}: all is well", shop.prefix);
    tally
}
