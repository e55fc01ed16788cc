//! The mail that follows a corrected address: once, to the new one, and not behind what the old one refused.

use super::process::{Plan, Process};
use super::shop::Shop;
use consumers::order_mail::OrderMail;
use consumers::{Consumer, EmbeddedBroker, parked};
use domain::Position;
use domain::ids::OrderId;
use testkit::smtp::{Fault, Scripted, Step};
use uuid::Uuid;

#[tokio::test]
async fn a_corrected_address_gets_the_confirmation_once_though_the_old_one_was_refused() {
    let (server, shop) = (Scripted::start(), Shop::open().await);
    let broker = EmbeddedBroker::start(6).unwrap();
    let (wrong, right) = (format!("{}@example.com", Uuid::now_v7()), format!("{}@example.com", Uuid::now_v7()));
    server.script(Fault::reply(Step::Recipient, 550, "no such mailbox").only_for(&wrong));
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let order = shop.place_for("Ada", &wrong).await;
    shop.until(&order, "OrderPlaced", "parked").await;

    let position: Position = shop.correct(&order, &right).await;
    shop.until(&order, "EmailCorrected", "waiting").await;
    let id = OrderId(order.id.parse().unwrap());
    let given_up = parked::give_up_earlier(shop.pool(), OrderMail::NAME, id, position, "staff:ada").await;
    assert_eq!(given_up.unwrap(), 1);
    shop.until(&order, "EmailCorrected", "sent").await;
    shop.until(&order, "OrderPlaced", "discarded").await;
    shop.pay(&order).await;
    shop.until(&order, "OrderPaid", "sent").await;
    let subjects = || {
        let mails = server.received().into_iter().filter(|mail| mail.is_for(&right));
        mails.map(|mail| mail.header("Subject").unwrap()).collect::<Vec<_>>()
    };
    let sent = subjects();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].contains(&order.number) && sent[1].contains(&order.number), "{sent:?}");
    assert!(server.received().iter().all(|mail| !mail.is_for(&wrong)));
    // A group that begins anew finds all of it done.
    process.stop().await;
    let again = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    again.relayed(&shop).await;
    again.stop().await;
    assert_eq!(subjects(), sent);
}
