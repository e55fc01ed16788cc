//! Every address that an order can bear is written to, as it stands.

use super::process::mail;
use consumers::Mailer;
use consumers::mail::{Letter, Outcome};
use domain::text::Email;
use testkit::smtp::{Fault, MailServer, Scripted, Step};

/// As the domain accepts them. What stands between quotes may hold all that has a meaning of its own in a header or a
/// dialogue.
const ADDRESSES: [&str; 18] = [
    "ada@example.com",
    "ada+tea@example.com",
    "a.b.c@mail.example.co.uk",
    "!#$%&'*+-/=?^_`{|}~@example.com",
    r#""ada lovelace"@example.com"#,
    r#""a@b"@example.com"#,
    r#""a,b"@example.com"#,
    r#""a;b"@example.com"#,
    r#""a:b"@example.com"#,
    r#""<>"@example.com"#,
    r#""a<b>c"@example.com"#,
    r#""a..b."@example.com"#,
    r#""(a)b"@example.com"#,
    r#""[a]"@example.com"#,
    r#""a.b"@example.com"#,
    r#""a> SIZE=1"@example.com"#,
    "zoë@bücher.example",
    "用户@例子.广告",
];

fn letter(address: &str) -> Letter<'_> {
    Letter {
        address,
        name: "Ada, \"Countess\" <Lovelace>".to_owned(),
        subject: "Order nr. 1001".to_owned(),
        text: "Dear Ada".to_owned(),
        html: "<p>Dear Ada</p>".to_owned(),
    }
}

async fn send(mailer: &Mailer, address: &str) -> Outcome {
    let message = mailer.compose(&letter(address), "one@leaf.example").expect(address);
    mailer.slot().await.send(&message).await
}

#[tokio::test]
async fn every_address_that_is_accepted_is_written_to_as_it_stands() {
    let server = Scripted::start();
    let mailer = Mailer::new(mail(&server.url(), None)).unwrap();
    for address in ADDRESSES {
        let email = Email::parse(address).expect(address);
        let outcome = send(&mailer, email.as_str()).await;
        assert!(matches!(outcome, Outcome::Sent(_)), "{address}: {outcome:?}");
    }
    let mails = server.received();
    assert_eq!(mails.len(), ADDRESSES.len());
    for (address, mail) in ADDRESSES.into_iter().zip(&mails) {
        assert_eq!(mail.envelope_to, [address]);
        assert_eq!(mail.envelope_from, "shop@leaf.example");
        let to = mail.header("To").unwrap();
        assert!(to.ends_with(&format!(" <{address}>")), "{to}");
        // This parser ends an address at a bracket, and begins a comment at a parenthesis, also between quotes.
        if !address.contains(['<', '>', '(']) {
            assert_eq!(mail.to().as_deref(), Some(address));
        }
    }
}

#[tokio::test]
async fn a_server_that_takes_ascii_alone_is_not_bothered_with_other_addresses() {
    let server = Scripted::start();
    server.script(Fault::reply(Step::Hello, 250, "an old server"));
    let mailer = Mailer::new(mail(&server.url(), None)).unwrap();
    for address in ["zoë@example.com", "ada@bücher.example"] {
        let outcome = send(&mailer, address).await;
        let Outcome::Permanent(reason) = outcome else { panic!("{address}: {outcome:?}") };
        assert!(reason.contains("SMTPUTF8") && !reason.contains(address), "{reason}");
    }
    let outcome = send(&mailer, r#""ada lovelace"@example.com"#).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn what_a_server_says_of_a_quoted_address_is_kept_without_it() {
    let server = Scripted::start();
    let mailer = Mailer::new(mail(&server.url(), None)).unwrap();
    server.script(Fault::reply(Step::Recipient, 550, r#"<"ada lovelace"@example.com>: no ada lovelace, "Lovelace""#));
    let outcome = send(&mailer, r#""ada lovelace"@example.com"#).await;
    let Outcome::NoRecipient(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("550") && reason.contains("no"), "{reason}");
    assert!(!reason.to_lowercase().contains("ada") && !reason.to_lowercase().contains("lovelace"), "{reason}");
}

#[tokio::test]
async fn a_real_server_takes_every_address() {
    let server = MailServer::shared();
    let mailer = Mailer::new(mail(&server.starttls_url(), Some(&server.certificates().authority()))).unwrap();
    for address in ADDRESSES {
        let outcome = send(&mailer, address).await;
        assert!(matches!(outcome, Outcome::Sent(_)), "{address}: {outcome:?}");
    }
}
