//! Members of a group, as whoever runs the system sees them, and what each of their starts does.

use super::groups::until;
use super::process::{Plan, Process, SOON};
use super::shop::Shop;
use commands::{Clock, Schedule};
use consumers::groups::{self, GroupState};
use consumers::mails::Teller;
use consumers::parked::letters;
use consumers::{EmbeddedBroker, KafkaSettings, ReaderState};
use testkit::smtp::{Fault, Scripted, Step};
use testkit::{eventually, free_port};

#[tokio::test]
async fn a_member_that_does_not_reach_kafka_is_there_and_says_why_it_is_not_at_work() {
    let shop = Shop::open().await;
    let order = shop.place("Ada").await;
    let kafka = KafkaSettings::new(format!("127.0.0.1:{}", free_port()));
    let process = Process::start(&shop, Plan { relay: false, ..Plan::new(kafka, "console:") });
    let group = until(&shop, "it says what it lacks", |group| {
        group.members.iter().any(|member| member.state == "retrying" && member.detail.is_some())
    })
    .await;
    assert_eq!(group.state, GroupState::NotStarted, "it never got so far");
    let schedule = Schedule::new(shop.pool().clone(), Clock::system());
    let teller = Teller::open(&shop.log, &schedule).await.unwrap();
    let told = teller.of_order(order.id.parse().unwrap(), None).await.unwrap().unwrap();
    let why = told[0].why.as_deref().unwrap_or_default();
    assert!(why.starts_with("the consumer is not at work: ") && why.contains("127.0.0.1"), "{told:?}");

    let started = "INSERT INTO consumer_groups (consumer, started_after, finished_up_to) VALUES ('order_mail', 0, 0)";
    sqlx::query(started).execute(&shop.db.superuser_pool().await).await.unwrap();
    let group = until(&shop, "it is still there", |group| group.members.len() == 1).await;
    assert_eq!((group.state, group.members[0].holds.len()), (GroupState::Failing, 0));
    process.stop().await;
    until(&shop, "it is gone", |group| group.members.is_empty() && group.state == GroupState::NoMembers).await;
}

/// The broker of this process has forgotten nothing, and what an earlier start was sending may come to its end.
#[tokio::test]
async fn a_start_after_a_failure_takes_nothing_over_from_its_own_process() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let (superuser, kafka) = (shop.db.superuser_pool().await, broker.settings());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let letters = async |count: usize| {
        eventually(&format!("there are {count} dead letters"), SOON, async || {
            let letters = letters::browse(&kafka, None, 100).await.unwrap().letters;
            if letters.len() >= count { Ok(letters) } else { Err(format!("{letters:?}")) }
        })
        .await
    };
    let refused = async |email: &str| {
        server.script(Fault::reply(Step::Recipient, 550, "mailbox unavailable").only_for(email).times(1));
        let order = shop.place_for("Ada", email).await;
        shop.until(&order, "OrderPlaced", "parked").await;
    };
    refused("ada@example.com").await;
    letters(1).await;
    let under_way = shop.place("Grace").await;
    shop.until(&under_way, "OrderPlaced", "sent").await;
    until(&shop, "it is up to date", |group| group.lag.events == 0 && group.members.len() == 1).await;
    // As an earlier start leaves it whose last mail takes its time; and what lets the member fail that runs.
    sqlx::raw_sql(&format!(
        "UPDATE consumer_ledger SET state = 'sending', owner = gen_random_uuid(), due_at = now() + interval '1 hour'
          WHERE aggregate_id = '{}';
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             RAISE EXCEPTION 'not now';
         END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON consumer_groups
             FOR EACH ROW WHEN (NEW.finished_up_to < OLD.finished_up_to) EXECUTE FUNCTION refuse();
         INSERT INTO consumer_rewinds (consumer, topic, partition, position, ordered_at)
         VALUES ('order_mail', 'orders.events', 0, 0, now())",
        under_way.id
    ))
    .execute(&superuser)
    .await
    .unwrap();
    let mut status = process.consumers[0].clone();
    let failed = |state: &ReaderState| matches!(state, ReaderState::Retrying(reason) if reason.contains("not now"));
    let failed = status.wait_for(|status| failed(&status.state));
    tokio::time::timeout(SOON, failed).await.expect("it is started again").unwrap();
    sqlx::raw_sql("DROP TRIGGER refuse ON consumer_groups").execute(&superuser).await.unwrap();
    until(&shop, "it is at work again", |group| group.state == GroupState::Running && group.rewinding.is_empty()).await;

    refused("zoe@example.com").await;
    let items: Vec<_> = letters(2).await.into_iter().map(|letter| letter.item).collect();
    assert!(items.len() == 2 && items[0] != items[1], "each parking once: {items:?}");
    assert_eq!(shop.state(&under_way, "OrderPlaced").await.as_deref(), Some("sending"));
    process.stop().await;
}

#[tokio::test]
async fn open_effects_are_counted_up_to_a_bound_and_beyond_it_there_are_at_least_so_many() {
    let shop = Shop::open().await;
    let insert = |consumer: &str, state: &str, count: u32| {
        let insert = format!(
            "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                                          event_type, state, due_at, noted_at, changed_at)
             SELECT '{consumer}', gen_random_uuid(), gen_random_uuid(), 'order', n::text, 1, n, 'OrderPlaced', '{state}',
                    now() + interval '1 hour', now(), now()
               FROM generate_series(1, {count}) AS n"
        );
        let pool = shop.db.superuser_pool();
        async move {
            sqlx::query(&insert).execute(&pool.await).await.unwrap();
        }
    };
    insert("order_mail", "waiting", 100_000).await;
    insert("order_mail", "parked", 2).await;
    insert("newsletter", "unknown", 1).await;
    let counts = async |name: &str| {
        let group = groups::get(&shop.log, name).await.unwrap();
        let all = groups::list(&shop.log).await.unwrap();
        let same = all.iter().find(|group| group.name == name).unwrap();
        let counts = |group: &groups::Group| {
            let counts = [group.waiting, group.parked, group.unknown];
            (counts.map(|count| group.counted(count)), group.counts_are_exact)
        };
        assert_eq!(counts(&group), counts(same));
        counts(&group)
    };
    let told = |counts: [&str; 3]| counts.map(str::to_owned);
    assert_eq!(counts("order_mail").await, (told(["100000", "2", "0"]), true));
    insert("order_mail", "waiting", 100_000).await;
    assert_eq!(counts("order_mail").await, (told(["≥ 100000", "≥ 2", "≥ 0"]), false));
    assert_eq!(counts("newsletter").await, (told(["0", "0", "1"]), true));
}
