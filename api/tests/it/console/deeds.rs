//! What can be done on the console, without a script: asked about first where it can't be taken back, and written down.

use super::support::{System, ask, done};
use crate::goods::support::{field, says};
use crate::http_support::BOUND;
use commands::staff::Role;
use testkit::eventually;

#[tokio::test]
async fn the_console_shows_how_everything_is_to_who_runs_the_system() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let page = staff.get("/ops/").await.is(200);
    says(&page, &["order_list", "order_mail", "sales", "Needs a person", "mailbox unavailable", "letter", "Follows"]);
    says(&page, &["Nobody has done anything yet", "2 partitions", "No members"]);
    says(&page, &["data-cell=\"task letter late\"", "In time", "0/h", "What needs a person, and what is next"]);
    says(&page, &["data-cell=\"task letter hour\"", "Done or last run", "data-cell=\"order_mail left\""]);
    let moved = staff.get("/ops").await.is(308);
    assert_eq!(moved.header("location"), "/ops/");
    let clerk = system.goods.staff(Role::Clerk).await;
    for path in [
        "/ops/",
        "/ops/stream",
        &ask("parked.discard 1"),
        "/ops/parked/",
        "/ops/parked/1/",
        "/ops/dead-letters/",
        "/ops/mails/",
        "/ops/projections/order_list/diff/",
    ] {
        clerk.get(path).await.is(403);
    }
    clerk.post("/ops/", &[("do", "parked.retry 1")]).await.is(403);
    assert_eq!(system.states().await, ["parked", "parked"]);
}

#[tokio::test]
async fn what_is_parked_is_retried_and_discarded_one_or_all() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Owner).await;
    let page = staff.get("/ops/parked/1/").await.is(200);
    says(&page, &["mailbox unavailable", "OrderPlaced", "Ada", "parked"]);
    assert!(done(&staff, &[("do", "parked.retry 1")]).await.contains("1 item is tried again."));
    assert_eq!(system.states().await, ["waiting", "parked"]);
    assert!(done(&staff, &[("do", "parked.discard 1")]).await.contains("does not need a person any more"));

    let asked = staff.get(&ask("parked.discard 2")).await.is(200);
    says(&asked, &["Discard item #2?", "mailbox unavailable"]);
    assert!(done(&staff, &[("do", &field(&asked, "do"))]).await.contains("1 item is discarded."));
    assert_eq!(system.states().await, ["waiting", "discarded"]);

    for _ in 0..3 {
        system.order().await;
    }
    system.park("another reason").await;
    let asked = staff.get(&ask("parked.discard.all consumer=order_mail")).await.is(200);
    says(&asked, &["Discard 3 items of order_mail?", "Discard 3 items</button>"]);
    system.order().await;
    system.park("yet another").await;
    // One more has come since it was asked about.
    let fields = [("do", field(&asked, "do")), ("count", field(&asked, "count"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(done(&staff, &fields).await.contains("There are 4 by now: nothing was done."));
    let asked = staff.get(&ask("parked.retry.all *")).await.is(200);
    says(&asked, &["Retry 4 items of all consumers?"]);
    assert!(done(&staff, &[("do", "parked.discard.all *"), ("count", "4")]).await.contains("4 items are discarded."));
    assert!(!system.states().await.contains(&"parked".to_owned()));

    let actions = system.actions().await;
    let done: Vec<_> =
        actions.iter().map(|(action, target, count)| (action.as_str(), target.as_str(), *count)).collect();
    assert_eq!(
        done,
        [("parked.retry", "1", Some(1)), ("parked.discard", "2", Some(1)), ("parked.discard", "", Some(4))]
    );
    let refused = system.refused().await;
    let refused: Vec<_> =
        refused.iter().map(|(action, target, why)| (action.as_str(), target.as_str(), why.as_deref())).collect();
    let changed = "there are 4 such items by now, and not 3";
    assert_eq!(
        refused,
        [("parked.discard", "1", Some("no such item needs a person")), ("parked.discard", "", Some(changed))]
    );
    says(&staff.get("/ops/").await.is(200), &["parked.discard", "The owner", "Refused", changed]);
}

#[tokio::test]
async fn a_group_is_paused_resumed_and_set_back_after_a_preview() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let asked = staff.get(&ask("consumer.pause order_mail")).await.is(200);
    says(&asked, &["Pause order_mail?", "Why"]);
    let paused = done(&staff, &[("do", "consumer.pause order_mail"), ("reason", "the server moves")]).await;
    assert!(paused.contains("It rests."), "{paused}");
    says(&staff.get("/ops/").await.is(200), &["Paused", "the server moves", "Resume"]);
    assert!(done(&staff, &[("do", "consumer.resume order_mail")]).await.contains("It goes on."));
    staff.post("/ops/", &[("do", "consumer.pause order_mail")]).await.is(400);

    let path = ask("consumer.rewind order_mail");
    says(&staff.get(&path).await.is(200), &["Show what that would mean"]);
    says(&staff.get(&format!("{path}&to=yesterday")).await.is(200), &["neither a position nor a time"]);
    let preview = staff.get(&format!("{path}&to=0")).await.is(200);
    // Both are in the ledger: it would act on neither.
    says(&preview, &["This would hand 2 events to order_mail; it would act on 0 of them."]);
    let (deed, token) = (field(&preview, "do"), field(&preview, "token"));
    let rewound = done(&staff, &[("do", &deed), ("token", &token)]).await;
    assert!(rewound.contains("2 events are handed over again; it acts on 0."), "{rewound}");
    let rewinds: i64 =
        sqlx::query_scalar("SELECT count(*) FROM consumer_rewinds").fetch_one(&system.goods.pool).await.unwrap();
    assert!(rewinds > 0);
    let page = staff.get("/ops/").await.is(200);
    says(&page, &["2 partitions are to go back behind position 0, and have not yet.", "Withdraw rewind"]);
    let withdrawn = done(&staff, &[("do", "consumer.withdraw_rewind order_mail")]).await;
    assert!(withdrawn.contains("2 partitions do not go back any more."), "{withdrawn}");
    assert!(!staff.get("/ops/").await.is(200).text.contains("Withdraw rewind"));
    let nothing = done(&staff, &[("do", "consumer.withdraw_rewind order_mail")]).await;
    assert!(nothing.contains("nothing was done"), "{nothing}");
    staff.post("/ops/", &[("do", "consumer.rewind order_mail"), ("token", "x")]).await.is(400);
    staff.get(&ask("consumer.pause nobody")).await.is(404);
}

#[tokio::test]
async fn a_build_is_asked_for_compared_promoted_and_rolled_back() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let asked = staff.get(&ask("projection.rebuild order_totals")).await.is(200);
    says(&asked, &["Build order_totals anew?", "Let it serve as soon as it is done"]);
    let told = done(&staff, &[("do", "projection.rebuild order_totals")]).await;
    assert!(told.contains("order_totals_v1_2 is being built."), "{told}");
    let build = system.built("order_totals", "ready").await;
    // What the console shows was gathered a moment ago.
    eventually("the console has seen it", BOUND, async || {
        let page = staff.get("/ops/").await.is(200);
        if ["Ready", "Promote"].iter().all(|word| page.text.contains(word)) { Ok(()) } else { Err(page.text) }
    })
    .await;
    says(&staff.get("/ops/").await.is(200), &[&build]);
    let diff = staff.get(&format!("/ops/projections/order_totals/diff/?b={build}")).await.is(200);
    says(&diff, &["Both say the same", "order_totals_v1_1"]);

    let asked = staff.get(&ask(&format!("projection.promote order_totals/{build}"))).await.is(200);
    says(&asked, &["Let order_totals_v1_2 serve order_totals?", "It replaces order_totals_v1_1."]);
    let (deed, active) = (field(&asked, "do"), field(&asked, "active"));
    assert!(done(&staff, &[("do", &deed), ("active", &active)]).await.contains("It serves."));
    // Asked about before somebody else promoted it: another one serves by now.
    let told = done(&staff, &[("do", &deed), ("active", &active)]).await;
    assert!(!told.contains("It serves."), "{told}");

    let asked = staff.get(&ask("projection.rollback order_totals")).await.is(200);
    says(&asked, &["Let order_totals_v1_1 serve order_totals again?"]);
    let (deed, active) = (field(&asked, "do"), field(&asked, "active"));
    assert!(done(&staff, &[("do", &deed), ("active", &active)]).await.contains("It serves."));
    let builds = system.builds("order_totals").await;
    assert_eq!(builds.first().map(|(_, state)| state.as_str()), Some("active"), "{builds:?}");
    staff.get(&ask("projection.rebuild nothing")).await.is(404);
    staff.get("/ops/projections/nothing/diff/").await.is(404);
}

#[tokio::test]
async fn while_postgresql_is_slow_the_last_board_is_shown_as_old() {
    const OLD: &str = "This is how it was at";
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    says(&staff.get("/ops/").await.is(200), &["order_list"]);
    let pool = system.goods.shop.db.superuser_pool().await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE operator_actions").execute(&mut *holder).await.unwrap();
    eventually("it is old", BOUND, async || staff.get("/ops/").await.is(200).text.contains(OLD)).await;
    says(&staff.get("/ops/").await.is(200), &["order_list", OLD]);
    holder.rollback().await.unwrap();
    eventually("it is as it is", BOUND, async || !staff.get("/ops/").await.is(200).text.contains(OLD)).await;
}

#[tokio::test]
async fn a_job_is_run_and_cancelled_and_both_are_written_down() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    assert!(done(&staff, &[("do", "schedule.run 1")]).await.contains("It runs now."));
    let asked = staff.get(&ask("schedule.cancel 1")).await.is(200);
    says(&asked, &["Cancel job #1, letter?", "Cancel 1 job"]);
    assert!(done(&staff, &[("do", "schedule.cancel 1")]).await.contains("It is cancelled."));
    assert!(done(&staff, &[("do", "schedule.cancel 1")]).await.contains("It is in no state for that"));
    let actions: Vec<String> = system.actions().await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(actions, ["schedule.run", "schedule.cancel"]);
    for wrong in ["schedule.run x", "rm -rf", ""] {
        staff.post("/ops/", &[("do", wrong)]).await.is(400);
    }
    staff.form("/ops/", &[("do", "schedule.run 1")]).await.is(403);
}
