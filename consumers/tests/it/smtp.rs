//! What each way of failing at each step of the SMTP dialogue comes to.

use super::process::mail;
use consumers::mail::{Letter, MailBackend, Outcome};
use consumers::{ConsumerSettings, Mailer};
use std::time::Duration;
use testkit::smtp::{Fault, MailServer, Scripted, Step};

fn letter(address: &str) -> Letter<'_> {
    Letter {
        address,
        name: "Ada Lovelace".to_owned(),
        subject: "Order nr. 1001".to_owned(),
        text: "Dear Ada\n.\n..and so on: £12".to_owned(),
        html: "<p>Dear Ada</p>".to_owned(),
    }
}

async fn send(mailer: &Mailer, address: &str, id: &str) -> Outcome {
    let message = mailer.compose(&letter(address), id).unwrap();
    mailer.slot().await.send(&message).await
}

fn mailer(server: &Scripted) -> Mailer {
    Mailer::new(mail(&server.url(), None)).unwrap()
}

#[tokio::test]
async fn each_fault_at_each_step_is_told_for_what_it_is() {
    const BEFORE: [Step; 5] = [Step::Connect, Step::Hello, Step::Sender, Step::Recipient, Step::Data];
    let temporary = |outcome: &Outcome| matches!(outcome, Outcome::Temporary(_));
    let unreachable = |outcome: &Outcome| matches!(outcome, Outcome::Unreachable(_));
    let permanent = |outcome: &Outcome| matches!(outcome, Outcome::Permanent(_));
    let no_recipient = |outcome: &Outcome| matches!(outcome, Outcome::NoRecipient(_));
    let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_));
    for step in BEFORE {
        // About the server as a whole, even a 5yz may be gone later; about this mail, it is final.
        let (for_now, for_good): (Told, Told) = match step {
            Step::Recipient => (temporary, no_recipient),
            Step::Sender | Step::Data => (temporary, permanent),
            _ => (unreachable, unreachable),
        };
        check(Fault::reply(step, 421, "closing"), "421", for_now).await;
        check(Fault::reply(step, 450, "busy"), "450", for_now).await;
        check(Fault::reply(step, 550, "no"), "550", for_good).await;
        check(Fault::hang_up(step), "hang up", for_now).await;
    }
    check(Fault::reply(Step::EndOfData, 421, "closing"), "421", temporary).await;
    check(Fault::reply(Step::EndOfData, 451, "busy"), "451", temporary).await;
    check(Fault::reply(Step::EndOfData, 554, "no"), "554", permanent).await;
    check(Fault::hang_up(Step::EndOfData), "hang up", unknown).await;
}

/// Whether an outcome is what it should be.
type Told = fn(&Outcome) -> bool;

async fn check(fault: Fault, name: &str, expected: Told) {
    let server = Scripted::start();
    server.script(fault.clone());
    let outcome = send(&mailer(&server), "ada@example.com", "one@leaf.example").await;
    assert!(expected(&outcome), "{name}, {fault:?}: {outcome:?}");
    let told = format!("{outcome:?}");
    assert!(!told.contains("ada@example.com") && !told.contains("Lovelace"), "{told}");
}

/// Encryption and login are about the server as a whole: whatever it says there, the mail can be tried again.
#[tokio::test]
async fn each_fault_at_encryption_and_at_login_is_about_the_server() {
    for (step, offer, login, query) in
        [(Step::StartTls, "STARTTLS", "", "?tls=required"), (Step::Login, "AUTH PLAIN", "orders:s3cret@", "")]
    {
        let faults = [
            (Fault::reply(step, 421, "closing"), "421"),
            (Fault::reply(step, 454, "not now"), "454"),
            (Fault::reply(step, 535, "no"), "535"),
            (Fault::reply(step, 550, "no"), "550"),
            (Fault::hang_up(step), ""),
            (Fault::fall_silent(step), "no answer in time"),
        ];
        // Before the first connects: reading the authorities takes a while, in which nobody would be listened to.
        let scripted = faults.map(|(fault, said)| {
            let server = Scripted::offering(&[offer]);
            server.script(fault.times(1));
            let url = format!("smtp://{login}127.0.0.1:{}{query}", server.port());
            (Mailer::new(mail(&url, None)).unwrap(), server, said)
        });
        let checks = scripted.map(async |(mailer, server, said)| {
            let outcome = send(&mailer, "ada@example.com", "one@leaf.example").await;
            let Outcome::Unreachable(reason) = &outcome else { panic!("{step:?}, {said}: {outcome:?}") };
            assert!(reason.contains(said) && !reason.contains("s3cret"), "{step:?}, {said}: {reason}");
            assert_eq!((server.outstanding(), server.attempts().len()), (0, 0), "{step:?}, {said}");
        });
        futures::future::join_all(checks).await;
    }
}

/// After a refused recipient: the refusal stands, and the next mail goes over a connection of its own.
#[tokio::test]
async fn each_fault_at_a_reset_costs_the_connection_and_nothing_else() {
    let faults = [
        Fault::reply(Step::Reset, 421, "closing"),
        Fault::reply(Step::Reset, 450, "busy"),
        Fault::reply(Step::Reset, 550, "no"),
        Fault::hang_up(Step::Reset),
        Fault::fall_silent(Step::Reset),
    ];
    let checks = faults.map(async |fault| {
        let server = Scripted::start();
        server.script(Fault::reply(Step::Recipient, 550, "no").times(1));
        server.script(fault.clone().times(1));
        let mailer = mailer(&server);
        let refused = send(&mailer, "ada@example.com", "one@leaf.example").await;
        assert!(
            matches!(&refused, Outcome::NoRecipient(reason) if reason.contains("RCPT TO")),
            "{fault:?}: {refused:?}"
        );
        assert_eq!(server.outstanding(), 0, "{fault:?}");
        let next = send(&mailer, "ada@example.com", "two@leaf.example").await;
        assert!(matches!(next, Outcome::Sent(_)), "{fault:?}: {next:?}");
        assert_eq!((server.connections(), server.received().len()), (2, 1), "{fault:?}");
    });
    futures::future::join_all(checks).await;
}

#[tokio::test]
async fn silence_before_the_message_is_temporary_and_after_it_unknown() {
    let (before, after) = (Scripted::start(), Scripted::start());
    before.script(Fault::fall_silent(Step::Recipient));
    after.script(Fault::fall_silent(Step::EndOfData));
    let (early, late) = (mailer(&before), mailer(&after));
    let outcomes = tokio::join!(
        send(&early, "ada@example.com", "one@leaf.example"),
        send(&late, "ada@example.com", "one@leaf.example")
    );
    assert!(matches!(outcomes.0, Outcome::Temporary(_)), "{outcomes:?}");
    assert!(matches!(outcomes.1, Outcome::Unknown(_)), "{outcomes:?}");
}

#[test]
fn the_lease_of_a_mail_under_way_outlasts_the_longest_send() {
    let seconds = Duration::from_secs;
    let longest = |connect, envelope, message| {
        let mut settings = mail("smtp://127.0.0.1:1", None);
        let MailBackend::Smtp(server) = &mut settings.backend else { panic!("an SMTP server") };
        server.timeouts.connect = seconds(connect);
        server.timeouts.envelope = seconds(envelope);
        server.timeouts.message = seconds(message);
        let mailer = Mailer::new(settings).unwrap();
        assert!(ConsumerSettings::default().sending_lease(&mailer) > mailer.longest_send());
        mailer.longest_send()
    };
    // A dead connection, a fresh one, and there the message, or the reset after a refusal: whichever takes longer.
    assert_eq!(longest(10, 15, 600), seconds(15 + 10 + 15 + 600));
    assert_eq!(longest(10, 300, 1), seconds(300 + 10 + 300 + 300));
    let console = Mailer::new(mail("console:", None)).unwrap();
    assert!(ConsumerSettings::default().sending_lease(&console) > console.longest_send());
}

#[tokio::test]
async fn connections_are_kept_and_a_dead_one_is_replaced_once() {
    let server = Scripted::start();
    let mailer = mailer(&server);
    for _ in 0..3 {
        assert!(matches!(send(&mailer, "ada@example.com", "one@leaf.example").await, Outcome::Sent(_)));
    }
    assert_eq!(server.connections(), 1);
    server.script(Fault::reply(Step::Sender, 421, "idle for too long").times(1));
    assert!(matches!(send(&mailer, "ada@example.com", "one@leaf.example").await, Outcome::Sent(_)));
    assert_eq!(server.connections(), 2);
    // A refused mail leaves its connection as it was.
    server.script(Fault::reply(Step::Recipient, 550, "no").times(1));
    assert!(matches!(send(&mailer, "ada@example.com", "one@leaf.example").await, Outcome::NoRecipient(_)));
    assert!(matches!(send(&mailer, "ada@example.com", "one@leaf.example").await, Outcome::Sent(_)));
    assert_eq!(server.connections(), 2);
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn what_the_server_says_is_kept_without_the_address() {
    let server = Scripted::start();
    server.script(Fault::reply(Step::Recipient, 550, "5.1.1 <ada@example.com>: user ada unknown"));
    let outcome = send(&mailer(&server), "ada@example.com", "one@leaf.example").await;
    let Outcome::NoRecipient(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("550") && reason.contains("unknown"), "{reason}");
    assert!(!reason.contains("ada"), "{reason}");
}

#[tokio::test]
async fn a_real_server_takes_it_by_starttls_and_by_tls_after_a_login() {
    let server = MailServer::shared();
    let authority = server.certificates().authority();
    for (url, address) in [(server.starttls_url(), "starttls@example.com"), (server.tls_url(), "tls@example.com")] {
        let mailer = Mailer::new(mail(&url, Some(&authority))).unwrap();
        let outcome = send(&mailer, address, "real@leaf.example").await;
        assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
        let mails = server.wait_for(address, 1, Duration::from_secs(10)).await;
        let mail = &mails[0];
        assert!(mail.encrypted);
        assert_eq!(mail.login.as_deref(), Some(server.user()));
        assert_eq!(mail.envelope_from, "shop@leaf.example");
        assert_eq!(mail.from().as_deref(), Some("shop@leaf.example"));
        assert_eq!(mail.reply_to().as_deref(), Some("help@leaf.example"));
        assert_eq!(mail.message_id().as_deref(), Some("real@leaf.example"));
        assert_eq!(mail.subject(), "Order nr. 1001");
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
        let text = mail.text().unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end(), "Dear Ada\n.\n..and so on: £12");
    }
}

#[tokio::test]
async fn without_trust_or_with_a_wrong_password_nothing_goes_out() {
    let server = MailServer::shared();
    let untrusted = Mailer::new(mail(&server.tls_url(), None)).unwrap();
    let outcome = send(&untrusted, "untrusted@example.com", "one@leaf.example").await;
    assert!(matches!(outcome, Outcome::Unreachable(_)), "{outcome:?}");
    let url = server.starttls_url().replace(server.password(), "wrong");
    let stranger = Mailer::new(mail(&url, Some(&server.certificates().authority()))).unwrap();
    let outcome = send(&stranger, "stranger@example.com", "one@leaf.example").await;
    let Outcome::Unreachable(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("535"), "{reason}");
}

#[tokio::test]
async fn files_are_whole_and_a_second_copy_shows() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", directory.path().display());
    let mailer = Mailer::new(mail(&url, None)).unwrap();
    for _ in 0..2 {
        assert!(matches!(send(&mailer, "ada@example.com", "one@leaf.example").await, Outcome::Sent(_)));
    }
    let mut names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["one.2.eml", "one.eml"]);
    let mail = std::fs::read_to_string(directory.path().join("one.eml")).unwrap();
    assert!(mail.contains("Subject: Order nr. 1001\r\n"), "{mail}");
}
