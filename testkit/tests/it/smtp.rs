//! The mail server with TLS and login.

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use testkit::smtp::MailServer;

const BOUND: Duration = Duration::from_secs(10);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// A client that trusts the server's authority, set up by URL as the program's own is.
fn transport(server: &MailServer, url: &str) -> Transport {
    let authority = Certificate::from_pem(&std::fs::read(server.certificates().authority()).unwrap()).unwrap();
    let parameters = TlsParameters::builder("localhost".into()).add_root_certificate(authority).build().unwrap();
    let tls = if url.starts_with("smtps:") { Tls::Wrapper(parameters) } else { Tls::Required(parameters) };
    Transport::from_url(url).unwrap().tls(tls).build()
}

fn greeting(to: &str) -> Message {
    let text = "Dear Zoë,\n.\nthis line stood after a lone dot.\n";
    Message::builder()
        .from("Shop <shop@example.com>".parse::<Mailbox>().unwrap())
        .to(to.parse().unwrap())
        .subject("Grüße")
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), "<p>Dear Zoë</p>".to_owned()))
        .unwrap()
}

#[tokio::test]
async fn mail_sent_by_starttls_and_by_tls_is_in_the_mailbox() {
    let server = MailServer::shared();
    for (to, url) in [("starttls@example.com", server.starttls_url()), ("tls@example.com", server.tls_url())] {
        transport(server, &url).send(greeting(to)).await.unwrap();
        let mails = server.wait_for(to, 1, BOUND).await;
        let [mail] = mails.as_slice() else { panic!("one mail, not {mails:?}") };
        assert!(mail.encrypted, "{to}");
        assert_eq!(mail.login.as_deref(), Some(server.user()));
        assert_eq!(mail.envelope_from, "shop@example.com");
        assert_eq!(mail.envelope_to, [to]);
        assert_eq!((mail.from().as_deref(), mail.to().as_deref()), (Some("shop@example.com"), Some(to)));
        assert_eq!(mail.subject(), "Grüße");
        assert_eq!(mail.header("MIME-Version").as_deref(), Some("1.0"));
        assert!(mail.text().unwrap().contains("Zoë,\r\n.\r\nthis line"), "{:?}", mail.text());
        assert_eq!(mail.html().unwrap().trim(), "<p>Dear Zoë</p>");
    }
}

#[tokio::test]
async fn without_tls_login_or_trust_nothing_is_taken() {
    let server = MailServer::shared();
    let to = "refused@example.com";
    let in_clear = server.starttls_url().replace("?tls=required", "");
    let client = Transport::from_url(&in_clear).unwrap().build();
    assert!(client.send(greeting(to)).await.is_err(), "in clear");

    let anonymous = format!("smtps://localhost:{}", server.tls_url().rsplit_once(':').unwrap().1);
    assert!(transport(server, &anonymous).send(greeting(to)).await.is_err(), "without login");

    let wrong = server.tls_url().replace(server.password(), "wrong");
    let refusal = transport(server, &wrong).send(greeting(to)).await.unwrap_err();
    assert!(refusal.is_permanent(), "{refusal}");

    let untrusting = Transport::from_url(&server.tls_url()).unwrap().build();
    assert!(untrusting.send(greeting(to)).await.is_err(), "an unknown authority");
    assert!(server.mailbox(to).is_empty());
}

#[tokio::test]
async fn a_restarted_server_keeps_its_mailboxes() {
    let (server, to) = (MailServer::start(), "kept@example.com");
    let client = transport(&server, &server.tls_url());
    client.send(greeting(to)).await.unwrap();
    server.kill();
    assert!(client.send(greeting(to)).await.is_err(), "it is away");
    server.restart();
    client.send(greeting(to)).await.unwrap();
    assert_eq!(server.mailbox(to).len(), 2);
}
