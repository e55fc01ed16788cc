//! SIGTERM while everybody is at work: nothing is cut off.

use super::trial::{SOON, Trial, script};
use super::{APART, scripted};
use crate::http_support::buys;
use crate::shop_under_load::shop::{Role, Shop};
use crate::shop_under_load::told::Asks;
use crate::shop_under_load::wire::{Ask, Awaited, Try, Wire};
use std::time::Duration;
use testkit::eventually;
use testkit::smtp::{Fault, Step};
use tokio::net::TcpStream;

/// How many orders an API has in hand when it is asked to end.
const IN_HAND: usize = 30;
/// How often it is asked; and at most, where a busy machine holds the lock for longer than one waits for it.
const TIMES: usize = 3;
const TIMES_AT_MOST: usize = 12;
/// How many commands succeed in between.
const BETWEEN: u64 = 20;
/// How long the mail server takes for each of so many mails.
const SLOW_MAIL: Duration = Duration::from_millis(700);
const SLOW_MAILS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_end_in_the_midst_of_work_nobody_is_cut_off() {
    let servers = scripted();
    let shop = Shop::open(&servers, "sigterm").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    trial
        .survives("SIGTERM to an API with orders in hand", async |trial| {
            let (mut times, mut done) = (0, 0);
            while times < TIMES || done == 0 {
                assert!(times < TIMES_AT_MOST, "nothing that was in hand was ever carried out");
                done += end_api(trial).await;
                times += 1;
                trial.orders_go_on(BETWEEN).await;
            }
        })
        .await;
    let effects = trial.survives("SIGTERM to relay, views and consumers at work", end_readers).await;
    assert_eq!(effects.unknown, 0, "no mail was cut off");
    trial.close().await;
}

/// The API ends; each of those whose request it had read is answered. Says for how many that was success.
async fn end_api(trial: &mut Trial<'_>) -> usize {
    let mut api = trial.staff.take(Role::Api(0));
    trial.load.turn_to(trial.staff.addresses());
    let wire = Wire::new(&trial.shop.token);
    // Somebody holds the log's lock, so that nothing can be answered.
    let mut gate = trial.admin.begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR NO KEY UPDATE").execute(&mut *gate).await.unwrap();
    let mut awaited: Vec<(usize, Awaited)> = Vec::new();
    for _ in 0..IN_HAND {
        let ask = order(trial);
        awaited.push((ask.place, wire.send_off(trial.shop.address(0), &ask).await));
    }
    eventually("all requests are read", SOON, async || awaited.iter().all(|(_, awaited)| awaited.is_read())).await;
    api.program.sigterm();
    api.program.wait_for_line("stopping").await;
    let address = trial.shop.address(0);
    eventually("nobody listens any more", SOON, async || TcpStream::connect(address).await.is_err()).await;
    gate.rollback().await.unwrap();
    let mut done = 0;
    for (place, awaited) in awaited {
        let outcome = awaited.answer().await;
        trial.told.hear(place, &outcome);
        // On a busy machine the lock was held for longer than one waits for it.
        assert!(matches!(outcome, Try::Done(..) | Try::NotNow), "cut off: {outcome:?}");
        done += usize::from(matches!(outcome, Try::Done(..)));
    }
    api.ends().await;
    trial.staff.hire(Role::Api(0));
    trial.staff.ready().await;
    trial.load.turn_to(trial.staff.addresses());
    done
}

fn order(trial: &Trial<'_>) -> Ask {
    let id = format!("{}in_hand{}", trial.shop.prefix, trial.told.client());
    let place = trial.told.note(id.clone(), Asks::Order { lines: 1 });
    trial.told.update(place, |intent| intent.open_tries += 1);
    let body = buys(&format!("{id}@example.com"), &[("TEA", 1)]);
    Ask { place, id, path: "/v1/orders".to_owned(), body, key: None, if_match: None }
}

/// Each ends with what it had in hand done, and another one goes on.
async fn end_readers(trial: &mut Trial<'_>) {
    script(trial).script(Fault::delay(Step::EndOfData, SLOW_MAIL).times(SLOW_MAILS));
    for role in [Role::Consumers, Role::Relay, Role::Projections, Role::Consumers] {
        trial.orders_go_on(BETWEEN).await;
        if role == Role::Consumers {
            eventually("mails are on their way", SOON, async || trial.entries("sending").await >= 3).await;
        }
        let mut old = trial.staff.take(role);
        old.program.sigterm();
        old.ends().await;
        trial.staff.hire(role);
    }
}
