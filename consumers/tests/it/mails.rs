//! What the mails say.

use super::process::{Plan, Process, SOON, mail};
use super::shop::Shop;
use consumers::EmbeddedBroker;
use testkit::smtp::MailServer;

#[tokio::test]
async fn a_placed_order_is_confirmed_and_a_paid_one_gets_its_receipt() {
    let server = MailServer::shared();
    let shop = Shop::open().await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let authority = server.certificates().authority();
    let plan = Plan::new(broker.settings(), &server.starttls_url());
    let plan = Plan { mail: mail(&server.starttls_url(), Some(&authority)), ..plan };
    let _process = Process::start(&shop, plan);
    let order = shop.place("Ada").await;
    shop.pay(&order).await;

    let mails = server.wait_for(&order.email, 2, SOON).await;
    let [confirmation, receipt] = &mails[..] else { panic!("{} mails", mails.len()) };
    assert_eq!(confirmation.subject(), format!("Order nr. {}", order.number));
    assert_eq!(receipt.subject(), format!("Receipt for order nr. {}", order.number));
    assert_eq!(confirmation.to(), Some(order.email.clone()));
    for mail in &mails {
        let text = mail.text().unwrap();
        assert!(text.starts_with("Dear Ada,"), "{text}");
        assert!(text.contains("2 x Green tea <& cake>"), "{text}");
        assert!(text.contains("$25.00"), "{text}");
        let html = mail.html().unwrap();
        assert!(html.contains("Dear Ada,") && html.contains("$25.00"), "{html}");
        assert!(html.contains("Green tea &#60;&#38; cake&#62;"), "what a catalogue says is escaped: {html}");
        assert!(!html.contains("<& cake>"), "{html}");
        assert!(mail.message_id().unwrap().ends_with("@leaf.example"));
    }
    assert!(confirmation.text().unwrap().contains("12 St James's Square"));
    assert_ne!(confirmation.message_id(), receipt.message_id());
}
