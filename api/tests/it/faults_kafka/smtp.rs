//! A mail server that fails at each step of the dialogue, in each way.

use super::trial::{SOON, Trial, script};
use super::{APART, scripted};
use crate::shop_under_load::shop::Shop;
use testkit::eventually;
use testkit::smtp::{Fault, Step};

const STEPS: [Step; 6] = [Step::Connect, Step::Hello, Step::Sender, Step::Recipient, Step::Data, Step::EndOfData];
const CODES: [u16; 3] = [421, 450, 550];

/// Where a 550 is about a mail, and not about the server as a whole.
const REFUSED_FOR_GOOD: i64 = 4;
/// A silence and a cut after the message.
const UNKNOWN: i64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_mail_server_does_each_mail_is_sent_once_parked_or_known_as_unknown() {
    let servers = scripted();
    let shop = Shop::open(&servers, "smtp").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    let effects = trial.survives("421, 450, 550 and a cut at each step, silence after the message", each_fault).await;
    assert_eq!(effects.unknown, usize::try_from(UNKNOWN).unwrap(), "no other fate is unknown");
    let arrived = script(&trial).attempts().iter().filter(|attempt| !attempt.acknowledged).count();
    // The silence, and after the message: 421, 450, 550 and the cut.
    assert_eq!(arrived, 5, "nothing else arrived without being taken");
    trial.close().await;
}

async fn each_fault(trial: &mut Trial<'_>) {
    let server = script(trial);
    happens(trial, Fault::fall_silent(Step::EndOfData)).await;
    for step in STEPS {
        for code in CODES {
            happens_at(trial, step, Fault::reply(step, code, &format!("at the step {step:?}"))).await;
        }
        happens_at(trial, step, Fault::hang_up(step)).await;
    }
    assert_eq!(server.outstanding(), 0);
    eventually("what was refused for good is parked, and what is not known is said to be", SOON, async || {
        let counts = (trial.entries("parked").await, trial.entries("unknown").await);
        if counts == (REFUSED_FOR_GOOD, UNKNOWN) { Ok(()) } else { Err(format!("{counts:?}")) }
    })
    .await;
    let parked: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, reason FROM consumer_ledger WHERE state = 'parked' ORDER BY id")
            .fetch_all(&trial.admin)
            .await
            .unwrap();
    for step in [Step::Sender, Step::Recipient, Step::Data, Step::EndOfData] {
        let of_step = |reason: &str| reason.contains("550") && reason.contains(&format!("at the step {step:?}"));
        assert_eq!(parked.iter().filter(|(_, reason)| of_step(reason)).count(), 1, "{step:?} in {parked:?}");
    }
    // A person has them tried again.
    for (id, _) in parked {
        trial.shop.orders(&["parked", "retry", &id.to_string()]).run().await.succeeded();
    }
}

/// A fault of a connection's begin comes when there is a new one: when an open one is closed.
async fn happens_at(trial: &mut Trial<'_>, step: Step, fault: Fault) {
    let server = script(trial);
    if matches!(step, Step::Connect | Step::Hello) {
        server.script(Fault::reply(Step::Sender, 421, "closing").times(1));
    }
    happens(trial, fault).await;
}

/// Lets a fault happen, once.
async fn happens(trial: &mut Trial<'_>, fault: Fault) {
    let server = script(trial);
    server.script(fault.times(1));
    eventually("it happens", SOON, async || server.outstanding() == 0).await;
    trial.orders_go_on(1).await;
}
